"""Tests of `sna fetch` and of the proposal behind `sna mapping new`."""

import tomllib

import pytest
from typer.testing import CliRunner

from sna.cli import app
from sna.errors import UsageError
from sna.sources.mapping import read_mapping

CSV = """CrNo,DateCommittedFrom,DateCrRecorded,Classification,NewMinorText,DA Flag,Victim Age,Note
1,01/02/2024,02/02/2024,008/06,Assault with injury,Y,17,x
2,NULL,03/02/2024,034/01,Personal robbery,N,NULL,y
"""


def propose(tmp_path):
    path = tmp_path / "extract.csv"
    path.write_text(CSV, encoding="utf-8")
    result = CliRunner().invoke(app, ["mapping", "new", str(path)], catch_exceptions=False)
    assert result.exit_code == 0
    return tmp_path / "extract.mapping.toml"


def test_a_proposal_finds_the_roles_by_heading_and_value(tmp_path):
    document = tomllib.loads(propose(tmp_path).read_text(encoding="utf-8"))
    assert document["columns"] == {
        "crime_ref": "CrNo",
        "recorded_date": "DateCrRecorded",
        "committed_from": "DateCommittedFrom",
        "detailed_code": "Classification",
        "offence_text": "NewMinorText",
        "victim_age": "Victim Age",
    }
    assert document["flags"]["is_domestic_abuse"]["true"] == ["Y"]
    assert document["missing"] == ["", "NULL"]
    assert document["date_format"] == "day_first"


def test_a_proposal_is_refused_until_a_person_has_decided(tmp_path):
    path = propose(tmp_path)
    with pytest.raises(UsageError, match="release_class"):
        read_mapping(path)
    text = path.read_text(encoding="utf-8").replace('blank_means = ""', 'blank_means = "no"')
    path.write_text(text.replace('release_class = ""', 'release_class = "restricted"'), "utf-8")
    assert read_mapping(path).flags["is_domestic_abuse"].blank_means == "no"


ISTV = (
    "ATTENDANCE REFERENCE,ARRIVAL DATE AND TIME AT ACCIDENT AND EMERGENCY DEPARTMENT,"
    "ASSAULT DATE AND TIME,ASSAULT METHOD,ASSAULT LOCATION TYPE\n"
    "A1,2024-03-02T23:10,2024-03-02T22:15,Knife,Street\n"
)
SAFESTATS = "Incident ID,Incident Date,Illness Category,Borough\n7,02/03/2024,Assault,Camden\n"


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (CSV, "offences"),
        (ISTV, "emergency_department"),
        (SAFESTATS, "ambulance"),
        ("Ref,Date,Category\n1,2024-01-05,Assault\n", ""),  # no heading tells
        ("Crime ref,Date,Illness Category\n1,2024-01-05,Assault\n", ""),  # two kinds do
    ],
)
def test_a_proposal_says_what_the_rows_are_where_headings_tell_it(tmp_path, text, kind):
    path = tmp_path / "extract.csv"
    path.write_text(text, encoding="utf-8")
    CliRunner().invoke(app, ["mapping", "new", str(path)], catch_exceptions=False)
    proposed = path.with_suffix(".mapping.toml").read_text(encoding="utf-8")
    document = tomllib.loads(proposed)
    assert document["kind"] == kind
    assert ("emergency_department: you must say" in proposed) == (kind == "")
    path.with_suffix(".mapping.toml").write_text(
        proposed.replace('release_class = ""', 'release_class = "restricted"').replace(
            'blank_means = ""', 'blank_means = "no"'
        ),
        "utf-8",
    )
    if kind:
        assert read_mapping(path.with_suffix(".mapping.toml")).kind == kind
    else:
        with pytest.raises(UsageError, match="kind"):
            read_mapping(path.with_suffix(".mapping.toml"))


def test_a_mapping_is_never_overwritten(tmp_path):
    propose(tmp_path)
    with pytest.raises(UsageError, match="mapping already"):
        propose(tmp_path)


def test_fetch_without_names_lists_what_can_be_had():
    result = CliRunner().invoke(app, ["fetch"])
    assert "police_uk_archive" in result.stdout


def test_a_dry_run_says_what_would_be_done_and_does_nothing(tmp_path):
    words = ["fetch", "police_uk_archive", "--month", "2024-03", "--raw", str(tmp_path / "raw")]
    result = CliRunner().invoke(app, [*words, "--dry-run"])
    assert "2024-03.zip" in result.stdout
    assert not (tmp_path / "raw").exists()


@pytest.mark.parametrize("text", ["one column\n1\n2\n", "CrNo,Date\n"])
def test_no_mapping_is_proposed_for_what_is_no_table(tmp_path, text):
    path = tmp_path / "notes.csv"
    path.write_text(text, encoding="utf-8")
    result = CliRunner().invoke(app, ["mapping", "new", str(path)])
    assert isinstance(result.exception, UsageError)
    assert "no table of records" in str(result.exception)
    assert not (tmp_path / "notes.mapping.toml").exists()


def test_a_number_of_workers_below_nought_is_refused():
    assert CliRunner().invoke(app, ["report", "Hackney", "--workers", "-3"]).exit_code == 2
