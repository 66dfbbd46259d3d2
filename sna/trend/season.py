"""Season and clock: the shape of the year, the calendar, the hours of the week."""

from calendar import day_name, month_name
from typing import Any

import numpy as np
import pandas as pd

from sna.counts import WEEK, aoristic_weights
from sna.definitions.views import words_of
from sna.trend.models import season_p
from sna.trend.panel import load_panel, no_rows, timed_records

LEAST_MONTHS = 36


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
    number = made.months.month
    shape, noisy = parts.seasonal.groupby(number).mean(), parts.seasonal + parts.resid
    years = noisy.groupby(number).size()
    error = noisy.groupby(number).std() / np.sqrt(years)
    percent = [100 * np.expm1(shape + k * error).to_numpy() for k in (0, -2, 2)]
    sums = pd.Series(made.series).groupby(number).sum().to_numpy()
    table = {"month_name": list(month_name)[1:], "offences": sums, "season_pct": percent[0]}
    table |= {"lower_ci": percent[1], "upper_ci": percent[2], "years": years.to_numpy()}
    p_value, total = float(season_p(made.series, made.months)[0]), made.series.sum()
    return made.table(**table, p_value=p_value, all_offences=total, period_months=12)


def count_calendar(data: Any) -> pd.DataFrame:
    """Count the headline by year and month of the year; months not published are absent."""
    made = load_panel(data)
    years, names = made.months.year.astype("str"), made.months.strftime("%B")
    return made.table(year=years, month_name=names, offences=made.series)


def count_clock(data: Any) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Count core offences by weekday and hours, and in parts of the week and year.

    Blocks of one, three or six hours: the finest that holds ten offences on average. The second
    table sets each ``part``'s share of offences beside its share of time. Both are empty without
    records that have a time.
    """
    made = load_panel(data)
    rows = timed_records(made)
    rows = rows[rows["month"].gt(made.months[-1] - pd.DateOffset(months=12))]
    if rows.empty:
        return no_rows("trend_clock"), no_rows("trend_windows")
    end = rows.get("committed_to", pd.Series(pd.NaT, rows.index))
    week = aoristic_weights(rows["committed_from"], end).sum(axis=0)
    block = next((b for b in (1, 3) if week.sum() / (WEEK / b) >= 10), 6)
    start = np.arange(0, WEEK, block) % 24
    hours = [f"{hour:02d}:00 to {hour + block - 1:02d}:59" for hour in start]
    cells = np.round(week.reshape(-1, block).sum(axis=1))
    days = np.repeat(list(day_name), 24 // block)
    clock = made.table(weekday=days, hours=hours, hour=start, offences=cells, period_months=12)
    shares = {}
    for part, (of_days, first, length) in words_of("trend")["parts"].items():
        inside = np.add.outer(24 * np.array(of_days), first + np.arange(length)).ravel() % WEEK
        shares[part] = week[inside].sum(), len(inside) / WEEK
    year = pd.date_range(end=made.months[-1] + pd.offsets.MonthEnd(0), periods=365)
    held = is_holiday(pd.DatetimeIndex(rows["committed_from"])).sum()
    shares["School holidays (usual dates)"] = held, is_holiday(year).mean()
    counted, time = zip(*shares.values(), strict=True)
    total = {"all_offences": float(len(rows)), "period_months": 12}
    offences = np.round(counted)
    return clock, made.table(part=list(shares), offences=offences, share_of_time=time, **total)


def is_holiday(days: pd.DatetimeIndex) -> Any:
    """Say which days fall in the usual school holidays of London; assumption A-35."""
    from dateutil.easter import easter

    words, number = words_of("trend")["holidays"], days.month * 100 + days.day
    inside = np.logical_or.reduce([(number >= a) & (number <= b) for a, b in words["dates"]])
    for year in days.year.unique():
        gap = (days.normalize() - pd.Timestamp(easter(int(year)))).days
        inside = inside | ((gap >= words["easter"][0]) & (gap <= words["easter"][1]))
    return inside
