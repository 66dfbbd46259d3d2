"""Months, quarters, years and rolling years of one series: no small count is told by the others.

The reader of these tests knows published cells only, and solves linear programmes over months.
"""

import json
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from london import invented_london
from scipy.optimize import linprog
from test_disclosure_protect import borough

import sna
from sna.disclosure import spans
from sna.disclosure.ledger import record_release
from sna.hotspots import lorenz_curve, measure_concentration
from sna.schemas.results import Estimate, ResultTable, register
from sna.settings import Settings
from sna.trend import count_series

KINDS = {"month": (1, 1), "quarter": (3, 3), "financial year": (12, 12),
         "twelve months to each month": (12, 1), "year to the same month": (12, 12)}  # fmt: skip
MOST = 10_000

register(
    ResultTable("t_few", "an area", ("area",), ("offences",), estimates=(Estimate("z", "offences"),))
)  # fmt: skip


def periods_of(counts, *, group="knife", late=0):
    """Return all periods of a series of months that starts in April, as the cuts count them."""
    months, rows = pd.date_range("2020-04-01", periods=len(counts), freq="MS"), []
    for length, (size, step) in KINDS.items():
        first = late if length == "year to the same month" else 0
        rows += [
            {"length": length, "period": f"{length} {start}", "last_month": months[start + size - 1],
             "period_months": size, "offences": counts[start : start + size].sum()}
            for start in range(first, len(counts) - size + 1, step)
        ]  # fmt: skip
    return pd.DataFrame(rows).assign(
        measure="Core by weapon", group=group, residents_of="x", population=1000,
        source="extract", release_class="restricted",
    )  # fmt: skip


def narrowest(frame, done, *, threshold=5, gone=None):
    """Fewest values that a small count may have for a reader, and how many small counts."""
    shown = done.table["offences"].to_numpy()
    first, size = _months(frame)
    all_hidden = _withheld(frame, done) if gone is None else gone
    number = int((first + size).max())
    within = np.arange(number)
    covers = (within >= first[:, None]) & (within < (first + size)[:, None])
    low = np.where(np.isnan(shown), 1, np.where(shown == 0, 0, np.maximum(shown - 2, threshold)))
    high = np.where(np.isnan(shown), threshold - 1, np.where(shown == 0, 0, shown + 2))
    low, high = np.where(all_hidden, 0, low), np.where(all_hidden, MOST, high)
    limits = {"A_ub": np.vstack([covers, -1.0 * covers]), "b_ub": np.concatenate([high, -low])}
    small = np.flatnonzero(frame["offences"].between(1, threshold - 1))
    widths = []
    for row in covers[small].astype(float):
        ends = [linprog(sign * row, bounds=(0, None), **limits).fun for sign in (1, -1)]
        widths.append(np.floor(-ends[1] + 1e-6) - np.ceil(ends[0] - 1e-6) + 1)
    return min(widths, default=np.inf), len(small)


def _withheld(frame, done):
    """Find what is hidden of kinds that were withheld whole, or of which nothing is shown."""
    keys = [frame[name].astype(str) for name in ("measure", "length", "group", "period")]
    cells = pd.Series([" | ".join(row) for row in zip(*keys, strict=True)], index=frame.index)
    log = getattr(done, "log", pd.DataFrame({"rule": [], "cell": []}))
    lost = cells.isin(log.loc[log["rule"].eq("overlap"), "cell"])
    shown = pd.Series(done.table["offences"].notna().to_numpy(), index=frame.index)
    kinds = [frame[name].to_numpy() for name in ("measure", "group", "length")]
    gone = lost.groupby(kinds).transform("any") | ~shown.groupby(kinds).transform("any")
    return (gone & ~shown).to_numpy()


def _months(frame):
    last, size = frame["last_month"], frame["period_months"].to_numpy()
    return ((last.dt.year - 2020) * 12 + last.dt.month - 3).to_numpy() - size, size


def protected(frame):
    return sna.protect(frame, contract="trend_periods", data=borough())


