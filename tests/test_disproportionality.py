"""Comparison of groups: hand-worked and published cases, and input that must not give a ratio."""

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal
from tables import table

from sna import disproportionality as dis
from sna.disproportionality import groups
from sna.errors import CoverageError, DefinitionError, TableError, UsageError

# source: statistics case rri_two_boroughs (definitions of OJJDP and YJB; arithmetic)
TWO_BOROUGHS = table(
    """
    borough_code | group | people | population | missing_people
    A            | White | 900    | 60000      | 258
    A            | Asian | 300    | 25000      | 258
    A            | Black | 900    | 30000      | 258
    A            | Mixed | 180    | 8000       | 258
    A            | Other | 12     | 2000       | 258
    B            | White | 600    | 150000     | 32
    B            | Asian | 90     | 20000      | 32
    B            | Black | 48     | 6000       | 32
    B            | Mixed | 30     | 5000       | 32
    B            | Other | 0      | 4000       | 32
    """
)


def people_of(**columns):
    frame = pd.DataFrame(columns)
    base = {"borough_code": "E1", "month": pd.Timestamp("2024-04-01"), "people": 1}
    return pd.DataFrame({**{k: [v] * len(frame) for k, v in base.items()}, **columns})


def residents(*rows, scheme="five"):
    names = ["area_code", "ethnic_group", "sex", "age_lower", "age_upper", "population"]
    return pd.DataFrame(rows, columns=names).assign(
        source="census_ethnic_group", population_year=2021, area_level="borough",
        ethnic_scheme=scheme,
    )  # fmt: skip


FIVE = residents(
    ("E1", "White", "all", 0, 999, 60_000),
    ("E1", "Asian", "all", 0, 999, 20_000),
    ("E1", "Black", "all", 0, 999, 12_000),
    ("E1", "Mixed", "all", 0, 999, 5_000),
    ("E1", "Other", "all", 0, 999, 3_000),
)


def test_rates_ratios_differences_and_shares_by_hand():
    found = dis.compare_groups(TWO_BOROUGHS).query("borough_code == 'A'").set_index("group")
    # 900 / 60,000 and 900 / 30,000
    assert found.loc[["White", "Black"], "rate"].tolist() == [15, 30]
    assert found.loc["Black", "rate_ratio"] == 2
    assert found.loc["Black", "rate_difference"] == pytest.approx(15)
    assert found.loc["Black", "share_people"] == pytest.approx(900 / 2292)
    assert found.loc["Black", "share_population"] == pytest.approx(30 / 125)
    assert found["known_people"].tolist() == [2292] * 5
    assert found["missing_share"].iloc[0] == pytest.approx(258 / 2550)
    assert found["caution"].tolist() == ["caution"] * 5


def test_reference_row_is_one_without_limits():
    found = dis.compare_groups(TWO_BOROUGHS).query("group == 'White'")
    assert found["rate_ratio"].tolist() == [1, 1]
    assert found[["ratio_lower_ci", "ratio_upper_ci", "difference_lower_ci"]].isna().all(axis=None)
    assert set(found["reference_group"]) == {"White"}


def test_ratio_limits_reproduce_the_published_score_interval():
    # source: statsmodels 0.15.0 test_rates_poisson.py, score interval
    counts = pd.DataFrame(
        {"group": ["White", "Black"], "people": [30, 60], "population": [54308.7, 51477.5]}
    )
    row = dis.compare_groups(counts).loc[1]
    found = row[["rate_ratio", "ratio_lower_ci", "ratio_upper_ci"]].astype(float).tolist()
    assert found == pytest.approx([2.1099975717546497, 1.365962, 3.259306], abs=5e-6)


def test_zero_people_give_a_ratio_of_zero_with_a_finite_upper_limit():
    row = dis.compare_groups(TWO_BOROUGHS).query("borough_code == 'B' and group == 'Other'").iloc[0]
    assert row["rate_ratio"] == 0
    # exact conditional, by hand: 1 - 0.025 ** (1 / 600) of the share, as odds x 150,000 / 4,000
    share = 1 - 0.025 ** (1 / 600)
    assert row["ratio_upper_ci"] == pytest.approx(share / (1 - share) * 150_000 / 4_000)
    assert row["ratio_lower_ci"] == 0


