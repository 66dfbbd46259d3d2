"""Charts of hotspots: ranked rates with intervals, concentration, accuracy of definitions."""

from typing import TYPE_CHECKING

import numpy as np

from sna.charts import base
from sna.disclosure.protected import ProtectedTable

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_ROWS = 30


def _checked(protected: ProtectedTable) -> ProtectedTable:
    if not isinstance(protected, ProtectedTable):
        raise TypeError("charts: pass the table through sna.protect first.")
    return protected


def plot_ranked_rates(protected: ProtectedTable, *, ax: "Axes | None" = None) -> "Axes":
    """Plot each area's rate as a dot with its 95 % interval, highest first, and the borough's line.

    Hotspots are filled squares, the others open circles. At most 30 areas; the table has them all.
    """
    table = _checked(protected).table
    value = "rate" if table["rate"].notna().any() else "offences"
    rows = table[table[value].notna()].nlargest(MOST_ROWS, value)[::-1]
    ax = base.new_axes(ax, width=6.2, height=max(1.6, 0.26 * len(rows) + 0.9))
    y = np.arange(len(rows))
    if value == "rate":
        ax.hlines(y, rows["lower_ci"], rows["upper_ci"], color=base.PALETTE[0], linewidth=1.6)
        ax.axvline(float(table["borough_rate"].iloc[0]), color=base.QUIET, linestyle=(0, (5, 2)),
                   linewidth=1.2)  # fmt: skip
        ax.text(float(table["borough_rate"].iloc[0]), len(rows) - 0.3, protected.borough_name,
                ha="center", va="bottom", color=base.INK)  # fmt: skip
    hot = rows["hotspot_class"].eq("hotspot").to_numpy()
    ax.plot(rows[value][~hot], y[~hot], "o", color=base.PALETTE[0], markerfacecolor="#FFFFFF")
    ax.plot(rows[value][hot], y[hot], "s", color=base.PALETTE[0], label="hotspot (Gi*)")
    ax.set_yticks(y, [base.short(name, 34) for name in rows["area_name"]])
    ax.set_ylim(-0.7, len(rows) + 0.4)
    ax.set_xlim(left=0)
    ax.grid(visible=True, axis="x")
    ax.set_xlabel("Offences per 1,000 residents a year" if value == "rate" else "Recorded offences")
    if hot.any():
        ax.legend(loc="lower right")
    return ax


def plot_concentration(protected: ProtectedTable, *, ax: "Axes | None" = None) -> "Axes":
    """Plot the share of offences held by the areas with the most, against an even spread."""
    table = _checked(protected).table
    ax = base.new_axes(ax, height=3.9)
    x = 100 * table["area_share"].to_numpy(float)
    ax.plot(x, 100 * table["offence_share"], color=base.PALETTE[0], marker="o", markersize=3.5)
    ax.plot([0, 100], [0, 100], color=base.QUIET, linestyle=base.DASHES[1], linewidth=1.2)
    ax.axhline(50, color=base.QUIET, linewidth=0.8, linestyle=base.DASHES[2])
    ax.text(100, 51, "half of offences", ha="right", va="bottom")
    ax.text(70, 64, "if spread evenly", ha="left", va="top")
    ax.set(
        xlim=(0, 100), ylim=(0, 102), xlabel="Share of areas, those with most offences first (%)"
    )
    ax.set_ylabel("Share of offences (%)")
    return ax


def plot_prediction(protected: ProtectedTable, *, ax: "Axes | None" = None) -> "Axes":
    """Plot the share of later offences that each definition's hotspots held, with its interval."""
    table = _checked(protected).table[::-1]
    ax = base.new_axes(ax, height=0.5 * len(table) + 1.2)
    y = np.arange(len(table))
    ax.hlines(y, 100 * table["lower_ci"], 100 * table["upper_ci"], color=base.PALETTE[0])
    ax.plot(100 * table["hit_rate"], y, "o", color=base.PALETTE[0])
    expected = 100 * float(table["areas_flagged"].iloc[0]) / float(table["areas"].iloc[0])
    ax.axvline(expected, color=base.QUIET, linestyle=base.DASHES[1], linewidth=1.2)
    ax.text(expected, len(table) - 0.35, "share of areas flagged", ha="left", va="bottom")
    ax.set_yticks(y, list(table["method"]))
    ax.set(ylim=(-0.6, len(table)), xlabel="Share of later offences in the flagged areas (%)")
    ax.set_xlim(left=0)
    ax.grid(visible=True, axis="x")
    return ax


def plot_persistence(protected: ProtectedTable, *, ax: "Axes | None" = None) -> "Axes":
    """Plot how many quarters each area that was ever flagged was a hotspot, by class."""
    table = _checked(protected).table
    rows = table[table["periods_hot"].gt(0)]
    rows = rows.nlargest(MOST_ROWS, "periods_hot")[::-1]
    ax = base.new_axes(ax, height=max(1.6, 0.28 * len(rows) + 0.9))
    y = np.arange(len(rows))
    ax.barh(y, rows["periods_hot"], color=base.PALETTE[0], height=0.62)
    for place, (number, kind) in enumerate(zip(rows["periods_hot"], rows["persistence"],
                                               strict=True)):  # fmt: skip
        ax.text(number, place, f" {kind}", va="center")
    ax.set_yticks(y, [base.short(name, 34) for name in rows["area_name"]])
    ax.set_xlabel(f"Periods as a hotspot, of {int(table['periods'].max())}")
    ax.set_xlim(0, 1.25 * float(table["periods"].max()))
    ax.grid(visible=True, axis="x")
    return ax
