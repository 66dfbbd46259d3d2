"""Rows and files that cannot be right are set aside in words; odd forms of what is right are read."""

from pathlib import Path

import pandas as pd
import pytest
from raw_folder import BOROUGH, STREET, street_row, write
from test_sources_tables import PARTNERSHIPS, TNO, frame, read
from test_sources_traps import check_one

from sna.build import parts
from sna.sources import recognise
from sna.sources.files import RawFile
from sna.sources.layout import Match, ReadContext
from sna.sources.places import make_places
from sna.sources.text import sample_file


def test_blank_label_in_a_wide_file_is_one_rejected_row(tmp_path: Path) -> None:
    rows = ["ROBBERY,ROBBERY OF PERSONAL PROPERTY,Camden,3", "ROBBERY,,Camden,4"]
    write(tmp_path, "mps.csv", f"{BOROUGH},202401", *rows)
    line, _ = check_one(tmp_path, "mps.csv")
    assert (line["rows"], line["rows_used"], line["rows_rejected"]) == (2, 1, 1)


def test_an_unexpected_fault_in_one_file_leaves_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read_item = parts.read_item

    def fail(item: parts.Item, context: ReadContext) -> object:
        if item.name == "mps.csv":
            raise KeyError("a secret value")
        return read_item(item, context)

    monkeypatch.setattr(parts, "read_item", fail)
    write(tmp_path, "mps.csv", f"{BOROUGH},202401", "ROBBERY,ROBBERY OF PERSONAL PROPERTY,Camden,3")
    _, said = check_one(tmp_path, "mps.csv")
    assert "Unexpected fault (KeyError)" in said
    assert "secret" not in said


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        (",Offences,", ",Rate,", "measure"),
        (",Offences,", ",,", "measure"),
        (",Borough,", ",BCU,", "area type"),
    ],
)
def test_dashboard_rows_of_an_unknown_kind_are_rejected(
    tmp_path: Path, old: str, new: str, reason: str
) -> None:
    head, first, *_ = TNO.splitlines()
    _, result = read("\n".join([head, first, first.replace(old, new)]), tmp_path)
    assert result.used == 1
    assert reason in result.rejects["reason"].iloc[0]


@pytest.mark.parametrize(("text", "figure"), [(TNO, "120"), (PARTNERSHIPS, " 2 ")])
def test_a_row_that_stands_twice_counts_once_and_one_that_contradicts_not_at_all(
    tmp_path: Path, text: str, figure: str
) -> None:
    head, first, *_ = text.splitlines()
    _, result = read("\n".join([head, first, first]), tmp_path)
    assert result.rejects["reason"].tolist() == ["The same row stands above."]
    _, result = read("\n".join([head, first, first.replace(figure, "121")]), tmp_path)
    assert result.rejects["reason"].tolist() == ["Another row gives another figure for this."] * 2


@pytest.mark.parametrize("before", [0, 500])  # the repeat in the first look, or below it
def test_a_row_that_stands_twice_in_a_wide_file_counts_once(tmp_path: Path, before: int) -> None:
    rows = [f"ROBBERY,OTHER {number},Camden,1" for number in range(before)]
    rows += ["ROBBERY,ROBBERY OF PERSONAL PROPERTY,Camden,4"] * 2
    _, result = read("\n".join([f"{BOROUGH},202303", *rows]), tmp_path)
    assert (result.used, frame(result, "offences")["offences"].sum()) == (before + 1, before + 4)


@pytest.mark.parametrize("form", ["03/2023", "Mar-23", "March 2023", "01/03/2023", "2023-03",
                                  "2023-03-01T00:00:00"])  # fmt: skip
def test_every_form_of_a_month_heads_a_column(tmp_path: Path, form: str) -> None:
    text = f"{BOROUGH},{form}\nROBBERY,ROBBERY OF PERSONAL PROPERTY,Camden,4"
    _, result = read(text, tmp_path)
    rows = frame(result, "offences")
    assert rows["month"].dt.strftime("%Y-%m").tolist() == ["2023-03"]
    assert result.variant.endswith("2023-03 to 2023-03")


@pytest.mark.parametrize("kind", ["xlsx", "ods"])
def test_title_rows_of_a_workbook_are_passed_over(tmp_path: Path, kind: str) -> None:
    head = ["Major Text", "Minor Text", "Borough Name", pd.Timestamp("2023-03-01")]
    rows = [["Recorded crime", *[None] * 3], [None] * 4, ["Published today", None, "x", None], head,
            ["ROBBERY", "ROBBERY OF PERSONAL PROPERTY", "Camden", 4]]  # fmt: skip
    path = tmp_path / f"titled.{kind}"
    pd.DataFrame(rows).to_excel(path, index=False, header=False)
    sample = sample_file(RawFile(path.name, path))[0]
    match = recognise(sample)
    assert isinstance(match, Match), match
    result = match.layout.read(sample, match, ReadContext(0, make_places()))
    assert frame(result, "offences")["offences"].tolist() == [4]


def test_month_before_the_source_began_is_rejected(tmp_path: Path) -> None:
    rows = [street_row(1), street_row(2, month="1923-04"), street_row(3, month="2010-12")]
    _, result = read("\n".join([STREET, *rows]), tmp_path)
    assert (result.used, result.rejects["value"].tolist()) == (2, ["1923-04"])


def test_an_odd_quarter_is_a_rejected_row_not_an_unknown_file(tmp_path: Path) -> None:
    layout, result = read(PARTNERSHIPS.replace("2023/24,1,", "2023/24,5,"), tmp_path)
    assert layout == "home_office_csp"
    assert result.rejects.set_index("line")["reason"][1] == "The month cannot be read."


def test_health_rows_of_a_part_of_the_people_are_rejected(tmp_path: Path) -> None:
    head = "Indicator ID,Area Code,Area Name,Sex,Age,Category Type,Category,Time period,Value"
    rows = ["All ages,,,2020,55.5", "All ages,Deprivation,Most deprived,2020,70", "10-17 yrs,,,2020,9",
            "All ages,,,2021,-1", "All ages,,,2022,5", "All ages,,,2022,6", "All ages,,,2023,0"]  # fmt: skip
    start = "11201,E09000012,Hackney,Persons,"
    _, result = read("\n".join([head, *(start + row for row in rows)]), tmp_path)
    assert frame(result, "health")[["period", "value"]].to_numpy().tolist() == [
        ["2020", 55.5],
        ["2023", 0.0],
    ]
