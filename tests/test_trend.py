"""Series, change and comparison on an invented London."""

from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import pytest
from london import invented_london
from tables import table

from sna import counts, trend
from sna.definitions import boroughs
from sna.disclosure import protect
from sna.errors import CoverageError, NothingToShowError, TableError, UsageError
from sna.figures import show
from sna.narrative import describe, key_findings
from sna.settings import Settings
from sna.trend import control, models

# --- counts -----------------------------------------------------------------------------------


def test_count_by_month_keeps_quiet_months_as_zero():
    rows = table(
        """
        month      | borough_code | offences | release_class
        2024-01-01 | A            | 2        | open
        2024-03-01 | A            | 1        | restricted
        2024-03-01 | B            | 4        | open
        2024-05-01 | B            | 9        | open
        """
    )
    start, end = pd.Timestamp("2024-01-01"), pd.Timestamp("2024-04-01")
    grid = counts.count_by_month(rows, start_month=start, end_month=end, by=["borough_code"])
    assert grid["offences"].tolist() == [2, 0, 1, 0, 0, 0, 4, 0]
    assert grid["release_class"].unique().tolist() == ["restricted", "open"]
    alone = counts.count_by_month(rows, start_month=start, end_month=end)
    assert alone["offences"].tolist() == [2, 0, 5, 0]


@pytest.mark.parametrize("bad", [-1, 0.5, np.nan])
def test_counts_that_cannot_be_counts_are_refused(bad):
    month = pd.Timestamp("2024-01-01")
    rows = pd.DataFrame({"month": [month, month], "offences": [3, bad]})
    with pytest.raises(TableError, match="negative, missing or fractional"):
        counts.count_by_month(rows, start_month=month, end_month=month)


def test_months_and_quarters_are_not_counted_together():
    month = pd.Timestamp("2024-01-01")
    rows = pd.DataFrame({"month": [month] * 2, "offences": 1, "period_months": [1, 3]})
    with pytest.raises(TableError, match="one table"):
        counts.count_by_month(rows, start_month=month, end_month=month)
    with pytest.raises(UsageError, match="ends before"):
        counts.count_by_month(rows, start_month=month, end_month=month - pd.DateOffset(months=1))


def test_population_is_the_nearest_estimate_and_everybody_once():
    people = table(
        """
        source       | area_code | population_year | sex    | age_lower | age_upper | population
        mid_year_age | A         | 2020            | all    | 0         | 24        | 30
        mid_year_age | A         | 2020            | all    | 25        | 999       | 70
        census_age   | A         | 2021            | female | 0         | 999       | 60
        census_age   | A         | 2021            | male   | 0         | 999       | 50
        census_age   | A         | 2021            | all    | 0         | 999       | 110
        """
    ).assign(area_level="borough")
    rows = table("borough_code | month\nA | 2018-01-01\nA | 2024-01-01")
    got = counts.add_population(rows, people)
    # one base: the Census is newer than the only estimate, which was made before it
    assert got["population"].tolist() == [110, 110]
    assert got["population_year"].tolist() == [2021, 2021]
    later = pd.concat([people, people.head(2).assign(population_year=2023, population=[40, 80])])
    got = counts.add_population(rows, later)
    assert got["population"].tolist() == [100, 120] and got["population_year"].tolist() == [
        2020,
        2023,
    ]
    with pytest.raises(CoverageError, match="no residents"):
        counts.add_population(rows.assign(borough_code="B"), people)


def test_the_headline_prefers_the_definition_and_never_calls_police_uk_a_proxy():
    data = invented_london(months=12)
    assert counts.choose_series(data.counts, "E09000012").standing == "proxy"
    core = invented_london(months=12, source="extract").counts
    both = pd.concat([data.counts, core])
    assert counts.choose_series(both, "E09000012").source == "extract"
    street = data.counts.assign(
        source="police_uk_street", published_category="police.uk | Violence and sexual offences"
    )
    assert counts.choose_series(street, "E09000012").standing == "not a proxy"
    with pytest.raises(CoverageError, match="No source"):
        counts.choose_series(data.counts.assign(borough_code="E09000001"), "E09000012")


# --- series -----------------------------------------------------------------------------------


def test_rolling_totals_wait_for_a_full_window():
    monthly = table(
        """
        area | month      | offences
        a    | 2024-01-01 | 1
        b    | 2024-01-01 | 5
        a    | 2024-02-01 | 2
        b    | 2024-02-01 | 5
        a    | 2024-03-01 | 4
        b    | 2024-03-01 | 0
        """
    )
    rolled = trend.add_rolling_total(monthly, window_months=2)["offences_rolling"]
    assert rolled.isna().tolist() == [True, True, False, False, False, False]
    assert rolled.tolist()[2:] == [3, 10, 6, 5]


def test_series_of_borough_and_london_add_up():
    data = invented_london(months=14)
    series = trend.count_series(data)
    assert (
        series["offences"].sum()
        == data.counts["offences"].sum()
        + series.loc[series["area"].eq("Hackney"), "offences"].sum()
    )
    london = series[series["area"].eq("London")]
    assert london["offences_year"].isna().sum() == 11
    assert london["offences_year"].iloc[-1] == london["offences"].iloc[-12:].sum()


def test_few_boroughs_are_not_london():
    data = invented_london(months=14)
    keep = data.counts["borough_code"].isin(["E09000012", "E09000013"])
    data.counts = data.counts[keep]
    assert trend.count_series(data)["area"].unique().tolist() == ["Hackney"]
    assert trend.compare_funnel(data).empty


def test_unpublished_months_are_absent():
    data = invented_london(months=14)
    data.end_month = pd.Timestamp("2025-09-01")
    assert trend.count_series(data)["month"].max() == pd.Timestamp("2025-03-01")
    data.end_month = pd.Timestamp("2001-01-01")
    with pytest.raises(CoverageError, match="before the first month"):
        trend.count_series(data)


