"""The simulated London: same bytes, reconciling files, planted answers that can be found."""

import hashlib
import json
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest

from sna.errors import UsageError
from sna.sample import write_sample
from sna.sample.truth import find_bands

SMALL: dict[str, Any] = {"boroughs": ["Hackney", "Hillingdon"], "months": 24, "scale": 0.05}


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a small simulated London."""
    out = tmp_path_factory.mktemp("small")
    write_sample(out, **SMALL)
    return out / "simulated"


def read(path: Path) -> pd.DataFrame:
    """Read a simulated CSV file as text."""
    return pd.read_csv(path, dtype="str", keep_default_na=False)


def hashes(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of every file."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_same_seed_gives_the_same_bytes_and_another_seed_does_not(
    small: Path, tmp_path: Path
) -> None:
    write_sample(tmp_path / "again", **SMALL)
    write_sample(tmp_path / "other", seed=7, **SMALL)
    first, again = hashes(small), hashes(tmp_path / "again" / "simulated")
    assert first == again
    assert hashes(tmp_path / "other" / "simulated") != first


def test_borough_counts_add_up_to_the_recorded_rows_of_the_extract(small: Path) -> None:
    extract = read(small / "extract" / "simulated_record_extract.csv")
    extract = extract[extract["Record Status"] == "Recorded"]
    (path,) = (small / "mps" / "borough").glob("*24_months*")
    counts = pd.read_csv(path)
    months = [name for name in counts if name.isdigit()]
    assert counts[months].to_numpy().sum() == len(extract)
    rape = counts[(counts["MinorText"] == "RAPE") & (counts["BoroughName"] == "Hackney")]
    own = extract["Offence"].str.startswith("Rape") & extract["Borough"].eq("Hackney")
    assert rape[months].to_numpy().sum() == own.sum()


def test_ward_counts_fall_short_by_the_offences_without_a_place(small: Path) -> None:
    extract = read(small / "extract" / "simulated_record_extract.csv")
    extract = extract[extract["Record Status"] == "Recorded"]
    (path,) = (small / "mps" / "ward").glob("*24_months*")
    counts = pd.read_csv(path)
    months = [name for name in counts if name.isdigit()]
    assert counts[months].to_numpy().sum() == (extract["Ward Code"] != "").sum() < len(extract)


def test_street_files_hold_every_recorded_offence(small: Path) -> None:
    extract = read(small / "extract" / "simulated_record_extract.csv")
    extract = extract[extract["Record Status"] == "Recorded"]
    street = pd.concat([read(path) for path in sorted((small / "police_uk").rglob("*street.csv"))])
    assert len(street) == len(extract)
    assert (street["LSOA code"] == "").sum() == (extract["LSOA Code"] == "").sum()
    assert street["Crime ID"].str.fullmatch("[0-9a-f]{64}").all()
    assert street["Crime ID"].is_unique


def test_populations_agree_with_each_other(small: Path) -> None:
    folder = small / "population"
    single = pd.read_csv(folder / "simulated_mid_2024_single_year_of_age_lad.csv")
    total = single["total_population"].sum()
    bands = pd.read_csv(folder / "simulated_census_2021_age_bands_lsoa.csv")
    joint = pd.read_csv(folder / "simulated_census_2021_ethnic_group_age_sex_lad.csv")
    group = pd.read_csv(folder / "simulated_census_2021_ethnic_group_lad.csv")
    number = group[group["ethnic_group"].str.endswith("(number)")]
    assert {bands["Observation"].sum(), joint["Observation"].sum(), number["value"].sum()} == {
        total
    }
    young = bands[bands["Age (5 categories) Code"] <= 2]["Observation"].sum()
    assert young == single[[str(age) for age in range(25)]].to_numpy().sum()


def test_areas_are_whole_nest_and_draw_no_straight_grid(small: Path) -> None:
    folder = small / "boundaries"
    areas = gpd.read_file(folder / "simulated_lsoa_2021_bng.gpkg")
    wards = gpd.read_file(folder / "simulated_ward_2024_bng.gpkg")
    boroughs = gpd.read_file(folder / "simulated_borough_2024_bng.gpkg")
    assert boroughs["LAD24NM"].tolist() == ["Hackney", "Hillingdon"]
    for table in (areas, wards, boroughs):
        assert table.crs.to_epsg() == 27700
        assert (table.geom_type == "Polygon").all()
        assert table.is_valid.all()
    assert areas.area.sum() == pytest.approx(boroughs.area.sum())
    assert wards.area.sum() == pytest.approx(boroughs.area.sum())
    corners = np.diff(areas.geometry.iloc[0].exterior.coords, axis=0)
    assert (corners != 0).all()  # no edge runs exactly north or east
    lookup = read(folder.parent / "lookups" / "simulated_lsoa_2021_ward_2024_lad_2024.csv")
    assert set(lookup["lsoa21_code"]) == set(areas["LSOA21CD"])
    assert lookup["lsoa21_code"].str.startswith("E0199").all()
    assert set(lookup["ward24_code"]) == set(wards["WD24CD"])


def test_hotspots_are_four_areas_that_touch(small: Path) -> None:
    truth = json.loads((small / "truth.json").read_text(encoding="utf-8"))
    areas = gpd.read_file(small / "boundaries" / "simulated_lsoa_2021_bng.gpkg")
    for codes in truth["hotspots"]["lsoa_codes"].values():
        assert len(codes) == 4
        shapes = areas[areas["LSOA21CD"].isin(codes)]
        assert shapes.union_all().geom_type == "Polygon"


def test_bands_of_small_cases_follow_the_text() -> None:
    from sna.sample.offences import Events

    codes = pd.DataFrame(
        {
            "offence_code": ["8N", "105A", "19C", "58A", "8U", "10D", "106"],
            "role": ["listed", "near", "listed", "property", "near", "possession", "exploitation"],
            "sexual": [0, 0, 1, 0, 0, 0, 0],
        }
    )
    # code, victim's age (None: not known), suspect's age, flag (2 yes, 1 blank, 0 no), linked, band
    cases = [
        (0, 17, 40, 0, -1, "core"),
        (0, 40, 41, 0, -1, "listed_out_of_context"),
        (0, None, 40, 0, -1, "indeterminate"),
        (0, 45, 15, 2, -1, "core"),
        (0, 40, None, 1, -1, "indeterminate"),
        (1, 40, 41, 2, -1, "context_only"),
        (1, 40, 41, 0, -1, "out"),
        (2, 60, 62, 0, -1, "core"),
        (3, 60, 62, 0, 0, "core"),
        (3, 60, 62, 0, 1, "listed_out_of_context"),
        (3, 60, 62, 2, -1, "context_only"),
        (4, 60, 62, 0, -1, "context_only"),
        (5, 20, 20, 0, -1, "out"),
        (6, 40, 20, 0, -1, "out"),
        (6, 20, 40, 0, -1, "context_only"),
    ]
    offences = pd.DataFrame(
        {
            "code": [case[0] for case in cases],
            "domestic": [case[3] for case in cases],
            "linked": [case[4] for case in cases],
            "status": 0,
        }
    )
    people = pd.DataFrame(
        {
            "offence": np.repeat(np.arange(len(cases)), 2),
            "is_victim": [True, False] * len(cases),
            "age": [age or 30 for case in cases for age in case[1:3]],
            "age_missing": [age is None for case in cases for age in case[1:3]],
        }
    )
    events = Events(pd.DatetimeIndex([]), 0, 0, codes, offences, people, pd.DataFrame())
    names = ["core", "context_only", "listed_out_of_context", "indeterminate", "out"]
    assert [names[band] for band in find_bands(events)] == [case[5] for case in cases]


def test_unknown_borough_gets_a_suggestion(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="Did you mean Hillingdon"):
        write_sample(tmp_path, boroughs=["Hilingdon"])


def test_real_files_are_never_removed(tmp_path: Path) -> None:
    (tmp_path / "simulated").mkdir()
    (tmp_path / "simulated" / "real.csv").write_text("a\n1\n", encoding="utf-8")
    with pytest.raises(UsageError, match="not simulated"):
        write_sample(tmp_path, **SMALL)
    assert (tmp_path / "simulated" / "real.csv").exists()


@pytest.mark.simulation
def test_the_classifier_gives_the_bands_that_were_worked_out_apart(
    small: Path, tmp_path: Path
) -> None:
    from sna.build import build

    truth = json.loads((small / "truth.json").read_text(encoding="utf-8"))
    build(small, tmp_path)
    for name, code in (("Hackney", "E09000012"), ("Hillingdon", "E09000017")):
        rows = pd.read_parquet(tmp_path / "offences" / f"{code}.parquet")
        rows = rows[rows["source"] == "extract"]
        found = rows["band"].astype("str").value_counts().to_dict()
        open_ = rows["band"].eq("indeterminate") & rows["possible_bands"].astype(
            "str"
        ).str.contains("core")
        found["core_possible"] = int(open_.sum())
        planted = truth["bands_london_2023"][name]
        assert {band: found.get(band, 0) for band in planted} == planted


@pytest.mark.slow
def test_a_small_london_can_be_built(tmp_path: Path) -> None:
    from sna.build import build

    write_sample(tmp_path / "raw", boroughs=["Hackney", "Hillingdon"], months=36, scale=0.1)
    assert build(tmp_path / "raw", tmp_path / "processed")
    counts = pd.read_parquet(tmp_path / "processed" / "counts.parquet")
    assert set(counts["borough_code"].dropna()) >= {"E09000012", "E09000017"}
