"""Periods that overlap: what months, quarters and rolling years of one series say of each other.

A published period bounds the difference of two running totals, so that the least and the most of
any period are shortest paths between its ends: exact, and in whole numbers. Periods of releases
before, which the ledger holds, bound them too.
"""

import re
from typing import NamedTuple

import numpy as np
import pandas as pd

from sna.disclosure.audit import Mask, Numbers, known_beside, known_of
from sna.disclosure.ledger import series_names
from sna.disclosure.rules import WORDS
from sna.disclosure.suppress import round_counts
from sna.schemas.results import ResultTable

MAP_MONTHS = 36  # of the wards in the tables of places
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


class Known(NamedTuple):
    """What is known of some periods: where they start and end, at least and at most how many."""

    first: Places
    after: Places
    low: Numbers
    high: Numbers


NOTHING = Known(*np.zeros((2, 0), dtype=int), *np.zeros((2, 0)))


def withheld_periods(
    true: pd.DataFrame,
    hidden: dict[str, pd.Series],
    shape: ResultTable,
    rows: pd.DataFrame,
    base: int,
    earlier: pd.DataFrame,
) -> dict[str, pd.Series]:
    """Return `hidden` and the periods to withhold so that no other period gives a small count away.

    Only series with a small count of rounded rows are touched. Kinds of period (months, quarters,
    rolling years) are withheld whole, as few as will do, those with the most rows first. `earlier`
    is that of `sna.disclosure.ledger.read_earlier`, or empty.
    """
    if not shape.spans or not rows["rounded"].any():
        return hidden
    held = {name: mask.to_numpy(copy=True) for name, mask in hidden.items()}
    series = [true[key] for key in shape.keys if not re.search(WORDS["time"], key)]
    number = true.groupby(series, dropna=False, observed=True).ngroup().to_numpy()
    for one in np.unique(number[rows["rounded"]]):
        place = np.flatnonzero((number == one) & rows["rounded"])
        parts = [_periods(true, held, shape, rows, base, name, place) for name in shape.spans]
        periods = Periods(*map(np.concatenate, zip(*parts, strict=True)))
        told, only_years = _before(earlier, true.iloc[place[:1]], shape, periods)
        told = _joined(told, _map_total(periods, base))
        kinds = choose_withheld(periods, base, told, only_years)
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


def _before(
    earlier: pd.DataFrame, row: pd.DataFrame, shape: ResultTable, periods: Periods
) -> tuple[Known, bool]:
    """Return what was published of a series before, and whether under another definition too.

    What a revision has made untrue is left out: it tells nothing any more.
    """
    if earlier.empty or not periods.small.any():
        return NOTHING, False
    area, other = series_names(row, shape).iloc[0]
    before = earlier[earlier["area"].eq(area) & earlier["other"].eq(other)]
    rows = before[~before["is_anew"]]
    told = Known(*(rows[name].to_numpy() for name in ("first", "after", "least", "most")))
    low, high = _limits(_exact(periods), told.first, told.after)
    kept = (told.high >= low) & (told.low <= high)
    return Known(*(part[kept] for part in told)), bool(before["is_anew"].any())


def _exact(periods: Periods) -> Known:
    there = ~np.isnan(periods.true)
    first, after, true = (part[there] for part in (periods.first, periods.after, periods.true))
    return Known(first, after, true, true)


def _map_total(periods: Periods, base: int) -> Known:
    """Return the last months as maps of wards show them, for a series by quarter at finest."""
    after, size = periods.after.max(initial=0), periods.after - periods.first
    first = after - MAP_MONTHS
    if not periods.small.any() or size.min() != 3 or first < periods.first.min():
        return NOTHING
    ends = np.array([first]), np.array([after])
    low, high = _limits(_exact(periods), *ends)
    if low[0] != high[0]:
        return NOTHING
    limit = pd.Series(periods.limit[:1])
    near = round_counts(pd.Series(low), base=base, threshold=limit)
    shown = near.mask((low > 0) & (low < limit)).to_numpy()
    return Known(*ends, *known_of(shown, limit.to_numpy(), base))


def _joined(one: Known, two: Known) -> Known:
    return Known(*map(np.concatenate, zip(one, two, strict=True)))


def choose_withheld(
    periods: Periods, base: int, told: Known = NOTHING, only_years: bool = False
) -> list[str]:
    """Return the kinds of period to withhold; none where no small count can be told.

    Other tables show years that end with the report's month: those are never withheld alone. With
    ``only_years`` (the series stands in a release under another definition) nothing else is shown.
    """
    known = ~np.isnan(periods.true)
    periods = Periods(*(column[known] for column in periods))
    kinds, rows = np.unique(periods.length, return_counts=True)
    kept = [_are_last_years(periods, kind) for kind in kinds]
    order: list[str] = kinds[np.lexsort((-rows, np.array(kept)))].tolist()
    gone = [kind for kind in order if not _are_last_years(periods, kind)] if only_years else []
    while periods.small.any() and len(gone) < len(order):
        for extra in ([], *([kind] for kind in order if kind not in gone)):
            if _narrowest(periods, gone + extra, base, told) >= LEAST_WIDTH:
                return gone + extra
        gone.append(next(kind for kind in order if kind not in gone))
    return gone


def _are_last_years(periods: Periods, kind: str) -> bool:
    part = periods.length == kind
    after, size = np.sort(periods.after[part]), (periods.after - periods.first)[part]
    apart = (np.diff(after) >= size.min()).all()
    return bool(apart and (size == 12).all() and after[-1] == periods.after.max())


def _narrowest(periods: Periods, gone: list[str], base: int, told: Known) -> float:
    """Fewest values that a small count may have, from all that is published of other periods."""
    low, high = bounds_of(periods, np.isin(periods.length, gone), base, told)
    small = np.concatenate([periods.small, told.low == 1])
    return float((high - low + 1)[small].min()) if small.any() else np.inf


def bounds_of(
    periods: Periods, gone: Mask, base: int, told: Known = NOTHING
) -> tuple[Numbers, Numbers]:
    """Return the least and most of every period, then of those told before, as a reader can."""
    low, high = known_beside(periods.shown, periods.small, periods.limit, base)
    low, high = np.where(gone, 0, low), np.where(gone, np.inf, high)
    known = _joined(Known(periods.first, periods.after, low, high), told)
    return _limits(known, known.first, known.after)


def _limits(known: Known, first: Places, after: Places) -> tuple[Numbers, Numbers]:
    """Return the least and most of some periods, from what is known of some others."""
    start = min(known.first.min(), first.min(initial=known.first.min()))
    end = max(known.after.max(), after.max(initial=0)) - start
    least = np.full((end + 1,) * 2, np.inf)  # [i, j]: running total j less i at most
    np.fill_diagonal(least, 0)
    step = np.arange(end)
    least[step + 1, step] = 0  # no month is negative
    np.minimum.at(least, (known.first - start, known.after - start), known.high)
    np.minimum.at(least, (known.after - start, known.first - start), -known.low)
    for via in range(len(least)):  # Floyd and Warshall; SciPy's takes a weight of 0 for no edge
        np.minimum(least, least[:, via, None] + least[via], out=least)
    return -least[after - start, first - start], least[first - start, after - start]
