"""Scan everything that is to be shared for what must not leave: `sna verify reports/...`."""

import base64
import binascii
import getpass
import html
import io
import re
import tomllib
import urllib.parse
import zipfile
from collections.abc import Iterable, Iterator
from importlib.resources import files
from pathlib import Path
from typing import NamedTuple

from sna.errors import DisclosureError, QualityError, UsageError
from sna.reporting.borough import check_folder

_DATA_URI = re.compile(r"data:[\w/+.-]*(?:;[\w=+.-]+)*;base64,([A-Za-z0-9+/=\s]+)")
_BLOB = re.compile(r"(?<![\w/+=])[A-Za-z0-9+/]{24,}={0,2}(?![\w/+=])")
_SHIPPED = {".html", ".csv", ".json", ".svg", ".txt", ".md", ".zip", ".xlsx"}
_DEEPEST = 6

_RULES = files("sna.definitions").joinpath("leak_rules.toml").read_text(encoding="utf-8")
RULES = {name: re.compile(pattern, re.M) for name, pattern in tomllib.loads(_RULES).items()}
_ONLY_OUTSIDE_DRAWINGS = "long coordinate"


class Leak(NamedTuple):
    """One thing that must not leave: file (and member inside it), rule, and the text met."""

    where: str
    rule: str
    found: str


def parts(name: str, content: bytes, depth: int = 0) -> Iterator[tuple[str, str]]:
    """Yield every text inside a file: itself, archive members, base64, decoded entities."""
    if depth > _DEEPEST:
        return
    if content[:4] == b"PK\x03\x04":
        try:
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                inside = {member: archive.read(member) for member in archive.infolist()}
        except (zipfile.BadZipFile, RuntimeError) as error:  # broken, or locked with a password
            raise DisclosureError("An archive cannot be opened, so not scanned.", where=name,
                                  found=error, do="Make the reports again.") from None  # fmt: skip
        for member, hidden in inside.items():
            where = f"{name}!{member.filename}"
            yield where, f"{member.filename}\n{member.comment.decode('latin-1')}"
            yield from parts(where, hidden, depth + 1)
        return
    text = _decode(content)
    plain = html.unescape(urllib.parse.unquote(text))
    coded = [match[1] for match in _DATA_URI.finditer(plain)]
    plain = _DATA_URI.sub("", plain)
    yield name, plain
    coded += _BLOB.findall(plain)
    for number, code in enumerate(coded):
        if decoded := _unbase64(code):
            yield from parts(f"{name} (base64 {number + 1})", decoded, depth + 1)


def _decode(content: bytes) -> str:
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return content.decode("utf-16", errors="replace")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("latin-1")


def _unbase64(code: str) -> bytes:
    try:
        inside = base64.b64decode(re.sub(r"\s", "", code), validate=True)
    except (binascii.Error, ValueError):
        return b""
    readable = sum(32 <= byte < 127 or byte in b"\r\n\t" for byte in inside[:200])
    return inside if inside[:2] == b"PK" or readable > 0.9 * len(inside[:200]) else b""


def _canary(value: str) -> re.Pattern[str]:
    """Match a planted value however it is written: 3137, 3,137, 3 137, 3137.0."""
    if value.isdigit() and len(value) > 3:
        whole, parted = value, f"{value[:-3]}[,\\s\u00a0\u202f]{value[-3:]}(?!,\\d{{3}})"
        return re.compile(rf"(?<![\d.])(?:{whole}|{parted})(?!\d|\.\d*[1-9])")
    return re.compile(re.escape(value))


def find_leaks(paths: Iterable[Path], *, root: Path, canaries: Iterable[str] = ()) -> list[Leak]:
    """Return every leak in some files; an empty list when there is none."""
    user = getpass.getuser()
    rules = RULES | {f"planted value {c}": _canary(c) for c in canaries}
    if len(user) > 4:
        rules["user name"] = re.compile(rf"\b{re.escape(user)}\b", re.I)
    leaks = {}
    for path in paths:
        name = path.relative_to(root).as_posix()
        if path.suffix not in _SHIPPED:
            leaks[name, path.suffix] = Leak(name, "kind of file that is never shared", path.suffix)
            continue
        for where, text in parts(name, path.read_bytes()):
            for rule, pattern in rules.items():
                found = pattern.search(text)
                if found and not (rule == _ONLY_OUTSIDE_DRAWINGS and "<svg" in text):
                    leaks.setdefault(
                        (name, rule + found[0]), Leak(where, rule, found[0].strip()[:60])
                    )
    return [*leaks.values()]


def verify_reports(folder: str | Path, *, canaries: Iterable[str] = ()) -> int:
    """Scan all that is to be shared (a folder, or one file); return the number of files read.

    A clean scan finds known kinds of leak only; it does not replace reading the pages. Raises
    `DisclosureError` (exit 4) for what must not leave, `canaries` included, in whatever wrapping,
    and `QualityError` (exit 5) if a page fails the checks of accessibility, links or size.
    """
    root = Path(folder)
    if not root.exists():
        raise UsageError("There is nothing to verify.", where=str(folder), do="Run `sna report`.")
    base = root.parent if root.is_file() else root
    paths = [root] if root.is_file() else [
        path for path in sorted(root.rglob("*"))
        if path.is_file() and not any(p.startswith(".") for p in path.relative_to(root).parts)
    ]  # fmt: skip
    if leaks := find_leaks(paths, root=base, canaries=canaries):
        raise DisclosureError(
            f"{len(leaks)} things must not leave this folder.",
            where=str(folder),
            found=[f"{leak.where}: {leak.rule} ({leak.found})" for leak in leaks],
            do="Find the table they come from, protect it, and make the reports again.",
        )
    for page_folder in sorted({path.parent for path in paths if path.suffix == ".html"}):
        check_folder(page_folder)
    if not paths:
        raise QualityError("The folder is empty.", where=str(folder), do="Run `sna report`.")
    return len(paths)
