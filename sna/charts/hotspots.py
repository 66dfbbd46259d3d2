"""The one chart of places that no generic form can draw: the curve of concentration."""

from typing import TYPE_CHECKING, Any

from sna.charts import base
from sna.disclosure.protected import ProtectedTable

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def lorenz(protected: ProtectedTable, *_: Any) -> "Axes":
    """Plot the share of offences held by the areas with the most, against an even spread."""
    table, ax = base.table_of(protected), base.new_axes(None, height=3.9)
    x = 100 * table["area_share"].to_numpy(float)
    ax.plot(x, 100 * table["offence_share"], color=base.PALETTE[0], marker="o", markersize=3.5)
    ax.plot([0, 100], [0, 100], color=base.QUIET, linestyle=base.DASHES[1], linewidth=1.2)
    ax.axhline(50, color=base.QUIET, linewidth=0.8, linestyle=base.DASHES[2])
    ax.text(100, 51, "half of offences", ha="right", va="bottom")
    ax.text(71, 66, "if spread evenly", ha="left", va="top")
    ax.set(xlim=(0, 100), ylim=(0, 102), ylabel="Share of offences (%)")
    ax.set_xlabel("Share of areas, those with most offences first (%)")
    return ax
