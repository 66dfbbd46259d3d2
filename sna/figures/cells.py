"""Cells of a reader's table: the same text in HTML and CSV, never an unexplained gap."""

import csv
import html
import io
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from sna.charts.base import clean
from sna.disclosure.protected import ProtectedTable

SHORTHAND = {  # the letters of the Welsh Government list that `sna` uses
    "[b]": "break in the series",
    "[c]": "confidential: too few people to show",
    "[e]": "estimated",
    "[f]": "forecast",
    "[k]": "rounds to 0 but is not 0",
    "[ns]": "not statistically significant",
    "[p]": "provisional",
    "[r]": "revised",
    "[t]": "total",
    "[u]": "low reliability: based on fewer than 20 events",
    "[w]": "none recorded",
    "[x]": "not available",
    "[z]": "not applicable",
}
_RISKY = ("=", "+", "-", "@", "\t", "\r")


def decimals(values: pd.Series) -> int:
    """Return how many decimals a column is shown with: none, one, or two when all are small."""
    numbers = pd.to_numeric(values, errors="coerce").dropna()
    if numbers.empty or bool((numbers == numbers.round()).all()):
        return 0
    return 2 if bool((numbers.abs() < 10).all()) else 1


def texts(protected: ProtectedTable, column: str) -> list[str]:
    """Return the cells of one column as a reader sees them."""
    values = protected.table[column]
    flags = protected.flags[column] if column in protected.flags else pd.Series("", values.index)
    places = decimals(values) if pd.api.types.is_numeric_dtype(values) else 0
    return [
        _text(value, "" if pd.isna(flag) else str(flag), places)
        for value, flag in zip(values, flags, strict=True)
    ]


def _text(value: Any, flag: str, places: int) -> str:
    if pd.isna(value) or (isinstance(value, float) and np.isinf(value)):
        return flag or "[x]"
    if isinstance(value, bool | np.bool_):
        shown = "yes" if value else "no"
    elif isinstance(value, pd.Timestamp):
        shown = ("" if value.day == 1 else f"{value.day} ") + f"{value:%B %Y}"
    elif isinstance(value, int | float | np.number):
        shown = f"{value:,.{places}f}".replace("-", "−")
    else:
        shown = clean(value) or "[x]"
    return f"{shown} {flag}".strip()


def shorthand_met(protected: ProtectedTable, columns: Mapping[str, str]) -> list[str]:
    """Return the shorthand that stands in the shown columns, in the order of the list."""
    seen = {part for name in columns for cell in texts(protected, name) for part in cell.split()}
    return [flag for flag in SHORTHAND if flag in seen]


def html_table(
    protected: ProtectedTable, columns: Mapping[str, str], *, name: str, caption: str
) -> str:
    """Return an accessible table in a scrolling region; `caption` is escaped by the caller."""
    cells = {column: texts(protected, column) for column in columns}
    number = {c: pd.api.types.is_numeric_dtype(protected.table[c]) for c in columns}
    head = "".join(
        f'<th scope="col"{_aligned(number[c])}>{html.escape(clean(h))}</th>'
        for c, h in columns.items()
    )
    first, *others = columns
    rows = "".join(
        f'<tr><th scope="row">{html.escape(cells[first][i])}</th>'
        + "".join(f"<td{_aligned(number[c])}>{html.escape(cells[c][i])}</td>" for c in others)
        + "</tr>"
        for i in range(len(protected.table))
    )
    return (
        f'<div class="sna-scroll" role="region" tabindex="0" aria-labelledby="{name}-caption">'
        f'<table><caption id="{name}-caption">{caption}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>"
    )


def _aligned(is_number: bool) -> str:
    return ' class="n"' if is_number else ""


def csv_cell(value: Any) -> Any:
    """Return a value that no spreadsheet runs as a formula.

    Examples
    --------
    >>> csv_cell("=cmd|' /C calc'!A0"), csv_cell(-3)
    ("'=cmd|' /C calc'!A0", -3)
    """
    if not isinstance(value, str):
        return value
    text = clean(value)
    return f"'{text}" if value.startswith(_RISKY) or text.startswith(_RISKY) else text


def csv_text(protected: ProtectedTable, columns: Mapping[str, str]) -> str:
    """Return the shown columns as CSV: plain numbers, ISO dates, flags in a column of their own."""
    table, flags = protected.table, protected.flags
    made: dict[str, list[Any]] = {}
    for name in columns:
        marks = flags[name].astype(str).tolist() if name in flags else [""] * len(table)
        values = table[name].tolist()
        made[name] = [_csv_value(v, m) for v, m in zip(values, marks, strict=True)]
        beside = ["" if pd.isna(v) else m for v, m in zip(values, marks, strict=True)]
        if any(beside):
            made[f"{name}_flag"] = beside
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(made)
    writer.writerows(zip(*made.values(), strict=True))
    return out.getvalue()


def _csv_value(value: Any, mark: str) -> Any:
    if pd.isna(value) or (isinstance(value, float) and np.isinf(value)):
        return mark or "[x]"
    if isinstance(value, pd.Timestamp):
        return value.date().isoformat()
    if isinstance(value, float):
        return int(value) if value.is_integer() else float(f"{value:.6g}")
    return csv_cell(value)
