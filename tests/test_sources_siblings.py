"""Findings between files: levels that fall short by group, months that lack, stubs inside a file."""

from pathlib import Path

import pandas as pd
from raw_folder import BOROUGH, STREET, WARD, street_row, write

from sna.build import build, check_folder
from sna.store import read_table

MONTHS = "202401,202402,202403,202404,202405,202406,202407"
ROBBERY, RAPE = "ROBBERY,ROBBERY OF PERSONAL PROPERTY", "SEXUAL OFFENCES,RAPE"


def _said(found: pd.DataFrame, words: str) -> list[str]:
    return found.loc[found["finding"].str.contains(words), "finding"].tolist()


def test_the_shortfall_of_wards_is_told_by_group_of_offences(tmp_path: Path) -> None:
    rows = [
        f"{ROBBERY},Camden,100",
        f"{RAPE},Camden,50",
        "BURGLARY,BURGLARY BUSINESS AND COMMUNITY,Camden,20",
    ]
    write(tmp_path, "boroughs.csv", f"{BOROUGH},202401", *rows)
    place = "Abbey,E05000026,Camden"
    write(tmp_path, "wards.csv", f"{WARD},202401", f"{ROBBERY},{place},98", f"{RAPE},{place},40")
    (said,) = _said(check_folder(tmp_path).findings, "Files by ward hold 138")
    assert said.endswith(
        "18.8% fewer. Not scaled. By group: BURGLARY not there; SEXUAL OFFENCES 20.0%; ROBBERY 2.0%."
    )


def test_a_stub_inside_a_file_is_told_and_gives_way_to_another_file(tmp_path: Path) -> None:
    raw, out = tmp_path / "raw", tmp_path / "out"
    write(raw, "new.csv", f"{BOROUGH},{MONTHS}", f"{ROBBERY},Camden,200,210,190,3,205,210,220")
    write(raw, "old.csv", f"{BOROUGH},202403,202404", f"{ROBBERY},Camden,191,195")
    found = build(raw, out).findings
    assert _said(found, "2024-04 holds 3, under a tenth of a usual month: a stub.")
    counts = read_table("counts", out).set_index("month")["offences"]
    assert counts.sort_index().tolist() == [200, 210, 190, 195, 205, 210, 220]


def test_months_absent_between_monthly_files_and_stubs_among_them_are_told(tmp_path: Path) -> None:
    sizes = {"2024-01": 120, "2024-02": 130, "2024-04": 110, "2024-05": 2, "2024-06": 120,
             "2024-07": 125}  # fmt: skip
    first = 0
    for month, size in sizes.items():
        rows = [street_row(first + n, month=month) for n in range(size)]
        write(tmp_path, f"{month}-metropolitan-street.csv", STREET, *rows)
        first += size
    found = check_folder(tmp_path).findings
    name = "police_uk_street --metropolitan-street.csv"
    assert _said(found, "months are absent") == [f"{name}: 1 months are absent: 2024-03."]
    assert _said(found, "a stub") == [
        f"{name}: 2024-05 holds 2, under a tenth of a usual month: a stub."
    ]


def test_a_file_that_is_not_taken_stands_in_no_finding_between_files(tmp_path: Path) -> None:
    names = ("Camden", "Hackney", "Islington", "Barnet", "Brent", "Ealing")
    rows = [f"{kind},{name},9,9" for kind in (ROBBERY, RAPE) for name in names]
    write(tmp_path, "whole.csv", f"{BOROUGH},202401,202402", *rows)
    write(tmp_path, "cut.csv", f"{BOROUGH},202401,202402", *rows[:6])
    summary = check_folder(tmp_path)
    assert {r["file"]: r["rows_used"] for r in summary.inputs} == {"cut.csv": 0, "whole.csv": 12}
    assert not _said(summary.findings, "labels that changed")


def test_published_tables_of_two_months_lack_none_of_them(tmp_path: Path) -> None:
    for first in (1, 3):
        months = f"20240{first},20240{first + 1}"
        write(tmp_path, f"{first}.csv", f"{BOROUGH},{months}", f"{ROBBERY},Camden,2{first},20")
    assert not _said(check_folder(tmp_path).findings, "absent")
