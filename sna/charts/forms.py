"""Generic forms of charts: a view names one of them, and its columns, in a report's TOML."""

from calendar import month_name
from dataclasses import dataclass, replace
from textwrap import fill
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from sna.charts import base
from sna.disclosure.protected import ProtectedTable

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BLUES = ["#FFFFFF", "#C9DDEF", "#6BACE6", "#4A8FCB"]  # black text stays at 6:1 on each
LINE_POINTS = 13.5
TICKS_BETWEEN = (0.2, 0.3, 0.5, 0.75, 1, 1.5, 2, 3, 4, 5, 7, 10)
TICKS_APART = (0.1, 0.2, 0.5, 1, 2, 3, 5, 10, 20, 50)
TICKS = (0.1, 0.2, 0.3, 0.5, 0.7, 0.8, 0.9, 1, 1.1, 1.2, 1.35, 1.5, 1.75, 2, 2.5, 3, 4, 5, 7, 10)

_PAIRS = {
    "rate_ratio": "modelled_ratio",
    "ratio_lower_ci": "modelled_lower_ci",
    "ratio_upper_ci": "modelled_upper_ci",
}


@dataclass(frozen=True)
class Form:
    """What a generic form draws: names of columns, and how; the `chart` of a view gives them.

    ``value`` is measured, with the interval ``low`` to ``high``; ``x`` is where it stands, or
    ``label`` the columns that name a row. ``text`` is the column of words at the edge, ``mark``
    the column (true, or the borough's name) that makes the other rows quiet, ``group`` splits
    lines and ``panels`` small charts. ``line`` is a number or a column drawn across, ``log`` a
    ratio scale, ``percent`` a share shown as per cent, ``ends`` the names of both ends of a range
    drawn in place of a dot. ``order`` puts the highest of a column first (rows without it are left
    out), ``only`` keeps the rows of one value: column, value; bars run to the highest of ``upto``.
    """

    value: str = "offences"
    x: str = "month"
    low: str = ""
    high: str = ""
    label: tuple[str, ...] | str = ()
    text: str = ""
    mark: str = ""
    group: str = ""
    panels: str = ""
    line: float | str | None = None
    log: bool = False
    percent: bool = False
    ends: tuple[str, ...] = ()
    axis: str = "Recorded offences"
    x_axis: str = ""
    most: int = 30
    order: str = ""
    only: tuple[str, str] | tuple[()] = ()
    upto: str = ""


def chosen(protected: ProtectedTable, form: Form) -> pd.DataFrame:
    """Return the rows that are drawn, in their order."""
    table = base.table_of(protected)
    if form.only:
        table = table[table[form.only[0]].eq(form.only[1])]
    if form.order:
        known = table.dropna(subset=[form.order])
        table = known.sort_values(form.order, ascending=False, kind="stable")
    return table.head(form.most)


def log_axis(ax: "Axes", which: str, values: "np.ndarray") -> None:
    """Put an axis on a log scale around 1 that holds all values, with plain numbers as ticks."""
    values = values[np.isfinite(values) & (values > 0)]
    low, high = min([*values, 0.9]) / 1.05, max([*values, 1.15]) * 1.05
    shown = TICKS if high / low < 2.2 else TICKS_BETWEEN if high / low < 6 else TICKS_APART
    ticks = [tick for tick in shown if low <= tick <= high]
    ax.set(**{f"{which}scale": "log", f"{which}lim": (low, high)})
    ax.set(**{f"{which}ticks": ticks, f"{which}ticklabels": [f"{tick:g}" for tick in ticks]})
    ax.minorticks_off()


def is_marked(protected: ProtectedTable, mark: str) -> pd.Series:
    """Say which rows are drawn as the subject: a true column, or the borough's name in it."""
    table = protected.table
    if not mark:
        return pd.Series(True, index=table.index)
    is_flag = pd.api.types.is_bool_dtype(table[mark])
    return table[mark] if is_flag else table[mark].astype(str).eq(protected.borough_name)


