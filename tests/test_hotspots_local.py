import itertools
import json
from pathlib import Path

import esda
import numpy as np
import pandas as pd
import pytest
from libpysal.weights import W
from scipy.sparse import csr_array

from sna.errors import TableError, UsageError
from sna.geography import Neighbours
from sna.hotspots import local

CASES = {
    case["case"]: case
    for case in json.loads(
        (Path(__file__).parent / "data" / "spatial_cases.json").read_text(encoding="utf-8")
    )
}


def matrix_of(neighbours):
    rows = [i for i, near in enumerate(neighbours) for _ in near]
    columns = [j for near in neighbours for j in near]
    return csr_array((np.ones(len(rows)), (rows, columns)), shape=(len(neighbours),) * 2)


def lattice(side):
    """Queen neighbours of a square lattice."""
    cells = list(itertools.product(range(side), range(side)))
    return [
        [j for j, (r, c) in enumerate(cells) if j != i and abs(r - a) <= 1 and abs(c - b) <= 1]
        for i, (a, b) in enumerate(cells)
    ]


def areas(values, neighbours, **more):
    codes = [f"A{i:03d}" for i in range(len(values))]
    counts = pd.DataFrame({"area_code": codes, "offences": values, **more})
    return counts, Neighbours(pd.Index(codes), matrix_of(neighbours))


@pytest.mark.parametrize(
    ("case", "star"), [("g_local_binary", False), ("g_local_star_binary", True)]
)
def test_getis_ord_reference_vectors(case, star):
    given = CASES[case]["inputs"]
    z = local.getis_ord_z(given["values"], matrix_of(given["neighbours"]), star=star)
    assert z == pytest.approx(CASES[case]["expected"]["z"], abs=1e-6)


def test_gi_does_not_change_when_a_row_of_weights_is_scaled():
    # The reference vector for row-standardised weights (esda) takes the sum of weights for the sum
    # of squared weights in the variance; undoing that gives the binary z, as the formula does.
    given = CASES["g_local_rowstd"]
    matrix = matrix_of(given["inputs"]["neighbours"]).astype(float)
    degree = np.diff(matrix.indptr)
    matrix.data /= np.repeat(degree, degree)
    z = local.getis_ord_z(given["inputs"]["values"], matrix, star=False)
    assert z == pytest.approx(CASES["g_local_binary"]["expected"]["z"], abs=1e-6)
    n = len(degree) - 1
    assert z * np.sqrt((n / degree - 1) / (n - 1)) == pytest.approx(given["expected"]["z"])


def test_gi_star_and_local_moran_agree_with_esda():
    rng = np.random.default_rng(3)
    near = lattice(15)
    values = rng.poisson(6, len(near)).astype(float)
    weights = W(dict(enumerate(near)), silence_warnings=True)
    oracle = esda.G_Local(values, weights, star=True, transform="B", permutations=0)
    assert np.abs(oracle.Zs - local.getis_ord_z(values, matrix_of(near))).max() < 1e-10
    moran = esda.Moran_Local(values, weights, permutations=0)
    found = local.find_hotspots(*areas(values, near))
    assert found["local_moran"].to_numpy() == pytest.approx(moran.Is)
    assert found["gi_star_z"].to_numpy() == pytest.approx(oracle.Zs)


def test_local_moran_adds_up_to_the_reference_of_morans_i():
    case = CASES["moran_lattice_variance"]
    counts, near = areas(case["inputs"]["values"], case["inputs"]["neighbours"])
    links, n = np.diff(near.matrix.indptr), len(counts)
    parts = links * local.find_hotspots(counts, near)["local_moran"]
    assert parts.sum() / links.sum() * n / (n - 1) == pytest.approx(case["expected"]["I"])


@pytest.mark.parametrize("star", [True, False])
def test_the_exact_p_counts_all_arrangements(star):
    values, near = np.array([0, 1, 2, 3, 7, 9]), [[4, 5], [2], [1], [], [0, 5], [0, 4]]
    p = local.randomisation_p(values, matrix_of(near), star=star)
    for area, mates in enumerate(near):
        pool = values if star else np.delete(values, area)
        picks = itertools.combinations(pool, len(mates) + star)
        sums, observed = np.array([sum(pick) for pick in picks]), values[mates].sum()
        observed = observed + star * values[area]
        tails = (sums >= observed).mean(), (sums <= observed).mean()
        exact = min(1, 2 * min(tails)) if star or mates else np.nan
        assert p[area] == pytest.approx(exact, nan_ok=True)


