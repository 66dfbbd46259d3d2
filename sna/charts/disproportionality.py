"""Charts of the comparison of groups: ratios with intervals, missing shares, years, boroughs."""

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from sna.charts.base import DASHES, INK, MARKERS, PALETTE, QUIET, label_ends, new_axes
from sna.disclosure.protected import ProtectedTable

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_TICKS = (0.1, 0.2, 0.5, 1, 2, 3, 5, 10, 20)
_FACTS = {"self_defined": "Ethnicity, self-defined", "officer_observed": "Ethnicity, observed",
          "age": "Age", "sex": "Sex"}  # fmt: skip


def _check(protected: ProtectedTable) -> pd.DataFrame:
    if not isinstance(protected, ProtectedTable):
        raise TypeError("Charts take a protected table: pass it through sna.protect first.")
    return protected.table


def _nothing() -> "Axes":
    """Draw a picture that says there is nothing to draw."""
    ax = new_axes(height=0.8)
    ax.set_axis_off()
    ax.annotate("No people to show", (0.5, 0.5), xycoords="axes fraction", ha="center", color=INK)
    return ax


def _ratio_axis(axis: Any, low: float, high: float) -> None:
    from matplotlib.ticker import FixedLocator, NullLocator

    axis.set_major_locator(FixedLocator([t for t in _TICKS if low <= t <= high]))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(lambda value, _: f"{value:g}")


def _span(*columns: pd.Series) -> tuple[float, float]:
    values = np.concatenate([np.asarray(column, float) for column in columns])
    values = values[np.isfinite(values) & (values > 0)]
    return (min([*values, 0.9]) * 0.85, max([*values, 1.1]) * 1.15)


def _dots(ax: "Axes", labels: Sequence[str], values: pd.DataFrame, texts: Sequence[str]) -> None:
    """Draw one row a label: interval, dot and its text; a withheld value is its text alone."""
    low, high = _span(*(values[name] for name in values))
    ax.set_xscale("log")
    ax.set_xlim(low, high)
    ax.axvline(1, color=QUIET, linewidth=1)
    for row, (value, lower, upper) in enumerate(values.itertuples(index=False)):
        if np.isfinite(value):
            ends = (
                [max(lower, low), min(upper, high)] if np.isfinite(lower + upper) else [value] * 2
            )
            ax.plot(ends, [row, row], color=PALETTE[0], linewidth=2.4, solid_capstyle="butt")
            ax.plot([value], [row], MARKERS[0], color=PALETTE[0], markersize=8)
        _beside(ax, texts[row], row)
    ax.set_yticks(range(len(labels)), labels)
    ax.set_ylim(len(labels) - 0.5, -0.5)
    ax.grid(False, axis="y")
    ax.grid(True, axis="x")
    _ratio_axis(ax.xaxis, low, high)


def _beside(ax: "Axes", text: str, row: int) -> None:
    where: Any = ("axes fraction", "data")
    ax.annotate(text, (1, row), xycoords=where, xytext=(8, 0), textcoords="offset points",
                va="center", color=INK, annotation_clip=False)  # fmt: skip


def label_rows(protected: ProtectedTable) -> list[str]:
    """Name each row by the keys that vary: ethnic group, sex, age group, context."""
    table = _check(protected)
    keys = [name for name in ("context", "sex", "age_group", "ethnic_group")
            if name in table and len(set(table[name])) > 1]  # fmt: skip
    names = [", ".join(str(value) for value in row) for row in table[keys].itertuples(index=False)]
    return [textwrap.fill(name, 26) for name in names]


def plot_groups(protected: ProtectedTable, *, ax: "Axes | None" = None) -> "Axes":
    """Plot the rate ratio of each group with its interval, on a log scale around 1."""
    table = _check(protected)
    if not len(table):
        return _nothing()
    ax = new_axes(ax, height=0.9 + 0.42 * max(len(table), 2))
    names = ["rate_ratio", "ratio_lower_ci", "ratio_upper_ci"]
    is_reference = _is_reference(table)
    values = table[names].copy()
    values.loc[is_reference, names[1:]] = np.nan
    texts = [
        "comparison" if here else protected.shown(row, "rate_ratio")
        for row, here in zip(table.index, is_reference, strict=True)
    ]
    _dots(ax, label_rows(protected), values, texts)
    ax.set_xlabel("Rate ratio (1 is the same rate as the comparison group)")
    return ax


