"""Exact points of records: guard, grid, kernel density, near repeats. Partner edition only."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
import shapely

from sna.errors import DisclosureError, UsageError
from sna.geography import BRITISH_GRID, Neighbours, find_bad_points, find_neighbours
from sna.hotspots.areas import ORIGIN, AreaCounts, find_series

SNAPPED = ("police_uk", "camden_street")
STACKED_SHARE = 0.5  # of 100 or more points at places shared with others: snapped, whatever it says
LEAST_RESIDENTS = 50  # per km²; below, offences per resident mean nothing


def check_points(points: pd.DataFrame, *, edition: str = "partner") -> pd.DataFrame:
    """Return the points that can be placed; refuse the public edition and points on anchors."""
    good = points[find_bad_points(points).eq("")]
    stacked = good.duplicated(["easting", "northing"], keep=False)
    _refuse_moved(points)
    if len(good) >= 100 and stacked.mean() > STACKED_SHARE:
        raise _moved(int(stacked.sum()), len(points), "points stacked on the same spots")
    if edition != "partner":
        raise DisclosureError(
            f"Points and surfaces of records are not shown in the {edition} edition.",
            do="Use edition='partner' and a source with a sharing agreement.",
        )
    return good


def _refuse_moved(points: pd.DataFrame) -> None:
    """Refuse sources that move their points, whatever is made of them.

    police.uk moves every offence to one of some 750,000 anchors; a surface would show those.
    """
    source = points["source"].astype("str") if "source" in points else pd.Series(dtype="str")
    if (moved := source.str.startswith(SNAPPED)).any():
        raise _moved(moved.sum(), len(points), source[moved].unique())


def _moved(many: int, of: int, found: Any) -> UsageError:
    return UsageError(
        f"{many:,} of {of:,} points are moved to shared anchors: nothing finer than an LSOA can "
        "be said of them.",
        where="points",
        found=found,
        do="Use counts by LSOA or ward, or a record extract with exact coordinates.",
    )


def find_points(data: Any, counts: AreaCounts, around: pd.DataFrame | None = None) -> pd.DataFrame:
    """Return the exact points of the counted records, here and beyond the border, and their dates.

    No rows in the public edition, without a sharing agreement, or where `check_points` refuses
    them; ``easting``, ``northing``, ``date``, ``borough_code``, ``source``.
    """
    names = ["easting", "northing", "date", "borough_code", "source"]
    first = counts.areas.iloc[0]
    allowed = data.edition == "partner" and first["source"] in data.settings.agreements
    if not allowed or "easting" not in data.offences:
        return pd.DataFrame(columns=names)
    rows = data.offences if around is None else pd.concat([data.offences, around])
    rows = next(find_series(rows[rows["source"].astype("str") == first["source"]]))
    rows = rows[rows["month"].between(first["period_start"], first["period_end"])]
    days = [rows[name] for name in ("committed_from", "recorded_date", "month") if name in rows]
    date = days[0]
    for other in days[1:]:
        date = date.fillna(other)
    points = rows.assign(date=date)[names].reset_index(drop=True)
    try:
        return check_points(points)
    except UsageError:  # moved to shared anchors: the pages say so
        return points.head(0)


def grid_rule(bounds: tuple[float, float, float, float]) -> tuple[float, float]:
    """Default cell and bandwidth in metres: a 150th of the shorter side, and five cells.

    Chainey and Ratcliffe (2005), GIS and Crime Mapping. Rounded to 10 m, cells at least 50 m.
    """
    west, south, east, north = bounds
    cell = max(50.0, round(min(east - west, north - south) / 150, -1))
    return cell, 5 * cell


@dataclass(frozen=True)
class Surface:
    """Density per square kilometre on a grid: ``grid[column, row]`` from the south-west."""

    grid: np.ndarray
    west: float
    south: float
    cell_m: float
    bandwidth_m: float

    @property
    def centres(self) -> tuple[np.ndarray, np.ndarray]:
        """Eastings and northings of the cells' middles, each in the shape of the grid."""
        across, up = np.indices(self.grid.shape) + 0.5
        return self.west + across * self.cell_m, self.south + up * self.cell_m


def _bin(points: pd.DataFrame, bounds: Any, cell_m: float, weights: Any = None) -> np.ndarray:
    _refuse_moved(points)
    west, south, east, north = bounds
    columns, rows = (int(side / cell_m) + 1 for side in (east - west, north - south))
    x, y = points["easting"].to_numpy(float), points["northing"].to_numpy(float)
    if len(x) and not (
        x.min() >= west and y.min() >= south and x.max() <= east and y.max() <= north
    ):
        raise UsageError(
            "Points lie outside the grid or nowhere.",
            where="points",
            do="Leave out what `sna.hotspots.check_points` leaves out, or widen the bounds.",
        )
    column = ((x - west) * (1 / cell_m)).astype(np.int32)
    row = ((y - south) * (1 / cell_m)).astype(np.int32)
    flat = np.bincount(column * rows + row, weights=weights, minlength=columns * rows)
    return np.asarray(flat).reshape(columns, rows)


