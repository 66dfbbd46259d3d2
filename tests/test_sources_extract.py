"""Tests of sna.sources.extract."""

import pandas as pd
import pytest

from sna.errors import SourceError
from sna.sources.coded import plain_text
from sna.sources.extract import _ages, read_extract
from sna.sources.files import RawFile
from sna.sources.layout import ReadResult
from sna.sources.mapping import Coding, Flag, Mapping
from sna.sources.rows import Notes
from sna.sources.text import sample_file

TODAY = pd.Timestamp("2025-06-30")


def raw(text: str) -> pd.DataFrame:
    lines = [[cell.strip() for cell in line.split("|")] for line in text.strip().splitlines()]
    return pd.DataFrame(lines[1:], columns=lines[0], dtype="str")


def flag(column: str, blank_means: str) -> Flag:
    return Flag(column=column, blank_means=blank_means, true=("Y",), false=("N",))


def mapping(**changes) -> Mapping:
    settings = {
        "name": "test",
        "release_class": "restricted",
        "columns": {
            "crime_ref": "Ref",
            "recorded_date": "Date",
            "offence_code": "Code",
            "victim_age": "Age",
            "borough_name": "Borough",
        },
        "flags": {"is_domestic_abuse": flag("DA", "no")},
        "missing": ("", "NULL"),
        "date_format": "day_first",
    }
    return Mapping(**{**settings, **changes})


RAW = """
Ref | Date       | Code | Age  | Borough     | DA
1   | 01/02/2025 | 8N   | 17   | Hackney     | Y
2   | 03/02/2025 | 4.10 | 999  | Hackney     |
3   | 32/02/2025 | 8N   | 20   | Hackney     | N
4   | 01/01/2030 | 8N   | 20   | Hackney     | N
    | 01/02/2025 | 8N   | 20   | Hackney     | N
6   | NULL       | 8N   | 20   | Hackney     | N
7   | 04/02/2025 | 34B  | NULL | Atlantis    | maybe
"""


@pytest.fixture
def read(tmp_path):
    """Give the reader of an extract written from text; returns offences, people and the result."""

    def read(text: str = RAW, **changes) -> tuple[pd.DataFrame, pd.DataFrame, ReadResult]:
        path = tmp_path / "extract.csv"
        raw(text).to_csv(path, index=False)
        sample = sample_file(RawFile(path.name, path))[0]
        (result,) = read_extract(sample, mapping(**changes), today=TODAY)
        return result.tables["offences"], result.tables.get("people"), result

    return read


def test_every_row_is_used_or_rejected_with_a_reason(read):
    offences, _, result = read()
    rejects = result.rejects
    assert (result.rows, result.used) == (7, 3)
    assert offences["offence_id"].tolist() == ["1", "2", "7"]
    assert len(offences) + rejects["rows"].sum() == 7
    reasons = dict(zip(rejects["line"], rejects["reason"], strict=True))
    assert reasons == {
        3: "not a date",
        4: "date in the future",
        5: "no crime reference",
        6: "no date",
    }


def test_coordinates_that_cannot_be_placed_are_found_and_their_rows_kept(read):
    rows = """
Ref | Date       | Code | X      | Y
1   | 01/02/2025 | 8N   | 530000 | 180000
2   | 01/02/2025 | 8N   | 0      | 0
3   | 01/02/2025 | 8N   | 180000 | 530000
4   | 01/02/2025 | 8N   | 180000 | 530000
5   | 01/02/2025 | 8N   | -0.1   | 51.5
6   | 01/02/2025 | 8N   |        |
"""
    columns = {"crime_ref": "Ref", "recorded_date": "Date", "offence_code": "Code"}
    columns |= {"easting": "X", "northing": "Y"}
    offences, _, result = read(rows, columns=columns, flags={})
    found = {f["finding"]: f["rows"] for f in result.findings if "oordinates" in f["finding"]}
    assert len(offences) == 6
    assert found == {
        "Coordinates cannot be placed: at 0,0.": 1,
        "Coordinates cannot be placed: easting and northing swapped.": 2,
        "Coordinates cannot be placed: longitude and latitude in a grid of metres.": 1,
    }


