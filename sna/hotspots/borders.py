"""Across borders: hotspots on both sides, offences near the boundary, where people live."""

from typing import Any

import numpy as np
import pandas as pd
import shapely

from sna.definitions import boroughs
from sna.hotspots.areas import ORIGIN, AreaCounts
from sna.hotspots.local import find_hotspots

_KEYS = ["person_role", "home_borough_code", "source", "release_class"]


def find_straddling(counts: AreaCounts) -> pd.DataFrame:
    """Test both sides of the border on one map, and number the hotspots that lie on both.

    One row an area of the map; ``group`` is the hotspot it is part of, 0 where there is none that
    crosses the border.
    """
    from scipy.sparse.csgraph import connected_components

    areas = counts.areas.assign(is_tested=True, offences=counts.areas["shown"])
    found = find_hotspots(areas, counts.neighbours)
    hot = np.flatnonzero(found["is_hotspot"])
    _, piece = connected_components(counts.neighbours.matrix[hot][:, hot], directed=False)
    sides = found["borough_code"].iloc[hot].groupby(piece).nunique()
    number = {old: new for new, old in enumerate(sides.index[sides > 1], start=1)}
    group = np.zeros(len(found), dtype=int)
    group[hot] = [number.get(part, 0) for part in piece]
    return found.assign(group=group)


def count_near_border(
    counts: AreaCounts, data: Any, points: pd.DataFrame, *, within_m: tuple[int, ...] = (100, 500)
) -> pd.DataFrame:
    """Count offences in the areas at the border and, of exact points, within so many metres of it.

    The border is that with the areas whose offences are known. One row a band, for both sides; the
    bands in metres hold each other. ``points`` are those of `find_points`, here and beyond.
    """
    own = counts.areas["is_tested"].to_numpy(bool)
    beyond = counts.areas["borough_code"] != data.borough_code
    at_border = own & (counts.neighbours.matrix @ beyond.to_numpy(float) > 0)
    inside, outside = (counts.areas.loc[part, "offences"].sum() for part in (at_border, ~own))
    rows = [("in areas that touch the border", inside, outside)]
    if len(points):
        shapes = data.areas.drop_duplicates("area_code", keep="last").set_index("area_code")
        ground, other = (
            shapely.union_all(shapes.geometry.loc[counts.areas.loc[part, "area_code"]].to_numpy())
            for part in (own, ~own)
        )
        at = shapely.points(points[["easting", "northing"]].to_numpy(float))
        here = shapely.intersects(ground, at)
        far = shapely.distance(np.where(here, other, ground), at)  # from the other side
        for m in within_m:
            near = far <= m
            rows.append((f"within {m} metres", int((here & near).sum()), int((~here & near).sum())))
    made = pd.DataFrame(rows, columns=["band", "inside", "outside"])
    return made.assign(**counts.areas.iloc[0][ORIGIN])


def count_flows(data: Any, *, months: int = 36) -> pd.DataFrame:
    """Count people by role and home borough (``unknown`` too), for core offences in the borough.

    People of published tables, which name no offence, are counted as they are.
    """
    end, people = pd.Timestamp(data.end_month), data.people
    if people is None or "home_borough_code" not in people or not len(people):
        period = ("period_start", "period_end", "period_months", "area_level")
        return pd.DataFrame(columns=[*_KEYS, "people", "people_of_role", "home_borough", *period])
    start = end - pd.DateOffset(months=months - 1)
    known = people["home_borough_code"].notna().groupby(people["source"], observed=True)
    kept = people[people["month"].between(start, end) & known.transform("any")]
    if "offence_id" in kept and "offence_id" in data.offences:
        core = data.offences["band"].astype("str") == "core"
        core_ids = data.offences.loc[core, "offence_id"].dropna()
        kept = kept[kept["offence_id"].isna() | kept["offence_id"].isin(core_ids)]
    home = kept["home_borough_code"].astype("object").fillna("unknown")
    made = kept.assign(home_borough_code=home).astype(dict.fromkeys(_KEYS, "str"))
    made = made.groupby(_KEYS, as_index=False)["people"].sum()
    names = boroughs().set_index("borough_code")["borough_name"]
    home = made["home_borough_code"]
    return made.assign(
        people_of_role=made.groupby("person_role")["people"].transform("sum"),
        home_borough=home.map(names).fillna(home),
        area_level="borough",
        period_months=months,
        period_start=start,
        period_end=end + pd.offsets.MonthEnd(),
    )
