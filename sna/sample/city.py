"""An invented city: small areas, wards and residents inside real borough names.

Borough outlines are cells around rounded real positions, so that Hackney lies north-east of
Westminster; every small area, ward and boundary line is drawn by chance.
"""

from dataclasses import dataclass
from functools import lru_cache
from importlib import resources

import numpy as np
import pandas as pd
import shapely
from scipy.cluster.vq import kmeans2
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import Voronoi, cKDTree

AGES = np.arange(91)
ENGLAND_LSOAS = 33755  # ranks of deprivation run from 1 to this
_SMALLEST = 20  # a borough with fewer small areas gets no hotspot
_SURROUND = 700  # seeds of the ring outside the city, whose cells are thrown away
_WARD_START = "Ald,Bram,Cray,Dun,Elm,Fen,Gals,Hart,Ivel,Kell,Lark,Mar,Nor,Oak,Pell,Quill"
_WARD_END = "bourne,croft,dale,ford,gate,ham,hollow,leigh,mere,moor,stoke,thorpe,wick,wold"


@dataclass(frozen=True)
class City:
    """Areas (one row a small area, with polygon) and residents by area, age, group and sex."""

    boroughs: pd.DataFrame
    lsoas: pd.DataFrame  # lsoa_code, lsoa_name, ward_code, ward_name, borough (row), …
    neighbours: csr_array
    residents: np.ndarray  # small area × single year of age
    groups: np.ndarray  # borough × single year of age × ethnic group × sex (female, male)
    points: np.ndarray  # small area × anchor point × (easting, northing)


def read_reference(name: str) -> pd.DataFrame:
    """Read a table of the simulation's own settings; codes stay text."""
    with (resources.files("sna.sample") / f"{name}.csv").open(encoding="utf-8") as file:
        return pd.read_csv(file, dtype={"offence_code": "str"})


def make_city(boroughs: list[str], *, scale: float, rng: np.random.Generator) -> City:
    """Draw the whole city, then keep `boroughs`; their areas do not depend on the choice."""
    table = read_reference("boroughs")
    seeds, borough, cells, links = _draw_cells(table, rng)
    ward = _draw_wards(seeds, borough, links, table["wards"].to_numpy(), rng)
    hotspot = _draw_hotspots(borough, links, rng)
    score = 2.0 * table["risk"].to_numpy()[borough] + rng.normal(0, 1, len(seeds))
    rank = np.argsort(np.argsort(-score)) * (ENGLAND_LSOAS / len(seeds)) + 1
    lsoas = _name_areas(table, borough, ward, rng).assign(
        geometry=cells, is_hotspot=hotspot, deprivation_rank=rank.astype(np.int64)
    )
    residents = _draw_residents(hotspot, rng, scale)
    points = _draw_points(cells, seeds, rng)
    shares = _draw_groups(len(table), rng)
    keep = np.flatnonzero(table["borough_name"].isin(boroughs).to_numpy()[borough])
    rows = np.unique(borough[keep])
    order = np.lexsort((lsoas["lsoa_code"].to_numpy()[keep], borough[keep]))
    keep = keep[order]
    lsoas = lsoas.iloc[keep].reset_index(drop=True)
    lsoas = lsoas.assign(borough=np.searchsorted(rows, lsoas["borough"].to_numpy()))
    by_age = np.zeros((len(rows), len(AGES)), dtype=np.int64)
    np.add.at(by_age, lsoas["borough"].to_numpy(), residents[keep])
    return City(
        table.iloc[rows].reset_index(drop=True),
        lsoas,
        links[keep][:, keep],
        residents[keep],
        rng.multinomial(by_age, shares[rows]).reshape(len(rows), len(AGES), -1, 2),
        points[keep],
    )


def _draw_cells(
    table: pd.DataFrame, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray, csr_array]:
    """Return seeds, the borough row of each, their polygons, and which touch."""
    anchors = table[["east_km", "north_km"]].to_numpy() * 1000
    outline = shapely.MultiPoint(anchors).buffer(5200).buffer(2500).buffer(-2800)
    west, south, east, north = shapely.bounds(outline)
    dust = rng.uniform([west - 5000, south - 5000], [east + 5000, north + 5000], (120_000, 2))
    label = cKDTree(anchors).query(dust)[1]
    label = np.where(shapely.contains_xy(outline, dust), label, len(anchors))
    wanted = [*table["lsoas"], _SURROUND]
    seeds = np.vstack(
        [_spread(dust[label == row], number, rng) for row, number in enumerate(wanted)]
    )
    borough = np.repeat(np.arange(len(wanted)), wanted)
    cells, pairs = _wobbly_voronoi(seeds, rng)
    inside = borough < len(anchors)
    size = int(inside.sum())
    pairs = pairs[inside[pairs].all(axis=1)]
    links = csr_array((np.ones(len(pairs)), pairs.T), shape=(size, size))
    links = links + links.T
    return seeds[:size], _join_up(borough[:size], links), cells[:size], links


