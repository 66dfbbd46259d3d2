"""Areas, neighbours, editions, lookups, points to areas, tile map. Distances are in EPSG:27700."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import shapely

from sna import definitions
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


@dataclass(frozen=True)
class CheckedAreas:
    """Polygons that can be mapped, in EPSG:27700, and what had to be said about them."""

    areas: "gpd.GeoDataFrame"
    findings: pd.DataFrame


def _text(values: Any, index: pd.Index) -> pd.Series:
    """Text column with missing values, on `index` whatever index the values carry."""
    return pd.Series(np.asarray(values, dtype=object), index=index, dtype="str")


def _finding(finding: str, rows: int, action: str) -> dict[str, object]:
    return {"severity": "warning", "finding": finding, "rows": rows, "action": action}


def check_areas(areas: "gpd.GeoDataFrame", *, crs: int | None = None) -> CheckedAreas:
    """Return polygons in the British National Grid, mended where that is safe, or refuse them.

    A file that names no reference system is refused unless `crs` says it: shapes in the wrong
    place make a wrong map. Without the OSTN15 grid a conversion from degrees is some metres off.
    """
    _check_codes(areas)
    if areas.crs is None and crs is None:
        raise SourceError(
            f"{len(areas)} areas come without a coordinate reference system.",
            where="boundaries",
            found=[f"{value:,.0f}" for value in areas.total_bounds],
            do="Name it: crs=27700 for British National Grid, crs=4326 for longitude and latitude.",
        )
    placed = areas if areas.crs is not None else areas.set_crs(crs)
    west, south, east, north = placed.total_bounds
    if not placed.crs.is_geographic and max(abs(west), abs(south), abs(east), abs(north)) <= 180:
        raise SourceError(
            "Areas claim a grid in metres but hold longitude and latitude.",
            where=f"boundaries, {placed.crs.to_string()}",
            found=[f"{value:.4f}" for value in (west, south, east, north)],
            do="Name the true reference system: crs=4326.",
        )
    placed = placed.to_crs(BRITISH_GRID)
    broken = ~placed.geometry.is_valid
    notes = []
    if broken.any():
        placed = placed.assign(geometry=placed.geometry.make_valid(method="structure"))
        notes.append(_finding("Invalid polygons were mended.", int(broken.sum()), "Check the map."))
    if overlaps := _count_overlaps(placed):
        notes.append(
            _finding(
                "Polygons of one level overlap; points there count for the first.",
                overlaps,
                "Use one edition of boundaries.",
            )
        )
    return CheckedAreas(
        placed, pd.DataFrame(notes, columns=["severity", "finding", "rows", "action"])
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
    left, right = areas.sindex.query(shapes, predicate="overlaps")
    left, right = left[left < right], right[left < right]
    shared = areas.geometry.iloc[left].intersection(areas.geometry.iloc[right], align=False).area
    size = areas.geometry.area.to_numpy()
    return int((shared.to_numpy() > OVERLAP_SHARE * np.minimum(size[left], size[right])).sum())


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
    x, y = points["easting"].to_numpy(float), points["northing"].to_numpy(float)
    west, south, east, north = bounds

    def inside(first: np.ndarray, second: np.ndarray) -> np.ndarray:
        return (first >= west) & (first <= east) & (second >= south) & (second <= north)

    reasons = [
        (np.isnan(x) | np.isnan(y), "no coordinates"),
        ((x == 0) & (y == 0), "at 0,0"),
        ((np.abs(x) <= 180) & (np.abs(y) <= 180), "longitude and latitude in a grid of metres"),
        (~inside(x, y) & inside(y, x), "easting and northing swapped"),
        (~inside(x, y), "outside the area"),
    ]
    text = np.select([mask for mask, _ in reasons], [reason for _, reason in reasons], default="")
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


def find_edition(codes: pd.Series, lookup: pd.DataFrame) -> pd.Series:
    """Tell the edition of LSOA codes one by one (a file can mix): 2011, 2021, both, unknown."""
    pairs = lookup[lookup["lookup"] == "lsoa_2011_to_2021"]
    old = codes.isin(pairs["lsoa_2011_code"].dropna()).to_numpy()
    new = codes.isin(pairs["lsoa_code"].dropna()).to_numpy()
    text = np.select([old & new, old, new], ["both", "2011", "2021"], default="unknown")
    return pd.Series(text, index=codes.index, name="edition", dtype="str")


def add_lsoa_2021(table: pd.DataFrame, lookup: pd.DataFrame) -> pd.DataFrame:
    """Add ``lsoa_code`` (2021) and ``change`` (U, S, M, X) to rows with ``lsoa_2011_code``.

    A split LSOA has no single 2021 answer: its rows stay without one, so that they are counted for
    the borough and never shared out by guess.
    """
    pairs = lookup[lookup["lookup"] == "lsoa_2011_to_2021"].astype("object")
    single = pairs.drop_duplicates("lsoa_2011_code", keep=False)
    single = single[single["change"].isin(["U", "M"])].set_index("lsoa_2011_code")
    change = pairs.drop_duplicates("lsoa_2011_code").set_index("lsoa_2011_code")["change"]
    old = table["lsoa_2011_code"].astype("object")
    return table.assign(
        lsoa_code=_text(old.map(single["lsoa_code"]), table.index),
        change=_text(old.map(change), table.index),
    )


def add_common_lsoa(table: pd.DataFrame, lookup: pd.DataFrame) -> pd.DataFrame:
    """Add ``common_code``, the smallest area that both editions of LSOA make up whole.

    For series across editions: every split or merged LSOA joins its relatives, named by the first
    2021 code. 2021 wins where a row carries both codes.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    pairs = lookup[lookup["lookup"] == "lsoa_2011_to_2021"].astype("object")
    old, old_codes = pd.factorize(pairs["lsoa_2011_code"])
    new, new_codes = pd.factorize(pairs["lsoa_code"])
    size = len(old_codes) + len(new_codes)
    graph = coo_array((np.ones(len(pairs)), (old, new + len(old_codes))), shape=(size, size))
    _, family = connected_components(graph, directed=False)
    name = pd.Series(new_codes).groupby(family[len(old_codes) :]).min()
    by_new = pd.Series(name.loc[family[len(old_codes) :]].to_numpy(), index=new_codes)
    by_old = pd.Series(name.loc[family[: len(old_codes)]].to_numpy(), index=old_codes)
    empty = pd.Series(None, index=table.index, dtype="object")
    common = table.get("lsoa_code", empty).astype("object").map(by_new)
    older = table.get("lsoa_2011_code", empty).astype("object").map(by_old)
    return table.assign(common_code=_text(common.where(common.notna(), older), table.index))


