"""Result table in, map out; never computes a number it shows."""

import base64
import html
import io
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pandas as pd
import shapely

from sna.charts import base
from sna.disclosure.protected import ProtectedTable
from sna.geography import tile_map

if TYPE_CHECKING:
    import geopandas as gpd
    from matplotlib.axes import Axes

STEPS = ("#DCE9F5", *base.SEQUENTIAL)  # from few to many; darker in grey print as well
ON_STEPS = ("#000000", *base.ON_SEQUENTIAL)
WITHHELD = "#FFFFFF"
MOST_POINTS = 11_000  # of an inline SVG under 300 KB; above, a picture with a palette
BOUNDARIES = (
    "Boundaries: Office for National Statistics, Open Government Licence v3; contains OS data "
    "© Crown copyright and database right. Grid north is up."
)
_INVENTED = "Simulated areas: the boundaries are invented. Grid north is up."


def class_breaks(values: pd.Series, classes: int = 4) -> list[float]:
    """Return the inner limits of classes with about equal numbers of areas, in round numbers.

    Examples
    --------
    >>> class_breaks(pd.Series([1.04, 2.11, 3.37, 4.2, 5.25, 6.61, 7.7, 8.9]))
    [3.1, 4.7, 6.9]
    """
    known = values.dropna()
    if known.nunique() < 2:
        return []
    cuts = np.quantile(known, np.arange(1, classes) / classes)
    return sorted({float(f"{cut:.2g}") for cut in cuts if known.min() < float(f"{cut:.2g}")})


def map_areas(
    protected: ProtectedTable, shapes: "gpd.GeoDataFrame", *, alt: str, top: int = 5
) -> "Axes | str":
    """Map the rate of each area in stated classes, with hotspots and uncertainty as patterns.

    Shade says the rate, a thick outline a hotspot, dots an area whose interval includes the
    borough's rate; the areas with the highest rates are numbered and named below. Nothing is said
    by colour alone, and the map reads in grey.

    Parameters
    ----------
    protected
        Table ``hotspot_areas`` after `sna.protect`.
    shapes
        Areas with ``area_code`` and polygons in EPSG:27700.
    alt
        Text alternative, used when the map becomes a picture.
    top
        Number of areas that are numbered and named.

    Returns
    -------
    matplotlib.axes.Axes or str
        Axes, or an ``<img>`` where an inline SVG would be too large.
    """
    if not isinstance(protected, ProtectedTable):
        raise TypeError("maps: pass the table through sna.protect first.")
    table = protected.table
    value = "rate" if table["rate"].notna().any() else "offences"
    joined = _join(table, shapes)
    ground = _simplify(joined["geometry"].to_numpy())
    own = joined["area_name"].notna().to_numpy()
    ax = _empty_map(ground[own])
    breaks = class_breaks(joined.loc[own, value])
    step = np.searchsorted(breaks, joined[value].fillna(-1), side="right")
    step = np.where(joined[value].isna() | ~own, -1, step)
    handles = [_class(ax, ground[step == s], s, _class_label(breaks, s), (step == s).sum())
               for s in range(len(breaks) + 1)]  # fmt: skip
    outside, hidden = ground[~own], ground[own & (step == -1)]
    _shade(ax, outside, facecolor="#F3F3F3", edgecolor="#B5B5B5", zorder=0.5)
    if len(hidden):
        handles.append(_shade(ax, hidden, facecolor=WITHHELD, hatch="xxx", label="not shown"))
    unsure = own & joined["compared"].eq("similar").to_numpy()
    if value == "rate" and unsure.any():
        handles.append(_shade(ax, ground[unsure], facecolor="none", edgecolor="#3D3D3D", hatch="..",
                              linewidth=0.3, zorder=3, label="similar to the borough"))  # fmt: skip
    hot = joined["hotspot_class"].eq("hotspot").to_numpy() & own
    if hot.any():
        handles.append(_shade(ax, shapely.union_all(ground[hot]), facecolor="none", linewidth=3,
                              edgecolor=base.INK, zorder=4, label="hotspot (Gi*)"))  # fmt: skip
    _shade(ax, shapely.union_all(ground[own]), facecolor="none", edgecolor=base.INK, zorder=5)
    _number(ax, joined[own], ground[own], value, top)
    unit = "Per 1,000 residents a year" if value == "rate" else "Offences"
    legend = ax.legend(handles=handles, title=unit, loc="lower left", bbox_to_anchor=(0, 1.0),
                       ncols=2, fontsize=9.5, alignment="left", borderaxespad=0.2)  # fmt: skip
    legend.set_zorder(9)
    _scale(ax, invented=protected.simulated)
    if shapely.get_num_coordinates(ground).sum() > MOST_POINTS:
        return _as_picture(ax, alt)
    return ax


