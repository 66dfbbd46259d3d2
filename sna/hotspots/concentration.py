"""How concentrated offences are, and how sure a rank is."""

from typing import Any

import numpy as np
import pandas as pd

from sna.errors import TableError, UsageError
from sna.hotspots.areas import ORIGIN
from sna.hotspots.local import posterior

DRAWS = 2000


def gini(counts: Any, *, generalised: bool = False) -> float:
    """Gini coefficient: 0 when every area has the same, near 1 when one has all.

    Few offences in many areas give a high Gini whatever the pattern; the generalised one scores 0
    for the most even spread of whole offences. Bernasco and Steenbeek (2017), Journal of
    Quantitative Criminology 33, 451-467.

    Examples
    --------
    >>> gini([0, 0, 1, 3]), gini([1, 1, 0, 0]), gini([1, 1, 0, 0], generalised=True)
    (0.625, 0.5, 0.0)
    """
    y = _sorted(counts)
    n, total = len(y), y.sum()
    if n == 0 or total == 0:
        return float("nan")
    lean = 2 * (np.arange(1, n + 1) * y).sum() / total - n - 1
    if generalised:
        return float(max(1 / total, 1 / n) * lean - max(n / total, 1) + 1)
    return float(lean / n)


def _sorted(counts: Any) -> np.ndarray:
    y = np.sort(np.asarray(counts, dtype=float))
    if not (y >= 0).all():
        raise TableError(
            "Counts are missing or negative.",
            where="counts",
            found=y[~(y >= 0)],
            do="Give one count of 0 or more for each area.",
        )
    return y


def share_holding(counts: Any, *, part: float = 0.5) -> float:
    """Smallest share of areas that together hold `part` of all offences, whole areas only.

    Examples
    --------
    >>> share_holding([6, 2, 1, 1, 0])
    0.2
    """
    y = _sorted(counts)[::-1]
    if not 0 < part <= 1:
        do = "Give a part above 0 and up to 1, as in part=0.5."
        raise UsageError("That is no part of all offences.", where="part", found=part, do=do)
    if y.sum() == 0:
        return float("nan")
    return float(np.searchsorted(np.cumsum(y), part * y.sum() - 1e-9) + 1) / len(y)


def measure_concentration(counts: pd.DataFrame, *, seed: int = 2024) -> pd.DataFrame:
    """Measure in one row how few areas hold half, with limits and what chance would give.

    Limits: a mean of each area drawn from its posterior, a count from that mean, 2.5th and 97.5th
    percentile of the shares. They speak of a like period, not of recording.
    """
    counts = _own(counts)
    total, counts = int(counts["offences"].sum()), _as_published(counts)
    y, rng = counts["offences"].to_numpy(float), np.random.default_rng(seed)
    lower = upper = chance = top = np.nan
    if len(y) >= 2 and y.sum() > 0:
        shape, rate = posterior(counts.assign(population=1.0))
        draws = rng.poisson(rng.gamma(shape, 1 / rate, (DRAWS, len(y))))
        lower, upper = np.nanpercentile([share_holding(draw) for draw in draws], [2.5, 97.5])
        even = rng.multinomial(int(y.sum()), np.full(len(y), 1 / len(y)), 200)
        chance = float(np.mean([share_holding(draw) for draw in even]))
        top = float(np.sort(y)[::-1][: max(1, round(len(y) / 10))].sum() / y.sum())
    origin = counts[[name for name in ORIGIN if name in counts]].head(1)
    shares = {"share_for_half": share_holding(y), "lower_ci": lower, "upper_ci": upper}
    return origin.assign(
        areas=len(y),
        offences=total,
        chance_share=chance,
        gini=gini(y),
        generalised_gini=gini(y, generalised=True),
        top_tenth_share=top,
        **shares,
    )


def lorenz_curve(counts: pd.DataFrame, *, steps: int = 20) -> pd.DataFrame:
    """Offences held by the areas with the most, at even steps of the share of areas."""
    counts = _as_published(_own(counts))
    y = np.sort(counts["offences"].to_numpy(float))[::-1]
    held, at = np.concatenate([[0.0], np.cumsum(y)]), np.linspace(0, 1, steps + 1)
    taken = held[np.floor(at * len(y) + 1e-9).astype(int)]
    made = pd.DataFrame({"area_share": at, "offences_held": taken, "offences": y.sum()})
    return made.assign(**{name: counts[name].iloc[0] for name in ORIGIN if name in counts})


def _own(counts: pd.DataFrame) -> pd.DataFrame:
    return counts[counts["is_tested"]] if "is_tested" in counts else counts


def _as_published(counts: pd.DataFrame) -> pd.DataFrame:
    """Return counts as the edition shows them: shares of few areas would tell the true ones."""
    return counts.assign(offences=counts.get("shown", counts["offences"]))


def add_rank(counts: pd.DataFrame, *, seed: int = 2024) -> pd.DataFrame:
    """Add ``rank`` of each area's smoothed rate with a 95 % interval; 1 is the highest.

    Rates are drawn from their posteriors and the draws ranked; missing without residents.
    """
    shape, rate = posterior(counts)
    known = ~np.isnan(rate)
    rng, size = np.random.default_rng(seed), (DRAWS, int(known.sum()))
    drawn = rng.gamma(shape[known], 1 / rate[known], size)
    ranks = (-drawn).argsort(axis=1).argsort(axis=1) + 1
    limits = np.full((2, len(counts)), np.nan)
    if known.any():
        limits[:, known] = np.percentile(ranks, [2.5, 97.5], axis=0, method="nearest")
    rank = pd.Series(shape / rate, index=counts.index).rank(ascending=False, method="min")
    return counts.assign(rank=rank, rank_lower=limits[0], rank_upper=limits[1])
