import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from shapely.geometry import MultiPolygon, Polygon, box
from tables import table

from sna import geography
from sna.errors import CoverageError, SourceError, TableError

X, Y = 530_000, 180_000


def squares(*corners, side=1000, crs=27700):
    """Draw squares with their south-west corner so many kilometres from a point in London."""
    shapes = [
        box(X + 1000 * e, Y + 1000 * n, X + 1000 * e + side, Y + 1000 * n + side)
        for e, n in corners
    ]
    codes = [f"E{i:08d}" for i in range(len(corners))]
    return gpd.GeoDataFrame({"area_code": codes}, geometry=shapes, crs=crs)


def test_neighbours_touch_at_sides_and_corners_and_islands_are_named():
    found = geography.find_neighbours(squares((0, 0), (1, 0), (1, 1), (5, 5)))
    assert found.matrix.toarray().tolist() == [
        [0, 1, 1, 0],
        [1, 0, 1, 0],
        [1, 1, 0, 0],
        [0, 0, 0, 0],
    ]
    assert found.islands.tolist() == ["E00000003"]


def test_a_sliver_of_half_a_metre_still_touches():
    areas = squares((0, 0), (1.0005, 0))
    assert geography.find_neighbours(areas).matrix.sum() == 2
    assert geography.find_neighbours(areas, gap_m=0).matrix.sum() == 0


@pytest.mark.parametrize("step", [1.0005, 1.2])  # a sliver of half a metre, and a gap
def test_areas_told_to_touch_no_other_are_those_without_a_neighbour(step):
    areas = squares((0, 0), (step, 0), (step + 1, 0), (5, 5))
    found = geography._find_alone(areas)
    assert [*found] == geography.find_neighbours(areas).islands.tolist()
    assert [*geography._find_alone(areas.head(1))] == []


def test_taking_some_areas_keeps_their_order_and_unknown_ones_are_refused():
    found = geography.find_neighbours(squares((0, 0), (1, 0), (2, 0)))
    taken = found.take(["E00000002", "E00000001"])
    assert taken.matrix.toarray().tolist() == [[0, 1], [1, 0]]
    with pytest.raises(CoverageError, match="1 of 2 areas have no polygon"):
        found.take(["E00000002", "E99999999"])


def test_shapes_without_a_reference_system_are_refused_until_one_is_named():
    areas = squares((0, 0), crs=None)
    with pytest.raises(SourceError, match="without a coordinate reference system"):
        geography.check_areas(areas)
    assert geography.check_areas(areas, crs=27700)[0].crs.to_epsg() == 27700


def test_longitude_and_latitude_in_a_grid_of_metres_are_refused():
    areas = gpd.GeoDataFrame(
        {"area_code": ["E1"]}, geometry=[box(-0.2, 51.4, -0.1, 51.5)], crs=27700
    )
    with pytest.raises(SourceError, match=r"hold longitude and latitude"):
        geography.check_areas(areas)
    placed = geography.check_areas(areas.set_crs(4326, allow_override=True))[0]
    assert placed.total_bounds[0] == pytest.approx(525_000, abs=2_000)


@pytest.mark.parametrize(
    ("shape", "crs"),
    [
        (box(Y, X, Y + 1000, X + 1000), 27700),  # northing first
        (box(51.4, -0.2, 51.5, -0.1), 4326),  # latitude first
        (box(X, Y, X + 1000, Y + 1000), 4326),  # metres called degrees
    ],
)
def test_shapes_that_lie_elsewhere_are_refused(shape, crs):
    areas = gpd.GeoDataFrame({"area_code": ["E1"]}, geometry=[shape], crs=crs)
    with pytest.raises(SourceError, match="axes are swapped"):
        geography.check_areas(areas)


def test_a_polygon_that_stands_twice_or_lies_in_another_overlaps():
    twice = squares((0, 0), (0, 0), (1, 0))
    inner = squares((0.2, 0.2), side=500).assign(area_code="E9")
    for areas, rows in (
        (twice, 1),
        (pd.concat([squares((0, 0)), inner]), 1),
        (squares((0, 0), (1, 0)), 0),
    ):
        findings = geography.check_areas(areas)[1]
        assert findings["rows"].sum() == rows and findings["finding"].str.contains("overlap").all()


