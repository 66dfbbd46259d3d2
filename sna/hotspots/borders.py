"""Across borders, into harm, and into hours: offences beyond a single count of a borough."""

from typing import Any

import numpy as np
import pandas as pd
import shapely

from sna.definitions import boroughs
from sna.errors import TableError, UsageError
from sna.hotspots.areas import AreaCounts
from sna.hotspots.local import find_hotspots

_FLOWS = ("people", "people_of_role", "home_borough", "area_level", "period_months",
          "period_start", "period_end")  # fmt: skip


def find_straddling(counts: AreaCounts) -> pd.DataFrame:
    """Return the areas of hotspots that lie on both sides of the border, by ``group`` that touches.

    Both sides are tested on one map; empty where no hotspot crosses the border.
    """
    from scipy.sparse.csgraph import connected_components

    found = find_hotspots(counts.areas.assign(is_tested=True), counts.neighbours)
    hot = np.flatnonzero(found["is_hotspot"])
    _, group = connected_components(counts.neighbours.matrix[hot][:, hot], directed=False)
    made = found.iloc[hot].assign(group=group)
    made = made[made.groupby("group")["borough_code"].transform("nunique") > 1]
    return made.assign(group=pd.factorize(made["group"])[0] + 1).reset_index(drop=True)


def count_near_border(
    points: pd.DataFrame, ground: Any, *, within_m: tuple[float, ...] = (100, 250, 500)
) -> pd.DataFrame:
    """Count points within so many metres of a boundary, on both sides; bands hold each other."""
    at = shapely.points(points["easting"].to_numpy(float), points["northing"].to_numpy(float))
    far, inside = shapely.distance(at, ground.boundary), shapely.intersects(ground, at)
    rows = [
        (m, int((inside & (far <= m)).sum()), int((~inside & (far <= m)).sum())) for m in within_m
    ]
    return pd.DataFrame(rows, columns=["within_m", "inside", "outside"])


def count_flows(data: Any, *, months: int = 36) -> pd.DataFrame:
    """Count people by role and home borough (``unknown`` too), for offences in the borough."""
    end, people = pd.Timestamp(data.end_month), data.people
    by = ["person_role", "home_borough_code", "source", "release_class"]
    if people is None or "home_borough_code" not in people or not len(people):
        return pd.DataFrame(columns=[*by, *_FLOWS])
    known = people["home_borough_code"].notna().groupby(people["source"], observed=True)
    recent = people["month"].between(end - pd.DateOffset(months=months - 1), end)
    kept = people[recent & known.transform("any")]
    home = kept["home_borough_code"].astype("object").fillna("unknown")
    made = kept.assign(home_borough_code=home).astype(dict.fromkeys(by, "str"))
    made = made.groupby(by, as_index=False)["people"].sum()
    whole = made.groupby("person_role")["people"].transform("sum")
    names = boroughs().set_index("borough_code")["borough_name"]
    home = made["home_borough_code"].map(names).fillna(made["home_borough_code"])
    return made.assign(
        people_of_role=whole, home_borough=home, area_level="borough", period_months=months,
        period_start=end - pd.DateOffset(months=months - 1), period_end=end + pd.offsets.MonthEnd(),
    )  # fmt: skip


def add_harm(offences: pd.DataFrame, weights: pd.DataFrame) -> pd.DataFrame:
    """Add ``harm`` (offences times ``weight``) and ``harm_coverage`` from the user's weights.

    Coverage is the share of offences whose code has a weight. Published categories hold many codes
    of very unlike harm and are refused.
    """
    blank = pd.Series(None, offences.index, "object")
    code = offences.get("offence_code", blank).astype("object")
    if code.isna().any():
        raise UsageError(
            f"{code.isna().sum():,} of {len(offences):,} rows have no offence code to weigh.",
            where="offences, column offence_code",
            found=offences.get("published_category", blank)[code.isna()].dropna().unique(),
            do="Use a record extract; a published category mixes offences of very unlike harm.",
        )
    if weights["offence_code"].duplicated().any() or not (weights["weight"] >= 0).all():
        raise TableError(
            "The weights repeat a code or hold a missing or negative weight.", where="weights",
            found=weights.loc[weights["offence_code"].duplicated(), "offence_code"],
            do="Give one weight of 0 or more for each offence code.",
        )  # fmt: skip
    weight = code.map(weights.set_index("offence_code")["weight"]).astype(float)
    known, whole = offences.loc[weight.notna(), "offences"].sum(), offences["offences"].sum()
    return offences.assign(
        harm=offences["offences"] * weight, harm_coverage=known / whole if whole else np.nan
    )


def aoristic_hours(begin: pd.Series, end: pd.Series) -> pd.DataFrame:
    """Share each offence evenly over the hours of the week in which it can have happened.

    One row a weekday (0 is Monday) and hour; offences without both times are left out, and more
    than seven days say nothing: 1/168 each. Ratcliffe (2000), IJGIS 14, 669-679.
    """
    known = begin.notna() & end.notna() & (end >= begin)
    start, stop = (
        pd.to_datetime(part[known]).to_numpy("datetime64[s]").astype(float) / 3600
        for part in (begin, end)
    )
    long = stop - start > 168
    week = np.full(168, long.sum() / 168)
    start, stop = start[~long], stop[~long]
    length, first = stop - start, np.floor(start).astype(np.int64)
    for step in range(int((np.ceil(stop) - first).max(initial=0)) + 1):
        part = np.minimum(stop, first + step + 1) - np.maximum(start, first + step)
        share = np.clip(part, 0, None) / np.where(length > 0, length, 1)
        share = np.where(length == 0, float(step == 0), share)
        np.add.at(week, (first + step + 72) % 168, share)  # hour 0 of 1970 was a Thursday
    return pd.DataFrame(
        {"weekday": np.repeat(range(7), 24), "hour": np.tile(range(24), 7), "offences": week}
    )
