"""Periods that overlap: what months, quarters and rolling years of one series say of each other.

A published period bounds the difference of two running totals, so that the least and the most of
any period are shortest paths between its ends: exact, and in whole numbers. Periods of releases
before, which the ledger holds, bound them too, and so do the other groups of the cut: what they
leave of its total.
"""

import re
from dataclasses import dataclass, field
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
    named = [key for key in shape.keys if not re.search(WORDS["time"], key)]
    apart = [key for key in named if not re.search(WORDS["parts"], key)]
    number, cut = (
        true.groupby([true[key] for key in keys], dropna=False, observed=True).ngroup().to_numpy()
        for keys in (named, apart or named)
    )
    cuts: dict[int, list[_Series]] = {}
    for one in np.unique(number[rows["rounded"]]):
        place = np.flatnonzero((number == one) & rows["rounded"])
        parts = [_periods(true, held, shape, rows, base, name, place) for name in shape.spans]
        periods = Periods(*map(np.concatenate, zip(*parts, strict=True)))
        told, only_years = _before(earlier, true.iloc[place[:1]], shape, periods)
        told = _joined(told, _map_total(periods, base))
        series = _Series(periods, told, place, parts)
        series.gone = choose_withheld(periods, base, told, only_years)
        cuts.setdefault(int(cut[place[0]]), []).append(series)
    for members in cuts.values():
        if len(named) > len(apart):
            _audit_cut(members, base)
        for series in members:
            series.withhold(held, shape)
    return {name: pd.Series(mask, index=true.index) for name, mask in held.items()}


@dataclass
class _Series:
    """A series with what was told of it before, its rows, and the kinds it withholds."""

    periods: Periods
    told: Known
    place: Places
    parts: list[Periods]
    gone: list[str] = field(default_factory=list)
    beside: Known = NOTHING

    def bounds(self, base: int) -> tuple[Numbers, Numbers]:
        """Return the least and most of every period; other tables show years to the last month."""
        lost = [kind for kind in self.gone if not _are_last_years(self.periods, kind)]
        gone = np.isin(self.periods.length, lost)
        low, high = bounds_of(self.periods, gone, base, _joined(self.told, self.beside))
        return low[: len(gone)], high[: len(gone)]

    def is_weak(self, base: int) -> bool:
        """Say whether the other groups give a small count away."""
        low, high = self.bounds(base)
        return bool((high - low + 1 < LEAST_WIDTH)[self.periods.small].any())

    def withhold_more(self) -> bool:
        """Withhold the kind with most rows; False where only years to the last month are left."""
        left = [kind for kind in _in_order(self.periods) if kind not in self.gone]
        left = [kind for kind in left if not _are_last_years(self.periods, kind)]
        self.gone = [*self.gone, *left[:1]]
        return bool(left)

    def withhold(self, held: dict[str, Mask], shape: ResultTable) -> None:
        """Mark the rows of the kinds withheld, but for periods that another kind shows."""
        kept = ~np.isin(self.periods.length, self.gone) & ~np.isnan(self.periods.shown)
        shown = set(zip(self.periods.first[kept], self.periods.after[kept], strict=True))
        for name, part in zip(shape.spans, self.parts, strict=True):
            again = [ends in shown for ends in zip(part.first, part.after, strict=True)]
            lost = np.isin(part.length, self.gone) & ~np.array(again, dtype=bool)
            held[name][self.place[lost]] = True


def _audit_cut(members: list[_Series], base: int) -> None:
    """Withhold more kinds until no group's small count is told by the others and their total.

    The bounds of one group tighten those of the next, over all periods, until none moves.
    """
    if len(members) < 2 or not any(one.periods.small.any() for one in members):
        return
    keys = ["first", "after"]
    sums = pd.concat([pd.DataFrame(one.periods._asdict()) for one in members])
    sums = sums.groupby([*keys, "length"]).agg({"true": "sum", "limit": "min"}).reset_index()
    sums = sums.drop_duplicates(keys)
    ends = pd.MultiIndex.from_frame(sums[keys])
    near = round_counts(sums["true"], base=base, threshold=sums["limit"])
    near = near.mask(sums["true"].between(0, sums["limit"], inclusive="neither"))
    total = known_of(near.to_numpy(), sums["limit"].to_numpy(), base)
    while True:
        _tighten(members, ends, total, base)
        weak = [one for one in members if one.is_weak(base)]
        rest = sorted(members, key=lambda one: one.periods.true.sum())
        if not weak or not any(one.withhold_more() for one in [*weak, *rest]):
            return


def _tighten(
    members: list[_Series], ends: pd.MultiIndex, total: tuple[Numbers, Numbers], base: int
) -> None:
    """Give each group what the others leave of the total, again and again."""
    width, first, after = np.inf, *(ends.get_level_values(n).to_numpy() for n in (0, 1))
    for one in members:
        one.beside = NOTHING
    while True:
        low, high = np.zeros((len(members), len(ends))), np.full((len(members), len(ends)), np.inf)
        for i, one in enumerate(members):
            at = ends.get_indexer(pd.MultiIndex.from_arrays([one.periods.first, one.periods.after]))
            bounds = one.bounds(base)
            np.maximum.at(low[i], at, bounds[0])
            np.minimum.at(high[i], at, bounds[1])
        sums = np.maximum(total[0], low.sum(axis=0)), np.minimum(total[1], high.sum(axis=0))
        total = _limits(Known(first, after, *sums), first, after)
        for i, one in enumerate(members):
            others = np.delete(low, i, 0).sum(axis=0), np.delete(high, i, 0).sum(axis=0)
            one.beside = Known(first, after, total[0] - others[1], total[1] - others[0])
        now = float(np.where(np.isinf(high), 1e6, high - low).sum())
        if now >= width:
            return
        width = now


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
    order = _in_order(periods)
    gone = [kind for kind in order if not _are_last_years(periods, kind)] if only_years else []
    while periods.small.any() and len(gone) < len(order):
        for extra in ([], *([kind] for kind in order if kind not in gone)):
            if _narrowest(periods, gone + extra, base, told) >= LEAST_WIDTH:
                return gone + extra
        gone.append(next(kind for kind in order if kind not in gone))
    return gone


def _in_order(periods: Periods) -> list[str]:
    """Return the kinds of period, those to withhold first before the others."""
    kinds, rows = np.unique(periods.length, return_counts=True)
    kept = [_are_last_years(periods, kind) for kind in kinds]
    order: list[str] = kinds[np.lexsort((-rows, np.array(kept)))].tolist()
    return order


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
