"""What every chart shares: palette in order, axes, direct labels, and one way to become SVG."""

import html
import io
import re
import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

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
MOST_CATEGORIES = 4
_JOINERS = "\u200c\u200d"  # needed to spell some languages

_RC: Any = {
    "font.family": ["sans-serif"],
    "font.sans-serif": ["DejaVu Sans"],  # ships with matplotlib: the same layout everywhere
    "font.size": 10.5,
    "text.color": INK,
    "text.parse_math": False,
    "axes.titlesize": 10.5,
    "axes.labelsize": 10.5,
    "axes.edgecolor": QUIET,
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.axisbelow": True,
    "grid.color": RULE,
    "grid.linewidth": 0.7,
    "xtick.color": QUIET,
    "ytick.color": QUIET,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "ytick.major.size": 0,
    "lines.linewidth": 2.2,
    "lines.markersize": 6,
    "svg.fonttype": "none",
    "figure.constrained_layout.use": True,
    "legend.frameon": False,
}


@contextmanager
def style() -> Iterator[None]:
    """Draw in the house style inside this context; nothing global is changed."""
    import matplotlib as mpl

    with mpl.rc_context(_RC):
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
        raise ValueError(
            f"A chart carries at most {MOST_CATEGORIES} categories, not {len(categories)}: "
            "use small multiples or a table."
        )
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
    for y, text, colour in placed:
        ax.annotate(
            "■", (1.0, y - over), xycoords=where, xytext=(6, 0), textcoords="offset points",
            va="center", color=colour, annotation_clip=False,
        )  # fmt: skip
        ax.annotate(
            text, (1.0, y - over), xycoords=where, xytext=(17, 0), textcoords="offset points",
            va="center", color=INK, annotation_clip=False,
        )  # fmt: skip


def to_svg(fig: "Figure", name: str, title: str, desc: str) -> str:
    """Turn a figure into inline SVG: named, described, the same bytes every time.

    Ids that nothing points to are dropped, the others start with `name`, so that two charts can
    share a page. Comments, metadata and style sheets (they would style the page) are removed and
    coordinates are rounded to 0.01 point.
    """
    import matplotlib as mpl

    out = io.StringIO()
    with mpl.rc_context({"svg.hashsalt": name, "svg.fonttype": "none"}):
        fig.savefig(
            out, format="svg", metadata={"Date": None}, bbox_inches="tight", pad_inches=0.04
        )
    text = out.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<!--.*?-->|<metadata>.*?</metadata>|<style.*?</style>", "", text, flags=re.S)
    used = set(re.findall(r"""(?:url\(|href=")#([^)"]+)""", text))
    text = re.sub(r"<[^>]+>", lambda tag: _tidy_tag(tag[0], name, used), text)
    text = re.sub(r"\s*\n\s*", " ", clean(_drop_plain_groups(text)))
    view = re.search(r'viewBox="[^"]+"', text)
    head = (
        f'<svg {view[0] if view else ""} role="img" aria-labelledby="{name}-title {name}-desc" '
        'stroke-linejoin="round" stroke-linecap="butt">'
        f'<title id="{name}-title">{html.escape(title)}</title>'
        f'<desc id="{name}-desc">{html.escape(desc)}</desc>'
    )
    return head + text[text.index(">") + 1 :].strip()


def _tidy_tag(tag: str, name: str, used: set[str]) -> str:
    """Shorten one tag: ids, numbers, fonts (the page's own font is used)."""
    tag = re.sub(
        r' id="([^"]+)"', lambda found: f' id="{name}-{found[1]}"' if found[1] in used else "", tag
    )
    tag = re.sub(r'url\(#|(?<=href=")#', lambda found: f"{found[0]}{name}-", tag)
    tag = re.sub(
        r"font: (?:(bold|[6-9]00) )?([\d.]+px)[^;\"]*",
        lambda found: f"font-size: {found[2]}" + ("; font-weight: bold" if found[1] else ""),
        tag,
    )
    tag = re.sub(r'; font-family: [^;"]+| transform="rotate\(-?0 [^"]+"', "", tag)
    return re.sub(r"-?\d+\.\d{3,}(?!\w)", lambda found: f"{float(found[0]):.2f}", tag)


def _drop_plain_groups(text: str) -> str:
    """Remove groups without attributes; they carry nothing once their id is gone."""
    kept: list[str] = []
    open_groups: list[bool] = []
    for part in re.split(r"(</?g\b[^>]*>)", text):
        if part.startswith("<g") and not part.endswith("/>"):
            open_groups.append(part != "<g>")
            part = part if open_groups[-1] else ""
        elif part == "</g>":
            part = part if open_groups.pop() else ""
        kept.append("" if part == "<g/>" else part)
    return "".join(kept)
