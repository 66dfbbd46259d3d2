"""Cells of a reader's table: the same text in HTML and CSV, never an unexplained gap."""

import csv
import html
import io
from collections.abc import Mapping, Sequence

import pandas as pd

from sna.charts.base import clean
from sna.disclosure.protected import SHORTHAND, ProtectedTable

_RISKY = ("=", "+", "-", "@", "\t", "\r")


def escape(text: object) -> str:
    """Escape text for HTML and drop characters that could reorder or break it."""
    return html.escape(clean(text))


def texts(protected: ProtectedTable, column: str) -> list[str]:
    """Return the cells of one column as a reader sees them."""
    rows = protected.table.index
    cells = [clean(protected.shown(row, column)) or "[z]" for row in rows]
    if pd.api.types.is_numeric_dtype(protected.table[column]):
        return [f"−{cell[1:]}" if cell.startswith("-") else cell for cell in cells]
    return cells


def shorthand_met(cells: Mapping[str, Sequence[str]], said: str) -> str:
    """Return one sentence on the shorthand in the cells that `said` does not explain yet."""
    seen = {part for column in cells.values() for cell in column for part in cell.split()}
    new = [f"{flag} {words}" for flag, words in SHORTHAND.items() if flag in seen - {*said.split()}]
    return f"Shorthand: {'; '.join(new)}." if new else ""


def html_table(
    cells: Mapping[str, Sequence[str]],
    headings: Mapping[str, str],
    *,
    numbers: set[str],
    name: str,
    caption: str,
) -> str:
    """Return an accessible table in a scrolling region; `caption` is escaped by the caller."""
    _, *others = cells
    aligned = {column: ' class="n"' if column in numbers else "" for column in cells}
    head = "".join(f'<th scope="col"{aligned[c]}>{escape(headings[c])}</th>' for c in cells)
    rows = "".join(
        f'<tr><th scope="row">{escape(row[0])}</th>'
        + "".join(
            f"<td{aligned[c]}>{escape(text)}</td>" for c, text in zip(others, row[1:], strict=True)
        )
        + "</tr>"
        for row in zip(*cells.values(), strict=True)
    )
    return (
        f'<div class="sna-scroll" role="region" tabindex="0" aria-labelledby="{name}-caption">'
        f'<table><caption id="{name}-caption">{caption}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>"
    )


def csv_cell(text: str) -> str:
    """Return text that no spreadsheet runs as a formula; numbers stay numbers.

    Examples
    --------
    >>> csv_cell("=cmd|' /C calc'!A0"), csv_cell("-3.5")
    ("'=cmd|' /C calc'!A0", '-3.5')
    """
    plain = clean(text)
    is_number = plain.replace(".", "", 1).replace("-", "", 1).isdecimal()
    risky = text.startswith(_RISKY) or plain.startswith(_RISKY)
    return f"'{plain}" if risky and not is_number else plain


def csv_text(protected: ProtectedTable, columns: Mapping[str, str]) -> str:
    """Return the shown columns as CSV: plain numbers, ISO dates, shorthand in withheld cells."""
    frame = protected.published()
    has_flags = bool((frame["flags"] != "").any())
    frame = frame[[*columns, *(["flags"] if has_flags else [])]]
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(frame.columns)
    writer.writerows([csv_cell(text) for text in row] for row in frame.itertuples(index=False))
    return out.getvalue()
