"""Charts of the trend report; every number comes from the protected table."""

from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pandas as pd

from sna.charts.base import DUO, INK, PALETTE, QUIET, RULE, SPC, label_ends, new_axes
from sna.disclosure.protected import ProtectedTable

if TYPE_CHECKING:
    from matplotlib.axes import Axes

DASH, DOT = (0, (5, 2)), (0, (1.2, 1.6))
MONTHS = "#7C9ABA"  # quiet bars: 3:1 on white, and the dark line 3:1 on them
BLUES = ["#FFFFFF", "#C9DDEF", "#6BACE6", "#4A8FCB"]  # black text stays at 6:1 on each


def _table(protected: ProtectedTable) -> pd.DataFrame:
    if not isinstance(protected, ProtectedTable):
        raise TypeError("Pass the table through sna.protect first.")
    return protected.table


def _time_axis(ax: "Axes", months: pd.Series) -> None:
    """Label Januaries (or quarters of a short series) and pad both edges."""
    from matplotlib.dates import DateFormatter, MonthLocator, YearLocator

    years = (months.max() - months.min()).days / 365
    long, quarters = YearLocator(1 + int(years // 10)), MonthLocator([1, 4, 7, 10])
    ax.xaxis.set_major_locator(long if years > 2.5 else quarters)
    ax.xaxis.set_major_formatter(DateFormatter("%Y" if years > 2.5 else "%b\n%Y"))
    ax.set_xlim(months.min() - pd.Timedelta(days=20), months.max() + pd.Timedelta(days=20))


def _say(ax: "Axes", text: object, at: tuple[Any, Any], *, offset: tuple[float, float] = (7, 0)
         ) -> None:  # fmt: skip
    ax.annotate(str(text), at, xytext=offset, textcoords="offset points", va="center")


def _top(ax: "Axes", *columns: pd.Series) -> None:
    ax.set_ylim(0, max(1e-9, float(pd.concat(columns).max(skipna=True) or 1)) * 1.14)


def _mark_breaks(ax: "Axes", table: pd.DataFrame) -> None:
    """Draw a dotted line and [b] at the first month after each break."""
    last = pd.Timestamp("1900-01-01")
    for month in table.loc[table["break_text"].ne(""), "month"].unique():
        ax.axvline(month, color=INK, linewidth=1.1, linestyle=(0, (1, 2)))
        if (month - last).days > 150:  # two in a row share one mark
            _say(ax, "[b]", (month, ax.get_ylim()[1]), offset=(3, -6))
        last = month


def plot_series(protected: ProtectedTable, *, ax: "Axes | None" = None) -> "Axes":
    """Draw the borough's months as bars and its average month of the rolling year as a line."""
    table = _table(protected)
    mine, ax = table[table["area"].eq(protected.borough_name)], new_axes(ax, height=3.4)
    per_year = 12 if mine["month"].diff().dt.days.median() < 40 or len(mine) < 3 else 4
    ax.bar(mine["month"], mine["offences"], width=300 / per_year, color=MONTHS)
    smooth = mine["offences_year"] / per_year
    ax.plot(mine["month"], smooth, color=DUO[0], linewidth=2.4)
    _top(ax, mine["offences"], smooth)
    _time_axis(ax, mine["month"])
    _mark_breaks(ax, mine)
    ax.set_ylabel("Recorded offences")
    if smooth.notna().any():
        label_ends(ax, [(smooth.dropna().iloc[-1], "average of\nlast 12 months", DUO[0])])
    return ax


def plot_rates(protected: ProtectedTable, *, ax: "Axes | None" = None) -> "Axes":
    """Draw the rolling-year rate of the borough with its limits, and London's."""
    table = _table(protected)
    shown, ax, labels = table[table["rate"].notna()], new_axes(ax, height=3.2), []
    for area, part in shown.groupby("area", sort=False):
        mine = area == protected.borough_name
        ax.plot(part["month"], part["rate"], color=DUO[not mine], linestyle="-" if mine else DASH)
        if mine:
            ax.fill_between(part["month"], part["lower_ci"], part["upper_ci"], color=DUO[0],
                            alpha=0.16, linewidth=0)  # fmt: skip
        labels.append((float(part["rate"].iloc[-1]), str(area), DUO[not mine]))
    if len(shown):
        _top(ax, shown["rate"], shown["upper_ci"])
        _time_axis(ax, shown["month"])
        _mark_breaks(ax, shown[shown["area"].eq(protected.borough_name)])
    ax.set_ylabel("Per 1,000 residents, 12 months")
    label_ends(ax, labels)
    return ax


def _dots(ax: "Axes", rows: pd.DataFrame, *, at: float) -> None:
    """Draw dots with intervals from `value, low, high, mine, text, name`; gaps in words."""
    for y, row in enumerate(cast(Any, rows[::-1].itertuples())):
        colour, marker = (PALETTE[0], "o") if row.mine else (QUIET, "s")
        if pd.isna(row.value):
            _say(ax, row.text, (at, y))
            continue
        ax.plot([row.low, row.high], [y, y], color=colour, linewidth=2)
        ax.plot([row.value], [y], marker, color=colour, markersize=8)
        _say(ax, row.text, (row.high, y))
    ax.set_yticks(range(len(rows)), rows["name"][::-1])
    ax.set_ylim(-0.6, len(rows) - 0.4)
    ax.grid(visible=False, axis="y")
    ax.grid(visible=True, axis="x", color=RULE)


def plot_change(protected: ProtectedTable, *, ax: "Axes | None" = None) -> "Axes":
    """Draw the ratio of later to earlier counts with its widened limits; breaks in words."""
    table = _table(protected)
    known = table["rate_ratio"].notna() & table["ratio_low"].notna()
    words = table["word"].replace("[b]", "recording changed in between [b]")
    rows = pd.DataFrame({
        "value": table["rate_ratio"].where(known), "low": table["ratio_low"],
        "high": table["ratio_high"], "text": words, "name": table["area"] + ", " + table["window"],
        "mine": table["area"].eq(protected.borough_name),
    })  # fmt: skip
    ax = new_axes(ax, height=0.9 + 0.5 * len(rows))
    low, high = (float(np.nan_to_num(x, nan=1)) for x in (rows["low"].min(), rows["high"].max()))
    low, high = min(low, 0.85) / 1.05, max(high, 1.2) * 1.25
    ax.set_xscale("log")
    ax.set_xlim(low, high)
    steps = (0.1, 0.25, 0.5, 0.7, 0.85, 1, 1.2, 1.5, 2, 3, 5, 10)
    ticks = [t for t in steps if low <= t <= high]
    ax.set_xticks(ticks, [f"{t:g}" for t in ticks])
    ax.minorticks_off()
    ax.axvline(1, color=INK, linewidth=1)
    _dots(ax, rows, at=1)
    ax.set_xlabel("Later count as a multiple of the earlier one")
    return ax


def plot_areas(protected: ProtectedTable, *, ax: "Axes | None" = None) -> "Axes":
    """Draw the rate of each area of comparison as a dot with its interval."""
    table = _table(protected)
    rows = pd.DataFrame({
        "value": table["rate"], "low": table["lower_ci"], "high": table["upper_ci"],
        "text": table["rate"].map("{:.1f}".format).where(table["rate"].notna(), "too few to show"),
        "name": table["area"], "mine": table["kind"].eq("borough"),
    })  # fmt: skip
    ax = new_axes(ax, height=0.8 + 0.48 * len(table))
    _dots(ax, rows, at=0)
    ax.set_xlim(0, max(1e-9, float(np.nan_to_num(rows["high"].max(), nan=1))) * 1.15)
    ax.set_xlabel("Recorded offences per 1,000 residents")
    return ax


def plot_control(protected: ProtectedTable, *, ax: "Axes | None" = None) -> "Axes":
    """Draw the control chart: points, centre and limits per segment, signals by shape."""
    table, ax = _table(protected), new_axes(ax, height=3.4)
    labels: list[tuple[float, str, str]] = []
    for _, part in table.groupby("segment"):
        ax.plot(part["month"], part["value"], color=SPC["common"][0], linewidth=1.2)
        for name in ("upper_limit", "centre", "lower_limit"):
            dash = "-" if name == "centre" else DASH
            ax.plot(part["month"], part[name], color=INK, linewidth=1.1, linestyle=dash)
            if part["segment"].iloc[0] == table["segment"].max() and part[name].notna().any():
                labels.append((float(part[name].iloc[-1]), name.replace("_", " "), INK))
    for flagged, kind in ((table["signal"].eq(""), "common"), (table["signal"].ne(""), "neutral")):
        colour, marker = SPC[kind]
        ax.plot(table["month"][flagged], table["value"][flagged], marker, color=colour,
                markersize=5 if kind == "common" else 7.5)  # fmt: skip
    _top(ax, table["value"], table["upper_limit"])
    if len(table):
        _time_axis(ax, table["month"])
    gaps = table["kind"].eq("gaps").any()
    ax.set_ylabel("Months since the one before" if gaps else "Offences")
    label_ends(ax, labels)
    return ax


def plot_season(protected: ProtectedTable, *, ax: "Axes | None" = None) -> "Axes":
    """Draw the season as per cent above or below the level of the year, with limits."""
    table, ax = _table(protected), new_axes(ax, height=3.0)
    at, value = np.arange(len(table)), table["season_pct"]
    ax.bar(at, value, color=MONTHS, width=0.75)
    ax.vlines(at, table["lower_ci"], table["upper_ci"], color=INK, linewidth=1.3)
    ax.axhline(0, color=INK, linewidth=1)
    ax.set_xticks(at, [name[:3] for name in table["month_name"]])
    ax.set_ylabel("Per cent above or below")
    return ax


def _heat(table: pd.DataFrame, index: str, columns: str, ax: "Axes") -> "Axes":
    """Draw a heat map with the value in every tile, in the order of the table."""
    import seaborn as sns
    from matplotlib.colors import LinearSegmentedColormap

    wide = table.set_index([index, columns])["offences"].unstack(columns)  # noqa: PD010
    wide = wide.reindex(index=table[index].unique(), columns=table[columns].unique())
    words = wide.map(lambda v: "" if pd.isna(v) else f"{v:.0f}")
    sns.heatmap(wide, ax=ax, cmap=LinearSegmentedColormap.from_list("blues", BLUES), vmin=0,
                annot=words, fmt="", cbar=False, linewidths=0.6, linecolor="#FFFFFF",
                annot_kws={"size": 8 if wide.shape[1] > 12 else 9, "color": INK})  # fmt: skip
    ax.set(xlabel="", ylabel="")
    ax.tick_params(axis="both", length=0, rotation=0)
    ax.grid(visible=False)
    return ax


def plot_calendar(protected: ProtectedTable, *, ax: "Axes | None" = None) -> "Axes":
    """Draw offences by year and month of the year as a heat map."""
    table = _table(protected)
    names = pd.date_range("2024", periods=12, freq="MS").strftime("%B")
    years = sorted(table["year"].unique())
    grid = pd.MultiIndex.from_product([years, names], names=["year", "month_name"])
    whole = table.set_index(["year", "month_name"])["offences"].reindex(grid).reset_index()
    return _heat(whole.assign(month_name=whole["month_name"].str[:3]), "year", "month_name",
                 new_axes(ax, height=0.6 + 0.36 * len(years)))  # fmt: skip


def plot_clock(protected: ProtectedTable, *, ax: "Axes | None" = None) -> "Axes":
    """Draw offences by weekday and block of hours as a heat map."""
    table = _table(protected)
    ax = _heat(table.assign(hour=table["hour"].map("{:02d}".format)), "weekday", "hour",
               new_axes(ax, height=3.0))  # fmt: skip
    step = 3 if table["hour"].nunique() > 12 else 1
    hours = sorted(table["hour"].unique())[::step]
    ax.set_xticks(np.arange(len(hours)) * step + 0.5, [f"{hour:02d}:00" for hour in hours])
    return ax


def plot_funnel(protected: ProtectedTable, *, ax: "Axes | None" = None) -> "Axes":
    """Draw every borough's rate against its expected offences, inside the funnel."""
    table, ax = _table(protected).sort_values("expected"), new_axes(ax, height=3.8)
    lines = {"lower_95": DOT, "upper_95": DOT, "lower_998": DASH, "upper_998": DASH, "target": "-"}
    for name, dash in lines.items():
        ax.plot(table["expected"], table[name], color=INK, linewidth=1.1, linestyle=dash)
    mine = table["is_mine"]
    ax.plot(table["expected"][~mine], table["rate"][~mine], "o", color=QUIET, markersize=5)
    ax.plot(table["expected"][mine], table["rate"][mine], "D", color=PALETTE[3], markersize=9)
    for row in table[mine & table["rate"].notna()].itertuples():
        _say(ax, row.area, (row.expected, row.rate), offset=(9, 8))
    last, low = table.iloc[-1], table[["rate", "lower_998"]].min().min()
    high = table[["rate", "upper_998"]].quantile(0.98).max()
    ax.set_ylim(max(0, low * 0.8), max(high, table["rate"].max()) * 1.08)
    label_ends(ax, [(last["upper_998"], "99.8% limit", INK), (last["upper_95"], "95% limit", INK),
                    (last["target"], "London", INK)])  # fmt: skip
    ax.set_xlabel("Offences expected at the London rate")
    ax.set_ylabel("Per 1,000 residents")
    return ax


def plot_tiles(protected: ProtectedTable) -> Any:
    """Draw each borough's years as bars in its tile of a map of London; one shared axis."""
    from matplotlib.figure import Figure

    table = _table(protected)
    rows, columns = int(table["tile_row"].max()) + 1, int(table["tile_column"].max()) + 1
    first, figure = int(table["tile_row"].min()), Figure(figsize=(7.6, 5.8))
    figure.set_layout_engine("none")
    grid = figure.add_gridspec(rows - first, columns, wspace=0.15, hspace=0.62)
    top = float(np.nan_to_num(table["rate"].quantile(0.92), nan=1)) * 1.1
    for area, part in table.groupby("area", sort=False):
        at = part.iloc[0]
        ax = figure.add_subplot(grid[int(at["tile_row"]) - first, int(at["tile_column"])])
        colour = PALETTE[0] if part["is_mine"].any() else MONTHS
        ax.bar(np.arange(len(part)), part["rate"].clip(upper=top), color=colour, width=0.8)
        ax.set(ylim=(0, top * 1.45), xticks=[], yticks=[])
        words = str(area).replace(" and ", " & ").split(" ", 1)
        ax.set_title("\n".join(words)[:24], fontsize=6.6, pad=1.5)
        if pd.notna(part["rate"].iloc[-1]):
            ax.annotate(f"{part['rate'].iloc[-1]:.1f}", (len(part) / 2 - 0.5, top * 1.42),
                        fontsize=7, ha="center", va="top", color=INK)  # fmt: skip
    return figure


def plot_projection(protected: ProtectedTable, *, ax: "Axes | None" = None) -> "Axes":
    """Draw the recorded months, the projected ones and their interval."""
    table, ax = _table(protected), new_axes(ax, height=3.4)
    past, ahead = (table[table["kind"].eq(kind)] for kind in ("recorded", "projected"))
    past = past.tail(48)
    ax.plot(past["month"], past["offences"], "o-", color=DUO[0], markersize=3.5, linewidth=1.6)
    ax.plot(ahead["month"], ahead["projected"], "s", color=DUO[1], linestyle=DASH, markersize=4)
    limits = ahead["month"], ahead["lower_ci"], ahead["upper_ci"]
    ax.fill_between(*limits, color=DUO[1], alpha=0.2, linewidth=0)
    _top(ax, past["offences"], ahead["upper_ci"])
    if len(table):
        _time_axis(ax, pd.concat([past["month"], ahead["month"]]))
    ax.set_ylabel("Recorded offences a month")
    if ahead["projected"].notna().any():
        label_ends(ax, [(float(ahead["projected"].iloc[-1]), "if nothing\nchanged [f]", DUO[1])])
    return ax
