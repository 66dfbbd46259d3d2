"""Pages in a real browser: Debian's Chromium, headless, driven by Playwright, judged by axe."""

import os
import re
from pathlib import Path

import pytest
from nbformat import v4
from report_fixture import Borough, draw, protected_series
from report_site import reports

from sna import figures
from sna.narrative.prose import KeyFindings, Prose
from sna.reporting.pages import Page, render_page
from sna.reporting.record import front
from sna.reporting.summary import data_quality_page, index_page, methods_page

pytestmark = pytest.mark.browser
CHROMIUM = Path("/usr/bin/chromium")
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
REACHABLE = """() => {
    window.seen = [];
    document.addEventListener('focusin', ({target: e}) => {
        const s = getComputedStyle(e), isInline = e.tagName === 'A' && e.closest('p, li, svg');
        seen.push([Number(e.dataset.order), s.outlineStyle !== 'none' && s.outlineWidth === '3px',
                   Boolean(isInline) || e.getBoundingClientRect().height >= 24]); });
    return [...document.querySelectorAll('a[href], summary, [tabindex="0"]')]
        .filter(e => e.checkVisibility()).map((e, i) => e.dataset.order = i).length; }"""
OPENED = "document.querySelectorAll('details').forEach(d => d.open = true)"
FEWER_ROWS = """document.querySelectorAll('tbody').forEach(b =>
    [...b.rows].slice(40).forEach(r => r.remove()))"""  # alike, and axe needs minutes for thousands
HIDDEN_TABLES = (
    "[...document.querySelectorAll('main table')].filter(t => !t.checkVisibility()).length"
)
ALT = "Line chart of recorded offences by month, to show the direction over the year."


def said(text):
    return v4.new_markdown_cell(text)


def shown(thing):
    whole = hasattr(thing, "_repr_mimebundle_")
    data = thing._repr_mimebundle_() if whole else {"text/html": thing._repr_html_()}
    return v4.new_code_cell("", outputs=[v4.new_output("display_data", data=data)])


def trend_page():
    made = figures.Figure("series", "Offences changed little", "Recorded offences by month",
                          protected_series("Hillingdon"),
                          {"month": "Month", "offences": "Recorded offences"}, "Records",
                          alt=ALT, draw=draw, note="Recorded in the area, not by its residents.")  # fmt: skip
    wide = figures.Table("wide", "A wide table of " + "very " * 30 + "long words", "x" * 300,
                         protected_series("Hillingdon"),
                         {"month": "Month", "offences": "W" * 120}, "Records")  # fmt: skip
    cells = [
        said("# Is violence rising?\n\nFor the partnership."),
        said("## Key findings"),
        shown(KeyFindings(("Counts stayed much the same.",), ("series",))),
        said("## Offences by month"), shown(made), shown(Prose("The counts stayed the same.")),
        said("## As a table"), shown(wide),
        said("## What this cannot tell you\n\n- Recorded is not occurred."),
    ]  # fmt: skip
    return Page("02_trend", "Trend", v4.new_notebook(cells=cells))


def invented(folder):
    """Write pages of both editions from a fixture that needs no kernel."""
    for edition in ("public", "partner"):
        (folder / edition).mkdir()
        data = Borough(edition=edition)
        trend = trend_page()
        menu = [index_page(data, [trend], []), trend, data_quality_page(data), methods_page(data)]
        for page in menu:
            text = render_page(page, front(data, draft="Not approved."), menu)
            (folder / edition / f"{page.name}.html").write_text(text, encoding="utf-8")
    return folder


WHOLE = [pytest.mark.notebook, pytest.mark.slow]
NO_REAL = pytest.mark.skipif(not os.environ.get("SNA_REAL_DATA"), reason="SNA_REAL_DATA is unset")
SITES = ["invented", pytest.param("simulated", marks=WHOLE),
         pytest.param("real", marks=[*WHOLE, pytest.mark.real_data, NO_REAL])]  # fmt: skip


@pytest.fixture(scope="module", params=SITES)
def site(request, tmp_path_factory):
    """Every page of both editions: of a fixture, of a simulated borough, of real files.

    SNA_TEST_REPORTS names finished reports to take in place of those of the simulated borough.
    """
    folder = os.environ.get("SNA_TEST_REPORTS", "") if request.param == "simulated" else ""
    if request.param == "invented":
        folder = invented(tmp_path_factory.mktemp("invented"))
    pages = sorted(Path(folder or reports(request.param)).rglob("*.html"))
    assert len(pages) >= 8
    return pages


