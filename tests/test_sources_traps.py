"""Each trap of the published files, and each kind of bad input, on invented rows."""

import os
import zipfile
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pytest
import shapely
from raw_folder import BOROUGH, STREET, WARD, street_row, write
from test_sources_tables import LAYOUT_A, LSOA, TNO, frame, read

from sna.build import check_folder
from sna.sources import recognise
from sna.sources.files import RawFile
from sna.sources.layout import Match, Nearest, ReadContext
from sna.sources.places import make_places
from sna.sources.text import sample_file

SEARCH = (
    "Type,Date,Part of a policing operation,Policing operation,Latitude,Longitude,Gender,Age range,"
    "Self-defined ethnicity,Officer-defined ethnicity,Legislation,Object of search,Outcome"
)


def check_one(folder: Path, name: str) -> tuple[dict[str, object], str]:
    """Return one file's line of inputs and its findings, from a folder with a good file beside."""
    write(folder, "2024-01-good-street.csv", STREET, street_row(1))
    summary = check_folder(folder)
    lines = {record["file"]: record for record in summary.inputs}
    assert lines["2024-01-good-street.csv"]["rows_used"] == 1
    mine = summary.findings[summary.findings["file"].eq(name)]
    return lines.get(name, {}), " ".join(mine["finding"] + " " + mine["action"])


# ---------------------------------------------------------------------------- recognition


def test_ward_rows_without_their_code_are_never_taken_for_borough_rows(tmp_path: Path) -> None:
    rows = [
        "ROBBERY,ROBBERY OF PERSONAL PROPERTY,Camden,1",
        "ROBBERY,ROBBERY OF PERSONAL PROPERTY,Camden,2",
    ]
    named = write(tmp_path, "a.csv", "MajorText,MinorText,WardName,BoroughName,202401",
                  *(row.replace(",Camden", ",Abbey,Camden") for row in rows))  # fmt: skip
    plain = write(tmp_path, "b.csv", f"{BOROUGH},202401", *rows)
    for path in (named, plain):
        found = recognise(sample_file(RawFile(path.name, path))[0])
        assert isinstance(found, Nearest), found


@pytest.mark.parametrize(
    "head",
    [
        "ward_code,age,sex,count\nE05000026,15 to 19,M,3",  # victims, not residents
        "Area Code,Area Name,Indicator,Age,Value\nE09000007,Camden,x,All ages,3",
        "LSOA code,IMD rank,IMD decile\nE01000842,100,1",  # of which edition?
        "name,value\na,1",
    ],
)
def test_a_table_that_only_resembles_a_layout_is_not_guessed(tmp_path: Path, head: str) -> None:
    path = write(tmp_path, "census_2021.csv", head)
    assert isinstance(recognise(sample_file(RawFile(path.name, path))[0]), Nearest)


@pytest.mark.parametrize("text", [TNO, LAYOUT_A, LSOA, f"{STREET}\n{street_row(1)}\n"])
def test_order_of_columns_and_title_rows_do_not_matter(tmp_path: Path, text: str) -> None:
    table = pd.DataFrame(
        [line.split(",") for line in text.split("\n")[1:-1]], columns=text.split("\n")[0].split(",")
    )
    here, there = tmp_path / "a", tmp_path / "b"
    here.mkdir(), there.mkdir()
    layout, result = read(text, here)
    turned = table[list(table.columns)[::-1]].to_csv(index=False)
    again, other = read(f"Published figures\n\n{turned}", there)
    assert (layout, result.rows, result.used) == (again, other.rows, other.used)
    for name in result.tables:
        mine, theirs = frame(result, name), frame(other, name)
        assert set(mine.columns) == set(theirs.columns)
        assert len(mine) == len(theirs)


def test_nearest_layout_is_the_one_that_lacks_least(tmp_path: Path) -> None:
    lines = [line.split(",") for line in (STREET, street_row(1))]
    path = write(tmp_path, "x.csv", *(",".join([*line[:1], *line[2:]]) for line in lines))
    found = recognise(sample_file(RawFile(path.name, path))[0])
    assert (found.title, found.differs) == ("police.uk street crime", "no column for month")


def test_dashboard_known_by_its_name_only_is_refused_in_words(tmp_path: Path) -> None:
    write(tmp_path, "x.csv", "Month,VAWG Offence,Borough,Count", "2024-01,Stalking,Camden,3")
    line, said = check_one(tmp_path, "x.csv")
    assert line["layout"] == "mps_vawg"
    assert "columns were never seen" in said
    assert "never added" in said


# ---------------------------------------------------------------------------- published traps


