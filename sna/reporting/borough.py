"""The reports of one borough: notebooks run, pages rendered, published whole or not at all."""

import json
import os
import re
import shutil
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

from sna import store
from sna.disclosure.ledger import record_release
from sna.disclosure.rules import check_edition
from sna.errors import QualityError, UsageError
from sna.figures.figure import RECORD_MIME
from sna.reporting import notebooks as nb
from sna.reporting.bundle import write_bundle
from sna.reporting.lint import lint_page
from sna.reporting.pages import Page, render_page, slug, tables_of
from sna.reporting.record import find_headline, front, write_record
from sna.reporting.signoff import draft_reason
from sna.reporting.summary import data_quality_page, index_page, methods_page

MOST_BYTES = 5_000_000


def render_borough(
    borough: str, *, notebooks: Sequence[str] = (), end_month: str = "", edition: str = "public",
    profile: str = "london_2023", processed: Path | None = None, reports: Path = Path("reports"),
    kernel_name: str = "python3",
) -> Path:  # fmt: skip
    """Run a borough's notebooks and publish their pages; return the folder they are in.

    Nothing is published unless everything was made and passed the output checks; the last good
    reports stay until then. ``notebooks`` are names of `sna.reporting.notebooks.REPORTS` (all by
    default; the others keep their last good page if it had the same parameters), ``end_month`` is
    written 2025-03 (the last month of the data by default).
    """
    check_edition(edition)
    if end_month and not re.fullmatch(r"(19|20)\d\d-(0[1-9]|1[0-2])", end_month):
        raise UsageError("The last month is not a month.", where="--to", found=end_month,
                         do="Write it as 2025-03.")  # fmt: skip
    if processed:
        os.environ["SNA_PROCESSED"] = str(processed.resolve())  # where the kernels find the store
    data: Any = cast(Any, store).load_borough(
        borough, end_month=end_month or None, edition=edition, profile=profile, processed=processed
    )
    home = reports / slug(data.borough_name)
    final, staging = home / edition, home / f".{edition}.new"
    _recover(final)
    shutil.rmtree(staging, ignore_errors=True)
    (staging / "csv").mkdir(parents=True)
    try:
        made = _make(data, staging, notebooks or list(nb.REPORTS), profile, kernel_name)
        check_folder(staging)
        write_record(staging, data, **made)
        _publish(staging, final)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return final


def _make(data: Any, staging: Path, names: Sequence[str], profile: str, kernel_name: str
          ) -> dict[str, Any]:  # fmt: skip
    """Write pages, tables and the bundle into the staging folder; return parts of the record."""
    parameters = {"borough": data.borough_code, "end_month": f"{data.end_month:%Y-%m}",
                  "edition": data.edition, "profile": profile}  # fmt: skip
    steps, pages = {}, []
    for name, title in nb.REPORTS.items():
        began = time.perf_counter()
        executed = staging.parent / ".executed" / data.edition / f"{name}.ipynb"
        if name in names:
            made: Any = nb.run_notebook(nb.notebook_path(name), parameters, executed=executed,
                                   kernel_name=kernel_name)  # fmt: skip
        else:
            made = nb.last_run(executed, parameters)
        if made is None:
            continue
        pages.append(Page(name, title, made))
        steps[name] = time.perf_counter() - began
    began = time.perf_counter()
    tables = tables_of(page.notebook for page in pages)
    draft = draft_reason(data.settings, borough_code=data.borough_code, edition=data.edition,
                         end_month=parameters["end_month"])  # fmt: skip
    bundle = f"{slug(data.borough_name)}_{data.edition}_data"
    menu = [index_page(data, pages, tables, bundle=f"{bundle}.zip"), *pages,
            data_quality_page(data), methods_page(data, draft=draft)]  # fmt: skip
    head = front(data, draft=draft)
    files = {f"{page.name}.html": render_page(page, head, menu) for page in menu}
    files |= {f"csv/{table['name']}.csv": f"\ufeff{table['csv']}" for table in tables}
    for name, text in files.items():
        (staging / name).write_text(text, encoding="utf-8", newline="")
    write_bundle(staging, tables, name=bundle, head=head)
    steps["pages"] = time.perf_counter() - began
    return {"steps": steps, "draft": draft, "disclosure": _check_release(data, pages),
            "headline": find_headline(tables, data.borough_name)}  # fmt: skip


def _check_release(data: Any, pages: Sequence[Page]) -> dict[str, int]:
    """Compare with what was published before; only real data is kept in the ledger."""
    records = [
        json.loads(output.data[RECORD_MIME])
        for page in pages
        for cell in page.notebook.cells
        for output in cell.get("outputs", [])
        if RECORD_MIME in output.get("data", {})
    ]
    folder = None if data.simulated else data.settings.folder("records")
    return record_release(folder, records, borough_code=data.borough_code, edition=data.edition,
                          release=f"{data.end_month:%Y-%m}")  # fmt: skip


def check_folder(folder: Path) -> None:
    """Raise `QualityError` (exit 5) when a page of a folder fails the output checks."""
    check_pages(*sorted(folder.glob("*.html")))


def check_pages(*paths: Path) -> None:
    """Raise `QualityError` when a page is faulty, too large, or links to what is not there."""
    faults = []
    for path in paths:
        text = path.read_text(encoding="utf-8")
        links = re.findall(r'href="(?!data:|https?:|#|mailto:)([^"#]+)', text)
        lost = [f"links to {to}, which is not there" for to in links
                if not (path.parent / to).exists()]  # fmt: skip
        large = [f"is over {MOST_BYTES:,} bytes"] if len(text.encode()) > MOST_BYTES else []
        faults += [f"{path.name} {fault}" for fault in (*lint_page(text), *large, *lost)]
    if faults:
        raise QualityError(
            f"{len(faults)} faults keep these pages from being published.", where="output checks",
            found=faults, do="Mend the notebook or figure; the last good reports are in place.",
        )  # fmt: skip


def _publish(staging: Path, final: Path) -> None:
    """Put the new folder in the place of the old one, which is whole until it is gone."""
    old = final.with_name(f".{final.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    if final.exists():
        final.rename(old)
    try:
        staging.rename(final)
    except OSError:
        _recover(final)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _recover(final: Path) -> None:
    """Bring back the last good reports if a run ended between the two renames."""
    old = final.with_name(f".{final.name}.old")
    if old.exists() and not final.exists():
        old.rename(final)