def _row_axes(ax: "Axes", rows: pd.DataFrame, form: Form) -> None:
    """Label one row an item, the first on top, with a grid across."""
    names = rows[[form.label] if isinstance(form.label, str) else list(form.label)].astype(str)
    ax.set_yticks(range(len(rows)), [base.short(name, 42) for name in names.agg(", ".join, axis=1)])
    ax.set_ylim(len(rows) - 0.4, -0.6)
    ax.grid(visible=False, axis="y")
    ax.grid(visible=True, axis="x", color=base.RULE)
    ax.set_xlabel(form.axis)


def bars(protected: ProtectedTable, form: Form) -> "Axes":
    """Draw a horizontal bar a row, with its number, shorthand or words at the end."""
    rows = chosen(protected, form)
    ax, length = (
        base.new_axes(height=0.9 + 0.34 * len(rows)),
        rows[form.value].astype(float).fillna(0),
    )
    mine = is_marked(protected, form.mark)[rows.index]
    shades = mine.map({True: base.PALETTE[0], False: base.QUIET_BARS})
    ax.barh(range(len(rows)), length, color=shades, height=0.62)
    for y, (at, x) in enumerate(length.items()):
        base.say(ax, protected.shown(at, form.text or form.value), (x, y), (5, 0))
    _row_axes(ax, rows, form)
    most = max(1e-9, *rows[[form.upto or form.value]].astype(float).max())
    ax.set_xlim(0, most * (1.4 if form.text and not form.upto else 1.12))
    base.number_axis(ax.xaxis, length)
    return ax


def dots(protected: ProtectedTable, form: Form) -> "Figure":
    """Draw a dot and its interval a row, or both ends of a range; what is withheld in words."""
    from matplotlib.figure import Figure

    table = chosen(protected, form)
    parts = list(table.groupby(form.panels, sort=False)) if form.panels else [("", table)]
    heights = [0.34 * len(part) + 0.3 for _, part in parts]
    figure = Figure(figsize=(6.2, 0.8 + sum(heights) + 0.2 * len(parts)))
    shape: Any = {"sharex": True, "squeeze": False, "gridspec_kw": {"height_ratios": heights}}
    axes = figure.subplots(len(parts), 1, **shape)[:, 0]
    numbers = table[[name for name in (form.value, form.low, form.high) if name]]
    for ax, (name, part) in zip(axes, parts, strict=True):
        _across_axis(ax, form, numbers.to_numpy(float).ravel())
        if form.line is not None:
            at = table[form.line].iloc[0] if isinstance(form.line, str) else form.line
            ax.axvline(at, color=base.QUIET, linewidth=1.1, linestyle=base.DASHES[1])
        for y, row in enumerate(part.index):
            _dot(ax, y, protected, row, form)
        _row_axes(ax, part, form)
        ax.set_title(str(name), loc="left", fontweight="bold")
        ax.set_xlabel(form.axis if ax is axes[-1] else "")
    for end, colour, marker in zip(form.ends, base.DUO, base.MARKERS, strict=False):
        axes[0].plot([], [], marker, color=colour, label=end, markersize=7)
    if form.ends:
        axes[0].legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=2)
    return figure


def panels(protected: ProtectedTable, form: Form) -> "Figure":
    """Draw ratios recomputed from counts and modelled ones on one axis, a panel a group."""
    table, flags = base.table_of(protected), protected.flags
    table = table[table["ethnic_group"] != table["reference_group"]]
    for counted, modelled in _PAIRS.items():
        known = table[counted].notna()
        table = table.assign(**{counted: table[counted].where(known, table[modelled])})
        flags = flags.assign(**{counted: flags[counted].where(known, flags[modelled])})
    return dots(replace(protected, table=table, flags=flags), form)


def _across_axis(ax: "Axes", form: Form, values: np.ndarray) -> None:
    if form.log:
        return log_axis(ax, "x", values)
    known = pd.Series(values[np.isfinite(values)])
    low, high = min([0.0, *known]), max([1e-9, *known])
    ax.set_xlim(low - 0.03 * (high - low), high * 1.05)  # a mark at nought is whole
    if form.percent:
        ax.xaxis.set_major_formatter(_percent)
    else:
        base.number_axis(ax.xaxis, known)
    return None


