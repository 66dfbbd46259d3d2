"""Tests of sna.disclosure.protect: thresholds, rounding, rates from protected counts, editions."""

import re
import tomllib
from importlib.resources import files
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

import sna
from sna.errors import TableError, UsageError
from sna.schemas.results import Derived, Estimate, ResultTable, register
from sna.settings import Agreement, Disclosure, Override, Settings

register(
    ResultTable("t_ward", "a ward", ("ward_code",), ("offences",), plain=("population",),
                derived=(Derived("rate", "rate", ("offences", "population"),
                                 ("lower_ci", "upper_ci")),)),
    ResultTable("t_people", "a ward and age band", ("ward_code", "age_band"), ("offences",),
                people_columns={"offences": "people"}, top_two_columns={"offences": "top_two"}),
    ResultTable("t_split", "an ethnic group", ("period", "ethnic_group"), ("offences",)),
    ResultTable("t_family", "a family", ("period", "name"), ("offences",)),
    ResultTable("t_month", "a month and ward", ("month", "ward_code"), ("offences",)),
    ResultTable("t_change", "a borough", ("borough_code",), ("now", "before"),
                derived=(Derived("change_pct", "change_pct", ("now", "before")),
                         Derived("share_pct", "share", ("now", "before")))),
    ResultTable("t_ratio", "an ethnic group", ("ethnic_group",), ("offences", "ref"),
                plain=("population", "ref_population"),
                derived=(Derived("rate_ratio", "rate_ratio",
                                 ("offences", "population", "ref", "ref_population"),
                                 ("lower_ci", "upper_ci")),)),
    ResultTable("t_model", "a borough", ("borough_code",), ("offences",),
                estimates=(Estimate("fitted", "offences"),)),
    ResultTable("t_copy", "a borough", ("borough_code",), ("offences",),
                estimates=(Estimate("value", "all_offences"),)),
)  # fmt: skip


def borough(edition="public", settings=None, **more):
    return SimpleNamespace(
        edition=edition, borough_name="Camden", end_month=pd.Timestamp("2025-03-01"),
        simulated=True, settings=settings or Settings(), **more,
    )  # fmt: skip


def wards(counts, release_class="restricted", **more):
    return pd.DataFrame(
        {"ward_code": [f"E0500{i:04}" for i in range(len(counts))], "offences": counts,
         "population": 10_000, "release_class": release_class, **more}
    )  # fmt: skip


def shown(frame, contract, **options):
    done = sna.protect(frame, contract=contract, data=borough(**options))
    return done, done.table["offences"].tolist(), done.flags["offences"].tolist()


def test_restricted_counts_show_zero_hide_one_to_four_and_round_the_rest_to_five():
    done, values, flags = shown(wards([0, 1, 4, 5, 7, 8, 103]), "t_ward")
    assert np.array_equal(values, [0, np.nan, np.nan, 5, 5, 10, 105], equal_nan=True)
    assert flags == ["", "[c]", "[c]", "", "", "", ""]
    assert any("may not sum" in note for note in done.notes)
    assert any("fewer than 5" in note for note in done.notes)


def test_totals_are_rounded_on_their_own_so_they_need_not_sum():
    _, values, _ = shown(wards([7, 7, 14]), "t_ward")
    assert values == [5, 5, 15]


def test_open_counts_are_unaltered_in_both_editions():
    for edition in ("public", "partner"):
        _, values, flags = shown(wards([0, 1, 4, 7], "open"), "t_ward", edition=edition)
        assert (values, flags) == ([0, 1, 4, 7], ["", "", "", ""])


def test_rows_without_a_release_class_count_as_restricted():
    _, values, _ = shown(wards([3, 7]).drop(columns="release_class"), "t_ward")
    assert np.isnan(values[0])
    assert values[1] == 5


def test_the_input_is_unchanged_and_unknown_columns_stay_inside():
    frame = wards([3, 7], secret=[3, 7])
    before = frame.copy()
    done = sna.protect(frame, contract="t_ward", data=borough())
    pd.testing.assert_frame_equal(frame, before)
    assert list(done.table) == [
        "ward_code", "offences", "population", "rate", "lower_ci", "upper_ci",
    ]  # fmt: skip


