"""From a borough's data to one row an area: which offences, which level, how many residents."""

from dataclasses import dataclass
from typing import Any

import pandas as pd

from sna.definitions import boroughs
from sna.errors import CoverageError
from sna.geography import Neighbours, find_neighbours

# Best first: source, what its rows count, and the published labels that count (definition.md 9).
_VIOLENT = ("homicide", "violence with injury", "rape", "other sexual offences",
            "robbery of personal property")  # fmt: skip
_STREET = ("violence and sexual offences", "robbery")
_SERIES = {
    "extract": ("serious violence (core), records", ()),
    "mps_ward": ("violence with injury, sexual offences and personal robbery, a proxy", _VIOLENT),
    "mps_lsoa": ("violence with injury and personal robbery, a proxy", _VIOLENT),
    "police_uk_street": ("police.uk violence, sexual offences and robbery, not a proxy", _STREET),
    "camden_street": ("police.uk violence, sexual offences and robbery, not a proxy", _STREET),
}
LEAST_SHARE = 0.5  # of the best series' offences a month, for a finer series to count as complete


@dataclass(frozen=True)
class AreaCounts:
    """Counts by area and month, what they count, and who touches whom.

    ``areas``: one row an area, those beyond the border with ``is_tested`` False. ``monthly``: one
    row an area and month, complete. ``unplaced``: offences of the series without such an area.
    """

    areas: pd.DataFrame
    monthly: pd.DataFrame
    neighbours: Neighbours
    measure: str
    unplaced: int


def select_series(offences: pd.DataFrame, usable: Any = None) -> pd.DataFrame:
    """Return the rows of the best series that has places, with ``measure`` saying what it counts.

    Core records first, then the published subgroups that may stand in for them, then police.uk
    categories; series are never mixed. ``usable`` (rows -> bool) may pass over a series.
    """
    for source, (measure, labels) in _SERIES.items():
        rows = offences[offences["source"].astype("str") == source]
        if not labels:
            rows = rows[rows["band"].astype("str") == "core"]
        elif len(rows):
            label = rows["published_category"].astype("str").str.split("|").str[-1].str.strip()
            rows = rows[label.str.casefold().isin(labels)]
        if len(rows) and _levels(rows) and (usable is None or usable(rows)):
            return rows.assign(measure=measure)
    if usable is not None:  # none is usable: the best of all
        return select_series(offences)
    raise CoverageError(
        "No offences of this borough can be placed in a ward or a small area.",
        where="offences",
        found=offences["source"].astype("str").unique(),
        do="Add the MPS ward counts or a record extract to data/raw and build again.",
    )


def _levels(rows: pd.DataFrame) -> list[str]:
    names = {"lsoa": "lsoa_code", "ward": "ward_code"}
    return [k for k, name in names.items() if name in rows and rows[name].notna().mean() > 0.5]


def choose_level(rows: pd.DataFrame, data: Any) -> str:
    """Return lsoa where it may be shown, else ward: restricted rows stay at ward in public."""
    levels, sources = _levels(rows), set(rows["source"].astype("str"))
    shared = data.edition == "partner" and sources <= set(data.settings.agreements)
    is_open = (rows["release_class"].astype("str") == "open").all()
    can_ward = "ward" in levels or len(_wards(data)) > 0
    return "lsoa" if "lsoa" in levels and (is_open or shared or not can_ward) else "ward"


def _wards(data: Any) -> "pd.Series[Any]":
    """Ward of each LSOA, best fit."""
    lookup = data.area_lookup
    if lookup is None or not {"lsoa_code", "ward_code"} <= set(lookup):
        return pd.Series(dtype="object")
    pairs = lookup[["lsoa_code", "ward_code"]].dropna().astype("object")
    return pairs.drop_duplicates("lsoa_code").set_index("lsoa_code")["ward_code"]