def test_one_count_a_year_is_told_by_nothing_beside_it():
    counts = np.zeros(24)
    counts[[3, 5, 8, 14]] = [4, 1, 1, 5]
    frame = periods_of(counts)
    done = protected(frame)
    assert narrowest(frame, done)[0] >= 2
    assert "overlap" in set(done.log["rule"])
    alone = protected(frame[frame["length"] == "month"])  # as they were: each kind by itself
    assert "overlap" not in set(alone.log["rule"])


def test_the_reader_of_these_tests_finds_what_is_published_kind_by_kind():
    counts = np.zeros(24)
    counts[[3, 5, 8, 14]] = [4, 1, 1, 5]
    frame = periods_of(counts)
    near = np.floor(frame["offences"] / 5 + 0.5) * 5
    bare = SimpleNamespace(table=protected(frame).table)
    bare.table["offences"] = near.mask(frame["offences"].between(1, 4))
    assert narrowest(frame, bare)[0] < 2


def over_many(number, seed):
    chance = np.random.default_rng(seed)
    found, cells, withheld = np.inf, 0, 0
    for _ in range(number):
        mean = chance.choice([0.2, 0.4, 0.6, 1.5, 4])
        counts = chance.poisson(mean, 18).astype(float)
        frame = periods_of(counts, late=int(chance.integers(0, 7)))
        done = protected(frame)
        assert not done.table["offences"].between(1, 4).any()
        least, small = narrowest(frame, done)
        found, cells = min(found, least), cells + small
        withheld += "overlap" in set(done.log["rule"])
    return found, cells, withheld


def test_every_small_count_keeps_two_values_over_random_series():
    found, cells, withheld = over_many(10, seed=9)
    assert cells > 50
    assert withheld
    assert found >= 2


@pytest.mark.simulation
def test_every_small_count_keeps_two_values_over_many_random_series():
    found, cells, withheld = over_many(100, seed=4)
    print(f"{cells} small counts, {withheld} series cut, narrowest {found:.0f} values")
    assert found >= 2


def test_years_to_the_end_month_stay_as_other_tables_show_them():
    chance = np.random.default_rng(8)
    for _ in range(5):
        frame = periods_of(chance.poisson(0.6, 36).astype(float), late=5)
        years = frame["length"].eq("year to the same month")
        log = protected(frame).log
        told = log.loc[log["rule"].eq("overlap"), "cell"]
        assert not told.str.contains("year to the same month").any()
        assert years.any()


def test_open_series_and_partners_under_an_agreement_lose_no_period():
    frame = periods_of(np.array([0, 1, 0, 2] * 6, dtype=float))
    done = protected(frame.assign(release_class="open"))
    assert done.table["offences"].tolist() == frame["offences"].tolist()


def test_a_rolling_year_in_a_column_of_its_own_is_audited_with_its_months():
    rows = np.zeros((36, 33), dtype=int) + 30
    data = invented_london(months=36, source="extract", rows=rows)
    mine = sna.definitions.boroughs()["borough_code"].tolist().index(data.borough_code)
    rows[:, mine] = 0
    rows[14:21, mine] = 1  # seven months of 1 or more, and a year of 5 to 7: each is 1
    data = invented_london(months=36, source="extract", rows=rows)
    log = sna.protect(count_series(data), contract="trend_series", data=data).log
    assert "overlap" in set(log["rule"])


def test_victims_under_18_have_the_higher_threshold_whatever_the_column_is_called():
    for group, flags in (("under 10", ["[c]"]), ("10-17", ["[c]"]), ("18-24", [""])):
        frame = periods_of(np.full(12, 7.0), group=group)
        done = protected(frame[frame["length"].eq("month")].head(1))
        assert done.flags["offences"].tolist() == flags, group


def test_what_an_estimate_withholds_or_marks_halves_the_range_of_no_count():
    frame = pd.DataFrame({"area": list("abcdefgh"), "offences": [8, 10, 12, 13, 17, 18, 20, 22],
                          "z": 1.234, "release_class": "restricted"})  # fmt: skip
    done = sna.protect(frame, contract="t_few", data=borough())
    by_count = done.flags["z"].groupby(done.table["offences"]).nunique()
    assert by_count.eq(1).all()  # counts that are published alike are treated alike
    assert done.flags["z"].tolist() == ["[x]"] * 3 + ["[u]"] * 2 + [""] * 3


