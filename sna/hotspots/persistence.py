"""How lasting hotspots are: years in the top tenth, classes over time, Mann-Kendall."""

import numpy as np
import pandas as pd

from sna.hotspots.areas import AreaCounts
from sna.hotspots.local import adjust_p, find_hotspots, two_sided_p

LEAST_PERIODS = 8  # below, Mann-Kendall cannot pass a false discovery rate over many areas
CLASSES = ("persistent", "intensifying", "new", "intermittent", "diminishing", "never flagged")


def mann_kendall(values: np.ndarray) -> pd.DataFrame:
    """Mann-Kendall test of a steady rise or fall, one row a series, periods in columns.

    The periods must not overlap: a rolling total would follow itself and every test would fire.

    Returns
    -------
    pandas.DataFrame
        ``s``, ``variance`` (corrected for ties), ``z`` (with continuity correction), ``p_value``
        (two-sided) and ``tau_b``.

    References
    ----------
    Kendall (1975), Rank correlation methods.

    Examples
    --------
    >>> mann_kendall(np.array([[1, 2, 3, 4, 5, 6, 7, 8]])).round(4).iloc[0].tolist()
    [28.0, 65.3333, 3.3404, 0.0008, 1.0]
    """
    x = np.atleast_2d(np.asarray(values, dtype=float))
    n = x.shape[1]
    s, ties = np.zeros(len(x)), np.zeros(len(x))
    for step in range(1, n):
        s += np.sign(x[:, step:] - x[:, :-step]).sum(axis=1)
    same = (x[:, :, None] == x[:, None, :]).sum(axis=2)  # size of the tie each value is in
    ties = ((same - 1) * (2 * same + 5)).sum(axis=1)  # Σ t(t-1)(2t+5) over ties
    variance = (n * (n - 1) * (2 * n + 5) - ties) / 18
    z = np.where(variance > 0, (s - np.sign(s)) / np.sqrt(np.where(variance > 0, variance, 1)), 0)
    pairs = n * (n - 1) / 2
    untied = pairs - (same - 1).sum(axis=1) / 2
    whole = np.sqrt(pairs * untied)
    tau = np.where(whole > 0, s / np.where(whole > 0, whole, 1), np.nan)
    return pd.DataFrame(
        {"s": s, "variance": variance, "z": z, "p_value": two_sided_p(z), "tau_b": tau}
    )


def count_periods(monthly: pd.DataFrame, *, period_months: int) -> pd.DataFrame:
    """Add up months to whole periods that end with the last month; a short first one is left out.

    Returns
    -------
    pandas.DataFrame
        One row an area and period: ``area_code``, ``period_end``, ``offences``.
    """
    months = np.sort(monthly["month"].unique())
    back = len(months) - 1 - np.searchsorted(months, monthly["month"])
    number = back // period_months
    kept = monthly.assign(number=number)[number < len(months) // period_months]
    ends = pd.Series(months[::-1][::period_months])
    total = kept.groupby(["area_code", "number"], sort=False)["offences"].sum().reset_index()
    total = total.assign(period_end=total["number"].map(ends)).sort_values(
        ["area_code", "period_end"], kind="stable"
    )
    return total[["area_code", "period_end", "offences"]].reset_index(drop=True)


def classify_persistence(
    counts: AreaCounts, *, period_months: int = 3, alpha: float = 0.05
) -> pd.DataFrame:
    """Class each area by how often and when it was a hotspot, and test its trend.

    A class describes the past; it is no forecast, and quarters are noisy where few offences are
    recorded.

    Parameters
    ----------
    counts
        Of `sna.hotspots.count_areas`.
    period_months
        Length of the periods, which do not overlap, in months.
    alpha
        False discovery rate, for the hotspots of each period and for the trends.

    Returns
    -------
    pandas.DataFrame
        The tested rows of ``counts.areas`` plus ``periods``, ``periods_hot``, ``hot_last``,
        ``years``, ``years_in_top_tenth``, ``trend_z``, ``trend_p_adjusted``, ``trend`` (rising,
        falling, no clear trend, too little data) and ``persistence``.

    Notes
    -----
    persistent: hot in at least 90 % of periods and in the last; intensifying: that and rising; new:
    hot in the last period only; diminishing: hot in at least 90 % of earlier periods and not in the
    last, or hot in at least half and falling; intermittent: any other mix; never flagged.
    """
    areas = counts.areas
    wide = _wide(counts.monthly, areas, period_months)
    hot = np.zeros(wide.shape, dtype=bool)
    for place, end in enumerate(wide.columns):
        quarter = areas.assign(offences=wide[end].to_numpy())
        found = find_hotspots(quarter, counts.neighbours, alpha=alpha)
        hot[:, place] = found["is_hotspot"]
    tested = areas.get("is_tested", pd.Series(True, index=areas.index)).to_numpy(bool)
    enough = wide.shape[1] >= LEAST_PERIODS
    test = mann_kendall(wide.to_numpy()) if wide.shape[1] > 1 else None
    z = test["z"].to_numpy() if test is not None else np.full(len(areas), np.nan)
    p = np.where(tested & enough, test["p_value"] if test is not None else np.nan, np.nan)
    adjusted = adjust_p(p)
    rising, falling = (adjusted <= alpha) & (z > 0), (adjusted <= alpha) & (z < 0)
    trend = np.select([np.isnan(p), rising, falling], ["too little data", "rising", "falling"],
                      default="no clear trend")  # fmt: skip
    yearly = _wide(counts.monthly, areas, 12)
    made = areas.assign(
        periods=wide.shape[1],
        periods_hot=hot.sum(axis=1),
        hot_last=hot[:, -1] if wide.shape[1] else False,
        years=yearly.shape[1],
        years_in_top_tenth=_top_tenth(yearly.to_numpy(float), tested),
        trend_z=z,
        trend_p_adjusted=adjusted,
        trend=trend.astype(object),
        persistence=_class(hot, rising, falling),
    )
    return made[tested].reset_index(drop=True)


def _wide(monthly: pd.DataFrame, areas: pd.DataFrame, period_months: int) -> pd.DataFrame:
    """One row an area in the order of `areas`, one column a period."""
    periods = count_periods(monthly, period_months=period_months)
    wide = periods.set_index(["area_code", "period_end"])["offences"].unstack("period_end")  # noqa: PD010
    return wide.reindex(areas["area_code"])


def _top_tenth(yearly: np.ndarray, tested: np.ndarray) -> np.ndarray:
    """Years in which an area is among the tenth of tested areas with the most offences."""
    years = np.zeros(len(yearly), dtype=int)
    for column in yearly.T:
        own = np.where(tested, column, -1)
        bar = np.sort(own)[::-1][max(1, round(tested.sum() / 10)) - 1] if len(own) else 0
        years += (own >= bar) & (own > 0)
    return years


def _class(hot: np.ndarray, rising: np.ndarray, falling: np.ndarray) -> np.ndarray:
    if hot.shape[1] == 0:
        return np.full(len(hot), "never flagged", dtype=object)
    last, before = hot[:, -1], hot[:, :-1]
    often = hot.mean(axis=1) >= 0.9
    was = before.mean(axis=1) >= 0.9 if before.shape[1] else np.zeros(len(hot), dtype=bool)
    gone = (was & ~last) | ((hot.mean(axis=1) >= 0.5) & falling)
    kinds = [
        ~hot.any(axis=1),
        gone,
        often & last & rising,
        often & last,
        last & ~before.any(axis=1),
    ]
    names = ["never flagged", "diminishing", "intensifying", "persistent", "new"]
    return np.select(kinds, names, default="intermittent").astype(object)
