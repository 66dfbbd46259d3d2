"""Compare two rates: ratio, difference, the test whether they differ, and the word for it."""

from typing import Any, NamedTuple

import numpy as np
from scipy.special import betaincinv, gammaln, ndtr, pdtr, pdtrc, xlogy

from sna.rates.inputs import Array, check_confidence, check_numbers, undefined_at_zero
from sna.rates.limits import wilson_limits

NORMAL_ABOVE = 1e7  # events in both counts


class Interval(NamedTuple):
    """An estimate with its limits, each a number or an array."""

    value: Array
    lower_ci: Array
    upper_ci: Array


def _four(*values: Any, whole: bool = False) -> tuple[Array, Array, Array, Array]:
    names = ("count", "population", "ref_count", "ref_population")
    checked = [
        check_numbers(part, name, whole=whole and name.endswith("count"))
        for part, name in zip(values, names, strict=True)
    ]
    x, n, y, m = np.broadcast_arrays(*checked)
    return x, undefined_at_zero(n), y, undefined_at_zero(m)


def rate_ratio(
    count: Any,
    population: Any,
    ref_count: Any,
    ref_population: Any,
    confidence: float = 0.95,
) -> Interval:
    """Ratio of two rates with its limits; a ratio hides size, so print both counts beside it.

    Numbers or arrays that broadcast. Where a count is 0 the exact conditional limits always stand:
    0 against some is 0; some against 0 is infinite with a finite lower limit; 0 against 0, a
    missing count or an empty population is missing. Given the total, the first count is binomial:
    Wilson's limits of its share are the score limits, Clopper-Pearson's the exact ones (Gu and
    others 2008, Biometrical Journal 50).

    >>> [round(float(number), 3) for number in rate_ratio(60, 12_000, 90, 60_000)]
    [3.333, 2.408, 4.614]
    """
    check_confidence(confidence)
    x, n, y, m = _four(count, population, ref_count, ref_population)
    total, tail = undefined_at_zero(x + y), (1 - confidence) / 2
    low, high = wilson_limits(x, x + y, confidence)
    exact = (x == 0) | (y == 0)
    low = np.where(exact, np.where(x == 0, 0, betaincinv(np.maximum(x, 1), y + 1, tail)), low)
    top = betaincinv(x + 1, np.maximum(y, 1), 1 - tail)
    high = np.where(exact, np.where(y == 0, 1, top), high)
    with np.errstate(divide="ignore"):  # some against none is infinite, and said to be
        odds = [share / (1 - share) * m / n + 0 * total for share in (x / total, low, high)]
    return Interval(*(value[()] for value in odds))


def risk_ratio(
    cases: Any, total: Any, ref_cases: Any, ref_total: Any, confidence: float = 0.95
) -> Interval:
    """Ratio of two risks with log-normal limits (Katz 1978, Biometrics 34); missing at 0 cases.

    >>> [round(float(number), 4) for number in risk_ratio(16, 128, 24, 256)]
    [1.3333, 0.7347, 2.4196]
    """
    z = check_confidence(confidence)
    x, n, y, m = _four(cases, total, ref_cases, ref_total)
    a, b = undefined_at_zero(x), undefined_at_zero(y)
    ratio, spread = (a / n) / (b / m), z * np.sqrt(1 / a - 1 / n + 1 / b - 1 / m)
    return Interval(ratio[()], (ratio * np.exp(-spread))[()], (ratio * np.exp(spread))[()])


def _score_gap(delta: Array, x: Array, n: Array, y: Array, m: Array) -> Array:
    half = ((n + m) * delta - x - y) / (2 * (n + m))
    root = np.sqrt(np.maximum(half**2 + y * delta / (n + m), 0))
    other = np.maximum(-half + root, 0)
    spread = np.sqrt(np.maximum(other + delta, 0) / n + other / m)
    gap = x / n - y / m - delta
    return np.where(spread > 0, gap / np.where(spread > 0, spread, 1), np.sign(gap) * np.inf)


def rate_difference(
    count: Any,
    population: Any,
    ref_count: Any,
    ref_population: Any,
    confidence: float = 0.95,
    *,
    per: float = 1,
) -> Interval:
    """Difference of two rates (group less reference) with score limits, also at zero counts.

    The limits are the differences that the score test does not refuse, found by bisection
    (Miettinen and Nurminen 1985, Statistics in Medicine 4).

    >>> round(float(rate_difference(60, 12_000, 90, 60_000, per=1000).value), 2)
    3.5
    """
    z = check_confidence(confidence)
    x, n, y, m = _four(count, population, ref_count, ref_population)
    value = x / n - y / m
    reach = 10 * (z * np.sqrt(x / n**2 + y / m**2) + z**2 * (1 / n + 1 / m))
    limits = []
    for sign in (-1, 1):
        inner, outer = value, value + sign * reach
        for _ in range(90):
            middle = (inner + outer) / 2
            inside = np.abs(_score_gap(middle, x, n, y, m)) < z
            inner, outer = np.where(inside, middle, inner), np.where(inside, outer, middle)
        limits.append(inner)
    return Interval(*((per * part)[()] for part in (value, *limits)))


