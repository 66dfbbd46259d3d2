"""Tests of the differencing ledger: nested areas, ages and periods, releases and editions."""

import json
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

import sna
from sna.disclosure.ledger import check_differencing, record_release
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
    for label, edition in (("2025-04", "public"), ("2025-03", "partner"), ("2025-03", "public")):
        with pytest.raises(DisclosureError, match="by subtraction"):
            release(tmp_path, later, label, edition)
    release(tmp_path, records(frame, "t_area_exact"), "2025-03")  # made again as it was: no news
    assert len(pd.read_csv(tmp_path / "disclosure_ledger_E09000007.csv")) == 1


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


def nested(chance):
    """Draw cells of one measure, some inside others by area, age and period."""
    rows = int(chance.integers(2, 6))
    low = chance.choice([0, 10, 18], rows)
    start = pd.to_datetime(chance.choice(["2024-01-01", "2024-07-01"], rows))
    return pd.DataFrame({
        "measure": "offences", "other": "", "area": chance.choice(["", "A", "B"], rows),
        "age_low": low, "age_high": low + chance.choice([7, 14, 900], rows), "start": start,
        "end": start + pd.to_timedelta(chance.choice([31, 181], rows), unit="D"),
        "value": chance.integers(0, 40, rows).astype(float), "exact": chance.random(rows) < 0.8,
        "threshold": chance.choice([5, 10], rows),
    })  # fmt: skip


def gives_away(cells):
    """Compare every pair of exact cells by hand: is one inside the other, and nearly as large?"""
    for _, one in cells[cells["exact"]].iterrows():
        for _, two in cells[cells["exact"]].iterrows():
            holds = (
                one["area"] in ("", two["area"])
                and one["age_low"] <= two["age_low"] and one["age_high"] >= two["age_high"]
                and one["start"] <= two["start"] and one["end"] >= two["end"]
            )  # fmt: skip
            if holds and 0 < abs(one["value"] - two["value"]) < max(
                one["threshold"], two["threshold"]
            ):
                return True
    return False


def test_differencing_finds_exactly_the_pairs_that_give_a_small_count_away():
    chance, blocked = np.random.default_rng(11), 0
    for _ in range(200):
        cells = nested(chance)
        expected = gives_away(cells)
        blocked += expected
        if not expected:
            check_differencing(cells)
            continue
        with pytest.raises(DisclosureError, match="by subtraction"):
            check_differencing(cells)
    assert 10 < blocked < 190, blocked


def test_two_public_releases_of_thousands_of_cells_differ_by_multiples_of_five_only():
    chance = np.random.default_rng(12)
    first = chance.integers(0, 60, 4000)
    frames = [first, first + chance.integers(0, 5, 4000), first * 0 + first.sum()]
    made = []
    for values in frames:
        areas = [f"E0500{i:04}" for i in range(4000)]
        frame = pd.DataFrame(
            {"ward_code": areas, "offences": values, "release_class": "restricted"}
        )
        data = SimpleNamespace(edition="public", borough_name="Camden", simulated=True,
                               end_month=pd.Timestamp("2025-03-01"), settings=Settings())  # fmt: skip
        made.append(sna.protect(frame, contract="t_area_rounded", data=data).table["offences"])
    for one, two in ((made[0], made[1]), (made[2], made[0])):
        gap = (one - two).dropna()
        assert len(gap) > 1000 and (gap % 5 == 0).all()
