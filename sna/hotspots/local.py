"""Local statistics of values on areas: Getis-Ord, local Moran, false discovery rate."""

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from sna.errors import TableError, UsageError
from sna.geography import Neighbours

if TYPE_CHECKING:
    from scipy.sparse import csr_array

MINIMUM_AREAS, MINIMUM_OFFENCES = 10, 20  # below, a normal z on areas means nothing
PERMUTATIONS_PER_AREA = 40  # so that the smallest p can pass a 5 % false discovery rate


def getis_ord_z(values: np.ndarray, matrix: "csr_array", *, star: bool = True) -> np.ndarray:
    """Getis-Ord z of each area: whether it and its neighbours hold more or less than chance gives.

    `matrix` has no diagonal; Gi* adds the area with weight 1, Gi (`star` False) leaves it out of
    sum and mean. Missing where nothing varies. Ord and Getis (1995), Geographical Analysis 27.

    Examples
    --------
    >>> from scipy.sparse import csr_array
    >>> line = csr_array([[0, 1, 0, 0], [1, 0, 1, 0], [0, 1, 0, 1], [0, 0, 1, 0]])
    >>> getis_ord_z(np.array([9.0, 8.0, 1.0, 0.0]), line).round(2).tolist()
    [1.72, 1.12, -1.12, -1.72]
    """
    x = np.asarray(values, dtype=float)
    n = len(x) if star else len(x) - 1
    ones, squares = np.ones(len(x)), matrix.copy()
    squares.data = squares.data**2
    total, weights, weights_2 = matrix @ x, matrix @ ones, squares @ ones
    if star:
        total, weights, weights_2 = total + x, weights + 1, weights_2 + 1
        mean, variance = x.mean(), np.full(len(x), x.var())
    else:
        mean = (x.sum() - x) / n
        variance = np.maximum(((x**2).sum() - x**2) / n - mean**2, 0)
    spread = np.sqrt(variance * (n * weights_2 - weights**2) / max(n - 1, 1))
    flat = spread <= 1e-12 * max(float(np.abs(x).max(initial=0)), 1e-300)
    return np.where(flat, np.nan, (total - weights * mean) / np.where(flat, 1, spread))


def local_moran(values: np.ndarray, matrix: "csr_array") -> pd.DataFrame:
    """Local Moran's I, its z and two-sided p under conditional randomisation, and the quadrant.

    With the area's own value held, its neighbours against draws from all others is its Gi, signed
    by its own deviation. Anselin (1995), Geographical Analysis 27; Sokal and others (1998).
    """
    x = np.asarray(values, dtype=float)
    deviation, weights = x - x.mean(), matrix @ np.ones(len(x))
    lag = (matrix @ deviation) / np.where(weights > 0, weights, np.nan)
    variance = float((deviation**2).sum()) / max(len(x) - 1, 1)
    z = np.sign(deviation) * getis_ord_z(x, matrix, star=False)
    side, around = (np.where(part > 0, "high", "low").astype(object) for part in (deviation, lag))
    return pd.DataFrame(
        {"local_moran": deviation * lag / (variance if variance > 0 else np.nan), "moran_z": z,
         "p_value": two_sided_p(z), "quadrant": side + "-" + around}
    )  # fmt: skip


def two_sided_p(z: np.ndarray) -> np.ndarray:
    """Two-sided p of standard normal values; missing stays missing."""
    from scipy.special import erfc

    return np.asarray(erfc(np.abs(z) / np.sqrt(2)))


def adjust_p(p_value: np.ndarray) -> np.ndarray:
    """Benjamini-Hochberg adjusted p; missing values are not tested and stay missing."""
    p = np.asarray(p_value, dtype=float)
    tested = np.flatnonzero(~np.isnan(p))
    order = tested[np.argsort(p[tested], kind="stable")]
    scaled = p[order] * len(order) / np.arange(1, len(order) + 1)
    adjusted = np.full(len(p), np.nan)
    adjusted[order] = np.minimum(np.minimum.accumulate(scaled[::-1])[::-1], 1)
    return adjusted


def permutation_p(
    values: np.ndarray, matrix: "csr_array", *, permutations: int, seed: int
) -> np.ndarray:
    """Two-sided conditional permutation p of the sum over each area's neighbours (0/1 weights).

    One set of draws serves every area: the first k+1 ids of a draw hold k others of any area.
    Twice the smaller tail, the observed sum counted in; missing for islands.
    """
    x, degree = np.asarray(values, dtype=float), np.diff(matrix.indptr)
    observed, most, result = matrix @ x, int(degree.max(initial=0)), np.full(len(values), np.nan)
    if most + 1 > len(x):
        return result
    ids = _distinct_draws(len(x), most + 1, permutations, np.random.default_rng(seed))
    sums, slack = np.cumsum(x[ids], axis=1), 1e-9 * max(float(np.abs(x).sum()), 1.0)
    draw, position = np.divmod(np.arange(ids.size), most + 1)
    area = ids.ravel()
    for k in np.unique(degree[degree > 0]):
        members = np.flatnonzero(degree == k)
        base = np.sort(sums[:, k - 1])
        high = permutations - np.searchsorted(base, observed[members] - slack, "left")
        low = np.searchsorted(base, observed[members] + slack, "right")
        # draws that hold the area itself among the first k give it up for the next id
        own = np.flatnonzero((position < k) & (degree[area] == k))
        before, after = sums[draw[own], k - 1], sums[draw[own], k] - x[area[own]]
        target, slot = observed[area[own]], np.searchsorted(members, area[own])
        reach = (after >= target - slack).astype(int) - (before >= target - slack)
        below = (after <= target + slack).astype(int) - (before <= target + slack)
        high = high + np.bincount(slot, reach, len(members))
        low = low + np.bincount(slot, below, len(members))
        result[members] = np.minimum(1, 2 * (np.minimum(high, low) + 1) / (permutations + 1))
    return result


