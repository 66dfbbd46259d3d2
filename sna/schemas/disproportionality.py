"""Result tables of the comparison of groups."""

from sna.schemas.results import Derived, Estimate, ResultTable, register

ROLES = {  # role in the record -> how a sentence names the people
    "victim": "people recorded as victims",
    "suspect": "people recorded as suspects",
    "searched": "people searched",
    "detained": "people detained",
    "proceeded_against": "people proceeded against",
}
_STRATA = ("ethnic_group", "sex", "age_group", "context")
_PERIOD = ("start_month", "end_month")
_BASE = ("population", "population_year", "scheme")
_REFERENCE = ("reference_group", "reference_population")
_RATIO = Derived(
    "rate_ratio", "rate_ratio",
    ("people", "population", "reference_people", "reference_population"),
    ("ratio_lower_ci", "ratio_upper_ci"),
)  # fmt: skip
_RATE = Derived("rate", "rate", ("people", "population"), ("lower_ci", "upper_ci"))
_COMPARED = (
    _RATE, _RATIO,
    Derived("rate_difference", "rate_difference", _RATIO.inputs,
            ("difference_lower_ci", "difference_upper_ci")),
    Derived("share_people", "share", ("people", "known_people")),
    Derived("missing_share", "share", ("missing_people", "all_people")),
    Derived("ratio_if_outside", "rate_ratio",
            ("people", "population", "reference_if_outside", "reference_population")),
    Derived("ratio_if_inside", "rate_ratio",
            ("people_if_inside", "population", "reference_people", "reference_population")),
)  # fmt: skip
_COUNTS = ("people", "reference_people", "known_people", "missing_people", "all_people",
           "people_if_inside", "reference_if_outside")  # fmt: skip
_UNITS = {"people": "people", "population": "residents", "rate": "people per 1,000 residents"}

GROUP_COMPARISON = ResultTable(
    "group_comparison",
    "one row a role, group and stratum, compared with the reference group of its stratum",
    keys=("person_role", *_STRATA),
    counts=_COUNTS,
    derived=_COMPARED,
    plain=(*_BASE, *_REFERENCE, "share_population", "per", "caution", "is_sensitivity", *_PERIOD),
    units=_UNITS,
)
GROUP_YEARS = ResultTable(
    "group_years",
    "one row a role, ethnic group and year (its last month)",
    keys=("person_role", "ethnic_group", "year"),
    counts=_COUNTS,
    derived=_COMPARED,
    estimates=tuple(
        Estimate(name, "people") for name in ("ratio_change", "change_lower_ci", "change_upper_ci")
    ),
    plain=(*_BASE, *_REFERENCE, "share_population", "per", "caution", *_PERIOD),
    units=_UNITS,
)
BOROUGH_RATIOS = ResultTable(
    "borough_ratios",
    "one row a role, borough and ethnic group, against the place-adjusted ratio of London",
    keys=("person_role", "borough_code", "ethnic_group"),
    counts=("people", "reference_people"),
    derived=(_RATE, _RATIO),
    estimates=tuple(
        Estimate(name, "people")
        for name in ("information", "target", "lower_95", "upper_95", "lower_998", "upper_998")
    ),
    plain=(*_BASE, *_REFERENCE, "per", "caution", "is_overdispersed", "is_this_borough", *_PERIOD),
    units=_UNITS,
)
RATIO_READINGS = ResultTable(
    "ratio_readings",
    "one row a role, reading and ethnic group: the same ratio under other assumptions",
    keys=("person_role", "reading", "ethnic_group"),
    counts=("people", "reference_people"),
    derived=(_RATIO,),
    estimates=tuple(
        Estimate(name, "people")
        for name in ("modelled_ratio", "modelled_lower_ci", "modelled_upper_ci")
    ),
    plain=("population", *_REFERENCE, *_PERIOD),
    units=_UNITS,
)
MISSING_FACTS = ResultTable(
    "missing_facts",
    "one row a role, fact and month: people whose fact is not recorded",
    keys=("person_role", "fact", "month"),
    counts=("missing_people", "all_people"),
    derived=(
        Derived("missing_share", "share", ("missing_people", "all_people"),
                ("lower_ci", "upper_ci")),
    ),
    plain=_PERIOD,
    units={"missing_people": "people", "all_people": "people"},
)  # fmt: skip

register(GROUP_COMPARISON, GROUP_YEARS, BOROUGH_RATIOS, RATIO_READINGS, MISSING_FACTS)
