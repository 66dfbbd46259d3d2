"""Quasi-Poisson models of many series at once, and the recent-trend test of annual points."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import fdtrc, stdtr, stdtrit

from sna.errors import TableError
from sna.rates.inputs import Array, check_confidence

STEPS, TOLERANCE = 60, 1e-10
TREND_CHI2 = 9.5495  # 99.8 % point of chi-squared with one degree of freedom (Fingertips)


@dataclass(frozen=True)
class Fit:
    """A model of several series, terms by series; what did not converge is missing.

    Standard errors hold the dispersion, which is never taken below 1 there.
    """

    estimate: Array
    standard_error: Array
    dispersion: Array
    deviance: Array
    converged: npt.NDArray[np.bool_]
    degrees: int

    def limits(self, term: int, confidence: float = 0.95) -> tuple[Array, Array]:
        """Return the limits of one term, by Student's t."""
        check_confidence(confidence)
        reach = stdtrit(self.degrees, 0.5 + confidence / 2) * self.standard_error[term]
        return self.estimate[term] - reach, self.estimate[term] + reach

    def p_value(self, term: int) -> Array:
        """Return the two-sided p of one term, by Student's t."""
        size = np.abs(self.estimate[term] / self.standard_error[term])
        return np.asarray(2 * stdtr(self.degrees, -size))


def _step(months: pd.DatetimeIndex) -> int:
    return max(1, round((months[1] - months[0]).days / 30.44)) if len(months) > 1 else 1


def seasonal_terms(months: pd.DatetimeIndex) -> Array:
    """Return sine and cosine of the year: two waves of months, one of quarters."""
    angle = 2 * np.pi * (months.month.to_numpy() - 1) / 12
    pairs = (1, 2) if _step(months) == 1 else (1,)
    return np.column_stack([wave(k * angle) for k in pairs for wave in (np.sin, np.cos)])


def make_design(
    months: pd.DatetimeIndex, *, seasonal: bool, segments: Any = None, slope: bool = True
) -> Array:
    """Return columns: level, slope in years, season, then one level for each later segment."""
    years = np.arange(len(months)) * _step(months) / 12
    columns = [np.ones(len(months)), *([years - years.mean()] if slope else [])]
    columns += list(seasonal_terms(months).T) if seasonal else []
    if segments is not None:
        columns += [np.asarray(segments) == number for number in np.unique(segments)[1:]]
    return np.column_stack(columns).astype(float)


def fit_quasi_poisson(counts: Any, design: Array, offset: Any = 0.0) -> Fit:
    """Fit log-linear models of several series of counts (periods by series) in one batch.

    All share a ``design`` (periods by terms, first a column of ones); ``offset`` is the logarithm
    of an exposure. Reweighted least squares with Pearson's dispersion, as statsmodels'
    ``scale="X2"`` (McCullagh and Nelder 1989). Fewer than three non-zero periods are not fitted.

    >>> flat = fit_quasi_poisson([4, 6, 5, 5], np.ones((4, 1)))
    >>> float(np.exp(flat.estimate[0, 0]).round(6))  # the mean
    5.0
    """
    y = np.asarray(counts, dtype=float).reshape(len(design), -1)
    if not (y >= 0).all():
        raise TableError("A series holds negative or missing counts.", where="fit_quasi_poisson")
    periods, terms = design.shape
    shift = np.asarray(offset, dtype=float)
    shift = np.broadcast_to(shift[:, None] if shift.ndim == 1 else shift, y.shape)
    usable = ((y > 0).sum(axis=0) >= 3) & (periods > terms) & np.isfinite(shift).all(axis=0)
    usable &= np.linalg.matrix_rank(design) == terms
    beta = np.full((terms, y.shape[1]), np.nan)
    unit, settled = beta.copy(), np.zeros(y.shape[1], dtype=bool)
    if usable.any():
        fitted = _iterate(y[:, usable], design, shift[:, usable])
        beta[:, usable], unit[:, usable], settled[usable] = fitted
    beta = np.where(settled, beta, np.nan)
    mean, degrees = np.exp(design @ beta + shift), max(periods - terms, 1)
    phi = ((y - mean) ** 2 / mean).sum(axis=0) / degrees
    gain = np.where(y > 0, y * np.log(np.where(y > 0, y, 1) / mean), 0)
    deviance = 2 * (gain - (y - mean)).sum(axis=0)
    error = np.where(settled, unit * np.sqrt(np.maximum(phi, 1)), np.nan)
    return Fit(beta, error, phi, deviance, settled, degrees)


