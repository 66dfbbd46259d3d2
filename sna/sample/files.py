"""Write the city and its events as raw files, in the layouts of their publishers."""

import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from sna.sample.city import ENGLAND_LSOAS, FILES, PLANTED, POINTS, City, read_reference
from sna.sample.offences import Events

LAYOUTS = tomllib.loads((FILES / "layouts.toml").read_text(encoding="utf-8"))
_EXTRACT = "simulated_record_extract"
_PREMISES = (1, 1, 1, 1, 2, 3, 4, 5, 6, 7)  # at home where it is domestic, else mostly in public
_STREET_MONTHS = 36  # what the archive keeps


def write_rows(table: Any, path: Path) -> None:
    """Write columns as a CSV file; missing values are empty, only what needs quotes gets them."""
    import polars as pl  # pyarrow's writer quotes all text or none

    path.parent.mkdir(parents=True, exist_ok=True)
    pl.DataFrame(pl.from_arrow(pa.table(table))).write_csv(path)


def make_lists(city: City, months: pd.DatetimeIndex) -> dict[str, pa.Array]:
    """Return every list of texts that a layout picks from, empty texts as missing."""
    from pyproj import Transformer

    groups, points = read_reference("ethnic_groups"), city.points.reshape(-1, 2)
    degrees = Transformer.from_crs(27700, 4326, always_xy=True).transform(*points.T)
    lists = PLANTED["words"] | read_reference("offences").to_dict("list") | groups.to_dict("list")
    lists |= city.lsoas.drop(columns="geometry").to_dict("list")
    lists |= {
        "own_borough": city.boroughs["borough_name"],
        "any_borough": read_reference("boroughs")["borough_name"],
        "self_code": [*groups["self_code"], "NS", ""],
        "search_label": [*groups["search_label"], "Other ethnic group - Not stated"],
        "ages": range(91),
        "months": [f"{month:%Y-%m}" for month in months],
        "longitude": [f"{number:.6f}" for number in degrees[0]],
        "latitude": [f"{number:.6f}" for number in degrees[1]],
    }
    return {k: pa.array([str(text) or None for text in texts]) for k, texts in lists.items()}


def _fill(layout: str, lists: dict[str, pa.Array], columns: Any) -> dict[str, pa.Array]:
    """Lay out a table: each heading is a ready column, or texts picked from a list."""
    table = {}
    for heading, source in LAYOUTS[layout].items():
        if isinstance(source, str):
            table[heading] = pa.array(columns[source])
            continue
        name, index, *shown = source
        texts = lists[name].take(pa.array(np.asarray(columns[index])))
        show = pa.array(np.asarray(columns[shown[0]])) if shown else True
        table[heading] = pc.if_else(show, texts, None)
    return table


def _stamp(minutes: Any, layout: str = "%Y-%m-%d %H:%M") -> pa.Array:
    """Return minutes since 1970 as text; negative ones are empty."""
    seconds = np.asarray(minutes) * 60
    text = pc.strftime(pa.array(seconds).cast(pa.timestamp("s")), format=layout)
    return pc.if_else(pa.array(seconds >= 0), text, None)


def _number(start: str, numbers: Any) -> pa.Array:
    """Return serial numbers as references; those below zero are empty."""
    serial = pa.array(np.asarray(numbers) + 1)
    padded = pc.utf8_lpad(serial.cast(pa.string()), 8, "0")
    return pc.if_else(pc.greater(serial, 0), pc.binary_join_element_wise(start, padded, ""), None)


