"""Compare two rates: ratio, difference, and the test whether they differ."""

from typing import Any, Literal, NamedTuple

import numpy as np
from scipy.special import betaincinv, gammaln, ndtr, pdtr, pdtrc, xlogy

from sna.errors import UsageError
from sna.rates.inputs import Array, check_confidence, check_numbers, undefined_at_zero
from sna.rates.limits import wilson_limits

Alternative = Literal["two-sided", "larger", "smaller"]


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
    *,
    method: Literal["score", "exact"] = "score",
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
    exact = (x == 0) | (y == 0) | (method == "exact")
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


def conditional_test(count: Any, population: Any, ref_count: Any, ref_population: Any) -> Array:
    """Exact two-sided p of equal rates, given the total (small probabilities); missing at 0 and 0.

    >>> round(float(conditional_test(60, 51477.5, 30, 54308.7)), 7)
    0.0006752
    """
    from scipy.stats import binomtest  # heavy

    x, n, y, m = _four(count, population, ref_count, ref_population, whole=True)

    def one(a: float, size: float, b: float, ref_size: float) -> float:
        if np.isnan(a + b + size + ref_size) or a + b == 0:
            return float("nan")
        return float(binomtest(int(a), int(a + b), size / (size + ref_size)).pvalue)

    return np.vectorize(one, otypes=[float])(x, n, y, m)[()]


def _variance(x: Array, n: Array, y: Array, m: Array, *, pooled: bool) -> Array:
    return (x + y) * (n * m) if pooled else x * m**2 + y * n**2


def _reject_bounds(
    first: Array, stat: Array, n: Array, m: Array, *, pooled: bool, strict: Any
) -> tuple[Array, Array]:
    """Second counts at or below, and at or above which, a pair is as extreme (strictly: more so).

    Roots of (first m - second n)^2 = stat^2 (a first + b second), then looked at to settle ties.
    """
    a, b = (n * m, n * m) if pooled else (m**2, n**2)
    square, weighed = stat**2, first * m
    middle = (2 * weighed * n + square * b) / (2 * n**2)
    product = weighed * (weighed - square * a / m) / n**2
    upper = middle + np.sqrt(np.maximum(middle**2 - product, 0))
    low = np.rint(product / np.where(upper > 0, upper, 1))  # the stable form of the lower root
    high = np.maximum(np.rint(upper), 1)

    def is_within(second: Array, sign: int, slack: Any) -> Array:
        other = second * n
        gap = sign * (weighed - other) + slack * (weighed + other)
        return gap * np.abs(gap) < square * _variance(first, n, second, m, pooled=pooled)

    low = low - is_within(low, 1, 1e-12)
    low = np.where((first == 0) & (stat != 0), -1, low)  # nothing against nothing: statistic 0
    return low, high + is_within(high, -1, np.where(strict, -1e-12, 1e-12))


def _e_test_flat(x: Array, n: Array, y: Array, m: Array, *, two_sided: bool, pooled: bool) -> Array:
    # pairs laid end to end, two-sided or larger: each sums over a window of its first count
    rate = (x + y) / (n + m)
    gap, mean = x * m - y * n, rate * n
    gap = np.where(np.abs(gap) > 1e-13 * (x * m + y * n), gap, 0)
    stat = gap / np.sqrt(_variance(x, n, y, m, pooled=pooled))
    start = np.floor(np.maximum(mean - 9 * np.sqrt(mean) - 40, 0))
    size = (np.ceil(mean + 9 * np.sqrt(mean) + 60) - start).astype(int)
    pair = np.repeat(np.arange(len(x)), size)
    first = np.arange(size.sum()) - np.repeat(np.cumsum(size) - size, size) + start[pair]
    weight = np.exp(xlogy(first, mean[pair]) - mean[pair] - gammaln(first + 1))
    other, below = (rate * m)[pair], (stat[pair] < 0) & (not two_sided)
    low, high = _reject_bounds(first, stat[pair], n[pair], m[pair], pooled=pooled, strict=below)
    tail = np.where(low >= 0, pdtr(np.maximum(low, 0), other), 0)  # first much larger
    if two_sided or below.any():
        much_less = pdtrc(high - 1, other)
        tail = tail + much_less if two_sided else np.where(below, 1 - much_less, tail)
    p_value = np.add.reduceat(weight * tail, np.cumsum(size) - size)
    return np.where((stat == 0) & two_sided, 1.0, np.minimum(p_value, 1))


def e_test(
    count: Any,
    population: Any,
    ref_count: Any,
    ref_population: Any,
    *,
    alternative: Alternative = "two-sided",
    pooled: bool = True,
) -> Array:
    """P value of the e-test that two Poisson rates are equal; missing where both counts are 0.

    Events that come in bursts (retaliation, repeat victims) make it too small. ``pooled`` takes the
    variance under equality, as statsmodels' ``etest``; without, it is the test of Krishnamoorthy
    and Thomson (2004, J. Statistical Planning and Inference 119). Above ten million events a normal
    tail is used.

    >>> round(float(e_test(30, 1, 45, 1)), 4)
    0.0838
    """
    if alternative not in ("two-sided", "larger", "smaller"):
        raise UsageError("The alternative is not known.", found=alternative)
    x, n, y, m = _four(count, population, ref_count, ref_population, whole=True)
    if alternative == "smaller":
        x, n, y, m = y, m, x, n
    known = (~np.isnan(x + y + n + m) & (x + y > 0)).ravel()
    flat = [part.ravel()[known] for part in (x, n, y, m)]
    p_value, large = np.full(x.size, np.nan), (flat[0] + flat[2]) > 1e7
    answer, two_sided = np.empty(int(known.sum())), alternative == "two-sided"
    if (~large).any():
        small = [part[~large] for part in flat]
        answer[~large] = _e_test_flat(*small, two_sided=two_sided, pooled=pooled)
    a, b, c, d = (part[large] for part in flat)
    z = (a * d - c * b) / np.sqrt(_variance(a, b, c, d, pooled=pooled))
    answer[large] = 2 * ndtr(-np.abs(z)) if two_sided else ndtr(-z)
    p_value[known] = answer
    return p_value.reshape(x.shape)[()]
