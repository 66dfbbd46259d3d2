"""Charts of people: ratios with intervals, funnels of boroughs, missing shares, curves."""

import textwrap
from typing import Any

import numpy as np
import pandas as pd

from sna.charts.base import DASHES, INK, MARKERS, PALETTE, QUIET, label_ends, new_axes
from sna.disclosure.protected import ProtectedTable
from sna.schemas.disproportionality import KINDS, STRATA

_TICKS = (0.1, 0.2, 0.5, 1, 2, 3, 5, 10, 20)
_FACTS = {"self_defined": "Ethnicity, self-defined", "officer_observed": "Ethnicity, observed",
          "age": "Age", "sex": "Sex"}  # fmt: skip
_LIMITS = ("lower_ci", "upper_ci")


def check_protected(protected: ProtectedTable) -> pd.DataFrame:
    """Return the table of a protected table; refuse anything else."""
    if not isinstance(protected, ProtectedTable):
        raise TypeError("Charts take a protected table: pass it through sna.protect first.")
    return protected.table


def split_keys(table: pd.DataFrame) -> list[str]:
    """Return the keys that a comparison is split by, the one that makes its rows last."""
    keys = [name for name in (*STRATA, *KINDS) if not (table[name].astype(str) == "all").all()]
    return keys or ["ethnic_group"]


def _ratio_scale(ax: Any, which: str, *columns: Any) -> tuple[float, float]:
    """Put an axis on a log scale that holds all values, with plain numbers as ticks."""
    from matplotlib.ticker import FixedLocator, NullLocator

    values = np.concatenate([np.asarray(column, float) for column in columns])
    values = values[np.isfinite(values) & (values > 0)]
    low, high = min([*values, 0.9]) * 0.85, max([*values, 1.1]) * 1.15
    getattr(ax, f"set_{which}scale")("log")
    getattr(ax, f"set_{which}lim")(low, high)
    axis = getattr(ax, f"{which}axis")
    axis.set_major_locator(FixedLocator([tick for tick in _TICKS if low <= tick <= high]))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(lambda value, _: f"{value:g}")
    return low, high


def _name(value: object) -> str:
    return f"{value:%b %Y}" if isinstance(value, pd.Timestamp) else textwrap.fill(str(value), 42)


def plot_groups(protected: ProtectedTable) -> Any:
    """Plot rate ratios: dots and intervals in panels, or a funnel where they run over boroughs."""
    from matplotlib.figure import Figure

    table = check_protected(protected)
    *panels, rows = split_keys(table)
    if rows == "borough_code":
        return _plot_funnels(protected)
    if panels == ["ethnic_group"]:
        table = table[table["ethnic_group"] != table["reference_group"]]
    parts = list(table.groupby(panels, sort=False)) if panels else [(("",), table)]
    heights = [len(part) + 1.2 for _, part in parts]
    fig = Figure(figsize=(6.4, 0.7 + 0.29 * sum(heights)))
    axes = fig.subplots(len(parts), 1, sharex=True, squeeze=False,
                        gridspec_kw={"height_ratios": heights})[:, 0]  # fmt: skip
    pairs = zip(("rate_ratio", "ratio_lower_ci", "ratio_upper_ci"),
                ("modelled_ratio", "modelled_lower_ci", "modelled_upper_ci"), strict=True
            )  # fmt: skip
    values = pd.DataFrame({first: table[first].fillna(table[other]) for first, other in pairs})
    for ax, (names, part) in zip(axes, parts, strict=True):
        span = _ratio_scale(ax, "x", *(values[name] for name in values))
        _dots(ax, protected, part, values.loc[part.index].clip(*span), rows)
        ax.set_title(", ".join(map(str, names)), loc="left", fontweight="bold")
    axes[-1].set_xlabel("Rate ratio (1 is the same rate as the comparison)")
    return fig


def _dots(ax: Any, protected: ProtectedTable, part: pd.DataFrame, values: pd.DataFrame, rows: str
          ) -> None:  # fmt: skip
    ax.axvline(1, color=QUIET, linewidth=1)
    for place, (at, value, lower, upper) in enumerate(values.itertuples()):
        modelled = pd.notna(part.loc[at, "modelled_ratio"])
        text = protected.shown(at, "modelled_ratio" if modelled else "rate_ratio")
        if part.loc[at, rows] == part.loc[at, "reference_group"]:
            text, lower = "comparison", np.nan
        if np.isfinite(lower + upper):
            ax.plot([lower, upper], [place, place], color=PALETTE[0], solid_capstyle="butt")
        ax.plot([value], [place], MARKERS[1 if modelled else 0], color=PALETTE[0], markersize=7)
        ax.annotate(text, (1, place), xycoords=("axes fraction", "data"), xytext=(8, 0),
                    va="center", textcoords="offset points", color=INK, annotation_clip=False
                    )  # fmt: skip
    ax.set_yticks(range(len(part)), [_name(value) for value in part[rows]])
    ax.set_ylim(len(part) - 0.4, -0.6)
    ax.grid(False, axis="y")
    ax.grid(True, axis="x")


