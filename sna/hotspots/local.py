"""Local statistics of counts on areas: Getis-Ord, local Moran, exact p, smoothed rates."""

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from sna.errors import TableError, UsageError
from sna.geography import Neighbours
from sna.rates.inputs import check_columns, check_numbers

if TYPE_CHECKING:
    from scipy.sparse import csr_array

ALPHA = 0.05  # false discovery rate of every flag
ALPHA_AGAIN = 0.02  # and of those found once the first are left out (decision 0041)
MINIMUM_AREAS, MINIMUM_OFFENCES = 10, 20  # below, no arrangement of the counts is rare enough
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
    given = np.asarray(values, dtype=float)
    x, n = given - given.mean(), len(given) - (not star)
    own = np.zeros(len(x)) if star else x
    ones = np.ones(len(x))
    total, weights = matrix @ x + (x - own), matrix @ ones + star
    squares = matrix.power(2) @ ones + star
    mean = (x.sum() - own) / max(n, 1)
    variance = np.maximum(((x**2).sum() - own**2) / max(n, 1) - mean**2, 0)
    spread = np.sqrt(variance * (n * squares - weights**2) / max(n - 1, 1))
    flat = spread <= 1e-12 * max(float(np.abs(given).max(initial=0)), 1e-300)
    return np.where(flat, np.nan, (total - weights * mean) / np.where(flat, 1, spread))


def randomisation_p(
    counts: np.ndarray, matrix: "csr_array", *, star: bool = True, dealt: np.ndarray | None = None
) -> np.ndarray:
    """Exact two-sided p of each area's sum if every arrangement of the whole counts were as likely.

    With `star` the area counts among its neighbours (Gi*); without, its own count is held and its
    neighbours are drawn from the others (local Moran). No seed, no normal curve: it stays true for
    very uneven maps (decision 0041). With `dealt` (true or false an area) only the counts of those
    areas are dealt out. The sums of all choices of k counts are the coefficients of
    an elementary symmetric polynomial, found by Newton's identities at the roots of unity.
    """
    from scipy.fft import next_fast_len

    y, size = np.asarray(counts).astype(np.int64), np.diff(matrix.indptr) + star
    sums, most = (matrix @ y + y * star).astype(np.int64), int(size.max(initial=0))
    pool = y if dealt is None else y[dealt]
    length = next_fast_len(int(np.sort(pool)[-most - 1 :].sum()) + 1)
    turn, sums = np.arange(length), np.minimum(sums, length - 1)  # of the last none can be dealt
    moments = np.fft.fft(np.bincount(pool, minlength=length))
    power = [moments[turn * j % length] for j in range(most + 1)]
    choices = [np.ones(length, dtype=complex)]
    for k in range(1, most + 1):
        terms = [(-1) ** (j - 1) * choices[k - j] * power[j] for j in range(1, k + 1)]
        choices.append(np.sum(terms, axis=0) / k)
    p = np.full(len(y), np.nan)
    for held in [-1] if star else np.unique(y):
        members = size > 0 if star else (size > 0) & (y == held)
        kept, without = choices[:1], np.exp(-2j * np.pi * held * turn / length)
        for k in range(1, int(size[members].max(initial=0)) + 1):
            kept.append(choices[k] - (0 if star else without * kept[k - 1]))
            here = members & (size == k)
            chance = np.fft.ifft(kept[k]).real
            below = np.concatenate([[0], np.cumsum(chance / chance.sum())])
            p[here] = np.minimum(below[sums[here] + 1], 1 - below[sums[here]])
    return np.clip(2 * p, 1e-12, 1)


def two_sided_p(z: np.ndarray) -> np.ndarray:
    """Two-sided p of standard normal values; missing stays missing."""
    from scipy.special import erfc

    return np.asarray(erfc(np.abs(z) / np.sqrt(2)))


