"""The raw folder as a whole: every file looked at, recognised, and read; nothing passed over."""

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pandas as pd

from sna.errors import SnaError, SourceError
from sna.schemas.checksum import hash_file
from sna.sources import recognise
from sna.sources.extract import read_extract
from sna.sources.files import RawFile, find_files
from sna.sources.layout import (
    FileSample,
    Match,
    Nearest,
    ReadContext,
    ReadResult,
    make_finding,
    refuse,
)
from sna.sources.mapping import Mapping, read_mapping
from sna.sources.text import sample_file

SIMULATED = "simulated"
_FACTS = ("layout", "title", "publisher", "licence", "release_class")


@dataclass(frozen=True)
class Item:
    """One table of a raw file: what it was recognised as, or why it cannot be read."""

    raw: RawFile
    sample: FileSample | None = None
    match: Match | None = None
    mapping: Mapping | None = None
    people: FileSample | None = None
    problem: dict[str, Any] = field(default_factory=dict)
    copy_of: str = ""
    is_only: bool = False  # extract of the folder

    @property
    def paths(self) -> tuple[Path, ...]:
        """Return the files that it is read from: an extract can have one of people."""
        return (self.raw.path, *([self.people.path] if self.people else []))

    @property
    def name(self) -> str:
        """Path inside the raw folder, with the sheet when a workbook has several tables."""
        sheet = self.sample.sheet if self.sample and self.sample.kind in ("xlsx", "ods") else ""
        return f"{self.raw.file}#{sheet}" if sheet else self.raw.file

    @property
    def is_reference(self) -> bool:
        """Say whether it must be read before rows can be placed."""
        return self.match is not None and self.match.layout.is_reference

    @property
    def facts(self) -> dict[str, str]:
        """What it is and who may use it."""
        if (own := self.mapping) is not None:
            title = own.title or "Record extract"
            told = ("extract", title, own.publisher, own.licence, own.release_class)
        elif self.match is not None:
            known = self.match.layout
            told = (known.id, known.title, known.publisher, known.licence, "open")
        else:
            told = ("", "", "", "", "open")
        return dict(zip(_FACTS, told, strict=True))


def look_at(
    raw: Path, known: frozenset[tuple[str, str]] = frozenset()
) -> tuple[list[Item], list[dict[str, Any]], bool]:
    """Return every table below `raw`, findings about what was refused, and whether one is gone.

    Files that are `known` by name and SHA-256 are passed over; gone means that a known file, or a
    mapping, is not as it was.
    """
    if not raw.is_dir():
        what = "That is a file, not a folder." if raw.exists() else "There is no such folder."
        raise SourceError(what, where=str(raw), do="Name the folder that the raw files lie in.")
    files, findings = find_files(raw)
    with ThreadPoolExecutor(2) as pool:
        seen = {(f.file, h) for f, h in zip(files, pool.map(hash_raw, files), strict=True) if known}
    new = [file for file in files if not known or (file.file, hash_raw(file)) not in known]
    items = [item for file in new for item in _look(file)]
    taken = {item.people.file for item in items if item.people}
    items = [item for item in items if item.mapping or item.raw.file not in taken]
    simulated = [file.file for file in files if is_simulated(raw, file.file)]
    real = [i.raw.file for i in items if not is_simulated(raw, i.raw.file) and not i.problem]
    if simulated and real:
        what = f"{len(real)} real files lie beside simulated ones: their counts must never mix."
        do = "Move data/raw/simulated away (make clean), or build from another folder."
        raise SourceError(what, where=raw.name, found=real, do=do)
    items = _pass_people(_pass_copies(items))
    if len(extracts := [at for at, item in enumerate(items) if item.mapping]) == 1:
        items[extracts[0]] = replace(items[extracts[0]], is_only=True)
    return items, findings, bool(known - seen)


def _pass_people(items: list[Item]) -> list[Item]:
    """Return the items; an extract whose people file an earlier one names has a problem."""
    first: dict[Path, str] = {}
    found = []
    for item in items:
        path = item.people.path if item.people else None
        if path and (before := first.setdefault(path, item.name)) != item.name:
            text = f"Its people file {path.name} is that of {before}: people would count twice."
            do = "Put the records into one file, or name a people file of its own."
            item = replace(item, problem=make_finding(text, severity="error", action=do))
        found.append(item)
    return found


