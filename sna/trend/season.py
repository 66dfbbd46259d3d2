"""Season and clock: the shape of the year, the calendar, the hours of the week."""

from typing import Any

import numpy as np
import pandas as pd

from sna.trend.models import Array, season_p
from sna.trend.panel import Panel, load_panel, no_rows

LEAST_MONTHS, WEEK = 36, 168
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September",
          "October", "November", "December")  # fmt: skip
# part of the week -> weekdays (Monday 0) and hours; assumption A-34
PARTS = {
    "Friday and Saturday nights (20:00 to 04:59)": (
        (4, range(20, 24)), (5, [*range(5), *range(20, 24)]), (6, range(5)),
    ),
    "After school (Monday to Friday, 15:00 to 18:59)": tuple((d, range(15, 19)) for d in range(5)),
}  # fmt: skip


def season_shape(data: Any) -> pd.DataFrame:
    """Seasonal shape of the headline by STL on logarithms, one row a month of the year.

    Per cent above or below the level of the year, two standard errors either side (Cleveland and
    others 1990). Empty under 36 months or where a month is zero.
    """
    from statsmodels.tsa.seasonal import STL  # heavy

    made = load_panel(data)
    if len(made.months) < LEAST_MONTHS or made.per_year != 12 or not (made.series > 0).all():
        return no_rows("trend_season")
    logs = pd.Series(np.log(made.series), index=made.months)
    parts = STL(logs, period=12, seasonal=13, robust=True).fit()
    noisy = (parts.seasonal + parts.resid).groupby(made.months.month)
    shape, error = (
        parts.seasonal.groupby(made.months.month).mean(),
        noisy.std() / np.sqrt(noisy.size()),
    )
    sums = pd.Series(made.series, index=made.months).groupby(made.months.month).sum()
    percent = [100 * np.expm1(shape + k * error).to_numpy() for k in (0, -2, 2)]
    return pd.DataFrame(
        made.label(
            month_name=list(MONTHS), offences=sums.to_numpy(), season_pct=percent[0],
            lower_ci=percent[1], upper_ci=percent[2], years=noisy.size().to_numpy(),
            p_value=float(season_p(made.series, made.months)[0]),
            all_offences=made.series.sum(), period_months=12,
        )
    )  # fmt: skip


def count_calendar(data: Any) -> pd.DataFrame:
    """Count the headline by year and month of the year; months not published are absent."""
    made = load_panel(data)
    return pd.DataFrame(
        made.label(
            year=made.months.year.astype(str), offences=made.series,
            month_name=[MONTHS[number - 1] for number in made.months.month],
        )
    )  # fmt: skip


def aoristic_weights(begin: Any, end: Any) -> Array:
    """Share each event over the hours of the week in which it can have happened (Ratcliffe 2000).

    An even share is an assumption. Events by 168 hours from Monday 00:00; rows add up to 1, or 0
    where the times are missing or reversed. A missing end means the beginning.
    """
    first, last = (pd.to_datetime(pd.Series(np.asarray(t)), format="ISO8601") for t in (begin, end))
    last = last.fillna(first)
    known = (last >= first).to_numpy()
    clock = (
        first.dt.day_of_week * 24 + first.dt.hour + first.dt.minute / 60 + first.dt.second / 3600
    )
    at = np.where(known, clock, 0.0)
    length = np.where(known, (last - first).dt.total_seconds() / 3600, 0.0)
    weights = np.zeros((len(at), WEEK))
    weights[known & (length >= WEEK)] = 1 / WEEK
    rows = np.flatnonzero(known & (length < WEEK))
    point = rows[length[rows] == 0]
    weights[point, at[point].astype(int)] = 1
    rows = rows[length[rows] > 0]
    hour = 0
    while len(rows):
        low = np.maximum(at[rows], np.floor(at[rows]) + hour)
        high = np.minimum(at[rows] + length[rows], np.floor(at[rows]) + hour + 1)
        weights[rows, low.astype(int) % WEEK] += np.maximum(high - low, 0) / length[rows]
        rows, hour = rows[high < at[rows] + length[rows]], hour + 1
    return weights


def _timed(data: Any, panel: Panel) -> pd.DataFrame:
    rows = data.offences
    if panel.source != "extract" or "committed_from" not in rows:
        return rows.head(0)
    recent = rows["month"].gt(panel.months[-1] - pd.DateOffset(months=12))
    recent &= rows["month"].le(panel.months[-1])
    core = rows["source"].astype(str).eq("extract") & rows["band"].astype(str).eq("core")
    return rows[recent & core & rows["committed_from"].notna()]


def count_clock(data: Any) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Count core offences by weekday and hours, and in parts of the week and year.

    Blocks of one, three or six hours: the finest that holds ten offences on average. The second
    table sets each ``part``'s share of offences beside its share of time. Both are empty without
    records that have a time.
    """
    made = load_panel(data)
    rows = _timed(made.data, made)
    if rows.empty:
        return no_rows("trend_clock"), no_rows("trend_windows")
    end = rows.get("committed_to", pd.Series(pd.NaT, rows.index))
    week = aoristic_weights(rows["committed_from"], end).sum(axis=0).reshape(7, 24)
    block = next((b for b in (1, 3) if week.sum() / (WEEK / b) >= 10), 6)
    cells = week.reshape(7, 24 // block, block).sum(axis=2)
    hours = [f"{h:02d}:00 to {h + block - 1:02d}:59" for h in range(0, 24, block)]
    clock = pd.DataFrame(
        made.label(
            weekday=np.repeat(DAYS, 24 // block), hours=np.tile(hours, 7),
            hour=np.tile(np.arange(0, 24, block), 7), offences=np.round(cells).ravel(),
            period_months=12,
        )
    )  # fmt: skip
    shares = []
    for part, days in PARTS.items():
        hit = np.zeros((7, 24), dtype=bool)
        for day, inside in days:
            hit[day, list(inside)] = True
        shares.append((part, week[hit].sum(), hit.mean()))
    holiday = _is_holiday(pd.DatetimeIndex(rows["committed_from"]))
    year = pd.date_range(end=made.months[-1] + pd.offsets.MonthEnd(0), periods=365)
    shares.append(("School holidays (usual dates)", holiday.sum(), _is_holiday(year).mean()))
    parts = pd.DataFrame(shares, columns=["part", "offences", "share_of_time"])
    return clock, parts.assign(
        **made.label(all_offences=float(len(rows)), period_months=12),
        offences=parts["offences"].round(),
    )


def _is_holiday(days: pd.DatetimeIndex) -> Any:
    """Say which days fall in the usual school holidays of London; assumption A-35."""
    number = days.month * 100 + days.day
    fixed = [(101, 103), (212, 220), (525, 531), (724, 831), (1024, 1031), (1221, 1231)]
    inside = np.logical_or.reduce([(number >= a) & (number <= b) for a, b in fixed])
    from dateutil.easter import easter

    for year in days.year.unique():
        sunday = pd.Timestamp(easter(int(year)))
        gap = (days.normalize() - sunday).days
        inside = inside | ((gap >= -9) & (gap <= 8))
    return inside
