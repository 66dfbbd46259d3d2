"""From a borough's data to one row an area: which offences, which level, how many residents."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import pandas as pd

from sna.counts import area_population, count_by_month, label_of, strictest, wards_of
from sna.definitions import area_series, boroughs
from sna.disclosure.suppress import as_published
from sna.errors import CoverageError, NothingToShowError
from sna.geography import Neighbours, find_neighbours
from sna.schemas.store_tables import is_core

ORIGIN = ["source", "release_class", "area_level", "period_start", "period_end", "period_months"]
LEAST_SHARE = 0.5  # of the best series' offences a month, for a finer series to count as complete


@dataclass(frozen=True)
class AreaCounts:
    """Counts by area and month, what they count, and who touches whom.

    ``areas``: one row an area, those beyond the border with ``is_tested`` False; ``shown``: its
    offences as published, for what could be turned back into them; ``as_shown`` makes other counts
    of this series so. ``monthly``: one row an area and month, complete. ``unplaced``: offences of
    the series without such an area.
    """

    areas: pd.DataFrame
    monthly: pd.DataFrame
    neighbours: Neighbours
    measure: str
    unplaced: int
    as_shown: Callable[[Any], Any]


def find_series(offences: pd.DataFrame) -> Iterator[pd.DataFrame]:
    """Give the rows of each series, best first, with ``measure``; series are never mixed."""
    source = offences["source"].astype("str")
    for name, measure, labels in area_series().to_numpy().tolist():
        rows = offences[source == name]
        rows = rows[label_of(rows).isin(labels.split("|"))] if labels else rows[is_core(rows)]
        if len(rows):
            yield rows.assign(measure=measure)


def select_series(offences: pd.DataFrame) -> list[pd.DataFrame]:
    """Return the series that can be placed in a ward or a small area, best first."""
    found = [rows for rows in find_series(offences) if _levels(rows)]
    if found:
        return found
    raise NothingToShowError(
        "No offences of this borough can be placed in a ward or a small area.",
        where="offences",
        found=offences["source"].astype("str").unique(),
        do="Add the MPS ward counts or a record extract to data/raw and build again.",
    )


def _levels(rows: pd.DataFrame) -> list[str]:
    names = {"lsoa": "lsoa_code", "ward": "ward_code"}
    return [k for k, name in names.items() if name in rows and rows[name].notna().mean() > 0.5]


def choose_level(rows: pd.DataFrame, data: Any) -> str:
    """Return lsoa where it may be shown, else ward: restricted rows stay at ward in public.

    Where the borough has boundaries of wards only, it is ward too.
    """
    levels, sources = _levels(rows), set(rows["source"].astype("str"))
    shared = data.edition == "partner" and sources <= set(data.settings.agreements)
    is_open = (rows["release_class"].astype("str") == "open").all()
    can_ward = "ward" in levels or len(wards_of(data.area_lookup)) > 0
    own = data.areas["borough_code"].astype("str").eq(data.borough_code)
    drawn = set(data.areas.loc[own, "area_level"])
    can_lsoa = "lsoa" in levels and ("lsoa" in drawn or not (can_ward and "ward" in drawn))
    return "lsoa" if can_lsoa and (is_open or shared or not can_ward) else "ward"


def count_areas(
    data: Any,
    *,
    around: pd.DataFrame | None = None,
    months: int = 36,
    finest: bool = False,
    level: str = "",
) -> AreaCounts:
    """Count the borough's offences by ward or LSOA over the last published months, zeros kept.

    Offences recorded in an area are not offences by the people who live there. The best series is
    counted at the finest level the edition may show it; with ``finest`` it is the best series that
    may be shown by LSOA, if there is one. ``around`` (of `sna.store.load_around`) lets areas at
    the border see their neighbours.
    """
    found = select_series(data.offences)
    rows = found[0]
    if finest or level == "lsoa":  # strays of another force are no map of the borough
        least = LEAST_SHARE * _a_month(rows)
        full = [part for part in found if _a_month(part) >= least]
        rows = next((part for part in full if choose_level(part, data) == "lsoa"), rows)
    level = level or choose_level(rows, data)
    beside = _known_around(rows, around, data)
    rows = pd.concat([rows, beside]) if len(beside) else rows
    rows, months_of = _window(rows, pd.Timestamp(data.end_month), months)
    shapes, near = _areas_of(data, level)
    code = area_codes(rows, level, data)
    own = shapes["borough_code"].astype("str").eq(data.borough_code)
    keep = own | shapes["area_code"].isin(code) & (near.matrix @ own.to_numpy(float) > 0)
    shapes = shapes[keep if len(beside) else own].reset_index(drop=True)
    grid = pd.DataFrame({"area_code": shapes["area_code"], "offences": 0, "month": months_of[0]})
    placed = rows.assign(area_code=code)[code.isin(shapes["area_code"])]
    counted = pd.concat([grid, placed[["area_code", "month", "offences"]]])
    window = {"start_month": months_of[0], "end_month": months_of[-1]}
    monthly = count_by_month(counted, **window, by=["area_code"])
    areas = _describe(shapes, rows, months_of, data)
    total = areas["area_code"].map(monthly.groupby("area_code")["offences"].sum())
    classed = {name: str(areas[name].iloc[0]) for name in ("release_class", "source")}
    as_shown: Any = partial(as_published, data=data, **classed)
    mine = rows["borough_code"].astype("str").eq(data.borough_code)
    return AreaCounts(
        areas.assign(offences=total.astype("int64"), shown=as_shown(total).astype("int64")),
        monthly[["area_code", "month", "offences"]],
        near.take(areas["area_code"]),
        str(rows["measure"].iloc[0]),
        int(rows.loc[mine & ~code.isin(shapes["area_code"]), "offences"].sum()),
        as_shown,
    )


def _window(
    rows: pd.DataFrame, end: pd.Timestamp, months: int
) -> tuple[pd.DataFrame, pd.DatetimeIndex]:
    """Rows of the last months up to the end month, and every month from first to last."""
    start, given = end - pd.DateOffset(months=months - 1), rows["month"]
    kept = rows[given.between(start, end)]
    if kept.empty:
        raise CoverageError(
            f"No month up to {end:%B %Y} is published at area level.",
            where="offences",
            found=f"{given.min():%Y-%m} to {given.max():%Y-%m}",
            do="Choose an end month inside the published period.",
        )
    return kept, pd.date_range(kept["month"].min(), kept["month"].max(), freq="MS")


def _areas_of(data: Any, level: str) -> tuple[Any, Neighbours]:
    """Newest polygons of a level, in order of their codes, and which of them touch."""
    shapes = data.areas[data.areas["area_level"].astype("str") == level]
    shapes = shapes[shapes["edition"] == shapes["edition"].max()].sort_values("area_code")
    if not shapes["borough_code"].astype("str").eq(data.borough_code).any():
        named = {"lsoa": "LSOA"}.get(level, level)
        raise NothingToShowError(
            f"There are no {named} boundaries for {data.borough_name}, so offences have no place.",
            where="areas",
            do="Add the ONS boundaries of that level to data/raw and build again.",
        )
    return shapes, find_neighbours(shapes)


def _a_month(rows: pd.DataFrame) -> float:
    return float(rows["offences"].sum() / max(rows["month"].nunique(), 1))


def _known_around(rows: pd.DataFrame, around: pd.DataFrame | None, data: Any) -> pd.DataFrame:
    """Rows of the touching boroughs that this source covers, not those it has strays in."""
    beside = rows.head(0) if around is None else around
    beside = beside[beside["source"].astype("str") == rows["source"].iloc[0]]
    found = next(find_series(beside), None)
    if found is None:
        return rows.head(0)
    borough = found["borough_code"].astype("object")
    size = data.areas.groupby(data.areas["borough_code"].astype("object")).size()
    dense = borough.map(found.groupby(borough).apply(_a_month) / size)
    return found[dense >= 0.1 * _a_month(rows) / max(int(size.get(data.borough_code, 1)), 1)]


def _describe(shapes: Any, rows: pd.DataFrame, months: pd.DatetimeIndex, data: Any) -> pd.DataFrame:
    level, borough = str(shapes["area_level"].iloc[0]), shapes["borough_code"].astype("str")
    workday = data.settings.own_table("workday_population")
    residents = area_population(data.population, level, data.area_lookup)
    workday = {} if workday is None else workday.set_index("area_code")["population"]
    return pd.DataFrame(
        {
            "area_code": shapes["area_code"],
            "area_name": _names(shapes, level, data),
            "area_level": level,
            "borough_code": borough,
            "is_tested": borough == data.borough_code,
            "population": shapes["area_code"].map(residents).astype(float),
            "workday_population": shapes["area_code"].map(workday).astype(float),
            "area_km2": shapes.geometry.area / 1e6,
            "period_start": months[0],
            "period_end": months[-1] + pd.offsets.MonthEnd(),
            "period_months": len(months),
            "source": rows["source"].astype("str").iloc[0],
            "release_class": strictest(rows["release_class"]),
        }
    )


def _names(shapes: Any, level: str, data: Any) -> pd.Series:
    """Name each area; a small area with its ward, since its own name says nothing to a reader."""
    own = shapes.get("area_name", shapes["area_code"]).astype("str")
    if level != "lsoa":
        return own
    wards = data.areas[data.areas["area_level"].astype("str") == "ward"].sort_values("edition")
    known = dict(
        zip(wards["area_code"].astype("str"), wards["area_name"].astype("str"), strict=True)
    )
    ward = shapes["area_code"].map(wards_of(data.area_lookup)).map(known)
    return own.where(ward.isna(), own + " (" + ward.astype("str") + ")")


def area_codes(rows: pd.DataFrame, level: str, data: Any) -> "pd.Series[Any]":
    """Area code of each row; a ward is looked up from the LSOA where the row names none."""
    code = rows.get(f"{level}_code", pd.Series(None, rows.index, "object")).astype("object")
    if level == "ward" and "lsoa_code" in rows:
        code = code.where(
            code.notna(), rows["lsoa_code"].astype("object").map(wards_of(data.area_lookup))
        )
    return code


def count_boroughs(data: Any, *, months: int = 12) -> pd.DataFrame:
    """Count every borough's offences over the last months: published proxies, else police.uk."""
    open_ones = data.counts[data.counts["source"].isin(["mps_borough", "police_uk_street"])]
    rows = next(find_series(open_ones), open_ones.assign(measure=""))
    last = rows["month"].max() if len(rows) else pd.Timestamp(data.end_month)
    start = last - pd.DateOffset(months=months - 1)
    rows = rows[rows["month"] >= start]
    total = rows.groupby(rows["borough_code"].astype("object"))["offences"].sum()
    table, residents = boroughs(), area_population(data.population, "borough")
    table = table[["borough_code", "borough_name"]]
    table = table[table["borough_code"].isin(total.index)].reset_index(drop=True)
    return table.assign(
        offences=table["borough_code"].map(total).astype("int64"),
        population=table["borough_code"].map(residents).astype(float),
        measure=rows["measure"].iloc[0] if len(rows) else "",
        source=rows["source"].astype("str").iloc[0] if len(rows) else "mps_borough",
        area_level="borough",
        release_class="open",
        period_months=months,
        period_start=start,
        period_end=last + pd.offsets.MonthEnd(),
    )
