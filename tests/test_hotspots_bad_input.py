"""What bad input gets on the pages on places: a message, a finding, or `too little data`."""

from datetime import date

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from hotspot_fixture import X, Y, borough
from shapely.geometry import Polygon, box

from sna import figures, geography, hotspots, narrative
from sna.disclosure import protect
from sna.errors import SourceError
from sna.settings import Settings

AGREED = {"extract": {"isa_reference": "1", "recipients": ("P",), "review_date": date(2030, 1, 1)}}


def with_points(many=400, edition="partner", seed=3):
    """Return records with exact points in a borough of 6 × 6 squares, for partners."""
    data = borough(source="extract", mean=1, edition=edition, around=None)
    rng = np.random.default_rng(seed)
    data.settings = Settings(agreements=AGREED)
    rows = data.offences.iloc[np.arange(many) % len(data.offences)].reset_index(drop=True)
    east, north = rng.normal(X + 3000, 600, many), rng.normal(Y + 3000, 600, many)
    when = rows["month"] + pd.to_timedelta(rng.integers(0, 28, many), unit="D")
    data.offences = rows.assign(easting=east, northing=north, committed_from=when, offences=1)
    return data, hotspots.count_areas(data)


def records_page(data, counts):
    points = hotspots.find_points(data, counts)
    surface = hotspots.measure_density(points, counts, data)
    surface = protect(surface, contract="hotspot_density", data=data)
    repeats = hotspots.measure_repeats(points, counts)
    repeats = protect(repeats, contract="hotspot_repeats", data=data)
    city = data.areas.dissolve("borough_code").reset_index()
    shapes = pd.concat([data.areas, city.assign(area_level="borough", area_name="Hackney")])
    made = [
        figures.show(surface, shapes), figures.show(surface, shapes, view="dual_density"),
        figures.show(repeats), narrative.describe(surface), narrative.describe(repeats),
    ]  # fmt: skip
    assert all("nan" not in thing._repr_html_().lower() for thing in made)
    return points, surface.table, made


def test_exact_points_give_partners_a_surface_and_near_repeats():
    points, surface, made = records_page(*with_points())
    assert len(points) == 400
    top = surface.loc[surface["density"].idxmax()]
    assert abs(top["cell_east"] - X - 3000) < 600 and abs(top["cell_north"] - Y - 3000) < 600
    drawn = made[0]._repr_html_()
    assert "<svg" in drawn and "<img" not in drawn  # a picture could hide what the scan looks for
    assert len(drawn.partition("</svg>")[0]) < 300_000
    shares = np.square(points["easting"] - top["cell_east"]) + np.square(
        points["northing"] - top["cell_north"]
    )
    inside = (1 - shares / top["bandwidth_m"] ** 2).clip(lower=0) ** 2  # the exact sum there
    exact = 3 / np.pi / (top["bandwidth_m"] / 1000) ** 2 * inside.sum()
    assert top["density"] == pytest.approx(exact, rel=5e-3)
    assert "bandwidth of" in str(made[3]) and "by chance" in str(made[4])


@pytest.mark.parametrize("case", ["public", "no agreement", "stacked", "snapped by name"])
def test_no_surface_is_drawn_of_points_that_are_not_exact_or_not_shared(case):
    data, counts = with_points(edition="public" if case == "public" else "partner")
    if case == "no agreement":
        data.settings = Settings()
    if case == "stacked":
        data.offences = data.offences.assign(easting=X + 500.0, northing=Y + 500.0)
    if case == "snapped by name":
        street = {"source": "police_uk_street", "published_category": "police.uk | Robbery"}
        data.offences = data.offences.assign(**street)
        counts = hotspots.count_areas(data)
    points, surface, made = records_page(data, counts)
    assert points.empty and surface.empty
    assert "moved to shared anchors" in str(made[3])