def test_search_on_the_evening_before_in_utc_belongs_to_the_next_month(tmp_path: Path) -> None:
    rows = [
        "Person search,2023-03-31T23:30:00+00:00,,,,,Male,10-17,,,s,,",
        "Person search,2023-01-31T23:30:00+00:00,,,,,,,,,s,,",
    ]
    _, result = read("\n".join([SEARCH, *rows]), tmp_path)
    people = frame(result, "people")
    assert people["month"].dt.strftime("%Y-%m").tolist() == ["2023-04", "2023-01"]
    assert people["event_time"].dt.hour.tolist() == [0, 23]
    assert people["age_band"].astype("object").where(people["age_band"].notna(), None).tolist() == [
        "10-17",
        None,
    ]


def test_two_like_searches_are_two(tmp_path: Path) -> None:
    row = "Person search,2023-01-05T10:00:00+00:00,,,51.5,-0.1,Male,18-24,,,s,,"
    _, result = read("\n".join([SEARCH, row, row]), tmp_path)
    assert frame(result, "people")["people"].sum() == 2


def test_rows_without_a_place_are_kept_without_one(tmp_path: Path) -> None:
    lost = street_row(1, lsoa="", name="").replace("On or near Invented Road", "No Location")
    far = street_row(2, lsoa="W01000001", name="Flintshire 001A")
    _, result = read("\n".join([STREET, lost, far]), tmp_path)
    rows = frame(result, "offences")
    assert rows["borough_code"].isna().tolist() == [True, True]
    assert rows["lsoa_code"].astype("object").tolist()[1] == "W01000001"


def test_camden_copy_takes_either_order_of_dates_and_leaves_old_codes(tmp_path: Path) -> None:
    head = "Category,Street Name,Outcome Category,Epoch,Ward Code,Ward Name,ID"
    rows = [
        "Robbery,x,,06/01/2019 12:00:00 AM,E05000128,Belsize,",
        "Robbery,x,,01/06/2019,00AG02N,Cantelowes,9",
    ]
    layout, result = read("\n".join([head, *rows]), tmp_path)
    offences = frame(result, "offences")
    assert layout == "camden_street"
    assert offences["month"].dt.strftime("%Y-%m").tolist() == ["2019-06", "2019-06"]
    assert offences["ward_code"].isna().tolist() == [False, True]
    assert any("00AG02N" in item["finding"] for item in result.findings)


@pytest.mark.parametrize(
    ("minors", "heading", "letter"),
    [
        (["Violence with Injury", "Homicide"], "MajorText", "A"),
        (["VIOLENCE WITH INJURY", "HOMICIDE"], "MajorText", "B"),
        (["VIOLENCE WITH INJURY", "STALKING AND HARASSMENT"], "MajorText", "C"),
        (["VIOLENCE WITH INJURY", "STALKING AND HARASSMENT"], "Group", "D"),
    ],
)
def test_same_label_has_the_scope_of_its_layout(
    tmp_path: Path, minors: list[str], heading: str, letter: str
) -> None:
    rows = [f"VIOLENCE AGAINST THE PERSON,{minor},Camden,1" for minor in minors]
    _, result = read("\n".join([f"{heading},MinorText,BoroughName,202401", *rows]), tmp_path)
    assert set(frame(result, "offences")["published_category"].str[:5]) == {f"MPS {letter}"}
    assert result.variant == f"layout {letter}, 2024-01 to 2024-01"


@pytest.mark.parametrize("name", ["Unknown", "London Heathrow and London City Airports", "Aviation Security (SO18)",
                                  "Other / NK", "Non Met Police Force", "N/K", ""])  # fmt: skip
def test_bucket_in_place_of_a_borough_is_kept_without_one(tmp_path: Path, name: str) -> None:
    _, result = read(f"{BOROUGH},202401\nROBBERY,ROBBERY OF PERSONAL PROPERTY,{name},4", tmp_path)
    rows = frame(result, "offences")
    assert (rows["offences"].sum(), rows["borough_code"].isna().all(), result.used) == (4, True, 1)


@pytest.mark.parametrize(
    "name", ["Kingston Upon Thames", "Kingston-upon-Thames", "KINGSTON", "kingston upon thames "]
)
def test_every_published_spelling_finds_the_borough(tmp_path: Path, name: str) -> None:
    _, result = read(f"{BOROUGH},202401\nROBBERY,ROBBERY OF PERSONAL PROPERTY,{name},4", tmp_path)
    assert frame(result, "offences")["borough_code"].tolist() == ["E09000021"]


def test_unknown_borough_is_a_reject_with_line_and_value(tmp_path: Path) -> None:
    rows = [
        "ROBBERY,ROBBERY OF PERSONAL PROPERTY,Camden,4",
        "ROBBERY,ROBBERY OF PERSONAL PROPERTY,Camdem,5",
    ]
    _, result = read("\n".join([f"{BOROUGH},202401", *rows]), tmp_path)
    assert result.rejects[["line", "column", "value"]].to_numpy().tolist() == [
        [2, "BoroughName", "Camdem"]
    ]


