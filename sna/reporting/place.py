"""The problem profile of one ward or LSOA, as a page of its own."""

import os
from pathlib import Path
from typing import Any

from sna import store
from sna.disclosure.rules import check_edition
from sna.hotspots import find_area
from sna.reporting import notebooks as nb
from sna.reporting.borough import _check_release, check_pages
from sna.reporting.pages import Page, render_page, slug, tables_of
from sna.reporting.record import front
from sna.reporting.signoff import draft_reason


def render_place(
    area: str, *, end_month: str = "", edition: str = "public", profile: str = "london_2023",
    processed: Path | None = None, reports: Path = Path("reports"),
) -> Path:  # fmt: skip
    """Write reports/BOROUGH/EDITION_places/AREA.html and its tables; return the page."""
    check_edition(edition)
    if processed:
        os.environ["SNA_PROCESSED"] = str(processed.resolve())
    found = find_area(store.read_table("areas", processed), area)
    data: Any = store.load_borough(
        str(found["borough_code"]), end_month=end_month or None, edition=edition, profile=profile,
        processed=processed,
    )  # fmt: skip
    folder = reports / slug(data.borough_name) / f"{edition}_places"
    parameters = {"borough": data.borough_code, "end_month": f"{data.end_month:%Y-%m}",
                  "edition": edition, "profile": profile, "area": found["area_code"]}  # fmt: skip
    name = f"{slug(str(found['area_name']))}_{found['area_code']}"
    executed = folder.parent / ".executed" / edition / f"{name}.ipynb"
    page = Page(name, "Place", nb.run_notebook(nb.notebook_path("05_place"), parameters,
                                               executed=executed))  # fmt: skip
    draft = draft_reason(data.settings, borough_code=data.borough_code, edition=edition,
                         end_month=parameters["end_month"])  # fmt: skip
    _check_release(data, [page])
    (folder / "csv").mkdir(parents=True, exist_ok=True)
    path, fresh = folder / f"{name}.html", folder / f".{name}.html"
    head = front(data, draft=draft) | {"home": ""}  # the page stands alone
    fresh.write_text(render_page(page, head), encoding="utf-8")
    check_pages(fresh)
    for table in tables_of([page.notebook]):
        file = folder / "csv" / f"{name}_{table['name']}.csv"
        file.write_text(f"\ufeff{table['csv']}", encoding="utf-8", newline="")
    return fresh.replace(path)
