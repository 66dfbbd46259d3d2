"""Tests of sna.sources.people_tables, home_office and fingertips on invented rows."""

from pathlib import Path

import pandas as pd
import pytest

from sna.sources import recognise
from sna.sources.files import RawFile
from sna.sources.layout import Match, ReadContext, ReadResult
from sna.sources.places import make_places
from sna.sources.text import sample_file

# headings as published; the rows are invented
ACCUSED = """count_of_ppa,borough,gender,age_group,self_classified_ethnicity,offence_type,charged_summonsed,proceedings_date
1,Barking & Dagenham,Male,20 to 24,Black ,Murder,Charge or Summons,Jan-03
1,Barking & Dagenham,Male,20 to 24,Black ,Murder,Charge or Summons,Jan-03
1,Kingston Upon Thames,Unrecorded,65 and over,SCE Not Recorded,Manslaughter,Recording Error,Feb-04
1,Heathrow,Female,10 to 14,White,Murder,Charge or Summons,Mar-24
"""
PARTNERSHIPS = """Financial Year,Financial Quarter,Force Name,CSP Name,Offence Description,Offence Group,Offence Subgroup,Offence Code,Offence Count
2023/24,1,Metropolitan Police,Hackney,Corporate manslaughter,Violence against the person,Homicide,4.10, 2 
2023/24,4,Metropolitan Police,Hackney,Assault with injury,Violence against the person,Violence with injury,8N," 1,234 "
2023/24,4,Metropolitan Police,Unassigned,Assault with injury,Violence against the person,Violence with injury,8N,7
2023/24,4,Metropolitan Police,Hackney,Rape,Sexual offences,Rape,19C,see note
"""
FINGERTIPS = """Indicator ID,Indicator Name,Area Code,Area Name,Area Type,Sex,Time period,Value,Lower CI 95.0 limit,Upper CI 95.0 limit,Count
11201,Violent crime,E09000012,Hackney,UA,Persons,2018/19 - 20/21,55.5,49.1,62.0,350
11201,Violent crime,E09000012,Hackney,UA,Persons,2019/20 - 21/22,,,,
"""  # fmt: skip


def read(text: str, tmp_path: Path) -> tuple[str, ReadResult]:
    path = tmp_path / "any name.csv"
    path.write_text(text, encoding="utf-8")
    sample = sample_file(RawFile(path.name, path))[0]
    match = recognise(sample)
    assert isinstance(match, Match), match
    result = match.layout.read(sample, match, ReadContext(3, make_places()))
    rejected = int(result.rejects["rows"].sum()) if len(result.rejects) else 0
    assert result.rows == result.used + rejected
    return match.layout.id, result


def frame(result: ReadResult, name: str):
    table = result.tables[name]
    return table if hasattr(table, "columns") and hasattr(table, "iloc") else table.to_pandas()


def test_people_proceeded_against_are_never_de_duplicated(tmp_path):
    layout, result = read(ACCUSED, tmp_path)
    people = frame(result, "people")
    assert layout == "mps_homicide_accused"
    assert people["people"].sum() == 4
    assert people["age_band"].tolist() == ["20-24", "20-24", "65+", "10-14"]
    assert people["ethnicity_self"].tolist() == ["Black", "Black", "SCE Not Recorded", "White"]
    assert people["sex"].tolist() == ["male", "male", "unknown", "female"]
    assert people["borough_code"].iloc[0] == "E09000002"
    assert people["month"].dt.strftime("%Y-%m").tolist()[2:] == ["2004-02", "2024-03"]


def test_airport_and_recording_error_are_kept_and_said(tmp_path):
    findings = " ".join(item["finding"] for item in read(ACCUSED, tmp_path)[1].findings)
    assert "Heathrow" in findings
    assert "Recording Error" in findings


def test_partnership_codes_stay_text_and_quarters_become_months(tmp_path):
    layout, result = read(PARTNERSHIPS, tmp_path)
    offences = frame(result, "offences")
    assert layout == "home_office_csp"
    assert offences["offence_code"].tolist() == ["4.10", "8N", "8N"]
    assert offences["offences"].tolist() == [2, 1234, 7]
    assert offences["month"].dt.strftime("%Y-%m").tolist() == ["2023-04", "2024-01", "2024-01"]
    assert offences["borough_code"].isna().tolist() == [False, False, True]


def test_a_note_in_place_of_a_count_is_rejected_with_its_words(tmp_path):
    rejects = read(PARTNERSHIPS, tmp_path)[1].rejects
    assert rejects[["line", "value"]].to_numpy().tolist() == [[4, "see note"]]


def test_fingertips_rows_without_a_value_are_rejected(tmp_path):
    layout, result = read(FINGERTIPS, tmp_path)
    health = frame(result, "health")
    assert layout == "fingertips"
    assert health[["indicator_id", "value", "lower_ci", "count"]].to_numpy().tolist() == [
        ["11201", 55.5, 49.1, 350.0]
    ]
    assert result.rejects["reason"].tolist() == ["No value is published."]


VICTIMS = """Homicide Offence Month,Borough,Sex,Age Group,Method of Killing,Domestic Abuse,Solved Status
Jan-20,Camden,Male,Adult,Knife or Sharp Implement,Not Domestic Abuse,Solved
"""
CUSTODY = """Custody Year,Month,Borough,Sex,Adult or Child,Self Defined Ethnicity,Offence Group,Count
2023,January,Camden,Male,Adult,Other ,Violence,12
"""
SEARCHES = """Date,Borough,Gender,Age,Self Defined Ethnicity,More Thorough Search Type,Outcome
01/02/2023,City of Westminster,M,18 or older,Not Recorded,MTIP,NFA
"""


