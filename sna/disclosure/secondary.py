"""Secondary suppression inside one result table, where exact or rounded totals are known."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, combinations

import numpy as np
import pandas as pd

from sna.definitions.views import words_of
from sna.disclosure.audit import Margins, Mask, Numbers, audit_cells, known_of
from sna.disclosure.rules import WORDS, is_total
from sna.disclosure.suppress import round_counts
from sna.errors import DisclosureError
from sna.schemas.results import ResultTable

AGE_EDGES: list[int] = words_of("trend")["ages"]["edges"]
LEAST_WIDTH = 2  # values that a suppressed cell may have at least, beside rounded totals
_SPLIT = rf"{WORDS['person']}|{WORDS['parts']}"  # their total is known, shown or not
Places = np.ndarray  # position of each cell's row in the table, -1 where there is none
Totals = dict[tuple[int, ...], Places]  # by the axes they are summed over


def secondary_cells(
    values: pd.Series,
    primary: pd.Series,
    table: pd.DataFrame,
    shape: ResultTable,
    rows: pd.DataFrame,
    base: int,
) -> pd.Series:
    """Return `primary` and the cells to suppress so that no total gives a small count away.

    Keys whose categories sum to a total are taken one by one, then together. Beside rounded totals
    each small count keeps two values or more. Beside exact ones every suppressed cell keeps
    `threshold` values; where that cannot be had all is hidden, or, when the contract says that
    the totals are public, `DisclosureError` is raised.
    """
    axes = [key for key in shape.keys if _sums_to_total(table[key], key)]
    passes = [(shape.keys, [axis]) for axis in axes]
    if "age" in axes:  # single years: another table shows the total of each band
        years = pd.to_numeric(table["age"], errors="coerce")
        table = table.assign(_band=pd.cut(years, AGE_EDGES, right=False, labels=False))
        passes.append(((*shape.keys, "_band"), ["age"]))
    passes += [(shape.keys, axes)] if len(axes) > 1 else []
    if shape.exact_totals:
        passes = [(shape.keys, list(shape.exact_totals))]
    hidden, limit = primary.to_numpy(copy=True), rows["threshold"].to_numpy()
    rounded, true = rows["rounded"].to_numpy(), values.to_numpy()
    near = round_counts(values, base=base, threshold=rows["threshold"]).to_numpy()
    blocks = (
        (one == (shape.keys, [*shape.told]), *b)
        for one in passes
        for b in _blocks(table, *one, hidden)
    )
    for told, cells, totals in blocks:
        there = cells[cells >= 0]
        there = there[~np.isnan(true[there])]  # a count that nobody knows is no part
        if shape.exact_totals:  # they are known already: hiding them would protect nobody
            hidden[np.concatenate([t[t >= 0] for t in totals.values()])] = False
        if hidden[there].any() and len(set(rounded[there])) == 1:
            exact = not rounded[there[0]]
            _Block(cells, totals, true, near, hidden, limit, base, exact, told).protect(shape)
    return pd.Series(hidden, index=primary.index)


def _sums_to_total(values: pd.Series, key: str) -> bool:
    if values.nunique(dropna=False) < 2:
        return False
    return bool(re.search(_SPLIT, key)) or (values.dtype != "M8" and bool(is_total(values).any()))


def _blocks(
    table: pd.DataFrame, keys: tuple[str, ...], axes: list[str], hidden: Mask
) -> Iterator[tuple[Places, Totals]]:
    """Cut a table into arrays over `axes`, one for each value of the other keys with a gap.

    Yields the places of cells and of their totals.
    """
    others = [table[key] for key in keys if key not in axes]
    group = np.zeros(len(table), dtype=int)
    if others:
        group = table.groupby(others, dropna=False, observed=True).ngroup().to_numpy()
    cells = [table[axis].mask(is_total(table[axis])) for axis in axes]  # a total is no category
    codes = np.column_stack([pd.factorize(column)[0] for column in cells])
    every = range(len(axes))
    for number in np.unique(group[hidden]):
        place = np.flatnonzero(group == number)
        part = codes[place]
        labels = [np.unique(column[column >= 0]) for column in part.T]
        found: Totals = {}
        for over in chain.from_iterable(combinations(every, n) for n in range(len(axes) + 1)):
            kept = [axis for axis in every if axis not in over]
            pick = ((part < 0) == np.isin(every, over)).all(axis=1)
            found[over] = np.full([len(labels[axis]) for axis in kept], -1)
            spots = tuple(np.searchsorted(labels[axis], part[pick, axis]) for axis in kept)
            found[over][spots] = place[pick] if kept else next(iter(place[pick]), -1)
        yield found.pop(()), found


@dataclass
class _Block:
    """A split with its totals; the arrays below them have a value for each row of the table."""

    cells: Places
    totals: Totals
    true: Numbers
    near: Numbers
    hidden: Mask
    limit: np.ndarray
    base: int
    exact: bool
    told: bool  # rounded cells whose total may be known exactly

    def __post_init__(self) -> None:
        """Look up the values of the cells, and which are hidden for their own sake."""
        # a count that nobody knows is in no total: published with others, it would be in theirs
        self.there = (self.cells >= 0) & ~np.isnan(self.true[self.cells])
        self.values = np.where(self.there, self.true[self.cells], 0.0)
        self.limits = np.where(self.there, self.limit[self.cells], 1)
        self.most = 10 * self.values.sum() + 100
        self.small = self.gap & (self.values > 0) & (self.values < self.limits)

    @property
    def gap(self) -> Mask:
        """Cells that are hidden so far."""
        return self.there & self.hidden[self.cells]

    def protect(self, shape: ResultTable) -> None:
        """Hide more cells until no suppressed count is known too closely, or all is hidden."""
        need = self.limits.max() if self.exact else LEAST_WIDTH
        while True:
            low, high, margins = self.known_exact() if self.exact else self.known_rounded()
            audited = self.gap & (self.values > 0) if self.exact else self.small
            found = audit_cells(low, high, margins=margins, cells=audited)
            if found.narrowest is None or found.narrowest >= need:
                return
            if not self.hide_next(int(np.nanargmin(found.width)), shape):
                return

    def known_exact(self) -> tuple[Numbers, Numbers, Margins]:
        """Return what an attacker knows of cells and totals: a hidden cell is 1 or more."""
        sums: Margins = {(a,): (self.values.sum(a),) * 2 for a in range(self.cells.ndim)}
        low = np.where(self.gap, np.minimum(self.values, 1), self.values)
        return low, np.where(self.gap, self.most, self.values), sums

    def known_rounded(self) -> tuple[Numbers, Numbers, Margins]:
        """Return what an attacker knows of cells and totals that are rounded or suppressed."""
        near = np.where(self.there, self.near[self.cells], 0.0)
        low, high = known_of(np.where(self.gap, np.nan, near), self.limits, self.base)
        if self.gap[self.there].all():  # a zero would be hidden too
            low = np.zeros(low.shape)
        other = self.gap & ~self.small  # secondary: nothing is known of it but its sign
        low = np.where(other, np.minimum(self.values, 1), low)
        margins, lowest = {}, self.limits[self.there].min()
        for axes, places in self.totals.items():
            sums = self.values.sum(axis=axes)
            own = np.where(places >= 0, self.limit[places], lowest)
            shown = _published(sums, own, self.base)
            least, top = (sums, sums) if self.told else known_of(shown, own, self.base)
            lost = (places >= 0) & self.hidden[places] & (sums >= own)
            margins[axes] = np.where(lost, 0, least), np.where(lost, self.most, top)
        return low, np.where(other, self.most, high), margins

    def hide_next(self, worst: int, shape: ResultTable) -> bool:
        """Hide the cheapest cell in line with the worst, else all; False when nothing is left."""
        spot = np.array(np.unravel_index(worst, self.cells.shape))
        apart = (np.moveaxis(np.indices(self.cells.shape), 0, -1) != spot).sum(axis=-1)
        free, some = self.there & ~self.gap, self.values > 0
        line = free & (apart == 1)
        for pick in (line & some, free & some if self.exact else line):
            if pick.any():
                cost = np.where(pick, self.values, np.inf)
                self.hidden[self.cells.ravel()[np.argmin(cost)]] = True
                return True
        if shape.exact_totals:
            what = f"No set of cells protects {shape.name} while its totals are public."
            raise DisclosureError(what, do="Merge categories or areas, or leave it out.")
        every = np.concatenate([p[p >= 0] for p in (self.cells, *self.totals.values())])
        is_left = not self.hidden[every].all()
        self.hidden[every] = True
        return is_left


def _published(sums: Numbers, limits: Numbers, base: int) -> Numbers:
    """Return totals as they stand in a table, or would in another: rounded, small ones missing."""
    flat, own = pd.Series(np.ravel(sums)), pd.Series(np.ravel(limits))
    near = round_counts(flat, base=base, threshold=own).mask((flat > 0) & (flat < own))
    return near.to_numpy().reshape(np.shape(sums))