def _iterate(y: Array, design: Array, shift: Array) -> tuple[Array, Array, npt.NDArray[np.bool_]]:
    terms, eta = design.shape[1], np.log(y + 0.5)
    beta, settled = np.zeros((terms, y.shape[1])), np.zeros(y.shape[1], dtype=bool)
    pairs = (design[:, :, None] * design[:, None, :]).reshape(len(design), -1)
    for _ in range(STEPS):
        weight = np.exp(np.clip(eta, -30, 30))
        target = weight * (eta - shift) + y - weight
        cross = (weight.T @ pairs).reshape(-1, terms, terms)
        ridge = 1e-12 * np.trace(cross, axis1=1, axis2=2)[:, None, None] * np.eye(terms)
        new = np.linalg.solve(cross + ridge, (design.T @ target).T[:, :, None])[:, :, 0].T
        settled = np.abs(new - beta).max(axis=0) < TOLERANCE * (1 + np.abs(new).max(axis=0))
        beta, eta = new, np.clip(design @ new + shift, -30, 30)
        if settled.all():
            break
    cross = (np.exp(eta).T @ pairs).reshape(-1, terms, terms)
    unit = np.sqrt(np.abs(np.diagonal(np.linalg.pinv(cross), axis1=1, axis2=2))).T
    return beta, unit, settled & (np.abs(beta).max(axis=0) < 25)


def season_p(counts: Any, months: pd.DatetimeIndex) -> Array:
    """Return the p of no season for each series (F test of its waves); missing under 24 months."""
    y = np.asarray(counts, dtype=float).reshape(len(months), -1)
    if len(months) * _step(months) < 24:
        return np.full(y.shape[1], np.nan)
    without = fit_quasi_poisson(y, make_design(months, seasonal=False))
    full = fit_quasi_poisson(y, make_design(months, seasonal=True))
    terms = without.degrees - full.degrees
    gain = (without.deviance - full.deviance) / terms / np.maximum(full.dispersion, 1e-12)
    return np.asarray(fdtrc(terms, full.degrees, np.maximum(gain, 0)))


def find_recent_trend(value: Any, lower_ci: Any, upper_ci: Any) -> tuple[str, float]:
    """Find the recent trend of five annual, non-overlapping values with their 95 % limits.

    Weighted least squares, weights from the interval's width over 3.92: chi-squared of the slope
    above 9.5495, and the slope keeps its sign when each point is left out (Fingertips guidance).
    Returns increasing, decreasing, no significant change or too little data, and chi-squared.

    >>> find_recent_trend([1, 2, 3, 4, 5], [0.9, 1.9, 2.9, 3.9, 4.9], [1.1, 2.1, 3.1, 4.1, 5.1])[0]
    'increasing'
    """
    y, low, high = (np.asarray(part, dtype=float) for part in (value, lower_ci, upper_ci))
    if y.shape != (5,):
        do = "Give the last five whole years; rolling years overlap and may not be tested."
        found = f"{y.size} values"
        raise TableError("The recent trend needs five annual values.", found=found, do=do)
    error, years = (high - low) / 3.92, np.arange(5.0)
    if not (np.isfinite(y).all() and (error > 0).all()):
        return "too little data to tell", float("nan")

    def slope(*left: int) -> float:
        x, z, weight = (np.delete(part, left) for part in (years, y, 1 / error))
        return float(np.polyfit(x, z, 1, w=weight)[0])

    middle = np.average(years, weights=error**-2.0)
    chi2 = float(slope() ** 2 * (((years - middle) / error) ** 2).sum())
    if chi2 > TREND_CHI2 and {np.sign(slope(left)) for left in range(5)} == {np.sign(slope())}:
        return ("increasing" if slope() > 0 else "decreasing"), chi2
    return "no significant change", chi2


def find_step(
    counts: Any, months: pd.DatetimeIndex, offset: Any = 0.0, *, edge: int = 6
) -> tuple[int, float, float]:
    """Find the position, ratio and p of the most likely step in one series' level.

    The p of the largest deviance drop is adjusted for the months tried (Bonferroni); ``offset`` is
    the logarithm of a control, ``edge`` the months at either end that are not tried.
    """
    base = make_design(months, seasonal=len(months) >= 24, slope=False)
    flat, found = fit_quasi_poisson(counts, base, offset), []
    for start in range(edge, len(months) - edge):
        step = np.arange(len(months)) >= start
        fit = fit_quasi_poisson(counts, np.column_stack([base, step]), offset)
        gain = float((flat.deviance - fit.deviance)[0]) / max(float(fit.dispersion[0]), 1)
        found.append((gain, start, float(np.exp(fit.estimate[-1, 0])), fit.degrees))
    known = [row for row in found if np.isfinite(row[0])]
    if not known:
        return -1, float("nan"), float("nan")
    gain, start, ratio, degrees = max(known)
    return start, ratio, min(1.0, float(fdtrc(1, degrees, max(gain, 0))) * len(found))
