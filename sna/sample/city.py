"""An invented city inside real borough names: small areas, wards, residents, all drawn by chance.

Borough outlines are cells around rounded real positions, so Hackney lies north-east of Westminster.
"""

import tomllib
from dataclasses import dataclass
from importlib import resources
from typing import Any

import numpy as np
import pandas as pd
import shapely
from scipy.cluster.vq import kmeans2
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import Voronoi, cKDTree

FILES = resources.files("sna.sample")
PLANTED: dict[str, Any] = tomllib.loads((FILES / "planted.toml").read_text(encoding="utf-8"))
AGES = np.arange(91)
ENGLAND_LSOAS = 33755  # ranks of deprivation run from 1 to this
_SMALLEST = 20  # a borough with fewer small areas gets no hotspot
_SURROUND = 700  # seeds of the ring outside the city, whose cells are thrown away


@dataclass(frozen=True)
class City:
    """Areas (one row a small area, with polygon) and residents by area, age, group and sex."""

    boroughs: pd.DataFrame
    lsoas: pd.DataFrame  # codes and names, borough (row), is_hotspot, deprivation_rank, geometry
    residents: np.ndarray  # small area × single year of age
    groups: np.ndarray  # borough × single year of age × ethnic group × sex (female, male)
    points: np.ndarray  # small area × anchor point × (easting, northing)


def read_reference(name: str) -> pd.DataFrame:
    """Read a table of the simulation's own settings; codes stay text."""
    with (FILES / f"{name}.csv").open(encoding="utf-8") as file:
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
    keep = keep[np.lexsort((lsoas["lsoa_code"].to_numpy()[keep], borough[keep]))]
    rows = np.unique(borough[keep])
    lsoas = lsoas.iloc[keep].reset_index(drop=True)
    lsoas = lsoas.assign(borough=np.searchsorted(rows, lsoas["borough"].to_numpy()))
    by_age = np.zeros((len(rows), len(AGES)), dtype=np.int64)
    np.add.at(by_age, lsoas["borough"].to_numpy(), residents[keep])
    groups = rng.multinomial(by_age, shares[rows]).reshape(len(rows), len(AGES), -1, 2)
    own = table.iloc[rows].reset_index(drop=True)
    return City(own, lsoas, residents[keep], groups, points[keep])


def _draw_cells(
    table: pd.DataFrame, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray, csr_array]:
    """Return seeds, the borough row of each, their polygons, and which touch."""
    anchors = table[["east_km", "north_km"]].to_numpy() * 1000
    outline = shapely.MultiPoint(anchors).buffer(5200).buffer(2500).buffer(-2800)
    box = np.add(shapely.bounds(outline), [-5000, -5000, 5000, 5000])
    dust = rng.uniform(box[:2], box[2:], (120_000, 2))
    label = cKDTree(anchors).query(dust)[1]
    label = np.where(shapely.contains_xy(outline, dust), label, len(anchors))
    wanted = [*table["lsoas"], _SURROUND]
    seeds = np.vstack([_spread(dust[label == n], size, rng) for n, size in enumerate(wanted)])
    borough = np.repeat(np.arange(len(wanted)), wanted)
    cells, pairs = _wobbly_voronoi(seeds, rng)
    inside = borough < len(anchors)
    size = int(inside.sum())
    pairs = pairs[inside[pairs].all(axis=1)]
    links = csr_array((np.ones(len(pairs)), pairs.T), shape=(size, size))
    links = links + links.T
    return seeds[:size], _join_up(borough[:size], links), cells[:size], links


def _spread(dust: np.ndarray, number: int, rng: np.random.Generator) -> np.ndarray:
    """Place seeds in a cloud of points, pushed apart by two rounds of relaxation."""
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
    parts = enumerate((0.25, 0.5, 0.75))
    steps = [start, *(start + along * part + across * bend[:, [k]] for k, part in parts), stop]
    line = np.round(np.stack(steps, axis=1), 1)  # edge × 5 points × 2
    cell = np.concatenate([pairs[:, 0], pairs[:, 1]])
    middle = np.tile((start + stop) / 2, (2, 1)) - seeds[cell]
    heading = np.tile(along, (2, 1))
    forward = middle[:, 0] * heading[:, 1] - middle[:, 1] * heading[:, 0] > 0
    both = np.concatenate([line, line])
    both = np.where(forward[:, None, None], both, both[:, ::-1])
    order = np.lexsort((np.arctan2(middle[:, 1], middle[:, 0]), cell))
    known, owner = np.unique(np.repeat(cell[order], 4), return_inverse=True)
    cells = np.full(len(seeds), None, dtype=object)
    cells[known] = shapely.polygons(shapely.linearrings(both[order][:, :4].reshape(-1, 2),
                                                        indices=owner))  # fmt: skip
    return shapely.make_valid(cells), pairs


