"""Figures of the definition report, each a row of a table, and the text with its rules."""

from functools import partial
from typing import Any

from sna.charts import definition as charts
from sna.definitions import switches
from sna.disclosure.protected import ProtectedTable
from sna.figures.about import Note
from sna.figures.cells import fill
from sna.figures.figure import Figure, Table

_COUNTS = {"core": "Core", "core_possible": "Core at most", "moved": "Offences that move"}
_SPECS: dict[str, dict[str, Any]] = {
    "waterfall": {
        "title": "From all recorded offences to core",
        "subtitle": "Offences that remain at each step",
        "alt": "Horizontal bars of the offences that remain at each step, to see where offences "
        "leave the definition.",
        "draw": partial(charts.plot_bars, label="step", value="offences"),
        "columns": {"step": "Step", "offences": "Remain", "left_out": "Left out", "why": "Why"},
    },
    "bands": {
        "title": "Five bands, and core by the victim's age alone",
        "subtitle": "Recorded offences by band",
        "alt": "Horizontal bars of recorded offences in each of the five bands of the definition.",
        "draw": partial(charts.plot_bars, label="name", value="offences"),
        "columns": {"name": "Band", "offences": "Offences", "victim_only": "By victim's age alone"},
    },
    "bounds": {
        "title": "What is certain, and what unknown facts leave possible",
        "subtitle": "Core offences in the last twelve months, lowest and highest by source",
        "alt": "Intervals of core offences by source, from certain to possible, with the tightest.",
        "draw": partial(charts.plot_ranges, label="step", low="lower", high="upper"),
        "columns": {"step": "Source", "period": "Period", "offences": "Rows", "lower": "Lowest",
                    "upper": "Highest", "used": "Used"},
    },
    "contexts": {
        "title": "Contexts overlap",
        "subtitle": "Core and context-only offences by exact set of contexts",
        "alt": "A bar for each exact set of contexts, with dots that say which contexts are in it.",
        "draw": charts.plot_sets,
        "columns": {"contexts": "Contexts", "offences": "Offences", "core": "of them core"},
    },
    "readings": {
        "title": "The same records under other boroughs' texts",
        "subtitle": "Core offences, certain and possible, by version of the definition",
        "alt": "Intervals of core offences under each version of the definition.",
        "draw": partial(charts.plot_ranges, label="title", low="core", high="core_possible"),
        "columns": {"title": "Version", **_COUNTS},
    },
    "sensitivity": {
        "title": "What each open question is worth",
        "subtitle": "Core offences if one switch alone took another value",
        "alt": "Intervals of core offences when one switch of the definition is changed alone.",
        "draw": partial(charts.plot_ranges, label="setting", low="core", high="core_possible"),
        "columns": {"setting": "Setting", "question": "Question", **_COUNTS},
    },
}  # fmt: skip
_TABLES: dict[str, tuple[str, str, dict[str, str], str]] = {
    "families": (
        "How serious: the four questions of section 13(6)",
        "Listed offences with their maximum penalty and number",
        {"name": "Family", "maximum_penalty": "Maximum penalty", "offences": "Offences",
         "core": "of them core"},
        "Impact on victims and on the community is for the partnership to write.",
    ),
    "proxies": (
        "What open data can say by label",
        "Published counts that stand in for parts of the definition",
        {"proxy": "Label", "offences": "Count", "unit": "Unit", "period": "Period",
         "note": "What it is"},
        "A proxy is not the definition, and proxies are never added up.",
    ),
    "flow": (
        "What would change under another text",
        "Recorded offences by band under two versions",
        {"band_a": "Band now", "band_b": "Band then", "offences": "Offences"},
        "A move is a change of words, not of violence.",
    ),
    "missing": (
        "Facts that are missing",
        "Records by month without a fact that the definition needs",
        {"field": "Fact", "source": "Source", "month": "Month", "missing": "Missing",
         "offences": "Records", "share": "Share missing"},
        "A share that drifts can look like a trend.",
    ),
}  # fmt: skip


def show_definition(protected: ProtectedTable) -> Figure | Table:
    """Show one table of the definition report by its contract: a figure, or a table alone."""
    kind = protected.contract.name.removeprefix("definition_")
    source = f"{', '.join(protected.sources) or 'recorded crime'}, {protected.period}"
    place = f", {protected.borough_name}"
    if kind in _TABLES:
        title, subtitle, columns, note = _TABLES[kind]
        return Table(protected.contract.name, title, subtitle + place, protected, columns, source,
                     note)  # fmt: skip
    spec = {**_SPECS[kind]}
    subtitle = spec.pop("subtitle") + place
    alt = f"{spec.pop('alt')} Figures in the table below."
    return Figure(name=protected.contract.name, protected=protected, source=source,
                  subtitle=subtitle, alt=alt, **spec)  # fmt: skip


def describe_rules(data: Any) -> Note:
    """Quote the adopted text with its source and hash, and list every resolved rule."""
    rules = switches().to_dict("records")
    return Note(fill("definition.html.j2", profile=data.profile, rules=rules))
