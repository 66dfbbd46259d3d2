"""Rendering: our template against nbconvert's stock `basic` on the same executed notebook."""

import sys
from pathlib import Path

from nbconvert.exporters import HTMLExporter
from nbformat import v4

from sna.figures import Figure
from sna.narrative.prose import Prose
from sna.reporting.pages import Page, render_page
from sna.reporting.record import front
from tests.bench import Measured, alternate, measure

sys.path.insert(0, str(Path(__file__).parent.parent))
from report_fixture import Borough, draw, protected_series

ALT = "Line chart of recorded offences by month, to show the direction over the year."


def notebook(figures: int):
    """Return an executed notebook with some figures, as papermill leaves it."""
    cells = [v4.new_markdown_cell("# How many?\n\nFor the partnership.")]
    for number in range(figures):
        made = Figure(
            f"series_{number}", "Offences changed little", "Recorded offences by month",
            protected_series("Hillingdon"), {"month": "Month", "offences": "Offences"},
            "Records", alt=ALT, draw=draw,
        )  # fmt: skip
        for thing in (made, Prose("The counts stayed the same.")):
            data = (
                thing._repr_mimebundle_() if thing is made else {"text/html": thing._repr_html_()}
            )
            output = v4.new_output("display_data", data=data)
            cells += (
                [v4.new_markdown_cell(f"## Section {number}\n\nHow to read this.")]
                if thing is made
                else []
            )
            cells.append(v4.new_code_cell("sna.figures.show()", outputs=[output]))
    return v4.new_notebook(cells=cells)


def benchmarks(quick: bool) -> list[Measured]:
    """Measure one page of eight figures; exporters are made once for each, as in a batch."""
    page = Page("02_trend", "Trend", notebook(8))
    stock, head = HTMLExporter(template_name="basic"), front(Borough())
    ours, theirs = alternate(
        lambda: render_page(page, head, [page]),
        lambda: stock.from_notebook_node(page.notebook),
        rounds=3 if quick else 9,
    )
    return [measure("render a page", "nbconvert basic, same notebook", ours, theirs, budget=1.0)]