def _distinct_draws(size: int, many: int, draws: int, rng: np.random.Generator) -> np.ndarray:
    if many > size // 4:
        return np.argsort(rng.random((draws, size)), axis=1)[:, :many]
    ids = rng.integers(0, size, (draws, many), dtype=np.int32)
    again = np.arange(draws)
    while len(again):  # rows with a repeat are drawn again
        ordered = np.sort(ids[again], axis=1)
        again = again[(ordered[:, 1:] == ordered[:, :-1]).any(axis=1)]
        ids[again] = rng.integers(0, size, (len(again), many), dtype=np.int32)
    return ids


def find_hotspots(
    counts: pd.DataFrame, neighbours: Neighbours, *, alpha: float = 0.05, permutations: int = 0,
    seed: int = 2024,
) -> pd.DataFrame:  # fmt: skip
    """Test each area with Gi*, two-sided, at a false discovery rate, and say what it is.

    A hotspot is no judgement on residents, and an area that is not flagged is not shown to be
    quiet. The root of the count plus 3/8 is tested (decision 0041). `counts` has ``area_code``
    and ``offences``; rows whose ``is_tested`` is False serve as neighbours only. Adds
    ``gi_star_z``, ``p_value``, ``p_adjusted``, ``is_hotspot``, ``is_coldspot``,
    ``window_offences`` (the area and its neighbours) and ``hotspot_class``.
    """
    y = counts["offences"].to_numpy(float)
    wrong = counts["offences"].isna() | (y < 0) | counts["area_code"].duplicated()
    if wrong.any():
        raise TableError(
            f"{wrong.sum()} of {len(counts)} areas stand twice or have no count or a negative one.",
            where="counts, columns area_code and offences", found=counts.loc[wrong, "area_code"],
            do="Give one row an area, with 0 where nothing was recorded.",
        )  # fmt: skip
    links = neighbours.take(counts["area_code"].astype(str))
    degree = np.diff(links.matrix.indptr)
    own = counts.get("is_tested", pd.Series(True, index=counts.index)).to_numpy(bool)
    tested = own & (degree > 0)
    if permutations and permutations < PERMUTATIONS_PER_AREA * tested.sum():
        raise UsageError(
            f"{permutations:,} permutations are too few for {tested.sum():,} areas.",
            where="find_hotspots",
            do=f"Use 0 (analytic) or at least {PERMUTATIONS_PER_AREA * tested.sum():,}.",
        )
    values, enough = np.sqrt(y + 3 / 8), len(y) >= MINIMUM_AREAS and y.sum() >= MINIMUM_OFFENCES
    z = getis_ord_z(values, links.matrix)
    p = two_sided_p(z)
    if permutations:
        p = permutation_p(values, links.matrix, permutations=permutations, seed=seed)
    p = np.where(tested & ~np.isnan(z) & enough, p, np.nan)
    adjusted = adjust_p(p)
    hot, cold = (adjusted <= alpha) & (z > 0), (adjusted <= alpha) & (z < 0)
    kinds = [~own, np.isnan(p) & (degree == 0) & enough, np.isnan(p), hot, cold]
    names = ["beyond the border", "no neighbours", "too little data", "hotspot", "coldspot"]
    return counts.assign(
        gi_star_z=z, p_value=p, p_adjusted=adjusted, is_hotspot=hot, is_coldspot=cold,
        window_offences=links.matrix @ y + y,
        hotspot_class=np.select(kinds, names, default="not distinct").astype(object),
    )  # fmt: skip


def posterior(counts: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Gamma posterior (shape, rate) of each area's offences per resident; Marshall's moments.

    Missing where nobody lives. With no spread beyond chance the shape is endless: all are alike.
    """
    people = counts["population"].where(counts["population"] > 0).to_numpy(float)
    y = np.where(np.isnan(people), np.nan, counts["offences"].to_numpy(float))
    whole = max(np.nansum(people), 1)
    mean = np.nansum(y) / whole
    known = max(int((~np.isnan(people)).sum()), 1)
    variance = np.nansum(people * (y / people - mean) ** 2) / whole - mean * known / whole
    variance = max(variance, 1e-12 * max(mean, 1e-9) ** 2)
    return y + mean**2 / variance, people + mean / variance


def add_smoothed_rate(counts: pd.DataFrame, *, per: int = 1000) -> pd.DataFrame:
    """Add the empirical-Bayes rate: each area's rate drawn towards the mean as its counts are few.

    A steadier guess of the lasting level, not what was recorded. Adds ``smoothed_rate`` and its
    95 % limits. Marshall (1991), Applied Statistics 40, 283-294.
    """
    from scipy.special import gammaincinv

    shape, rate = posterior(counts)
    return counts.assign(
        smoothed_rate=shape / rate * per,
        smoothed_lower_ci=gammaincinv(shape, 0.025) / rate * per,
        smoothed_upper_ci=gammaincinv(shape, 0.975) / rate * per,
    )
