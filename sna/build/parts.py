"""One file at a time: read, placed, classified, counted, and its rows set aside by borough."""

import gc
from dataclasses import dataclass, field
from itertools import groupby, product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from sna import store
from sna.build.banding import add_bands, classify_table
from sna.errors import SourceError
from sna.schemas.arrow import stack, to_arrow
from sna.schemas.checksum import hash_file
from sna.schemas.store_tables import STORE_TABLES
from sna.sources.cells import digest_months, list_cells, sum_events
from sna.sources.copies import list_marks
from sna.sources.folder import Item, hash_raw, read_item
from sna.sources.layout import ReadContext, ReadResult, make_finding
from sna.sources.places import Places
from sna.sources.quality import (
    file_findings,
    is_lost,
    level_findings,
    month_findings,
    reject_findings,
    say,
    series_of,
    without,
)

REPLACED = "The same month and category stand in a later file:"
LARGE_BYTES = 64 << 20  # files this large are read one after another
SORTED_ROWS = 1 << 17  # at a time, on their way to disk
BATCH_BYTES = 64 << 20  # of small files of a layout, whose rows are set aside together
_COUNT_KEYS = (
    *("source", "release_class", "area_level", "month", "period_months", "borough_code"),
    *("published_category", "offence_code", "listed_family", "band", "possible_bands"),
    *("contexts", "is_attached", "weapon_feature"),
)


@dataclass(frozen=True)
class Kept:
    """A table set aside on disk: the batches of the file that hold each borough's rows."""

    path: str
    places: dict[str, list[int]]

    def read(self, code: str) -> pa.Table:
        """Return one borough's rows."""
        with pa.OSFile(self.path) as source:  # read, not mapped: what is mapped stays resident
            reader = pa.ipc.open_file(source)
            return pa.Table.from_batches([reader.get_batch(n) for n in self.places[code]])


@dataclass
class Part:
    """What one file gave; ``lost`` are the cells that another file holds better."""

    record: dict[str, Any]
    tables: dict[str, Any] = field(default_factory=dict)
    kept: dict[str, Kept] = field(default_factory=dict)
    cells: pd.DataFrame = field(default_factory=pd.DataFrame)
    lost: pd.DataFrame = field(default_factory=pd.DataFrame)
    marks: dict[str, Any] = field(default_factory=lambda: list_marks({}, {}))
    group: str = ""  # of files about the same thing
    lines: list[int] = field(default_factory=list)  # of a wide file: all that were used
    counts: pa.Table | None = None
    rejects: list[pd.DataFrame] = field(default_factory=list)
    findings: list[dict[str, Any]] = field(default_factory=list)
    is_events: bool = False


def is_large(item: Item) -> bool:
    """Say whether a file should be alone in memory; members of an archive are not."""
    return not item.raw.member and item.raw.path.stat().st_size > LARGE_BYTES


def list_batches(pairs: list[tuple[int, Item]]) -> list[list[tuple[int, Item]]]:
    """Return small files of a layout together, in the order given, each batch up to a size.

    A member of an archive can be of any size, so it stands alone.
    """
    batches: list[list[tuple[int, Item]]] = []
    for _, some in groupby(sorted(pairs, key=_layout), _layout):
        room = -1
        for pair in some:
            raw = pair[1].raw
            size = BATCH_BYTES if raw.member else raw.path.stat().st_size
            if size > room:
                batches.append([])
                room = BATCH_BYTES
            batches[-1].append(pair)
            room -= size
    return batches


def _layout(pair: tuple[int, Item]) -> str:
    return str(pair[1].facts["layout"])


def read_some(
    pairs: list[tuple[int, Item]], places: Places, profile: str, spool: Path | None
) -> list[Part]:
    """Read files one after another; rows of events go to disk, those of small files together.

    The memory that a large one took is given back. Without a `spool` nothing is kept.
    """
    found: list[Part] = []
    for pair in pairs:
        found += read_one(pair, places, profile)
        if is_large(pair[1]):  # for a small file it takes too long
            _set_aside(found, spool)
            gc.collect()
            pa.default_memory_pool().release_unused()
    _set_aside(found, spool)
    return found


