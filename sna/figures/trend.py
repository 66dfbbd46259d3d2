"""Figures of the trend report: headline from the numbers, subtitle, text alternative, table."""

import tomllib
from functools import cache
from importlib.resources import files
from typing import Any

from sna.charts import trend as charts
from sna.disclosure.protected import ProtectedTable
from sna.errors import UsageError
from sna.figures.figure import Figure, Table


@cache
def _views() -> dict[str, Any]:
    path = files("sna.definitions").joinpath("reports/trend.toml")
    return tomllib.loads(path.read_text(encoding="utf-8"))


def show_trend(protected: ProtectedTable, *, view: str = "") -> Figure | Table:
    """Show a table of `sna.trend` as its figure (a table where it has no chart).

    ``view="rates"`` shows the rates of a series instead of its counts.
    """
    name = view or protected.contract.name.removeprefix("trend_")
    spec, table = _views().get(name), protected.table
    if spec is None:
        raise UsageError("There is no such view of a trend table.", found=name)
    measure = str(table["measure"].iloc[0]) if len(table) and "measure" in table else "Offences"
    fill = {"area": protected.borough_name, "measure": measure, "period": protected.period}
    parts: dict[str, Any] = {
        "name": f"trend_{name}",
        "title": _headline(protected, name) or spec["title"].format(**fill),
        "subtitle": spec["subtitle"].format(**fill),
        "protected": protected,
        "columns": spec["columns"],
        "source": f"{', '.join(protected.sources) or 'recorded crime'}, {protected.period}",
        "note": _note(protected, spec.get("note", "")),
    }
    if "draw" not in spec or table.empty:
        return Table(**parts)
    alt = f"{spec['alt'].format(**fill)}. The figures are in the table below."
    return Figure(**parts, alt=alt, draw=getattr(charts, spec["draw"]))


def _headline(protected: ProtectedTable, name: str) -> str:
    """Return a headline with the finding where it is clear, else nothing."""
    table, area = protected.table, protected.borough_name
    if name == "change":
        mine = table[table["area"].eq(area) & table["window"].eq("12 months")]
        verb = {"higher": "rose", "lower": "fell"}.get(mine["word"].iloc[0] if len(mine) else "")
        return f"Recorded offences in {area} {verb} over twelve months" if verb else ""
    if name in ("areas", "funnel") and len(table):
        rows = table["kind"].eq("London") if name == "areas" else table["is_mine"]
        word = table.loc[rows, "word"].iloc[0] if rows.any() else ""
        return f"The rate in {area} is {word} than London's" if word in ("higher", "lower") else ""
    return ""


def _note(protected: ProtectedTable, note: str) -> str:
    table = protected.table
    if "break_text" in table and "month" in table:
        marks = table.loc[table["break_text"].ne(""), ["month", "break_text"]].drop_duplicates()
        note = " ".join([note, *(f"[b] {m:%B %Y}: {t}" for m, t in marks.itertuples(index=False))])
    if "reason" in table and len(table):
        note = f"{table['reason'].iloc[0]} {note}"
        trial = "Trial limits: a segment has under twelve points."
        note += trial if table["is_trial"].any() else ""
    return note.strip()
