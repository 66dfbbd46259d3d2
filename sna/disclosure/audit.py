"""What an attacker can work out about suppressed cells, by linear programming; and the remedy.

The attacker knows every shown cell, every published total and the rules. For each suppressed cell
the smallest and the largest value that fit all of it are found; their distance is the protection.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import coo_array, csr_array, eye_array, kron

from sna.errors import DisclosureError

Numbers = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
Margins = Mapping[tuple[int, ...], tuple[Numbers, Numbers]]  # axes summed over -> least, most
_MOST_COLUMNS = 40_000  # columns of one linear programme; more are solved in turns


class Audit(NamedTuple):
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
        least, most = margins[(0,)]
        low = np.maximum(lower, least - (upper.sum() - upper))
        high = np.minimum(upper, most - (lower.sum() - lower))
        return Audit(np.where(cells, low, np.nan), np.where(cells, high, np.nan))
    matrix, least, most = _constraints(lower.shape, margins)
    unknown = (upper > lower).ravel()
    shown = matrix @ np.where(unknown, 0, lower.ravel())
    part = csr_array(matrix[:, np.flatnonzero(unknown)])
    used = np.diff(part.indptr) > 0
    sums = part[used], (least - shown)[used], (most - shown)[used]
    bounds = lower.ravel()[unknown], upper.ravel()[unknown]
    place, targets = np.cumsum(unknown) - 1, np.flatnonzero(cells.ravel() & unknown)
    low, high = (np.where(cells, known, np.nan).ravel() for known in (lower, upper))
    step = max(1, _MOST_COLUMNS // max(1, 2 * int(unknown.sum())))
    for first in range(0, len(targets), step):
        some = targets[first : first + step]
        low[some], high[some] = _solve(sums, bounds, place[some], whole=lower.ndim > 2)
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
    sums: tuple[csr_array, Numbers, Numbers],
    bounds: tuple[Numbers, Numbers],
    columns: Any,
    *,
    whole: bool,
) -> tuple[Numbers, Numbers]:
    """Minimise and maximise each of some columns, as independent blocks of one programme."""
    (part, least, most), blocks = sums, 2 * len(columns)
    spots = np.arange(blocks) * part.shape[1] + np.repeat(columns, 2)
    goal = np.zeros(blocks * part.shape[1])
    goal[spots] = np.tile([1.0, -1.0], len(columns))
    every = kron(eye_array(blocks), part, format="csr")
    held = LinearConstraint(every, np.tile(least, blocks), np.tile(most, blocks))
    within = Bounds(np.tile(bounds[0], blocks), np.tile(bounds[1], blocks))
    answer = milp(goal, integrality=np.full(len(goal), int(whole)), bounds=within, constraints=held)
    if answer.x is None:
        do = "Check that totals and cells count the same."
        what = "Published totals contradict the shown cells."
        raise DisclosureError(what, found=answer.message, do=do)
    values = answer.x[spots].reshape(-1, 2)
    return np.ceil(values[:, 0] - 1e-6), np.floor(values[:, 1] + 1e-6)


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


def known_beside(shown: Numbers, small: Mask, threshold: Any, base: int) -> tuple[Numbers, Numbers]:
    """Return `known_of`, but nothing of a cell that is hidden for the sake of a small one."""
    low, high = known_of(shown, threshold, base)
    other = np.isnan(shown) & ~small
    return np.where(other, 0, low), np.where(other, np.inf, high)
