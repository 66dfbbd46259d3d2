"""Where a row belongs: LSOA editions told apart code by code, boroughs by any published name."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa

from sna import definitions
from sna.geography import BRITISH_GRID, find_areas
from sna.sources.editions import find_ward_editions, fit_wards
from sna.sources.rows import fill, make_array, parse_numbers, split_codes

if TYPE_CHECKING:
    import geopandas as gpd
    import pyproj

HEATHROW_WARD = "E05013570"  # filed under aviation policing in ward files; it lies in Hillingdon
HILLINGDON = "E09000017"
_CODES = ("lsoa_2011_code", "lsoa_code", "ward_code")


def plain_name(name: object) -> str:
    """Return a place name in the form names are compared in.

    >>> plain_name("Kingston Upon Thames "), plain_name("Barking & Dagenham")
    ('kingston upon thames', 'barking and dagenham')
    """
    text = str(name).casefold().replace("&", " and ")
    return re.sub(r"[^a-z0-9]+", " ", text).strip()


@dataclass(frozen=True)
class Places:
    """What is known of areas while files are read.

    ``borough_of`` maps an LSOA or ward code of any edition to its borough or district; ``merged``
    a 2011 LSOA to the one 2021 LSOA it went into.
    """

    names: dict[str, str]
    borough_of: dict[str, str] = field(default_factory=dict)
    only_2011: frozenset[str] = frozenset()
    merged: dict[str, str] = field(default_factory=dict)
    ward_editions: dict[str, int] = field(default_factory=dict)  # latest that a code stands in
    ward_into: dict[str, str] = field(default_factory=dict)  # older wards that went whole into one
    ward_parts: "pd.Series[int]" = field(default_factory=lambda: pd.Series(dtype="int64"))
    lsoas: "gpd.GeoDataFrame | None" = None
    boroughs: "gpd.GeoDataFrame | None" = None
    answers: dict[Any, dict[Any, Any]] = field(default_factory=dict)  # found before, by question

    def find_borough(self, name: object) -> str | None:
        """Return the code of a borough or district under any published spelling, else None."""
        found = self.names.get(plain_name(name))
        if found is None and isinstance(name, str) and re.fullmatch(r"[EWNS]\d{8}", name.strip()):
            return name.strip()
        return found

    def find_prefix(self, name: object) -> str | None:
        """Return the borough whose name opens a published area name ('Camden Camden Town')."""
        text = plain_name(name)
        known = [key for key in self.names if text.startswith(f"{key} ")]
        return self.names[max(known, key=len)] if known else None

    def find_lsoa(self, code: str | None) -> tuple[str | None, str | None]:
        """Return (2021 code, 2011 code); a code that both editions share is a 2021 code."""
        if code is None or code not in self.only_2011:
            return code, None
        return self.merged.get(code), code

    def add_places(self, table: "pa.Table") -> "pa.Table":
        """Tell LSOA editions apart and find the borough where a reader has left that open."""
        names = set(table.column_names)
        if not {"lsoa_code", "borough_code"} <= names or "lsoa_2011_code" in names:
            return table
        codes, values = split_codes(table["lsoa_code"])
        new, old = values, [None] * len(values)
        if not self.only_2011.isdisjoint(values):
            new, old = (list(column) for column in zip(*map(self.find_lsoa, values), strict=True))
        inside = [*map(self.borough_of.get, values)]
        kind = pa.dictionary(pa.int32(), pa.string())
        borough = table["borough_code"].unify_dictionaries().combine_chunks()
        columns = {
            "lsoa_code": make_array(codes, new, kind),
            "lsoa_2011_code": make_array(codes, old, kind),
            "borough_code": fill(borough.cast(kind), make_array(codes, inside, kind)),
        }
        return pa.table({name: table[name] for name in table.column_names} | columns)

    def place_records(self, records: pd.DataFrame) -> pd.DataFrame:
        """Give records that name no borough that of their LSOA, ward or point, and its LSOA."""
        if "borough_code" in records:
            return records
        inside = pd.Series(None, index=records.index, dtype="object")
        for name in ("lsoa_code", "ward_code"):
            if name in records:
                inside = inside.fillna(records[name].astype("object").map(self.borough_of))
        if {"easting", "northing"} <= set(records):
            east, north = (records[name].to_numpy() for name in ("easting", "northing"))
            borough, lsoa = self.find_points(east, north)
            inside = inside.fillna(pd.Series(borough, index=records.index, dtype="object"))
            if "lsoa_code" not in records:
                records = records.assign(lsoa_code=pd.Categorical(lsoa))
        return records.assign(borough_code=pd.Categorical(inside))

    def find_points(self, easting: np.ndarray, northing: np.ndarray) -> tuple[list[Any], list[Any]]:
        """Return the borough and LSOA (2021) of points in EPSG:27700; None where in neither."""
        borough, lsoa = (
            _codes_at(easting, northing, areas) for areas in (self.boroughs, self.lsoas)
        )
        pairs = zip(borough, lsoa, strict=True)
        return [code or self.borough_of.get(area or "") for code, area in pairs], lsoa


def _codes_at(
    easting: np.ndarray, northing: np.ndarray, areas: "gpd.GeoDataFrame | None"
) -> list[str | None]:
    if areas is None:
        return [None] * len(easting)
    codes = [*areas["area_code"].to_numpy(object), None]
    return [codes[row] for row in find_areas(easting, northing, areas)]


def to_grid(longitude: Any, latitude: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return eastings and northings (EPSG:27700) of WGS84 degrees; NaN where there is no point.

    Without the national grid file the shift is right to some metres, which is finer than the
    publishers' anonymised points.
    """
    x, y = parse_numbers(longitude), parse_numbers(latitude)
    east, north = _from_degrees().transform(x, y)
    lost = ~np.isfinite(east) | ~np.isfinite(north)
    return np.where(lost, np.nan, east), np.where(lost, np.nan, north)


