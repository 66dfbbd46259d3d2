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
    ResultTable("t_exact", "ward and group", ("ward_code", "offence_group"), ("offences",),
                exact_totals=("ward_code", "offence_group")),
    ResultTable("t_rounded", "ward and group", ("ward_code", "ethnic_group"), ("offences",)),
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


def suppressed(values, threshold=5):
    """Return the cells that the package hides of a two-way table whose totals are public."""
    least = {5: "standard", 8: "health", 10: "sensitive"}[threshold]
    frame = crossed(values, "group", "offence_group").assign(sensitivity=least)
    done = sna.protect(frame, contract="t_exact", data=borough())
    return done.flags["offences"].eq("[c]").to_numpy().reshape(values.shape)


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
    chosen = suppressed(TRAP)
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
        suppressed(values)


def test_totals_that_contradict_the_cells_are_found():
    cells = np.array([[True, False]])
    known = np.array([[1.0, 8.0]]), np.array([[4.0, 8.0]])
    margins = {(1,): (np.array([30.0]), np.array([30.0]))}
    with pytest.raises(DisclosureError, match="contradict"):
        audit_cells(*known, margins=margins, cells=cells)


def secondary_over_many(number, seed):
    chance = np.random.default_rng(seed)
    narrowest, refused, audited = 10**6, 0, 0
    for _ in range(number):
        shape = tuple(chance.integers(3, 7, 2))
        values = chance.poisson(chance.choice([5, 10, 20]), shape).astype(float)
        threshold = int(chance.choice([5, 8, 10]))
        try:
            chosen = suppressed(values, threshold)
        except DisclosureError:
            refused += 1
            continue
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


def crossed(values, key, other):
    wards, groups = values.shape
    frame = pd.DataFrame([
        {"ward_code": f"E0500{i:04}", other: f"{key} {j}", "offences": values[i, j]}
        for i in range(wards) for j in range(groups)
    ])  # fmt: skip
    return frame.assign(release_class="restricted")


def with_totals(frame, other):
    wards = frame.groupby("ward_code", as_index=False)["offences"].sum().assign(**{other: "All"})
    groups = frame.groupby(other, as_index=False)["offences"].sum().assign(ward_code="All")
    every = pd.DataFrame([{"ward_code": "All", other: "All", "offences": frame["offences"].sum()}])
    return pd.concat([frame, wards, groups, every], ignore_index=True).assign(
        release_class="restricted"
    )


def test_exact_totals_switch_from_rounding_to_audited_suppression():
    frame = with_totals(crossed(TRAP, "group", "offence_group"), "offence_group")
    done = sna.protect(frame, contract="t_exact", data=borough())
    hidden = done.flags["offences"].eq("[c]")
    assert done.table["offences"][~hidden].tolist() == frame["offences"][~hidden].tolist()
    assert not hidden[frame["ward_code"].eq("All") | frame["offence_group"].eq("All")].any()
    gaps = hidden.to_numpy()[:16].reshape(4, 4)
    assert attack(TRAP, gaps).narrowest >= 5
    assert "secondary" in set(done.log["rule"])
    with pytest.raises(DisclosureError):
        lone = crossed(np.array([[1.0, 0], [0, 9]]), "group", "offence_group")
        sna.protect(lone, contract="t_exact", data=borough())


def attack_rounded(done, shape):
    """Audit a protected two-way table from the published numbers only."""
    long = done.table.assign(hidden=done.flags["offences"].eq("[c]"))
    shown = long.pivot_table(index="ward_code", columns="ethnic_group", values="offences",
                             dropna=False)  # fmt: skip
    hidden = long.pivot_table(index="ward_code", columns="ethnic_group", values="hidden").gt(0)
    wards = [name for name in shown.index if name != "All"]
    groups = [name for name in shown.columns if name != "All"]
    low, high = known_of(shown.to_numpy(float), 5, 5)
    known = {n: pd.DataFrame(a, shown.index, shown.columns)
             for n, a in (("low", low), ("high", high))}  # fmt: skip
    body = hidden.loc[wards, groups].to_numpy()
    if body.all():  # zeros are hidden too
        known["low"].loc[wards, groups] = 0
    margins = {
        (0,): tuple(known[n].loc["All", groups].to_numpy() for n in known),
        (1,): tuple(known[n].loc[wards, "All"].to_numpy() for n in known),
        (0, 1): tuple(np.array([known[n].loc["All", "All"]]) for n in known),
    }
    return known, body, margins, wards, groups


def rounded_over_many(number, seed):
    chance = np.random.default_rng(seed)
    narrowest, cells = 99, 0
    for _ in range(number):
        shape = tuple(chance.integers(2, 6, 2))
        values = chance.poisson(chance.choice([1, 2, 6, 15]), shape).astype(float)
        frame = with_totals(crossed(values, "group", "ethnic_group"), "ethnic_group")
        done = sna.protect(frame, contract="t_rounded", data=borough())
        shown = done.table["offences"]
        assert (shown.dropna() % 5 == 0).all()
        assert not shown.between(1, 4).any()
        known, body, margins, wards, groups = attack_rounded(done, shape)
        small = body & (values > 0) & (values < 5)
        if not small.any():
            continue
        other = body & ~small  # secondary or group: the attacker knows no upper limit
        totals = done.flags["offences"].eq("[c]") & frame[["ward_code", "ethnic_group"]].eq(
            "All").any(axis=1) & ~frame["offences"].between(1, 4)  # fmt: skip
        if totals.any():
            margins = {axes: (np.zeros_like(low), np.full_like(high, 10**4))
                       for axes, (low, high) in margins.items()}  # fmt: skip
        low = np.where(other, np.minimum(values, 1), known["low"].loc[wards, groups])
        high = np.where(other, 10**4, known["high"].loc[wards, groups])
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
    frame = pd.DataFrame({"ward_code": [f"E0500{i:04}" for i in range(8)], "ethnic_group": "x",
                          "offences": [1] * 7 + [0], "release_class": "restricted"})  # fmt: skip
    done = sna.protect(frame, contract="t_rounded", data=borough())
    assert done.flags["offences"].eq("[c]").all()  # the zero is hidden too


def test_two_thresholds_in_one_split_are_each_known_to_the_attacker():
    frame = pd.DataFrame({"ward_code": "E05000001", "ethnic_group": ["a", "b", "c"],
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
