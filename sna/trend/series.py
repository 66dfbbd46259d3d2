"""Complete series of counts and rates: months, rolling years, quarters and years."""

from typing import Any

import numpy as np
import pandas as pd

from sna.counts import count_by_month
from sna.errors import UsageError
from sna.trend.panel import LONDON, Array, Panel, load_panel, no_rows

SPLITS = {  # column -> what the split is called
    "band": "band", "listed_family": "family of offence", "contexts": "context",
    "weapon_feature": "weapon", "place_type": "kind of place", "ward_code": "ward",
    "sex": "victim's sex", "age_band": "victim's age",
}  # fmt: skip
_AGES = ("under 10", "10-17", "18-24", "25-34", "35-44", "45-54", "55-64")
_HOME = "dwelling|house|flat|home|residential|hostel|care"  # words of premises; assumption A-36
_PUBLIC = "street|public|transport|park|road|open|bus|station|pub|club"


def add_rolling_total(monthly: pd.DataFrame, *, window_months: int = 12) -> pd.DataFrame:
    """Add the sum of the last months to a complete monthly series, by group.

    Neighbouring totals share eleven months: never test them for a trend.

    Parameters
    ----------
    monthly
        Complete counts with ``month``, ``offences`` and any columns that name a group
        (``area``, ``measure``, ``group``, ``borough_code``).
    window_months
        Months added up.

    Returns
    -------
    pandas.DataFrame
        ``monthly`` in its order plus ``offences_rolling``, missing until the window is full.
    """
    keys = [name for name in ("area", "measure", "group", "borough_code") if name in monthly]
    ordered = monthly.sort_values("month", kind="stable")
    by = ordered.groupby(keys, sort=False, observed=True, dropna=False) if keys else ordered
    total = by["offences"].rolling(window_months).sum()
    total.index = total.index.get_level_values(-1)
    return monthly.assign(offences_rolling=total.reindex(monthly.index))


def rolling_sum(values: Array, window: int) -> Array:
    """Add up the last `window` rows of a matrix; the first rows stay missing."""
    total = np.cumsum(np.vstack([np.zeros((1, values.shape[1])), values]), axis=0)
    filled = np.full(values.shape, np.nan)
    if len(values) >= window:
        filled[window - 1 :] = total[window:] - total[:-window]
    return filled


def count_series(data: Any, *, panel: Panel | None = None) -> pd.DataFrame:
    """Count the headline by month with its rolling year and rate, beside London.

    Rises and falls of recording look like rises and falls of violence. London includes the
    borough, and is left out when fewer than 30 boroughs are covered.

    Parameters
    ----------
    data
        The borough's data from ``sna.load_borough``.
    panel
        A panel made before, to save the work.

    Returns
    -------
    pandas.DataFrame
        One row an area and month: ``area``, ``month``, ``offences``, ``offences_year`` (last
        twelve months), ``population``, ``break_text`` (a break that starts here) and labels.
    """
    made = panel or load_panel(data)
    areas = {made.borough_name: (made.series, made.population[:, made.mine])}
    if made.has_london:
        areas[LONDON] = (made.counts.sum(axis=1), made.population.sum(axis=1))
    texts = made.breaks.set_index("month")["report_text"].reindex(made.months).fillna("")
    return pd.concat(
        [
            pd.DataFrame(
                made.label(
                    area=area,
                    month=made.months,
                    offences=values,
                    offences_year=rolling_sum(values[:, None], made.per_year)[:, 0],
                    population=people,
                    break_text=texts.to_numpy(),
                    period_months=12 // made.per_year,
                )
            )
            for area, (values, people) in areas.items()
        ],
        ignore_index=True,
    )