def test_the_exact_p_of_some_dealt_out_counts_their_arrangements():
    values, near = np.array([0, 1, 2, 3, 7, 9]), [[4, 5], [2], [1], [], [0, 5], [0, 4]]
    kept = np.array([True, True, True, True, True, False])
    p = local.randomisation_p(values, matrix_of(near), dealt=kept)
    for area, mates in enumerate(near):
        sums = np.array(
            [sum(pick) for pick in itertools.combinations(values[kept], len(mates) + 1)]
        )
        observed = values[[area, *mates]].sum()
        tails = (sums >= observed).mean(), (sums <= observed).mean()
        assert p[area] == pytest.approx(max(min(1, 2 * min(tails)), 1e-12))


def test_what_a_first_hotspot_hides_is_found_without_it():
    values = np.tile([4, 5, 6], 67)[:196]
    first = [r * 14 + c for r in (2, 3, 4) for c in (2, 3, 4)]
    second = [r * 14 + c for r in (10, 11) for c in (10, 11)]
    values[first], values[second] = 60, 12
    counts, near = areas(values, lattice(14))
    found = local.find_hotspots(counts, near)
    assert found.loc[first, "is_hotspot"].all()
    assert found.loc[second, "is_hotspot"].all()
    once = local.randomisation_p(local.symmetric_scores(values), near.matrix)
    assert (local.adjust_p(once)[second] > 0.05).any()


def test_a_quiet_area_among_hot_ones_is_no_hotspot():
    values = np.full(144, 4)
    values[[0, 1, 2, 12, 14, 24, 25, 26]] = 60
    values[13] = 0
    found = local.find_hotspots(*areas(values, lattice(12)))
    assert found.loc[[0, 1, 12], "is_hotspot"].all()
    assert found.loc[13, "p_adjusted"] <= 0.05
    assert found.loc[13, "hotspot_class"] == "not distinct"


def test_the_exact_p_stays_exact_for_large_and_uneven_counts():
    from scipy.stats import hypergeom

    near = lattice(15)
    values = np.zeros(225, dtype=int)
    values[:40] = 5000  # the sum over an area and its neighbours is a hypergeometric count
    p = local.randomisation_p(values, matrix_of(near))
    size = np.array([len(mates) + 1 for mates in near])
    hot = np.array([(values[[i, *mates]] > 0).sum() for i, mates in enumerate(near)])
    tails = hypergeom.cdf(hot, 225, 40, size), hypergeom.sf(hot - 1, 225, 40, size)
    assert p == pytest.approx(np.minimum(1, 2 * np.minimum(*tails)), abs=1e-9)


def test_areas_among_their_likes_and_outliers_are_told_apart():
    values = np.full(144, 4)
    values[[0, 1, 2, 12, 13, 14, 24, 25, 26]] = 60
    found = local.find_hotspots(*areas(values, lattice(12)))
    assert set(found.loc[[0, 1, 12, 13], "moran_class"]) == {"high among high"}
    values[13] = 0
    found = local.find_hotspots(*areas(values, lattice(12)))
    assert found.loc[13, "moran_class"] == "low among high"
    assert found.loc[143, "moran_class"] == "not distinct"
    assert found["moran_p_adjusted"].notna().all()


def test_adjusted_p_and_missing_p():
    case = CASES["fdr_bh"]
    assert local.adjust_p(case["inputs"]["p"]) == pytest.approx(case["expected"]["bh"])
    with_gap = local.adjust_p([np.nan, *case["inputs"]["p"]])
    assert np.isnan(with_gap[0])
    assert with_gap[1:] == pytest.approx(case["expected"]["bh"])


def test_permutation_p_is_the_share_of_all_arrangements():
    values, near = np.array([0.0, 1, 2, 3, 7, 9]), [[4, 5], [2], [1], [], [0, 5], [0, 4]]
    many = 40_000
    p = local.permutation_p(values, matrix_of(near), permutations=many, seed=1)
    for area, mates in enumerate(near):
        sums = [sum(pick) for pick in itertools.combinations(values, len(mates) + 1)]
        observed = values[[area, *mates]].sum()
        tails = np.mean(np.array(sums) >= observed), np.mean(np.array(sums) <= observed)
        assert p[area] == pytest.approx(min(1, 2 * min(tails)), abs=0.015)