def read_one(pair: tuple[int, Item], places: Places, profile: str) -> list[Part]:
    """Read one file; what cannot be read becomes a finding."""
    number, item = pair
    record: dict[str, Any] = {"file": item.name, "raw_file": item.raw.file, "file_id": number}
    record |= {"sha256": hash_raw(item.raw), "bytes": item.raw.path.stat().st_size, **item.facts}
    record |= {"variant": "", "series": "", "totals": {}, "digests": {}, "labels": {}, "groups": {}}
    record |= {"mapping": item.mapping.mark if item.mapping else "", "copy_of": item.copy_of}
    record["replaced_months"] = []
    record |= {"is_wide": False, "first_month": None, "last_month": None}
    record |= dict.fromkeys(("rows", "rows_used", "rows_rejected", "rows_replaced", "boroughs"), 0)
    if item.problem:
        return [Part(record, findings=[item.problem])]
    plain = dict(record)
    try:
        return _read_parts(item, record, places, profile)
    except SourceError as error:
        what = f"{error.what.rstrip('.')}: {error.found}." if error.found else error.what
        do = error.do
    except (OSError, MemoryError):  # of the machine, not of the file
        raise
    except Exception as error:  # one file must not end the others; its message can hold a value
        what = f"Unexpected fault ({type(error).__name__}): nothing of this file is used."
        do = "Take the file out of the folder, and report the fault with its headings."
    return [Part(plain, findings=[make_finding(what, severity="error", action=do)])]


def _read_parts(item: Item, record: dict[str, Any], places: Places, profile: str) -> list[Part]:
    """Return what a file gives: one part, or two for an extract with a people file."""
    results = read_item(item, ReadContext(record["file_id"], places, record["release_class"]))
    people = next((result for _, result in results if "people" in result.tables), None)
    records = [{**record, "file": name, "variant": result.variant} for name, result in results]
    for more in records[1:]:  # the people file of an extract
        beside = item.raw.path.with_name(more["file"].rsplit("/", 1)[-1])
        more |= {"raw_file": more["file"], "sha256": hash_file(beside)}
        more["mapping"] += " people"
    parts = []
    for line in records:
        result = results.pop(0)[1]
        part = _make_part(result, line, people, places, profile)
        part.marks = list_marks(line, part.tables, is_only=item.is_only)
        line["boroughs"] = len(part.marks["areas"])
        parts.append(part)
        people = None
    return parts


def _make_part(
    result: ReadResult,
    record: dict[str, Any],
    people: ReadResult | None,
    places: Places,
    profile: str,
) -> Part:
    """Return one file's tables in their contract's types, its offences with their band."""
    is_wide = result.category_rows is not None
    record |= {"rows": result.rows, "rows_used": result.used, "is_wide": is_wide}
    part = Part(record, rejects=[result.rejects], findings=list(result.findings))
    part.lines = sorted(line for some in (result.category_rows or {}).values() for line in some)
    part.is_events = not result.tables or not set(store.BY_BOROUGH).isdisjoint(result.tables)
    for name in list(result.tables):
        table = result.tables.pop(name)
        if name == "areas":
            part.tables[name] = table
        if name == "areas" or not len(table):
            continue
        table, lines = _split_lines(table)
        table = places.add_places(to_arrow(table, STORE_TABLES[name]))
        if name == "offences":
            table, known, rejects = classify_table(table, lines, result, people, profile)
            people, lines = None, lines.filter(known)
            part.rejects.append(rejects)
            record["rows_used"] -= len(rejects)
            part.counts = _count(table, profile) if table.num_rows else None
        part.tables[name] = (
            table.append_column("line", lines) if name in store.BY_BOROUGH else table
        )
    part.findings += file_findings(record, part.tables)
    record["series"] = series_of(record)
    events = sum_events(part.tables)
    part.cells = list_cells(record, events)
    part.findings += level_findings(part.cells)
    record["digests"] = digest_months(events)
    offences = part.tables.get("offences")
    step = pc.max(offences["period_months"]).as_py() if offences is not None else None
    part.findings += month_findings(record, step or 1) + reject_findings(
        result.rows, result.rejects
    )
    part.findings += [] if result.rows else [say("empty")]
    return part


def _split_lines(table: Any) -> tuple[pa.Table, pa.Array]:
    """Return a table without its column of raw lines, and that column; 0 where it has none."""
    if isinstance(table, pd.DataFrame):
        table = pa.Table.from_pandas(table, preserve_index=False)
    if "line" not in table.column_names:
        return table, pa.array(np.zeros(table.num_rows, "int32"))
    return table.drop_columns(["line"]), table["line"].cast(pa.int32()).combine_chunks()


