"""Tests of sna.sources.mapping."""

import pytest

from sna.errors import UsageError
from sna.sources.mapping import mapping_names, read_mapping

GOOD = """
release_class = "restricted"
missing = ["", "NULL"]
[columns]
crime_ref = "Ref"
recorded_date = "Date"
offence_code = "Code"
[flags.is_domestic_abuse]
column = "DA"
true = ["Y"]
false = ["N"]
blank_means = "no"
"""


def write(tmp_path, text: str):
    path = tmp_path / "extract.mapping.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_good_mapping_is_read(tmp_path):
    mapping = read_mapping(write(tmp_path, GOOD))
    assert mapping.columns["crime_ref"] == "Ref"
    assert mapping.flags["is_domestic_abuse"].blank_means == "no"
    assert mapping.flag_columns == {"is_domestic_abuse": "DA"}


@pytest.mark.parametrize("name", mapping_names())
def test_every_shipped_mapping_reads(name: str):
    assert read_mapping(name).columns["crime_ref"]


def test_starters_not_checked_on_a_real_file_say_unverified():
    starters = [name for name in mapping_names() if name != "definition_truth_table"]
    assert {read_mapping(name).status for name in starters} == {"unverified"}


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('blank_means = "no"', "", "blank_means: this key must be there"),
        ('release_class = "restricted"', "", "release_class: this key must"),
        (
            'release_class = "restricted"',
            'release_class = "secret"',
            "Allowed here: open, restricted, person_level",
        ),
        ('crime_ref = "Ref"', 'crime_reff = "Ref"', "crime_reff"),
        ('crime_ref = "Ref"', "", "leaves out crime_ref"),
        ('offence_code = "Code"', "", "detailed_code or offence_code"),
        ('recorded_date = "Date"', "", "recorded_date or committed_from"),
        ('true = ["Y"]', "", "which values mean yes"),
        ("[columns]", "[columns", "cannot be read as TOML"),
        ('offence_code = "Code"', 'offence_code = "Code"\nweapon = "W"', "blank_means"),
    ],
)
def test_a_bad_mapping_is_refused_with_its_reason(tmp_path, old, new, message):
    with pytest.raises(UsageError) as caught:
        read_mapping(write(tmp_path, GOOD.replace(old, new)))
    assert message in str(caught.value)


def test_a_typo_gets_a_suggestion(tmp_path):
    with pytest.raises(UsageError, match="Did you mean 'crime_ref'"):
        read_mapping(write(tmp_path, GOOD.replace("crime_ref", "crimeref")))


def test_an_unknown_name_lists_the_shipped_mappings():
    with pytest.raises(UsageError, match="definition_truth_table"):
        read_mapping("no_such_mapping")
