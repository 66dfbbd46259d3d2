"""Chart, titles, sentence, data table and source, as one accessible piece of HTML."""

from sna.charts import base
from sna.figures.about import (
    Note,
    listing,
    show_findings,
    show_run,
)
from sna.figures.figure import (
    TABLE_MIME,
    Figure,
    Table,
)
from sna.figures.hotspots import (
    show_concentration,
    show_hotspot_map,
    show_persistence,
    show_prediction,
    show_ranked_rates,
)
from sna.figures.trend import (
    show_areas,
    show_change,
    show_rates,
    show_series,
    show_table,
)

__all__ = [
    "TABLE_MIME",
    "Figure",
    "Note",
    "Table",
    "base",
    "listing",
    "show_areas",
    "show_change",
    "show_concentration",
    "show_findings",
    "show_hotspot_map",
    "show_persistence",
    "show_prediction",
    "show_ranked_rates",
    "show_rates",
    "show_run",
    "show_series",
    "show_table",
]