def test_nothing_in_the_reference_gives_no_ratio():
    counts = table(
        """
        group | people | population
        White | 0      | 1000
        Black | 3      | 1000
        Asian | 0      | 1000
        """
    )
    found = dis.compare_groups(counts).set_index("group")
    assert found.loc[["Black", "Asian"], "rate_ratio"].isna().all()
    assert found.loc["Black", "ratio_lower_ci"] > 0
    assert np.isnan(found.loc["Asian", "ratio_lower_ci"])


def test_bounds_put_all_missing_people_in_or_outside_the_group():
    found = dis.compare_groups(TWO_BOROUGHS).set_index(["borough_code", "group"])
    row = found.loc[("A", "Black")]
    assert row["ratio_if_inside"] == pytest.approx((900 + 258) / 30 / (900 / 60))
    assert row["ratio_if_outside"] == pytest.approx(900 / 30 / ((900 + 258) / 60))
    assert row["ratio_if_outside"] < row["rate_ratio"] < row["ratio_if_inside"]


def test_headline_is_withheld_over_a_quarter_missing():
    counts = table(
        """
        group | people | population | missing_people
        White | 50     | 1000       | 40
        Black | 50     | 1000       | 40
        """
    )
    assert dis.compare_groups(counts)["caution"].tolist() == ["no_headline"] * 2
    exact = counts.assign(missing_people=[25, 25], people=[50, 25])  # exactly 25 %
    assert dis.compare_groups(exact)["caution"].tolist() == ["caution"] * 2


def test_compare_groups_keeps_input_order_and_totals():
    before = TWO_BOROUGHS.copy()
    shuffled = TWO_BOROUGHS.sample(frac=1, random_state=1)
    found = dis.compare_groups(shuffled)
    assert found.index.tolist() == shuffled.index.tolist()
    assert found["people"].sum() == TWO_BOROUGHS["people"].sum()
    assert_frame_equal(TWO_BOROUGHS, before)


def test_compare_groups_refuses_a_missing_reference_and_doubled_groups():
    with pytest.raises(CoverageError, match="reference group 'Roma' is missing"):
        dis.compare_groups(TWO_BOROUGHS, reference_group="Roma")
    with pytest.raises(CoverageError, match="missing"):
        dis.compare_groups(TWO_BOROUGHS.iloc[:0])
    with pytest.raises(CoverageError, match="missing from 4 rows"):
        dis.compare_groups(TWO_BOROUGHS.drop(index=5))
    with pytest.raises(TableError, match="twice"):
        dis.compare_groups(pd.concat([TWO_BOROUGHS, TWO_BOROUGHS]))


def test_place_adjustment_removes_geographic_clustering():
    found = dis.add_place_adjusted(TWO_BOROUGHS).set_index("group").loc["Black"]
    # source: statistics case rri_geographic_clustering: pooled 3.687, Mantel-Haenszel 2.0
    assert found["rate_ratio"] == pytest.approx(3.686666666666667, rel=1e-9)
    assert found["adjusted_ratio"] == pytest.approx(2.0, rel=1e-9)
    assert found["adjusted_lower_ci"] < 2 < found["adjusted_upper_ci"]
    assert found["places"] == 2


def test_place_adjusted_limits_agree_with_statsmodels_on_sparse_risks():
    from statsmodels.stats.contingency_tables import StratifiedTable

    rng = np.random.default_rng(7)
    n, m = rng.integers(50_000, 90_000, 12), rng.integers(50_000, 90_000, 12)
    x, y = rng.poisson(n * 0.0004), rng.poisson(m * 0.0002)
    rows = [
        {"borough_code": f"B{i}", "group": group, "people": people, "population": population}
        for i in range(12)
        for group, people, population in (("White", y[i], m[i]), ("Black", x[i], n[i]))
    ]
    found = dis.add_place_adjusted(pd.DataFrame(rows)).set_index("group").loc["Black"]
    tables = [[[x[i], n[i] - x[i]], [y[i], m[i] - y[i]]] for i in range(12)]
    other = StratifiedTable(np.array(tables).transpose(1, 2, 0))  # odds ratio: equal when rare
    assert found["adjusted_ratio"] == pytest.approx(other.riskratio_pooled, rel=1e-3)
    limits = np.exp(other.logodds_pooled_confint())
    assert [found["adjusted_lower_ci"], found["adjusted_upper_ci"]] == pytest.approx(
        limits, rel=5e-3
    )


