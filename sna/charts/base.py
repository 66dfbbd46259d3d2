"""What every chart shares: palette in order, axes, direct labels, and the generic forms."""

import threading
import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

import pandas as pd

from sna.definitions.views import words_of
from sna.disclosure.protected import ProtectedTable

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis

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
MOST_CATEGORIES = 4
_JOINERS = "\u200c\u200d"  # needed to spell some languages


# Matplotlib's settings are those of the process: two boroughs in threads draw one at a time.
_DRAWING = threading.RLock()


@contextmanager
def style() -> Iterator[None]:
    """Draw in the house style inside this context; nothing global is changed."""
    import matplotlib as mpl

    with _DRAWING, mpl.rc_context(cast(Any, words_of("chart_style"))):
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
    if plain.isprintable():
        return plain
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


def table_of(protected: ProtectedTable) -> pd.DataFrame:
    """Return the table of a protected table; refuse anything else."""
    if not isinstance(protected, ProtectedTable):
        raise TypeError("Pass the table through sna.protect first.")
    return protected.table


def say(
    ax: "Axes",
    text: object,
    at: tuple[Any, Any],
    offset: tuple[float, float] = (7, 0),
    *,
    halo: bool = False,
) -> None:
    """Write a word beside a point, on a white ground where other marks lie under it."""
    look: Any = {"bbox": {"boxstyle": "square,pad=0.15", "fc": "#FFFFFF", "ec": "none"}}
    look = {**look, "alpha": 1} if halo else {}
    ax.annotate(str(text), at, xytext=offset, textcoords="offset points", va="center", **look)


def number_axis(axis: "Axis", *values: pd.Series) -> None:
    """Write numbers with commas; between whole numbers there are no fractions."""
    from matplotlib.ticker import MaxNLocator

    known = pd.concat(values).dropna().astype(float)
    whole = bool((known == known.round()).all())
    axis.set_major_locator(MaxNLocator("auto", steps=[1, 2, 2.5, 5, 10], integer=whole))
    axis.set_major_formatter(lambda value, _: f"{value:,.6g}".replace("-", "\u2212"))


def time_axis(ax: "Axes", months: pd.Series) -> None:
    """Label Januaries (or halves or quarters of a short series) and pad both edges."""
    from matplotlib.dates import DateFormatter, MonthLocator, YearLocator

    years = (months.max() - months.min()).days / 365
    long, quarters = (
        YearLocator(1 + int(years // 10)),
        MonthLocator([1, 7] if years > 1.3 else [1, 4, 7, 10]),
    )
    ax.xaxis.set_major_locator(long if years > 2.5 else quarters)
    ax.xaxis.set_major_formatter(DateFormatter("%Y" if years > 2.5 else "%b\n%Y"))
    ax.set_xlim(months.min() - pd.Timedelta(days=20), months.max() + pd.Timedelta(days=20))


def mark_breaks(ax: "Axes", table: pd.DataFrame) -> None:
    """Draw a dotted line and [b] at the first month after each break."""
    if "break_text" not in table:
        return
    last, months = pd.Timestamp("1900-01-01"), table.get("break_month", table["month"])
    for month in months[table["break_text"].ne("")].unique():
        ax.axvline(month, color=INK, linewidth=1.1, linestyle=(0, (1, 2)))
        if (month - last).days > 150:  # two in a row share one mark
            say(ax, "[b]", (month, ax.get_ylim()[1]), (3, -6))
        last = month


def top(ax: "Axes", *columns: pd.Series) -> None:
    """Let the axis start at zero and leave room above the highest value."""
    highest = pd.concat(columns).astype(float).max(skipna=True)
    ax.set_ylim(0, max(1e-9, float(highest or 1) if pd.notna(highest) else 1.0) * 1.14)
