import json
import re
import types
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hotspot_fixture import OWN, borough

from sna import figures, hotspots, narrative
from sna.definitions import area_series, boroughs
from sna.disclosure import protect
from sna.errors import CoverageError, TableError, UsageError
from sna.hotspots import areas as room
from sna.hotspots import concentration, persistence, prediction

CASES = {
    case["case"]: case
    for case in json.loads(
        (Path(__file__).parent / "data" / "spatial_cases.json").read_text(encoding="utf-8")
    )
}
HOT = (14, 15, 20, 21)  # four squares that touch, in a borough of 6 × 6


def test_counts_are_complete_and_add_up():
    data = borough()
    counts = hotspots.count_areas(data, around=data.around)
    own = counts.areas["is_tested"]
    assert counts.areas.loc[own, "offences"].sum() == data.offences["offences"].sum()
    assert own.sum() == 36 and len(counts.areas) == 42  # six squares of the next borough touch
    assert len(counts.monthly) == 42 * 24
    assert set(counts.areas["population"]) == {10_000.0}
    assert counts.areas["area_km2"].tolist() == [1.0] * 42


def test_without_the_neighbours_offences_only_the_borough_is_mapped():
    assert len(hotspots.count_areas(borough()).areas) == 36


def test_offences_without_a_known_ward_are_counted_apart():
    data = borough()
    lost = data.offences.head(3).assign(ward_code=[None, "E05999999", None], offences=[2, 3, 4])
    data.offences = pd.concat([data.offences, lost])
    counts = hotspots.count_areas(data, around=data.around)
    assert counts.unplaced == 9
    found = protect(hotspots.find_area_hotspots(counts), contract="hotspot_areas", data=data)
    for view in ("hotspot_areas", "area_rates"):
        assert "Another 9 offences cannot be placed" in str(narrative.describe(found, view=view))


def test_core_records_come_before_published_counts_and_other_bands_are_left_out():
    data = borough(source="extract")
    published = borough().offences.assign(offences=1000)
    out = data.offences.head(5).assign(band="out", offences=500)
    data.offences = pd.concat([published, data.offences, out])
    data.around = None
    counts = hotspots.count_areas(data, around=data.around)
    assert counts.measure == "core serious violence, records"
    assert counts.areas["offences"].max() < 500


def test_a_measure_names_the_labels_it_counts_and_no_others():
    for measure, labels in area_series()[["measure", "labels"]].to_numpy().tolist():
        named = measure.partition(", a proxy")[0].partition(", not a proxy")[0]
        for label in sorted(filter(None, labels.split("|")), key=len, reverse=True):
            assert label in named
            named = named.replace(label, "", 1)
        assert not labels or set(named.replace(",", " ").split()) <= {"police.uk", "and"}


def test_only_the_subgroups_that_may_stand_in_are_counted():
    data = borough(around=None)
    other = data.offences.assign(published_category="MPS | THEFT | SHOPLIFTING", offences=1000)
    street = data.offences.assign(
        source="police_uk_street", published_category="police.uk | Robbery", offences=1000
    )
    whole = data.offences["offences"].sum()
    data.offences = pd.concat([data.offences, other, street])
    assert hotspots.count_areas(data, around=data.around).areas["offences"].sum() == whole


def test_strays_of_another_force_are_no_map_of_the_borough():
    data = borough()
    strays = data.offences.head(30).assign(
        source="police_uk_street", published_category="police.uk | Robbery", ward_code=None,
        lsoa_code="E01000001", offences=1,
    )  # fmt: skip
    data.offences = pd.concat([data.offences, strays])
    assert set(hotspots.count_areas(data, finest=True).areas["area_level"]) == {"ward"}
    few = data.around.head(2).assign(offences=1)
    assert len(hotspots.count_areas(data, around=few).areas) == 36


def test_restricted_records_stay_at_ward_in_public():
    data = borough(source="extract", level="lsoa", around=None)
    lookup = pd.DataFrame(
        {"lsoa_code": data.offences["lsoa_code"].unique()}
    ).assign(ward_code=lambda t: "E0500000" + (t.index % 4).astype(str))  # fmt: skip
    assert room.choose_level(data.offences, data) == "lsoa"  # no other way to place them
    data.area_lookup = lookup
    assert room.choose_level(data.offences, data) == "ward"
    data.offences = data.offences.assign(release_class="open")
    assert room.choose_level(data.offences, data) == "lsoa"


def test_partners_with_an_agreement_see_records_by_lsoa_and_others_do_not():
    data = borough(source="extract", level="lsoa", edition="partner")
    codes = data.offences["lsoa_code"].unique()
    data.area_lookup = pd.DataFrame({"lsoa_code": codes, "ward_code": "E05000000"})
    assert room.choose_level(data.offences, data) == "ward"
    data.settings = types.SimpleNamespace(agreements={"extract": "any"})
    assert room.choose_level(data.offences, data) == "lsoa"


