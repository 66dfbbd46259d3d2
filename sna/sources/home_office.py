"""Home Office open tables of recorded crime by community safety partnership and offence code."""

import re
from typing import Any

import numpy as np
import pyarrow as pa

from sna.sources.layout import (
    FileSample,
    Layout,
    Match,
    ReadContext,
    ReadResult,
    Role,
    make_finding,
)
from sna.sources.rows import Rows, parse_counts
from sna.sources.text import read_text

_QUARTER_MONTH = {"1": 4, "2": 7, "3": 10, "4": 1}  # of the financial year


def find_quarter(year: object, quarter: object) -> str | None:
    """Return the first month of a financial quarter as text.

    >>> find_quarter("2023/24", "1"), find_quarter("2023/24", "4")
    ('2023-04', '2024-01')
    """
    start = re.match(r"\s*((?:19|20)\d\d)", str(year or ""))
    number = re.fullmatch(r"\s*Q?([1-4])(?:\.0)?\s*", str(quarter or ""), flags=re.IGNORECASE)
    if not start or not number:
        return None
    month = _QUARTER_MONTH[number[1]]
    return f"{int(start[1]) + (month == 1)}-{month:02d}"


def read_partnerships(sample: FileSample, match: Match, context: ReadContext) -> ReadResult:
    """Read one row a partnership, quarter and offence code; the code is kept as text."""
    roles = dict(match.columns)
    text = read_text(
        sample,
        columns=tuple(roles.values()),
        coded=tuple(name for role, name in roles.items() if role != "offences"),
    )
    rows = Rows(text.table.rename_columns(list(roles)))
    numbers, bad = parse_counts(rows.text["offences"])
    none = bad | ~np.isfinite(numbers)
    reason = "The cell holds a note or nothing in place of a count."
    rows = rows.keep(~none, column="Offence Count", reason=reason, values=rows.strings("offences"))
    rows = _with_quarter(rows)
    numbers = parse_counts(rows.text["offences"])[0]
    places = [context.places.find_borough(name) for name in rows.values("partnership")]
    description = [f"HO | {str(v).strip()}" for v in rows.values("offence_text")]
    columns: dict[str, Any] = {
        "borough_code": rows.coded("partnership", places),
        "location_name": rows.same("partnership"),
        "period_months": rows.constant(3, pa.int8()),
        "area_level": rows.constant("borough"),
        "offence_code": rows.same("offence_code"),
        "offence_text": rows.same("offence_text"),
        "published_category": rows.coded("offence_text", description),
        "offences": pa.array(numbers.astype("int64")),
        "status": rows.constant("aggregate"),
    }
    result = rows.result({"offences": rows.table(context, "home_office_csp", columns)}, text)
    outside = np.append([place is None for place in places], False)[rows.codes("partnership")]
    if outside.any():
        result.findings.append(
            make_finding(
                "Rows of partnerships that are no London borough, or unassigned: kept apart.",
                rows=int(outside.sum()),
            )
        )
    return result


def _with_quarter(rows: Rows) -> Rows:
    pairs = zip(rows.strings("year"), rows.strings("quarter"), strict=True)
    months = pa.array([find_quarter(year, quarter) for year, quarter in pairs], pa.string())
    text = rows.text.append_column("month", months.dictionary_encode())
    return Rows(text, rows.rejects, rows.lines).with_month()


LAYOUTS = (
    Layout(
        "home_office_csp",
        "Home Office recorded crime by community safety partnership",
        "Home Office",
        "OGL v3.0",
        {
            "year": Role(r"financial year", r"(19|20)\d\d.*"),
            "quarter": Role(r"financial quarter", r"Q?[1-4](\.0)?"),
            "partnership": Role(r"csp name"),
            "offence_code": Role(r"offence code"),
            "offence_text": Role(r"offence description"),
            "offences": Role(r"(offence count|number of offences)"),
        },
        read_partnerships,
    ),
)
