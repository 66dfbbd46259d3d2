"""Rates that allow for the ages of a population: directly and indirectly standardised."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from sna.rates.compare import Interval
from sna.rates.inputs import check_columns, check_confidence, check_numbers, undefined_at_zero
from sna.rates.limits import byar_limits, rate_limits

WITHHELD_BELOW = 10  # events; a standardised rate of fewer is not shown


def _sum_bands(parts: pd.DataFrame, by: Sequence[str]) -> pd.DataFrame:
    """Add up age bands by group; one missing band leaves the whole sum missing."""
    names = [name for name in parts if name not in by]
    if not by:
        return parts[names].sum(skipna=False).to_frame().T
    grouped = parts.groupby(list(by), sort=False, dropna=False, observed=True)
    return grouped[names].agg("sum", skipna=False).reset_index()


def directly_standardised_rate(
    bands: pd.DataFrame,
    *,
    by: Sequence[str] = (),
    per: int = 100_000,
    confidence: float = 0.95,
    minimum: int = WITHHELD_BELOW,
) -> pd.DataFrame:
    """Directly standardised rate by Dobson's method (1991, Statistics in Medicine 10).

    The rate a standard population would have; compare it only with rates on the same standard.

    Parameters
    ----------
    bands
        One row per group (``by``) and age band: ``offences``, ``population`` (> 0) and
        ``standard_population``. An optional ``offences_squared`` (sum over people of their squared
        number of events) widens the limits for events that are not independent.
    by, per, confidence
        Columns that name a group; people the rate is for; level as a proportion.
    minimum
        Groups of fewer events, or with a missing count, have no rate.

    Returns
    -------
    pandas.DataFrame
        One row a group: ``by``, ``offences``, ``population``, ``rate``, limits, ``per``.

    Examples
    --------
    >>> ages = pd.DataFrame({"offences": [10, 30], "population": [1000, 1000],
    ...                      "standard_population": [75, 25]})
    >>> directly_standardised_rate(ages, per=1000).loc[0, "rate"]  # (10 x 75 + 30 x 25) / 100
    np.float64(15.0)
    """
    where = "directly_standardised_rate"
    check_confidence(confidence)
    check_columns(bands, (*by, "offences", "population", "standard_population"), where)
    offences = check_numbers(bands["offences"], "offences", whole=True)
    population = check_numbers(bands["population"], "population", above_zero=True)
    weight = check_numbers(bands["standard_population"], "standard_population")
    squared = check_numbers(bands.get("offences_squared", bands["offences"]), "offences_squared")
    parts = bands[list(by)].assign(offences=offences, population=population, weight=weight)
    rate, variance = weight * offences / population, weight**2 * squared / population**2
    sums = _sum_bands(parts.assign(rate=rate, variance=variance), by)
    total = sums["offences"].where(sums["offences"] >= minimum).to_numpy(float)
    value = np.where(np.isnan(total), np.nan, sums["rate"] / sums["weight"])
    step = np.sqrt(sums["variance"].to_numpy(float)) / sums["weight"] / np.sqrt(total)
    lower, upper = (np.asarray(limit) - total for limit in byar_limits(total, confidence))
    low, high = ((value + step * limit) * per for limit in (lower, upper))
    made = sums.drop(columns=["weight", "variance"])
    return made.assign(rate=value * per, lower_ci=low, upper_ci=high, per=per)


def ratio_to_expected(observed: Any, expected: Any, confidence: float = 0.95) -> Interval:
    """Observed over expected events, with exact limits under 10 events and Byar's from 10 up.

    >>> [round(float(number), 3) for number in ratio_to_expected(65, 50)]
    [1.3, 1.003, 1.657]
    """
    events = check_numbers(observed, "observed")
    base = undefined_at_zero(check_numbers(expected, "expected"))
    parts = (events, *map(np.asarray, rate_limits(events, confidence)))
    return Interval(*((part / base)[()] for part in parts))


def indirectly_standardised_ratio(
    bands: pd.DataFrame,
    *,
    by: Sequence[str] = (),
    per: int = 100_000,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """Indirectly standardised ratio: events against those expected at the reference's rates.

    Ratios of two areas are not comparable with each other, only each with the reference. ``bands``
    hold ``offences``, ``population``, ``ref_offences`` and ``ref_population`` per group and age
    band; returns ``expected``, ``ratio`` with limits and ``rate`` (ratio x reference's crude rate).

    >>> ages = pd.DataFrame({"offences": [12, 8], "population": [1000, 1000],
    ...                      "ref_offences": [60, 40], "ref_population": [10_000, 10_000]})
    >>> indirectly_standardised_ratio(ages)[["expected", "ratio"]].iloc[0].tolist()  # 6 + 4
    [10.0, 2.0]
    """
    where = "indirectly_standardised_ratio"
    check_columns(bands, (*by, "offences", "population", "ref_offences", "ref_population"), where)
    population = check_numbers(bands["population"], "population")
    reference = check_numbers(bands["ref_offences"], "ref_offences")
    size = check_numbers(bands["ref_population"], "ref_population", above_zero=True)
    offences = check_numbers(bands["offences"], "offences", whole=True)
    parts = bands[list(by)].assign(offences=offences, expected=population * reference / size)
    sums = _sum_bands(parts.assign(reference=reference, size=size), by)
    ratio, lower, upper = ratio_to_expected(sums["offences"], sums["expected"], confidence)
    crude = (sums["reference"] / sums["size"]).to_numpy()
    return sums.drop(columns=["reference", "size"]).assign(
        ratio=ratio, lower_ci=lower, upper_ci=upper, rate=ratio * crude * per, per=per
    )
