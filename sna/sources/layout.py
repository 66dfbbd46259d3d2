"""What a published layout is, what the first look at a file shows, and how the two are matched.

A file is recognised by the roles its columns can play: a heading that fits and values that fit,
never by its name. Layouts are rows of ``layouts/*.toml``, one file a publisher.
"""

import importlib
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
from pydantic import Field

from sna.definitions.strict import Strict
from sna.errors import SourceError

if TYPE_CHECKING:
    import pyarrow as pa

    from sna.sources.places import Places

# A month as a heading, once plain: 202303, 2023-03, 03/2023, 01/03/2023, Mar-23, a workbook's date
MONTH = (
    r"(19|20)\d\d ?(0[1-9]|1[0-2])( 01)?( ?t?00 00 00)?|(0?1 )?(0?[1-9]|1[0-2]) (19|20)\d\d"
    r"|(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]* ?(20)?\d\d"
)
FAULTY = 0.1  # of the rows first looked at; with more the file is of another layout


class Role(Strict):
    """What a column can be: a heading (regex on the plain text) and a pattern of its values.

    With ``by_values`` a column with another heading takes the role when its values alone say so;
    a column of mostly ``unique`` values is never encoded.
    """

    heading: str
    fits: str = ""
    needed: bool = True
    by_values: bool = False
    unique: bool = False


class Wide(Strict):
    """Columns whose headings hold a value, such as a month: each becomes rows of its own.

    ``cells`` are store columns with the headings that hold them; ``key`` is the role that the
    heading then plays; ``keys`` are the names that headings stand for, where they are none.
    """

    key: str
    cells: dict[str, str]
    keys: dict[str, str] = Field(default_factory=dict)
    least: int = 1
    blank_is_bad: bool = False
    zeros: bool = True
    wanted: str = ""


class Notice(Strict):
    """A finding about the rows whose value a converter gives no answer for."""

    column: str
    text: str


class Split(Strict):
    """Rows for which a column has an answer, and the table they go to."""

    column: str
    table: str
    constants: dict[str, str | int] = Field(default_factory=dict)


class Layout(Strict):
    """One published layout: its column roles, and how each column of the store comes from them.

    ``columns`` maps a store column to ``role: converter``, alternatives after a semicolon;
    ``must`` gives the reason why rows without an answer are rejected; ``absent`` is a pattern of
    headings that another layout has; ``keys`` are roles that no two rows share; a month before
    ``since`` is an error of the file.
    """

    id: str
    title: str
    roles: dict[str, Role]
    table: str
    publisher: str = ""
    licence: str = ""
    columns: dict[str, str] = Field(default_factory=dict)
    constants: dict[str, str | int] = Field(default_factory=dict)
    must: dict[str, str] = Field(default_factory=dict)
    wide: Wide | None = None
    absent: str = ""
    keys: tuple[str, ...] = ()
    since: str = "2000-01"
    notices: tuple[Notice, ...] = ()
    notes: tuple[str, ...] = ()
    split: Split | None = None
    kinds: tuple[str, ...] = ("csv", "xlsx", "ods", "parquet")
    is_reference: bool = False  # read before events: areas, lookups
    is_checked: bool = True  # against a real file
    refusal: str = ""  # why a file is known by name and still not read
    reader: str = "table"  # the module that reads it

    def read(self, sample: "FileSample", match: "Match", context: "ReadContext") -> "ReadResult":
        """Read the whole file through the module that the layout names."""
        if self.refusal:
            do = (
                "Take it out of the raw folder: recorded crime by area holds the same offences. "
                "Its sheets tell them several times over and are never added."
            )
            raise refuse(sample, self.refusal, do=do)
        result: ReadResult = importlib.import_module(f"sna.sources.{self.reader}").read(
            sample, match, context
        )
        return result