def test_nothing_to_place_no_month_and_no_boundaries_are_refused_with_words():
    data = borough()
    data.offences = data.offences.assign(ward_code=None)
    with pytest.raises(CoverageError, match="No offences of this borough can be placed"):
        hotspots.count_areas(data, around=data.around)
    data = borough(end_month=pd.Timestamp("2019-01-01"))
    with pytest.raises(CoverageError, match="No month up to January 2019"):
        hotspots.count_areas(data, around=data.around)
    data = borough()
    data.areas = data.areas.assign(borough_code="E09000001")
    with pytest.raises(CoverageError, match="no ward boundaries for Hackney"):
        hotspots.count_areas(data, around=data.around)


def test_the_planted_hotspot_is_found_ranked_and_compared():
    counts = hotspots.count_areas(borough(hot=HOT), around=None)
    found = hotspots.find_area_hotspots(counts).reset_index(drop=True)
    assert set(found.index[found["is_hotspot"]]) >= set(HOT)
    assert set(found.loc[list(HOT), "compared"]) == {"higher"}
    assert set(found.loc[list(HOT), "rank"]) == {1, 2, 3, 4}
    assert (found["rank_lower"] <= found["rank"]).all()
    assert (found["rank_upper"] >= found["rank"]).all()
    assert found.loc[14, "person_years"] == 20_000


def test_areas_without_residents_have_no_rate_but_keep_their_hotspot():
    data = borough(hot=HOT)
    data.population = data.population.assign(population=0.0)
    found = hotspots.find_area_hotspots(hotspots.count_areas(data, around=data.around))
    assert found["rank"].isna().all()
    assert set(found["compared"]) == {"not known"}
    assert found["is_hotspot"].sum() >= 4


def test_gini_by_hand():
    # four areas with 0, 0, 1 and 3 offences: Gini = 2*(3*1+4*3)/(4*4) - 5/4
    assert hotspots.gini(np.array([0, 0, 1, 3])) == pytest.approx(0.625)
    assert hotspots.gini(np.array([5, 5, 5])) == pytest.approx(0)
    assert np.isnan(hotspots.gini(np.zeros(4)))


def test_generalised_gini_is_zero_for_the_most_even_spread_of_few_offences():
    assert hotspots.gini([1, 1, 1, 0, 0, 0], generalised=True) == pytest.approx(0)
    assert hotspots.gini([3, 0, 0, 0, 0, 0], generalised=True) == pytest.approx(2 / 3)
    many = np.array([4, 9, 30])  # with more offences than areas it is the Gini coefficient
    assert hotspots.gini(many, generalised=True) == pytest.approx(hotspots.gini(many))


def test_counts_that_are_none_and_parts_beyond_the_whole_are_refused():
    for bad in ([1, -1], [1, np.nan]):
        with pytest.raises(TableError, match="missing or negative"):
            hotspots.gini(bad)
    with pytest.raises(UsageError, match="no part"):
        hotspots.share_holding([1, 2], part=1.2)


def test_share_that_holds_half_counts_whole_areas():
    assert hotspots.share_holding(np.array([6, 2, 1, 1, 0])) == 0.2
    assert hotspots.share_holding(np.array([1, 1, 1, 1])) == 0.5


def test_concentration_has_limits_and_what_chance_gives():
    even = hotspots.count_areas(borough(mean=30, around=None)).areas
    row = hotspots.measure_concentration(even).iloc[0]
    assert row["lower_ci"] <= row["share_for_half"] <= row["upper_ci"]
    assert row["chance_share"] == pytest.approx(row["share_for_half"], abs=0.05)
    nothing = hotspots.measure_concentration(even.assign(offences=0, shown=0)).iloc[0]
    assert np.isnan(nothing["share_for_half"]) and nothing["offences"] == 0


def test_the_lorenz_curve_ends_at_everything():
    curve = hotspots.lorenz_curve(pd.DataFrame({"offences": [6, 2, 1, 1]}), steps=4)
    assert curve["offences_held"].tolist() == [0, 6, 8, 9, 10]


def test_rank_intervals_overlap_when_rates_are_equal_and_part_when_they_are_not():
    equal = pd.DataFrame({"offences": [20] * 5, "population": [1000] * 5})
    assert set(hotspots.add_rank(equal)["rank"]) == {1.0}
    apart = pd.DataFrame({"offences": [1000, 500, 100, 10], "population": [1000] * 4})
    ranked = hotspots.add_rank(apart)
    assert ranked["rank"].tolist() == [1, 2, 3, 4]
    assert ranked["rank_lower"].tolist() == ranked["rank_upper"].tolist() == [1, 2, 3, 4]


