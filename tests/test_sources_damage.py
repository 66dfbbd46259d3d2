"""Damaged archives, packed files, dates by day and figures that do not agree, on invented rows."""

import multiprocessing
import os
import re
import warnings
import zipfile
from importlib import resources
from pathlib import Path
from types import SimpleNamespace

import geopandas as gpd
import pytest
import shapely
from raw_folder import BOROUGH, EXTRACT_MAPPING, STREET, street_row, write
from test_sources_tables import TNO, frame, read
from typer.testing import CliRunner

import sna
from sna.build import build, check_folder
from sna.build.workers import PROCESS_BYTES, start_workers
from sna.cli import app
from sna.errors import UsageError
from sna.sources.files import find_files
from sna.sources.mapping import read_mapping
from sna.store import load_borough, read_table

SEARCHES = "Date,Borough,Age,Gender,Search Type,Self Defined Ethnicity"
GOOD = f"{STREET}\n{street_row(1)}\n"


def findings(folder: Path) -> dict[str, str]:
    """Return what is said of each file; a good one stands beside them and must load."""
    write(folder, "2024-01-good-street.csv", STREET, street_row(99))
    summary = check_folder(folder)
    lines = {record["file"]: record for record in summary.inputs}
    assert lines["2024-01-good-street.csv"]["rows_used"] == 1
    return summary.findings.groupby("file")["finding"].agg(" ".join).to_dict()


def test_a_damaged_member_is_a_finding_and_the_others_load(tmp_path: Path) -> None:
    text = f"{STREET}\n" + "".join(f"{street_row(n, month='2024-02')}\n" for n in range(90))
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x.csv", text)
    whole = bytearray((tmp_path / "a.zip").read_bytes())
    whole[40:60] = bytes(20)
    (tmp_path / "a.zip").write_bytes(whole)
    assert "Cannot be unpacked" in findings(tmp_path)["a.zip/x.csv"]


def test_two_members_of_one_name_are_never_counted_twice(tmp_path: Path) -> None:
    with (
        warnings.catch_warnings(action="ignore"),
        zipfile.ZipFile(tmp_path / "a.zip", "w") as archive,
    ):
        archive.writestr("2024-02-x-street.csv", GOOD.replace("2024-01", "2024-02"))
        archive.writestr("2024-02-x-street.csv", GOOD.replace("2024-01", "2024-02"))
        archive.writestr(r"C:\x\2024-03-street.csv", GOOD)
    said = findings(tmp_path)
    assert "holds 2 files of this name" in said["a.zip/2024-02-x-street.csv"]
    assert "leads out of it" in said[r"a.zip/C:\x\2024-03-street.csv"]


@pytest.mark.parametrize(
    ("start", "words"),
    [
        (b"\x1f\x8b\x08", "packed with gzip"),
        (b"7z\xbc\xaf\x27\x1c", "7z archive"),
        (b"\xd0\xcf\x11\xe0", "old kind"),
        (b"PK\x05\x06", "empty zip"),
        (b"\x01\x02", "Neither text nor"),
    ],
)
def test_packed_bytes_are_named_and_never_printed(tmp_path: Path, start: bytes, words: str) -> None:
    (tmp_path / "a.csv").write_bytes(start + bytes(range(256)) * 9)
    said = findings(tmp_path)["a.csv"]
    assert words in said
    assert said.isprintable()


def test_a_table_is_looked_at_whatever_its_name(tmp_path: Path) -> None:
    write(tmp_path, "README-2024-02-street.csv", STREET, street_row(1, month="2024-02"))
    write(tmp_path, "README", "x"), write(tmp_path, "checksums.txt", "x")
    findings(tmp_path)
    files = [record["file"] for record in check_folder(tmp_path).inputs]
    assert files == ["2024-01-good-street.csv", "README-2024-02-street.csv"]


def test_line_ends_that_no_csv_has_do_not_break_the_first_look(tmp_path: Path) -> None:
    text = GOOD.replace("Invented Road", "Invented\x0b\u2028\x85Road")
    layout, result = read(text, tmp_path)
    assert (layout, result.used) == ("police_uk_street", 1)