def _spread(dust: np.ndarray, number: int, rng: np.random.Generator) -> np.ndarray:
    """Place `number` seeds in a cloud of points, pushed apart by two rounds of relaxation."""
    seeds = dust[rng.choice(len(dust), number, replace=False)]
    for _ in range(2):
        nearest = cKDTree(seeds).query(dust)[1]
        size = np.bincount(nearest, minlength=number)[:, None]
        total = np.stack([np.bincount(nearest, dust[:, k], number) for k in (0, 1)], axis=1)
        seeds = np.where(size > 0, total / np.maximum(size, 1), seeds)
    return seeds


def _wobbly_voronoi(seeds: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return the Voronoi cells of `seeds` with crooked shared edges, and the pairs that touch."""
    diagram = Voronoi(seeds)
    ends = np.asarray(diagram.ridge_vertices)
    whole = (ends >= 0).all(axis=1)
    ends, pairs = ends[whole], diagram.ridge_points[whole]
    start, stop = diagram.vertices[ends[:, 0]], diagram.vertices[ends[:, 1]]
    along = stop - start
    across = np.stack([-along[:, 1], along[:, 0]], axis=1)
    bend = rng.uniform(-0.09, 0.09, (len(ends), 3))
    steps = [start] + [
        start + along * part + across * bend[:, [k]] for k, part in enumerate((0.25, 0.5, 0.75))
    ]
    line = np.round(np.stack([*steps, stop], axis=1), 1)  # edge × 5 points × 2
    cell = np.concatenate([pairs[:, 0], pairs[:, 1]])
    both = np.concatenate([line, line])
    middle = np.concatenate([(start + stop) / 2] * 2) - seeds[cell]
    heading = np.concatenate([along] * 2)
    forward = middle[:, 0] * heading[:, 1] - middle[:, 1] * heading[:, 0] > 0
    both = np.where(forward[:, None, None], both, both[:, ::-1])
    order = np.lexsort((np.arctan2(middle[:, 1], middle[:, 0]), cell))
    ring = both[order][:, :4].reshape(-1, 2)
    owner = np.repeat(cell[order], 4)
    rings = shapely.linearrings(ring, indices=np.searchsorted(np.unique(owner), owner))
    cells = np.full(len(seeds), None, dtype=object)
    cells[np.unique(owner)] = shapely.polygons(rings)
    return shapely.make_valid(cells), pairs


def _join_up(label: np.ndarray, links: csr_array) -> np.ndarray:
    """Give every stray piece of a label to the label around it, so that each is one piece."""
    label = label.copy()
    for _ in range(6):
        pair = links.tocoo()
        same = label[pair.row] == label[pair.col]
        inner = csr_array((same[same], (pair.row[same], pair.col[same])), shape=links.shape)
        piece = connected_components(inner, directed=False)[1]
        size = np.bincount(piece)
        largest = pd.Series(size[piece]).groupby(label).transform("max").to_numpy()
        stray = np.flatnonzero(size[piece] < largest)
        if not len(stray):
            break
        for area in stray:
            around = label[links[[area]].indices]
            around = around[around != label[area]]
            label[area] = np.bincount(around).argmax() if len(around) else label[area]
    return label


def _draw_wards(
    seeds: np.ndarray,
    borough: np.ndarray,
    links: csr_array,
    wards: np.ndarray,
    rng: np.random.Generator,
) -> np.ndarray:
    ward = np.zeros(len(seeds), dtype=np.int64)
    for row, number in enumerate(wards):
        mine = np.flatnonzero(borough == row)
        label = kmeans2(seeds[mine], int(number), minit="++", missing="raise", rng=rng)[1]
        joined = _join_up(label.astype(np.int64), links[mine][:, mine])
        ward[mine] = row * 100 + np.unique(joined, return_inverse=True)[1]
    return np.unique(ward, return_inverse=True)[1]


def _name_areas(
    table: pd.DataFrame, borough: np.ndarray, ward: np.ndarray, rng: np.random.Generator
) -> pd.DataFrame:
    """Name areas in codes that no publisher uses: E0199…, E0599…, and ``Hackney 901A``."""
    endings = np.array([a + b for a in _WARD_START.split(",") for b in _WARD_END.split(",")])
    owner = pd.Series(borough).groupby(ward).first().to_numpy()
    names = np.empty(len(owner), dtype=object)
    for row in range(len(table)):
        mine = np.flatnonzero(owner == row)
        names[mine] = rng.choice(endings, len(mine), replace=False)
    rank = pd.Series(borough).groupby(borough).cumcount().to_numpy()
    letter = np.array(list("ABCDE"))[rank % 5]
    title = table["borough_name"].to_numpy()[borough]
    return pd.DataFrame(
        {
            "lsoa_code": [f"E0199{number:04d}" for number in range(1, len(borough) + 1)],
            "lsoa_name": [
                f"{a} {901 + b // 5}{c}" for a, b, c in zip(title, rank, letter, strict=True)
            ],
            "ward_code": [f"E0599{number:04d}" for number in ward + 1],
            "ward_name": names[ward],
            "borough": borough,
        }
    )


@lru_cache
def _age_profile() -> np.ndarray:
    """Return a London-like share of residents by single year of age; the last is 90 and over."""
    knots = [0, 5, 16, 19, 24, 31, 40, 55, 70, 90]
    profile = np.interp(AGES, knots, [1.2, 1.2, 1.1, 1.2, 1.6, 2.0, 1.5, 1.15, 0.65, 0.3])
    return np.asarray(profile / profile.sum())


def _draw_hotspots(borough: np.ndarray, links: csr_array, rng: np.random.Generator) -> np.ndarray:
    """Mark one area and three that touch it in each borough, away from the borough boundary."""
    inner = np.array(
        [(borough[links[[row]].indices] == own).all() for row, own in enumerate(borough)]
    )
    hotspot = np.zeros(len(borough), dtype=bool)
    for row in np.flatnonzero(np.bincount(borough) >= _SMALLEST):
        centre = rng.choice(np.flatnonzero(inner & (borough == row)))
        hotspot[[centre, *rng.choice(links[[centre]].indices, 3, replace=False)]] = True
    return hotspot


def _draw_residents(hotspot: np.ndarray, rng: np.random.Generator, scale: float) -> np.ndarray:
    """Draw residents by age; hotspots get the mean, so that rate and count are as high."""
    spread = rng.normal(0, 1, (2, len(hotspot), 1)) * ~hotspot[:, None]
    total = (1780 + 160 * spread[0]).clip(1100, 2600) * scale
    youth = 0.25 * spread[1]
    tilt = _age_profile() * np.exp(youth * (25 - AGES) / 40)
    return rng.poisson(total * tilt / tilt.sum(axis=1, keepdims=True))


def _draw_groups(boroughs: int, rng: np.random.Generator) -> np.ndarray:
    """Return the chance of each ethnic group and sex by borough and single year of age."""
    groups = read_reference("ethnic_groups")
    share = rng.dirichlet(groups["share"] * 60 + 0.5, boroughs)
    tilt = np.exp(groups["age_tilt"].to_numpy()[None, :] * (35 - AGES[:, None]) / 60)
    chance = share[:, None, :] * tilt[None]
    chance = chance / chance.sum(axis=2, keepdims=True)
    return np.stack([chance * 0.51, chance * 0.49], axis=3).reshape(boroughs, len(AGES), -1)


def _draw_points(cells: np.ndarray, seeds: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return 24 points inside each cell: between its seed and points along its boundary."""
    part = rng.uniform(0, 1, (len(cells), 24))
    edge = shapely.line_interpolate_point(shapely.boundary(cells)[:, None], part, normalized=True)
    reach = np.sqrt(rng.uniform(0, 0.8, (len(cells), 24, 1)))
    there = np.stack([shapely.get_x(edge), shapely.get_y(edge)], axis=2)
    found = seeds[:, None, :] + (there - seeds[:, None, :]) * reach
    inside = shapely.contains_xy(cells[:, None], found[..., 0], found[..., 1])
    return np.round(np.where(inside[..., None], found, seeds[:, None, :]))