def test_ranks_with_blanks_and_deciles_with_a_point_are_numbers(tmp_path: Path) -> None:
    head = ("LSOA code (2011),Index of Multiple Deprivation (IMD) Rank (where 1 is most deprived),"
            "Index of Multiple Deprivation (IMD) Decile (where 1 is most deprived 10% of LSOAs),"
            "Income Rank (where 1 is most deprived),Income Decile (where 1 is most deprived 10% of LSOAs),"
            "Income Deprivation Affecting Children Index (IDACI) Decile,Indoors Sub-domain Decile")  # fmt: skip
    layout, result = read(f"{head}\nE01000001,29 199,9.0,32 831,10.0,3,7", tmp_path)
    rows = frame(result, "deprivation").set_index("domain")
    assert layout == "imd_2019"
    assert rows["decile"].to_dict() == {"overall": 9, "income": 10, "income_children": 3}
    assert rows["rank"].dropna().to_dict() == {"overall": 29199, "income": 32831}


def test_percentages_are_no_residents_and_labels_lose_their_double_blank(tmp_path: Path) -> None:
    rows = [
        'E09000007,Camden,"White:  Irish (number)",405.0',
        'E09000007,Camden,"White:  Irish (percent)",2.5',
    ]
    layout, result = read(
        "\n".join(["ltla21_code,ltla21_name,ethnic_group,value", *rows]), tmp_path
    )
    people = frame(result, "population")
    assert layout == "census_ethnic_group"
    assert people[["ethnic_group", "population", "population_year"]].to_numpy().tolist() == [
        ["White: Irish", 405, 2021]
    ]
    assert result.rejects["reason"].tolist() == ["A percentage; shares are computed from numbers."]


def test_single_years_of_one_sex_are_not_added_to_both(tmp_path: Path) -> None:
    ages = ",".join([*map(str, range(90)), "90+"])
    ones = ",".join(["1"] * 91)
    text = "\n".join(
        [
            "Mid-2024 LSOA 2021",
            f"LSOA 2021 Code,Sex,{ages}",
            *(f"E01000001,{s},{ones}" for s in "PMF"),
        ]
    )
    text = text.replace(",P,", ",Persons,")
    path = write(tmp_path, "mid-2024.csv", text)
    sample = sample_file(RawFile(path.name, path))[0]
    match = recognise(sample)
    assert isinstance(match, Match)
    result = match.layout.read(sample, match, ReadContext(0, make_places()))
    people = frame(result, "population")
    assert (people["population"].sum(), people["age_upper"].max(), result.used) == (91, 999, 1)


def test_faulty_polygons_are_findings_of_their_file(tmp_path: Path) -> None:
    corners = [(530_000, 180_000), (531_000, 181_000), (531_000, 180_000), (530_000, 181_000)]
    shapes = [shapely.Polygon(corners), shapely.box(533e3, 18e4, 534e3, 181e3),
              shapely.box(5335e2, 18e4, 5345e2, 181e3)]  # fmt: skip
    codes = {
        "WD24CD": ["E05000026", "E05000027", "E05000028"],
        "WD24NM": ["Abbey", "Alibon", "Becontree"],
    }
    gpd.GeoDataFrame(codes, geometry=shapes, crs=27700).to_file(tmp_path / "faulty.gpkg")
    line, said = check_one(tmp_path, "faulty.gpkg")
    assert line["rows_used"] == 3
    assert all(words in said for words in ("Invalid polygons", "overlap", "test: E05000026 Abbey."))


def test_map_that_could_lie_anywhere_is_refused(tmp_path: Path) -> None:
    codes, degrees = {"WD18CD": ["E05000026"]}, [shapely.box(-0.2, 51, 0, 52)]
    areas = gpd.GeoDataFrame(codes, geometry=degrees, crs=27700)
    areas.to_file(tmp_path / "wrong.gpkg")
    assert "degrees but" in check_one(tmp_path, "wrong.gpkg")[1]
    areas.to_file(tmp_path / "none.shp")
    (tmp_path / "none.prj").unlink()
    assert "names no coordinate system" in check_one(tmp_path, "none.shp")[1]


# ---------------------------------------------------------------------------- bad input


@pytest.mark.slow
def test_huge_single_line_is_refused_without_reading_it(tmp_path: Path) -> None:
    with (tmp_path / "line.csv").open("wb") as stream:
        stream.writelines([b"x," * (1 << 19)] * 200)  # 200 MB
    assert "No line end" in check_one(tmp_path, "line.csv")[1]


