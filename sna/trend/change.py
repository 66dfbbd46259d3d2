"""How much a series changed over twelve months, three years and five years, and how surely."""

from typing import Any

import numpy as np
import pandas as pd

from sna.definitions.views import words_of
from sna.errors import UsageError
from sna.rates import compare_words, e_test, rate_limits, rate_ratio
from sna.trend.models import find_recent_trend, fit_quasi_poisson, make_design
from sna.trend.panel import LONDON, TOO_LITTLE, Array, Panel, load_panel, no_rows

TOO_SHORT = "not enough months"
_EARLIER = ("offences_earlier", "both", "comparable", "comparable_earlier", "dispersion")
_RATIO = ("p_value", "ratio_low", "ratio_high")
LEAST_EVENTS = 20  # in both periods together; fewer get no word


def dispersion(panel: Panel, counts: Array) -> Array:
    """Return the over-dispersion of months given season, slope and segments; at least 1."""
    seasonal = len(panel.months) >= 2 * panel.per_year
    design = make_design(panel.months, seasonal=seasonal, segments=panel.segments)
    return np.maximum(np.nan_to_num(fit_quasi_poisson(counts, design).dispersion, nan=1.0), 1.0)


def change_word(later: Any, earlier: Any, phi: Any) -> Array:
    """Say higher, lower, similar or too little data, from limits widened by the dispersion."""
    x, y, factor = (np.asarray(part, dtype=float) for part in (later, earlier, phi))
    word = compare_words(*rate_ratio(x / factor, 1, y / factor, 1)[1:], 1)
    return np.where((x + y < LEAST_EVENTS) | (x == 0) | (y == 0), TOO_LITTLE, word)


def compare_periods(data: Any, *, across_breaks: str = "") -> pd.DataFrame:
    """Compare the last twelve months with those one, three and five years before.

    Similar does not mean that nothing changed: these counts cannot tell. A break in between leaves
    both counts and takes away the rest (``word`` is ``[b]``), unless ``across_breaks`` gives the
    reason why the comparison holds all the same; reports print it. ``p_value`` is the e-test's, of
    chance alone; ``ratio_low`` and ``ratio_high`` are widened by the ``dispersion``. One row an
    area (borough, London) and window; ``word`` is ``not enough months`` where the earlier year lies
    before the data. Empty under two years.
    """
    if not isinstance(across_breaks, str):
        do = "Write why both years rest on one basis; reports print it."
        raise UsageError(
            "The reason to compare across a break is a text.", found=across_breaks, do=do
        )
    made = load_panel(data)
    areas = {made.borough_name: made.series}
    areas |= {LONDON: made.counts.sum(axis=1)} if made.has_london else {}
    if len(made.years(2)) < 2:
        return no_rows("trend_change")
    parts = [
        _compare_one(made, area, window, values, back, across_breaks)
        for area, values in areas.items()
        for window, back in words_of("trend")["windows"].items()
    ]
    return pd.concat(parts, ignore_index=True)


def _compare_one(
    panel: Panel, area: str, window: str, values: Array, back: int, reason: str
) -> pd.DataFrame:
    years = panel.years(len(panel.months))
    row: dict[str, Any] = dict.fromkeys([*_EARLIER, *_RATIO], np.nan)
    row |= {"area": area, "window": window}
    row |= {"word": TOO_SHORT, "reason": "", "break_text": "", "exposure": 1.0}
    row |= {"offences": values[years[-1]].sum(), "period": panel.period(years[-1])}
    row |= {"period_earlier": f"before the series begins ({panel.months[0]:%B %Y})"}
    if len(years) <= back:
        return panel.table(**row, period_months=12)
    before = years[-1 - back]
    counts = {"offences": row["offences"], "offences_earlier": values[before].sum()}
    later, earlier = (float(count) for count in panel.shown([*counts.values()]))
    crossed = panel.breaks["month"] > panel.months[before.start]
    phi, word = float(dispersion(panel, values)[0]), "[b]"
    if not crossed.any() or reason.strip():
        word = str(change_word(later, earlier, phi))
        row |= {name.replace("offences", "comparable"): count for name, count in counts.items()}
    if word not in ("[b]", TOO_LITTLE):
        ratio = rate_ratio(later / phi, 1, earlier / phi, 1)
        row |= {"ratio_low": float(ratio.lower_ci), "ratio_high": float(ratio.upper_ci)}
        row |= {"p_value": float(e_test(later, 1, earlier, 1))}
    if crossed.any():
        text = " ".join(panel.breaks.loc[crossed, "report_text"])
        row |= {"reason": reason.strip(), "break_text": text}
    row |= counts | {"both": later + earlier, "dispersion": phi, "word": word}
    return panel.table(**row | {"period_earlier": panel.period(before)}, period_months=12)


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
    names = ["slope_pct", "lower_ci", "upper_ci", "p_value", "dispersion"]
    found, word = dict.fromkeys(names, np.nan), TOO_LITTLE
    if len(months) >= 2 * panel.per_year and (against == "itself" or (rest > 0).all()):
        offset = 0.0 if against == "itself" else np.log(rest)
        fit = fit_quasi_poisson(values, make_design(months, seasonal=True), offset)
        if fit.converged[0]:
            low, high = (float(limit[0]) for limit in fit.limits(1))
            word = "no clear change" if low <= 0 <= high else "rising" if low > 0 else "falling"
            percent = 100 * np.expm1([fit.estimate[1, 0], low, high])
            found = dict(zip(names, [*percent, fit.p_value(1)[0], fit.dispersion[0]], strict=True))
    period, months_long = panel.period(inside), len(months) * 12 // panel.per_year
    row = {"period": period, "against": against, "months": len(months), "offences": values.sum()}
    return panel.table(**row, **found, word=word, period_months=months_long)


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
    people = np.array([made.population[rows, made.mine].mean().round() for rows in years])
    trend, chi2 = TOO_LITTLE, np.nan
    if len(np.unique(made.segments[years[0].start :])) > 1:
        trend = "[b]"
    elif len(years) == 5 and values.sum() >= LEAST_EVENTS:
        shown = made.shown(values)
        trend, chi2 = find_recent_trend(*(n / people for n in (shown, *rate_limits(shown))))
    ends = [panel_end.split(" to ")[1] for panel_end in map(made.period, years)]
    row = {"offences": values, "population": people, "all_offences": values.sum()}
    words = {"year": [f"year to {end}" for end in ends], "trend": trend, "chi_squared": chi2}
    return made.table(**words, **row, period_months=12)
