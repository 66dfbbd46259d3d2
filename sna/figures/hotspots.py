"""Figures of the hotspot page, each with title, subtitle, alt text and the table behind it."""

from typing import TYPE_CHECKING

import pandas as pd

from sna.charts import hotspots as charts
from sna.disclosure.protected import ProtectedTable
from sna.figures.figure import Figure, Table
from sna.maps import map_areas
from sna.narrative.hotspots import LEVELS
from sna.narrative.words import format_period, format_share

if TYPE_CHECKING:
    import geopandas as gpd

_NAMES = {
    "extract": "record extract under a sharing agreement",
    "mps_ward": "Metropolitan Police Service recorded crime by ward, London Datastore",
    "mps_lsoa": "Metropolitan Police Service recorded crime by LSOA, London Datastore",
    "police_uk_street": "data.police.uk street-level crime",
    "camden_street": "Camden Open Data, from data.police.uk",
}


def _level(protected: ProtectedTable) -> str:
    return LEVELS.get(str(protected.table["area_level"].iloc[0]), "areas")


def _period(protected: ProtectedTable) -> str:
    table = protected.table
    return format_period(table["period_start"].iloc[0], table["period_end"].iloc[0])


def _subtitle(protected: ProtectedTable, measure: str) -> str:
    return f"{measure}, {_level(protected)} of {protected.borough_name}, {_period(protected)}"


def _source(protected: ProtectedTable) -> str:
    return "; ".join(_NAMES.get(name, name) for name in protected.sources)


def _title(protected: ProtectedTable) -> str:
    hot = int(protected.table["hotspot_class"].eq("hotspot").sum())
    if not hot:
        return f"No hotspot among the {_level(protected)} stands out from chance"
    level = _level(protected) if hot > 1 else _level(protected).replace("wards", "ward")
    return (
        f"{hot} of {len(protected.table)} {level} {'are hotspots' if hot > 1 else 'is a hotspot'}"
    )


def show_hotspot_map(protected: ProtectedTable, areas: "gpd.GeoDataFrame") -> Figure:
    """Return the map of rates with hotspots outlined; `areas` are the polygons of the borough."""
    alt = (
        f"Map of {protected.borough_name}: {_level(protected)} shaded by recorded offences per "
        "1,000 residents a year, hotspots outlined, areas similar to the borough dotted. The "
        "highest rates are named below the map; every area is in the table."
    )
    return Figure(
        "hotspot_map",
        _title(protected),
        _subtitle(protected, "Recorded offences per 1,000 residents a year"),
        alt,
        protected,
        lambda shown: map_areas(shown, areas, alt=alt),
        {
            "area_name": "Area",
            "offences": "Recorded offences",
            "rate": "Yearly rate per 1,000 residents",
            "lower_ci": "Lower 95% limit",
            "upper_ci": "Upper 95% limit",
            "compared": "Against the borough's rate",
            "offences_per_km2": "Offences per km²",
            "hotspot_class": "Hotspot (Gi*)",
            "gi_star_z": "Gi* z",
        },
        _source(protected),
        note="Offences are counted where they were recorded, residents where they live.",
    )


def show_ranked_rates(protected: ProtectedTable) -> Figure:
    """Return the ranked rates with intervals, beside the interval of each rank."""
    clear, all_of = int(protected.table["compared"].eq("higher").sum()), len(protected.table)
    title = (
        f"{clear} of {all_of} {_level(protected)} are clearly above the borough's rate"
        if clear
        else f"No rate among the {_level(protected)} is clearly above the borough's"
    )
    return Figure(
        "hotspot_rates",
        title,
        _subtitle(protected, "Recorded offences per 1,000 residents a year, 95% intervals"),
        f"Dot plot of rates by area in {protected.borough_name} with 95% intervals, highest first, "
        "and a dashed line at the borough's rate, to show which areas differ from it.",
        protected,
        charts.plot_ranked_rates,
        {
            "area_name": "Area",
            "rate": "Yearly rate per 1,000 residents",
            "lower_ci": "Lower 95% limit",
            "upper_ci": "Upper 95% limit",
            "smoothed_rate": "Smoothed rate",
            "rank": "Rank of smoothed rate",
            "rank_lower": "Rank, lower 95% limit",
            "rank_upper": "Rank, upper 95% limit",
        },
        _source(protected),
        note="Ranks whose intervals overlap could be the other way round.",
    )


def show_concentration(lorenz: ProtectedTable, concentration: ProtectedTable) -> Figure:
    """Return the curve of how few areas hold how much."""
    share = concentration.table["share_for_half"].iloc[0]
    title = (
        f"{format_share(share)} of {_level(lorenz)} held half of recorded offences"
        if not pd.isna(share)
        else "How recorded offences are spread over areas"
    )
    return Figure(
        "hotspot_concentration",
        title,
        _subtitle(lorenz, "Share of recorded offences by share of areas"),
        f"Line chart of the share of offences in {lorenz.borough_name} held by the areas with the "
        "most, against an even spread, to show how concentrated they are.",
        lorenz,
        charts.plot_concentration,
        {
            "area_share": "Share of areas",
            "offences_held": "Offences held",
            "offence_share": "Share of offences",
        },
        _source(lorenz),
    )


def show_persistence(protected: ProtectedTable) -> Figure | Table:
    """Return how often areas were hotspots over the quarters, or the table alone if none was."""
    columns = {
        "area_name": "Area",
        "offences": "Recorded offences",
        "persistence": "Class",
        "periods_hot": "Quarters as a hotspot",
        "periods": "Quarters",
        "years_in_top_tenth": "Years in the top tenth",
        "years": "Years",
        "trend": "Trend over quarters",
    }
    subtitle = _subtitle(protected, "Quarters in which an area was a hotspot (Gi*)")
    own = protected.table
    often = own["persistence"].isin(["persistent", "intensifying"]).sum()
    title = (
        f"{often} of {len(own)} {_level(protected)} were hotspots in almost every quarter"
        if often
        else f"No hotspot lasted through almost every quarter in {protected.borough_name}"
    )
    if not protected.table["periods_hot"].gt(0).any():
        return Table("hotspot_persistence", title, subtitle, protected, columns, _source(protected))
    return Figure(
        "hotspot_persistence", title, subtitle,
        f"Bar chart of the number of quarters that areas of {protected.borough_name} were "
        "hotspots, with the class of each, to tell lasting places from passing ones.",
        protected, charts.plot_persistence, columns, _source(protected),
    )  # fmt: skip


def show_prediction(protected: ProtectedTable) -> Figure:
    """Return how many later offences the hotspots of each definition held."""
    pick = protected.table.loc[protected.table["is_recommended"], "method"].iloc[0]
    title = (
        "The plain count picks places as well as any other definition"
        if pick == "count"
        else f"{pick} picked the places that held most later offences"
    )
    return Figure(
        "hotspot_prediction",
        title,
        _subtitle(protected, "Share of later offences in areas flagged on earlier months"),
        f"Dot plot of the share of offences in {protected.borough_name} that each definition's "
        "hotspots of the earlier period held later, with 95% intervals, to choose a definition.",
        protected,
        charts.plot_prediction,
        {
            "method": "Definition",
            "areas_flagged": "Areas flagged",
            "areas": "Areas",
            "hits": "Later offences in them",
            "offences": "All later offences",
            "hit_rate": "Hit rate",
            "pai": "PAI",
            "pei": "PEI",
            "is_recommended": "Recommended",
        },
        _source(protected),
        note="PAI is the hit rate over the share of areas flagged; PEI is the hit rate over the "
        "best that as many areas could reach.",
    )
