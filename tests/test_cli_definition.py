"""The commands of the definition, on the truth table and on the simulated London."""

import json
from pathlib import Path

import pandas as pd
import pytest
from report_site import house
from typer.testing import CliRunner

from sna.classify import (
    add_counting_basis,
    choose_rows,
    classify_offences,
    combine_bounds,
    count_readings,
    explain_offence,
)
from sna.cli import app
from sna.cli.definition import _read
from sna.errors import UsageError
from sna.store import load_borough

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
    assert said.startswith("T19 is core. Property violence during a listed offence")
    assert "Rules that decided: R12" in said and "attached_to         T01" in said
    listed = run("profiles")
    assert "Does a weapon bring a listed offence in? weapon_clause = lift" in listed
    assert "watches beside it" in listed and "NO HEADLINE" in listed


@pytest.mark.simulation
def test_the_simulated_extract_gives_the_planted_bands(tmp_path):
    folder = house("simulated") / "data" / "raw" / "simulated"
    file = next(folder.rglob("*record_extract.csv"))
    out = tmp_path / "F.csv"
    run("classify", file, "--mapping", file.with_suffix(".mapping.toml"), "--out", out)
    planted = json.loads((folder / "truth.json").read_text(encoding="utf-8"))["bands"]
    assert list(planted) == ["London", "Hackney", "Hillingdon"]
    found = pd.read_csv(out, dtype="str")["band"].value_counts()
    assert {name: found.get(name, 0) for name in planted["London"]} == planted["London"]


def test_no_headline_is_printed_under_an_incomplete_text(tmp_path):
    said = run("classify", CASES, "--mapping", "definition_truth_table", "--profile",
               "thames_valley_2024", "--out", tmp_path / "F.csv")  # fmt: skip
    assert "no headline is given" in said
    assert "Listed: core" not in said


def test_a_comparison_shows_moves_of_one_whole_source_a_borough(monkeypatch):
    rows = pd.DataFrame(
        {
            "source": ["extract", "extract", "mps_borough", "extract"],
            "borough_code": ["E09000012", "E09000012", "E09000012", None],
            "offence_code": ["8N", "46", "8N", "8N"],
            "victim_age": ["40", "40", "40", "40"],
            "domestic_abuse": "no",
            "offences": [3, 5, 7, 9],
            "release_class": "open",
        }
    )
    monkeypatch.setattr("sna.cli.definition._stored", lambda *codes: iter([(rows, None)]))
    said = run("profiles", "compare", "london_2023", "all_ages_richmond_wandsworth")
    # by hand: the three of the extract move; the theft stays; the rest is another source or place
    assert "3 of 8 recorded offences would change their band." in said
    assert "Listed, outside every context" in said and "NaN" not in said
    assert "Hackney  record extract" in said
    assert "person" not in said and "Outside the definition" not in said


def test_fields_of_the_counting_switches_come_through_a_mapping(tmp_path):
    file, mapping = tmp_path / "records.csv", tmp_path / "records.mapping.toml"
    file.write_text(
        "Ref,Date,Code,DA,Age,Written age,Place,Team\nA1,2024-01-05,8N,N,24,25,Hackney,Camden\n",
        encoding="utf-8",
    )
    mapping.write_text(
        'release_class = "restricted"\n[columns]\ncrime_ref = "Ref"\nrecorded_date = "Date"\n'
        'offence_code = "Code"\nvictim_age = "Age"\nvictim_age_recorded = "Written age"\n'
        'borough_name = "Place"\nmanaging_borough = "Team"\n'
        '[flags.is_domestic_abuse]\ncolumn = "DA"\ntrue = ["Y"]\nfalse = ["N"]\nblank_means = "no"\n',
        encoding="utf-8",
    )
    own = tmp_path / "own.toml"
    text = 'id = "own"\nversion = "1"\nsource = "minute 7"\nbase = "london_2023"\n[switches]\n'
    own.write_text(
        text + 'age_basis = "recorded_age"\narea_basis = "managing_borough"\n', encoding="utf-8"
    )
    offences, people, _, _ = _read(file, str(mapping))
    assert classify_offences(offences)["band"].tolist() == ["core"]
    classified = classify_offences(offences, profile=str(own), people=people)
    assert classified["band"].tolist() == ["listed_out_of_context"]
    counted = add_counting_basis(classified, profile=str(own))
    assert offences["borough_code"].tolist() == ["E09000012"]
    assert counted["borough_code"].tolist() == ["E09000007"]


@pytest.mark.parametrize("out", ["cases.csv", ".", "nowhere/F.csv"])
def test_the_answer_never_overwrites_the_extract_and_needs_a_folder(tmp_path, monkeypatch, out):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "cases.csv").write_bytes(CASES.read_bytes())
    order = ["classify", "cases.csv", "--mapping", "definition_truth_table", "--out", out]
    with pytest.raises(UsageError, match="--out"):
        RUN.invoke(app, order, catch_exceptions=False)
    assert (tmp_path / "cases.csv").read_bytes() == CASES.read_bytes()


