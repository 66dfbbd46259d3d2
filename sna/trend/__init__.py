"""Is it really going up? Series, change, control charts, season, comparison, projection."""

import sna.schemas.trend  # noqa: F401  the contracts of the tables made here
from sna.trend.change import compare_periods, find_trend, fit_slopes
from sna.trend.compare import compare_areas, compare_funnel, count_tiles, find_similar
from sna.trend.panel import Panel, find_breaks, load_panel
from sna.trend.series import add_rolling_total, count_periods, count_series, count_split

__all__ = [
    "Panel",
    "add_rolling_total",
    "compare_areas",
    "compare_funnel",
    "compare_periods",
    "count_periods",
    "count_series",
    "count_split",
    "count_tiles",
    "find_breaks",
    "find_similar",
    "find_trend",
    "fit_slopes",
    "load_panel",
]
