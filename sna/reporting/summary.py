"""Pages made without a kernel: summary, data quality, methods."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from nbformat import NotebookNode, v4

from sna.figures.about import listing, row_totals, show_findings, show_run, sorted_findings
from sna.figures.cells import escape
from sna.reporting.pages import Page, find_anchor, slug

TEXTS = Path(__file__).parent.parent / "templates"
MOST_POINTS = 6
_POINT = re.compile(r'<li>(?:<a href="#([^"]*)">)?(.*?)(?:</a>)?</li>', re.S)


def shown(thing: Any) -> NotebookNode:
    """Return a code cell that has already shown `thing`."""
    data = (
        thing._repr_mimebundle_()
        if hasattr(thing, "_repr_mimebundle_")
        else {"text/html": thing if isinstance(thing, str) else thing._repr_html_()}
    )
    return v4.new_code_cell("", outputs=[v4.new_output("display_data", data=data)])


def said(text: str) -> NotebookNode:
    """Return a Markdown cell."""
    return v4.new_markdown_cell(text)


def main_points(pages: Sequence[Page]) -> list[tuple[str, str]]:
    """Return at most six key findings as (HTML, link): the first of every page, then the second."""
    ranked = []
    for order, page in enumerate(pages):
        text = "".join(
            output.data.get("text/html", "")
            for cell in page.notebook.cells
            for output in cell.get("outputs", [])
        )
        known = [
            *re.findall(r'\bid="([^"]+)"', text),
            *(slug(found) for cell in page.notebook.cells if cell.cell_type == "markdown"
              for found in re.findall(r"^#+ (.+)$", cell.source, re.M)),
        ]  # fmt: skip
        block = re.search(r'<ul class="key-findings">(.*?)</ul>', text, re.S)
        for rank, (anchor, words) in enumerate(_POINT.findall(block[1] if block else "")):
            target = find_anchor(anchor, known)
            ranked.append((rank, order, words, f"{page.name}.html{'#' if target else ''}{target}"))
    return [(words, link) for _, _, words, link in sorted(ranked)[:MOST_POINTS]]


def index_page(data: Any, pages: Sequence[Page], tables: Sequence[dict[str, Any]]) -> Page:
    """Return the first page of a borough: main points and the way to everything else."""
    points = "".join(f'<li><a href="{at}">{words}</a></li>' for words, at in main_points(pages))
    cards = "".join(
        f'<li><a href="{page.name}.html">{escape(page.title)}</a>'
        f"<p>{escape(_question(page))}</p></li>"
        for page in pages
    )
    cards += (
        '<li><a href="data_quality.html">Data quality</a><p>Which files were read, what was set '
        'aside and why.</p></li><li><a href="methods.html">Methods</a><p>Which offences count, how '
        "numbers are made and protected, where they come from.</p></li>"
    )
    files = "".join(
        f'<li><a href="csv/{t["name"]}.csv">{escape(t["title"])}</a> ({escape(t["name"])}.csv)</li>'
        for t in tables
    )
    cells = [
        said(f"# Serious violence in {data.borough_name}\n\nA strategic needs assessment for the "
             f"community safety partnership, with data to {data.end_month:%B %Y}."),
        said("## Key findings"),
        shown(f'<ul class="key-findings">{points}</ul>' if points
              else "<p>No page of this run has key findings.</p>"),
        said("## The reports"),
        shown(f'<ul class="sna-cards">{cards}</ul>'),
        *([said("## Data to download\n\nEach file holds the numbers of one figure or table."),
           shown(f"<ul>{files}</ul>")] if files else []),
        said("## About this assessment"),
        shown(show_run(data)),
    ]  # fmt: skip
    return Page("index", "Summary", v4.new_notebook(cells=cells))


def _question(page: Page) -> str:
    for cell in page.notebook.cells:
        if found := re.match(r"#\s+(.+)", cell.source):
            return found[1]
    return ""


def data_quality_page(data: Any) -> Page:
    """Return the page on the data: every file, every row, every finding."""
    totals = row_totals(data)
    whole = totals["read"] == totals["used"] + totals["rejected"]
    inputs = pd.DataFrame(data.inputs)
    columns = {"file": "File", "layout": "Recognised as", "rows": "Rows", "rows_used": "Used",
               "rows_rejected": "Set aside", "first_month": "First month",
               "last_month": "Last month"}  # fmt: skip
    found = sorted_findings(data)
    words = {"severity": "Weight", "file": "File", "finding": "What was found", "rows": "Rows",
             "action": "What to do"}  # fmt: skip
    sentence = "Every row read was used or set aside with a reason." if whole else (
        "Rows read and rows accounted for differ: treat the numbers with caution.")  # fmt: skip
    cells = [
        said("# How good is the data?\n\nFor anyone who wants to know what stands behind the "
             "numbers. It lists each file, how many of its rows were used, and what was noticed."),
        said("## In short"),
        shown(show_findings(data)),
        said("## Files and rows\n\nRows read are rows used plus rows set aside. A row is set aside "
             "when it cannot be read as what the file claims to be; the reason is kept."),
        *([shown(listing(inputs.reindex(columns=list(columns)), columns, name="input_files",
                         title="Files read and rows used", data=data))] if len(inputs) else []),
        shown(f"<p>{sentence}</p>"),
        said("## Findings\n\nThings noticed while reading, worst first."),
        shown(listing(found, words, name="all_findings", title="Findings", data=data) if len(found)
              else "<p>Nothing was found.</p>"),
    ]  # fmt: skip
    return Page("data_quality", "Data quality", v4.new_notebook(cells=cells))


def methods_page(data: Any) -> Page:
    """Return the page on methods and provenance."""
    profile, limits = data.profile, data.settings.disclosure
    text = (TEXTS / "methods.md").read_text(encoding="utf-8")
    filled = {
        "profile": profile.id, "version": profile.version, "hash": profile.hash[:16],
        "source": getattr(profile, "source", ""), "quote": getattr(profile, "quote", ""),
        "standard": limits.thresholds.standard, "health": limits.thresholds.health,
        "sensitive": limits.thresholds.sensitive, "base": limits.round_base,
        "place": data.borough_name, "month": f"{data.end_month:%B %Y}",
    }  # fmt: skip
    for name, value in filled.items():
        text = text.replace(f"{{{name}}}", escape(value))
    files = pd.DataFrame(data.inputs).reindex(columns=["file", "layout", "sha256"])
    columns = {"file": "File", "layout": "Recognised as", "sha256": "SHA-256"}
    parts = [said(part) for part in re.split(r"\n(?=## )", text)]
    cells = [
        *parts,
        said("## Provenance\n\nThe SHA-256 of a file changes when any byte of it does."),
        *([shown(listing(files, columns, name="input_hashes", title="Files behind these reports",
                         data=data))] if len(files) else []),
        said("## About this run"),
        shown(show_run(data)),
    ]  # fmt: skip
    return Page("methods", "Methods", v4.new_notebook(cells=cells))