def test_an_explanation_says_that_an_age_came_from_people():
    said = run("explain", "T01", "--file", CASES, "--mapping", "definition_truth_table")
    assert "no such column" not in next(line for line in said.splitlines() if "victim's" in line)
    people = pd.DataFrame({"offence_id": ["a"], "person_role": ["victim"], "age": [17]})
    rows = pd.DataFrame({"offence_id": ["a"], "offence_code": ["8N"]})
    told = explain_offence(rows, "a", people=people).set_index("name")
    assert told.loc["victim's age", "field"] == "victim_age (from people)"


def test_rows_of_one_reference_share_the_flag_in_any_order_and_lost_rows_are_told(tmp_path):
    """Two victims on two rows, one of them flagged: domestic abuse whichever row stands first."""
    mapping = tmp_path / "m.toml"
    mapping.write_text(
        'release_class = "restricted"\nundated = true\n[columns]\ncrime_ref = "Ref"\n'
        'offence_code = "Code"\nvictim_age = "Age"\nsuspect_age = "Suspect"\n'
        '[flags.is_domestic_abuse]\ncolumn = "DA"\ntrue = ["Y"]\nfalse = ["N"]\n'
        'blank_means = "unknown"\n',
        encoding="utf-8",
    )
    rows = ["A,8N,40,41,N", "A,8N,45,41,Y", "B,8N,40,41,N", "B,8N,40,41,", ",8N,17,,N"]
    for order in (rows, rows[::-1]):
        file, out = tmp_path / "x.csv", tmp_path / "F.csv"
        file.write_text("\n".join(["Ref,Code,Age,Suspect,DA", *order]) + "\n", encoding="utf-8")
        said = run("classify", file, "--mapping", mapping, "--out", out)
        bands = pd.read_csv(out).set_index("Ref")["band"].to_dict()
        assert bands == {"A": "core", "B": "indeterminate"}
        assert "1 rows were not used: no crime reference" in said


def test_a_borough_builds_and_loads_its_store_under_its_own_text(tmp_path):
    raw, store, own = tmp_path / "raw", tmp_path / "processed", tmp_path / "own.toml"
    raw.mkdir()
    own.write_text(
        'id = "own"\nversion = "1"\nsource = "minute 7"\nbase = "london_2023"\n'
        "[switches]\ninclude_common_assault = true\n", encoding="utf-8"
    )  # fmt: skip
    rows = [f"A{n},2024-{n:02d}-05,{code},N,17,Hackney" for n in range(1, 13) for code in ["105A"]]
    (raw / "x.csv").write_text("\n".join(["Ref,Date,Code,DA,Age,Place", *rows]) + "\n", "utf-8")
    (raw / "x.mapping.toml").write_text(
        'release_class = "open"\n[columns]\ncrime_ref = "Ref"\nrecorded_date = "Date"\n'
        'offence_code = "Code"\nvictim_age = "Age"\nborough_name = "Place"\n'
        '[flags.is_domestic_abuse]\ncolumn = "DA"\ntrue = ["Y"]\nfalse = ["N"]\n'
        'blank_means = "no"\n', encoding="utf-8"
    )  # fmt: skip
    run("build", "--raw", raw, "--processed", store, "--profile", own)
    data = load_borough("Hackney", profile=str(own), processed=store)
    assert combine_bounds(data)["lower"].tolist() == [
        12,
        12,
    ]  # common assault of twelve young people
    read = count_readings(choose_rows(data), profile=data.profile, people=data.people)
    assert read.loc[:1, ["profile", "core", "moved"]].to_numpy().tolist() == [
        ["own", 12, 0],
        ["london_2023", 0, 12],
    ]


def test_a_proposed_mapping_of_call_outs_knows_its_words_and_says_what_is_lacking(tmp_path):
    file = tmp_path / "las.csv"
    rows = "CAD Number,Call Date,Chief Complaint,Borough\nA7,01/02/2024,Assault,Camden\n"
    file.write_text(rows, encoding="utf-8")
    run("mapping", "new", file)
    proposed = file.with_suffix(".mapping.toml").read_text(encoding="utf-8")
    for line in ('crime_ref = "CAD Number"', 'recorded_date = "Call Date"', 'kind = "ambulance"'):
        assert line in proposed
    other = tmp_path / "other.csv"
    other.write_text(rows.replace("CAD Number", "Key"), encoding="utf-8")
    run("mapping", "new", other)
    assert '# crime_ref = ""' in other.with_suffix(".mapping.toml").read_text(encoding="utf-8")


def test_a_proposed_mapping_says_that_no_code_was_found(tmp_path):
    file = tmp_path / "x.csv"
    file.write_text("Ref,Date,Offence,Victim age\nA1,2024-01-05,Murder,17\n", encoding="utf-8")
    run("mapping", "new", file)
    proposed = file.with_suffix(".mapping.toml").read_text(encoding="utf-8")
    assert '# offence_code = ""' in proposed and 'victim_age = "Victim age"' in proposed
