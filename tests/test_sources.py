"""Recognition by the roles of columns."""

from pathlib import Path

import pandas as pd
import pytest
from tables import table

from sna.schemas.store_tables import STORE_TABLES
from sna.sources import layouts
from sna.sources.convert import find_converter
from sna.sources.layout import FileSample, Layout, Role, Wide, find_nearest, match_layout
from sna.sources.rows import make_rejects
from sna.sources.table import split_spec

WARD = Layout(
    id="ward",
    title="Ward counts",
    table="offences",
    roles={
        "ward_code": Role(heading="ward ?code", fits=r"E05\d{6}", by_values=True),
        "group": Role(heading="(major text|majortext|group)"),
    },
    wide=Wide(key="month", cells={"offences": r"20\d{4}"}),
)


def _sample(rows: pd.DataFrame) -> FileSample:
    return FileSample("a.csv", Path("a.csv"), "csv", tuple(rows.columns), rows)


def test_layout_is_found_by_heading_whatever_case_and_order() -> None:
    match = match_layout(_sample(table("202401 | WARDCODE | Group\n1 | E05000001 | X")), WARD)
    assert match is not None
    assert dict(match.columns) == {"ward_code": "WARDCODE", "group": "Group"}
    assert match.wide == {"offences": {"202401": "202401"}}


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


def test_every_rejected_row_is_a_reject_with_its_line_and_value() -> None:
    values = pd.Series(["a", "b", "a", "c"])
    rejects = make_rejects(
        values.isin(["a", "c"]).to_numpy(), column="x", reason="why", values=values
    )
    assert rejects[["value", "line", "rows"]].to_numpy().tolist() == [
        ["a", 1, 1],
        ["a", 3, 1],
        ["c", 4, 1],
    ]


@pytest.mark.parametrize("layout", layouts(), ids=lambda layout: layout.id)
def test_layout_names_only_columns_roles_and_converters_that_exist(layout: Layout) -> None:
    known, wide = STORE_TABLES[layout.table].columns, {layout.wide.key} if layout.wide else set()
    columns = [name for names in layout.columns for name in names.split(", ")]
    assert {name for name in columns if not name.startswith("_")} <= set(known)
    assert set(layout.constants) <= set(known)
    assert set(layout.must) <= set(columns)
    specs = [*layout.columns.values(), *(notice.column for notice in layout.notices)]
    for spec in [*specs, *([layout.split.column] if layout.split else [])]:
        for roles, converter in split_spec(spec):
            assert set(roles) <= set(layout.roles) | wide
            assert find_converter(converter)
