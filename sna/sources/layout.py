"""What a published layout is, what the first look at a file shows, and how the two are matched.

A file is recognised by the roles its columns can play: a heading that fits and values that fit,
never by its name. A reader module lists its `Layout` objects in ``LAYOUTS``.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from sna.errors import SourceError

if TYPE_CHECKING:
    import pyarrow as pa

    from sna.sources.places import Places


MONTH_HEADING = re.compile(r"(19|20)\d\d[-_/ ]?(0[1-9]|1[0-2])")


@dataclass(frozen=True)
class Role:
    """What a column can be: a heading (regex on the plain text) and a pattern of its values.

    With ``by_values`` a column with another heading takes the role when its values alone say so.
    """

    heading: str
    pattern: str = ""
    needed: bool = True
    by_values: bool = False


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
    category_rows: dict[str, int] | None = None  # wide files: raw rows of each category


@dataclass(frozen=True)
class Layout:
    """One published layout: what it is called, who may use it, and its column roles."""

    id: str
    title: str
    publisher: str
    licence: str
    roles: Mapping[str, Role]
    read: Callable[[FileSample, "Match", ReadContext], ReadResult]
    tables: tuple[str, ...] = ("offences",)
    kinds: tuple[str, ...] = ("csv", "xlsx", "ods", "parquet")
    months_wide: bool = False
    is_reference: bool = False  # read before events: areas, lookups
    refine: Callable[[FileSample, "Match"], "Match | None"] | None = None


@dataclass(frozen=True)
class Match:
    """A layout that a file has, and the file's heading for each role."""

    layout: Layout
    columns: Mapping[str, str]
    months: tuple[str, ...] = ()
    variant: str = ""


@dataclass(frozen=True)
class Nearest:
    """The layout that an unrecognised file is nearest to, and what differs."""

    title: str
    differs: str


def plain_heading(heading: str) -> str:
    """Return a heading in lower case with single blanks for punctuation and no byte-order mark.

    >>> plain_heading("LookUp_BoroughName ")
    'lookup boroughname'
    """
    return re.sub(r"[^0-9a-z+%]+", " ", heading.lstrip("\ufeff").casefold()).strip()


def _fits(values: pd.Series, pattern: str, *, blank: bool) -> bool:
    """Say whether nine in ten of the values fit `pattern`; `blank` is the answer for none."""
    there = values.dropna().astype(str).str.strip()
    there = there[there != ""]
    return blank if there.empty else bool(there.str.fullmatch(pattern).mean() >= 0.9)


def find_roles(sample: FileSample, layout: Layout) -> tuple[dict[str, str], list[str]]:
    """Return the file's heading for each role of `layout`, and the needed roles nothing plays."""
    found: dict[str, str] = {}
    for role, rule in layout.roles.items():
        free = [name for name in sample.columns if name not in found.values()]
        named = [name for name in free if re.fullmatch(rule.heading, plain_heading(name))]
        if rule.pattern:
            named = [n for n in named if _fits(sample.rows[n], rule.pattern, blank=True)]
        if not named and rule.by_values:
            named = [n for n in free if _fits(sample.rows[n], rule.pattern, blank=False)]
        if named:
            found[role] = named[0]
    missing = [role for role, rule in layout.roles.items() if rule.needed and role not in found]
    return found, missing


def match_layout(sample: FileSample, layout: Layout) -> Match | None:
    """Return how `sample` fills `layout`, or None when a needed role or wide month is missing."""
    if sample.kind not in layout.kinds:
        return None
    columns, missing = find_roles(sample, layout)
    months = tuple(
        name
        for name in sample.columns
        if MONTH_HEADING.fullmatch(name.strip()) and name not in columns.values()
    )
    if missing or (layout.months_wide and not months):
        return None
    match = Match(layout, columns, months if layout.months_wide else ())
    return layout.refine(sample, match) if layout.refine else match


def find_nearest(sample: FileSample, layouts: list[Layout]) -> Nearest:
    """Return the layout with the largest share of its needed roles, and what `sample` lacks."""

    def share(layout: Layout) -> float:
        found, missing = find_roles(sample, layout)
        return (len(found) + 0.001) / (len(found) + len(missing) + 0.001)

    usable = [layout for layout in layouts if sample.kind in layout.kinds]
    best = max(usable, key=share, default=None)
    if best is None or share(best) < 0.3:
        return Nearest("no known layout", f"headings: {', '.join(sample.columns[:8]) or 'none'}")
    _, missing = find_roles(sample, best)
    wants = [f"no column for {role.replace('_', ' ')}" for role in missing]
    if best.months_wide and not any(MONTH_HEADING.fullmatch(c.strip()) for c in sample.columns):
        wants.append("no month columns such as 202401")
    return Nearest(best.title, "; ".join(wants) or "values do not look as published")


def no_rows(*columns: str) -> pd.DataFrame:
    """Return an empty table with these columns."""
    return pd.DataFrame({name: pd.Series(dtype="object") for name in columns})


def make_rejects(bad: np.ndarray, *, column: str, reason: str, values: Any = None) -> pd.DataFrame:
    """Return one reject a distinct value among the rows where `bad`, with first line and count.

    ``values`` are shown cut at 80 characters; leave it out where the column can hold free text.
    """
    lines = np.flatnonzero(bad)
    if not len(lines):
        return no_rows("line", "column", "value", "reason", "rows")
    if values is None:
        shown = pd.Series([""] * len(lines))
    else:
        shown = pd.Series(values).iloc[lines].astype("str").fillna("").str[:80]
    table = pd.DataFrame({"line": lines + 1, "value": shown.to_numpy(), "rows": 1})
    table = table.groupby("value", sort=False, as_index=False).agg({"line": "min", "rows": "sum"})
    return table.assign(column=column, reason=reason)


def make_finding(
    finding: str, *, severity: str = "information", rows: int | None = None, action: str = ""
) -> dict[str, Any]:
    """Return one finding; the build adds the file it is about."""
    return {"severity": severity, "finding": finding, "rows": rows, "action": action}


def refuse(sample: FileSample, what: str, *, found: Any = "", do: str = "") -> SourceError:
    """Return the error that says this file cannot be read as what it claims to be."""
    return SourceError(what, where=sample.file, found=found, do=do)