def count_periods(
    data: Any, *, period: str = "financial_year", panel: Panel | None = None
) -> pd.DataFrame:
    """Count the headline by whole quarters or years; part periods are left out.

    Parameters
    ----------
    data
        The borough's data.
    period
        ``quarter``, ``year`` (January to December) or ``financial_year`` (April to March).

    Returns
    -------
    pandas.DataFrame
        One row a period: ``period`` (in words), ``period_start``, ``period_end``, ``offences``,
        ``population`` and labels.
    """
    lengths = {"quarter": ("Q", 3), "year": ("Y-DEC", 12), "financial_year": ("Y-MAR", 12)}
    if period not in lengths:
        raise UsageError("The period is not known.", found=period, do=f"Use {', '.join(lengths)}.")
    made = panel or load_panel(data)
    code, months = lengths[period]
    monthly = pd.DataFrame(
        {"offences": made.series, "population": made.population[:, made.mine], "parts": 1},
        index=made.months.to_period(code),
    )
    sums = monthly.groupby(level=0).agg({"offences": "sum", "population": "mean", "parts": "sum"})
    whole = sums[sums["parts"].eq(months * made.per_year // 12)]
    periods = pd.PeriodIndex(whole.index)
    start, end = periods.start_time, periods.end_time
    words = [f"{a:%B} to {b:%B %Y}" if period != "financial_year" else f"{a:%Y}/{b:%y}"
             for a, b in zip(start, end, strict=True)]  # fmt: skip
    return pd.DataFrame(
        made.label(
            period=words,
            period_start=start,
            period_end=end,
            offences=whole["offences"].to_numpy(),
            population=whole["population"].to_numpy(),
            period_months=months,
        )
    )


def count_split(data: Any, *, by: str, panel: Panel | None = None) -> pd.DataFrame:
    """Count a borough's core records (every band for ``band``) by group and year.

    Contexts overlap, so they never add up. ``sex`` and ``age_band`` count victims, not offences.

    Parameters
    ----------
    data, panel
        The borough's data, and a panel made before.
    by
        A key of `SPLITS`.

    Returns
    -------
    pandas.DataFrame
        One row a group and year to the end month (five at most): ``group``, ``year``,
        ``offences``. Empty where the headline does not come from records.
    """
    if by not in SPLITS:
        raise UsageError("The split is not known.", found=by, do=f"Use one of {', '.join(SPLITS)}.")
    made = panel or load_panel(data)
    rows = _split_rows(data, by)
    rows = rows[rows["source"].astype("str").eq("extract")]
    if made.source != "extract" or rows.empty:
        return no_rows("trend_split")
    group = rows[by].astype("str").where(rows[by].notna(), "").str.replace("_", " ")
    rows = rows.assign(group=group.replace("", "not known"))
    if by == "contexts":
        rows = rows.assign(group=rows["group"].str.split("|")).explode("group")
    years = min(5, len(made.months) // made.per_year)
    start = made.months[-1] - pd.DateOffset(months=12 * years - 1)
    grid = count_by_month(rows, start_month=start, end_month=made.months[-1], by=["group"])
    back = (
        made.months[-1].to_period("M").ordinal - grid["month"].dt.to_period("M").astype("int64")
    ) // 12
    end = made.months[-1]
    words = back.map(lambda n: f"{end - pd.DateOffset(months=12 * n):%B %Y}")
    counted = grid.assign(year=words).groupby(["group", "year"], sort=False)["offences"].sum()
    labels = made.label(measure=f"{made.measure} by {SPLITS[by]}", period_months=12)
    return counted.reset_index().assign(**labels)


def _split_rows(data: Any, by: str) -> pd.DataFrame:
    """Return the records of a split, victims as rows for what describes a person."""
    rows = data.offences
    band = rows["band"].astype("str")
    rows = rows[band.ne("out") if by == "band" else band.eq("core")]
    if by in ("sex", "age_band"):
        victims = data.people[data.people["person_role"].astype("str").eq("victim")]
        inside = victims["offence_id"].isin(set(rows["offence_id"]))
        edges, words = [0, 10, 18, 25, 35, 45, 55, 65, 130], [*_AGES, "65+"]
        ages = pd.cut(victims["age"], edges, right=False, labels=words).astype("str")
        return victims[inside].assign(offences=victims["people"], age_band=ages.replace("nan", ""))
    if by == "place_type" and "premises_type" in rows:
        kind = rows["premises_type"].astype("str").str.casefold()
        home, public = kind.str.contains(_HOME), kind.str.contains(_PUBLIC)
        kinds = [rows["premises_type"].isna(), home, public]
        rows = rows.assign(
            place_type=np.select(kinds, ["not known", "home", "public space"], "other")
        )
    return rows if by in rows else rows.head(0).assign(**{by: pd.Series(dtype="str")})
