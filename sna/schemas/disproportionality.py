"""Result tables of people: groups compared, what is missing, curves and cohorts."""

from sna.schemas.results import Derived, Estimate, ResultTable, register

ROLES = {  # role in the record -> how a sentence names the people
    "victim": "people recorded as victims",
    "suspect": "people recorded as suspects",
    "searched": "people searched",
    "detained": "people detained",
    "proceeded_against": "people proceeded against",
}
KINDS = ("borough_code", "reading", "year", "stage")  # what a comparison may run over
STRATA = ("context", "sex", "age_group", "ethnic_group")
_PERIOD = ("start_month", "end_month")
_FOUR = ("people", "population", "reference_people", "reference_population")
_SHARE = ("missing_people", "all_people")
_OUTSIDE = ("people", "population", "reference_if_outside", "reference_population")
_INSIDE = ("people_if_inside", "population", "reference_people", "reference_population")
_RATE = Derived("rate", "rate", ("people", "population"), ("lower_ci", "upper_ci"))
_UNITS = {"people": "people", "population": "residents", "rate": "people per 1,000 residents"}


def _estimates(count: str, *names: str) -> tuple[Estimate, ...]:
    return tuple(Estimate(name, count) for name in names)


GROUP_COMPARISON = ResultTable(
    "group_comparison",
    "one row a role, group and stratum (borough, reading, year, stage, context, sex, age group; "
    "all where it is not split), compared with the reference group of the stratum",
    keys=("person_role", *KINDS, *STRATA),
    counts=("people", "reference_people", "known_people", *_SHARE, _INSIDE[0], _OUTSIDE[2]),
    derived=(
        _RATE,
        Derived("rate_ratio", "rate_ratio", _FOUR, ("ratio_lower_ci", "ratio_upper_ci")),
        Derived(
            "rate_difference",
            "rate_difference",
            _FOUR,
            ("difference_lower_ci", "difference_upper_ci"),
        ),
        Derived("share_people", "share", ("people", "known_people")),
        Derived("missing_share", "share", _SHARE),
        Derived("ratio_if_outside", "rate_ratio", _OUTSIDE),
        Derived("ratio_if_inside", "rate_ratio", _INSIDE),
    ),
    estimates=(
        *_estimates("people", "modelled_ratio", "modelled_lower_ci", "modelled_upper_ci"),
        *_estimates("people", "expected", "target", "lower_95", "upper_95", "lower_998"),
        *_estimates("people", "upper_998", "ratio_change", "change_lower_ci", "change_upper_ci"),
    ),
    plain=("population", "population_year", "scheme", "reference_group", "reference_population",
           "share_population", "caution", "is_sensitivity", "is_overdispersed", "is_this_borough",
           "before", *_PERIOD),
    units=_UNITS,
)  # fmt: skip
MISSING_FACTS = ResultTable(
    "missing_facts",
    "one row a role, fact and month: people whose fact is not recorded",
    keys=("person_role", "fact", "month"),
    counts=_SHARE,
    derived=(Derived("missing_share", "share", _SHARE, ("lower_ci", "upper_ci")),),
    plain=_PERIOD,
)
PEOPLE_CURVE = ResultTable(
    "people_curve",
    "one row a role and single year of age, or decile of deprivation (1 is most deprived)",
    keys=("person_role", "age", "decile"),
    counts=("people", "all_people"),
    derived=(_RATE,),
    estimates=_estimates("all_people", "sii", "sii_lower_ci", "sii_upper_ci", "rii",
                         "rii_lower_ci", "rii_upper_ci"),
    plain=("population", *_PERIOD),
    units=_UNITS,
)  # fmt: skip
RECURRENCE = ResultTable(
    "recurrence",
    "one row a role and month since a person's first record",
    keys=("person_role", "months_since"),
    counts=("at_risk", "again"),
    estimates=_estimates("again", "share_again", "lower_ci", "upper_ci"),
    plain=_PERIOD,
)
COHORT_COUNTS = ResultTable(
    "cohort_counts",
    "one row a role, cohort (repeats, overlap, first entries) and category",
    keys=("person_role", "cohort", "category"),
    counts=("people", "all_people", "offences", "all_offences"),
    derived=(
        Derived("share_people", "share", ("people", "all_people")),
        Derived("share_offences", "share", ("offences", "all_offences")),
    ),
    plain=_PERIOD,
)
register(GROUP_COMPARISON, MISSING_FACTS, PEOPLE_CURVE, RECURRENCE, COHORT_COUNTS)
