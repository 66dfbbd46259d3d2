"""From a borough's data to one row an area: which offences, which level, how many residents."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from sna.errors import CoverageError
from sna.geography import Neighbours, find_neighbours

# Best first. Published counts come with the labels that definition.md 9 allows as a proxy below
# the borough; police.uk categories are never a proxy and say so.
_VIOLENT = (
    "homicide",
    "violence with injury",
    "rape",
    "other sexual offences",
    "robbery of personal property",
)
_SERIES = {
    "extract": "serious violence (core), records",
    "mps_ward": "violence with injury, sexual offences and personal robbery, a proxy",
    "mps_lsoa": "violence with injury and personal robbery, a proxy",
    "police_uk_street": "police.uk violence, sexual offences and robbery, not a proxy",
    "camden_street": "police.uk violence, sexual offences and robbery, not a proxy",
}
_STREET = ("violence and sexual offences", "robbery")
AIRPORT_WARD = "E05013570"  # Heathrow Villages, published under the airport police


@dataclass(frozen=True)
class AreaCounts:
    """Counts by area and month, what they count, and who touches whom.

    ``areas``: one row an area with ``area_code``, ``area_name``, ``area_level``, ``borough_code``,
    ``is_tested`` (in the borough), ``offences``, ``population``, ``area_km2``, ``months``,
    ``period_months``, ``source``, ``release_class``. ``monthly``: one row an area and month,
    complete. ``unplaced``: offences of the series without such an area.
    """

    areas: pd.DataFrame
    monthly: pd.DataFrame
    neighbours: Neighbours
    measure: str
    unplaced: int


def select_series(offences: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of the best series that has places, with ``measure`` saying what it counts.

    Records that are core first, then the published subgroups that may stand in for them, then
    police.uk categories; series are never mixed.
    """
    for source, measure in _SERIES.items():
        rows = offences[offences["source"].astype("str") == source]
        if source == "extract":
            rows = rows[rows["band"].astype("str") == "core"]
        elif len(rows):
            label = rows["published_category"].astype("str").str.split("|").str[-1].str.strip()
            allowed = _STREET if "street" in source else _VIOLENT
            rows = rows[label.str.casefold().isin(allowed)]
        if len(rows) and _levels(rows):
            return rows.assign(measure=measure)
    raise CoverageError(
        "No offences of this borough can be placed in a ward or a small area.",
        where="offences",
        found=offences["source"].astype("str").unique(),
        do="Add the MPS ward counts or a record extract to data/raw and build again.",
    )


def _levels(rows: pd.DataFrame) -> list[str]:
    return [
        level
        for level in ("lsoa", "ward")
        if f"{level}_code" in rows and rows[f"{level}_code"].notna().mean() > 0.5
    ]


def choose_level(rows: pd.DataFrame, data: Any) -> str:
    """Return lsoa where it may be shown, else ward: restricted rows stay at ward in public."""
    levels = _levels(rows)
    is_open = (rows["release_class"].astype("str") == "open").all()
    shared = data.edition == "partner" and all(
        data.settings.has_agreement(source) for source in rows["source"].astype("str").unique()
    )
    can_ward = "ward" in levels or _has_lookup(data)
    return "lsoa" if "lsoa" in levels and (is_open or shared or not can_ward) else "ward"


def _has_lookup(data: Any) -> bool:
    lookup = getattr(data, "area_lookup", None)
    return lookup is not None and "ward_code" in lookup and bool(lookup["ward_code"].notna().any())


def count_areas(data: Any, *, months: int = 36, level: str | None = None) -> AreaCounts:
    """Count the borough's offences by ward or LSOA over the last months that are published.

    Offences recorded in an area are not offences by the people who live there.

    Parameters
    ----------
    data
        The borough, from `sna.load_borough`; ``data.around`` (offences of touching boroughs), if
        there, lets areas at the border see their neighbours.
    months
        Longest period counted, in months, ending with ``data.end_month``.
    level
        ``ward`` or ``lsoa``; by default the finest that the edition may show.

    Returns
    -------
    AreaCounts
        Complete counts: an area where nothing was recorded is a row with 0.

    Raises
    ------
    CoverageError
        No series with places, no polygons of the level, or no published month.
    """
    rows = select_series(data.offences)
    around = getattr(data, "around", None)
    if around is not None and len(around):
        same = around["source"].astype("str").isin(rows["source"].astype("str").unique())
        rows = pd.concat([rows, select_series(around[same])]) if same.any() else rows
    level = level or choose_level(rows, data)
    rows, first, last = _window(rows, data, months)
    shapes, code = _shapes(data, level), _codes(rows, level, data)
    near = find_neighbours(shapes)
    inside = shapes["borough_code"].astype("str") == data.borough_code
    shown = set(shapes.loc[inside, "area_code"])
    if around is not None and len(around):
        have = set(code.dropna()) - shown
        shown |= have & set(near.codes[(near.matrix @ inside.to_numpy(float)) > 0])
    shapes = shapes[shapes["area_code"].isin(shown)].reset_index(drop=True)
    monthly = _monthly(rows.assign(area_code=code), shapes["area_code"], first, last)
    total = monthly.groupby("area_code", sort=False)["offences"].sum()
    own = rows["borough_code"].astype("str") == data.borough_code
    placed = code.isin(shapes["area_code"])
    source = rows["source"].astype("str").iloc[0]
    areas = pd.DataFrame(
        {
            "area_code": shapes["area_code"],
            "area_name": shapes.get("area_name", shapes["area_code"]).astype("str"),
            "area_level": level,
            "borough_code": shapes["borough_code"].astype("str"),
            "is_tested": shapes["borough_code"].astype("str") == data.borough_code,
            "offences": total.reindex(shapes["area_code"]).to_numpy(),
            "population": _residents(data, level).reindex(shapes["area_code"]).to_numpy(float),
            "area_km2": shapes.geometry.area.to_numpy() / 1e6,
            "period_start": first,
            "period_end": last + pd.offsets.MonthEnd(),
            "period_months": len(pd.date_range(first, last, freq="MS")),
            "source": source,
            "release_class": _strictest(rows),
        }
    )
    unplaced = int(rows.loc[own & ~placed, "offences"].sum())
    return AreaCounts(areas, monthly, near.take(areas["area_code"]), rows["measure"].iloc[0],
                      unplaced)  # fmt: skip


