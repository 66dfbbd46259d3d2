"""Rules of a published page that need no browser; they stand in definitions/page_rules.toml."""

import re
from collections import Counter
from html import unescape
from itertools import pairwise
from pathlib import Path

from bs4 import BeautifulSoup

from sna.definitions.strict import read_toml
from sna.errors import QualityError

RULES = read_toml(Path(__file__).parent.parent / "definitions" / "page_rules.toml")
MOST_BYTES, MOST_FIGURES = 5_000_000, 8
# Nine tags of ten are such cells: only what they say needs a look, and so they are not parsed.
_PLAIN_CELL = re.compile(
    r'(?:<td(?: class="n")?>|<th scope="(?:row|col)"(?: class="n")?>)([^<]*)</t[dh]>'
)


def lint_page(text: str) -> list[str]:
    """Return what is wrong with a page, in words: access, semantics, unexplained cells, requests.

    Examples
    --------
    >>> lint_page("<p>hello")[0]
    'has no title with a marking'
    """
    drawings = re.sub(r"(<svg\b[^>]*>).*?(?=</svg>)", r"\1", text, flags=re.DOTALL)
    plain = re.sub(r"(?<=;base64,)[\w+/=]+", "", drawings)
    page = BeautifulSoup(_PLAIN_CELL.sub("", plain), "html.parser")
    ids = Counter(re.findall(r'(?<=\sid=")[^"]+', text))
    twice = [name for name, times in ids.items() if times > 1]
    levels = [int(tag.name[1]) for tag in page.find_all(re.compile(r"^h[1-6]$"))]
    said = {cell.get_text().strip() for cell in page.find_all(["th", "td"])}
    said |= {unescape(words).strip() for words in _PLAIN_CELL.findall(plain)}
    blank = [words for words in said if re.fullmatch(RULES["cells"]["placeholder"], words)]
    found = {
        **{fault: re.search(rule, text) for fault, rule in RULES["never"].items()},
        **{fault: not re.search(rule, text) for fault, rule in RULES["always"].items()},
        **{fault: page.select_one(css) for fault, css in RULES["none"].items()},
        **{fault: len(page.select(css)) != 1 for fault, css in RULES["one"].items()},
        "skips a heading level": any(b > a + 1 for a, b in pairwise(levels)),
        f"uses an id twice: {', '.join(twice)}": twice,
        f"has table cells that say {sorted(blank)}": blank,
    }
    return [fault for fault, is_met in found.items() if is_met]


def check_pages(*paths: Path) -> None:
    """Raise `QualityError` when a page is faulty, too large, or links to what is not there."""
    faults = []
    for path in paths:
        text = path.read_text(encoding="utf-8")
        links = set(re.findall(r'href="(?!data:|https?:|#|mailto:)([^"#]+)', text))
        lost = sorted(to for to in links if not (path.parent / to).exists())
        is_appendix = re.match(r"\d\d[a-z]_", path.name)
        more = {
            f"is over {MOST_BYTES:,} bytes": len(text.encode()) > MOST_BYTES,
            f"has over {MOST_FIGURES} figures": text.count("<figure>") > MOST_FIGURES,
            f"links to {', '.join(lost)}, which is not there": lost,
        }
        found = lint_page(text) + [fault for fault, is_met in more.items() if is_met]
        faults += [
            f"{path.name} {fault}" for fault in found if not is_appendix or "figures" not in fault
        ]
    if faults:
        what = f"{len(faults)} faults keep these pages from being published."
        do = "Mend the notebook or figure; the last good reports are in place."
        raise QualityError(what, where="output checks", found=faults, do=do)