@cache
def _from_degrees() -> "pyproj.Transformer":
    import pyproj

    return pyproj.Transformer.from_crs(4326, BRITISH_GRID, always_xy=True)


def known_names(extra: Iterable[tuple[str, str]] = ()) -> dict[str, str]:
    """Return every published borough name in plain form with its code; London wins over `extra`."""
    boroughs, aliases = definitions.boroughs(), definitions.borough_aliases()
    real = aliases[aliases["kind"].ne("pseudo")]
    official = zip(boroughs["borough_code"], boroughs["borough_name"], strict=True)
    others = zip(real["borough_code"], real["alias"], strict=True)
    return {plain_name(name): code for code, name in (*extra, *official, *others)}


def fill_boroughs(areas: "gpd.GeoDataFrame", lookup: pd.DataFrame | None) -> "gpd.GeoDataFrame":
    """Return areas with their borough: as published, by lookup, else where they lie."""
    borough = areas["borough_code"].astype("object").where(areas["borough_code"].notna(), None)
    if lookup is not None:
        pairs = lookup.dropna(subset=["borough_code"])
        for column in _CODES:
            known = pairs.dropna(subset=[column]).drop_duplicates(column).set_index(column)
            borough = borough.where(borough.notna(), areas["area_code"].map(known["borough_code"]))
    areas, lost = areas.assign(borough_code=borough), borough.isna()
    districts = areas[areas["area_level"].eq("borough")].drop_duplicates("area_code", keep="last")
    if lost.any() and len(districts):
        points = areas.loc[lost, ["geometry"]].set_geometry(areas[lost].representative_point())
        inside = points.sjoin(districts[["area_code", "geometry"]], predicate="within")
        inside = inside[~inside.index.duplicated()]
        areas.loc[inside.index, "borough_code"] = inside["area_code"]
    return areas


def _pairs(table: pd.DataFrame, key: str, value: str) -> dict[str, str]:
    there = table.dropna(subset=[key, value])
    return dict(zip(there[key], there[value], strict=True))


def make_places(
    areas: "gpd.GeoDataFrame | None" = None, lookup: pd.DataFrame | None = None
) -> Places:
    """Return what boundaries and lookups say about where codes belong."""
    columns = ["area_code", "area_name", "area_level", "edition", "borough_code"]
    areas = pd.DataFrame(columns=columns) if areas is None else areas
    lookup = pd.DataFrame() if lookup is None else lookup
    lookup = lookup.reindex(columns=[*_CODES, "lookup", "borough_code", "edition"])
    parts = {level: areas[areas["area_level"] == level] for level in ("lsoa", "ward", "borough")}
    borough_of = {
        **_pairs(parts["lsoa"], "area_code", "borough_code"),
        **_pairs(parts["ward"], "area_code", "borough_code"),
    }
    for code in _CODES:
        borough_of |= _pairs(lookup, code, "borough_code")
    editions = find_ward_editions(parts["ward"], lookup)
    fits = fit_wards(lookup, editions)
    whole = fits[fits["parts"] == 1]
    both = lookup[lookup["lookup"].eq("lsoa_2011_to_2021")]
    both = both.drop_duplicates(["lsoa_2011_code", "lsoa_code"])  # two lookups may say the same
    is_new = parts["lsoa"]["edition"].ge(2021)
    old = {*parts["lsoa"].loc[~is_new, "area_code"], *both["lsoa_2011_code"]}
    new = {*parts["lsoa"].loc[is_new, "area_code"], *both["lsoa_code"]}

    def polygons(level: str) -> "gpd.GeoDataFrame | None":
        chosen = parts[level][parts[level]["edition"].ge(2021)]
        chosen = chosen.sort_values("edition").drop_duplicates("area_code", keep="last")
        return chosen if len(chosen) else None

    return Places(
        known_names(_pairs(parts["borough"], "area_code", "area_name").items()),
        borough_of | {HEATHROW_WARD: HILLINGDON},
        frozenset(old - new if new else ()),
        _pairs(both.drop_duplicates("lsoa_2011_code", keep=False), "lsoa_2011_code", "lsoa_code"),
        editions,
        dict(zip(whole["ward_code"], whole["into_code"], strict=True)),
        fits[fits["parts"] > 1].set_index("ward_code")["parts"],
        polygons("lsoa"),
        polygons("borough"),
    )
