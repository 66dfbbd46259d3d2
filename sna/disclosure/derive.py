"""Rates, shares, ratios and changes recomputed from protected counts, with their flags."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from sna.errors import UsageError
from sna.rates import rate_difference, rate_limits, rate_ratio, wilson_limits
from sna.schemas.results import Derived, Estimate

RATE_LEAST, RELIABLE, CHANGE_LEAST, EXACT_PERCENT = 3, 20, 50, 4000

Values = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Made:
    """A derived column: value, limits, and the rows that are withheld or unreliable."""

    value: Values
    lower: Values
    upper: Values
    withheld: npt.NDArray[np.bool_]
    unreliable: npt.NDArray[np.bool_]


def _none(values: Values) -> Values:
    return np.full(len(values), np.nan)


def _rate(derived: Derived, count: Values, people: Values) -> Made:
    size = np.where(people > 0, people, np.nan) / derived.per
    lower, upper = rate_limits(count)
    return Made(count / size, lower / size, upper / size, count < RATE_LEAST, count < RELIABLE)


def _share(derived: Derived, part: Values, whole: Values) -> Made:
    size = 100.0 if derived.column.endswith("_pct") else 1.0
    some = np.where(whole > 0, whole, np.nan)
    part = np.minimum(part, whole)  # both are rounded on their own
    lower, upper = wilson_limits(part, whole)
    return Made(size * part / some, size * lower, size * upper, whole <= 0, whole < RELIABLE)


def _compared(derived: Derived, count: Values, people: Values, ref: Values, ref_people: Values
              ) -> Made:  # fmt: skip
    if derived.kind == "rate_ratio":
        made = rate_ratio(count, people, ref, ref_people)
    else:
        made = rate_difference(count, people, ref, ref_people, per=derived.per)
    own = (count == ref) & (people == ref_people)  # the reference against itself: no limits
    made = made._replace(lower_ci=np.where(own, np.nan, made.lower_ci),
                         upper_ci=np.where(own, np.nan, made.upper_ci))  # fmt: skip
    least = np.minimum(count, ref)
    endless = ~np.isfinite(made.value)
    return Made(np.where(endless, np.nan, made.value), made.lower_ci, made.upper_ci,
                endless | (least < RATE_LEAST), least < RELIABLE)  # fmt: skip


def _change_pct(derived: Derived, later: Values, earlier: Values) -> Made:  # noqa: ARG001
    some = np.where(earlier > 0, earlier, np.nan)
    ratio = rate_ratio(later, np.ones(len(later)), earlier, np.ones(len(later)))
    return Made(100 * (later - earlier) / some, 100 * (ratio.lower_ci - 1),
                100 * (ratio.upper_ci - 1), earlier < CHANGE_LEAST, later < RELIABLE)  # fmt: skip


def _change_points(derived: Derived, later: Values, earlier: Values) -> Made:  # noqa: ARG001
    no = np.zeros(len(later), dtype=bool)
    return Made(later - earlier, _none(later), _none(later), no, no)


_KINDS: dict[str, Callable[..., Made]] = {
    "rate": _rate,
    "share": _share,
    "rate_ratio": _compared,
    "rate_difference": _compared,
    "change_pct": _change_pct,
    "change_points": _change_points,
}


def add_derived(
    table: pd.DataFrame, flags: pd.DataFrame, derived: Derived, *, rounded: pd.Series,
    reliability: bool = True,
) -> tuple[pd.DataFrame, pd.DataFrame]:  # fmt: skip
    """Add one derived column and its limits, and their flags, from the columns of `table`.

    ``[c]`` where an input is suppressed; ``[x]`` where it cannot be computed, under 3 events, or
    for a change from fewer than 50; ``[u]`` under 20. Percentages from rounded counts are whole
    numbers unless the denominator is 4,000 or more.
    """
    absent = [name for name in derived.inputs if name not in table]
    if absent:
        raise UsageError(f"{derived.column} needs columns that are not there.", found=absent,
                         do="Name columns of the contract in Derived.inputs.")  # fmt: skip
    inputs = [table[name].to_numpy("float64", na_value=np.nan) for name in derived.inputs]
    with np.errstate(divide="ignore", invalid="ignore"):
        made = _KINDS[derived.kind](derived, *inputs)
    hidden = np.zeros(len(table), dtype=bool)
    for name in derived.inputs:
        if name in flags:
            hidden |= flags[name].eq("[c]").to_numpy()
    value = made.value
    if derived.kind in ("share", "change_pct"):
        whole = rounded.to_numpy() & (inputs[1] < EXACT_PERCENT)
        places = 2 if derived.kind == "share" and not derived.column.endswith("_pct") else 0
        value = np.where(whole, np.round(value, places), value)
    gone = hidden | np.isnan(value) | (made.withheld if reliability else False)
    flag = np.select([hidden, gone, made.unreliable & reliability], ["[c]", "[x]", "[u]"], "")
    columns = [(derived.column, value)]
    columns += list(zip(derived.limits, (made.lower, made.upper), strict=False))
    text = pd.Series(flag, index=table.index, dtype="str")
    return (
        table.assign(**{name: np.where(gone, np.nan, column) for name, column in columns}),
        flags.assign(**{name: text for name, _ in columns}),
    )


def add_estimate(
    table: pd.DataFrame, flags: pd.DataFrame, estimate: Estimate, *, true: pd.DataFrame,
    restricted: pd.Series, counts: tuple[str, ...] = (), base: int = 5,
) -> tuple[pd.DataFrame, pd.DataFrame]:  # fmt: skip
    """Add one estimate made from true counts: shown from `minimum` events up, else withheld.

    On restricted rows it keeps three significant figures, and an estimate that only repeats or
    scales a count is rounded and hidden with that count.
    """
    value = pd.to_numeric(true[estimate.column]).astype("float64")
    events = true[estimate.count].astype("float64")
    hidden = flags[estimate.count].eq("[c]") if estimate.count in flags else restricted & False
    for name in counts:
        if scale := _repeats(value[restricted], true.loc[restricted, name].astype("float64")):
            near = ((value / scale / base + 0.5) // 1) * base * scale
            value, hidden = near.where(restricted, value), hidden | flags[name].eq("[c]")
    few = (events < estimate.minimum) | events.isna()
    value = value.where(~restricted, value.map(lambda number: float(f"{number:.3g}")))
    flag = np.select([hidden, few | value.isna(), events < RELIABLE], ["[c]", "[x]", "[u]"], "")
    return (
        table.assign(**{estimate.column: value.mask(hidden | few)}),
        flags.assign(**{estimate.column: pd.Series(flag, index=table.index, dtype="str")}),
    )


def _repeats(value: pd.Series, count: pd.Series) -> float:
    """Return the factor by which an estimate is a count in disguise, or 0."""
    both = value.notna() & (count > 0)
    if not both.any() or (scale := float((value[both] / count[both]).median())) <= 0:
        return 0.0
    near = ((value[both] - scale * count[both]).abs() <= 0.15 * scale * count[both]).mean()
    return scale if near >= 0.8 and (both.sum() > 3 or abs(scale - 1) < 0.05) else 0.0
