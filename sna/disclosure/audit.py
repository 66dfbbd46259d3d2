"""What an attacker can work out about suppressed cells, by linear programming; and the remedy.

The attacker knows every shown cell, every published total and the rules. For each suppressed cell
the smallest and the largest value that fit all of it are found; their distance is the protection.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import Bounds, LinearConstraint, linprog, milp
from scipy.sparse import block_diag, coo_array, csr_array

from sna.errors import DisclosureError

Numbers = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
Margins = Mapping[tuple[int, ...], tuple[Numbers, Numbers]]  # axes summed over -> least, most
_MOST_COLUMNS = 40_000  # columns of one linear programme; more are solved in turns


@dataclass(frozen=True)
class Audit:
    """Least and most value of each audited cell (NaN elsewhere) and the narrowest interval."""

    lower: Numbers
    upper: Numbers

    @property
    def width(self) -> Numbers:
        """Number of whole values that each audited cell may have."""
        return self.upper - self.lower + 1

    @property
    def narrowest(self) -> int | None:
        """Fewest values that any audited cell may have; None when nothing is suppressed."""
        widths = self.width[~np.isnan(self.width)]
        return int(widths.min()) if len(widths) else None


def audit_cells(lower: Numbers, upper: Numbers, *, margins: Margins, cells: Mask) -> Audit:
    """Find the feasible interval of each cell of an n-dimensional table.

    Parameters
    ----------
    lower, upper
        What is known of each cell by itself; equal where the cell is shown.
    margins
        Axes summed over -> least and most value of those totals; equal where shown exactly.
    cells
        Cells to audit.

    Returns
    -------
    Audit
        Whole numbers. In one- and two-way tables the linear programme is exact; beyond that a
        mixed-integer programme is solved.

    Notes
    -----
    All programmes are independent, so they are solved as blocks of one.
    """
    if lower.ndim == 1:
        return _audit_line(lower, upper, margins[(0,)], cells)
    matrix, least, most = _constraints(lower.shape, margins)
    free = np.flatnonzero((upper > lower).ravel())
    fixed = np.where(upper > lower, 0, lower).ravel()
    least, most = least - matrix @ fixed, most - matrix @ fixed
    part = csr_array(matrix[:, free])
    used = np.diff(part.indptr) > 0
    part, least, most = part[used], least[used], most[used]
    bounds = lower.ravel()[free], upper.ravel()[free]
    place = {cell: column for column, cell in enumerate(free)}
    targets = [cell for cell in np.flatnonzero(cells.ravel()) if cell in place]
    low, high = np.where(cells, lower, np.nan).ravel(), np.where(cells, upper, np.nan).ravel()
    step = max(1, _MOST_COLUMNS // max(1, 2 * len(free)))
    for first in range(0, len(targets), step):
        some = targets[first : first + step]
        columns = [place[cell] for cell in some]
        found = _solve(part, least, most, bounds, columns, whole=lower.ndim > 2)
        low[some], high[some] = found
    return Audit(low.reshape(lower.shape), high.reshape(lower.shape))


def _audit_line(
    lower: Numbers, upper: Numbers, total: tuple[Numbers, Numbers], cells: Mask
) -> Audit:
    """Audit cells that have one total: the rest at its most leaves the least, and vice versa."""
    least = np.maximum(lower, total[0] - (upper.sum() - upper))
    most = np.minimum(upper, total[1] - (lower.sum() - lower))
    return Audit(np.where(cells, least, np.nan), np.where(cells, most, np.nan))


def exact_margins(values: Numbers) -> dict[tuple[int, ...], tuple[Numbers, Numbers]]:
    """Return the totals along each axis, all of them public."""
    sums = {(axis,): values.sum(axis=axis) for axis in range(values.ndim)}
    return {axes: (total, total) for axes, total in sums.items()}


def audit_suppression(values: Numbers, suppressed: Mask) -> Audit:
    """Audit a table whose totals are public: a suppressed cell is known to be 1 or more."""
    upper = np.where(suppressed, values.sum(), values)
    lower = np.where(suppressed, np.minimum(1, values), values)
    return audit_cells(lower, upper, margins=exact_margins(values), cells=suppressed)


def known_of(shown: Numbers, threshold: int, base: int) -> tuple[Numbers, Numbers]:
    """Return the least and most true value behind rounded counts; NaN is a suppressed 1 to t - 1.

    Examples
    --------
    >>> known_of(np.array([0, 5, 10, np.nan]), 5, 5)
    (array([0., 5., 8., 1.]), array([ 0.,  7., 12.,  4.]))
    """
    low, high = np.ceil(shown - base / 2), np.ceil(shown + base / 2) - 1
    low, high = np.where(shown == 0, 0, np.maximum(low, threshold)), np.where(shown == 0, 0, high)
    gone = np.isnan(shown)
    return np.where(gone, 1, low), np.where(gone, threshold - 1, np.maximum(low, high))


def check_suppression(values: Numbers, suppressed: Mask, *, threshold: int) -> Audit:
    """Raise `DisclosureError` unless every suppressed cell may have `threshold` values or more."""
    audit = audit_suppression(values, suppressed)
    if audit.narrowest is not None and audit.narrowest < threshold:
        weak = int((audit.width < threshold).sum())
        raise DisclosureError(
            f"{weak} of {int(suppressed.sum())} suppressed cells can be worked out too closely.",
            where="disclosure audit",
            found=f"narrowest interval {audit.narrowest} values, needed {threshold}",
            do="Suppress more cells, merge categories, or publish rounded counts instead.",
        )
    return audit


def suppress_secondary(values: Numbers, primary: Mask, *, threshold: int) -> Mask:
    """Add cells to `primary` until every suppressed cell may have `threshold` values or more.

    Zeros stay shown. For each cell that is known too closely, the cheapest set of cells that lets
    it grow by ``threshold - 1`` is added (a linear programme; the cost of a cell is its count).

    Raises
    ------
    DisclosureError
        If no set of cells protects the table.
    """
    chosen = primary.copy()
    for _ in range(values.size + 1):
        audit = audit_suppression(values, chosen)
        if audit.narrowest is None or audit.narrowest >= threshold:
            return chosen
        chosen = chosen | _cover(values, chosen, int(np.nanargmin(audit.width)), threshold)
    raise DisclosureError("The audit does not settle.", where="disclosure audit",
                          do="Merge categories and run again.")  # fmt: skip


def _cover(values: Numbers, chosen: Mask, cell: int, threshold: int) -> Mask:
    """Return the cheapest cells to suppress so that one cell may have `threshold` values."""
    matrix, *_ = _constraints(values.shape, exact_margins(values))
    flat, size = values.ravel(), values.size
    cost = np.where(chosen.ravel(), 1e-6, flat + 1)
    shift = float(threshold - 1)
    up = np.where(flat > 0, shift, 0.0)
    down = np.where(flat > 0, np.minimum(flat - 1, shift), 0.0)
    up[cell], down[cell] = shift, 0
    least = np.zeros(2 * size)
    least[cell] = shift
    bounds = np.column_stack([least, np.concatenate([up, down])])
    both = csr_array(np.hstack([matrix.toarray(), -matrix.toarray()]))
    found = linprog(np.tile(cost, 2), A_eq=both, b_eq=np.zeros(both.shape[0]), bounds=bounds)
    if not found.success:
        raise DisclosureError(
            "No set of cells protects this table while its totals are public.",
            where="disclosure audit",
            do="Merge categories or areas, or leave the table out.",
        )
    moved = found.x[:size] + found.x[size:] > 1e-6
    return moved.reshape(values.shape)


def _constraints(shape: tuple[int, ...], margins: Margins) -> tuple[csr_array, Numbers, Numbers]:
    """Return the matrix that sums cells to totals, with the least and most of each total."""
    cells = np.indices(shape).reshape(len(shape), -1)
    rows, least, most, count = [], [], [], 0
    for axes, (low, high) in margins.items():
        kept = [axis for axis in range(len(shape)) if axis not in axes]
        sizes = [shape[axis] for axis in kept]
        line = np.ravel_multi_index(cells[kept], sizes) if kept else np.zeros(cells.shape[1], int)
        rows.append(line + count)
        count += int(np.prod(sizes))
        least.append(np.ravel(low))
        most.append(np.ravel(high))
    columns = np.tile(np.arange(cells.shape[1]), len(rows))
    ones = np.ones(len(columns))
    matrix = coo_array((ones, (np.concatenate(rows), columns)), shape=(count, cells.shape[1]))
    return csr_array(matrix), np.concatenate(least), np.concatenate(most)


def _solve(
    part: csr_array, least: Numbers, most: Numbers, bounds: tuple[Numbers, Numbers],
    columns: list[int], *, whole: bool,
) -> tuple[Numbers, Numbers]:  # fmt: skip
    """Minimise and maximise each of some columns, as independent blocks of one programme."""
    blocks, width = 2 * len(columns), part.shape[1]
    goal = np.zeros(blocks * width)
    spots = np.arange(blocks) * width + np.repeat(columns, 2)
    goal[spots] = np.tile([1.0, -1.0], len(columns))
    every = block_diag([part] * blocks, format="csr")
    answer = milp(
        goal,
        integrality=np.full(len(goal), int(whole)),
        bounds=Bounds(np.tile(bounds[0], blocks), np.tile(bounds[1], blocks)),
        constraints=LinearConstraint(every, np.tile(least, blocks), np.tile(most, blocks)),
    )
    if answer.x is None:
        raise DisclosureError(
            "The published totals contradict the shown cells.",
            where="disclosure audit",
            found=answer.message,
            do="Check that totals and cells count the same thing.",
        )
    values = answer.x[spots].reshape(-1, 2)
    return np.ceil(values[:, 0] - 1e-6), np.floor(values[:, 1] + 1e-6)