def adjust_p(p_value: np.ndarray) -> np.ndarray:
    """Benjamini-Hochberg adjusted p; missing values are not tested and stay missing."""
    from scipy.stats import false_discovery_control

    p = np.asarray(p_value, dtype=float)
    tested, adjusted = ~np.isnan(p), np.full(len(p), np.nan)
    adjusted[tested] = false_discovery_control(p[tested]) if tested.any() else 1
    return adjusted


def permutation_p(
    values: np.ndarray,
    matrix: "csr_array",
    *,
    permutations: int,
    seed: int,
    dealt: np.ndarray | None = None,
) -> np.ndarray:
    """Two-sided p of each area and its neighbours (0/1 weights) among random arrangements.

    What `randomisation_p` counts whole is drawn here, so any values will do. One set of draws
    serves every area; twice the smaller tail, the observed sum counted in.
    """
    x, size = np.asarray(values, dtype=float), np.diff(matrix.indptr) + 1
    pool = x if dealt is None else x[dealt]
    sums, rng, shape = matrix @ x + x, np.random.default_rng(seed), (permutations, int(size.max()))
    ids, again = np.zeros(shape, dtype=np.int32), np.arange(permutations)
    while len(again):  # draws that name an area twice are drawn again
        ids[again] = rng.integers(0, len(pool), (len(again), shape[1]), dtype=np.int32)
        ordered = np.sort(ids[again], axis=1)
        again = again[(ordered[:, 1:] == ordered[:, :-1]).any(axis=1)]
    drawn, p, slack = np.cumsum(pool[ids], axis=1), np.full(len(x), np.nan), 1e-9 * np.abs(x).sum()
    for k in np.unique(size):
        here, base = size == k, np.sort(drawn[:, k - 1])
        high = permutations - np.searchsorted(base, sums[here] - slack, "left")
        low = np.searchsorted(base, sums[here] + slack, "right")
        p[here] = 2 * (np.minimum(high, low) + 1) / (permutations + 1)
    return np.minimum(p, 1)


def _check_counts(counts: pd.DataFrame) -> np.ndarray:
    """Return the counts; refuse areas that stand twice and what is no whole count."""
    check_columns(counts, ("area_code", "offences"), "counts")
    do = "Give one row an area, with 0 where nothing was recorded."
    y = check_numbers(counts["offences"], "offences", whole=True)
    if (wrong := counts["area_code"].duplicated() | np.isnan(y)).any():
        what = f"{wrong.sum()} of {len(counts)} areas stand twice or have no count."
        where, found = "counts, columns area_code and offences", counts.loc[wrong, "area_code"]
        raise TableError(what, where=where, found=found, do=do)
    return y


def symmetric_scores(counts: np.ndarray) -> np.ndarray:
    """Two-thirds power of the counts, in whole eighths: Poisson counts become symmetric.

    So that one very high count does not hide what lies around it (decision 0041). Anscombe (1953),
    discussion of Hotelling, Journal of the Royal Statistical Society B 15, 229-230.

    Examples
    --------
    >>> symmetric_scores(np.array([0, 1, 8, 1000])).tolist()
    [4, 10, 33, 800]
    """
    return np.rint(8 * (np.asarray(counts, dtype=float) + 3 / 8) ** (2 / 3)).astype(np.int64)


