"""Contracts of the result tables of the definition report."""

from sna.schemas.results import Derived, ResultTable, register

_COUNTS = ("offences", "left_out", "lower", "upper", "core", "core_possible", "moved")
_UNITS = dict.fromkeys(_COUNTS, "recorded offences")
_TABLES = (  # name, grain, keys, counts, other columns
    ("waterfall", "one row a step", ("step",), ("offences", "left_out"), ("why",)),
    ("bands", "one row a band", ("band",), ("offences", "victim_only"), ()),
    ("bounds", "one row a source or step", ("source", "step"), ("offences", "lower", "upper"),
     ("used",)),
    ("contexts", "one row an exact set of contexts", ("contexts",), ("offences", "core"),
     ("u25", "da", "sv")),
    ("readings", "one row a version of the definition", ("profile", "title"),
     ("core", "core_possible", "moved"), ()),
    ("flow", "one row a pair of bands", ("band_a", "band_b"), ("offences",),
     ("profile_a", "profile_b")),
    ("sensitivity", "one row a switch and value", ("setting",),
     ("core", "core_possible", "moved"), ("question",)),
    ("families", "one row a family of listed offences", ("name",), ("offences", "core"),
     ("maximum_penalty",)),
    ("proxies", "one row a label of open data", ("proxy",), ("offences",), ("unit", "note")),
)  # fmt: skip
register(
    *(
        ResultTable(f"definition_{n}", grain, keys=k, counts=c, plain=p, units=_UNITS)
        for n, grain, k, c, p in _TABLES
    ),
    ResultTable(
        "definition_missing",
        "one row a source, month and field",
        keys=("source", "month", "field"),
        counts=("missing", "offences"),
        derived=(Derived("share", "share", ("missing", "offences")),),
        plain=("drifts",),
        units={"share": "share of records"},
    ),
)