def _kernel(cell_m: float, bandwidth_m: float) -> np.ndarray:
    """Quartic kernel on cells, sharpened by what binning blurs: twice the value minus its mean."""
    reach = int(np.ceil(bandwidth_m / cell_m)) + 1
    step, inner = np.arange(-reach, reach + 1) * cell_m, ((np.arange(9) + 0.5) / 9 - 0.5) * cell_m

    def quartic(right: float, up: float) -> np.ndarray:
        square = (step[:, None] + right) ** 2 + (step[None, :] + up) ** 2
        return np.asarray(np.maximum(1 - square / bandwidth_m**2, 0) ** 2)

    mean = np.mean([quartic(right, up) for right in inner for up in inner], axis=0)
    kernel = 2 * quartic(0, 0) - mean
    return np.asarray(kernel / kernel.sum() / (cell_m / 1000) ** 2)


def _smooth(grid: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    from scipy.signal import fftconvolve  # heavy

    return np.asarray(fftconvolve(grid.astype(float), kernel, mode="same"))


def density(
    points: pd.DataFrame,
    *,
    bounds: tuple[float, float, float, float],
    cell_m: float = 0,
    bandwidth_m: float = 0,
    inside: Any = None,
    weights: Any = None,
) -> Surface:
    """Quartic kernel density of points, per square kilometre; 0 takes the rule of `grid_rule`.

    ``inside`` is the ground that offences are known for: near its edge the density is divided by
    the share of the kernel that lies in it, and beyond it is missing. Refused are points outside
    the bounds, points that their source moved, and a bandwidth under two cells. Of half a million
    points the error is 0.005 of the peak at a bandwidth of five cells, 0.001 at ten.
    """
    cell = cell_m or grid_rule(bounds)[0]
    width = bandwidth_m or 5 * cell
    if not width >= 2 * cell > 0:
        raise UsageError(
            f"A bandwidth of {width:g} metres is too narrow for cells of {cell:g} metres.",
            where="density",
            do="Take cells above 0 and at most half of the bandwidth; 0 takes the rule.",
        )
    kernel = _kernel(cell, width)
    made = np.maximum(_smooth(_bin(points, bounds, cell, weights), kernel), 0)
    surface = Surface(made, bounds[0], bounds[1], cell, width)
    if inside is None:
        return surface
    shapely.prepare(inside)
    mask = shapely.contains_xy(inside, *surface.centres)
    mass = _smooth(mask, kernel) * (cell / 1000) ** 2
    return replace(surface, grid=np.where(mask, made / np.maximum(mass, 0.05), np.nan))


def dual_density(points: pd.DataFrame, residents: pd.DataFrame, **grid: Any) -> Surface:
    """Offences per 1,000 residents: a ratio of two densities with the same grid and bandwidth.

    ``residents`` has ``easting``, ``northing``, ``population``; missing under 50 a km².
    """
    top = density(points, **grid)
    people = density(residents, weights=residents["population"].to_numpy(float), **grid).grid
    known = people >= LEAST_RESIDENTS
    return replace(top, grid=np.where(known, 1000 * top.grid / np.where(known, people, 1), np.nan))


def measure_density(points: pd.DataFrame, counts: AreaCounts, data: Any) -> pd.DataFrame:
    """Measure density and dual density of the borough's points, one row a cell of the grid.

    ``offences_near`` counts the square of two bandwidths around a cell, so that disclosure rules
    can judge it; cell, bandwidth and how many of the borough's offences have a point in it stand in
    every row. No rows without points.
    """
    from scipy.ndimage import uniform_filter

    names = ["cell_east", "cell_north", "offences_near", "density", "per_1000_residents"]
    origin = counts.areas.iloc[0][ORIGIN]
    own = counts.areas[counts.areas["is_tested"]].set_index("area_code")
    shapes = data.areas[data.areas["area_code"].isin(own.index)].drop_duplicates("area_code")
    ground = shapely.union_all(shapes.geometry.to_numpy())
    at = points[["easting", "northing"]].to_numpy(float)
    mine = points[shapely.contains_xy(ground, at)]
    if mine.empty:
        more = ["cell_m", "bandwidth_m", "points", "borough_offences"]
        return pd.DataFrame(columns=[*names, *more, *origin.index])
    middle = shapes.geometry.representative_point()
    homes = pd.DataFrame({"easting": middle.x, "northing": middle.y})
    homes = homes.assign(population=own["population"].loc[shapes["area_code"]].to_numpy()).fillna(0)
    cell, width = 2 * grid_rule(ground.bounds)[0], 10 * grid_rule(ground.bounds)[0]
    fine = {"bounds": ground.bounds, "cell_m": cell / 5, "bandwidth_m": width, "inside": ground}
    surface, by_people = density(mine, **fine), dual_density(mine, homes, **fine)
    parts = (*surface.centres, surface.grid, by_people.grid)  # binned in 25ths, read at the middle
    east, north, offences, per_resident = (part[2::5, 2::5] for part in parts)
    side = 2 * int(width // cell) + 1
    near = uniform_filter(_bin(mine, ground.bounds, cell).astype(float), side, mode="constant")
    near = np.rint(near * side**2)[: len(east), : east.shape[1]]
    columns = [east, north, near, offences, per_resident]
    made = pd.DataFrame(dict(zip(names, map(np.ravel, columns), strict=True)))
    made = made[made["density"].notna()].reset_index(drop=True)
    drawn = {"points": len(mine), "borough_offences": own["offences"].sum()}
    return made.assign(cell_m=cell, bandwidth_m=width, **drawn, **origin)


def count_grid(points: pd.DataFrame, ground: Any, *, cell_m: float = 250) -> tuple[Any, Neighbours]:
    """Count points by cell of the ground, empty cells kept, and say which cells touch.

    The answer goes into `find_hotspots`; leaving empty cells out would hide every cold place.
    """
    import geopandas as gpd

    counts = _bin(points, ground.bounds, cell_m)
    number = np.indices(counts.shape).reshape(2, -1)
    left, bottom = np.array(ground.bounds[:2])[:, None] + number * cell_m
    cells = shapely.box(left, bottom, left + cell_m, bottom + cell_m)
    inside = shapely.intersects(ground.buffer(-1e-3), cells) | (counts.ravel() > 0)
    codes = [f"cell_{column}_{row}" for column, row in number.T[inside]]
    table = {"area_code": codes, "offences": counts.ravel()[inside]}
    made = gpd.GeoDataFrame(table, geometry=cells[inside], crs=BRITISH_GRID)
    return made, find_neighbours(made)


def near_repeats(
    points: pd.DataFrame,
    *,
    distance_breaks_m: Sequence[float] = (0, 0.1, 100, 200, 400, 800),
    time_breaks_days: Sequence[float] = (0, 7, 14, 28, 56),
    permutations: int = 999,
    seed: int = 2024,
) -> pd.DataFrame:
    """Knox test: whether pairs close in place are close in time more often than by chance.

    ``points`` has ``easting``, ``northing`` and ``date``. One row a pair of bands, lower limit
    included: ``observed``, ``expected`` (mean over shuffled dates), ``ratio`` and one-sided
    ``p_value``, the observed arrangement counted in.
    """
    from scipy.spatial import cKDTree

    _refuse_moved(points)
    if permutations < 1:
        do = "Use at least 1; 999 by default."
        raise UsageError("Without shuffles there is no p.", where="permutations", do=do)
    known = points.dropna(subset=["easting", "northing", "date"])
    place = known[["easting", "northing"]].to_numpy(float)
    day = known["date"].to_numpy("datetime64[s]").astype(float) / 86_400
    pairs = np.zeros((0, 2), dtype=int)
    if len(known) > 1:
        pairs = cKDTree(place).query_pairs(distance_breaks_m[-1], output_type="ndarray")
    far = np.hypot(*(place[pairs[:, 0]] - place[pairs[:, 1]]).T)
    space = np.searchsorted(distance_breaks_m, far, "right") - 1
    pairs, space = (part[space < len(distance_breaks_m) - 1] for part in (pairs, space))
    many, size = len(time_breaks_days) - 1, len(distance_breaks_m) - 1

    def count(days: np.ndarray) -> np.ndarray:
        gap = np.abs(days[pairs[:, 0]] - days[pairs[:, 1]])
        when = np.searchsorted(time_breaks_days, gap, "right") - 1
        kept = when < many
        return np.bincount(space[kept] * many + when[kept], minlength=size * many)

    observed, rng = count(day), np.random.default_rng(seed)
    draws = np.array([count(rng.permutation(day)) for _ in range(permutations)])
    expected, (row, column) = draws.mean(axis=0), np.divmod(np.arange(observed.size), many)
    return pd.DataFrame(
        {
            "distance_from_m": np.take(distance_breaks_m, row),
            "distance_to_m": np.take(distance_breaks_m, row + 1),
            "days_from": np.take(time_breaks_days, column),
            "days_to": np.take(time_breaks_days, column + 1),
            "observed": observed,
            "expected": expected,
            "ratio": np.where(expected > 0, observed / np.where(expected > 0, expected, 1), np.nan),
            "p_value": ((draws >= observed).sum(axis=0) + 1) / (permutations + 1),
        }
    )


def measure_repeats(points: pd.DataFrame, counts: AreaCounts) -> pd.DataFrame:
    """Test the borough's points for near repeats, with bands in words; no rows without points."""
    own = counts.areas.loc[counts.areas["is_tested"], "borough_code"].iloc[0]
    made = near_repeats(points[points["borough_code"].astype("str") == own])
    metres, last = made["distance_from_m"].round().astype(int), made["days_to"].astype(int) - 1
    apart = metres.astype(str) + " to " + made["distance_to_m"].round().astype(int).astype(str)
    return made.assign(
        distance=(apart + " metres").where(made["distance_to_m"] >= 1, "the same spot"),
        days=made["days_from"].astype(int).astype(str) + " to " + last.astype(str) + " days",
        ratio_pct=100 * made["ratio"],
        **counts.areas.iloc[0][ORIGIN],
    ).head(len(made) if len(points) else 0)