def _plot_funnels(protected: ProtectedTable) -> Any:
    from matplotlib.figure import Figure

    parts = list(check_protected(protected).groupby("ethnic_group", sort=False))[:4]
    fig = Figure(figsize=(6.8, 2.7 * ((len(parts) + 1) // 2)))
    axes = fig.subplots((len(parts) + 1) // 2, 2, squeeze=False).ravel()
    for spare in axes[len(parts) :]:
        spare.set_axis_off()
    for ax, (group, rows) in zip(axes, parts, strict=False):
        part = rows[rows["expected"].notna() & (rows["rate_ratio"] > 0)].sort_values("expected")
        _ratio_scale(ax, "y", part["rate_ratio"], part["lower_998"], part["upper_998"])
        ax.set_xscale("log")
        for name, dash in (("95", DASHES[1]), ("998", DASHES[2])):
            for side in ("lower", "upper"):
                ax.plot(part["expected"], part[f"{side}_{name}"], color=QUIET, linestyle=dash,
                        linewidth=1)  # fmt: skip
        ax.plot(part["expected"], part["target"], color=QUIET, linewidth=1)
        here = part["is_this_borough"].astype(bool)
        for rest, colour, marker, size in ((~here, "#767676", MARKERS[0], 4),
                                           (here, PALETTE[3], MARKERS[3], 9)):  # fmt: skip
            ax.plot(part.loc[rest, "expected"], part.loc[rest, "rate_ratio"], marker, color=colour,
                    markersize=size, markeredgecolor=INK if size > 4 else colour)  # fmt: skip
        ax.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
        ax.xaxis.set_minor_formatter(lambda *_: "")
        ax.set_title(f"{group}", loc="left", fontweight="bold")
    fig.supxlabel(f"People expected at London's ratio (◆ {protected.borough_name})", fontsize=10.5)
    return fig


def plot_people(protected: ProtectedTable) -> Any:
    """Plot a missing share by month, a rate by age or decile, or recurrence by month."""
    table = check_protected(protected)
    ax = new_axes()
    if "fact" in table:
        return _plot_missing(ax, table)
    at = next(
        n for n in ("months_since", "age", "decile") if n in table and set(table[n]) != {"all"}
    )
    value, scale = ("share_again", 100) if at == "months_since" else ("rate", 1)
    x = table[at].astype(float)
    lower, upper = (table[name] * scale for name in _LIMITS)
    if at == "decile":
        ax.vlines(x, lower, upper, color=PALETTE[0])
        ax.plot(x, table[value], MARKERS[0], color=PALETTE[0], markersize=7)
        ax.set_xticks(range(1, 11))
        ax.set_xlabel("Decile of deprivation (1 is the most deprived tenth in England)")
    else:
        ax.fill_between(x, lower, upper, color=PALETTE[0], alpha=0.2, linewidth=0)
        ax.plot(x, table[value] * scale, color=PALETTE[0])
        ax.set_xlabel("Age" if at == "age" else "Months since the first record")
    if scale == 100:
        ax.yaxis.set_major_formatter(lambda number, _: f"{number:g}%")
    ax.set_ylim(bottom=0)
    return ax


def _plot_missing(ax: Any, table: pd.DataFrame) -> Any:
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

    ends = []
    for place, (fact, part) in enumerate(table.groupby("fact", sort=False)):
        share = part["missing_share"] * 100
        ax.plot(part["month"], share, color=PALETTE[place], linestyle=DASHES[place],
                marker=MARKERS[place], markersize=4)  # fmt: skip
        if share.notna().any():
            ends.append((float(share.dropna().iloc[-1]), _FACTS[str(fact)], PALETTE[place]))
    for level, text in ((10, "10%: caution"), (25, "25%: no headline")):
        ax.axhline(level, color=QUIET, linewidth=1, linestyle=DASHES[2])
        ends.append((float(level), text, QUIET))
    ax.set_ylim(0, max(30.0, float(np.nan_to_num(table["missing_share"].max()) * 110)))
    ax.yaxis.set_major_formatter(lambda value, _: f"{value:g}%")
    label_ends(ax, ends)
    locator, plain = AutoDateLocator(minticks=3, maxticks=7), ["%Y", "%b\n%Y", "%d", "", "", ""]
    form = ConciseDateFormatter(locator, show_offset=False, formats=plain, zero_formats=plain)
    ax.xaxis.set_major_locator(locator)
    ax.xaxis.set_major_formatter(form)
    return ax