@dataclass(frozen=True)
class FileSample:
    """The first look at one table of a file: where it is, its headings and its first rows as text.

    ``file`` is the path inside the raw folder, ``zip/member`` for a member of an archive; ``path``
    the real file; ``sheet`` a sheet of a workbook or a layer of a GeoPackage.
    """

    file: str
    path: Path
    kind: str  # csv, xlsx, ods, parquet, vector
    columns: tuple[str, ...]
    rows: pd.DataFrame
    member: str = ""
    sheet: str = ""
    header_row: int = 0
    encoding: str = "utf-8"
    separator: str = ","
    facts: Mapping[str, Any] = field(default_factory=dict)
    texts: dict[str, Counter[str]] = field(default_factory=dict, repr=False)  # counted before

    def count_texts(self, name: str) -> Counter[str]:
        """Return what stands in a column, without blanks, and how often."""
        if name not in self.texts:
            there: Counter[str] = Counter()
            for value, rows in Counter(self.rows[name].to_numpy(object)).items():
                there["" if pd.isna(value) else str(value).strip()] += rows
            self.texts[name] = Counter({text: rows for text, rows in there.items() if text})
        return self.texts[name]


@dataclass(frozen=True)
class ReadContext:
    """What a reader may know beside its file."""

    file_id: int
    places: "Places"
    release_class: str = "open"


@dataclass
class ReadResult:
    """What came out of a file; ``rows`` raw rows = ``used`` + rows of ``rejects``."""

    tables: "dict[str, pd.DataFrame | pa.Table]"
    rows: int
    used: int
    rejects: pd.DataFrame = field(default_factory=lambda: no_rows("file", "reason", "rows"))
    findings: list[dict[str, Any]] = field(default_factory=list)
    variant: str = ""
    category_rows: dict[str, list[int]] | None = None  # wide files: raw lines of each category
    offence_rows: Any = None  # of people: the rows of their offences in the table of those


@dataclass(frozen=True)
class Match:
    """A layout that a file has, the file's heading for each role, and its wide columns by key."""

    layout: Layout
    columns: Mapping[str, str]
    wide: Mapping[str, Mapping[str, str]] = field(default_factory=dict)  # value -> key -> heading


@dataclass(frozen=True)
class Nearest:
    """The layout that an unrecognised file is nearest to, and what differs.

    It `is_near` when it has more than half of what the layout needs: a file of that publisher
    whose columns have changed, rather than another table.
    """

    title: str
    differs: str
    is_near: bool = False


@lru_cache(maxsize=4096)
def plain_heading(heading: str) -> str:
    """Return a heading in lower case with single blanks for punctuation and no byte-order mark.

    >>> plain_heading("LookUp_BoroughName ")
    'lookup boroughname'
    """
    return re.sub(r"[^0-9a-z+%]+", " ", heading.lstrip("\ufeff").casefold()).strip()


def _fits(texts: Counter[str], pattern: str, *, blank: bool) -> bool:
    """Say whether nine in ten of the values fit `pattern`; `blank` is the answer for none."""
    fitting = sum(number for text, number in texts.items() if re.fullmatch(pattern, text))
    return fitting >= (1 - FAULTY) * texts.total() if texts else blank


def find_roles(sample: FileSample, layout: Layout) -> tuple[dict[str, str], list[str]]:
    """Return the file's heading for each role of `layout`, and the needed roles nothing plays."""
    found: dict[str, str] = {}
    for role, rule in layout.roles.items():
        free = [name for name in sample.columns if name not in found.values()]
        named = [name for name in free if re.fullmatch(rule.heading, plain_heading(name))]
        if rule.fits:
            named = [n for n in named if _fits(sample.count_texts(n), rule.fits, blank=True)]
        if not named and rule.by_values:
            named = [n for n in free if _fits(sample.count_texts(n), rule.fits, blank=False)]
        if len(named) > 1 and layout.wide and role in layout.keys:  # the finest tells rows apart
            named.sort(key=lambda name: -sample.rows[name].nunique())
        if named:
            found[role] = named[0]
    missing = [role for role, rule in layout.roles.items() if rule.needed and role not in found]
    return found, missing


def _find_wide(sample: FileSample, wide: Wide) -> dict[str, dict[str, str]]:
    """Return the heading of each key for each store column that stands in wide columns."""
    found: dict[str, dict[str, str]] = {cell: {} for cell in wide.cells}
    for cell, words in wide.cells.items():
        pattern = words.replace("MONTH", MONTH)
        plain = {name: plain_heading(name) for name in sample.columns}
        for name in (name for name in plain if re.fullmatch(pattern, plain[name])):
            named = [key for key, words in wide.keys.items() if re.search(words, plain[name])]
            if named or not wide.keys:
                found[cell].setdefault(named[0] if named else name, name)
    return found


