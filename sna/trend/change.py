"""How much a series changed over twelve months, three years and five years, and how surely."""

from typing import Any

import numpy as np
import pandas as pd

from sna.rates import e_test, rate_limits, rate_ratio
from sna.trend.models import Fit, find_recent_trend, fit_quasi_poisson, make_design
from sna.trend.panel import Array, Panel, load_panel, no_rows

WINDOWS = {"12 months": 1, "3 years": 3, "5 years": 5}  # words -> years back
TOO_LITTLE = "too little data to tell"
LEAST_EVENTS = 20  # in both periods together; fewer get no word


def fit_level(panel: Panel, *, columns: slice = slice(None)) -> Fit:
    """Fit season, slope and a level for each segment: its dispersion widens the limits."""
    design = make_design(
        panel.months, seasonal=len(panel.months) >= 2 * panel.per_year, segments=panel.segments
    )
    return fit_quasi_poisson(panel.counts[:, columns], design)


def dispersion(panel: Panel, fit: Fit | None = None) -> Array:
    """Return the over-dispersion of each borough's months, at least 1 (1 where not known)."""
    phi = (fit or fit_level(panel)).dispersion
    return np.where(np.isfinite(phi), np.maximum(phi, 1), 1.0)


def change_word(later: Any, earlier: Any, phi: Any, confidence: float = 0.95) -> Array:
    """Say higher, lower, similar or too little data, from limits widened by the dispersion."""
    x, y, factor = (np.asarray(part, dtype=float) for part in (later, earlier, phi))
    ratio = rate_ratio(x / factor, 1, y / factor, 1, confidence)
    word = np.select([ratio.lower_ci > 1, ratio.upper_ci < 1], ["higher", "lower"], "similar")
    return np.where((x + y < LEAST_EVENTS) | (x == 0) | (y == 0), TOO_LITTLE, word)


def _windows(panel: Panel) -> list[tuple[str, slice, slice, str]]:
    """Return each window that fits: its words, its rows, and the breaks between its ends."""
    size, year = len(panel.months), panel.per_year
    found = []
    for words, back in WINDOWS.items():
        first = size - (back + 1) * year
        if first >= 0:
            start = panel.months[first]
            crossed = panel.breaks[panel.breaks["month"] > start]
            text = " ".join(crossed["report_text"])
            found.append((words, slice(size - year, size), slice(first, first + year), text))
    return found


def compare_periods(data: Any, *, panel: Panel | None = None) -> pd.DataFrame:
    """Compare the last twelve months with the twelve months one, three and five years before.

    Similar does not mean that nothing changed: these counts cannot tell. A break in the series
    between the two periods leaves both counts and takes away the comparison.

    Parameters
    ----------
    data
        The borough's data.
    panel
        A panel made before, to save the work.

    Returns
    -------
    pandas.DataFrame
        One row an area (the borough, London) and window that the data reaches back to: both
        periods and counts; ``comparable`` counts, missing across a break; ``p_value`` (e-test),
        ``dispersion``, widened limits of the ratio, ``word`` and ``break_text``.
    """
    made = panel or load_panel(data)
    phi = dispersion(made)
    total = fit_quasi_poisson(
        made.counts.sum(axis=1),
        make_design(made.months, seasonal=len(made.months) >= 24, segments=made.segments),
    )
    areas = [(made.borough_name, made.series, float(phi[made.mine]))]
    if made.has_london:
        wide = float(np.nan_to_num(total.dispersion[0], nan=1.0))
        areas.append(("London", made.counts.sum(axis=1), max(wide, 1.0)))
    rows = [
        _compare_one(made, area, values, factor, window)
        for area, values, factor in areas
        for window in _windows(made)
    ]
    return pd.DataFrame(rows) if rows else no_rows("trend_change")


