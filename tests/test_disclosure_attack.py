"""A reader who computes: estimates say no more of a restricted count than what is published of it.

Each test moves true counts inside their rounding and looks whether anything published moves too.
"""

import json
from dataclasses import replace
from datetime import date
from types import SimpleNamespace

import hotspot_fixture
import numpy as np
import pandas as pd
import pytest
from london import invented_london
from scipy.stats import poisson_means_test

import sna
from sna.disclosure.suppress import as_published
from sna.hotspots import (
    classify_persistence,
    compare_definitions,
    count_areas,
    find_area_hotspots,
    find_straddling,
    lorenz_curve,
    measure_concentration,
)
from sna.settings import Agreement, Settings
from sna.trend import compare_funnel, compare_periods, control_chart, project_series


def published(table, contract, data):
    """Return what leaves the house of a table: cells with their marks."""
    return sna.protect(table, contract=contract, data=data).published()


def nudged(counts, seed, least=5, base=5):
    """Return other counts that are published as these are: rounded alike, small ones small."""
    rng = np.random.default_rng(seed)
    shown = np.floor(counts / base + 0.5) * base
    moved = np.maximum(shown + rng.integers(-2, 3, len(counts)), least)
    small = rng.integers(1, least, len(counts))
    return np.select([counts == 0, counts < least], [0, small], moved)


@pytest.mark.parametrize("seed", range(8))
def test_no_ward_count_can_be_told_from_smoothed_rates_ranks_and_scores(seed):
    rng = np.random.default_rng(seed)
    data = hotspot_fixture.borough(source="extract", months=36)
    counts = count_areas(data)
    first = rng.poisson(rng.choice([6, 30, 200]), len(counts.areas)).astype(float)

    def shown(values):
        last = pd.DataFrame({
            "source": "extract", "release_class": "restricted", "borough_code": data.borough_code,
            "ward_code": counts.areas["area_code"], "month": pd.Timestamp("2025-03-01"),
            "published_category": None, "band": "core", "offences": values.astype(int),
        })  # fmt: skip
        none = last.assign(month=pd.Timestamp("2024-04-01"), offences=0)
        data.offences = pd.concat([none, last])
        made = count_areas(data)
        table = find_area_hotspots(made).drop(columns="shown")
        few = published(measure_concentration(made.areas), "hotspot_concentration", data)
        curve = published(lorenz_curve(made.areas), "hotspot_lorenz", data)
        return published(table, "hotspot_areas", data), few.drop(columns="offences"), curve

    before, few, curve = shown(first)
    after, few_after, curve_after = shown(nudged(first, seed))
    whole = ["borough_offences", "borough_rate", "compared"]  # of a total of their own rounding
    pd.testing.assert_frame_equal(before.drop(columns=whole), after.drop(columns=whole))
    pd.testing.assert_frame_equal(few, few_after)
    pd.testing.assert_frame_equal(curve, curve_after)
    assert before["smoothed_rate"].str.fullmatch(r"[\d.]+").any()


@pytest.mark.parametrize("seed", range(4))
def test_no_quarter_of_a_ward_can_be_told_from_flags_classes_and_tests_on_later_months(seed):
    rng = np.random.default_rng(seed)
    data = hotspot_fixture.borough(source="extract", months=36)
    wards = count_areas(data).areas["area_code"]
    months = pd.date_range("2022-04-01", periods=12, freq="3MS")
    first = 5 * rng.poisson(rng.choice([1, 2, 6], (len(wards), 1)), (len(wards), 12)) + 5

    def shown(values):
        rows = pd.DataFrame({
            "source": "extract", "release_class": "restricted", "borough_code": data.borough_code,
            "ward_code": np.repeat(wards, 12), "month": np.tile(months, len(wards)),
            "published_category": None, "band": "core", "offences": values.ravel(),
        })  # fmt: skip
        none = rows.head(1).assign(month=data.end_month, offences=0)
        data.offences = pd.concat([rows, none])
        made = count_areas(data)
        tested = published(compare_definitions(made), "hotspot_prediction", data)
        return published(classify_persistence(made), "hotspot_persistence", data), tested

    one, two, three, four = rng.integers(0, 3, (4, len(wards)))
    same = one * 0  # quarters, years and the months tested on keep their rounding
    move = [one, -one, two, -two, three, same, -three, same, same, four, same, same]
    for before, after in zip(shown(first), shown(first + np.stack(move, axis=1)), strict=True):
        pd.testing.assert_frame_equal(before, after)


