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


def flags(codes, near, counts):
    table = pd.DataFrame({"area_code": codes, "offences": counts})
    return hotspots.find_hotspots(table, near)


def test_the_planted_hotspots_are_found_in_nine_of_ten_maps(london):
    """Every borough in turn: three years of its own areas, four of them at three times the mean."""
    lsoas, near, level = london
    big = lsoas.groupby("borough")["is_hotspot"].sum().loc[lambda planted: planted == 4].index
    found = 0
    for seed in range(SEEDS):
        rng = np.random.default_rng(seed)
        own = np.flatnonzero(lsoas["borough"] == big[seed % len(big)])
        hot = lsoas["is_hotspot"].to_numpy()[own]
        mean = 3 * YEARLY * level[own] * rng.gamma(25, 1 / 25, len(own))
        mean[hot] = PLANTED["hotspot_ratio"] * mean[~hot].mean()
        codes = lsoas["area_code"].iloc[own]
        made = flags(codes, near.take(codes), rng.poisson(mean))["is_hotspot"].to_numpy()
        found += made[hot].any()
    assert found / SEEDS >= 0.9


@pytest.mark.parametrize("spread", [0.2, 1.0], ids=["alike", "very uneven"])
@pytest.mark.parametrize("where", ["borough", "London"])
def test_maps_without_a_hotspot_stay_quiet(london, where, spread):
    """Levels differ between areas by chance (gamma), as often beside a high one as anywhere."""
    lsoas, near, _ = london
    alarms = np.zeros(2)
    for seed in range(SEEDS):
        rng = np.random.default_rng(seed)
        own = np.arange(len(lsoas))
        if where == "borough":
            own = np.flatnonzero(lsoas["borough"] == seed % lsoas["borough"].nunique())
        mean = YEARLY * rng.gamma(1 / spread**2, spread**2, len(own))
        codes = lsoas["area_code"].iloc[own]
        made = flags(codes, near.take(codes), rng.poisson(mean))
        alarms += [(made[name] <= 0.05).any() for name in ("p_adjusted", "moran_p_adjusted")]
    assert (alarms / SEEDS <= 0.08).all(), alarms / SEEDS
