"""The reports of one borough: notebooks run, pages rendered, published whole or not at all."""

import json
import os
import re
import shutil
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, cast

from sna import store
from sna.disclosure.ledger import record_release
from sna.disclosure.rules import check_edition
from sna.errors import NothingToShowError, UsageError
from sna.figures.figure import RECORD_MIME
from sna.reporting import notebooks as nb
from sna.reporting.bundle import write_bundle
from sna.reporting.pages import Page, outputs_of, render_page, slug, tables_of
from sna.reporting.record import draft_reason, find_headline, front, write_record
from sna.reporting.summary import data_quality_page, index_page, methods_page
from sna.reporting.verify import verify_reports


def render_borough(
    borough: str,
    *,
    notebooks: Sequence[str] = (),
    end_month: str = "",
    edition: str = "public",
    profile: str = "london_2023",
    processed: Path | None = None,
    reports: Path = Path("reports"),
    at_once: int = 1,
) -> Path:
    """Run a borough's notebooks and publish their pages; return the folder they are in.

    Nothing is published unless everything was made and passed the scan of `verify_reports`; the
    last good reports stay until then. ``notebooks`` are names of `sna.reporting.notebooks.REPORTS`
    (all by default; the others keep their last good page if it had the same parameters),
    ``end_month`` is written 2025-03 (the last month of the data by default), ``at_once`` is the
    number of notebooks that run side by side.
    """
    data = load(borough, end_month, edition, profile, processed)
    final = reports / slug(data.borough_name) / edition
    staging = final.with_name(f".{edition}.new")
    _recover(final)
    shutil.rmtree(staging, ignore_errors=True)
    (staging / "csv").mkdir(parents=True)
    parameters = {
        "borough": data.borough_code,
        "end_month": f"{data.end_month:%Y-%m}",
        "edition": edition,
        "profile": profile,
    }
    try:
        steps: dict[str, float] = {}
        folder = staging.parent / ".executed" / edition
        run = partial(_run, notebooks or [*nb.REPORTS], parameters, folder, steps, data)
        with kernels_read(processed), ThreadPoolExecutor(at_once) as pool:
            pages = [Page(*made) for made in pool.map(run, nb.REPORTS.items()) if made[2]]
        made = _write(data, staging, pages, parameters, steps)
        _publish(data, staging, final, made)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return final


def check_month(text: str) -> None:
    """Raise `UsageError` unless a last month is left open or written as 2025-03."""
    if text and not re.fullmatch(r"(19|20)\d\d-(0[1-9]|1[0-2])", text):
        what, do = "The last month is not a month.", "Write it as 2025-03."
        raise UsageError(what, where="--to", found=text, do=do)


def load(borough: str, end_month: str, edition: str, profile: str, processed: Path | None) -> Any:
    """Check what was asked for and load the borough."""
    check_edition(edition)
    check_month(end_month)
    given = {"end_month": end_month or None, "edition": edition, "profile": profile}
    return cast(Any, store).load_borough(borough, processed=processed, **given)


@contextmanager
def kernels_read(processed: Path | None) -> Iterator[None]:
    """Let the kernels that start meanwhile read this store; they are told by the environment."""
    before = os.environ.get("SNA_PROCESSED")
    if processed:
        os.environ["SNA_PROCESSED"] = str(processed.resolve())
    try:
        yield
    finally:
        os.environ.pop("SNA_PROCESSED", None)
        if before is not None:
            os.environ["SNA_PROCESSED"] = before


def _run(
    names: Sequence[str],
    parameters: dict[str, str],
    folder: Path,
    steps: dict[str, float],
    data: Any,
    report: tuple[str, str],
) -> tuple[str, str, Any]:
    """Run a notebook that was asked for; take another from its last run, if that fits.

    One whose subject is not in the data has a page that says so.
    """
    began, (name, title), made = time.perf_counter(), report, None
    executed = folder / f"{name}.ipynb"
    if name in names:
        path = nb.notebook_path(name)
        try:
            made = nb.run_notebook(path, parameters, executed=executed)
        except NothingToShowError as error:
            told = {"why": error.what, "data": data, "executed": executed}
            made = nb.explain_notebook(path, parameters, **told)
    else:
        made = nb.last_run(executed, parameters)
    if made is not None:
        steps[name] = time.perf_counter() - began
    return name, title, made


def _write(
    data: Any, staging: Path, pages: list[Page], parameters: dict[str, str], steps: dict[str, float]
) -> dict[str, Any]:
    """Write pages, tables and the bundle into the staging folder; return parts of the record."""
    began, tables = time.perf_counter(), tables_of(page.notebook for page in pages)
    draft = draft_reason(data, **{key: parameters[key] for key in ("edition", "end_month")})
    bundle = f"{slug(data.borough_name)}_{data.edition}_data"
    first = index_page(data, pages, tables, bundle=f"{bundle}.zip")
    menu = [first, *pages, data_quality_page(data), methods_page(data, draft=draft)]
    head = front(data, draft=draft)
    files = {f"{page.name}.html": render_page(page, head, menu) for page in menu}
    files |= {f"csv/{table['name']}.csv": f"\ufeff{table['csv']}" for table in tables}
    for name, text in files.items():
        (staging / name).write_text(text, encoding="utf-8", newline="")
    write_bundle(staging, tables, name=bundle, head=head)
    steps["pages"] = time.perf_counter() - began
    return {
        "steps": steps,
        "parameters": {**parameters, "profile": data.profile.id},
        "draft": draft,
        "records": records_of(pages),
        "headline": find_headline(tables, data.borough_name),
    }


def records_of(pages: Sequence[Page]) -> list[dict[str, Any]]:
    """Return what disclosure control noted of each figure; it never reaches a reader."""
    found = [one for page in pages for one in outputs_of(page.notebook) if RECORD_MIME in one]
    return [json.loads(one[RECORD_MIME]) for one in found]


def check_release(data: Any, records: list[dict[str, Any]]) -> dict[str, int]:
    """Compare with what was published before; only real data is kept in the ledger."""
    folder = None if data.simulated else data.settings.folder("records")
    what = {"borough_code": data.borough_code, "edition": data.edition, "profile": data.profile.id}
    return record_release(folder, records, release=f"{data.end_month:%Y-%m}", **what)


def _publish(data: Any, staging: Path, final: Path, made: dict[str, Any]) -> None:
    """Scan the new folder, then put it in the place of the old one, whole until that is gone."""
    began = time.perf_counter()
    number = verify_reports(staging)
    made["steps"]["scan"] = time.perf_counter() - began
    made["disclosure"] = check_release(data, made.pop("records"))
    write_record(staging, data, checks=f"{number} files scanned, no leak and no fault", **made)
    verify_reports(staging / "run.json")
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
