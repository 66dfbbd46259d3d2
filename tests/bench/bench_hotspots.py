"""Hotspots against esda, geopandas and a plain binning, on invented areas and points."""

import itertools

import esda
import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from libpysal.weights import W
from scipy.sparse import csr_array

from sna import geography, hotspots
from tests.bench import Measured, alternate, measure

AREAS, WARDS = 4994, 680
BOUNDS = (503_000.0, 155_000.0, 562_000.0, 201_000.0)  # about London


def _near() -> list[list[int]]:
    """Queen neighbours of the first 4,994 cells of a 71 × 71 lattice."""
    side = 71
    steps = [s for s in itertools.product((-1, 0, 1), repeat=2) if s != (0, 0)]
    return [
        [
            (r + a) * side + c + b
            for a, b in steps
            if 0 <= r + a < side and 0 <= c + b < side and (r + a) * side + c + b < AREAS
        ]
        for r, c in itertools.islice(itertools.product(range(side), range(side)), AREAS)
    ]


def _points(many: int, seed: int = 1) -> pd.DataFrame:
    """Two thirds in 300 clusters, one third anywhere."""
    rng = np.random.default_rng(seed)
    centre = rng.uniform(BOUNDS[:2], BOUNDS[2:], (300, 2))
    place = rng.integers(0, 300, many)
    spread = np.where(rng.random(many) < 2 / 3, 400, 30_000)
    at = centre[place] + rng.normal(0, 1, (many, 2)) * spread[:, None]
    at = BOUNDS[:2] + (at - BOUNDS[:2]) % np.subtract(BOUNDS[2:], BOUNDS[:2])
    return pd.DataFrame({"easting": at[:, 0], "northing": at[:, 1]})


def _wards() -> gpd.GeoDataFrame:
    rng = np.random.default_rng(2)
    seeds = shapely.multipoints(rng.uniform(BOUNDS[:2], BOUNDS[2:], (WARDS, 2)))
    cells = shapely.get_parts(shapely.voronoi_polygons(seeds, extend_to=shapely.box(*BOUNDS)))
    cells = shapely.intersection(cells, shapely.box(*BOUNDS))
    return gpd.GeoDataFrame(
        {"area_code": [f"W{i}" for i in range(WARDS)]}, geometry=cells, crs=27700
    )


def _local(rounds: int) -> list[Measured]:
    near = _near()
    rows = np.repeat(np.arange(AREAS), [len(n) for n in near])
    matrix = csr_array((np.ones(len(rows)), (rows, np.concatenate(near))), shape=(AREAS, AREAS))
    weights = W(dict(enumerate(near)), silence_warnings=True)
    y = np.random.default_rng(0).poisson(9, AREAS).astype(float)

    def theirs(permutations: int = 0) -> esda.G_Local:
        return esda.G_Local(y, weights, star=True, transform="B", permutations=permutations, seed=1)

    gap = np.abs(theirs().Zs - hotspots.getis_ord_z(y, matrix)).max()
    if gap > 1e-10:
        raise AssertionError(f"Gi* differs from esda by {gap:.1e}")
    fast, slow = alternate(lambda: hotspots.getis_ord_z(y, matrix), theirs, rounds=rounds)
    theirs(9)  # compiles
    ours, warm = alternate(
        lambda: hotspots.permutation_p(y, matrix, permutations=999, seed=1),
        lambda: theirs(999), rounds=rounds,
    )  # fmt: skip
    return [
        measure(f"Gi* of {AREAS:,} areas", "esda, analytic", fast, slow, budget=1 / 50),
        measure("999 permutations", "esda, warm", ours, warm, budget=1.0),
    ]


def _density(rounds: int, many: int) -> list[Measured]:
    points, cell, width = _points(many), 100.0, 1200.0
    x, y = points["easting"].to_numpy(), points["northing"].to_numpy()
    columns, rows = (int(side / cell) for side in (BOUNDS[2] - BOUNDS[0], BOUNDS[3] - BOUNDS[1]))

    def binned() -> np.ndarray:
        column = ((x - BOUNDS[0]) // cell).astype(int)
        row = ((y - BOUNDS[1]) // cell).astype(int)
        return np.bincount(column * rows + row, minlength=columns * rows)

    def ours() -> hotspots.Surface:
        return hotspots.density(points, bounds=BOUNDS, cell_m=cell, bandwidth_m=width)

    fast, control = alternate(ours, binned, rounds=rounds)
    grid = ours().grid
    best = np.argsort(grid.ravel())[-20:]
    exact = []
    for place in best:
        across, up = np.unravel_index(place, grid.shape)
        east, north = BOUNDS[0] + cell * (across + 0.5), BOUNDS[1] + cell * (up + 0.5)
        square = ((x - east) ** 2 + (y - north) ** 2) / width**2
        exact.append(3 / np.pi / (width / 1000) ** 2 * ((1 - square[square < 1]) ** 2).sum())
    gap = np.abs(grid.ravel()[best] - exact).max() / max(exact)
    return [
        measure(f"density of {many:,} points", "bincount of the same", fast, control, budget=2.0),
        Measured("density, error at its peaks", float(gap), "exact sum's peak × 1e-3",
                 float(gap) / 1e-3, 1.0, 1e-3, ""),
    ]  # fmt: skip


def _joined(many: int, rounds: int) -> list[Measured]:
    points, wards = _points(many, seed=3), _wards()

    def theirs() -> pd.Series:
        at = gpd.points_from_xy(points["easting"], points["northing"])
        return gpd.sjoin(gpd.GeoDataFrame(geometry=at, crs=27700), wards, how="left")["area_code"]

    def mine() -> pd.Series:
        return geography.add_area_code(points, wards)["area_code"]

    ours, control = alternate(mine, theirs, rounds=rounds)
    if not mine().equals(theirs().rename("area_code")):
        raise AssertionError("points are placed otherwise than by sjoin")
    return [measure(f"{many:,} points to {WARDS} wards", "sjoin", ours, control, budget=1.0)]


def benchmarks(quick: bool) -> list[Measured]:
    """Measure the budgets of hotspots and geography."""
    rounds = 3 if quick else 7
    return [
        *_local(rounds),
        *_density(rounds, 500_000),
        *_joined(200_000 if quick else 1_000_000, rounds=3),
    ]