def _pass_copies(items: list[Item]) -> list[Item]:
    """Return the items; one with the same bytes as an item before is not read again."""
    sizes = Counter(path.stat().st_size for path in {item.raw.path for item in items})
    first: dict[tuple[str, ...], str] = {}
    hashes: dict[Path, str] = {}
    found = []
    for item in items:
        path = item.raw.path
        if not item.problem and item.sample and sizes[path.stat().st_size] > 1:
            hashes.setdefault(path, hash_raw(item.raw))
            key = (hashes[path], item.raw.member, item.sample.sheet)
            if (before := first.setdefault(key, item.name)) != item.name:
                said = make_finding(f"The same bytes as {before}: read once.")
                item = replace(item, problem=said, copy_of=before)
        found.append(item)
    return found


def hash_raw(raw: RawFile) -> str:
    """Return the SHA-256 of a file, with that of its mapping where it has one."""
    try:
        mapping = _mapping_path(raw)
        return hash_file(raw.path) + (hash_file(mapping)[:8] if mapping else "")
    except OSError:
        return ""


def is_simulated(raw: Path, file: str) -> bool:
    """Say whether a file comes from the simulated London, also when it was moved."""
    *folders, name = file.split("/")
    return SIMULATED in (*folders, raw.name) or name.startswith(f"{SIMULATED}_")


def _mapping_path(raw: RawFile) -> Path | None:
    names = (raw.path.with_suffix(".mapping.toml"), Path(f"{raw.path}.mapping.toml"))
    return next((path for path in names if path.is_file() and not raw.member), None)


def _look(raw: RawFile) -> Iterator[Item]:
    """Yield the tables of one file; a file that cannot be read is yielded with its problem."""
    try:
        if mapping := _mapping_path(raw):
            yield _extract(raw, read_mapping(mapping))
            return
        samples = sample_file(raw)
        matches = [recognise(sample) for sample in samples]
        is_read = any(isinstance(match, Match) for match in matches)
        for sample, match in zip(samples, matches, strict=True):
            if isinstance(match, Match):
                yield Item(raw, sample, match)
            else:
                yield Item(raw, sample, problem=_unknown(sample, match, beside_known=is_read))
    except SnaError as error:
        yield Item(raw, problem=make_finding(error.what, severity="error", action=error.do))
    except OSError as error:
        text = f"Cannot be opened: {error.strerror or error}."
        yield Item(raw, problem=make_finding(text, severity="error", action="Check its rights."))


def _unknown(sample: FileSample, nearest: Nearest, *, beside_known: bool) -> dict[str, Any]:
    """Return what to say of a table without a known layout.

    One that is nearly a table we read is an error: its figures would be missed. Another table is a
    warning; beside a known sheet of its workbook, only a note, since covers and notes are usual.
    """
    severity = "error" if nearest.is_near else "information" if beside_known else "warning"
    text = f"Not recognised, so not used. Nearest: {nearest.title}; {nearest.differs}."
    act = "Rename or add the columns, or write a mapping: sna mapping new FILE."
    if not sample.columns:
        text, act = "The table is empty.", "Download it again."
    return make_finding(text, severity=severity, action="" if severity == "information" else act)


def _extract(raw: RawFile, mapping: Mapping) -> Item:
    people = None
    if mapping.people:
        name, file = mapping.people.file, str(Path(raw.file).with_name(mapping.people.file))
        beside = RawFile(file, raw.path.with_name(name))
        if not beside.path.is_file():
            what = "The people file that the mapping names is not there."
            raise SourceError(what, where=raw.file, found=name)
        people = sample_file(beside)[0]
    return Item(raw, sample_file(raw)[0], mapping=mapping, people=people)


def read_item(item: Item, context: ReadContext) -> list[tuple[str, ReadResult]]:
    """Return file name and result of an item: one, or two for an extract with a people file."""
    assert item.sample is not None
    if item.mapping is None:
        assert item.match is not None
        return [(item.name, item.match.layout.read(item.sample, item.match, context))]
    if item.mapping.undated:
        what = "The mapping says that its rows have no date: no month of any report is theirs."
        do = "Name the column of the date, or band the file alone with sna classify."
        raise refuse(item.sample, what, do=do)
    today, number = pd.Timestamp.now().normalize(), context.file_id
    beside: dict[str, Any] = {"people": item.people, "places": context.places}
    results = read_extract(item.sample, item.mapping, today=today, file_id=number, **beside)
    names = [item.name, *([item.people.file] if item.people else [])]
    return list(zip(names, results, strict=True))