def test_small_areas_are_places_and_only_those_with_people_count():
    small = FIVE.assign(area_level="lsoa")
    population = pd.concat(
        [small.assign(area_code=code) for code in ("L1", "L2", "L3")]
        + [FIVE.assign(population=3 * FIVE["population"])]
    )
    people = people_of(
        ethnicity_self=["W1", "B1", "B1", "W1", None], lsoa_code=["L1"] * 3 + ["L2"] * 2
    )
    counts = dis.count_groups(people, population, by=["lsoa_code"])
    assert counts["lsoa_code"].unique().tolist() == ["L1", "L2"]  # nobody was counted in L3
    assert counts["missing_people"].tolist() == [0] * 5 + [1] * 5
    found = dis.add_place_adjusted(counts).set_index("group").loc["Black"]
    # by hand: 2 x 60,000 / 72,000 over 1 x 12,000 / 72,000 + 1 x 12,000 / 72,000
    assert found["adjusted_ratio"] == pytest.approx(2 * 60 / (2 * 12))
    with pytest.raises(CoverageError, match="Places have people and no residents"):
        dis.count_groups(people.assign(lsoa_code="L9"), population, by=["lsoa_code"])


def test_places_and_ages_together_are_strata():
    strata = pd.concat([TWO_BOROUGHS.assign(age_group=age) for age in ("0-17", "18+")])
    found = dis.add_place_adjusted(strata).set_index("group").loc["Black"]
    assert found["places"] == 4
    assert found["adjusted_ratio"] == pytest.approx(2.0)


def test_one_against_one_has_wide_limits():
    counts = pd.DataFrame({"group": ["White", "Black"], "people": 1, "population": [2000, 1000]})
    row = dis.compare_groups(counts).loc[1]
    # source: score interval of 1 of 2 (Wilson 0.0945 to 0.9055) as odds, times 2,000 / 1,000
    assert row["rate_ratio"] == 2
    assert row["ratio_lower_ci"] == pytest.approx(2 * 0.0945 / 0.9055, abs=5e-4)
    assert row["ratio_upper_ci"] == pytest.approx(2 * 0.9055 / 0.0945, rel=2e-3)


@pytest.mark.parametrize(
    ("code", "scheme", "group"),
    [
        ("W1", "self_defined", "White"),
        ("M1", "self_defined", "Mixed"),
        ("Black/African/Caribbean/Black British - Caribbean", "self_defined", "Black"),
        ("  black ", "self_defined", "Black"),
        ("Other ethnic group - Not stated", "self_defined", "Not stated"),
        (None, "self_defined", "Not stated"),
        ("IC5", "officer_observed", "Asian"),
        ("Arabic or North African", "officer_observed", "Other"),
        ("0", "officer_observed", "Not stated"),
    ],
)
def test_ethnic_groups_follow_the_scheme(code, scheme, group):
    people = people_of(**{groups.SCHEMES[scheme]: [code]})
    assert dis.add_ethnic_group(people, scheme=scheme)["ethnic_group"].tolist() == [group]


def test_unmapped_codes_raise_with_codes_and_rows():
    people = people_of(ethnicity_self=["W1", "Z7", "Z7", "Q"])
    with pytest.raises(DefinitionError, match=r"2 ethnicity codes \(3 of 4 rows\)") as error:
        dis.add_ethnic_group(people)
    assert "Z7; Q" in str(error.value)


def test_mixed_schemes_in_one_column_are_named():
    people = people_of(ethnicity_self=["W1", "IC3", "White South European"])
    with pytest.raises(DefinitionError, match="2 of them are officer_observed labels"):
        dis.add_ethnic_group(people)
    with pytest.raises(UsageError, match="Unknown ethnicity scheme"):
        dis.add_ethnic_group(people, scheme="census_19")


def test_count_groups_is_complete_and_keeps_every_person():
    people = people_of(ethnicity_self=["W1", "W1", "B1", None, "NS"])
    counts = dis.count_groups(people, FIVE)
    assert counts["group"].tolist() == list(groups.GROUPS)
    assert counts["people"].tolist() == [2, 0, 1, 0, 0]
    assert counts["missing_people"].tolist() == [2] * 5
    assert counts["people"].sum() + counts["missing_people"].iloc[0] == len(people)
    assert set(counts["population_year"]) == {2021}


