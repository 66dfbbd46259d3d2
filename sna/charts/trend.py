"""Charts of series, change and comparison; every number comes from the protected table."""

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from sna.charts.base import DUO, INK, PALETTE, QUIET, RULE, label_ends, new_axes
from sna.disclosure.protected import ProtectedTable

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MONTHS = "#7C9ABA"  # quiet bars: 3:1 on white, and the dark line 3:1 on them


def _table(protected: ProtectedTable) -> pd.DataFrame:
    if not isinstance(protected, ProtectedTable):
        raise TypeError("Pass the table through sna.protect first.")
    return protected.table


def _time_axis(ax: "Axes", months: pd.Series) -> None:
    """Label Januaries (or quarters of a short series) and pad the right edge."""
    from matplotlib.dates import DateFormatter, MonthLocator, YearLocator

    long = len(months) > 30
    ax.xaxis.set_major_locator(
        YearLocator(1 + len(months) // 120) if long else MonthLocator([1, 4, 7, 10])
    )
    ax.xaxis.set_major_formatter(DateFormatter("%Y" if long else "%b\n%Y"))
    ax.set_xlim(months.min() - pd.Timedelta(days=20), months.max() + pd.Timedelta(days=20))


def _mark_breaks(ax: "Axes", table: pd.DataFrame) -> None:
    """Draw a dotted line and [b] at the first month after each break."""
    top = ax.get_ylim()[1]
    for month in table.loc[table["break_text"].ne(""), "month"].unique():
        ax.axvline(month, color=INK, linewidth=1.1, linestyle=(0, (1, 2)))
        ax.annotate("[b]", (month, top), xytext=(3, -9), textcoords="offset points", fontsize=9)


def plot_series(protected: ProtectedTable, *, ax: "Axes | None" = None) -> "Axes":
    """Draw the borough's months as bars and its average month of the rolling year as a line."""
    table = _table(protected)
    mine = table[table["area"].eq(protected.borough_name)]
    ax = new_axes(ax, height=3.4)
    months, step = (
        mine["month"],
        25 if len(mine) < 3 or (mine["month"].diff().max().days < 40) else 75,
    )
    ax.bar(months, mine["offences"], width=step, color=MONTHS, edgecolor="none")
    smooth = mine["offences_year"] * step / 25 / 12
    ax.plot(months, smooth, color=DUO[0], linewidth=2.4)
    ax.set_ylim(0, max(1, np.nanmax([mine["offences"].max(), 1]) * 1.12))
    _time_axis(ax, months)
    _mark_breaks(ax, mine)
    ax.set_ylabel("Recorded offences")
    if smooth.notna().any():
        label_ends(ax, [(smooth.iloc[-1], "average of\nlast 12 months", DUO[0])])
    return ax


def plot_rates(protected: ProtectedTable, *, ax: "Axes | None" = None) -> "Axes":
    """Draw the rolling-year rate of the borough with its limits, and London's."""
    table = _table(protected)
    ax = new_axes(ax, height=3.2)
    labels = []
    for area, part in table[table["rate"].notna()].groupby("area", sort=False):
        mine = area == protected.borough_name
        colour = DUO[0] if mine else DUO[1]
        ax.plot(part["month"], part["rate"], color=colour, linestyle="-" if mine else (0, (5, 2)))
        if mine:
            ax.fill_between(
                part["month"],
                part["lower_ci"],
                part["upper_ci"],
                color=colour,
                alpha=0.16,
                linewidth=0,
            )
        labels.append((float(part["rate"].iloc[-1]), str(area), colour))
    shown = table[table["rate"].notna()]
    ax.set_ylim(0, max(1e-9, shown[["rate", "upper_ci"]].max().max() * 1.15) if len(shown) else 1)
    if len(shown):
        _time_axis(ax, shown["month"].drop_duplicates())
        _mark_breaks(ax, shown[shown["area"].eq(protected.borough_name)])
    ax.set_ylabel("Per 1,000 residents, 12 months")
    label_ends(ax, labels)
    return ax


def plot_change(protected: ProtectedTable, *, ax: "Axes | None" = None) -> "Axes":
    """Draw the ratio of later to earlier counts with its limits; breaks and gaps in words."""
    table = _table(protected)
    rows = table[::-1].reset_index()
    ax = new_axes(ax, height=0.9 + 0.5 * len(rows))
    marker = {"higher": "^", "lower": "v"}
    for at, (_, row) in enumerate(rows.iterrows()):
        colour = DUO[0] if row["area"] == protected.borough_name else DUO[1]
        if pd.isna(row["rate_ratio"]) or pd.isna(row["ratio_low"]):
            words = "recording changed [b]" if row["word"] == "[b]" else str(row["word"])
            ax.annotate(
                words, (1, at), xytext=(6, 0), textcoords="offset points", va="center", color=QUIET
            )
            continue
        ax.plot([row["ratio_low"], row["ratio_high"]], [at, at], color=colour, linewidth=2)
        ax.plot(row["rate_ratio"], at, marker.get(row["word"], "o"), color=colour, markersize=8)
        ax.annotate(
            row["word"],
            (row["ratio_high"], at),
            xytext=(7, 0),
            textcoords="offset points",
            va="center",
        )
    low, high = (
        np.nanmin([0.8, rows["ratio_low"].min()]),
        np.nanmax([1.25, rows["ratio_high"].max()]),
    )
    ax.set_xscale("log")
    ax.set_xlim(low / 1.05, high * 1.22)
    ticks = [
        t
        for t in (0.25, 0.5, 0.7, 0.8, 0.9, 1, 1.1, 1.25, 1.5, 2, 3, 4, 6)
        if low / 1.05 <= t <= high * 1.1
    ]
    ax.set_xticks(ticks, [f"{t:g}" for t in ticks])
    ax.minorticks_off()
    ax.axvline(1, color=INK, linewidth=1)
    ax.set_yticks(range(len(rows)), [f"{r['area']}, {r['window']}" for _, r in rows.iterrows()])
    ax.set_ylim(-0.6, len(rows) - 0.4)
    ax.grid(visible=False, axis="y")
    ax.grid(visible=True, axis="x", color=RULE)
    ax.set_xlabel("Later count as a multiple of the earlier one")
    return ax


def plot_areas(protected: ProtectedTable, *, ax: "Axes | None" = None) -> "Axes":
    """Draw the rate of each area of comparison as a dot with its interval."""
    table = _table(protected)[::-1].reset_index(drop=True)
    ax = new_axes(ax, height=0.8 + 0.48 * len(table))
    for at, (_, row) in enumerate(table.iterrows()):
        mine = row["kind"] == "borough"
        colour = PALETTE[0] if mine else QUIET
        if pd.isna(row["rate"]):
            ax.annotate(
                "too few to show", (0, at), xytext=(6, 0), textcoords="offset points", va="center"
            )
            continue
        ax.plot([row["lower_ci"], row["upper_ci"]], [at, at], color=colour, linewidth=2)
        ax.plot(row["rate"], at, "o" if mine else "s", color=colour, markersize=8)
        ax.annotate(
            f"{row['rate']:.1f}",
            (row["upper_ci"], at),
            xytext=(7, 0),
            textcoords="offset points",
            va="center",
        )
    ax.set_yticks(range(len(table)), table["area"])
    ax.set_ylim(-0.6, len(table) - 0.4)
    ax.set_xlim(0, np.nanmax([1e-9, table["upper_ci"].max() * 1.15]))
    ax.grid(visible=False, axis="y")
    ax.grid(visible=True, axis="x", color=RULE)
    ax.set_xlabel("Recorded offences per 1,000 residents")
    return ax
