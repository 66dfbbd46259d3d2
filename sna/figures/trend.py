"""Figures of the trend report: headline from the numbers, subtitle, text alternative, table."""

from collections.abc import Callable
from typing import Any, NamedTuple

from sna.charts import trend as charts
from sna.disclosure.protected import ProtectedTable
from sna.errors import UsageError
from sna.figures.figure import Figure, Table


class _View(NamedTuple):
    """How one result table is shown; ``{area}`` and ``{measure}`` are filled in."""

    title: str
    subtitle: str
    columns: str  # column=Heading, separated by commas
    alt: str = ""
    draw: Callable[[ProtectedTable], Any] | None = None
    note: str = ""


_RATE = "rate=Rate per 1000,lower_ci=Lower 95% limit,upper_ci=Upper 95% limit"
_SERIES = "month=Month,area=Area,offences=Offences,offences_year=Last 12 months"
_VIEWS = {
    "series": _View(
        "{measure} in {area}, month by month", "Recorded offences a month, {period}", _SERIES,
        "Bar chart of recorded offences by month in {area} with a line for the average month of "
        "the last twelve, to see level and direction", charts.plot_series),
    "rates": _View(
        "Rate in {area} and areas beside it", "{measure}: recorded offences per 1,000 residents in "
        "the twelve months to each month, {period}", f"{_SERIES},{_RATE}",
        "Line chart of the rate in the twelve months to each month, {area} and London where it is "
        "covered, with a band for the 95% interval", charts.plot_rates,
        "Neighbouring points share eleven months: read direction, not single steps."),
    "change": _View(
        "Change in recorded offences in {area}", "{measure}: the last twelve months against the "
        "twelve months one, three and five years before",
        "area=Area,window=Over,period_earlier=Earlier period,offences_earlier=Earlier offences,"
        "period=Later period,offences=Later offences,change_pct=Change %,rate_ratio=Ratio,"
        "lower_ci=Lower 95% limit,upper_ci=Upper 95% limit,p_value=P (e-test: chance alone),"
        "dispersion=Dispersion,ratio_low=Lower limit widened,ratio_high=Upper limit widened,"
        "word=In a word",
        "Dots with intervals: the count of the last twelve months in {area} as a multiple of an "
        "earlier year, to see which changes are clear", charts.plot_change,
        "Chart and word use limits widened for months that vary by more than chance."),
    "control": _View(
        "Signals in the months of {area}", "{measure}: control chart, {period}",
        "month=Period,offences=Offences,value=Value charted,centre=Centre,lower_limit=Lower limit,"
        "upper_limit=Upper limit,signal=Signal",
        "Control chart of recorded offences in {area} with centre line and limits; diamonds are "
        "points that a rule flags, to tell change from chance", charts.plot_control),
    "season": _View(
        "The shape of the year in {area}", "{measure}: per cent above or below the level of the "
        "year, {period}", "month_name=Month,season_pct=Per cent,lower_ci=Lower limit,"
        "upper_ci=Upper limit,offences=Offences,years=Years",
        "Bar chart of the season in {area}, January to December, with limits", charts.plot_season),
    "calendar": _View(
        "Year by year, month by month, in {area}", "{measure}, recorded offences a month",
        "year=Year,month_name=Month,offences=Offences",
        "Heat map of recorded offences in {area} by year and month of the year, the count in every "
        "tile", charts.plot_calendar, "A blank tile is a month outside the data."),
    "clock": _View(
        "Hours of the week in {area}", "{measure}: offences of the last twelve months with a time, "
        "by weekday and hour", "weekday=Weekday,hours=Hours,offences=Offences",
        "Heat map of offences in {area} by weekday and hours, the count in every tile",
        charts.plot_clock, "An offence that can have happened over some hours is shared over them. "
        "Midnight and noon are often entered when the time is not known."),
    "areas": _View(
        "{area} beside London and boroughs like it", "{measure} per 1,000 residents, last twelve "
        "months", f"area=Area,offences=Offences,population=Residents,{_RATE},"
        "word=The borough is,members=Boroughs",
        "Dots with intervals: rate of {area} and of each area of comparison, to answer compared "
        "with what", charts.plot_areas),
    "funnel": _View(
        "{area} in the funnel of London", "{measure} per 1,000 residents, last twelve months, all "
        "boroughs", "area=Area,offences=Offences,population=Residents,rate=Rate per 1000,"
        "expected=Expected offences,lower_95=Lower 95%,upper_95=Upper 95%,"
        "lower_998=Lower 99.8%,upper_998=Upper 99.8%,word=In a word",
        "Funnel plot of all boroughs' rates against expected offences with limits at 95 and 99.8%, "
        "{area} marked, to see which rates are unusual", charts.plot_funnel,
        "Outside the funnel means unusual, not worse. Limits are widened when boroughs differ by "
        "more than chance."),
    "tiles": _View(
        "Five years in every borough", "{measure} per 1,000 residents, years to the same month; "
        "the last value above its bars", "area=Area,year=Year to,offences=Offences,"
        "population=Residents,rate=Rate per 1000",
        "Small bar charts of each borough's yearly rate, placed as on a map of London, {area} "
        "dark, one shared scale", charts.plot_tiles),
    "projection": _View(
        "Next year in {area} if nothing changed", "{measure} a month: recorded, and projected with "
        "the interval of the back-test", "month=Month,kind=Kind,offences=Recorded,"
        "projected=Projected,lower_ci=Lower 95% limit,upper_ci=Upper 95% limit",
        "Line chart of recorded months in {area} and of the twelve projected ones with their "
        "interval", charts.plot_projection, "A projection is not a plan and not a target."),
    "slope": _View(
        "Yearly change between breaks in {area}", "{measure}: slope of a quasi-Poisson model with "
        "season", "period=Period,against=Beside,months=Months,offences=Offences,"
        "slope_pct=% a year,lower_ci=Lower 95% limit,upper_ci=Upper 95% limit,p_value=P,"
        "dispersion=Dispersion,word=In a word"),
    "recent": _View(
        "Recent trend in {area}", "{measure}: five years, Fingertips method",
        f"year=Year,offences=Offences,population=Residents,{_RATE},trend=Trend"),
    "periods": _View("Whole periods in {area}", "{measure}: part periods are left out",
                     f"period=Period,offences=Offences,population=Residents,{_RATE}"),
    "split": _View("Groups of offences in {area}", "{measure}, recorded offences",
                   "group=Group,year=Year to,offences=Number"),
    "windows": _View("Parts of the week and year in {area}", "{measure}: share of offences beside "
                     "share of time", "part=Part,offences=Offences,all_offences=All offences,"
                     "share=Share of offences,lower_ci=Lower 95% limit,upper_ci=Upper 95% limit,"
                     "share_of_time=Share of time"),
    "similar": _View("Boroughs most like {area}", "Nearest on the variables listed, all "
                     "standardised",
                     "area=Borough,variable=Variable,value=Value,distance=Distance"),
    "backtest": _View("How well the models did before", "{measure}: twelve months ahead from every "
                      "second month of the past", "model=Model,error=Mean error a month,"
                      "error_ratio=Beside naive,coverage=Coverage of the 95% interval,"
                      "origins=Starts,is_chosen=Chosen"),
}  # fmt: skip