def test_nobody_is_missing_when_every_group_is_stated():
    counts = dis.count_groups(people_of(ethnicity_self=["W1", "B1"]), FIVE)
    assert counts["missing_people"].tolist() == [0] * 5
    assert counts["unplaced_people"].tolist() == [0] * 5


def test_observed_scheme_has_no_mixed_rate_and_a_wider_black_denominator():
    black = "Black, Black British, Black Welsh, Caribbean or African"
    population = residents(
        ("E1", "White: Irish", "all", 0, 999, 600),
        ("E1", f"{black}: African", "all", 0, 999, 120),
        ("E1", "Mixed or Multiple ethnic groups: White and Asian", "all", 0, 999, 50),
        ("E1", "Mixed or Multiple ethnic groups: White and Black African", "all", 0, 999, 30),
        scheme="census_19",
    )  # fmt: skip
    people = people_of(ethnicity_observed=["IC1", "IC3", "IC3", "IC0"])
    found = dis.compare_groups(dis.count_groups(people, population, scheme="officer_observed"))
    assert found["group"].tolist() == ["White", "Black", groups.WIDER_BLACK]
    assert found["population"].tolist() == [600, 120, 150]
    assert found["people"].tolist() == [1, 2, 2]
    assert found["known_people"].tolist() == [3, 3, 3]  # the sensitivity row counts nobody twice
    assert found["share_people"].iloc[1] == pytest.approx(2 / 3)


def test_people_in_a_group_without_residents_raise():
    people = people_of(ethnicity_self=["W1", "O9"])
    with pytest.raises(CoverageError, match="1 people belong to groups without residents"):
        dis.count_groups(people, FIVE[FIVE["ethnic_group"] != "Other"])
    zero = FIVE.assign(population=FIVE["population"].where(FIVE["ethnic_group"] != "Other", 0))
    with pytest.raises(CoverageError, match="without residents"):
        dis.count_groups(people, zero)
    with pytest.raises(CoverageError, match="Places have people and no residents"):
        dis.count_groups(people.assign(borough_code="E9"), FIVE)
    with pytest.raises(CoverageError, match="splits residents by ethnic_group, sex"):
        dis.count_groups(people.assign(sex="male"), FIVE, by=["sex"])


SEX_AGE = residents(
    *(
        ("E1", group, sex, low, high, size)
        for group, size in (("White", 1000), ("Black", 500))
        for sex in ("female", "male")
        for low, high in ((0, 9), (10, 17), (18, 24), (25, 34), (35, 999))
    )
)


def test_groups_by_sex_and_age_use_the_breaks_that_both_tables_share():
    people = people_of(
        ethnicity_self=["W1", "B1", "B1", "B1", "W1"],
        sex=["male", "male", "female", "unknown", "male"],
        age_band=["18-24", "10-17", "over 34", "18-24", None],
    )
    counts = dis.count_groups(people, SEX_AGE, by=["sex", "age_group"])
    assert counts["age_group"].unique().tolist() == ["0-9", "10-17", "18-24", "25-34", "35+"]
    assert len(counts) == 2 * 2 * 5
    assert counts["people"].sum() == 3
    assert counts["unplaced_people"].tolist() == [2] * 20  # sex not known, age not known
    met = counts.set_index(["sex", "age_group", "group"])["people"]
    assert met[("female", "35+", "Black")] == 1
    assert met[("male", "10-17", "Black")] == 1


def test_sex_can_be_the_dimension_and_context_a_stratum():
    people = people_of(sex=["male", "female", "female"], context=["da", "da", "sv"])
    counts = dis.count_groups(people, SEX_AGE, dimension="sex", by=["context"])
    found = dis.compare_groups(counts, reference_group="male").set_index(["context", "group"])
    assert found.loc[("da", "female"), "rate_ratio"] == 1
    assert np.isnan(found.loc[("sv", "female"), "rate_ratio"])
    assert found["population"].tolist() == [7500] * 4