def _strictest(rows: pd.DataFrame) -> str:
    order = ("open", "restricted", "person_level")
    return max(rows["release_class"].astype("str").unique(), key=order.index)


def _window(
    rows: pd.DataFrame, data: Any, months: int
) -> tuple[pd.DataFrame, pd.Timestamp, pd.Timestamp]:
    end = pd.Timestamp(data.end_month)
    start = end - pd.DateOffset(months=months - 1)
    kept = rows[rows["month"].between(start, end)]
    if kept.empty:
        raise CoverageError(
            f"No month up to {end:%B %Y} is published at area level.",
            where="offences",
            found=[f"{rows['month'].min():%Y-%m} to {rows['month'].max():%Y-%m}"],
            do="Choose an end month inside the published period.",
        )
    return kept, max(start, kept["month"].min()), kept["month"].max()


def _codes(rows: pd.DataFrame, level: str, data: Any) -> pd.Series:
    """Area code of each row; a ward is looked up from the LSOA where the row names none."""
    name = f"{level}_code"
    code = rows[name].astype("object") if name in rows else pd.Series(None, rows.index, "object")
    if level == "ward" and "lsoa_code" in rows and _has_lookup(data):
        pairs = data.area_lookup[["lsoa_code", "ward_code"]].dropna().astype("object")
        wards = pairs.drop_duplicates("lsoa_code").set_index("lsoa_code")["ward_code"]
        code = code.where(code.notna(), rows["lsoa_code"].astype("object").map(wards))
    return code


def _shapes(data: Any, level: str) -> Any:
    shapes = data.areas[data.areas["area_level"].astype("str") == level]
    if len(shapes):
        shapes = shapes[shapes["edition"] == shapes["edition"].max()]
    if not len(shapes) or not (shapes["borough_code"].astype("str") == data.borough_code).any():
        raise CoverageError(
            f"There are no {level} boundaries for {data.borough_name}.",
            where="areas",
            do="Add the ONS boundaries of that level to data/raw and build again.",
        )
    return shapes.sort_values("area_code").reset_index(drop=True)


def _monthly(
    rows: pd.DataFrame, codes: pd.Series, first: pd.Timestamp, last: pd.Timestamp
) -> pd.DataFrame:
    grid = pd.MultiIndex.from_product(
        [codes, pd.date_range(first, last, freq="MS")], names=["area_code", "month"]
    )
    total = rows.groupby(["area_code", "month"], observed=True)["offences"].sum()
    return total.reindex(grid, fill_value=0).astype("int64").reset_index()


def _residents(data: Any, level: str) -> "pd.Series[float]":
    """Residents of each area; wards are added up from LSOAs where no estimate is published."""
    people = data.population
    if people is None or not len(people):
        return pd.Series(dtype=float)
    for column in ("ethnic_group", "sex"):
        if column in people and (people[column].astype("str") == "all").any():
            people = people[people[column].astype("str") == "all"]
    found = _latest(people[people["area_level"].astype("str") == level])
    if len(found) or level == "lsoa" or not _has_lookup(data):
        return found
    small = _latest(people[people["area_level"].astype("str") == "lsoa"])
    pairs = data.area_lookup[["lsoa_code", "ward_code"]].dropna().astype("object")
    pairs = pairs.drop_duplicates("lsoa_code").set_index("lsoa_code")["ward_code"]
    return small.groupby(small.index.map(pairs)).sum()


def _latest(people: pd.DataFrame) -> "pd.Series[float]":
    if people.empty:
        return pd.Series(dtype=float)
    people = people[people["population_year"] == people["population_year"].max()]
    if {"age_lower", "age_upper"} <= set(people):
        whole = (people["age_lower"] == 0) & (people["age_upper"] >= 999)
        people = people[whole] if whole.any() else people
    return people.groupby(people["area_code"].astype("object"))["population"].sum()


def add_density(counts: pd.DataFrame) -> pd.DataFrame:
    """Add offences per square kilometre, for town centres where few people live."""
    size = counts["area_km2"].to_numpy(float)
    return counts.assign(
        offences_per_km2=np.where(
            size > 0, counts["offences"] / np.where(size > 0, size, 1), np.nan
        )
    )
