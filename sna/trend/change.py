"""How much a series changed over twelve months, three years and five years, and how surely."""

from typing import Any

import numpy as np
import pandas as pd

from sna.rates import e_test, rate_limits, rate_ratio
from sna.trend.models import find_recent_trend, fit_quasi_poisson, make_design
from sna.trend.panel import LONDON, TOO_LITTLE, Array, Panel, in_words, load_panel, no_rows

WINDOWS = {"12 months": 1, "3 years": 3, "5 years": 5}  # words -> years back
LEAST_EVENTS = 20  # in both periods together; fewer get no word


def dispersion(panel: Panel, counts: Array) -> Array:
    """Return the over-dispersion of months given season, slope and segments; at least 1."""
    seasonal = len(panel.months) >= 2 * panel.per_year
    design = make_design(panel.months, seasonal=seasonal, segments=panel.segments)
    return np.maximum(np.nan_to_num(fit_quasi_poisson(counts, design).dispersion, nan=1.0), 1.0)


def change_word(later: Any, earlier: Any, phi: Any, confidence: float = 0.95) -> Array:
    """Say higher, lower, similar or too little data, from limits widened by the dispersion."""
    x, y, factor = (np.asarray(part, dtype=float) for part in (later, earlier, phi))
    ratio = rate_ratio(x / factor, 1, y / factor, 1, confidence)
    word = np.select([ratio.lower_ci > 1, ratio.upper_ci < 1], ["higher", "lower"], "similar")
    return np.where((x + y < LEAST_EVENTS) | (x == 0) | (y == 0), TOO_LITTLE, word)


def compare_periods(data: Any, *, across_breaks: str = "") -> pd.DataFrame:
    """Compare the last twelve months with those one, three and five years before.

    Similar does not mean that nothing changed: these counts cannot tell. A break in between leaves
    both counts and takes away the rest (``word`` is ``[b]``), unless ``across_breaks`` gives the
    reason why the comparison holds all the same; reports print it. ``p_value`` is the e-test's, of
    chance alone; ``ratio_low`` and ``ratio_high`` are widened by the ``dispersion``. One row an
    area (borough, London) and window that the data reaches back to.
    """
    made = load_panel(data)
    areas = {made.borough_name: made.series}
    areas |= {LONDON: made.counts.sum(axis=1)} if made.has_london else {}
    years = made.years(len(made.months))
    parts = [
        _compare_one(made, area, window, (values, years[-1 - back]), across_breaks)
        for area, values in areas.items()
        for window, back in WINDOWS.items()
        if len(years) > back
    ]
    return pd.concat(parts, ignore_index=True) if parts else no_rows("trend_change")


def _compare_one(
    panel: Panel, area: str, window: str, then: tuple[Array, slice], reason: str
) -> pd.DataFrame:
    (values, before), now = then, panel.years(1)[0]
    later, earlier = float(values[now].sum()), float(values[before].sum())
    crossed = panel.breaks["month"] > panel.months[before.start]
    phi, is_broken = float(dispersion(panel, values)[0]), crossed.any() and not reason.strip()
    word = "[b]" if is_broken else str(change_word(later, earlier, phi))
    widened = rate_ratio(later / phi, 1, earlier / phi, 1)
    known = word not in ("[b]", TOO_LITTLE)
    return panel.table(
        area=area,
        window=window,
        period=in_words(panel.months[now], 12 // panel.per_year),
        period_earlier=in_words(panel.months[before], 12 // panel.per_year),
        offences=later,
        offences_earlier=earlier,
        comparable=np.nan if is_broken else later,
        comparable_earlier=np.nan if is_broken else earlier,
        both=later + earlier,
        exposure=1.0,
        dispersion=phi,
        word=word,
        p_value=float(e_test(later, 1, earlier, 1)) if known else np.nan,
        ratio_low=float(widened.lower_ci) if known else np.nan,
        ratio_high=float(widened.upper_ci) if known else np.nan,
        break_text=" ".join(panel.breaks.loc[crossed, "report_text"]),
        reason=reason.strip() if crossed.any() else "",
        period_months=12,
    )


def fit_slopes(data: Any) -> pd.DataFrame:
    """Fit the yearly change of the borough's months, one row a segment, alone and beside London.

    With the rest of London as offset the slope says how the borough moved beside it; neither slope
    says why. Segments under 24 months, or that do not converge, say too little data.
    """
    made = load_panel(data)
    against = ["itself", *(["rest of London"] if made.has_london else [])]
    numbers = np.unique(made.segments)
    rows = [_slope(made, made.segments == n, name) for n in numbers for name in against]
    return pd.concat(rows, ignore_index=True)


def _slope(panel: Panel, inside: Any, against: str) -> pd.DataFrame:
    months, values, rest = panel.months[inside], panel.series[inside], panel.rest[inside]
    found = dict.fromkeys(["slope_pct", "lower_ci", "upper_ci", "p_value", "dispersion"], np.nan)
    alone, word = against == "itself", TOO_LITTLE
    if len(months) >= 2 * panel.per_year and (alone or (rest > 0).all()):
        offset = 0.0 if alone else np.log(rest)
        fit = fit_quasi_poisson(values, make_design(months, seasonal=True), offset)
        if fit.converged[0]:
            low, high = (float(limit[0]) for limit in fit.limits(1))
            word = "similar" if low <= 0 <= high else "rising" if low > 0 else "falling"
            percent = [100 * np.expm1(part) for part in (float(fit.estimate[1, 0]), low, high)]
            numbers = *percent, float(fit.p_value(1)[0]), float(fit.dispersion[0])
            found = dict(zip(found, numbers, strict=True))
    each = 12 // panel.per_year
    total = {"offences": float(values.sum()), "period_months": len(months) * each}
    period = in_words(months, each)
    return panel.table(
        period=period, against=against, months=len(months), word=word, **found, **total
    )


def find_trend(data: Any) -> pd.DataFrame:
    """Find the recent trend over the last five whole years by the Fingertips method.

    One row a year ending in the end month; ``trend`` and ``chi_squared`` stand on every row. No
    trend across a break, and none of fewer than five years.
    """
    made = load_panel(data)
    years = made.years(5)
    if not years:
        return no_rows("trend_recent")
    values = np.array([made.series[rows].sum() for rows in years])
    people = np.array([made.population[rows, made.mine].mean() for rows in years])
    trend, chi2 = TOO_LITTLE, np.nan
    if len(np.unique(made.segments[years[0].start :])) > 1:
        trend = "[b]"
    elif len(years) == 5 and values.sum() >= LEAST_EVENTS:
        limits = rate_limits(values)
        trend, chi2 = find_recent_trend(*(part / people for part in (values, *limits)))
    ends = [in_words(made.months[rows], 12 // made.per_year).split(" to ")[1] for rows in years]
    return made.table(
        year=[f"year to {end}" for end in ends],
        offences=values,
        population=people,
        all_offences=values.sum(),
        trend=trend,
        chi_squared=chi2,
        period_months=12,
    )