def test_part_years_are_never_years():
    data = invented_london(months=20, end="2025-02-01")  # July 2023 to February 2025
    assert trend.count_periods(data, period="financial_year").empty
    assert trend.count_periods(data, period="year")["period"].tolist() == [
        "January to December 2024"
    ]
    quarters = trend.count_periods(data, period="quarter")["period"].tolist()
    assert quarters[0] == "July to September 2023"
    assert quarters[-1] == "October to December 2024"


def _records():
    """Six core records of a borough in 2024 and their victims, and residents by sex and age."""
    data = invented_london(months=24, source="extract", end="2024-12-01")
    data.offences = table(
        """
        offence_id | month      | ward_code | contexts | premises_type | weapon_feature | listed_family
        a          | 2024-01-01 | W1        | u25      | Dwelling      | knife          | wounding
        b          | 2024-02-01 | W1        | u25|da   | Street        | none           | wounding
        c          | 2024-02-01 | W2        | da       | House         | knife          | robbery
        d          | 2024-08-01 | W2        | sv       |               | none           | rape
        e          | 2024-09-01 | W1        | u25      | Bus station   | none           | robbery
        f          | 2023-09-01 | W1        | u25      | Prison        | none           | robbery
        """.replace("u25|da", "u25/da")
    ).assign(source="extract", offences=1, release_class="restricted", band="core")
    data.offences = data.offences.assign(
        contexts=data.offences["contexts"].str.replace("/", "|"),
        month=pd.to_datetime(data.offences["month"]),
    )
    data.people = pd.DataFrame(
        {"offence_id": list("abcdef"), "person_role": "victim", "people": 1, "source": "extract",
         "sex": ["female", "male", "female", "female", "male", "male"],
         "age": [9.0, 17, 24, 40, np.nan, 70], "release_class": "restricted",
         "month": data.offences["month"].to_numpy()}
    )  # fmt: skip
    by_age = [(0, 9, 100), (10, 17, 200), (18, 24, 300), (25, 44, 999), (65, 999, 500)]
    rows = [
        {"source": "census_ethnic_age_sex", "area_code": "E09000012", "area_level": "borough",
         "population_year": 2024, "sex": sex, "age_lower": low, "age_upper": high,
         "population": people / 2}
        for low, high, people in by_age for sex in ("female", "male")
    ]  # fmt: skip
    data.population = pd.concat([data.population, pd.DataFrame(rows)], ignore_index=True)
    return data


@pytest.mark.parametrize(
    ("by", "expected"),
    [
        ("contexts", {"under 25": 3, "domestic abuse": 2, "sexual violence": 1}),
        ("place_type", {"home": 2, "public space": 2, "not known": 1}),
        ("weapon_feature", {"knife": 2, "no weapon": 3}),
        ("listed_family", {"wounding": 2, "robbery": 2, "rape": 1}),
        ("ward_code", {"W1": 3, "W2": 2}),
        ("band", {"core": 5}),
        ("sex", {"female": 3, "male": 2}),
        ("age_band", {"under 10": 1, "10-17": 1, "18-24": 1, "35-44": 1, "not known": 1}),
    ],
)
def test_every_cut_counts_core_records_by_whole_year(by, expected):
    counted = trend.count_periods(_records(), period="year", by=by)
    year = counted[counted["period"].eq("January to December 2024")]
    got = year[year["offences"] > 0].set_index("group")["offences"].to_dict()
    assert got == expected


def test_cuts_divide_by_the_people_they_are_about():
    ages = trend.count_periods(_records(), period="year", by="age_band")
    people = ages.drop_duplicates("group").set_index("group")["population"]
    assert people[["under 10", "10-17", "18-24"]].tolist() == [100, 200, 300]
    assert people[["35-44", "not known"]].isna().all()  # 25-44 is no band of ours
    sexes = trend.count_periods(_records(), period="year", by="sex")
    assert sexes["population"].unique().tolist() == [1050]  # half of 2,099, as whole people
    everyone = trend.count_periods(_records(), period="year", by="weapon_feature")
    assert len(everyone["population"].unique()) == 1


def test_groups_stand_in_the_order_a_reader_expects():
    ages = trend.count_periods(_records(), period="year", by="age_band")["group"].unique()
    assert [*ages] == ["under 10", "10-17", "18-24", "35-44", "65+", "not known"]
    weapons = trend.count_periods(_records(), period="year", by="weapon_feature")["group"].unique()
    assert [*weapons] == ["knife", "no weapon"]


def test_periods_of_groups_are_whole_and_wards_are_not_counted_by_month():
    data = _records()
    quarters = trend.count_periods(data, period="quarter", by="weapon_feature")
    knife = quarters[quarters["group"].eq("knife")].set_index("period")["offences"]
    assert knife["January to March 2024"] == 2 and knife.sum() == 2 and len(knife) == 8
    rolling = trend.count_periods(data, period="rolling_year", by="listed_family")
    assert rolling.groupby("group").size().unique().tolist() == [13]  # full windows only
    with pytest.raises(UsageError, match="quarter is the shortest"):
        trend.count_periods(data, period="month", by="ward_code")
    with pytest.raises(UsageError, match="not known"):
        trend.count_periods(data, period="week")


def test_all_cuts_stand_in_one_table_by_every_whole_period():
    cuts = trend.count_cuts(_records())
    assert cuts["length"].unique().tolist() == [
        "financial year", "calendar year", "quarter", "twelve months to each month", "month",
    ]  # fmt: skip
    assert cuts["measure"].nunique() == 8
    wards = cuts[cuts["measure"].str.endswith("by ward")]
    assert set(wards["length"]) == {"financial year", "calendar year", "quarter"}
    keys = cuts[["measure", "length", "group", "period"]]
    assert not keys.duplicated().any()
    one = cuts.query("group == 'knife' and period == 'February 2024'")
    assert one["offences"].tolist() == [1]
    assert trend.count_cuts(invented_london(months=24)).empty


