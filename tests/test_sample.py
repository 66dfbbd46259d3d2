"""The simulated London: same bytes, reconciling files, planted answers that can be found."""

import hashlib
import json
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from report_site import house

from sna.errors import UsageError
from sna.sample import offences, write_sample
from sna.sample.bands import BANDS, find_bands, read_bands
from sna.store import read_state


def read(path: Path) -> pd.DataFrame:
    return pd.read_csv(path, dtype="str", keep_default_na=False)


SMALL: dict[str, Any] = {"boroughs": ["Hackney", "Hillingdon"], "months": 24, "scale": 0.05}


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a small simulated London."""
    out = tmp_path_factory.mktemp("small")
    write_sample(out, **SMALL)
    return out / "simulated"


@pytest.fixture(scope="module")
def spans(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of the same London, written some months at a time."""
    out = tmp_path_factory.mktemp("spans")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(offences, "_MOST", 500)
        write_sample(out, **SMALL)
    return out / "simulated"


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
    (path,) = (small / "mps" / "borough").glob("*.csv")
    counts = pd.read_csv(path)
    months = [name for name in counts if name.isdigit()]
    assert counts[months].to_numpy().sum() == len(extract)
    rape = counts[(counts["MinorText"] == "RAPE") & (counts["BoroughName"] == "Hackney")]
    own = extract["Offence"].str.startswith("Rape") & extract["Borough"].eq("Hackney")
    assert rape[months].to_numpy().sum() == own.sum()


def test_a_london_too_large_for_memory_comes_in_extracts_that_share_no_month(spans: Path) -> None:
    mappings = sorted((spans / "extract").glob("*.mapping.toml"))
    stems = [path.name.removesuffix(".mapping.toml") for path in mappings]
    assert len(stems) > 2
    parts = [read(spans / "extract" / f"{stem}.csv") for stem in stems]
    people = pd.concat([read(spans / "extract" / f"{stem}_people.csv") for stem in stems])
    months = [set(part["Recorded Date"].str[:7]) for part in parts]
    assert len(set().union(*months)) == sum(len(some) for some in months) == SMALL["months"]
    extract = pd.concat(parts)
    assert extract["Crime Reference"].is_unique
    assert people["Crime Reference"].isin(extract["Crime Reference"]).all()
    linked = extract.loc[extract["Linked Reference"] != "", "Linked Reference"]
    assert len(linked) > 0
    assert linked.isin(extract["Crime Reference"]).all()
    recorded = extract[extract["Record Status"] == "Recorded"]
    (path,) = (spans / "mps" / "borough").glob("*.csv")
    assert pd.read_csv(path).iloc[:, 3:].to_numpy().sum() == len(recorded)
    street = [len(read(path)) for path in (spans / "police_uk").rglob("*street.csv")]
    assert sum(street) == len(recorded)
    victims = people[people["Role"] == "Victim"].drop_duplicates(["Person Id", "Crime Reference"])
    times = victims["Person Id"].value_counts()
    truth = json.loads((spans / "truth.json").read_text(encoding="utf-8"))
    assert truth["offences"] == len(extract)
    assert truth["recorded_offences"] == len(recorded)
    assert truth["victims"] == {"people": len(times), "more_than_once": int((times > 1).sum())}


