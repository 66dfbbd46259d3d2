"""The raw folder as a whole: every file looked at, recognised, and read; nothing passed over."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from sna.errors import SnaError, SourceError
from sna.sources import recognise
from sna.sources.extract import read_extract
from sna.sources.files import RawFile, find_files, hash_file
from sna.sources.layout import FileSample, Match, ReadContext, ReadResult, make_finding
from sna.sources.mapping import Mapping, read_mapping
from sna.sources.text import sample_file

SIMULATED = "simulated"


@dataclass(frozen=True)
class Item:
    """One table of a raw file: what it was recognised as, or why it cannot be read."""

    raw: RawFile
    layout: str = ""
    title: str = ""
    publisher: str = ""
    licence: str = ""
    release_class: str = "open"
    sample: FileSample | None = None
    match: Match | None = None
    mapping: Mapping | None = None
    people: FileSample | None = None
    problem: dict[str, Any] = field(default_factory=dict)

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
    def sha256(self) -> str:
        """SHA-256 of the file on disk; for a member, of its archive."""
        return _hash_of(self.raw)

    @property
    def people_sha256(self) -> str:
        """SHA-256 of the people file of an extract."""
        return hash_file(self.people.path) if self.people else ""


def look_at(
    raw: Path, known: frozenset[tuple[str, str]] = frozenset()
) -> tuple[list[Item], list[dict[str, Any]], bool]:
    """Return every table below `raw`, findings about what was refused, and whether one is gone.

    Files that are `known` by name and SHA-256 are passed over; gone means that a known file, or a
    mapping, is not as it was.
    """
    if not raw.is_dir():
        raise SourceError("There is no such folder.", where=str(raw), do="Name the raw folder.")
    files, findings = find_files(raw)
    with ThreadPoolExecutor(2) as pool:
        hashes = dict(zip(files, pool.map(_hash_of, files), strict=True)) if known else {}
    seen = {(file.file, hashes[file]) for file in files if known}
    new = [file for file in files if not known or (file.file, hashes[file]) not in known]
    items = [item for file in new for item in _look(file)]
    taken = {item.people.file for item in items if item.people}
    items = [item for item in items if item.mapping or item.raw.file not in taken]
    simulated = [file.file for file in files if _is_simulated(raw, file.file)]
    real = [i.raw.file for i in items if not _is_simulated(raw, i.raw.file) and not i.problem]
    if simulated and real:
        raise SourceError(
            f"{len(real)} real files lie beside simulated ones: their counts must never mix.",
            where=raw.name, found=real,
            do="Move data/raw/simulated away (make clean), or build from another folder.",
        )  # fmt: skip
    return items, findings, bool(known - seen)


def _hash_of(raw: RawFile) -> str:
    """Return the SHA-256 of a file, with that of its mapping where it has one."""
    try:
        mapping = _mapping_path(raw)
        return hash_file(raw.path) + (hash_file(mapping)[:8] if mapping else "")
    except OSError:
        return ""


def _is_simulated(raw: Path, file: str) -> bool:
    *folders, name = file.split("/")
    return SIMULATED in (*folders, raw.name) or name.startswith(f"{SIMULATED}_")


def is_simulated(raw: Path, items: list[Item]) -> bool:
    """Say whether any file lies in the folder of the simulated London."""
    return any(_is_simulated(raw, item.raw.file) for item in items)


def _mapping_path(raw: RawFile) -> Path | None:
    names = (raw.path.with_suffix(".mapping.toml"), Path(f"{raw.path}.mapping.toml"))
    return next((path for path in names if path.is_file() and not raw.member), None)


def _look(raw: RawFile) -> Iterator[Item]:
    """Yield the tables of one file; a file that cannot be read is yielded with its problem."""
    try:
        if mapping := _mapping_path(raw):
            yield _extract(raw, read_mapping(mapping))
            return
        for sample in sample_file(raw):
            found = recognise(sample)
            if isinstance(found, Match):
                known = found.layout
                yield Item(raw, known.id, known.title, known.publisher, known.licence,
                           sample=sample, match=found)  # fmt: skip
                continue
            text = f"Not recognised. Nearest: {found.title}; {found.differs}."
            act = "Rename or add the columns, or write a mapping: sna mapping new FILE."
            yield Item(
                raw, sample=sample, problem=make_finding(text, severity="warning", action=act)
            )
    except SnaError as error:
        yield Item(raw, problem=make_finding(error.what, severity="error", action=error.do))
    except OSError as error:
        text = f"Cannot be opened: {error.strerror or error}."
        yield Item(raw, problem=make_finding(text, severity="error", action="Check its rights."))


def _extract(raw: RawFile, mapping: Mapping) -> Item:
    people = None
    if mapping.people:
        beside = RawFile(str(Path(raw.file).with_name(mapping.people.file)),
                         raw.path.with_name(mapping.people.file))  # fmt: skip
        if not beside.path.is_file():
            raise SourceError("The people file that the mapping names is not there.",
                              where=raw.file, found=mapping.people.file)  # fmt: skip
        people = sample_file(beside)[0]
    return Item(
        raw, "extract", mapping.title or "Record extract", mapping.publisher, mapping.licence,
        mapping.release_class, sample_file(raw)[0], None, mapping, people,
    )  # fmt: skip


def read_item(item: Item, context: ReadContext) -> list[tuple[str, ReadResult]]:
    """Return file name and result of an item: one, or two for an extract with a people file."""
    assert item.sample is not None
    if item.mapping is None:
        assert item.match is not None
        return [(item.name, item.match.layout.read(item.sample, item.match, context))]
    results = read_extract(
        item.sample, item.mapping, today=pd.Timestamp.now().normalize(), file_id=context.file_id,
        people=item.people,
    )  # fmt: skip
    names = [item.name, *([item.people.file] if item.people else [])]
    return list(zip(names, results, strict=True))
