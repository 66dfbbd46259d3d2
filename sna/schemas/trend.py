"""Contracts of the result tables of `sna.trend`."""

from sna.schemas.results import Derived, Estimate, ResultTable, register

_OFFENCES = {"offences": "recorded offences", "population": "residents", "rate": "per 1,000"}

SERIES = ResultTable(
    "trend_series",
    "one row an area and month (quarter for quarterly sources)",
    keys=("area", "measure", "month"),
    counts=("offences", "offences_year"),
    derived=(Derived("rate", "rate", ("offences_year", "population"), ("lower_ci", "upper_ci")),),
    plain=("population", "break_text"),
    units={**_OFFENCES, "offences_year": "offences in the last twelve months"},
)
CHANGE = ResultTable(
    "trend_change",
    "one row an area and a pair of twelve-month periods",
    keys=("area", "measure", "window", "period", "period_earlier"),
    counts=("offences", "offences_earlier", "comparable", "comparable_earlier"),
    derived=(
        Derived("change_pct", "change_pct", ("comparable", "comparable_earlier")),
        Derived(
            "rate_ratio",
            "rate_ratio",
            ("comparable", "exposure", "comparable_earlier", "exposure"),
            ("lower_ci", "upper_ci"),
        ),
    ),
    estimates=tuple(
        Estimate(name, "both") for name in ("p_value", "dispersion", "ratio_low", "ratio_high")
    ),
    plain=("exposure", "word", "break_text"),
    units={**_OFFENCES, "change_pct": "per cent", "rate_ratio": "later over earlier count"},
)
SLOPE = ResultTable(
    "trend_slope",
    "one row a segment between breaks and a comparison",
    keys=("measure", "period", "against"),
    counts=("offences",),
    estimates=tuple(
        Estimate(name, "offences")
        for name in ("slope_pct", "lower_ci", "upper_ci", "p_value", "dispersion")
    ),
    plain=("months", "word"),
    units={"slope_pct": "per cent a year", "months": "periods in the segment"},
)
RECENT = ResultTable(
    "trend_recent",
    "one row a year that ends in the end month",
    keys=("measure", "year"),
    counts=("offences",),
    derived=(Derived("rate", "rate", ("offences", "population"), ("lower_ci", "upper_ci")),),
    estimates=(Estimate("chi_squared", "all_offences"),),
    plain=("population", "trend"),
    units=_OFFENCES,
)
PERIODS = ResultTable(
    "trend_periods",
    "one row a whole quarter or year",
    keys=("measure", "period"),
    counts=("offences",),
    derived=(Derived("rate", "rate", ("offences", "population"), ("lower_ci", "upper_ci")),),
    plain=("population",),
    units=_OFFENCES,
)
SPLIT = ResultTable(
    "trend_split",
    "one row a group and month",
    keys=("measure", "group", "month"),
    counts=("offences", "offences_rolling"),
    units={"offences_rolling": "offences in the last twelve months"},
)
CONTROL = ResultTable(
    "trend_control",
    "one row a period of the control chart",
    keys=("measure", "month"),
    counts=("offences",),
    estimates=tuple(
        Estimate(name, "all_offences") for name in ("value", "centre", "lower_limit", "upper_limit")
    ),
    plain=("kind", "reason", "signal", "is_trial", "segment"),
    units={"value": "value charted", "centre": "centre line", "signal": "rule that flags it"},
)
SEASON = ResultTable(
    "trend_season",
    "one row a month of the year",
    keys=("measure", "month_name"),
    counts=("offences",),
    estimates=tuple(
        Estimate(name, "all_offences") for name in ("season_pct", "lower_ci", "upper_ci")
    ),
    plain=("years", "p_value"),
    units={"season_pct": "per cent above or below the level of the year"},
)
CALENDAR = ResultTable(
    "trend_calendar",
    "one row a year and month of the year",
    keys=("measure", "year", "month_name"),
    counts=("offences",),
    units=_OFFENCES,
)
CLOCK = ResultTable(
    "trend_clock",
    "one row a weekday and block of hours",
    keys=("measure", "weekday", "hours"),
    counts=("offences",),
    plain=("hour",),
    units={"offences": "offences, shared over the time in which they can have happened"},
)
WINDOWS = ResultTable(
    "trend_windows",
    "one row a part of the week or year",
    keys=("measure", "part"),
    counts=("offences", "all_offences"),
    derived=(Derived("share", "share", ("offences", "all_offences"), ("lower_ci", "upper_ci")),),
    plain=("share_of_time",),
    units={"share": "share of offences", "share_of_time": "share of hours or days"},
)
AREAS = ResultTable(
    "trend_areas",
    "one row an area of comparison, last twelve months",
    keys=("area", "kind", "measure", "period"),
    counts=("offences",),
    derived=(Derived("rate", "rate", ("offences", "population"), ("lower_ci", "upper_ci")),),
    plain=("population", "members", "word"),
    units=_OFFENCES,
)
FUNNEL = ResultTable(
    "trend_funnel",
    "one row a borough, last twelve months",
    keys=("area", "measure", "period"),
    counts=("offences",),
    derived=(Derived("rate", "rate", ("offences", "population")),),
    plain=("population", "expected", "target", "lower_95", "upper_95", "lower_998", "upper_998",
           "phi", "is_overdispersed", "word", "is_mine"),
    units={**_OFFENCES, "expected": "offences at the London rate"},
)  # fmt: skip
TILES = ResultTable(
    "trend_tiles",
    "one row a borough and year",
    keys=("area", "measure", "year"),
    counts=("offences",),
    derived=(Derived("rate", "rate", ("offences", "population")),),
    plain=("population", "tile_row", "tile_column", "is_mine"),
    units=_OFFENCES,
)
SIMILAR = ResultTable(
    "trend_similar",
    "one row a borough and variable of likeness",
    keys=("area", "variable"),
    counts=(),
    plain=("value", "distance"),
    units={"value": "unit of the variable", "distance": "standard deviations, all variables"},
)
PROJECTION = ResultTable(
    "trend_projection",
    "one row a month, recorded or projected",
    keys=("measure", "month", "kind"),
    counts=("offences",),
    estimates=tuple(
        Estimate(name, "all_offences") for name in ("projected", "lower_ci", "upper_ci")
    ),
    plain=("model", "coverage", "error_ratio", "origins"),
    units={"projected": "offences if nothing changed", "coverage": "share of back-tested months"},
)
BACKTEST = ResultTable(
    "trend_backtest",
    "one row a model of the back-test",
    keys=("measure", "model"),
    counts=(),
    plain=("error", "error_ratio", "coverage", "origins", "is_chosen"),
    units={"error": "mean absolute error, offences a month"},
)

register(SERIES, CHANGE, SLOPE, RECENT, PERIODS, SPLIT, CONTROL, SEASON, CALENDAR, CLOCK, WINDOWS,
         AREAS, FUNNEL, TILES, SIMILAR, PROJECTION, BACKTEST)  # fmt: skip