def show_trend(protected: ProtectedTable, *, view: str = "") -> Figure | Table:
    """Show a table of `sna.trend` as its figure (a table where it has no chart).

    ``view="rates"`` shows the rates of a series instead of its counts.
    """
    name = view or protected.contract.name.removeprefix("trend_")
    if name not in _VIEWS:
        raise UsageError("There is no such view of a trend table.", found=name)
    shown, table = _VIEWS[name], protected.table
    measure = str(table["measure"].iloc[0]) if len(table) and "measure" in table else "Offences"
    fill = {"area": protected.borough_name, "measure": measure, "period": protected.period}
    parts: dict[str, Any] = {
        "name": f"trend_{name}",
        "title": _headline(protected, name) or shown.title.format(**fill),
        "subtitle": shown.subtitle.format(**fill),
        "protected": protected,
        "columns": dict(part.split("=", 1) for part in shown.columns.split(",")),
        "source": f"{', '.join(protected.sources) or 'recorded crime'}, {protected.period}",
        "note": _note(protected, shown.note),
    }
    if shown.draw is None or table.empty:
        return Table(**parts)
    alt = f"{shown.alt.format(**fill)}. The figures are in the table below."
    return Figure(**parts, alt=alt, draw=shown.draw)


def _headline(protected: ProtectedTable, name: str) -> str:
    """Return a headline with the finding where it is clear, else nothing."""
    table, area = protected.table, protected.borough_name
    if name == "change":
        mine = table[table["area"].eq(area) & table["window"].eq("12 months")]
        verb = {"higher": "rose", "lower": "fell"}.get(mine["word"].iloc[0] if len(mine) else "")
        return f"Recorded offences in {area} {verb} over twelve months" if verb else ""
    if name in ("areas", "funnel") and len(table):
        rows = table["kind"].eq("London") if name == "areas" else table["is_mine"]
        word = table.loc[rows, "word"].iloc[0] if rows.any() else ""
        return f"The rate in {area} is {word} than London's" if word in ("higher", "lower") else ""
    return ""


def _note(protected: ProtectedTable, note: str) -> str:
    table = protected.table
    if "break_text" in table and "month" in table:
        marks = table.loc[table["break_text"].ne(""), ["month", "break_text"]].drop_duplicates()
        note = " ".join([note, *(f"[b] {m:%B %Y}: {t}" for m, t in marks.itertuples(index=False))])
    if "reason" in table and len(table):
        note = f"{table['reason'].iloc[0]} {note}"
        trial = "Trial limits: a segment has under twelve points."
        note += trial if table["is_trial"].any() else ""
    return note.strip()
