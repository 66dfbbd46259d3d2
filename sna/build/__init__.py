"""Raw to processed: find, recognise, read, place, classify, count, check, write. The spine."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

import pandas as pd
from filelock import FileLock, Timeout

from sna import store
from sna.build.parts import (
    REPLACED,
    Part,
    is_large,
    list_batches,
    read_one,
    read_some,
    reject_replaced,
)
from sna.build.workers import Awaited, Run, start_workers
from sna.build.writing import write_by_borough, write_whole
from sna.definitions import read_profile
from sna.errors import SourceError, TableError, UsageError
from sna.sources.copies import join_copies
from sna.sources.files import find_files
from sna.sources.folder import Item, is_simulated, look_at
from sna.sources.places import Places, fill_boroughs, make_places
from sna.sources.quality import (
    choose_files,
    describe_support,
    fold_findings,
    say,
)
from sna.sources.revisions import find_revisions
from sna.sources.rows import make_rejects
from sna.sources.siblings import folder_findings
from sna.store.files import working_folder

Progress = Callable[[str, int, int], None]
MOST_PARTS = 12  # of a borough; then everything is written anew
_APPENDED = ("police_uk_street", "police_uk_outcomes", "police_uk_stop_search")


@dataclass(frozen=True)
class Summary:
    """What a build did; ``partial`` names files with more rejected rows than allowed."""

    inputs: list[dict[str, Any]]
    findings: pd.DataFrame
    partial: list[str] = field(default_factory=list)
    supports: list[str] = field(default_factory=list)
    said: str = ""


@dataclass(frozen=True)
class _Job:
    """How one build is done."""

    run: Run
    profile: str
    spool: Path | None
    share: float
    progress: Progress


def build(
    raw: Path,
    processed: Path,
    *,
    profile: str = "london_2023",
    unmatched_share: float = 0.01,
    fresh: bool = False,
    scheduler: str = "",
    progress: Progress = lambda *_: None,
) -> Summary:
    """Read everything below `raw` into the store at `processed`.

    Nothing is dropped: each file's rows are used, or rejected with a reason, and the two are
    checked against its rows. The store changes only when everything has been read. With a
    `scheduler` (an address, or ``local``) Dask workers that see the same folders do the same work.
    """
    processed = processed.resolve()
    processed.mkdir(parents=True, exist_ok=True)
    try:
        lock = FileLock(processed / ".lock", timeout=0)
        with lock, store.new_files(processed) as work:
            state, before = store.read_before(processed)
            adds = not fresh and store.is_whole(processed, state, profile)
            with ExitStack() as stack:
                start = partial(start_workers, scheduler)
                if not adds:  # everything will be read: they get ready while we look
                    run = stack.enter_context(start(size=_size_of(raw)))
                look = _look(raw.resolve(), state, before, adds=adds)
                if adds:  # new files alone, or everything anew
                    some = look.adds and _may_be_added(look.items)
                    size = _size(look.items) if some else _size_of(raw)
                    run = stack.enter_context(start(size=size))
                job = _Job(run, profile, work / "spool", unmatched_share, progress)
                return _build(look, processed, work, job)
    except Timeout:
        do = "Wait for it, or name another folder."
        raise UsageError(
            "Another build is writing this store.", where=processed.name, do=do
        ) from None


@dataclass(frozen=True)
class _Look:
    """What lies in the raw folder, and what the store already holds of it."""

    raw: Path
    items: list[Item]
    refused: list[dict[str, Any]]
    state: dict[str, Any]
    before: list[dict[str, Any]]
    adds: bool  # the items are new and the store stands: it need not be written anew


def _look(raw: Path, state: dict[str, Any], before: list[dict[str, Any]], *, adds: bool) -> _Look:
    """Look for what is new to a store that stands; for everything when files or rules changed."""
    known = frozenset((line["raw_file"], line["sha256"]) for line in before if adds)
    items, refused, gone = look_at(raw, known)
    if adds and gone:
        (items, refused, _), adds = look_at(raw), False
    return _Look(raw, items, refused, state, before, adds)


def _size(items: Iterable[Item]) -> int:
    return sum(path.stat().st_size for path in {path for item in items for path in item.paths})


def _size_of(raw: Path) -> int:
    return sum(path.stat().st_size for path in {file.path for file in find_files(raw)[0]})


def _may_be_added(items: list[Item]) -> bool:
    return all(item.match and item.facts["layout"] in _APPENDED for item in items)


def _build(look: _Look, processed: Path, work: Path, job: _Job) -> Summary:
    raw, items, refused, state, before = look.raw, look.items, look.refused, look.state, look.before
    if look.adds and not items:
        said = f"Nothing has changed since the last build of {processed.name}."
        findings = store.read_table("findings", processed)
        return Summary(before, findings, state["partial"], said=said)
    parts = _read_more(items, processed, state, before, job) if look.adds else None
    if parts is not None:
        old, lines, refused, state["parts"] = processed, before, [], state["parts"] + 1
    else:
        old, lines = None, []
        items, refused, _ = look_at(raw) if look.adds else (items, refused, False)
        parts = _read_checked(raw, items, job)
        facts = {
            "simulated": any(is_simulated(raw, item.raw.file) for item in items),
            "districts": _districts(parts),
        }
        state = {**facts, "parts": 0, "files": {}, "partial": []}
    name = read_profile(job.profile).id
    state |= {"profile": name, "rules": store.rules_of(job.profile)}
    state["partial"] += _partial(parts, job.share)
    lines = [*lines, *(part.record for part in parts)]
    findings = _findings(parts, [*refused, *_changed_rules(look.state, state)], lines, before)
    by_borough = write_by_borough(
        parts, work, f".{state['parts']}" if old else "", job.profile, job.run
    )
    write_whole(parts, findings, old, work)  # while the boroughs have been begun
    for name, number, all_of_them in by_borough:
        job.progress(f"writing {name}", number, all_of_them)
    store.write_json(lines, work / "inputs.json")
    written = store.publish(work, state)
    said = f"Wrote {written} tables of {len(parts)} files to {processed.name}."
    if copies := sum(bool(line["copy_of"]) for line in lines):
        said += f" {copies} of {len(lines)} hold the same bytes as another: read once."
    if unread := sum(not (line["rows"] or line["copy_of"]) for line in lines):
        said += f" {unread} of {len(lines)} gave no row: see the findings."
    return Summary(lines, findings, state["partial"], said=said)


def _changed_rules(*states: dict[str, Any]) -> list[dict[str, Any]]:
    """Say so when the rules of the definition are others than in the build before."""
    before, after = (
        f"{state['profile']}, hash {state['rules'].split(' ')[-1]}" if state else ""
        for state in states
    )
    return [say("definition", before=before, after=after)] if before not in ("", after) else []


def check_folder(
    raw: Path,
    *,
    profile: str = "london_2023",
    unmatched_share: float = 0.01,
    progress: Progress = lambda *_: None,
) -> Summary:
    """Read everything as `build` does and write nothing: inputs, findings, what is supported."""
    items, refused, _ = look_at(raw)
    with start_workers(size=_size(items)) as run:
        parts = _read_checked(raw, items, _Job(run, profile, None, unmatched_share, progress))
    partial = _partial(parts, unmatched_share)
    inputs = [part.record for part in parts]
    findings = _findings(parts, refused, inputs, inputs)
    return Summary(inputs, findings, partial, supports=describe_support(inputs))


# ---------------------------------------------------------------------------- reading


def _read_more(
    items: list[Item],
    processed: Path,
    state: dict[str, Any],
    inputs: list[dict[str, Any]],
    job: _Job,
) -> list[Part] | None:
    """Read only new event files; None when they touch what is stored, so that all is read again."""
    if state["parts"] >= MOST_PARTS or not _may_be_added(items):
        return None
    lookup = store.read_table("area_lookup", processed)
    places = make_places(store.read_table("areas", processed), lookup if len(lookup) else None)
    first = 1 + max(line["file_id"] for line in inputs)
    numbered = list(enumerate(items, start=first))
    parts = _read_events(numbered, places, job, _begin_large(numbered, places, job))
    _choose(parts)
    # by layout: under another name they may be a second download of what is stored
    held = {(line["layout"], month) for line in inputs for month in line["totals"]}
    new = {(part.record["layout"], month) for part in parts for month in part.record["totals"]}
    same = {line["sha256"] for line in inputs} & {part.record["sha256"] for part in parts}
    return None if held & new or same else parts


def _read_checked(raw: Path, items: list[Item], job: _Job) -> list[Part]:
    """Read every file, choose between files that overlap, and check that rows add up."""
    if not items:
        found = [f"{line['file']}: {line['finding']}" for line in find_files(raw)[1]]
        what = "None of the files can be opened." if found else "The raw folder is empty."
        do = "Put what you downloaded into it, or run sna sample for a trial."
        raise SourceError(what, where=raw.name, found=found, do=do)
    problems = [f"{item.name}: {item.problem['finding']}" for item in items if item.problem]
    if len(problems) == len(items):
        what = f"None of {len(items)} files in the raw folder can be read."
        do = "Mend them, or run sna sample for a trial."
        raise SourceError(what, where=raw.name, found=problems, do=do)
    parts = _read_all(items, job)
    # an empty store never replaces one that stands
    if not any(part.record["rows_used"] for part in parts):
        for part in parts:
            _check_rows(part)
        _partial(parts, job.share)  # tells why rows were rejected
        problems = [f"{p.record['file']}: {f['finding']}" for p in parts for f in p.findings]
        what = f"No row of {len(items)} files in the raw folder can be used."
        do = "Mend the files or their mappings. The old store stays as it is."
        raise SourceError(what, where=raw.name, found=problems, do=do)
    _choose(parts)
    return parts


def _read_all(items: list[Item], job: _Job) -> list[Part]:
    """Read areas and lookups, then everything that needs them; large files ask for them late."""
    numbered, nowhere = list(enumerate(items)), make_places()
    events = [pair for pair in numbered if not pair[1].is_reference]
    with working_folder(within=job.spool) as folder:
        places = Awaited(folder / "places.pickle")
        begun = _begin_large(events, places, job)
        reference = [
            part
            for pair in numbered
            if pair[1].is_reference
            for part in read_one(pair, nowhere, job.profile)
        ]
        held = [part.tables["area_lookup"] for part in reference if "area_lookup" in part.tables]
        lookup = pd.concat([t.to_pandas() for t in held], ignore_index=True) if held else None
        places.give(make_places(_finish_areas(reference, lookup), lookup))
        parts = reference + _read_events(events, places, job, begun)
    return sorted(parts, key=lambda part: part.record["file_id"])


def _begin_large(
    numbered: list[tuple[int, Item]], places: Places | Awaited, job: _Job
) -> Iterator[list[Part]]:
    """Begin to read large files, one after another so that one of them is in memory."""
    large = [pair for pair in numbered if is_large(pair[1])]
    return job.run(read_some, [large] if large else [], (places, job.profile, job.spool))


def _read_events(
    numbered: list[tuple[int, Item]],
    places: Places | Awaited,
    job: _Job,
    begun: Iterator[list[Part]],
) -> list[Part]:
    """Read small files in batches, beside the large ones that were begun."""
    beside = list_batches([pair for pair in numbered if not is_large(pair[1])])
    small = job.run(read_some, beside, (places, job.profile, job.spool))
    found: list[Part] = []
    for parts in chain(small, begun):
        found += parts
        job.progress(parts[-1].record["file"], len(found), len(numbered))
    return found


def _finish_areas(parts: list[Part], lookup: pd.DataFrame | None) -> Any:
    """Give areas their borough; of an area that two files hold the first is used."""
    holders = [part for part in parts if "areas" in part.tables]
    if not holders:
        return None
    whole = pd.concat([part.tables["areas"] for part in holders], ignore_index=True)
    whole = fill_boroughs(whole[~whole.duplicated(["area_code", "edition"])], lookup)
    for part in holders:
        kept = whole[whole["file_id"] == part.record["file_id"]]
        keys = ["area_code", "edition"]
        again = part.tables["areas"].set_index(keys).index.isin(kept.set_index(keys).index)
        if lost := int((~again).sum()):
            part.record["rows_used"] -= lost
            reason = "The same area and edition stand in an earlier file."
            part.rejects.append(make_rejects(~again, column="area_code", reason=reason))
        part.tables["areas"] = kept
    return whole


def _choose(parts: list[Part]) -> None:
    """Choose between files that overlap; then every row of each file was used or rejected."""
    join_copies(parts)
    choose_files(parts)
    for part in parts:
        if part.record["rows_replaced"]:
            part.rejects.append(reject_replaced(part))
        _check_rows(part)


def _check_rows(part: Part) -> None:
    """Check that every row of the file was used or rejected, and write that into its line."""
    record, totals = part.record, part.record["totals"]
    record["rows_rejected"] = sum(int(table["rows"].sum()) for table in part.rejects if len(table))
    record |= {"first_month": min(totals, default=None), "last_month": max(totals, default=None)}
    if record["rows"] != record["rows_used"] + record["rows_rejected"]:
        what = "Rows do not add up: some were neither used nor rejected."
        found = [record[name] for name in ("rows", "rows_used", "rows_rejected")]
        do = "This is a fault of the reader; report it with the layout of the file."
        raise TableError(what, where=record["file"], found=found, do=do)


def _partial(parts: list[Part], share: float) -> list[str]:
    """Return files of events with more rows rejected than allowed; of any such file, say so."""
    found = []
    for part in parts:
        rows, lost = (
            part.record["rows"],
            part.record["rows_rejected"] - part.record["rows_replaced"],
        )
        if lost > share * max(rows, 1):
            reasons = pd.concat([table for table in part.rejects if len(table)])
            reasons = reasons[~reasons["reason"].str.startswith(REPLACED)]
            reason = reasons.groupby("reason")["rows"].sum().idxmax()
            said = say("rejected", lost, share=lost / rows, reason=reason)
            plain = {"severity": "information", "action": ""}  # of areas and residents: by design
            part.findings.append(said if part.is_events else {**said, **plain})
            found += [part.record["file"]] if part.is_events else []
    return found


def _districts(parts: list[Part]) -> dict[str, str]:
    """Return districts outside London that have a boundary, so that they can be loaded too."""
    shapes = [part.tables["areas"] for part in parts if "areas" in part.tables]
    pairs = [
        pair
        for table in shapes
        for pair in zip(table["area_code"], table["area_name"], strict=True)
    ]
    london = ("E09", "E01", "E05", "W01", "W05")
    return {str(code): str(name) for code, name in pairs if not str(code).startswith(london)}


def _findings(
    parts: list[Part],
    refused: list[Any],
    inputs: list[dict[str, Any]],
    before: list[dict[str, Any]],
) -> pd.DataFrame:
    for part in parts:
        part.record["findings"] = [finding["finding"] for finding in part.findings]
    found = [{**f, "file": part.record["file"]} for part in parts for f in part.findings]
    return fold_findings(
        [*found, *refused, *folder_findings(inputs), *find_revisions(inputs, before)], inputs
    )
