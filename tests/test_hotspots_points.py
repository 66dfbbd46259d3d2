import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hotspot_fixture import OWN, borough
from shapely.geometry import box
from test_hotspots_bad_input import AGREED

from sna import figures, hotspots, narrative
from sna.counts import aoristic_weights
from sna.disclosure import protect
from sna.errors import DisclosureError, TableError, UsageError
from sna.hotspots import points as room
from sna.settings import Settings, read_settings

CASES = {
    case["case"]: case
    for case in json.loads(
        (Path(__file__).parent / "data" / "spatial_cases.json").read_text(encoding="utf-8")
    )
}
X, Y = 530_000.0, 180_000.0
BOUNDS = (X, Y, X + 5000, Y + 4000)


def scatter(many, seed=1, spread=300):
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {"easting": np.clip(rng.normal(X + 2500, spread, many), X, X + 5000),
         "northing": np.clip(rng.normal(Y + 2000, spread, many), Y, Y + 4000)}
    )  # fmt: skip


def test_points_of_police_uk_are_refused_by_name_and_by_stacking():
    named = scatter(10).assign(source="police_uk_street")
    with pytest.raises(UsageError, match="nothing finer than an LSOA"):
        hotspots.check_points(named)
    stacked = pd.concat([scatter(20)] * 10).assign(source="extract")
    with pytest.raises(UsageError, match="200 of 200 points are moved"):
        hotspots.check_points(stacked)


def test_nothing_is_made_of_points_that_police_uk_moved():
    named = scatter(10).assign(source="police_uk_street", date=pd.Timestamp("2024-01-01"))
    homes = scatter(10).assign(population=1.0)
    for make in (
        lambda: hotspots.density(named, bounds=BOUNDS),
        lambda: hotspots.dual_density(named, homes, bounds=BOUNDS),
        lambda: hotspots.count_grid(named, box(*BOUNDS)),
        lambda: hotspots.near_repeats(named, permutations=9),
    ):
        with pytest.raises(UsageError, match="10 of 10 points are moved"):
            make()


def test_a_surface_or_a_p_that_cannot_be_meant_is_refused():
    lost = scatter(10)
    lost.loc[3, "easting"] = np.nan
    with pytest.raises(UsageError, match="or nowhere"):
        hotspots.density(lost, bounds=BOUNDS)
    for cell in (-5, 300):
        with pytest.raises(UsageError, match="too narrow for cells"):
            hotspots.density(scatter(10), bounds=BOUNDS, cell_m=cell, bandwidth_m=500)
    assert hotspots.density(scatter(50), bounds=BOUNDS, cell_m=100, bandwidth_m=200).grid.min() == 0
    with pytest.raises(UsageError, match="no p"):
        hotspots.near_repeats(scatter(5).assign(date=pd.Timestamp("2024")), permutations=0)


def test_points_are_for_partners_and_bad_ones_are_left_out():
    points = scatter(50).assign(source="extract")
    with pytest.raises(DisclosureError, match="public edition"):
        hotspots.check_points(points, edition="public")
    points.loc[3, ["easting", "northing"]] = 0.0
    assert len(hotspots.check_points(points)) == 49


def test_the_grid_rule_is_a_150th_and_five_cells():
    assert room.grid_rule((0, 0, 15_000, 30_000)) == (100, 500)
    assert room.grid_rule((0, 0, 1500, 1500)) == (50, 250)


def exact_density(points, east, north, width):
    square = ((points["easting"] - east) ** 2 + (points["northing"] - north) ** 2) / width**2
    return 3 / np.pi / (width / 1000) ** 2 * ((1 - square[square < 1]) ** 2).sum()


def test_the_density_is_the_exact_sum_to_a_thousandth_of_the_peak():
    points = scatter(20_000)
    surface = hotspots.density(points, bounds=BOUNDS, cell_m=50, bandwidth_m=500)
    column, row = np.unravel_index(surface.grid.argmax(), surface.grid.shape)
    cells = [(column, row), (column + 8, row - 3), (column - 5, row + 9), (column + 15, row)]
    exact = [exact_density(points, X + 50 * (c + 0.5), Y + 50 * (r + 0.5), 500) for c, r in cells]
    mine = [surface.grid[c, r] for c, r in cells]
    assert np.abs(np.subtract(mine, exact)).max() < 1e-3 * max(exact)


