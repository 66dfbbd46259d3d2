"""Figures of the hotspot pages, each with title, subtitle, alt text and the table behind it."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pandas as pd

from sna.charts import hotspots as charts
from sna.disclosure.protected import ProtectedTable
from sna.figures.figure import Figure, Table
from sna.maps import map_areas, map_tiles
from sna.narrative.hotspots import level_words, period_words
from sna.narrative.words import format_share

if TYPE_CHECKING:
    import geopandas as gpd

_SOURCES = {
    "extract": "record extract under a sharing agreement",
    "mps_borough": "Metropolitan Police Service recorded crime by borough, London Datastore",
    "mps_ward": "Metropolitan Police Service recorded crime by ward, London Datastore",
    "mps_lsoa": "Metropolitan Police Service recorded crime by LSOA, London Datastore",
    "police_uk_street": "data.police.uk street-level crime",
    "camden_street": "Camden Open Data, from data.police.uk",
}
_HEADINGS = {
    "area_name": "Area", "offences": "Recorded offences", "rate": "Yearly rate per 1,000 residents",
    "lower_ci": "Lower 95% limit", "upper_ci": "Upper 95% limit", "compared": "Against the borough",
    "offences_per_km2": "Offences per km²", "hotspot_class": "Hotspot (Gi*)", "gi_star_z": "Gi* z",
    "p_adjusted": "Adjusted p", "smoothed_rate": "Smoothed rate", "rank": "Rank of smoothed rate",
    "rank_lower": "Rank, lower 95% limit", "rank_upper": "Rank, upper 95% limit",
    "area_share": "Share of areas", "offences_held": "Offences held",
    "offence_share": "Share of offences", "persistence": "Class",
    "periods_hot": "Quarters as a hotspot", "periods": "Quarters", "years": "Years",
    "years_in_top_tenth": "Years in the top tenth", "trend": "Trend over quarters",
    "method": "Definition", "areas_flagged": "Areas flagged", "areas": "Areas",
    "hits": "Later offences in them", "hit_rate": "Hit rate", "pai": "PAI", "pei": "PEI",
    "is_recommended": "Recommended", "group": "Hotspot", "borough_code": "Borough code",
    "borough_name": "Borough", "population": "Residents", "person_role": "Role",
    "home_borough": "Home borough", "people": "People", "people_of_role": "People in that role",
    "share": "Share", "label": "Label", "aspect": "Aspect", "recorded": "Recorded", "unit": "Unit",
    "whole": "All of the aspect",
}  # fmt: skip
_MAP = "area_name offences rate lower_ci upper_ci compared offences_per_km2 hotspot_class gi_star_z"


def _show(
    protected: ProtectedTable, name: str, title: str, measure: str, columns: str, *, alt: str = "",
    draw: Callable[[ProtectedTable], Any] | None = None, note: str = "",
) -> Figure | Table:  # fmt: skip
    """Figure with a chart, or table alone where there is nothing to draw."""
    period = f", {period_words(protected)}" if len(protected.table) else ""
    subtitle = f"{measure}, {protected.borough_name}{period}"
    headings = {column: _HEADINGS[column] for column in columns.split()}
    source = "; ".join(_SOURCES.get(name, name) for name in protected.sources) or "police records"
    if draw is None or not len(protected.table):
        return Table(name, title, subtitle, protected, headings, source, note)
    return Figure(name, title, subtitle, f"{alt} in {protected.borough_name}; the table has all.",
                  protected, draw, headings, source, note)  # fmt: skip


def _number_are(rows: pd.Series, protected: ProtectedTable, what: str, none: str) -> str:
    many = int(rows.sum())
    single = what.replace("are ", "is ").replace("were ", "was ").replace("in hot", "in a hot")
    verb = single.replace("hotspots", "hotspot") if many == 1 else what
    return f"{many} of {len(rows)} {level_words(protected)} {verb}" if many else none


def show_hotspot_map(
    protected: ProtectedTable, areas: "gpd.GeoDataFrame", *, name: str = "hotspot_map"
) -> Figure | Table:
    """Return the map of rates with hotspots outlined; ``areas`` are the polygons of London."""
    alt = (
        f"Map of {level_words(protected)} shaded by recorded offences per 1,000 residents a year, "
        "hotspots outlined, areas similar to the borough dotted, the highest rates named below it"
    )
    title = _number_are(
        protected.table["hotspot_class"].eq("hotspot"), protected, "are in hotspots",
        f"No hotspot among the {level_words(protected)} stands out from chance",
    )  # fmt: skip
    heathrow = protected.table["area_code"].eq("E05013570").any()
    airport = " Heathrow Villages holds the airport, which has few residents." if heathrow else ""
    if name != "hotspot_map":
        title = f"Recorded offences by {level_words(protected, 1)}"
    return _show(
        protected, name, title, f"Recorded offences per 1,000 residents a year, "
        f"{level_words(protected)}", _MAP, alt=alt, draw=lambda t: map_areas(t, areas, alt=alt),
        note="Offences are counted where they were recorded, residents where they live." + airport,
    )  # fmt: skip


def show_ranked_rates(protected: ProtectedTable, *, name: str = "hotspot_rates") -> Figure | Table:
    """Return the ranked rates with intervals, beside the interval of each rank."""
    title = _number_are(
        protected.table["compared"].eq("higher"), protected, "are clearly above the borough's rate",
        f"No rate among the {level_words(protected)} is clearly above the borough's",
    )  # fmt: skip
    return _show(
        protected, name, title, "Offences per 1,000 residents a year, 95% intervals",
        "area_name rate lower_ci upper_ci smoothed_rate rank rank_lower rank_upper",
        alt="Dot plot of rates by area with 95% intervals, highest first, and the borough's rate",
        draw=charts.plot_ranked_rates,
        note="Ranks whose intervals overlap could be the other way round.",
    )  # fmt: skip


def show_concentration(lorenz: ProtectedTable, concentration: ProtectedTable) -> Figure | Table:
    """Return the curve of how few areas hold how much."""
    share, words = concentration.table["share_for_half"].iloc[0], level_words(lorenz)
    known = f"{format_share(share)} of {words} held half of recorded offences"
    return _show(
        lorenz, "hotspot_concentration",
        f"How recorded offences are spread over {words}" if pd.isna(share) else known,
        "Share of recorded offences by share of areas", "area_share offences_held offence_share",
        alt="Line chart of the share of offences held by the areas with the most",
        draw=charts.plot_concentration,
    )  # fmt: skip


def show_persistence(protected: ProtectedTable) -> Figure | Table:
    """Return how often areas were hotspots over the quarters, or the table alone if none was."""
    table = protected.table
    title = _number_are(
        table["persistence"].isin(["persistent", "intensifying"]), protected,
        "were in hotspots almost every quarter", "No hotspot lasted through almost every quarter",
    )  # fmt: skip
    return _show(
        protected, "hotspot_persistence", title, "Quarters in which an area was a hotspot (Gi*)",
        "area_name offences persistence periods_hot periods years_in_top_tenth years trend",
        alt="Bar chart of how often areas were hotspots or in the top tenth, with their class",
        draw=charts.plot_persistence if table["years_in_top_tenth"].any() else None,
    )  # fmt: skip


def show_prediction(protected: ProtectedTable) -> Figure | Table:
    """Return how many later offences the hotspots of each definition held."""
    pick = protected.table.loc[protected.table["is_recommended"], "method"].iloc[0]
    same = "The plain count picks places as well as any other definition"
    return _show(
        protected, "hotspot_prediction",
        same if pick == "count" else f"{pick} picked the places that held most later offences",
        "Share of later offences in areas flagged on earlier months",
        "method areas_flagged areas hits offences hit_rate pai pei is_recommended",
        alt="Dot plot of the share of later offences that each definition's hotspots held",
        draw=charts.plot_prediction,
        note="PAI is the hit rate over the share of areas flagged; PEI is the hit rate over the "
        "best that as many areas could reach.",
    )  # fmt: skip


def show_straddling(protected: ProtectedTable) -> Figure | Table:
    """Return the areas of hotspots that cross the border."""
    groups = protected.table["group"].nunique()
    return _show(
        protected, "hotspot_straddling",
        f"{groups} hotspot{'s cross' if groups > 1 else ' crosses'} the border" if groups
        else "No hotspot crosses the border", "Areas of hotspots on both sides of the border",
        "area_name group borough_code offences",
    )  # fmt: skip


def show_tiles(protected: ProtectedTable, *, borough_code: str) -> Figure | Table:
    """Return the tile map of London."""
    return _show(
        protected, "hotspot_tiles", "Recorded offences by borough of London",
        "Recorded offences per 1,000 residents a year", "borough_name offences population rate",
        alt="Tile map of London with the yearly rate printed in the tile of each borough",
        draw=lambda t: map_tiles(t, borough_code=borough_code),
        note="Boroughs differ in visitors, ages and recording; the tiles compare with London.",
    )  # fmt: skip


def show_flows(protected: ProtectedTable) -> Figure | Table:
    """Return where people in offences of the borough live."""
    return _show(
        protected, "hotspot_flows", "Home boroughs of people in recorded offences",
        "People by role and home borough", "home_borough person_role people people_of_role share",
        note="Suspects are known for some offences only, and homes for some people only.",
    )  # fmt: skip


def show_place(protected: ProtectedTable, aspect: str = "") -> Figure | Table:
    """Return one aspect of a place as bars, or the whole profile as a table."""
    rows = protected.table
    place = str(rows["area_name"].iloc[0]) if len(rows) else "this area"
    if aspect and rows["aspect"].eq(aspect).any():
        return _show(
            protected, f"place_{aspect.lower().replace(' ', '_')}", f"{aspect}: {place}",
            "Recorded offences", "label aspect recorded share unit",
            alt=f"Bar chart of recorded offences of {place} by {aspect.lower()}",
            draw=lambda table: charts.plot_aspect(table, aspect),
        )  # fmt: skip
    return _show(
        protected, "place_profile", f"What is known of {place}", "Counts by aspect",
        "label aspect recorded whole share unit",
    )  # fmt: skip
