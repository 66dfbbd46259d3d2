"""Editions of wards and LSOAs: told apart code by code; what was split or merged."""

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from sna.sources.layout import make_finding

if TYPE_CHECKING:
    from sna.sources.places import Places
    from sna.sources.rows import Rows


def find_ward_editions(areas: pd.DataFrame, lookup: pd.DataFrame) -> dict[str, int]:
    """Return the latest edition that each ward code stands in."""
    parts = [
        table.rename(columns={code: "code"})[["code", "edition"]].dropna()
        for table, code in ((areas, "area_code"), (lookup, "ward_code"))
    ]
    latest = pd.concat(parts).groupby("code")["edition"].max()
    return {str(code): int(year) for code, year in latest.items()}


def fit_wards(lookup: pd.DataFrame, editions: dict[str, int]) -> pd.DataFrame:
    """Return the ward of the latest edition that an older ward shares most LSOAs with.

    Columns ``ward_code``, ``into_code``, ``share`` of the older ward's LSOAs and ``parts``, the
    wards it went into; LSOAs of 2011 are followed into 2021.
    """
    new_of = lookup.dropna(subset=["lsoa_2011_code", "lsoa_code"])
    new_of = new_of[["lsoa_2011_code", "lsoa_code"]].drop_duplicates()
    pairs = lookup.dropna(subset=["ward_code"])[["lsoa_2011_code", "lsoa_code", "ward_code"]]
    old = pairs[pairs["lsoa_code"].isna()].drop(columns="lsoa_code").merge(new_of)
    pairs = pd.concat([pairs.dropna(subset=["lsoa_code"]), old])[["lsoa_code", "ward_code"]]
    year = pairs["ward_code"].astype("object").map(editions).astype("float64")  # or no ward at all
    latest, older = pairs[year == year.max()], pairs[year < year.max()]
    both = older.merge(latest.rename(columns={"ward_code": "into_code"}), on="lsoa_code")
    size = both.groupby(["ward_code", "into_code"], as_index=False, observed=True).size()
    whole = size.groupby("ward_code", observed=True)["size"]
    size = size.assign(share=size["size"] / whole.transform("sum"), parts=whole.transform("size"))
    size = size.sort_values(["ward_code", "share"], ascending=[True, False])
    return size.drop(columns="size").drop_duplicates("ward_code", ignore_index=True)


def edition_findings(rows: "Rows", places: "Places") -> list[dict[str, Any]]:
    """Return what a file's ward and LSOA codes say of its editions."""
    found = []
    if rows.has(["ward"]) and places.ward_editions:
        found += _ward_findings(*rows.split("ward"), places)
    for role in ("lsoa", "lsoa_code"):
        if rows.has([role]):
            found += _lsoa_findings(*rows.split(role), places)
    return found


def _ward_findings(codes: np.ndarray, values: list[Any], places: "Places") -> list[dict[str, Any]]:
    wards = [value if str(value).startswith(("E05", "W05")) else None for value in values]
    rows = pd.Series(np.bincount(codes[codes >= 0], minlength=len(values)), index=wards)
    rows = rows[rows.index.notna() & rows.gt(0).to_numpy()].groupby(level=0).sum()
    edition = pd.Series(rows.index.map(places.ward_editions), index=rows.index)
    latest = max(places.ward_editions.values())
    counts = edition.dropna().astype("int").value_counts().sort_index()
    said = [f"{n} of the {year} edition" for year, n in counts.items()]
    unknown = edition.isna()
    said += [f"{unknown.sum()} of no edition that is here"] if unknown.any() else []
    found = [make_finding(f"Ward codes: {', '.join(said) or 'none'}.")] if len(rows) else []
    older = rows[edition.lt(latest) | unknown]
    moved = older[older.index.isin(places.ward_into)]
    if len(moved):
        text = f"{len(moved)} older wards went whole into one ward of {latest} and count there."
        found.append(make_finding(text, rows=int(moved.sum())))
    stays = older[~older.index.isin(places.ward_into)]
    if len(stays):
        parts = places.ward_parts.reindex(stays.index).dropna()
        split = f" {len(parts)} were split." if len(parts) else ""
        text = f"{len(stays)} wards of another edition have no single ward of {latest}.{split}"
        act = (
            "They count for their borough and are on no ward map; add the lookup of their edition."
        )
        found.append(make_finding(text, severity="warning", rows=int(stays.sum()), action=act))
    return found


def _lsoa_findings(codes: np.ndarray, values: list[Any], places: "Places") -> list[dict[str, Any]]:
    rows = np.bincount(codes[codes >= 0], minlength=len(values))
    old = [n for n, value in enumerate(values) if value in places.only_2011 and rows[n]]
    if not old:
        return []
    merged = [n for n in old if values[n] in places.merged]
    split = [n for n in old if values[n] not in places.merged]
    text = (
        f"LSOA codes of 2011: {len(merged)} merged and counted in their 2021 area "
        f"({rows[merged].sum():,} rows), {len(split)} split and counted for the borough only "
        f"({rows[split].sum():,} rows)."
    )
    return [make_finding(text, rows=int(rows[old].sum()))]