def count_areas(
    data: Any, *, around: pd.DataFrame | None = None, months: int = 36, finest: bool = False,
    level: str = "",
) -> AreaCounts:  # fmt: skip
    """Count the borough's offences by ward or LSOA over the last published months, zeros kept.

    Offences recorded in an area are not offences by the people who live there. The best series is
    counted at the finest level the edition may show it; with ``finest`` it is the best series that
    may be shown by LSOA, if there is one. ``around`` (of `sna.store.load_around`) lets areas at
    the border see their neighbours.
    """
    best = select_series(data.offences)

    def by_lsoa(rows: pd.DataFrame) -> bool:  # strays of another force are no map of the borough
        return choose_level(rows, data) == "lsoa" and _a_month(rows) >= LEAST_SHARE * _a_month(best)

    rows = select_series(data.offences, by_lsoa) if finest or level == "lsoa" else best
    if around is not None and len(around):
        same = around[around["source"].astype("str").isin(rows["source"].astype("str"))]
        rows = pd.concat([rows, _known_around(rows, same, data)])
    level = level or choose_level(rows, data)
    end = pd.Timestamp(data.end_month)
    start, given = end - pd.DateOffset(months=months - 1), rows["month"]
    rows = rows[given.between(start, end)]
    shapes = data.areas[data.areas["area_level"].astype("str") == level]
    shapes = shapes[shapes["edition"] == shapes["edition"].max()].sort_values("area_code")
    inside = shapes["borough_code"].astype("str").eq(data.borough_code).to_numpy(bool)
    if rows.empty or not inside.any():
        raise CoverageError(
            f"No month up to {end:%B %Y} is published at area level." if rows.empty
            else f"There are no {level} boundaries for {data.borough_name}.",
            where="offences" if rows.empty else "areas",
            found=f"{given.min():%Y-%m} to {given.max():%Y-%m}" if rows.empty else "",
            do="Choose an end month inside the published period." if rows.empty
            else "Add the ONS boundaries of that level to data/raw and build again.",
        )  # fmt: skip
    near, code = find_neighbours(shapes), area_codes(rows, level, data)
    touching = (near.matrix @ inside.astype(float) > 0) & shapes["area_code"].isin(code)
    keep = inside | (touching if around is not None and len(around) else False)
    shapes = shapes[keep].reset_index(drop=True)
    months_of = pd.date_range(max(start, rows["month"].min()), rows["month"].max(), freq="MS")
    monthly = _complete(rows.assign(area_code=code), shapes["area_code"], months_of)
    areas = _describe(shapes, rows, months_of, data).assign(
        offences=monthly["offences"].to_numpy().reshape(len(shapes), -1).sum(axis=1)
    )
    own = rows["borough_code"].astype("str").eq(data.borough_code)
    lost = int(rows.loc[own & ~code.isin(shapes["area_code"]), "offences"].sum())
    measure = str(rows["measure"].iloc[0])
    return AreaCounts(areas, monthly, near.take(areas["area_code"]), measure, lost)


def _a_month(rows: pd.DataFrame) -> float:
    return float(rows["offences"].sum() / max(rows["month"].nunique(), 1))


def _known_around(rows: pd.DataFrame, around: pd.DataFrame, data: Any) -> pd.DataFrame:
    """Rows of the touching boroughs that this source covers, not those it has strays in."""
    if not len(around):
        return around
    found = select_series(around)
    borough = found["borough_code"].astype("object")
    size = data.areas.groupby(data.areas["borough_code"].astype("object")).size()
    dense = borough.map(found.groupby(borough).apply(_a_month) / size)
    return found[dense >= 0.1 * _a_month(rows) / max(int(size.get(data.borough_code, 1)), 1)]


def _complete(rows: pd.DataFrame, codes: Any, months: pd.DatetimeIndex) -> pd.DataFrame:
    grid = pd.MultiIndex.from_product([codes, months], names=["area_code", "month"])
    total = rows.groupby(["area_code", "month"], observed=True)["offences"].sum()
    return total.reindex(grid, fill_value=0).astype("int64").reset_index()


