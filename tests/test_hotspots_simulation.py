"""Power and false alarms on the simulated London's own geometry: its areas and who touches whom."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest

from sna import geography, hotspots
from sna.definitions import boroughs
from sna.sample.city import ENGLAND_LSOAS, PLANTED, make_city

SEEDS = 200
YEARLY = 16.5  # offences an LSOA and year of the published proxies in the simulated London
LEVELS = {  # without a hotspot: how the areas' levels are drawn, from those of their own London
    "alike": lambda rng, own: rng.gamma(25, 1 / 25, len(own)),
    "its own levels": lambda rng, own: rng.permutation(own),
    "very uneven": lambda rng, own: rng.gamma(1, 1, len(own)),
    "a few towering": lambda rng, own: rng.pareto(2.2, len(own)) + 0.2,
}
pytestmark = pytest.mark.simulation


@pytest.fixture(scope="module")
def london():
    """Return LSOAs with borough, hotspot and chance of an offence, and their neighbours."""
    names = boroughs()["borough_name"].tolist()
    city = make_city(names, scale=1.0, rng=np.random.default_rng(2025))
    lsoas = city.lsoas.rename(columns={"lsoa_code": "area_code"})
    shapes = gpd.GeoDataFrame(lsoas, geometry="geometry", crs=27700)
    near = geography.find_neighbours(shapes)
    decile = (lsoas["income"].to_numpy() - 1) * 10 // ENGLAND_LSOAS + 1
    level = city.residents.sum(axis=(1, 2, 3)) * np.exp(PLANTED["deprivation_slope"] * decile)
    return lsoas, near, level / level.mean()


def flags(london, seed, own, mean):
    """Find hotspots among a map's own areas, with Poisson counts of these means."""
    lsoas, near, _ = london
    codes = lsoas["area_code"].iloc[own]
    counts = np.random.default_rng([seed, 1]).poisson(mean)
    table = pd.DataFrame({"area_code": codes, "offences": counts})
    return hotspots.find_hotspots(table, near.take(codes))


def test_the_planted_hotspots_are_found_in_nine_of_ten_maps(london):
    """Every borough in turn: three years of its own areas, four of them at three times the mean.

    A hotspot is found where at least two of its four areas are flagged.
    """
    lsoas, near, level = london
    big = lsoas.groupby("borough")["is_hotspot"].sum().loc[lambda planted: planted == 4].index
    found, far = np.zeros(5), 0
    for seed in range(SEEDS):
        rng = np.random.default_rng(seed)
        own = np.flatnonzero(lsoas["borough"] == big[seed % len(big)])
        hot = lsoas["is_hotspot"].to_numpy()[own]
        mean = 3 * YEARLY * level[own] * rng.gamma(25, 1 / 25, len(own))
        mean[hot] = PLANTED["hotspot_ratio"] * mean[~hot].mean()
        made = flags(london, seed, own, mean)["is_hotspot"].to_numpy()
        found += made[hot].sum() >= np.arange(5)
        apart = near.matrix[own][:, own] @ hot.astype(float) + hot == 0
        far += (made & apart).any()
    shares = found / SEEDS
    print("at least 1, 2, 3, 4 areas:", shares[1:], "any area away from it:", far / SEEDS)
    assert shares[1] >= 0.95
    assert shares[2] >= 0.9
    assert shares[3] >= 0.9
    assert far / SEEDS <= 0.08


@pytest.mark.parametrize(
    ("where", "kind"),
    [
        ("borough", "alike"),
        ("borough", "its own levels"),
        ("borough", "very uneven"),
        ("borough", "a few towering"),
        ("London", "alike"),
        ("London", "a few towering"),
    ],
)
def test_maps_without_a_hotspot_stay_quiet(london, where, kind):
    """Levels differ between areas by chance, as often beside a high one as anywhere."""
    lsoas, _, level = london
    alarms = np.zeros(2)
    for seed in range(SEEDS):
        rng = np.random.default_rng(seed)
        own = np.arange(len(lsoas))
        if where == "borough":
            own = np.flatnonzero(lsoas["borough"] == seed % lsoas["borough"].nunique())
        mean = YEARLY * LEVELS[kind](rng, level[own])
        made = flags(london, seed, own, mean)
        alarms += [(made[name] <= 0.05).any() for name in ("p_adjusted", "moran_p_adjusted")]
    print(where, kind, "Gi*, local Moran:", alarms / SEEDS)
    assert (alarms / SEEDS <= 0.08).all(), alarms / SEEDS
