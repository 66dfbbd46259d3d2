"""From a borough's data to protected tables, charts and sentences, on an invented borough."""

from dataclasses import replace
from math import erfc
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from sna import narrative
from sna.definitions import boroughs
from sna.disclosure import protect
from sna.disproportionality import follow_people, tables
from sna.errors import UsageError
from sna.figures import show
from sna.narrative.disproportionality import clearest
from sna.settings import Settings

CODES = {"White": "W1", "Asian": "A1", "Black": "B1", "Mixed": "M1", "Other": "O9"}
RESIDENTS = {"White": 60_000, "Asian": 20_000, "Black": 12_000, "Mixed": 5_000, "Other": 3_000}
BANDS = ((0, 9), (10, 17), (18, 24), (25, 34), (35, 999))


def population(boroughs):
    rows = [
        {"source": "census_ethnic_age_sex", "area_code": code, "area_level": "borough",
         "population_year": 2021, "ethnic_group": group, "ethnic_scheme": "five", "sex": sex,
         "age_lower": low, "age_upper": high, "population": size / 10}
        for code in boroughs for group, size in RESIDENTS.items()
        for sex in ("female", "male") for low, high in BANDS
    ]  # fmt: skip
    return pd.DataFrame(rows)


def searches(code, ratio, *, missing=0.1, seed=1):
    rng = np.random.default_rng(seed)
    months = pd.date_range("2023-04-01", "2025-03-01", freq="MS", unit="us")
    rows = []
    for group, size in RESIDENTS.items():
        number = rng.poisson(size * 0.01 * (ratio if group == "Black" else 1))
        rows.append(pd.DataFrame({
            "ethnicity_self": np.where(rng.random(number) < missing, "NS", CODES[group]),
            "month": rng.choice(months, number),
        }))  # fmt: skip
    frame = pd.concat(rows, ignore_index=True)
    return frame.assign(
        source="police_uk_stop_search", release_class="open", file_id=0, borough_code=code,
        person_role="searched", people=1, offence_id=None, person_id=None, age=np.nan,
        sex=rng.choice(["female", "male"], len(frame)),
        age_band=rng.choice(["10-17", "18-24", "25-34", "over 34"], len(frame)),
        ethnicity_observed=pd.Series(None, index=frame.index, dtype=object), outcome="Arrest",
    )  # fmt: skip


@pytest.fixture(scope="module")
def london():
    frames = [searches(f"E0900000{i}", 3, seed=i) for i in range(1, 5)]
    return pd.concat(frames, ignore_index=True)


@pytest.fixture(scope="module")
def data(london):
    return SimpleNamespace(
        borough_code="E09000001", borough_name="Testham", edition="public",
        end_month=pd.Timestamp("2025-03-01"), simulated=True, settings=Settings(),
        people=london[london["borough_code"] == "E09000001"],
        offences=pd.DataFrame({"offence_id": [], "band": [], "contexts": []}),
        population=population(london["borough_code"].unique()), counts=pd.DataFrame(),
        inputs=[{"layout": "police_uk_stop_search"}],
    )  # fmt: skip


def protected(data, table, contract="group_comparison"):
    return protect(table, contract=contract, data=data)


@pytest.fixture(scope="module")
def every(data, london):
    compare = tables.compare_people
    made = {
        "groups": compare(data, person_role="searched"),
        "years": compare(data, person_role="searched", by=["year"]),
        "boroughs": tables.compare_boroughs(data, london, person_role="searched"),
        "readings": tables.compare_readings(data, london),
        "chain": tables.compare_chain(data),
        "detail": compare(data, person_role="searched", by=["sex", "age_group"]),
    }
    safe = {name: protected(data, table) for name, table in made.items()}
    missing = tables.missing_facts(data, person_role="searched")
    return safe | {"missing": protected(data, missing, "missing_facts")}


DRAWN = ("groups", "boroughs", "readings", "missing")  # one of each form of chart
VIEWS = {
    "groups": "",
    "years": "group_years",
    "boroughs": "group_boroughs",
    "readings": "group_readings",
    "chain": "group_chain",
    "detail": "group_detail",
    "missing": "",
}


