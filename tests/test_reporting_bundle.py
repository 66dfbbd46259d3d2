"""Tests of the data bundle: one zip, a data dictionary, a spreadsheet that meets the guidance."""

import csv
import io
import json
import zipfile

import openpyxl
import pytest

from sna.reporting.bundle import spreadsheet, write_bundle
from sna.reporting.verify import find_leaks

FACTS = {"place": "Camden", "period": "data to March 2025", "edition": "public",
         "version": "0.1.0", "marking": "OFFICIAL", "simulated": True,
         "facts": {"Definition": "london_2023 x"}}  # fmt: skip
EVIL = "=cmd|' /C calc'!A0"


def described(name="offences_by_ward", csv_text="ward,offences\r\nA,5\r\nB,[c]\r\n", **more):
    return {"name": name, "title": "Offences by ward", "subtitle": "Count", "source": "Police",
            "notes": ["Rounded to 5."], "grain": "one row a ward", "units": {"offences": "offences"},
            "columns": {"ward": "Ward", "offences": "Offences"}, "csv": csv_text, **more}  # fmt: skip


def made(folder, *tables):
    (folder / "csv").mkdir(exist_ok=True)
    return write_bundle(folder, tables, name="camden_public_data", head=FACTS)


def opened(content):
    return openpyxl.load_workbook(io.BytesIO(content))


def test_the_zip_holds_every_csv_its_sidecar_the_dictionary_and_the_spreadsheet(tmp_path):
    with zipfile.ZipFile(made(tmp_path, described())) as archive:
        assert archive.namelist() == [
            "csv/offences_by_ward.csv", "csv/offences_by_ward.metadata.json",
            "data_dictionary.csv", "camden_public_data.xlsx",
        ]  # fmt: skip
        rows = list(csv.DictReader(io.StringIO(
            archive.read("data_dictionary.csv").decode("utf-8-sig"))))  # fmt: skip
    assert [(row["column"], row["unit"]) for row in rows] == [
        ("ward", ""),
        ("offences", "offences"),
    ]
    sidecar = json.loads((tmp_path / "csv/offences_by_ward.metadata.json").read_text("utf-8"))
    assert (sidecar["marking"], sidecar["Definition"]) == ("OFFICIAL", "london_2023 x")


def test_the_spreadsheet_has_one_table_a_sheet_from_a1_and_nothing_hidden_or_merged():
    book = opened(spreadsheet([described(), described("b" * 40)], facts={"place": "Camden"}))
    assert book.sheetnames[:4] == ["Cover", "Contents", "Notes", "offences_by_ward"]
    sheet = book["offences_by_ward"]
    assert [[cell.value for cell in row] for row in sheet.rows] == [
        ["Ward", "Offences"], ["A", 5], ["B", "[c]"],
    ]  # fmt: skip
    for page in book:
        assert page.sheet_state == "visible"
        assert not page.merged_cells.ranges
        assert page.auto_filter.ref is page.freeze_panes is None
        assert len(page.title) <= 31
    assert book.properties.creator == "sna"


def test_the_same_tables_give_the_same_bytes(tmp_path):
    first = made(tmp_path, described()).read_bytes()
    assert made(tmp_path, described()).read_bytes() == first


@pytest.mark.parametrize("evil", [EVIL, "+1+1", "@SUM(A1)", "-2+3", "\t=1", "<script>x</script>"])
def test_no_cell_is_run_as_a_formula(evil):
    sheet = opened(spreadsheet([described(csv_text=f'ward,offences\r\n"{evil}",5\r\n')],
                               facts={"place": "Camden"}))["offences_by_ward"]  # fmt: skip
    assert sheet["A2"].data_type == "s"
    assert not str(sheet["A2"].value).startswith(("=", "+", "@", "-", "\t"))


def test_control_and_right_to_left_characters_are_dropped_and_codes_stay_text():
    table = described(csv_text="ward_code,offences\r\n4.10,4.10\r\na\x00b\u202ec,-3\r\n")
    sheet = opened(spreadsheet([table], facts={"place": "Camden"}))["offences_by_ward"]
    assert sheet["A3"].value == "abc"
    assert [sheet["A2"].value, sheet["B2"].value, sheet["B3"].value] == ["4.10", 4.1, -3]


def test_the_bundle_has_no_leak_of_a_known_kind(tmp_path):
    path = made(tmp_path, described())
    assert find_leaks([path], root=tmp_path, canaries=["3137"]) == []
