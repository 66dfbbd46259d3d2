"""Tests of the disclosure audit: what an attacker can find, secondary suppression, rounding."""

from itertools import product
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

import sna
from sna.disclosure.audit import audit_cells, known_of
from sna.errors import DisclosureError
from sna.schemas.results import ResultTable, register
from sna.settings import Settings

# A table whose totals are public; one gap in a row or column is closed with the next smallest cell.
TRAP = np.array([[1, 1, 20, 30], [20, 30, 40, 22], [25, 1, 1, 40], [33, 22, 15, 44]], float)

register(
    ResultTable("t_exact", "draw, ward and group", ("draw", "ward_code", "offence_group"),
                ("offences",), exact_totals=("ward_code", "offence_group")),
    ResultTable("t_rounded", "draw, ward and group", ("draw", "ward_code", "ethnic_group"),
                ("offences",)),
)  # fmt: skip


def borough(edition="public", **more):
    month = pd.Timestamp("2025-03-01")
    return SimpleNamespace(edition=edition, borough_name="Camden", simulated=True,
                           end_month=month, settings=Settings(), **more)  # fmt: skip


def exact_margins(values):
    return {(axis,): (values.sum(axis=axis),) * 2 for axis in range(values.ndim)}


def attack(values, gaps):
    """Audit a table whose totals are public: a suppressed cell is known to be 1 or more."""
    upper, lower = np.where(gaps, values.sum(), values), np.where(gaps, 1, values)
    return audit_cells(lower, upper, margins=exact_margins(values), cells=gaps)


def crossed(tables, other, *, totals=False):
    """Return a row a cell of two-way tables, one after the other; with their totals, if asked."""
    frames = []
    for draw, values in enumerate(tables):
        names = [[f"{word}{i}" for i in range(n)]
                 for word, n in zip(("E0500000", "group "), values.shape, strict=True)]  # fmt: skip
        if totals:
            values = np.vstack([values, values.sum(axis=0)])
            values = np.column_stack([values, values.sum(axis=1)])
            names = [[*some, "All"] for some in names]
        grid = pd.MultiIndex.from_product([[draw], *names], names=["draw", "ward_code", other])
        frames.append(pd.DataFrame({"offences": values.ravel()}, grid).reset_index())
    return pd.concat(frames, ignore_index=True).assign(release_class="restricted")


def cut(column, tables, more=0):
    """Return the part of a column that belongs to each table, in its shape."""
    shapes = [tuple(np.add(values.shape, more)) for values in tables]
    parts = np.split(np.asarray(column), np.cumsum([np.prod(shape) for shape in shapes])[:-1])
    return [part.reshape(shape) for part, shape in zip(parts, shapes, strict=True)]


def suppressed(tables, thresholds=(5,)):
    """Return the cells that the package hides of two-way tables whose totals are public."""
    least = {5: "standard", 8: "health", 10: "sensitive"}
    kinds = np.repeat([least[threshold] for threshold in thresholds], [t.size for t in tables])
    frame = crossed(tables, "offence_group").assign(sensitivity=kinds)
    return cut(sna.protect(frame, contract="t_exact", data=borough()).flags["offences"].eq("[c]"),
               tables)  # fmt: skip


def close_single_gaps(values, threshold):
    """Suppress small cells, then the next smallest wherever a line has only one gap."""
    gaps = (values > 0) & (values < threshold)
    changed = True
    while changed:
        changed = False
        for line in [*((i, slice(None)) for i in range(len(values))),
                     *((slice(None), j) for j in range(values.shape[1]))]:  # fmt: skip
            if gaps[line].sum() == 1:
                gap = gaps[line].copy()
                gap[np.argmin(np.where(gap, np.inf, values[line]))] = True
                gaps[line] = gap
                changed = True
    return gaps


def by_hand(values, gaps, most):
    """Try every filling of the gaps; return the least and most value of each."""
    spots = np.argwhere(gaps)
    fits = []
    for filling in product(range(1, most + 1), repeat=len(spots)):
        trial = values.copy()
        trial[gaps] = filling
        if (trial.sum(0) == values.sum(0)).all() and (trial.sum(1) == values.sum(1)).all():
            fits.append(filling)
    return np.min(fits, axis=0), np.max(fits, axis=0)


