"""Real published files through the classifier; figures summed by hand from the raw files."""

import os
from pathlib import Path

import pandas as pd
import pytest

from sna.classify import classify_offences, definition_bounds

FOLDER = os.environ.get("SNA_REAL_DATA", "")
pytestmark = [pytest.mark.real_data, pytest.mark.skipif(not FOLDER, reason="SNA_REAL_DATA unset")]


def test_bounds_of_two_boroughs_are_the_sums_of_the_published_rows():
    path = Path(FOLDER) / "mps/borough/mps_borough_crime_24_months_202303_202502.csv"
    raw = pd.read_csv(path)
    months = [c for c in raw.columns if c.isdigit() and "202403" <= c <= "202502"]
    label = "MPS | " + raw["MajorText"] + " | " + raw["MinorText"]
    rows = pd.DataFrame({"published_category": label, "borough": raw["BoroughName"],
                         "offences": raw[months].sum(axis=1)})  # fmt: skip
    bounds = definition_bounds(classify_offences(rows), by=("borough",)).set_index("borough")
    # by hand from the raw rows: docs/real_data_checks.md
    assert bounds.loc["Hackney", ["lower", "upper"]].tolist() == [287, 10_160]
    assert bounds.loc["Hillingdon", ["lower", "upper"]].tolist() == [290, 9_298]


def test_homicide_accused_have_no_facts_that_the_file_lacks():
    path = Path(FOLDER) / "mps/homicide_accused/mps_homicide_accused_200301_202403.parquet"
    raw = pd.read_parquet(path)
    rows = pd.DataFrame({"offence_text": raw["offence_type"], "suspect_age": raw["age_group"]})
    bands = classify_offences(rows)["band"].value_counts().to_dict()
    assert {k: v for k, v in bands.items() if v} == {"core": 2446, "indeterminate": 2056, "out": 10}


def test_knife_labels_of_a_borough_are_those_of_the_dashboard():
    path = Path(FOLDER) / "mps/knife_dashboard/mps_knife_dashboard_202203_202602.parquet"
    raw = pd.read_parquet(path)
    year = raw["month_year"].between("2025-03-01", "2026-02-01")
    rows = raw[year & raw["area_type"].eq("Borough") & raw["area_name"].eq("Hackney")]
    rows = rows[rows["measure"].eq("Offences")]
    label = "M1045 | KNIFE CRIME | " + rows["crime_subtype"]
    table = pd.DataFrame({"published_category": label, "offences": rows["count"]})
    classified = classify_offences(table)
    counts = classified.groupby("band", observed=True)["offences"].sum().to_dict()
    # by hand from the raw rows: 40 and 38 victims aged 1-24; 604, 120 and 15 offences
    assert counts == {"core": 78, "indeterminate": 739}
