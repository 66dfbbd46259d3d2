"""Files of the raw folder, found safely: archives, links, locked and unreadable files."""

import hashlib
import os
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Any

from sna.errors import SourceError
from sna.sources.layout import make_finding

MOST_RATIO = 200  # bytes out for a byte in; open data in CSV reaches about 20
MOST_UNPACKED = 16 << 30
_IGNORED = re.compile(
    r"(^|/)(\.|__MACOSX|readme|licen[cs]e|checksums|sha256)|\.(md|toml|pdf|docx?|html?|"
    r"dbf|shx|prj|cpg|sbn|sbx|qmd|qix|log)$|(^|/)(truth\.json|simulated\.txt)$|\.shp\.xml$",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class RawFile:
    """A file, or a member of an archive, that may hold data."""

    file: str
    path: Path
    member: str = ""

    def read_bytes(self, most: int = -1) -> bytes:
        """Return the first `most` bytes, or all of them."""
        if not self.member:
            with self.path.open("rb") as stream:
                return stream.read(most)
        with zipfile.ZipFile(self.path) as archive, archive.open(self.member) as stream:
            return stream.read(most)


def find_files(raw: Path) -> tuple[list[RawFile], list[dict[str, Any]]]:
    """Return every data file below `raw` in order of name, and findings about what was refused."""
    found: list[RawFile] = []
    findings: list[dict[str, Any]] = []
    for folder, folders, names in os.walk(raw, followlinks=False):
        folders.sort()
        for name in sorted([*names, *(f for f in folders if (Path(folder) / f).is_symlink())]):
            path = Path(folder) / name
            file = path.relative_to(raw).as_posix()
            if _IGNORED.search(file):
                continue
            try:
                found += _members(path, file, raw, findings)
            except (OSError, SourceError, zipfile.BadZipFile) as error:
                findings.append(_problem(file, error))
    return found, findings


def _problem(file: str, error: Exception) -> dict[str, Any]:
    """Return the finding that says why a file was left out."""
    if isinstance(error, SourceError):
        return {**make_finding(error.what, severity="error", action=error.do), "file": file}
    why = getattr(error, "strerror", None) or str(error).splitlines()[0]
    act = "Check that it can be opened and is whole, or take it away."
    return {**make_finding(f"Cannot be opened: {why}.", severity="error", action=act), "file": file}


def _members(path: Path, file: str, raw: Path, findings: list[dict[str, Any]]) -> Iterator[RawFile]:
    """Yield the file itself, or the members of an archive that are safe to read."""
    if path.is_symlink() and not path.resolve().is_relative_to(raw.resolve()):
        raise SourceError("A link that leads out of the raw folder; not followed.", where=file)
    if not path.is_file():
        raise SourceError("Not an ordinary file; not read.", where=file)
    with path.open("rb") as stream:
        head = stream.read(4)
    if head != b"PK\x03\x04" or _is_workbook(path):
        yield RawFile(file, path)
        return
    with zipfile.ZipFile(path) as archive:
        members = [info for info in archive.infolist() if not info.is_dir()]
    if sum(info.file_size for info in members) > MOST_UNPACKED:
        raise SourceError("The archive unpacks to more than 16 GiB.", where=file)
    for info in members:
        inside = f"{file}/{info.filename}"
        if why := _unsafe(info):
            findings.append(_problem(inside, SourceError(why, do="Unpack it and look.")))
        elif not _IGNORED.search(inside):
            yield RawFile(inside, path, info.filename)


def _unsafe(info: zipfile.ZipInfo) -> str:
    """Say why a member of an archive is refused; empty when it is not."""
    name = info.filename
    if name.startswith(("/", "\\")) or ".." in PurePosixPath(name.replace("\\", "/")).parts:
        return "The name inside the archive leads out of it; not read."
    if info.flag_bits & 1:
        return "The archive is locked with a password; not read."
    if info.file_size > 10 << 20 and info.file_size > MOST_RATIO * max(info.compress_size, 1):
        return "Unpacks to more than 200 times its size; not read."
    if name.lower().endswith(".zip"):
        return "An archive inside an archive; not read."
    return ""


def _is_workbook(path: Path) -> bool:
    """Say whether a zip is a spreadsheet; refuse one that unpacks to far more than its size."""
    with zipfile.ZipFile(path) as archive:
        names = {info.filename for info in archive.infolist()}
        if not names & {"xl/workbook.xml", "content.xml"}:
            return False
        unsafe = [why for info in archive.infolist() if (why := _unsafe(info))]
    if unsafe:
        raise SourceError(unsafe[0], do="Save the sheet as CSV.")
    return True


@lru_cache(maxsize=4096)
def _hash(path: Path, size: int, changed: int) -> str:  # noqa: ARG001  part of the key
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def hash_file(path: Path) -> str:
    """Return the SHA-256 of the file on disk (for a member: of its archive)."""
    stat = path.stat()
    return _hash(path, stat.st_size, stat.st_mtime_ns)
