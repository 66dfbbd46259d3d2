"""The classifier beyond the truth table: switches, contradictions, people, links, bounds."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal
from tables import table

from sna import definitions
from sna.classify import (
    ADDED,
    add_counting_basis,
    bands,
    choose_rows,
    classify_offences,
    combine_bounds,
    compare,
    compare_profiles,
    count_bands,
    count_contexts,
    count_families,
    count_missing,
    count_monitored,
    count_readings,
    count_sensitivity,
    count_waterfall,
    definition_bounds,
    explain_offence,
    find_unmatched,
)
from sna.counts import choose_series
from sna.errors import DefinitionError, TableError, UsageError

PLAIN = {"offence_code": "8N", "victim_age": "40", "suspect_age": "41", "domestic_abuse": "no",
         "weapon": "none"}  # fmt: skip
CORE, CONTEXT, LISTED, OPEN, OUT = (
    "core", "context_only", "listed_out_of_context", "indeterminate", "out",
)  # fmt: skip


def band(profile="london_2023", **facts):
    row = {k: [v] for k, v in {**PLAIN, **facts}.items()}
    return str(classify_offences(pd.DataFrame(row), profile=profile)["band"].iloc[0])


def with_switch(base="london_2023", **switches):
    return definitions.read_profile(base).with_switches(**switches)


# Every switch of the ambiguity table on a case where it changes the band.
SWITCHED = [
    ({"u25_role": "victim"}, {"suspect_age": "19"}, CORE, LISTED),
    ({"u25_role": "suspect"}, {"victim_age": "17"}, CORE, LISTED),
    ({"u25_role": "suspect"}, {"victim_age": "17", "suspect_age": ""}, CORE, OPEN),
    ({"u25_role": "both"}, {"victim_age": "17"}, CORE, LISTED),
    ({"age_basis": "recorded_age"}, {"victim_age": "24", "victim_age_recorded": "25"}, CORE, LISTED),
    ({"age_zero": "accept"}, {"victim_age": "0"}, OPEN, CORE),
    ({"missing_age": "drop"}, {"victim_age": ""}, OPEN, OUT),
    ({"reading": "B"}, {"offence_code": "105A", "victim_age": "16"}, CONTEXT, CORE),
    ({"sexual_scope": "contact"}, {"offence_code": "22B"}, CONTEXT, CORE),
    ({"sexual_scope": "schedule3"}, {"offence_code": "88E"}, CONTEXT, CORE),
    ({"da_source": "flag"}, {"domestic_abuse": "", "relationship": "wife"}, CORE, OPEN),
    ({"da_source": "derived"}, {"domestic_abuse": "no", "relationship": "wife"}, LISTED, CORE),
    ({"da_scope": "listed"}, {"offence_code": "105A", "domestic_abuse": "yes"}, CONTEXT, OUT),
    ({"da_scope": "all_flagged"}, {"offence_code": "46", "domestic_abuse": "yes"}, OUT, CONTEXT),
    ({"include_exploitation": "off"}, {"offence_code": "106", "victim_age": "20"}, CONTEXT, OUT),
    ({"include_exploitation": "core"}, {"offence_code": "106", "victim_age": "20"}, CONTEXT, CORE),
    ({"exploitation_age": "either"}, {"offence_code": "106", "suspect_age": "20"}, OUT, CONTEXT),
    ({"exploitation_age": "any"}, {"offence_code": "106"}, OUT, CONTEXT),
    ({"include_business_robbery": True}, {"offence_code": "34A", "victim_age": "19"}, OUT, CORE),
    ({"inchoate": "out"}, {"offence_code": "2", "victim_age": "23"}, CORE, OUT),
    ({"include_common_assault": True}, {"offence_code": "105A", "victim_age": "16"}, CONTEXT, CORE),
    ({"refine_by_detailed_code": True}, {"offence_code": "008/04", "victim_age": "9"}, CORE, CONTEXT),
    ({"refine_by_detailed_code": True}, {"offence_code": "005/07", "victim_age": "9"}, CONTEXT, CORE),
    ({"include_nfs": False}, {"offence_code": "008/77", "victim_age": "20"}, CORE, CONTEXT),
    ({"gbh_family": "wide"}, {"offence_code": "5E", "victim_age": "20"}, CONTEXT, CORE),
    ({"include_emergency_worker": True}, {"offence_code": "8S", "suspect_age": "20"}, OUT, CORE),
    ({"include_emergency_worker": True}, {"offence_code": "104", "suspect_age": "20"}, OUT, CONTEXT),
    ({"homicide_scope": "with_corporate"}, {"offence_code": "4.10", "victim_age": "20"}, OUT, CORE),
    ({"homicide_scope": "with_driving"}, {"offence_code": "4.4", "victim_age": "20"}, OUT, CORE),
    ({"weapon_clause": "lift"}, {"weapon": "knife", "weapon_use": "used"}, LISTED, CORE),
    ({"include_possession": True}, {"offence_code": "10D", "suspect_age": "16"}, OUT, CONTEXT),
    ({"include_non_notifiable": True}, {"victim_age": "9", "status": "non_notifiable"}, OUT, CORE),
]  # fmt: skip


@pytest.mark.parametrize(("switches", "facts", "before", "after"), SWITCHED)
def test_every_switch_changes_a_band(switches, facts, before, after):
    assert band(**facts) == before
    assert band(profile=with_switch(**switches), **facts) == after


@pytest.mark.parametrize(
    ("switches", "weapon", "use", "before", "after"),
    [
        ({"weapon_use": "used"}, "knife", "threatened", CORE, LISTED),
        ({"weapon_use": "used_threatened"}, "knife", "intimated", CORE, LISTED),
        ({"firearm_scope": "lethal_barrelled"}, "other_firearm", "used", LISTED, OPEN),
        ({"firearm_scope": "any_gun_flag"}, "firearm_type_unknown", "used", OPEN, CORE),
    ],
)
def test_the_weapon_switches_act_where_the_clause_lifts(switches, weapon, use, before, after):
    draft = definitions.read_profile("london_2022_draft")
    assert band(profile=draft, weapon=weapon, weapon_use=use) == before
    assert band(profile=draft.with_switches(**switches), weapon=weapon, weapon_use=use) == after


def test_flag_only_shows_the_weapon_and_leaves_the_band():
    row = pd.DataFrame(
        {k: [v] for k, v in {**PLAIN, "weapon": "knife", "weapon_use": "used"}.items()}
    )
    shown = classify_offences(row, profile=with_switch(weapon_clause="flag_only")).iloc[0]
    assert (shown["band"], shown["near_neighbour_switch"]) == (LISTED, "weapon_clause=lift")
    assert shown["weapon_feature"] == "knife"


DAMAGE = """
offence_id | offence_code | victim_age | domestic_abuse | linked_id
A          | 8N           | 17         | no             |
B          | 58A          |            | no             | A
"""


def test_property_off_leaves_attached_damage_out():
    rows = table(DAMAGE)
    assert classify_offences(rows)["band"].tolist() == [CORE, CORE]
    assert classify_offences(rows)["attached_to"].tolist()[1] == "A"
    off = classify_offences(rows, profile=with_switch(property="off"))
    assert off["band"].tolist() == [CORE, OUT]


@pytest.mark.parametrize(
    ("value", "core", "possible", "attached"),
    [("attach", 1, 2, 1), ("count", 2, 5, 0), ("off", 1, 2, 0)],
)
def test_attached_damage_is_a_unit_nowhere_unless_the_profile_counts_it(
    value, core, possible, attached
):
    """By hand: A is core, B its damage, C may be core, D its damage, E damage of an unknown."""
    rows = table(
        DAMAGE
        + """
        C          | 8N           |            | no             |
        D          | 58A          |            | no             | C
        E          | 58A          |            | no             | Z
    """
    ).assign(month=pd.Timestamp("2024-01-01"), borough_code="E09000012", source="extract")
    profile = definitions.read_profile("london_2023")
    profile = profile if value == "attach" else with_switch(property=value)
    found = classify_offences(rows, profile=profile)
    steps, bands = count_waterfall(found, profile=profile), count_bands(found).set_index("band")
    assert steps["offences"].iloc[-1] == steps["offences"].iloc[0] - steps["left_out"].sum() == core
    interval = definition_bounds(found, profile=profile).iloc[0]
    assert interval[["lower", "upper"]].tolist() == [core, possible]
    assert count_contexts(found)["core"].sum() == core
    assert (
        bands["offences"].get("attached", 0) == attached and bands.loc["core", "offences"] == core
    )
    assert len(choose_series(found.assign(offences=1), "E09000012").rows) == core
    read = compare._count_core(rows, [profile], None).iloc[0]
    assert read[["core", "core_possible"]].tolist() == [core, possible]


def test_a_companion_is_found_by_place_time_and_suspect_where_the_profile_says_so():
    rows = table(DAMAGE).drop(columns="linked_id").assign(
        lsoa_code="E01000001", committed_from=pd.to_datetime(["2024-01-01 20:00", "2024-01-01 21:30"])
    )  # fmt: skip
    people = pd.DataFrame({"offence_id": ["A", "B"], "person_role": "suspect", "person_id": "P",
                           "people": 1, "age": 30})  # fmt: skip
    nearby = with_switch(property_nearby_fallback=True)
    assert classify_offences(rows, people=people)["band"].tolist() == [CORE, OUT]
    found = classify_offences(rows, people=people, profile=nearby)
    assert found["band"].tolist() == [CORE, CORE]
    assert found["band_quality"].tolist()[1] == "low"


def test_counting_switches_change_counts():
    rows = table("""
        offence_id | month      | borough_code | managing_borough_code | offences
        A          | 2024-02-01 | E09000001    | E09000002             | 1
    """).assign(committed_from=pd.Timestamp("2023-12-31"))
    people = pd.DataFrame({"offence_id": ["A", "A"], "person_role": "victim", "people": 1})
    counted = add_counting_basis(
        rows, people=people,
        profile=with_switch(unit="victim", date_basis="committed", area_basis="managing_borough"),
    )  # fmt: skip
    assert counted.loc[0, ["offences", "borough_code"]].tolist() == [2, "E09000002"]
    assert counted.loc[0, "month"] == pd.Timestamp("2023-12-01")


def test_every_switch_is_tested_here():
    tested = {name for row in SWITCHED for name in row[0]}
    tested |= {"weapon_use", "firearm_scope", "property", "property_nearby_fallback",
               "unit", "date_basis", "area_basis"}  # fmt: skip
    assert set(definitions.switches()["switch"]) == tested


OWN = 'id = "x"\nversion = "1"\nsource = "s"\n'


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (f'{OWN}colour = "red"', "colour"),
        (f'{OWN}base = "london_2032"', "london_2023"),
        (f'{OWN}[switches]\nreading = "C"', "A, B"),
        (f'{OWN}[switches]\nmissing_age = "impute"', "band, drop"),
        (f'{OWN}[switches]\nredding = "A"', "redding"),
        (f'{OWN}[switches]\nredding = "A"', "Did you mean 'reading'"),
        (f'{OWN}[switches]\ninclude_nfs = "true"', "'true'.*\n.*\n.*\n.*true, false"),
        ('id = "x"', "version"),
        (f'{OWN}families = ["homicde"]', "homicde"),
        (f'{OWN}contexts = "subgroups"', "needs subgroups"),
        (f'{OWN}contexts = "subgroups"\nsubgroups = ["violnce"]', "violnce"),
        (f'{OWN}[monitored.a]\ntitle = "t"\nrules = ["R99"]', "R99"),
        (f'{OWN}[monitored.a]\ntitle = "t"\noutside = "u52"', "u52"),
        (f'{OWN}[monitored.a]\ntitle = "t"\noffence_codes = ["8ZZ"]', "8ZZ"),
    ],
)
def test_a_borough_profile_is_read_strictly(tmp_path, text, words):
    path = tmp_path / "own.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match=words):
        definitions.read_profile(path)


def test_a_borough_profile_inherits_and_gets_its_own_hash(tmp_path):
    path = tmp_path / "own.toml"
    path.write_text(
        'id = "own"\nversion = "1"\nsource = "minute 7"\nbase = "london_2022_draft"\n'
        "adopted = 2025-01-01\n[switches]\ninclude_common_assault = true\n",
        encoding="utf-8",
    )
    own = definitions.read_profile(path)
    assert own.switches["weapon_clause"] == "lift"
    assert own.hash != definitions.read_profile("london_2022_draft").hash


def test_an_unmatched_label_raises_with_every_label_and_its_rows():
    rows = pd.DataFrame({"offence_code": ["8N", "8ZZ", "8ZZ", ""], "offence_text": "Unheard of"})
    with pytest.raises(DefinitionError, match=r"8ZZ \(2 rows\); Unheard of \(1 rows\)"):
        classify_offences(rows)
    assert find_unmatched(rows).index.tolist() == [1, 2, 3]


@pytest.mark.parametrize(
    ("label", "profile", "expected"),
    [
        # source: definition table of published categories, columns 23, RW and E
        ("MPS C | VIOLENCE AGAINST THE PERSON | STALKING AND HARASSMENT", "london_2023", OPEN),
        ("MPS | BURGLARY | RES BURGLARY OF A HOME", "all_ages_richmond_wandsworth", OUT),
        ("MPS | Violence Against the Person | Homicide", "all_ages_richmond_wandsworth", CORE),
        ("MPS | MISCELLANEOUS CRIMES AGAINST SOCIETY | MISC CRIMES AGAINST SOCIETY", "enfield_contexts",
         OUT),
        ("MPS | Miscellaneous | Exploitation of Prostitution", "london_2023", OPEN),
        ("M1045 | Knife Crime | Knife Injury Victims (non DA 1-24)", "enfield_contexts", CORE),
        ("M1045 | VIOLENCE AGAINST THE PERSON | HOMICIDE", "london_2023", OPEN),
        ("M1045 | KNIFE CRIME | knife crime with injury (personal robbery)", "london_2022_draft", CORE),
        ("police.uk | Other theft", "london_2023", OUT),
    ],
)  # fmt: skip
def test_published_categories_give_the_band_of_all_they_can_hold(label, profile, expected):
    rows = pd.DataFrame({"published_category": [label], "offences": [7]})
    classified = classify_offences(rows, profile=profile)
    assert classified.loc[0, "band"] == expected
    assert (classified.loc[0, "offences"], classified.loc[0, "band_quality"]) == (7, "aggregate")


def test_subgroups_are_counted_whole_where_that_is_the_practice():
    rows = pd.DataFrame({"offence_code": ["8S", "105A", "34B", "46"],
                         "domestic_abuse": ["no", "no", "no", "yes"]})  # fmt: skip
    counted = classify_offences(rows, profile="subgroup_lbhf")["band"].tolist()
    assert counted == [CORE, CORE, OUT, CORE]


def test_no_headline_is_drawn_from_an_incomplete_profile():
    assert definitions.read_profile("thames_valley_2024").status == "incomplete"
    classified = classify_offences(table(DAMAGE), profile="thames_valley_2024")
    for count in (count_waterfall, definition_bounds):
        with pytest.raises(UsageError, match="not verified"):
            count(classified)


def test_what_a_text_asks_to_watch_is_counted_beside_the_definition():
    rows = table("""
        offence_id | offence_code | victim_age | domestic_abuse | premises_type
        A          | 8N           | 40         | no             | Street
        B          | 8N           | 17         | no             | Street
        C          | 105A         | 50         | no             | Dwelling
        D          | 106          | 30         | no             | Dwelling
        E          | 46           | 40         | no             | Street
        F          | 8N           |            | no             | Dwelling
    """)
    classified = classify_offences(rows, profile="kingston_plus")
    watched = count_monitored(classified, profile="kingston_plus").set_index("title")
    # by hand: A, C and D have nobody under 25, F is not known; A and B are in the street; D is 106
    counts = watched["offences"].tolist()
    assert counts == [3, 2, 0, 1]
    assert watched["assessable"].tolist()[2] == "no: needs county_lines_flag"
    assert classified["band"].tolist() == classify_offences(rows)["band"].tolist()
    assert count_monitored(classified, profile="london_2023").empty


def test_a_fraud_of_the_national_bureau_is_out():
    assert band(offence_code="051/01", victim_age="17") == OUT


def test_columns_without_a_single_value_leave_facts_unknown():
    rows = pd.DataFrame({"offence_code": ["8N", "19C"], "offence_id": ["A", "A"]})
    for name in ("victim_age", "suspect_age", "domestic_abuse", "weapon", "linked_id", "status"):
        rows[name] = None
    classified = classify_offences(rows, profile="london_2022_draft")
    assert classified["band"].tolist() == [OPEN, CORE]
    assert classified["rule_ids"].astype(str).str.contains("Q:duplicate_id").all()
    listed = classify_offences(rows.assign(victim_age=[["17"], ["40"]]))
    assert listed["band"].tolist() == [OPEN, CORE]
    assert (listed["band_quality"] == "low").all()


def test_several_people_fold_into_the_facts_of_an_offence():
    rows = pd.DataFrame({"offence_id": list("ABCDE"), "offence_code": "8N", "domestic_abuse": "no"})
    people = table("""
        offence_id | person_role | age | age_band
        A          | victim      | 40  |
        A          | victim      | 17  |
        B          | victim      | 40  |
        B          | victim      |     |
        C          | victim      | 40  |
        C          | suspect     |     |
        D          | victim      | 40  | 18-24
        E          | victim      |     | 25-34
        E          | suspect     | 24  |
    """)
    classified = classify_offences(rows, people=people)
    assert classified["band"].tolist() == [CORE, OPEN, LISTED, OPEN, CORE]
    assert "age band disagree" in classified.loc[3, "reason"]


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"victim_age": "999"}, "an age is not valid"),
        ({"suspect_age": "7"}, "younger than 10"),
        ({"domestic_abuse": "yes", "relationship": "stranger"}, "contradicts the relationship"),
        ({"domestic_abuse": "yes", "victim_age": ""}, "trusted without"),
        ({"offence_code": "105A", "detailed_code": "005/01"}, "disagree"),
        ({"offence_code": "", "offence_text": "Assault with injury"}, "only the text"),
    ],
)
def test_a_contradiction_leaves_a_named_mark(facts, words):
    row = pd.DataFrame({k: [v] for k, v in {**PLAIN, **facts}.items()})
    classified = classify_offences(row).iloc[0]
    assert words in classified["reason"]
    assert classified["band_quality"] == "low"
    assert "Q:" in classified["rule_ids"]


def test_links_to_missing_ids_in_circles_and_double_ids_are_marked():
    rows = table("""
        offence_id | offence_code | domestic_abuse | linked_id
        A          | 58A          | no             | Z
        B          | 58A          | no             | C
        C          | 58A          | no             | B
        D          | 8N           | yes            | D
        D          | 8N           | yes            |
    """)
    classified = classify_offences(rows)
    assert classified["band"].tolist() == [OPEN, OUT, OUT, CORE, CORE]
    marks = classified["rule_ids"].astype(str).tolist()
    assert "link_missing" in marks[0] and "link_circle" in marks[1] and "duplicate_id" in marks[4]


def test_mixed_types_blanks_and_missing_columns_are_read_without_fuss():
    rows = pd.DataFrame(
        {
            "offence_code": ["8N", "8N", "8N", None],
            "offence_text": [None, None, None, " MURDER "],
            "victim_age": [17, "18 to 24", float("nan"), 0],
            "domestic_abuse": [False, "N", "  ", True],
        }
    )
    assert classify_offences(rows)["band"].tolist() == [CORE, CORE, OPEN, CORE]
    empty = classify_offences(rows.iloc[:0])
    assert list(empty.columns) == [*rows.columns, *ADDED]
    with pytest.raises(TableError, match="maybe"):
        classify_offences(rows.assign(domestic_abuse="maybe"))


def test_the_input_and_its_order_are_untouched():
    rows = pd.DataFrame({"offence_code": ["46", "8N"], "victim_age": ["1", "17"]}, index=[7, 3])
    before = rows.copy(deep=True)
    classified = classify_offences(rows)
    assert_frame_equal(rows, before)
    assert classified.index.tolist() == [7, 3]
    assert classified["band"].tolist() == [OUT, CORE]
    again = classify_offences(classified, profile="enfield_contexts")
    assert list(again.columns) == list(classified.columns)


SMALL = """
offence_id | offence_code | victim_age | suspect_age | domestic_abuse | offences | source
A          | 8N           | 17         |             | no             | 1        | extract
B          | 8N           | 40         |             | no             | 1        | extract
C          | 8N           |            |             | no             | 1        | extract
D          | 105A         |            |             | no             | 1        | extract
E          | 19C          | 40         |             | yes            | 1        | extract
F          | 46           | 17         |             | no             | 1        | extract
G          | 105A         | 16         |             | no             | 1        | extract
"""


def test_bounds_hold_what_unknown_facts_leave_possible():
    # by hand: A, E core; C may be core; B may be if an unknown suspect may be young
    bounds = definition_bounds(classify_offences(table(SMALL))).iloc[0]
    assert bounds[["offences", "lower", "upper", "upper_wide"]].tolist() == [7, 2, 3, 4]
    assert (bounds["missing_field"], bounds["rows_decided"]) == ("victim_age", 1)
    by = definition_bounds(classify_offences(table(SMALL)), by=("context",)).set_index("context")
    assert by["lower"].to_dict() == {"da": 1, "sv": 1, "u25": 1}
    assert by["rows_decided"].to_dict() == {"da": 0, "sv": 0, "u25": 1}  # nothing is open there


@pytest.mark.parametrize("by", [("source", "source"), ("offences",), ("context", "lower")])
def test_bounds_and_flows_refuse_to_count_by_columns_of_their_own(by):
    rows = classify_offences(table(SMALL)).assign(lower=1, context=1)
    with pytest.raises(UsageError, match="cannot be counted by these"):
        definition_bounds(rows, by=by)
    with pytest.raises(UsageError, match="cannot be counted by these"):
        compare_profiles(rows.assign(band_a=1), "london_2023", by=("band_a", *by))


def test_bounds_are_counted_by_a_fact_that_may_be_missing():
    by = definition_bounds(classify_offences(table(SMALL)), by=["victim_age"])
    blank = by[by["victim_age"].isna()].iloc[0]  # C and D
    assert blank[["offences", "upper", "missing_field"]].tolist() == [2, 1, "victim_age"]


def test_bands_of_several_texts_are_never_added_up():
    both = [classify_offences(table(SMALL), profile=p) for p in ("london_2023", "enfield_contexts")]
    for count in (count_waterfall, definition_bounds):
        with pytest.raises(UsageError, match="several texts"):
            count(pd.concat(both))


def test_the_waterfall_adds_up_exactly():
    steps = count_waterfall(classify_offences(table(SMALL)))
    assert steps["offences"].tolist() == [7, 7, 6, 4, 3, 2, 2]
    assert steps["left_out"].tolist() == [0, 0, 1, 2, 1, 1, 0]
    assert steps["offences"].iloc[0] - steps["left_out"].sum() == steps["offences"].iloc[-1]


def test_contexts_are_counted_by_exact_set():
    sets = count_contexts(classify_offences(table(SMALL))).set_index("contexts")["offences"]
    assert sets.to_dict() == {"u25": 2, "da|sv": 1}
    alone = count_contexts(classify_offences(table(SMALL).iloc[[0, 6]]))  # no overlap to draw
    assert alone["several"].tolist() == [False]


def test_a_comparison_keeps_every_offence_and_says_what_moves():
    flow = compare_profiles(table(SMALL), "london_2023", "all_ages_richmond_wandsworth")
    assert flow["offences"].sum() == 7
    moved = flow[flow["moves"]].set_index(["band_a", "band_b"])["offences"].to_dict()
    # by hand: B and C become core, D context only
    assert moved == {(LISTED, CORE): 1, (OPEN, CORE): 1, (OPEN, CONTEXT): 1}


def test_without_a_second_text_the_one_that_moves_most_is_taken():
    # by hand: Enfield puts B out and G in, and leaves C and D other bands; all ages moves B, C, D
    flow = compare_profiles(table(SMALL), "london_2023")
    read = count_readings(table(SMALL)).set_index("profile")["moved"]
    assert flow["profile_b"].unique().tolist() == ["enfield_contexts"]
    assert read["enfield_contexts"] == 4
    assert read["london_2023"] == read["kingston_plus"] == 0
    assert read["all_ages_richmond_wandsworth"] == 3


def test_all_ages_core_is_core_and_listed_and_possible(cases):
    own, all_ages = (classify_offences(cases, profile=p) for p in
                     ("london_2023", "all_ages_richmond_wandsworth"))  # fmt: skip
    single = cases["offence_code"].ne("") & ~own["offence_id"].isin(["N09", "N14"])
    known = single & own["linked_id"].eq("")
    possible = own["band"].eq(OPEN) & own["possible_bands"].astype(str).str.contains("core")
    expected = own["band"].isin([CORE, LISTED]) | possible
    assert (all_ages["band"].eq(CORE) == expected)[known].all()


@pytest.fixture(scope="module")
def cases():
    frame = pd.read_csv("tests/data/definition_truth_table.csv", dtype=str, keep_default_na=False)
    return frame.rename(columns={"case_id": "offence_id", "linked_case_id": "linked_id"})


def test_sensitivity_has_a_row_for_every_other_value_of_every_band_switch():
    table_ = definitions.switches()
    acts = table_[table_["acts_on"].str.contains("band")]
    found = count_sensitivity(table(SMALL))
    assert len(found) == (acts["allowed"].str.count(r"\|")).sum()
    common = found.set_index("setting").loc["include_common_assault = true"]
    assert common["core"] - common["core_base"] == 1  # G


def test_an_explanation_names_facts_rules_and_answer():
    told = explain_offence(table(SMALL), "E").set_index("name")
    assert told.loc["sexual violence", "value"] == "True"
    assert told.loc["band", "value"] == CORE
    assert told.loc["R06", "field"] == "decided"
    with pytest.raises(UsageError, match="No record"):
        explain_offence(table(SMALL), "ZZ")
    with pytest.raises(UsageError, match="No record"):
        explain_offence(table(SMALL).assign(offence_id=""), " ")


def test_an_explanation_agrees_with_the_bands_of_the_whole_table():
    twice = table(SMALL).assign(offence_id="A")
    told = explain_offence(twice, "A").set_index("name")
    assert told.loc["band_quality", "value"] == "low"  # the reference occurs more than once
    nearby = with_switch(property_nearby_fallback=True)
    rows = pd.DataFrame({"offence_id": ["1", "2"], "offence_code": ["58C", "8N"],
                         "victim_age": ["", "17"], "domestic_abuse": "no", "location_name": "A Road",
                         "committed_from": pd.to_datetime(["2024-01-01 20:00"] * 2)})  # fmt: skip
    people = pd.DataFrame({"offence_id": ["1", "2"], "person_role": "suspect", "person_id": "P"})
    answers = explain_offence(rows, "1", profile=nearby, people=people).set_index("name")
    assert answers.loc[["band", "attached_to"], "value"].tolist() == [CORE, "2"]


@pytest.mark.parametrize(
    ("code", "rule", "switch"),
    [
        ("34A", "R14", "include_business_robbery=true"),
        ("8S", "R20", "include_emergency_worker=true"),
        ("4.10", "R21", "homicide_scope=with_corporate"),
        ("4.4", "R32|R21", "homicide_scope=with_driving"),
        ("5E", "R05|R19", "gbh_family=wide"),
        ("88E", "R05|R07|R06", "sexual_scope=schedule3"),
        ("8N", "R05", ""),
    ],
)
def test_the_rule_that_decided_is_that_of_the_switch_that_would_bring_the_offence_in(
    code, rule, switch
):
    row = classify_offences(
        pd.DataFrame({k: [v] for k, v in {**PLAIN, "offence_code": code}.items()})
    )
    assert row.loc[0, ["rule_ids", "near_neighbour_switch"]].tolist() == [rule, switch]
    core = classify_offences(row.assign(victim_age="17"), profile="enfield_contexts")
    assert core.loc[0, "near_neighbour_switch"] == ("" if core.loc[0, "band"] == CORE else switch)


def test_the_age_of_a_victim_decides_nothing_about_damage():
    rows = pd.DataFrame({"offence_id": ["1"], "offence_code": "58A", "domestic_abuse": "no",
                         "victim_age": "", "linked_id": "9"})  # fmt: skip
    shown = classify_offences(rows).iloc[0]
    assert shown["reason"].startswith("It could be core or listed out of context or out: not known "
                                      "is the linked offence")  # fmt: skip
    assert "R04" not in shown["rule_ids"]
    no_ids = classify_offences(rows.drop(columns="offence_id")).iloc[0]
    assert no_ids["reason"] == shown["reason"]  # a filled link is a link, found or not


@pytest.mark.parametrize("profile", ["london_2023", "enfield_contexts"])
def test_damage_is_not_attached_to_an_offence_that_does_not_count(profile):
    rows = pd.DataFrame({"offence_id": ["1", "2"], "offence_code": ["8N", "58A"], "linked_id": ["", "1"],
                         "victim_age": ["17", ""], "domestic_abuse": "no",
                         "status": ["cancelled", "recorded"]})  # fmt: skip
    shown = classify_offences(rows, profile=profile).iloc[1]
    assert (shown["band"], shown["is_attached"]) == (OUT, False)
    assert pd.isna(shown["attached_to"])


def test_missing_facts_are_counted_by_month():
    rows = classify_offences(table(SMALL)).assign(month=pd.Timestamp("2024-01-01"))
    found = count_missing(rows).set_index("field")
    assert found.loc["age", ["missing", "offences"]].tolist() == [2, 6]  # F is no violence


class Borough:
    end_month = pd.Timestamp("2024-12-01")
    people = None
    profile = definitions.read_profile("london_2023")

    def __init__(self, offences):
        self.offences = offences


def counts(source, label, monthly, months=12):
    return pd.DataFrame(
        {
            "source": source,
            "area_level": "borough",
            "period_months": 1,
            "month": pd.date_range(end="2024-12-01", periods=months, freq="MS"),
            "published_category": label,
            "offences": monthly,
            "status": "aggregate",
        }
    )


def test_the_tightest_bound_of_several_sources_counts_nothing_twice():
    parts = [
        counts("mps_borough", "MPS | SEXUAL OFFENCES | RAPE", 2),
        counts("mps_borough", "MPS | VIOLENCE AGAINST THE PERSON | VIOLENCE WITH INJURY", 10),
        counts("police_uk_street", "police.uk | Violence and sexual offences", 30),
        counts("mps_dashboard_other",
               "M1045 | DOMESTIC ABUSE | domestic abuse violence with injury", 3),
        counts("mps_dashboard_knife", "M1045 | KNIFE CRIME | knife injury victims (1-24)", 1),
    ]  # fmt: skip
    data = Borough(classify_offences(pd.concat(parts, ignore_index=True)))
    tight = combine_bounds(data).set_index("step").loc["Tightest of all"]
    # by hand: lower 24 rapes + 36 flagged; upper 24 + 120
    assert tight[["lower", "upper"]].tolist() == [60, 144]
    # the label holds listed and near offences: all 120 wait for the code first
    assert tight[["rows_decided", "narrowed_by"]].tolist() == [120, "which offence it is"]
    assert set(choose_rows(data)["source"]) == {"mps_borough"}


AGES = ["", "15", "17", "24", "25", "40", "18-24", "20-29", "25-34", "0"]
ROW = st.fixed_dictionaries(
    {
        "offence_code": st.sampled_from(["8N", "105A", "34A", "34B", "106", "19C", "88E", "8U", "58A",
                                         "10D", "46", "5E", "1"]),
        "victim_age": st.sampled_from(AGES),
        "suspect_age": st.sampled_from(AGES),
        "domestic_abuse": st.sampled_from(["yes", "no", "unknown"]),
        "weapon": st.sampled_from(["none", "knife", "section_1_firearm", "firearm_type_unknown",
                                   "unknown"]),
        "weapon_use": st.sampled_from(["used", "threatened", "possessed", "unknown"]),
    }
)  # fmt: skip
PROFILE = st.sampled_from([name for name in definitions.profile_ids() if name != "subgroup_lbhf"])
FILLINGS = {
    "victim_age": ["17", "20", "40"],
    "domestic_abuse": ["yes", "no"],
    "weapon": ["none", "knife", "other_firearm"],
    "weapon_use": ["used", "possessed"],
}


@settings(max_examples=25, deadline=None)
@given(row=ROW, profile=PROFILE)
def test_filling_in_an_unknown_stays_within_the_possible_bands(row, profile):
    filled = [row]
    for name, values in FILLINGS.items():
        if row[name] in ("", "unknown"):
            filled += [{**row, name: value} for value in values]
    found = classify_offences(pd.DataFrame(filled), profile=profile)
    possible = str(found["possible_bands"].iloc[0]).split("|")
    for each in found["possible_bands"].astype(str):
        assert set(each.split("|")) <= set(possible)


RANK = {CORE: 3, CONTEXT: 2, LISTED: 1, OUT: 0}


@settings(max_examples=25, deadline=None)
@given(row=ROW, profile=PROFILE)
def test_adding_evidence_of_a_context_never_lowers_the_band(row, profile):
    more = [row, {**row, "victim_age": "20"}, {**row, "suspect_age": "20"}]
    if row["victim_age"] not in ("15", "0") and row["suspect_age"] != "15":
        more.append({**row, "domestic_abuse": "yes"})
    found = classify_offences(pd.DataFrame(more), profile=profile)["possible_bands"].astype(str)
    if row["domestic_abuse"] == "yes" and "15" in (row["victim_age"], row["suspect_age"]):
        return  # an age that cancels a flag
    least = [min(RANK[band] for band in bands.split("|")) for bands in found]
    if row["suspect_age"] == "17" or row["victim_age"] in ("17", "24", "18-24"):
        assert least[1] >= min(least[0], 3)
    assert all(rank >= least[0] for rank in least[1:])


@settings(max_examples=15, deadline=None)
@given(rows=st.lists(ROW, min_size=1, max_size=12), seed=st.integers(0, 99))
def test_row_order_and_other_rows_never_change_a_band(rows, seed):
    frame = pd.DataFrame(rows)
    order = np.random.default_rng(seed).permutation(len(frame))
    together = classify_offences(frame)["possible_bands"].astype(str)
    shuffled = classify_offences(frame.iloc[order])["possible_bands"].astype(str)
    assert shuffled.sort_index().tolist() == together.tolist()
    alone = classify_offences(frame.iloc[[0]])["possible_bands"].astype(str)
    assert alone.tolist() == together.tolist()[:1]


GOOD = pd.DataFrame({"offence_id": ["a", "b"], "offence_code": "8N", "victim_age": [17, 40],
                     "domestic_abuse": "no"})  # fmt: skip
PEOPLE = pd.DataFrame({"offence_id": ["a", "b"], "person_role": "victim", "age": [40, 17]})
WRONG = {
    "looks like domestic_abuse": lambda: classify_offences(
        GOOD.rename(columns={"domestic_abuse": "is_domestic_abuse"})),
    "looks like victim_age": lambda: classify_offences(
        GOOD.rename(columns={"victim_age": "Victim Age"})),
    "looks like weapon_use": lambda: classify_offences(GOOD.assign(weapon_used="used")),
    "which offence a row is": lambda: classify_offences(GOOD.drop(columns="offence_code")),
    "index offence_code": lambda: classify_offences(GOOD.set_index("offence_code")),
    "no text": lambda: classify_offences(GOOD.set_axis([0, 1, 2, 3], axis=1)),
    "heading twice": lambda: classify_offences(GOOD.set_axis(["offence_code", "x", "x", "y"], axis=1)),
    "Ages are dates": lambda: classify_offences(GOOD.assign(victim_age=pd.Timestamp("2001-01-01"))),
    "no whole numbers": lambda: classify_offences(GOOD.assign(offences=[-1, 2])),
    "no whole number": lambda: definition_bounds(classify_offences(GOOD).assign(offences="x")),
    "People must be": lambda: classify_offences(GOOD, people="victims.csv"),
    "People lack a column": lambda: classify_offences(GOOD, people=PEOPLE.drop(columns="person_role")),
    "role of people": lambda: classify_offences(GOOD, people=PEOPLE.assign(person_role="offender")),
    "looks like age": lambda: classify_offences(GOOD, people=PEOPLE.rename(columns={"age": "AGE"})),
    "None of 2 people": lambda: classify_offences(GOOD, people=PEOPLE.assign(offence_id="A")),
    "have no offence_id": lambda: classify_offences(GOOD.drop(columns="offence_id"), people=PEOPLE),
    "must be a pandas": lambda: definition_bounds([1]),
    "no bands": lambda: count_waterfall(GOOD),
    "no bands.": lambda: count_monitored(GOOD, profile="kingston_plus"),
    "found: boro": lambda: definition_bounds(classify_offences(GOOD), by="boro"),
    "found: borough": lambda: compare_profiles(GOOD, "london_2023", by="borough"),
    "found: source; month": lambda: count_missing(GOOD),
    "Offences must be": lambda: count_sensitivity([1]),
    "found: list": lambda: find_unmatched([1]),
    "found: offence_id": lambda: explain_offence(GOOD.drop(columns="offence_id"), "a"),
    "lack a column": lambda: add_counting_basis(GOOD, profile=with_switch(date_basis="committed")),
}  # fmt: skip


@pytest.mark.parametrize("words", WRONG)
def test_a_table_that_would_lose_a_fact_is_refused_in_four_parts(words):
    with pytest.raises(TableError, match=words) as told:
        WRONG[words]()
    error = told.value
    assert all([error.what, error.where, error.found, error.do])


def test_references_join_whatever_their_type_and_blanks():
    plain = GOOD.drop(columns="victim_age")
    for ours, theirs in ((["a", "b"], [" a", "b "]), ([1, 2], ["1", "2"]), ([1.0, 2.0], [1, 2])):
        people = PEOPLE.assign(offence_id=theirs)
        found = classify_offences(plain.assign(offence_id=ours), people=people)
        assert found["band"].tolist() == [LISTED, CORE]
    rows = pd.DataFrame({"offence_id": [1, 2], "offence_code": ["8N", "58A"], "victim_age": [17, ""],
                         "domestic_abuse": "no", "linked_id": [None, 1.0]})  # fmt: skip
    assert classify_offences(rows)["band"].tolist() == [CORE, CORE]
    assert explain_offence(rows.astype({"offence_id": float}), "2")["value"].eq(CORE).any()
    assert (
        definition_bounds(classify_offences(GOOD.assign(month="2024-01")), by="month")["lower"][0]
        == 1
    )


def test_a_code_that_a_number_cannot_hold_is_refused():
    with pytest.raises(DefinitionError, match="read codes as text"):
        classify_offences(pd.DataFrame({"offence_code": [4.1], "victim_age": [17]}))


def test_the_text_of_a_robbery_decides_without_a_code():
    rows = pd.DataFrame({"offence_text": ["Robbery - personal"], "victim_age": [17]})
    assert classify_offences(rows)["band"].tolist() == ["core"]


def test_a_borough_text_takes_no_shipped_id_and_inherits_incompleteness(tmp_path):
    file, row = tmp_path / "own.toml", pd.DataFrame({"offence_code": ["8N"], "victim_age": [17]})
    text = 'id = "{}"\nversion = "1"\nsource = "x"\nbase = "{}"\n'
    file.write_text(text.format("london_2023", "london_2023"), encoding="utf-8")
    with pytest.raises(UsageError, match="profile that ships"):
        definitions.read_profile(file)
    file.write_text(text.format("own", "thames_valley_2024"), encoding="utf-8")
    assert definitions.read_profile(file).status == "incomplete"
    file.write_text(text.format("own", "london_2023"), encoding="utf-8")
    with pytest.raises(UsageError, match="Give it again"):
        definition_bounds(classify_offences(row, profile=file))


@pytest.mark.parametrize("count", [definition_bounds, count_waterfall, count_bands, count_contexts])
def test_sources_that_overlap_are_never_added_up(count):
    rows = pd.DataFrame({"offence_code": "8N", "victim_age": "17", "source": ["extract", "other"]})
    with pytest.raises(TableError, match=r"(?s)2 sources count the same offences.*choose_rows"):
        count(classify_offences(rows))
    parts = definition_bounds(classify_offences(rows), by=["source"])
    assert parts["lower"].tolist() == [1, 1]


def test_rows_banded_with_people_are_not_read_again_without_them():
    plain = GOOD.drop(columns="victim_age")
    banded = classify_offences(plain, people=PEOPLE)
    assert banded["band"].tolist() == [LISTED, CORE]
    for call in (
        lambda: definition_bounds(banded),
        lambda: compare_profiles(banded, "london_2023"),
        lambda: explain_offence(banded, "b"),
        lambda: classify_offences(banded),
    ):
        with pytest.raises(TableError, match=r"2 of 2|1 of 1"):
            call()
    assert definition_bounds(banded, people=PEOPLE).loc[0, ["lower", "upper"]].tolist() == [1, 1]


def test_a_zero_of_ignorance_is_told_from_a_zero_of_knowledge():
    # by hand: personal robbery is core or out of context, rape core; no family else is published
    label = ["MPS | ROBBERY | ROBBERY OF PERSONAL PROPERTY", "MPS | SEXUAL OFFENCES | RAPE"]
    found = classify_offences(pd.DataFrame({"published_category": label, "offences": [7, 3]}))
    bands = count_bands(found).set_index("band")[["offences", "possible"]]
    assert bands.loc["listed_out_of_context"].tolist() == [0, 7]
    assert bands.loc["context_only"].tolist() == [0, 0] and bands.loc["core"].tolist() == [3, 10]
    families = count_families(found).set_index("listed_family")
    assert families.loc["personal_robbery", ["offences", "core", "core_possible"]].tolist() == [
        7,
        0,
        7,
    ]
    assert len(families) == len(definitions.read_reference("listed_families"))
    injury = pd.DataFrame({"published_category": ["MPS C | VIOLENCE | VIOLENCE WITH INJURY"]})
    unknown = count_families(classify_offences(injury)).set_index("listed_family").loc["homicide"]
    assert unknown["known"] == "no: published with others"
    assert unknown[["offences", "core", "core_possible"]].isna().all()


def test_sensitivity_ranks_by_both_ends():
    label = ["MPS | ROBBERY | ROBBERY OF PERSONAL PROPERTY"]
    rows = pd.DataFrame({"published_category": label, "offences": [7]})
    found = count_sensitivity(rows).set_index("setting")
    assert found.loc["missing_age = drop", ["core", "core_possible"]].tolist() == [0, 0]
    assert found["core_possible_base"].eq(7).all() and found.index[0] == "missing_age = drop"
    with pytest.raises(UsageError, match="load_borough"):
        choose_rows(rows)
    with pytest.raises(TableError, match="band is not known"):
        definition_bounds(classify_offences(rows).assign(band="Core"))


def test_people_of_known_rows_band_like_people_with_references() -> None:
    rng = np.random.default_rng(11)
    ids = [f"R{number}" for number in rng.permutation(300)]
    offences = pd.DataFrame({"offence_id": ids, "offence_code": "8N", "domestic_abuse": "no"})
    rows = rng.integers(0, 300, 500)
    people = pd.DataFrame(
        {
            "offence_id": np.array(ids)[rows],
            "person_role": rng.choice(["victim", "suspect"], 500),
            "age": rng.choice([7, 17, 40, np.nan], 500),
            "age_band": rng.choice(["10-17", None], 500),
        }
    )
    profile = definitions.read_profile("london_2023")
    known, found = (
        bands.prepare(offences, profile=profile, people=people, numbers=numbers)
        for numbers in ((np.arange(300), rows), None)
    )
    assert known.coded.rows.tolist() == found.coded.rows.tolist()
    assert_frame_equal(known.coded.facts, found.coded.facts)
    assert known.coded.facts["victim_age"].nunique() > 3
