"""Outcomes: shares charged by month and category, and the time that a charge takes."""

from types import SimpleNamespace

import pandas as pd
import pytest
from tables import table

import sna
from sna.trend.outcomes import count_charged

OFFENCES = """
month      | offence_id | published_category
2024-01-01 | a          | police.uk; Robbery
2024-01-01 | b          | police.uk; Robbery
2024-01-01 | c          | police.uk; Robbery
2024-01-01 | d          | police.uk; Burglary
2024-02-01 | e          | police.uk; Robbery
2023-12-01 | f          | police.uk; Robbery
"""
OUTCOMES = """
month      | offence_id | outcome
2024-01-01 | a          | Suspect charged
2024-04-01 | b          | Suspect charged as part of another case
2024-03-01 | b          | Offender given a caution
2024-02-01 | d          | Local resolution
2024-01-01 | z          | Suspect charged
"""


def _data() -> SimpleNamespace:
    offences, outcomes = table(OFFENCES), table(OUTCOMES)
    same = {"release_class": "open"}
    category = offences["published_category"].str.replace(";", " |")
    return SimpleNamespace(
        offences=offences.assign(source="police_uk_street", offences=1, published_category=category, file_id=1,
                                 month=pd.to_datetime(offences["month"]), **same),
        outcomes=outcomes.assign(source="police_uk_outcomes", month=pd.to_datetime(outcomes["month"]),
                                 **same),
    )  # fmt: skip


def test_a_charge_is_counted_in_the_month_of_its_offence_with_its_lag():
    found = count_charged(_data())
    assert found["label"].tolist() == ["Robbery", "Robbery", "Burglary"]  # most offences first
    assert found["offences"].tolist() == [3, 1, 1]
    assert found["charged"].tolist() == [2, 0, 0]
    assert found["lag_months"].tolist()[0] == pytest.approx(1.5)  # 0 and 3 months
    assert found["follow_up_months"].tolist() == [3, 2, 3]


def test_the_page_shows_the_lag_of_few_charges_and_names_the_two_sources_joined():
    data = _data()
    data.borough_name, data.edition, data.simulated = "Lambeth", "public", False
    data.end_month = pd.Timestamp("2024-04-01")
    other = data.offences.tail(1).assign(source="mps_borough")  # of no reference: not joined
    data.offences = pd.concat([data.offences, other], ignore_index=True)
    shown = sna.figures.show(
        sna.protect(count_charged(data), contract="outcomes_charged", data=data)
    )
    lag = shown.columns["lag_months"]
    assert lag == "Median months from offence to charge"
    assert [row.split(",")[7:9] for row in shown.csv.split("\r\n")[1:4]] == [
        ["1.5", "3"], ["[x]", "2"], ["[x]", "3"],
    ]  # fmt: skip
    assert shown.source == (
        "data.police.uk outcomes; data.police.uk street-level crime, January 2024 to February 2024"
    )


def test_offences_of_a_force_without_outcomes_are_not_counted_as_not_charged():
    data = _data()
    other = data.offences.assign(offence_id=data.offences["offence_id"] + "2", file_id=2)
    data.offences = pd.concat([data.offences, other], ignore_index=True)
    pd.testing.assert_frame_equal(count_charged(data), count_charged(_data()))


def test_without_outcomes_there_are_no_rows():
    data = _data()
    data.outcomes = data.outcomes.head(0)
    assert count_charged(data).empty


def test_the_table_has_a_contract_that_lets_every_column_out():
    contract = sna.schemas.results.result_table("outcomes_charged")
    named = {
        *contract.keys,
        *contract.counts,
        *contract.plain,
        "lag_months",
        "release_class",
        "source",
    }
    assert set(count_charged(_data()).columns) == named