def _join_up(label: np.ndarray, links: csr_array) -> np.ndarray:
    """Give every stray piece of a label to the label around it, so that each is one piece."""
    label, pair = label.copy(), links.tocoo()
    for _ in range(6):
        same = label[pair.row] == label[pair.col]
        inner = csr_array((same[same], (pair.row[same], pair.col[same])), shape=links.shape)
        piece = connected_components(inner, directed=False)[1]
        size = np.bincount(piece)[piece]
        for area in np.flatnonzero(size < pd.Series(size).groupby(label).transform("max")):
            around = label[links[[area]].indices]
            around = around[around != label[area]]
            label[area] = np.bincount(around).argmax() if len(around) else label[area]
    return label


def _draw_wards(
    seeds: np.ndarray, borough: np.ndarray, links: csr_array, wards: np.ndarray,
    rng: np.random.Generator,
) -> np.ndarray:  # fmt: skip
    ward = np.zeros(len(seeds), dtype=np.int64)
    for row, number in enumerate(wards):
        mine = np.flatnonzero(borough == row)
        label = kmeans2(seeds[mine], int(number), minit="++", missing="raise", rng=rng)[1]
        ward[mine] = row * 100 + _join_up(label.astype(np.int64), links[mine][:, mine])
    return np.unique(ward, return_inverse=True)[1]


def _name_areas(
    table: pd.DataFrame, borough: np.ndarray, ward: np.ndarray, rng: np.random.Generator
) -> pd.DataFrame:
    """Name areas in codes that no publisher uses: E0199…, E0599…, and ``Hackney 901A``."""
    words = PLANTED["words"]
    invented = np.array([a + b for a in words["ward_starts"] for b in words["ward_ends"]])
    owner = pd.Series(borough).groupby(ward).first()
    names = owner.groupby(owner).transform(lambda own: rng.choice(invented, len(own), False))
    rank = pd.Series(borough).groupby(borough).cumcount()
    titles = zip(table["borough_name"].to_numpy()[borough], rank, strict=True)
    return pd.DataFrame({
        "lsoa_code": [f"E0199{number:04d}" for number in range(1, len(borough) + 1)],
        "lsoa_name": [f"{title} {901 + n // 5}{'ABCDE'[n % 5]}" for title, n in titles],
        "ward_code": [f"E0599{number:04d}" for number in ward + 1],
        "ward_name": names.to_numpy()[ward],
        "borough": borough,
    })  # fmt: skip


def _draw_hotspots(borough: np.ndarray, links: csr_array, rng: np.random.Generator) -> np.ndarray:
    """Mark one area and three that touch it in each borough, away from the borough boundary."""
    pair = links.tocoo()
    edge = np.bincount(pair.row, borough[pair.row] != borough[pair.col]) > 0
    hotspot = np.zeros(len(borough), dtype=bool)
    for row in np.flatnonzero(np.bincount(borough) >= _SMALLEST):
        centre = rng.choice(np.flatnonzero(~edge & (borough == row)))
        hotspot[[centre, *rng.choice(links[[centre]].indices, 3, replace=False)]] = True
    return hotspot


def _draw_residents(hotspot: np.ndarray, rng: np.random.Generator, scale: float) -> np.ndarray:
    """Draw residents by age; hotspots get the mean, so that rate and count are as high."""
    knots = [0, 5, 16, 19, 24, 31, 40, 55, 70, 90]
    profile = np.interp(AGES, knots, [1.2, 1.2, 1.1, 1.2, 1.6, 2.0, 1.5, 1.15, 0.65, 0.3])
    spread = rng.normal(0, 1, (2, len(hotspot), 1)) * ~hotspot[:, None]
    total = (1780 + 160 * spread[0]).clip(1100, 2600) * scale
    tilt = profile * np.exp(0.25 * spread[1] * (25 - AGES) / 40)
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
