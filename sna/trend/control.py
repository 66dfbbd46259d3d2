"""Control charts that fit the series: XmR, C, U, quarters, time between rare events, or none."""

from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from sna.definitions import published_categories
from sna.definitions.views import words_of
from sna.errors import CoverageError, TableError, UsageError
from sna.rates.inputs import check_numbers
from sna.trend.models import Array, fit_quasi_poisson, make_design, season_p, seasonal_terms
from sna.trend.panel import Panel, load_panel, no_rows, timed_records

WORDS = words_of("trend")
LEAST_MEAN, LEAST_POINTS, LEAST_ADJUST = 5, 12, 36  # a month; points; months
MOST_DRIFT = 1.1  # most residents over fewest: beyond it counts alone mislead
EVENTS = ("gaps", "days")  # charts of the time between events


class Limits(NamedTuple):
    """Centre line and limits, each broadcastable to the values."""

    centre: Array
    lower: Array
    upper: Array


def xmr_limits(values: Any, *, screen: bool = True) -> Limits:
    """Limits of an individuals chart: mean and 2.66 mean moving ranges (Wheeler 2000), by column.

    Seasonal values look out of control when they are not: adjust first. With ``screen``, moving
    ranges above 3.267 times their mean are left out once.

    >>> [round(float(line), 2) for line in xmr_limits([1, 2, 1, 2, 10] + [1, 2] * 6 + [1])]
    [1.94, -0.72, 4.6]
    """
    x = np.asarray(values, dtype=float)
    if len(x) < 2 or np.isnan(x).any():
        what, do = "Limits need two values or more, none missing.", "Leave gaps out."
        raise TableError(what, where="xmr_limits", found=[len(x)], do=do)
    ranges = np.abs(np.diff(x, axis=0))
    kept = ranges <= 3.267 * ranges.mean(axis=0) if screen else ranges >= 0
    width = 2.66 * (ranges * kept).sum(axis=0) / np.maximum(kept.sum(axis=0), 1)
    return Limits(x.mean(axis=0), x.mean(axis=0) - width, x.mean(axis=0) + width)


def count_limits(counts: Any, exposure: Any = 1.0) -> Limits:
    """Limits of a C chart (U chart with an exposure) at three standard errors, by column.

    Widened, never narrowed, by the moving range of standardised values (Laney 2002).
    """
    x, size = np.broadcast_arrays(check_numbers(counts, "counts"), np.asarray(exposure, float))
    mean = x.sum(axis=0) / size.sum(axis=0)
    error = np.sqrt(np.maximum(mean, 1e-12) / size)
    spread = np.abs(np.diff((x / size - mean) / error, axis=0)).mean(axis=0) / 1.128
    reach = 3 * error * np.maximum(spread, 1)
    return Limits(mean + 0 * error, np.maximum(mean - reach, 0), mean + reach)


def gap_limits(gaps: Any, *, whole: bool = True) -> Limits:
    """Limits of the gaps between rare events: G chart (whole units) or T chart (time, Nelson 1994).

    A gap above the upper limit means rarer events (Benneyan 2001).
    """
    x = check_numbers(gaps, "gaps")
    if not whole:
        return Limits(*(np.maximum(part, 0) ** 3.6 for part in xmr_limits(x ** (1 / 3.6))))
    chance = 1 / (1 + x.mean(axis=0))  # geometric from zero
    stay = np.log1p(-np.minimum(chance, 1 - 1e-12))
    tails = (np.maximum(np.ceil(np.log1p(-p) / stay) - 1, 0) for p in (0.5, 0.00135, 0.99865))
    return Limits(*tails)


def _runs(marks: Array, length: int, need: int) -> Array:
    """Say where the last `length` marks add up to at least `need`, on one side or the other."""
    total = np.concatenate([np.zeros((length, *marks.shape[1:])), marks]).cumsum(axis=0)
    return np.abs(total[length:] - total[:-length]) >= need


def find_signals(values: Any, limits: Limits) -> Array:
    """Find the rule that flags each point, 0 or its number in the order of precedence.

    A run is flagged from its seventh point on (points on the centre never count), two of three
    beyond two thirds of the way to a limit on one side from the second such point on.
    """
    x, (centre, lower, upper) = np.asarray(values, dtype=float), limits
    side, step = np.sign(x - centre), np.sign(np.diff(x, axis=0, prepend=x[:1]))
    edge = np.where(side > 0, upper, lower)
    near = side * (np.abs(x - centre) > 2 / 3 * np.abs(edge - centre))
    two = [_runs(near == sign, 3, 2) & (near == sign) for sign in (-1, 1)]
    rules = [(x > upper) | (x < lower), _runs(step, 6, 6), two[0] | two[1], _runs(side, 7, 7)]
    return np.select(rules, [1, 2, 3, 4], 0)


def choose_chart(
    counts: Any, months: pd.DatetimeIndex, residents: Any = 1.0, *, is_dated: bool = False
) -> str:
    """Choose the chart of one series by its size, its season and the residents it is about.

    ``residents`` by period; ``is_dated`` says that every event has its own time.
    """
    y, people = np.asarray(counts, dtype=float), np.asarray(residents, dtype=float)
    monthly = len(months) < 2 or (months[1] - months[0]).days < 32
    if len(y) < 2 or y.sum() < 8 or (not monthly and y.mean() < LEAST_MEAN):
        return "none"
    if y.mean() < LEAST_MEAN:
        rare = "days" if is_dated else "gaps"
        return "quarters" if y.mean() * 3 >= LEAST_MEAN and len(y) >= 36 else rare
    if monthly and len(y) >= 24 and season_p(y, months)[0] < 0.05:
        return "adjusted" if len(y) >= LEAST_ADJUST else "seasonal"
    if people.max() > MOST_DRIFT * people.min():
        return "u"
    return "c" if y.mean() < 30 or not monthly else "xmr"