@pytest.mark.parametrize("case", ["mk_rising", "mk_ties"])
def test_mann_kendall_reference(case):
    given = CASES[case]
    made = hotspots.mann_kendall(np.array([given["inputs"]["values"]])).iloc[0]
    expected = given["expected"]
    assert made["s"] == expected["S"]
    assert made["variance"] == pytest.approx(expected["var_S"])
    assert made["z"] == pytest.approx(expected["z"])
    assert made["p_value"] == pytest.approx(expected["p"])
    assert made["tau_b"] == pytest.approx(expected["tau_b"])


def test_a_constant_series_has_no_trend():
    made = hotspots.mann_kendall(np.array([[3, 3, 3, 3]])).iloc[0]
    assert made["p_value"] == 1 and np.isnan(made["tau_b"])


def test_periods_are_whole_and_end_with_the_last_month():
    monthly = pd.DataFrame(
        {"area_code": "A", "month": pd.date_range("2024-01-01", periods=7, freq="MS"),
         "offences": [1, 2, 3, 4, 5, 6, 7]}
    )  # fmt: skip
    counted = persistence.count_periods(monthly, period_months=3)
    assert counted.loc["A"].tolist() == [9, 18]  # January stands alone and is left out


def test_classes_of_persistence():
    hot = np.array(
        [[1, 1, 1, 1], [1, 1, 1, 1], [0, 0, 0, 1], [0, 1, 0, 1], [1, 1, 1, 0], [0, 0, 0, 0]],
        dtype=bool,
    )
    rising = np.array([0, 1, 0, 0, 0, 0], dtype=bool)
    made = persistence._class(hot, rising, np.zeros(6, dtype=bool))
    assert made.tolist() == [
        "persistent", "intensifying", "new", "intermittent", "diminishing", "never flagged",
    ]  # fmt: skip


def test_a_lasting_hotspot_is_persistent_and_in_the_top_tenth_each_year():
    counts = hotspots.count_areas(borough(hot=HOT, mean=25, months=36))
    made = hotspots.classify_persistence(counts)
    assert set(made.loc[list(HOT), "persistence"]) == {"persistent"}
    assert made["periods"].iloc[0] == 12 and made["years"].iloc[0] == 3
    assert made.loc[list(HOT), "years_in_top_tenth"].min() == 3


def test_no_order_of_unequal_areas_beats_the_best_possible_one():
    # by hand: the small area holds 2 of 5 on 1 of 4 km2, the large one 3 on 3; as much ground as
    # the large one could hold the small one and two thirds of the large: 2 + 2 = 4
    areas = pd.DataFrame({"observed": [2.0, 3.0], "predicted": [0.0, 9.0], "area": [1.0, 3.0]})
    made = hotspots.prediction_accuracy(areas)
    assert made["pai"].tolist() == pytest.approx([0.8, 1.0])
    assert made["pei"].tolist() == pytest.approx([0.75, 1.0])


@pytest.mark.parametrize("case", ["pai_perfect", "pai_ties"])
def test_prediction_accuracy_reference(case):
    given = CASES[case]
    made = hotspots.prediction_accuracy(pd.DataFrame(given["inputs"]))
    expected = given["expected"]
    assert made["pai"].tolist() == pytest.approx(expected["PAI"])
    assert made["pei"].tolist() == pytest.approx(expected["PEI"])
    assert made["rri"].tolist() == pytest.approx(expected["RRI"])
    if "order" in expected:
        assert made["area_id"].tolist() == expected["order"]


def test_definitions_are_compared_on_later_months():
    counts = hotspots.count_areas(borough(hot=HOT, months=36))
    made = hotspots.compare_definitions(counts, flagged_share=0.1)
    assert made["method"].tolist() == ["count", "smoothed rate", "Gi*"]
    assert set(made["areas_flagged"]) == {4}
    assert made["is_recommended"].tolist() == [True, False, False]
    row = made.iloc[0]
    late = counts.monthly[counts.monthly["month"] >= "2024-04-01"]
    own = late[late["area_code"].isin(counts.areas.loc[counts.areas["is_tested"], "area_code"])]
    assert row["offences"] == own["offences"].sum()
    assert row["pai"] == pytest.approx(row["hit_rate"] * 36 / 4)
    assert row["pei"] == 1
    assert hotspots.compare_definitions(hotspots.count_areas(borough(months=3))).empty


