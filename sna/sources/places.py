"""Where a row belongs: LSOA editions told apart code by code, boroughs by any published name."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa

from sna import definitions

if TYPE_CHECKING:
    import geopandas as gpd

HEATHROW_WARD = "E05013570"  # filed under aviation policing in ward files; it lies in Hillingdon
HILLINGDON = "E09000017"
_PSEUDO = re.compile(
    r"|unknown|not known|n ?k.*|other.*|non met.*|.*airports?|aviation.*|heathrow|not recorded"
    r"|unassigned|outside.*|met police|metropolitan police service|british transport police"
)


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
    lsoas: "gpd.GeoDataFrame | None" = None
    boroughs: "gpd.GeoDataFrame | None" = None

    def find_borough(self, name: object) -> str | None:
        """Return the code of a borough or district under any published spelling, else None."""
        if isinstance(name, str) and re.fullmatch(r"[EWNS]\d{8}", name.strip()):
            return name.strip()
        return self.names.get(plain_name(name))

    def find_prefix(self, name: object) -> str | None:
        """Return the borough whose name opens a published area name ('Camden Camden Town')."""
        text = plain_name(name)
        known = [key for key in self.names if text.startswith(f"{key} ")]
        return self.names[max(known, key=len)] if known else None

    def is_pseudo(self, name: object) -> bool:
        """Say whether a published 'borough' is a bucket (unknown, airports), not a place."""
        return name is None or bool(_PSEUDO.fullmatch(plain_name(name)))

    def find_ward_borough(self, ward: object, name: object) -> str | None:
        """Return the borough of a ward code, else of the borough name beside it."""
        if ward == HEATHROW_WARD:
            return HILLINGDON
        return self.borough_of.get(str(ward)) or self.find_borough(name)

    def find_lsoa(self, code: str | None) -> tuple[str | None, str | None]:
        """Return (2021 code, 2011 code); a code that both editions share is a 2021 code."""
        if code is None or code not in self.only_2011:
            return code, None
        return self.merged.get(code), code

    def add_places(self, table: "pa.Table") -> "pa.Table":
        """Tell LSOA editions apart and find the borough where a reader has left that open."""
        if "lsoa_code" not in table.column_names or "lsoa_2011_code" in table.column_names:
            return table
        code = table["lsoa_code"].to_pandas().astype("object")
        pairs = {value: self.find_lsoa(value) for value in code.dropna().unique()}
        new = code.map({value: pair[0] for value, pair in pairs.items()})
        old = code.map({value: pair[1] for value, pair in pairs.items()})
        borough = table["borough_code"].to_pandas().astype("object")
        borough = borough.where(borough.notna(), code.map(self.borough_of))
        frame = {"lsoa_code": new, "lsoa_2011_code": old, "borough_code": borough}
        for name, values in frame.items():
            column = pa.array(values, pa.string(), from_pandas=True).dictionary_encode()
            at = table.column_names.index(name) if name in table.column_names else -1
            table = (table.set_column(at, name, column) if at >= 0
                     else table.append_column(name, column))  # fmt: skip
        return table

    def find_points(
        self, easting: np.ndarray, northing: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the borough and LSOA (2021) of points in EPSG:27700; None where in neither."""
        import shapely

        points = np.column_stack([easting, northing])
        there = np.isfinite(points).all(axis=1)
        unique, back = np.unique(points[there], axis=0, return_inverse=True)
        shapes = shapely.points(unique)
        found = []
        for areas in (self.boroughs, self.lsoas):
            codes = np.full(len(unique), None, dtype=object)
            if areas is not None and len(areas) and len(unique):
                at, area = areas.sindex.query(shapes, predicate="intersects")
                codes[at] = areas["area_code"].to_numpy(dtype=object)[area]
            rows = np.full(len(points), None, dtype=object)
            rows[there] = codes[back.ravel()]
            found.append(rows)
        borough, lsoa = found
        pairs = zip(borough, lsoa, strict=True)
        filled = [b or self.borough_of.get(str(small)) for b, small in pairs]
        return np.array(filled, dtype=object), lsoa


@lru_cache(maxsize=1)
def _shift() -> Any:
    from pyproj import Transformer

    return Transformer.from_crs(4326, 27700, always_xy=True)


