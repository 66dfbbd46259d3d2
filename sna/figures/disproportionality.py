"""Figures of the comparison of groups: headline from the numbers, or a neutral title."""

from typing import Any

from sna.charts import disproportionality as charts
from sna.disclosure.protected import ProtectedTable
from sna.figures.figure import Figure, Table
from sna.narrative import disproportionality as words
from sna.narrative.words import check_words, format_ratio
from sna.schemas.disproportionality import ROLES

_KEYS = {"context": "Context", "sex": "Sex", "age_group": "Age", "ethnic_group": "Ethnic group"}
_COMPARED = {
    "people": "People", "population": "Residents", "rate": "Rate per 1,000 residents",
    "lower_ci": "Rate, lower limit", "upper_ci": "Rate, upper limit", "rate_ratio": "Rate ratio",
    "ratio_lower_ci": "Ratio, lower limit", "ratio_upper_ci": "Ratio, upper limit",
    "rate_difference": "Difference per 1,000", "share_people": "Share of people counted",
    "share_population": "Share of residents", "missing_share": "Share not stated",
    "ratio_if_outside": "Ratio if not stated were the comparison group",
    "ratio_if_inside": "Ratio if not stated were this group", "reference_group": "Compared with",
    "population_year": "Year of residents",
}  # fmt: skip


def _varying(protected: ProtectedTable) -> dict[str, str]:
    table = protected.table
    kept = {k: v for k, v in _KEYS.items() if k in table and not (table[k] == "all").all()}
    return kept or {"ethnic_group": "Ethnic group"}


def _source(protected: ProtectedTable) -> str:
    return f"{', '.join(protected.sources)}; residents from the Census"


def _subtitle(protected: ProtectedTable, what: str) -> str:
    if not len(protected.table):
        return f"{what}, {protected.borough_name}"
    return f"{what}, {words.setting(protected)}"


def _role(protected: ProtectedTable) -> str:
    table = protected.table
    return ROLES[str(table["person_role"].iloc[0])] if len(table) else "people"


def show_groups(protected: ProtectedTable, *, name: str = "") -> Figure:
    """Show rate ratios by group with their intervals; the table has every part of the sum."""
    role, table = _role(protected), protected.table
    row = words.clearest(table) if len(table) else None
    splits = " and ".join(text.lower() for text in _varying(protected).values())
    title = f"{role.capitalize()}, compared by {splits}"
    if row is not None and table["population"].ne(0).all() and len(words.compared(table)) <= 4:
        people, other = words.name_people(words._group(row)), row["reference_group"]
        ratio = format_ratio(row["rate_ratio"], reference=words.name_people(other))
        title = f"{role.capitalize()}: the rate for {people} was {ratio}"
    who = str(table["person_role"].iloc[0]) if len(table) else "people"
    return Figure(
        name=name or f"groups_{who}_{'_'.join(_varying(protected))}",
        title=check_words(title),
        subtitle=_subtitle(protected, f"Rate ratio with 95% interval by {splits}, {role}"),
        alt=f"Dot plot on a log scale: one row a group with the rate ratio of {role} and its 95% "
            "interval around a line at 1, to see which groups differ and how surely.",
        protected=protected, draw=charts.plot_groups,
        columns={**_varying(protected), **_COMPARED}, source=_source(protected),
        note="Residents are not everyone who was there to be counted. Only people with a recorded "
             "group are compared; the table gives the ratio if the others belonged to either side.",
    )  # fmt: skip


def show_missing(protected: ProtectedTable) -> Figure:
    """Show by month what is not recorded, against the levels for caution and no headline."""
    role = _role(protected)
    return Figure(
        name=f"missing_{_key(protected)}", title=f"What is not recorded about {role}",
        subtitle=_subtitle(protected, "Share not recorded by month"),
        alt=f"Line chart of the monthly share of {role} without recorded ethnicity, age or sex, "
            "with lines at 10% and 25%, to judge how far comparisons can be trusted.",
        protected=protected, draw=charts.plot_missing,
        columns={"month": "Month", "fact": "Fact", "missing_people": "Not recorded",
                 "all_people": "People", "missing_share": "Share", "lower_ci": "Lower limit",
                 "upper_ci": "Upper limit"},
        source=_source(protected),
        note="Over 10% a comparison needs caution; over 25% no headline ratio is given.",
    )  # fmt: skip


