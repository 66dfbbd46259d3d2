"""Figures of people: headline from the numbers, or a neutral title; words in a TOML."""

import tomllib
from functools import cache
from importlib.resources import files
from typing import Any

from sna.charts import disproportionality as charts
from sna.disclosure.protected import ProtectedTable
from sna.figures.figure import Figure, Table
from sna.narrative import disproportionality as words
from sna.narrative.words import check_words, format_ratio
from sna.schemas.disproportionality import KINDS, ROLES


@cache
def _views() -> dict[str, Any]:
    path = files("sna.definitions").joinpath("reports/disproportionality.toml")
    return tomllib.loads(path.read_text(encoding="utf-8"))


def show_groups(protected: ProtectedTable, *, name: str = "groups") -> Figure | Table:
    """Show a comparison of groups: ratios with intervals, or the funnel of boroughs."""
    table, views = charts.check_protected(protected), _views()
    splits = charts.split_keys(table)
    kind = splits[-1] if splits[-1] in KINDS else "groups"
    names = {key: views["splits"][key] for key in splits}
    by = " and ".join(text.lower() for key, text in names.items() if key != kind) or "group"
    who = _who(protected)
    title = f"{who.capitalize()}: {views[kind]['title']}" + f" by {by}" * (kind == "groups")
    row = words.clearest(table) if splits == ["ethnic_group"] and len(table) else None
    if row is not None:
        ratio = format_ratio(row["rate_ratio"], reference=words.name_people(row["reference_group"]))
        people = words.name_people(words.group_of(row))
        title = f"{who.capitalize()}: the rate for {people} was {ratio}"
    return _show(
        protected, name, kind, check_words(title), f"Rate ratio with 95% interval by {by}",
        names | views["ratio"] | views[kind]["columns"], charts.plot_groups,
        f"Chart of rate ratios of {who} by {by} on a log scale, with 95% intervals around a line "
        "at 1, to see which groups differ from the comparison and how surely.",
    )  # fmt: skip


def show_people(protected: ProtectedTable, *, name: str = "people") -> Figure | Table:
    """Show what is missing by month, a curve by age or decile, recurrence, or cohort counts."""
    table, kind = charts.check_protected(protected), protected.contract.name
    view = _views()[kind]
    kept = {n: t for n, t in view["columns"].items() if not len(table) or set(table[n]) != {"all"}}
    alt = f"Line chart of {_who(protected)}: {view['subtitle']}. The table that follows has all."
    draw = None if kind == "cohort_counts" else charts.plot_people
    title = f"{view['title']}: {_who(protected)}"
    return _show(protected, name, kind, title, view["subtitle"], kept, draw, alt)


def _who(protected: ProtectedTable) -> str:
    return ROLES[str(protected.table["person_role"].iloc[0])] if len(protected.table) else "people"


def _show(
    protected: ProtectedTable, name: str, kind: str, title: str, what: str, columns: dict[str, str],
    draw: Any, alt: str,
) -> Figure | Table:  # fmt: skip
    titles = _views()["sources"]
    source = "; ".join(titles.get(n, n) for n in protected.sources if n) or "no data of this kind"
    subtitle = f"{what}, {words.setting(protected)}"
    source, note = f"{source}; residents from the Census", _views()[kind]["note"]
    if draw is None or not len(protected.table):
        return Table(name, title, subtitle, protected, columns, source, note)
    return Figure(name, title, subtitle, alt, protected, draw, columns, source, note)