def test_hotspots_across_the_border_are_those_of_published_counts():
    data = hotspot_fixture.borough(source="extract", hot=(14, 15, 20, 21), months=36)
    made = count_areas(data, around=data.around)
    blind = replace(made, areas=made.areas.assign(offences=0))
    pd.testing.assert_frame_equal(find_straddling(made), find_straddling(blind))
    assert find_straddling(blind)["is_hotspot"].any()


@pytest.mark.parametrize(("later", "earlier"), [(2387, 2033), (63, 41), (12, 3), (8, 17)])
def test_the_p_of_a_change_is_that_of_the_published_counts(later, earlier):
    rows = np.zeros((24, 33), dtype=int)
    data = invented_london(months=24, source="extract", rows=rows + 5)
    mine = sna.definitions.boroughs()["borough_code"].tolist().index(data.borough_code)
    rows = rows + 5
    for year, total in ((rows[:12], earlier), (rows[12:], later)):
        year[:, mine] = np.diff(np.floor(np.linspace(0, total, 13))).astype(int)
    data = invented_london(months=24, source="extract", rows=rows)
    done = sna.protect(compare_periods(data), contract="trend_change", data=data)
    row = done.table[done.table["area"] == data.borough_name].iloc[0]
    pair = [2 if 0 < n < 5 else 5 * np.floor(n / 5 + 0.5) for n in (later, earlier)]
    if not np.isnan(row["p_value"]):  # too little data has none
        expected = poisson_means_test(int(pair[0]), 1, int(pair[1]), 1).pvalue
        assert row["p_value"] == pytest.approx(expected, rel=0.02)
    assert (done.flags.loc[row.name, "offences_earlier"] == "[c]") == (earlier < 5)


def test_no_total_of_london_can_be_told_from_the_funnel():
    data = invented_london(months=12, source="extract", seed=4)
    first = published(compare_funnel(data), "trend_funnel", data)
    year = data.counts.groupby("borough_code", sort=False)["offences"].sum()
    move = pd.Series(nudged(year.to_numpy(float), 5), year.index) - year
    data.counts.loc[data.counts["month"].eq(data.end_month), "offences"] += move.to_numpy()
    total = year.sum(), year.sum() + move.sum()
    last = published(compare_funnel(data), "trend_funnel", data)
    if len({5 * np.floor(n / 5 + 0.5) for n in total}) == 1:
        pd.testing.assert_frame_equal(first, last)
    same = ["offences", "population", "rate"]
    pd.testing.assert_frame_equal(first[same], last[same])


def people_of(number, *, source="extract"):
    """Return suspects with so many records each: number of records -> people."""
    rows = [
        {"person_id": f"{times}-{i}", "offence_id": f"{times}-{i}-{n}"}
        for times, many in number.items() for i in range(many) for n in range(times)
    ]  # fmt: skip
    months = pd.date_range("2024-04-01", periods=12, freq="MS")
    return pd.DataFrame(rows).assign(
        person_role="suspect", people=1, source=source, release_class="restricted",
        borough_code="E09000001", file_id=0, month=lambda t: months[np.arange(len(t)) % 12],
    )  # fmt: skip