def test_dates_that_begin_with_the_year_are_never_read_day_first(read):
    rows = """
Ref | Date             | Code
1   | 2025-01-05       | 8N
2   | 2025-01-06 10:30 | 8N
3   | 07/01/2025       | 8N
"""
    columns = {"crime_ref": "Ref", "recorded_date": "Date", "offence_code": "Code"}
    offences = read(rows, columns=columns, flags={})[0]
    assert offences["recorded_date"].dt.strftime("%m-%d").tolist() == ["01-05", "01-06", "01-07"]


def test_iso_dates_of_any_form_are_read_alike(read):
    rows = """
Ref | Date                 | Code
1   | 2025-01-05           | 8N
2   | 2025-01-06 10:30     | 8N
"""
    odd = """
3   | 20250107             | 8N
4   | 2025-06-08T23:30Z    | 8N
5   | 2025-02-30           | 8N
"""
    given = {"columns": {**mapping().columns, "recorded_date": "Date"}, "flags": {}}
    del given["columns"]["victim_age"], given["columns"]["borough_name"]
    plain = read(rows, **given, date_format="iso")[0]
    both, _, result = read(rows + odd.lstrip(), **given, date_format="iso")
    assert plain["recorded_date"].tolist() == both["recorded_date"].tolist()[:2]
    assert both["recorded_date"].dt.day.tolist() == [5, 6, 7, 9]  # of summer time
    assert result.rejects["value"].tolist() == ["2025-02-30"]


def test_a_reference_that_stands_twice_is_found_in_any_order(read):
    head, lines = "Ref | Date | Code\n", ["1 | 05/01/2025 | 8N", "2 | 05/01/2025 | 8N"]
    columns = {"crime_ref": "Ref", "recorded_date": "Date", "offence_code": "Code"}
    for rows in (lines, lines[::-1], [*lines, lines[0]], [lines[0], *lines]):
        offences = read(head + "\n".join(rows), columns=columns, flags={})[0]
        assert sorted(offences["offence_id"]) == ["1", "2"]


def test_dates_are_read_day_first(read):
    assert read()[0]["recorded_date"].iloc[0] == pd.Timestamp("2025-02-01")


def test_codes_stay_text_so_that_corporate_manslaughter_survives(read):
    assert read()[0]["offence_code"].tolist() == ["8N", "4.10", "34B"]


def test_a_blank_flag_means_what_the_mapping_says(read):
    assert read()[0]["domestic_abuse"].tolist() == ["yes", "no", "unknown"]
    unknown = {"is_domestic_abuse": flag("DA", "unknown")}
    assert read(flags=unknown)[0]["domestic_abuse"].tolist() == ["yes", "unknown", "unknown"]


def test_an_age_of_999_is_unknown_and_found(read):
    offences, _, result = read()
    assert offences["victim_age"].tolist() == ["17", "unknown", "unknown"]
    assert any("age outside" in str(item["finding"]) for item in result.findings)


@pytest.mark.parametrize(
    ("text", "kept"), [("18-24", True), ("65+", True), ("200-300", False), ("24-18", False)]
)
def test_a_band_is_an_age_only_up_to_120_years(text, kept):
    assert (_ages(pd.Series([text], dtype="category"), Notes()).tolist() == [text]) is kept


def test_an_unknown_borough_is_kept_without_a_code(read):
    offences, _, result = read()
    assert offences["borough_code"].iloc[0] == "E09000012"
    assert offences["borough_code"].isna().tolist() == [False, False, True]
    assert any("borough" in str(item["finding"]) for item in result.findings)


def test_a_mapped_column_that_is_absent_stops_the_file(read):
    with pytest.raises(SourceError, match="lacks 1 columns"):
        read(RAW.replace("Age ", "Alter"))


def test_a_flag_column_that_the_mapping_leaves_out_stays_absent(read):
    assert "domestic_abuse" not in read(flags={})[0]


PERSON_ROWS = """
Ref | Date       | Code | Age | Victim | Borough | DA
1   | 01/02/2025 | 8N   | 17  | a      | Hackney | N
1   | 01/02/2025 | 8N   | 40  | b      | Hackney | N
1   | 01/02/2025 | 8N   | 40  | b      | Hackney | N
2   | 01/02/2025 | 8N   | 30  | c      | Hackney | N
"""


