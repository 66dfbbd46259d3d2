"""Who is affected, compared with whom, and what is not known."""
# ruff: noqa: F401

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
from sna.disproportionality.people import select_people
from sna.disproportionality.tables import (
    compare_boroughs,
    compare_chain,
    compare_people,
    compare_readings,
    follow_people,
    missing_facts,
    rates_by_age,
    rates_by_deprivation,
)
