"""Result table in, map out; never computes a number it shows."""

import itertools
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pandas as pd
import shapely

from sna.charts import base
from sna.definitions import boroughs
from sna.disclosure.protected import ProtectedTable

if TYPE_CHECKING:
    import geopandas as gpd
    from matplotlib.axes import Axes

STEPS = ("#DCE9F5", *base.SEQUENTIAL)  # from few to many; darker in grey print as well
ON_STEPS = ("#000000", *base.ON_SEQUENTIAL)
OF_GROUND = (0.5, 0.8, 0.95)  # a surface: its highest twentieth is darkest
MOST_POINTS = 6_600  # of the areas of a map; an inline SVG stays under 300 KB
BOUNDARIES = (
    "Boundaries: Office for National Statistics, Open Government Licence v3; contains OS data "
    "© Crown copyright and database right. Grid north is up."
)
_INVENTED = "Simulated areas: the boundaries are invented. Grid north is up."
_FLAGS: dict[str, dict[str, Any]] = {  # class of an area -> how it is outlined, widest first
    "hotspot": {"linewidth": 3, "label": "hotspot (Gi*)"},
    "coldspot": {"linewidth": 1.5, "linestyle": "--", "label": "coldspot (Gi*)"},
    "high among high": {"linewidth": 3, "label": "high among high"},
    "low among low": {"linewidth": 1.5, "linestyle": "--", "label": "low among low"},
    "high among low": {"linewidth": 0.4, "hatch": "///", "label": "high among low"},
    "low among high": {"linewidth": 0.4, "hatch": "\\\\\\", "label": "low among high"},
}


def class_breaks(values: pd.Series, shares: tuple[float, ...] = (0.25, 0.5, 0.75)) -> list[float]:
    """Return the inner limits of classes that end at these shares of the areas, in round numbers.

    Examples
    --------
    >>> class_breaks(pd.Series([1.04, 2.11, 3.37, 4.2, 5.25, 6.61, 7.7, 8.9]))
    [3.1, 4.7, 6.9]
    """
    known = values.dropna()
    if known.nunique() < 2:
        return []
    cuts = np.quantile(known, shares)
    return sorted({float(f"{cut:.2g}") for cut in cuts if known.min() < float(f"{cut:.2g}")})


def map_areas(
    protected: ProtectedTable,
    shapes: "gpd.GeoDataFrame",
    starred: str = "",
    *,
    flagged: str = "hotspot_class",
    top: int = 5,
) -> "Axes":
    """Map the rate of each area in stated classes, with flags and uncertainty as patterns.

    Shade says the rate (offences where there is none), a thick outline a hotspot, dots an area
    whose interval includes the borough's rate; the areas with the highest values are numbered and
    named below. Nothing is said by colour alone, and the map reads in grey.

    Parameters
    ----------
    protected
        Table with ``area_code``, ``area_name`` and ``offences`` after `sna.protect`.
    shapes
        Areas with ``area_code`` and polygons in EPSG:27700.
    starred
        Code of the area that the page is about, which is named with a star.
    flagged
        Column of the class that is outlined; empty for none.
    top
        Number of areas that are numbered and named.
    """
    rows = _join(base.table_of(protected), shapes)
    ground, own = _simplify(rows["geometry"].to_numpy()), rows["area_name"].notna().to_numpy()
    value = "rate" if "rate" in rows and rows["rate"].notna().any() else "offences"
    ax = _empty_map(ground[own])
    _shade(ax, ground[~own], facecolor="#F3F3F3", edgecolor="#B5B5B5", zorder=0.5)
    values = rows.loc[own, value]
    handles = _shade_classes(ax, ground[own], values, class_breaks(values))
    unsure = own & rows.get("compared", pd.Series("", rows.index)).eq("similar").to_numpy()
    if value == "rate" and unsure.any():
        look = {"edgecolor": "#3D3D3D", "hatch": "..", "linewidth": 0.3, "zorder": 3}
        dotted = _shade(ax, ground[unsure], **look, label="similar to the borough")
        handles.append(dotted)
    for name, flag in _FLAGS.items():
        hit = own & rows.get(flagged, pd.Series("", rows.index)).eq(name).to_numpy()
        if hit.any():
            whole = shapely.union_all(ground[hit])
            _shade(ax, whole, edgecolor="#FFFFFF", linewidth=5.5, zorder=3.5)
            handles.append(_shade(ax, whole, edgecolor=base.INK, zorder=4, **flag))
    side = rows.get("borough_code", pd.Series("", rows.index)).astype("str").to_numpy()
    for code in np.unique(side[own]):
        _shade(ax, shapely.union_all(ground[own & (side == code)]), edgecolor=base.INK, zorder=5)
    _number(ax, rows[own].reset_index(drop=True), ground[own], value, top, starred)
    unit = "Per 1,000 residents a year" if value == "rate" else "Offences"
    _furnish(ax, handles, unit, invented=protected.simulated)
    return ax