def test_permutation_p_is_repeatable_and_never_zero():
    near = lattice(6)
    values = np.arange(36.0)
    first = local.permutation_p(values, matrix_of(near), permutations=99, seed=7)
    again = local.permutation_p(values, matrix_of(near), permutations=99, seed=7)
    assert first.tolist() == again.tolist()
    assert first.min() >= 2 / 100


def test_a_planted_hotspot_is_flagged_and_the_table_is_kept():
    values = np.full(100, 5)
    values[[44, 45, 54, 55]] = 40
    values[::7] += 1
    counts, near = areas(values, lattice(10))
    found = local.find_hotspots(counts, near)
    assert found.loc[found["is_hotspot"], "area_code"].isin(
        [f"A{i:03d}" for r in range(3, 7) for i in range(r * 10 + 3, r * 10 + 7)]
    ).all()  # fmt: skip
    assert found.loc[[44, 45, 54, 55], "is_hotspot"].all()
    assert found["offences"].sum() == values.sum()
    assert list(counts) == ["area_code", "offences"]


def test_constant_fields_zeros_few_areas_and_few_offences_are_too_little_data():
    for values in ([3] * 36, [0] * 36, [1] * 9 + [0] * 27):
        counts, near = areas(values, lattice(6))
        assert set(local.find_hotspots(counts, near)["hotspot_class"]) == {"too little data"}
    counts, near = areas([100], [[]])
    assert local.find_hotspots(counts, near)["hotspot_class"].tolist() == ["too little data"]


def test_islands_are_named_and_areas_beyond_the_border_are_not_tested():
    values = np.random.default_rng(0).poisson(9, 17)
    near = [*lattice(4), []]
    counts, links = areas(values, near, is_tested=[False] * 4 + [True] * 13)
    found = local.find_hotspots(counts, links)
    assert found["hotspot_class"].iloc[16] == "no neighbours"
    assert set(found["hotspot_class"].iloc[:4]) == {"beyond the border"}
    assert found["p_value"].notna().sum() == 12


def test_too_few_permutations_are_refused():
    counts, near = areas(range(36), lattice(6))
    with pytest.raises(UsageError, match="1,440"):
        local.find_hotspots(counts, near, permutations=999)
    assert local.find_hotspots(counts, near, permutations=1440)["p_value"].notna().all()
    with pytest.raises(UsageError, match="too few"):
        local.find_hotspots(counts, near, permutations=-5)


def test_missing_negative_and_repeated_counts_are_refused():
    counts, near = areas([1.0, np.nan, 3], [[1], [0], []])
    with pytest.raises(TableError, match="1 of 3 areas"):
        local.find_hotspots(counts, near)
    twice = pd.DataFrame({"area_code": ["A000", "A000"], "offences": [1, 2]})
    with pytest.raises(TableError, match="1 of 2 areas stand twice"):
        local.find_hotspots(twice, near)
    for values, words in (([1.0, np.inf, 3], "infinite"), ([1.0, 2.5, 3], "not whole")):
        with pytest.raises(TableError, match=words):
            local.find_hotspots(areas(values, [[1], [0], []])[0], near)
    with pytest.raises(TableError, match="lacks 1 of 2 columns"):
        local.find_hotspots(counts.drop(columns="offences"), near)


def test_smoothed_rates_agree_with_marshall_and_lean_to_the_mean():
    from esda.smoothing import Empirical_Bayes

    rng = np.random.default_rng(2)
    counts = pd.DataFrame(
        {"offences": rng.poisson(rng.gamma(2, 4, 60)), "population": rng.integers(900, 3000, 60)}
    )
    mine = local.add_smoothed_rate(counts)
    oracle = Empirical_Bayes(counts["offences"].to_numpy(), counts["population"].to_numpy())
    assert mine["smoothed_rate"].to_numpy() == pytest.approx(oracle.r.ravel() * 1000)
    assert (mine["smoothed_lower_ci"] < mine["smoothed_rate"]).all()
    assert (mine["smoothed_upper_ci"] > mine["smoothed_rate"]).all()


def test_areas_without_residents_get_no_smoothed_rate_and_equal_areas_get_the_mean():
    counts = pd.DataFrame({"offences": [4, 4, 7], "population": [1000.0, 1000.0, 0.0]})
    rates = local.add_smoothed_rate(counts)["smoothed_rate"]
    assert rates.tolist()[:2] == [4.0, 4.0]
    assert np.isnan(rates.iloc[2])