@pytest.mark.parametrize(
    ("dates", "months"),
    [
        (["05/01/2024", "12/01/2024", "31/01/2024"], ["2024-01", "2024-01", "2024-01"]),
        (["05/01/2024", "07/03/2024"], ["2024-01", "2024-03"]),
        (["01/13/2024", "05/01/2024"], ["2024-01", "2024-05"]),
        (["05/01/2024", "01/06/2024"], ["2024-05", "2024-06"]),  # first days in both orders
    ],
)
def test_days_of_january_are_not_other_months(
    tmp_path: Path, dates: list[str], months: list[str]
) -> None:
    rows = [f"{date},Hackney,18 or over,M,MTIP,White" for date in dates]
    layout, result = read("\n".join([SEARCHES, *rows]), tmp_path)
    assert layout == "mps_more_thorough_search"
    assert frame(result, "people")["month"].dt.strftime("%Y-%m").tolist() == months


def test_figures_revised_between_two_editions_are_said(tmp_path: Path) -> None:
    row = "ROBBERY,ROBBERY OF PERSONAL PROPERTY,Camden"
    write(tmp_path, "old.csv", f"{BOROUGH},202401,202402,202403", f"{row},10,20,30")
    write(tmp_path, "new.csv", f"{BOROUGH},202402,202403,202404", f"{row},21,30,40")
    assert (
        "1 of 2 figures were revised in new.csv: 50 in all became 51."
        in findings(tmp_path)["old.csv"]
    )


def test_levels_of_a_dashboard_that_do_not_add_up_are_said(tmp_path: Path) -> None:
    (tmp_path / "apart.csv").write_text(TNO)
    same = TNO.replace(",7,", ",122,")
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "same.csv").write_text(same)
    said = "Rows by ward hold 7 offences, rows by borough 122"
    assert said in findings(tmp_path)["apart.csv"]
    assert "Rows by ward" not in findings(tmp_path / "a").get("same.csv", "")


def test_a_process_that_may_start_none_builds_in_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    daemon = SimpleNamespace(daemon=True)
    monkeypatch.setattr(multiprocessing, "current_process", lambda: daemon)
    with start_workers(size=PROCESS_BYTES) as run:
        assert list(run(lambda item: (item, os.getpid()), [1], ())) == [(1, os.getpid())]


def test_a_build_says_what_was_revised_and_what_moved_at_the_same_sum(tmp_path: Path) -> None:
    raw, out = tmp_path / "raw", tmp_path / "out"
    rows = [f"ROBBERY,ROBBERY OF {kind} PROPERTY,Camden" for kind in ("PERSONAL", "BUSINESS")]
    head = f"{BOROUGH},202401,202402,202403"
    write(raw, "b.csv", head, f"{rows[0]},10,20,30", f"{rows[1]},5,5,5")
    build(raw, out)
    write(raw, "b.csv", head, f"{rows[0]},10,21,37", f"{rows[1]},5,4,5")
    said = " ".join(build(raw, out).findings["finding"])
    assert "2024-03: revised from 35 to 42." in said
    assert "counts moved between categories or boroughs: 2024-02." in said
    write(raw, "b.csv", head, f"{rows[0]},11,21,37", f"{rows[1]},5,4,5")
    answer = CliRunner().invoke(app, ["build", "--raw", str(raw), "--processed", str(out)])
    assert "2024-01: revised from 15 to 16." in answer.output


def test_records_that_hold_only_a_point_are_placed_by_the_boundaries(tmp_path: Path) -> None:
    raw, box = tmp_path / "raw", shapely.box(530_000, 180_000, 531_000, 181_000)
    head = "CrNo,DateCommittedFrom,DateCommittedTo,DateCrRecorded,Classification,NewMinorText,FlagCode,X,Y"
    rows = [f"{n},2024-01-07 10:00,NULL,2024-01-08,005/01,GBH,NULL,{530_500 + 1000 * n},180500"
            for n in (0, 1)]  # fmt: skip
    write(raw, "extract.csv", head, *rows)
    starter = resources.files("sna.definitions").joinpath("mappings/met_record_extract.toml")
    (raw / "extract.mapping.toml").write_text(starter.read_text("utf-8"), encoding="utf-8")
    names = {"LAD24CD": ["E09000012"], "LAD24NM": ["Hackney"]}
    gpd.GeoDataFrame(names, geometry=[box], crs=27700).to_file(raw / "districts.gpkg")
    build(raw, tmp_path / "out")
    table = read_table("offences/E09000012", tmp_path / "out")
    assert table["offence_id"].tolist() == ["0"]
    assert table["month"].dt.strftime("%Y-%m").tolist() == ["2024-01"]
    assert read_table("offences/unplaced", tmp_path / "out")["offence_id"].tolist() == ["1"]


