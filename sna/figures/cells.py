"""Cells of a reader's table: the same text in HTML and CSV, never an unexplained gap."""

import re
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from sna.charts.base import clean
from sna.disclosure.protected import SHORTHAND, ProtectedTable

_DECIMALS, _WHOLE = re.compile(r"-?[\d,]+\.(\d+)"), re.compile(r"^(-?[\d,]+)([ %]|$)")
_NOUGHT = re.compile(r"^-(?=0[.0]*(?:[ %]|$))")  # a small number below 0 that rounds to it
TEMPLATES = Path(__file__).parent.parent / "templates"


@cache
def environment() -> Environment:
    """Return the one environment of the templates, which keeps those it has read."""
    loader = FileSystemLoader(TEMPLATES)
    made = Environment(loader=loader, autoescape=True, undefined=StrictUndefined)
    made.finalize = lambda value: value if isinstance(value, Markup) else clean(value)
    return made


def fill(template: str, **values: Any) -> str:
    """Fill a template of `sna/templates`; values are escaped and cleaned of control characters."""
    return environment().get_template(template).render(values)


def texts(protected: ProtectedTable, columns: Iterable[str]) -> list[dict[str, str]]:
    """Return the rows as a reader sees them: equal decimals in a column, true minus signs."""
    made = {}
    for name in columns:
        cells = [clean(protected.shown(row, name)) or "[z]" for row in protected.table.index]
        if pd.api.types.is_float_dtype(protected.table[name]):
            places = [len(found[1]) for cell in cells if (found := _DECIMALS.match(cell))]
            zeros = f".{'0' * max(places)}" if places else ""
            cells = [_WHOLE.sub(rf"\1{zeros}\2", cell) for cell in cells]
            cells = [_NOUGHT.sub("", cell).replace("-", "−", 1) for cell in cells]
        if name.startswith("p_"):  # a p is never nothing
            cells = ["<0.001" if set(cell) <= {"0", "."} else cell for cell in cells]
        made[name] = cells
    return [dict(zip(made, row, strict=True)) for row in zip(*made.values(), strict=True)]


def number_columns(protected: ProtectedTable, columns: Iterable[str]) -> set[str]:
    """Return the columns that hold numbers."""
    return {name for name in columns if pd.api.types.is_numeric_dtype(protected.table[name])}


def notes(protected: ProtectedTable, rows: Iterable[Mapping[str, str]]) -> list[str]:
    """Return what stands above a table, shorthand that its own notes do not explain included."""
    said = {*" ".join(protected.notes).split()}
    seen = {part for row in rows for cell in row.values() for part in cell.split()}
    new = [f"{flag} {words}" for flag, words in SHORTHAND.items() if flag in seen - said]
    return [*protected.notes, *([f"Shorthand: {'; '.join(new)}."] if new else [])]


def csv_cell(text: str) -> str:
    """Return text that no spreadsheet runs as a formula; numbers stay numbers.

    Examples
    --------
    >>> csv_cell("=cmd|' /C calc'!A0"), csv_cell("-3.5")
    ("'=cmd|' /C calc'!A0", '-3.5')
    """
    plain = clean(text)
    is_number = plain.replace(".", "", 1).replace("-", "", 1).isdecimal()
    is_risky = f"{text} "[0] in "\t\r" or f"{plain} "[0] in "=+-@"
    return f"'{plain}" if is_risky and not is_number else plain


def csv_text(protected: ProtectedTable, columns: Iterable[str]) -> str:
    """Return the shown columns as CSV: plain numbers, ISO dates, shorthand in withheld cells."""
    frame = protected.published()
    shown = [*columns, *(["flags"] if (frame["flags"] != "").any() else [])]
    return frame[shown].map(csv_cell).to_csv(index=False, lineterminator="\r\n")