def test_the_audit_refuses_the_table_that_two_gaps_a_line_do_not_protect():
    gaps = close_single_gaps(TRAP, 5)
    assert min(*gaps.sum(0)[gaps.sum(0) > 0], *gaps.sum(1)[gaps.sum(1) > 0]) >= 2
    assert attack(TRAP, gaps).narrowest < 5
    # even an attacker who does not know that zeros are shown finds the 1 in row 1, column 2
    weak = audit_cells(np.where(gaps, 0, TRAP), np.where(gaps, TRAP.sum(), TRAP),
                       margins=exact_margins(TRAP), cells=gaps)  # fmt: skip
    assert (weak.lower[0, 1], weak.upper[0, 1]) == (1, 1)


def test_secondary_suppression_protects_that_table():
    (chosen,) = suppressed([TRAP])
    assert (chosen >= ((TRAP > 0) & (TRAP < 5))).all()
    assert attack(TRAP, chosen).narrowest >= 5


def test_intervals_equal_those_found_by_trying_every_filling():
    chance = np.random.default_rng(3)
    for _ in range(8):
        values = chance.integers(1, 4, (3, 3)).astype(float)
        gaps = chance.random((3, 3)) < 0.6
        if not 1 <= gaps.sum() <= 5:
            continue
        audit = attack(values, gaps)
        low, high = by_hand(values, gaps, 6)
        assert audit.lower[gaps].tolist() == low.tolist()
        assert audit.upper[gaps].tolist() == high.tolist()


def test_a_table_that_nothing_protects_is_refused():
    values = np.array([[1.0, 0, 0], [0, 9, 9], [0, 9, 9]])
    with pytest.raises(DisclosureError, match="No set of cells"):
        suppressed([values])


def test_totals_that_contradict_the_cells_are_found():
    cells = np.array([[True, False]])
    known = np.array([[1.0, 8.0]]), np.array([[4.0, 8.0]])
    margins = {(1,): (np.array([30.0]), np.array([30.0]))}
    with pytest.raises(DisclosureError, match="contradict"):
        audit_cells(*known, margins=margins, cells=cells)


def drawn(chance, sizes, means):
    """Draw a two-way table of some size and mean."""
    shape = tuple(chance.integers(*sizes, 2))
    return chance.poisson(chance.choice(means), shape).astype(float)


def secondary_over_many(number, seed):
    chance = np.random.default_rng(seed)
    narrowest, refused, audited = 10**6, 0, 0
    draws = [(drawn(chance, (3, 7), [5, 10, 20]), int(chance.choice([5, 8, 10])))
             for _ in range(number)]  # fmt: skip
    small = [((values > 0) & (values < threshold)).any() for values, threshold in draws]
    plain = [draw for draw, some in zip(draws, small, strict=True) if not some]
    for some in (plain, *([draw] for draw, little in zip(draws, small, strict=True) if little)):
        try:
            found = suppressed(*zip(*some, strict=True))
        except DisclosureError:
            assert len(some) == 1  # of those without a small count none is refused
            refused += 1
            continue
        for (values, threshold), chosen in zip(some, found, strict=True):
            assert (chosen >= ((values > 0) & (values < threshold))).all()
            width = attack(values, chosen).narrowest
            if width is not None:
                audited += 1
                narrowest = min(narrowest, width - threshold)
    return narrowest, refused, audited


def test_every_suppressed_cell_keeps_threshold_values_over_random_tables():
    narrowest, _, audited = secondary_over_many(60, seed=1)
    assert audited > 40
    assert narrowest >= 0


@pytest.mark.simulation
def test_every_suppressed_cell_keeps_threshold_values_over_a_thousand_tables():
    narrowest, refused, audited = secondary_over_many(1000, seed=2)
    print(f"{audited} tables audited, {refused} refused, narrowest {narrowest} above threshold")
    assert narrowest >= 0


def test_exact_totals_switch_from_rounding_to_audited_suppression():
    frame = crossed([TRAP], "offence_group", totals=True)
    done = sna.protect(frame, contract="t_exact", data=borough())
    hidden = done.flags["offences"].eq("[c]")
    assert done.table["offences"][~hidden].tolist() == frame["offences"][~hidden].tolist()
    assert not hidden[frame["ward_code"].eq("All") | frame["offence_group"].eq("All")].any()
    gaps = cut(hidden, [TRAP], 1)[0][:-1, :-1]
    assert attack(TRAP, gaps).narrowest >= 5
    assert "secondary" in set(done.log["rule"])
    with pytest.raises(DisclosureError):
        lone = crossed([np.array([[1.0, 0], [0, 9]])], "offence_group")
        sna.protect(lone, contract="t_exact", data=borough())