def test_residents_of_wards_are_those_of_their_small_areas():
    data = _records()
    data.area_lookup = pd.DataFrame({
        "lookup": "lsoa_to_ward", "edition": [2022, 2024, 2024, 2024], "lsoa_code": list("LLMN"),
        "ward_code": ["W9", "W1", "W1", "W2"], "borough_code": "E09000012"})  # fmt: skip
    small = pd.DataFrame({"area_code": list("LMN"), "population": [10.0, 20, 40]}).assign(
        source="census_age", area_level="lsoa", population_year=2021, sex="all")  # fmt: skip
    data.population = pd.concat([data.population, small], ignore_index=True)
    wards = trend.count_periods(data, period="year", by="ward_code").drop_duplicates("group")
    assert wards.set_index("group")["population"].to_dict() == {"W1": 30, "W2": 40}


def test_homicides_are_all_counted_and_a_break_has_its_own_month():
    rows = np.zeros((60, 33))
    rows[3::6, 11] = 1  # ten in five years, twice two of them apart by a break
    data = invented_london(months=60, rows=rows, simulated=False)
    data.counts = data.counts.assign(published_category="MPS | VIOLENCE | HOMICIDE")
    chart = trend.control_chart(data, label="homicide")
    panel = trend.load_panel(data, label="homicide")
    said = str(describe(protect(chart, contract="trend_homicide", data=data)))
    assert said.startswith("10 homicides were recorded")
    assert chart["value"].isna().sum() == chart["segment"].nunique()  # first of each segment
    marked = chart.loc[chart["break_text"].ne(""), "break_month"].tolist()
    assert marked == panel.breaks["month"].tolist()


def test_a_published_category_is_looked_at_by_its_name():
    data = invented_london(months=36, mean=0.3)
    data.counts = data.counts.assign(published_category="MPS | VIOLENCE | HOMICIDE")
    panel = trend.load_panel(data, label="homicide")
    assert panel.measure == "Homicide"
    assert trend.control_chart(panel)["kind"].unique().tolist() == ["gaps"]
    with pytest.raises(CoverageError, match="series of robbery"):
        trend.load_panel(data, label="robbery")


# --- change -----------------------------------------------------------------------------------


def _rows(mine, months, other=50):
    rows = np.full((months, 33), other)
    rows[:, 11] = mine
    return rows


def test_change_reaches_back_only_as_far_as_the_data():
    assert trend.compare_periods(invented_london(months=23)).empty
    change = trend.compare_periods(invented_london(months=48))
    known = change[change["word"] != "not enough months"]
    assert known["window"].unique().tolist() == ["12 months", "3 years"]
    five = invented_london(months=60, mean=90)  # five years of data are four years of change
    said = str(describe(protect(trend.compare_periods(five), contract="trend_change", data=five)))
    assert (
        "Over 5 years there are not enough months: the earlier year lies before the series begins"
        " (April 2020)." in said
    )
    six = trend.compare_periods(invented_london(months=72))
    assert six["window"].unique().tolist() == ["12 months", "3 years", "5 years"]
    assert six["offences_earlier"].notna().all()


def test_a_change_has_both_counts_and_the_published_p():
    # 30 in the later year and 45 in the earlier one: p = 0.0838 (e-test, reference vector)
    mine = np.zeros(24)
    mine[:12], mine[12:] = [4, 4, 4, 4, 4, 4, 4, 4, 4, 3, 3, 3], [3, 2] * 6
    change = trend.compare_periods(invented_london(months=24, rows=_rows(mine, 24)))
    row = change.iloc[0]
    assert (row["offences_earlier"], row["offences"]) == (45, 30)
    assert row["p_value"] == pytest.approx(0.0838, abs=1e-4)
    assert row["word"] == "similar"


def test_a_clear_change_has_a_word_and_london_stays_flat():
    mine = np.r_[np.full(12, 40), np.full(12, 60)]
    change = trend.compare_periods(invented_london(months=24, rows=_rows(mine, 24)))
    assert change["word"].tolist()[0] == "higher"


@pytest.mark.parametrize(("mine", "word"), [(0, "too little data to tell"), (20, "similar")])
def test_zeros_and_equal_counts(mine, word):
    change = trend.compare_periods(invented_london(months=24, rows=_rows(mine, 24)))
    assert change["word"].iloc[0] == word


def test_across_a_break_both_counts_stand_and_nothing_is_compared():
    data = invented_london(months=72, simulated=False)
    change = trend.compare_periods(data)
    assert change["word"].unique().tolist() == ["[b]"]
    assert change["p_value"].isna().all()
    assert change["offences"].gt(0).all()
    shown = protect(change, contract="trend_change", data=data)
    assert shown.table["rate_ratio"].isna().all()
    assert shown.table["change_pct"].isna().all()


def test_a_named_reason_compares_across_a_break_and_is_printed():
    data = invented_london(months=72, simulated=False)
    reason = "The force recounted both years under the new rules."
    change = trend.compare_periods(data, across_breaks=reason)
    assert change["word"].isin(["higher", "similar", "lower"]).all()
    assert change["p_value"].notna().all()
    shown = show(protect(change, contract="trend_change", data=data))
    assert reason in shown.note and shown.protected.table["rate_ratio"].notna().all()
    blank = trend.compare_periods(data, across_breaks="  ")
    assert blank["word"].unique().tolist() == ["[b]"]


def _findings(data):
    """Return the key findings of the trend page, as its notebook asks for them."""
    made = {"series": trend.count_series(data), "change": trend.compare_periods(data),
            "areas": trend.compare_areas(data)}  # fmt: skip
    safe = [protect(part, contract=f"trend_{name}", data=data) for name, part in made.items()]
    return key_findings(*safe).sentences


def test_the_first_finding_says_the_change_or_where_that_cannot_be_told_the_level():
    mine = np.r_[np.full(12, 40), np.full(12, 60)]
    clear = _findings(invented_london(months=24, rows=_rows(mine, 24)))
    assert "rose from 480 to 720 offences (50% more)" in clear[0]
    assert not any("Over 12 months" in sentence for sentence in clear)
    for data in (invented_london(months=72, simulated=False), invented_london(months=14)):
        assert "were recorded in Hackney" in _findings(data)[0]


