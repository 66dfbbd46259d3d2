"""What next year would look like if nothing changed, by the model that back-tests best."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from sna.trend.models import Array, fit_quasi_poisson, make_design, seasonal_terms
from sna.trend.panel import Panel, load_panel, no_rows

HORIZON, LEAST_HISTORY, SPACING = 12, 36, 2
NAIVE = "seasonal naive"


def _naive(y: Array, months: pd.DatetimeIndex) -> Array:  # noqa: ARG001
    """Repeat the last twelve months."""
    return y[-HORIZON:]


def _mean_season(y: Array, months: pd.DatetimeIndex) -> Array:
    """Take the level of the last twelve months times the season of the last three years."""
    part, when = y[-LEAST_HISTORY:], months[-LEAST_HISTORY:]
    fit = fit_quasi_poisson(part, make_design(when, seasonal=True))
    season = np.exp(seasonal_terms(when[-HORIZON:]) @ np.nan_to_num(fit.estimate[2:6]))
    return y[-HORIZON:].mean(axis=0) * season / season.mean(axis=0)


def _trend_season(y: Array, months: pd.DatetimeIndex) -> Array:
    """Carry slope and season of the last five years on, the slope at half its size."""
    when = months[-60:]
    fit = fit_quasi_poisson(y[-60:], make_design(when, seasonal=True))
    season = np.exp(seasonal_terms(when[-HORIZON:]) @ np.nan_to_num(fit.estimate[2:6]))
    drift = np.exp(
        np.nan_to_num(fit.estimate[1]) * (0.5 + (np.arange(HORIZON) + 1)[:, None] / 12) / 2
    )
    return y[-HORIZON:].mean(axis=0) * drift * season / season.mean(axis=0)


MODELS: dict[str, Callable[[Array, pd.DatetimeIndex], Array]] = {
    NAIVE: _naive,
    "level and season": _mean_season,
    "level, season and half the slope": _trend_season,
}


def backtest(counts: Array, months: pd.DatetimeIndex) -> tuple[pd.DataFrame, dict[str, Array]]:
    """Forecast twelve months from every second month of the past with each model.

    Returns the mean absolute error of each model over all series and its errors in units of the
    square root of the forecast (origins by horizon by series).
    """
    origins = range(LEAST_HISTORY, len(months) - HORIZON + 1, SPACING)
    scaled: dict[str, list[Array]] = {name: [] for name in MODELS}
    errors: dict[str, list[float]] = {name: [] for name in MODELS}
    for origin in origins:
        actual = counts[origin : origin + HORIZON]
        for name, model in MODELS.items():
            ahead = model(counts[:origin], months[:origin])
            errors[name].append(float(np.abs(actual - ahead).mean()))
            scaled[name].append((actual - ahead) / np.sqrt(np.maximum(ahead, 1)))
    mean = [float(np.mean(errors[name])) if errors[name] else np.nan for name in MODELS]
    table = pd.DataFrame({"model": list(MODELS), "origins": len(origins), "error": mean})
    return table, {name: np.array(rows) for name, rows in scaled.items()}


def _coverage(scaled: Array) -> tuple[float, float]:
    """Return the 95 % width of the errors and how often it held for origins left out in turn."""
    size = np.abs(scaled).reshape(len(scaled), -1)
    held = []
    for left in range(len(size)):
        others = np.delete(size, left, axis=0)
        held.append((size[left] <= np.quantile(others, 0.95)).mean() if len(others) else np.nan)
    return float(np.quantile(size, 0.95)), float(np.mean(held))


def project_series(data: Any, *, panel: Panel | None = None) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Project the borough's next twelve months from the months since the last break.

    Not a forecast of what will happen: what would if nothing changed. The model with the smallest
    back-test error is taken; where none beats the seasonal naive one by a hundredth, that is it.

    Returns
    -------
    tuple of pandas.DataFrame
        Months (recorded, then ``projected`` with ``lower_ci`` and ``upper_ci``, as wide as the
        back-test's errors); and one row a model with its ``error``, ``error_ratio`` to naive,
        ``coverage`` of its 95 % interval on origins left out, and ``is_chosen``. Both empty under
        48 months since the last break.
    """
    made = panel or load_panel(data)
    inside = made.segments == made.segments.max() if len(made.months) else np.array([], bool)
    months, y = made.months[inside], made.series[inside][:, None]
    if len(months) < LEAST_HISTORY + HORIZON or made.per_year != 12:
        return no_rows("trend_projection"), no_rows("trend_backtest")
    table, scaled = backtest(y, months)
    width, cover = zip(*(_coverage(scaled[name]) for name in MODELS), strict=True)
    naive = table["error"].iloc[0]
    table = table.assign(error_ratio=table["error"] / naive if naive else np.nan, coverage=cover)
    best = int(table["error"].to_numpy().argmin()) if naive else 0
    chosen = best if table["error_ratio"].iloc[best] < 0.99 else 0
    table = table.assign(is_chosen=np.arange(len(table)) == chosen, **made.label())
    name = table["model"].iloc[chosen]
    ahead = MODELS[name](y, months)[:, 0]
    reach = width[chosen] * np.sqrt(np.maximum(ahead, 1))
    when = pd.date_range(months[-1], periods=HORIZON + 1, freq="MS")[1:]
    past = pd.DataFrame({"month": months, "offences": y[:, 0], "kind": "recorded"})
    future = pd.DataFrame(
        {"month": when, "kind": "projected", "projected": ahead,
         "lower_ci": np.maximum(ahead - reach, 0), "upper_ci": ahead + reach}
    )  # fmt: skip
    labels = made.label(
        model=name, coverage=cover[chosen], error_ratio=table["error_ratio"].iloc[chosen],
        origins=table["origins"].iloc[0], all_offences=y.sum(), period_months=1,
    )  # fmt: skip
    return pd.concat([past, future], ignore_index=True).assign(**labels), table
