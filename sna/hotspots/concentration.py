"""How concentrated offences are, and how sure a rank is."""

from typing import Any

import numpy as np
import pandas as pd

from sna.errors import TableError
from sna.hotspots.local import add_smoothed_rate

DRAWS = 2000


def gini(counts: np.ndarray) -> float:
    """Gini coefficient of counts: 0 when every area has the same, near 1 when one has all.

    With fewer offences than areas it is high whatever the pattern; see `generalised_gini`.

    Examples
    --------
    >>> round(gini(np.array([0, 0, 1, 3])), 4)
    0.625
    """
    y = np.sort(np.asarray(counts, dtype=float))
    n, total = len(y), y.sum()
    if n == 0 or total == 0:
        return float("nan")
    return float(2 * (np.arange(1, n + 1) * y).sum() / (n * total) - (n + 1) / n)


def generalised_gini(counts: np.ndarray) -> float:
    """Gini against the most even spread that whole offences allow.

    With n areas and c < n offences, at best c areas hold one each; that scores 0.

    References
    ----------
    Bernasco and Steenbeek (2017), Journal of Quantitative Criminology 33, 451-467.

    Examples
    --------
    >>> generalised_gini(np.array([1, 1, 0, 0])), round(generalised_gini(np.array([2, 0, 0])), 4)
    (0.0, 0.5)
    """
    y = np.sort(np.asarray(counts, dtype=float))
    n, total = len(y), y.sum()
    if n == 0 or total == 0:
        return float("nan")
    lean = 2 * (np.arange(1, n + 1) * y).sum() / total - n - 1
    return float(max(1 / total, 1 / n) * lean - max(n / total, 1) + 1)


def share_holding(counts: np.ndarray, *, part: float = 0.5) -> float:
    """Smallest share of areas that together hold `part` of all offences, whole areas only.

    Examples
    --------
    >>> share_holding(np.array([6, 2, 1, 1, 0]))
    0.2
    """
    y = np.sort(np.asarray(counts, dtype=float))[::-1]
    if y.sum() == 0:
        return float("nan")
    return float(np.searchsorted(np.cumsum(y), part * y.sum() - 1e-9) + 1) / len(y)


def measure_concentration(counts: pd.DataFrame, *, seed: int = 2024) -> pd.DataFrame:
    """Measure how few areas hold half of the offences, with limits and what chance would give.

    Concentration says where to look, not why; the areas that lead change from year to year.

    Parameters
    ----------
    counts
        One row an area with ``offences``; rows where ``is_tested`` is False are left out.
    seed
        Seed of the 2,000 draws.

    Returns
    -------
    pandas.DataFrame
        One row: ``areas``, ``offences``, ``share_for_half`` with ``lower_ci`` and ``upper_ci``
        (95 %), ``chance_share`` (the same offences thrown evenly at random), ``gini``,
        ``generalised_gini``, ``top_tenth_share``.

    Notes
    -----
    Limits: each area's mean is drawn from its gamma posterior (moments of all areas), a count
    from that mean, 2.5th and 97.5th percentile. They speak of a like period, not of recording.
    """
    counts = _own(counts)
    y = counts["offences"].to_numpy(float)
    rng = np.random.default_rng(seed)
    lower = upper = chance = top = np.nan
    if len(y) >= 2 and y.sum() > 0:
        spread = max(y.var() - y.mean(), 1e-9)
        shape, rate = y.mean() ** 2 / spread, y.mean() / spread
        draws = rng.poisson(rng.gamma(y + shape, 1 / (1 + rate), (DRAWS, len(y))))
        shares = np.array([share_holding(draw) for draw in draws])
        lower, upper = np.nanpercentile(shares, [2.5, 97.5])
        even = rng.multinomial(int(y.sum()), np.full(len(y), 1 / len(y)), 200)
        chance = float(np.mean([share_holding(draw) for draw in even]))
        top = float(np.sort(y)[::-1][: max(1, round(len(y) / 10))].sum() / y.sum())
    row = {
        "areas": len(y),
        "offences": int(y.sum()),
        "share_for_half": share_holding(y) if len(y) else np.nan,
        "lower_ci": lower,
        "upper_ci": upper,
        "chance_share": chance,
        "gini": gini(y),
        "generalised_gini": generalised_gini(y),
        "top_tenth_share": top,
    }
    return pd.DataFrame([row]).assign(**_origin(counts))


def lorenz_curve(counts: pd.DataFrame, *, steps: int = 20) -> pd.DataFrame:
    """Share of offences in the areas with the most, at even steps of the share of areas.

    Returns
    -------
    pandas.DataFrame
        ``steps`` + 1 rows: ``area_share``, ``offences_held`` (count) and ``offences`` (all).
    """
    counts = _own(counts)
    y = np.sort(counts["offences"].to_numpy(float))[::-1]
    held = np.concatenate([[0.0], np.cumsum(y)])
    at = np.linspace(0, 1, steps + 1)
    taken = np.floor(at * len(y) + 1e-9).astype(int)
    return pd.DataFrame(
        {"area_share": at, "offences_held": held[taken], "offences": y.sum()}
    ).assign(**_origin(counts))


def _own(counts: pd.DataFrame) -> pd.DataFrame:
    """Leave out areas beyond the border, which are there as neighbours only."""
    return counts[counts["is_tested"]] if "is_tested" in counts else counts


def _origin(counts: pd.DataFrame) -> dict[str, Any]:
    """Source, class and period that a summary takes over from its areas."""
    names = ("area_level", "source", "release_class", "period_start", "period_end", "period_months")
    return {name: counts[name].iloc[0] for name in names if name in counts and len(counts)}


def add_rank(counts: pd.DataFrame, *, seed: int = 2024) -> pd.DataFrame:
    """Add the rank of each area's rate with a 95 % interval; 1 is the highest.

    A rank without its interval is a league table: most areas in the middle could swap places.

    Parameters
    ----------
    counts
        One row an area with ``offences`` and ``population``.
    seed
        Seed of the 2,000 draws.

    Returns
    -------
    pandas.DataFrame
        ``counts`` plus ``rank``, ``rank_lower``, ``rank_upper``; missing without residents.

    Notes
    -----
    Each rate is drawn from its gamma posterior (empirical Bayes) and the draws are ranked.
    """
    if (counts["offences"] < 0).any():
        raise TableError("A count is negative.", where="counts, column offences")
    smooth = add_smoothed_rate(counts)
    people = counts["population"].to_numpy(float)
    known = np.flatnonzero(people > 0)
    y, people = counts["offences"].to_numpy(float)[known], people[known]
    mean = y.sum() / max(people.sum(), 1)
    spread = (people * (y / people - mean) ** 2).sum() / max(people.sum(), 1)
    variance = max(spread - mean / people.mean(), 1e-12) if len(known) and mean > 0 else 1e-12
    rng = np.random.default_rng(seed)
    shape, rate = y + mean**2 / variance, people + mean / variance
    draws = rng.gamma(shape, 1 / rate, (DRAWS, len(known))) if len(known) else np.empty((1, 0))
    ranks = (-draws).argsort(axis=1).argsort(axis=1) + 1
    columns = {name: np.full(len(counts), np.nan) for name in ("rank", "rank_lower", "rank_upper")}
    if len(known):
        columns["rank"] = smooth["smoothed_rate"].rank(ascending=False, method="min").to_numpy()
        low, high = np.percentile(ranks, [2.5, 97.5], axis=0, method="nearest")
        columns["rank_lower"][known], columns["rank_upper"][known] = low, high
    return counts.assign(**columns)