def _is_reference(table: pd.DataFrame) -> np.ndarray:
    inside = [name for name in ("ethnic_group", "sex", "age_group") if name in table]
    same = [table[name].astype(str) == table["reference_group"].astype(str) for name in inside]
    return np.logical_or.reduce([column.to_numpy() for column in same])


def plot_readings(protected: ProtectedTable, *, ax: "Axes | None" = None) -> Any:
    """Plot each reading of the ratio, one panel a group; a square marks a modelled ratio."""
    from matplotlib.figure import Figure

    table = _check(protected)
    if not len(table):
        return _nothing()
    shown = list(dict.fromkeys(table["ethnic_group"]))[:4]
    readings = list(dict.fromkeys(table["reading"]))
    fig = Figure(figsize=(6.6, 0.7 + 0.27 * len(readings) * max(len(shown), 1)))
    axes = (
        fig.subplots(max(len(shown), 1), 1, sharex=True, squeeze=False)[:, 0]
        if ax is None
        else [ax]
    )
    pairs = [("rate_ratio", "modelled_ratio"), ("ratio_lower_ci", "modelled_lower_ci"),
             ("ratio_upper_ci", "modelled_upper_ci")]  # fmt: skip
    every = pd.DataFrame({a: table[a].fillna(table[b]) for a, b in pairs})
    low, high = _span(*(every[name] for name in every))
    for panel, group in zip(axes, shown, strict=False):
        part = table[table["ethnic_group"] == group]
        texts = [
            protected.shown(row, "modelled_ratio" if pd.notna(table.loc[row, "modelled_ratio"])
                            else "rate_ratio") for row in part.index
        ]  # fmt: skip
        _dots(panel, [str(name) for name in part["reading"]], every.loc[part.index], texts)
        panel.set_xlim(low, high)
        _ratio_axis(panel.xaxis, low, high)
        panel.set_title(f"{group}, compared with White", loc="left", fontweight="bold")
    axes[-1].set_xlabel("Rate ratio (1 is the same rate)")
    return fig if ax is None else ax


def plot_missing(protected: ProtectedTable, *, ax: "Axes | None" = None) -> "Axes":
    """Plot by month the share of people whose ethnicity, age or sex is not recorded."""
    table = _check(protected)
    if not len(table):
        return _nothing()
    ax = new_axes(ax)
    ends = []
    for place, (fact, part) in enumerate(table.groupby("fact", sort=False)):
        share = part["missing_share"] * 100
        ax.plot(part["month"], share, color=PALETTE[place], linestyle=DASHES[place],
                marker=MARKERS[place], markersize=4)  # fmt: skip
        if share.notna().any():
            ends.append((float(share.dropna().iloc[-1]), _FACTS[str(fact)], PALETTE[place]))
    for level, text in ((10, "10%: caution"), (25, "25%: no headline")):
        ax.axhline(level, color=QUIET, linewidth=1, linestyle=DASHES[2])
        ax.annotate(text, (1, level), xycoords=("axes fraction", "data"), xytext=(-4, 3),
                    ha="right", textcoords="offset points", color=QUIET, fontsize=9)  # fmt: skip
    ax.set_ylim(0, max(30.0, float(np.nan_to_num(table["missing_share"].max()) * 110)))
    ax.yaxis.set_major_formatter(lambda value, _: f"{value:g}%")
    label_ends(ax, ends)
    _month_axis(ax)
    return ax


def _month_axis(ax: "Axes") -> None:
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

    locator = AutoDateLocator(minticks=3, maxticks=7)
    plain = ["%Y", "%b\n%Y", "%d", "", "", ""]
    form = ConciseDateFormatter(locator, show_offset=False, formats=plain, zero_formats=plain)
    ax.xaxis.set_major_locator(locator)
    ax.xaxis.set_major_formatter(form)