def test_the_first_finding_names_every_borough_in_thirty_words():
    mine = np.r_[np.full(12, 4000), np.full(12, 4010)]  # no clear change is said in most words
    data = invented_london(months=24, rows=_rows(mine, 24))
    made = {"series": trend.count_series(data), "change": trend.compare_periods(data),
            "areas": trend.compare_areas(data)}  # fmt: skip
    safe = [protect(part, contract=f"trend_{name}", data=data) for name, part in made.items()]
    for name in [*boroughs()["borough_name"], "Windsor and Maidenhead"]:
        named = [replace(part, borough_name=name, table=part.table.replace({"area": "Hackney"}, name))
                 for part in safe]  # fmt: skip
        assert f"{name} " in key_findings(*named).sentences[0]
        assert "  " not in str(key_findings(*named))


def test_a_p_value_is_never_printed_as_nothing():
    mine = np.r_[np.full(12, 40), np.full(12, 90)]
    data = invented_london(months=24, rows=_rows(mine, 24))
    shown = protect(trend.compare_periods(data), contract="trend_change", data=data)
    page = show(shown)._repr_html_()
    assert "&lt;0.001" in page and ">0.000<" not in page


def test_quarters_are_compared_by_year_and_projected_by_quarter():
    data = invented_london(months=24, each=3, source="home_office_csp", season=0.2, mean=150)
    panel = trend.load_panel(data)
    assert panel.per_year == 4
    change = trend.compare_periods(panel)
    assert change["window"].unique().tolist() == ["12 months", "3 years", "5 years"]
    assert change["period"].unique().tolist() == ["April 2024 to March 2025"]
    ahead = trend.project_series(panel)[0].query("kind == 'projected'")
    assert ahead["month"].dt.month.tolist() == [4, 7, 10, 1]
    assert trend.count_periods(panel, period="month").empty
    assert trend.count_periods(panel)["period"].iloc[-1] == "2024/25"
    assert (
        trend.count_periods(panel, period="quarter")["period"].iloc[-1] == "January to March 2025"
    )


def test_breaks_fall_on_the_first_month_that_lies_mostly_after_them():
    months = pd.date_range("2023-01-01", "2025-12-01", freq="MS")
    found = trend.find_breaks("mps_borough", "Violence", months, codes=frozenset({"8N"}))
    assert found["month"].tolist() == [pd.Timestamp("2024-03-01")]  # CONNECT, 28 February 2024
    assert "CONNECT" in found["report_text"].iloc[0]
    first = months[months >= "2024-03-01"]  # a break at the first month breaks nothing
    assert trend.find_breaks("mps_borough", "Violence", first, codes=frozenset({"8N"})).empty
    last = months[months <= "2024-03-01"]
    assert len(trend.find_breaks("mps_borough", "Violence", last, codes=frozenset({"8N"}))) == 1


def test_slopes_are_fitted_per_segment():
    data = invented_london(months=120, simulated=False, growth=0.05, mean=200)
    slopes = trend.fit_slopes(data)
    panel = trend.load_panel(data)
    assert slopes["period"].nunique() == len(panel.breaks) + 1
    short = slopes[slopes["months"] < 24]
    assert short["word"].eq("too little data to tell").all()
    assert short["slope_pct"].isna().all()


def test_a_planted_slope_is_inside_its_limits():
    data = invented_london(months=60, growth=0.08, season=0.2, mean=300)
    row = trend.fit_slopes(data).iloc[0]
    assert row["lower_ci"] < 8 < row["upper_ci"]
    assert row["word"] == "rising"


# --- models -----------------------------------------------------------------------------------


def test_models_agree_with_statsmodels():
    import statsmodels.api as sm

    rng = np.random.default_rng(5)
    months = pd.date_range("2020-01-01", periods=48, freq="MS")
    design = models.make_design(months, seasonal=True)
    y = rng.negative_binomial(8, 8 / (8 + np.array([3.0, 40, 900])), (48, 3))
    fit = models.fit_quasi_poisson(y, design)
    for column in range(3):
        oracle = sm.GLM(y[:, column], design, family=sm.families.Poisson()).fit(scale="X2")
        assert fit.estimate[:, column].tolist() == pytest.approx(oracle.params.tolist(), abs=1e-8)
        assert fit.dispersion[column] == pytest.approx(oracle.scale)
        wide = np.sqrt(max(oracle.scale, 1) / oracle.scale)
        assert fit.standard_error[:, column].tolist() == pytest.approx(
            (oracle.bse * wide).tolist(), rel=1e-6
        )


@pytest.mark.parametrize("values", [np.zeros(24), np.r_[np.zeros(23), 9], np.ones(2)])
def test_models_that_cannot_be_fitted_have_no_numbers(values):
    months = pd.date_range("2020-01-01", periods=len(values), freq="MS")
    fit = models.fit_quasi_poisson(values, models.make_design(months, seasonal=len(values) > 9))
    assert not fit.converged.any()
    assert np.isnan(fit.estimate).all()


def test_negative_counts_are_refused_by_models():
    with pytest.raises(TableError, match="negative"):
        models.fit_quasi_poisson([1, -1, 2], np.ones((3, 1)))


# source: DHSC tests of the recent trend (Fingertips): values with their limits, by year
TRENDS = [
    (
        [2.935, 1.93028, 2.7567, 2.8701, 3.0121],
        [2.7841, 1.8085, 2.6113, 2.7225, 2.8616],
        [3.0919, 2.058, 2.9082, 3.0237, 3.1683],
        "increasing",
        33.486,
    ),
    (
        [92.6254, 92.3221, 90.8708, 90.017, 90.1013],
        [92.4168, 92.1072, 90.6358, 89.7694, 89.8578],
        [92.8288, 92.5315, 91.1004, 90.2594, 90.3396],
        "decreasing",
        418.5,
    ),
    (
        [7.0826, 7.1085, 7.2571, 7.4528, 7.6554],
        [7.0754, 7.1013, 7.2499, 7.4456, 7.6481],
        [7.094, 7.1199, 7.2684, 7.4643, 7.6669],
        "increasing",
        9740,
    ),
]