def test_ward_counts_fall_short_by_the_offences_without_a_place(small: Path) -> None:
    extract = read(small / "extract" / "simulated_record_extract.csv")
    extract = extract[extract["Record Status"] == "Recorded"]
    (path,) = (small / "mps" / "ward").glob("*.csv")
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
    group = pd.read_csv(folder / "simulated_census_2021_ethnic_group_lsoa.csv")
    assert {table["Observation"].sum() for table in (bands, joint, group)} == {total}
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
    # offence class, victim's age, suspect's age (empty: not known), abuse, linked record, band
    cases = [
        ("8N", "17", "40", "N", "", "core"),
        ("8N", "40", "41", "N", "", "listed_out_of_context"),
        ("8N", "", "40", "N", "", "indeterminate"),
        ("8N", "45", "15", "Y", "", "core"),
        ("8N", "40", "", "", "", "indeterminate"),
        ("105A", "40", "41", "Y", "", "context_only"),
        ("105A", "40", "41", "N", "", "out"),
        ("19C", "60", "62", "N", "", "core"),
        ("58A", "60", "62", "N", "0", "core"),
        ("58A", "60", "62", "N", "1", "listed_out_of_context"),
        ("58A", "60", "62", "Y", "", "context_only"),
        ("8U", "60", "62", "N", "", "context_only"),
        ("10D", "20", "20", "N", "", "out"),
        ("106", "40", "20", "N", "", "out"),
        ("106", "20", "40", "N", "", "context_only"),
    ]
    code, victim, suspect, abuse, linked, band = (list(part) for part in zip(*cases, strict=True))
    serial = [str(number) for number in range(len(cases))]
    extract = pd.DataFrame({
        "Crime Reference": serial, "Offence Class": code, "Domestic Abuse": abuse,
        "Linked Reference": linked, "Record Status": "Recorded",
    })  # fmt: skip
    people = pd.DataFrame({
        "Crime Reference": serial * 2, "Age": [*victim, *suspect],
        "Role": ["Victim"] * len(cases) + ["Suspect"] * len(cases),
    })  # fmt: skip
    assert find_bands(extract, people)["band"].tolist() == band


def test_people_come_back_and_stay_who_they_are(small: Path) -> None:
    people = read(small / "extract" / "simulated_record_extract_people.csv")
    truth = json.loads((small / "truth.json").read_text(encoding="utf-8"))["victims"]
    victims = people[people["Role"] == "Victim"].drop_duplicates(["Person Id", "Crime Reference"])
    times = victims["Person Id"].value_counts()
    assert truth == {"people": len(times), "more_than_once": int((times > 1).sum())}
    assert 0.02 < truth["more_than_once"] / truth["people"] < 0.3
    both = people.groupby("Person Id")["Role"].nunique()
    assert (both == 2).any()
    assert people.groupby("Person Id")["Sex"].nunique().eq(1).all()
    known = people[people["Ethnicity Observed"] != ""]
    assert known.groupby("Person Id")["Ethnicity Observed"].nunique().eq(1).all()


def test_deprivation_has_an_income_domain_and_small_areas_have_groups(small: Path) -> None:
    ranks = read(small / "deprivation" / "simulated_imd_2025_lsoa_2021.csv")
    income = ranks["Income Rank (where 1 is most deprived)"].astype(int)
    decile = ranks["Income Decile (where 1 is most deprived 10% of LSOAs)"].astype(int)
    assert decile.between(1, 10).all()
    assert decile.is_monotonic_increasing or decile[income.argsort()].is_monotonic_increasing
    groups = pd.read_csv(small / "population" / "simulated_census_2021_ethnic_group_lsoa.csv")
    bands = pd.read_csv(small / "population" / "simulated_census_2021_age_bands_lsoa.csv")
    code = "Lower layer Super Output Areas Code"
    assert (
        groups.groupby(code)["Observation"].sum().equals(bands.groupby(code)["Observation"].sum())
    )


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
@pytest.mark.parametrize("name", ["small", "spans"])
def test_the_classifier_gives_the_bands_that_were_worked_out_apart(
    name: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    from sna.build import build

    folder = request.getfixturevalue(name)
    planted = read_bands(folder)
    build(folder, tmp_path)
    for borough, code in (("Hackney", "E09000012"), ("Hillingdon", "E09000017")):
        rows = pd.read_parquet(tmp_path / "offences" / f"{code}.parquet")
        rows = rows[rows["source"] == "extract"]
        mine = planted[planted["Borough"] == borough]
        found = rows["band"].astype("str").value_counts()
        assert found.reindex(BANDS).equals(mine.groupby("band")["records"].sum().reindex(BANDS))
        possible = rows["possible_bands"].astype("str").str.contains("core")
        open_ = int((rows["band"].eq("indeterminate") & possible).sum())
        assert open_ == mine.loc[mine["core_possible"], "records"].sum()


@pytest.mark.slow
def test_a_small_london_can_be_built() -> None:
    processed = house("simulated") / "data" / "processed"
    assert not read_state(processed)["partial"]
    counts = pd.read_parquet(processed / "counts.parquet")
    assert set(counts["borough_code"].dropna()) >= {"E09000012", "E09000017"}