def test_the_density_holds_every_point_and_edges_are_made_good():
    points = scatter(2000)
    surface = hotspots.density(points, bounds=BOUNDS, cell_m=100)
    assert surface.bandwidth_m == 500
    assert surface.grid.sum() * 0.01 == pytest.approx(2000, rel=1e-3)
    rng = np.random.default_rng(3)
    even = pd.DataFrame(
        {"easting": rng.uniform(X, X + 5000, 40_000), "northing": rng.uniform(Y, Y + 4000, 40_000)}
    )
    plain = hotspots.density(even, bounds=BOUNDS, cell_m=100).grid
    whole = hotspots.density(even, bounds=BOUNDS, cell_m=100, inside=box(*BOUNDS)).grid
    assert plain[0].mean() < 0.65 * 2000  # nearly half of the kernel lies outside
    assert np.nanmean(whole[0]) == pytest.approx(2000, rel=0.05)


def test_points_outside_the_grid_are_refused():
    with pytest.raises(UsageError, match="outside the grid"):
        hotspots.density(scatter(10), bounds=(X, Y, X + 100, Y + 100), cell_m=50)


def test_dual_density_is_offences_by_residents():
    rng = np.random.default_rng(0)
    even = pd.DataFrame(
        {"easting": rng.uniform(X, X + 5000, 30_000), "northing": rng.uniform(Y, Y + 4000, 30_000)}
    )
    homes = even.assign(population=2.0)
    made = hotspots.dual_density(even, homes, bounds=BOUNDS, cell_m=100)
    assert np.nanmean(made.grid) == pytest.approx(500, rel=0.01)


def test_the_grid_keeps_empty_cells_and_their_neighbours():
    ground = box(X, Y, X + 1000, Y + 750)
    points = pd.DataFrame(
        {"easting": [X + 10, X + 20, X + 999], "northing": [Y + 10, Y + 20, Y + 700]}
    )
    cells, near = hotspots.count_grid(points, ground, cell_m=250)
    assert len(cells) == 12
    assert cells["offences"].sum() == 3 and (cells["offences"] == 0).sum() == 10
    degree = np.diff(near.matrix.indptr)
    assert sorted(degree) == [3] * 4 + [5] * 6 + [8] * 2


def test_knox_puts_pairs_in_the_band_they_are_in():
    given = CASES["knox_interval_trap"]["inputs"]
    points = pd.DataFrame(
        {"easting": given["x"], "northing": given["y"], "date": pd.to_datetime(given["date"])}
    )
    made = hotspots.near_repeats(
        points,
        distance_breaks_m=tuple(given["space_breaks"]),
        time_breaks_days=tuple(given["time_breaks_days"]),
        permutations=9,
    )
    observed = made["observed"].to_numpy().reshape(3, 2).tolist()
    assert observed == CASES["knox_interval_trap"]["expected"]["observed"]
    assert made["p_value"].min() >= 1 / 10


def test_knox_finds_planted_repeats_and_nothing_in_random_dates():
    rng = np.random.default_rng(8)
    start = pd.Timestamp("2024-01-01")
    base = pd.DataFrame(
        {"easting": rng.uniform(X, X + 5000, 300), "northing": rng.uniform(Y, Y + 4000, 300),
         "date": start + pd.to_timedelta(rng.uniform(0, 365, 300), unit="D")}
    )  # fmt: skip
    near = base.head(60).assign(
        easting=base["easting"] + 40, date=base["date"] + pd.Timedelta(days=3)
    )
    found = hotspots.near_repeats(pd.concat([base, near], ignore_index=True), permutations=199)
    first = found[(found["distance_from_m"] == 0.1) & (found["days_from"] == 0)].iloc[0]
    assert first["p_value"] == 1 / 200 and first["ratio"] > 2
    nothing = hotspots.near_repeats(base, permutations=199)
    again = hotspots.near_repeats(base, permutations=199)
    assert nothing["p_value"].tolist() == again["p_value"].tolist()
    assert (nothing["p_value"] < 0.05).mean() < 0.25