def _key(protected: ProtectedTable) -> str:
    return str(protected.table["person_role"].iloc[0]) if len(protected.table) else "people"


def show_years(protected: ProtectedTable) -> Figure:
    """Show the ratio of each group by year with its interval."""
    role = _role(protected)
    return Figure(
        name=f"years_{_key(protected)}", title=f"{role.capitalize()}: the ratio by year",
        subtitle=_subtitle(protected, "Rate ratio against White people with 95% interval, years "
                                      "by their last month"),
        alt=f"Panels by ethnic group: the rate ratio of {role} in each year with its 95% interval "
            "and a line at 1, to see whether it changed.",
        protected=protected, draw=charts.plot_years,
        columns={"year": "Year ending", "ethnic_group": "Ethnic group", **_COMPARED,
                 "ratio_change": "Ratio against the first year", "change_lower_ci": "Lower limit",
                 "change_upper_ci": "Upper limit"},
        source=_source(protected),
        note="All years use the residents of one Census year.",
    )  # fmt: skip


def show_boroughs(protected: ProtectedTable) -> Figure:
    """Show every borough's ratio in a funnel around London's."""
    role = _role(protected)
    columns = {"borough_name": "Borough"} if "borough_name" in protected.table else {}
    return Figure(
        name=f"boroughs_{_key(protected)}",
        title=f"{role.capitalize()}: {protected.borough_name} among London's boroughs",
        subtitle=_subtitle(protected, "Rate ratio against White people by borough, with 95% and "
                                      "99.8% limits around London"),
        alt="Funnel plots by ethnic group: each dot a borough, its rate ratio by its precision, "
            f"with limits around London's ratio and {protected.borough_name} marked by a diamond.",
        protected=protected, draw=charts.plot_boroughs,
        columns={**columns, "borough_code": "Borough code", "ethnic_group": "Ethnic group",
                 "people": "People", "population": "Residents", "rate": "Rate per 1,000",
                 "rate_ratio": "Rate ratio", "ratio_lower_ci": "Lower limit",
                 "ratio_upper_ci": "Upper limit", "target": "London, within boroughs",
                 "lower_998": "Funnel, lower 99.8%", "upper_998": "Funnel, upper 99.8%"},
        source=_source(protected),
        note="Boroughs stand in no order. London's ratio compares people within each borough.",
    )  # fmt: skip


def show_readings(protected: ProtectedTable) -> Figure:
    """Show one ratio under other assumptions: the three traps with this borough's numbers."""
    role = _role(protected)
    return Figure(
        name=f"readings_{_key(protected)}",
        title=f"{role.capitalize()}: how far the ratio depends on what is assumed",
        subtitle=_subtitle(protected, "Rate ratio against White people with 95% interval"),
        alt="Dot plot in panels by ethnic group: the rate ratio as recorded and under other "
            "assumptions on missing ethnicity, population, ages and places, around a line at 1.",
        protected=protected, draw=charts.plot_readings,
        columns={"reading": "Reading", "ethnic_group": "Ethnic group", "people": "People",
                 "population": "Residents", "rate_ratio": "Rate ratio",
                 "ratio_lower_ci": "Lower limit", "ratio_upper_ci": "Upper limit",
                 "modelled_ratio": "Modelled ratio", "modelled_lower_ci": "Modelled, lower limit",
                 "modelled_upper_ci": "Modelled, upper limit"},
        source=_source(protected),
        note="The first reading is the headline; the others say how much rests on the assumption.",
    )  # fmt: skip


def show_table(protected: ProtectedTable, *, title: str, columns: dict[str, str], what: str,
               note: str = "") -> Table:  # fmt: skip
    """Show a protected table of this room without a chart."""
    any_of: Any = {name: text for name, text in columns.items() if name in protected.table}
    return Table(
        name=f"{protected.contract.name}_{_key(protected)}", title=check_words(title),
        subtitle=_subtitle(protected, what), protected=protected, columns=any_of,
        source=_source(protected), note=note,
    )  # fmt: skip
