"""A matplotlib figure as inline SVG: named, described, the same bytes every time."""

import html
import io
import re
from typing import TYPE_CHECKING

from sna.charts.base import clean

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LEAST_PX, PHONE_PX = 9.5, 370  # the smallest word of a chart on a page; the width of a phone


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


def with_room(svg: str) -> tuple[str, int]:
    """Keep the words of a chart legible on a phone: its least width in pixels, 0 if it fits there.

    A chart with a least width is wider than a phone, so it stands in a box that scrolls.

    Examples
    --------
    >>> with_room('<svg viewBox="0 0 400 300"><text style="font-size: 8px">a</text></svg>')[1]
    475
    >>> with_room('<svg viewBox="0 0 400 300"><text style="font-size: 12px">a</text></svg>')[1]
    0
    """
    sizes = [float(size) for size in re.findall(r"font-size: ([\d.]+)px", svg)]
    view = re.search(r'viewBox="0 0 ([\d.]+)', svg)
    room = round(float(view[1]) * LEAST_PX / min(sizes)) if view and sizes else 0
    if room <= PHONE_PX:
        return svg, 0
    return svg.replace("<svg ", f'<svg style="min-width: {room}px" ', 1), room


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
