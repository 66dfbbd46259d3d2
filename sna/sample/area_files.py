"""Write MPS counts by area, residents, deprivation, boundaries and lookups."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sna.sample.city import AGES, ENGLAND_LSOAS, PLANTED, City, read_reference
from sna.sample.offences import Events
from sna.sample.police_files import write_rows

_LEVELS = {  # heading: column
    "borough": {"MajorText": "major", "MinorText": "minor", "BoroughName": "borough_name"},
    "ward": {
        "MajorText": "major", "MinorText": "minor", "WardName": "ward_name",
        "WardCode": "ward_code", "LookUp_BoroughName": "borough_name",
    },
    "lsoa": {
        "LSOA Code": "lsoa_code", "LSOA Name": "lsoa_name", "Borough": "borough_name",
        "Major Category": "major", "Minor Category": "minor",
    },
}  # fmt: skip


def write_mps(city: City, events: Events, folder: Path) -> None:
    """Write borough, ward and LSOA counts: the last 24 months, and the months before.

    The City has a force of its own; wards lack offences without a place, LSOAs sexual ones too.
    """
    rows = events.offences.query("status == 0")
    labels = events.codes.iloc[rows["code"]]
    own = city.boroughs["borough_name"].to_numpy()[rows["borough"]]
    table = city.lsoas.drop(columns="geometry").iloc[rows["lsoa"]].reset_index(drop=True)
    table = table.assign(
        borough_name=own, major=labels["mps_group"].to_numpy(), month=rows["month"].to_numpy(),
        minor=labels["mps_label"].to_numpy(),
    )  # fmt: skip
    met, placed = own != "City of London", rows["is_placed"].to_numpy()
    sexual = table["major"].eq("SEXUAL OFFENCES").to_numpy()
    for level, keep in (("borough", met), ("ward", met & placed), ("lsoa", met & placed & ~sexual)):
        _write_counts(table[keep], _LEVELS[level], events.months, folder / level)


def _write_counts(
    rows: pd.DataFrame, headings: dict[str, str], months: pd.DatetimeIndex, folder: Path
) -> None:
    """Write wide months; an area and category without an offence in the file has no row."""
    cut = max(0, len(months) - 24)
    for kind, start, stop in (("24_months", cut, len(months)), ("historical", 0, cut)):
        part = rows[rows["month"].between(start, stop - 1)]
        if part.empty:
            continue
        area = part.groupby(list(headings.values()), sort=True).ngroup().to_numpy()
        counts = np.zeros((area.max() + 1, stop - start), dtype=np.int64)
        np.add.at(counts, (area, part["month"].to_numpy() - start), 1)
        named = part.iloc[np.unique(area, return_index=True)[1]]
        table = {heading: named[column].to_numpy() for heading, column in headings.items()}
        table |= {f"{months[start + m]:%Y%m}": counts[:, m] for m in range(stop - start)}
        span = f"{months[start]:%Y%m}_{months[stop - 1]:%Y%m}"
        write_rows(table, folder / f"simulated_mps_{folder.name}_crime_{kind}_{span}.csv")


def _by_band(residents: np.ndarray, bands: str) -> tuple[np.ndarray, list[str]]:
    """Add single years of age (second axis) up to bands; return them with their labels."""
    tops, labels = zip(*PLANTED["bands"][bands], strict=True)
    return np.add.reduceat(residents, [0, *(top + 1 for top in tops[:-1])], axis=1), list(labels)


def _long(codes: Any, names: Any, title: str, cells: np.ndarray, axes: dict[str, list[str]]) -> Any:
    """Lay out one row an area and cell: code and name of the area, then of each axis."""
    index = np.indices(cells.shape).reshape(cells.ndim, -1)
    columns = {f"{title} Code": codes.to_numpy()[index[0]], title: names.to_numpy()[index[0]]}
    for place, (axis, labels) in zip(index[1:], axes.items(), strict=True):
        columns |= {f"{axis} Code": place + 1, axis: np.array(labels)[place]}
    return {**columns, "Observation": cells.ravel()}


def write_population(city: City, folder: Path) -> None:
    """Write residents by age, by age band and small area, by group, by group × age × sex."""
    groups = read_reference("ethnic_groups")["census_label"].tolist()
    codes, names = city.boroughs["borough_code"], city.boroughs["borough_name"]
    single = city.groups.sum(axis=(2, 3))
    wide = {"ltla21_code": codes, "ltla21_name": names, "total_population": single.sum(axis=1)}
    wide |= {f"{age}+" if age == AGES[-1] else str(age): single[:, age] for age in AGES}
    write_rows(wide, folder / "simulated_mid_2024_single_year_of_age_lad.csv")
    cells, labels = _by_band(city.residents, "five")
    small, axes = city.lsoas, {"Age (5 categories)": labels}
    title = "Lower layer Super Output Areas"
    table = _long(small["lsoa_code"], small["lsoa_name"], title, cells, axes)
    write_rows(table, folder / "simulated_census_2021_age_bands_lsoa.csv")
    number = city.groups.sum(axis=(1, 3))
    both = np.hstack([number, np.round(100 * number / number.sum(axis=1, keepdims=True), 1)])
    kinds = [f"{group} ({kind})" for kind in ("number", "percent") for group in groups]
    rows, columns = np.indices(both.shape).reshape(2, -1)
    table = {"ltla21_code": codes.to_numpy()[rows], "ltla21_name": names.to_numpy()[rows],
             "ethnic_group": np.array(kinds)[columns], "value": both.ravel()}  # fmt: skip
    write_rows(table, folder / "simulated_census_2021_ethnic_group_lad.csv")
    cells, labels = _by_band(city.groups, "eight")
    axes = {"Ethnic group (20 categories)": groups, "Age (8 categories)": labels,
            "Sex (2 categories)": ["Female", "Male"]}  # fmt: skip
    table = _long(codes, names, "Lower tier local authorities", np.moveaxis(cells, 1, 2), axes)
    write_rows(table, folder / "simulated_census_2021_ethnic_group_age_sex_lad.csv")


def write_places(city: City, folder: Path) -> None:
    """Write boundaries (EPSG:27700), lookups and deprivation."""
    import geopandas as gpd
    import pyogrio
    import shapely

    lsoas, lad = city.lsoas, city.boroughs.iloc[city.lsoas["borough"]].reset_index(drop=True)
    rank = lsoas["deprivation_rank"].to_numpy()
    decile = (rank - 1) * 10 // ENGLAND_LSOAS + 1
    table = {"lsoa21cd": lsoas["lsoa_code"], "imd_rank": rank, "imd_dec": decile}
    write_rows(table, folder / "deprivation" / "simulated_imd_2025_lsoa_2021.csv")
    table = {"lsoa21_name": lsoas["lsoa_name"], "lsoa21_code": lsoas["lsoa_code"],
             "ward24_name": lsoas["ward_name"], "ward24_code": lsoas["ward_code"],
             "ltla24_name": lad["borough_name"], "ltla24_code": lad["borough_code"]}  # fmt: skip
    write_rows(table, folder / "lookups" / "simulated_lsoa_2021_ward_2024_lad_2024.csv")
    (folder / "boundaries").mkdir()
    pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": "2025-04-01T00:00:00.000Z"})
    for level, short, named in (
        ("lsoa_2021", "LSOA21", lsoas[["lsoa_code", "lsoa_name"]]),
        ("ward_2024", "WD24", lsoas[["ward_code", "ward_name"]]),
        ("borough_2024", "LAD24", lad[["borough_code", "borough_name"]]),
    ):
        titled = named.set_axis([f"{short}CD", f"{short}NM"], axis=1)
        whole = (
            lsoas["geometry"]
            .groupby(titled.iloc[:, 0])
            .agg(lambda part: shapely.coverage_union_all(part.to_numpy()))
        )
        first = titled.drop_duplicates().sort_values(f"{short}CD", ignore_index=True)
        frame = gpd.GeoDataFrame(first, geometry=whole.to_list(), crs=27700)
        path = folder / "boundaries" / f"simulated_{level}_bng.gpkg"
        frame.to_file(path, driver="GPKG", layer=f"simulated_{level}")
    pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": None})
