"""Scan everything that is to be shared for what must not leave: `sna verify reports/...`."""

import base64
import binascii
import getpass
import hashlib
import html
import io
import json
import math
import re
import struct
import urllib.parse
import zipfile
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import NamedTuple

from sna.definitions.strict import read_toml
from sna.errors import DisclosureError, QualityError, UsageError
from sna.reporting.lint import RULES as PAGE_RULES
from sna.reporting.lint import check_pages

_DATA_URI = re.compile(r"data:[\w/+.-]*(?:;[\w=+.-]+)*;base64,([A-Za-z0-9+/=\s]+)")
_BLOB = re.compile(r"(?<![\w/+=])[A-Za-z0-9+/]{24,}={0,2}(?![\w/+=])")
_SHIPPED = {".html", ".csv", ".json", ".svg", ".txt", ".md", ".zip", ".xlsx"}
_PARTS = {*_SHIPPED, ".xml", ".rels"}  # of an archive or spreadsheet
_DEEPEST = 6
_ESCAPE = re.compile(r"\\u([0-9A-Fa-f]{4})|_x([0-9A-Fa-f]{4})_")  # of JSON, of spreadsheets
_UNSEEN = re.compile("[\u00ad\u200b-\u200f\u2060\ufeff]")  # characters without width
_WITHIN = "a|abbr|b|code|em|font|i|mark|r|rPr|small|span|strong|su[bp]|t|tspan|u|wbr"
_INLINE = re.compile(rf"</?(?:{_WITHIN})\b[^<>]*>|<!--.*?-->", re.DOTALL)  # a word goes on
_TEXTS = read_toml(Path(__file__).parent.parent / "definitions" / "leak_rules.toml")
RULES = {name: re.compile(pattern, re.MULTILINE) for name, pattern in _TEXTS.items()}
KIND = "kind of file that is never shared"
_OUTSIDE = "long coordinate"  # only outside drawings
_CELLS, _CELL_M = "grid reference", 100  # the finest cells whose middles may be shared, in metres


class Leak(NamedTuple):
    """One thing that must not leave: file (and member inside it), rule, and the text met."""

    where: str
    rule: str
    found: str


def parts(name: str, content: bytes, depth: int = 0) -> Iterator[tuple[str, str]]:
    """Yield every text inside a file, each way it reads: itself, archive members, base64."""
    if depth > _DEEPEST:
        return
    if content[:4] == b"PK\x03\x04" or zipfile.is_zipfile(io.BytesIO(content)):
        members, beside = _opened(name, content)
        yield name, beside
        for member, hidden in members.items():
            yield from parts(f"{name}!{member}", hidden, depth + 1)
        return
    written = _decode(content)
    plain = _unescaped(written)
    coded = [match[1] for match in _DATA_URI.finditer(plain)]
    written, plain = (_DATA_URI.sub(_head_of_uri, text) for text in (written, plain))
    for text in dict.fromkeys([written, plain, _without_tags(plain)]):
        yield name, text
    for number, code in enumerate(coded + _BLOB.findall(plain), 1):
        if decoded := _unbase64(code):
            yield from parts(f"{name} (base64 {number})", decoded, depth + 1)


def _head_of_uri(uri: re.Match[str]) -> str:
    return uri[0].partition(",")[0]


def _unescaped(text: str) -> str:
    """Read percent signs, entities and escapes of JSON and spreadsheets, also within each other.

    Characters without width, which would part a word unseen, are left out.
    """
    for _ in range(_DEEPEST):
        before = text
        text = _ESCAPE.sub(lambda code: chr(int(code[1] or code[2], 16)), text.replace("\\/", "/"))
        text = _UNSEEN.sub("", html.unescape(urllib.parse.unquote(text)))
        if text == before:
            break
    return text


def _without_tags(text: str) -> str:
    """Return the words between tags: those of one line together, cells and blocks apart."""
    return re.sub(r"\s*<[^<>]+>\s*", "\n", _INLINE.sub("", text)) if "<" in text else text


def _opened(name: str, content: bytes) -> tuple[dict[str, bytes], str]:
    """Return the members of an archive, and all that stands beside them: names, comments, gaps."""
    beside = bytearray(content)
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for one in archive.infolist():
                lengths = struct.unpack_from("<2H", content, one.header_offset + 26)
                at = one.header_offset + 30 + sum(lengths)
                beside[at : at + one.compress_size] = bytes(one.compress_size)
            members = {one.filename: archive.read(one) for one in archive.infolist()}
    except (zipfile.BadZipFile, RuntimeError) as error:  # broken, or locked with a password
        what, do = "An archive cannot be opened, so not scanned.", "Make the reports again."
        raise DisclosureError(what, where=name, found=error, do=do) from None
    return members, beside.decode("latin-1")


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


def _name(user: str) -> re.Pattern[str]:
    """Match a user's name; a short one is a word too, so only as a whole value or in a path."""
    if len(user) > 4:
        return re.compile(rf"\b{re.escape(user)}\b", re.IGNORECASE)
    ends = r"""(?=[<"',;@/\\]|$)"""
    return re.compile(rf"""(?:^|(?<=[>"',;/\\])){re.escape(user)}{ends}""", re.MULTILINE)