@pytest.mark.parametrize(
    ("text", "layout", "role", "band", "people"),
    [
        (VICTIMS, "mps_homicide_victims", "victim", "Adult", 1),
        (CUSTODY, "mps_custody", "detained", "Adult", 12),
        (SEARCHES, "mps_more_thorough_search", "searched", "18+", 1),
    ],
)
def test_layouts_known_by_description_only_are_read_and_say_so(
    tmp_path, text, layout, role, band, people
):
    found, result = read(text, tmp_path)
    table = frame(result, "people")
    assert (found, table["person_role"].iloc[0]) == (layout, role)
    assert (table["age_band"].iloc[0], table["people"].sum()) == (band, people)
    assert any("not checked against a real file" in item["finding"] for item in result.findings)


TNO = """Month_Year,Area Type,Borough_SNT,Area name,Area code,Offence Group,Offence Subgroup,Measure,Financial Year,FY_FYIndex,Count,Refresh Date
01/04/2024,Borough,Hackney,Hackney,E09000012,ROBBERY,ROBBERY OF PERSONAL PROPERTY,Offences,fy24-25,24-25_01,120,06/05/2024
01/04/2024,Borough,Hackney,Hackney,E09000012,ROBBERY,ROBBERY OF PERSONAL PROPERTY,Positive Outcomes,fy24-25,24-25_01,9,06/05/2024
01/04/2024,Safer Neighbourhood Teams,Hackney,Hackney Hoxton,E05009375 ,ROBBERY,ROBBERY OF PERSONAL PROPERTY,Offences,fy24-25,24-25_01,7,06/05/2024
01/04/2024,Borough,Other / NK,Other / NK,-1,ROBBERY,ROBBERY OF PERSONAL PROPERTY,Offences,fy24-25,24-25_01,2,06/05/2024
"""
OTHER = TNO.replace("Offence Group,Offence Subgroup", "Crime Type,Crime Subtype").replace(
    "ROBBERY,ROBBERY OF PERSONAL PROPERTY", "DOMESTIC ABUSE,domestic abuse violence with injury"
)
LAYOUT_A = """MajorText,MinorText,LookUp_BoroughName,201004,201005
Violence Against the Person,Violence with Injury,Hackney,10,12
Robbery,Robbery of Personal Property,Kingston upon Thames,3,0
"""
LAYOUT_D = """Group,SubGroup,WardName,WardCode,LookUp_BoroughName,202504,202505
VIOLENCE AGAINST THE PERSON,STALKING AND HARASSMENT,Hoxton East & Shoreditch,E05009377,Hackney,4,5
VIOLENCE AGAINST THE PERSON,VIOLENCE WITH INJURY,Heathrow Villages,E05013570,Aviation Security (SO18),6,7
"""
LSOA = """LSOA Code,LSOA Name,Borough,Major Category,Minor Category,202404,202405
E01035716,Hackney 001A,Hackney,ROBBERY,ROBBERY OF PERSONAL PROPERTY,1,2
"""


@pytest.mark.parametrize(
    ("text", "layout", "category"),
    [
        (TNO, "mps_dashboard_tno", "ROBBERY OF PERSONAL PROPERTY"),
        (OTHER, "mps_dashboard_other", "domestic abuse violence with injury"),
    ],
)
def test_dashboards_keep_levels_and_measures_apart(tmp_path, text, layout, category):
    found, result = read(text, tmp_path)
    offences, outcomes = frame(result, "offences"), frame(result, "outcomes")
    assert found == layout
    assert offences.groupby("area_level", observed=True)["offences"].sum().to_dict() == {
        "borough": 122,
        "ward": 7,
    }
    assert outcomes["outcomes"].sum() == 9
    assert offences["published_category"].str.endswith(category).all()
    assert "E05009375" in offences["ward_code"].tolist()
    unplaced = offences[offences["borough_code"].isna()]
    assert unplaced["offences"].tolist() == [2]


@pytest.mark.parametrize(
    ("text", "layout", "total", "borough"),
    [
        (LAYOUT_A, "mps_borough", 25, "E09000021"),
        (LAYOUT_D, "mps_ward", 22, "E09000017"),
        (LSOA, "mps_lsoa", 3, "E09000012"),
    ],
)
def test_wide_counts_of_every_layout_are_read(tmp_path, text, layout, total, borough):
    found, result = read(text, tmp_path)
    offences = frame(result, "offences")
    assert found == layout
    assert offences["offences"].sum() == total
    assert offences["borough_code"].iloc[-1] == borough


@pytest.mark.parametrize("kind", ["xlsx", "ods"])
def test_a_workbook_gives_the_same_rows_as_the_csv(tmp_path, kind):
    csv = tmp_path / "table.csv"
    csv.write_text(PARTNERSHIPS, encoding="utf-8")
    table = pd.read_csv(csv, dtype="str", keep_default_na=False)
    path = tmp_path / f"2023-24.{kind}"
    table.to_excel(path, sheet_name="2023_24", index=False)
    samples = sample_file(RawFile(path.name, path))
    match = recognise(samples[0])
    assert isinstance(match, Match), match
    result = match.layout.read(samples[0], match, ReadContext(0, make_places()))
    offences = frame(result, "offences")
    assert offences["offence_code"].tolist() == ["4.10", "8N", "8N"]
    assert offences["offences"].tolist() == [2, 1234, 7]
