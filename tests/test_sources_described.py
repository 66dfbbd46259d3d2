"""Layouts that publishers describe and odd files among them, through the whole of `sna check`."""

import os
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest
from raw_folder import BOROUGH, write
from typer.testing import CliRunner

from sna.build import check_folder
from sna.cli import app
from sna.sources.folder import look_at, read_item
from sna.sources.layout import ReadContext, ReadResult
from sna.sources.places import make_places
from sna.sources.rows import parse_counts

HOME_OFFICE = (
    "Financial Year,Financial Quarter,Police Force [Force Name],CSP Name,Offence Description,"
    "Offence Group,Offence Subgroup,Offence Code,Offence Count"
)
DASHBOARD = "Month_Year,Area Type,Borough_SNT,Area name,Area code,Offence Group,Offence Subgroup"
ROBBERY = "ROBBERY,ROBBERY OF PERSONAL PROPERTY"


def check(folder: Path) -> tuple[dict[str, dict[str, object]], pd.DataFrame]:
    """Return the lines of inputs by file, and the findings, of a folder with a good file beside."""
    write(folder, "good.csv", f"{BOROUGH},202301", f"{ROBBERY},Camden,5")
    summary = check_folder(folder)
    return {line["file"]: line for line in summary.inputs}, summary.findings


def read_one(folder: Path) -> ReadResult:
    """Return what the only file of a folder gives."""
    items, _, _ = look_at(folder)
    return read_item(items[0], ReadContext(1, make_places()))[0][1]


def test_a_cell_that_is_no_count_is_rejected_under_its_own_month(tmp_path: Path) -> None:
    rows = (f"{ROBBERY},Haringey,5,..", f'{ROBBERY},Barnet,"1,234", 66776 ', f"{ROBBERY},Brent,-,1")
    write(tmp_path, "a.csv", f"{BOROUGH},202401,202402", *rows)
    result = read_one(tmp_path)
    lost = result.rejects.sort_values("line")[["line", "column", "value"]]
    assert lost.to_numpy().tolist() == [[1, "202402", ".."], [3, "202401", "-"]]
    assert result.tables["offences"]["offences"].to_pylist() == [1234, 66776]


@pytest.mark.parametrize("cell", ["1,5", "5 6", "1,23", "1.234", "-3", "1e3", "+4", ",", "0x5"])
def test_a_number_that_could_be_read_two_ways_is_no_count(cell: str) -> None:
    numbers, wrong = parse_counts(pa.chunked_array([[cell, " 1,234 ", "29 199", "7.0", "", None]]))
    assert wrong.tolist() == [True, False, False, False, False, False]
    assert numbers[1:4].tolist() == [1234, 29199, 7]


def test_estimates_by_lsoa_are_read_below_three_titles_beside_their_district(
    tmp_path: Path,
) -> None:
    ages = [*map(str, range(90)), "90+"]
    heads = ["LAD 2023 Code", "LAD 2023 Name", "LSOA 2021 Code", "LSOA 2021 Name", "Total", *ages]
    rows = [["E09000014", "Haringey", f"E0100200{n}", "x", 182, *[2] * 91] for n in range(3)]
    titles = [[text, *[None] * (len(heads) - 1)] for text in ("Mid-2024", "One table", "ONS")]
    with pd.ExcelWriter(tmp_path / "estimates.xlsx") as book:
        cover = pd.DataFrame([["Contents"], ["Mid-2024 LSOA 2021"]])
        cover.to_excel(book, sheet_name="Contents", index=False, header=False)
        table = pd.DataFrame([*titles, heads, *rows])
        table.to_excel(book, sheet_name="Mid-2024 LSOA 2021", index=False, header=False)
    lines, findings = check(tmp_path)
    assert lines["estimates.xlsx#Mid-2024 LSOA 2021"]["layout"] == "mid_year_age"
    assert lines["estimates.xlsx#Mid-2024 LSOA 2021"]["rows_used"] == 3
    assert findings.set_index("file")["severity"]["estimates.xlsx#Contents"] == "information"