@pytest.mark.parametrize(("value", "low", "high", "word", "chi2"), TRENDS)
def test_recent_trends_are_the_published_ones(value, low, high, word, chi2):
    got, statistic = models.find_recent_trend(value, low, high)
    assert got == word
    assert statistic == pytest.approx(chi2, rel=2e-4)


def test_recent_trend_refuses_other_lengths_and_missing_values():
    with pytest.raises(TableError, match="five annual values"):
        models.find_recent_trend([1] * 12, [0] * 12, [2] * 12)
    assert models.find_recent_trend([1, 2, np.nan, 4, 5], [0] * 5, [6] * 5)[0].startswith("too")
    # one year alone makes the slope: it turns when that year is dropped
    jump = models.find_recent_trend([10, 9.9, 9.8, 9.7, 12], [9.5] * 5, [10.5] * 5)
    assert jump[0] == "no significant change"


def test_recent_trend_of_a_borough_stops_at_a_break():
    assert trend.find_trend(invented_london(growth=0.1))["trend"].iloc[0] == "increasing"
    assert trend.find_trend(invented_london(simulated=False))["trend"].iloc[0] == "[b]"
    short = trend.find_trend(invented_london(months=30))
    assert short["trend"].iloc[0] == "too little data to tell"
    assert len(short) == 2


def test_a_planted_step_is_found_at_its_month():
    months = pd.date_range("2020-04-01", periods=60, freq="MS")
    rng = np.random.default_rng(3)
    mean = (
        80
        * (1 + 0.1 * np.cos(2 * np.pi * months.month / 12))
        * np.where(np.arange(60) >= 42, 1.3, 1)
    )
    start, ratio, p = models.find_step(rng.poisson(mean), months)
    assert abs(start - 42) <= 1
    assert ratio == pytest.approx(1.3, abs=0.12)
    assert p < 0.01


# --- comparison -------------------------------------------------------------------------------


def test_areas_of_comparison_hold_the_borough_and_its_neighbours():
    data = invented_london(step=(48, 1.6))
    areas = trend.compare_areas(data)
    assert areas["kind"].tolist()[:3] == ["borough", "London", "part of London"]
    london = areas[areas["kind"].eq("London")].iloc[0]
    assert london["word"] == "higher" and london["rest_low"] > 1
    # by hand: the borough's rate over that of London without it
    whole = london[["offences", "population"]].astype(float)
    mine = areas.loc[0, ["offences", "population"]].astype(float)
    rest = (whole["offences"] - mine["offences"]) / (whole["population"] - mine["population"])
    assert london["rest_ratio"] == pytest.approx(mine["offences"] / mine["population"] / rest)
    assert "Tower Hamlets" in areas.loc[areas["kind"].eq("command unit"), "members"].item()


def test_boroughs_named_in_the_settings_are_compared_one_by_one():
    data = invented_london(step=(48, 1.6))
    data.settings = Settings(comparators=("Hackney", "Tower Hamlets"))
    areas = trend.compare_areas(data)
    named = areas[areas["kind"].eq("named in sna.toml")]
    own = str(areas["area"][0])
    assert named["area"].tolist() == [n for n in ("Hackney", "Tower Hamlets") if n != own]
    assert named["word"].eq("higher").all()  # the step of 1.6 is the borough's alone
    shown = protect(areas, contract="trend_areas", data=data)
    words = str(describe(shown))
    assert "higher than the rest of London (ratio" in words and "Tower Hamlets (ratio" in words
    assert "the rest of Tower Hamlets" not in words


def test_the_funnel_flags_the_planted_borough_and_does_not_rank():
    funnel = trend.compare_funnel(invented_london(step=(0, 1.6), mean=200))
    assert funnel["area"].is_monotonic_increasing
    assert funnel.loc[funnel["is_mine"], "word"].item() == "higher"
    assert funnel["word"].eq("similar").sum() >= 31
    assert (funnel["lower_998"] <= funnel["lower_95"]).all()


def test_tiles_give_every_borough_a_place():
    tiles = trend.count_tiles(invented_london(months=40))
    assert tiles["year"].nunique() == 3
    assert not tiles[["tile_row", "tile_column", "year"]].duplicated().any()


# --- control charts ---------------------------------------------------------------------------

# source: NHSRplotthedots tests (R set.seed(123); rnorm(20)), limits with and without screening
NHSR = [-0.56047565, -0.23017749, 1.55870831, 0.07050839, 0.12928774, 1.71506499, 0.46091621]
NHSR += [-1.26506123, -0.68685285, -0.44566197, 1.2240818, 0.35981383, 0.40077145, 0.11068272]
NHSR += [-0.55584113, 1.78691314, 0.49785048, -1.96661716, 0.7013559, -0.47279141]
OUTLIER = [*NHSR[:14], 10.0, *NHSR[15:]]


@pytest.mark.parametrize(
    ("values", "screen", "expected"),
    [
        (NHSR, True, (0.1416238, -3.01138, 3.294627)),
        (OUTLIER, True, (0.6694159, -2.383666, 3.722497)),
        (OUTLIER, False, (0.6694159, -4.596625, 5.935457)),
        ([1, 2, 1, 2, 10, *[1, 2] * 6, 1], False, (1.94, -3.06, 6.95)),
        ([1, 2, 1, 2, 10, *[1, 2] * 6, 1], True, (1.94, -0.72, 4.60)),
    ],
)
def test_xmr_limits_are_the_published_ones(values, screen, expected):
    got = control.xmr_limits(values, screen=screen)
    assert list(got) == pytest.approx(expected, rel=2e-6, abs=5e-3 if expected[0] == 1.94 else 0)