def test_repeated_codes_and_missing_shapes_are_refused():
    areas = squares((0, 0), (1, 0)).assign(area_code=["E1", "E1"])
    with pytest.raises(TableError, match="1 of 2 areas are repeated"):
        geography.check_areas(areas)
    with pytest.raises(TableError):
        geography.check_areas(squares().set_geometry("geometry"))


def test_invalid_and_overlapping_polygons_are_findings():
    bow = Polygon([(X, Y), (X + 1000, Y + 1000), (X + 1000, Y), (X, Y + 1000)])
    areas = gpd.GeoDataFrame({"area_code": ["E1", "E2", "E3"]}, crs=27700, geometry=[
        bow, box(X + 5000, Y, X + 6000, Y + 1000), box(X + 5500, Y, X + 6500, Y + 1000)
    ])  # fmt: skip
    checked, findings = geography.check_areas(areas)
    assert checked.geometry.is_valid.all()
    assert findings["rows"].tolist() == [1, 1, 1]  # the mended one touches no other
    assert findings["finding"].str.split().str[0].tolist() == ["Invalid", "Polygons", "Areas"]
    assert areas.geometry.is_valid.tolist() == [False, True, True]  # the caller's table is kept


def test_points_go_to_the_area_they_lie_in():
    hole = Polygon(box(0, 0, 3000, 3000).exterior, [box(1000, 1000, 2000, 2000).exterior])
    areas = gpd.GeoDataFrame(
        {"area_code": ["ring", "core", "far"]},
        geometry=[hole, box(1000, 1000, 2000, 2000), MultiPolygon([box(5000, 0, 5010, 10)])],
        crs=27700,
    )
    points = table(
        """
        easting | northing | expected
        1500    | 1500     | core
        500     | 500      | ring
        1000    | 1500     | ring
        5005    | 5        | far
        4000    | 1000     |
        9000    | 9000     |
                | 5        |
        """
    )
    placed = geography.add_area_code(points, areas)
    assert placed["area_code"].fillna("").tolist() == points["expected"].fillna("").tolist()
    assert "area_code" not in points


def test_no_points_give_no_rows():
    points = pd.DataFrame({"easting": [], "northing": []}, dtype=float)
    assert geography.add_area_code(points, squares((0, 0)))["area_code"].tolist() == []


@pytest.mark.parametrize("many", [3_000, 30_000], ids=["one by one", "through a grid of labels"])
def test_points_to_areas_agree_with_a_spatial_join(many):
    """Tilted areas that share edges, overlap and leave holes; points on corners, edges, outside."""
    rng = np.random.default_rng(5)
    areas = squares(*[(e + 0.1 * n, n) for e in range(6) for n in range(6) if e + n != 7])
    areas.geometry = areas.rotate(17, origin=(X + 3000, Y + 3000)).simplify(0)
    areas.loc[3, "geometry"] = areas.geometry[3].buffer(150)
    corners = shapely.get_coordinates(areas.geometry.to_numpy())
    middles = (corners[1:] + corners[:-1]) / 2
    anywhere = rng.uniform((X - 1500, Y - 1500), (X + 8000, Y + 8000), (many, 2))
    at = np.vstack([corners, middles, anywhere, areas.total_bounds.reshape(2, 2)])
    shapes = gpd.GeoDataFrame(geometry=gpd.points_from_xy(*at.T), crs=27700)
    joined = gpd.sjoin(shapes, areas.reset_index(names="row"), how="left")
    first = joined.groupby(level=0)["row"].min().map(areas["area_code"])
    mine = geography.add_area_code(pd.DataFrame(at, columns=["easting", "northing"]), areas)
    assert joined.index.duplicated().sum() > 50
    assert mine["area_code"].fillna("").tolist() == first.fillna("").tolist()


def test_points_that_cannot_be_placed_say_why():
    cases = [
        (530_000, 180_000, ""),
        (0, 0, "at 0,0"),
        (180_000, 530_000, "easting and northing swapped"),
        (-0.12, 51.5, "longitude and latitude in a grid of metres"),
        (700_000, 180_000, "outside the area"),
        (np.nan, np.nan, "no coordinates"),
    ]
    points = pd.DataFrame(cases, columns=["easting", "northing", "reason"])
    assert geography.find_bad_points(points).tolist() == points["reason"].tolist()
