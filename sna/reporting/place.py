"""The problem profile of one ward or LSOA, as a page of its own."""

import os
from pathlib import Path

from sna import store
from sna.definitions import boroughs
from sna.disclosure.rules import check_edition
from sna.hotspots import find_area
from sna.reporting import notebooks as nb
from sna.reporting.borough import check_release, kernels_read, load, records_of
from sna.reporting.lint import check_pages
from sna.reporting.pages import Page, render_page, slug, tables_of
from sna.reporting.record import draft_reason, front
from sna.settings import read_settings


def render_place(
    area: str,
    *,
    end_month: str = "",
    edition: str = "public",
    profile: str = "",
    processed: Path | None = None,
    reports: Path | None = None,
) -> Path:
    """Write reports/BOROUGH/EDITION_places/AREA.html and its tables; return the page.

    What is not given is taken from sna.toml, as `sna report` does: folders, last month, profile.
    """
    check_edition(edition)
    settings = read_settings()
    folders, end_month = settings.folder, end_month or settings.periods.end_month
    processed = processed or Path(os.environ.get("SNA_PROCESSED") or folders("processed"))
    found = find_area(store.read_table("areas", processed), area)
    borough = str(found["borough_code"])
    names = boroughs().set_index("borough_code")["borough_name"]
    profile = profile or settings.profile_of(borough, names.get(borough, ""))
    data = load(borough, end_month, edition, profile, processed)
    folder = (reports or folders("reports")) / slug(data.borough_name) / f"{edition}_places"
    asked = {"edition": edition, "end_month": f"{data.end_month:%Y-%m}"}
    given = {**asked, "borough": data.borough_code, "profile": profile, "area": found["area_code"]}
    name = f"{slug(str(found['area_name']))}_{found['area_code']}"
    executed = folder.parent / ".executed" / edition / f"{name}.ipynb"
    with kernels_read(processed):
        made = nb.run_notebook(nb.notebook_path("05_place"), given, executed=executed)
    place = str(found["area_name"])
    made.cells[0].source = made.cells[0].source.replace("this place", place, 1)
    page, draft = Page(name, "Place", made), draft_reason(data, **asked)
    (folder / "csv").mkdir(parents=True, exist_ok=True)
    path, fresh = folder / f"{name}.html", folder / f".{name}.html"
    head = front(data, draft=draft) | {"home": ""}  # the page stands alone
    head |= {"place": f"{place}, {data.borough_name}"}
    head |= {"facts": {**head["facts"], "Area": f"{place} ({found['area_code']})"}}
    fresh.write_text(render_page(page, head), encoding="utf-8")
    check_pages(fresh)
    check_release(data, records_of([page]))
    for table in tables_of([page.notebook]):
        file = folder / "csv" / f"{name}_{table['name']}.csv"
        file.write_text(f"\ufeff{table['csv']}", encoding="utf-8", newline="")
    return fresh.replace(path)
