"""Write MPS counts by area, residents, deprivation, boundaries and lookups."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sna.sample.city import AGES, ENGLAND_LSOAS, City, read_reference
from sna.sample.offences import Events
from sna.sample.police_files import write_rows

_FIVE_BANDS = (
    (15, "Aged 15 years and under"),
    (24, "Aged 16 to 24 years"),
    (34, "Aged 25 to 34 years"),
    (49, "Aged 35 to 49 years"),
    (90, "Aged 50 years and over"),
)
_EIGHT_BANDS = (
    (9, "Aged 9 years and under"),
    (17, "Aged 10 to 17 years"),
    (24, "Aged 18 to 24 years"),
    (34, "Aged 25 to 34 years"),
    (44, "Aged 35 to 44 years"),
    (54, "Aged 45 to 54 years"),
    (64, "Aged 55 to 64 years"),
    (90, "Aged 65 years and over"),
)


def write_mps(city: City, events: Events, folder: Path) -> None:
    """Write borough, ward and LSOA counts: the last 24 months, and the months before."""
    rows, lsoas = events.offences, city.lsoas
    names = city.boroughs["borough_name"].to_numpy()
    lsoa = rows["lsoa"].to_numpy()
    codes = events.codes[["mps_group", "mps_label"]]
    label = codes.to_numpy()[rows["code"].to_numpy()]
    table = pd.DataFrame(
        {
            "MajorText": pd.Categorical(label[:, 0]),
            "MinorText": pd.Categorical(label[:, 1]),
            "BoroughName": pd.Categorical(names[rows["borough"]]),
            "WardName": pd.Categorical(lsoas["ward_name"].to_numpy()[lsoa]),
            "WardCode": pd.Categorical(lsoas["ward_code"].to_numpy()[lsoa]),
            "LSOA Code": pd.Categorical(lsoas["lsoa_code"].to_numpy()[lsoa]),
            "LSOA Name": pd.Categorical(lsoas["lsoa_name"].to_numpy()[lsoa]),
            "month": rows["month"].to_numpy(),
        }
    )
    counted = (rows["status"] == 0).to_numpy() & (table["BoroughName"] != "City of London")
    table, placed = table[counted], rows["is_placed"].to_numpy()[counted]
    ward = ["MajorText", "MinorText", "WardName", "WardCode", "BoroughName"]
    small = ["LSOA Code", "LSOA Name", "BoroughName", "MajorText", "MinorText"]
    _write_counts(table, ["MajorText", "MinorText", "BoroughName"], {}, events, folder / "borough")
    _write_counts(
        table[placed], ward, {"BoroughName": "LookUp_BoroughName"}, events, folder / "ward"
    )
    headings = {
        "BoroughName": "Borough", "MajorText": "Major Category", "MinorText": "Minor Category"
    }  # fmt: skip
    open_rows = placed & (table["MajorText"] != "SEXUAL OFFENCES").to_numpy()
    _write_counts(table[open_rows], small, headings, events, folder / "lsoa")


def _write_counts(
    rows: pd.DataFrame, by: list[str], rename: dict[str, str], events: Events, folder: Path
) -> None:
    """Write wide months; an area and category without an offence in the file has no row."""
    months, cut = events.months, max(0, len(events.months) - 24)
    for kind, start, stop in (("24_months", cut, len(months)), ("historical", 0, cut)):
        part = rows[rows["month"].between(start, stop - 1)]
        if part.empty:
            continue
        area = part.groupby(by, observed=True).ngroup().to_numpy()
        counts = np.zeros((area.max() + 1, stop - start), dtype=np.int64)
        np.add.at(counts, (area, part["month"].to_numpy() - start), 1)
        wide = part.iloc[np.unique(area, return_index=True)[1]][by]
        wide = wide.astype("str").rename(columns=rename)
        span = f"{months[start]:%Y%m}_{months[stop - 1]:%Y%m}"
        name = f"simulated_mps_{folder.name}_crime_{kind}_{span}.csv"
        table = {str(column): wide[column].to_numpy() for column in wide}
        table |= {f"{months[start + m]:%Y%m}": counts[:, m] for m in range(stop - start)}
        write_rows(table, folder / name)


def _by_band(residents: np.ndarray, bands: tuple[tuple[int, str], ...]) -> np.ndarray:
    """Add single years of age (second axis) up to bands, given by their oldest age."""
    starts = [0, *(top + 1 for top, _ in bands[:-1])]
    return np.asarray(np.add.reduceat(residents, starts, axis=1))


def _long(areas: pd.DataFrame, cells: np.ndarray, *axes: tuple[str, list[str]]) -> dict[str, Any]:
    """Lay out one row an area and cell: code and name of the area, then of each axis."""
    index = np.indices(cells.shape).reshape(cells.ndim, -1)
    columns: dict[str, Any] = {
        title: areas.iloc[:, column].to_numpy()[index[0]].astype(str)
        for column, title in enumerate(areas.columns)
    }
    for position, (title, labels) in enumerate(axes, start=1):
        columns[f"{title} Code"] = index[position] + 1
        columns[title] = np.array(labels)[index[position]]
    return {**columns, "Observation": cells.ravel()}


def write_population(city: City, folder: Path) -> None:
    """Write residents by age, by age band and small area, by group, by group × age × sex."""
    groups = read_reference("ethnic_groups")["census_label"].tolist()
    boroughs = city.boroughs[["borough_code", "borough_name"]]
    areas = boroughs.set_axis(["ltla21_code", "ltla21_name"], axis=1)
    single = city.groups.sum(axis=(2, 3))
    wide = {str(name): areas[name].to_numpy(dtype=str) for name in areas}
    wide["total_population"] = single.sum(axis=1)
    wide |= {f"{age}+" if age == AGES[-1] else str(age): single[:, age] for age in AGES}
    write_rows(wide, folder / "simulated_mid_2024_single_year_of_age_lad.csv")
    title = "Lower layer Super Output Areas"
    small = city.lsoas[["lsoa_code", "lsoa_name"]].set_axis([f"{title} Code", title], axis=1)
    bands = ("Age (5 categories)", [label for _, label in _FIVE_BANDS])
    write_rows(
        _long(small, _by_band(city.residents, _FIVE_BANDS), bands),
        folder / "simulated_census_2021_age_bands_lsoa.csv",
    )
    by_group = city.groups.sum(axis=(1, 3))
    percent = np.round(100 * by_group / by_group.sum(axis=1, keepdims=True), 1)
    labels = [f"{group} ({kind})" for kind in ("number", "percent") for group in groups]
    rows, cells = np.indices((len(areas), len(labels))).reshape(2, -1)
    write_rows(
        {
            **{str(name): areas[name].to_numpy(dtype=str)[rows] for name in areas},
            "ethnic_group": np.array(labels)[cells],
            "value": np.hstack([by_group, percent]).ravel(),
        },
        folder / "simulated_census_2021_ethnic_group_lad.csv",
    )
    title = "Lower tier local authorities"
    cells = np.moveaxis(_by_band(city.groups, _EIGHT_BANDS), 1, 2)
    write_rows(
        _long(
            boroughs.set_axis([f"{title} Code", title], axis=1),
            cells,
            ("Ethnic group (20 categories)", groups),
            ("Age (8 categories)", [label for _, label in _EIGHT_BANDS]),
            ("Sex (2 categories)", ["Female", "Male"]),
        ),
        folder / "simulated_census_2021_ethnic_group_age_sex_lad.csv",
    )


def write_places(city: City, folder: Path) -> None:
    """Write boundaries (EPSG:27700), lookups and deprivation."""
    import geopandas as gpd
    import pyogrio
    import shapely

    lsoas = city.lsoas
    boroughs = city.boroughs.rename(columns={"borough_code": "code", "borough_name": "name"})
    lad = boroughs.iloc[lsoas["borough"]].reset_index(drop=True)
    rank = lsoas["deprivation_rank"].to_numpy()
    decile = (rank - 1) * 10 // ENGLAND_LSOAS + 1
    write_rows(
        {"lsoa21cd": lsoas["lsoa_code"].to_numpy(dtype=str), "imd_rank": rank, "imd_dec": decile},
        folder / "deprivation" / "simulated_imd_2025_lsoa_2021.csv",
    )
    columns = {
        "lsoa21_name": lsoas["lsoa_name"], "lsoa21_code": lsoas["lsoa_code"],
        "ward24_name": lsoas["ward_name"], "ward24_code": lsoas["ward_code"],
        "ltla24_name": lad["name"], "ltla24_code": lad["code"],
    }  # fmt: skip
    write_rows(
        {name: values.to_numpy(dtype=str) for name, values in columns.items()},
        folder / "lookups" / "simulated_lsoa_2021_ward_2024_lad_2024.csv",
    )
    target = folder / "boundaries"
    target.mkdir(parents=True, exist_ok=True)
    pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": "2025-04-01T00:00:00.000Z"})
    cells = lsoas["geometry"].to_numpy()
    for level, code, name, codes in (
        ("lsoa_2021", "LSOA21CD", "LSOA21NM", lsoas[["lsoa_code", "lsoa_name"]]),
        ("ward_2024", "WD24CD", "WD24NM", lsoas[["ward_code", "ward_name"]]),
        ("borough_2024", "LAD24CD", "LAD24NM", lad[["code", "name"]]),
    ):
        named = codes.set_axis([code, name], axis=1)
        where = named.groupby(code, sort=True).indices
        shapes = [shapely.coverage_union_all(cells[rows]) for rows in where.values()]
        table = named.drop_duplicates(code).sort_values(code, ignore_index=True)
        frame = gpd.GeoDataFrame(table, geometry=shapes, crs=27700)
        path = target / f"simulated_{level}_bng.gpkg"
        path.unlink(missing_ok=True)
        frame.to_file(path, driver="GPKG", layer=f"simulated_{level}")
    pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": None})
