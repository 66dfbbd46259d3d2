"""Real published files, summed by hand beside our own counts; skipped without SNA_REAL_DATA."""

import os
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest

from sna import geography, hotspots

ROOT = Path(os.environ.get("SNA_REAL_DATA", "absent"))
pytestmark = [
    pytest.mark.real_data,
    pytest.mark.skipif(not ROOT.is_dir(), reason="SNA_REAL_DATA is not set"),
]


@pytest.fixture(scope="module")
def lsoas():
    shapes = gpd.read_file(ROOT / "boundaries/london_lsoa_2021_bng.gpkg")
    return shapes.rename(columns={"LSOA21CD": "area_code", "LSOA21NM": "area_name"})


@pytest.fixture(scope="module")
def lookup():
    pairs = pd.read_csv(
        ROOT / "lookups/lsoa_2011_lsoa_2021_lad_2022_exact_fit_v3.csv", encoding="utf-8-sig"
    )
    names = {"LSOA11CD": "lsoa_2011_code", "LSOA21CD": "lsoa_code", "CHGIND": "change"}
    return pairs.rename(columns=names).assign(lookup="lsoa_2011_to_2021")


def test_boundaries_pass_and_have_the_neighbours_london_has(lsoas):
    checked, findings = geography.check_areas(lsoas)
    assert findings.empty
    near = geography.find_neighbours(checked)
    assert len(near.islands) == 0
    assert near.matrix.sum() / len(lsoas) == pytest.approx(5.94, abs=0.01)


def test_met_burglary_by_lsoa_loses_no_row(lsoas, lookup):
    files = sorted(ROOT.glob("police_uk/metropolitan/*-street.csv"))
    code = pd.concat([pd.read_csv(f, usecols=["LSOA code"]) for f in files])["LSOA code"]
    code = code.reset_index(drop=True).astype(object)
    old, newer = lookup["lsoa_2011_code"], lookup["lsoa_code"]
    single = lookup[~old.duplicated(keep=False) & lookup["change"].isin(["U", "M"])]
    new = code.map(single.set_index("lsoa_2011_code")["lsoa_code"])
    new = new.where(code.isin(old), code.where(code.isin(newer)))
    split = code.isin(lookup.loc[lookup["change"] == "S", "lsoa_2011_code"]).sum()
    counted = new.value_counts().reindex(lsoas["area_code"], fill_value=0)
    outside = new.notna().sum() - counted.sum()
    assert counted.sum() + split + code.isna().sum() + outside == len(code) == 27_892
    table = pd.DataFrame({"area_code": counted.index, "offences": counted.to_numpy()})
    found = hotspots.find_hotspots(table, geography.find_neighbours(lsoas))
    top = found.loc[found["gi_star_z"].idxmax()]
    assert top["offences"] == (code == top["area_code"]).sum() == 72
    assert top["is_hotspot"] and top["window_offences"] == 72 + 349
    assert np.isclose(hotspots.share_holding(counted), 0.2107, atol=5e-4)


def test_points_fall_in_the_borough_that_police_uk_names(lsoas):
    rows = pd.read_csv(ROOT / "police_uk/metropolitan/2023-06-metropolitan-street.csv")
    rows = rows.dropna(subset=["Longitude", "LSOA code"])
    at = gpd.points_from_xy(rows["Longitude"], rows["Latitude"], crs=4326).to_crs(27700)
    points = pd.DataFrame({"easting": at.x, "northing": at.y})
    placed = geography.add_area_code(points, lsoas)["area_code"]
    same = placed.to_numpy(object) == rows["LSOA code"].to_numpy(object)
    assert same.mean() > 0.8  # 81 %: the sample's boundaries are super-generalised
    names = lsoas.set_index("area_code")["area_name"].str[:-5]
    borough = placed.map(names).to_numpy(object) == rows["LSOA name"].str[:-5].to_numpy(object)
    assert borough.mean() > 0.98