def _percent(value: float, _: object) -> str:
    return f"{100 * value:g}%"


def _dot(ax: "Axes", y: int, protected: ProtectedTable, row: Any, form: Form) -> None:
    """Draw one row; its words stand at the edge of the chart."""
    at, mine = protected.table.loc[row], is_marked(protected, form.mark)[row]
    colour, marker = (base.PALETTE[0], "o") if mine else (base.QUIET, "s")
    if form.low and pd.notna(at[form.low]) and pd.notna(at[form.high]):
        ax.plot([at[form.low], at[form.high]], [y, y], color=colour, linewidth=2)
        looks = zip((form.low, form.high), base.DUO, base.MARKERS, (9, 5.5), strict=False)
        for name, end, shape, size in looks if form.ends else ():  # equal ends show both marks
            ax.plot([at[name]], [y], shape, color=end, markersize=size, clip_on=False)
    if not form.ends and pd.notna(at[form.value]):
        ax.plot([at[form.value]], [y], marker, color=colour, markersize=8)
    low, high = (protected.shown(row, name) if name else "" for name in (form.low, form.high))
    pair = low if low == high else f"{low} to {high}"
    words = pair if form.ends else protected.shown(row, form.text or form.value)
    where: Any = {"xycoords": ("axes fraction", "data"), "textcoords": "offset points"}
    ax.annotate(words, (1, y), xytext=(8, 0), va="center", annotation_clip=False, **where)


def lines(protected: ProtectedTable, form: Form) -> "Axes":
    """Draw a line a group (the whole table if none), with a band for its limits and a label.

    A value that is missing or withheld is a gap: no line joins the points on either side of it.
    """
    table, ax = base.table_of(protected), base.new_axes(height=3.3)
    shown, ends = table.dropna(subset=[form.value]), []
    inside = table[table[form.group].isin(shown[form.group])] if form.group else table
    parts = list(inside.groupby(form.group, sort=False)) if form.group else [("", inside)]
    marked = is_marked(protected, form.mark)
    for number, (name, part) in enumerate(parts[: base.MOST_CATEGORIES]):
        colour = base.PALETTE[number] if len(parts) > 2 else base.DUO[number]
        marker = base.MARKERS[number] if len(part) < 16 else ""
        ax.plot(
            part[form.x],
            part[form.value],
            marker=marker,
            color=colour,
            linestyle=base.DASHES[number],
        )
        gap = part[form.value].isna()
        lone = part[~gap & gap.shift(fill_value=True) & gap.shift(-1, fill_value=True)]
        ax.plot(lone[form.x], lone[form.value], base.MARKERS[number], color=colour)
        if form.low and marked[part.index].any():
            band = part[form.x], part[form.low].astype(float), part[form.high].astype(float)
            ax.fill_between(*band, color=colour, alpha=0.16, linewidth=0)
        ends += [(float(part[form.value][~gap].iloc[-1]), str(name), colour)] if name else []
    base.top(ax, shown[form.value], *([shown[form.high]] if form.high else []))
    if len(shown) and pd.api.types.is_datetime64_any_dtype(shown[form.x]):
        base.time_axis(ax, shown[form.x])
        base.mark_breaks(ax, shown[marked[shown.index]])
    if form.percent:
        ax.yaxis.set_major_formatter(_percent)
    else:
        base.number_axis(ax.yaxis, shown[form.value])
    ax.set(xlabel=form.x_axis, ylabel=form.axis)
    base.label_ends(ax, ends)
    return ax


def lorenz(protected: ProtectedTable, form: Form) -> "Axes":
    """Plot the share of offences held by the areas with the most, against an even spread."""
    table, ax = base.table_of(protected), base.new_axes(height=3.9)
    x = 100 * table["area_share"].to_numpy(float)
    ax.plot(x, 100 * table["offence_share"], color=base.PALETTE[0], marker="o", markersize=3.5)
    ax.plot([0, 100], [0, 100], color=base.QUIET, linestyle=base.DASHES[1], linewidth=1.2)
    ax.axhline(50, color=base.QUIET, linewidth=0.8, linestyle=base.DASHES[2])
    ax.text(100, 51, "half of offences", ha="right", va="bottom")
    ax.text(71, 66, "if spread evenly", ha="left", va="top")
    ax.set(xlim=(0, 100), ylim=(0, 102), xlabel=form.x_axis, ylabel=form.axis)
    return ax


