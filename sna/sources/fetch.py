"""Download open files into data/raw: resumed, checked, whole or not at all."""

import hashlib
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd

from sna import __version__
from sna.errors import SourceError, UsageError

USER_AGENT = f"sna/{__version__} (serious violence needs assessment; open data)"
CHUNK_BYTES = 1 << 16  # at most this much is lost when a connection is cut
MOST_TRIES = 5
TIMEOUT_SECONDS = 30
_PAGE = re.compile(rb"\s*(<!doctype html|<html|<\?xml[^>]*>\s*<html)", re.IGNORECASE)
_MONTH = re.compile(r"(19|20)\d\d-(0[1-9]|1[0-2])")
Progress = Callable[[int, int], None]


def plan_downloads(
    downloads: pd.DataFrame, wanted: tuple[str, ...], *, month: str = ""
) -> list[dict[str, str]]:
    """Return the rows of `downloads` called `wanted`, with the month filled in.

    Raises `UsageError` if a name is unknown, a month is missing, or the address is a page to visit.
    """
    known = downloads.set_index("download_id", drop=False)
    found = []
    for name in wanted:
        given: Any = known.loc[name] if name in known.index else {}
        row = {str(key): str(value) for key, value in given.items()}
        what, value, do = "", name, f"Name one of: {', '.join(known.index)}."
        if not row:
            what = "There is no such download."
        elif not row["file_name"]:
            what, value = f"{row['title']}: {row['note']}.", row["address"]
            do = "Visit the page, download the file and put it into data/raw."
        elif "{month}" in row["address"] and not _MONTH.fullmatch(month):
            what, value, do = f"{name} needs a month.", month, "Add --month YYYY-MM."
        if what:
            raise UsageError(what, where="sna fetch", found=value, do=do)
        found.append({key: value.replace("{month}", month) for key, value in row.items()})
    return found


def fetch(
    address: str,
    target: Path,
    *,
    work: Path,
    sha256: str = "",
    wait_seconds: float = 1.0,
    progress: Progress = lambda *_: None,
) -> Path:
    """Download `address` to `target`.

    The bytes gather in `work`, outside the raw folder, and a cut download goes on where it
    stopped. Only a whole file whose length, checksum (where given) and kind are right is moved.
    Raises `SourceError` if the server refuses, keeps failing, or sends a web page in its place.
    """
    if target.parent.resolve() in [work.resolve(), *work.resolve().parents]:
        raise UsageError("Downloads may not gather inside the raw folder.", where=str(work))
    work.mkdir(parents=True, exist_ok=True)
    part = work / f"{target.name}.{hashlib.sha256(address.encode()).hexdigest()[:8]}.part"
    for attempt in range(MOST_TRIES):
        try:
            expected = _get(address, part, wait_seconds, progress)
        except ConnectionError:
            time.sleep(wait_seconds * 2**attempt)
            continue
        if expected < 0 or part.stat().st_size == expected:
            _check(address, part, sha256)
            target.parent.mkdir(parents=True, exist_ok=True)
            part.with_suffix(".etag").unlink(missing_ok=True)
            return part.replace(target)
    found = f"{part.stat().st_size if part.exists() else 0} bytes so far"
    what, do = f"The download was cut {MOST_TRIES} times.", "Run the same command: it goes on."
    raise SourceError(what, where=address, found=found, do=do)


def _get(address: str, part: Path, wait_seconds: float, progress: Progress) -> int:
    """Add what is missing to `part`; return the length the whole file should have, or -1."""
    import requests
    from requests.adapters import HTTPAdapter
    from urllib3.util.retry import Retry

    again: dict[str, Any] = {
        "backoff_factor": wait_seconds,
        "status_forcelist": (429, *range(500, 505)),
    }
    busy = Retry(MOST_TRIES, raise_on_status=False, **again)
    have = part.stat().st_size if part.exists() else 0
    mark = part.with_suffix(".etag")  # the server sends all of it again when the file has changed
    tag = mark.read_text(encoding="utf-8") if mark.exists() else ""
    ask = {"Range": f"bytes={have}-", **({"If-Range": tag} if tag else {})} if have else {}
    # as it is: the length and the place to go on from are those of packed bytes otherwise
    headers = {"User-Agent": USER_AGENT, "Accept-Encoding": "identity", **ask}
    try:
        with requests.Session() as session:
            for scheme in ("https://", "http://"):
                session.mount(scheme, HTTPAdapter(max_retries=busy))
            answer = session.get(address, headers=headers, stream=True, timeout=TIMEOUT_SECONDS)
            if answer.status_code == requests.codes.requested_range_not_satisfiable:
                part.unlink()
                raise ConnectionError("the part belongs to another file")
            if not answer.ok:
                what = f"The server answered {answer.status_code} ({answer.reason})."
                do = "Check the address on the publisher's page, or try later."
                raise SourceError(what, where=address, do=do)
            resumed = answer.status_code == requests.codes.partial_content
            length = int(answer.headers.get("Content-Length", -1))
            total = length + (have if resumed else 0) if length >= 0 else -1
            mark.write_text(answer.headers.get("ETag", ""), encoding="utf-8")
            with part.open("ab" if resumed else "wb") as stream:
                for block in answer.iter_content(CHUNK_BYTES):
                    stream.write(block)
                    progress(stream.tell(), total)
    except requests.RequestException:
        raise ConnectionError("cut") from None
    return total


def _check(address: str, part: Path, sha256: str) -> None:
    with part.open("rb") as stream:
        head = stream.read(512)
        stream.seek(0)
        digest = hashlib.file_digest(stream, "sha256").hexdigest() if sha256 else ""
    problems = {
        "The server sent a web page in place of the file.": bool(_PAGE.match(head)),
        "The server sent an empty file.": not head,
        "The checksum differs from the one stated.": digest != sha256,
    }
    if problem := next((text for text, met in problems.items() if met), ""):
        part.unlink()
        do = "Open the address in a browser and download the file by hand."
        raise SourceError(problem, where=address, found=head[:60].decode("ascii", "replace"), do=do)
