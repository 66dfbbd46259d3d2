"""A partnership outside London, given its own boundaries, residents and profile."""

from pathlib import Path

import geopandas as gpd
import pandas as pd
import pytest
import shapely
from raw_folder import STREET, street_row, write

import sna
from sna.batch import plan_jobs
from sna.build import build
from sna.reporting.borough import render_borough
from sna.settings import Settings
from sna.store import load_borough, read_table

VIOLENCE = "Violence and sexual offences"
PLACE = "E06000040"
SMALL = ["E01016551", "E01016552"]


def _raw(folder: Path, *, boundaries: bool) -> Path:
    """Write two months of street crime of another force about an invented map of two small areas."""
    boxes = [shapely.box(x, 180_000, x + 1000, 181_000) for x in (490_000, 491_000)]
    if boundaries:
        folder.mkdir()
        names = {
            "LSOA21CD": SMALL,
            "LSOA21NM": ["Windsor and Maidenhead 013A", "Windsor and Maidenhead 012D"],
        }
        gpd.GeoDataFrame(names, geometry=boxes, crs=27700).to_file(folder / "lsoas.gpkg")
        district = {"LAD24CD": [PLACE], "LAD24NM": ["Windsor and Maidenhead"]}
        whole = [shapely.union_all(boxes)]
        gpd.GeoDataFrame(district, geometry=whole, crs=27700).to_file(folder / "districts.gpkg")
        ages = ["Aged 15 years and under", "Aged 16 to 24 years"]
        rows = [f"{PLACE},x,{age},200" for age in ages]
        write(folder, "census.csv", "LTLA21 Code,Name,Age (5 categories),Observation", *rows)
    for month in ("2024-01", "2024-02"):
        rows = [street_row(n, month=month, lsoa=code, name="x", kind=VIOLENCE)
                for n, code in enumerate([*SMALL, SMALL[0]])]  # fmt: skip
        rows = [row.replace("Metropolitan Police Service", "Thames Valley Police") for row in rows]
        write(folder, f"{month}-thames-valley-street.csv", STREET, *rows)
    return folder


def test_street_rows_of_another_force_find_their_district_by_the_boundaries(tmp_path: Path) -> None:
    build(
        _raw(tmp_path / "raw", boundaries=True),
        tmp_path / "out",
        profile="all_ages_richmond_wandsworth",
    )
    data = load_borough(
        "Windsor and Maidenhead", processed=tmp_path / "out", profile="all_ages_richmond_wandsworth"
    )
    assert (data.borough_code, data.end_month) == (PLACE, pd.Timestamp("2024-02-01"))
    assert data.offences.groupby("lsoa_code", observed=True)["offences"].sum().to_dict() == {
        SMALL[0]: 4,
        SMALL[1]: 2,
    }
    assert data.population["population"].sum() == 400
    assert set(data.areas.loc[data.areas["area_level"].eq("lsoa"), "borough_code"]) == {PLACE}
    for asked in ("windsor and maidenhead", PLACE):
        jobs = plan_jobs([asked], Settings(), processed=tmp_path / "out", reports=tmp_path)
        assert [job.borough_code for job in jobs] == [PLACE]
    counts = sna.trend.count_series(data)
    assert counts["offences"].sum() >= 6


def test_a_year_of_a_place_outside_london_is_compared_with_nobody(tmp_path: Path) -> None:
    raw = _raw(tmp_path / "raw", boundaries=True)
    head = (
        "Financial Year,Financial Quarter,CSP Name,Offence Description,Offence Code,Offence Count"
    )
    rows = [f"{year},{quarter},Windsor & Maidenhead,Assault with injury,8N,66"
            for year in ("2022/23", "2023/24") for quarter in range(1, 5)]  # fmt: skip
    write(raw, "csp.csv", head, *rows)
    build(raw, tmp_path / "out")
    data = load_borough("Windsor and Maidenhead", processed=tmp_path / "out")
    areas = sna.trend.compare_areas(data)
    assert areas["area"].tolist() == areas["members"].tolist() == ["Windsor and Maidenhead"]
    for table, contract in (
        (sna.trend.count_tiles(data), "trend_tiles"),  # it has no tile on the map of London
        (sna.hotspots.count_flows(data), "hotspot_flows"),  # nor people whose home is known
    ):
        shown = sna.figures.show(sna.protect(table, contract=contract, data=data))
        assert table.empty and "<svg" not in shown._repr_html_()


def test_street_rows_outside_london_without_boundaries_are_kept_without_a_place(
    tmp_path: Path,
) -> None:
    build(_raw(tmp_path / "raw", boundaries=False), tmp_path / "out")
    rows = read_table("offences/unplaced", tmp_path / "out")
    assert rows["offences"].sum() == 6
    assert set(rows["lsoa_code"].astype(str)) == set(SMALL)


def _without_small_areas(folder: Path, *, wards: bool) -> Path:
    """Write the same with a lookup of small areas to wards in place of the small areas' map."""
    raw = _raw(folder, boundaries=True)
    (raw / "lsoas.gpkg").unlink()
    heads = "lsoa21_code,lsoa21_name,ward24_code,ward24_name,ltla24_code,ltla24_name"
    codes = ["E05002345", "E05002346"]
    rows = [f"{lsoa},x,{ward},y,{PLACE},Windsor and Maidenhead"
            for lsoa, ward in zip(SMALL, codes, strict=True)]  # fmt: skip
    write(raw, "lookup.csv", heads, *rows)
    if wards:
        boxes = [shapely.box(x, 180_000, x + 1000, 181_000) for x in (490_000, 491_000)]
        names = {"WD24CD": codes, "WD24NM": ["One", "Two"]}
        gpd.GeoDataFrame(names, geometry=boxes, crs=27700).to_file(raw / "wards.gpkg")
    return raw


def test_a_place_with_boundaries_of_wards_only_is_shown_by_ward(tmp_path: Path) -> None:
    build(_without_small_areas(tmp_path / "raw", wards=True), tmp_path / "out")
    data = load_borough(PLACE, processed=tmp_path / "out")
    for finest in (False, True):
        counts = sna.hotspots.count_areas(data, finest=finest)
        assert counts.areas["area_name"].tolist() == ["One", "Two"]
        assert counts.areas["offences"].tolist() == [4, 2]


@pytest.mark.notebook
def test_without_boundaries_a_page_says_section_by_section_why_and_the_others_stand(
    tmp_path: Path,
) -> None:
    build(_without_small_areas(tmp_path / "raw", wards=False), tmp_path / "out")
    names = ["03_hotspots", "03b_hotspots_records", "04_disproportionality"]
    where = {"processed": tmp_path / "out", "reports": tmp_path / "reports"}
    made = render_borough(PLACE, notebooks=names, **where)
    page = (made / "03_hotspots.html").read_text(encoding="utf-8")
    why = "There are no LSOA boundaries for Windsor and Maidenhead, so offences have no place."
    assert page.count(f"Nothing can be shown here. {why}") == 6  # sections, each once
    assert f"<li>{why}</li>" in page
    assert why in (made / "index.html").read_text(encoding="utf-8")
    assert {f"{name}.html" for name in names} < {path.name for path in made.iterdir()}
    again = render_borough(PLACE, notebooks=["04_disproportionality"], **where)
    assert why in (again / "03_hotspots.html").read_text(encoding="utf-8")