def test_a_hotspot_that_straddles_the_border_is_one_group():
    hot = (26, 27, 32, 33, 38, 39)  # the last two columns of the borough and the next one
    data = borough(hot=hot, mean=20)
    counts = hotspots.count_areas(data, around=data.around)
    made = hotspots.find_straddling(counts)
    assert len(made) == 42 and set(made["group"]) == {0, 1}
    assert set(made.loc[made["group"] == 1, "borough_code"]) == {OWN, "E09000033"}
    inside = hotspots.count_areas(borough(hot=(7, 8), mean=20, around=None))
    assert set(hotspots.find_straddling(inside)["group"]) == {0}


def test_offences_near_the_border_are_counted_on_both_sides():
    data = borough(side=1)
    counts = hotspots.count_areas(data, around=data.around)
    east = [X + 950, X + 1050, X + 700, X + 3000, X + 50]  # the last at the edge of what is known
    points = pd.DataFrame({"easting": east, "northing": [Y + 500] * 5})
    made = hotspots.count_near_border(counts, data, points, within_m=(100, 400))
    assert made[["inside", "outside"]].to_numpy()[1:].tolist() == [[1, 1], [2, 1]]
    assert made["band"].tolist()[1:] == ["within 100 metres", "within 400 metres"]
    own = counts.areas["is_tested"]
    sides = [counts.areas.loc[part, "offences"].sum() for part in (own, ~own)]
    assert made[["inside", "outside"]].iloc[0].tolist() == sides
    assert len(hotspots.count_near_border(counts, data, points.head(0))) == 1


def test_flows_count_people_by_home_borough_and_keep_the_unknown():
    people = pd.DataFrame(
        {"source": "extract", "release_class": "restricted", "person_role": "victim",
         "month": pd.Timestamp("2025-01-01"), "home_borough_code": [OWN, OWN, "E09000033", None],
         "people": [2, 1, 4, 3]}
    )  # fmt: skip
    made = hotspots.count_flows(borough(people=people)).set_index("home_borough_code")
    assert made["people"].to_dict() == {OWN: 3, "E09000033": 4, "unknown": 3}
    assert set(made["people_of_role"]) == {10}
    assert hotspots.count_flows(borough()).empty
    named = people.assign(offence_id=["1", "2", "3", None])
    offences = pd.DataFrame({"offence_id": ["1", "2"], "band": ["core", "out"]})
    made = hotspots.count_flows(borough(people=named, offences=offences))
    assert made["people"].tolist() == [2, 3]


def test_harm_is_offences_times_weight_and_says_what_it_covers():
    rows = pd.DataFrame({"offence_code": ["1", "8N", "99"], "offences": [1, 10, 9]})
    weights = pd.DataFrame({"offence_code": ["1", "8N"], "weight": [5475.0, 365.0]})
    made = hotspots.weigh_offences(rows, weights)
    assert made["harm"].tolist() == [5475, 3650, 0]
    assert made["offences_weighed"].sum() == 11


def test_a_code_is_weighed_however_it_is_written():
    rows = pd.DataFrame({"offence_code": ["8N", " 8n ", "4.10", "4.1"], "offences": [1, 2, 4, 8]})
    weights = pd.DataFrame({"offence_code": ["008N", "4/10"], "weight": [3.0, 5.0]})
    made = hotspots.weigh_offences(rows, weights)
    assert made["harm"].tolist() == [3, 6, 20, 0]
    assert made["offences_weighed"].tolist() == [1, 2, 4, 0]
    twice = pd.DataFrame({"offence_code": ["008N", "8N"], "weight": [3.0, 5.0]})
    with pytest.raises(TableError, match="repeat a code"):
        hotspots.weigh_offences(rows, twice)


def test_harm_refuses_published_categories_and_bad_weights():
    rows = pd.DataFrame({"published_category": ["police.uk | Robbery"], "offences": [5]})
    weights = pd.DataFrame({"offence_code": ["1", "1"], "weight": [1.0, 2.0]})
    with pytest.raises(UsageError, match="no offence code to weigh"):
        hotspots.weigh_offences(rows, weights)
    coded = pd.DataFrame({"offence_code": ["1"], "offences": [5]})
    with pytest.raises(TableError, match="repeat a code"):
        hotspots.weigh_offences(coded, weights)


