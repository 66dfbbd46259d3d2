"""A reader who adds: columns of one table, and tables side by side, tell no small count."""

from itertools import product
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from test_disclosure_attack import people_of

import sna
from sna.disproportionality import tables
from sna.settings import Settings

GROUPS = {"White": "W1", "Asian": "A1", "Black": "B1", "Mixed": "M1"}


def near(values):
    """Round as the public edition does; a small count is -1."""
    values = np.asarray(values)
    return np.where((values > 0) & (values < 5), -1, values // 5 * 5 + 5 * (values % 5 > 2))


def behind(shown):
    """Return the true counts behind a published one; a withheld one is 1 to 4."""
    if np.isnan(shown):
        return range(1, 5)
    return range(max(5, int(shown) - 2), int(shown) + 3) if shown else [0]


def borough_of(people):
    residents = pd.DataFrame({"ethnic_group": [*GROUPS]}).assign(
        population=10_000, population_year=2021, source="census_ethnic_group",
        area_level="borough", area_code="E09000001", ethnic_scheme="five", sex="all",
        age_lower=0, age_upper=999)  # fmt: skip
    band = pd.DataFrame({"offence_id": people["offence_id"].unique(), "band": "core"})
    return SimpleNamespace(
        borough_code="E09000001", borough_name="Testham", edition="public", people=people,
        end_month=pd.Timestamp("2025-03-01"), simulated=True, settings=Settings(), inputs=[],
        population=residents, offences=band)  # fmt: skip


@pytest.mark.parametrize("missing", [14, 17])
@pytest.mark.parametrize("small", [1, 4])
def test_people_not_stated_tell_no_small_group(small, missing):
    """A group and those not stated, rounded as one, told one small group in twenty."""
    counts = [26, 21, 32 - small, small, missing]
    codes = np.array([*GROUPS.values(), None], dtype=object)
    people = people_of({1: sum(counts)}).assign(ethnicity_self=np.repeat(codes, counts))
    data = borough_of(people)
    made = (
        f(data, person_role="suspect") for f in (tables.compare_people, tables.compare_readings)
    )
    done, beside = (sna.protect(t, contract="group_comparison", data=data) for t in made)
    rows, marks = done.table.set_index("ethnic_group"), done.flags
    assert marks["people"].eq("[c]").sum() == 1
    assert (marks["people_if_inside"] == marks["people"]).all()
    sums = rows["people"] + rows["missing_people"].where(rows.index != "White", 0)
    assert rows["people_if_inside"].equals(sums)
    read = beside.table.set_index(["reading", "ethnic_group"])
    inside = read.loc["all not stated in this group", "people"]
    outside = read.loc["all not stated in the reference group", "reference_people"]
    gone = rows["missing_people"].iloc[0]
    assert (outside == rows["people"]["White"] + gone).all()
    assert inside.dropna().eq((rows["people"] + gone)[1:].dropna()).all()


def test_people_in_both_roles_are_not_told_by_those_in_each():
    """Of the people of each role, in both and in all, each rounded, one small number was left."""
    told, seen = 0, 0
    for one, two, both in product((29, 31, 33), (29, 31, 33), (1, 4)):
        victims = people_of({1: one + both}).assign(person_role="victim")
        suspects = people_of({1: two + both}).assign(person_role="suspect")
        own = suspects.index >= both  # the first are in both roles
        suspects["person_id"] = suspects["person_id"].mask(own, "s" + suspects["person_id"])
        people = pd.concat([victims, suspects], ignore_index=True)
        counts, _ = sna.disproportionality.follow_people(borough_of(people), person_role="victim")
        shown = sna.protect(counts, contract="cohort_counts", data=borough_of(people)).table
        shown = shown[shown["cohort"] == "roles"].set_index("category")
        v, s, b = shown["people"]
        true = np.array([*product(behind(v), behind(s), behind(b))])
        kept = near(true[:, 0] + true[:, 2]) == near(one + both)  # in the table of repeats
        kept &= near(true[:, 1] + true[:, 2]) == near(two + both)
        kept &= near(true.sum(axis=1)) == shown["all_people"].iloc[0]
        seen += 1
        told += len(np.unique(true[kept, 2])) == 1
    assert (seen, told) == (18, 0)


def test_people_still_followed_tell_no_number_again_beside_first_records():
    """103 followed, 62 after a year, 37 first recorded in it: shown as 105, 60 and 35, 4 are left."""
    first = np.repeat(["2022-05-01", "2024-06-01"], [66, 37])
    people = pd.DataFrame({"person_id": np.arange(103).astype(str), "month": first})
    people = pd.concat([people, people.head(4).assign(month="2022-07-01")], ignore_index=True)
    people = people_of({1: 107}).assign(person_id=people["person_id"]).assign(
        offence_id=people.index.astype(str), month=pd.to_datetime(people["month"]))  # fmt: skip
    people.loc[len(people) - 5, "month"] = pd.Timestamp("2025-03-01")  # the last month of the role
    data = borough_of(people)
    counts, curve = sna.disproportionality.follow_people(data, person_role="suspect")
    done = sna.protect(counts, contract="cohort_counts", data=data).table.set_index("category")
    rows = sna.protect(curve, contract="recurrence", data=data).table
    entered = done.loc[done["cohort"] == "first records", "people"].iloc[-1]
    assert (entered, curve["again"].iloc[11]) == (35, 4)
    assert np.isnan(rows["again"].iloc[11])
    followed, left = rows["at_risk"].iloc[[0, 12]]
    fits = {
        again
        for start, end, new in product(behind(followed), behind(left), behind(entered))
        for again in behind(np.nan)
        if start - end - again in range(int(new) + 1)  # all others were first recorded of late
    }
    assert len(fits) == 4


def test_offences_of_people_tell_no_number_of_people_that_is_withheld():
    """385 with one, 20 with two, 400 in all leave one person with three: the 20 is withheld."""
    data = borough_of(people_of({1: 383, 2: 18, 3: 1}))
    counts, _ = sna.disproportionality.follow_people(data, person_role="suspect")
    done = sna.protect(counts, contract="cohort_counts", data=data)
    own = done.table["cohort"].eq("offences per person")
    rows, marks = done.table[own], done.flags[own]
    assert marks["people"].tolist() == ["", "[c]", "[c]", "", ""]
    assert marks["offences"].tolist() == ["", "[c]", "[c]", "", ""]
    assert rows["share_offences"].isna().all()  # the sum of offences would tell them


def test_offences_of_people_with_many_are_in_no_total():
    people = people_of({1: 874, 2: 38, 3: 1, 4: 1})  # 955 offences of 914 people: 3, 4 were 1 each
    data = borough_of(people)
    counts, _ = sna.disproportionality.follow_people(data, person_role="suspect")
    done = sna.protect(counts, contract="cohort_counts", data=data).table
    rows = done[done["cohort"] == "offences per person"]
    assert rows["offences"].isna().sum() == 2
    assert rows["all_offences"].eq(near(875 + 80 + 6 + 8)).all()


def test_a_decile_is_not_told_by_the_others_and_all_of_them():
    """12, 17 and 4 of 33 are shown as 10, 15 and [c] of 35: no other number than 4 fits."""
    people = people_of({1: 33}).assign(home_lsoa_code=[*"a" * 12, *"b" * 17, *"c" * 4])
    data, codes = borough_of(people), [*"abc"]
    given = {"area_level": "lsoa", "area_code": codes, "ethnic_scheme": "all", "population": 900.0}
    data.population = data.population.head(1).drop(columns=[*given]).merge(
        pd.DataFrame(given), how="cross").assign(ethnic_group="all", source="census_age")  # fmt: skip
    data.areas = pd.DataFrame({"area_code": codes, "borough_code": data.borough_code})
    data.deprivation = pd.DataFrame({"lsoa_code": codes, "edition": 2025, "domain": "income",
                                     "decile": [1, 2, 3]})  # fmt: skip
    people["lsoa_code"] = None
    table = tables.rates_by_deprivation(data, person_role="suspect")
    assert table["people"].tolist() == [12, 17, 4]
    done = sna.protect(table, contract="people_curve", data=data)
    assert done.flags["people"].tolist() == ["[c]", "", "[c]"]


def compared(counts, missing, **more):
    """Return what is published of suspects (or victims) by group and of their readings."""
    codes = np.array([*GROUPS.values(), None], dtype=object)
    people = people_of({1: sum(counts) + missing}).assign(
        ethnicity_self=np.repeat(codes, [*counts, missing]), **more)  # fmt: skip
    data = borough_of(people)
    made = [
        f(data, person_role="suspect") for f in (tables.compare_people, tables.compare_readings)
    ]
    return data, [sna.protect(one, contract="group_comparison", data=data) for one in made]


def test_groups_not_stated_and_all_together_tell_no_small_group():
    """12 and 4 known, 17 not were shown as 15, 15 and 35: of 16 or 17 known 12 at most are White."""
    _, (done, _) = compared([12, 0, 4, 0], 17)
    rows = done.table.set_index("ethnic_group")
    known, rest, everyone = rows[["known_people", "missing_people", "all_people"]].iloc[0]
    white = rows["people"]["White"]
    fits = {
        small
        for one, small, gone in product(
            range(40) if np.isnan(white) else behind(white), behind(np.nan), behind(rest)
        )
        if everyone == known + rest
        or (near(one + small), near(one + small + gone)) == (known, everyone)
    }
    assert np.isnan(rows["people"]["Black"])
    assert len(fits) == 4


def test_what_hides_a_small_group_is_hidden_in_every_ratio_and_reading():
    """White people, hidden to protect others, stood in the ratio of each group to them."""
    _, (done, readings) = compared([5, 1, 5, 1], 3)
    marks, beside = done.flags, readings.flags
    assert marks["people"].tolist() == ["[c]", "[c]", "", "[c]"]
    assert marks["rate_ratio"].eq("[c]").all()
    assert beside["rate_ratio"].eq("[c]").all()


@pytest.mark.parametrize("seed", range(2))
def test_no_group_is_told_though_all_people_are_known_exactly(seed):
    """Whatever other tables tell of the number of people, each small group keeps two values."""
    chance, small = np.random.default_rng(seed), 0
    for _ in range(4):
        counts = chance.poisson(chance.choice([1, 3, 8], 4))
        missing = int(chance.poisson(4))
        if counts[0] == 0 and not counts.any():
            continue
        _, (done, readings) = compared([*counts], missing)
        rows = done.table
        cells = np.array([*rows["people"], rows["missing_people"].iloc[0]])
        true = np.array([*counts, missing])
        unknown = np.isnan(cells) & ~((true > 0) & (true < 5))  # hidden for others: any number
        bounds = [range(40) if free else behind(n) for n, free in zip(cells, unknown, strict=True)]
        if np.isnan(cells).all():
            bounds = [range(5) if 0 < n < 5 else range(40) for n in true]
        low, high = (np.array([end(b) for b in bounds]) for end in (min, max))
        least = np.maximum(low, true.sum() - (high.sum() - high))
        most = np.minimum(high, true.sum() - (low.sum() - low))
        told = (true > 0) & (true < 5)
        assert (most - least + 1)[told].min(initial=9) >= 2, (counts, missing, cells)
        gone = dict(zip(rows["ethnic_group"], done.flags["people"].eq("[c]"), strict=True))
        again = readings.table["ethnic_group"].map(gone) & ~readings.flags["people"].eq("[c]")
        own = readings.table["reading"].eq("as recorded")
        assert not (again & own).any()
        small += told.sum()
    assert small > 3