@pytest.mark.parametrize(
    ("values", "signals"),
    [
        ([1] * 6, [0] * 6),  # six on one side are not seven
        ([1] * 8, [0] * 6 + [4, 4]),
        ([1, 1, 1, 0, 1, 1, 1, 1], [0] * 8),  # a point on the centre breaks the run
        ([-3, -2, -1, 0, 1, 2], [0] * 6),  # six rising are not seven
        ([-3, -2, -1, 0, 1, 2, 3], [0] * 6 + [2]),
        ([3, 2, 1, 0, -1, -2, -3], [0] * 6 + [2]),
        ([-3, -2, -1, -1, 1, 2, 3], [0] * 7),  # equal neighbours do not rise
        ([7, 0, 7], [0, 0, 3]),  # two of three beyond two thirds of nine
        ([7, 0, -7], [0, 0, 0]),  # on both sides
        ([10, 0, -10], [1, 0, 1]),
    ],
)
def test_each_rule_flags_what_it_says(values, signals):
    assert control.find_signals(values, control.Limits(0, -9, 9)).tolist() == signals


def test_the_chart_follows_size_and_season():
    months = pd.date_range("2020-01-01", periods=60, freq="MS")
    rng = np.random.default_rng(7)
    wave = 1 + 0.4 * np.cos(2 * np.pi * months.month.to_numpy() / 12)
    assert control.choose_chart(np.zeros(60), months) == "none"
    assert control.choose_chart([60.0], months[:1]) == "none"
    assert control.choose_chart(rng.poisson(0.2, 60), months) == "gaps"
    assert control.choose_chart(rng.poisson(3, 60), months) == "quarters"
    assert control.choose_chart(rng.poisson(12, 60), months) == "c"
    assert control.choose_chart(np.arange(60) % 2 + 80, months) == "xmr"
    assert control.choose_chart(rng.poisson(200 * wave), months) == "adjusted"
    assert control.choose_chart(rng.poisson(200 * wave[:30]), months[:30]) == "seasonal"
    assert control.choose_chart(np.tile([0, 0, 0, 1], 15), months, is_dated=True) == "days"
    steady, moved = np.linspace(100, 109, 60), np.linspace(100, 120, 60)
    assert control.choose_chart(rng.poisson(12, 60), months, steady) == "c"
    assert control.choose_chart(rng.poisson(12, 60), months, moved) == "u"


def test_a_chart_of_rates_takes_out_residents_that_changed():
    years = np.repeat([100_000, 130_000], 30)
    data = invented_london(months=60, mean=20, seed=3)
    people = [data.population.assign(population_year=year, population=float(size))
              for year, size in ((2020, 100_000), (2024, 130_000))]  # fmt: skip
    data.population = pd.concat(people, ignore_index=True)
    panel = trend.load_panel(data)
    chart = trend.control_chart(panel)
    assert chart["kind"].unique().tolist() == ["u"]
    size = panel.population[:, panel.mine]
    assert set(size) == set(years)
    # by hand: offences over the residents, times the mean of residents
    assert chart["value"].tolist() == pytest.approx(panel.series / size * size.mean())
    assert chart["centre"].iloc[0] == pytest.approx(panel.series.sum() / size.sum() * size.mean())
    few, many = (chart.loc[size == n, "upper_limit"].iloc[0] for n in (100_000, 130_000))
    assert few > many  # fewer residents, wider limits
    census = data.population["population_year"].eq(2024)  # a step between two kinds of table
    data.population["source"] = np.where(census, "census_age", "mid_year_age")
    assert trend.control_chart(data)["kind"].unique().tolist() != ["u"]
    assert trend.load_panel(data).residents_of == "Census 2024"
    assert panel.residents_of == "mid-year estimates of 2020 to 2024"


def _rare_dated(**kind):
    """Ten core records of two years, nine days from one to the next but the last, 90 after."""
    data = invented_london(source="extract", months=24, mean=0.3, rows=np.zeros((24, 33)), **kind)
    days = pd.Timestamp("2024-01-01 12:00") + pd.to_timedelta([*range(0, 81, 9), 162], unit="D")
    months = days.to_period("M").to_timestamp()
    data.offences = pd.DataFrame({"source": "extract", "band": "core", "offences": 1,
                                  "month": months, "committed_from": days})  # fmt: skip
    held = pd.Series(months).value_counts()
    mine = data.counts["borough_code"].eq("E09000012")
    data.counts.loc[mine, "offences"] = data.counts["month"].map(held).fillna(0)[mine].astype(int)
    return data


def test_rare_offences_with_dates_are_charted_by_the_days_between_them():
    data = _rare_dated(edition="partner")
    terms = {"isa_reference": "A1", "recipients": ("x",), "review_date": date(2099, 1, 1)}
    data.settings = Settings(agreements={"extract": terms})
    chart = trend.control_chart(data)
    assert chart["kind"].unique().tolist() == ["days"]
    assert chart["value"].isna().tolist() == [True] + [False] * 9
    assert chart["value"].iloc[1:].tolist() == pytest.approx([9] * 8 + [90])
    # by hand (Nelson): x = gap ** (1 / 3.6); eight ranges, the one that is not 0 is screened
    assert chart["upper_limit"].iloc[0] == pytest.approx(
        ((8 * 9 ** (1 / 3.6) + 90 ** (1 / 3.6)) / 9) ** 3.6
    )
    assert chart["signal"].iloc[-1] == "outside the limits"
    data.edition = "public"
    assert trend.control_chart(data)["kind"].unique().tolist() == ["withheld"]


@pytest.mark.parametrize("limits", [control.count_limits, control.gap_limits])
def test_limits_of_negative_counts_and_gaps_are_refused(limits):
    with pytest.raises(TableError, match="negative"):
        limits([1, -3, 2])


