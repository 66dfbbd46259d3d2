"""The commands of the definition, on the truth table and on the simulated London."""

from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from sna.cli import app

CASES = Path(__file__).parent / "data" / "definition_truth_table.csv"
RUN = CliRunner()


def run(*arguments):
    done = RUN.invoke(app, [str(a) for a in arguments], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


@pytest.mark.parametrize("profile", ["london_2023", "enfield_contexts"])
def test_classify_writes_the_band_of_every_case(tmp_path, profile):
    out = tmp_path / "F.csv"
    said = run("classify", CASES, "--mapping", "definition_truth_table", "--profile", profile,
               "--out", out)  # fmt: skip
    cases, answer = (pd.read_csv(p, dtype=str, keep_default_na=False) for p in (CASES, out))
    assert list(answer.columns) == ["case_id", "band"]
    assert answer["band"].tolist() == cases[profile].tolist()
    assert "Listed: core" in said


def test_explain_and_profiles_speak():
    said = run("explain", "T19", "--file", CASES, "--mapping", "definition_truth_table")
    assert "Property violence during a listed offence" in said
    assert "weapon_clause = lift" in run("profiles")


@pytest.mark.simulation
def test_the_simulated_extract_gives_the_planted_bands(tmp_path):
    from planted_bands import read_bands

    from sna.sample import write_sample

    write_sample(tmp_path, boroughs=["Hillingdon", "Hackney"], months=12, scale=0.2)
    folder = tmp_path / "simulated"
    file = next(folder.rglob("*record_extract.csv"))
    out = tmp_path / "F.csv"
    run("classify", file, "--mapping", file.with_suffix(".mapping.toml"), "--out", out)
    planted = read_bands(folder)["band"].value_counts().to_dict()
    assert pd.read_csv(out)["band"].value_counts().to_dict() == planted
