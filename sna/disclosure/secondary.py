"""Secondary suppression inside one result table, where exact or rounded totals are known."""

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass

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
from sna.disclosure.rules import PERSON, TOTAL, Row, matches
from sna.disclosure.suppress import round_counts
from sna.errors import DisclosureError
from sna.schemas.results import ResultTable

LEAST_WIDTH = 2  # values that a suppressed cell may have at least, beside rounded totals
_AREA = r"^(ward|msoa|lsoa|area)_code$"


@dataclass
class Block:
    """The cells of one split, as an array over its axes: labels of rows, and totals' rows."""

    cells: np.ndarray  # position of each cell's row in the table, -1 where there is none
    totals: dict[tuple[int, ...], np.ndarray]  # axes summed over -> position of the totals' rows


def blocks(
    table: pd.DataFrame, keys: tuple[str, ...], axes: list[str], hidden: Mask
) -> Iterator[Block]:
    """Cut a table into arrays over `axes`, one for each value of the other keys with a gap."""
    others = [table[key] for key in keys if key not in axes]
    group = np.zeros(len(table), dtype=int)
    if others:
        group = table.groupby(others, dropna=False, observed=True).ngroup().to_numpy()
    codes = np.column_stack(
        [pd.factorize(table[a].mask(matches(table[a], TOTAL)))[0] for a in axes]
    )  # -1 is a total
    for number in np.unique(group[hidden]):
        place = np.flatnonzero(group == number)
        part = codes[place]
        labels = [np.unique(column[column >= 0]) for column in part.T]
        totals = {}
        for size in range(len(axes) + 1):
            for over in itertools.combinations(range(len(axes)), size):
                kept = [a for a in range(len(axes)) if a not in over]
                pick = ((part < 0) == np.isin(np.arange(len(axes)), over)).all(axis=1)
                found = np.full([len(labels[a]) for a in kept], -1)
                spots = tuple(np.searchsorted(labels[a], part[pick, a]) for a in kept)
                if pick.any():
                    found[spots] = place[pick] if kept else place[pick][0]
                totals[over] = found
        yield Block(totals.pop(()), totals)


def exact_cells(
    values: pd.Series, primary: pd.Series, table: pd.DataFrame, shape: ResultTable, rows: Row
) -> pd.Series:
    """Return `primary` and the secondary cells that exact totals make necessary.

    Raises `DisclosureError` where the totals of the contract are public and the audit does not
    leave each suppressed cell `threshold` values; hides the whole split where they are not.
    """
    hidden = primary.to_numpy().copy()
    passes = [list(shape.exact_totals)] if shape.exact_totals else _passes(table, shape)
    for block in itertools.chain.from_iterable(
        blocks(table, shape.keys, a, hidden) for a in passes
    ):
        at, there = block.cells, block.cells >= 0
        if shape.exact_totals:
            for totals in block.totals.values():  # public already
                hidden[totals[totals >= 0]] = False
        array = np.where(there, values.to_numpy()[at], 0.0)
        first = hidden[at] & there & (array > 0)
        if not first.any():
            continue
        threshold = int(rows.threshold.to_numpy()[at[there]].max())
        try:
            chosen = suppress_secondary(array, first, threshold=threshold)
            check_suppression(array, chosen, threshold=threshold)
            hidden[at[chosen]] = True
        except DisclosureError:
            if shape.exact_totals:
                raise
            hidden[at[there]] = True
    return pd.Series(hidden, index=primary.index)


