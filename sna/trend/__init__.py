"""Is it really going up? Series, change, control charts, season, comparison, projection."""
# ruff: noqa: F401

from sna.trend.attendances import count_attendances, list_admissions
from sna.trend.change import compare_periods, find_trend, fit_slopes
from sna.trend.compare import compare_areas, compare_funnel, count_tiles, find_similar
from sna.trend.control import control_chart, find_signals, xmr_limits
from sna.trend.models import find_step, fit_quasi_poisson
from sna.trend.panel import Panel, find_breaks, load_panel
from sna.trend.projection import backtest, project_series
from sna.trend.season import count_calendar, count_clock, season_shape
from sna.trend.series import add_rolling_total, count_cuts, count_periods, count_series
