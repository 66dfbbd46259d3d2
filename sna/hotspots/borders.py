"""Across borders, into harm, and into hours: offences beyond a single count of a borough."""

from typing import Any

import numpy as np
import pandas as pd
import shapely

from sna.errors import TableError, UsageError
from sna.hotspots.areas import AreaCounts
from sna.hotspots.local import find_hotspots


def find_straddling(counts: AreaCounts) -> pd.DataFrame:
    """Find hotspots that lie on both sides of the border, testing both sides on one map.

    One row an area of such a hotspot: ``group`` (areas that touch), ``area_code``, ``area_name``,
    ``borough_code``, ``offences``. Empty where no hotspot crosses the border.
    """
    from scipy.sparse.csgraph import connected_components

    every = counts.areas.assign(is_tested=True)
    found = find_hotspots(every, counts.neighbours)
    hot = np.flatnonzero(found["is_hotspot"])
    _, group = connected_components(counts.neighbours.matrix[hot][:, hot], directed=False)
    made = found.iloc[hot].assign(group=group)
    sides = made.groupby("group")["borough_code"].nunique()
    made = made[made["group"].map(sides).gt(1)]
    numbers = {old: new for new, old in enumerate(made["group"].unique(), start=1)}
    return made.assign(group=made["group"].map(numbers)).reset_index(drop=True)


def count_near_border(
    points: pd.DataFrame, ground: Any, *, within_m: tuple[float, ...] = (100, 250, 500)
) -> pd.DataFrame:
    """Count offences within so many metres of a borough's boundary, inside and outside it.

    ``points`` has ``easting`` and ``northing``; ``ground`` is the borough's polygon. The bands
    hold each other. One row a distance: ``within_m``, ``inside``, ``outside``.
    """
    at = shapely.points(points["easting"].to_numpy(float), points["northing"].to_numpy(float))
    shapely.prepare(ground)
    far, inside = shapely.distance(at, ground.boundary), shapely.intersects(ground, at)
    rows = [
        (m, int((inside & (far <= m)).sum()), int((~inside & (far <= m)).sum())) for m in within_m
    ]
    return pd.DataFrame(rows, columns=["within_m", "inside", "outside"])


def count_flows(data: Any, *, months: int = 36) -> pd.DataFrame:
    """Count people by role and by borough of residence, for offences in the borough.

    One row a role and home borough (``unknown`` where none is recorded): ``people``,
    ``people_of_role``, ``source``, ``release_class``. Where people live is known for some only.
    """
    end = pd.Timestamp(data.end_month)
    people = data.people
    if people is None or "home_borough_code" not in people:
        return pd.DataFrame(columns=["person_role", "home_borough_code", "people",
                                     "people_of_role", "source", "release_class"])  # fmt: skip
    recent = people["month"].between(end - pd.DateOffset(months=months - 1), end)
    kept = people[
        recent & people["home_borough_code"].notna().groupby(people["source"]).transform("any")
    ]
    home = kept["home_borough_code"].astype("object").fillna("unknown")
    by = ["person_role", "home_borough_code", "source", "release_class"]
    made = kept.assign(home_borough_code=home).astype(dict.fromkeys(by, "str"))
    made = made.groupby(by, as_index=False)["people"].sum()
    whole = made.groupby("person_role")["people"].transform("sum")
    return made.assign(people_of_role=whole, period_months=months)


def add_harm(offences: pd.DataFrame, weights: pd.DataFrame) -> pd.DataFrame:
    """Add ``harm`` (offences times weight) by offence code, from weights that the user supplies.

    ``weights`` has ``offence_code`` and ``weight``. Codes without a weight keep harm missing; say
    the coverage with `harm_coverage`. Published categories hold many codes and are refused.
    """
    coarse = (
        offences["offence_code"].isna()
        if "offence_code" in offences
        else pd.Series(True, offences.index)
    )
    if coarse.any():
        found = offences.loc[coarse].get("published_category", pd.Series(dtype="str"))
        raise UsageError(
            f"{coarse.sum():,} of {len(offences):,} rows have no offence code to weigh.",
            where="offences, column offence_code",
            found=found.dropna().astype("str").unique(),
            do="Use a record extract; a published category mixes offences of very unlike harm.",
        )
    if weights["offence_code"].duplicated().any() or not (weights["weight"] >= 0).all():
        raise TableError(
            "The weights repeat a code or hold a missing or negative weight.",
            where="weights",
            found=weights.loc[weights["offence_code"].duplicated(), "offence_code"],
            do="Give one weight of 0 or more for each offence code.",
        )
    weight = weights.set_index("offence_code")["weight"]
    return offences.assign(
        harm=offences["offences"]
        * offences["offence_code"].astype("object").map(weight).astype(float)
    )


def harm_coverage(offences: pd.DataFrame) -> float:
    """Share of offences that a weight was found for, after `add_harm`."""
    known = offences.loc[offences["harm"].notna(), "offences"].sum()
    return float(known / offences["offences"].sum()) if len(offences) else np.nan


def aoristic_hours(begin: pd.Series, end: pd.Series) -> pd.DataFrame:
    """Share each offence evenly over the hours of the week in which it can have happened.

    One row a weekday (0 is Monday) and hour: ``offences`` (parts add up to the offences with both
    times). More than seven days say nothing: 1/168 each.

    References: Ratcliffe (2000), International Journal of Geographical Information Science 14.
    """
    known = begin.notna() & end.notna() & (end >= begin)
    start, stop = (
        pd.to_datetime(part[known]).to_numpy("datetime64[s]").astype(float) for part in (begin, end)
    )
    hour0 = (np.floor(start / 3600)).astype(np.int64)
    week = np.zeros(168)
    long = stop - start > 7 * 86_400
    week += long.sum() / 168
    start, stop, hour0 = start[~long], stop[~long], hour0[~long]
    length = stop - start
    for step in range(int((np.ceil(stop / 3600) - hour0).max(initial=0)) + 1):
        low, high = (hour0 + step) * 3600.0, (hour0 + step + 1) * 3600.0
        part = np.clip(np.minimum(stop, high) - np.maximum(start, low), 0, None)
        whole = (length == 0) & (step == 0)
        share = np.where(whole, 1.0, part / np.where(length > 0, length, 1))
        np.add.at(week, (hour0 + step + 72) % 168, share)  # hour 0 of 1970 was a Thursday
    return pd.DataFrame(
        {"weekday": np.repeat(range(7), 24), "hour": np.tile(range(24), 7), "offences": week}
    )
