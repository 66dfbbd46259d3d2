"""Tests of the differencing ledger: nested areas, ages and periods, releases and editions."""

import json
from types import SimpleNamespace

import pandas as pd
import pytest

import sna
from sna.disclosure.ledger import record_release
from sna.errors import DisclosureError
from sna.schemas.results import ResultTable, register
from sna.settings import Settings

register(
    ResultTable("t_area_exact", "an area", ("ward_code", "offence_group"), ("offences",),
                exact_totals=("ward_code",)),
    ResultTable("t_age_exact", "an age band", ("age_band", "offence_group"), ("offences",),
                exact_totals=("offence_group",)),
    ResultTable("t_area_rounded", "an area", ("ward_code",), ("offences",)),
    ResultTable("t_year_exact", "a year", ("month", "offence_group"), ("offences",),
                plain=("window_months",), exact_totals=("offence_group",)),
)  # fmt: skip


def records(frame, contract, edition="public"):
    data = SimpleNamespace(edition=edition, borough_name="Camden", simulated=True,
                           end_month=pd.Timestamp("2025-03-01"), settings=Settings())  # fmt: skip
    frame = frame.assign(release_class="restricted")
    return [json.loads(sna.protect(frame, contract=contract, data=data).record())]


def release(folder, made, label="2025-03", edition="public"):
    return record_release(folder, made, borough_code="E09000007", edition=edition, release=label)


def test_a_ward_and_its_borough_that_differ_by_a_small_count_are_blocked(tmp_path):
    frame = pd.DataFrame({"ward_code": ["All", "E05000001"], "offence_group": "robbery",
                          "offences": [43, 40]})  # fmt: skip
    with pytest.raises(DisclosureError, match="by subtraction"):
        release(tmp_path, records(frame, "t_area_exact"))
    assert not list(tmp_path.glob("disclosure_ledger*"))
    release(tmp_path, records(frame.assign(offences=[45, 40]), "t_area_exact"))


def test_nested_age_bands_are_blocked(tmp_path):
    frame = pd.DataFrame({"age_band": ["18-24", "under 25", "25-34"], "offence_group": "robbery",
                          "offences": [40, 43, 41]})  # fmt: skip
    with pytest.raises(DisclosureError, match="1 pairs"):
        release(tmp_path, records(frame, "t_age_exact"))


def test_a_year_that_holds_a_shorter_period_is_blocked(tmp_path):
    frame = pd.DataFrame({"month": pd.to_datetime(["2025-03-01", "2025-02-01"]),
                          "window_months": [12, 11], "offence_group": "robbery",
                          "offences": [103, 100]})  # fmt: skip
    with pytest.raises(DisclosureError, match="1 pairs"):
        release(tmp_path, records(frame, "t_year_exact"))


def test_two_releases_and_two_editions_are_compared(tmp_path):
    frame = pd.DataFrame({"ward_code": ["All"], "offence_group": "robbery", "offences": [43]})
    release(tmp_path, records(frame, "t_area_exact"), "2025-03")
    later = records(frame.assign(offences=45), "t_area_exact")
    for label, edition in (("2025-04", "public"), ("2025-03", "partner")):
        with pytest.raises(DisclosureError, match="by subtraction"):
            release(tmp_path, later, label, edition)
    release(tmp_path, later, "2025-03")  # the same release made again replaces itself


def test_rounded_counts_never_block_and_the_log_counts_rules(tmp_path):
    frame = pd.DataFrame({"ward_code": ["All", "E05000001", "E05000002"], "offences": [103, 99, 4]})
    done = release(tmp_path, records(frame, "t_area_rounded"))
    assert done["threshold"] == 1
    log = (tmp_path / "disclosure_log_E09000007_public.csv").read_text(encoding="utf-8")
    assert "E05000002" in log
    ledger = pd.read_csv(tmp_path / "disclosure_ledger_E09000007.csv")
    assert ledger["value"].dropna().isin([105, 100]).all()


def test_a_release_without_restricted_counts_leaves_the_ledger_as_it_is(tmp_path):
    assert release(tmp_path, []) == {}
    frame = pd.DataFrame({"ward_code": ["All"], "offence_group": "robbery", "offences": [43]})
    release(tmp_path, records(frame, "t_area_exact"), "2025-03")
    file = tmp_path / "disclosure_ledger_E09000007.csv"
    before = file.read_bytes()
    release(tmp_path, [], "2025-04")
    assert file.read_bytes() == before
