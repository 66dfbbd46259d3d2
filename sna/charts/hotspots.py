"""Charts of hotspots: dots with intervals, bars with words, the curve of concentration."""

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from sna.charts import base
from sna.disclosure.protected import ProtectedTable

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_ROWS = 30


def _rows(labels: pd.Series, height: float) -> tuple["Axes", np.ndarray]:
    """Axes with one labelled row an area, the first on top."""
    ax, y = base.new_axes(None, height=max(1.6, height * len(labels) + 0.9)), np.arange(len(labels))
    ax.set_yticks(y, [base.short(label, 34) for label in labels])
    ax.set_ylim(len(labels) - 0.3, -1)
    ax.grid(visible=True, axis="x")
    return ax, y


def plot_ranked_rates(protected: ProtectedTable) -> "Axes":
    """Plot each area's rate with its 95 % interval, highest first, and the borough's line.

    Hotspots are filled squares, the others open circles. At most 30 areas; the table has them all.
    """
    table = protected.table
    value = "rate" if table["rate"].notna().any() else "offences"
    rows = table.dropna(subset=[value]).nlargest(MOST_ROWS, value)
    ax, y = _rows(rows["area_name"], 0.26)
    if value == "rate":
        borough = float(table["borough_rate"].iloc[0])
        ax.hlines(y, rows["lower_ci"], rows["upper_ci"], color=base.PALETTE[0], linewidth=1.6)
        ax.axvline(borough, color=base.QUIET, linestyle=base.DASHES[1], linewidth=1.2)
        ax.text(borough, -0.75, protected.borough_name, ha="center", va="bottom")
    hot = rows["hotspot_class"].eq("hotspot").to_numpy()
    ax.plot(rows[value][~hot], y[~hot], "o", color=base.PALETTE[0], markerfacecolor="#FFFFFF")
    ax.plot(rows[value][hot], y[hot], "s", color=base.PALETTE[0], label="hotspot (Gi*)")
    ax.set_xlabel("Offences per 1,000 residents a year" if value == "rate" else "Offences")
    ax.set_xlim(left=0)
    if hot.any():
        ax.legend(loc="lower right")
    return ax


def plot_prediction(protected: ProtectedTable) -> "Axes":
    """Plot the share of later offences that each definition's hotspots held, with its interval."""
    table = protected.table
    ax, y = _rows(table["method"], 0.5)
    ax.hlines(y, 100 * table["lower_ci"], 100 * table["upper_ci"], color=base.PALETTE[0])
    ax.plot(100 * table["hit_rate"], y, "o", color=base.PALETTE[0])
    expected = 100 * float(table["areas_flagged"].iloc[0] / table["areas"].iloc[0])
    ax.axvline(expected, color=base.QUIET, linestyle=base.DASHES[1], linewidth=1.2)
    ax.text(expected, -0.6, " share of areas flagged", ha="left", va="center")
    ax.set_xlabel("Share of later offences in the flagged areas (%)")
    ax.set_xlim(left=0)
    return ax


def plot_persistence(protected: ProtectedTable) -> "Axes":
    """Plot how many quarters each area was a hotspot; years in the top tenth if none was."""
    table, value, whole = protected.table, "periods_hot", "periods"
    label = "Quarters as a hotspot"
    if not table[value].any():
        value, whole, label = "years_in_top_tenth", "years", "Years in the top tenth by count"
    rows, most = table[table[value] > 0].nlargest(MOST_ROWS, value), int(table[whole].max())
    ax = _bars(rows["area_name"], rows[value], rows["persistence"])
    ax.set_xlabel(f"{label}, of {most}")
    ax.set(xlim=(0, 1.4 * max(most, 1)), xticks=range(0, most + 1, max(1, most // 6)))
    return ax


def plot_aspect(protected: ProtectedTable, aspect: str) -> "Axes":
    """Plot the counts of one aspect of a place; a withheld bar is a labelled gap."""
    rows = protected.table[protected.table["aspect"] == aspect]
    said = [protected.shown(row, "recorded") for row in rows.index]
    ax = _bars(rows["label"], rows["recorded"].fillna(0), pd.Series(said))
    ax.set_xlim(0, 1.15 * max(float(rows["recorded"].max()), 1.0))
    ax.set_xlabel("Recorded offences")
    return ax


def _bars(labels: pd.Series, values: pd.Series, words: pd.Series) -> "Axes":
    ax, y = _rows(labels, 0.28)
    ax.barh(y, values, color=base.PALETTE[0], height=0.62)
    for place, value, text in zip(y, values, words, strict=True):
        ax.text(value, place, f"  {text}", va="center")
    return ax


def plot_concentration(protected: ProtectedTable) -> "Axes":
    """Plot the share of offences held by the areas with the most, against an even spread."""
    table, ax = protected.table, base.new_axes(None, height=3.9)
    x = 100 * table["area_share"].to_numpy(float)
    ax.plot(x, 100 * table["offence_share"], color=base.PALETTE[0], marker="o", markersize=3.5)
    ax.plot([0, 100], [0, 100], color=base.QUIET, linestyle=base.DASHES[1], linewidth=1.2)
    ax.axhline(50, color=base.QUIET, linewidth=0.8, linestyle=base.DASHES[2])
    ax.text(100, 51, "half of offences", ha="right", va="bottom")
    ax.text(71, 66, "if spread evenly", ha="left", va="top")
    ax.set(
        xlim=(0, 100), ylim=(0, 102), xlabel="Share of areas, those with most offences first (%)"
    )
    ax.set_ylabel("Share of offences (%)")
    return ax
