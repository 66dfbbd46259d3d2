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
from sna.build.banding import add_bands, classify_table
from sna.errors import SourceError, TableError, UsageError
from sna.schemas.store_tables import STORE_TABLES
from sna.sources.folder import Item, is_simulated, look_at, read_item
from sna.sources.layout import ReadContext, ReadResult, make_finding
from sna.sources.places import Places, fill_boroughs, make_places
from sna.sources.quality import choose_files, describe_support, file_findings, folder_findings

Progress = Callable[[str, int, int], None]
_EVENTS = ("police_uk_street", "police_uk_outcomes", "police_uk_stop_search")
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
    fresh: bool = False,
    progress: Progress = lambda *_: None,
) -> Summary:
    """Read everything below `raw` into the store at `processed`.

    Nothing is dropped: each file's rows are used, or rejected with a reason, and the two are
    checked against its rows. The store changes only when everything has been read.
    """
    processed.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(processed / ".lock", timeout=0):
            old = None if fresh else store.read_built(processed, profile)
            known = {(r["raw_file"], r["sha256"]) for r in old.inputs} if old else set()
            items, refused, gone = look_at(raw, frozenset(known))
            if old and not gone and not items:
                said = f"Nothing has changed since the last build of {processed.name}."
                return Summary(old.inputs, old.findings, old.state["partial"], said=said)
            parts = _read_more(items, old, profile, progress) if old and not gone else None
            if parts is None:
                old = None
                items, refused, _ = look_at(raw)
                parts = _read_checked(raw, items, profile, progress)
            simulated = is_simulated(raw, items) if old is None else old.state["simulated"]
            facts = {"profile": profile, "simulated": simulated}
            return _write(parts, refused, processed, old, facts, unmatched_share, progress)
    except Timeout:
        raise UsageError("Another build is writing this store.", where=processed.name,
                         do="Wait for it, or name another folder.") from None  # fmt: skip


def _read_more(
    items: list[Item], old: store.Built, profile: str, progress: Progress
) -> list[Part] | None:
    """Read only new event files; None when they touch what is stored, so that all is read again."""
    if old.state["parts"] >= 12 or any(i.match is None or i.layout not in _EVENTS for i in items):
        return None
    lookup = old.read("area_lookup")
    places = make_places(old.read("areas"), lookup if len(lookup) else None)
    first = 1 + max(record["file_id"] for record in old.inputs)
    parts = _read_events(list(enumerate(items, start=first)), places, profile, progress)
    choose_files(parts)
    held = {(r["series"], month) for r in old.inputs for month in r["totals"]}
    if any((p.record["series"], month) in held for p in parts for month in p.record["totals"]):
        return None
    for part in parts:
        _check_rows(part)
    return parts


def check_folder(
    raw: Path, *, profile: str = "london_2023", progress: Progress = lambda *_: None
) -> Summary:
    """Read everything as `build` does and write nothing: inputs, findings, what is supported."""
    items, refused, _ = look_at(raw)
    parts = _read_checked(raw, items, profile, progress)
    inputs = [part.record for part in parts]
    return Summary(
        inputs, _findings(parts, refused, inputs, inputs), supports=describe_support(inputs)
    )


def _read_checked(raw: Path, items: list[Item], profile: str, progress: Progress) -> list[Part]:
    """Read every file, choose between files that overlap, and check that rows add up."""
    if all(item.problem for item in items):
        raise SourceError(
            f"None of {len(items)} files in the raw folder can be read.", where=raw.name,
            found=[f"{item.name}: {item.problem['finding']}" for item in items],
            do="Mend them, or run sna sample for a trial.",
        )  # fmt: skip
    parts = _read_all(items, profile, progress)
    if not any(part.tables for part in parts):  # a store that stands is not replaced by nothing
        problems = [f"{p.record['file']}: {f['finding']}" for p in parts for f in p.findings]
        raise SourceError(
            f"No row of {len(items)} files in the raw folder can be used.", where=raw.name,
            found=problems, do="Mend the files or their mappings. The old store stays as it is.",
        )  # fmt: skip
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
    parts = reference + _read_events(then, places, profile, progress)
    return sorted(parts, key=lambda part: part.record["file_id"])