def test_person_rows_collapse_on_the_reference_and_people_go_to_their_table(read):
    columns = {**mapping().columns, "victim_id": "Victim"}
    offences, people, _ = read(PERSON_ROWS, columns=columns)
    assert offences["offence_id"].tolist() == ["1", "2"]
    assert people[["offence_id", "person_id"]].to_numpy().tolist() == [
        ["1", "a"],
        ["1", "b"],
        ["2", "c"],
    ]
    assert people["age"].tolist() == [17.0, 40.0, 30.0]


def test_flag_columns_make_one_weapon(read):
    text = """
Ref | Date       | Code | Age | Borough | Knife | Gun
1   | 01/02/2025 | 8N   | 17  | Hackney | Y     | N
2   | 01/02/2025 | 8N   | 17  | Hackney | N     | Y
3   | 01/02/2025 | 8N   | 17  | Hackney | N     | N
"""
    flags = {
        "is_knife": flag("Knife", "no"),
        "is_gun": flag("Gun", "no"),
    }
    assert read(text, flags=flags)[0]["weapon"].tolist() == [
        "knife",
        "firearm_type_unknown",
        "unknown",  # nothing is said about corrosives
    ]


def test_a_status_that_the_mapping_lacks_is_rejected(read):
    text = """
Ref | Date       | Code | Age | Borough | Status
1   | 01/02/2025 | 8N   | 17  | Hackney | Live
2   | 01/02/2025 | 8N   | 17  | Hackney | No crime
3   | 01/02/2025 | 8N   | 17  | Hackney | Odd
"""
    columns = {**mapping().columns, "status": "Status"}
    codings = {"status": Coding(map={"Live": "recorded", "No crime": "cancelled"})}
    offences, _, result = read(text, columns=columns, values=codings, flags={})
    assert offences["status"].tolist() == ["recorded", "cancelled"]
    assert result.rejects["value"].tolist() == ["Odd"]


def test_the_people_file_is_read_through_its_own_columns(tmp_path):
    people = raw("""
Ref | Role    | Age | Ethnicity
1   | Victim  | 17  | W1
1   | Suspect |     |
2   | Witness | 30  | W1
9   | Victim  | 30  | W1
""").replace({"Ref": {"2": " 2 ", "1": "1.0"}})  # as a spreadsheet may save it
    columns = {
        "crime_ref": "Ref",
        "person_role": "Role",
        "age": "Age",
        "ethnicity_self": "Ethnicity",
    }
    raw(RAW).to_csv(tmp_path / "extract.csv", index=False)
    people.to_csv(tmp_path / "people.csv", index=False)
    own, beside = (
        sample_file(RawFile(name, tmp_path / name))[0] for name in ("extract.csv", "people.csv")
    )
    shape = mapping(people={"file": "people.csv", "columns": columns})
    _, result = read_extract(own, shape, today=TODAY, people=beside)
    found = result.tables["people"]
    assert found["person_role"].tolist() == ["victim", "suspect"]
    assert found["age"].isna().tolist() == [False, True]
    assert found["borough_code"].tolist() == ["E09000012"] * 2
    reasons = dict(zip(result.rejects["line"], result.rejects["reason"], strict=True))
    assert reasons == {
        3: "not a victim or a suspect",
        4: "the offence is not in the extract, or was rejected there",
    }
    assert result.rejects["value"].tolist() == ["Witness", ""]


@pytest.mark.parametrize(
    "values", [["a", "NULL", None], [" a", "b\t", " NULL"], ["\u00a0a", "", "é"]]
)
def test_text_is_trimmed_where_it_holds_blanks_and_marks_of_nothing_are_missing(values):
    plain = plain_text(pd.Series(values, dtype="str"), mapping())
    cleaned = [value and value.strip() for value in values]
    expected = [None if value in ("", "NULL", None) else value for value in cleaned]
    assert plain.astype("object").where(plain.notna(), None).tolist() == expected
    coded = plain_text(pd.Series(values, dtype="category"), mapping())
    assert coded.astype("object").where(coded.notna(), None).tolist() == expected
