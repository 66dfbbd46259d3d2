"""Slope and relative index of inequality over deprivation groups."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from sna.errors import TableError
from sna.rates.inputs import check_columns, check_confidence, check_denominator, check_numbers


def _fieller(low: float, high: float, covariance: np.ndarray, z: float) -> tuple[float, float]:
    """Limits of high / low for two correlated estimates; missing when low may be 0 or less."""
    a = low**2 - z**2 * covariance[0, 0]
    b = low * high - z**2 * covariance[0, 1]
    c = high**2 - z**2 * covariance[1, 1]
    if a <= 0 or low <= 0:
        return float("nan"), float("nan")
    spread = np.sqrt(max(b**2 - a * c, 0))
    return (b - spread) / a, (b + spread) / a


def _one_index(group: pd.DataFrame, z: float) -> dict[str, float]:
    group = group.sort_values("quantile")
    weight = (group["population"] / group["population"].sum()).to_numpy()
    rank = np.cumsum(weight) - weight / 2
    design = np.column_stack([np.ones_like(rank), rank])
    solve = np.linalg.solve(design.T * weight @ design, design.T * weight)
    line = solve @ group["value"].to_numpy()
    ends = np.array([[1, 0], [1, 1]]) @ solve  # fitted value at rank 0 and at rank 1
    covariance = ends * group["standard_error"].to_numpy() ** 2 @ ends.T
    spread = z * np.sqrt(covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1])
    low, high = float(line[0]), float(line.sum())
    limits = _fieller(low, high, covariance, z)
    return {
        "intercept": low,
        "sii": high - low,
        "sii_lower_ci": high - low - spread,
        "sii_upper_ci": high - low + spread,
        "rii": high / low if low > 0 else np.nan,
        "rii_lower_ci": limits[0],
        "rii_upper_ci": limits[1],
    }


def slope_index_of_inequality(
    groups: pd.DataFrame, *, by: Sequence[str] = (), confidence: float = 0.95
) -> pd.DataFrame:
    """Slope and relative index of inequality with their limits.

    The modelled gap between the ends of the deprivation scale. A gradient between places is not a
    gradient between people, and it is no cause.

    Parameters
    ----------
    groups
        One row per deprivation group, with ``quantile`` (1 is one end of the scale),
        ``population`` (> 0), ``value`` and its ``standard_error``.
    by
        Columns that name separate scales.
    confidence
        Confidence level as a proportion.

    Returns
    -------
    pandas.DataFrame
        One row a scale: ``by``, ``intercept``, ``sii`` (value at the far end less the near end),
        ``rii`` (their ratio), each with ``…_lower_ci`` and ``…_upper_ci``.

    Notes
    -----
    Least squares on the mid-point of each group's share of the population, weighted by that share.
    The index is linear in the values, so its limits are exact for normal errors where others
    simulate; the ratio has Fieller's limits, missing when the near end may be zero.

    Source: Low A, Low A (2004). Measuring the gap. Journal of Public Health 26. Fieller EC (1954).
    Journal of the Royal Statistical Society B 16.

    >>> four = pd.DataFrame({"quantile": [1, 2, 3, 4], "population": 100,
    ...                      "value": [8, 6, 4, 2], "standard_error": 0.1})
    >>> float(slope_index_of_inequality(four).loc[0, "sii"].round(6))  # two a group, four groups
    -8.0
    """
    where = "slope_index_of_inequality"
    z = check_confidence(confidence)
    check_columns(groups, (*by, "quantile", "population", "value", "standard_error"), where)
    check_denominator(groups, "population", where)
    check_numbers(groups["standard_error"], "standard_error")
    parts = groups.groupby(list(by), sort=False, observed=True) if by else [((), groups)]
    rows = []
    for key, part in parts:
        if part["quantile"].nunique() < 3 or part["quantile"].duplicated().any():
            raise TableError(
                "A scale of inequality needs three or more groups, each once.",
                where=f"{where}, {key}" if by else where,
                found=part["quantile"].tolist(),
                do="Give one row a group.",
            )
        names = dict(zip(by, key if isinstance(key, tuple) else (key,), strict=True))
        rows.append({**names, **_one_index(part, z)})
    return pd.DataFrame(rows)
