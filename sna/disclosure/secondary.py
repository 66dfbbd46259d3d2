"""Secondary suppression inside one result table, where exact or rounded totals are known."""

import itertools
import re
from collections.abc import Iterator

import numpy as np
import pandas as pd

from sna.disclosure.audit import (
    Mask,
    Numbers,
    audit_cells,
    check_suppression,
    known_of,
    suppress_secondary,
)
from sna.disclosure.rules import PERSON, TOTAL, matches
from sna.disclosure.suppress import round_counts
from sna.errors import DisclosureError
from sna.schemas.results import ResultTable

LEAST_WIDTH = 2  # values that a suppressed cell may have at least, beside rounded totals
_SPLIT = rf"{PERSON}|^(ward|msoa|lsoa|area)_code$"  # a total over these is known, shown or not
Places = np.ndarray  # position of each cell's row in the table, -1 where there is none


def secondary_cells(
    values: pd.Series, primary: pd.Series, table: pd.DataFrame, shape: ResultTable,
    rows: pd.DataFrame, base: int,
) -> pd.Series:  # fmt: skip
    """Return `primary` and the cells to suppress so that no total gives a small count away.

    Keys whose categories sum to a total are taken one by one, then together. Beside rounded totals
    each small count keeps two values or more. Beside exact ones every suppressed cell keeps
    `threshold` values; where that cannot be had the split is hidden whole, or, when the contract
    says that the totals are public, `DisclosureError` is raised.
    """
    axes = [
        key
        for key in shape.keys
        if len(table[key].unique()) > 1
        and (
            re.search(_SPLIT, key)
            or (table[key].dtype != "M8" and matches(table[key], TOTAL).any())
        )
    ]
    passes = [[axis] for axis in axes] + ([axes] if len(axes) > 1 else [])
    if shape.exact_totals:
        passes = [list(shape.exact_totals)]
    hidden, limit = primary.to_numpy().copy(), rows["threshold"].to_numpy()
    true, rounded = values.to_numpy(), rows["rounded"].to_numpy()
    near = round_counts(values, base=base, threshold=rows["threshold"]).to_numpy()
    blocks = itertools.chain.from_iterable(_blocks(table, shape.keys, a, hidden) for a in passes)
    for cells, totals in blocks:
        there = cells[cells >= 0]
        if shape.exact_totals:  # totals are public already
            hidden[np.concatenate([t[t >= 0] for t in totals.values()])] = False
        if not len(there) or not hidden[there].any():
            continue
        if rounded[there].all():
            _protect_rounded(cells, totals, true, near, hidden, limit, base)
        elif not rounded[there].any():
            _protect_exact(cells, true, hidden, limit, is_public=bool(shape.exact_totals))
    return pd.Series(hidden, index=primary.index)


def _blocks(
    table: pd.DataFrame, keys: tuple[str, ...], axes: list[str], hidden: Mask
) -> Iterator[tuple[Places, dict[tuple[int, ...], Places]]]:
    """Cut a table into arrays over `axes`, one for each value of the other keys with a gap.

    Yields the places of cells, and of totals by the axes they are summed over.
    """
    others = [table[key] for key in keys if key not in axes]
    group = np.zeros(len(table), dtype=int)
    if others:
        group = table.groupby(others, dropna=False, observed=True).ngroup().to_numpy()
    codes = np.column_stack(
        [pd.factorize(table[a].mask(matches(table[a], TOTAL)))[0] for a in axes]
    )  # -1 is a total
    every = range(len(axes))
    for number in np.unique(group[hidden]):
        place = np.flatnonzero(group == number)
        part = codes[place]
        labels = [np.unique(column[column >= 0]) for column in part.T]
        found = {}
        for over in itertools.chain.from_iterable(
            itertools.combinations(every, size) for size in range(len(axes) + 1)
        ):
            kept = [axis for axis in every if axis not in over]
            pick = ((part < 0) == np.isin(every, over)).all(axis=1)
            found[over] = np.full([len(labels[axis]) for axis in kept], -1)
            spots = tuple(np.searchsorted(labels[axis], part[pick, axis]) for axis in kept)
            found[over][spots] = place[pick] if kept else next(iter(place[pick]), -1)
        yield found.pop(()), found


def _protect_exact(
    cells: Places, true: Numbers, hidden: Mask, limit: Places, *, is_public: bool
) -> None:
    there = cells >= 0
    values, threshold = np.where(there, true[cells], 0.0), int(limit[cells[there]].max())
    try:
        chosen = suppress_secondary(values, hidden[cells] & (values > 0), threshold=threshold)
        check_suppression(values, chosen, threshold=threshold)
        hidden[cells[chosen]] = True
    except DisclosureError:
        if is_public:
            raise
        hidden[cells[there]] = True


def _protect_rounded(
    cells: Places, totals: dict[tuple[int, ...], Places], true: Numbers, near: Numbers,
    hidden: Mask, limit: Places, base: int,
) -> None:  # fmt: skip
    """Hide more cells, then totals, until every small count keeps two values or all is hidden."""
    there = cells >= 0
    values, limits = np.where(there, true[cells], 0.0), np.where(there, limit[cells], 1)
    small = there & hidden[cells] & (values > 0) & (values < limits)
    most, lowest = 10 * values.sum() + 100, limit[cells[there]].min()
    while True:
        gap = there & hidden[cells]
        shown = np.where(gap, np.nan, np.where(there, near[cells], 0.0))
        low, high = known_of(shown, limits, base)
        if hidden[cells[there]].all():  # a zero would be hidden too
            low = np.zeros(cells.shape)
        other = gap & ~small  # secondary: nothing is known of it but its sign
        low, high = np.where(other, np.minimum(values, 1), low), np.where(other, most, high)
        margins = {}
        for axes, places in totals.items():
            sums, own = values.sum(axis=axes), np.where(places >= 0, limit[places], lowest)
            least, top = known_of(_published(sums, own, base), own, base)
            lost = (places >= 0) & hidden[places] & (sums >= own)
            margins[axes] = np.where(lost, 0, least), np.where(lost, most, top)
        audit = audit_cells(low, high, margins=margins, cells=small)
        if audit.narrowest is None or audit.narrowest >= LEAST_WIDTH:
            return
        if not _hide_next(cells, totals, values, hidden, int(np.nanargmin(audit.width))):
            return


def _published(sums: Numbers, limits: Numbers, base: int) -> Numbers:
    """Return totals as they stand in a table, or would in another: rounded, small ones missing."""
    flat, own = pd.Series(np.ravel(sums)), pd.Series(np.ravel(limits))
    near = round_counts(flat, base=base, threshold=own).mask((flat > 0) & (flat < own))
    return near.to_numpy().reshape(np.shape(sums))


def _hide_next(
    cells: Places, totals: dict[tuple[int, ...], Places], values: Numbers, hidden: Mask, worst: int
) -> bool:
    """Hide the cheapest cell in line with the worst, else all; False when nothing is left to."""
    spot = np.unravel_index(worst, cells.shape)
    line = sum(np.indices(cells.shape)[a] != spot[a] for a in range(cells.ndim)) == 1
    free = line & (cells >= 0) & ~hidden[cells]
    pick = free & (values > 0) if (free & (values > 0)).any() else free
    every = np.concatenate([places[places >= 0] for places in (cells, *totals.values())])
    if pick.any():
        every = cells.ravel()[[np.argmin(np.where(pick, values, np.inf))]]
    left = not hidden[every].all()
    hidden[every] = True
    return left