def _reject_bounds(first: Array, stat: Array, n: Array, m: Array) -> tuple[Array, Array]:
    """Second counts at or below, and at or above which, a pair is as extreme as the one observed.

    Roots of (first m - second n)^2 = stat^2 n m (first + second), then looked at to settle ties.
    """
    square, weighed = stat**2, first * m
    middle = (2 * weighed + square * m) / (2 * n)
    product = weighed * (weighed - square * n) / n**2
    upper = middle + np.sqrt(np.maximum(middle**2 - product, 0))
    low = np.rint(product / np.where(upper > 0, upper, 1))  # the stable form of the lower root
    high = np.maximum(np.rint(upper), 1)

    def is_within(second: Array, sign: int) -> Array:
        other = second * n
        gap = sign * (weighed - other) + 1e-12 * (weighed + other)
        return np.asarray(gap * np.abs(gap) < square * (first + second) * n * m)

    low = low - is_within(low, 1)
    low = np.where((first == 0) & (stat != 0), -1, low)  # nothing against nothing: statistic 0
    return low, high + is_within(high, -1)


def _e_test_flat(x: Array, n: Array, y: Array, m: Array) -> Array:
    # pairs laid end to end: each sums over a window of its first count
    rate = (x + y) / (n + m)
    gap, mean = x * m - y * n, rate * n
    gap = np.where(np.abs(gap) > 1e-13 * (x * m + y * n), gap, 0)
    stat = gap / np.sqrt((x + y) * n * m)
    start = np.floor(np.maximum(mean - 9 * np.sqrt(mean) - 40, 0))
    size = (np.ceil(mean + 9 * np.sqrt(mean) + 60) - start).astype(int)
    pair = np.repeat(np.arange(len(x)), size)
    first = np.arange(size.sum()) - np.repeat(np.cumsum(size) - size, size) + start[pair]
    weight = np.exp(xlogy(first, mean[pair]) - mean[pair] - gammaln(first + 1))
    other = (rate * m)[pair]
    low, high = _reject_bounds(first, stat[pair], n[pair], m[pair])
    tails = np.where(low >= 0, pdtr(np.maximum(low, 0), other), 0) + pdtrc(high - 1, other)
    p_value = np.add.reduceat(weight * tails, np.cumsum(size) - size)
    return np.where(stat == 0, 1.0, np.minimum(p_value, 1))


def e_test(count: Any, population: Any, ref_count: Any, ref_population: Any) -> Array:
    """Two-sided p of the e-test that two Poisson rates are equal; missing where both counts are 0.

    Events that come in bursts (retaliation, repeat victims) make it too small. The variance is that
    under equality (Krishnamoorthy and Thomson 2004, J. Statistical Planning and Inference 119), as
    in statsmodels' ``etest``, which lays out a square of counts for each pair. Above ten million
    events a normal tail is used.

    >>> round(float(e_test(30, 1, 45, 1)), 4)
    0.0838
    """
    x, n, y, m = _four(count, population, ref_count, ref_population, whole=True)
    p_value, total = np.full(x.shape, np.nan), x + y
    with np.errstate(divide="ignore", invalid="ignore"):
        normal = 2 * ndtr(-np.abs(x * m - y * n) / np.sqrt(total * n * m))
    p_value[total > NORMAL_ABOVE] = normal[total > NORMAL_ABOVE]
    exact = (total > 0) & (total <= NORMAL_ABOVE)
    if exact.any():
        p_value[exact] = _e_test_flat(*(part[exact] for part in (x, n, y, m)))
    return p_value[()]


def compare_words(lower_ci: Any, upper_ci: Any, benchmark: Any) -> Any:
    """Compare intervals with a benchmark: higher, lower, similar (also on touch), not known.

    >>> [str(compare_words(*limits, 1)) for limits in ((1.2, 1.8), (1.0, 1.8), (0.2, 0.9))]
    ['higher', 'similar', 'lower']
    """
    low, high, value = (np.asarray(part, dtype=float) for part in (lower_ci, upper_ci, benchmark))
    kinds = [np.isnan(low + high + value), low > value, high < value]
    return np.select(kinds, ["not known", "higher", "lower"], "similar")[()]