def _join(table: pd.DataFrame, shapes: "gpd.GeoDataFrame") -> pd.DataFrame:
    """Shapes of the table's areas, and of what lies around them, which has no values."""
    level = shapes.loc[shapes["area_code"].isin(table["area_code"]), "area_level"].iloc[0]
    alike = shapes[shapes["area_level"] == level].drop_duplicates("area_code", keep="last")
    own = alike["area_code"].isin(table["area_code"])
    west, south, east, north = alike[own].total_bounds
    edge = 0.04 * max(east - west, north - south)
    near = alike.cx[west - edge : east + edge, south - edge : north + edge]
    return near[["area_code", "geometry"]].merge(
        table, how="left", on="area_code", validate="one_to_one"
    )


def _simplify(shapes: np.ndarray) -> np.ndarray:
    """Fewer corners without gaps between areas, until the map is small enough to inline."""
    made = shapes
    for tolerance in (10, 20, 40, 80):
        if shapely.get_num_coordinates(made).sum() <= MOST_POINTS * 0.6:
            return made
        made = shapely.coverage_simplify(shapes, tolerance)
    return made


def _empty_map(shapes: np.ndarray) -> "Axes":
    west, south, east, north = shapely.total_bounds(shapes)
    edge = 0.04 * max(east - west, north - south)
    west, south, east, north = west - edge, south - edge, east + edge, north + edge
    tall = float(np.clip(6.2 * (north - south) / max(east - west, 1), 3.0, 6.5))
    ax = base.new_axes(None, width=6.2, height=tall)
    ax.set(xlim=(west, east), ylim=(south, north), aspect="equal")
    ax.set_axis_off()
    return ax


def _shade(ax: "Axes", shapes: Any, **look: Any) -> Any:
    """Draw many polygons as one path, which keeps the SVG small."""
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path

    rings = shapely.get_rings(shapely.get_parts(np.atleast_1d(shapes)))
    codes = [
        np.r_[Path.MOVETO, np.full(shapely.get_num_coordinates(ring) - 2, Path.LINETO), 79]
        for ring in rings
    ]
    corners = shapely.get_coordinates(rings) if len(rings) else np.empty((0, 2))
    path = Path(corners, np.concatenate(codes).astype(np.uint8) if codes else None)
    style = {"edgecolor": "#FFFFFF", "linewidth": 0.8, **look}
    if style.get("hatch"):
        style["edgecolor"] = look.get("edgecolor", base.QUIET)
    return ax.add_patch(PathPatch(path, **style))


def _class(ax: "Axes", shapes: np.ndarray, step: int, label: str, areas: int) -> Any:
    text = f"{label} ({areas} area{'s' if areas != 1 else ''})"
    return _shade(ax, shapes, facecolor=STEPS[step], edgecolor=base.QUIET, linewidth=0.5,
                  label=text)  # fmt: skip


def _class_label(breaks: list[float], step: int) -> str:
    if not breaks:
        return "all areas alike"
    if step == 0:
        return f"under {breaks[0]:g}"
    if step == len(breaks):
        return f"{breaks[-1]:g} and over"
    return f"{breaks[step - 1]:g} to under {breaks[step]:g}"


def _number(ax: "Axes", rows: pd.DataFrame, shapes: np.ndarray, value: str, top: int) -> None:
    """Put numbers on the areas with the highest values and name them below the map."""
    order = rows[value].reset_index(drop=True).dropna().nlargest(top).index
    lines = []
    for number, place in enumerate(order, start=1):
        point = shapely.point_on_surface(shapes[place])
        ax.text(
            point.x, point.y, str(number), ha="center", va="center", fontsize=9, zorder=8,
            fontweight="bold",
            bbox={"boxstyle": "circle,pad=0.22", "fc": "#FFFFFF", "ec": base.INK, "lw": 1},
        )  # fmt: skip
        row = rows.iloc[place]
        figure = f"{row[value]:.1f}" if value == "rate" else f"{row[value]:,.0f}"
        lines.append(f"{number}  {base.short(row['area_name'], 40)}: {figure}")
    ax.text(0, -0.02, "\n".join(lines), transform=ax.transAxes, va="top", linespacing=1.4)


