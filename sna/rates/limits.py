"""Rates and proportions with their confidence limits."""

from typing import Any

import numpy as np
import pandas as pd
from scipy.special import gammainccinv, gammaincinv

from sna.errors import TableError, UsageError
from sna.rates.inputs import Array, check_columns, check_confidence, check_numbers
from sna.rates.inputs import undefined_at_zero as _some

EXACT_BELOW = 10  # events; Byar's method from here up


def exact_limits(count: Any, confidence: float = 0.95) -> tuple[Array, Array]:
    """Exact limits of a Poisson count (Garwood 1936, Biometrika 28).

    >>> [round(float(limit), 4) for limit in exact_limits(5)]
    [1.6235, 11.6683]
    """
    check_confidence(confidence)
    events, tail = check_numbers(count, "count"), (1 - confidence) / 2
    lower = np.where(events == 0, 0.0, gammaincinv(np.where(events == 0, 1, events), tail))
    return np.where(np.isnan(events), np.nan, lower)[()], gammainccinv(events + 1, tail)[()]


def byar_limits(count: Any, confidence: float = 0.95) -> tuple[Array, Array]:
    """Byar's limits of a Poisson count, with x and x + 1 (Breslow and Day 1987, volume II).

    Not the mid-point form that some packages call Byar. No lower limit (missing) where the cube
    root turns negative.

    >>> [round(float(limit), 3) for limit in byar_limits(65)]
    [50.163, 82.849]
    """
    z, events = check_confidence(confidence), check_numbers(count, "count")
    some = np.where(events == 0, np.nan, events)
    root, up = 1 - 1 / (9 * some) - z / (3 * np.sqrt(some)), events + 1
    lower = np.where(events == 0, 0.0, np.where(root < 0, np.nan, some * root**3))
    return lower[()], (up * (1 - 1 / (9 * up) + z / (3 * np.sqrt(up))) ** 3)[()]


def rate_limits(count: Any, confidence: float = 0.95) -> tuple[Array, Array]:
    """Limits of a count: exact below 10, Byar's from 10 up; divide by the population for a rate.

    They speak of chance in rare independent events, not of under-recording.

    >>> [round(float(limit), 4) for limit in rate_limits(0)]
    [0.0, 3.6889]
    """
    events = check_numbers(count, "count")
    pairs = zip(exact_limits(events, confidence), byar_limits(events, confidence), strict=True)
    lower, upper = (np.where(events < EXACT_BELOW, exact, byar)[()] for exact, byar in pairs)
    return lower, upper


def wilson_limits(part: Any, whole: Any, confidence: float = 0.95) -> tuple[Array, Array]:
    """Wilson's score limits of a proportion (1927, JASA 22); missing where the whole is zero.

    >>> [round(float(limit), 4) for limit in wilson_limits(65, 100)]
    [0.5525, 0.7364]
    """
    z = check_confidence(confidence)
    x, n = np.broadcast_arrays(check_numbers(part, "part"), check_numbers(whole, "whole"))
    if (x > n).any():
        what = f"{int((x > n).sum())} parts are larger than their whole."
        raise TableError(what, found=x[x > n], do="Count the part inside the whole.")
    size = _some(n)
    middle, spread = 2 * x + z**2, z * np.sqrt(z**2 + 4 * x * (1 - x / size))
    lower, upper = (middle - spread) / (2 * (size + z**2)), (middle + spread) / (2 * (size + z**2))
    return np.where(x == 0, 0 * size, lower)[()], np.where(x == n, 0 * size + 1, upper)[()]


def add_rate(counts: pd.DataFrame, *, per: int = 1000, confidence: float = 0.95) -> pd.DataFrame:
    """Add a crude rate and its confidence limits to a table of counts.

    Offences recorded *in* an area are divided by the people who *live* there, so a borough
    with many visitors looks riskier than it is for its residents.

    Parameters
    ----------
    counts
        One row per area and grouping, with ``offences`` (count, >= 0, missing allowed) and
        ``population`` (residents, > 0).
    per
        Number of residents the rate is expressed for.
    confidence
        Confidence level as a proportion.

    Returns
    -------
    pandas.DataFrame
        ``counts`` in the same order plus ``rate``, ``lower_ci``, ``upper_ci`` (offences per
        ``per`` residents) and ``per``.

    Raises
    ------
    TableError
        If a population is zero or missing, or a count is negative or not whole.

    Notes
    -----
    Byar's method from 10 offences up; exact Poisson limits below.

    References
    ----------
    APHO (2008). Technical Briefing 3: Commonly used public health statistics.

    Examples
    --------
    >>> area = pd.DataFrame({"offences": [65], "population": [1000]})
    >>> add_rate(area).round(2).loc[0, ["rate", "lower_ci", "upper_ci"]].tolist()
    [65.0, 50.16, 82.85]
    """
    check_columns(counts, ("offences", "population"), "add_rate")
    if not per > 0:
        raise UsageError("A rate is per a number of residents above zero.", found=per)
    offences = check_numbers(counts["offences"], "offences", whole=True)
    scale = per / check_numbers(counts["population"], "population", above_zero=True)
    lower, upper = rate_limits(offences, confidence)
    return counts.assign(
        rate=offences * scale, lower_ci=lower * scale, upper_ci=upper * scale, per=per
    )


def add_proportion(counts: pd.DataFrame, *, confidence: float = 0.95) -> pd.DataFrame:
    """Add ``share`` of ``part`` in ``whole`` (above zero) with Wilson's limits, row by row.

    >>> add_proportion(pd.DataFrame({"part": [5], "whole": [50]})).round(3).loc[0, "upper_ci"]
    np.float64(0.214)
    """
    check_columns(counts, ("part", "whole"), "add_proportion")
    whole = check_numbers(counts["whole"], "whole", above_zero=True)
    lower, upper = wilson_limits(counts["part"], whole, confidence)
    return counts.assign(share=counts["part"] / whole, lower_ci=lower, upper_ci=upper)