@pytest.mark.parametrize("pair", [178, 180, 181, 182])
def test_offences_of_people_with_two_each_are_twice_the_published_people(pair):
    people = people_of({1: 400, 2: pair, 3: 7, 4: 2})
    data = SimpleNamespace(
        borough_code="E09000001", borough_name="Testham", edition="public", people=people,
        end_month=pd.Timestamp("2025-03-01"), simulated=True, settings=Settings(), inputs=[],
        offences=pd.DataFrame({"offence_id": people["offence_id"], "band": "core"}),
    )  # fmt: skip
    counts, curve = sna.disproportionality.follow_people(data, person_role="suspect")
    done = sna.protect(counts, contract="cohort_counts", data=data).published()
    rows = done[done["cohort"].eq("offences per person")].set_index("category")
    assert rows.loc["2", ["people", "offences"]].tolist() == ["180", "360"]
    assert rows.loc["3", ["people", "offences"]].tolist() == ["5", "15"]
    assert rows.loc["4", ["people", "offences"]].tolist() == ["[c]", "[c]"]
    shown = sna.protect(curve, contract="recurrence", data=data).table
    left, before = 1.0, 0.0  # Kaplan and Meier by hand, of the published counts
    for row in shown[shown["again"].notna() & shown["at_risk"].gt(0)].to_dict("records"):
        left *= 1 - (row["again"] - before) / row["at_risk"]
        before = row["again"]
    assert shown["share_again"].dropna().iloc[-1] == pytest.approx(1 - left, rel=0.02)


def test_counts_of_open_and_of_shared_sources_stay_as_they_are():
    agreed = Settings(agreements={"extract": Agreement(
        isa_reference="ISA-1", recipients=("a",), review_date=date(2099, 1, 1))})  # fmt: skip
    cases = [("public", "open", [3, 7]), ("public", "restricted", [2, 5]),
             ("partner", "restricted", [3, 7]), ("partner", "person_level", [3, 7])]  # fmt: skip
    for edition, kind, expected in cases:
        data = SimpleNamespace(edition=edition, settings=agreed)
        shown = as_published([3, 7], data, release_class=kind, source="extract")
        assert shown.tolist() == expected, (edition, kind)
    data = SimpleNamespace(edition="partner", settings=Settings())
    assert as_published([3, 7], data, release_class="restricted", source="x").tolist() == [2, 5]
    assert json.dumps(as_published([], data, release_class="open", source="x").tolist()) == "[]"


def test_no_month_can_be_told_from_a_seasonally_adjusted_chart():
    rng = np.random.default_rng(3)
    wave = 40 + 25 * np.sin(np.arange(60) * np.pi / 6)
    own = rng.poisson(wave).astype(float)
    for counts, seed in ((own, 1), (own, 2)):
        shown = []
        for values in (counts, nudged(counts, seed)):
            rows = np.full((60, 33), 30)
            data = invented_london(months=60, source="extract", rows=rows)
            mine = sna.definitions.boroughs()["borough_code"].tolist().index(data.borough_code)
            rows[:, mine] = values
            data = invented_london(months=60, source="extract", rows=rows)
            shown.append(published(control_chart(data), "trend_control", data))
        assert shown[0]["kind"].unique().tolist() == ["adjusted"]
        pd.testing.assert_frame_equal(*shown)


def test_no_month_can_be_told_from_a_projection_and_its_errors():
    own, shown = np.random.default_rng(3).poisson(40, 72).astype(float), []
    for values in (own, nudged(own, 1)):
        rows = np.full((72, 33), 30)
        data = invented_london(months=72, source="extract", rows=rows)
        mine = sna.definitions.boroughs()["borough_code"].tolist().index(data.borough_code)
        rows[:, mine] = values
        data = invented_london(months=72, source="extract", rows=rows)
        months, models = project_series(data)
        shown.append([published(months, "trend_projection", data), models])
    assert len(shown[0][1]) == 3
    for one, other in zip(*shown, strict=True):
        pd.testing.assert_frame_equal(one, other)


def test_rare_restricted_events_are_not_listed_one_by_one():
    rows = np.zeros((36, 33), dtype=int) + 1
    for source, kind in (("extract", "withheld"), ("home_office_csp", "gaps")):
        data = invented_london(months=36, source=source, rows=rows)
        assert control_chart(data)["kind"].unique().tolist() == [kind]