def known_rounded(shown, hidden):
    """Return what the published numbers of a two-way table say of its cells and of its totals."""
    known = known_of(shown, 5, 5)
    body = hidden[:-1, :-1]
    margins = {(0,): tuple(k[-1, :-1] for k in known), (1,): tuple(k[:-1, -1] for k in known),
               (0, 1): tuple(k[-1:, -1] for k in known)}  # fmt: skip
    low, high = (k[:-1, :-1] for k in known)
    return low * (not body.all()), high, margins  # where all are hidden, zeros are too


def rounded_over_many(number, seed):
    chance = np.random.default_rng(seed)
    narrowest, cells = 99, 0
    tables = [drawn(chance, (2, 6), [1, 2, 6, 15]) for _ in range(number)]
    frame = crossed(tables, "ethnic_group", totals=True)
    done = sna.protect(frame, contract="t_rounded", data=borough())
    shown = done.table["offences"]
    assert (shown.dropna() % 5 == 0).all()
    assert not shown.between(1, 4).any()
    hidden, little = done.flags["offences"].eq("[c]"), frame["offences"].between(1, 4)
    every = (cut(column, tables, 1) for column in (shown, hidden, hidden & ~little))
    for values, printed, gone, beyond in zip(tables, *every, strict=True):
        low, high, margins = known_rounded(printed, gone)
        body = gone[:-1, :-1]
        small = body & (values > 0) & (values < 5)
        if not small.any():
            continue
        other = body & ~small  # secondary or group: the attacker knows no upper limit
        if beyond[-1].any() or beyond[:, -1].any():  # nor of any total
            margins = {axes: (np.zeros_like(least), np.full_like(most, 10**4))
                       for axes, (least, most) in margins.items()}  # fmt: skip
        low, high = np.where(other, np.minimum(values, 1), low), np.where(other, 10**4, high)
        narrowest = min(narrowest, audit_cells(low, high, margins=margins, cells=small).narrowest)
        cells += int(small.sum())
    return narrowest, cells


def test_rounding_leaves_every_small_count_two_values_or_more():
    narrowest, cells = rounded_over_many(15, seed=5)
    assert cells > 20
    assert narrowest >= 2


@pytest.mark.simulation
def test_rounding_leaves_every_small_count_two_values_over_many_tables():
    narrowest, cells = rounded_over_many(600, seed=6)
    print(f"{cells} suppressed cells, narrowest interval {narrowest} values")
    assert narrowest >= 2


def test_seven_wards_of_one_each_are_not_given_away_by_a_total_of_five():
    frame = pd.DataFrame({"draw": 0, "ward_code": [f"E0500{i:04}" for i in range(8)],
                          "ethnic_group": "x",
                          "offences": [1] * 7 + [0], "release_class": "restricted"})  # fmt: skip
    done = sna.protect(frame, contract="t_rounded", data=borough())
    assert done.flags["offences"].eq("[c]").all()  # the zero is hidden too


def test_two_thresholds_in_one_split_are_each_known_to_the_attacker():
    frame = pd.DataFrame({"draw": 0, "ward_code": "E05000001", "ethnic_group": ["a", "b", "c"],
                          "offences": [4, 6, 30], "release_class": "restricted",
                          "sensitivity": ["standard", "sensitive", "standard"]})  # fmt: skip
    done = sna.protect(frame, contract="t_rounded", data=borough())
    assert done.flags["offences"].tolist() == ["[c]", "[c]", ""]
    assert done.table["offences"].tolist()[2] == 30


def test_a_count_that_nobody_knows_hides_no_other_group():
    given = {"name": ["homicide", "attempts", "robbery", "bodily harm"], "core": [2, 7, 400, None]}
    counts = pd.DataFrame(given).assign(offences=[3, 12, 800, None], release_class="restricted")
    shape = sna.schemas.results.result_table("definition_families")
    plain = dict.fromkeys(shape.plain, "x") | dict.fromkeys(["period_start", "period_end"], pd.NaT)
    counts = counts.assign(core_possible=counts["core"], **plain)
    done = sna.protect(counts, contract="definition_families", data=borough())
    assert done.flags["core"].tolist() == ["[c]", "", "", "[x]"]