def write_extract(city: City, events: Events, lists: dict[str, pa.Array], folder: Path) -> None:
    """Write the record-level extract of a span, its people and its mapping."""
    rows, people, span = events.offences, events.people, events.span
    record, person = f"SIM{span.replace('_', '-')}-", f"SIMP{span[1:]}"
    exact = city.points.reshape(-1, 2)[rows["lsoa"] * POINTS + rows["point"]].astype(int)
    exact += rows[["recorded", "committed"]].to_numpy() % 17 - 8  # metres off what is published
    lost = ~rows["is_placed"].to_numpy()
    columns = dict(rows.items()) | {
        "easting": pa.array(exact[:, 0], mask=lost),
        "northing": pa.array(exact[:, 1], mask=lost),
        "reference": _number(record, rows.index),
        "linked_reference": _number(record, rows["linked"]),
        "recorded_at": _stamp(rows["recorded"]),
        "committed_from": _stamp(rows["committed"]),
        "committed_to": _stamp(rows["until"]),
        "use": (rows["weapon"] > 0) * (1 + rows["recorded"] % 3),
        "premises": np.take(_PREMISES, rows["recorded"] % 10) * (rows["domestic"] < 2),
    }
    write_rows(_fill("extract", lists, columns), folder / f"{_EXTRACT}{span}.csv")
    mapping = (FILES / f"{_EXTRACT}.mapping.toml").read_text(encoding="utf-8")
    path = folder / f"{_EXTRACT}{span}.mapping.toml"
    path.write_text(mapping.replace(_EXTRACT, _EXTRACT + span), encoding="utf-8")
    everywhere = lists["any_borough"].to_pandas()
    own = everywhere[everywhere.isin(city.boroughs["borough_name"])].index.to_numpy()
    here = own[rows["borough"].to_numpy()[people["offence"]]]
    groups = len(lists["census_label"])
    columns = dict(people.items()) | {
        "reference": _number(record, people["offence"]),
        "person_id": _number(person, people["person"]),
        "home": people["stranger"].mask(people["stranger"] < 0, here),
        "told": people["group"].mask(people["ethnicity_self_missing"], groups + people.index % 2),
        "age_shown": ~people["age_missing"],
        "observed_shown": ~people["ethnicity_observed_missing"],
    }
    write_rows(_fill("extract_people", lists, columns), folder / f"{_EXTRACT}{span}_people.csv")


def write_police_uk(
    city: City, events: Events, lists: dict[str, pa.Array], folder: Path, rng: np.random.Generator
) -> None:
    """Write street and stop-and-search months of both London forces."""
    street = events.offences.query("status == 0").sort_values(["month", "lsoa"], kind="stable")
    near = street["point"] % 8
    street = street.assign(
        identity=np.frombuffer(rng.bytes(32 * len(street)).hex().encode(), "S64").astype(str),
        street=near.where(street["is_placed"], 8),
        point=near,
    )
    stops = events.searches.sort_values(["month", "minute"], kind="stable")
    start = events.months.to_numpy().astype("datetime64[m]").astype(np.int64)[stops["month"]]
    stops = stops.assign(
        searched_at=_stamp(start + stops["minute"], "%Y-%m-%dT%H:%M:%S+00:00").to_pylist(),
        band=np.searchsorted([10, 18, 25, 35], stops["age"], side="right"),
        age_shown=~stops["age_missing"],
        told=stops["group"].mask(stops["self_missing"], len(lists["census_label"])),
    )
    first = len(events.months) - _STREET_MONTHS
    is_city = city.boroughs["borough_name"].eq("City of London").astype(int)
    for kind, rows in (("street", street), ("stop-and-search", stops)):
        anchor = rows["lsoa"] * POINTS + rows["point"]
        force = rows["lsoa"].map(city.lsoas["borough"].map(is_city))
        rows = rows.assign(anchor=anchor, force=force, zero=0)[rows["month"] >= first]
        for (month, own), part in rows.groupby(["month", "force"]):
            stamp = f"{events.months[int(str(month))]:%Y-%m}"
            name = f"{stamp}/simulated_{stamp}-{PLANTED['forces'][own]}-{kind}.csv"
            write_rows(_fill(kind, lists, part), folder / name)


def write_mps(city: City, months: list[str], counted: pd.DataFrame, folder: Path) -> None:
    """Write counts of recorded offences by borough, ward and LSOA.

    The City has a force of its own; wards lack offences without a place, LSOAs sexual ones too.
    """
    areas = city.lsoas.drop(columns="geometry")
    areas = areas.assign(borough_name=areas["borough"].map(city.boroughs["borough_name"]))
    table = counted.join(areas, on="lsoa")
    table = table.join(read_reference("offences")[["mps_group", "mps_label"]], on="code")
    table = table[table["borough_name"] != "City of London"]
    placed = table[table["is_placed"]]
    others = placed[placed["mps_group"] != "SEXUAL OFFENCES"]
    levels = {"borough": table, "ward": placed, "lsoa": others}
    for level, part in levels.items():
        keys = LAYOUTS[level]
        wide = part.pivot_table("offences", [*keys.values()], "month", "sum", fill_value=0)
        wide = wide.reindex(columns=range(len(months)), fill_value=0)
        wide = wide.reset_index().set_axis([*keys, *months], axis=1)
        name = f"simulated_mps_{level}_crime_{months[0]}_{months[-1]}.csv"
        write_rows(wide, folder / level / name)


