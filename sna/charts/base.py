"""What every chart shares: palette in order, axes, direct labels, and the generic forms."""

import unicodedata
from calendar import month_name
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from textwrap import fill
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pandas as pd

from sna.definitions.views import words_of
from sna.disclosure.protected import ProtectedTable

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Analysis Function (analysisfunction.civilservice.gov.uk), Open Government Licence. The order
# keeps neighbours at 3:1; reordering does not, so take colours from the front.
PALETTE = ("#12436D", "#28A197", "#801650", "#F46A25", "#3D3D3D", "#A285D1")
DUO = ("#12436D", "#F46A25")
SEQUENTIAL = ("#6BACE6", "#2073BC", "#12436D")  # from low to high; print values, outline tiles
FOCUS = ("#12436D", "#BFBFBF")
ON_SEQUENTIAL = ("#000000", "#FFFFFF", "#FFFFFF")  # text colour on each step
DASHES = ("-", (0, (5, 2)), (0, (1.2, 1.6)), (0, (6, 2, 1.2, 2)))
MARKERS = ("o", "s", "^", "D")
INK, QUIET, RULE = "#0b0c0c", "#505a5f", "#d4d7d9"
SPC = {  # kind of point: colour, marker
    "common": ("#767676", "o"),
    "improvement": ("#12436D", "s"),
    "concern": ("#F46A25", "^"),
    "neutral": ("#801650", "D"),
}
QUIET_BARS = "#7C9ABA"  # 3:1 on white, and the dark line 3:1 on them
BLUES = ["#FFFFFF", "#C9DDEF", "#6BACE6", "#4A8FCB"]  # black text stays at 6:1 on each
TICKS_APART = (0.1, 0.2, 0.5, 1, 2, 3, 5, 10, 20, 50)
TICKS = (0.1, 0.2, 0.3, 0.5, 0.7, 0.8, 0.9, 1, 1.1, 1.2, 1.35, 1.5, 2, 3, 5, 10, 20)
MOST_CATEGORIES = 4
_JOINERS = "\u200c\u200d"  # needed to spell some languages


@contextmanager
def style() -> Iterator[None]:
    """Draw in the house style inside this context; nothing global is changed."""
    import matplotlib as mpl

    with mpl.rc_context(cast(Any, words_of("chart_style"))):
        yield


def new_axes(ax: "Axes | None" = None, *, width: float = 6.2, height: float = 3.5) -> "Axes":
    """Return `ax`, or fresh axes of their own figure (inches; no pyplot, nothing to close)."""
    if ax is not None:
        return ax
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height)).add_subplot()


def clean(text: object) -> str:
    r"""Return text without control and direction-changing characters; line breaks become blanks.

    Examples
    --------
    >>> clean("Robbery\u202e of\n a till")
    'Robbery of a till'
    """
    plain = " ".join(str(text).split())
    return "".join(c for c in plain if unicodedata.category(c) not in ("Cc", "Cf") or c in _JOINERS)


def short(text: object, most: int = 28) -> str:
    """Return a label that fits beside a bar, cut at a word; the table keeps the whole text."""
    plain = clean(text)
    return plain if len(plain) <= most else plain[: most - 1].rsplit(" ", 1)[0].rstrip() + "…"


def colours(categories: Sequence[object]) -> dict[object, str]:
    """Give each of at most four categories its colour, in palette order."""
    if len(categories) > MOST_CATEGORIES:
        many = f"at most {MOST_CATEGORIES} categories, not {len(categories)}"
        raise ValueError(f"A chart carries {many}: use small multiples or a table.")
    return dict(zip(categories, PALETTE, strict=False))


def label_ends(
    ax: "Axes", labels: Sequence[tuple[float, str, str]], *, gap_points: float = 13.0
) -> None:
    """Write direct labels right of the axes, one per (value, text, colour), pushed apart.

    Thin colours of the palette reach 3:1 only, which is enough for a line and not for text, so
    the words are in ink and a mark before them carries the colour.
    """
    from matplotlib.transforms import blended_transform_factory

    points = 72 * ax.get_position().height * float(cast(Any, ax).figure.get_figheight())
    low, high = ax.get_ylim()
    step = gap_points / points * (high - low)
    at, placed = -float("inf"), []
    for value, text, colour in sorted(labels):
        at = max(value, at + step)
        placed.append((at, text, colour))
    over = max(0.0, at - high)
    where = blended_transform_factory(ax.transAxes, ax.transData)
    look: Any = {"xycoords": where, "textcoords": "offset points", "va": "center"}
    for y, text, colour in placed:
        for word, right, ink in (("■", 6, colour), (text, 17, INK)):
            place = (1.0, y - over)
            ax.annotate(word, place, xytext=(right, 0), color=ink, annotation_clip=False, **look)


