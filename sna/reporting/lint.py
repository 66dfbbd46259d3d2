"""Rules of a published page that need no browser, checked with the standard library."""

import re
from html.parser import HTMLParser
from itertools import pairwise

from sna.figures.figure import LEAST_ALT

_OUTSIDE = re.compile(
    r"(?:src|action|poster)\s*=\s*[\"']?\s*(?:https?:)?//|@import|url\(\s*[\"']?http"
)
_PLACEHOLDERS = {"nan", "none", "nat", "inf", "-inf", "<na>", "todo", "", "*", "-", "..", "†"}


class _Page(HTMLParser):
    """Collect what the rules ask about."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.cells: list[str] = []
        self.title, self.inside = "", ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a tag; a cell starts empty."""
        self.tags.append((tag, {name: value or "" for name, value in attrs}))
        if tag in ("th", "td", "title"):
            self.inside = tag
            self.cells += [""] if tag != "title" else []

    def handle_endtag(self, tag: str) -> None:
        """Leave a cell or the title."""
        self.inside = "" if tag == self.inside else self.inside

    def handle_data(self, data: str) -> None:
        """Collect the text of cells and of the page's title."""
        if self.inside in ("th", "td"):
            self.cells[-1] += data
        elif self.inside and not any(tag == "svg" for tag, _ in self.tags):
            self.title += data


def _tag_faults(tag: str, given: dict[str, str]) -> list[str]:
    named = given.get("role") == "img" and given.get("aria-labelledby")
    rules = {
        "has a script or a frame": tag in ("script", "iframe", "object", "embed", "base"),
        "has an event handler": any(name.startswith("on") for name in given),
        "has an image without a text alternative": tag == "img"
        and len(given.get("alt", "").strip()) < LEAST_ALT,
        "has a chart without role and name": tag == "svg" and not named,
        "has a header cell without scope": tag == "th" and "scope" not in given,
        "has a merged cell": "colspan" in given or "rowspan" in given,
        "has a positive tabindex": given.get("tabindex", "0") not in ("0", "-1"),
    }
    return [fault for fault, is_met in rules.items() if is_met]


def lint_page(text: str) -> list[str]:
    """Return what is wrong with a page, in words: access, semantics, unexplained cells, requests.

    Examples
    --------
    >>> lint_page("<p>hello")[0]
    'is not in British English (lang)'
    """
    page = _Page(text)
    names = [tag for tag, _ in page.tags]
    ids = [given["id"] for _, given in page.tags if "id" in given]
    twice = sorted({name for name in ids if ids.count(name) > 1})
    levels = [int(tag[1]) for tag in names if re.fullmatch(r"h[1-6]", tag)]
    links = [given.get("href") for tag, given in page.tags if tag == "a"]
    blank = sorted({c.strip() for c in page.cells if c.strip().lower() in _PLACEHOLDERS})
    whole = {
        "is not in British English (lang)": ("html", {"lang": "en-GB"}) not in page.tags,
        "has no title with a marking": not re.match(r"OFFICIAL[A-Z -]*: \S", page.title),
        "does not have exactly one h1": levels.count(1) != 1,
        "skips a heading level": any(b > a + 1 for a, b in pairwise(levels)),
        "does not start with a skip link": links[:1] != ["#main"],
        "lacks a landmark": not {"header", "main", "footer"} <= set(names),
        f"uses an id twice: {', '.join(twice)}": bool(twice),
        "asks for something outside": bool(_OUTSIDE.search(text)),
        "has no content security policy": "default-src 'none'" not in text,
        "has a data table without caption": names.count("table") != names.count("caption"),
        f"has table cells that say {blank}": bool(blank),
    }
    found = {fault for tag, given in page.tags for fault in _tag_faults(tag, given)}
    return [fault for fault, is_met in whole.items() if is_met] + sorted(found)