def shown(data):
    """Everything the notebook shows, from analysis to HTML."""
    counts = hotspots.count_areas(data, around=data.around)
    table = protect(hotspots.find_area_hotspots(counts), contract="hotspot_areas", data=data)
    few = protect(
        hotspots.measure_concentration(counts.areas), contract="hotspot_concentration", data=data
    )
    curve = protect(hotspots.lorenz_curve(counts.areas), contract="hotspot_lorenz", data=data)
    lasting = protect(
        hotspots.classify_persistence(counts), contract="hotspot_persistence", data=data
    )
    tested = protect(hotspots.compare_definitions(counts), contract="hotspot_prediction", data=data)
    crossing = hotspots.find_straddling(counts)
    crossing = protect(crossing, contract="hotspot_straddling", data=data)
    border = hotspots.count_near_border(counts, data, data.offences.head(0))
    border = protect(border, contract="hotspot_border", data=data)
    views = ("hotspot_areas", "area_map", "area_rates", "workday_rates", "moran_areas")
    said = ("hotspot_areas", "area_rates", "workday_rates", "moran_areas")
    return [
        *[figures.show(table, data.areas, view=view) for view in views],
        *[narrative.describe(table, view=view) for view in said],
        figures.show(curve, few),
        figures.show(crossing, data.areas),
        *[figures.show(made) for made in (lasting, tested, border)],
        *[narrative.describe(made) for made in (few, lasting, tested, border, crossing)],
        narrative.key_findings(table, table, few, lasting),
    ]


@pytest.mark.parametrize(
    "data",
    [
        borough(hot=HOT, mean=20, months=36),
        borough(mean=0.02),
        borough(source="extract", mean=0.1),
        borough(side=1, around=None),
        borough(mean=20, months=2),
    ],
    ids=["hotspot", "hardly anything", "few records", "one area", "two months"],
)
def test_the_page_is_made_whatever_the_data(data):
    for thing in shown(data):
        html = thing._repr_html_()
        assert "nan" not in html.lower().replace("governan", "").replace("finan", "")


@pytest.mark.parametrize("ward", ["{} 901A", "Hoxton East & Shoreditch North of {}"])
def test_findings_hold_whatever_the_borough_and_its_areas_are_called(ward):
    data = borough(hot=HOT, mean=20, months=36)
    counts = hotspots.count_areas(data, around=data.around)
    made = {
        "hotspot_areas": hotspots.find_area_hotspots(counts),
        "hotspot_concentration": hotspots.measure_concentration(counts.areas),
        "hotspot_persistence": hotspots.classify_persistence(counts),
    }
    safe = [protect(part, contract=name, data=data) for name, part in made.items()]
    for name in [*boroughs()["borough_name"], "Windsor and Maidenhead"]:
        named = [
            replace(part, borough_name=name, table=part.table.assign(
                **{c: ward.format(name) for c in ("area_name",) if c in part.table}))
            for part in safe
        ]  # fmt: skip
        first = narrative.key_findings(named[0], *named).sentences[0]  # refuses over 30 words
        assert re.search(rf"in {name} are in hotspots[:.]", first)
        assert ("901A" in first) == ward.endswith("901A")


def test_small_counts_of_records_never_reach_the_page():
    data = borough(source="extract", mean=0.11)  # about three offences an area in two years
    counts = hotspots.count_areas(data, around=data.around)
    table = protect(hotspots.find_area_hotspots(counts), contract="hotspot_areas", data=data)
    small = counts.areas["offences"].between(1, 4) & counts.areas["is_tested"]
    assert small.any()
    hidden = table.table.set_index("area_code").loc[counts.areas.loc[small, "area_code"]]
    assert hidden[["offences", "rate", "smoothed_rate", "rank"]].isna().all().all()


def test_the_caller_keeps_its_tables():
    data = borough()
    before = data.offences.copy(), data.areas.copy()
    hotspots.find_area_hotspots(hotspots.count_areas(data, around=data.around))
    pd.testing.assert_frame_equal(data.offences, before[0])
    assert data.areas.equals(before[1])


def test_the_borough_of_the_fixture_is_in_london():
    assert OWN.startswith("E09")
    assert concentration.DRAWS >= 1000 and prediction.LEAST_MONTHS == 4


def test_a_small_area_is_named_with_its_ward_in_tables_and_sentences():
    data = borough(level="lsoa", hot=[14, 15, 20, 21], mean=12)
    ward = data.areas.iloc[[0]].assign(
        area_code="E05000001", area_name="Mill Hill", area_level="ward"
    )
    data.areas = pd.concat([data.areas, ward], ignore_index=True)
    codes = data.offences["lsoa_code"].unique()
    data.area_lookup = pd.DataFrame({"lsoa_code": codes, "ward_code": "E05000001"})
    found = hotspots.find_area_hotspots(hotspots.count_areas(data, finest=True))
    done = protect(found, contract="hotspot_areas", data=data)
    assert "Area 14 (Mill Hill)" in done.table["area_name"].tolist()
    assert "(Mill Hill)" in str(narrative.describe(done))
    shown = figures.show(done, data.areas)._repr_html_()
    assert "Area 14 (Mill Hill)" in shown and "E01000014" in shown
