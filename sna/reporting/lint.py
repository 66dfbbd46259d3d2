"""Rules of a published page that need no browser, checked with the standard library."""

import re
from html.parser import HTMLParser

_OUTSIDE = re.compile(
    r"(?:src|action|poster|data)\s*=\s*[\"']?\s*(?:https?:)?//|@import|url\(\s*[\"']?http"
)
_PLACEHOLDERS = {"nan", "none", "nat", "inf", "-inf", "<na>", "todo", "", "*", "-", "..", "†"}


class _Page(HTMLParser):
    """Collect what the rules ask about."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.ids: list[str] = []
        self.levels: list[int] = []
        self.faults: list[str] = []
        self.tags: list[str] = []
        self.first_link = self.lang = self.title = ""
        self.cell: list[str] | None = None
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note ids, headings, images, tables and links."""
        given = {name: value or "" for name, value in attrs}
        self.tags.append(tag)
        self.open.append(tag)
        self.ids += [given["id"]] if "id" in given else []
        if re.fullmatch(r"h[1-6]", tag):
            self.levels.append(int(tag[1]))
        if tag == "html":
            self.lang = given.get("lang", "")
        if tag == "a" and not self.first_link:
            self.first_link = given.get("href", "")
        if tag in ("th", "td"):
            self.cell = []
        self.faults += _tag_faults(tag, given)

    def handle_endtag(self, tag: str) -> None:
        """Judge a finished cell."""
        if tag in ("th", "td") and self.cell is not None:
            text = "".join(self.cell).strip()
            if text.lower() in _PLACEHOLDERS:
                self.faults.append(f"has a table cell that says {text!r}")
            self.cell = None

    def handle_data(self, data: str) -> None:
        """Collect the text of cells and of the title."""
        if self.cell is not None:
            self.cell.append(data)
        if self.tags and self.tags[-1] == "title" and "svg" not in self.tags:
            self.title += data


def _tag_faults(tag: str, given: dict[str, str]) -> list[str]:
    rules = {
        "has a script": tag in ("script", "iframe", "object", "embed", "base"),
        "has an event handler": any(name.startswith("on") for name in given),
        "has an image without a text alternative": tag == "img"
        and len(given.get("alt", "").strip()) < 30,
        "has a chart without role and name": tag == "svg"
        and not (given.get("role") == "img" and given.get("aria-labelledby")),
        "has a header cell without scope": tag == "th" and "scope" not in given,
        "has a merged cell": "colspan" in given or "rowspan" in given,
        "has a positive tabindex": given.get("tabindex", "0") not in ("0", "-1"),
    }
    return [fault for fault, is_met in rules.items() if is_met]


def lint_page(text: str) -> list[str]:
    """Return what is wrong with a page, in words; an empty list when nothing is.

    It checks language, title, one `h1` and no skipped level, skip link, landmarks, ids, text
    alternatives, table semantics, unexplained cells, and that nothing is fetched or run.

    Examples
    --------
    >>> lint_page("<p>hello")[0]
    'is not in British English (lang)'
    """
    page = _Page()
    page.feed(text)
    jumps = [b for a, b in zip(page.levels, page.levels[1:], strict=False) if b > a + 1]
    twice = sorted({name for name in page.ids if page.ids.count(name) > 1})
    whole = {
        "is not in British English (lang)": page.lang != "en-GB",
        "has no title with a marking": not re.match(r"OFFICIAL[A-Z -]*: \S", page.title),
        "does not have exactly one h1": page.levels.count(1) != 1,
        f"skips a heading level before h{jumps[0] if jumps else 0}": bool(jumps),
        "does not start with a skip link": page.first_link != "#main",
        "lacks a landmark": not {"header", "main", "footer"} <= set(page.tags),
        f"uses an id twice: {', '.join(twice)}": bool(twice),
        "asks for something outside": bool(_OUTSIDE.search(text)),
        "has no content security policy": "default-src 'none'" not in text,
        "has a data table that is not captioned": page.tags.count("table")
        != page.tags.count("caption"),
    }
    return [fault for fault, is_met in whole.items() if is_met] + sorted(set(page.faults))
