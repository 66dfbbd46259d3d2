"""An invented borough of square areas, with a neighbour, records or published counts."""

import types

import geopandas as gpd
import numpy as np
import pandas as pd
from shapely.geometry import box

from sna.settings import Settings

X, Y = 530_000, 180_000
OWN, OTHER = "E09000012", "E09000033"


def areas(side, level="ward", cell=1000):
    """Return a borough of side × side squares, and a column of another borough to its east."""
    rows = []
    for column in range(side + 1):
        for row in range(side):
            west, south = X + cell * column, Y + cell * row
            number = column * side + row
            code = f"E05{number:06d}" if level == "ward" else f"E01{number:06d}"
            rows.append((code, f"Area {number}", level, 2024, OWN if column < side else OTHER,
                         box(west, south, west + cell, south + cell)))  # fmt: skip
    names = ["area_code", "area_name", "area_level", "edition", "borough_code", "geometry"]
    return gpd.GeoDataFrame(rows, columns=names, geometry="geometry", crs=27700)


def borough(side=6, months=24, mean=4.0, hot=(), level="ward", source="mps_ward", seed=1,
            edition="public", **more):  # fmt: skip
    """Return what `sna.load_borough` would, with `hot` areas at three times the mean."""
    shapes = areas(side, level)
    own = shapes["borough_code"] == OWN
    rng = np.random.default_rng(seed)
    level_mean = np.where(shapes.index.isin(hot), 3 * mean, mean)
    when = pd.date_range(end="2025-03-01", periods=months, freq="MS")
    count = rng.poisson(level_mean[:, None], (len(shapes), months))
    rows = pd.DataFrame(
        {
            "source": source,
            "release_class": "restricted" if source == "extract" else "open",
            "month": np.tile(when, len(shapes)),
            "borough_code": np.repeat(shapes["borough_code"].to_numpy(), months),
            f"{level}_code": np.repeat(shapes["area_code"].to_numpy(), months),
            "published_category": "MPS | VIOLENCE AGAINST THE PERSON | VIOLENCE WITH INJURY",
            "band": "core" if source == "extract" else "indeterminate",
            "offences": count.ravel(),
        }
    )
    rows = rows[rows["offences"] > 0]
    people = pd.DataFrame(
        {"area_code": shapes["area_code"], "area_level": level, "population_year": 2021,
         "population": 10_000.0, "ethnic_group": "all", "sex": "all", "source": "census"}
    )  # fmt: skip
    mine = rows["borough_code"] == OWN
    given = {
        "borough_code": OWN, "borough_name": "Hackney", "edition": edition,
        "end_month": pd.Timestamp("2025-03-01"), "offences": rows[mine], "around": rows[~mine],
        "areas": shapes, "population": people, "area_lookup": None, "people": None,
        "settings": Settings(), "simulated": True, "inputs": [], "outcomes": None,
    }  # fmt: skip
    assert own.sum() == side**2
    return types.SimpleNamespace(**{**given, **more})
