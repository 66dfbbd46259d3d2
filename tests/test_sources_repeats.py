"""Exact repeats are told for every table in which they matter, and no row goes in silence."""

from pathlib import Path

import pytest
from data_page import FIELDS
from raw_folder import BOROUGH, EXTRACT_MAPPING, STREET, street_row, write

from sna import definitions
from sna.build import Summary, build, check_folder
from sna.store import load_borough, read_table

OUTCOMES = (
    "Crime ID,Month,Reported by,Falls within,Longitude,Latitude,Location,LSOA code,LSOA name,"
    "Outcome type"
)
PEOPLE_MAPPING = """
release_class = "person_level"
[columns]
crime_ref = "Ref"
recorded_date = "Date"
offence_code = "Code"
borough_name = "Borough"
[values.person_role]
map = { V = "victim", S = "suspect" }
[people]
file = "people.csv"
[people.columns]
crime_ref = "Ref"
person_role = "Role"
age = "Age"
"""


def _told(summary: Summary, words: str) -> list[tuple[str, int]]:
    found = summary.findings[summary.findings["finding"].str.contains(words)]
    return list(zip(found["severity"], found["rows"], strict=True))


def test_the_page_of_the_store_names_every_field_of_inputs(tmp_path: Path) -> None:
    write(tmp_path / "raw", "a.csv", STREET, street_row(1))
    (line,) = build(tmp_path / "raw", tmp_path / "out").inputs
    assert sorted(line) == sorted(FIELDS)


def test_street_rows_alike_are_told_where_a_reference_should_tell_them_apart(
    tmp_path: Path,
) -> None:
    raw, out = tmp_path / "raw", tmp_path / "out"
    anti_social = ",".join(["", *street_row(1, kind="Anti-social behaviour").split(",")[1:]])
    other = street_row(1, kind="Drugs")  # the same reference, and no copy
    rows = [street_row(1), street_row(1), other, anti_social, anti_social]
    write(raw, "2024-01-metropolitan-street.csv", STREET, *rows)
    summary = build(raw, out)
    assert _told(summary, "repeat a reference") == [("information", 2)]
    assert _told(summary, "repeat another") == [("warning", 1)]
    assert load_borough("Camden", processed=out).offences["offences"].sum() == 5  # none left out


def test_outcomes_alike_are_told_and_two_outcomes_of_one_offence_are_not(tmp_path: Path) -> None:
    start = "a,2024-01,M,M,,,,E01000842,Camden 001A,"
    write(tmp_path, "outcomes.csv", OUTCOMES, *(start + word for word in ("Charged", "Court")))
    assert _told(check_folder(tmp_path), "repeat another") == []
    write(tmp_path, "outcomes.csv", OUTCOMES, *(start + word for word in ("Charged", "Charged")))
    assert _told(check_folder(tmp_path), "repeat another") == [("warning", 1)]


def test_people_alike_are_told_as_two_people(tmp_path: Path) -> None:
    head = "count_of_ppa,borough,gender,age_group,offence_type,charged_summonsed,proceedings_date"
    row = "1,Camden,Male,18-24,Murder,Charged,Jan-24"
    write(tmp_path, "accused.csv", head, row, row)
    assert _told(check_folder(tmp_path), "two people or searches can be alike") == [
        ("information", 1)
    ]


@pytest.mark.parametrize(
    ("head", "row", "other"),
    [
        (
            f"{BOROUGH},202401,202402",
            "ROBBERY,ROBBERY OF PERSONAL PROPERTY,Camden,4,5",
            "ROBBERY,ROBBERY OF PERSONAL PROPERTY,Camden,4,6",
        ),
        (
            "LSOA Code,LSOA Name,Borough,Major Category,Minor Category,202401,202402",
            "E01000842,Camden 001A,Camden,ROBBERY,ROBBERY OF PERSONAL PROPERTY,4,5",
            "E01000842,Camden 001A,Camden,ROBBERY,ROBBERY OF PERSONAL PROPERTY,4,6",
        ),
        (
            "LSOA Code,LSOA,Age (5 categories) Code,Age (5 categories),Observation",
            "E01000842,Camden 001A,1,Aged 15 years and under,40",
            "E01000842,Camden 001A,1,Aged 15 years and under,41",
        ),
    ],
)
def test_counts_of_one_area_and_kind_stand_once(
    tmp_path: Path, head: str, row: str, other: str
) -> None:
    names = [name for name in definitions.boroughs()["borough_name"] if name != "Camden"][:30]
    filler = [
        row.replace("Camden", name).replace("000842", f"0{n:05}") for n, name in enumerate(names)
    ]
    write(tmp_path, "counts.csv", head, *filler, row, row)
    summary = check_folder(tmp_path)
    assert _told(summary, "repeat another exactly: each counts once") == [("warning", 1)]
    assert summary.inputs[0]["rows_used"] == 31
    write(tmp_path, "counts.csv", head, *filler, row, other)
    summary = check_folder(tmp_path)
    assert _told(summary, "give another figure") == [("warning", 2)]
    assert summary.inputs[0]["rows_used"] == 30


def test_counts_of_one_area_in_two_spellings_stand_once(tmp_path: Path) -> None:
    kind = "ROBBERY,ROBBERY OF PERSONAL PROPERTY"
    rows = [f"{kind},Camden,10", f"{kind.title()},Camden,10"]
    rows += [f"{kind},Kingston upon Thames,3", f"{kind},Kingston Upon Thames,4"]
    write(tmp_path, "mps.csv", f"{BOROUGH},202401", *rows)
    (record,) = check_folder(tmp_path).inputs
    assert (record["rows_used"], record["totals"]) == (1, {"2024-01": 10})


def test_rows_alike_in_an_extract_count_once_and_are_told(tmp_path: Path) -> None:
    raw, out = tmp_path / "raw", tmp_path / "out"
    rows = ["1,2024-01-05,8N,20,v1,Camden"] * 2 + ["1,2024-01-05,8N,30,v2,Camden"]
    write(raw, "e.csv", "Ref,Date,Code,Age,Victim,Borough", *rows)
    mapping = raw / "e.mapping.toml"
    mapping.write_text(EXTRACT_MAPPING, "utf-8")
    words = "Rows repeat another in all that the mapping reads"
    assert _told(check_folder(raw), f"{words}: each reference counts once.$") == [
        ("information", 1)
    ]
    mapping.write_text(EXTRACT_MAPPING.replace('victim_id = "Victim"', ""), "utf-8")
    assert _told(build(raw, out), f"{words}.*its victim once a row") == [("warning", 1)]
    assert len(read_table("people/E09000007", out)) == 3


def test_a_person_who_stands_twice_in_the_people_file_is_told(tmp_path: Path) -> None:
    write(tmp_path, "e.csv", "Ref,Date,Code,Borough", "1,2024-01-05,8N,Camden")
    write(tmp_path, "people.csv", "Ref,Role,Age,Person", "1,V,20,a", "1,V,20,b", "1,V,20,a")
    mapping = tmp_path / "e.mapping.toml"
    mapping.write_text(PEOPLE_MAPPING, "utf-8")
    assert _told(check_folder(tmp_path), "two people can be alike") == [("information", 2)]
    mapping.write_text(PEOPLE_MAPPING + 'person_id = "Person"\n', "utf-8")
    assert _told(check_folder(tmp_path), "that person counts twice") == [("warning", 1)]
