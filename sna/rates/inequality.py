"""Slope and relative index of inequality over deprivation groups."""

import numpy as np
import pandas as pd

from sna.errors import TableError
from sna.rates.inputs import check_columns, check_confidence, check_numbers


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
    gap, ratio = high - low, high / low if low > 0 else np.nan
    slope = {"sii": gap, "sii_lower_ci": gap - spread, "sii_upper_ci": gap + spread}
    relative = {"rii": ratio, "rii_lower_ci": limits[0], "rii_upper_ci": limits[1]}
    return {"intercept": low} | slope | relative


def slope_index_of_inequality(groups: pd.DataFrame, *, confidence: float = 0.95) -> pd.DataFrame:
    """Slope and relative index of inequality with their limits (Low and Low 2004).

    The modelled gap between the ends of the deprivation scale; a gradient between places is not one
    between people. ``groups`` hold ``quantile``, ``population``, ``value`` and ``standard_error``;
    a least-squares line on the middle of each group's share of the population, weighted by it.
    Returns ``intercept``, ``sii`` (far end less near end) and ``rii`` (their ratio, Fieller's
    limits, missing when the near end may be zero), each with ``…_lower_ci`` and ``…_upper_ci``.

    >>> four = pd.DataFrame({"quantile": [1, 2, 3, 4], "population": 100,
    ...                      "value": [8, 6, 4, 2], "standard_error": 0.1})
    >>> float(slope_index_of_inequality(four).loc[0, "sii"].round(6))  # two a group, four groups
    -8.0
    """
    where = "slope_index_of_inequality"
    z = check_confidence(confidence)
    check_columns(groups, ("quantile", "population", "value", "standard_error"), where)
    check_numbers(groups["population"], "population", above_zero=True)
    check_numbers(groups["standard_error"], "standard_error")
    if groups["quantile"].nunique() < 3 or groups["quantile"].duplicated().any():
        what = "A scale of inequality needs three or more groups, each once."
        found = groups["quantile"].tolist()
        raise TableError(what, where=where, found=found, do="Give one row a group.")
    return pd.DataFrame([_one_index(groups, z)])
