"""Contracts of the result tables of `sna.trend`."""

from sna.schemas.results import Derived, Estimate, ResultTable, register

_RATE = Derived("rate", "rate", ("offences", "population"), ("lower_ci", "upper_ci"))
_UNITS = {
    "offences": "recorded offences", "population": "residents", "rate": "per 1,000 residents",
    "offences_year": "offences in the last twelve months", "change_pct": "per cent",
    "slope_pct": "per cent a year",
    "rate_ratio": "later over earlier count", "value": "value charted", "share": "0 to 1",
    "season_pct": "per cent above or below the level of the year", "expected": "offences",
    "projected": "offences if nothing changed", "coverage": "share of back-tested months",
}  # fmt: skip


def _table(name: str, grain: str, keys: str, counts: str = "offences", *, plain: str = "",
           derived: tuple[Derived, ...] = (), estimates: str = "", of: str = "all_offences",
           ) -> ResultTable:  # fmt: skip
    return ResultTable(
        f"trend_{name}", f"one row {grain}", tuple(keys.split()), tuple(counts.split()), derived,
        tuple(Estimate(column, of) for column in estimates.split()), tuple(plain.split()),
        units=_UNITS,
    )  # fmt: skip


register(
    _table("series", "an area and month (quarter for quarterly sources)", "area measure month",
           "offences offences_year", plain="population break_text",
           derived=(Derived("rate", "rate", ("offences_year", "population"),
                            ("lower_ci", "upper_ci")),)),
    _table("change", "an area and a pair of twelve-month periods",
           "area measure window period period_earlier",
           "offences offences_earlier comparable comparable_earlier",
           plain="exposure word break_text", of="both",
           estimates="p_value dispersion ratio_low ratio_high",
           derived=(Derived("change_pct", "change_pct", ("comparable", "comparable_earlier")),
                    Derived("rate_ratio", "rate_ratio",
                            ("comparable", "exposure", "comparable_earlier", "exposure"),
                            ("lower_ci", "upper_ci")))),
    _table("slope", "a segment between breaks and a comparison", "measure period against",
           plain="months word", estimates="slope_pct lower_ci upper_ci p_value dispersion",
           of="offences"),
    _table("recent", "a year that ends in the end month", "measure year", derived=(_RATE,),
           plain="population trend", estimates="chi_squared"),
    _table("periods", "a whole quarter or year", "measure period", derived=(_RATE,),
           plain="population"),
    _table("split", "a group and year to the end month", "measure group year"),
    _table("control", "a period of the control chart", "measure month",
           estimates="value centre lower_limit upper_limit",
           plain="kind reason signal is_trial segment"),
    _table("season", "a month of the year", "measure month_name", plain="years p_value",
           estimates="season_pct lower_ci upper_ci"),
    _table("calendar", "a year and month of the year", "measure year month_name"),
    _table("clock", "a weekday and block of hours", "measure weekday hours", plain="hour"),
    _table("windows", "a part of the week or year", "measure part", "offences all_offences",
           derived=(Derived("share", "share", ("offences", "all_offences"),
                            ("lower_ci", "upper_ci")),), plain="share_of_time"),
    _table("areas", "an area of comparison, last twelve months", "area kind measure period",
           derived=(_RATE,), plain="population members word"),
    _table("funnel", "a borough, last twelve months", "area measure period",
           derived=(Derived("rate", "rate", ("offences", "population")),),
           plain="population expected target lower_95 upper_95 lower_998 upper_998 phi "
                 "is_overdispersed word is_mine"),
    _table("tiles", "a borough and year", "area measure year",
           derived=(Derived("rate", "rate", ("offences", "population")),),
           plain="population tile_row tile_column is_mine"),
    _table("similar", "a borough and variable of likeness", "area variable", "",
           plain="value distance"),
    _table("projection", "a month, recorded or projected", "measure month kind",
           plain="model coverage error_ratio origins", estimates="projected lower_ci upper_ci"),
    _table("backtest", "a model of the back-test", "measure model", "",
           plain="error error_ratio coverage origins is_chosen"),
)  # fmt: skip