@pytest.mark.parametrize("seed", range(4))
def test_concentration_is_that_of_published_counts(seed):
    chance = np.random.default_rng(seed)
    true = chance.poisson(chance.choice([6, 40]), 21)
    shown = np.where((true > 0) & (true < 5), 2, np.floor(true / 5 + 0.5) * 5)
    areas = pd.DataFrame({"offences": true, "shown": shown.astype(int)})
    told = ["gini", "generalised_gini", "top_tenth_share", "share_for_half", "lower_ci",
            "upper_ci", "chance_share"]  # fmt: skip
    own = measure_concentration(areas)
    bare = measure_concentration(pd.DataFrame({"offences": shown.astype(int)}))
    pd.testing.assert_frame_equal(own[told], bare[told])
    assert own["offences"].tolist() == [true.sum()]  # rounded by its contract
    curve = lorenz_curve(areas)
    assert curve["offences_held"].iloc[-1] == shown.sum() == curve["offences"].iloc[0]


def released(folder, counts, *, profile="a"):
    """Publish the cuts of a series as a real release would be, with what was published before."""
    last = pd.Timestamp("2020-04-01") + pd.DateOffset(months=len(counts) - 1)
    data = borough(settings=Settings(root=folder), borough_code="E09000007",
                   profile=SimpleNamespace(id=profile))  # fmt: skip
    data.simulated, data.end_month = False, last
    frame = periods_of(counts, late=len(counts) % 12)
    done = sna.protect(frame, contract="trend_periods", data=data)
    what = {"borough_code": "E09000007", "edition": "public", "profile": profile}
    records = data.settings.folder("records")
    record_release(records, [json.loads(done.record())], release=f"{last:%Y-%m}", **what)
    return frame, done


def combined(releases):
    """Fewest values that a small count may have for a reader of several releases."""
    frames = [
        frame.assign(length=frame["length"] + str(n)) for n, (frame, _) in enumerate(releases)
    ]
    gone = np.concatenate([_withheld(frame, done) for frame, done in releases])
    shown = pd.concat([done.table for _, done in releases], ignore_index=True)
    both = pd.concat(frames, ignore_index=True)
    return narrowest(both, SimpleNamespace(table=shown), gone=gone)[0]


def leaky_series():
    """Return a series that four releases, each safe by itself, told exactly."""
    chance = np.random.default_rng(5)
    for _ in range(7):
        counts = chance.poisson(chance.choice([0.2, 0.4, 0.6, 1.5, 4]), 30).astype(float)
    return counts


def test_releases_of_one_month_more_each_tell_no_small_count_together(tmp_path):
    counts = leaky_series()
    apart = [released(tmp_path / str(n), counts[:n]) for n in range(27, 31)]
    together = [released(tmp_path, counts[:n]) for n in range(27, 31)]
    assert combined(apart) < 2 <= combined(together)
    assert all(combined([one]) >= 2 for one in apart)
    ledger = next(tmp_path.glob("**/disclosure_ledger_E09000007.csv"))
    before = ledger.read_text()
    again = released(tmp_path, counts)  # the last release made again says nothing new
    pd.testing.assert_frame_equal(again[1].table, together[-1][1].table)
    assert ledger.read_text() == before


def test_a_release_made_again_with_other_counts_tells_nothing_beside_its_first_making(tmp_path):
    chance = np.random.default_rng(103)
    first = chance.poisson(chance.choice([0.2, 0.4, 0.6]), 24).astype(float)
    at, came_late = chance.integers(12, 22), chance.integers(1, 9)
    late = np.where(np.arange(24) == at, first + came_late, first)
    found = []
    for folders in (("a", "b"), ("c", "c")):  # each on its own; one after the other
        makings = [released(tmp_path / folder, counts)
                   for folder, counts in zip(folders, (first, late), strict=True)]  # fmt: skip
        parts = []
        for frame, done in makings:
            start, size = _months(frame)
            same = (start + size <= at) | (start > at)  # periods that the record leaves as they are
            parts.append((frame[same], SimpleNamespace(table=done.table[same], log=done.log)))
        found.append(combined(parts))
    assert found[0] < 2 <= found[1]