def _by_band(residents: np.ndarray, bands: str) -> tuple[np.ndarray, list[str]]:
    """Add single years of age (second axis) up to bands; return them with their labels."""
    tops, labels = zip(*PLANTED["bands"][bands], strict=True)
    return np.add.reduceat(residents, [0, *(top + 1 for top in tops[:-1])], axis=1), list(labels)


def _write_long(areas: pd.DataFrame, title: str, cells: np.ndarray, axes: Any, path: Path) -> None:
    """Write one row an area and cell: code and name of the area, then of each axis."""
    index = np.indices(cells.shape).reshape(cells.ndim, -1)
    code, name = (areas[column].to_numpy()[index[0]] for column in areas)
    columns = {f"{title} Code": code, title: name}
    for place, (axis, labels) in zip(index[1:], axes.items(), strict=True):
        columns |= {f"{axis} Code": place + 1, axis: np.array(labels)[place]}
    write_rows({**columns, "Observation": cells.ravel()}, path)


def write_population(city: City, folder: Path) -> None:
    """Write residents by age, by age band and small area, by group, by group × age × sex."""
    groups = {"Ethnic group (20 categories)": read_reference("ethnic_groups")["census_label"]}
    boroughs, small = city.boroughs.iloc[:, :2], city.lsoas[["lsoa_code", "lsoa_name"]]
    starts = np.searchsorted(city.lsoas["borough"], boroughs.index)
    here = np.add.reduceat(city.residents, starts, dtype=np.int64)  # areas stand by borough
    wide = boroughs.set_axis(["ltla21_code", "ltla21_name"], axis=1)
    single = pd.DataFrame(here.sum(axis=(2, 3))).rename(columns=str).rename(columns={"90": "90+"})
    wide = wide.assign(total_population=single.sum(axis=1)).join(single)
    write_rows(wide, folder / "simulated_mid_2024_single_year_of_age_lad.csv")
    young, fives = _by_band(city.residents.sum(axis=(2, 3)), "five")
    old, eights = _by_band(here, "eight")
    by_age_sex = {"Age (8 categories)": eights, "Sex (2 categories)": ["Female", "Male"]}
    by_group = np.moveaxis(old, 1, 2)
    small_area, authority = "Lower layer Super Output Areas", "Lower tier local authorities"
    for name, areas, title, cells, axes in (
        ("ethnic_group_lsoa", small, small_area, city.residents.sum(axis=(1, 3)), groups),
        ("age_bands_lsoa", small, small_area, young, {"Age (5 categories)": fives}),
        ("ethnic_group_age_sex_lad", boroughs, authority, by_group, groups | by_age_sex),
    ):
        _write_long(areas, title, cells, axes, folder / f"simulated_census_2021_{name}.csv")


def write_places(city: City, folder: Path) -> None:
    """Write boundaries (EPSG:27700), lookups and deprivation."""
    import geopandas as gpd
    import pyogrio

    borough = city.boroughs.loc[city.lsoas["borough"], ["borough_code", "borough_name"]]
    areas = city.lsoas.drop(columns="borough").join(borough.reset_index(drop=True))
    deciles = (areas[["income", "overall"]] - 1) * 10 // ENGLAND_LSOAS + 1
    areas = areas.join(deciles.add_suffix("_decile"))
    for layout, path in LAYOUTS["places"].items():
        write_rows(_fill(layout, {}, areas), folder / f"{path}.csv")
    (folder / "boundaries").mkdir()
    pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": "2025-04-01T00:00:00.000Z"})
    for level, (title, kind) in LAYOUTS["boundaries"].items():
        named = areas[[f"{kind}_code", f"{kind}_name"]].set_axis(
            [f"{title}CD", f"{title}NM"], axis=1
        )
        frame = gpd.GeoDataFrame(named, geometry=areas["geometry"], crs=27700)
        frame = frame.dissolve(f"{title}CD", method="coverage", as_index=False)
        name = f"simulated_{level}"
        frame.to_file(folder / f"boundaries/{name}_bng.gpkg", driver="GPKG", layer=name)
    pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": None})
