"""Charts of the definition report; every number comes from the protected table."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd

from sna.charts.base import DUO, FOCUS, INK, MARKERS, QUIET, new_axes, short
from sna.disclosure.protected import ProtectedTable

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def _rows(protected: ProtectedTable) -> pd.DataFrame:
    if not isinstance(protected, ProtectedTable):
        raise TypeError("Pass the table through sna.protect first.")
    return protected.table[::-1]


def _finish(ax: "Axes", labels: Sequence[object]) -> "Axes":
    ax.set_yticks(range(len(labels)), [short(label, 40) for label in labels])
    ax.grid(axis="x")
    ax.grid(axis="y", visible=False)
    ax.set_xlim(0, None)
    ax.set_xlabel("Recorded offences")
    return ax


def plot_bars(
    protected: ProtectedTable, *, label: str, value: str, ax: "Axes | None" = None
) -> "Axes":
    """Draw one horizontal bar a row, with its number or shorthand at the end."""
    table = _rows(protected)
    ax = new_axes(ax, height=0.9 + 0.38 * len(table))
    ax.barh(range(len(table)), table[value].fillna(0), color=DUO[0], height=0.62)
    for at, row in enumerate(table.index):
        text = protected.shown(row, value).removesuffix(".0")
        x = table[value].fillna(0).loc[row]
        ax.annotate(text, (x, at), xytext=(5, 0), textcoords="offset points", va="center")
    return _finish(ax, table[label].tolist())


def plot_ranges(
    protected: ProtectedTable, *, label: str, low: str, high: str, ax: "Axes | None" = None
) -> "Axes":
    """Draw an interval a row, from what is certain to what is possible."""
    table = _rows(protected)
    ax = new_axes(ax, height=1.0 + 0.42 * len(table))
    for at, (_, row) in enumerate(table.iterrows()):
        if pd.isna(row[low]) or pd.isna(row[high]):
            ax.annotate("withheld", (0, at), xytext=(5, 0), textcoords="offset points", va="center")
            continue
        ax.plot([row[low], row[high]], [at, at], color=DUO[0], linewidth=3)
        ax.plot(row[low], at, MARKERS[0], color=DUO[0], markersize=8)
        ax.plot(row[high], at, MARKERS[1], color=DUO[1], markersize=7)
    ax.plot([], [], MARKERS[0], color=DUO[0], label="certain")
    ax.plot([], [], MARKERS[1], color=DUO[1], label="possible at most")
    ax.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=2)
    return _finish(ax, table[label].tolist())


def plot_sets(protected: ProtectedTable, *, ax: "Axes | None" = None) -> "Axes":
    """Draw the overlap of contexts: a bar an exact set, dots under it for the contexts in it."""
    _rows(protected)
    table, names = protected.table, {"u25": "under 25", "da": "domestic abuse", "sv": "sexual"}
    ax = new_axes(ax, height=3.8)
    top = max(float(table["offences"].max()) if len(table) else 1.0, 1.0)
    step = top * 0.16
    for at, (row, line) in enumerate(table.iterrows()):
        ax.bar(at, 0 if pd.isna(line["offences"]) else line["offences"], color=DUO[0], width=0.6)
        text: Any = protected.shown(row, "offences").removesuffix(".0")
        place = (at, 0 if pd.isna(line["offences"]) else line["offences"])
        ax.annotate(text, place, xytext=(0, 4), textcoords="offset points", ha="center")
        inside = [-step * (n + 1) for n, name in enumerate(names) if line[name]]
        ax.plot([at] * len(inside), inside, color=INK, linewidth=2)
        for number, name in enumerate(names):
            fill = INK if line[name] else FOCUS[1]
            ax.plot(at, -step * (number + 1), "o", color=fill, markersize=9)
    ax.axhline(0, color=QUIET, linewidth=0.8)
    ticks = [-step * (n + 1) for n in range(len(names))]
    ax.set_yticks([*ticks, 0, top], [*names.values(), "0", f"{top:,.0f}"])
    ax.set_xticks([])
    ax.grid(visible=False)
    ax.set_ylim(-step * (len(names) + 0.7), top * 1.12)
    return ax
