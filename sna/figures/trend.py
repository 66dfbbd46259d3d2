"""Figures of the trend report: headline from the numbers, subtitle, text alternative, table."""

from typing import Any

import pandas as pd

from sna.charts import trend as charts
from sna.disclosure.protected import ProtectedTable
from sna.figures.figure import Figure, Table

_SERIES = {
    "month": "Month",
    "area": "Area",
    "offences": "Offences",
    "offences_year": "Last 12 months",
}
_RATE = {"rate": "Rate per 1,000", "lower_ci": "Lower 95% limit", "upper_ci": "Upper 95% limit"}


def _measure(protected: ProtectedTable) -> str:
    table = protected.table
    return (
        str(table["measure"].iloc[0]) if len(table) and "measure" in table else "Recorded offences"
    )


def _source(protected: ProtectedTable) -> str:
    return f"{', '.join(protected.sources) or 'recorded crime'}, {protected.period}"


def _figure(protected: ProtectedTable, name: str, **parts: Any) -> Figure:
    return Figure(name=name, protected=protected, source=_source(protected), **parts)


def show_series(protected: ProtectedTable) -> Figure:
    """Show the months of the headline and the average of the last twelve."""
    table, area = protected.table, protected.borough_name
    mine = table[table["area"].eq(area)]
    breaks = mine.loc[mine["break_text"].ne(""), ["month", "break_text"]]
    note = " ".join(f"[b] {m:%B %Y}: {t}" for m, t in breaks.itertuples(index=False))
    return _figure(
        protected, "trend_series",
        title=f"{_measure(protected)} in {area}, month by month",
        subtitle=f"Recorded offences a month, {area}, {protected.period}",
        alt=f"Bar chart of recorded offences by month in {area} with a line for the average month "
            "of the last twelve, to see level and direction. Figures in the table below.",
        draw=charts.plot_series, columns=_SERIES, note=note,
    )  # fmt: skip


def show_rates(protected: ProtectedTable) -> Figure:
    """Show the rolling-year rate of the borough beside London."""
    area = protected.borough_name
    has_london = bool(protected.table["area"].eq("London").any())
    beside = " and London" if has_london else ""
    return _figure(
        protected, "trend_rates",
        title=f"Rate of {_measure(protected).lower()} in {area}{beside}",
        subtitle="Recorded offences per 1,000 residents in the twelve months to each month, "
                 f"{protected.period}",
        alt=f"Line chart of the rate in the twelve months to each month, {area}{beside}, with a "
            "band for the 95% interval, to see whether the borough moves with London.",
        draw=charts.plot_rates, columns={**_SERIES, **_RATE},
        note="Neighbouring points share eleven months: read direction, not single steps.",
    )  # fmt: skip


def _change_title(protected: ProtectedTable) -> str:
    table = protected.table
    mine = table[table["area"].eq(protected.borough_name) & table["window"].eq("12 months")]
    word = mine["word"].iloc[0] if len(mine) else ""
    area = protected.borough_name
    if word == "higher":
        return f"Recorded offences in {area} rose over twelve months"
    if word == "lower":
        return f"Recorded offences in {area} fell over twelve months"
    return f"Change in recorded offences in {area}"


def show_change(protected: ProtectedTable) -> Figure:
    """Show the change over twelve months, three and five years."""
    area = protected.borough_name
    return _figure(
        protected, "trend_change",
        title=_change_title(protected),
        subtitle=f"{_measure(protected)}: the last twelve months against the twelve months one, "
                 "three and five years before",
        alt=f"Dots with intervals: the count of the last twelve months in {area} as a multiple of "
            "an earlier year, to see which changes are clear. Figures in the table below.",
        draw=charts.plot_change,
        columns={"area": "Area", "window": "Over", "period_earlier": "Earlier period",
                 "offences_earlier": "Earlier offences", "period": "Later period",
                 "offences": "Later offences", "change_pct": "Change %", "rate_ratio": "Ratio",
                 "lower_ci": "Lower 95% limit", "upper_ci": "Upper 95% limit",
                 "p_value": "P, chance alone", "dispersion": "Dispersion",
                 "ratio_low": "Lower limit, widened", "ratio_high": "Upper limit, widened",
                 "word": "In a word"},
        note="The word uses limits widened for months that vary by more than chance.",
    )  # fmt: skip


def show_areas(protected: ProtectedTable) -> Figure:
    """Show the yearly rate beside the areas of comparison."""
    area = protected.borough_name
    return _figure(
        protected, "trend_areas",
        title=f"{area} beside London and boroughs like it",
        subtitle=f"{_measure(protected)} per 1,000 residents, {_period(protected.table)}",
        alt=f"Dots with intervals: rate of {area} and of each area of comparison, to answer "
            "compared with what. Figures in the table below.",
        draw=charts.plot_areas,
        columns={"area": "Area", "offences": "Offences", "population": "Residents", **_RATE,
                 "word": f"{area} is", "members": "Boroughs"},
    )  # fmt: skip


def _period(table: pd.DataFrame) -> str:
    return str(table["period"].iloc[0]) if len(table) and "period" in table else ""


def show_table(protected: ProtectedTable, *, name: str, title: str, subtitle: str,
               columns: dict[str, str], note: str = "") -> Table:  # fmt: skip
    """Show a trend table without a chart."""
    return Table(name=name, title=title, subtitle=subtitle, protected=protected, columns=columns,
                 source=_source(protected), note=note)  # fmt: skip
