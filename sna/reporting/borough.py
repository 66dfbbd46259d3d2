"""The reports of one borough: notebooks run, pages rendered, published whole or not at all."""

import os
import re
import shutil
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import pandas as pd

from sna import store
from sna.definitions import find_borough
from sna.disclosure.rules import check_edition
from sna.errors import QualityError, UsageError
from sna.reporting import notebooks as nb
from sna.reporting.lint import lint_page
from sna.reporting.pages import Page, render_page, slug, tables_of
from sna.reporting.record import front, write_record
from sna.reporting.summary import data_quality_page, index_page, methods_page

MOST_BYTES = 5_000_000


def render_borough(
    borough: str,
    *,
    notebooks: Sequence[str] | None = None,
    end_month: str = "",
    edition: str = "public",
    profile: str = "london_2023",
    processed: Path | None = None,
    reports: Path = Path("reports"),
    kernel_name: str = "python3",
) -> Path:
    """Run a borough's notebooks and publish their pages; return the folder they are in.

    Nothing is published unless everything was made and passed the output checks; the last good
    reports stay until then.

    Parameters
    ----------
    borough
        Name or code.
    notebooks
        Names from `sna.reporting.notebooks.REPORTS`; all of them by default.
    end_month
        Last month, "2025-03"; the last month of the data by default.
    edition
        "public" or "partner".
    profile
        Id or path of a profile of the definition.
    processed
        Folder of the store.
    reports
        Folder the reports go to, as <borough>/<edition>.
    kernel_name
        Jupyter kernel that runs the notebooks.
    """
    check_edition(edition)
    code, name = find_borough(borough)
    processed = store_folder(processed)
    data: Any = cast(Any, store).load_borough(
        code, end_month=check_month(end_month), edition=edition, profile=profile,
        processed=processed,
    )  # fmt: skip
    home = Path(reports) / slug(name)
    final, staging = home / edition, home / f".{edition}.new"
    _recover(final)
    shutil.rmtree(staging, ignore_errors=True)
    (staging / "csv").mkdir(parents=True)
    parameters = {
        "borough": code, "end_month": f"{data.end_month:%Y-%m}", "edition": edition,
        "profile": profile,
    }  # fmt: skip
    try:
        steps = _make(data, staging, list(notebooks or nb.REPORTS), parameters,
                      home / ".executed" / edition, processed, kernel_name)  # fmt: skip
        check_folder(staging)
        write_record(staging, data, steps)
        _publish(staging, final)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return final


def store_folder(processed: Path | None) -> Path:
    """Return the folder of the store: the argument, else SNA_PROCESSED, else data/processed."""
    return Path(processed or os.environ.get("SNA_PROCESSED") or "data/processed")


def check_month(text: str) -> pd.Timestamp | None:
    """Return a month written "2025-03" as a date; None when it is empty."""
    if not text:
        return None
    if not re.fullmatch(r"(19|20)\d\d-(0[1-9]|1[0-2])", text):
        raise UsageError(
            "The last month is not a month.", where="--to", found=text, do="Write it as 2025-03."
        )
    return pd.Timestamp(f"{text}-01")


def _make(
    data: Any, staging: Path, names: list[str], parameters: dict[str, Any],
    executed: Path, processed: Path, kernel_name: str,
) -> dict[str, float]:  # fmt: skip
    steps, pages = {}, []
    for name in names:
        began = time.perf_counter()
        notebook = nb.run_notebook(
            nb.notebook_path(name), parameters, executed=executed / f"{name}.ipynb",
            processed=processed, kernel_name=kernel_name,
        )  # fmt: skip
        pages.append(Page(name, nb.REPORTS[name], notebook))
        steps[name] = time.perf_counter() - began
    began = time.perf_counter()
    tables = [table for page in pages for table in tables_of(page.notebook)]
    menu = [index_page(data, pages, tables), *pages, data_quality_page(data), methods_page(data)]
    head = front(data, draft=DRAFT)
    for page in menu:
        (staging / f"{page.name}.html").write_text(
            render_page(page, head, menu), encoding="utf-8", newline="\n"
        )
    _write_tables(tables, staging / "csv")
    return steps | {"pages": time.perf_counter() - began}


DRAFT = "Nobody other than its author has approved this assessment yet."


def _write_tables(tables: Sequence[dict[str, Any]], folder: Path) -> None:
    names = [table["name"] for table in tables]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise QualityError(
            "Two figures of one report share a name.", found=twice, do="Rename one of them."
        )
    for table in tables:
        (folder / f"{table['name']}.csv").write_text(
            "\ufeff" + table["csv"], encoding="utf-8", newline=""
        )


def check_folder(folder: Path) -> None:
    """Raise `QualityError` (exit 5) when a page fails the output checks."""
    faults = []
    for path in sorted(folder.glob("*.html")):
        text = path.read_text(encoding="utf-8")
        found = lint_page(text)
        if len(text.encode()) > MOST_BYTES:
            found.append(f"is over {MOST_BYTES:,} bytes")
        for link in re.findall(r'href="(?!data:|https?:|#|mailto:)([^"#]+)', text):
            if not (folder / link).exists():
                found.append(f"links to {link}, which is not there")
        faults += [f"{path.name} {fault}" for fault in found]
    if faults:
        raise QualityError(
            f"{len(faults)} faults keep these pages from being published.",
            where="output checks",
            found=faults,
            do="Mend the notebook or the figure; the last good reports were left in place.",
        )


def _publish(staging: Path, final: Path) -> None:
    """Put the new folder in the place of the old one; the old one is whole until it is gone."""
    old = final.with_name(f".{final.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    if final.exists():
        final.rename(old)
    try:
        staging.rename(final)
    except OSError:
        if old.exists():
            old.rename(final)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _recover(final: Path) -> None:
    """Bring back the last good reports if a run was killed between the two renames."""
    old = final.with_name(f".{final.name}.old")
    if old.exists() and not final.exists():
        old.rename(final)
