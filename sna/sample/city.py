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
from scipy.spatial import Delaunay, cKDTree

FILES = resources.files("sna.sample")
PLANTED: dict[str, Any] = tomllib.loads((FILES / "planted.toml").read_text(encoding="utf-8"))
AGES = np.arange(91)
ENGLAND_LSOAS = 33755  # ranks of deprivation run from 1 to this
POINTS = 24  # anonymised places in each small area
_SMALLEST = 20  # a borough with fewer small areas gets no hotspot
_SURROUND = 700  # seeds of the ring outside the city, whose cells are thrown away


@dataclass(frozen=True)
class City:
    """Areas (one row a small area, with polygon) and residents by area, age, group and sex."""

    boroughs: pd.DataFrame
    lsoas: pd.DataFrame  # codes, names, borough (row), is_hotspot, ranks, geometry
    residents: np.ndarray  # small area × single year of age × ethnic group × sex (female, male)
    points: np.ndarray  # small area × point × (easting, northing)


def read_reference(name: str) -> pd.DataFrame:
    """Read a table of the simulation's own settings; codes stay text."""
    with (FILES / f"{name}.csv").open(encoding="utf-8") as file:
        return pd.read_csv(file, dtype={"offence_code": "str"})


def make_city(boroughs: list[str], *, scale: float, rng: np.random.Generator) -> City:
    """Draw the whole city, then keep `boroughs`; their areas do not depend on the choice."""
    table = read_reference("boroughs")
    borough, cells, links, points = _draw_areas(table, rng)
    ward = _draw_wards(points.mean(axis=1), borough, links, table["wards"], rng)
    hotspot = _draw_hotspots(borough, links, rng)
    income = 2.0 * table["risk"].to_numpy()[borough] + rng.normal(0, 1, len(cells))
    overall = income + rng.normal(0, 0.4, len(cells))
    lsoas = _name_areas(table, borough, ward, rng).assign(
        geometry=cells, is_hotspot=hotspot, income=_rank(income), overall=_rank(overall)
    )
    numbers = _draw_residents(hotspot, rng, scale)
    keep = np.flatnonzero(table["borough_name"].isin(boroughs).to_numpy()[borough])
    keep = keep[np.lexsort((lsoas["lsoa_code"].to_numpy()[keep], borough[keep]))]
    residents = _draw_groups(table["risk"].to_numpy(), borough[keep], numbers[keep], rng)
    rows, place = np.unique(borough[keep], return_inverse=True)
    lsoas = lsoas.iloc[keep].reset_index(drop=True).assign(borough=place)
    return City(table.iloc[rows].reset_index(drop=True), lsoas, residents, points[keep])


def _rank(score: np.ndarray) -> np.ndarray:
    """Return ranks among England's small areas, 1 for the highest score."""
    rank = np.argsort(np.argsort(-score)) * (ENGLAND_LSOAS / len(score)) + 1
    return rank.astype(np.int64)


def _draw_areas(
    table: pd.DataFrame, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, csr_array, np.ndarray]:
    """Return the borough row of each area, its polygon, which areas touch, and its points."""
    anchors = table[["east_km", "north_km"]].to_numpy() * 1000
    outline = shapely.MultiPoint(anchors).buffer(5200).buffer(2500).buffer(-2800)
    box = np.add(shapely.bounds(outline), [-5000, -5000, 5000, 5000])
    dust = rng.uniform(box[:2], box[2:], (120_000, 2))
    label = cKDTree(anchors).query(dust)[1]
    label = np.where(shapely.contains_xy(outline, dust), label, len(anchors))
    wanted = [*table["lsoas"], _SURROUND]
    seeds = np.vstack(
        [
            kmeans2(dust[label == row], size, iter=3, minit="points", rng=rng)[0]
            for row, size in enumerate(wanted)
        ]
    )
    size = len(seeds) - _SURROUND
    starts, near = Delaunay(seeds).vertex_neighbor_vertices
    links = csr_array((np.ones(len(near)), near, starts))[:size, :size]
    borough = _join_up(np.repeat(np.arange(len(anchors)), table["lsoas"]), links)
    straight = shapely.get_parts(shapely.voronoi_polygons(shapely.MultiPoint(seeds), ordered=True))
    reach = cKDTree(seeds).query(seeds[:size], k=2)[0][:, 1:] / 2  # a disc inside the cell
    away = 0.9 * reach * np.sqrt(rng.random((size, POINTS)))
    turn = rng.uniform(0, 2 * np.pi, (size, POINTS))
    points = seeds[:size, None] + np.stack([away * np.cos(turn), away * np.sin(turn)], axis=2)
    waves = np.vstack([rng.uniform(500, 1500, 6), rng.uniform(0, 2 * np.pi, (3, 6))])
    cells = shapely.transform(
        shapely.segmentize(straight[:size], 100), lambda line: _bend(line, waves)
    )
    points = _bend(points.reshape(-1, 2), waves).reshape(points.shape)
    return borough, cells, links, np.round(points)


def _bend(points: np.ndarray, waves: np.ndarray) -> np.ndarray:
    """Warp the plane gently, one-to-one, so that no border is straight."""
    length, heading, push, phase = waves
    along = 2 * np.pi / length * np.stack([np.cos(heading), np.sin(heading)])
    across = 0.022 * length * np.stack([np.cos(push), np.sin(push)])
    return np.asarray(np.round(points + np.sin(points @ along + phase) @ across.T, 1))


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
    seeds: np.ndarray, borough: np.ndarray, links: csr_array, wards: Any, rng: np.random.Generator
) -> np.ndarray:
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
    frame = pd.DataFrame({"borough": borough, "ward": ward})
    rank = frame.groupby("borough").cumcount()
    numbers = (901 + rank // 5).astype(str) + rank.mod(5).map(dict(enumerate("ABCDE")))
    return frame.assign(
        lsoa_code=[f"E0199{number:04d}" for number in frame.index + 1],
        lsoa_name=frame["borough"].map(table["borough_name"]) + " " + numbers,
        ward_code=[f"E0599{number:04d}" for number in ward + 1],
        ward_name=frame["ward"].map(names),
    )


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


def _draw_groups(
    risk: np.ndarray, borough: np.ndarray, numbers: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Split residents by ethnic group and sex; the planted group lives where risk is higher."""
    groups = read_reference("ethnic_groups")
    black = groups["five_group"].eq("Black").to_numpy()
    lift = np.exp(PLANTED["clustering"] * np.outer(risk - 1, black))
    share = rng.dirichlet(groups["share"] * 60 + 0.5, len(risk)) * lift
    share = rng.gamma(60 * share[borough] + 0.05) + 1e-9  # small areas vary around their borough
    chance = share[:, None] * np.exp(np.outer(35 - AGES, groups["age_tilt"]) / 60)
    chance = chance / chance.sum(axis=2, keepdims=True)
    both = np.stack([chance * 0.51, chance * 0.49], axis=3).reshape(*numbers.shape, -1)
    return rng.multinomial(numbers, both).astype(np.int32).reshape(*numbers.shape, len(groups), 2)
