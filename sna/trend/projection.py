"""What next year would look like if nothing changed, by the model that back-tests best."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from sna.trend.models import Array, fit_quasi_poisson, make_design, seasonal_terms
from sna.trend.panel import load_panel, no_rows

LEAST_YEARS, SPACING = 3, 2
NAIVE = "seasonal naive"


def _fit(y: Array, months: pd.DatetimeIndex, per_year: int, years: int) -> tuple[Array, Array]:
    """Return next year's season around the last year's level, and the slope, of the last years."""
    when = months[-years * per_year :]
    fit = fit_quasi_poisson(y[-years * per_year :], make_design(when, seasonal=True))
    terms = seasonal_terms(when[-per_year:])
    season = np.exp(terms @ np.nan_to_num(fit.estimate[2 : 2 + terms.shape[1]]))
    return y[-per_year:].mean(axis=0) * season / season.mean(axis=0), fit.estimate[1]


def _naive(y: Array, months: pd.DatetimeIndex, per_year: int) -> Array:  # noqa: ARG001
    return y[-per_year:]


def _mean_season(y: Array, months: pd.DatetimeIndex, per_year: int) -> Array:
    return _fit(y, months, per_year, LEAST_YEARS)[0]


def _trend_season(y: Array, months: pd.DatetimeIndex, per_year: int) -> Array:
    level, slope = _fit(y, months, per_year, 5)
    ahead = (0.5 + (np.arange(per_year) + 1)[:, None] / per_year) / 2
    return level * np.exp(np.nan_to_num(slope) * ahead)


MODELS: dict[str, Callable[[Array, pd.DatetimeIndex, int], Array]] = {
    NAIVE: _naive,
    "level and season": _mean_season,
    "level, season and half the slope": _trend_season,
}


def backtest(
    counts: Array, months: pd.DatetimeIndex, per_year: int = 12
) -> tuple[pd.DataFrame, dict[str, Array]]:
    """Forecast from every second period with each model: errors, plain and scaled by its level."""
    origins = range(LEAST_YEARS * per_year, len(months) - per_year + 1, SPACING)
    actual = np.array([counts[origin : origin + per_year] for origin in origins])
    scaled, rows = {}, []
    for name, model in MODELS.items():
        ahead = np.array([model(counts[:at], months[:at], per_year) for at in origins])
        scaled[name] = (actual - ahead) / _unit(ahead, axis=1)
        rows.append((name, len(origins), float(np.abs(actual - ahead).mean())))
    return pd.DataFrame(rows, columns=["model", "origins", "error"]), scaled


def _unit(ahead: Array, axis: int) -> Array:
    """Return the scale of errors: the root of the mean forecast, the same for the whole year."""
    return np.asarray(np.sqrt(np.maximum(ahead.mean(axis=axis, keepdims=True), 1)))


def _half_widths(size: Array) -> Array:
    """Return half-widths by period ahead that held 95 % of scaled errors, never narrower later.

    They grow in a line as the errors of the second half year exceed those of the first.
    """
    half = size.shape[1] // 2
    near, far = (np.sqrt((part**2).mean()) for part in (size[:, :half], size[:, half:]))
    growth = np.clip(far / near if near else 1.0, 1, 2) - 1
    shape = 1 + growth * (np.arange(size.shape[1]) - (half - 1) / 2) / half
    return np.asarray(np.quantile(size / shape, 0.95) * shape)


def _coverage(scaled: Array) -> tuple[Array, float]:
    """Return the half-widths of all origins, and the share they hold on origins left out."""
    size = np.abs(scaled).reshape(len(scaled), -1)
    if len(size) < 2:
        return _half_widths(size), float("nan")
    reach = [_half_widths(np.delete(size, left, axis=0)) for left in range(len(size))]
    return _half_widths(size), float((size <= np.array(reach)).mean())


def project_series(data: Any) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Project the next twelve months from those since the last break; and the back-test, by model.

    What would happen if nothing changed. The model that erred least is taken, the seasonal naive
    one unless another beats it by a hundredth; the interval is as wide as the back-test's errors
    and its ``coverage`` is measured on origins left out. All are made of the published counts, as
    an error to many figures is an equation of the months. Empty under 48 months since a break.
    """
    made = load_panel(data)
    inside, size = made.segments == made.segments[-1], made.per_year
    months, y = made.months[inside], made.shown(made.series[inside])[:, None]
    if len(months) < (LEAST_YEARS + 1) * size:
        return no_rows("trend_projection"), no_rows("trend_backtest")
    table, scaled = backtest(y, months, size)
    width, cover = zip(*(_coverage(scaled[name]) for name in MODELS), strict=True)
    naive = table["error"].iloc[0]
    ratio = table["error"] / naive if naive else table["error"] * np.nan
    best = int(table["error"].to_numpy().argmin())
    best = best if ratio.iloc[best] < 0.99 else 0
    table = table.assign(error_ratio=ratio, coverage=cover, is_chosen=table.index == best)
    name = str(table["model"].iloc[best])
    ahead = MODELS[name](y, months, size)[:, 0]
    reach = width[best] * _unit(ahead, axis=0)
    when = pd.date_range(months[-1], periods=size + 1, freq=f"{12 // size}MS")[1:]
    past = pd.DataFrame({"month": months, "offences": made.series[inside], "kind": "recorded"})
    future = {"month": when, "kind": "projected", "projected": ahead}
    limits = {"lower_ci": np.maximum(ahead - reach, 0), "upper_ci": ahead + reach}
    both = pd.concat([past, pd.DataFrame(future | limits)], ignore_index=True)
    labels = {"model": name, "all_offences": y.sum(), "period_months": 12 // size}
    labels |= {key: table[key].iloc[best] for key in ("coverage", "error_ratio", "origins")}
    return made.table(both, **labels), made.table(table)
