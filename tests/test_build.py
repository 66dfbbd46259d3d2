"""From raw files to the store: rows add up, overlaps are never added, nothing stops the others."""

import zipfile
from pathlib import Path

import pandas as pd
import pytest
from raw_folder import BOROUGH, STREET, WARD, street_row, write

from sna.build import build, check_folder
from sna.errors import SourceError
from sna.store import load_borough, read_table

ROBBERY = "ROBBERY,ROBBERY OF PERSONAL PROPERTY"


def _line(summary: object, file: str) -> dict[str, object]:
    return next(r for r in summary.inputs if r["file"].endswith(file))  # type: ignore[attr-defined]


def test_build_loads_one_borough_and_rows_add_up(tmp_path: Path) -> None:
    raw = tmp_path / "raw"
    rows = [street_row(n) for n in range(3)] + [street_row(9, lsoa="", name="")]
    write(raw, "2024-01-metropolitan-street.csv", STREET, *rows)
    summary = build(raw, tmp_path / "out")
    line = _line(summary, "street.csv")
    assert (line["rows"], line["rows_used"], line["rows_rejected"]) == (4, 4, 0)
    data = load_borough("Camden", processed=tmp_path / "out")
    assert data.offences["offences"].sum() == 3
    assert data.offences["published_category"].tolist() == ["police.uk | Robbery"] * 3
    assert data.offences["band"].tolist() == ["indeterminate"] * 3
    assert data.end_month == pd.Timestamp("2024-01-01")
    assert read_table("offences/unplaced", tmp_path / "out")["offences"].sum() == 1


def test_build_rejects_unknown_labels_and_bad_months_with_line_and_reason(tmp_path: Path) -> None:
    raw = tmp_path / "raw"
    rows = [street_row(1), street_row(2, kind="Moonshine"), street_row(3, month="January")]
    rows += [street_row(n) for n in range(10, 20)]
    write(raw, "a-street.csv", STREET, *rows)
    summary = build(raw, tmp_path / "out")
    assert (_line(summary, "a-street.csv")["rows_used"], summary.unmatched) == (
        11,
        ["a-street.csv"],
    )
    rejects = read_table("rejects", tmp_path / "out").set_index("value")
    assert rejects.loc["police.uk | Moonshine", "rows"] == 1
    assert rejects.loc["January", "line"] == 3


def test_overlapping_borough_files_take_the_later_one_and_never_add(tmp_path: Path) -> None:
    raw = tmp_path / "raw"
    write(raw, "old.csv", f"{BOROUGH},202401,202402", f"{ROBBERY},Camden,10,20")
    write(raw, "new.csv", f"{BOROUGH},202402,202403", f"{ROBBERY},Camden,21,30")
    build(raw, tmp_path / "out")
    rows = load_borough("Camden", processed=tmp_path / "out").offences.sort_values("month")
    assert rows["offences"].tolist() == [10, 21, 30]
    findings = read_table("findings", tmp_path / "out")
    assert findings["finding"].str.contains("a later file is taken instead \\(new.csv\\)").any()


def test_heathrow_ward_is_placed_in_hillingdon_by_its_code(tmp_path: Path) -> None:
    raw = tmp_path / "raw"
    write(
        raw, "ward.csv", f"{WARD},202401",
        f"{ROBBERY},Heathrow Villages,E05013570,Aviation Security (SO18),5",
        f"{ROBBERY},Abbey,E05000026,Barking and Dagenham,7",
    )  # fmt: skip
    build(raw, tmp_path / "out")
    assert load_borough("Hillingdon", processed=tmp_path / "out").offences["offences"].sum() == 5


def test_month_given_twice_under_another_folder_counts_once(tmp_path: Path) -> None:
    raw = tmp_path / "raw"
    for folder in ("first", "second"):
        write(raw, f"{folder}/2024-01/2024-01-metropolitan-street.csv", STREET, street_row(1))
    summary = build(raw, tmp_path / "out")
    assert load_borough("Camden", processed=tmp_path / "out").offences["offences"].sum() == 1
    assert sum(r["rows_rejected"] for r in summary.inputs) == 1


def test_archive_is_read_without_unpacking_and_unsafe_members_are_refused(tmp_path: Path) -> None:
    raw = tmp_path / "raw"
    raw.mkdir()
    with zipfile.ZipFile(raw / "archive.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("2024-01/2024-01-met-street.csv", f"{STREET}\n{street_row(1)}\n")
        archive.writestr("../outside.csv", "a,b\n1,2\n")
        archive.writestr("bomb.csv", "0" * (11 << 20))
    summary = build(raw, tmp_path / "out")
    assert [r["rows_used"] for r in summary.inputs] == [1]
    text = " ".join(summary.findings["finding"])
    assert "leads out of it" in text
    assert "200 times its size" in text
    assert sorted(p.name for p in raw.iterdir()) == ["archive.zip"]


def test_simulated_beside_real_files_stops_the_build(tmp_path: Path) -> None:
    write(tmp_path, "simulated/a-street.csv", STREET, street_row(1))
    write(tmp_path, "b-street.csv", STREET, street_row(2))
    with pytest.raises(SourceError, match="lie beside simulated"):
        build(tmp_path, tmp_path / "out")


def test_empty_folder_is_an_error_that_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="None of 0 files"):
        build(tmp_path, tmp_path / "out")


def test_check_says_what_an_unknown_file_is_nearest_to(tmp_path: Path) -> None:
    write(tmp_path, "a-street.csv", STREET, street_row(1))
    write(tmp_path, "odd.csv", "MajorText,MinorText,Somewhere,202401", "A,B,C,1")
    summary = check_folder(tmp_path)
    finding = summary.findings.set_index("file").loc["odd.csv", "finding"]
    assert "Nearest: MPS recorded crime by LSOA; no column for lsoa" in finding
    assert any(line.startswith("Tier of assessment 1") for line in summary.supports)
