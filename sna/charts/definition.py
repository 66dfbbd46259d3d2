"""Charts of the definition report that no generic form draws."""

from textwrap import fill
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from sna.charts.base import (
    DASHES,
    DUO,
    FOCUS,
    INK,
    PALETTE,
    QUIET,
    new_axes,
    table_of,
    time_axis,
)
from sna.definitions import read_reference
from sna.disclosure.protected import ProtectedTable

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def sets(protected: ProtectedTable) -> "Axes":
    """Draw the overlap of contexts: a bar an exact set, joined dots for the contexts in it."""
    table, ax = table_of(protected), new_axes(height=3.8)
    names = {"u25": "under 25", "da": "domestic abuse", "sv": "sexual"}
    heights = table["offences"].fillna(0).astype(float)
    held = table[list(names)].to_numpy(dtype=bool)
    top = max(float(heights.max()), 1.0)
    levels = -0.16 * top * np.arange(1, len(names) + 1)
    ax.bar(range(len(table)), heights, color=DUO[0], width=0.6)
    for at, (row, height) in enumerate(heights.items()):
        words = protected.shown(row, "offences").removesuffix(".0")
        ax.annotate(words, (at, height), xytext=(0, 4), textcoords="offset points", ha="center")
        inside = held[at]
        ax.plot([at] * inside.sum(), levels[inside], color=INK, linewidth=2)
        ax.scatter(
            [at] * len(levels), levels, s=80, color=np.where(inside, INK, FOCUS[1]), zorder=3
        )
    ax.axhline(0, color=QUIET, linewidth=0.8)
    ax.set_yticks([*levels, 0], [*names.values(), "0"])
    ax.set_xticks([])
    ax.grid(visible=False)
    ax.set_ylim(levels[-1] - 0.12 * top, top * 1.12)
    return ax


def _stack_bands(ax: "Axes", table: pd.DataFrame) -> dict[tuple[str, str], float]:
    """Draw and name the bands of both texts, one on another; return where each begins."""
    names = read_reference("band_names").set_index("band")["name"]
    gap = 0.05 * max(table["offences"].sum(), 1.0)
    starts: dict[tuple[str, str], float] = {}
    for side, x, align in (("band_a", 0.0, "right"), ("band_b", 1.0, "left")):
        sums, level = table.groupby(side)["offences"].sum(), 0.0
        for band in (name for name in names.index if name in sums.index):
            starts[side, band], end = level, level + sums[band]
            ax.plot([x, x], [level, end], color=INK, linewidth=6, solid_capstyle="butt")
            look: Any = {"xytext": (-9 if x == 0 else 9, 0), "textcoords": "offset points"}
            for words, foot in ((names[band], "bottom"), (f"{sums[band]:,.0f}", "top")):
                ax.annotate(words, (x, (level + end) / 2), ha=align, va=foot, **look)
            level = end + gap
    return starts


def flow(protected: ProtectedTable) -> "Axes":
    """Draw bands under two texts side by side, joined by ribbons as wide as what goes across."""
    table, ax = table_of(protected), new_axes(height=4.6)
    table = table[~(table["band_a"].eq("out") & table["band_b"].eq("out"))]
    table = table.assign(offences=table["offences"].fillna(0).astype(float))
    starts = _stack_bands(ax, table)
    steps = np.linspace(0, 1, 40)
    bend = 3 * steps**2 - 2 * steps**3
    for row in table.to_dict("records"):
        low = [starts["band_a", row["band_a"]], starts["band_b", row["band_b"]]]
        edge = low[0] + (low[1] - low[0]) * bend
        colour = DUO[1] if row["moves"] else FOCUS[1]
        ax.fill_between(steps, edge, edge + row["offences"], color=colour, alpha=0.75, linewidth=0)
        starts["band_a", row["band_a"]] += row["offences"]
        starts["band_b", row["band_b"]] += row["offences"]
    ax.set(
        xlim=(-0.75, 1.75),
        xticks=[0, 1],
        xticklabels=["Adopted text", fill(table_of(protected)["title_b"].iloc[0], 20)],
        yticks=[],
    )
    left, right = ax.get_xticklabels()
    left.set_horizontalalignment("right")
    right.set_horizontalalignment("left")
    ax.grid(visible=False)
    ax.invert_yaxis()
    return ax


def missing(protected: ProtectedTable) -> "Figure":
    """Draw a small chart a fact: share of records without it by month, a line a source."""
    from matplotlib.figure import Figure

    table = table_of(protected).dropna(subset=["share"])
    parts, sources = list(table.groupby("field", sort=False)), table["source"].unique()
    figure = Figure(figsize=(6.4, 1.5 * ((len(parts) + 1) // 2) + 0.6))
    axes = figure.subplots(
        (len(parts) + 1) // 2, 2, sharex=True, sharey=True, squeeze=False
    ).ravel()
    for ax, (field, part) in zip(axes, parts, strict=False):
        for number, source in enumerate(sources[: len(DASHES)]):
            line = part[part["source"] == source]
            look: Any = {"color": PALETTE[number], "linestyle": DASHES[number], "label": source}
            ax.plot(line["month"], line["share"] * 100, **look)
        drifts = " (drifts)" if part["drifts"].astype(bool).any() else ""
        ax.set_title(f"{field}{drifts}", loc="left", fontweight="bold")
        ax.set_ylim(0, 102)
        time_axis(ax, pd.Series(table["month"]))
    for ax in axes[max(0, len(parts) - 2) : len(parts)]:
        ax.tick_params(labelbottom=True)
    for spare in axes[len(parts) :]:
        spare.set_axis_off()
    axes[0].set_ylabel("% missing")
    if len(sources) > 1:
        figure.legend(*axes[0].get_legend_handles_labels(), loc="lower right")
    return figure
