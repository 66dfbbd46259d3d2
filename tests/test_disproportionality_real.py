"""Real searches and homicides, built and compared, against a few independent lines of pandas."""

import os
import shutil
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pytest

import sna
from sna import disproportionality as dis
from sna.build import build

REAL = os.environ.get("SNA_REAL_DATA", "")
pytestmark = [
    pytest.mark.real_data,
    pytest.mark.skipif(not REAL, reason="needs the folder named by SNA_REAL_DATA"),
]
CODES = {"Hackney": "E09000012", "Croydon": "E09000008", "Westminster": "E09000033"}
FIVE = {"White": "White", "Mixed": "Mixed", "Asian": "Asian", "Black": "Black"}


@pytest.fixture(scope="module")
def processed(tmp_path_factory):
    raw, out = tmp_path_factory.mktemp("raw"), tmp_path_factory.mktemp("processed")
    for pattern in (
        "police_uk/metropolitan/*stop*", "boundaries/london_boroughs_2024_bng.gpkg",
        "boundaries/london_lsoa_2021_bng.gpkg", "population/census_2021_ethnic_group*",
        "mps/homicide_accused/*",
    ):  # fmt: skip
        for path in Path(REAL).glob(pattern):
            shutil.copy(path, raw / path.name)
    build(raw=raw, processed=out)
    return out


@pytest.fixture(scope="module")
def searches():
    """Read all six months and place them by point in polygon, with none of our code."""
    paths = sorted(Path(REAL, "police_uk/metropolitan").glob("*stop*"))
    rows = pd.concat([pd.read_csv(path) for path in paths], ignore_index=True)
    areas = gpd.read_file(Path(REAL, "boundaries/london_boroughs_2024_bng.gpkg"))
    points = gpd.points_from_xy(rows["Longitude"], rows["Latitude"], crs=4326)
    placed = gpd.GeoDataFrame(rows, geometry=points).to_crs(27700).sjoin(areas, predicate="within")
    placed = placed[~placed.index.duplicated()]
    label = placed["Self-defined ethnicity"].fillna("Other ethnic group - Not stated")
    group = label.str.split("/").str[0].str.split(" - ").str[0].str.strip()
    group = group.map(FIVE).fillna("Other").mask(label.str.endswith("Not stated"), "Not stated")
    return rows, pd.crosstab(placed["LAD24CD"], group)


@pytest.fixture(scope="module")
def residents():
    census = pd.read_csv(next(Path(REAL, "population").glob("census_2021_ethnic_group*")))
    census = census[census["ethnic_group"].str.contains("(number)", regex=False)]
    group = census["ethnic_group"].str.split(r"[,: ]", regex=True).str[0]
    return census.pivot_table("value", "ltla21_code", group, aggfunc="sum")


def test_every_search_is_read(processed, searches):
    rows, counts = searches
    assert len(rows) == 80_508
    people = pd.concat([
        pd.read_parquet(path) for path in (processed / "people").glob("*.parquet")
    ])  # fmt: skip
    ours = people[people["person_role"].astype(str) == "searched"]
    assert ours["people"].sum() == len(rows)
    assert ours["borough_code"].notna().sum() == pytest.approx(counts.to_numpy().sum(), abs=50)


@pytest.mark.parametrize("borough", CODES)
def test_searches_of_a_borough_agree_with_plain_pandas(processed, searches, residents, borough):
    data = sna.load_borough(borough, end_month="2023-06", processed=processed)
    found = dis.compare_people(data, person_role="searched").set_index("ethnic_group")
    counts, people = searches[1].loc[CODES[borough]], residents.loc[CODES[borough]]
    groups = ["White", "Asian", "Black", "Mixed", "Other"]
    # build places by small area, these lines by borough outline: a point on the line may differ
    assert (found.loc[groups, "people"] - counts[groups]).abs().max() <= 1
    assert found.loc[groups, "population"].tolist() == people[groups].tolist()
    assert found["missing_people"].iloc[0] == pytest.approx(counts["Not stated"], abs=1)
    rate = counts["Black"] / people["Black"] / (counts["White"] / people["White"])
    assert found.loc["Black", "rate_ratio"] == pytest.approx(rate, rel=5e-3)
    # by hand, June 2023 files: 681 of 54,645 against 542 of 137,709
    if borough == "Hackney":
        assert found.loc["Black", "rate_ratio"] == pytest.approx(3.1664, abs=5e-5)
        assert set(found["caution"]) == {"no_headline"}  # 591 of 2,147 not stated


def test_homicide_accused_keep_every_person_and_ratio(processed, residents):
    table = pd.read_parquet(next(Path(REAL, "mps/homicide_accused").glob("*.parquet")))
    name = next(c for c in table if "ethnicity" in c)
    mine = table[table["borough"].str.strip() == "Hackney"]
    counts = mine[name].str.strip().value_counts()
    data = sna.load_borough("Hackney", end_month="2024-03", processed=processed)
    people = dis.select_people(data, person_role="proceeded_against", months=None)
    assert people["people"].sum() == len(mine)
    found = dis.compare_groups(dis.count_groups(people, data.population)).set_index("group")
    assert found.loc["Black", "people"] == counts["Black"]
    row = residents.loc[CODES["Hackney"]]
    rate = counts["Black"] / row["Black"] / (counts["White"] / row["White"])
    assert found.loc["Black", "rate_ratio"] == pytest.approx(rate)