@pytest.mark.parametrize("name", VIEWS)
def test_each_table_has_a_figure_and_a_sentence(every, name):
    figure = show(every[name], view=VIEWS[name], name=name)
    assert figure.kind == ("table" if name == "detail" else "figure")
    assert "Testham" in f"{figure.title} {figure.subtitle}"
    if name in DRAWN:
        assert "<svg" in figure.picture
    assert len(str(narrative.describe(every[name], view=VIEWS[name])).split()) > 8


def test_the_planted_ratio_is_found_and_named_with_its_setting(every):
    groups = every["groups"].table.set_index("ethnic_group")
    assert groups.loc["Black", "ratio_lower_ci"] < 3 < groups.loc["Black", "ratio_upper_ci"]
    assert groups.loc["White", "rate_ratio"] == 1
    assert np.isnan(groups.loc["White", "ratio_lower_ci"])
    text = str(narrative.describe(every["groups"]))
    assert "In Testham, April 2024 to March 2025" in text
    assert "times the rate for White people (95% interval" in text
    assert "residents of 2021" in text
    assert "not by itself evidence of discrimination" in text
    finding = str(narrative.key_findings(every["groups"]))
    assert "Searches in Testham, April 2024 to March 2025: the rate for Black people was" in finding


def test_findings_name_every_borough_and_group_in_thirty_words(every):
    table = every["groups"]
    for name in [*boroughs()["borough_name"], "Windsor and Maidenhead"]:
        for role in ("victim", "suspect", "searched", "detained", "proceeded_against"):
            rows = table.table.assign(person_role=role).replace(
                {"ethnic_group": {"Black": "Mixed"}}
            )
            made = replace(table, borough_name=name, table=rows)
            assert name in narrative.key_findings(made).sentences[0]


def test_years_are_complete_and_change_is_against_the_first(every):
    table = every["years"].table
    first, last = table["year"].unique()
    assert [first, last] == ["year to March 2024", "year to March 2025"]
    assert table.loc[table["year"] == first, "ratio_change"].isna().all()
    row = table[(table["year"] == last) & (table["ethnic_group"] == "Black")].iloc[0]
    # by hand: normal limits of the log ratio of ratios, and p on the same scale
    before = table[(table["year"] == first) & (table["ethnic_group"] == "Black")].iloc[0]
    parts = [r[n] for r in (row, before) for n in ("people", "reference_people")]
    error = sum(1 / part for part in parts) ** 0.5
    change = row["rate_ratio"] / before["rate_ratio"]
    assert row["ratio_change"] == pytest.approx(change)
    assert row["change_upper_ci"] == pytest.approx(change * np.exp(1.96 * error))
    assert row["change_p"] == pytest.approx(erfc(abs(np.log(change)) / error / 2**0.5))


def test_boroughs_of_one_ratio_lie_inside_their_funnel(every):
    table = every["boroughs"].table.query("ethnic_group == 'Black'")
    assert len(table) == 4
    assert table["is_this_borough"].sum() == 1
    assert table["target"].iloc[0] == pytest.approx(3, rel=0.1)
    inside = table["rate_ratio"].between(table["lower_998"], table["upper_998"])
    assert inside.all()
    assert "inside the 99.8% funnel limits for a borough of this size" in str(
        narrative.describe(every["boroughs"], view="group_boroughs")
    )


def test_readings_hold_the_three_traps(every):
    table = every["readings"].table.query("ethnic_group == 'Black'").set_index("reading")
    ratio = table["rate_ratio"].fillna(table["modelled_ratio"])
    assert ratio["all not stated in the reference group"] < ratio["as recorded"]
    assert ratio["as recorded"] < ratio["all not stated in this group"]
    assert ratio["group grown by a tenth"] == pytest.approx(ratio["as recorded"] / 1.1)
    assert {"London as one place", "London, within boroughs", "same ages in every group"} <= set(
        table.index
    )
    assert "London, within boroughs and ages" in table.index
    assert "within small areas" not in table.index  # no residents by group for small areas


NO_FILE = "No file about people recorded as victims was supplied for Testham."
NO_GROUPS = "no residents by these groups"
NOBODY = "None recorded: no people searched in Testham in the files."