def _count(table: pa.Table, profile: str) -> pa.Table:
    """Return offences by month, borough, category and band."""
    keys = [key for key in (*_COUNT_KEYS, "status") if key in table.column_names]
    plain = table.select([*keys, "offences"]).unify_dictionaries()
    total = plain.group_by(keys, use_threads=False).aggregate([("offences", "sum")])
    # under the dictionaries of before: Arrow 26 crashes when it unifies those that a grouping gives
    columns = [_under(total[key].combine_chunks(), plain[key]) for key in keys]
    total = pa.table([*columns, total["offences_sum"]], [*keys, "offences"])
    banded = add_bands(total, profile)
    return banded.select([n for n in (*_COUNT_KEYS, "offences") if n in banded.column_names])


def _under(codes: Any, column: pa.ChunkedArray) -> Any:
    """Return coded values under the dictionary of a column; others as they are."""
    if not pa.types.is_dictionary(column.type):
        return codes
    return pa.DictionaryArray.from_arrays(codes.indices, column.chunk(0).dictionary)


def _set_aside(parts: list[Part], spool: Path | None) -> None:
    """Write the parts' rows of events in order of borough, one batch a borough.

    Records have their band and published counts get it later: they stand in files of their own.
    """
    for name, is_banded in product(store.BY_BOROUGH, (True, False)):
        holders = [
            part
            for part in parts
            if name in part.tables and ("band" in part.tables[name].column_names) == is_banded
        ]
        tables = [part.tables.pop(name) for part in holders]
        if spool is None or not sum(table.num_rows for table in tables):
            continue
        first, last = (holders[at].record for at in (0, -1))
        stem = f"{first['file_id']}-{last['file_id']}-{first['rows']}-{name}-{is_banded:d}"
        whole = stack(tables) if len(tables) > 1 else tables[0]
        kept = _write_batches(whole, spool / f"{stem}.arrow")
        for part in holders:
            part.kept[name] = kept


def _write_batches(table: pa.Table, path: Path) -> Kept:
    """Write some rows after others, each time in order of borough: a batch a borough.

    Rows without one are unplaced. What is sorted at a time stays in the cache.
    """
    column, whole = table["borough_code"].combine_chunks(), table.combine_chunks()
    codes = column.indices.fill_null(-1).to_numpy().astype("int16")  # small ones sort faster
    names = [*column.dictionary.to_pylist(), store.UNPLACED]
    places: dict[str, list[int]] = {}
    part, batches = path.with_suffix(".part"), 0
    with pa.ipc.new_file(part, whole.schema) as sink:
        for begin in range(0, len(codes), SORTED_ROWS):
            some = codes[begin : begin + SORTED_ROWS]
            order = np.argsort(some, kind="stable").astype("uint32")  # Arrow takes by it fastest
            rows = whole.slice(begin, len(some)).take(pa.array(order))
            present, sizes = np.unique(some, return_counts=True)
            for code, size, end in zip(present, sizes, np.cumsum(sizes), strict=True):
                sink.write(rows.slice(end - size, size))
                places.setdefault(names[code], []).append(batches)
                batches += 1
    part.replace(path)
    return Kept(str(path), places)


def reject_replaced(part: Part) -> pd.DataFrame:
    """Return a reject for each raw row that another file holds better."""
    lines = list(part.lines)
    for name, kept in part.kept.items() if not part.record["is_wide"] else ():
        lost = part.lost[part.lost["table"] == name]
        rows = [kept.read(code) for code in kept.places] if len(lost) else []
        lines += [n for each in rows for n in each["line"].filter(is_lost(each, lost)).to_pylist()]
    number = part.record["rows_replaced"]
    reason = f"{REPLACED} {', '.join(sorted(part.lost['winner'].unique()))}."
    # an offence and its victim can stand on one row; nothing is kept by `sna check`
    lines = [*sorted(set(lines)), *[0] * number][:number]
    return pd.DataFrame(
        {"line": lines, "column": "", "value": "", "reason": reason[:200], "rows": 1}
    )


def write_borough(
    code: str,
    name: str,
    found: list[tuple[Kept, pd.DataFrame]],
    target: tuple[str, Path],
    profile: str,
) -> None:
    """Write the rows of one borough that several files hold, in the order given."""
    tables = [
        without(kept.read(code), lost).drop_columns(["line"])
        for kept, lost in found
        if code in kept.places
    ]
    counted = [t for t in tables if "band" not in t.column_names]
    if name == "offences" and counted:
        banded = [table for table in tables if "band" in table.column_names]
        tables = [*banded, add_bands(stack(counted), profile)]
    store.write_table(stack(tables), f"{name}/{code}{target[0]}", target[1])
