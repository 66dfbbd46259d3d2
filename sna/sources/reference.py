"""Boundaries of areas, and lookups between them."""

import re

import numpy as np
import pandas as pd

from sna.sources.layout import (
    FileSample,
    Layout,
    Match,
    ReadContext,
    ReadResult,
    Role,
    make_rejects,
    refuse,
)
from sna.sources.rows import line_rejects
from sna.sources.text import read_text, vector_path

_ONS, _LICENCE = "Office for National Statistics", "OGL v3.0"
_ANY = r"[EWNS]\d{8}"
_LEVELS = {"E01": "lsoa", "W01": "lsoa", "E05": "ward", "W05": "ward"}


def heading_year(heading: str, default: int) -> int:
    """Return the year in a heading such as LSOA21CD, ltla24_code or LSOA code (2011)."""
    found = re.search(r"(?:20)?([012]\d)(?!\d)", heading)
    return 2000 + int(found[1]) if found else default


def area_level(code: str) -> str:
    """Return the level that a GSS code speaks of; what is neither LSOA nor ward is a district."""
    return _LEVELS.get(code[:3], "borough")


# ---------------------------------------------------------------------------- boundaries


def read_areas(sample: FileSample, match: Match, context: ReadContext) -> ReadResult:
    """Read polygons of LSOAs, wards or districts into EPSG:27700."""
    import geopandas as gpd

    if not sample.facts.get("crs"):
        raise refuse(
            sample,
            "The map file names no coordinate system, so its areas could lie anywhere.",
            do="Add the .prj file, or save it with EPSG:27700 or EPSG:4326 named.",
        )
    frame = gpd.read_file(vector_path(sample.path, sample.member), layer=sample.sheet)
    bounds = frame.total_bounds
    if np.abs(bounds).max() < 181 and not frame.crs.is_geographic:
        raise refuse(sample, "The coordinates are degrees but the file says metres.",
                     found=frame.crs.name, do="Save it with the system it has.")  # fmt: skip
    frame = frame.to_crs(27700)
    code = frame[match.columns["code"]].astype("str").str.strip()
    good = (code.str.fullmatch(_ANY) & frame.geometry.notna() & ~frame.geometry.is_empty).to_numpy()
    borough_column, name_column = match.columns.get("borough"), match.columns.get("name")
    level = area_level(code[good].iloc[0]) if good.any() else "borough"
    borough = code if level == "borough" else pd.Series([None] * len(frame), dtype="str")
    if level != "borough" and borough_column:
        borough = frame[borough_column].astype("str").str.strip()
    areas = gpd.GeoDataFrame(
        {
            "area_code": code,
            "area_name": frame[name_column].astype("str") if name_column else None,
            "area_level": level,
            "edition": np.int16(heading_year(match.columns["code"], 2021)),
            "borough_code": borough,
            "file_id": np.int32(context.file_id),
        },
        geometry=frame.geometry.make_valid(),
        crs=27700,
    )[good]
    rejects = make_rejects(
        ~good, column=match.columns["code"], reason="No area code or no polygon.", values=code
    )
    result = ReadResult({"areas": areas}, len(frame), len(areas), rejects)
    result.variant = f"{len(areas)} areas, level {level}"
    return result


# ---------------------------------------------------------------------------- lookups


def read_lookup(sample: FileSample, match: Match, context: ReadContext) -> ReadResult:
    """Read which small areas share ground, or which force serves a district."""
    text = read_text(sample, columns=tuple(match.columns.values()))
    frame = (
        text.table.rename_columns(list(match.columns)).to_pandas().apply(lambda c: c.str.strip())
    )
    key = frame["borough_code"]
    good = key.str.fullmatch(_ANY).fillna(False).to_numpy(dtype=bool)
    wanted = ["lsoa_2011_code", "lsoa_code", "change", "ward_code", "borough_code", "force_name"]
    table = frame.reindex(columns=wanted)[good].assign(
        lookup=match.layout.id.removeprefix("lookup_"), file_id=np.int32(context.file_id)
    )
    bad = make_rejects(
        ~good, column=match.columns["borough_code"], reason="No area code.", values=key
    )
    rejects = pd.concat([bad, line_rejects(text)], ignore_index=True)
    return ReadResult({"area_lookup": table}, text.rows, len(table), rejects, list(text.findings))


def _lookup(name: str, title: str, roles: dict[str, Role]) -> Layout:
    return Layout(f"lookup_{name}", title, _ONS, _LICENCE, roles, read_lookup, ("area_lookup",),
                  is_reference=True)  # fmt: skip


_BOROUGH = Role(r"(lad|ltla|lau|la|local authority district)( ?\d\d| ?20\d\d)? ?(code|cd).*", _ANY)
_LSOA21 = Role(r"lsoa ?(20)?21 ?(code|cd)", r"[EWNS]01\d{6}")
_NAMED = r"(lsoa|wd|ward|lad|ltla|lau|ctyua|area)( ?\d\d| ?20\d\d)? ?"

LAYOUTS = (
    Layout(
        "boundaries",
        "Boundaries of LSOAs, wards or districts",
        f"{_ONS}; contains OS data",
        _LICENCE,
        {
            "code": Role(_NAMED + "(code|cd)", _ANY),
            "name": Role(_NAMED + "(name|nm)", needed=False),
            "borough": Role(r"(lad|ltla|lau|la)( ?\d\d| ?20\d\d)? ?(code|cd)", _ANY, needed=False),
        },
        read_areas,
        ("areas",),
        ("vector",),
        is_reference=True,
    ),
    _lookup(
        "lsoa_2011_to_2021",
        "Lookup LSOA 2011 to LSOA 2021",
        {
            "lsoa_2011_code": Role(r"lsoa ?(20)?11 ?(code|cd)", r"[EWNS]01\d{6}"),
            "lsoa_code": _LSOA21,
            "change": Role(r"ch(g|ange) ?ind.*", r"[USMX]"),
            "borough_code": _BOROUGH,
        },
    ),
    _lookup(
        "lsoa_to_ward",
        "Lookup LSOA 2021 to ward",
        {
            "lsoa_code": _LSOA21,
            "ward_code": Role(r"(wd|ward) ?(20)?\d\d ?(code|cd)", r"[EWNS]05\d{6}"),
            "borough_code": _BOROUGH,
        },
    ),
    _lookup(
        "borough_to_force",
        "Lookup district to police force",
        {
            "borough_code": _BOROUGH,
            "force_name": Role(r"(pfa|police force)( ?\d\d| area)* ?(name|nm)"),
        },
    ),
)