# Generic forms: a room names one of them, and its columns, in definitions/reports/<room>.toml.


@dataclass(frozen=True)
class Form:
    """What a generic form draws: names of columns, and how; the `chart` of a view gives them.

    ``value`` is measured, with the interval ``low`` to ``high``; ``x`` is where it stands, or
    ``label`` the columns that name a row. ``text`` is the column of words at the edge, ``mark``
    the column (true, or the borough's name) that makes the other rows quiet, ``group`` splits
    lines and ``panels`` small charts. ``line`` is a number or a column drawn across, ``log`` a
    ratio scale, ``percent`` a share shown as per cent, ``ends`` the names of both ends of a range
    drawn in place of a dot. ``order`` puts the highest of a column first (rows without it are left
    out), ``only`` keeps the rows of one value: column, value.
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


def table_of(protected: ProtectedTable) -> pd.DataFrame:
    """Return the table of a protected table; refuse anything else."""
    if not isinstance(protected, ProtectedTable):
        raise TypeError("Pass the table through sna.protect first.")
    return protected.table


def chosen(protected: ProtectedTable, form: Form) -> pd.DataFrame:
    """Return the rows that are drawn, in their order."""
    table = table_of(protected)
    if form.only:
        table = table[table[form.only[0]].eq(form.only[1])]
    if form.order:
        known = table.dropna(subset=[form.order])
        table = known.sort_values(form.order, ascending=False, kind="stable")
    return table.head(form.most)


def say(
    ax: "Axes", text: object, at: tuple[Any, Any], offset: tuple[float, float] = (7, 0)
) -> None:
    """Write a word beside a point."""
    ax.annotate(str(text), at, xytext=offset, textcoords="offset points", va="center")


def time_axis(ax: "Axes", months: pd.Series) -> None:
    """Label Januaries (or quarters of a short series) and pad both edges."""
    from matplotlib.dates import DateFormatter, MonthLocator, YearLocator

    years = (months.max() - months.min()).days / 365
    long, quarters = YearLocator(1 + int(years // 10)), MonthLocator([1, 4, 7, 10])
    ax.xaxis.set_major_locator(long if years > 2.5 else quarters)
    ax.xaxis.set_major_formatter(DateFormatter("%Y" if years > 2.5 else "%b\n%Y"))
    ax.set_xlim(months.min() - pd.Timedelta(days=20), months.max() + pd.Timedelta(days=20))


def mark_breaks(ax: "Axes", table: pd.DataFrame) -> None:
    """Draw a dotted line and [b] at the first month after each break."""
    if "break_text" not in table:
        return
    last = pd.Timestamp("1900-01-01")
    for month in table.loc[table["break_text"].ne(""), "month"].unique():
        ax.axvline(month, color=INK, linewidth=1.1, linestyle=(0, (1, 2)))
        if (month - last).days > 150:  # two in a row share one mark
            say(ax, "[b]", (month, ax.get_ylim()[1]), (3, -6))
        last = month


def top(ax: "Axes", *columns: pd.Series) -> None:
    """Let the axis start at zero and leave room above the highest value."""
    highest = pd.concat(columns).astype(float).max(skipna=True)
    ax.set_ylim(0, max(1e-9, float(highest or 1) if pd.notna(highest) else 1.0) * 1.14)


def log_axis(ax: "Axes", which: str, values: "np.ndarray") -> None:
    """Put an axis on a log scale around 1 that holds all values, with plain numbers as ticks."""
    values = values[np.isfinite(values) & (values > 0)]
    low, high = min([*values, 0.9]) / 1.05, max([*values, 1.15]) * 1.05
    shown = TICKS if high / low < 2.5 else TICKS_APART
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
    ax.set_yticks(range(len(rows)), [short(name, 38) for name in names.agg(", ".join, axis=1)])
    ax.set_ylim(len(rows) - 0.4, -0.6)
    ax.grid(visible=False, axis="y")
    ax.grid(visible=True, axis="x", color=RULE)
    ax.set_xlabel(form.axis)


def bars(protected: ProtectedTable, form: Form) -> "Axes":
    """Draw a horizontal bar a row, with its number, shorthand or words at the end."""
    rows = chosen(protected, form)
    ax, length = new_axes(height=0.9 + 0.34 * len(rows)), rows[form.value].astype(float).fillna(0)
    mine = is_marked(protected, form.mark)[rows.index]
    colours = mine.map({True: PALETTE[0], False: QUIET_BARS})
    ax.barh(range(len(rows)), length, color=colours, height=0.62)
    for y, (at, x) in enumerate(length.items()):
        say(ax, protected.shown(at, form.text or form.value), (x, y), (5, 0))
    _row_axes(ax, rows, form)
    ax.set_xlim(0, max(1e-9, length.max()) * (1.4 if form.text else 1.12))
    return ax


def dots(protected: ProtectedTable, form: Form) -> "Figure":
    """Draw a dot and its interval a row, or both ends of a range; what is withheld in words."""
    from matplotlib.figure import Figure

    table = chosen(protected, form)
    parts = list(table.groupby(form.panels, sort=False)) if form.panels else [("", table)]
    heights = [0.32 * len(part) + 0.3 for _, part in parts]
    figure = Figure(figsize=(6.2, 0.8 + sum(heights) + 0.2 * len(parts)))
    shape: Any = {"sharex": True, "squeeze": False, "gridspec_kw": {"height_ratios": heights}}
    axes = figure.subplots(len(parts), 1, **shape)[:, 0]
    numbers = table[[name for name in (form.value, form.low, form.high) if name]]
    for ax, (name, part) in zip(axes, parts, strict=True):
        _across_axis(ax, form, numbers.to_numpy(float).ravel())
        if form.line is not None:
            at = table[form.line].iloc[0] if isinstance(form.line, str) else form.line
            ax.axvline(at, color=QUIET, linewidth=1.1, linestyle=DASHES[1])
        for y, row in enumerate(part.index):
            _dot(ax, y, protected, row, form)
        _row_axes(ax, part, form)
        ax.set_title(str(name), loc="left", fontweight="bold")
        ax.set_xlabel(form.axis if ax is axes[-1] else "")
    for end, colour, marker in zip(form.ends, DUO, MARKERS, strict=False):
        axes[0].plot([], [], marker, color=colour, label=end)
    if form.ends:
        axes[0].legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=2)
    return figure


def _across_axis(ax: "Axes", form: Form, values: np.ndarray) -> None:
    if form.log:
        return log_axis(ax, "x", values)
    highest = max([1e-9, *values[np.isfinite(values)]]) * 1.05
    ax.set_xlim(min([0.0, *values[np.isfinite(values)]]), highest)
    if form.percent:
        ax.xaxis.set_major_formatter(_percent)
    return None


def _percent(value: float, _: object) -> str:
    return f"{100 * value:g}%"


def _dot(ax: "Axes", y: int, protected: ProtectedTable, row: Any, form: Form) -> None:
    """Draw one row; its words stand at the edge of the chart."""
    at, mine = protected.table.loc[row], is_marked(protected, form.mark)[row]
    colour, marker = (PALETTE[0], "o") if mine else (QUIET, "s")
    if form.low and pd.notna(at[form.low]) and pd.notna(at[form.high]):
        ax.plot([at[form.low], at[form.high]], [y, y], color=colour, linewidth=2)
        for name, end, shape in zip((form.low, form.high), DUO, MARKERS, strict=False):
            ax.plot([at[name]] * bool(form.ends), [y] * bool(form.ends), shape, color=end)
    if not form.ends and pd.notna(at[form.value]):
        ax.plot([at[form.value]], [y], marker, color=colour, markersize=8)
    pair = f"{protected.shown(row, form.low)} to {protected.shown(row, form.high)}"
    words = pair if form.ends else protected.shown(row, form.text or form.value)
    where: Any = {"xycoords": ("axes fraction", "data"), "textcoords": "offset points"}
    ax.annotate(words, (1, y), xytext=(8, 0), va="center", annotation_clip=False, **where)


def lines(protected: ProtectedTable, form: Form) -> "Axes":
    """Draw a line a group (the whole table if none), with a band for its limits and a label."""
    table, ax = table_of(protected), new_axes(height=3.3)
    shown, ends = table.dropna(subset=[form.value]), []
    parts = list(shown.groupby(form.group, sort=False)) if form.group else [("", shown)]
    marked = is_marked(protected, form.mark)
    for number, (name, part) in enumerate(parts[:MOST_CATEGORIES]):
        colour = PALETTE[number] if len(parts) > 2 else DUO[number]
        marker = MARKERS[number] if len(part) < 16 else ""
        ax.plot(
            part[form.x], part[form.value], marker=marker, color=colour, linestyle=DASHES[number]
        )
        if form.low and marked[part.index].any():
            band = part[form.x], part[form.low].astype(float), part[form.high].astype(float)
            ax.fill_between(*band, color=colour, alpha=0.16, linewidth=0)
        ends += [(float(part[form.value].iloc[-1]), str(name), colour)] if name else []
    top(ax, shown[form.value], *([shown[form.high]] if form.high else []))
    if len(shown) and pd.api.types.is_datetime64_any_dtype(shown[form.x]):
        time_axis(ax, shown[form.x])
        mark_breaks(ax, shown[marked[shown.index]])
    if form.percent:
        ax.yaxis.set_major_formatter(_percent)
    ax.set(xlabel=form.x_axis, ylabel=form.axis)
    label_ends(ax, ends)
    return ax


def columns(protected: ProtectedTable, form: Form) -> "Axes":
    """Draw a vertical bar a row, with limits where there are some."""
    table, ax = table_of(protected), new_axes(height=3.0)
    at, names = np.arange(len(table)), table[form.x].astype(str)
    ax.bar(at, table[form.value].astype(float).fillna(0), color=QUIET_BARS, width=0.75)
    if form.low:
        ax.vlines(at, table[form.low], table[form.high], color=INK, linewidth=1.3)
    ax.axhline(0, color=INK, linewidth=1)
    ax.set_xticks(at, [name[:3] for name in names] if len(at) > 8 else names)
    ax.set(xlabel=form.x_axis, ylabel=form.axis)
    return ax


def heat(protected: ProtectedTable, form: Form) -> "Axes":
    """Draw `label` against `x` as tiles with the value in each, in the order of the table."""
    import seaborn as sns
    from matplotlib.colors import LinearSegmentedColormap

    table, row = table_of(protected), str(form.label)
    wide = table.pivot_table(form.value, row, form.x, sort=False, dropna=False, aggfunc="first")
    if set(wide.columns) <= set(month_name):
        wide = wide.reindex(columns=[name for name in month_name if name])
    words = wide.map(lambda value: "" if pd.isna(value) else f"{value:.0f}")
    ax = new_axes(height=0.9 + 0.3 * len(wide))
    shades = LinearSegmentedColormap.from_list("blues", BLUES)
    look: Any = {"cbar": False, "linewidths": 0.6, "linecolor": "#FFFFFF"}
    text = {"size": 8 if wide.shape[1] > 12 else 9, "color": INK}
    sns.heatmap(wide, ax=ax, cmap=shades, vmin=0, annot=words, fmt="", annot_kws=text, **look)
    if wide.shape[1] > 8:  # short headings: Jan, 00:00, every third of many
        step = 3 if wide.shape[1] > 12 else 1
        names = [str(name)[: 3 if str(name)[0].isalpha() else 5] for name in wide.columns]
        ax.set_xticks(np.arange(len(names))[::step] + 0.5, names[::step])
    else:
        names = [fill(str(name), 10) for name in wide.columns]
        ax.set_xticks(np.arange(len(names)) + 0.5, names)
    ax.set(xlabel=form.x_axis, ylabel="")
    ax.tick_params(axis="both", length=0, rotation=0)
    ax.grid(visible=False)
    return ax


def funnel(protected: ProtectedTable, form: Form) -> "Figure":
    """Draw each row's value against what is expected, inside limits of 95 and 99.8%."""
    from matplotlib.figure import Figure

    table = table_of(protected).dropna(subset=["expected"])
    parts = list(table.groupby(form.panels, sort=False))[:4] if form.panels else [("", table)]
    across = min(2, len(parts))
    figure = Figure(figsize=(6.4, 3.8 if across == 1 else 2.7 * ((len(parts) + 1) // 2)))
    axes = figure.subplots((len(parts) + 1) // 2, across, squeeze=False).ravel()
    for ax, (name, part) in zip(axes, parts, strict=False):
        _funnel(ax, protected, part.sort_values("expected"), form)
        ax.set_title(str(name), loc="left", fontweight="bold")
    for spare in axes[len(parts) :]:
        spare.set_axis_off()
    figure.supxlabel(form.x_axis, fontsize=10.5)
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
        ax.plot(part["expected"], part[name], color=QUIET, linewidth=1.1, linestyle=DASHES[dash])
    for rows, look in ((~mine, ("o", "#767676", 5)), (mine, ("D", PALETTE[3], 9))):
        marker, colour, size = look
        at = part.loc[rows, "expected"], part.loc[rows, form.value]
        ax.plot(*at, marker, color=colour, markersize=size)
    for _, row in part[mine & part[form.value].notna()].iterrows():
        say(ax, protected.borough_name, (row["expected"], row[form.value]), (9, 8))
    if not form.panels and len(part):
        names = {"upper_998": "99.8% limit", "upper_95": "95% limit", "target": "London"}
        label_ends(ax, [(part[n].iloc[-1], words, INK) for n, words in names.items()])
    ax.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
