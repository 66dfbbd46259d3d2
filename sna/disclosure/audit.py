"""What an attacker can work out about suppressed cells, by linear programming; and the remedy.

The attacker knows every shown cell, every published total and the rules. For each suppressed cell
the smallest and the largest value that fit all of it are found; their distance is the protection.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.optimize import Bounds, LinearConstraint, linprog, milp
from scipy.sparse import block_diag, coo_array, csr_array, hstack

from sna.errors import DisclosureError

Numbers = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
Margins = Mapping[tuple[int, ...], tuple[Numbers, Numbers]]  # axes summed over -> least, most
_MOST_COLUMNS = 40_000  # columns of one linear programme; more are solved in turns


@dataclass(frozen=True)
class Audit:
    """Least and most value of each audited cell; NaN elsewhere."""

    lower: Numbers
    upper: Numbers

    @property
    def width(self) -> Numbers:
        """Number of whole values that each audited cell may have."""
        return self.upper - self.lower + 1

    @property
    def narrowest(self) -> int | None:
        """Fewest values that any audited cell may have; None when nothing is suppressed."""
        return None if np.isnan(self.width).all() else int(np.nanmin(self.width))


def audit_cells(lower: Numbers, upper: Numbers, *, margins: Margins, cells: Mask) -> Audit:
    """Find the feasible interval of some cells of an n-dimensional table, in whole numbers.

    `lower` and `upper` are what is known of each cell by itself (equal where it is shown), and
    `margins` what is known of totals. All programmes are independent, so they are solved as
    blocks of one; beyond two dimensions as mixed-integer programmes.
    """
    if lower.ndim == 1:  # the rest at its most leaves the least, and vice versa
        low, high = margins[(0,)]
        least = np.maximum(lower, low - (upper.sum() - upper))
        most = np.minimum(upper, high - (lower.sum() - lower))
        return Audit(np.where(cells, least, np.nan), np.where(cells, most, np.nan))
    matrix, least, most = _constraints(lower.shape, margins)
    unknown = (upper > lower).ravel()
    shown = matrix @ np.where(unknown, 0, lower.ravel())
    part = csr_array(matrix[:, np.flatnonzero(unknown)])
    used = np.diff(part.indptr) > 0
    bounds = lower.ravel()[unknown], upper.ravel()[unknown]
    place = np.cumsum(unknown) - 1
    targets = np.flatnonzero(cells.ravel() & unknown)
    low, high = np.where(cells, lower, np.nan).ravel(), np.where(cells, upper, np.nan).ravel()
    step = max(1, _MOST_COLUMNS // max(1, 2 * int(unknown.sum())))
    for first in range(0, len(targets), step):
        some = targets[first : first + step]
        low[some], high[some] = _solve(part[used], (least - shown)[used], (most - shown)[used],
                                       bounds, place[some], whole=lower.ndim > 2)  # fmt: skip
    return Audit(low.reshape(lower.shape), high.reshape(lower.shape))


def _constraints(shape: tuple[int, ...], margins: Margins) -> tuple[csr_array, Numbers, Numbers]:
    """Return the matrix that sums cells to totals, with the least and most of each total."""
    cells = np.indices(shape).reshape(len(shape), -1)
    rows, count = [], 0
    for axes in margins:
        kept = [axis for axis in range(len(shape)) if axis not in axes]
        sizes = [shape[axis] for axis in kept]
        line = np.ravel_multi_index(tuple(cells[kept]), sizes) if kept else cells[0] * 0
        rows.append(line + count)
        count += int(np.prod(sizes))
    place = np.concatenate(rows), np.tile(np.arange(cells.shape[1]), len(rows))
    matrix = csr_array(coo_array((np.ones(len(place[0])), place), (count, cells.shape[1])))
    least, most = (np.concatenate([np.ravel(m[i]) for m in margins.values()]) for i in (0, 1))
    return matrix, least, most


def _solve(
    part: csr_array, least: Numbers, most: Numbers, bounds: tuple[Numbers, Numbers],
    columns: npt.NDArray[np.int64], *, whole: bool,
) -> tuple[Numbers, Numbers]:  # fmt: skip
    """Minimise and maximise each of some columns, as independent blocks of one programme."""
    blocks, width = 2 * len(columns), part.shape[1]
    spots = np.arange(blocks) * width + np.repeat(columns, 2)
    goal = np.zeros(blocks * width)
    goal[spots] = np.tile([1.0, -1.0], len(columns))
    every = block_diag([part] * blocks, format="csr")
    answer = milp(
        goal, integrality=np.full(len(goal), int(whole)),
        bounds=Bounds(np.tile(bounds[0], blocks), np.tile(bounds[1], blocks)),
        constraints=LinearConstraint(every, np.tile(least, blocks), np.tile(most, blocks)),
    )  # fmt: skip
    if answer.x is None:
        raise DisclosureError("Published totals contradict the shown cells.", found=answer.message,
                              do="Check that totals and cells count the same.")  # fmt: skip
    values = answer.x[spots].reshape(-1, 2)
    return np.ceil(values[:, 0] - 1e-6), np.floor(values[:, 1] + 1e-6)


def exact_margins(values: Numbers) -> dict[tuple[int, ...], tuple[Numbers, Numbers]]:
    """Return the totals along each axis, all of them public."""
    return {(axis,): (values.sum(axis=axis),) * 2 for axis in range(values.ndim)}


def audit_suppression(values: Numbers, suppressed: Mask) -> Audit:
    """Audit a table whose totals are public: a suppressed cell is known to be 1 or more."""
    upper = np.where(suppressed, values.sum(), values)
    lower = np.where(suppressed, np.minimum(1, values), values)
    return audit_cells(lower, upper, margins=exact_margins(values), cells=suppressed)


def check_suppression(values: Numbers, suppressed: Mask, *, threshold: int) -> Audit:
    """Raise `DisclosureError` unless every suppressed cell may have `threshold` values or more."""
    audit = audit_suppression(values, suppressed)
    if audit.narrowest is not None and audit.narrowest < threshold:
        raise DisclosureError(
            f"{int((audit.width < threshold).sum())} of {int(suppressed.sum())} suppressed cells "
            "can be worked out too closely.",
            found=f"narrowest interval {audit.narrowest} values, needed {threshold}",
            do="Suppress more cells, merge categories, or publish rounded counts instead.",
        )
    return audit


def suppress_secondary(values: Numbers, primary: Mask, *, threshold: int) -> Mask:
    """Add cells to `primary` until every suppressed cell may have `threshold` values or more.

    Zeros stay shown. For each cell that is known too closely, the cheapest set of cells that lets
    it grow by ``threshold - 1`` is added (a linear programme; the cost of a cell is its count).
    Raises `DisclosureError` if no set of cells protects the table.
    """
    chosen, shift = primary.copy(), threshold - 1.0
    matrix, *_ = _constraints(values.shape, exact_margins(values))
    flat = values.ravel()
    while True:
        audit = audit_suppression(values, chosen)
        if audit.narrowest is None or audit.narrowest >= threshold:
            return chosen
        cell = int(np.nanargmin(audit.width))
        most = np.concatenate([np.where(flat > 0, shift, 0), np.clip(flat - 1, 0, shift)])
        least = np.zeros(2 * len(flat))
        least[cell], most[len(flat) + cell] = shift, 0
        cost = np.tile(np.where(chosen.ravel(), 1e-6, flat + 1), 2)
        found = linprog(cost, A_eq=hstack([matrix, -matrix]), b_eq=np.zeros(matrix.shape[0]),
                        bounds=np.column_stack([least, most]))  # fmt: skip
        if not found.success:
            raise DisclosureError("No set of cells protects this table while totals are public.",
                                  do="Merge categories or areas, or leave it out.")  # fmt: skip
        chosen |= (found.x[: len(flat)] + found.x[len(flat) :] > 1e-6).reshape(values.shape)


def known_of(shown: Numbers, threshold: Any, base: int) -> tuple[Numbers, Numbers]:
    """Return the least and most true value behind rounded counts; NaN is a suppressed 1 to t - 1.

    Examples
    --------
    >>> known_of(np.array([0, 5, 10, np.nan]), 5, 5)
    (array([0., 5., 8., 1.]), array([ 0.,  7., 12.,  4.]))
    """
    low = np.maximum(np.ceil(shown - base / 2), threshold)
    high = np.maximum(np.ceil(shown + base / 2) - 1, low)
    cases = [np.isnan(shown), shown == 0]
    return np.select(cases, [1, 0], low), np.select(cases, [threshold - 1, 0], high)