def test_calls_for_an_ambulance_are_counted_beside_offences_without_their_patients(
    tmp_path: Path,
) -> None:
    raw, out = tmp_path / "raw", tmp_path / "out"
    starter = resources.files("sna.definitions").joinpath("mappings/safestats_ambulance.toml")
    write(raw, "las.csv.mapping.toml", starter.read_text("utf-8"))
    head = "Incident ID,Incident Date,Illness Category,Borough,Ward Code,LSOA Code,Age,Gender"
    calls = [f"{n},2024-01-05,Stab/Shot/Weapon Wound,Hackney,,,20,F" for n in range(9)]
    calls += ["9,2024-03-05,Assault,Hackney,,,30,M", "10,2024-04-05,Assault,Camden,,,30,M"]
    write(raw, "las.csv", head, *calls)
    write(raw, "2024-04-good-street.csv", STREET, street_row(99, month="2024-04"))
    summary = build(raw, out)
    line = next(record for record in summary.inputs if record["file"] == "las.csv")
    assert (line["rows"], line["rows_used"], line["rows_rejected"]) == (11, 11, 0)
    data = load_borough("Hackney", processed=out)
    assert (len(data.people), len(data.offences)) == (0, 0)
    found = sna.trend.count_attendances(data)
    assert found["attendances"].tolist() == [9, 0, 1, 0]  # quiet months of the file are nought
    shown = sna.protect(found, contract="trend_attendances", data=data)
    assert shown.table["attendances"].fillna(-1).tolist() == [10, 0, -1, 0]  # under 8: hidden
    read = check_folder(raw)
    assert "yes Health: ambulance" in read.supports
    assert any(line.startswith("no  Headline series") for line in read.supports)


def test_a_month_that_no_delivery_covers_is_no_month_without_attendances(tmp_path: Path) -> None:
    raw, out = tmp_path / "raw", tmp_path / "out"
    starter = resources.files("sna.definitions").joinpath("mappings/safestats_ambulance.toml")
    head = "Incident ID,Incident Date,Illness Category,Borough,Ward Code,LSOA Code,Age,Gender"
    for name, month in (("one", "01"), ("two", "04")):
        write(raw, f"{name}.csv.mapping.toml", starter.read_text("utf-8"))
        rows = [f"{name}{n},2024-{month}-05,Assault,Hackney,,,20,F" for n in range(9)]
        write(raw, f"{name}.csv", head, *rows)
    write(raw, "2024-04-good-street.csv", STREET, street_row(99, month="2024-04"))
    build(raw, out)
    found = sna.trend.count_attendances(load_borough("Hackney", processed=out))
    assert found["month"].dt.strftime("%Y-%m").tolist() == ["2024-01", "2024-04"]


def test_files_of_one_health_service_are_one_row_a_month_whatever_their_class(
    tmp_path: Path,
) -> None:
    raw, out = tmp_path / "raw", tmp_path / "out"
    starter = resources.files("sna.definitions").joinpath("mappings/safestats_ambulance.toml")
    text = starter.read_text("utf-8")
    head = "Incident ID,Incident Date,Illness Category,Borough,Ward Code,LSOA Code,Age,Gender"
    for name, kind in (("one", "restricted"), ("two", "person_level")):
        mapping = re.sub("(?m)^release_class = .*", f'release_class = "{kind}"', text)
        write(raw, f"{name}.csv.mapping.toml", mapping)
        rows = [f"{name}{n},2024-01-05,Assault,Hackney,,,20,F" for n in range(9)]
        write(raw, f"{name}.csv", head, *rows)
    write(raw, "2024-01-good-street.csv", STREET, street_row(99))
    build(raw, out)
    found = sna.trend.count_attendances(load_borough("Hackney", processed=out))
    assert found[["attendances", "release_class"]].to_numpy().tolist() == [[18, "person_level"]]