def _compare_one(
    panel: Panel, area: str, values: Array, phi: float, window: tuple[str, slice, slice, str]
) -> dict[str, Any]:
    words, now, then, text = window
    later, earlier = float(values[now].sum()), float(values[then].sum())
    broken = bool(text)
    word = "[b]" if broken else str(change_word(later, earlier, phi))
    widened = rate_ratio(later / phi, 1, earlier / phi, 1)
    limits = [float(limit) for limit in (widened.lower_ci, widened.upper_ci)]
    known = not broken and word != TOO_LITTLE
    return panel.label(
        area=area,
        window=words,
        period=_words(panel.months[now]),
        period_earlier=_words(panel.months[then]),
        offences=later,
        offences_earlier=earlier,
        comparable=np.nan if broken else later,
        comparable_earlier=np.nan if broken else earlier,
        both=later + earlier,
        exposure=1.0,
        p_value=float(e_test(later, 1, earlier, 1)) if known else np.nan,
        dispersion=phi,
        ratio_low=limits[0] if known else np.nan,
        ratio_high=limits[1] if known else np.nan,
        word=word,
        break_text=text,
        period_months=12,
    )


def _words(months: pd.DatetimeIndex) -> str:
    return f"{months[0]:%B %Y} to {months[-1]:%B %Y}"


def fit_slopes(data: Any, *, panel: Panel | None = None) -> pd.DataFrame:
    """Fit the yearly change of the borough's months, per segment, with and without London.

    With the offset the slope says how the borough moved *beside* the rest of London; neither slope
    says why.

    Returns
    -------
    pandas.DataFrame
        One row a segment between breaks and a comparison: ``slope_pct`` a year with limits,
        ``p_value``, ``dispersion``, ``word``. Segments under 24 months say too little data.
    """
    made = panel or load_panel(data)
    rows = []
    for number in np.unique(made.segments):
        inside = made.segments == number
        for against in ("itself", *(["rest of London"] if made.has_london else [])):
            rows.append(_slope(made, inside, against))
    return pd.DataFrame(rows)


def _slope(panel: Panel, inside: Any, against: str) -> dict[str, Any]:
    months, values = panel.months[inside], panel.series[inside]
    row = panel.label(
        period=_words(months), against=against, months=len(months), offences=float(values.sum()),
        slope_pct=np.nan, lower_ci=np.nan, upper_ci=np.nan, p_value=np.nan, dispersion=np.nan,
        word=TOO_LITTLE, period_months=len(months) * 12 // panel.per_year,
    )  # fmt: skip
    rest = panel.rest[inside]
    if len(months) < 2 * panel.per_year or (against != "itself" and (rest <= 0).any()):
        return row
    offset = np.log(rest) if against != "itself" else 0.0
    fit = fit_quasi_poisson(values, make_design(months, seasonal=True), offset)
    if not fit.converged[0]:
        return row
    low, high = fit.limits(1)
    word = "similar" if low[0] <= 0 <= high[0] else "rising" if low[0] > 0 else "falling"
    return row | {
        "slope_pct": 100 * np.expm1(float(fit.estimate[1, 0])),
        "lower_ci": 100 * np.expm1(float(low[0])),
        "upper_ci": 100 * np.expm1(float(high[0])),
        "p_value": float(fit.p_value(1)[0]),
        "dispersion": float(fit.dispersion[0]),
        "word": word,
    }


def find_trend(data: Any, *, panel: Panel | None = None) -> pd.DataFrame:
    """Find the recent trend over the last five whole years by the Fingertips method.

    Returns
    -------
    pandas.DataFrame
        One row a year (ending in the end month): ``year``, ``offences``, ``population`` and, on
        every row, the ``trend`` word and its ``chi_squared``. No trend across a break.
    """
    made = panel or load_panel(data)
    years = min(5, len(made.months) // made.per_year)
    if years == 0:
        return no_rows("trend_recent")
    rows = made.months[len(made.months) - years * made.per_year :]
    values = made.series[-len(rows) :].reshape(years, made.per_year).sum(axis=1)
    people = made.population[-len(rows) :, made.mine].reshape(years, -1).mean(axis=1)
    ends = rows.to_numpy().reshape(years, -1)[:, -1]
    crossed = len(np.unique(made.segments[-len(rows) :])) > 1
    trend, chi2 = TOO_LITTLE, np.nan
    if crossed:
        trend = "[b]"
    elif years == 5 and values.sum() >= LEAST_EVENTS:
        low, high = rate_limits(values)
        trend, chi2 = find_recent_trend(values / people, low / people, high / people)
    return pd.DataFrame(
        made.label(
            year=[f"year to {pd.Timestamp(end):%B %Y}" for end in ends],
            offences=values,
            population=people,
            all_offences=values.sum(),
            trend=trend,
            chi_squared=chi2,
            period_months=12,
        )
    )
