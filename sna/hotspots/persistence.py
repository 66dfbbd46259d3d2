"""How lasting hotspots are: years in the top tenth, classes over time, Mann-Kendall."""

import numpy as np
import pandas as pd

from sna.hotspots.areas import AreaCounts
from sna.hotspots.local import ALPHA, adjust_p, find_hotspots, two_sided_p

LEAST_PERIODS = 8  # below, Mann-Kendall cannot pass a false discovery rate over many areas


def mann_kendall(values: np.ndarray) -> pd.DataFrame:
    """Mann-Kendall test of a steady rise or fall, one row a series, periods in columns.

    Corrected for ties and continuity. Periods must not overlap: a rolling total follows itself and
    every test would fire. Kendall (1975), Rank correlation methods.

    Examples
    --------
    >>> mann_kendall(np.array([[1, 2, 3, 4, 5, 6, 7, 8]])).round(4).iloc[0].tolist()
    [28.0, 65.3333, 3.3404, 0.0008, 1.0]
    """
    x = np.atleast_2d(np.asarray(values, dtype=float))
    n = x.shape[1]
    s = sum(np.sign(x[:, step:] - x[:, :-step]).sum(axis=1) for step in range(1, n))
    same = (x[:, :, None] == x[:, None, :]).sum(axis=2)  # size of the tie each value is in
    variance = (n * (n - 1) * (2 * n + 5) - ((same - 1) * (2 * same + 5)).sum(axis=1)) / 18
    z = np.where(variance > 0, (s - np.sign(s)) / np.sqrt(np.where(variance > 0, variance, 1)), 0)
    pairs = n * (n - 1) / 2
    whole = np.sqrt(pairs * (pairs - (same - 1).sum(axis=1) / 2))
    tau = np.where(whole > 0, s / np.where(whole > 0, whole, 1), np.nan)
    made = {"s": s, "variance": variance, "z": z, "p_value": two_sided_p(z), "tau_b": tau}
    return pd.DataFrame(made)


def count_periods(monthly: pd.DataFrame, *, period_months: int) -> pd.DataFrame:
    """Add up months to whole periods, a column each, that end with the last month."""
    months = np.sort(monthly["month"].unique())
    number = (len(months) - 1 - np.searchsorted(months, monthly["month"])) // period_months
    whole = number < len(months) // period_months
    kept = monthly[whole].assign(end=months[::-1][::period_months][number[whole]])
    total = kept.groupby(["area_code", "end"], sort=False)["offences"].sum()
    return total.unstack("end").sort_index(axis=1)  # noqa: PD010


def classify_persistence(counts: AreaCounts) -> pd.DataFrame:
    """Class each area by how often and in which quarters it was a hotspot, and test its trend.

    persistent: hot in 90 % of quarters and the last; intensifying: that and rising; new: hot in
    the last only; diminishing: hot in 90 % of the earlier and not in the last, or in half and
    falling; intermittent: any other mix. A class describes the past and is no forecast. All is
    told from quarters and years as published: a flag of true counts would say which they are.
    """
    areas, tested = counts.areas, counts.areas["is_tested"].to_numpy(bool)
    wide, yearly = (
        counts.as_shown(made.reindex(areas["area_code"]))
        for made in (count_periods(counts.monthly, period_months=size) for size in (3, 12))
    )
    quarters = [areas.assign(offences=quarter) for quarter in wide.T]
    flags = [find_hotspots(quarter, counts.neighbours)["is_hotspot"] for quarter in quarters]
    hot = np.array(flags, dtype=bool).reshape(-1, len(areas)).T
    z = mann_kendall(wide)["z"].to_numpy()
    p = np.where(tested & (wide.shape[1] >= LEAST_PERIODS), two_sided_p(z), np.nan)
    adjusted = adjust_p(p)
    rising, falling = (adjusted <= ALPHA) & (z > 0), (adjusted <= ALPHA) & (z < 0)
    kinds, names = [np.isnan(p), rising, falling], ["too little data", "rising", "falling"]
    own = np.where(tested[:, None], yearly, -1)  # years in the top tenth
    bar = np.sort(own, axis=0)[::-1][max(1, round(tested.sum() / 10)) - 1]
    times = hot.sum(axis=1)
    made = areas.assign(
        periods=wide.shape[1],
        periods_hot=times,
        flagged_periods=np.where(times > 0, times, np.nan),  # for the chart: of those flagged
        years=yearly.shape[1],
        years_in_top_tenth=((own >= bar) & (own > 0)).sum(axis=1),
        trend_p_adjusted=adjusted,
        trend=np.select(kinds, names, default="no clear trend").astype(object),
        persistence=_class(hot, rising, falling),
    )
    return made[tested].reset_index(drop=True)


def _class(hot: np.ndarray, rising: np.ndarray, falling: np.ndarray) -> np.ndarray:
    if hot.shape[1] < 2:
        return np.full(len(hot), "too little data", dtype=object)
    last, before, share = hot[:, -1], hot[:, :-1], hot.mean(axis=1)
    gone = ((before.mean(axis=1) >= 0.9) & ~last) | ((share >= 0.5) & falling)
    often = (share >= 0.9) & last
    kinds = [~hot.any(axis=1), gone, often & rising, often, last & ~before.any(axis=1)]
    names = ["never flagged", "diminishing", "intensifying", "persistent", "new"]
    return np.select(kinds, names, default="intermittent").astype(object)