def test_ages_as_years_and_as_bands_live_together_unless_they_clash():
    people = people_of(age=[17.5, np.nan, np.nan], age_band=["10-17", "18-24", "17"])
    low, high = groups.age_limits(people)
    assert low.tolist() == [17, 18, 17]
    assert high.tolist() == [17, 24, 17]
    with pytest.raises(TableError, match="outside their own age band"):
        groups.age_limits(people_of(age=[30.0], age_band=["10-17"]))
    with pytest.raises(DefinitionError, match="1 age bands"):
        groups.age_limits(people_of(age_band=["grown up"]))


def test_age_groups_hold_only_bands_they_contain_whole():
    limits = np.array([16.0, 18, 10, np.nan]), np.array([18.0, 24, 17, np.nan])
    found = groups.age_group(limits, [0, 10, 18, 25])
    assert found.tolist() == ["Not stated", "18-24", "10-17", "Not stated"]


def test_empty_people_give_zero_counts_not_ratios():
    people = people_of(ethnicity_self=["W1"]).assign(people=0)
    found = dis.compare_groups(dis.count_groups(people, FIVE))
    assert found["people"].tolist() == [0] * 5
    assert found.loc[1:, "rate_ratio"].isna().all()
    assert found["missing_share"].isna().all()


def test_missing_by_month_keeps_quiet_months():
    people = people_of(ethnicity_self=["W1", None, "B1"], sex=["male", None, "unknown"]).assign(
        month=pd.to_datetime(["2024-01-01", "2024-01-01", "2024-03-01"])
    )
    found = dis.missing_by_month(people).set_index(["fact", "month"])
    ethnicity = found.loc["self_defined"]
    assert ethnicity["all_people"].tolist() == [2, 0, 1]
    assert ethnicity["missing_people"].tolist() == [1, 0, 0]
    assert ethnicity["missing_share"].fillna(-1).tolist() == [0.5, -1, 0]
    assert found.loc["sex", "missing_people"].tolist() == [1, 0, 1]
    assert found.loc["age", "missing_share"].dropna().tolist() == [1, 1]


def test_standardised_comparison_by_hand():
    counts = table(
        """
        group | age_group | people | population
        White | 0-24      | 20     | 1000
        White | 25+       | 30     | 3000
        Black | 0-24      | 80     | 2000
        Black | 25+       | 20     | 1000
        """
    )
    found = dis.compare_standardised(counts).set_index("group")
    young, old = 27_500, 72_500  # ESP 2013: 0-24 and 25+ of 100,000
    white, black = (20 * young + 10 * old) / 1e5, (40 * young + 20 * old) / 1e5
    assert found["rate"].tolist() == pytest.approx([white, black])
    assert found.loc["Black", "rate_ratio"] == pytest.approx(2)
    assert found.loc["Black", "crude_rate"] == pytest.approx(100 / 3)
    assert found.loc["Black", "ratio_lower_ci"] < 2 < found.loc["Black", "ratio_upper_ci"]
    with pytest.raises(UsageError, match="cannot be weighted"):
        dis.compare_standardised(counts.replace({"0-24": "0-17", "25+": "18+"}))


def test_stage_chain_compares_each_stage_with_the_one_before():
    stages = table(
        """
        group | residents | searched | arrested | charged
        White | 10000     | 100      | 20       | 10
        Black | 2000      | 60       | 12       | 9
        """
    )
    found = dis.compare_stages(stages).query("group == 'Black'").set_index("stage")
    assert found["rate_ratio"].tolist() == pytest.approx([3, 1, 1.5])
    assert found["before"].tolist() == ["residents", "searched", "arrested"]
    assert found["per"].tolist() == [1000, 100, 100]
    assert found["population"].tolist() == [2000, 60, 12]


def test_deprivation_gradient_by_hand():
    areas = pd.DataFrame(
        {
            "decile": [1, 1, 2, 3, 4],
            "people": [5, 3, 6, 4, 2],
            "population": [500, 500, *[1000] * 3],
        }
    )
    found = dis.deprivation_gradient(areas)
    assert found["rate"].tolist() == [8, 6, 4, 2]
    assert found["areas"].tolist() == [2, 1, 1, 1]
    assert found["sii"].tolist() == pytest.approx([-8] * 4)  # two a group, four groups
    assert dis.deprivation_gradient(areas[:2])["sii"].isna().all()