@pytest.mark.slow
@pytest.mark.parametrize("rows", [[street_row(1)], []])
def test_huge_line_below_a_heading_is_a_finding(tmp_path: Path, rows: list[str]) -> None:
    write(tmp_path, "a-street.csv", STREET, *rows, "x" * (40 << 20))
    line, said = check_one(tmp_path, "a-street.csv")
    assert line["rows"] == line["rows_used"] + line["rows_rejected"]
    assert said
    assert "A row is longer than 2 MB, or a quotation never ends." in str(said)


def test_byte_that_is_no_utf_8_far_below_is_read_as_cp1252(tmp_path: Path) -> None:
    rows = [street_row(n) for n in range(900)] + [street_row(901).replace("Invented", "Caf\xe9")]
    write(tmp_path, "a-street.csv", STREET, *rows, encoding="cp1252")
    line, said = check_one(tmp_path, "a-street.csv")
    assert line["rows_used"] == 901
    assert "cp1252" in said


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-8-sig"])
def test_text_without_a_mark_of_its_encoding_is_read(tmp_path: Path, encoding: str) -> None:
    write(tmp_path, "a-street.csv", STREET, street_row(7), encoding=encoding)
    assert check_one(tmp_path, "a-street.csv")[0]["rows_used"] == 1


def test_quoted_line_ends_are_one_row_and_ragged_lines_keep_their_number(tmp_path: Path) -> None:
    rows = [
        street_row(1).replace("On or near Invented Road", '"On or near\r\nInvented Road"'),
        "too,short",
    ]
    rows += [street_row(3, month="soon"), *(street_row(n) for n in range(4, 40))]
    _, result = read("\n".join([STREET, *rows]), tmp_path)
    assert (result.rows, result.used) == (39, 37)
    rejects = result.rejects.set_index("line")["reason"].to_dict()
    assert "2 fields where 12" in rejects[2]
    assert rejects[3] == "The month cannot be read."


def test_formula_is_text_in_a_csv_and_its_saved_value_in_a_workbook(tmp_path: Path) -> None:
    _, result = read(
        f"{BOROUGH},202401\nROBBERY,ROBBERY OF PERSONAL PROPERTY,Camden,=1+1", tmp_path
    )
    assert result.rejects["value"].tolist() == ["=1+1"]
    table = pd.DataFrame({"MajorText": ["ROBBERY"], "MinorText": ["ROBBERY OF PERSONAL PROPERTY"],
                          "BoroughName": ["Camden"], "202401": ["=1+1"]})  # fmt: skip
    table.to_excel(tmp_path / "book.xlsx", index=False)  # saved without a value: nothing to read
    line, _said = check_one(tmp_path, "book.xlsx#Sheet1")
    assert (line["rows"], line["rows_used"]) == (1, 1)


def test_unreadable_file_fifo_and_archive_in_archive_are_findings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, "locked.csv", STREET, street_row(1))
    os.mkfifo(tmp_path / "pipe.csv")
    with zipfile.ZipFile(tmp_path / "outer.zip", "w") as archive:
        archive.writestr("inner.zip", b"PK\x03\x04")
        archive.writestr("/etc/a.csv", "a,b\n1,2\n")
    opened = Path.open

    def refuse(path: Path, *args: object, **more: object) -> object:
        if path.name == "locked.csv":
            raise PermissionError(13, "Permission denied", str(path))
        return opened(path, *args, **more)  # type: ignore[call-overload]

    monkeypatch.setattr(Path, "open", refuse)
    write(tmp_path, "2024-01-good-street.csv", STREET, street_row(1))
    summary = check_folder(tmp_path)
    said = summary.findings.set_index("file")["finding"].to_dict()
    assert "Permission denied" in said["locked.csv"]
    assert "Not an ordinary file" in said["pipe.csv"]
    assert "archive inside an archive" in said["outer.zip/inner.zip"]
    assert "leads out of it" in said["outer.zip//etc/a.csv"]
    assert [r["rows_used"] for r in summary.inputs if r["rows"]] == [1]


def test_blank_ends_of_codes_do_not_make_a_ward_twice(tmp_path: Path) -> None:
    rows = ["ROBBERY,ROBBERY OF PERSONAL PROPERTY,Abbey,E05000026 ,Camden,1,0",
            "ROBBERY,ROBBERY OF BUSINESS PROPERTY,Abbey,E05000026,Camden,0,2"]  # fmt: skip
    _, result = read("\n".join([f"{WARD},202401,202402", *rows]), tmp_path)
    assert frame(result, "offences")["ward_code"].unique().tolist() == ["E05000026"]


def test_a_blank_column_brings_no_layout_near(tmp_path: Path) -> None:
    row = "1,01/02/2024,005/01,GBH,,528000,184000"
    write(tmp_path, "r.csv", "CrNo,DateFrom,Class,NewMinorText,FlagCode,X,Y", row)
    match = recognise(sample_file(RawFile("r.csv", tmp_path / "r.csv"))[0])
    assert isinstance(match, Nearest)
    assert match.title == "no known layout"
