"""Files of the raw folder, found safely: archives, links, locked and unreadable files."""

import os
import re
import zipfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PureWindowsPath
from typing import Any

from sna.errors import SourceError
from sna.sources.layout import make_finding

MOST_RATIO = 200  # bytes out for a byte in; open data in CSV reaches about 20
MOST_UNPACKED = 16 << 30
_IGNORED = re.compile(
    r"(^|/)(\.|__MACOSX/)|(^|/)(readme|licen[cs]e|checksums|sha256)[^/.]*(\.(txt|sha256|md5))?$|"
    r"\.(md|toml|pdf|docx?|html?|dbf|shx|prj|cpg|sbn|sbx|qmd|qix|log)$|"
    r"(^|/)(truth\.json|simulated\.txt)$|\.shp\.xml$|"
    r"(^|/)(~\$[^/]*|thumbs\.db|desktop\.ini)$",  # of Excel while a file is open, and of Windows
    re.IGNORECASE,
)

_LONE = "A mapping without its file: nothing is read by it."
_NAME_IT = "Name it like the file it is for, as extract.csv and extract.mapping.toml."


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
        try:
            with zipfile.ZipFile(self.path) as archive, archive.open(self.member) as stream:
                return stream.read(most)
        except MemoryError:
            raise
        except Exception as error:  # whatever zipfile says of a damaged or odd member
            what = f"Cannot be unpacked: {str(error)[:160].rstrip('.')}."
            do = "Download the archive again."
            raise SourceError(what, where=self.file, do=do) from None


def find_files(raw: Path) -> tuple[list[RawFile], list[dict[str, Any]]]:
    """Return every data file below `raw` in order of name, and findings about what was refused."""
    found: list[RawFile] = []
    findings: list[dict[str, Any]] = []
    for folder, folders, names in os.walk(raw, followlinks=False):
        folders.sort()
        for name in sorted([*names, *(f for f in folders if (Path(folder) / f).is_symlink())]):
            path = Path(folder) / name
            file = path.relative_to(raw).as_posix()
            if _lacks_its_file(name, names):
                findings.append(_problem(file, SourceError(_LONE, do=_NAME_IT)))
            try:
                found += [] if _IGNORED.search(file) else _members(path, file, raw, findings)
            except (OSError, SourceError, zipfile.BadZipFile) as error:
                findings.append(_problem(file, error))
    return found, findings


def _lacks_its_file(name: str, names: list[str]) -> bool:
    """Say whether a name is that of a mapping beside which no file is called like it."""
    stem = name.removesuffix(".mapping.toml")
    return stem != name and not any(stem in (n, Path(n).stem) for n in names if n != name)


def _problem(file: str, error: Exception) -> dict[str, Any]:
    """Return the finding that says why a file was left out."""
    why = getattr(error, "strerror", None) or str(error).splitlines()[0]
    text, act = f"Cannot be opened: {why}.", "Check that it is whole, or take it away."
    if isinstance(error, SourceError):
        text, act = error.what, error.do
    return {**make_finding(text, severity="error", action=act), "file": file}


def _members(path: Path, file: str, raw: Path, findings: list[dict[str, Any]]) -> Iterator[RawFile]:
    """Yield the file itself, or what an archive holds."""
    do = "Put a copy of the file itself into the raw folder, or take this away."
    if path.is_symlink() and not path.resolve().is_relative_to(raw.resolve()):
        what = "A link that leads out of the raw folder; not followed."
        raise SourceError(what, where=file, do=do)
    if not path.is_file():
        what = "A link that leads nowhere" if not path.exists() else "Not an ordinary file"
        raise SourceError(f"{what}; not read.", where=file, do=do)
    with path.open("rb") as stream:
        is_zip = stream.read(4) == b"PK\x03\x04"
    if not is_zip:
        yield RawFile(file, path)
        return
    yield from _unpacked(path, file, findings)


def _unpacked(path: Path, file: str, findings: list[dict[str, Any]]) -> Iterator[RawFile]:
    """Yield a workbook itself, or the members of an archive; nothing that is not safe to read."""
    with zipfile.ZipFile(path) as archive:
        members = [info for info in archive.infolist() if not info.is_dir()]
    unsafe = {info.filename: why for info in members if (why := _unsafe(info))}
    if {"xl/workbook.xml", "content.xml"} & {info.filename for info in members}:
        for why in unsafe.values():
            raise SourceError(why, do="Save the sheet as CSV.")
        yield RawFile(file, path)
        return
    if sum(info.file_size for info in members) > MOST_UNPACKED:
        raise SourceError("The archive unpacks to more than 16 GiB.", where=file)
    times = Counter(info.filename for info in members)
    for name, number in times.items():
        inside = f"{file}/{name}"
        is_zip = name.lower().endswith(".zip")
        do = "Put the inner zip itself into the raw folder." if is_zip else "Unpack it and look."
        if name in unsafe:
            findings.append(_problem(inside, SourceError(unsafe[name], do=do)))
        elif number > 1:  # only the last of them could be reached by its name
            what = f"The archive holds {number} files of this name; none is read."
            findings.append(_problem(inside, SourceError(what, do="Unpack it and look.")))
        elif not _IGNORED.search(inside):
            yield RawFile(inside, path, name)


def _unsafe(info: zipfile.ZipInfo) -> str:
    """Say why a member of an archive is refused; empty when it is not."""
    name = info.filename
    path = PureWindowsPath(name)  # splits at / too, and knows drives
    leads_out = ".." in path.parts or bool(path.anchor)
    is_bomb = info.file_size > max(10 << 20, MOST_RATIO * max(info.compress_size, 1))
    reasons = {
        "The name inside the archive leads out of it; not read.": leads_out,
        "The archive is locked with a password; not read.": bool(info.flag_bits & 1),
        "Unpacks to more than 200 times its size; not read.": is_bomb,
        "An archive inside an archive; not read.": name.lower().endswith(".zip"),
    }
    return next((reason for reason, met in reasons.items() if met), "")
