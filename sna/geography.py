"""Areas, neighbours, editions, lookups, points to areas, tile map. Distances are in EPSG:27700."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import shapely

from sna.errors import CoverageError, SourceError, TableError

if TYPE_CHECKING:
    import geopandas as gpd
    from scipy.sparse import csr_array

BRITISH_GRID = 27700
GAP_M = 1.0  # metres between areas that still count as touching: slivers of generalised boundaries
LONDON_BOUNDS = (503_000.0, 155_000.0, 562_500.0, 201_500.0)  # west, south, east, north in metres
MANY_POINTS = 20_000  # from here a grid of labels is faster than a test of each point
OVERLAP_SHARE = 0.01  # of the smaller polygon; generalised boundaries cross by less


@dataclass(frozen=True)
class Neighbours:
    """Which areas touch: ``codes`` in order, and a symmetric 0/1 ``matrix`` without diagonal."""

    codes: pd.Index
    matrix: "csr_array"

    @property
    def islands(self) -> pd.Index:
        """Areas that touch no other area."""
        return self.codes[np.diff(self.matrix.indptr) == 0]

    def take(self, codes: Any) -> "Neighbours":
        """Return the neighbours among `codes`, in their order; unknown codes are an error."""
        wanted = pd.Index(codes)
        place = self.codes.get_indexer(wanted)
        if (place < 0).any():
            raise CoverageError(
                f"{(place < 0).sum()} of {len(wanted)} areas have no polygon.",
                where="neighbours",
                found=wanted[place < 0],
                do="Use boundaries of the edition that the counts are published in.",
            )
        return Neighbours(wanted, self.matrix[place][:, place].tocsr())


def check_areas(
    areas: "gpd.GeoDataFrame", *, crs: int | None = None
) -> tuple["gpd.GeoDataFrame", pd.DataFrame]:
    """Return polygons in the British National Grid, mended where that is safe, and findings.

    A file that names no reference system is refused unless `crs` says it: shapes in the wrong
    place make a wrong map. Without the OSTN15 grid a conversion from degrees is some metres off.
    """
    _check_codes(areas)
    edges = [f"{value:,.4f}".rstrip("0").rstrip(".") for value in areas.total_bounds]
    if areas.crs is None and crs is None:
        raise SourceError(
            f"{len(areas)} areas come without a coordinate reference system.",
            where="boundaries",
            found=edges,
            do="Name it: crs=27700 for British National Grid, crs=4326 for longitude and latitude.",
        )
    placed = areas if areas.crs is not None else areas.set_crs(crs)
    if not placed.crs.is_geographic and np.abs(placed.total_bounds).max() <= 180:
        raise SourceError(
            "Areas claim a grid in metres but hold longitude and latitude.",
            where=f"boundaries, {placed.crs.to_string()}",
            found=edges,
            do="Name the true reference system: crs=4326.",
        )
    placed = placed.to_crs(BRITISH_GRID)
    _check_place(placed, edges)
    broken = int((~placed.geometry.is_valid).sum())
    if broken:
        placed = placed.assign(geometry=placed.geometry.make_valid(method="structure"))
    alone = _find_alone(placed)
    notes = [
        (broken, "Invalid polygons were mended.", "Check the map."),
        (
            _count_overlaps(placed),
            "Polygons of one level overlap; points there count for the first.",
            "Use one edition of boundaries.",
        ),
        (len(alone), _describe_islands(placed, alone), "Check for gaps."),
    ]
    said = [("warning", text, rows, action) for rows, text, action in notes if rows]
    return placed, pd.DataFrame(said, columns=["severity", "finding", "rows", "action"])


def _find_alone(areas: "gpd.GeoDataFrame", gap_m: float = GAP_M) -> pd.Index:
    """Return the areas without a neighbour: most touch one, and distances are for the others."""
    shapes, rows = areas.geometry.to_numpy(), np.arange(len(areas))
    left, right = areas.sindex.query(shapes, predicate="intersects")
    rows = np.setdiff1d(rows, left[left != right])
    left, right = areas.sindex.query(shapes[rows], predicate="dwithin", distance=gap_m)
    near = rows[left[rows[left] != right]]
    return pd.Index(areas["area_code"].iloc[np.setdiff1d(rows, near)] if len(areas) > 1 else [])


def _describe_islands(areas: "gpd.GeoDataFrame", codes: pd.Index, most: int = 5) -> str:
    """Name areas that touch no other, the first few by code and name."""
    names = areas["area_name"] if "area_name" in areas else pd.Series("", index=areas.index)
    names = names.fillna("").set_axis(areas["area_code"])
    first = ", ".join(f"{code} {names[code]}".strip() for code in codes[:most])
    more = f" and {len(codes) - most} more" if len(codes) > most else ""
    return f"Areas that touch no other, so that they have no neighbours to test: {first}{more}."


def _check_place(areas: "gpd.GeoDataFrame", edges: list[str]) -> None:
    """Refuse shapes outside Great Britain, and those that would be London with swapped axes."""
    west, south, east, north = areas.total_bounds
    least, most = np.array(LONDON_BOUNDS[:2]), np.array(LONDON_BOUNDS[2:])
    swapped = (least <= [south, west]).all() and ([north, east] <= most).all()
    if swapped or not (west >= 0 and south >= 0 and east <= 700_000 and north <= 1_300_000):
        raise SourceError(
            "Areas lie elsewhere than their reference system says, or their axes are swapped.",
            where=f"boundaries, {len(areas)} areas",
            found=edges,
            do="Name the true reference system, and put easting or longitude first.",
        )


def _check_codes(areas: "gpd.GeoDataFrame") -> None:
    codes = areas["area_code"]
    wrong = codes[codes.duplicated() | areas.geometry.isna() | areas.geometry.is_empty]
    if len(areas) == 0 or len(wrong):
        raise TableError(
            f"{len(wrong)} of {len(areas)} areas are repeated or have no shape.",
            where="boundaries, column area_code",
            found=wrong.unique(),
            do="Give one polygon for each area of one level and edition.",
        )


def _count_overlaps(areas: "gpd.GeoDataFrame") -> int:
    shapes = areas.geometry.to_numpy()
    if shapely.coverage_is_valid(shapes):  # they share edges and no more: no pair need be cut
        return 0
    left, right = areas.sindex.query(shapes, predicate="intersects")
    left, right = left[left < right], right[left < right]
    shared = shapely.area(shapely.intersection(shapes[left], shapes[right]))
    size = areas.area
    least = np.minimum(size.to_numpy()[left], size.to_numpy()[right])
    return int((shared > OVERLAP_SHARE * least).sum())


def find_neighbours(areas: "gpd.GeoDataFrame", *, gap_m: float = GAP_M) -> Neighbours:
    """Find which areas touch, at a side or a corner (queen contiguity), and the islands.

    Slivers up to `gap_m` metres are bridged. Touching is not reaching: a river may part two areas.
    """
    from scipy.sparse import csr_array  # 60 ms

    _check_codes(areas)
    left, right = areas.sindex.query(areas.geometry.to_numpy(), predicate="dwithin", distance=gap_m)
    apart = left != right
    links = (np.ones(apart.sum()), (left[apart], right[apart]))
    matrix = csr_array(links, shape=(len(areas), len(areas)))
    return Neighbours(pd.Index(areas["area_code"].astype(str)), matrix)


def find_bad_points(
    points: pd.DataFrame, *, bounds: tuple[float, float, float, float] = LONDON_BOUNDS
) -> pd.Series:
    """Say for each point (``easting``, ``northing``) why it cannot be placed; empty when it can."""
    west, south, east, north = bounds
    x, y = points["easting"], points["northing"]
    outside = ~(x.between(west, east) & y.between(south, north))
    reasons = {
        "no coordinates": x.isna() | y.isna(),
        "at 0,0": x.eq(0) & y.eq(0),
        "longitude and latitude in a grid of metres": x.abs().le(180) & y.abs().le(180),
        "easting and northing swapped": outside & y.between(west, east) & x.between(south, north),
        "outside the area": outside,
    }
    which = np.select(list(reasons.values()), range(len(reasons)), default=len(reasons))
    words = pd.array([*reasons, ""], dtype="str")
    return pd.Series(words[which], index=points.index, name="reason")


def add_area_code(points: pd.DataFrame, areas: "gpd.GeoDataFrame") -> pd.DataFrame:
    """Add the ``area_code`` that each point lies in; missing when it lies in none."""
    x, y = points["easting"].to_numpy(float), points["northing"].to_numpy(float)
    codes = pd.array([*areas["area_code"], None], dtype="str")
    return points.assign(area_code=codes[find_areas(x, y, areas)])


def find_areas(easting: np.ndarray, northing: np.ndarray, areas: "gpd.GeoDataFrame") -> np.ndarray:
    """Return the row of the area that each point lies in; the number of areas where in none.

    A point on a shared edge goes to the first area. Many points are placed through a grid of
    labels: only those in a cell that a border crosses are tested one by one.
    """
    if len(easting) < MANY_POINTS:
        return _first_area(easting, northing, areas)
    (west, south, east, north), x, y = areas.total_bounds, easting, northing
    inside = (x >= west) & (x <= east) & (y >= south) & (y <= north)
    x, y, place = x[inside], y[inside], np.full(len(x), len(areas))
    cell = float(np.sqrt((east - west) * (north - south) / max(len(x), 1)))
    labels = _label_grid(areas, cell)
    found = labels[_cell(x, west, cell), _cell(y, south, cell)]
    border = found < 0
    found[border] = _first_area(x[border], y[border], areas)
    place[inside] = found
    return place


def _first_area(x: np.ndarray, y: np.ndarray, areas: "gpd.GeoDataFrame") -> np.ndarray:
    """Row of the first area that each point touches; the number of areas where there is none."""
    shapes, found = areas.geometry.to_numpy(), np.full(len(x), len(areas))
    point, area = areas.sindex.query(shapely.points(x, y))
    shapely.prepare(shapes)
    hit = shapely.intersects_xy(shapes[area], x[point], y[point])
    np.minimum.at(found, point[hit], area[hit])
    return found


def _cell(value: np.ndarray, start: float, cell: float) -> np.ndarray:
    return np.asarray(((value - start) / cell).astype(np.int32) + 1)


def _label_grid(areas: "gpd.GeoDataFrame", cell: float) -> np.ndarray:
    """Row of the area that each cell lies in whole, and -1 where a border crosses it.

    Cells that join without a border between them lie in one area: one of them is tested.
    """
    from scipy.ndimage import label

    west, south, east, north = areas.total_bounds
    lines = shapely.boundary(areas.geometry.to_numpy())
    parts = shapely.get_parts(shapely.segmentize(lines, cell))
    corner, line = shapely.get_coordinates(parts, return_index=True)
    start, end, same = corner[:-1], corner[1:], line[1:] == line[:-1]
    low, high = np.minimum(start, end)[same] - 1e-6, np.maximum(start, end)[same] + 1e-6
    first, last = (
        (_cell(at[:, 0], west, cell), _cell(at[:, 1], south, cell)) for at in (low, high)
    )
    size = [int((far - near) / cell) + 3 for near, far in ((west, east), (south, north))]
    free = np.ones(size, dtype=bool)
    for column in (first[0], (first[0] + last[0]) // 2, last[0]):  # a part spans three at most
        for row in (first[1], (first[1] + last[1]) // 2, last[1]):
            free[column, row] = False
    piece, many = label(free)
    one = np.zeros(many + 1, dtype=np.int64)
    one[piece.ravel()] = np.arange(piece.size)
    column, row = np.divmod(one[1:], size[1])
    middle = west + (column - 0.5) * cell, south + (row - 0.5) * cell
    return np.append(-1, _first_area(*middle, areas))[piece]
