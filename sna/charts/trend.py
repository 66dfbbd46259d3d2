"""Charts that only the trend report has; every number comes from the protected table."""

from typing import Any

import numpy as np
import pandas as pd

from sna.charts import base
from sna.disclosure.protected import ProtectedTable


def series(protected: ProtectedTable) -> Any:
    """Draw the borough's months as bars and its average month of the rolling year as a line."""
    table = base.table_of(protected)
    mine, ax = table[table["area"].eq(protected.borough_name)], base.new_axes(height=3.4)
    per_year = 12 if mine["month"].diff().dt.days.median() < 40 or len(mine) < 3 else 4
    ax.bar(mine["month"], mine["offences"], width=300 / per_year, color=base.QUIET_BARS)
    smooth = mine["offences_year"] / per_year
    ax.plot(mine["month"], smooth, color=base.DUO[0], linewidth=2.4)
    base.top(ax, mine["offences"], smooth)
    base.time_axis(ax, mine["month"])
    base.mark_breaks(ax, mine)
    base.number_axis(ax.yaxis, mine["offences"])
    ax.set_ylabel("Recorded offences")
    if smooth.notna().any():
        base.label_ends(ax, [(smooth.dropna().iloc[-1], "average of\nlast 12 months", base.DUO[0])])
    return ax


def control(protected: ProtectedTable) -> Any:
    """Draw the control chart: points, centre and limits per segment, signals by shape."""
    table, ax = base.table_of(protected), base.new_axes(height=3.4)
    labels: list[tuple[float, str, str]] = []
    for _, part in table.groupby("segment"):
        ax.plot(part["month"], part["value"], color=base.SPC["common"][0], linewidth=1.2)
        for name in ("upper_limit", "centre", "lower_limit"):
            dash = "-" if name == "centre" else base.DASHES[1]
            ax.plot(part["month"], part[name], color=base.INK, linewidth=1.1, linestyle=dash)
            if part["segment"].iloc[0] == table["segment"].max() and part[name].notna().any():
                labels.append((float(part[name].iloc[-1]), name.replace("_", " "), base.INK))
    for flagged, kind in ((table["signal"].eq(""), "common"), (table["signal"].ne(""), "neutral")):
        colour, marker = base.SPC[kind]
        size, at = 5 if kind == "common" else 7.5, table[flagged]
        ax.plot(at["month"], at["value"], marker, color=colour, markersize=size, clip_on=False)
    base.top(ax, table["value"], table["upper_limit"])
    base.number_axis(ax.yaxis, table["value"])
    if len(table):
        base.time_axis(ax, table["month"])
        base.mark_breaks(ax, table)
    since = {"gaps": "Months since the one before", "days": "Days since the one before"}
    ax.set_ylabel(since.get(table["kind"].iloc[0] if len(table) else "", "Offences"))
    base.label_ends(ax, labels)
    return ax


def tiles(protected: ProtectedTable) -> Any:
    """Draw each borough's years as bars in its tile of a map of London; one shared axis."""
    from matplotlib.figure import Figure

    table = base.table_of(protected)
    rows, columns = int(table["tile_row"].max()) + 1, int(table["tile_column"].max()) + 1
    first, figure = int(table["tile_row"].min()), Figure(figsize=(7.6, 5.8))
    figure.set_layout_engine("none")
    grid = figure.add_gridspec(rows - first, columns, wspace=0.15, hspace=0.62)
    top = float(np.nan_to_num(table["rate"].quantile(0.92), nan=1)) * 1.1
    for area, part in table.groupby("area", sort=False):
        at = part.iloc[0]
        ax = figure.add_subplot(grid[int(at["tile_row"]) - first, int(at["tile_column"])])
        colour = base.PALETTE[0] if part["is_mine"].any() else base.QUIET_BARS
        ax.bar(np.arange(len(part)), part["rate"].clip(upper=top), color=colour, width=0.8)
        ax.set(ylim=(0, top * 1.45), xticks=[], yticks=[])
        words = str(area).replace(" and ", " & ").split(" ", 1)
        ax.set_title("\n".join(words)[:24], fontsize=6.6, pad=1.5)
        if pd.notna(part["rate"].iloc[-1]):
            look: Any = {"fontsize": 7, "ha": "center", "va": "top", "color": base.INK}
            ax.annotate(f"{part['rate'].iloc[-1]:.1f}", (len(part) / 2 - 0.5, top * 1.42), **look)
    return figure


def projection(protected: ProtectedTable) -> Any:
    """Draw the recorded months, the projected ones and their interval."""
    table, ax = base.table_of(protected), base.new_axes(height=3.4)
    past, ahead = (table[table["kind"].eq(kind)] for kind in ("recorded", "projected"))
    past = past.tail(48)
    ax.plot(past["month"], past["offences"], "o-", color=base.DUO[0], markersize=3.5)
    ax.plot(ahead["month"], ahead["projected"], "s--", color=base.DUO[1], markersize=4)
    limits = ahead["month"], ahead["lower_ci"], ahead["upper_ci"]
    ax.fill_between(*limits, color=base.DUO[1], alpha=0.2, linewidth=0)
    base.top(ax, past["offences"], ahead["upper_ci"])
    base.number_axis(ax.yaxis, past["offences"])
    if len(table):
        base.time_axis(ax, pd.concat([past["month"], ahead["month"]]))
    ax.set_ylabel("Recorded offences a month")
    if ahead["projected"].notna().any():
        end = float(ahead["projected"].iloc[-1])
        base.label_ends(ax, [(end, "if nothing\nchanged [f]", base.DUO[1])])
    return ax