def _are_cells(pairs: list[str]) -> bool:
    """Say whether grid references are the middles of cells: whole steps apart, and no fractions."""
    east = sorted({pair[:6] for pair in pairs})
    steps = [int(one) - int(east[0]) for one in east]
    return len(steps) > 2 and math.gcd(*steps) >= _CELL_M and "." not in "".join(pairs)


def _met(rule: str, pattern: re.Pattern[str], text: str) -> list[str]:
    """Return what a rule meets in a text, without pixel positions and middles of cells."""
    if rule == _OUTSIDE and "<svg" in text:
        return []
    met = [found[0].strip()[:60] for found in pattern.finditer(text)]
    return [] if rule == _CELLS and _are_cells(met) else met


def find_leaks(paths: Iterable[Path], *, root: Path, canaries: Iterable[str] = ()) -> list[Leak]:
    """Return every leak in some files; an empty list when there is none."""
    rules = RULES | {f"planted value {canary}": _canary(canary) for canary in canaries}
    if len(user := getpass.getuser()) > 2:
        rules["user name"] = _name(user)
    leaks: dict[tuple[str, str, str], Leak] = {}
    for path in paths:
        name = path.relative_to(root).as_posix()
        if path.suffix not in _SHIPPED:
            leaks[name, KIND, ""] = Leak(name, KIND, path.suffix)
            continue
        for where, text in chain([(name, name)], parts(name, path.read_bytes())):
            member = where.rpartition("!")[2].partition(" (base64")[0]
            if not member.endswith(tuple(_PARTS)):
                leaks[where, KIND, ""] = Leak(where, KIND, member)
            for rule, pattern in rules.items():
                for said in _met(rule, pattern, text):
                    leaks.setdefault((name, rule, said), Leak(where, rule, said))
    return [*leaks.values()]


def _has_gap(path: Path) -> bool:
    return re.search(PAGE_RULES["cells"]["gap"], path.read_text(encoding="utf-8-sig")) is not None


def find_strays(paths: Iterable[Path]) -> tuple[list[Leak], list[str]]:
    """Compare files with the run records beside them: those no run made, and those changed since.

    Folders without a `run.json` are not compared.
    """
    strays, faults = [], []
    for record in (path for path in paths if path.name == "run.json"):
        made = json.loads(record.read_text(encoding="utf-8")).get("outputs", [])
        known = {one["path"]: one["sha256"] for one in made}
        for path in (path for path in paths if record.parent in path.parents and path != record):
            name = path.relative_to(record.parent).as_posix()
            if name not in known:
                strays.append(Leak(name, "file that no run made", path.suffix))
            elif known[name] != hashlib.sha256(path.read_bytes()).hexdigest():
                faults.append(f"{name} was changed since it was made")
    return strays, faults


def verify_reports(folder: str | Path, *, canaries: Iterable[str] = ()) -> int:
    """Scan all that is to be shared (a folder, or one file); return the number of files read.

    A clean scan finds known kinds of leak only; it does not replace reading the pages. Raises
    `DisclosureError` (exit 4) for what must not leave, `canaries` included, in whatever wrapping,
    and `QualityError` (exit 5) if a page fails the checks of accessibility, links or size, or a
    file is not as the run record beside it says.
    """
    root = Path(folder)
    if not root.exists():
        raise UsageError("There is nothing to verify.", where=str(folder), do="Run `sna report`.")
    base = root.parent if root.is_file() else root
    found = [root] if root.is_file() else sorted(path for path in root.rglob("*") if path.is_file())
    hidden = {p for p in found if any(n.startswith(".") for n in p.relative_to(base).parts)}
    hidden |= {base / "last_run.json"} - {root}  # of the machine's own runs; it is not shared
    paths = [path for path in found if path not in hidden]
    strays, faults = find_strays(paths)
    if leaks := strays + find_leaks(paths, root=base, canaries=canaries):
        do = "Find the table they come from, protect it, and make the reports again."
        said = [f"{leak.where}: {leak.rule} ({leak.found})" for leak in leaks]
        what = f"Things that must not leave this folder: {len(leaks)}."
        raise DisclosureError(what, where=root.name, found=said, do=do)
    if faults:
        do = "Make the reports again: change a notebook or the data, not a page."
        what = f"Files that were changed: {len(faults)}."
        raise QualityError(what, where=root.name, found=faults, do=do)
    gaps = [path.name for path in paths if path.suffix == ".csv" and _has_gap(path)]
    if gaps:
        do = "Say why a cell is empty with its shorthand, and make the reports again."
        raise QualityError("Files hold unexplained cells.", where=root.name, found=gaps, do=do)
    check_pages(*(path for path in paths if path.suffix == ".html"))
    if not paths:
        raise QualityError("The folder is empty.", where=str(folder), do="Run `sna report`.")
    return len(paths)