def test_a_borough_without_people_says_whether_a_file_was_there(data):
    empty = SimpleNamespace(**{**vars(data), "people": data.people.iloc[:0]})
    counts, curve = follow_people(empty, person_role="victim")
    found = {
        "group_comparison": (tables.compare_people(empty, person_role="victim"), NO_FILE),
        "group_years": (
            tables.compare_people(empty, person_role="searched", by=["year"]), NOBODY),
        "group_boroughs": (
            tables.compare_boroughs(empty, empty.people, person_role="searched"), NOBODY),
        "group_chain": (tables.compare_chain(empty), NO_GROUPS),
        "cohort_counts": (counts, NO_FILE),
        "recurrence": (curve, NO_FILE),
        "missing_facts": (tables.missing_facts(empty, person_role="searched"), NOBODY),
        "people_ages": (tables.rates_by_age(empty, person_role="victim"), NO_FILE),
    }  # fmt: skip
    for view, (table, words) in found.items():
        assert table.empty and table.attrs.get("absent", NO_GROUPS) == words, view
    for view in ("group_comparison", "group_chain", "cohort_counts"):
        table, words = found[view]
        contract = "cohort_counts" if view == "cohort_counts" else "group_comparison"
        safe = protected(data, table, contract)
        page = show(safe, view=view)._repr_html_()
        assert words in page and "Nothing recorded" not in page, view
        assert words in str(narrative.describe(safe, view=view)), view
    safe = protected(data, found["group_comparison"][0])
    assert NO_FILE in str(narrative.key_findings(safe))


def test_a_split_that_no_published_residents_have_is_left_out(data):
    whole = data.population.groupby(["area_code", "ethnic_group"], as_index=False)["population"]
    rows = whole.sum().assign(
        source="census_ethnic_group", area_level="borough", population_year=2021,
        ethnic_scheme="five", sex="all", age_lower=0, age_upper=999,
    )  # fmt: skip
    some = SimpleNamespace(**{**vars(data), "population": rows})
    assert len(tables.compare_people(some, person_role="searched")) == 5
    detail = tables.compare_people(some, person_role="searched", by=["sex", "age_group"])
    safe = protected(data, detail)
    assert "no residents by these groups" in str(narrative.describe(safe, view="group_detail"))


def test_no_headline_when_over_a_quarter_is_not_stated(data):
    unknown = SimpleNamespace(**{**vars(data), "people": searches("E09000001", 3, missing=0.4)})
    safe = protected(data, tables.compare_people(unknown, person_role="searched"))
    assert show(safe).title == "People searched, compared by ethnic group"
    assert "no headline ratio is given" in str(narrative.describe(safe))
    assert "not stated for more than a quarter" in str(narrative.key_findings(safe))


def test_small_restricted_counts_are_not_compared(data):
    people = data.people.head(30).assign(
        release_class="person_level", source="extract", person_role="suspect",
        month=pd.Timestamp("2025-03-01"), offence_id=[str(n) for n in range(30)],
    )  # fmt: skip
    core = people[["offence_id"]].assign(band="core", contexts="u25")
    few = SimpleNamespace(**{**vars(data), "people": people, "offences": core})
    table = tables.compare_people(few, person_role="suspect")
    safe = protected(data, table)
    shown = safe.table["people"].dropna()
    assert (shown % 5 == 0).all()
    assert not ((shown > 0) & (shown < 5)).any()
    str(narrative.describe(safe))
    show(safe)._repr_html_()


def test_only_protected_tables_reach_charts_and_sentences(data):
    raw = tables.compare_people(data, person_role="searched")
    with pytest.raises(TypeError, match=r"sna\.protect"):
        show(raw)
    with pytest.raises(TypeError, match=r"sna\.protect"):
        narrative.describe(raw)


def test_people_by_role_of_core_offences_only(data):
    people = pd.DataFrame({
        "offence_id": ["1", "2", "3"], "person_role": "victim",
        "month": pd.Timestamp("2025-03-01"), "people": 1,
    })  # fmt: skip
    offences = pd.DataFrame({"offence_id": ["1", "2"], "band": ["core", "out"]})
    some = SimpleNamespace(people=people, offences=offences, end_month=pd.Timestamp("2025-03-01"))
    assert tables.select_people(some, person_role="victim")["offence_id"].tolist() == ["1"]
    with pytest.raises(UsageError, match="Unknown role"):
        tables.select_people(some, person_role="offender")
    with pytest.raises(UsageError, match="one month or more"):
        tables.select_people(some, person_role="victim", months=0)
    with pytest.raises(UsageError, match="not compared by this"):
        tables.compare_people(some, person_role="victim", dimension="ethnicity")


