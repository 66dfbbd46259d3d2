"""Rates, standardised rates, comparisons, funnels and inequality against published numbers."""

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal
from tables import table

from sna import rates
from sna.errors import TableError, UsageError

# source: PHEindicatormethods 2.1.0 test data, phe_rate: numerator, denominator, limits per 100
RATES = [
    (1, 100, 0.025317807984289897, 5.571643390938898, 0.0010005003335835344, 9.233413476451585),
    (5, 100, 1.62348639011842, 11.668332079322669, 0.739371731917839, 16.454745203680105),
    (20, 100, 12.211428834875937, 30.889880369197066, 8.922802365144193, 38.08503562504191),
    (65, 100, 50.163187710459454, 82.84913854593984, 42.8802614714802, 94.00029084431802),
    (9856, 12345, 78.26949058976757, 81.4300165427214, 77.37590543271052, 82.3544727709543),
    (
        7776456,
        7564336677,
        0.10273196005302074,
        0.10287648334092832,
        0.102690317308454,
        0.10291817639509068,
    ),
]


@pytest.mark.parametrize(("count", "size", "low", "high", "low_998", "high_998"), RATES)
def test_rate_limits_are_the_published_ones(count, size, low, high, low_998, high_998):
    for confidence, expected in ((0.95, (low, high)), (0.998, (low_998, high_998))):
        got = [limit * 100 / size for limit in rates.rate_limits(count, confidence)]
        assert got == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(
    ("count", "confidence", "low", "high"),
    [  # source: PHEindicatormethods 2.1.0 testdata_Byars_Wilson.xlsx
        (1045, 0.95, 982.5932018073325, 1110.33121298565),
        (1, 0.95, 0.01307213290150435, 5.5637555824752605),
        (1045, 0.998, 947.9407035610374, 1148.806160988033),
        (10, 0.998, 2.916318374695686, 24.193724927880535),
    ],
)
def test_byar_limits_are_the_published_ones(count, confidence, low, high):
    assert rates.byar_limits(count, confidence) == pytest.approx((low, high), rel=1e-12)


def test_byar_has_no_lower_limit_where_its_cube_root_is_negative():
    low, high = rates.byar_limits(1, 0.998)
    assert np.isnan(low)
    assert high == pytest.approx(9.362180217908362)  # source: as above, case bw12


def test_byar_is_the_public_health_form_and_not_the_mid_point_form():
    # source: R DescTools byar gives 0.0219084 to 0.0602934 for 15 in 400; PHE 0.0209732, 0.0618541
    low, high = (limit / 400 for limit in rates.byar_limits(15))
    assert (low, high) == pytest.approx((0.020973160033035114, 0.061854078358098155), rel=1e-9)


def test_exact_limits_match_garwood():
    # source: R DescTools::PoissonCI (statsmodels test_rates_poisson.py)
    low, high = (limit / 400 for limit in rates.exact_limits(15))
    assert (low, high) == pytest.approx((0.0209884653319583, 0.0618505471787146), rel=1e-10)


@pytest.mark.parametrize(
    ("part", "whole", "confidence", "low", "high"),
    [  # source: PHEindicatormethods 2.1.0, phe_proportion and wilson test data
        (65, 100, 0.95, 0.5525444329688797, 0.7363575175690247),
        (1, 100, 0.95, 0.0017674320641406511, 0.054486196178705294),
        (0.445, 1, 0.95, 0.04381744772058822, 0.9334621276979156),
        (0.445, 1, 0.998, 0.019347006132900975, 0.9702259947019541),
        (7776456, 7564336677, 0.998, 0.0010269040118442213, 0.0010291812992698397),
        (0, 10, 0.95, 0, 0.27753),
        (10, 10, 0.95, 1 - 0.27753, 1),
    ],
)
def test_wilson_limits_are_the_published_ones(part, whole, confidence, low, high):
    got = rates.wilson_limits(part, whole, confidence)
    assert got == pytest.approx((low, high), rel=1e-9, abs=5e-6)


def test_limits_take_any_shape_and_leave_missing_missing():
    low, high = rates.rate_limits(np.array([[0, 5, np.nan], [10, 65, 1e12]]))
    assert low.shape == (2, 3)
    assert low[0].round(4).tolist()[:2] == [0.0, 1.6235]
    assert np.isnan(low[0, 2])
    assert np.isnan(high[0, 2])
    assert high[1, 2] == pytest.approx(1e12 + 1.96e6, rel=1e-9)
    part, whole = np.array([0, 0, 3]), np.array([0, np.nan, 4])
    assert np.isnan(rates.wilson_limits(part, whole)[0]).tolist() == [True, True, False]