def to_grid(longitude: Any, latitude: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return eastings and northings (EPSG:27700) of WGS84 degrees.

    Without the national grid file the shift is right to some metres, which is finer than the
    publishers' anonymised points.
    """
    x = pd.to_numeric(pd.Series(longitude), errors="coerce").to_numpy(dtype="float64")
    y = pd.to_numeric(pd.Series(latitude), errors="coerce").to_numpy(dtype="float64")
    east, north = _shift().transform(x, y)
    lost = ~np.isfinite(east) | ~np.isfinite(north)
    return np.where(lost, np.nan, east), np.where(lost, np.nan, north)


def known_names(extra: Iterable[tuple[str, str]] = ()) -> dict[str, str]:
    """Return every published borough name in plain form with its code; London wins over `extra`."""
    names = {plain_name(name): code for code, name in extra}
    boroughs, aliases = definitions.boroughs(), definitions.borough_aliases()
    official = dict(zip(boroughs["borough_name"], boroughs["borough_code"], strict=True))
    names |= {plain_name(name): code for name, code in official.items()}
    real = aliases[aliases["kind"].ne("pseudo")]
    return names | {
        plain_name(alias): code
        for alias, code in zip(real["alias"], real["borough_code"], strict=True)
    }


def fill_boroughs(areas: "gpd.GeoDataFrame", lookup: pd.DataFrame | None) -> "gpd.GeoDataFrame":
    """Return areas with their borough: as published, by lookup, else where they lie."""
    borough = areas["borough_code"].astype("object").where(areas["borough_code"].notna(), None)
    if lookup is not None:
        pairs = lookup.dropna(subset=["borough_code"])
        for column in ("lsoa_2011_code", "lsoa_code", "ward_code"):
            known = pairs.dropna(subset=[column]).drop_duplicates(column).set_index(column)
            borough = borough.where(borough.notna(), areas["area_code"].map(known["borough_code"]))
    lost = borough.isna().to_numpy()
    districts = areas[areas["area_level"].eq("borough")].drop_duplicates("area_code", keep="last")
    if lost.any() and len(districts):
        inside = areas.loc[lost, "geometry"].representative_point()
        at, which = districts.sindex.query(inside, predicate="within")
        found = np.full(int(lost.sum()), None, dtype=object)
        found[at] = districts["area_code"].to_numpy(dtype=object)[which]
        borough = borough.mask(lost, pd.Series(found, index=areas.index[lost]))
    return areas.assign(borough_code=borough)


def make_places(
    areas: "gpd.GeoDataFrame | None" = None, lookup: pd.DataFrame | None = None
) -> Places:
    """Return what boundaries and lookups say about where codes belong."""
    borough_of: dict[str, str] = {}
    old: set[str] = set()
    new: set[str] = set()
    merged: dict[str, str] = {}
    extra: list[tuple[str, str]] = []
    if areas is not None and len(areas):
        small = areas[areas["area_level"].ne("borough") & areas["borough_code"].notna()]
        borough_of |= dict(zip(small["area_code"], small["borough_code"], strict=True))
        lsoa = areas["area_level"].eq("lsoa")
        old |= set(areas.loc[lsoa & areas["edition"].lt(2021), "area_code"])
        new |= set(areas.loc[lsoa & areas["edition"].ge(2021), "area_code"])
        district = areas[areas["area_level"].eq("borough") & areas["area_name"].notna()]
        extra = list(zip(district["area_code"], district["area_name"], strict=True))
    if lookup is not None and len(lookup):
        for column in ("lsoa_2011_code", "lsoa_code", "ward_code"):
            there = lookup[lookup[column].notna() & lookup["borough_code"].notna()]
            borough_of |= dict(zip(there[column], there["borough_code"], strict=True))
        pairs = lookup[lookup["lsoa_2011_code"].notna() & lookup["lsoa_code"].notna()]
        old, new = old | set(pairs["lsoa_2011_code"]), new | set(pairs["lsoa_code"])
        single = pairs[~pairs["lsoa_2011_code"].duplicated(keep=False)]
        merged = dict(zip(single["lsoa_2011_code"], single["lsoa_code"], strict=True))

    def polygons(level: str) -> "gpd.GeoDataFrame | None":
        if areas is None or not len(areas):
            return None
        chosen = areas[areas["area_level"].eq(level) & (areas["edition"].ge(2021))]
        return chosen.sort_values("edition").drop_duplicates("area_code", keep="last")

    return Places(
        known_names(extra),
        borough_of,
        frozenset(old - new if new else ()),
        merged,
        polygons("lsoa"),
        polygons("borough"),
    )
