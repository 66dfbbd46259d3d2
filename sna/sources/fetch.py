"""Download open files into data/raw: resumed, checked, whole or not at all."""

import hashlib
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from sna import __version__
from sna.errors import SourceError, UsageError
from sna.sources.layout import MONTH_HEADING

if TYPE_CHECKING:
    import requests

USER_AGENT = f"sna/{__version__} (serious violence needs assessment; open data)"
CHUNK_BYTES = 1 << 16  # at most this much is lost when a connection is cut
MOST_TRIES = 5
TIMEOUT_SECONDS = 30
_PAGE = re.compile(rb"\s*(<!doctype html|<html|<\?xml[^>]*>\s*<html)", re.IGNORECASE)


@dataclass(frozen=True)
class Download:
    """One open file: where it is and what it will be called in data/raw."""

    download_id: str
    title: str
    publisher: str
    licence: str
    address: str
    file_name: str
    note: str = ""
    sha256: str = ""


def plan_downloads(
    downloads: pd.DataFrame, wanted: tuple[str, ...], *, month: str = ""
) -> list[Download]:
    """Return the downloads called `wanted`, with the month filled in.

    Raises
    ------
    UsageError
        If a name is unknown, a month is needed and missing, or the address is a page to visit.
    """
    known = downloads.fillna("").set_index("download_id", drop=False)
    found = []
    for name in wanted:
        if name not in known.index:
            raise UsageError(
                "There is no such download.", where="sna fetch", found=name,
                do=f"Name one of: {', '.join(known.index)}.",
            )  # fmt: skip
        row = {str(key): str(value) for key, value in known.loc[name].items()}
        if not row["file_name"]:
            raise UsageError(
                f"{row['title']}: {row['note']}.", where="sna fetch", found=row["address"],
                do="Visit the page, download the file and put it into data/raw.",
            )  # fmt: skip
        if "{month}" in row["address"]:
            if not (MONTH_HEADING.fullmatch(month) and "-" in month):
                raise UsageError(
                    f"{name} needs a month.", where="sna fetch", found=month or "nothing",
                    do="Add --month YYYY-MM.",
                )  # fmt: skip
            row = {key: value.replace("{month}", month) for key, value in row.items()}
        fields = Download.__dataclass_fields__
        found.append(Download(**{key: value for key, value in row.items() if key in fields}))
    return found


def fetch(
    download: Download,
    raw: Path,
    *,
    work: Path,
    wait_seconds: float = 1.0,
    progress: Callable[[int, int], None] | None = None,
) -> Path:
    """Download one file into `raw` and return its path.

    The bytes gather in `work`, outside `raw`, and a cut download goes on where it stopped. Only a
    whole file whose length, checksum (where known) and kind are right is moved into `raw`.

    Raises
    ------
    SourceError
        If the server refuses, keeps failing, or sends a web page in place of the file.
    """
    if raw.resolve() in [work.resolve(), *work.resolve().parents]:
        raise UsageError("Downloads may not gather inside data/raw.", where=str(work))
    work.mkdir(parents=True, exist_ok=True)
    part = work / f"{download.file_name}.part"
    expected = -1
    for attempt in range(MOST_TRIES):
        try:
            expected = _get(download, part, expected, wait_seconds, progress)
        except ConnectionError:
            time.sleep(wait_seconds * 2**attempt)
            continue
        if expected < 0 or part.stat().st_size == expected:
            break
    else:
        raise SourceError(
            f"The download was cut {MOST_TRIES} times.", where=download.address,
            found=f"{part.stat().st_size if part.exists() else 0} bytes so far",
            do="Run the same command again: it goes on where it stopped.",
        )  # fmt: skip
    _check(download, part)
    raw.mkdir(parents=True, exist_ok=True)
    return part.replace(raw / download.file_name)


def _session(wait_seconds: float) -> "requests.Session":
    import requests
    from requests.adapters import HTTPAdapter
    from urllib3.util.retry import Retry

    retry = Retry(
        total=MOST_TRIES,
        backoff_factor=wait_seconds,
        status_forcelist=(429, 500, 502, 503, 504),
        respect_retry_after_header=True,
        raise_on_status=False,
    )
    session = requests.Session()
    session.headers["User-Agent"] = USER_AGENT
    for scheme in ("https://", "http://"):
        session.mount(scheme, HTTPAdapter(max_retries=retry))
    return session


def _get(
    download: Download,
    part: Path,
    expected: int,
    wait_seconds: float,
    progress: Callable[[int, int], None] | None,
) -> int:
    """Add what is missing to `part`; return the length the whole file should have, or -1."""
    import requests

    have = part.stat().st_size if part.exists() else 0
    headers = {"Range": f"bytes={have}-"} if have else {}
    try:
        with (
            _session(wait_seconds) as session,
            session.get(
                download.address, headers=headers, stream=True, timeout=TIMEOUT_SECONDS
            ) as answer,
        ):
            if answer.status_code == requests.codes.requested_range_not_satisfiable:
                part.unlink()
                raise ConnectionError("the part does not belong to this file")
            if not answer.ok:
                raise SourceError(
                    f"The server answered {answer.status_code} ({answer.reason}).",
                    where=download.address, found=download.title,
                    do="Check the address on the publisher's page, or try later.",
                )  # fmt: skip
            resumed = answer.status_code == requests.codes.partial_content
            start = have if resumed else 0
            length = int(answer.headers.get("Content-Length", -1))
            total = start + length if length >= 0 else expected
            with part.open("ab" if resumed else "wb") as stream:
                for block in answer.iter_content(CHUNK_BYTES):
                    stream.write(block)
                    if progress:
                        progress(stream.tell(), total)
    except (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError):
        raise ConnectionError("cut") from None
    return total


def _check(download: Download, part: Path) -> None:
    with part.open("rb") as stream:
        head = stream.read(512)
    problem = ""
    if _PAGE.match(head):
        problem = "The server sent a web page in place of the file."
    elif not head:
        problem = "The server sent an empty file."
    elif download.sha256:
        digest = hashlib.sha256()
        with part.open("rb") as stream:
            while block := stream.read(CHUNK_BYTES):
                digest.update(block)
        if digest.hexdigest() != download.sha256:
            problem = "The checksum differs from the one stated."
    if problem:
        part.unlink()
        raise SourceError(
            problem, where=download.address, found=head[:60].decode("ascii", "replace"),
            do="Open the address in a browser and download the file by hand.",
        )  # fmt: skip
