"""Cohorts: repeats, recurrence, overlap, ages, first entries; sums checkable by eye."""

import pandas as pd
import pytest
from tables import table

from sna import disproportionality as dis
from sna.disproportionality.cohorts import count_distinct
from sna.errors import TableError

RECORDS = table(
    """
    person_id | offence_id | person_role | month   | people | age
    a         | 1          | victim      | 2023-01 | 1      | 15
    a         | 2          | victim      | 2023-04 | 1      | 15
    a         | 2          | victim      | 2023-04 | 1      | 15
    b         | 3          | victim      | 2023-02 | 1      | 20
    c         | 3          | victim      | 2023-02 | 1      | 15
    c         | 4          | suspect     | 2024-06 | 1      | 16
    d         | 5          | suspect     | 2024-06 | 1      | 30
    """
)
VICTIMS = RECORDS[RECORDS["person_role"] == "victim"]


def test_repeats_count_people_and_their_offences_once():
    found = dis.count_repeats(VICTIMS)
    assert found["events"].tolist() == ["1", "2", "3", "4", "5+"]
    assert found["people"].tolist() == [2, 1, 0, 0, 0]
    assert found["offences"].tolist() == [2, 2, 0, 0, 0]
    assert found["share_offences"].iloc[1] == pytest.approx(0.5)
    assert dis.count_repeats(VICTIMS.iloc[:0])["people"].tolist() == [0] * 5


def test_published_counts_cannot_be_followed():
    with pytest.raises(TableError, match="one row a person"):
        dis.count_repeats(VICTIMS.assign(people=3))


def test_recurrence_is_kaplan_meier_by_hand():
    # three people; one again after 3 months; one censored after 2 months
    people = table(
        """
        person_id | offence_id | month   | people
        a         | 1          | 2023-01 | 1
        a         | 2          | 2023-04 | 1
        b         | 3          | 2023-02 | 1
        c         | 4          | 2024-04 | 1
        """
    ).assign(person_role="victim")
    found = dis.recurrence_curve(people, end_month=pd.Timestamp("2024-06-01"))
    assert found["at_risk"].tolist()[:5] == [3, 3, 3, 2, 1]
    # at three months two are still followed, one of them is recorded again: 1 - 1/2
    assert found["share_again"].tolist() == pytest.approx([0] * 3 + [0.5] * 10)
    assert found["again"].iloc[-1] == 1
    assert (found["lower_ci"].dropna() <= found["share_again"].iloc[-1]).all()


def test_overlap_counts_people_in_both_roles():
    found = dis.count_overlap(RECORDS)
    assert found["people"].tolist() == [2, 1, 1]
    assert found["all_people"].tolist() == [4] * 3


def test_age_curve_has_every_age_and_its_rate():
    ages = pd.DataFrame({"age": [15, 16, 20], "population": [1000, 1000, 500]})
    found = dis.age_curve(VICTIMS, ages)
    assert found["people"].tolist() == [4, 0, 1]
    assert found["rate"].tolist() == [4, 0, 2]


def test_first_entrants_need_a_clear_look_back():
    found = dis.first_entrants(RECORDS, start_month=pd.Timestamp("2023-01-01"), lookback_months=12)
    assert found["financial_year"].tolist() == ["2024/25"]
    assert found["all_people"].tolist() == [2]
    assert found["first_people"].tolist() == [1]  # c was a victim in 2023, d is new


def test_distinct_people_stand_beside_events_and_only_where_every_record_names_one():
    rows = table(
        """
        group | person_id | people
        Black | a         | 1
        Black | a         | 1
        Black | b         | 1
        Black | c         | 1
        White | d         | 1
        White |           | 1
        """
    )
    rows = rows.assign(person_id=rows["person_id"].replace("", None))
    made = count_distinct(rows, ["group"])
    assert made["people"].to_dict() == {"Black": 4, "White": 2}
    assert made.loc["Black", ["distinct_people", "top_two"]].tolist() == [3, 3]
    assert made.loc["White", ["distinct_people", "top_two"]].isna().all()