def test_an_extract_without_dates_is_an_error_of_its_file(tmp_path: Path) -> None:
    mapping = 'release_class = "restricted"\nundated = true\n[columns]\ncrime_ref = "Ref"\n'
    write(tmp_path, "x.csv.mapping.toml", mapping + 'offence_code = "Code"\n')
    write(tmp_path, "x.csv", "Ref,Code", "1,8N", "2,8N")
    write(tmp_path, "2024-04-good-street.csv", STREET, street_row(99, month="2024-04"))
    summary = check_folder(tmp_path)
    assert summary.findings.query("file == 'x.csv'")["finding"].str.contains("no date").all()
    assert sum(line["rows_used"] for line in summary.inputs) == 1


def test_a_mapping_of_attendances_names_no_people_file(tmp_path: Path) -> None:
    starter = resources.files("sna.definitions").joinpath("mappings/safestats_ambulance.toml")
    more = '\n[people]\nfile = "p.csv"\n[people.columns]\ncrime_ref = "Ref"\n'
    write(tmp_path, "las.mapping.toml", starter.read_text("utf-8") + more)
    with pytest.raises(UsageError, match="nothing of patients is kept"):
        read_mapping(tmp_path / "las.mapping.toml")


def test_published_admissions_stand_as_they_are(tmp_path: Path) -> None:
    heads = "Indicator ID,Indicator Name,Area Code,Area Name,Sex,Time period,Value,Lower CI 95.0 limit,Upper CI 95.0 limit"
    rows = [f"11201,Violent crime,{code},{name},Persons,{years},{value},40.1,60.2"
            for code, name, years, value in (("E09000012", "Hackney", "2019/20 - 21/22", 50.5),
                                             ("E09000012", "Hackney", "2018/19 - 20/21", 55.5),
                                             ("E09000007", "Camden", "2018/19 - 20/21", 44.0))]  # fmt: skip
    write(tmp_path / "raw", "health.csv", heads, *rows)
    place = {"lsoa": "E01001783", "name": "Hackney 001A"}
    write(tmp_path / "raw", "2024-01-street.csv", STREET, street_row(1, **place))
    build(tmp_path / "raw", tmp_path / "out")
    data = load_borough("Hackney", processed=tmp_path / "out")
    found = sna.protect(sna.trend.list_admissions(data), contract="trend_admissions", data=data)
    assert found.table[["period", "value"]].to_numpy().tolist() == [
        ["2018/19 - 20/21", 55.5], ["2019/20 - 21/22", 50.5],
    ]  # fmt: skip
    assert "Fingertips" in sna.figures.show(found).source


def test_without_health_files_the_page_says_that_none_was_supplied(tmp_path: Path) -> None:
    place = {"lsoa": "E01001783", "name": "Hackney 001A"}
    write(tmp_path / "raw", "2024-01-street.csv", STREET, street_row(1, **place))
    build(tmp_path / "raw", tmp_path / "out")
    data = load_borough("Hackney", processed=tmp_path / "out")
    for table, contract in (
        (sna.trend.count_attendances(data), "trend_attendances"),
        (sna.trend.list_admissions(data), "trend_admissions"),
    ):
        shown = sna.figures.show(sna.protect(table, contract=contract, data=data))
        assert "names Hackney was supplied" in shown._repr_html_()


