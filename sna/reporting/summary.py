"""Pages made without a kernel: summary, data quality, methods; their words are in templates."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pandas as pd
from markupsafe import Markup
from nbformat import v4

from sna.figures.about import listing, row_totals, show_findings, show_run, sorted_findings
from sna.figures.cells import fill
from sna.reporting.pages import Page, find_anchor, outputs_of, slug
from sna.reporting.signoff import checklist

MOST_POINTS = 6
_POINT = re.compile(r'<li>(?:<a href="#([^"]*)">)?(.*?)(?:</a>)?</li>', re.S)
_FILES = {"file": "File", "layout": "Recognised as", "rows": "Rows", "rows_used": "Used",
          "rows_rejected": "Set aside", "first_month": "First month",
          "last_month": "Last month"}  # fmt: skip
_HASHES = {"file": "File", "layout": "Recognised as", "sha256": "SHA-256"}
_CHECKS = {"check": "What is asked", "met": "Met", "evidence": "Evidence"}
_FINDINGS = {"finding": "What was found", "severity": "Weight", "rows": "Rows", "file": "File",
             "action": "What to do"}  # fmt: skip


def written_page(name: str, title: str, **values: Any) -> Page:
    """Return the page whose words are in `templates/NAME.md.j2`, a cell for each section."""
    text = fill(f"{name}.md.j2", **values)
    parts = [v4.new_markdown_cell(part) for part in re.split(r"\n(?=## )", text)]
    return Page(name, title, v4.new_notebook(cells=parts))


def shown(thing: Any) -> Markup:
    """Return the HTML of a figure, table or note, safe to put into a template."""
    return Markup(thing._repr_html_())


def main_points(pages: Sequence[Page]) -> list[dict[str, Any]]:
    """Return at most six key findings with links: the first of every page, then the second."""
    ranked = []
    for order, page in enumerate(page for page in pages if not page.is_appendix):
        text = "".join(data.get("text/html", "") for data in outputs_of(page.notebook))
        headings = re.findall(r"^#+ (.+)$", "\n".join(c.source for c in page.notebook.cells), re.M)
        known = [*re.findall(r'\bid="([^"]+)"', text), *map(slug, headings)]
        block = re.search(r'<ul class="key-findings">(.*?)</ul>', text, re.S)
        for rank, (anchor, words) in enumerate(_POINT.findall(block[1] if block else "")):
            target = find_anchor(anchor, known)
            link = f"{page.name}.html{'#' if target else ''}{target}"
            ranked.append((rank, order, {"words": Markup(words), "link": link}))
    return [point for *_, point in sorted(ranked, key=lambda entry: entry[:2])[:MOST_POINTS]]


def index_page(
    data: Any, pages: Sequence[Page], tables: Sequence[dict[str, Any]], *, bundle: str = ""
) -> Page:
    """Return the first page of a borough: main points and the way to everything else."""

    def question(page: Page) -> str:
        found = re.search(r"^# (.+)$", page.notebook.cells[0].source, re.M)
        return found[1] if found else ""

    cards = [{"name": p.name, "title": p.title, "question": question(p)} for p in pages]
    return written_page("index", "Summary", data=data, points=main_points(pages), cards=cards,
                        tables=tables, bundle=bundle, run=shown(show_run(data)))  # fmt: skip


def data_quality_page(data: Any) -> Page:
    """Return the page on the data: every file, every row, every finding."""
    totals, found, files = row_totals(data), sorted_findings(data), pd.DataFrame(data.inputs)
    return written_page(
        "data_quality", "Data quality", short=shown(show_findings(data)),
        files=shown(listing(files, _FILES, "input_files", "Files read and rows used", data)),
        findings=shown(listing(found, _FINDINGS, "all_findings", "Findings", data)),
        whole=totals["rows"] == totals["rows_used"] + totals["rows_rejected"],
    )  # fmt: skip


def methods_page(data: Any, *, draft: str = "draft") -> Page:
    """Return the page on methods, provenance and assurance."""
    rows = checklist({"draft": draft}, data.settings, today=datetime.now(UTC).date())
    known = pd.DataFrame(
        [row for row in rows if row["level"] == "AQuA" or "Review" in row["check"]]
    )
    assured = listing(known, _CHECKS, "quality_checks", "Assurance of this assessment", data)
    hashes = listing(pd.DataFrame(data.inputs), _HASHES, "input_hashes", "Files used", data)
    return written_page("methods", "Methods", data=data, profile=data.profile,
                        limits=data.settings.disclosure, hashes=shown(hashes),
                        assured=shown(assured),
                        run=shown(show_run(data)))  # fmt: skip
