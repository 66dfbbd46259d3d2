"""Pages made without a kernel: summary, data quality, methods; their words are in templates."""

import re
from collections.abc import Sequence
from typing import Any

import pandas as pd
from markupsafe import Markup
from nbformat import v4

from sna.figures.about import listing, row_totals, show_findings, show_run, sorted_findings
from sna.figures.cells import fill
from sna.reporting.pages import Page, find_anchor, outputs_of, slug
from sna.reporting.record import checklist

MOST_POINTS = 6
_POINT = re.compile(r'<li>(?:<a href="#([^"]*)">)?(.*?)(?:</a>)?</li>', re.DOTALL)


def written_page(name: str, title: str, **values: Any) -> Page:
    """Return the page whose words are in `templates/NAME.md.j2`, a cell for each section."""
    parts = re.split(r"\n(?=## )", fill(f"{name}.md.j2", **values))
    return Page(name, title, v4.new_notebook(cells=[v4.new_markdown_cell(part) for part in parts]))


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
        block = re.search(r'<ul class="key-findings">(.*?)</ul>', text, re.DOTALL)
        for rank, (anchor, words) in enumerate(_POINT.findall(block[1] if block else "")):
            target = find_anchor(anchor, known)
            link = f"{page.name}.html{'#' if target else ''}{target}"
            ranked.append((rank, order, {"words": Markup(words), "link": link}))
    return [point for *_, point in sorted(ranked, key=lambda entry: entry[:2])[:MOST_POINTS]]


def index_page(
    data: Any, pages: Sequence[Page], tables: Sequence[dict[str, Any]], *, bundle: str = ""
) -> Page:
    """Return the first page of a borough: main points and the way to everything else."""
    asked = [re.search(r"^# (.+)$", page.notebook.cells[0].source, re.M) for page in pages]
    cards = [
        {"name": page.name, "title": page.title, "question": found[1] if found else ""}
        for page, found in zip(pages, asked, strict=True)
    ]
    given = {"points": main_points(pages), "cards": cards, "tables": tables, "bundle": bundle}
    return written_page("index", "Summary", data=data, run=shown(show_run(data)), **given)


def data_quality_page(data: Any) -> Page:
    """Return the page on the data: every file, every row, every finding."""
    totals = row_totals(data)
    given = {
        "short": shown(show_findings(data)),
        "files": shown(listing(pd.DataFrame(data.inputs), "input_files", data)),
        "findings": shown(listing(sorted_findings(data), "all_findings", data)),
        "whole": totals["rows"] == totals["rows_used"] + totals["rows_rejected"],
    }
    return written_page("data_quality", "Data quality", **given)


def methods_page(data: Any, *, draft: str = "draft") -> Page:
    """Return the page on methods, provenance and assurance; its bytes do not depend on today."""
    record = {"draft": draft, "inputs": data.inputs, "definition": {"hash": data.profile.hash}}
    checks = pd.DataFrame(checklist(record, data.settings))
    given = {
        "profile": data.profile,
        "limits": data.settings.disclosure,
        "assured": shown(listing(checks[checks["page"].eq("yes")], "quality_checks", data)),
        "hashes": shown(listing(pd.DataFrame(data.inputs), "input_hashes", data)),
        "run": shown(show_run(data)),
    }
    return written_page("methods", "Methods", data=data, **given)