def test_points_that_cannot_be_placed_are_left_out_with_a_reason():
    data, counts = with_points()
    bad = data.offences.copy()
    bad.loc[:3, ["easting", "northing"]] = [[0, 0], [180_000, 530_000], [-0.1, 51.5], [9e5, 9e5]]
    data.offences = bad
    assert len(hotspots.find_points(data, counts)) == 396
    words = str(records_page(data, counts)[2][3])
    assert "Drawn are 396 of 400 offences; the others have no coordinates" in words
    reasons = geography.find_bad_points(bad.head(4)).tolist()
    assert reasons == [
        "at 0,0", "easting and northing swapped", "longitude and latitude in a grid of metres",
        "outside the area",
    ]  # fmt: skip


def test_faulty_polygons_are_refused_or_found():
    bow = Polygon([(X, Y), (X + 1000, Y + 1000), (X + 1000, Y), (X, Y + 1000)])
    shapes = [bow, box(X + 5000, Y, X + 6000, Y + 999), box(X + 5500, Y, X + 6500, Y + 999)]
    areas = gpd.GeoDataFrame({"area_code": ["E1", "E2", "E3"]}, geometry=shapes, crs=27700)
    _, findings = geography.check_areas(areas)
    said = " ".join(findings["finding"])
    assert "Invalid" in said and "overlap" in said and "touch no other" in said
    shapes = [box(X + 2000 * n, Y, X + 2000 * n + 999, Y + 999) for n in range(7)]
    apart = gpd.GeoDataFrame({"area_code": [f"E{n}" for n in range(7)]}, geometry=shapes, crs=27700)
    _, findings = geography.check_areas(apart)
    assert findings["finding"].str.endswith(": E0, E1, E2, E3, E4 and 2 more.").tolist() == [True]
    assert findings["rows"].tolist() == [7]
    with pytest.raises(SourceError, match="without a coordinate reference system"):
        geography.check_areas(areas.set_crs(None, allow_override=True))


@pytest.mark.parametrize(
    ("data", "classes"),
    [
        (borough(side=1, around=None, mean=20), {"too little data"}),
        (borough(mean=0.01, around=None), {"too little data"}),
    ],
    ids=["one area", "nearly all zero"],
)
def test_too_little_data_is_said(data, classes):
    counts = hotspots.count_areas(data)
    found = hotspots.find_area_hotspots(counts)
    assert set(found["hotspot_class"]) == set(found["moran_class"]) == classes
    shown = protect(found, contract="hotspot_areas", data=data)
    assert "too little data" in str(narrative.describe(shown))


def test_all_zero_counts_are_no_map_of_hotspots():
    counts = hotspots.count_areas(borough(around=None))
    zero = counts.areas.assign(offences=0, shown=0)
    found = hotspots.find_hotspots(zero, counts.neighbours)
    assert set(found["hotspot_class"]) == {"too little data"}
    assert hotspots.measure_concentration(zero)["share_for_half"].isna().all()
    data = borough(mean=8)  # offences beyond the border only
    data.offences = data.offences.assign(offences=0)
    beyond = hotspots.find_area_hotspots(hotspots.count_areas(data, around=data.around))
    assert set(beyond["hotspot_class"]) == {"too little data"}


def test_more_areas_than_counts_flag_nothing_by_chance():
    counts = hotspots.count_areas(borough(side=12, around=None))
    rng, alarms = np.random.default_rng(4), 0
    for _ in range(100):
        few = counts.areas.assign(offences=rng.multinomial(40, np.full(144, 1 / 144)))
        found = hotspots.find_hotspots(few, counts.neighbours)
        alarms += (found["is_hotspot"] | found["is_coldspot"]).any()
    assert alarms <= 8
    assert hotspots.gini(few["offences"], generalised=True) < hotspots.gini(few["offences"])


def test_areas_without_residents_have_counts_and_no_rate():
    data = borough(mean=5, around=None)
    empty = data.population["area_code"].eq("E05000007")
    data.population = data.population.assign(population=np.where(empty, 0.0, 10_000.0))
    found = hotspots.find_area_hotspots(hotspots.count_areas(data))
    shown = protect(found, contract="hotspot_areas", data=data).table.set_index("area_code")
    assert shown.loc["E05000007", "offences"] > 0
    assert shown.loc["E05000007", ["rate", "smoothed_rate", "rank"]].isna().all()
    assert shown["rate"].notna().sum() == 35