def test_gap_limits_are_quantiles_of_the_geometric():
    # mean gap 9, so chance 0.1 a unit: P(gap <= 6) = 1 - 0.9 ** 7 = 0.52, P(gap <= 62) = 0.9987
    limits = control.gap_limits(np.full(20, 9.0))
    assert [float(line) for line in limits] == [6, 0, 62]


def test_limits_are_drawn_afresh_at_a_break_and_short_segments_are_trial():
    data = invented_london(months=60, mean=80, simulated=False)
    chart = trend.control_chart(data)
    assert chart["segment"].nunique() == len(trend.load_panel(data).breaks) + 1
    assert chart.loc[chart["is_trial"], "segment"].nunique() >= 1
    assert len(chart) == 60


def test_rare_offences_of_restricted_records_are_withheld_month_by_month():
    data = invented_london(source="extract", mean=0.3, seed=4)
    shown = protect(trend.control_chart(data), contract="trend_control", data=data)
    assert shown.table["kind"].unique().tolist() == ["withheld"]
    assert shown.table["month"].is_unique  # as many rows as months, whatever happened in them
    assert (shown.flags["offences"] == "[c]").sum() == (trend.load_panel(data).series > 0).sum()
    assert shown.table["offences"].fillna(0).eq(0).all()


# --- season, clock, projection ----------------------------------------------------------------


def test_season_needs_three_years_without_a_zero():
    assert trend.season_shape(invented_london(months=35)).empty
    gap = np.full((48, 33), 50)
    gap[5, 11] = 0
    assert trend.season_shape(invented_london(months=48, rows=gap)).empty
    shape = trend.season_shape(invented_london(months=60, season=0.3, mean=400))
    top = shape.loc[shape["season_pct"].idxmax(), "month_name"]
    assert top in ("June", "July", "August")  # planted: July
    assert shape["season_pct"].max() == pytest.approx(30, abs=8)


def test_aoristic_weights_are_the_published_ones():
    # source: apwheele/crimepy test_aor.py inputs, shares from the definition
    begin = [
        "2024-01-01T01:00:00",
        "2024-01-01T23:30:00",
        "2024-01-07T23:30:00",
        "2024-01-01",
        None,
    ]
    end = ["2024-01-01T02:30:00", "2024-01-02T01:15:00", "2024-01-08T00:30:00", "2024-01-12", None]
    weights = counts.aoristic_weights(begin, end)
    assert weights[0, [1, 2]].tolist() == pytest.approx([2 / 3, 1 / 3])
    assert weights[1, [23, 24, 25]].tolist() == pytest.approx([2 / 7, 4 / 7, 1 / 7])
    assert weights[2, [167, 0]].tolist() == pytest.approx([0.5, 0.5])  # Sunday into Monday
    assert weights[3].tolist() == pytest.approx([1 / 168] * 168)
    assert weights[4].sum() == 0
    one = counts.aoristic_weights(["2024-01-03 05:59:00"], [None])  # Wednesday
    assert one[0, 2 * 24 + 5] == 1


def test_clock_counts_core_records_of_the_last_year_and_usual_holidays():
    data = invented_london(source="extract", months=24)
    times = pd.to_datetime(["2025-03-07 23:00", "2025-03-10 16:30", "2024-08-05 12:00"])
    data.offences = pd.DataFrame(
        {"source": "extract", "band": "core", "offences": 1, "committed_from": times,
         "month": times.to_period("M").to_timestamp(), "committed_to": pd.NaT}
    )  # fmt: skip
    clock, parts = trend.count_clock(data)
    assert clock["offences"].sum() == 3
    assert parts["offences"].tolist() == [1, 1, 1]  # Friday night, after school, August
    assert parts["share_of_time"].iloc[0] == pytest.approx(18 / 168)