def test_a_second_definition_shows_only_years_of_a_series_with_small_counts(tmp_path):
    wide = np.array([2, 2, 2, 2, 1, 1, 1, 1, 0, 0, 0, 0], dtype=float)
    narrow = np.array([2, 2, 2, 2, 0, 0, 0, 0, 0, 0, 0, 0], dtype=float)
    _, first = released(tmp_path, wide, profile="wide")
    assert first.flags["offences"].eq("").any()
    # years of 8 to 12 differ by 4 at most, in four months by 1 at least: each would be 1
    frame, second = released(tmp_path, narrow, profile="narrow")
    shown = second.flags["offences"].eq("").groupby(frame["length"]).any()
    assert shown[shown].index.tolist() == [
        "financial year", "twelve months to each month", "year to the same month",
    ]  # fmt: skip
    ledger = pd.read_csv(next(tmp_path.rglob("disclosure_ledger*.csv")))
    assert set(ledger["profile"]) == {"wide", "narrow"}  # neither replaces the other


def test_what_a_revision_made_untrue_withholds_nothing(tmp_path):
    counts = np.array([0, 1, 9, 2, 12, 0, 6, 4, 3, 9, 1, 2] * 2, dtype=float)
    frame = periods_of(counts)
    released(tmp_path, np.where(counts == 9, 2, counts)[:23])
    revised = released(tmp_path, counts)[1]
    alone = protected(frame).table["offences"]
    pd.testing.assert_series_equal(revised.table["offences"], alone)


def told_of_a_cut(frame, done, threshold=5):
    """Fewest values that a small count may have, from all groups, periods and rounded totals."""
    first, size = _months(frame)
    shown, number = done.table["offences"].to_numpy(), int((first + size).max())
    names = frame["group"].drop_duplicates().to_numpy(str)
    columns = np.tile(np.arange(number), len(names))
    inside = (columns >= first[:, None]) & (columns < (first + size)[:, None])
    covers = inside & (
        np.repeat(np.asarray(names), number) == frame["group"].to_numpy(str)[:, None]
    )
    low = np.where(shown == 0, 0, np.maximum(shown - 2, threshold))
    high = np.where(shown == 0, 0, shown + 2)
    hidden, gone = np.isnan(shown), _withheld(frame, done)
    low = np.where(gone, 0, np.where(hidden, 1, low))
    high = np.where(gone, MOST, np.where(hidden, threshold - 1, high))
    sums = frame.groupby(["length", "period"])["offences"].transform("sum").to_numpy()
    near = np.floor(sums / 5 + 0.5) * 5
    few = (sums > 0) & (sums < threshold)
    total_low = np.where(few, 1, np.where(sums == 0, 0, np.maximum(near - 2, threshold)))
    total_high = np.where(few, threshold - 1, np.where(sums == 0, 0, near + 2))
    matrix = np.vstack([covers, -1.0 * covers, inside, -1.0 * inside])
    limits = {"A_ub": matrix, "b_ub": np.concatenate([high, -low, total_high, -total_low])}
    widths = []
    for row in covers[frame["offences"].between(1, threshold - 1)].astype(float):
        least, most = (linprog(sign * row, bounds=(0, None), **limits) for sign in (1, -1))
        widths.append(np.floor(-most.fun + 1e-6) - np.ceil(least.fun - 1e-6) + 1)
    return min(widths, default=np.inf)


def test_groups_of_a_cut_and_their_total_tell_no_small_count_over_all_periods(monkeypatch):
    chance, means = np.random.default_rng(5), {"none": 13, "knife": 1.4, "firearm": 0.1}
    parts = [periods_of(chance.poisson(m, 36).astype(float), group=g) for g, m in means.items()]
    frame = pd.concat(parts, ignore_index=True)
    assert told_of_a_cut(frame, protected(frame)) >= 2
    monkeypatch.setattr(spans, "_audit_cut", lambda *_: None)  # as it was: the cut tells one
    assert told_of_a_cut(frame, protected(frame)) < 2