def _read_events(
    numbered: list[tuple[int, Item]], places: Places, profile: str, progress: Progress
) -> list[Part]:
    parts: list[Part] = []
    with ThreadPoolExecutor(2) as pool:
        jobs = [pool.submit(_read_one, item, number, places, profile) for number, item in numbered]
        for (_, item), job in zip(numbered, jobs, strict=True):
            parts += job.result()
            progress(item.name, len(parts), len(numbered))
    return parts


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
        "file": name, "raw_file": item.raw.file, "file_id": number, "sha256": item.sha256,
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
        what = f"{error.what.rstrip('.')}: {error.found}." if error.found else error.what
        problem = make_finding(what, severity="error", action=error.do)
        return [Part(record, findings=[problem])]
    people = next((r.tables["people"] for _, r in results if "people" in r.tables), None)
    records = [{**record, "file": name, "variant": result.variant} for name, result in results]
    for more in records[1:]:  # the people file of an extract
        more |= {"raw_file": more["file"], "sha256": item.people_sha256}
    return [
        _part(result, line, people, places, profile)
        for (_, result), line in zip(results, records, strict=True)
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
            part.counts = _count(table, profile)
        part.tables[name] = table
    part.findings += file_findings(part.record, part.tables)
    return part


def _count(table: pa.Table, profile: str) -> pa.Table:
    """Return offences by month, borough, category and band."""
    keys = [key for key in (*_COUNT_KEYS, "status") if key in table.column_names]
    plain = table.select([*keys, "offences"]).unify_dictionaries()
    total = plain.group_by(keys, use_threads=False).aggregate([("offences", "sum")])
    banded = add_bands(total.rename_columns([*keys, "offences"]), profile)
    kept = banded.select([n for n in (*_COUNT_KEYS, "offences") if n in banded.column_names])
    # as text: Arrow 26 crashes when it unifies the dictionaries that a grouping gives
    text = [pa.string() if pa.types.is_dictionary(f.type) else f.type for f in kept.schema]
    return kept.cast(pa.schema(list(zip(kept.column_names, text, strict=True))))


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
    parts: list[Part], refused: list[dict[str, Any]], processed: Path, old: store.Built | None,
    facts: dict[str, Any], share: float, progress: Progress,
) -> Summary:  # fmt: skip
    """Write every table beside the store, then put all of it in place at once.

    With an `old` store the new rows become a further part of each borough.
    """
    before = old.inputs if old else store.read_json("inputs.json", processed) or []
    inputs = [*(old.inputs if old else []), *(p.record for p in parts)]
    findings = _findings(parts, [] if old else refused, inputs, before)
    facts["partial"] = [*(old.state["partial"] if old else [])] + [
        p.record["file"] for p in parts if p.unmatched > share * max(p.record["rows"], 1)
    ]
    for part in parts:
        part.record["findings"] = [f["finding"] for f in part.findings]
    shapes = [part.tables["areas"] for part in parts if "areas" in part.tables]
    facts["districts"] = old.state["districts"] if old else _districts(shapes)
    facts["parts"] = old.state["parts"] + 1 if old else 0
    suffix = f".{facts['parts']}" if old else ""
    with store.new_files(processed) as work:
        _write_whole(parts, findings, old, work)
        _write_by_borough(parts, work, suffix, facts["profile"], progress)
        store.write_json(inputs, "inputs.json", work)
        written = store.publish(work, processed, facts, old)
    said = f"Wrote {written} tables of {len(parts)} files to {processed.name}."
    return Summary(inputs, findings, facts["partial"], said=said)


def _districts(shapes: list[pd.DataFrame]) -> dict[str, str]:
    """Return districts outside London that have a boundary, so that they can be loaded too."""
    return {
        code: str(name)
        for areas in shapes
        for code, name in zip(areas["area_code"], areas["area_name"], strict=True)
        if not str(code).startswith(("E09", "E01", "E05", "W01", "W05"))
    }


def _write_whole(
    parts: list[Part], findings: pd.DataFrame, old: store.Built | None, work: Path
) -> None:
    """Write the tables that are not kept by borough; event files add to counts and rejects."""
    rejects = [t.assign(file=p.record["file"]) for p in parts for t in p.rejects if len(t)]
    counts = [p.counts for p in parts if p.counts is not None]
    tables: dict[str, list[Any]] = {"counts": counts, "rejects": rejects, "findings": [findings]}
    for name in ("population", "area_lookup", "deprivation", "health", "areas"):
        tables[name] = [p.tables[name] for p in parts if name in p.tables]
    for name, found in tables.items():
        if old and name in ("counts", "rejects", "findings") and len(found):
            found.insert(0, old.read(name))
        whole = store.join_tables([t for t in found if len(t)], name)
        if whole is not None:
            store.write_table(whole, name, work)


def _findings(
    parts: list[Part], refused: list[dict[str, Any]], inputs: list[dict[str, Any]],
    previous: list[dict[str, Any]],
) -> pd.DataFrame:  # fmt: skip
    found = [{**f, "file": p.record["file"]} for p in parts for f in p.findings]
    found += refused + folder_findings(inputs, previous)
    table = pd.DataFrame(found, columns=["severity", "file", "finding", "rows", "action"])
    return table.astype({"rows": "Int64"})


def _write_by_borough(
    parts: list[Part], work: Path, suffix: str, profile: str, progress: Progress
) -> None:
    """Write one file a borough for each event table, its rows in order of source and file."""
    ordered = sorted(parts, key=lambda p: (p.record["layout"], p.record["file_id"]))
    for name in store.BY_BOROUGH:
        slices: dict[str, list[pa.Table]] = {}
        for part in ordered:
            if name in part.tables:
                for code, rows in _split(part.tables.pop(name)):
                    slices.setdefault(code, []).append(rows)
        total = len(slices)

        def write(code: str, name: str = name, slices: dict[str, Any] = slices) -> None:
            found = slices.pop(code)
            if name == "offences":
                counted = [rows for rows in found if "band" not in rows.column_names]
                found = [rows for rows in found if "band" in rows.column_names]
                whole = store.join_tables(counted, name)
                found += [add_bands(whole, profile)] if whole is not None else []
            store.write_table(store.join_tables(found, name), f"{name}/{code}{suffix}", work)

        with ThreadPoolExecutor(2) as pool:
            for number, _ in enumerate(pool.map(write, sorted(slices)), start=1):
                progress(f"writing {name}", number, total)


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