@pytest.mark.parametrize("confidence", [0, 1, 95, -0.5])
def test_a_confidence_level_that_is_no_proportion_is_refused(confidence):
    with pytest.raises(UsageError, match="between 0 and 1"):
        rates.rate_limits(5, confidence)


@pytest.mark.parametrize("count", [-1, [3, np.inf], pd.Series([2, -0.5])])
def test_negative_and_infinite_counts_are_refused(count):
    with pytest.raises(TableError, match="negative or infinite"):
        rates.rate_limits(count)


def test_exact_limits_cover_at_least_what_they_say():
    for mean in (0.3, 2.0, 8.5):
        counts = np.arange(0, 60)
        low, high = rates.exact_limits(counts)
        chance = np.exp(-mean) * np.cumprod(np.r_[1, mean / counts[1:]])
        assert chance[(low <= mean) & (mean <= high)].sum() >= 0.95


# --- tables -----------------------------------------------------------------------------------


def test_add_rate_keeps_rows_and_order_and_the_caller_s_table():
    counts = table("area | offences | population\nb | 65 | 1000\na | 0 | 500").set_index("area")
    before = counts.copy()
    rated = rates.add_rate(counts)
    assert_frame_equal(counts, before)
    assert rated.index.tolist() == ["b", "a"]
    assert rated.loc["b", ["rate", "lower_ci", "upper_ci"]].round(3).tolist() == [
        65.0,
        50.163,
        82.849,
    ]
    assert rated.loc["a", ["rate", "lower_ci", "upper_ci"]].round(4).tolist() == [0, 0, 7.3778]
    assert rated["per"].tolist() == [1000, 1000]


def test_add_rate_of_an_empty_table_is_empty():
    rated = rates.add_rate(pd.DataFrame({"offences": [], "population": []}))
    assert rated.columns.tolist() == [
        "offences",
        "population",
        "rate",
        "lower_ci",
        "upper_ci",
        "per",
    ]


@pytest.mark.parametrize(
    ("offences", "population", "words"),
    [(3, 0, "zero or none"), (3, None, "zero or none"), (2.5, 10, "not whole"), (-1, 9, "neg")],
)
def test_add_rate_refuses_what_has_no_rate(offences, population, words):
    with pytest.raises(TableError, match=words):
        rates.add_rate(pd.DataFrame({"offences": [offences], "population": [population]}))


def test_add_rate_says_which_column_is_missing():
    with pytest.raises(TableError, match="population"):
        rates.add_rate(pd.DataFrame({"offences": [1]}))


def test_add_proportion_adds_a_share_with_wilson_limits():
    shares = rates.add_proportion(pd.DataFrame({"part": [5, 0], "whole": [50, 10]}))
    assert shares["share"].tolist() == [0.1, 0.0]
    assert shares["lower_ci"].round(5).tolist() == [0.04348, 0.0]  # source: Wilson 1927 by hand
    assert shares["upper_ci"].round(5).tolist() == [0.21360, 0.27753]
    with pytest.raises(TableError, match="larger than their whole"):
        rates.add_proportion(pd.DataFrame({"part": [3], "whole": [2]}))


# --- standardised rates -----------------------------------------------------------------------

# source: PHEindicatormethods 2.1.0 phe_dsr test data; European Standard Population 2013
POPULATION = [636, 558, 609, 543, 384, 594, 669, 843, 660, 576, 606, 522, 426, 273, 300, 288]
POPULATION += [153, 123, 207]
BIG = [127, 25, 18, 21, 12, 27, 48, 27, 29, 32, 32, 34, 45, 65, 38, 68, 74, 82, 91]
SMALL = [12, 4, 3, 2, 3, 4, 8, 2, 2, 3, 4, 5, 6, 8, 5, 6, 5, 5, 4]
TINY = [0, 0, np.nan, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1, 0, 0, 1, 1, 2, 3]
ESP = [5000, 5500, 5500, 5500, 6000, 6000, 6500, 7000, 7000, 7000, 7000, 6500, 6000, 5500]
ESP += [5000, 4000, 2500, 1500, 1000]


def _bands(offences, area="all"):
    return pd.DataFrame(
        {
            "area": area,
            "offences": offences,
            "population": POPULATION,
            "standard_population": ESP,
        }
    )


