"""Every result table as its figure: words from TOML and templates, picture by name."""

from dataclasses import replace
from importlib import import_module
from typing import Any

from sna.charts import forms
from sna.definitions import source_titles
from sna.definitions.views import views
from sna.disclosure.protected import ProtectedTable
from sna.errors import UsageError
from sna.figures.figure import Figure, Table
from sna.narrative.sentences import fill_words, phrase
from sna.narrative.words import check_words


def show(protected: ProtectedTable, *more: Any, view: str = "", name: str = "") -> Figure | Table:
    """Show a result table as its figure, or as a table alone where it has no chart.

    The headline says the finding where it is clear, else what is shown.

    Parameters
    ----------
    protected
        Result of `sna.protect`.
    *more
        What the chart or the headline needs besides: other protected tables, polygons of a map.
    view
        Which of the ways to show this table; its contract's name by default.
    name
        Name of the figure and its CSV file, where one page shows a view twice.
    """
    if not isinstance(protected, ProtectedTable):
        raise TypeError("Pass the table through sna.protect first.")
    view = view or protected.contract.name
    if view not in views():
        raise UsageError("There is no such view of a result table.", found=view)
    spec = views()[view]
    if "only_with" in spec and protected.table[spec["only_with"]].isna().all():
        none = protected.table.head(0), protected.flags.head(0)
        protected = replace(protected, table=none[0], flags=none[1])
    table = protected.table

    def text(key: str) -> str:
        said = phrase(f"{view}_{key}", protected, *more)
        return check_words(said or fill_words(spec.get(key, ""), protected))

    kept = {
        column: words
        for column, words in spec["columns"].items()
        if table.empty or not _says_nothing(protected, column)
    }
    parts: dict[str, Any] = {
        "name": name or view,
        "title": text("title"),
        "subtitle": text("subtitle"),
        "protected": protected,
        "columns": kept,
        "most": spec.get("most", 0),
        "source": name_sources(protected, spec.get("source", "")),
        "note": (table.empty and (protected.absent or text("empty"))) or text("note"),
    }
    chart = dict(spec.get("chart", {}))
    needed, only = chart.pop("needs", None), chart.get("only")
    if only:  # the table under a chart holds what the chart shows
        inside = table[only[0]].eq(only[1])
        parts["protected"] = replace(protected, table=table[inside], flags=protected.flags[inside])
    if not chart or table.empty or (needed and not table[needed].fillna(0).astype(bool).any()):
        return Table(**parts)
    alt = f"{text('alt')}. The figures are in the table below."
    return Figure(**parts, alt=alt, draw=_draw(chart, more))


def _says_nothing(protected: ProtectedTable, column: str) -> bool:
    """Say whether a column is the same *all* in each row, or not available in any."""
    values = protected.table[column]
    if column in protected.flags and values.isna().all():
        return bool(protected.flags[column].isin(["", "[x]", "[u]"]).all())
    return set(values.astype(str)) == {"all"}


def _draw(chart: dict[str, Any], more: tuple[Any, ...]) -> Any:
    """Return the function that draws: `bars` of charts.forms, `trend.control`, `maps.map_areas`."""
    room, _, form = chart.pop("form").rpartition(".")
    if not room:
        return lambda protected: getattr(forms, form)(protected, forms.Form(**chart))
    module = import_module("sna.maps" if room == "maps" else f"sna.charts.{room}")
    return lambda protected: getattr(module, form)(protected, *more, **chart)


def name_sources(protected: ProtectedTable, more: str = "") -> str:
    """Name the publishers' tables behind a result, and the period they cover."""
    titles = source_titles().set_index("source")["title"]
    named = [titles.get(source, source) for source in protected.sources if source]
    rated = {"population", "person_years"} & set(protected.table.dropna(axis=1, how="all"))
    people = "; residents: Office for National Statistics" if rated else ""
    records = "; ".join([*named, *filter(None, [more])]) or "police records"
    return f"{records}, {protected.period}{people}"
