"""Limits of a funnel plot, its overdispersion, and quantiles of areas."""

from typing import Any, NamedTuple

import numpy as np
from scipy.special import chdtrc

from sna.errors import UsageError
from sna.rates.inputs import Array, check_confidence, check_numbers, undefined_at_zero


class Dispersion(NamedTuple):
    """Spread of areas around a target beyond chance: Spiegelhalter's phi, tau squared and p."""

    phi: float
    tau_squared: float
    p_value: float

    @property
    def is_overdispersed(self) -> bool:
        """Whether the spread is more than chance gives at the 5 per cent level."""
        return self.p_value < 0.05


def funnel_limits(
    expected: Any, confidence: float = 0.95, *, tau_squared: float = 0.0
) -> tuple[Array, Array]:
    """Limits of observed over expected events around 1: the funnel of a ratio, or of a rate.

    An area outside is unusual, not worse; use 0.998 when many areas are shown. For a rate, expect
    the target times the population and multiply the limits by the target. ``tau_squared`` from
    `funnel_dispersion` widens them; 0 gives exact Poisson quantiles (Spiegelhalter 2005, Statistics
    in Medicine 24).

    >>> [float(limit * 20) for limit in funnel_limits(20)]
    [12.0, 29.0]
    """
    z, tail = check_confidence(confidence), (1 - confidence) / 2
    mean = undefined_at_zero(check_numbers(expected, "expected"))
    if tau_squared > 0:
        reach = z * np.sqrt(1 / (4 * mean) + tau_squared)
        return (np.maximum(1 - reach, 0) ** 2)[()], ((1 + reach) ** 2)[()]
    from scipy.stats import poisson  # heavy

    lower, upper = (poisson.ppf(p, mean) / mean for p in (tail, 1 - tail))
    return lower[()], upper[()]


def funnel_proportion_limits(
    size: Any, target: float, confidence: float = 0.95
) -> tuple[Array, Array]:
    """Exact binomial limits of a proportion around a target, by size of the group.

    >>> [float(limit) for limit in funnel_proportion_limits(100, 0.5)]
    [0.4, 0.6]
    """
    check_confidence(confidence)
    if not 0 <= target <= 1:
        raise UsageError("A target proportion lies between 0 and 1.", found=target)
    n, tail = undefined_at_zero(check_numbers(size, "size")), (1 - confidence) / 2
    from scipy.stats import binom  # heavy

    lower, upper = (binom.ppf(p, n, target) / n for p in (tail, 1 - tail))
    return lower[()], upper[()]


def funnel_dispersion(observed: Any, expected: Any, *, winsorise: float = 0.1) -> Dispersion:
    """Overdispersion of areas on the square-root scale, the extreme tenths winsorised.

    Source: Spiegelhalter DJ (2005), Quality and Safety in Health Care 14.
    """
    events = check_numbers(observed, "observed").ravel()
    mean = undefined_at_zero(check_numbers(expected, "expected").ravel())
    known = ~np.isnan(events + mean)
    events, mean = events[known], mean[known]
    if len(events) < 3:
        return Dispersion(np.nan, 0.0, np.nan)
    z = 2 * (np.sqrt(events) - np.sqrt(mean))
    z = np.clip(z, *np.quantile(z, [winsorise, 1 - winsorise]))
    size, weight = len(z), 4 * mean
    phi = float((z**2).mean())
    scale = weight.sum() - (weight**2).sum() / weight.sum()
    tau = max((size * phi - (size - 1)) / scale, 0.0)
    p_value = float(chdtrc(size, size * phi))
    return Dispersion(phi, tau if p_value < 0.05 else 0.0, p_value)


def quantiles(values: Any, number: int = 10, *, invert: bool = True) -> Array:
    """Group areas into quantiles, 1 for the highest values (the lowest without ``invert``).

    Ties share the group of their first place; missing stays missing, and so does everything when
    there are fewer areas than groups.

    >>> quantiles([40, 10, 30, 20], 2).tolist()
    [1.0, 2.0, 1.0, 2.0]
    """
    if number < 2:
        raise UsageError("Quantiles need at least two groups.", found=number)
    from scipy.stats import rankdata  # heavy

    array = np.asarray(values, dtype=float)
    size = int((~np.isnan(array)).sum())
    rank = np.full(array.shape, np.nan)
    if size >= number:
        known = ~np.isnan(array)
        rank[known] = rankdata(-array[known] if invert else array[known], method="min")
    return number + 1 - np.ceil((size + 1 - rank) * number / max(size, 1) - 1e-9)