@pytest.mark.parametrize(
    ("offences", "confidence", "expected"),
    [
        (BIG, 0.95, (10430.247991469423, 9717.709067985681, 11178.94091547925)),
        (BIG, 0.998, (10430.247991469423, 9323.287880219904, 11620.595999522058)),
        (SMALL, 0.95, (1103.212025300104, 877.455767768709, 1367.0882227251795)),
        (SMALL, 0.998, (1103.212025300104, 763.6420356939879, 1530.0328948244762)),
    ],
)
def test_directly_standardised_rates_are_the_published_ones(offences, confidence, expected):
    row = rates.directly_standardised_rate(_bands(offences), confidence=confidence).iloc[0]
    assert row[["rate", "lower_ci", "upper_ci"]].tolist() == pytest.approx(expected, rel=1e-9)


def test_a_standardised_rate_under_ten_events_is_withheld_and_groups_keep_their_order():
    bands = pd.concat([_bands(TINY, "tiny"), _bands(SMALL, "small"), _bands([0] * 19, "none")])
    result = rates.directly_standardised_rate(bands, by=["area"], per=10_000)
    assert result["area"].tolist() == ["tiny", "small", "none"]
    assert result["rate"].isna().tolist() == [True, False, True]
    assert result["rate"].iloc[1] == pytest.approx(110.3212025300104)  # source: as above


def test_dobson_with_a_standard_of_its_own():
    counts = [0, 0, 2, 14, 20, 16, 11, 9, 6, 5, 4, 3, 2, 1, 1, 0, 0, 0, 0]
    population = [18000, 17000, 16500, 16000, 20000, 26000, 27000, 24000, 20000, 17000]
    population += [15000, 13000, 10500, 8500, 7000, 5000, 4000, 2500, 1500]
    bands = pd.DataFrame({"offences": counts, "population": population, "standard_population": ESP})
    row = rates.directly_standardised_rate(bands).iloc[0]  # source: worked vector, ESP 2013
    assert row[["rate", "lower_ci", "upper_ci"]].tolist() == pytest.approx(
        [30.4743, 24.3827, 37.5765], abs=5e-5
    )


def test_repeat_victims_widen_the_limits_and_leave_the_rate():
    bands = _bands(SMALL)
    alone = rates.directly_standardised_rate(bands).iloc[0]
    # everybody had two events: sum of squares 2 x events, so limits sqrt(2) as far from the rate
    pairs = rates.directly_standardised_rate(bands.assign(offences_squared=2 * bands["offences"]))
    pairs = pairs.iloc[0]
    assert pairs["rate"] == alone["rate"]
    for limit in ("lower_ci", "upper_ci"):
        gap, wider = alone[limit] - alone["rate"], pairs[limit] - pairs["rate"]
        assert wider == pytest.approx(np.sqrt(2) * gap)


def test_indirect_standardisation_by_hand():
    bands = table(
        """
        area | offences | population | ref_offences | ref_population
        a    | 40       | 1000       | 200          | 10000
        a    | 25       | 3000       | 100          | 10000
        b    | 0        | 1000       | 200          | 10000
        """
    )
    result = rates.indirectly_standardised_ratio(bands, by=["area"], per=1000)
    assert result["expected"].tolist() == [50.0, 20.0]  # 20 + 30; 20
    assert result["ratio"].tolist() == [1.3, 0.0]
    assert result["upper_ci"].round(4).tolist() == [1.6570, 0.1844]  # 82.849 / 50; 3.6889 / 20
    assert result["rate"].tolist() == pytest.approx([1.3 * 15, 0])  # 300 of 20,000 is 15


# --- comparison -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("numbers", "expected"),
    [  # source: statsmodels test_rates_poisson.py
        ((60, 51477.5, 30, 54308.7), (2.1099975717546497, 1.365962, 3.259306)),
        ((60, 12000, 90, 60000), (3.333, 2.408, 4.614)),
        # source: knife victims in a Bexley table, log-normal limits 0.86 to 2.35
        ((37, 1, 26, 1), (1.42, 0.86, 2.35)),
    ],
)
def test_rate_ratios_are_the_published_ones(numbers, expected):
    got = rates.rate_ratio(*numbers)
    assert list(got) == pytest.approx(expected, abs=0.015 if expected[1] < 1 else 6e-4)
    if numbers[1] == 51477.5:
        assert list(got) == pytest.approx(expected, abs=5e-6)