def columns(protected: ProtectedTable, form: Form) -> "Axes":
    """Draw a vertical bar a row, with limits where there are some."""
    table, ax = base.table_of(protected), base.new_axes(height=3.0)
    at, names = np.arange(len(table)), table[form.x].astype(str)
    ax.bar(at, table[form.value].astype(float).fillna(0), color=base.QUIET_BARS, width=0.75)
    if form.low:
        ax.vlines(at, table[form.low], table[form.high], color=base.INK, linewidth=1.3)
    ax.axhline(0, color=base.INK, linewidth=1)
    base.number_axis(ax.yaxis, table[form.value])
    ax.set_xticks(at, [name[:3] for name in names] if len(at) > 8 else names)
    ax.set(xlabel=form.x_axis, ylabel=form.axis)
    return ax


def heat(protected: ProtectedTable, form: Form) -> "Figure":
    """Draw `label` against `x` as tiles with the value in each, in the order of the table."""
    from matplotlib.figure import Figure

    table, parts = base.table_of(protected), dict[Any, Any]()
    table = table.assign(said=[protected.shown(row, form.value) for row in table.index])
    groups = table.groupby(form.panels, sort=False) if form.panels else [("", table)]
    for name, part in groups:
        how: Any = {"sort": False, "dropna": False, "aggfunc": "first"}
        label = part[str(form.label)].map(lambda text: fill(str(text), 26), na_action="ignore")
        parts[name] = part.assign(folded=label).pivot_table(
            [form.value, "said"], "folded", form.x, **how
        )
    rows = [0.42 if any("\n" in text for text in wide.index) else 0.3 for wide in parts.values()]
    heights = [0.9 + row * len(wide) for row, wide in zip(rows, parts.values(), strict=True)]
    figure = Figure(figsize=(6.2, sum(heights)))
    shape: Any = {"squeeze": False, "gridspec_kw": {"height_ratios": heights}}
    axes = figure.subplots(len(parts), 1, **shape)[:, 0]
    shared = len({tuple(wide[form.value].columns) for wide in parts.values()}) == 1
    for ax, (name, wide) in zip(axes, parts.items(), strict=True):
        is_last = ax is axes[-1] or not shared
        _tiles(ax, wide[form.value], wide["said"], form, is_last=is_last)
        ax.set_title(fill(str(name), 38), loc="left", fontweight="bold")
    return figure


def _tiles(
    ax: "Axes", wide: pd.DataFrame, said: pd.DataFrame, form: Form, *, is_last: bool
) -> None:
    """Draw tiles with their values and the names of rows; those of columns under the last."""
    import seaborn as sns
    from matplotlib.colors import LinearSegmentedColormap

    if set(wide.columns) <= set(month_name):
        wide = wide.reindex(columns=[name for name in month_name if name])
    words = said.reindex(columns=wide.columns).astype("object").fillna("")
    shades = LinearSegmentedColormap.from_list("blues", BLUES)
    look: Any = {"cbar": False, "linewidths": 0.6, "linecolor": "#FFFFFF"}
    text: Any = {"color": base.INK}
    text["size"] = 8.5 if wide.shape[1] > 12 else 10 if wide.shape[1] > 8 else 11.8
    sns.heatmap(wide, ax=ax, cmap=shades, vmin=0, annot=words, fmt="", annot_kws=text, **look)
    for y, x in np.argwhere(wide.isna()):  # what is withheld says so; a gap in time has no word
        ax.text(x + 0.5, y + 0.5, str(words.iloc[y, x]), ha="center", va="center", **text)
    if wide.shape[1] > 8:  # short headings: Jan, 00:00, every third of many
        names = [str(name)[: 3 if str(name)[0].isalpha() else 5] for name in wide.columns]
    else:
        names = [fill(str(name), 8, break_long_words=False) for name in wide.columns]
    step = 3 if wide.shape[1] > 12 else 1
    ax.set_xticks(np.arange(len(names))[::step] + 0.5, [""] * len(names[::step]))
    ax.set_yticks([])
    ax.set(xlabel=form.x_axis, ylabel="")
    ax.tick_params(axis="both", length=0)
    ax.grid(visible=False)
    for y, name in enumerate(wide.index):
        lines = str(name).split("\n")
        _lines(ax, lines, (0, y + 0.5), (-4, LINE_POINTS * (len(lines) - 1) / 2), ha="right")
    if is_last:
        for x, name in [*enumerate(names)][::step]:
            place = (x + 0.5, len(wide))
            _lines(ax, name.split("\n"), place, (0, -LINE_POINTS * 0.8), ha="center")


