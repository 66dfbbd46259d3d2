"""What was read goes into the store: tables of all London, and one file a borough."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from sna import store
from sna.build.parts import Kept, Part, write_borough
from sna.build.workers import Run
from sna.schemas.arrow import join_tables

_WHOLE = ("population", "area_lookup", "deprivation", "health", "areas")


def write_whole(parts: list[Part], findings: pd.DataFrame, old: Path | None, work: Path) -> None:
    """Write the tables that are not kept by borough; event files add to counts and rejects."""
    rejects = [t.assign(file=p.record["file"]) for p in parts for t in p.rejects if len(t)]
    counts = [part.counts for part in parts if part.counts is not None]
    tables: dict[str, list[Any]] = {"counts": counts, "rejects": rejects, "findings": [findings]}
    if old:
        tables = {n: [store.read_table(n, old), *t] for n, t in tables.items() if t}
    tables |= {name: [p.tables[name] for p in parts if name in p.tables] for name in _WHOLE}
    for name, found in tables.items():
        whole = join_tables([table for table in found if len(table)], name)
        if whole is not None:
            store.write_table(whole, name, work)


def write_by_borough(
    parts: list[Part], work: Path, suffix: str, profile: str, run: Run
) -> Iterator[tuple[str, int, int]]:
    """Write one file a borough for each event table, its rows in order of source and file.

    All are begun at once; what comes back says how far each table is.
    """
    ordered = sorted(parts, key=lambda part: (part.record["layout"], part.record["file_id"]))
    begun = []
    for name in store.BY_BOROUGH:
        held: dict[str, tuple[Kept, list[pd.DataFrame]]] = {}  # files of a batch share their rows
        for part in (part for part in ordered if name in part.kept):
            _, lost = held.setdefault(part.kept[name].path, (part.kept[name], []))
            lost += [part.lost[part.lost["table"] == name]] if len(part.lost) else []
        found = [
            (kept, pd.concat(lost) if lost else pd.DataFrame()) for kept, lost in held.values()
        ]
        codes = sorted({code for kept, _ in found for code in kept.places})
        shared = (name, found, (suffix, work), profile)
        begun.append((name, len(codes), run(write_borough, codes, shared)))
    return ((name, n, of) for name, of, all_ in begun for n, _ in enumerate(all_, start=1))