def map_grid(
    protected: ProtectedTable, shapes: "gpd.GeoDataFrame", *, value: str, unit: str
) -> "Axes":
    """Map a surface by its cells, inside the borough, the top 5 % darkest."""
    table = base.table_of(protected)
    half = float(table["cell_m"].iloc[0]) / 2
    east, north = table["cell_east"].to_numpy(float), table["cell_north"].to_numpy(float)
    inside = shapes[shapes["area_name"].eq(protected.borough_name)]
    inside = inside[inside["area_level"].astype("str").eq("borough")]
    cells = shapely.box(east - half, north - half, east + half, north + half)
    ax = _empty_map(cells)
    breaks = class_breaks(table[value], OF_GROUND)
    handles = _shade_classes(ax, cells, table[value], breaks, linewidth=0, what="cell")
    _shade(ax, inside.geometry.to_numpy(), edgecolor=base.INK, linewidth=1, zorder=5)
    _furnish(ax, handles, unit, invented=protected.simulated)
    return ax


def _join(table: pd.DataFrame, shapes: "gpd.GeoDataFrame") -> pd.DataFrame:
    """Shapes of the table's areas, and of what lies around them, which has no values."""
    level = shapes.loc[shapes["area_code"].isin(table["area_code"]), "area_level"].iloc[0]
    alike = shapes[shapes["area_level"] == level].drop_duplicates("area_code", keep="last")
    box = alike[alike["area_code"].isin(table["area_code"])].total_bounds
    edge = 0.04 * max(box[2] - box[0], box[3] - box[1])
    near = alike.cx[box[0] - edge : box[2] + edge, box[1] - edge : box[3] + edge]
    near = near[["area_code", "geometry"]]
    return near.merge(table, how="left", on="area_code", validate="one_to_one")


def _simplify(shapes: np.ndarray) -> np.ndarray:
    """Fewer corners without gaps between areas, until the map is small enough to inline."""
    made = shapes
    for tolerance in (10, 20, 40, 80, 160):
        if int(shapely.get_num_coordinates(made).sum()) > MOST_POINTS:
            made = shapely.coverage_simplify(shapes, tolerance)
    return made


def _empty_map(shapes: np.ndarray) -> "Axes":
    west, south, east, north = shapely.total_bounds(shapes)
    edge = 0.04 * max(east - west, north - south)
    west, south, east, north = west - edge, south - edge, east + edge, north + edge
    tall = float(np.clip(6.2 * (north - south) / max(east - west, 1), 3.0, 5.4))
    ax = base.new_axes(height=tall)
    ax.set(xlim=(west, east), ylim=(south, north), aspect="equal")
    ax.set_axis_off()
    return ax


def _shade(ax: "Axes", shapes: Any, **look: Any) -> Any:
    """Draw many polygons as one path, which keeps the SVG small."""
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path

    rings = shapely.get_rings(shapely.get_parts(np.atleast_1d(shapes)))
    size = shapely.get_num_coordinates(rings)
    corners = shapely.get_coordinates(rings) if len(rings) else np.empty((0, 2))
    codes = np.full(len(corners), Path.LINETO, dtype=np.uint8)
    codes[np.cumsum(size) - size], codes[np.cumsum(size) - 1] = Path.MOVETO, Path.CLOSEPOLY
    style = {"facecolor": "none", "edgecolor": base.QUIET, "linewidth": 0.8, **look}
    return ax.add_patch(PathPatch(Path(corners, codes), **style))


def _shade_classes(
    ax: "Axes",
    shapes: np.ndarray,
    values: pd.Series,
    breaks: list[float],
    what: str = "area",
    linewidth: float = 0.5,
) -> list[Any]:
    """Shade areas by class of their value; withheld ones are hatched. Returns legend handles."""
    known = values.notna().to_numpy()
    step = np.where(known, np.searchsorted(breaks, values.fillna(-1), side="right"), -1)
    ends = [f"{cut:g}" for cut in breaks]
    middle = [f"{low} to under {high}" for low, high in itertools.pairwise(ends)]
    labels = [f"under {ends[0]}", *middle, f"{ends[-1]} and over"] if ends else ["all alike"]
    handles = []
    for number, label in enumerate(labels):
        many = int((step == number).sum())
        text = f"{label} ({many:,} {what}{'s' if many != 1 else ''})"
        look = {"facecolor": STEPS[number], "linewidth": linewidth, "label": text}
        alike = shapes[step == number]
        if what == "cell":  # one outline in place of hundreds of squares
            alike = shapely.simplify(shapely.union_all(alike), 0)
        handles.append(_shade(ax, alike, **look))
    if not known.all():
        handles.append(_shade(ax, shapes[~known], hatch="xxx", label="not shown"))
    return handles