def _test_twice(
    y: np.ndarray, matrix: "csr_array", tested: np.ndarray, **draws: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return p, adjusted p and whether more is held than in what was dealt out, of each area.

    What is flagged makes all else look ordinary: the second dealing leaves out flagged areas and
    those that touch them. Its adjusted p is multiplied, so that 5 % stands for `ALPHA_AGAIN`.
    """
    x, size = symmetric_scores(y), np.diff(matrix.indptr) + 1

    def find(dealt: np.ndarray) -> np.ndarray:
        if draws["permutations"]:
            return np.where(tested, permutation_p(x, matrix, dealt=dealt, **draws), np.nan)
        return np.where(tested, randomisation_p(x, matrix, dealt=dealt), np.nan)

    p = find(np.ones(len(y), dtype=bool))
    adjusted, mean = adjust_p(p), np.full(len(y), x.mean())
    found = adjusted <= ALPHA
    rest = ~found & (matrix @ found.astype(float) == 0)
    if found.any() and rest.sum() >= max(MINIMUM_AREAS, len(y) / 2):
        again = find(rest)
        second = np.minimum(adjust_p(again) * ALPHA / ALPHA_AGAIN, 1)
        p, adjusted = np.where(found, p, again), np.where(found, adjusted, second)
        mean[~found] = x[rest].mean()
    return p, adjusted, matrix @ x + x > size * mean


def find_hotspots(
    counts: pd.DataFrame, neighbours: Neighbours, *, permutations: int = 0, seed: int = 2024
) -> pd.DataFrame:
    """Test each area with Gi* and local Moran, two-sided, at a false discovery rate of 5 %.

    A hotspot is no judgement on residents, and an area that is not flagged is not shown to be
    quiet. `counts` has ``area_code`` and whole ``offences``; rows whose ``is_tested`` is False
    serve as neighbours only. The p of Gi* is exact, or from `permutations`, of
    `symmetric_scores`; the others are tested again without what was flagged, and an area below
    the mean is no hotspot for its neighbours' sake. Adds ``gi_star_z``,
    ``p_value``, ``p_adjusted``, ``is_hotspot``, ``is_coldspot``, ``window_offences`` (the area and
    its neighbours), ``hotspot_class``, ``local_moran``, ``moran_p_adjusted``, ``moran_class``.
    """
    y = _check_counts(counts)
    matrix = neighbours.take(counts["area_code"].astype(str)).matrix
    linked = np.diff(matrix.indptr) > 0
    own = counts.get("is_tested", pd.Series(True, index=counts.index)).to_numpy(bool)
    least = PERMUTATIONS_PER_AREA * (own & linked).sum()
    if permutations and permutations < least:
        raise UsageError(
            f"{permutations:,} permutations are too few for {(own & linked).sum():,} areas.",
            where="find_hotspots",
            do=f"Use 0 (exact) or at least {least:,}.",
        )
    z, x = getis_ord_z(y, matrix), y - y.mean()
    tested = (
        own
        & linked
        & (len(y) >= MINIMUM_AREAS and y.sum() >= MINIMUM_OFFENCES and y[own].any() and x.any())
    )
    p, adjusted, more = _test_twice(y, matrix, tested, permutations=permutations, seed=seed)
    clear, score = adjusted <= ALPHA, symmetric_scores(y)
    hot, cold = clear & more & (x > 0), clear & ~more & (x < 0)
    moran_p = adjust_p(np.where(tested, randomisation_p(score, matrix, star=False), np.nan))
    names = ["beyond the border", "no neighbours", "too little data"]
    kinds, none = [~own, ~linked & tested.any(), ~tested], "not distinct"
    lag = (matrix @ x) / np.maximum(matrix.sum(axis=1), 1)
    beside = matrix @ (score - score.mean())
    side, around = (np.where(part > 0, "high", "low").astype(object) for part in (x, beside))
    alike = np.where(moran_p <= ALPHA, side + " among " + around, none)
    spots = np.select([hot, cold], ["hotspot", "coldspot"], none)
    return counts.assign(
        gi_star_z=z,
        p_value=p,
        p_adjusted=adjusted,
        is_hotspot=hot,
        is_coldspot=cold,
        window_offences=matrix @ y + y,
        hotspot_class=np.select(kinds, names, spots).astype(object),
        local_moran=np.where(linked, x * lag, np.nan) * (len(x) - 1) / ((x**2).sum() or np.nan),
        moran_p_adjusted=moran_p,
        moran_class=np.select(kinds, names, alike).astype(object),
    )


def posterior(counts: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Gamma posterior (shape, rate) of offences per resident by moments; missing without any."""
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
