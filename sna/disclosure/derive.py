"""Rates, shares, ratios and changes recomputed from protected counts, with their flags."""

from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from sna.rates import rate_difference, rate_limits, rate_ratio, wilson_limits
from sna.schemas.results import Derived, Estimate, ResultTable

RATE_LEAST, RELIABLE, CHANGE_LEAST, EXACT_PERCENT = 3, 20, 50, 4000
Values = np.ndarray
Tables = tuple[pd.DataFrame, pd.DataFrame]


class Made(NamedTuple):
    """Value and limits, and the number of events on which withholding and reliability rest."""

    value: Values
    lower: Values
    upper: Values
    events: Values
    least: int = RATE_LEAST


def _some(values: Values) -> Values:
    return np.where(values > 0, values, np.nan)


def make_derived(derived: Derived, first: Values, second: Values, *reference: Values) -> Made:
    """Compute one derived column; the meaning of the inputs is that of `Derived`."""
    if derived.kind == "rate":
        size, (low, high) = _some(second) / derived.per, rate_limits(first)
        return Made(first / size, low / size, high / size, first)
    if derived.kind == "share":
        unit = 100 if derived.column.endswith("_pct") else 1
        part = np.minimum(first, second)  # both are rounded on their own
        low, high = wilson_limits(part, second)
        return Made(unit * part / _some(second), unit * low, unit * high, second, 1)
    if derived.kind == "change_pct":
        _, low, high = rate_ratio(first, np.ones(len(first)), second, np.ones(len(first)))
        change, low, high = (100 * (r - 1) for r in (first / _some(second), low, high))
        return Made(change, low, high, second, CHANGE_LEAST)
    if derived.kind == "change_points":
        return Made(first - second, first * np.nan, first * np.nan, np.full(len(first), RELIABLE))
    is_ratio = derived.kind == "rate_ratio"
    compare: Any = rate_ratio if is_ratio else rate_difference
    made = compare(first, second, *reference, **({} if is_ratio else {"per": derived.per}))
    return Made(made[0], made[1], made[2], np.minimum(first, reference[0]))


def add_derived(
    table: pd.DataFrame,
    flags: pd.DataFrame,
    derived: Derived,
    rounded: pd.Series,
    *,
    reliability: bool = True,
) -> Tables:
    """Add one derived column and its limits, and their flags, from the columns of `table`.

    ``[c]`` where an input is suppressed; ``[x]`` where it cannot be computed, under 3 events, or
    for a change from fewer than 50; ``[u]`` under 20. Percentages from rounded counts are whole
    numbers unless the denominator is 4,000 or more.
    """
    inputs = [table[name].to_numpy("float64", na_value=np.nan) for name in derived.inputs]
    with np.errstate(divide="ignore", invalid="ignore"):
        made = make_derived(derived, *inputs)
    value = np.where(np.isfinite(made.value), made.value, np.nan)
    if derived.kind in ("share", "change_pct"):
        places = 2 if derived.kind == "share" and not derived.column.endswith("_pct") else 0
        coarse = rounded.to_numpy() & (inputs[1] < EXACT_PERCENT)
        value = np.where(coarse, np.round(value, places), value)
    hidden = (flags.reindex(columns=[*derived.inputs]) == "[c]").any(axis=1).to_numpy()
    few = (made.events < made.least) & reliability
    gone, doubt = hidden | np.isnan(value) | few, (made.events < RELIABLE) & reliability
    low, high = made[1:3]
    if derived.kind.startswith("rate_") and "reference_group" in table:  # against itself: no limits
        own = is_reference(table)
        low, high = np.where(own, np.nan, low), np.where(own, np.nan, high)
    columns = dict(zip((derived.column, *derived.limits), (value, low, high), strict=False))
    shown = {name: np.where(gone, np.nan, column) for name, column in columns.items()}
    return table.assign(**shown), flags.assign(**_flags([*columns], hidden, gone, doubt, flags))


def is_reference(table: pd.DataFrame) -> Values:
    """Say which rows are the group compared with: by its name, as other groups may equal it."""
    names = table.reindex(columns=["ethnic_group", "sex", "age_group"])
    return names.eq(table["reference_group"], axis=0).any(axis=1).to_numpy()


def _flags(
    names: list[str], hidden: Any, gone: Any, doubt: Any, flags: pd.DataFrame
) -> dict[str, pd.Series]:
    text = np.select([hidden, gone, doubt], ["[c]", "[x]", "[u]"], "")
    return dict.fromkeys(names, pd.Series(text, index=flags.index, dtype="str"))


def add_estimate(
    table: pd.DataFrame,
    flags: pd.DataFrame,
    estimate: Estimate,
    true: pd.DataFrame,
    rounded: pd.Series,
    base: int,
    shape: ResultTable,
) -> Tables:
    """Add one estimate made from true counts: shown from `minimum` events up, else withheld.

    On rounded rows it keeps three significant figures, and an estimate that only repeats or
    scales a count is rounded and hidden with that count. There `minimum` is tested on the least
    that the rounded count can be, and its mark on the rounded one: what is withheld or marked
    must not halve the range of a count.
    """
    value, events = _numbers(true, estimate.column), _numbers(true, estimate.count)
    hidden, near = _withheld(flags, estimate.count), rounded.to_numpy()
    events = np.where(near, np.floor(events / base + 0.5) * base, events)
    sure = events - near * (base // 2)
    for name in shape.counts if near.any() else ():
        if scale := _repeats(value[near], _numbers(true, name)[near]):
            value[near] = np.floor(value[near] / scale / base + 0.5) * base * scale
            hidden = hidden | _withheld(flags, name)
    value[near] = [float(f"{number:.3g}") for number in value[near]]
    gone = hidden | ~(sure >= estimate.minimum) | np.isnan(value)
    marks = _flags([estimate.column], hidden, gone, events < RELIABLE, flags)
    shown = {estimate.column: np.where(gone, np.nan, value)}
    return table.assign(**shown), flags.assign(**marks)


def _numbers(table: pd.DataFrame, name: str) -> Values:
    return pd.to_numeric(table[name]).to_numpy("float64", na_value=np.nan, copy=True)


def _withheld(flags: pd.DataFrame, name: str) -> Values:
    return flags[name].eq("[c]").to_numpy() if name in flags else np.zeros(len(flags), dtype=bool)


def _repeats(value: Values, count: Values) -> float:
    """Return the factor by which an estimate is a count in disguise, or 0."""
    both = ~np.isnan(value) & (count > 0)
    if not both.any() or (scale := float(np.median(value[both] / count[both]))) <= 0:
        return 0.0
    near = (np.abs(value[both] - scale * count[both]) <= 0.15 * scale * count[both]).mean()
    return (
        scale if near >= 0.8 and (len(np.unique(count[both])) > 3 or abs(scale - 1) < 0.05) else 0.0
    )
