"""Figures of people: headline from the numbers, or a neutral title."""

from sna.charts import disproportionality as charts
from sna.disclosure.protected import ProtectedTable
from sna.figures.figure import Figure, Table
from sna.narrative import disproportionality as words
from sna.narrative.words import check_words, format_ratio
from sna.schemas.disproportionality import ROLES

_SPLITS = {"context": "Context", "sex": "Sex", "age_group": "Age", "ethnic_group": "Ethnic group",
           "borough_code": "Borough code", "reading": "Reading", "year": "Year ending",
           "stage": "Stage"}  # fmt: skip
_RATE = {"people": "People", "population": "Residents", "rate": "Rate per 1,000",
         "lower_ci": "Rate, lower limit", "upper_ci": "Rate, upper limit"}  # fmt: skip
_RATIO = {"rate_ratio": "Rate ratio", "ratio_lower_ci": "Ratio, lower limit",
          "ratio_upper_ci": "Ratio, upper limit", "reference_group": "Compared with"}  # fmt: skip
_REST = {"rate_difference": "Difference per 1,000", "share_people": "Share of people counted",
         "share_population": "Share of residents", "missing_share": "Share not stated",
         "ratio_if_outside": "Ratio, all not stated compared with",
         "ratio_if_inside": "Ratio, all not stated in the group",
         "population_year": "Year of residents"}  # fmt: skip
_KIND = {  # what the comparison runs over -> title, columns, note
    "": ("compared", {**_RATE, **_RATIO, **_REST},
         "Residents are not everyone who was there to be counted. Only people with a recorded "
         "group are compared; the table gives the ratio if the others belonged to either side."),
    "year": ("the ratio by year",
             {**_RATE, **_RATIO, "ratio_change": "Against the first year",
              "change_lower_ci": "Change, lower limit", "change_upper_ci": "Change, upper limit"},
             "All years use the residents of one Census year."),
    "stage": ("each stage against the one before",
              {"before": "Counted against", **_RATE, **_RATIO},
              "Later stages are per 100 people of the stage before."),
    "reading": ("how far the ratio depends on what is assumed",
                {**_RATE, **_RATIO, "modelled_ratio": "Modelled ratio",
                 "modelled_lower_ci": "Modelled, lower limit",
                 "modelled_upper_ci": "Modelled, upper limit"},
                "A circle is recomputed from counts, a square is modelled. The first reading is "
                "the recorded one."),
    "borough_code": ("the borough among London's",
                     {**_RATE, **_RATIO, "target": "London, within boroughs",
                      "expected": "People expected", "lower_998": "Funnel, lower 99.8%",
                      "upper_998": "Funnel, upper 99.8%"},
                     "Boroughs stand in no order. London's ratio compares people within each "
                     "borough; lines are 95% and 99.8% limits."),
}  # fmt: skip
_PEOPLE = {  # contract -> title, subtitle, columns, note
    "missing_facts": (
        "What is not recorded", "Share not recorded by month",
        {"month": "Month", "fact": "Fact", "missing_people": "Not recorded", "all_people": "People",
         "missing_share": "Share", "lower_ci": "Lower limit", "upper_ci": "Upper limit"},
        "Over 10% a comparison needs caution; over 25% no headline ratio is given."),
    "people_curve": (
        "Rates along a scale", "People per 1,000 residents with 95% interval",
        {"age": "Age", "decile": "Decile", **_RATE, "sii": "Slope index", "rii": "Relative index"},
        "Age is in years; decile 1 is the most deprived tenth of small areas in England."),
    "recurrence": (
        "Recorded again", "Share of people recorded again, by months since their first record",
        {"months_since": "Months", "at_risk": "People followed", "again": "People again",
         "share_again": "Share", "lower_ci": "Lower limit", "upper_ci": "Upper limit"},
        "Kaplan-Meier estimate; repeats under another identifier are not seen."),
    "cohort_counts": (
        "People who appear more than once", "People by cohort",
        {"cohort": "Cohort", "category": "Category", "people": "People", "all_people": "Of people",
         "share_people": "Share of people", "offences": "Offences",
         "share_offences": "Share of offences"},
        "People with an identifier in these records only; counts are of people, not events."),
}  # fmt: skip


def _subtitle(protected: ProtectedTable, what: str) -> str:
    return f"{what}, {words.setting(protected)}"


def _role(protected: ProtectedTable) -> tuple[str, str]:
    role = str(protected.table["person_role"].iloc[0]) if len(protected.table) else "people"
    return role, ROLES.get(role, role)


def _source(protected: ProtectedTable) -> str:
    return f"{', '.join(filter(None, protected.sources)) or 'none'}; residents from the Census"


def show_groups(protected: ProtectedTable) -> Figure:
    """Show a comparison of groups: ratios with intervals, or the funnel of boroughs."""
    table, (role, who) = charts.check_protected(protected), _role(protected)
    splits = charts.split_keys(table)
    kind = splits[-1] if splits[-1] in _KIND else ""
    what, columns, note = _KIND[kind]
    names = {name: text for name, text in _SPLITS.items() if name in splits}
    by = " and ".join(text.lower() for name, text in names.items() if name != kind)
    title = f"{who.capitalize()}: {what}" + (f" by {by}" if by and not kind else "")
    row = words.clearest(table) if len(table) and splits == ["ethnic_group"] else None
    if row is not None:
        ratio = format_ratio(row["rate_ratio"], reference=words.name_people(row["reference_group"]))
        title = (
            f"{who.capitalize()}: the rate for {words.name_people(words.group_of(row))} was {ratio}"
        )
    return Figure(
        name=f"{role}_{'_'.join(splits)}", title=check_words(title),
        subtitle=_subtitle(protected, f"Rate ratio with 95% interval by {by}"),
        alt=f"Chart of rate ratios of {who} by {by} on a log scale, with 95% intervals around a "
            "line at 1, to see which groups differ from the comparison and how surely.",
        protected=protected, draw=charts.plot_groups, columns={**names, **columns},
        source=_source(protected), note=note,
    )  # fmt: skip


def show_people(protected: ProtectedTable) -> Figure | Table:
    """Show what is missing by month, a curve by age or decile, recurrence, or cohort counts."""
    table, (role, who) = charts.check_protected(protected), _role(protected)
    contract = protected.contract.name
    title, subtitle, names, note = _PEOPLE[contract]
    columns = {n: t for n, t in names.items() if not len(table) or not (table[n] == "all").all()}
    shared = {
        "name": f"{contract}_{role}_{next(iter(columns))}", "title": f"{title}: {who}",
        "subtitle": _subtitle(protected, subtitle), "protected": protected, "columns": columns,
        "source": _source(protected), "note": note,
    }  # fmt: skip
    if contract == "cohort_counts":
        return Table(**shared)  # type: ignore[arg-type]
    alt = f"Line chart for {who}: {subtitle[0].lower()}{subtitle[1:]}, from the table that follows."
    return Figure(**shared, alt=alt, draw=charts.plot_people)  # type: ignore[arg-type]
