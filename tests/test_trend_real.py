"""Hackney's and Hillingdon's violence with injury, from published files to the report's numbers."""

import csv
import os
from pathlib import Path

import pandas as pd
import pytest
from report_site import house

from sna import trend
from sna.store import load_borough

REAL = os.environ.get("SNA_REAL_DATA", "")
pytestmark = [
    pytest.mark.real_data,
    pytest.mark.skipif(not REAL, reason="SNA_REAL_DATA is not set"),
]
FILES = [
    "mps/borough/mps_borough_crime_24_months_202303_202502.csv",
    "mps/borough/mps_borough_crime_historical_201004_202309.csv",
    "population/mid_2020_single_year_of_age_lad_london_windsor.csv",
    "population/census_2021_ethnic_group_lad_london_windsor.csv",
]


@pytest.fixture(scope="module")
def processed():
    return house("real") / "data" / "processed"


def _raw_sum(file, borough, first, last):
    """Add up a borough's violence with injury straight from the published rows."""
    with (Path(REAL) / FILES[file]).open(encoding="utf-8-sig", newline="") as opened:
        head, *rows = csv.reader(opened)
    months = {f"{m:%Y%m}" for m in pd.date_range(first, last, freq="MS")}
    return sum(
        int(float(value))
        for row in rows
        if row[1].casefold() == "violence with injury" and row[2] == borough
        for name, value in zip(head, row, strict=True)
        if name in months
    )


@pytest.mark.parametrize("borough", ["Hackney", "Hillingdon"])
def test_the_series_is_the_published_one_and_the_break_is_drawn(processed, borough):
    data = load_borough(borough, processed=processed)
    series = trend.count_series(data)
    mine = series[series["area"].eq(borough)].set_index("month")["offences_year"]
    for file, end in ((0, "2025-02-01"), (0, "2024-02-01"), (1, "2022-02-01"), (1, "2020-02-01")):
        last = pd.Timestamp(end)
        first = last - pd.DateOffset(months=11)
        assert mine[last] == _raw_sum(file, borough, first, last)
    marks = series.loc[series["break_text"].ne("") & series["area"].eq(borough), "month"]
    assert pd.Timestamp("2024-03-01") in set(marks)
    change = trend.compare_periods(data)
    assert change["word"].unique().tolist() == ["[b]"]
    assert change["p_value"].isna().all()


def test_quiet_sides_of_a_break_keep_their_words(processed):
    """Between April 2012 and October 2014 nothing changed: the comparison has its numbers back."""
    data = load_borough("Hackney", processed=processed, end_month="2014-10-01")
    change = trend.compare_periods(data)
    row = change[change["window"].eq("12 months") & change["area"].eq("Hackney")].iloc[0]
    assert row["word"] in ("higher", "similar", "lower")
    assert 0 <= row["p_value"] <= 1