def test_a_person_in_two_contexts_counts_in_both(data):
    victims = data.people.head(3).assign(
        person_role="victim", offence_id=["1", "2", "3"], sex=["male", "female", "female"],
        month=pd.Timestamp("2025-03-01"),
    )  # fmt: skip
    offences = pd.DataFrame({"offence_id": ["1", "2", "3"], "contexts": ["da|sv", "u25", "sv"]})
    some = SimpleNamespace(**{**vars(data), "people": victims,
                              "offences": offences.assign(band="core")})  # fmt: skip
    found = tables.compare_people(
        some, person_role="victim", dimension="sex", reference_group="male", by=["context"]
    )
    people = found.set_index(["context", "sex"])["people"]
    assert people[("domestic abuse", "male")] == 1
    assert people["sexual violence"].tolist() == [1, 1]


def test_rows_of_the_reference_are_no_comparisons_in_a_split_table(every):
    detail = every["detail"].table
    others = (detail["ethnic_group"] != "White").sum()
    text = str(narrative.describe(every["detail"], view="group_detail"))
    assert f"of {others} comparisons of people searched" in text


def test_suspects_go_on_to_the_charge_of_their_offence(data):
    people = data.people.head(400).assign(
        person_role="suspect", month=pd.Timestamp("2025-03-01"), outcome=None,
        offence_id=[str(number) for number in range(400)],
        ethnicity_self=["W1"] * 300 + ["B1"] * 100,
    )  # fmt: skip
    charged = ["Suspect charged"] * 60 + ["None"] * 240 + ["Charged/summonsed"] * 40 + ["None"] * 60
    offences = people[["offence_id"]].assign(band="core", contexts="", outcome=charged)
    some = SimpleNamespace(**{**vars(data), "people": people, "offences": offences})
    table = tables.compare_chain(some)
    assert table["stage"].unique().tolist() == ["suspect", "charged"]  # nobody was searched
    row = table[(table["stage"] == "charged") & (table["ethnic_group"] == "Black")].iloc[0]
    assert [row["people"], row["population"], row["before"]] == [40, 100, "suspect"]
    assert row["rate_ratio"] == pytest.approx((40 / 100) / (60 / 300))
    held = people.assign(person_role="detained", outcome=charged, offence_id=None)
    some.people = pd.concat([held, data.people])
    table = tables.compare_chain(some, person_roles=["detained"])
    assert table["stage"].unique().tolist() == ["detained", "charged"]


def test_a_chain_says_where_it_ends(data, every):
    assert every["chain"].table["stage"].unique().tolist() == ["searched", "arrested"]
    said = str(narrative.describe(every["chain"], view="group_chain"))
    assert "cannot be followed to a charge" in said and "chain ends" not in said
    none = SimpleNamespace(**{**vars(data), "people": data.people.assign(outcome="Nothing found")})
    table = tables.compare_chain(none, person_roles=["searched"])
    said = str(narrative.describe(protected(data, table), view="group_chain"))
    assert "no outcome for people searched, so that this chain ends there" in said


def test_ratios_from_one_or_two_people_are_not_shown(data):
    people = data.people[data.people["month"] == data.people["month"].max()].head(6)
    few = SimpleNamespace(**{**vars(data), "people": people.assign(
        ethnicity_self=["W1", "W1", "W1", "W1", "B1", "B1"])})  # fmt: skip
    safe = protected(data, tables.compare_people(few, person_role="searched"))
    black = safe.table["ethnic_group"] == "Black"
    assert safe.table.loc[black, "people"].tolist() == [2]
    assert safe.table.loc[black, "rate_ratio"].isna().all()
    assert set(safe.flags.loc[black, "rate_ratio"]) == {"[x]"}
    assert "too little data to compare" in str(narrative.describe(safe))


def test_a_group_that_equals_the_reference_keeps_its_limits(data):
    rows = data.population.assign(population=500.0)  # every group has as many residents
    people = data.people[data.people["month"] == data.people["month"].max()].head(40)
    same = SimpleNamespace(**{**vars(data), "population": rows, "people": people.assign(
        ethnicity_self=["W1", "B1"] * 20)})  # fmt: skip
    safe = protected(data, tables.compare_people(same, person_role="searched"))
    found = safe.table.set_index("ethnic_group")
    limits = ["ratio_lower_ci", "ratio_upper_ci", "difference_lower_ci", "difference_upper_ci"]
    assert found.loc["Black", "rate_ratio"] == 1
    # by hand: score limits of 20 against 20 in equal groups, 20 of 40 is 0.3520 to 0.6480 (Wilson)
    assert found.loc["Black", limits[:2]].tolist() == pytest.approx([0.543, 1.841], abs=1e-3)
    assert found.loc["Black", limits].notna().all() and found.loc["White", limits].isna().all()