def _describe(shapes: Any, rows: pd.DataFrame, months: pd.DatetimeIndex, data: Any) -> pd.DataFrame:
    order, level = ("open", "restricted", "person_level"), str(shapes["area_level"].iloc[0])
    borough = shapes["borough_code"].astype("str")
    return pd.DataFrame(
        {
            "area_code": shapes["area_code"],
            "area_name": shapes.get("area_name", shapes["area_code"]).astype("str"),
            "area_level": level,
            "borough_code": borough,
            "is_tested": borough == data.borough_code,
            "population": _residents(data, level).reindex(shapes["area_code"]).to_numpy(float),
            "area_km2": shapes.geometry.area.to_numpy() / 1e6,
            "period_start": months[0],
            "period_end": months[-1] + pd.offsets.MonthEnd(),
            "period_months": len(months),
            "source": rows["source"].astype("str").iloc[0],
            "release_class": max(rows["release_class"].astype("str").unique(), key=order.index),
        }
    )


def area_codes(rows: pd.DataFrame, level: str, data: Any) -> "pd.Series[Any]":
    """Area code of each row; a ward is looked up from the LSOA where the row names none."""
    code = rows.get(f"{level}_code", pd.Series(None, rows.index, "object")).astype("object")
    if level == "ward" and "lsoa_code" in rows:
        code = code.where(code.notna(), rows["lsoa_code"].astype("object").map(_wards(data)))
    return code


def _residents(data: Any, level: str) -> "pd.Series[float]":
    """Residents of each area; wards are added up from LSOAs where no estimate is published."""
    people = data.population
    if people is None or not len(people):
        return pd.Series(dtype=float)
    for column in ("ethnic_group", "sex"):
        if column in people and people[column].astype("str").eq("all").any():
            people = people[people[column].astype("str") == "all"]
    if {"age_lower", "age_upper"} <= set(people):
        whole = people["age_lower"].eq(0) & people["age_upper"].ge(999)
        covered = people["area_level"].isin(people.loc[whole, "area_level"].unique())
        people = people[whole | ~covered]
    for found in (level, "lsoa"):
        rows = people[people["area_level"].astype("str") == found]
        if len(rows):
            rows = rows[rows["population_year"] == rows["population_year"].max()]
            made = rows.groupby(rows["area_code"].astype("object"))["population"].sum()
            return made if found == level else made.groupby(made.index.map(_wards(data))).sum()
    return pd.Series(dtype=float)


def count_boroughs(data: Any, *, months: int = 12) -> pd.DataFrame:
    """Count every borough's offences over the last months: published proxies, else police.uk."""
    kept, made = data.counts[data.counts["month"] <= data.end_month], []
    for source, like in (("mps_borough", "mps_ward"), ("police_uk_street",) * 2):
        measure, labels = _SERIES[like]
        label = kept["published_category"].astype("str").str.split("|").str[-1].str.strip()
        rows = kept[kept["source"].eq(source) & label.str.casefold().isin(labels)]
        made.append(rows.assign(measure=measure))
    rows = next((part for part in made if len(part)), made[0])
    end = rows["month"].max() if len(rows) else pd.Timestamp(data.end_month)
    start = end - pd.DateOffset(months=months - 1)
    rows = rows[rows["month"] >= start]
    total = rows.groupby(rows["borough_code"].astype("object"))["offences"].sum().rename("offences")
    table = boroughs()[["borough_code", "borough_name"]].merge(
        total.reset_index(), how="inner", on="borough_code", validate="one_to_one"
    )
    several = rows["measure"].iloc[0] if len(rows) else ""
    return table.assign(
        population=table["borough_code"].map(_residents(data, "borough")).astype(float),
        measure=several, area_level="borough", release_class="open", period_months=months,
        source=rows["source"].astype("str").iloc[0] if len(rows) else "mps_borough",
        period_start=start, period_end=end + pd.offsets.MonthEnd(),
    )  # fmt: skip