def adjust_season(counts: Array, months: pd.DatetimeIndex, segments: Any = None) -> Array:
    """Divide counts (months by series) by the season of a two-wave model."""
    fit = fit_quasi_poisson(counts, make_design(months, seasonal=True, segments=segments))
    factor = np.exp(seasonal_terms(months) @ np.nan_to_num(fit.estimate[2:6]))
    return (counts.reshape(len(months), -1) / (factor / factor.mean(axis=0))).reshape(counts.shape)


def control_chart(data: Any, *, label: str = "") -> pd.DataFrame:
    """Chart the headline with limits that its size and season allow, afresh after each break.

    A signal says that something changed by more than chance, not what. One row a period (an event
    with the time since the one before, for rare ones) with ``value``, limits and ``signal``;
    ``is_trial`` under 12 points. ``label`` is a published category ("homicide") to chart in its
    place; empty when the borough has none.
    """
    labels = {str(name).casefold() for name in published_categories()["label"]}
    if label and label.casefold() not in labels:
        do = "Use the end of a published category, such as homicide."
        raise UsageError("No publisher has a category of this name.", found=label, do=do)
    try:
        made = load_panel(data, label=label)
    except CoverageError:
        if not label:
            raise
        return no_rows("trend_control")
    is_dated = not label and len(timed_records(made)) == made.series.sum()
    residents = made.population[:, made.mine]
    kind = choose_chart(made.series, made.months, residents, is_dated=is_dated)
    if kind in EVENTS and made.shown([1.0])[0] != 1:  # a row an event would tell their number
        kind = "withheld"
    values = made.shown(made.series)
    if kind == "adjusted":
        values = adjust_season(values, made.months, made.segments)
    parts = [_chart_one(made, kind, values, number) for number in np.unique(made.segments)]
    return pd.concat(parts, ignore_index=True)


def _events(panel: Panel, kind: str, inside: Any) -> tuple[Any, Array, Array]:
    """Return the months of events of a segment, and the time since the one before each."""
    months, counts = panel.months[inside], panel.series[inside].astype(int)
    at = np.repeat(np.arange(len(counts)), counts).astype(float)
    when = months.repeat(counts)
    if kind == "days":
        rows = timed_records(panel).sort_values("committed_from", kind="stable")
        rows = rows[rows["month"].isin(months)]
        when = pd.DatetimeIndex(rows["month"])
        at = rows["committed_from"].to_numpy("datetime64[s]").astype(float) / 86_400
    return when, np.diff(at, prepend=np.nan), np.ones(len(at))


def _charted(panel: Panel, kind: str, values: Array, inside: Any) -> tuple[Any, Array, Array, Any]:
    """Return the periods, values, offences and relative residents that a chart shows."""
    months, counts = panel.months[inside], panel.series[inside]
    if kind == "quarters":
        whole = pd.Series(counts, index=months).resample("QS")
        sums = whole.sum()[whole.count() == 3]
        return pd.DatetimeIndex(sums.index), sums.to_numpy(), sums.to_numpy(), 1.0
    if kind in EVENTS:
        return *_events(panel, kind, inside), 1.0
    people = panel.population[:, panel.mine]
    size = (people / people.mean())[inside] if kind == "u" else np.ones(len(counts))
    return months, values[inside] / size, counts, size


def _limits(kind: str, values: Array, size: Any) -> tuple[Limits, Array]:
    """Return the limits of a kind of chart and the rule that flags each point."""
    known = ~np.isnan(values)
    limits, signal = Limits(*np.full((3, len(values)), np.nan)), np.zeros(len(values), dtype=int)
    if known.sum() < 2 or kind in ("none", "seasonal", "withheld"):
        return limits, signal
    if kind in EVENTS:  # the run rules assume symmetry
        limits = gap_limits(values[known], whole=kind == "gaps")
        return limits, np.where(find_signals(values, limits) == 1, 1, 0)
    if kind in ("xmr", "adjusted"):
        limits = xmr_limits(values)
    else:
        limits = count_limits(values * size, size)
    return limits, find_signals(values, limits)


def _chart_one(panel: Panel, kind: str, values: Array, number: int) -> pd.DataFrame:
    inside = panel.segments == number
    months, shown, offences, size = _charted(panel, kind, values, inside)
    shown = shown if kind in EVENTS else panel.shown(shown)
    limits, signal = _limits(kind, shown, size)
    began = panel.breaks[panel.breaks["month"].isin(panel.months[inside][:1])]
    lines = {"centre": limits.centre, "upper_limit": limits.upper}
    lines |= {"lower_limit": np.maximum(limits.lower, 0), "all_offences": panel.series.sum()}
    words: dict[str, Any] = {"signal": [WORDS["signals"][code] for code in signal], "kind": kind}
    words |= {"reason": WORDS["charts"][kind], "is_trial": len(shown) < LEAST_POINTS}
    texts = [" ".join(began["report_text"]), *[""] * len(shown)][: len(shown)]
    words |= {"break_text": texts, "break_month": panel.months[inside][0]}
    row = {"month": months, "offences": offences, "value": shown, "segment": int(number)}
    return panel.table(
        **row, **lines, **words, period_months=3 if kind == "quarters" else 12 // panel.per_year
    )