def rounded_cells(
    values: pd.Series, primary: pd.Series, table: pd.DataFrame, shape: ResultTable, rows: Row,
    base: int,
) -> pd.Series:  # fmt: skip
    """Return `primary` and the cells to suppress so that rounded totals pin no small count down.

    Totals are those in the table; over areas and personal attributes a rounded total is assumed
    to be known even where the table has none.
    """
    passes, hidden = _passes(table, shape), primary.to_numpy().copy()
    near = round_counts(values, base=base, threshold=rows.threshold).to_numpy()
    for block in itertools.chain.from_iterable(
        blocks(table, shape.keys, a, hidden) for a in passes
    ):
        there = block.cells[block.cells >= 0]
        if len(there) and hidden[there].any() and rows.rounded.to_numpy()[there].all():
            _protect_block(block, values.to_numpy(), near, hidden, rows, base)
    return pd.Series(hidden, index=primary.index)


def _passes(table: pd.DataFrame, shape: ResultTable) -> list[list[str]]:
    """Return the keys whose categories sum to a total, one by one and then together."""
    axes = [
        key
        for key in shape.keys
        if len(table[key].unique()) > 1
        and (re.search(f"{PERSON}|{_AREA}", key) or matches(table[key], TOTAL).any())
        and not key.endswith("_scheme")
    ]
    return [[axis] for axis in axes] + ([axes] if len(axes) > 1 else [])


def _protect_block(
    block: Block, values: Numbers, near: Numbers, hidden: Mask, rows: Row, base: int
) -> None:
    """Hide more cells, then totals, until every small count keeps two values or all is hidden."""
    at, there = block.cells, block.cells >= 0
    threshold = int(rows.threshold.to_numpy()[at[there]].max())
    array = np.where(there, values[at], 0.0)
    small = there & hidden[at] & (array > 0) & (array < threshold)
    for _ in range(2 * at.size + 1):
        shown = np.where(there & hidden[at], np.nan, np.where(there, near[at], 0.0))
        low, high = known_of(shown, threshold, base)
        if hidden[at[there]].all():  # a zero would be hidden too
            low = np.zeros(at.shape)
        other = np.isnan(shown) & ~small  # secondary: nothing is known of it but its sign
        low = np.where(other, np.minimum(array, 1), low)
        high = np.where(other, 10 * array.sum() + 100, high)
        margins = {
            axes: _known_totals(array.sum(axis=axes), totals, hidden, threshold, base)
            for axes, totals in block.totals.items()
        }
        audit = audit_cells(low, high, margins=margins, cells=small)
        if audit.narrowest is None or audit.narrowest >= LEAST_WIDTH:
            return
        _hide_next(block, array, hidden, int(np.nanargmin(audit.width)))


def _known_totals(
    true: Numbers, totals: np.ndarray, hidden: Mask, threshold: int, base: int
) -> tuple[Numbers, Numbers]:
    """Return what is known of totals: shown, suppressed, or assumed to be known rounded."""
    limit = pd.Series(np.full(np.size(true), threshold))
    assumed = round_counts(pd.Series(np.ravel(true)), base=base, threshold=limit)
    assumed = assumed.mask((np.ravel(true) > 0) & (np.ravel(true) < threshold))
    low, high = known_of(assumed.to_numpy(), threshold, base)
    at = np.ravel(totals)
    gone = (at >= 0) & hidden[at] & ~np.isnan(assumed.to_numpy())
    low, high = np.where(gone, 0, low), np.where(gone, true.sum() * 10 + 100, high)
    return low.reshape(np.shape(true)), high.reshape(np.shape(true))


def _hide_next(block: Block, array: Numbers, hidden: Mask, cell: int) -> None:
    """Hide the cheapest cell in line with one that is known too closely, else its totals."""
    spot = np.unravel_index(cell, array.shape)
    line = sum(np.indices(array.shape)[a] != spot[a] for a in range(array.ndim)) == 1
    free = line & (block.cells >= 0) & ~hidden[block.cells]
    some = free & (array > 0)
    pick = some if some.any() else free
    if pick.any():
        cheapest = np.argmin(np.where(pick, array, np.inf))
        hidden[block.cells.ravel()[cheapest]] = True
        return
    for totals in block.totals.values():
        hidden[totals[totals >= 0]] = True
    hidden[block.cells[block.cells >= 0]] = True
