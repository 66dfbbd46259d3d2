"""Who is affected, compared with whom, and what is not known."""

from sna.disproportionality.adjust import (
    add_place_adjusted,
    compare_stages,
    compare_standardised,
    deprivation_gradient,
)
from sna.disproportionality.cohorts import (
    age_curve,
    count_overlap,
    count_repeats,
    first_entrants,
    recurrence_curve,
)
from sna.disproportionality.compare import compare_groups, count_groups, missing_by_month
from sna.disproportionality.groups import add_ethnic_group, age_group, choose_population

__all__ = [
    "add_ethnic_group",
    "add_place_adjusted",
    "age_curve",
    "age_group",
    "choose_population",
    "compare_groups",
    "compare_stages",
    "compare_standardised",
    "count_groups",
    "count_overlap",
    "count_repeats",
    "deprivation_gradient",
    "first_entrants",
    "missing_by_month",
    "recurrence_curve",
]