def test_projection_shows_the_naive_model_when_nothing_beats_it():
    months = 84
    rng = np.random.default_rng(2)
    year = rng.integers(20, 90, 12)  # a wild shape that two waves cannot follow, the same each year
    rows = np.repeat(np.tile(year, months // 12)[:, None], 33, axis=1)
    table, models = trend.project_series(invented_london(months=months, rows=rows))
    assert models.loc[models["is_chosen"], "model"].item() == "seasonal naive"
    ahead = table.loc[table["kind"].eq("projected"), "projected"]
    assert ahead.tolist() == year.tolist()


def test_projection_needs_four_years_since_the_last_break():
    assert trend.project_series(invented_london(months=47))[0].empty
    assert trend.project_series(invented_london(months=60, simulated=False))[0].empty
    table, models = trend.project_series(invented_london(months=72, mean=150, season=0.2))
    assert table["kind"].eq("projected").sum() == 12
    assert 0.85 < models["coverage"].min() <= 1
    ahead = table[table["kind"].eq("projected")]
    widths = (ahead["upper_ci"] - ahead["lower_ci"]).to_numpy()
    assert (np.diff(widths) >= -1e-9).all()  # never surer about a month further ahead


def test_restricted_months_leave_rounded_in_every_table_that_shows_them():
    data = invented_london(source="extract", months=72, mean=41, season=0.2)
    true = trend.load_panel(data).series
    assert (true % 5 != 0).any()
    months, models_tried = trend.project_series(data)
    assert models_tried["is_chosen"].sum() == 1
    for result, contract in (
        (trend.count_series(data), "trend_series"),
        (trend.control_chart(data), "trend_control"),
        (trend.count_calendar(data), "trend_calendar"),
        (months, "trend_projection"),
    ):
        shown = protect(result, contract=contract, data=data).table
        for column in {"offences", "offences_year", "value", "projected", "lower_ci"} & set(shown):
            if column != "lower_ci" or contract == "trend_projection":
                assert (shown[column].dropna() % 5 == 0).all(), (contract, column)


# --- bad input --------------------------------------------------------------------------------


def _everything(data):
    """Run every analysis and show it: nothing may raise and no number may be silent."""
    panel = trend.load_panel(data)
    months, tried = trend.project_series(panel)
    clock, parts = trend.count_clock(panel)
    results = {
        "series": trend.count_series(panel), "change": trend.compare_periods(panel),
        "areas": trend.compare_areas(panel), "control": trend.control_chart(panel),
        "season": trend.season_shape(panel), "funnel": trend.compare_funnel(panel),
        "projection": months, "windows": parts, "recent": trend.find_trend(panel),
        "calendar": trend.count_calendar(panel),
        "clock": clock, "slope": trend.fit_slopes(panel), "backtest": tried,
        "periods": trend.count_periods(panel), "similar": trend.find_similar(panel),
        "families": trend.count_periods(panel, period="year_to_end_month", by="listed_family"),

    }  # fmt: skip
    for name, result in results.items():
        contract = "trend_periods" if name == "families" else f"trend_{name}"
        shown = protect(result, contract=contract, data=data)
        html = show(shown)._repr_html_()
        assert ">nan<" not in html and ">inf<" not in html, name
        if name in ("series", "change", "areas", "control", "season", "funnel", "projection"):
            assert str(describe(shown)).endswith("."), name


HUGE, LATE = np.full((60, 33), 50), np.zeros((60, 33))
HUGE[30, 11], LATE[59, 11] = 10**7, 9


@pytest.mark.slow
@pytest.mark.parametrize(
    "kind",
    [
        {"months": 1}, {"months": 11}, {"months": 12}, {"rows": np.zeros((60, 33))},
        {"rows": HUGE}, {"rows": LATE}, {"months": 30, "simulated": False, "end": "2024-03-01"},
        {"months": 13, "simulated": False, "end": "2025-02-01"}, {"source": "extract", "mean": 2},
        {"months": 20, "each": 3, "source": "home_office_csp", "season": 0.2, "mean": 150},
        {"months": 3, "each": 3, "source": "home_office_csp"},
    ],
    ids=["one month", "eleven", "twelve", "zeros", "huge month", "only the last month",
         "break at the last month", "break at the first", "few records", "quarters",
         "three quarters"],
)  # fmt: skip
def test_odd_series_get_a_word_and_never_a_silent_number(kind):
    _everything(invented_london(**kind))


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda data: trend.control_chart(data, label="homicde"), "No publisher has a category"),
        (lambda data: trend.count_cuts(data, cuts=["wepon"]), "not known"),
        (lambda data: trend.compare_periods(data, across_breaks=True), "is a text"),
        (lambda data: trend.count_series(data.counts), "not the data of a borough"),
        (lambda data: trend.add_rolling_total(data.counts, window_months=0), "one month or more"),
        (lambda _: control.xmr_limits([5.0]), "two values or more"),
        (lambda _: control.xmr_limits([5.0, np.nan, 4]), "none missing"),
        (lambda data: counts.count_by_month(data.counts, by="bnad", start_month="2024-01",
                                            end_month="2024-02"), "cannot be counted by this"),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_refused(call, words):
    with pytest.raises((UsageError, TableError), match=words):
        call(invented_london(months=24))


def test_a_month_given_by_a_day_is_that_month_and_gaps_are_no_window():
    rows = pd.DataFrame({"month": pd.to_datetime(["2024-01-01", "2024-03-01"]), "offences": [2, 1],
                         "band": ["core", "core"]})  # fmt: skip
    grid = counts.count_by_month(rows, start_month="2024-01-15", end_month="2024-03", by="band")
    assert grid["offences"].tolist() == [2, 0, 1]
    more = pd.concat([rows, rows.assign(month=pd.Timestamp("2024-04-01")).head(1)])
    with pytest.raises(TableError, match="missing inside"):
        trend.add_rolling_total(more, window_months=2)


def test_models_of_separated_series_do_not_fall_over():
    rng = np.random.default_rng(0)
    months = pd.date_range("2020-01-01", periods=60, freq="MS")
    design = models.make_design(months, seasonal=True, segments=np.arange(60) >= 11)
    for chance in (0.02, 0.2, 1):
        y = rng.poisson(chance, (60, 40)) * rng.choice([1, 10**6], (60, 40), p=[0.9, 0.1])
        y[:, 0] = (months.month == 7) * 5
        fit = models.fit_quasi_poisson(y, design)
        assert np.isfinite(fit.estimate[:, fit.converged]).all()


def test_a_month_without_a_row_is_a_zero_and_nobody_is_a_clear_error():
    data = invented_london(months=24)
    gone = data.counts["borough_code"].eq("E09000012") & data.counts["month"].eq(
        pd.Timestamp("2024-05-01")
    )
    data.counts = data.counts[~gone]
    series = trend.count_series(data)
    hit = series["area"].eq("Hackney") & series["month"].eq(pd.Timestamp("2024-05-01"))
    assert series.loc[hit, "offences"].tolist() == [0]
    people = data.population
    data.population = people.assign(population=0.0)
    with pytest.raises(CoverageError, match="no residents"):
        trend.count_series(data)
    data.population = people.head(0)
    with pytest.raises(NothingToShowError, match="no residents of Hackney"):
        trend.count_series(data)


def test_the_verbs_an_analyst_types_are_public():
    import sna

    assert {"add_rate", "count_by_month", "count_series", "compare_periods"} <= set(dir(sna))
    assert sna.count_by_month is counts.count_by_month


def test_a_borough_without_files_of_attendances_has_an_empty_table_that_can_be_protected():
    data = invented_london(months=24)
    data.attendances = pd.DataFrame({"source": [], "release_class": []})
    table = trend.count_attendances(data)
    assert protect(table, contract="trend_attendances", data=data).table.empty


def test_breaks_are_told_in_full_once_and_elsewhere_by_their_months():
    data = invented_london(months=60, simulated=False)
    series = protect(trend.count_series(data), contract="trend_series", data=data)
    control_chart = protect(trend.control_chart(data), contract="trend_control", data=data)
    full, short = (show(found)._repr_html_() for found in (series, control_chart))
    text = next(text for text in series.table["break_text"] if text)
    assert text in full and text not in short
    assert "Recording changed in [b]" in short