def count_lsoa_changes(lookup: pd.DataFrame) -> pd.DataFrame:
    """Count the codes of each kind of change: unchanged, split, merged, irregular."""
    pairs = lookup[lookup["lookup"] == "lsoa_2011_to_2021"]
    return (
        pairs.groupby("change", observed=True)[["lsoa_2011_code", "lsoa_code"]]
        .nunique()
        .reset_index()
        .rename(columns={"lsoa_2011_code": "areas_2011", "lsoa_code": "areas_2021"})
    )


def find_best_fit(areas: "gpd.GeoDataFrame", into: "gpd.GeoDataFrame") -> pd.DataFrame:
    """Give each area the larger one that covers most of it: ``into_code`` and ``share``."""
    small, large = into.sindex.query(areas.geometry.to_numpy(), predicate="intersects")
    ground = areas.geometry.iloc[small].intersection(into.geometry.iloc[large], align=False).area
    pairs = pd.DataFrame({"row": small, "into": large, "ground": ground.to_numpy()})
    best = pairs.sort_values(["row", "ground"], ascending=[True, False]).drop_duplicates("row")
    best = best.set_index("row").reindex(range(len(areas)))
    codes = into["area_code"].astype(object).to_numpy()
    chosen = [codes[int(place)] if place >= 0 else None for place in best["into"].fillna(-1)]
    return pd.DataFrame(
        {
            "area_code": areas["area_code"].to_numpy(),
            "into_code": _text(chosen, pd.RangeIndex(len(chosen))),
            "share": (best["ground"].to_numpy() / areas.geometry.area.to_numpy()),
        }
    )


def tile_map() -> pd.DataFrame:
    """Return the 33 tiles of the London tile map: code, name, row from the north, column."""
    columns = ["borough_code", "borough_name", "tile_row", "tile_column"]
    return definitions.boroughs()[columns].reset_index(drop=True)
