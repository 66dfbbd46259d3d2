"""Complete series of counts and rates: months, rolling years, whole periods, groups."""

from collections.abc import Callable, Sequence
from itertools import product
from typing import Any

import numpy as np
import pandas as pd

from sna.counts import area_population, count_by_month
from sna.definitions.tables import read_reference
from sna.definitions.views import words_of
from sna.errors import TableError, UsageError
from sna.schemas.store_tables import is_core
from sna.trend.panel import LONDON, Panel, load_panel, no_rows

WORDS = words_of("trend")
BAND_NAMES = read_reference("band_names").set_index("band")["name"]
PERIODS, SPLITS = WORDS["periods"], WORDS["splits"]
TOO_FINE = ("month", "rolling_year")  # for wards


def add_rolling_total(monthly: pd.DataFrame, *, window_months: int = 12) -> pd.DataFrame:
    """Add ``offences_rolling`` to complete counts, by group; missing until the window is full.

    Neighbouring totals share eleven months: never test them for a trend.
    """
    if window_months < 1:
        raise UsageError("A window holds one month or more.", found=window_months)
    keys = [name for name in ("area", "measure", "group", "borough_code") if name in monthly]
    ordered = monthly.sort_values("month", kind="stable").assign(_all=0)
    by = ordered.groupby([*keys, "_all"], sort=False, observed=True, dropna=False)
    total = by["offences"].transform(lambda values: values.rolling(window_months).sum())
    number = ordered["month"].dt.year * 12 + ordered["month"].dt.month
    step = number.groupby([ordered[key] for key in [*keys, "_all"]], dropna=False).diff().dropna()
    if len(step) and step.min() != step.max():
        what, do = "Months are missing inside a series.", "Complete it with count_by_month."
        raise TableError(what, where="add_rolling_total", found=sorted(step.unique()), do=do)
    return monthly.assign(offences_rolling=total.reindex(monthly.index))


