"""Scan everything that is to be shared for what must not leave: `sna verify reports/...`."""

import base64
import binascii
import getpass
import html
import io
import re
import urllib.parse
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from sna.errors import DisclosureError, QualityError, UsageError
from sna.reporting.borough import check_folder

_DATA_URI = re.compile(r"data:[\w/+.-]*(?:;[\w=+.-]+)*;base64,([A-Za-z0-9+/=\s]+)")
_BLOB = re.compile(r"(?<![\w/+=])[A-Za-z0-9+/]{24,}={0,2}(?![\w/+=])")
_SHIPPED = {".html", ".csv", ".json", ".svg", ".txt", ".md", ".zip", ".xlsx"}
_LONDON = "E|EC|N|NW|SE|SW|W|WC|BR|CR|DA|EN|HA|IG|KT|RM|SM|TN|TW|UB|WD"
_LATITUDE, _LONGITUDE = r"5[01]\.[2-7]\d{5,}", r"-?0\.\d{6,}"
_DEEPEST = 6

RULES = {
    "crime reference": r"\b(?:\d{7}/\d{2}|\d{2}/\d{5,7}/\d{2}|CRN?:?\s?\d{6,})\b",
    "record id": r"\"(?:offence_id|person_id|crime_ref|victim_id|suspect_id|linked_id)\"?\s*[:,]"
    r"|^(?:[^\n]*,)?(?:offence_id|person_id|crime_ref|victim_id|suspect_id|uprn)(?:,|\s*$)",
    "coordinate": rf"(?<![\d.]){_LATITUDE}[\s,;\"']+{_LONGITUDE}|{_LONGITUDE}[\s,;\"']+{_LATITUDE}"
    r"|^(?:[^\n]*,)?(?:easting|northing|latitude|longitude)(?:,|\s*$)",
    "grid reference": r"(?<![\d.])5[0-6]\d{4}(?:\.\d+)?[\s,;]+(?:1[5-9]|20)\d{4}\.\d+",
    "postcode": rf"(?<![\w#])(?:{_LONDON})\d[A-Z\d]? ?\d[ABD-HJLNP-UW-Z]{{2}}(?![\w])",
    "date of birth": r"(?i)\b(?:date of birth|d\.?o\.?b\.?|uprn)\b\W{0,3}\d",
    "absolute path": r"(?<![\w.:/<])/(?:home|Users|root|tmp|var|mnt|opt|srv|private)/[\w.-]+"
    r"|\b[A-Za-z]:\\{1,2}\w+|file:///",
    "hidden sheet, row or column": r"<(?:sheet|row|col)\b[^>]*(?:state=\"\w*idden|hidden=\"1\")",
}  # fmt: skip
_COMPILED = {name: re.compile(pattern, re.M) for name, pattern in RULES.items()}
_LONG_NUMBER = re.compile(r"(?<![\d.])5[01]\.[2-7]\d{5,}(?!\d)")


@dataclass(frozen=True)
class Leak:
    """One thing that must not leave: file (and member inside it), rule, and the text met."""

    where: str
    rule: str
    found: str


def parts(name: str, content: bytes, depth: int = 0) -> Iterator[tuple[str, str]]:
    """Yield every text inside a file: itself, archive members, base64, decoded entities."""
    if depth > _DEEPEST:
        return
    if content[:4] == b"PK\x03\x04":
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for member in archive.infolist():
                inside = f"{name}!{member.filename}"
                yield inside, f"{member.filename}\n{member.comment.decode('latin-1')}"
                yield from parts(inside, archive.read(member), depth + 1)
        return
    text = _decode(content)
    plain = html.unescape(urllib.parse.unquote(text))
    coded = [match[1] for match in _DATA_URI.finditer(plain)]
    plain = _DATA_URI.sub("", plain)
    yield name, plain
    coded += _BLOB.findall(plain)
    for number, code in enumerate(coded):
        if hidden := _unbase64(code):
            yield from parts(f"{name} (base64 {number + 1})", hidden, depth + 1)


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


def find_leaks(files: Iterable[Path], *, root: Path, canaries: Iterable[str] = ()) -> list[Leak]:
    """Return every leak in some files; an empty list when there is none."""
    rules = dict(_COMPILED) | {f"planted value {c}": _canary(c) for c in canaries}
    user = getpass.getuser() if len(getpass.getuser()) > 4 else "\0"
    rules["user name"] = re.compile(rf"\b{re.escape(user)}\b", re.I)
    leaks = []
    for path in files:
        name = path.relative_to(root).as_posix()
        if path.suffix not in _SHIPPED:
            leaks.append(Leak(name, "kind of file that is never shared", path.suffix))
            continue
        seen = set()
        for where, text in parts(name, path.read_bytes()):
            local = dict(rules)
            if "<svg" not in text:
                local["long coordinate"] = _LONG_NUMBER
            for rule, pattern in local.items():
                if (match := pattern.search(text)) and (rule, match[0]) not in seen:
                    seen.add((rule, match[0]))
                    leaks.append(Leak(where, rule, match[0].strip()[:60]))
    return leaks


def verify_reports(folder: str | Path, *, canaries: Iterable[str] = ()) -> int:
    """Scan all that is to be shared and return the number of files read.

    A clean scan finds known kinds of leak only; it does not replace reading the pages.

    Parameters
    ----------
    folder
        A folder of reports, or one file.
    canaries
        Values planted in the confidential input that no shared file may hold.

    Raises
    ------
    DisclosureError
        If a planted value, record id, crime reference, fine coordinate, postcode, absolute path,
        user name or hidden part of a spreadsheet is met, in whatever wrapping (exit 4).
    QualityError
        If a page fails the checks of accessibility, links, placeholders or size (exit 5).
    """
    root = Path(folder)
    if not root.exists():
        raise UsageError("There is nothing to verify.", where=str(folder), do="Run `sna report`.")
    base = root.parent if root.is_file() else root
    files = [root] if root.is_file() else [
        path for path in sorted(root.rglob("*"))
        if path.is_file() and not any(p.startswith(".") for p in path.relative_to(root).parts)
    ]  # fmt: skip
    if leaks := find_leaks(files, root=base, canaries=canaries):
        raise DisclosureError(
            f"{len(leaks)} things must not leave this folder.",
            where=str(folder),
            found=[f"{leak.where}: {leak.rule} ({leak.found})" for leak in leaks],
            do="Find the table they come from, protect it, and make the reports again.",
        )
    for page_folder in sorted({path.parent for path in files if path.suffix == ".html"}):
        check_folder(page_folder)
    if not files:
        raise QualityError("The folder is empty.", where=str(folder), do="Run `sna report`.")
    return len(files)