def test_rate_ratio_at_zero_counts_is_exact_and_never_a_point():
    ratio, low, high = rates.rate_ratio([0, 5, 0, 5], 1000, [5, 0, 0, np.nan], 1000)
    assert ratio[:2].tolist() == [0.0, np.inf]
    # the share of 0 in 5 has the exact upper limit 1 - 0.025 ** (1 / 5) = 0.52182 (by hand)
    assert high[0] == pytest.approx(0.52182 / (1 - 0.52182), abs=1e-4)
    assert low[1] == pytest.approx(1 / high[0])
    assert high[1] == np.inf
    assert np.isnan([ratio[2], low[2], high[2], ratio[3], low[3], high[3]]).all()


def test_a_rate_ratio_with_an_empty_population_is_missing():
    assert np.isnan(rates.rate_ratio(5, 0, 5, 100)).all()


def test_swapping_the_two_sides_inverts_a_ratio_and_negates_a_difference():
    one, other = rates.rate_ratio(7, 30, 19, 50), rates.rate_ratio(19, 50, 7, 30)
    assert [1 / one.value, 1 / one.upper_ci, 1 / one.lower_ci] == pytest.approx(list(other))
    gap, back = rates.rate_difference(7, 30, 19, 50), rates.rate_difference(19, 50, 7, 30)
    assert [-gap.value, -gap.upper_ci, -gap.lower_ci] == pytest.approx(list(back))


def test_rate_difference_limits_invert_the_score_test():
    # source: statsmodels 0.15.0 confint_poisson_2indep(41, 28010, 15, 19017, "score", "diff")
    # and (0, 10, 5, 10), both to its own search precision
    got = rates.rate_difference([41, 0], [28010, 10], [15, 5], [19017, 10])
    assert got.value.tolist() == pytest.approx([0.000674995, -0.5])
    assert got.lower_ci.tolist() == pytest.approx([4.3205e-05, -1.170576], rel=1e-4)
    assert got.upper_ci.tolist() == pytest.approx([0.001290058, -0.115854], rel=1e-4)


def test_rate_difference_of_two_zero_counts_by_hand():
    # with nothing on either side, -delta sqrt(n / delta) = -z, so the limit is z^2 / n
    got = rates.rate_difference(0, 10, 0, 10)
    assert list(got) == pytest.approx([0, -0.384146, 0.384146], abs=1e-5)


def test_risk_ratio_is_the_published_one():
    # source: scipy test_relative_risk.py (R epitools riskratio)
    got = rates.risk_ratio(16, 128, 24, 256)
    assert list(got) == pytest.approx([1.3333333333333333, 0.7347317, 2.419628], rel=5e-7)
    assert np.isnan(rates.risk_ratio(0, 10, 3, 10)).all()


@pytest.mark.parametrize(
    ("numbers", "expected"),
    [
        ((6, 1, 2, 1), 0.17487482494070768),  # source: apwheele/ptools README
        ((20, 1, 20, 1), 1.0),  # source: apwheele/crimepy WDD_Examples
        ((30, 1, 45, 1), 0.0838),
        ((120, 1, 150, 1), 0.0680),
        # by hand: none on either side has a statistic of 0 and is not extreme, so 5 or more of 5
        ((5, 300, 0, 5e-4), 0.559507),
    ],
)
def test_e_test_p_values_are_the_published_ones(numbers, expected):
    assert rates.e_test(*numbers) == pytest.approx(expected, abs=6e-5)


def test_e_test_of_nothing_against_nothing_is_missing_and_of_millions_is_quick():
    assert np.isnan(rates.e_test([0, np.nan], 1, [0, 3], 1)).all()
    # two-sided normal tail of 3: the counts differ by three of their standard errors
    assert rates.e_test(4_000_000, 1, 4_008_493, 1) == pytest.approx(0.0027, abs=1e-4)
    assert rates.e_test(4_000_000_000, 1, 4_000_268_331, 1) == pytest.approx(0.0027, abs=1e-4)


def test_e_test_agrees_with_statsmodels_far_from_the_cases():
    from statsmodels.stats.rates import test_poisson_2indep as oracle

    cases = [(0, 10, 5, 10), (3, 100, 9, 50), (200, 3, 150, 2.5), (7, 1, 7, 2), (1, 1, 4, 9)]
    cases += [(1040, 1, 1120, 1)]
    expected = [oracle(*case, method="etest").pvalue for case in cases]
    got = rates.e_test(*np.array(cases, dtype=float).T)
    assert got.tolist() == pytest.approx(expected, abs=1e-9)


