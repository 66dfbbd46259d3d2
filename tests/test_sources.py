"""Recognition by the roles of columns."""

from pathlib import Path

import pandas as pd
from tables import table

from sna.sources.layout import (
    FileSample,
    Layout,
    ReadResult,
    Role,
    find_nearest,
    make_rejects,
    match_layout,
)


def _read(*_: object) -> ReadResult:
    return ReadResult({}, 0, 0)


WARD = Layout(
    "ward",
    "Ward counts",
    "a publisher",
    "OGL v2",
    {
        "ward_code": Role("ward ?code", r"E05\d{6}", by_values=True),
        "group": Role("(major text|majortext|group)"),
    },
    _read,
    months_wide=True,
)


def _sample(rows: pd.DataFrame) -> FileSample:
    return FileSample("a.csv", Path("a.csv"), "csv", tuple(rows.columns), rows)


def test_layout_is_found_by_heading_whatever_case_and_order() -> None:
    match = match_layout(_sample(table("202401 | WARDCODE | Group\n1 | E05000001 | X")), WARD)
    assert match is not None
    assert dict(match.columns) == {"ward_code": "WARDCODE", "group": "Group"}
    assert match.months == ("202401",)


def test_layout_is_found_by_values_under_an_unknown_heading() -> None:
    match = match_layout(_sample(table("202401 | W | Group\n1 | E05000001 | X")), WARD)
    assert match is not None
    assert match.columns["ward_code"] == "W"


def test_missing_column_names_the_nearest_layout_and_what_differs() -> None:
    sample = _sample(table("202401 | WardCode | Else\n1 | E05000001 | X"))
    assert match_layout(sample, WARD) is None
    nearest = find_nearest(sample, [WARD])
    assert nearest.title == "Ward counts"
    assert nearest.differs == "no column for group"


def test_rejects_are_grouped_by_value_with_first_line_and_rows() -> None:
    values = pd.Series(["a", "b", "a", "c"])
    rejects = make_rejects(
        values.isin(["a", "c"]).to_numpy(), column="x", reason="why", values=values
    )
    assert rejects[["value", "line", "rows"]].to_numpy().tolist() == [["a", 1, 2], ["c", 4, 1]]