def test_a_period_that_two_kinds_hold_is_shown_in_both_or_in_neither():
    chance = np.random.default_rng(8)
    for _ in range(5):
        frame = periods_of(chance.poisson(0.6, 36).astype(float), late=0)
        done = protected(frame)
        first, size = _months(frame)
        texts = done.flags["offences"].groupby([first, size]).nunique()
        assert (texts == 1).all()


def test_groups_of_a_total_in_another_table_do_not_tell_the_small_one():
    frame = pd.DataFrame({
        "measure": "Core by weapon", "length": "quarter", "period": "October to December 2020",
        "group": ["acid", "firearm", "knife", "none"], "offences": [0, 1, 33, 378],
        "last_month": pd.Timestamp("2020-12-01"), "period_months": 3, "residents_of": "x",
        "population": 1000, "source": "extract", "release_class": "restricted",
    })  # fmt: skip
    # 410 in all is 408 to 412; 35 and 380 are 415 or less, 411 or more: the firearm is one
    assert protected(frame).flags["offences"].tolist() == ["", "[c]", "[c]", ""]


def test_a_band_of_ages_in_another_table_does_not_tell_its_single_years():
    years = pd.Series(range(18, 91))
    people = years.isin([66, 70, 71, 83]) + 9 * years.lt(65)
    frame = pd.DataFrame({
        "person_role": "victim", "age": years, "decile": "all", "people": people, "all_people": 427,
        "population": 1000, "domain": None, "start_month": pd.Timestamp("2024-04-01"),
        "end_month": pd.Timestamp("2025-03-01"), "source": "extract", "release_class": "restricted",
        **dict.fromkeys(["sii", "sii_lower_ci", "sii_upper_ci"], np.nan),
        **dict.fromkeys(["rii", "rii_lower_ci", "rii_upper_ci"], np.nan),
    })  # fmt: skip
    # people of 65 or over are [c], four at most, in four years of age: one in each
    flags = sna.protect(frame, contract="people_curve", data=borough()).flags["people"]
    assert flags[years.ge(65)].eq("[c]").all() and flags[years.lt(65)].eq("").all()


def test_three_years_of_a_ward_on_the_map_do_not_tell_its_quarters():
    counts = np.zeros(60)
    counts[[5, 15, 26, 30, 38, 55]] = [2, 1, 1, 1, 1, 1]
    frame = periods_of(counts, group="a ward")
    frame = frame[~frame["length"].isin(["month", "twelve months to each month"])]
    frame = frame.reset_index(drop=True)
    done = protected(frame)
    # the map shows [c] for the last 36 months: four at most, in four quarters
    ward = frame.tail(1).assign(length="map", period_months=36, offences=4)
    none = frame.head(1).assign(length="map", period_months=3, offences=0)  # so that [c] is small
    seen = pd.concat([frame, ward, none], ignore_index=True)
    table = pd.concat([done.table, pd.DataFrame({"offences": [np.nan, 0]})], ignore_index=True)
    assert narrowest(seen, SimpleNamespace(table=table))[0] >= 2


def test_the_whole_of_a_place_does_not_tell_its_quarters():
    frame = pd.DataFrame({
        "area_code": "E05000001", "area_name": "x", "aspect": "Quarter", "unit": "offences",
        "label": [f"quarter {n}" for n in range(12)], "recorded": [1] * 4 + [0] * 8, "whole": 4,
        "area_level": "ward", "period_months": 3, "source": "extract",
        "period_start": pd.Timestamp("2022-04-01"), "period_end": pd.Timestamp("2025-03-31"),
        "release_class": "restricted",
    })  # fmt: skip
    done = sna.protect(frame, contract="place_profile", data=borough())  # four of 1 to 4 are 4
    assert done.flags["recorded"].eq("[c]").all()