def _panels(count: int, *, height: float, share_y: bool = True) -> tuple[Any, list[Any]]:
    from matplotlib.figure import Figure

    rows = (count + 1) // 2
    fig = Figure(figsize=(6.8, height * max(rows, 1)))
    axes = fig.subplots(max(rows, 1), 2, sharex=True, sharey=share_y, squeeze=False).ravel()
    for spare in axes[count:]:
        spare.set_axis_off()
    return fig, list(axes[:count])


def plot_years(protected: ProtectedTable) -> Any:
    """Plot the ratio of each group by year with its interval, one panel a group."""
    table = _check(protected)
    if not len(table):
        return _nothing()
    table = table[table["ethnic_group"] != table["reference_group"]]
    shown = list(dict.fromkeys(table["ethnic_group"]))[:4]
    fig, axes = _panels(len(shown), height=2.2)
    low, high = _span(table["rate_ratio"], table["ratio_lower_ci"], table["ratio_upper_ci"])
    for panel, group in zip(axes, shown, strict=True):
        part = table[table["ethnic_group"] == group]
        at = range(len(part))
        panel.set_yscale("log")
        panel.set_ylim(low, high)
        _ratio_axis(panel.yaxis, low, high)
        panel.axhline(1, color=QUIET, linewidth=1)
        panel.vlines(at, part["ratio_lower_ci"], part["ratio_upper_ci"], color=PALETTE[0])
        panel.plot(at, part["rate_ratio"], MARKERS[0], color=PALETTE[0], linestyle="-", linewidth=1)
        panel.set_xticks(at, [f"{month:%b\n%Y}" for month in part["year"]])
        panel.set_xlim(-0.5, max(len(part) - 0.5, 0.5))
        panel.set_title(str(group), loc="left", fontweight="bold")
    return fig


def plot_boroughs(protected: ProtectedTable) -> Any:
    """Plot boroughs in funnels around London's place-adjusted ratio, one panel a group."""
    table = _check(protected)
    if not len(table):
        return _nothing()
    shown = list(dict.fromkeys(table["ethnic_group"]))[:4]
    fig, axes = _panels(len(shown), height=2.7, share_y=False)
    for panel, group in zip(axes, shown, strict=True):
        part = table[(table["ethnic_group"] == group) & table["information"].notna()]
        part = part[(part["rate_ratio"] > 0)].sort_values("information")
        low, high = _span(part["rate_ratio"], part["lower_998"], part["upper_998"])
        panel.set_xscale("log")
        panel.set_yscale("log")
        for name, dash in (("95", DASHES[1]), ("998", DASHES[2])):
            for side in ("lower", "upper"):
                panel.plot(part["information"], part[f"{side}_{name}"], color=QUIET, linestyle=dash,
                           linewidth=1)  # fmt: skip
        panel.plot(part["information"], part["target"], color=QUIET, linewidth=1)
        here = part["is_this_borough"].astype(bool)
        panel.plot(part.loc[~here, "information"], part.loc[~here, "rate_ratio"], MARKERS[0],
                   color="#767676", markersize=4)  # fmt: skip
        panel.plot(part.loc[here, "information"], part.loc[here, "rate_ratio"], MARKERS[3],
                   color=PALETTE[3], markeredgecolor=INK, markersize=9)  # fmt: skip
        for x, y in part.loc[here, ["information", "rate_ratio"]].itertuples(index=False):
            panel.annotate(protected.borough_name, (x, y), xytext=(7, 7), color=INK, fontsize=9,
                           textcoords="offset points", fontweight="bold")  # fmt: skip
        panel.set_ylim(low, high)
        _ratio_axis(panel.yaxis, low, high)
        panel.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
        panel.set_title(str(group), loc="left", fontweight="bold")
    fig.supxlabel("Precision of the ratio (more people to the right)", fontsize=10.5)
    return fig
