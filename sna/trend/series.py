"""Complete series of counts and rates: months, rolling years, whole periods, groups."""

from typing import Any

import numpy as np
import pandas as pd

from sna.counts import count_by_month
from sna.errors import UsageError
from sna.trend.panel import LONDON, Panel, load_panel, no_rows

SPLITS = {  # column -> what the split is called
    "band": "band",
    "listed_family": "family of offence",
    "contexts": "context",
    "weapon_feature": "weapon",
    "place_type": "kind of place",
    "ward_code": "ward",
    "sex": "victim's sex",
    "age_band": "victim's age",
}
PERIODS = {  # period -> pandas' code, months
    "month": ("M", 1),
    "quarter": ("Q", 3),
    "year": ("Y-DEC", 12),
    "financial_year": ("Y-MAR", 12),
    "year_to_end_month": ("", 12),
    "rolling_year": ("M", 12),
}
_AGES = ("under 10", "10-17", "18-24", "25-34", "35-44", "45-54", "55-64", "65+")
_EDGES = [0, 10, 18, 25, 35, 45, 55, 65, np.inf]
_HOME = "dwelling|house|flat|home|residential|hostel|care"  # words of premises; assumption A-36
_PUBLIC = "street|public|transport|park|road|open|bus|station|pub|club"


def add_rolling_total(monthly: pd.DataFrame, *, window_months: int = 12) -> pd.DataFrame:
    """Add ``offences_rolling`` to complete counts, by group; missing until the window is full.

    Neighbouring totals share eleven months: never test them for a trend.
    """
    keys = [name for name in ("area", "measure", "group", "borough_code") if name in monthly]
    ordered = monthly.sort_values("month", kind="stable").assign(_all=0)
    by = ordered.groupby([*keys, "_all"], sort=False, observed=True, dropna=False)
    total = by["offences"].transform(lambda values: values.rolling(window_months).sum())
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
    each = {"period_months": 12 // made.per_year}
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
    from records: without them the table is empty. One row a group and period.
    """
    made = load_panel(data)
    if period not in PERIODS or by not in ("", *SPLITS):
        do = f"Periods are {', '.join(PERIODS)}; groups are {', '.join(SPLITS)}."
        raise UsageError("The period or group is not known.", found=period or by, do=do)
    if by == "ward_code" and period in ("month", "rolling_year"):
        raise UsageError("Below borough, a quarter is the shortest period.", found=period)
    grid = pd.DataFrame({"month": made.months, "offences": made.series, "group": "all"})
    population = pd.Series({"all": made.population[-1, made.mine]})
    grid = grid.assign(population=made.population[:, made.mine])
    if by:
        grid, population = _split(made, by)
        grid = grid.assign(population=grid["group"].map(population))
    whole = _sum_periods(grid, period, made)
    if whole.empty:
        return no_rows("trend_periods")
    name = f"{made.measure} by {SPLITS[by]}" if by else made.measure
    size = PERIODS[period][1]
    return made.table(whole, period_months=size, measure=name)


def _sum_periods(grid: pd.DataFrame, period: str, panel: Panel) -> pd.DataFrame:
    """Add up the months of whole periods, with the period in words."""
    code, months = PERIODS[period]
    need = months * panel.per_year / 12
    if period == "rolling_year":
        rolled = add_rolling_total(grid, window_months=panel.per_year).dropna(
            subset="offences_rolling"
        )
        words = "year to " + rolled["month"].dt.strftime("%B %Y")
        return rolled.assign(offences=rolled["offences_rolling"], period=words)[
            ["group", "period", "offences", "population"]
        ]
    code = code or f"Y-{panel.months[-1]:%b}".upper()
    parts = grid.assign(when=grid["month"].dt.to_period(code), parts=1)
    how = {"offences": "sum", "population": "mean", "parts": "sum"}
    sums = parts.groupby(["group", "when"], sort=False).agg(how).reset_index()
    sums = sums[sums["parts"].eq(need)]
    first, last = sums["when"].dt.start_time, sums["when"].dt.end_time
    words = first.dt.strftime("%B") + " to " + last.dt.strftime("%B %Y")
    if period == "financial_year":
        words = first.dt.strftime("%Y") + "/" + last.dt.strftime("%y")
    elif period == "month":
        words = first.dt.strftime("%B %Y")
    elif period == "year_to_end_month":
        words = "year to " + last.dt.strftime("%B %Y")
    return sums.assign(period=words)[["group", "period", "offences", "population"]]


def _split(panel: Panel, by: str) -> tuple[pd.DataFrame, pd.Series]:
    """Return counts by group and month of core records, and the residents of each group."""
    rows = _split_rows(panel.data, by)
    rows = rows[rows["source"].astype("str").eq("extract")]
    if panel.source != "extract" or rows.empty:
        empty = pd.DataFrame({"group": "", "month": panel.months[:0], "offences": 0.0})
        return empty, pd.Series(dtype=float)
    group = rows[by].astype("str").where(rows[by].notna(), "").str.replace("_", " ")
    rows = rows.assign(group=group.replace("", "not known").str.split("|")).explode("group")
    window = {"start_month": panel.months[0], "end_month": panel.months[-1]}
    grid = count_by_month(rows, **window, by=["group"])
    return grid, _residents(panel, by, grid["group"].unique())


def _residents(panel: Panel, by: str, groups: Any) -> pd.Series:
    """Return residents by group: of the ward, sex or age where known, else of the borough."""
    if by not in ("ward_code", "sex", "age_band"):
        return pd.Series(panel.population[-1, panel.mine], index=groups)
    people = panel.data.population
    level = people["area_level"].astype("str").eq("ward" if by == "ward_code" else "borough")
    own = people["area_code"].astype("str").eq(panel.data.borough_code)
    people = people[level & (own | (by == "ward_code"))]
    if by == "age_band":
        bands = [pd.cut(people[end].clip(upper=130), _EDGES, right=False, labels=_AGES)
                 for end in ("age_lower", "age_upper")]  # fmt: skip
        name = bands[0].astype("str").where(bands[0].eq(bands[1]), "")
    else:
        name = people["area_code" if by == "ward_code" else "sex"].astype("str").replace("all", "")
    named = people.assign(group=name, source=people["source"].astype("str"))
    named = named[named["group"].ne("") & named["group"].ne("nan")]
    keys = ["population_year", "source"]
    sums = named.pivot_table("population", keys, "group", aggfunc="sum")
    return sums.iloc[-1] if len(sums) else pd.Series(dtype=float)


def _split_rows(data: Any, by: str) -> pd.DataFrame:
    rows = data.offences
    band = rows["band"].astype("str")
    rows = rows[band.ne("out") if by == "band" else band.eq("core")]
    if by in ("sex", "age_band"):
        victims = data.people[data.people["person_role"].astype("str").eq("victim")]
        inside = victims["offence_id"].isin(set(rows["offence_id"]))
        ages = pd.cut(victims["age"], _EDGES, right=False, labels=_AGES).astype("str")
        return victims[inside].assign(offences=victims["people"], age_band=ages.replace("nan", ""))
    if by == "place_type" and "premises_type" in rows:
        kind = rows["premises_type"].astype("str").str.casefold()
        kinds = [rows["premises_type"].isna(), kind.str.contains(_HOME), kind.str.contains(_PUBLIC)]
        rows = rows.assign(place_type=np.select(kinds, ["", "home", "public space"], "other"))
    return rows if by in rows else rows.head(0).assign(**{by: pd.Series(dtype="str")})
