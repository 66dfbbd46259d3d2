"""Compare two rates: ratio, difference, the test whether they differ, and the word for it."""

from typing import Any, NamedTuple

import numpy as np
from scipy.special import betaincinv, ndtr

from sna.rates.inputs import Array, check_confidence, check_numbers, undefined_at_zero
from sna.rates.limits import wilson_limits

NORMAL_ABOVE = 2000  # events in both counts; statsmodels lays out a square of this size


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


def _e_test(x: float, n: float, y: float, m: float) -> float:
    from statsmodels.stats.rates import test_poisson_2indep  # heavy

    if np.isnan(x + n + y + m) or x + y == 0:
        return float("nan")
    if x + y > NORMAL_ABOVE:
        return float(2 * ndtr(-abs(x * m - y * n) / np.sqrt((x + y) * n * m)))
    with np.errstate(divide="ignore", invalid="ignore"):
        return float(test_poisson_2indep(x, n, y, m, method="etest").pvalue)


def e_test(count: Any, population: Any, ref_count: Any, ref_population: Any) -> Array:
    """Two-sided p of the e-test that two Poisson rates are equal; missing where both counts are 0.

    Events that come in bursts (retaliation, repeat victims) make it too small. The variance is that
    under equality (Krishnamoorthy and Thomson 2004, J. Statistical Planning and Inference 119).
    Above 2,000 events its own normal tail is taken, which is then the same to four decimals.

    >>> round(float(e_test(30, 1, 45, 1)), 4)
    0.0838
    """
    numbers = _four(count, population, ref_count, ref_population, whole=True)
    return np.asarray(np.vectorize(_e_test, otypes=[float])(*numbers))[()]


def compare_words(lower_ci: Any, upper_ci: Any, benchmark: Any) -> Any:
    """Compare intervals with a benchmark: higher, lower, similar (also on touch), not known.

    >>> [str(compare_words(*limits, 1)) for limits in ((1.2, 1.8), (1.0, 1.8), (0.2, 0.9))]
    ['higher', 'similar', 'lower']
    """
    low, high, value = (np.asarray(part, dtype=float) for part in (lower_ci, upper_ci, benchmark))
    kinds = [np.isnan(low + high + value), low > value, high < value]
    return np.select(kinds, ["not known", "higher", "lower"], "similar")[()]
