"""Raw to processed: find, recognise, read, place, classify, count, check, write. The spine."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from filelock import FileLock, Timeout

from sna import store
from sna.build.banding import classify_table
from sna.errors import SourceError, TableError, UsageError
from sna.schemas.store_tables import STORE_TABLES
from sna.sources.folder import Item, is_simulated, look_at, read_item
from sna.sources.layout import ReadContext, ReadResult, make_finding
from sna.sources.places import Places, fill_boroughs, make_places
from sna.sources.quality import choose_files, describe_support, file_findings, folder_findings

Progress = Callable[[str, int, int], None]
_COUNT_KEYS = ("source", "release_class", "area_level", "month", "period_months", "borough_code",
               "published_category", "offence_code", "listed_family", "band", "possible_bands",
               "contexts", "weapon_feature")  # fmt: skip


@dataclass
class Part:
    """What one file gave: tables by borough where kept so, its counts, and its line in inputs."""

    record: dict[str, Any]
    tables: dict[str, pa.Table] = field(default_factory=dict)
    counts: pa.Table | None = None
    rejects: list[pd.DataFrame] = field(default_factory=list)
    findings: list[dict[str, Any]] = field(default_factory=list)
    unmatched: int = 0


@dataclass(frozen=True)
class Summary:
    """What a build did; ``unmatched`` names files above the share that may match nothing."""

    inputs: list[dict[str, Any]]
    findings: pd.DataFrame
    unmatched: list[str] = field(default_factory=list)
    supports: list[str] = field(default_factory=list)
    said: str = ""


def build(
    raw: Path,
    processed: Path,
    *,
    profile: str = "london_2023",
    unmatched_share: float = 0.01,
    fresh: bool = False,  # noqa: ARG001
    progress: Progress = lambda *_: None,
) -> Summary:
    """Read everything below `raw` into the store at `processed`.

    Nothing is dropped: each file's rows are used, or rejected with a reason, and the two are
    checked against its rows. The store changes only when everything has been read.
    """
    processed.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(processed / ".lock", timeout=0):
            items, refused = look_at(raw)
            parts = _read_checked(raw, items, profile, progress)
            return _write(parts, refused, processed, profile, unmatched_share,
                          is_simulated(raw, items), progress)  # fmt: skip
    except Timeout:
        raise UsageError("Another build is writing this store.", where=processed.name,
                         do="Wait for it, or name another folder.") from None  # fmt: skip


def check_folder(
    raw: Path, *, profile: str = "london_2023", progress: Progress = lambda *_: None
) -> Summary:
    """Read everything as `build` does and write nothing: inputs, findings, what is supported."""
    items, refused = look_at(raw)
    parts = _read_checked(raw, items, profile, progress)
    inputs = [part.record for part in parts]
    return Summary(inputs, _findings(parts, refused, []), supports=describe_support(inputs))


def _read_checked(raw: Path, items: list[Item], profile: str, progress: Progress) -> list[Part]:
    """Read every file, choose between files that overlap, and check that rows add up."""
    if all(item.problem for item in items):
        raise SourceError(
            f"None of {len(items)} files in the raw folder can be read.", where=raw.name,
            found=[item.name for item in items], do="Run sna check, or sna sample for a trial.",
        )  # fmt: skip
    parts = _read_all(items, profile, progress)
    choose_files(parts)
    for part in parts:
        _check_rows(part)
    return parts


def _read_all(items: list[Item], profile: str, progress: Progress) -> list[Part]:
    """Read areas and lookups, then everything that needs them, two files at a time."""
    numbered = list(enumerate(items))
    first = [pair for pair in numbered if pair[1].is_reference]
    then = [pair for pair in numbered if not pair[1].is_reference]
    reference: list[Part] = []
    for number, item in first:
        reference += _read_one(item, number, make_places(), profile)
        progress(item.name, len(reference), len(items))
    lookups = [p.tables["area_lookup"].to_pandas() for p in reference if "area_lookup" in p.tables]
    lookup = pd.concat(lookups, ignore_index=True) if lookups else None
    places = make_places(_finish_areas(reference, lookup), lookup)
    parts = list(reference)
    with ThreadPoolExecutor(2) as pool:
        jobs = [pool.submit(_read_one, item, number, places, profile) for number, item in then]
        for (_, item), job in zip(then, jobs, strict=True):
            parts += job.result()
            progress(item.name, len(parts), len(items))
    return sorted(parts, key=lambda part: part.record["file_id"])


def _finish_areas(parts: list[Part], lookup: pd.DataFrame | None) -> Any:
    """Give areas their borough; of an area that two files hold the first is used."""
    holders = [part for part in parts if "areas" in part.tables]
    if not holders:
        return None
    whole = pd.concat([part.tables["areas"] for part in holders], ignore_index=True)
    repeated = whole.duplicated(["area_code", "edition"])
    whole = fill_boroughs(whole[~repeated], lookup)
    for part in holders:
        kept = whole[whole["file_id"] == part.record["file_id"]]
        lost = len(part.tables["areas"]) - len(kept)
        part.tables["areas"] = kept
        if lost:
            part.record["rows_used"] -= lost
            reason = "The same area and edition stand in an earlier file."
            part.rejects.append(pd.DataFrame([{"reason": reason, "rows": lost}]))
    return whole


def _record(item: Item, name: str, number: int) -> dict[str, Any]:
    return {
        "file": name, "file_id": number, "sha256": item.sha256,
        "bytes": item.raw.path.stat().st_size, "layout": item.layout, "title": item.title,
        "publisher": item.publisher, "licence": item.licence,
        "release_class": item.release_class, "variant": "", "rows": 0, "rows_used": 0,
        "rows_rejected": 0, "first_month": None, "last_month": None, "totals": {},
    }  # fmt: skip


def _read_one(item: Item, number: int, places: Places, profile: str) -> list[Part]:
    """Read, place, classify and count one file; what cannot be read becomes a finding."""
    record = _record(item, item.name, number)
    if item.problem:
        return [Part(record, findings=[item.problem])]
    try:
        results = read_item(item, ReadContext(number, places, item.release_class))
    except SourceError as error:
        problem = make_finding(error.what, severity="error", action=error.do)
        return [Part(record, findings=[problem])]
    people = next((r.tables["people"] for _, r in results if "people" in r.tables), None)
    return [
        _part(result, {**record, "file": name, "variant": result.variant}, people, places, profile)
        for name, result in results
    ]


def _part(
    result: ReadResult, record: dict[str, Any], people: Any, places: Places, profile: str
) -> Part:
    """Return one file's tables in their contract's types, its offences with their band."""
    record |= {
        "rows": result.rows,
        "rows_used": result.used,
        "is_wide": result.category_rows is not None,
    }
    part = Part(record, rejects=[result.rejects], findings=list(result.findings))
    for name, frame in result.tables.items():
        if name == "areas":
            part.tables[name] = frame
            continue
        table = places.add_places(store.to_arrow(frame, STORE_TABLES[name]))
        if name == "offences":
            table, rejects, lost = classify_table(table, result, people, profile)
            part.rejects.append(rejects)
            part.unmatched = lost
            part.record["rows_used"] -= lost
            part.counts = _count(table)
        part.tables[name] = table
    part.findings += file_findings(part.record, part.tables)
    return part


def _count(table: pa.Table) -> pa.Table:
    """Return offences by month, borough, category and band."""
    keys = [key for key in _COUNT_KEYS if key in table.column_names]
    plain = table.select([*keys, "offences"]).unify_dictionaries()
    total = plain.group_by(keys, use_threads=False).aggregate([("offences", "sum")])
    names = [*keys, "offences"]
    return pa.table(
        {name: _text(total[key]) for name, key in zip(names, total.column_names, strict=True)}
    )


def _text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return column.cast(pa.string()) if pa.types.is_dictionary(column.type) else column


def _check_rows(part: Part) -> None:
    """Check that every row of the file was used or rejected, and write that into its line."""
    rejected = sum(int(table["rows"].sum()) for table in part.rejects if len(table))
    part.record["rows_rejected"] = rejected
    if part.record["rows"] != part.record["rows_used"] + rejected:
        raise TableError(
            "Rows do not add up: some were neither used nor rejected.",
            where=part.record["file"],
            found=[part.record[k] for k in ("rows", "rows_used", "rows_rejected")],
            do="This is a fault of the reader; report it with the layout of the file.",
        )
    totals = part.record["totals"]
    part.record |= {
        "first_month": min(totals, default=None),
        "last_month": max(totals, default=None),
    }


# ---------------------------------------------------------------------------- writing


def _write(
    parts: list[Part], refused: list[dict[str, Any]], processed: Path, profile: str,
    share: float, simulated: bool, progress: Progress,
) -> Summary:  # fmt: skip
    """Write every table, then inputs.json, then store.json, which makes the new store valid."""
    previous = store.read_json("inputs.json", processed) or []
    written = _write_by_borough(parts, processed, progress)
    for name in ("population", "area_lookup", "deprivation", "health", "counts"):
        tables = [p.counts if name == "counts" else p.tables.get(name) for p in parts]
        tables = [table for table in tables if table is not None and table.num_rows]
        if tables:
            whole = pa.concat_tables(tables, promote_options="permissive").unify_dictionaries()
            written.append(store.write_table(whole, name, processed))
    shapes = [p.tables["areas"] for p in parts if "areas" in p.tables]
    if shapes:
        written.append(store.write_table(pd.concat(shapes, ignore_index=True), "areas", processed))
    rejects = [t.assign(file=p.record["file"]) for p in parts for t in p.rejects if len(t)]
    if rejects:
        written.append(store.write_table(pd.concat(rejects), "rejects", processed))
    unmatched = [p.record["file"] for p in parts if p.unmatched > share * max(p.record["rows"], 1)]
    inputs = [p.record for p in parts]
    findings = _findings(parts, refused, previous)
    written.append(store.write_table(findings, "findings", processed))
    for record, part in zip(inputs, parts, strict=True):
        record["findings"] = [f["finding"] for f in part.findings]
    store.write_json(inputs, "inputs.json", processed)
    state = {"profile": profile, "simulated": simulated, "partial": unmatched}
    store.write_state(written, processed, state)
    said = f"Wrote {len(written)} tables of {len(inputs)} files to {processed.name}."
    return Summary(inputs, findings, unmatched, said=said)


def _findings(
    parts: list[Part], refused: list[dict[str, Any]], previous: list[dict[str, Any]]
) -> pd.DataFrame:
    found = [{**f, "file": p.record["file"]} for p in parts for f in p.findings]
    found += refused + folder_findings([p.record for p in parts], previous)
    table = pd.DataFrame(found, columns=["severity", "file", "finding", "rows", "action"])
    return table.astype({"rows": "Int64"})


def _write_by_borough(parts: list[Part], processed: Path, progress: Progress) -> list[Path]:
    """Write one file a borough for each event table, its rows in order of source and file."""
    written: list[Path] = []
    ordered = sorted(parts, key=lambda p: (p.record["layout"], p.record["file_id"]))
    for name in store.BY_BOROUGH:
        slices: dict[str, list[pa.Table]] = {}
        for part in ordered:
            if name in part.tables:
                for code, rows in _split(part.tables.pop(name)):
                    slices.setdefault(code, []).append(rows)

        def write(code: str, name: str = name, slices: dict[str, Any] = slices) -> Path:
            rows = pa.concat_tables(slices.pop(code), promote_options="permissive")
            return store.write_table(rows, f"{name}/{code}", processed)

        with ThreadPoolExecutor(2) as pool:
            for number, path in enumerate(pool.map(write, sorted(slices)), start=1):
                written.append(path)
                progress(f"writing {name}", number, len(slices) + number)
    return written


def _split(table: pa.Table) -> list[tuple[str, pa.Table]]:
    """Return the rows of each borough; rows without one under `store.UNPLACED`."""
    if not table.num_rows:
        return []
    column = table["borough_code"].unify_dictionaries().combine_chunks()
    column = column.chunk(0) if isinstance(column, pa.ChunkedArray) else column
    codes = column.indices.fill_null(-1).to_numpy()
    names = column.dictionary.to_pylist()
    order = np.argsort(codes, kind="stable")
    rows = table.take(pa.array(order))
    present, starts = np.unique(codes[order], return_index=True)
    ends = [*starts[1:], len(codes)]
    return [
        (store.UNPLACED if code < 0 else names[code], rows.slice(start, end - start))
        for code, start, end in zip(present, starts, ends, strict=True)
    ]
