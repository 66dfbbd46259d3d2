"""Pages made without a kernel: summary, data quality, methods; their words are in templates."""

import re
from collections.abc import Sequence
from typing import Any

import pandas as pd
from markupsafe import Markup
from nbformat import v4

import sna
from sna.definitions import source_titles
from sna.definitions.tables import read_reference
from sna.disclosure import protect
from sna.disclosure.suppress import published_inputs
from sna.figures.about import listing, show_findings, show_run, sorted_findings
from sna.figures.cells import fill
from sna.figures.view import show
from sna.narrative.words import format_period
from sna.reporting.pages import Page, find_anchor, outputs_of, slug
from sna.reporting.record import checklist, loose_inputs
from sna.trend.outcomes import count_charged

MOST_POINTS = 6
INPUTS = [
    "file",
    "layout",
    "title",
    "rows",
    "rows_used",
    "rows_rejected",
    "sha256",
    "licence",
    "first_month",
    "last_month",
]
OUTCOMES = ["source", "release_class", "published_category", "outcome", "outcomes", "month"]
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
    cards: list[dict[str, Any]] = []
    for page in pages:
        found = re.search(r"^# (.+)$", page.notebook.cells[0].source, re.M)
        asked = {"name": page.name, "title": page.title, "question": found[1] if found else ""}
        is_more = page.is_appendix and cards and cards[-1]["name"][:2] == page.name[:2]
        if is_more and not _has_table(page):
            asked["question"] += " Nothing can be shown here; the page says why."
        (cards[-1]["more"] if is_more else cards).append(asked | {"more": []})
    given = {"points": main_points(pages), "cards": cards, "tables": tables, "bundle": bundle}
    return written_page("index", "Summary", data=data, run=shown(show_run(data)), **given)


def _has_table(page: Page) -> bool:
    """Say whether a page shows a figure or table at all."""
    return any("<table" in data.get("text/html", "") for data in outputs_of(page.notebook))


def input_files(data: Any) -> pd.DataFrame:
    """Return one row a file that was read, with the title its publisher gives it."""
    files = pd.DataFrame(published_inputs(data)).reindex(columns=[*INPUTS])
    text = files[["title", "licence"]].astype("object").fillna("")
    licence = "none: simulated" if data.simulated else text["licence"]
    return files.assign(title=text["title"].replace("", "not recognised"), licence=licence)


def input_sources(files: pd.DataFrame) -> pd.DataFrame:
    """Return one row a kind of file: how many files and rows, over which months."""
    months = files[["first_month", "last_month"]].apply(pd.to_datetime, format="%Y-%m")
    groups = files.assign(**months).groupby("title", sort=False, as_index=False)
    sums = {name: (name, "sum") for name in ("rows", "rows_used", "rows_rejected")}
    ends = {"first_month": ("first_month", "min"), "last_month": ("last_month", "max")}
    return groups.agg(files=("file", "size"), **sums, **ends, licence=("licence", "first"))


def count_outcomes(data: Any) -> pd.DataFrame:
    """Count outcomes of the borough in the last twelve months that each source covers."""
    rows = data.outcomes
    whole = rows["area_level"].eq("borough")  # counts of wards are in those of the borough
    rows = rows[
        (whole | ~rows["source"].isin(rows.loc[whole, "source"]))
        & (rows["month"] <= data.end_month)
    ]
    rows = (
        rows[[*OUTCOMES]]
        .astype(dict.fromkeys(OUTCOMES[:4], "object"))
        .fillna({"published_category": "all"})
    )
    last = rows.groupby("source")["month"].transform("max")
    rows = rows[rows["month"] > last - pd.DateOffset(months=12)].assign(
        label=rows["published_category"].astype("str").str.split("|").str[-1].str.strip()
    )
    keys = ["source", "release_class", "label", "outcome"]
    spans = {"first": ("month", "min"), "last": ("month", "max")}
    made = rows.groupby(keys, as_index=False).agg(outcomes=("outcomes", "sum"), **spans)
    titles = source_titles().set_index("source")["title"]
    ends = made[[*spans]].astype("datetime64[us]").itertuples(index=False)
    return made.assign(
        title=made["source"].map(titles), months=[format_period(*pair) for pair in ends]
    )


def data_quality_page(data: Any) -> Page:
    """Return the page on the data: every source, every row, every finding, outcomes."""
    outcomes = protect(count_outcomes(data), contract="police_outcomes", data=data)
    charged = protect(count_charged(data), contract="outcomes_charged", data=data)
    given = {
        "charged": shown(show(charged)) if len(charged.table) else "",
        "short": shown(show_findings(data, here=True)),
        "sources": shown(listing(input_sources(input_files(data)), "input_sources", data)),
        "findings": shown(listing(sorted_findings(data), "all_findings", data)),
        "outcomes": shown(show(outcomes)) if len(outcomes.table) else "",
        "whole": not loose_inputs(data.inputs),
    }
    return written_page("data_quality", "Data quality", **given)


def methods_page(data: Any, *, draft: str = "draft") -> Page:
    """Return the page on methods, provenance and assurance; its bytes do not depend on today."""
    record = {"draft": draft, "inputs": data.inputs, "version": sna.__version__}
    checks = pd.DataFrame(checklist(record, data.settings))
    limits = read_reference("source_limits").merge(source_titles(), how="left", on="source")
    given = {
        "profile": data.profile,
        "limits": data.settings.disclosure,
        "sources": limits[limits["source"].isin(input_files(data)["layout"])].to_dict("records"),
        "assured": shown(listing(checks[checks["page"].eq("yes")], "quality_checks", data)),
        "files": shown(listing(input_files(data), "input_files", data)),
        "run": shown(show_run(data)),
    }
    return written_page("methods", "Methods", data=data, **given)
