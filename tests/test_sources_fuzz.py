"""Readers meet damaged and hostile files with the project's own errors or findings only."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from raw_folder import BOROUGH, STREET, WARD, street_row

from sna.build import check_folder
from sna.errors import SnaError

HEADS = [STREET, f"{WARD},202401", f"{BOROUGH},202401,202402",
         "Type,Date,Latitude,Longitude,Gender,Age range,Legislation,Outcome",
         "lsoa21cd,imd_rank,imd_dec", "ltla21_code,ltla21_name,ethnic_group,value",
         "Month_Year,Area Type,Borough_SNT,Area code,Crime Type,Crime Subtype,Measure,Count",
         "Financial Year,Financial Quarter,CSP Name,Offence Description,Offence Code,Offence Count",
         "Indicator ID,Area Code,Area Name,Sex,Time period,Value",
         "count_of_ppa,borough,gender,age_group,offence_type,charged_summonsed,proceedings_date",
         "LSOA11CD,LSOA21CD,CHGIND,LAD22CD", "LSOA21CD,WD22CD,LAD22CD", "LSOA11CD,WD18CD,LAD18CD",
         "LSOA21 Code,Age (5 categories),Observation",
         ",".join(["LSOA21CD", *map(str, range(90)), "90+"])]  # fmt: skip
CELLS = ["E09000007", "E01000842", "E05013570", "2024-01", "Camden", "Robbery", "ROBBERY", "=1+1",
         "Person search", "2024-01-31T23:30:00+00:00", "12", "-3", "1e9", "9" * 30, "", '"', "a\nb",
         "\x00", "é", "NaN", "White: Irish (number)", "51.5", "-0.1", "inf",
         "S", "E05000001", "2023/24", "4", "Aged 16 to 24 years", "Borough", "Offences"]  # fmt: skip


@pytest.mark.slow
@settings(max_examples=30, deadline=None,
          suppress_health_check=[HealthCheck.function_scoped_fixture])  # fmt: skip
@given(
    head=st.sampled_from(HEADS),
    rows=st.lists(st.lists(st.sampled_from(CELLS) | st.text(max_size=6), max_size=13), max_size=6),
    encoding=st.sampled_from(["utf-8", "utf-16", "cp1252"]),
    cut=st.integers(0, 40),
)
def test_any_rows_under_a_known_heading_add_up_or_are_a_finding(
    tmp_path: Path, head: str, rows: list[list[str]], encoding: str, cut: int
) -> None:
    text = "\n".join([head, *(",".join(row) for row in rows)])
    data = text.encode(encoding, errors="replace")
    (tmp_path / "fuzzed.csv").write_bytes(data[: len(data) - cut] if cut < len(data) else data)
    (tmp_path / "good-street.csv").write_text(f"{STREET}\n{street_row(1)}\n", encoding="utf-8")
    summary = check_folder(tmp_path)
    lines = {record["file"]: record for record in summary.inputs}
    assert lines["good-street.csv"]["rows_used"] + lines["good-street.csv"]["rows_rejected"] == 1
    mine = lines["fuzzed.csv"]
    assert mine["rows"] == mine["rows_used"] + mine["rows_rejected"]


@pytest.mark.slow
@settings(max_examples=25, deadline=None,
          suppress_health_check=[HealthCheck.function_scoped_fixture])  # fmt: skip
@given(start=st.sampled_from([b"", b"PK\x03\x04", b"PAR1", b"SQLite format 3\0", b"\x00\x00\x27\x0a",
                              b'{"type":"FeatureCollection",', b"\xff\xfe"]),
       data=st.binary(max_size=400))  # fmt: skip
def test_any_bytes_are_refused_in_our_own_words(tmp_path: Path, start: bytes, data: bytes) -> None:
    (tmp_path / "fuzzed.bin").write_bytes(start + data)
    try:
        summary = check_folder(tmp_path)
    except SnaError as error:
        assert "None of" in str(error)
    else:
        assert summary.inputs