def count_series(data: Any) -> pd.DataFrame:
    """Count the headline by month with its rolling year, beside London, one row an area and month.

    Rises and falls of recording look like rises and falls of violence. London includes the borough,
    and is left out when fewer than 30 boroughs are covered. ``break_text`` is a break that starts
    in the month.
    """
    made = load_panel(data)
    areas = {made.borough_name: (made.series, made.population[:, made.mine])}
    if made.has_london:
        areas[LONDON] = (made.counts.sum(axis=1), made.population.sum(axis=1))
    texts = made.breaks.set_index("month")["report_text"].reindex(made.months).fillna("")
    months = {"month": made.months, "break_text": texts.to_numpy()}
    months["last_month"] = made.months + pd.DateOffset(months=12 // made.per_year - 1)
    each = {"period_months": 12 // made.per_year, "is_late": made.last_month < made.data.end_month}
    each |= {"report_month": f"{made.data.end_month:%B %Y}"}
    tables = [
        made.table(area=area, offences=values, population=people, **months, **each)
        for area, (values, people) in areas.items()
    ]
    rolled = add_rolling_total(pd.concat(tables, ignore_index=True), window_months=made.per_year)
    return rolled.rename(columns={"offences_rolling": "offences_year"})


def count_periods(data: Any, *, period: str = "financial_year", by: str = "") -> pd.DataFrame:
    """Count the headline by whole period (a key of `PERIODS`) and group (a key of `SPLITS`).

    Part periods are left out: nine months are not a bad year. Calendar and financial quarters are
    the same months. Contexts overlap, so they never add up; ``band`` counts every band; ``sex`` and
    ``age_band`` count victims, by residents of that sex or age where they are known. Groups come
    from records: without them the table is empty. One row a group and period, ``length`` in words.
    """
    return count_cuts(data, cuts=[by], period=period)


def count_cuts(data: Any, *, cuts: Sequence[str] = (), period: str = "") -> pd.DataFrame:
    """Count the headline by several cuts (keys of `SPLITS`; all by default), one table.

    By one ``period``, or by every whole one from the month to the rolling year, as
    `count_periods` (years to March or December are told once); wards by quarter at finest.
    Empty where the series holds no records.
    """
    made = load_panel(data)
    if unknown := {*cuts, period} - {*SPLITS, *PERIODS, ""}:
        do = f"Periods are {', '.join(PERIODS)}; groups are {', '.join(SPLITS)}."
        raise UsageError("The period or group is not known.", found=sorted(unknown), do=do)
    if "ward_code" in cuts and period in TOO_FINE:
        raise UsageError("Below borough, a quarter is the shortest period.", found=period)
    same = made.last_month.month in (3, 12)
    wanted = [name for name in PERIODS if name != "year_to_end_month" or not same]
    grids, parts = {by: _split(made, by) for by in cuts or SPLITS}, []
    for when, by in product([period] if period else wanted, grids):
        whole = _sum_periods(grids[by], when, made)
        if len(whole) and (by != "ward_code" or when not in TOO_FINE):
            measure = "Recorded offences" if by == "band" else made.measure
            name = f"{measure} by {SPLITS[by]}" if by else measure
            named = {"measure": name, "length": PERIODS[when][2]}
            parts.append(made.table(whole, period_months=PERIODS[when][1], **named))
    return pd.concat(parts, ignore_index=True) if parts else no_rows("trend_periods")


def _sum_periods(grid: pd.DataFrame, period: str, panel: Panel) -> pd.DataFrame:
    """Add up the months of whole periods, with the period in words."""
    code, months, _ = PERIODS[period]
    kept = ["group", "period", "last_month", "offences", "population"]
    if period == "rolling_year":
        rolled = add_rolling_total(grid, window_months=panel.per_year)
        words = "year to " + rolled["month"].dt.strftime("%B %Y")
        rolled = rolled.assign(offences=rolled["offences_rolling"], period=words)
        rolled["last_month"] = rolled["month"] + pd.DateOffset(months=12 // panel.per_year - 1)
        return rolled.dropna(subset=["offences"])[kept]
    code = code.format(end=f"{panel.months[-1]:%b}".upper())
    parts = grid.assign(when=grid["month"].dt.to_period(code), parts=1)
    how = {"offences": "sum", "population": "mean", "parts": "sum"}
    sums = parts.groupby(["group", "when"], sort=False).agg(how).round().reset_index()
    sums = sums[sums["parts"].eq(months * panel.per_year / 12)]
    first, last = sums["when"].dt.start_time, sums["when"].dt.end_time
    words = {
        "financial_year": first.dt.strftime("%Y") + "/" + last.dt.strftime("%y"),
        "month": first.dt.strftime("%B %Y"),
        "year_to_end_month": "year to " + last.dt.strftime("%B %Y"),
    }
    usual = first.dt.strftime("%B") + " to " + last.dt.strftime("%B %Y")
    return sums.assign(period=words.get(period, usual), last_month=last)[kept]


def _split(panel: Panel, by: str) -> pd.DataFrame:
    """Return counts by group and month of core records, with the residents of each group."""
    if not by:
        whole = {"month": panel.months, "offences": panel.series, "group": "all"}
        return pd.DataFrame(whole).assign(population=panel.population[:, panel.mine])
    records = panel.source == "extract"
    rows = _split_rows(panel.data, by) if records else panel.data.offences.head(0)
    rows = rows[rows["source"].astype("str").eq("extract")]
    if rows.empty:
        nothing = panel.series[:0]
        columns = {"group": "", "offences": nothing, "population": nothing}
        return pd.DataFrame({"month": panel.months[:0], **columns})
    group = rows[by].astype("str").where(rows[by].notna(), "").str.replace("_", " ")
    rows = rows.assign(group=group.str.split("|")).explode("group")
    areas = panel.data.areas if by == "ward_code" else None
    wards = {} if areas is None else dict(zip(areas["area_code"], areas["area_name"], strict=True))
    bands = dict(zip(BAND_NAMES.index.str.replace("_", " "), BAND_NAMES.str.lower(), strict=True))
    named = rows["group"].map(
        WORDS["groups"] | wards | (bands if by == "band" else {})
    )  # `replace` is slow with many words
    rows = rows.assign(group=named.where(named.notna(), rows["group"]))
    window = {"start_month": panel.months[0], "end_month": panel.months[-1]}
    grid = count_by_month(rows, **window, by=["group"])
    grid = grid.sort_values("group", key=lambda names: names.map(_place(by)), kind="stable")
    residents = _residents(panel, by, grid["group"].unique()).rename(wards)
    residents = residents[~residents.index.duplicated(keep="last")]  # a ward of two editions
    return grid.assign(population=grid["group"].map(residents))


def _place(by: str) -> Callable[[str], tuple[int, str]]:
    """Return what puts groups in a reader's order: ages and bands as they run, gaps last."""
    order = [*WORDS["ages"]["names"]] if by == "age_band" else [*BAND_NAMES.str.lower()]
    last = {
        name: len(order) + 1 + at for at, name in enumerate(("other", "no weapon", "not known"))
    }
    known = dict(zip(order, range(len(order)), strict=True)) | last
    return lambda name: (known.get(name, len(order)), name)


def _residents(panel: Panel, by: str, groups: Any) -> pd.Series:
    """Return residents by group: of the ward, sex or age where known, else of the borough."""
    if by not in ("ward_code", "sex", "age_band"):
        return pd.Series(panel.population[-1, panel.mine], index=groups)
    people = panel.data.population
    if by == "ward_code":
        lookup, own = panel.data.area_lookup, panel.data.borough_code
        if lookup is not None:  # boroughs have wards of one name
            lookup = lookup[lookup["borough_code"].astype("str").eq(own)]
        return area_population(people, "ward", lookup)
    level = people["area_level"].astype("str").eq("borough")
    people = people[level & people["area_code"].astype("str").eq(panel.data.borough_code)]
    name = people["sex"].astype("str").replace("all", "")
    if by == "age_band":
        low, high = (_age_bands(people[end].clip(upper=129)) for end in ("age_lower", "age_upper"))
        name = low.where(low.eq(high), "")
    named = people.assign(group=name, source=people["source"].astype("str"))
    named = named[named["group"].ne("") & named["group"].ne("nan")]
    keys = ["population_year", "source"]
    sums = named.pivot_table("population", keys, "group", aggfunc="sum")
    return sums.iloc[-1] if len(sums) else pd.Series(dtype=float)


def _split_rows(data: Any, by: str) -> pd.DataFrame:
    rows = data.offences
    core = is_core(rows)
    rows = rows[rows["band"].ne("out") if by == "band" else core]
    if by == "band":  # damage attached to a core offence is no further unit of core
        kind = rows["band"].astype("str")
        return rows.assign(band=kind.mask(kind.eq("core") & ~core[rows.index], "attached"))
    if by in ("sex", "age_band"):
        victims = data.people[data.people["person_role"].astype("str").eq("victim")]
        inside = victims["offence_id"].isin(set(rows["offence_id"]))
        ages = _age_bands(victims["age"])
        return victims[inside].assign(offences=victims["people"], age_band=ages)
    if by == "place_type" and "premises_type" in rows:
        kind, places = rows["premises_type"].astype("str").str.casefold(), WORDS["places"]
        named = [kind.str.contains(words, na=False) for words in places.values()]
        kinds = [rows["premises_type"].isna(), *named]
        rows = rows.assign(place_type=np.select(kinds, ["", *places], "other"))
    return rows if by in rows else rows.head(0).assign(**{by: pd.Series(dtype="str")})


def _age_bands(ages: pd.Series) -> pd.Series:
    edges, names = WORDS["ages"]["edges"], WORDS["ages"]["names"]
    return pd.cut(ages, edges, right=False, labels=names).astype("str").replace("nan", "")
