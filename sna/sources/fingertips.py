"""Fingertips indicators by district, as the API sends them; pooled periods overlap."""

import numpy as np
import pandas as pd

from sna.sources.layout import (
    FileSample,
    Layout,
    Match,
    ReadContext,
    ReadResult,
    Role,
    make_finding,
)
from sna.sources.rows import Rows
from sna.sources.text import read_text

_NUMBERS = ("value", "lower_ci", "upper_ci", "count")


def read_indicators(sample: FileSample, match: Match, context: ReadContext) -> ReadResult:
    """Read one row an indicator, area, sex and period; rows without a value are rejected."""
    text = read_text(sample, columns=tuple(match.columns.values()))
    rows = Rows(text.table.rename_columns(list(match.columns)))
    value = pd.to_numeric(rows.strings("value"), errors="coerce").to_numpy()
    rows = rows.keep(
        np.isfinite(value), column="Value", reason="No value is published.",
        values=rows.strings("value"),
    )  # fmt: skip
    places = [context.places.find_borough(name) for name in rows.values("area_name")]
    placed = np.append([place is not None for place in places], False)[rows.codes("area_name")]
    if "area_code" in match.columns:
        placed |= rows.strings("area_code").notna().to_numpy()
    rows = rows.keep(
        placed, column="AreaName", reason="The area is not known.",
        values=rows.strings("area_name"),
    )  # fmt: skip
    names = {role: rows.strings(role) for role in match.columns}
    by_name = names["area_name"].map(context.places.find_borough)
    numbers = {role: pd.to_numeric(names[role], errors="coerce") for role in _NUMBERS
               if role in names}  # fmt: skip
    table = pd.DataFrame(
        {
            "indicator_id": names["indicator_id"].str.replace(r"\.0$", "", regex=True),
            "indicator_name": names.get("indicator_name"),
            "area_code": names.get("area_code", by_name).fillna(by_name),
            "sex": names["sex"].str.strip().str.lower() if "sex" in names else "all",
            "period": names["period"],
            **numbers,
            "file_id": np.int32(context.file_id),
        }
    )
    result = rows.result({"health": table}, text)
    result.findings.append(
        make_finding("Periods are pooled and overlap: levels are shown, no trend is tested.")
    )
    return result


LAYOUTS = (
    Layout(
        "fingertips",
        "Fingertips public health indicators",
        "Department of Health and Social Care",
        "OGL v3.0",
        {
            "indicator_id": Role(r"indicator id"),
            "indicator_name": Role(r"indicator name", needed=False),
            "area_code": Role(r"area code", needed=False),
            "area_name": Role(r"area ?name"),
            "sex": Role(r"sex", needed=False),
            "period": Role(r"time ?period"),
            "value": Role(r"value"),
            "lower_ci": Role(r"lower ci( 95 0)?( limit)?", needed=False),
            "upper_ci": Role(r"upper ci( 95 0)?( limit)?", needed=False),
            "count": Role(r"count", needed=False),
        },
        read_indicators,
        tables=("health",),
        kinds=("csv",),
    ),
)
