"""Local statistics of values on areas: Getis-Ord, local Moran, false discovery rate."""

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from sna.errors import CoverageError, TableError, UsageError
from sna.geography import Neighbours

if TYPE_CHECKING:
    from scipy.sparse import csr_array

MINIMUM_AREAS = 10  # below, a normal z on areas means nothing
MINIMUM_OFFENCES = 20  # in all areas together
PERMUTATIONS_PER_AREA = 40  # so that the smallest p can pass a 5 % false discovery rate


def getis_ord_z(values: np.ndarray, matrix: "csr_array", *, star: bool = True) -> np.ndarray:
    """Getis-Ord z of each area: whether it and its neighbours hold more or less than chance gives.

    Parameters
    ----------
    values
        One number an area, in the order of ``matrix``.
    matrix
        Sparse weights without diagonal; 0/1 for contiguity.
    star
        Count the area itself (Gi*, weight 1) and compare with the mean of all areas; otherwise
        leave it out of both (Gi).

    Returns
    -------
    numpy.ndarray
        Standardised Gi* (or Gi). Missing where nothing varies.

    References
    ----------
    Ord and Getis (1995), Geographical Analysis 27, 286-306, equations 5 and 6.

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
    """Local Moran's I of each area, with a two-sided p under conditional randomisation.

    Holding the area's own value, its neighbours' mean is compared with draws without replacement
    from all others; that standardised value is the Gi of the area, signed by its own deviation.

    Returns
    -------
    pandas.DataFrame
        ``local_moran``, ``moran_z``, ``p_value`` and ``quadrant`` (high-high, low-low, high-low,
        low-high: the area first, its neighbours second), in the order of ``values``.

    References
    ----------
    Anselin (1995), Geographical Analysis 27, 93-115; Sokal, Oden and Thomson (1998).
    """
    x = np.asarray(values, dtype=float)
    deviation = x - x.mean()
    weights = matrix @ np.ones(len(x))
    lag = (matrix @ deviation) / np.where(weights > 0, weights, np.nan)
    variance = float((deviation**2).sum()) / max(len(x) - 1, 1)
    local = deviation * lag / (variance if variance > 0 else np.nan)
    z = np.sign(deviation) * getis_ord_z(x, matrix, star=False)
    side = np.where(deviation > 0, "high", "low").astype(object)
    around = np.where(lag > 0, "high", "low").astype(object)
    quadrant = pd.Series(side + "-" + around, dtype="str")
    return pd.DataFrame(
        {"local_moran": local, "moran_z": z, "p_value": two_sided_p(z), "quadrant": quadrant}
    )


def two_sided_p(z: np.ndarray) -> np.ndarray:
    """Two-sided p of standard normal values; missing stays missing."""
    from scipy.special import erfc  # 30 ms

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
    """Two-sided conditional permutation p of the sum over each area's neighbours.

    Each area keeps its value; its neighbours are drawn without replacement from all others. One
    set of draws serves every area: the first k+1 ids of a draw hold k others of any area.

    Parameters
    ----------
    values, matrix
        As in `getis_ord_z`; only 0/1 weights.
    permutations
        Draws; the smallest reachable p is 2 / (permutations + 1).
    seed
        Seed of the draws, to be printed with the result.

    Returns
    -------
    numpy.ndarray
        Twice the smaller tail, the observed sum counted in; missing for islands.
    """
    x = np.asarray(values, dtype=float)
    degree = np.diff(matrix.indptr)
    if not np.all(matrix.data == 1):
        raise UsageError("Permutations need 0/1 weights.", where="permutation_p")
    observed = matrix @ x
    most = int(degree.max(initial=0))
    if most + 1 > len(x):
        return np.full(len(x), np.nan)
    ids = _distinct_draws(len(x), most + 1, permutations, np.random.default_rng(seed))
    sums = np.cumsum(x[ids], axis=1)
    result = np.full(len(x), np.nan)
    slack = 1e-9 * max(float(np.abs(x).sum()), 1.0)
    draw, position = np.nonzero(np.ones_like(ids, dtype=bool))
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
    """Draw `many` different ids of `size` in each row; rows with a repeat are drawn again."""
    if many > size // 4:
        return np.argsort(rng.random((draws, size)), axis=1)[:, :many]
    ids = rng.integers(0, size, (draws, many), dtype=np.int32)
    again = np.arange(draws)
    while len(again):
        ordered = np.sort(ids[again], axis=1)
        again = again[(ordered[:, 1:] == ordered[:, :-1]).any(axis=1)]
        ids[again] = rng.integers(0, size, (len(again), many), dtype=np.int32)
    return ids


def find_hotspots(
    counts: pd.DataFrame,
    neighbours: Neighbours,
    *,
    alpha: float = 0.05,
    permutations: int = 0,
    seed: int = 2024,
) -> pd.DataFrame:
    """Test each area with Gi*, two-sided, at a false discovery rate, and say what it is.

    A hotspot is a group of neighbouring areas with more recorded offences than the map's average
    would explain. It is no judgement on the people who live there, and an area that is not
    flagged is not shown to be quiet.

    Parameters
    ----------
    counts
        One row an area with ``area_code`` and ``offences``; if ``is_tested`` is there, the other
        rows (beyond the border) serve as neighbours only.
    neighbours
        Contiguity of at least these areas.
    alpha
        False discovery rate among the areas tested.
    permutations
        0 for the analytic p; otherwise at least 40 for each area tested.
    seed
        Seed of the permutations.

    Returns
    -------
    pandas.DataFrame
        ``counts`` plus ``gi_star_z``, ``p_value``, ``p_adjusted``, ``is_hotspot``, ``is_coldspot``,
        ``neighbour_count``, ``window_offences`` (the area and its neighbours) and ``hotspot_class``
        (hotspot, coldspot, not distinct, no neighbours,
        beyond the border, too little data).

    Notes
    -----
    The root of the count plus 3/8 (Anscombe) is tested: the tails of counts become near normal
    (decision 0041). Benjamini-Hochberg over the areas tested.
    """
    _check_counts(counts)
    links = neighbours.take(counts["area_code"].astype(str))
    tested = counts.get("is_tested", pd.Series(True, index=counts.index)).to_numpy(bool)
    degree = np.diff(links.matrix.indptr)
    tested = tested & (degree > 0)
    if permutations and permutations < PERMUTATIONS_PER_AREA * tested.sum():
        raise UsageError(
            f"{permutations:,} permutations are too few for {tested.sum():,} areas.",
            where="find_hotspots",
            do=f"Use 0 (analytic) or at least {PERMUTATIONS_PER_AREA * tested.sum():,}.",
        )
    values = np.sqrt(counts["offences"].to_numpy(float) + 3 / 8)
    z = getis_ord_z(values, links.matrix)
    little = len(counts) < MINIMUM_AREAS or counts["offences"].sum() < MINIMUM_OFFENCES
    p = two_sided_p(z)
    if permutations:
        p = permutation_p(values, links.matrix, permutations=permutations, seed=seed)
    p = np.where(tested & ~np.isnan(z) & (not little), p, np.nan)
    adjusted = adjust_p(p)
    hot, cold = (adjusted <= alpha) & (z > 0), (adjusted <= alpha) & (z < 0)
    context = ~counts.get("is_tested", pd.Series(True, index=counts.index)).to_numpy(bool)
    kinds = [context, np.isnan(p) & (degree == 0) & (not little), np.isnan(p), hot, cold]
    names = ["beyond the border", "no neighbours", "too little data", "hotspot", "coldspot"]
    return counts.assign(
        gi_star_z=z,
        p_value=p,
        p_adjusted=adjusted,
        is_hotspot=hot,
        is_coldspot=cold,
        neighbour_count=degree,
        window_offences=links.matrix @ counts["offences"].to_numpy(float) + counts["offences"],
        hotspot_class=np.select(kinds, names, default="not distinct").astype(object),
    )


def _check_counts(counts: pd.DataFrame) -> None:
    wrong = counts["offences"].isna() | (counts["offences"] < 0)
    if wrong.any():
        raise TableError(
            f"{wrong.sum()} of {len(counts)} areas have no count or a negative one.",
            where="counts, column offences",
            found=counts.loc[wrong, "area_code"],
            do="Give 0 to an area where nothing was recorded; leave out areas not published.",
        )
    if counts["area_code"].duplicated().any():
        raise CoverageError(
            f"{counts['area_code'].duplicated().sum()} areas stand twice in the counts.",
            where="counts, column area_code",
            found=counts.loc[counts["area_code"].duplicated(), "area_code"],
            do="Add up to one row an area first.",
        )


def add_smoothed_rate(counts: pd.DataFrame, *, per: int = 1000) -> pd.DataFrame:
    """Add the empirical-Bayes rate: each area's rate drawn towards the mean as its counts are few.

    A smoothed rate is a steadier guess of the lasting level, not what was recorded.

    Parameters
    ----------
    counts
        One row an area with ``offences`` and ``population`` (residents; areas with none or an
        unknown number get no rate).
    per
        Residents the rate is expressed for.

    Returns
    -------
    pandas.DataFrame
        ``counts`` plus ``smoothed_rate``, ``smoothed_lower_ci``, ``smoothed_upper_ci`` (95 %) and
        ``per``.

    Notes
    -----
    Gamma prior with Marshall's moments: mean m, variance s² - m / mean population, at least 0.
    With no spread beyond chance every area gets the mean.

    References
    ----------
    Marshall (1991), Applied Statistics 40, 283-294.
    """
    from scipy.special import gammaincinv

    y = counts["offences"].to_numpy(float)
    people = counts["population"].to_numpy(float)
    known = people > 0
    y, people = np.where(known, y, np.nan), np.where(known, people, np.nan)
    mean = np.nansum(y) / max(np.nansum(people), 1)
    spread = np.nansum(people * (y / people - mean) ** 2) / max(np.nansum(people), 1)
    variance = spread - mean / np.nanmean(people) if known.any() else 0.0
    if variance <= 0 or mean <= 0:
        flat = np.where(known, mean * per, np.nan)
        rates = {"smoothed_rate": flat, "smoothed_lower_ci": flat, "smoothed_upper_ci": flat}
        return counts.assign(**rates, per=per)
    shape, scale = y + mean**2 / variance, per / (people + mean / variance)
    return counts.assign(
        smoothed_rate=shape * scale,
        smoothed_lower_ci=gammaincinv(shape, 0.025) * scale,
        smoothed_upper_ci=gammaincinv(shape, 0.975) * scale,
        per=per,
    )
