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
LONDON_BOUNDS = (503_000.0, 155_000.0, 562_500.0, 201_500.0)  # west, south, east, north in metres
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


def _text(values: Any, index: pd.Index) -> pd.Series:
    """Text column with missing values, on `index` whatever index the values carry."""
    return pd.Series(np.asarray(values, dtype=object), index=index, dtype="str")


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
    broken = int((~placed.geometry.is_valid).sum())
    if broken:
        placed = placed.assign(geometry=placed.geometry.make_valid(method="structure"))
    alone = len(find_neighbours(placed).islands) if len(placed) > 1 else 0
    notes = [
        (broken, "Invalid polygons were mended.", "Check the map."),
        (
            _count_overlaps(placed),
            "Polygons of one level overlap; points there count for the first.",
            "Use one edition of boundaries.",
        ),
        (alone, "Areas touch no other; they have no neighbours to test.", "Check for gaps."),
    ]
    said = [("warning", text, rows, action) for rows, text, action in notes if rows]
    return placed, pd.DataFrame(said, columns=["severity", "finding", "rows", "action"])


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
    left, right = areas.sindex.query(shapes, predicate="overlaps")
    left, right = left[left < right], right[left < right]
    shared = shapely.area(shapely.intersection(shapes[left], shapes[right]))
    size = areas.area
    least = np.minimum(size.to_numpy()[left], size.to_numpy()[right])
    return int((shared > OVERLAP_SHARE * least).sum())


def find_neighbours(areas: "gpd.GeoDataFrame", *, gap_m: float = 1.0) -> Neighbours:
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
    text = np.select(list(reasons.values()), list(reasons), default="")
    return pd.Series(text, index=points.index, name="reason", dtype="str")


def add_area_code(
    points: pd.DataFrame, areas: "gpd.GeoDataFrame", *, cell_m: float = 300.0
) -> pd.DataFrame:
    """Add the ``area_code`` that each point lies in; missing when it lies in none.

    A point on a shared edge goes to the first. `cell_m` changes the speed, never the answer.
    """
    shapes = areas.geometry.to_numpy()
    west, south, east, north = (float(edge) for edge in areas.total_bounds)
    place = np.full(len(points), len(shapes), dtype=np.int64)
    good = find_bad_points(points, bounds=(west, south, east, north)).eq("").to_numpy().nonzero()[0]
    x, y = (points[name].to_numpy(float)[good] for name in ("easting", "northing"))
    cell_m = max(cell_m, (east - west) / 400, (north - south) / 400)
    height = int((north - south) // cell_m) + 1
    cell = ((x - west) // cell_m).astype(int) * height + ((y - south) // cell_m).astype(int)
    number = np.arange((int((east - west) // cell_m) + 1) * height)
    left, bottom = west + number // height * cell_m, south + number % height * cell_m
    whole, pairs = _cells_of_areas(
        shapely.box(left, bottom, left + cell_m, bottom + cell_m), shapes
    )
    place[good] = whole[cell]
    rest = np.flatnonzero(place[good] == len(shapes))
    rest = rest[np.argsort(cell[rest], kind="stable")]
    first = np.searchsorted(cell[rest], pairs[0], "left")
    many = np.searchsorted(cell[rest], pairs[0], "right") - first
    start = np.repeat(first - np.cumsum(many) + many, many)
    point, area = rest[start + np.arange(many.sum())], np.repeat(pairs[1], many)
    inside = shapely.intersects_xy(shapes[area], x[point], y[point])
    np.minimum.at(place, good[point[inside]], area[inside])
    codes = np.array([*areas["area_code"].astype(object), None], dtype=object)
    return points.assign(area_code=_text(codes[place], points.index))


def _cells_of_areas(boxes: np.ndarray, shapes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Cells that one area covers whole (else number of areas), and the other cell-area pairs."""
    shapely.prepare(shapes)
    cell, area = shapely.STRtree(shapes).query(boxes, predicate="intersects")
    order = np.lexsort((cell, area))
    cell, area = cell[order], area[order]
    covered = shapely.covers(shapes[area], boxes[cell])
    whole = np.full(len(boxes), len(shapes), dtype=np.int64)
    np.minimum.at(whole, cell[covered], area[covered])
    cut = whole[cell] == len(shapes)
    return whole, np.vstack([cell[cut], area[cut]])


def add_lsoa_2021(table: pd.DataFrame, lookup: pd.DataFrame) -> pd.DataFrame:
    """Add to rows with ``lsoa_2011_code`` (codes of either edition) where they stand in 2021.

    Adds ``edition`` (2011, 2021, both, unknown), ``change`` (U, S, M, X) and ``lsoa_code``, which
    a split LSOA does not have: its rows count for the borough and are never shared out by guess.
    """
    pairs = lookup[lookup["lookup"] == "lsoa_2011_to_2021"].astype("object")
    by_old = pairs.drop_duplicates("lsoa_2011_code").set_index("lsoa_2011_code")
    single = ~pairs["lsoa_2011_code"].duplicated(keep=False) & pairs["change"].isin(["U", "M"])
    given = table["lsoa_2011_code"].astype("object")
    old, new = given.isin(by_old.index), given.isin(pairs["lsoa_code"])
    code = given.map(pairs[single].set_index("lsoa_2011_code")["lsoa_code"])
    edition = np.select([old & new, old, new], ["both", "2011", "2021"], "unknown")
    return table.assign(
        lsoa_code=_text(code.where(old, given.where(new)), table.index),
        change=_text(given.map(by_old["change"]), table.index),
        edition=_text(edition, table.index),
    )


def add_common_lsoa(table: pd.DataFrame, lookup: pd.DataFrame) -> pd.DataFrame:
    """Add ``common_code``, the smallest area that both editions of LSOA make up whole.

    For series across editions: every split or merged LSOA joins its relatives, named by the first
    2021 code. 2021 wins where a row carries both codes.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    pairs = lookup[lookup["lookup"] == "lsoa_2011_to_2021"].astype("object")
    (old, old_codes), (new, new_codes) = (
        pd.factorize(pairs[name]) for name in ("lsoa_2011_code", "lsoa_code")
    )
    size = len(old_codes) + len(new_codes)
    graph = coo_array((np.ones(len(pairs)), (old, new + len(old_codes))), shape=(size, size))
    _, family = connected_components(graph, directed=False)
    name = pd.Series(new_codes).groupby(family[len(old_codes) :]).min()
    known = dict(zip([*old_codes, *new_codes], name.loc[family], strict=True))
    empty = pd.Series(None, index=table.index, dtype="object")
    newer, older = (table.get(n, empty).astype("object") for n in ("lsoa_code", "lsoa_2011_code"))
    code = newer.where(newer.notna(), older).map(known)
    return table.assign(common_code=_text(code, table.index))


def find_best_fit(areas: "gpd.GeoDataFrame", into: "gpd.GeoDataFrame") -> pd.DataFrame:
    """Give each area the larger one that covers most of it: ``into_code`` and ``share``."""
    small, large = into.sindex.query(areas.geometry.to_numpy(), predicate="intersects")
    ground = areas.geometry.iloc[small].intersection(into.geometry.iloc[large], align=False).area
    pairs = pd.DataFrame(
        {
            "row": small,
            "into_code": into["area_code"].to_numpy(object)[large],
            "share": ground.to_numpy() / areas.area.to_numpy()[small],
        }
    )
    best = pairs.sort_values("share", ascending=False, kind="stable").drop_duplicates("row")
    best = best.set_index("row").reindex(range(len(areas))).astype({"into_code": "str"})
    return best.assign(area_code=areas["area_code"].to_numpy()).reset_index(drop=True)
