"""Is it really going up? Series, change, control charts, season, comparison, projection."""

from sna.trend.change import compare_periods, find_trend, fit_slopes  # noqa: F401
from sna.trend.compare import compare_areas, compare_funnel, count_tiles, find_similar  # noqa: F401
from sna.trend.control import control_chart, find_signals, xmr_limits  # noqa: F401
from sna.trend.models import find_step, fit_quasi_poisson  # noqa: F401
from sna.trend.panel import Panel, find_breaks, load_panel  # noqa: F401
from sna.trend.projection import backtest, project_series  # noqa: F401
from sna.trend.season import aoristic_weights, count_calendar, count_clock, season_shape  # noqa: F401
from sna.trend.series import (  # noqa: F401
    add_rolling_total,
    count_periods,
    count_series,
    count_split,
)
