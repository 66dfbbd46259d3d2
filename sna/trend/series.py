"""Complete series of counts and rates: months, rolling years, whole periods, groups."""

from typing import Any

import numpy as np
import pandas as pd

from sna.counts import count_by_month
from sna.errors import UsageError
from sna.trend.panel import LONDON, load_panel, no_rows

SPLITS = {  # column -> what the split is called
    "band": "band", "listed_family": "family of offence", "contexts": "context",
    "weapon_feature": "weapon", "place_type": "kind of place", "ward_code": "ward",
    "sex": "victim's sex", "age_band": "victim's age",
}  # fmt: skip
PERIODS = {"quarter": ("Q", 3), "year": ("Y-DEC", 12), "financial_year": ("Y-MAR", 12)}
_AGES = ("under 10", "10-17", "18-24", "25-34", "35-44", "45-54", "55-64", "65+")
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
    tables = [
        pd.DataFrame(made.label(area=area, month=made.months, offences=values, population=people,
                                break_text=texts.to_numpy(), period_months=12 // made.per_year))
        for area, (values, people) in areas.items()
    ]  # fmt: skip
    rolled = add_rolling_total(pd.concat(tables, ignore_index=True), window_months=made.per_year)
    return rolled.rename(columns={"offences_rolling": "offences_year"})


def count_periods(data: Any, *, period: str = "financial_year") -> pd.DataFrame:
    """Count the headline by whole ``quarter``, ``year`` or ``financial_year``, one row each.

    Part periods are left out: nine months are not a bad year.
    """
    made = load_panel(data)
    if period not in PERIODS:
        raise UsageError("The period is not known.", found=period, do=f"Use {', '.join(PERIODS)}.")
    code, months = PERIODS[period]
    monthly = pd.DataFrame(
        {"offences": made.series, "population": made.population[:, made.mine], "parts": 1},
        index=made.months.to_period(code),
    )
    sums = monthly.groupby(level=0).agg({"offences": "sum", "population": "mean", "parts": "sum"})
    whole = sums[sums["parts"].eq(months * made.per_year // 12)]
    ends = pd.PeriodIndex(whole.index)
    words = [f"{a:%B} to {b:%B %Y}" if period != "financial_year" else f"{a:%Y}/{b:%y}"
             for a, b in zip(ends.start_time, ends.end_time, strict=True)]  # fmt: skip
    table = whole.drop(columns="parts").reset_index(drop=True)
    return table.assign(**made.label(period=words, period_months=months))


def count_split(data: Any, *, by: str) -> pd.DataFrame:
    """Count core records by group (a key of `SPLITS`) and year to the end month, five at most.

    Contexts overlap, so they never add up; ``band`` counts every band; ``sex`` and ``age_band``
    count victims. Empty where the headline does not come from records.
    """
    made = load_panel(data)
    if by not in SPLITS:
        raise UsageError("The split is not known.", found=by, do=f"Use one of {', '.join(SPLITS)}.")
    rows = _split_rows(made.data, by)
    rows = rows[rows["source"].astype("str").eq("extract")]
    if made.source != "extract" or rows.empty:
        return no_rows("trend_split")
    group = rows[by].astype("str").where(rows[by].notna(), "").str.replace("_", " ")
    rows = rows.assign(group=group.replace("", "not known").str.split("|")).explode("group")
    end, years = made.months[-1], min(5, len(made.months) // made.per_year)
    start = end - pd.DateOffset(months=12 * years - 1)
    grid = count_by_month(rows, start_month=start, end_month=end, by=["group"])
    back = (end.year - grid["month"].dt.year) * 12 + end.month - grid["month"].dt.month
    words = (back // 12).map(lambda n: f"{end - pd.DateOffset(months=12 * n):%B %Y}")
    counted = grid.assign(year=words).groupby(["group", "year"], sort=False)["offences"].sum()
    labels = made.label(measure=f"{made.measure} by {SPLITS[by]}", period_months=12)
    return counted.reset_index().assign(**labels)


def _split_rows(data: Any, by: str) -> pd.DataFrame:
    rows = data.offences
    band = rows["band"].astype("str")
    rows = rows[band.ne("out") if by == "band" else band.eq("core")]
    if by in ("sex", "age_band"):
        victims = data.people[data.people["person_role"].astype("str").eq("victim")]
        inside = victims["offence_id"].isin(set(rows["offence_id"]))
        edges = [0, 10, 18, 25, 35, 45, 55, 65, 130]
        ages = pd.cut(victims["age"], edges, right=False, labels=_AGES).astype("str")
        return victims[inside].assign(offences=victims["people"], age_band=ages.replace("nan", ""))
    if by == "place_type" and "premises_type" in rows:
        kind = rows["premises_type"].astype("str").str.casefold()
        kinds = [rows["premises_type"].isna(), kind.str.contains(_HOME), kind.str.contains(_PUBLIC)]
        rows = rows.assign(place_type=np.select(kinds, ["", "home", "public space"], "other"))
    return rows if by in rows else rows.head(0).assign(**{by: pd.Series(dtype="str")})
