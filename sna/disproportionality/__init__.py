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
from sna.disproportionality.groups import add_ethnic_group
from sna.disproportionality.tables import (
    compare_boroughs,
    compare_chain,
    compare_people,
    compare_readings,
    follow_people,
    missing_facts,
    rates_by_age,
    rates_by_deprivation,
    select_people,
)

__all__ = [
    "add_ethnic_group",
    "add_place_adjusted",
    "age_curve",
    "compare_boroughs",
    "compare_chain",
    "compare_groups",
    "compare_people",
    "compare_readings",
    "compare_stages",
    "compare_standardised",
    "count_groups",
    "count_overlap",
    "count_repeats",
    "deprivation_gradient",
    "first_entrants",
    "follow_people",
    "missing_by_month",
    "missing_facts",
    "rates_by_age",
    "rates_by_deprivation",
    "recurrence_curve",
    "select_people",
]