def test_rates_and_their_limits_come_from_the_protected_count():
    done = sna.protect(wards([103, 4]), contract="t_ward", data=borough())
    # 105 per 10,000; Byar limits by hand with x = 105, z = 1.95996
    assert done.table["rate"].tolist()[0] == pytest.approx(10.5)
    assert done.table["lower_ci"].tolist()[0] == pytest.approx(8.588, abs=1e-3)
    assert done.flags["rate"].tolist() == ["", "[c]"]
    assert done.flags["upper_ci"].tolist() == ["", "[c]"]


def test_crude_rates_are_withheld_under_three_events_and_unreliable_under_twenty():
    done = sna.protect(wards([0, 2, 3, 19, 20], "open"), contract="t_ward", data=borough())
    assert done.flags["rate"].tolist() == ["[x]", "[x]", "[u]", "[u]", ""]
    assert done.table["rate"].isna().tolist() == [True, True, False, False, False]


@pytest.mark.parametrize(
    ("said", "count", "flag"),
    [("health", 7, "[c]"), ("health", 8, ""), ("sensitive", 9, "[c]"), ("sensitive", 10, "")],
)
def test_thresholds_rise_with_sensitivity(said, count, flag):
    _, _, flags = shown(wards([count], sensitivity=said), "t_ward")
    assert flags == [flag]


def test_words_for_sexual_offences_and_children_raise_the_sensitivity():
    frame = pd.DataFrame({
        "ward_code": ["w", "w"], "age_band": ["10-17", "18-24"], "offences": [9, 9], "people": 9,
        "top_two": 2, "release_class": "restricted",
    })  # fmt: skip
    _, _, flags = shown(frame, "t_people")
    assert flags == ["[c]", ""]


def test_homicides_of_records_are_hidden_whole_since_open_files_count_each():
    """One homicide openly in a month, [c] of records in the core: that was the one; 0: it was not."""
    frame = pd.DataFrame({
        "period": list("abcd") * 2, "name": ["Homicide"] * 4 + ["homicide_inchoate"] * 4,
        "offences": [0, 1, 6, np.nan] * 2, "release_class": "restricted",
    })  # fmt: skip
    done, _, flags = shown(frame, "t_family")
    assert flags == ["[c]", "[c]", "[c]", "[x]", "", "[c]", "", "[x]"]
    assert done.log["rule"].value_counts().to_dict() == {"open": 3, "threshold": 1}
    assert shown(frame.assign(release_class="open"), "t_family")[1][:3] == [0, 1, 6]


def test_six_events_of_one_person_are_suppressed_and_so_are_dominated_counts():
    frame = pd.DataFrame({
        "ward_code": list("abc"), "age_band": "25-34", "offences": [6, 40, 40],
        "people": [1, 30, 30], "top_two": [6, 37, 20], "release_class": "restricted",
    })  # fmt: skip
    done, _, flags = shown(frame, "t_people")
    assert flags == ["[c]", "[c]", ""]
    assert done.log["rule"].tolist() == ["people", "dominance", "dominance"]


def test_a_split_with_everyone_in_one_group_is_suppressed_and_so_is_a_small_one():
    frame = pd.DataFrame({
        "period": ["a"] * 3 + ["b"] * 3 + ["c"] * 3,
        "ethnic_group": ["All", "Black", "White"] * 3,
        "offences": [50, 50, 0, 4, 4, 0, 50, 25, 25], "release_class": "restricted",
    })  # fmt: skip
    _, _, flags = shown(frame, "t_split")
    assert flags == ["", "[c]", "[c]", "[c]", "[c]", "[c]", "", "", ""]


def test_everyone_not_stated_says_nothing_about_anyone():
    frame = pd.DataFrame({"period": "a", "ethnic_group": ["Black", "Not stated"],
                          "offences": [0, 50], "release_class": "restricted"})  # fmt: skip
    assert shown(frame, "t_split")[2] == ["", ""]


def test_restricted_rows_finer_than_ward_or_quarter_do_not_appear():
    frame = pd.DataFrame({
        "month": pd.to_datetime(["2025-01-01"] * 3), "ward_code": ["E05000001", None, "E01000001"],
        "offences": [50, 50, 50], "release_class": "restricted",
    })  # fmt: skip
    done, values, _ = shown(frame, "t_month")
    assert values == [50]  # the borough's month
    assert done.log["reason"].tolist() == ["finer than a quarter", "finer than ward or MSOA"]
    assert any("smaller than a ward" in note for note in done.notes)
    assert len(shown(frame.assign(window_months=12), "t_month")[1]) == 2