def _number(
    ax: "Axes", rows: pd.DataFrame, shapes: np.ndarray, value: str, top: int, starred: str
) -> None:
    """Put numbers on the areas with the highest values, and a star, and name them below the map."""
    lines = []
    ring = {"boxstyle": "circle,pad=0.1", "fc": "#FFFFFF", "ec": base.INK, "lw": 1}
    look: Any = {"ha": "center", "va": "center", "fontweight": "bold", "zorder": 8, "bbox": ring}
    marks = {place: str(n) for n, place in enumerate(rows[value].dropna().nlargest(top).index, 1)}
    marks |= dict.fromkeys(rows.index[rows["area_code"].eq(starred)], "★")
    for place, mark in marks.items():
        point, row = shapely.point_on_surface(shapes[place]), rows.loc[place]
        ax.text(point.x, point.y, mark, fontsize=11.8, **look)
        figure = f"{row[value]:.1f}" if value == "rate" else f"{row[value]:,.0f}"
        figure = "not shown" if pd.isna(row[value]) else figure
        lines.append(f"{mark}  {base.short(row['area_name'], 40)}: {figure}")
    below = -0.13  # under the scale, which a long name would run into
    ax.text(0, below, "\n".join(lines), transform=ax.transAxes, va="top", linespacing=1.4)


def _furnish(ax: "Axes", handles: list[Any], unit: str, *, invented: bool) -> None:
    """Legend above; scale bar and north below the map on the right, the source below all."""
    place: Any = {"loc": "lower left", "bbox_to_anchor": (0, 1.0), "borderaxespad": 0.2}
    legend = ax.legend(handles=handles, title=unit, fontsize=11.7, **place)
    legend.set_alignment("left")
    west, east = ax.get_xlim()
    lengths = (200, 500, 1000, 2000, 5000, 10_000)
    length = max((m for m in lengths if m < (east - west) / 4), default=200)
    figure, blend = cast(Any, ax).figure, ax.get_xaxis_transform()
    y, tick = -0.25 / figure.get_figheight(), 0.06 / figure.get_figheight()
    x = east - length - 0.08 * (east - west)
    ends, heights = [x] * 3 + [x + length] * 3, [y + tick, y - tick, y, y, y - tick, y + tick]
    look: Any = {"transform": blend, "color": base.INK, "clip_on": False, "zorder": 9}
    ax.plot(ends, heights, linewidth=1.4, **look)
    text = f"{length / 1000:g} km" if length >= 1000 else f"{length} m"
    ax.text(x + length / 2, y - 1.5 * tick, text, transform=blend, ha="center", va="top")
    arrow: Any = {"arrowprops": {"arrowstyle": "-|>", "color": base.INK}, "annotation_clip": False}
    ends_of_north = (east, y + 4 * tick), (east, y - tick)
    ax.annotate("N", *ends_of_north, blend, blend, ha="center", va="top", **arrow)
    source: Any = {"fontsize": 11.7, "color": base.QUIET, "va": "top", "wrap": True}
    figure.text(0.01, -0.03, _INVENTED if invented else BOUNDARIES, **source)
    lines = 2 + len(handles) + sum(words.get_text().count("\n") for words in ax.texts)
    figure.set_figheight(figure.get_figheight() + 0.21 * lines)  # or they would shrink the map


def map_tiles(protected: ProtectedTable) -> "Axes":
    """Draw one tile a borough with its rate printed in it; the report's own has a thick edge.

    Tiles give every borough the same room; on a map the outer boroughs would dominate.

    Parameters
    ----------
    protected
        A protected table with ``borough_code`` and ``rate``, one row a borough.
    """
    from matplotlib.patches import Rectangle

    rate, tiles = base.table_of(protected).set_index("borough_code")["rate"], boroughs()
    breaks, ax = class_breaks(rate), base.new_axes(width=6.2, height=5.6)
    places = tiles[["borough_code", "borough_name", "tile_column", "tile_row"]].to_numpy().tolist()
    for code, name, x, down in places:
        value, own, y = float(rate.get(code, np.nan)), name == protected.borough_name, -down
        step = int(np.searchsorted(breaks, value, side="right"))
        fill, ink = ("#FFFFFF", base.INK) if np.isnan(value) else (STEPS[step], ON_STEPS[step])
        edge: Any = {"edgecolor": base.INK, "linewidth": 3 if own else 0.5, "zorder": 2 + own}
        ax.add_patch(Rectangle((x, y), 0.96, 0.96, facecolor=fill, **edge))
        look: Any = {"ha": "center", "va": "center", "color": ink, "zorder": 4}
        words = _lines(name)  # each a text of its own, which a browser centres
        for up, word in enumerate(reversed(words)):
            ax.text(x + 0.48, y + 0.75 - 0.09 * len(words) + 0.18 * up, word, fontsize=8, **look)
        said = "[x]" if np.isnan(value) else f"{value:.1f}"
        ax.text(x + 0.48, y + 0.25, said, fontsize=9, fontweight=700 if own else 400, **look)
    right, down = tiles["tile_column"], tiles["tile_row"]
    ax.set(xlim=(right.min() - 0.05, right.max() + 1), aspect="equal")
    ax.set_ylim(-down.max() - 0.05, 1 - down.min())
    ax.set_axis_off()
    return ax


def _lines(name: str) -> list[str]:
    """Put the words of a borough's name that tell it from others on two lines of its tile."""
    dropped = ("of", "and", "upon", "Thames", "London")
    return [word[:11] for word in name.split() if word not in dropped][:2]