def test_quarters_have_no_gaps_and_no_finding_says_that_a_rejected_row_is_kept(
    tmp_path: Path,
) -> None:
    rows = [
        f"2023/24,{n},Metropolitan,{place},Offence {code},Robbery,x,{code},{count}"
        for n, place, code, count in (
            (1, "Haringey", "34A", " 66776 "),
            (2, "Unassigned", "none", 4),
            (3, "Haringey", "34A", "[x]"),
            (4, "Haringey", "34A", ""),
        )
    ]
    write(tmp_path, "csp.csv", HOME_OFFICE, *rows)
    lines, findings = check(tmp_path)
    assert (lines["csp.csv"]["rows"], lines["csp.csv"]["rows_rejected"]) == (4, 3)
    said = " ".join(findings["finding"])
    assert "absent" not in said and "kept" not in said
    assert "in no borough's figures: Unassigned" in said


def test_a_table_that_is_nearly_known_ends_with_3_and_another_with_0(tmp_path: Path) -> None:
    write(tmp_path, "good.csv", f"{BOROUGH},202401", f"{ROBBERY},Haringey,5")
    write(tmp_path, "codes.csv", "Code,Meaning", "1,one")
    assert CliRunner().invoke(app, ["check", str(tmp_path)]).exit_code == 0
    row = f"01/04/2024,Borough,Haringey,Haringey,E09000014,{ROBBERY},5"
    write(tmp_path, "dashboard.csv", f"{DASHBOARD},Count", row)
    result = CliRunner().invoke(app, ["check", str(tmp_path)])
    assert result.exit_code == 3
    assert "all notifiable offences; no column for measure" in result.output


def test_months_of_custody_in_two_columns_are_names_or_numbers(tmp_path: Path) -> None:
    head = "Year,Month,Borough,Gender,Adult or Child,Ethnicity 4+1,Offence Group,Count"
    rows = [f"2024,{month},Haringey,Male,Adult,Other ,Violence,1" for month in ("March", 4, "05")]
    write(tmp_path, "custody.csv", head, *rows)
    months = read_one(tmp_path).tables["people"]["month"].to_pylist()
    assert [f"{month:%Y-%m}" for month in months] == ["2024-03", "2024-04", "2024-05"]


def test_people_are_never_counted_as_one_each_where_the_count_holds_a_note(tmp_path: Path) -> None:
    head = "Month,Borough,Gender,Adult or Child,Offence Group,Count"
    rows = [f"2024-03,Haringey,Male,Adult,Violence,{count}" for count in (12, "..", "", '"1,204"')]
    write(tmp_path, "custody.csv", head, *rows)
    result = read_one(tmp_path)
    assert result.tables["people"]["people"].to_pylist() == [12, 1204]
    assert set(result.rejects["column"]) == {"Count"}


def test_headings_without_a_row_are_said(tmp_path: Path) -> None:
    write(tmp_path, "heads.csv", f"{BOROUGH},202401")
    lines, findings = check(tmp_path)
    assert lines["heads.csv"]["variant"] == ""
    assert "headings and no row" in " ".join(findings["finding"])


def test_a_label_broken_over_two_lines_is_that_label(tmp_path: Path) -> None:
    row = '"ROBBERY","ROBBERY OF\nPERSONAL PROPERTY",Haringey,5'
    write(tmp_path, "a.csv", f"{BOROUGH},202401", row)
    lines, _ = check(tmp_path)
    assert lines["a.csv"]["rows_used"] == 1


def test_violence_against_women_and_girls_is_refused_with_what_to_do(tmp_path: Path) -> None:
    write(tmp_path, "vawg.csv", "VAWG Offence,Borough,Month,Count", "Rape,Haringey,2024-01,3")
    _, findings = check(tmp_path)
    row = findings.set_index("file").loc["vawg.csv"]
    assert row["severity"] == "error" and "not read" in row["finding"]
    assert row["action"].startswith("Take it out of the raw folder")


@pytest.mark.parametrize("name", ["nowhere.csv", "pipe.csv"])
def test_a_refused_entry_says_what_to_do(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    os.mkfifo(path) if name == "pipe.csv" else path.symlink_to(tmp_path / "gone.csv")
    _, findings = check(tmp_path)
    assert list(findings["file"]) == [name]
    assert "Put a copy" in findings["action"].iloc[0]


def test_rows_of_residents_that_are_rejected_are_told(tmp_path: Path) -> None:
    head = "Lower tier local authorities Code,Ethnic group (20 categories),Observation"
    rows = [f"E09000014,Asian: Chinese ({kind}),{n}" for kind, n in (("number", 9), ("percent", 1))]
    write(tmp_path, "ethnic.csv", head, *rows)
    _, findings = check(tmp_path)
    said = findings[findings["finding"].str.contains("A percentage")]
    assert list(said["severity"]) == ["information"]