@pytest.fixture(scope="module")
def chromium():
    if not CHROMIUM.exists():
        pytest.skip("needs /usr/bin/chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=str(CHROMIUM), args=["--no-sandbox", "--disable-gpu"]
        )
        yield browser
        browser.close()


@pytest.fixture
def tab(chromium):
    page = chromium.new_page(viewport={"width": 1280, "height": 900})
    page.set_default_timeout(120_000)  # a busy machine is no fault of the page
    page.heard = []
    page.asked = []
    page.on("console", lambda message: page.heard.append(message.text))
    page.on("pageerror", lambda error: page.heard.append(str(error)))
    page.on("request", lambda request: page.asked.append(request.url))
    yield page
    page.close()


def test_no_page_has_a_fault_overflows_asks_for_anything_or_complains(site, tab):
    from axe_playwright_python.sync_playwright import Axe

    asked = {"runOnly": {"type": "tag", "values": TAGS}, "resultTypes": ["violations"]}
    faults = []
    for path in site:
        tab.goto(path.as_uri())
        tab.evaluate(OPENED)
        for width in (1280, 320):
            tab.set_viewport_size({"width": width, "height": 900})
            if tab.evaluate("document.documentElement.scrollWidth > innerWidth"):
                faults.append(f"{path} overflows at {width}")
        tab.evaluate(FEWER_ROWS)
        for width in (320, 1280):
            tab.set_viewport_size({"width": width, "height": 900})
            found = Axe().run(tab, options=asked)
            faults += [
                f"{path} at {width}: {fault['id']}: {fault['nodes'][0]['html'][:120]}"
                for fault in found.response["violations"]
            ]
    assert faults == []
    assert tab.asked == [path.as_uri() for path in site]
    assert tab.heard == []


def test_the_keyboard_reaches_everything_in_order_with_visible_focus(site, tab):
    for path in site:
        tab.goto(path.as_uri())
        wanted = tab.evaluate(REACHABLE)
        for _ in range(wanted):
            tab.keyboard.press("Tab")
        seen = tab.evaluate("seen")
        assert [order for order, *_ in seen] == list(range(wanted)), path
        assert all(outlined and large for _, outlined, large in seen), (path, seen)
        tab.goto(path.as_uri())
        tab.keyboard.press("Tab")
        tab.keyboard.press("Enter")
        assert tab.evaluate("document.activeElement.id") == "main", path


def test_details_open_from_the_keyboard_and_the_csv_downloads_from_a_local_file(site, tab):
    path = next(path for path in site if "trend" in path.name)
    tab.goto(path.as_uri())
    tab.locator("main summary").first.focus()
    tab.keyboard.press("Enter")
    assert tab.locator("main details").first.evaluate("d => d.open")
    with tab.expect_download() as waiting:
        tab.locator("a[download]").first.click()
    text = Path(waiting.value.path()).read_text(encoding="utf-8")
    assert text.startswith("\ufeffmonth,")
    assert waiting.value.suggested_filename.endswith(".csv")


def test_every_page_prints_as_a_tagged_pdf_with_its_marking_and_open_tables(site, tab):
    for path in site:
        tab.goto(path.as_uri())
        pdf = tab.pdf(prefer_css_page_size=True, tagged=True)
        assert b"/StructTreeRoot" in pdf and b"/Lang (en-GB)" in pdf, path
        assert re.search(rb"/Type /Page\b", pdf), path
        tab.emulate_media(media="print")
        assert tab.locator("main h1").first.is_visible(), path
        assert not tab.locator("nav:visible").count(), path
        assert tab.evaluate(HIDDEN_TABLES) == 0, path
        tab.emulate_media(media="screen")


def test_motion_stops_where_the_reader_asks(site, chromium):
    tab = chromium.new_page(reduced_motion="reduce")
    tab.goto(site[0].as_uri())
    style = "getComputedStyle(document.documentElement).scrollBehavior"
    assert tab.evaluate(style) == "auto"
    tab.close()
