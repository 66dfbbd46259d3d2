"""Tests of sna.settings: defaults, strict keys, and the commented file that `sna init` writes."""

import json
import re
from datetime import date

import pytest

from sna.errors import UsageError
from sna.settings import Settings, init_settings, read_settings


def write(folder, text):
    file = folder / "sna.toml"
    file.write_text(text, encoding="utf-8")
    return file


def test_without_a_file_every_setting_has_its_default(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert read_settings().record() == Settings().record()


def test_the_record_names_no_whole_path(tmp_path):
    text = "[folders]\nraw = '/srv/raw'\nreports = 'D:\\out'\n[places]\nharm_weights = 'w.csv'\n"
    record = read_settings(write(tmp_path, text)).record()
    assert record["folders"]["raw"] == record["folders"]["reports"] == "set"
    assert record["folders"]["processed"] == "data/processed"
    assert record["places"]["harm_weights"] == "w.csv"


def test_the_file_is_found_in_a_folder_above(tmp_path, monkeypatch):
    write(tmp_path, 'boroughs = ["Camden"]')
    below = tmp_path / "a b" / "é"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)
    settings = read_settings()
    assert settings.boroughs == ("Camden",)
    assert settings.folder("records") == tmp_path / "records"


def test_the_commented_file_changes_nothing_and_every_line_switched_on_is_read(tmp_path):
    file = init_settings(tmp_path)
    assert read_settings(file).record() == Settings().record()
    on = re.sub(r"(?m)^# (?=\[|\w+ = )", "", file.read_text(encoding="utf-8"))
    settings = read_settings(write(tmp_path, on), today=date(2026, 3, 31))
    assert settings.agreements["extract"].recipients == ("Safer Hillingdon Partnership",)
    assert settings.disclosure.overrides[0].approver == "who decided"
    known = set(Settings.model_fields) - {"root", "expired"}
    assert known <= set(re.findall(r"\w+", on))
    with pytest.raises(UsageError, match="already"):
        init_settings(tmp_path)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('borough = ["Camden"]', "Did you mean 'boroughs'"),
        ('root = "elsewhere"', "root: this key is not known"),
        ("expired = {}", "expired: this key is not known"),
        ("editions = []", "editions"),
        ("[periods]\nmonths = 0", "periods.months"),
        ("[build]\nunmatched_share = 5", "build.unmatched_share"),
        ("[disclosure]\nround_bse = 5", "Did you mean 'round_base'"),
        ("[disclosure]\nround_base = 3", "5 or 10"),
        ("[disclosure.thresholds]\nstandard = 3", "greater than or equal to 5"),
        ('editions = ["publik"]', "Did you mean 'public'"),
        ('boroughs = "Hackny"', "boroughs: a list is wanted here, in square brackets"),
        ('boroughs = ["Hackny"]', "where: sna.toml\n  do:    Did you mean Hackney?"),
        ('comparators = ["Ealig"]', "Did you mean Ealing?"),
        ('[profiles.boroughs]\nHackny = "london_2023"', "Did you mean Hackney?"),
        ('[agreements.record_extract]\nisa_reference = "x"\nrecipients = ["P"]\n'
         'review_date = 2030-03-31', "Did you mean 'extract'"),
        ('[agreements.extract]\nisa_reference = "x"', "must be there"),
        ('[agreements.extract]\nisa_reference = " "\nrecipients = []\nreview_date = 2026-03-31',
         "isa_reference"),
        ('[periods]\nend_month = "2025-13"', "end_month"),
        ('[folders]\nrecords = "reports/records"', "outside reports"),
        ('[[disclosure.overrides]]\ncontract = "a"\nrule = "group"\nreason = ""\napprover = "b"',
         "reason"),
        ('[[disclosure.overrides]]\ncontract = "a"\nrule = "threshold"\nreason = "a"\napprover = "b"',
         "rule"),
        ("boroughs = [", "cannot be read as TOML"),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_refused_with_a_way_out(tmp_path, text, words):
    with pytest.raises(UsageError, match=re.escape(words)):
        read_settings(write(tmp_path, text))


def test_a_settings_file_is_written_into_a_folder_that_is_there_only(tmp_path):
    with pytest.raises(UsageError, match="no such folder"):
        init_settings(tmp_path / "no" / "such")
    assert not list(tmp_path.iterdir())


def test_a_named_file_must_be_there(tmp_path):
    with pytest.raises(UsageError, match="cannot be read"):
        read_settings(tmp_path / "none.toml")


def test_profiles_go_by_name_or_code(tmp_path):
    text = '[profiles.boroughs]\nHackney = "a"\nE09000007 = "b"'
    settings = read_settings(write(tmp_path, text))
    names = (("E09000012", "hackney"), ("E09000007", "Camden"), ("x", "y"))
    found = [settings.profile_of(*pair) for pair in names]
    assert found == ["a", "b", "london_2023"]


def test_the_record_holds_no_absolute_path(tmp_path):
    record = read_settings(write(tmp_path, 'boroughs = ["Camden"]')).record()
    assert len(record["sha256"]) == 64
    assert str(tmp_path) not in json.dumps(record)


AGREED = """[agreements.extract]
isa_reference = "ISA-77"
recipients = ["Camden CSP"]
review_date = 2026-03-31
[qa]
analyst = "Ana Lyst"
[[disclosure.overrides]]
contract = "a"
rule = "group"
reason = "checked"
approver = "Cy"
"""


def test_an_agreement_past_its_review_date_counts_no_more(tmp_path):
    file = write(tmp_path, AGREED)
    assert set(read_settings(file, today=date(2026, 3, 31)).agreements) == {"extract"}
    late = read_settings(file, today=date(2026, 4, 1))
    assert late.agreements == {} and late.expired == {"extract": date(2026, 3, 31)}


def test_the_record_names_no_person_recipient_or_agreement(tmp_path):
    record = read_settings(write(tmp_path, AGREED), today=date(2026, 3, 1)).record()
    text = json.dumps(record)
    assert not [word for word in ("ISA-77", "Camden CSP", "Ana Lyst", "Cy") if word in text]
    assert record["agreements"]["extract"]["isa_reference"] == "set" and "checked" in text
