"""What next year would look like if nothing changed, by the model that back-tests best."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from sna.trend.models import Array, fit_quasi_poisson, make_design, seasonal_terms
from sna.trend.panel import load_panel, no_rows

HORIZON, LEAST_HISTORY, SPACING = 12, 36, 2
NAIVE = "seasonal naive"


def _naive(y: Array, months: pd.DatetimeIndex) -> Array:  # noqa: ARG001
    return y[-HORIZON:]


def _mean_season(y: Array, months: pd.DatetimeIndex) -> Array:
    part, when = y[-LEAST_HISTORY:], months[-LEAST_HISTORY:]
    fit = fit_quasi_poisson(part, make_design(when, seasonal=True))
    season = np.exp(seasonal_terms(when[-HORIZON:]) @ np.nan_to_num(fit.estimate[2:6]))
    return y[-HORIZON:].mean(axis=0) * season / season.mean(axis=0)


def _trend_season(y: Array, months: pd.DatetimeIndex) -> Array:
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
    """Forecast from every second month with each model: errors, and errors over root forecast."""
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
    size = np.abs(scaled).reshape(len(scaled), -1)
    held = []
    for left in range(len(size)):
        others = np.delete(size, left, axis=0)
        held.append((size[left] <= np.quantile(others, 0.95)).mean() if len(others) else np.nan)
    return float(np.quantile(size, 0.95)), float(np.mean(held))


def project_series(data: Any) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Project the next twelve months from those since the last break; and the back-test, by model.

    What would happen if nothing changed. The model that erred least is taken, the seasonal naive
    one unless another beats it by a hundredth; the interval is as wide as the back-test's errors
    and its ``coverage`` is measured on origins left out. Empty under 48 months since a break.
    """
    made = load_panel(data)
    inside = made.segments == made.segments[-1]
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