@pytest.mark.parametrize("rest", ["", "\n", "\r\n\r\n\n"])
def test_a_heading_alone_is_a_table_without_rows_however_it_ends(tmp_path: Path, rest: str) -> None:
    write(tmp_path, "good.csv", STREET, street_row(1))
    (tmp_path / "street.csv").write_bytes(f"{STREET}{rest}".encode())
    (tmp_path / "titled.csv").write_bytes(f"A title\n\n{STREET}{rest}".encode())
    (tmp_path / "e.csv").write_bytes(f"Ref,Date,Code,Age,Victim,Borough{rest}".encode())
    (tmp_path / "e.mapping.toml").write_text(EXTRACT_MAPPING, "utf-8")
    found = check_folder(tmp_path).findings
    told = found[found["finding"].str.contains("The table has headings and no row")]
    assert told["severity"].tolist() == ["warning"] * 3
    assert not found["finding"].str.contains("Unexpected|Could not skip").any()


@pytest.mark.parametrize(
    "content",
    [b"", b"\n", b"\xef\xbb\xbf", b"\xef\xbb\xbf\r\n", b"\xff\xfe", b",", b",,\n,,\n", b'"'],
)
def test_a_file_that_holds_nothing_is_called_empty(tmp_path: Path, content: bytes) -> None:
    write(tmp_path, "good.csv", STREET, street_row(1))
    (tmp_path / "nothing.csv").write_bytes(content)
    found = check_folder(tmp_path).findings
    told = found[found["file"].eq("nothing.csv")]
    assert told[["severity", "finding"]].to_numpy().tolist() == [["error", "The file is empty."]]


def test_an_extract_of_which_every_row_is_rejected_says_why(tmp_path: Path) -> None:
    write(tmp_path, "good.csv", STREET, street_row(1))
    write(tmp_path, "e.csv", "Ref,Date,Code,Age,Victim,Borough", "1,2099-01-05,8N,20,a,Camden")
    (tmp_path / "e.mapping.toml").write_text(EXTRACT_MAPPING, "utf-8")
    found = check_folder(tmp_path).findings
    assert found["finding"].str.contains("100.0% of rows are rejected: date in the future").any()


def test_a_build_counts_copies_apart_from_files_that_gave_nothing(tmp_path: Path) -> None:
    raw, out = tmp_path / "raw", tmp_path / "out"
    for name in ("good.csv", "copy of good.csv"):
        write(raw, name, STREET, street_row(1))
    said = build(raw, out).said
    assert "1 of 2 hold the same bytes as another: read once." in said
    assert "gave no row" not in said
    write(raw, "odd.csv", "a,b", "1,2")
    assert build(raw, out).said.endswith("1 of 3 gave no row: see the findings.")


def test_rows_without_a_borough_are_told_of_offences_and_of_outcomes(tmp_path: Path) -> None:
    head = (
        "Month_Year,Area Type,Borough_SNT,Area name,Area code,Crime Type,Crime Subtype,Measure,"
        "Financial Year,FY_FYIndex,Count,Refresh Date"
    )
    rows = [
        f"01/01/2024,Borough,{place},{place},{code},Knife Crime,Knife Crime,{measure},fy,1,4,x"
        for place, code in (("Camden", "E09000007"), ("Other / NK", "-1"))
        for measure in ("Offences", "Positive Outcomes")
    ]
    write(tmp_path, "knife.csv", head, *rows)
    found = check_folder(tmp_path).findings["finding"].tolist()
    assert "50.0% of rows of offences have no borough." in found
    assert "50.0% of rows of outcomes have no borough." in found


def test_a_mapping_whose_file_has_another_name_is_told(tmp_path: Path) -> None:
    write(tmp_path, "good.csv", STREET, street_row(1))
    for name in ("good.mapping.toml", "good.csv.mapping.toml", "extrakt.mapping.toml"):
        (tmp_path / name).write_text("", "utf-8")
    _, found = find_files(tmp_path)
    assert [(line["file"], line["finding"]) for line in found] == [
        ("extrakt.mapping.toml", "A mapping without its file: nothing is read by it.")
    ]


def test_files_that_windows_and_excel_leave_behind_are_no_data(tmp_path: Path) -> None:
    write(tmp_path, "crime.csv", STREET, street_row(1))
    for name in ("~$crime.xlsx", "Thumbs.db", "desktop.ini", ".DS_Store"):
        (tmp_path / name).write_bytes(b"left behind")
    files, found = find_files(tmp_path)
    assert ([file.file for file in files], found) == (["crime.csv"], [])