def test_open_demographics_crossed_by_three_are_restricted():
    register(ResultTable("t_search", "a search", ("sex", "age_band", "ethnic_group"),
                         ("offences",)))  # fmt: skip
    frame = pd.DataFrame({"sex": ["male", "male"], "age_band": ["18-24", "all"],
                          "ethnic_group": ["Black", "Black"], "offences": [3, 3],
                          "release_class": "open"})  # fmt: skip
    assert shown(frame, "t_search")[2] == ["[c]", ""]


def test_changes_need_fifty_before_and_percentages_are_whole():
    frame = pd.DataFrame({"borough_code": ["a", "b"], "now": [61, 61], "before": [45, 93],
                          "release_class": "restricted"})  # fmt: skip
    done = sna.protect(frame, contract="t_change", data=borough())
    assert done.flags["change_pct"].tolist() == ["[x]", ""]
    assert done.table["change_pct"].tolist()[1] == -37  # 60 against 95
    assert done.table["share_pct"].tolist()[1] == 63


def test_ratios_hide_with_either_count_and_never_become_infinite():
    frame = pd.DataFrame({
        "ethnic_group": ["a", "b", "c"], "offences": [60, 3, 60], "population": 12_000,
        "ref": [90, 90, 0], "ref_population": 60_000, "release_class": "restricted",
    })  # fmt: skip
    done = sna.protect(frame, contract="t_ratio", data=borough())
    assert done.flags["rate_ratio"].tolist() == ["", "[c]", "[x]"]
    # source: ratio 60/12,000 against 90/60,000 = 3.333, score interval (2.408, 4.614)
    assert done.table.loc[0, ["rate_ratio", "lower_ci", "upper_ci"]].tolist() == pytest.approx(
        [3.333, 2.408, 4.614], abs=1e-3
    )


def test_estimates_from_true_counts_need_ten_events_and_keep_three_figures():
    frame = pd.DataFrame({"borough_code": list("abc"), "offences": [9, 1234, 3],
                          "fitted": [19, 1004.5, 5], "release_class": "restricted"})  # fmt: skip
    done = sna.protect(frame, contract="t_model", data=borough())
    assert done.flags["fitted"].tolist() == ["[x]", "", "[c]"]
    assert done.table["fitted"].tolist()[1] == 1000


def test_an_estimate_that_repeats_or_scales_a_count_is_protected_like_it():
    frame = pd.DataFrame({"borough_code": list("abcd"), "offences": [23, 4, 37, 51],
                          "all_offences": 115, "release_class": "restricted"})  # fmt: skip
    for scale in (1, 0.5):
        done = sna.protect(frame.assign(value=frame["offences"] * scale), contract="t_copy",
                           data=borough())  # fmt: skip
        assert done.flags["value"].tolist() == ["", "[c]", "", ""]
        assert done.table["value"].dropna().tolist() == [25 * scale, 35 * scale, 50 * scale]


AGREEMENT = Agreement(isa_reference="ISA-1", recipients=("Partnership",),
                      review_date=pd.Timestamp("2026-01-01").date())  # fmt: skip
AGREED = {"extract": AGREEMENT}


def test_partners_see_true_counts_only_under_an_agreement():
    frame = wards([0, 3, 7], source="extract")
    data = {"edition": "partner", "settings": Settings(agreements=AGREED)}
    done, values, flags = shown(frame, "t_ward", **data)
    assert (values, flags) == ([0, 3, 7], ["", "[low]", ""])
    assert done.marking == "OFFICIAL-SENSITIVE"
    _, values, flags = shown(frame, "t_ward", edition="partner")
    assert flags == ["", "[c]", ""]


def test_a_late_agreement_leaves_public_rules_and_says_so():
    late = Settings(expired={"extract": AGREEMENT.review_date})
    done, _, flags = shown(wards([0, 3, 7], source="extract"), "t_ward", edition="partner",
                           settings=late)  # fmt: skip
    assert flags == ["", "[c]", ""]
    assert any("extract has passed its review date" in note for note in done.notes)


def test_health_data_keeps_its_suppression_for_partners_unless_lifted():
    frame = wards([3, 7, 31, 42], source="ambulance")
    data = {"edition": "partner", "settings": Settings(agreements={"ambulance": AGREEMENT})}
    _, values, flags = shown(frame, "t_ward", **data)
    assert flags == ["[c]", "[c]", "", ""]  # the 7 too: the borough's exact total gives 3 away
    assert values[2:] == [31, 42]