def _scale(ax: "Axes", *, invented: bool) -> None:
    """Scale bar and north below the map on the right, the source below all."""
    west, east = ax.get_xlim()
    lengths = (200, 500, 1000, 2000, 5000, 10_000)
    length = max((m for m in lengths if m < (east - west) / 4), default=200)
    figure, blend = cast(Any, ax).figure, ax.get_xaxis_transform()
    y, tick = -0.25 / figure.get_figheight(), 0.06 / figure.get_figheight()
    x = east - length - 0.08 * (east - west)
    ends = [x, x, x, x + length, x + length, x + length]
    ax.plot(ends, [y + tick, y - tick, y, y, y - tick, y + tick], transform=blend, linewidth=1.4,
            color=base.INK, clip_on=False, zorder=9)  # fmt: skip
    text = f"{length / 1000:g} km" if length >= 1000 else f"{length} m"
    ax.text(x + length / 2, y - 1.5 * tick, text, transform=blend, ha="center", va="top")
    arrow = {"arrowstyle": "-|>", "color": base.INK}
    ax.annotate("N", (east, y + 4 * tick), (east, y - tick), blend, blend, ha="center", va="top",
                arrowprops=arrow, annotation_clip=False)  # fmt: skip
    figure.text(0.01, -0.03, _INVENTED if invented else BOUNDARIES, fontsize=8, color=base.QUIET,
                va="top", wrap=True)  # fmt: skip


def _as_picture(ax: "Axes", alt: str) -> str:
    """Render at double density with a palette of 64 colours and its text alternative."""
    from PIL import Image

    out, small = io.BytesIO(), io.BytesIO()
    cast(Any, ax).figure.savefig(out, format="png", dpi=192, bbox_inches="tight")
    with Image.open(out) as picture:
        picture.convert("RGB").quantize(64).save(small, format="PNG", optimize=True)
        width, height = (side // 2 for side in picture.size)
    coded = base64.b64encode(small.getvalue()).decode()
    return (
        f'<img alt="{html.escape(alt)}" width="{width}" height="{height}" '
        f'src="data:image/png;base64,{coded}">'
    )


def map_tiles(protected: ProtectedTable, *, borough_code: str) -> "Axes":
    """Draw one tile a borough with its rate printed in it; the report's own has a thick edge.

    Tiles give every borough the same room; on a map the outer boroughs would dominate.

    Parameters
    ----------
    protected
        A protected table with ``borough_code`` and ``rate``, one row a borough.
    borough_code
        The borough of the report.
    """
    if not isinstance(protected, ProtectedTable):
        raise TypeError("maps: pass the table through sna.protect first.")
    from matplotlib.patches import Rectangle

    rate = protected.table.set_index("borough_code")["rate"]
    breaks = class_breaks(rate)
    tiles = tile_map()
    ax = base.new_axes(None, width=6.2, height=5.6)
    for code, name, row, column in tiles.itertuples(index=False):
        value = float(rate.get(code, np.nan))
        step = int(np.searchsorted(breaks, value, side="right"))
        known = not np.isnan(value)
        own = code == borough_code
        fill = STEPS[step] if known else WITHHELD
        ax.add_patch(Rectangle((column, -row), 0.96, 0.96, facecolor=fill,
                               edgecolor=base.INK, linewidth=3 if own else 0.5,
                               zorder=3 if own else 2))  # fmt: skip
        ink = ON_STEPS[step] if known else base.INK
        ax.text(column + 0.48, 0.62 - row, _initials(name), ha="center", va="center", color=ink,
                fontsize=8, zorder=4)  # fmt: skip
        ax.text(column + 0.48, 0.3 - row, f"{value:.1f}" if known else "[x]", ha="center",
                va="center", color=ink, fontsize=9, fontweight="bold" if own else "normal",
                zorder=4)  # fmt: skip
    right, down = tiles["tile_column"], tiles["tile_row"]
    ax.set(xlim=(right.min() - 0.05, right.max() + 1), aspect="equal")
    ax.set_ylim(-down.max() - 0.05, 1 - down.min())
    ax.set_axis_off()
    return ax


def _initials(name: str) -> str:
    """Shorten a borough's name to what fits in a tile; the table has it whole."""
    words = [word for word in name.split() if word not in ("of", "and", "upon", "Thames", "London")]
    return words[0][:9] if len(words) == 1 else f"{words[0][:4]} {words[1][:4]}"