def test_e_test_refuses_fractions():
    with pytest.raises(TableError, match="not whole numbers"):
        rates.e_test(2.5, 1, 3, 1)


# --- funnels and quantiles --------------------------------------------------------------------


def test_funnel_limits_at_twenty_expected():
    # source: Poisson quantiles 0.1 % 8, 2.5 % 12, 97.5 % 29, 99.9 % 35
    assert [20 * limit for limit in rates.funnel_limits(20)] == pytest.approx([12, 29])
    assert [20 * limit for limit in rates.funnel_limits(20, 0.998)] == pytest.approx([8, 35])
    assert np.isnan(rates.funnel_limits(0)).all()


def test_funnel_proportion_limits_by_hand():
    # 10 tosses: P(X <= 1) = 0.0107, P(X <= 2) = 0.0547, P(X <= 7) = 0.9453, P(X <= 8) = 0.9893
    low, high = rates.funnel_proportion_limits([10, 0], 0.5)
    assert (low[0], high[0]) == (0.2, 0.8)
    assert np.isnan(low[1])
    assert rates.funnel_proportion_limits(10, 0) == (0, 0)


def test_overdispersion_is_found_where_it_is_and_only_there():
    expected = np.full(33, 100.0)
    calm = np.round(100 + 10 * np.linspace(-2, 2, 33))  # spread of chance
    wild = np.round(100 + 40 * np.linspace(-2, 2, 33))
    assert not rates.funnel_dispersion(calm, expected).is_overdispersed
    found = rates.funnel_dispersion(wild, expected)
    assert found.is_overdispersed
    wide = rates.funnel_limits(100, tau_squared=found.tau_squared)
    assert wide[0] < rates.funnel_limits(100)[0]
    assert wide[1] > rates.funnel_limits(100)[1]
    assert np.isnan(rates.funnel_dispersion([3, 4], [3, 4]).phi)


def test_quantiles_are_the_published_ones():
    # source: PHEindicatormethods 2.1.0 phe_quantile test data, North East, "low is good"
    values = [118.7, 131.3, 137.1, 137.7, 138.9, 143.3, 145.6, 146.7, 153.7, 155.8, 157.1, 171.2]
    assert rates.quantiles(values).tolist() == [10, 9, 8, 7, 6, 6, 5, 4, 3, 2, 1, 1]
    assert rates.quantiles([1, 2, np.nan, 3, 3], 2, invert=False).tolist()[:2] == [1, 1]
    assert np.isnan(rates.quantiles([1, 2, 3], 10)).all()


# --- inequality -------------------------------------------------------------------------------

# source: PHEindicatormethods 2.1.0 phe_sii test data, area 2 (limits simulated there)
SCALE = pd.DataFrame(
    {
        "quantile": range(1, 11),
        "population": [21675, 20065, 19750, 24713, 20112, 19618, 22408, 19752, 18939, 19312],
        "value": [
            *(70.54853186, 71.57155734, 72.48698671, 73.51985519, 73.14605425),
            *(76.15898712, 78.65444871, 80.56476961, 80.85486627, 79.9711253),
        ],
        "standard_error": [
            *(0.2295918, 0.2598068, 0.2992381, 0.1607513, 0.7918228),
            *(0.7783196, 0.3993753, 0.2793955, 0.2295918, 0.3517538),
        ],
    }
)


def test_slope_and_relative_index_are_the_published_ones():
    row = rates.slope_index_of_inequality(SCALE).iloc[0]
    assert row[["sii", "rii"]].tolist() == pytest.approx([12.547846636351798, 1.180885620848795])
    assert row[["sii_lower_ci", "sii_upper_ci"]].tolist() == pytest.approx(
        [11.936156, 13.163020], abs=0.01
    )
    assert row[["rii_lower_ci", "rii_upper_ci"]].tolist() == pytest.approx(
        [1.17137069, 1.19044043], abs=2e-4
    )


def test_a_relative_index_has_no_limits_when_the_near_end_may_be_zero():
    row = rates.slope_index_of_inequality(SCALE.assign(value=SCALE["quantile"] - 1.0)).iloc[0]
    assert row["sii"] > 0
    assert np.isnan(row["rii_lower_ci"])
    with pytest.raises(TableError, match="three or more groups"):
        rates.slope_index_of_inequality(SCALE.head(2))