@lru_cache(maxsize=4096)  # most files of a folder have the headings of another
def _is_there(pattern: str, headings: tuple[str, ...]) -> bool:
    return any(re.fullmatch(pattern, plain_heading(name)) for name in headings)


def match_layout(sample: FileSample, layout: Layout) -> Match | None:
    """Return how `sample` fills `layout`; None when something is missing, or speaks against it."""
    headings = tuple(sample.columns)
    by_name = (r.heading for r in layout.roles.values() if r.needed and not r.by_values)
    if sample.kind not in layout.kinds or (layout.absent and _is_there(layout.absent, headings)):
        return None
    # before the values are looked at, which takes long
    if not all(_is_there(pattern, headings) for pattern in by_name):
        return None
    wide = _find_wide(sample, layout.wide) if layout.wide else {}
    if layout.wide and len(next(iter(wide.values()))) < layout.wide.least:
        return None
    columns, missing = find_roles(sample, layout)
    if missing or layout.wide is None:
        return None if missing else Match(layout, columns)
    # a few rows that contradict each other are faults of theirs, and are rejected one by one
    keys = [columns[role] for role in layout.keys if role in columns]
    distinct = sample.rows.drop_duplicates() if keys else sample.rows
    is_finer = bool(keys) and distinct.duplicated(keys).sum() > FAULTY * len(sample.rows)
    return None if is_finer else Match(layout, columns, wide)


def find_nearest(sample: FileSample, layouts: list[Layout]) -> Nearest:
    """Return the layout with the largest share of its needed roles, and what `sample` lacks.

    A layout whose wide columns are not there counts half a share less.
    """
    best, rank = Nearest("no known layout", ""), (0.0, 0)
    for layout in layouts:
        if sample.kind not in layout.kinds or layout.refusal:
            continue
        found, missing = find_roles(sample, layout)
        # a blank column fits any pattern, and says nothing of what the file is
        blank = [
            r for r, name in found.items() if len(sample.rows) and not sample.count_texts(name)
        ]
        share = (len(found) - len(blank)) / max(len(found) + len(missing), 1)
        wants = [f"no column for {role.replace('_', ' ')}" for role in missing]
        wide = layout.wide
        lacks = wide and len(next(iter(_find_wide(sample, wide).values()))) < wide.least
        wants += [f"no column for each {wide.key}"] if wide and lacks else []
        near = share - (0.5 if lacks else 0)
        if share >= 0.3 and (near, len(found)) > rank:
            differs = "; ".join(wants) or "a column belongs to another kind of table"
            best, rank = Nearest(layout.title, differs, near > 0.5), (near, len(found))
    headings = f"headings: {', '.join(sample.columns[:8]) or 'none'}"
    return best if best.differs else replace(best, differs=headings)


def check_headings(sample: FileSample, used: Iterable[str]) -> None:
    """Raise `SourceError` when a heading that is used stands over two columns."""
    wanted = set(used)
    repeats = (name.removesuffix(f" ({n})") for n, name in enumerate(sample.columns, start=1))
    pairs = zip(repeats, sample.columns, strict=True)
    if twice := [plain for plain, name in pairs if plain != name and plain in wanted]:
        what = "Two columns have the same heading, so it is unknown which of them counts."
        raise refuse(sample, what, found=twice, do="Delete one of them, or rename it.")


def no_rows(*columns: str) -> pd.DataFrame:
    """Return an empty table with these columns."""
    return pd.DataFrame({name: pd.Series(dtype="object") for name in columns})


def make_finding(
    finding: str, *, severity: str = "information", rows: int | None = None, action: str = ""
) -> dict[str, Any]:
    """Return one finding; the build adds the file it is about."""
    return {"severity": severity, "finding": finding, "rows": rows, "action": action}


def refuse(sample: FileSample, what: str, *, found: Any = "", do: str = "") -> SourceError:
    """Return the error that says this file cannot be read as what it claims to be."""
    return SourceError(what, where=sample.file, found=found, do=do)