def test_each_stratum_is_named_in_its_sentence(every):
    text = str(narrative.describe(every["detail"], view="group_detail"))
    assert "(female, " in text or "(male, " in text


def test_cohorts_and_curves_of_identified_people(data):
    number = 240
    victims = pd.DataFrame({
        "offence_id": [str(n) for n in range(number)], "person_role": "victim", "people": 1,
        "person_id": [f"p{n % 160}" for n in range(number)],
        "age": [20.0 + n % 5 for n in range(number)],
        "month": pd.date_range("2023-04-01", periods=24, freq="MS", unit="us").repeat(10),
        "source": "extract", "release_class": "person_level", "borough_code": "E09000001",
        "home_lsoa_code": None, "lsoa_code": [f"L{n % 4}" for n in range(number)],
    })  # fmt: skip
    offences = victims[["offence_id"]].assign(band="core", contexts="da")
    sizes = pd.DataFrame({"area_code": [f"L{n}" for n in range(4)], "population": 1000.0}).assign(
        source="census_age", area_level="lsoa", population_year=2021, ethnic_group="all",
        ethnic_scheme="all", sex="all", age_lower=0, age_upper=999,
    )  # fmt: skip
    ages = pd.DataFrame({"age_lower": range(18, 27), "population": 500.0}).assign(
        source="mid_year_age", area_code="E09000001", area_level="borough", population_year=2024,
        ethnic_group="all", ethnic_scheme="all", sex="all", age_upper=lambda f: f["age_lower"],
    )  # fmt: skip
    some = SimpleNamespace(**{
        **vars(data), "people": victims, "offences": offences,
        "population": pd.concat([data.population, sizes, ages]),
        "deprivation": pd.DataFrame({"lsoa_code": [f"L{n}" for n in range(4)], "edition": 2025,
                                     "domain": "income", "decile": [1, 2, 3, 3]}),
        "areas": pd.DataFrame({"area_code": [f"L{n}" for n in range(4)], "area_level": "lsoa",
                               "borough_code": "E09000001"}),
    })  # fmt: skip
    counts, curve = follow_people(some, person_role="victim")
    repeats = counts[counts["cohort"] == "offences per person"]
    assert repeats["people"].tolist() == [80, 80, 0, 0, 0]  # 80 people twice, 80 once
    deciles = tables.rates_by_deprivation(some, person_role="victim")
    assert deciles["people"].tolist() == [30, 30, 60]  # the last twelve months
    found = {
        "cohort_counts": counts,
        "recurrence": curve,
        "people_deciles": deciles,
        "people_ages": tables.rates_by_age(some, person_role="victim"),
    }
    for view, table in found.items():
        contract = "people_curve" if view.startswith("people") else view
        safe = protected(some, table, contract)
        assert "Testham" in show(safe, view=view)._repr_html_()
        assert "say why" in str(narrative.describe(safe, view=view))


def _row(**facts):
    usual = {"ethnic_group": "Mixed", "sex": "all", "age_group": "all", "reference_group": "White",
             "is_sensitivity": False, "caution": "caution", "rate_ratio": 1.3,
             "ratio_lower_ci": 1.1, "ratio_upper_ci": 1.5}  # fmt: skip
    return SimpleNamespace(**(usual | facts))


def test_no_headline_where_those_not_stated_could_turn_it_round():
    unsure = _row(ratio_if_outside=0.89, ratio_if_inside=4.2)
    sure = _row(ratio_if_outside=1.05, ratio_if_inside=4.2)
    lower = _row(rate_ratio=0.8, ratio_lower_ci=0.7, ratio_upper_ci=0.9, ratio_if_inside=1.1,
                 ratio_if_outside=0.6)  # fmt: skip
    assert clearest([unsure]) is None and clearest([lower]) is None
    assert clearest([unsure, sure]) is sure