def test_harm_by_area_is_compared_with_the_other_definitions(tmp_path):
    data = borough(source="extract", mean=3, months=12)
    grave = data.offences["ward_code"].eq("E05000007")
    data.offences = data.offences.assign(offence_code=np.where(grave, "1", "8N"))
    plain = hotspots.add_harm(hotspots.count_areas(data), data)
    assert hotspots.measure_harm(plain).empty
    assert "harm" not in hotspots.compare_definitions(plain)["method"].tolist()
    data.settings = own_files(tmp_path, harm_weights="offence_code,weight\n1,100\n")
    rounded = hotspots.add_harm(hotspots.count_areas(data), data)
    assert hotspots.measure_harm(rounded).empty  # it would tell where the gravest offences were
    data.edition = "partner"
    data.settings = data.settings.model_copy(
        update={"agreements": Settings(agreements=AGREED).agreements}
    )
    counts = hotspots.add_harm(hotspots.count_areas(data), data)
    made = hotspots.measure_harm(counts).set_index("area_code")
    assert made["harm"].idxmax() == "E05000007"
    assert made["harm"].sum() == 100 * made.loc["E05000007", "offences"]
    assert set(made["borough_weighed"]) == {made.loc["E05000007", "offences"]}
    assert "harm" in hotspots.compare_definitions(counts)["method"].tolist()
    none = replace(counts, monthly=counts.monthly.assign(harm=0.0))  # weights of other codes
    assert "harm" not in hotspots.compare_definitions(none)["method"].tolist()
    shown = protect(made.reset_index(), contract="hotspot_harm", data=data)
    assert "fewer than 5 of" not in str(narrative.describe(shown))
    assert "Harm weighed by area" in figures.show(shown)._repr_html_()


def test_workday_population_gives_a_second_rate_and_bad_files_are_refused(tmp_path):
    data = borough(mean=5)
    data.settings = own_files(tmp_path, workday_population="area_code,population\nE05000007,500\n")
    made = hotspots.find_area_hotspots(hotspots.count_areas(data))
    shown = protect(made, contract="hotspot_areas", data=data).table.set_index("area_code")
    row = shown.loc["E05000007"]
    assert row["workday_rate"] == pytest.approx(20 * row["rate"])  # 10,000 residents
    assert shown["workday_rate"].notna().sum() == 1
    for text in ("code,population\nE05000007,5\n", "area_code,population\nE05000007,many\n"):
        data.settings = own_files(tmp_path, workday_population=text)
        with pytest.raises(UsageError, match="file of workday_population cannot be read"):
            hotspots.count_areas(data)


def own_files(folder, **texts):
    """Return settings with files of one's own."""
    for name, text in texts.items():
        (folder / f"{name}.csv").write_text(text, encoding="utf-8")
    names = "\n".join(f'{name} = "{name}.csv"' for name in texts)
    (folder / "sna.toml").write_text(f"[places]\n{names}\n", encoding="utf-8")
    return read_settings(folder / "sna.toml")


@pytest.mark.parametrize("case", ["aoristic_crosses_hour", "aoristic_midnight"])
def test_aoristic_reference(case):
    given = CASES[case]
    week = aoristic_weights(*([given["inputs"][name]] for name in ("begin", "end")))[0]
    made = {f"{hour // 24}-{hour % 24:02d}": week[hour] for hour in np.flatnonzero(week)}
    assert made == pytest.approx(given["expected"]["weights"])


def test_aoristic_long_and_unknown_times():
    begin = pd.Series(pd.to_datetime(["2024-01-01 00:00", "2024-01-01 10:00", None]))
    end = pd.Series(pd.to_datetime(["2024-02-01 00:00", "2024-01-01 10:00", "2024-01-01 00:00"]))
    week = aoristic_weights(begin, end).sum(axis=0)
    assert week.sum() == pytest.approx(2)
    assert week[10] == pytest.approx(1 + 1 / 168)
