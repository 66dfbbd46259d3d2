"""Boundaries: polygons of LSOAs, wards or districts into EPSG:27700."""

import numpy as np
import pandas as pd

from sna.geography import check_areas
from sna.sources.convert import area_level, heading_year
from sna.sources.layout import FileSample, Match, ReadContext, ReadResult, refuse
from sna.sources.rows import make_rejects
from sna.sources.text import vector_path


def read(sample: FileSample, match: Match, context: ReadContext) -> ReadResult:
    """Read the polygons of one layer; a file that does not say where it lies is refused."""
    import geopandas as gpd

    if not sample.facts.get("crs"):
        raise refuse(
            sample,
            "The map file names no coordinate system, so its areas could lie anywhere.",
            do="Add the .prj file, or save it with EPSG:27700 or EPSG:4326 named.",
        )
    frame = gpd.read_file(vector_path(sample.path, sample.member), layer=sample.sheet)
    if np.abs(frame.total_bounds).max() < 181 and not frame.crs.is_geographic:
        what = "The coordinates are degrees but the file says metres."
        raise refuse(sample, what, found=frame.crs.name, do="Save it with the system it has.")
    frame = frame.to_crs(27700)
    nothing = pd.Series([None] * len(frame), dtype="str")
    code, borough, name = (
        frame[match.columns[role]].astype("str").str.strip() if role in match.columns else nothing
        for role in ("code", "borough", "name")
    )
    shape = frame.geometry
    good = (code.str.fullmatch(r"[EWNS]\d{8}") & shape.notna() & ~shape.is_empty).to_numpy()
    level = area_level(code[good].iloc[0]) if good.any() else "borough"
    columns = {
        "area_code": code,
        "area_name": name,
        "area_level": level,
        "edition": np.int16(heading_year(match.columns["code"]) or 2021),
        "borough_code": code if level == "borough" else borough,
        "file_id": np.int32(context.file_id),
    }
    areas, notes = gpd.GeoDataFrame(columns, geometry=shape, crs=27700)[good], pd.DataFrame()
    if len(areas) and areas["area_code"].is_unique:  # else parts of one area
        areas, notes = check_areas(areas)
    areas = areas.assign(geometry=areas.geometry.make_valid())
    heading = match.columns["code"]
    lost = make_rejects(~good, column=heading, reason="No area code or no polygon.", values=code)
    result = ReadResult({"areas": areas}, len(frame), len(areas), lost)
    names = [str(name) for name in notes]
    result.findings += [dict(zip(names, row, strict=True)) for row in notes.to_numpy().tolist()]
    result.variant = f"{len(areas)} areas, level {level}"
    return result