def test_an_unknown_edition_and_a_missing_column_are_errors():
    with pytest.raises(UsageError, match="not an edition"):
        sna.protect(wards([1]), contract="t_ward", data=borough("everyone"))
    with pytest.raises(TableError, match="lacks 1 columns"):
        sna.protect(wards([1]).drop(columns="population"), contract="t_ward", data=borough())


OVERRIDE = Override(contract="t_split", rule="group", reason="checked", approver="Head of CSP")


def test_round_base_ten_and_approved_overrides():
    ten = Settings(disclosure=Disclosure(round_base=10))
    assert shown(wards([5, 14, 25]), "t_ward", settings=ten)[1] == [10, 10, 30]
    lifted = Disclosure(overrides=(OVERRIDE,))
    frame = pd.DataFrame({"period": "a", "ethnic_group": ["Black", "White"], "offences": [50, 0],
                          "release_class": "restricted"})  # fmt: skip
    assert shown(frame, "t_split", settings=Settings(disclosure=lifted))[2] == ["", ""]


def test_an_empty_table_and_a_wholly_suppressed_one_are_still_tables():
    done, values, _ = shown(wards([]), "t_ward")
    assert values == []
    done, values, flags = shown(wards([1, 2]), "t_ward")
    assert flags == ["[c]", "[c]"]
    assert done.table["rate"].isna().all()
    assert done.shown(0, "offences") == "[c]"


def test_no_restricted_value_is_small_or_off_the_base_over_many_random_counts():
    chance = np.random.default_rng(7)
    for base in (5, 10):
        settings = Settings(disclosure=Disclosure(round_base=base))
        frame = wards(chance.integers(0, 60, 5000), sensitivity=chance.choice(
            ["standard", "health", "sensitive"], 5000))  # fmt: skip
        done = sna.protect(frame, contract="t_ward", data=borough(settings=settings))
        least = frame["sensitivity"].map({"standard": 5, "health": 8, "sensitive": 10})
        value = done.table["offences"]
        assert not ((value > 0) & (value < least)).any()
        assert (value.dropna() % base == 0).all()
        back = (done.table["rate"] * 10).dropna()  # rate times population: the rounded count
        assert np.allclose(back % base, 0) | np.allclose(back % base, base)


# Columns that leave as they are, and why no count of people or offences can be read from them.
PLAIN = {
    "names, words and classes": """
        answer area_level area_name before borough_code borough_name break_text caution community_impact
        compared domain drifts hotspot_class is_chosen is_late is_mine is_overdispersed is_recommended
        is_sensitivity is_this_borough is_trial known kind maximum_penalty measure members model
        moran_class moves name name_a name_b narrowed_by note noun of_what persistence phrase profile_a
        profile_b question reason reference_group scheme signal title_b trend u25 da sv several unit
        used victim_impact why word assessable residents_of segment
        group""",
    "time": """
        break_month end_month follow_up_months hour months period period_end period_months
        period_start report_month start_month years""",
    "published by others: residents, areas, census": """
        area_km2 borough_person_years distance exposure known_population person_years population
        population_year reference_population trend_admissions.lower_ci trend_admissions.upper_ci
        trend_admissions.value share_of_time tile_column tile_row value workday_years""",
    "numbers of areas, months or models": """
        areas areas_flagged flagged_periods flagged_share origins periods periods_hot
        years_in_top_tenth cell_m bandwidth_m""",
    "made of published counts (decision 0076)": """
        coverage error error_ratio expected lower_95 lower_998 phi target upper_95 upper_998""",
}  # fmt: skip


def test_every_column_outside_disclosure_control_was_looked_at():
    text = files("sna.schemas").joinpath("results.toml").read_text(encoding="utf-8")
    plain = {
        (name, column) for name, t in tomllib.loads(text).items() for column in t.get("plain", ())
    }
    seen = {column for columns in PLAIN.values() for column in columns.split()}
    known = seen | {f"{name}.{column}" for name, column in plain if column in seen}
    assert sorted({f"{name}.{column}" for name, column in plain} - known) == []
    assert sorted(seen - {c for _, c in plain} - {f"{n}.{c}" for n, c in plain}) == []
    counted = (
        "offences|people|recorded|victims|suspects|searches|outcomes|count|rate|ratio|share|pct"
    )
    assert {c for _, c in plain if re.search(counted, c)} <= {
        "flagged_share",
        "share_of_time",
        "error_ratio",
    }
