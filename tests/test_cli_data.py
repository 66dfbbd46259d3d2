"""Commands check and build on a small raw folder."""

import json
from pathlib import Path

import pytest
from raw_folder import STREET, street_row, write
from typer.testing import CliRunner

from sna.cli import app
from sna.errors import SourceError


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    rows = [street_row(n) for n in range(200)]
    write(tmp_path / "raw", "2024-01-metropolitan-street.csv", STREET, *rows)
    write(tmp_path / "raw", "odd.csv", "A,B", "1,2")
    return tmp_path / "raw"


def test_build_prints_rows_and_warnings_and_leaves_a_store(raw: Path, tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["build", "--raw", str(raw), "--processed", f"{tmp_path}/p"])
    assert result.exit_code == 0, result.output
    assert "warning: odd.csv: Not recognised, so not used." in result.output
    assert json.loads((tmp_path / "p/store.json").read_text())["simulated"] is False


def test_build_exits_3_when_labels_of_a_file_match_nothing(raw: Path, tmp_path: Path) -> None:
    rows = [street_row(n, kind="Moonshine") for n in range(5)]
    write(raw, "2024-02-metropolitan-street.csv", STREET, *rows)
    result = CliRunner().invoke(app, ["build", "--raw", str(raw), "--processed", f"{tmp_path}/p"])
    assert result.exit_code == 3
    assert "2024-02-metropolitan-street.csv" in result.output


def test_check_says_what_the_folder_supports_and_writes_nothing(raw: Path) -> None:
    before = sorted(raw.rglob("*"))
    result = CliRunner().invoke(app, ["check", str(raw)])
    assert result.exit_code == 0, result.output
    assert "Hotspots by LSOA: police_uk_street" in result.output
    assert sorted(raw.rglob("*")) == before


def test_check_exits_3_when_a_file_cannot_be_read_and_names_a_folder_for_a_file(raw: Path) -> None:
    result = CliRunner().invoke(app, ["check", str(raw / "odd.csv")])
    assert isinstance(result.exception, SourceError)
    assert "a file, not a folder" in str(result.exception)
    (raw / "page.csv").write_text("<!DOCTYPE html><html>", encoding="utf-8")
    assert CliRunner().invoke(app, ["check", str(raw)]).exit_code == 3
    told = CliRunner().invoke(app, ["check", str(raw), "--json"])
    assert told.exit_code == 3
    assert "web page" in told.stdout


def test_findings_say_how_many_rows_they_touch_and_what_to_do(raw: Path) -> None:
    rows = [street_row(n, month="2024-02") for n in range(30)]
    write(raw, "2024-02-metropolitan-street.csv", STREET, *rows, *rows[:4])
    told = " ".join(CliRunner().invoke(app, ["check", str(raw)]).output.split())
    assert "4 rows repeat a reference. (rows: 4)" in told


def test_files_that_differ_only_in_their_month_share_a_row(raw: Path) -> None:
    later = [street_row(n, month="2024-02") for n in range(30)]
    write(raw, "2024-02-metropolitan-street.csv", STREET, *later)
    told = CliRunner().invoke(app, ["check", str(raw)]).output
    row = next(line for line in told.splitlines() if "metropolitan-street.csv" in line)
    assert row.startswith("*-metropolitan-street.csv (2 files)  police.uk street crime")
    assert row.split()[-7:] == ["2024-01", "to", "2024-02", "1", "230", "230", "0"]  # 1 borough
