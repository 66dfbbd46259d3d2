"""Periods that overlap: what months, quarters and rolling years of one series say of each other.

A published period bounds the difference of two running totals, so that the least and the most of
any period are shortest paths between its ends: exact, and in whole numbers.
"""

import re
from typing import NamedTuple

import numpy as np
import pandas as pd

from sna.disclosure.audit import Mask, Numbers, known_of
from sna.disclosure.rules import WORDS
from sna.disclosure.suppress import round_counts
from sna.schemas.results import ResultTable

LEAST_WIDTH = 2  # values that a suppressed period may have at least
Places = np.ndarray


class Periods(NamedTuple):
    """The periods of one series; arrays have a value for each.

    ``first`` and ``after`` number the month it starts in and the one after its last; ``shown`` is
    what is published, NaN where suppressed, and ``length`` the name of its kind (column, months).
    """

    first: Places
    after: Places
    length: Places
    true: Numbers
    shown: Numbers
    limit: Numbers

    @property
    def small(self) -> Mask:
        """Periods with a count below the threshold."""
        return (self.true > 0) & (self.true < self.limit)


def withheld_periods(
    true: pd.DataFrame,
    hidden: dict[str, pd.Series],
    shape: ResultTable,
    rows: pd.DataFrame,
    base: int,
) -> dict[str, pd.Series]:
    """Return `hidden` and the periods to withhold so that no other period gives a small count away.

    Only series with a small count of rounded rows are touched. Kinds of period (months, quarters,
    rolling years) are withheld whole, as few as will do, those with the most rows first.
    """
    if not shape.spans or not rows["rounded"].any():
        return hidden
    held = {name: mask.to_numpy(copy=True) for name, mask in hidden.items()}
    series = [true[key] for key in shape.keys if not re.search(WORDS["time"], key)]
    number = true.groupby(series, dropna=False, observed=True).ngroup().to_numpy()
    for one in np.unique(number[rows["rounded"]]):
        place = np.flatnonzero((number == one) & rows["rounded"])
        parts = [_periods(true, held, shape, rows, base, name, place) for name in shape.spans]
        kinds = choose_withheld(Periods(*map(np.concatenate, zip(*parts, strict=True))), base)
        for name, part in zip(shape.spans, parts, strict=True):
            held[name][place[np.isin(part.length, kinds)]] = True
    return {name: pd.Series(mask, index=true.index) for name, mask in held.items()}


def _periods(
    true: pd.DataFrame,
    held: dict[str, Mask],
    shape: ResultTable,
    rows: pd.DataFrame,
    base: int,
    name: str,
    place: Places,
) -> Periods:
    """Return the periods that one count column has in some rows."""
    part, limit, months = true.iloc[place], rows["threshold"].iloc[place], shape.spans[name]
    size = part[months] if isinstance(months, str) else pd.Series(months, index=part.index)
    last, value = part["last_month"].dt, part[name].astype("float64")
    after = (last.year * 12 + last.month).to_numpy()
    near = round_counts(value, base=base, threshold=limit).mask(held[name][place])
    length = (name + " " + size.astype("str")).to_numpy(dtype=object)
    if "length" in part:
        length = part["length"].to_numpy(dtype=object)
    counts = pd.DataFrame({"true": value, "shown": near, "limit": limit}).to_numpy(dtype=float)
    return Periods(after - size.to_numpy(dtype=int), after, length, *counts.T)


def choose_withheld(periods: Periods, base: int) -> list[str]:
    """Return the kinds of period to withhold; none where no small count can be told.

    Other tables show years that end with the report's month: those are never withheld alone.
    """
    known = ~np.isnan(periods.true)
    periods = Periods(*(column[known] for column in periods))
    kinds, rows = np.unique(periods.length, return_counts=True)
    kept = [_are_last_years(periods, kind) for kind in kinds]
    order: list[str] = kinds[np.lexsort((-rows, np.array(kept)))].tolist()
    gone: list[str] = []
    while periods.small.any() and len(gone) < len(order):
        for extra in ([], *([kind] for kind in order if kind not in gone)):
            if _narrowest(periods, gone + extra, base) >= LEAST_WIDTH:
                return gone + extra
        gone.append(next(kind for kind in order if kind not in gone))
    return gone


def _are_last_years(periods: Periods, kind: str) -> bool:
    part = periods.length == kind
    after, size = np.sort(periods.after[part]), (periods.after - periods.first)[part]
    apart = (np.diff(after) >= size.min()).all()
    return bool(apart and (size == 12).all() and after[-1] == periods.after.max())


def _narrowest(periods: Periods, gone: list[str], base: int) -> float:
    """Fewest values that a small count may have, from all that is published of other periods."""
    low, high = bounds_of(periods, np.isin(periods.length, gone), base)
    small = periods.small
    return float((high - low + 1)[small].min()) if small.any() else np.inf


def bounds_of(periods: Periods, gone: Mask, base: int) -> tuple[Numbers, Numbers]:
    """Return the least and most value of every period, as a reader who computes can find them."""
    start = periods.first.min()
    first, after = periods.first - start, periods.after - start
    low, high = known_of(periods.shown, periods.limit, base)
    other = np.isnan(periods.shown) & ~periods.small  # hidden for another's sake: of any size
    low, high = np.where(gone, 0, low), np.where(gone | other, np.inf, high)
    least = np.full((after.max() + 1,) * 2, np.inf)  # [i, j]: running total j less i at most
    np.fill_diagonal(least, 0)
    step = np.arange(len(least) - 1)
    least[step + 1, step] = 0  # no month is negative
    np.minimum.at(least, (first, after), high)
    np.minimum.at(least, (after, first), -low)
    for via in range(len(least)):  # Floyd and Warshall; SciPy's takes a weight of 0 for no edge
        np.minimum(least, least[:, via, None] + least[via], out=least)
    return -least[after, first], least[first, after]