def _lines(
    ax: "Axes", lines: list[str], at: tuple[float, float], offset: tuple[float, float], *, ha: str
) -> None:
    """Write lines under each other, each a text of its own, which a browser sets flush."""
    where: Any = ax.get_yaxis_transform() if ha == "right" else ax.transData
    look: Any = {"xycoords": where, "textcoords": "offset points", "va": "center", "ha": ha}
    for number, line in enumerate(lines):
        at_line = (offset[0], offset[1] - LINE_POINTS * number)
        ax.annotate(line, at, xytext=at_line, color=base.INK, annotation_clip=False, **look)


def funnel(protected: ProtectedTable, form: Form) -> "Figure":
    """Draw each row's value against what is expected, inside limits of 95 and 99.8%."""
    from matplotlib.figure import Figure

    table = base.table_of(protected).dropna(subset=["expected"])
    parts = list(table.groupby(form.panels, sort=False))[:4] if form.panels else [("", table)]
    across = min(2, len(parts))
    figure = Figure(figsize=(6.4, 3.8 if across == 1 else 2.7 * ((len(parts) + 1) // 2)))
    axes = figure.subplots((len(parts) + 1) // 2, across, squeeze=False).ravel()
    for ax, (name, part) in zip(axes, parts, strict=False):
        _funnel(ax, protected, part.sort_values("expected"), form)
        ax.set_title(str(name), loc="left", fontweight="bold")
    for spare in axes[len(parts) :]:
        spare.set_axis_off()
    figure.supxlabel(form.x_axis)
    axes[0].set_ylabel(form.axis)
    return figure


def _funnel(ax: "Axes", protected: ProtectedTable, part: pd.DataFrame, form: Form) -> None:
    from matplotlib.ticker import LogLocator

    limits = {"lower_95": 2, "upper_95": 2, "lower_998": 1, "upper_998": 1, "target": 0}
    mine = is_marked(protected, form.mark)[part.index]
    if form.log:
        values = part.loc[part[form.value] > 0, [form.value, "lower_998", "upper_998"]]
        log_axis(ax, "y", values.to_numpy(float).ravel())
        ax.set_xscale("log", subs=[])
        ax.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5), numticks=4))
    else:
        edge = part[[form.value, "upper_998"]].astype(float).quantile(0.98).max()
        low = float(part[[form.value, "lower_998"]].min().min())
        ax.set_ylim(max(0, low * 0.8), max(edge, part[form.value].max()) * 1.08)
    for name, dash in limits.items():
        ax.plot(
            part["expected"],
            part[name],
            color=base.QUIET,
            linewidth=1.1,
            linestyle=base.DASHES[dash],
        )
    for rows, look in ((~mine, ("o", "#767676", 5)), (mine, ("D", base.PALETTE[3], 9))):
        marker, colour, size = look
        at = part.loc[rows, "expected"], part.loc[rows, form.value]
        ax.plot(*at, marker, color=colour, markersize=size)
    for _, row in part[mine & part[form.value].notna()].iterrows():
        base.say(ax, protected.borough_name, (row["expected"], row[form.value]), (9, 8), halo=True)
    if not form.panels and len(part):
        names = {"upper_998": "99.8% limit", "upper_95": "95% limit", "target": "London"}
        base.label_ends(ax, [(part[n].iloc[-1], words, base.INK) for n, words in names.items()])
    ax.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
