"""Files about the same thing, told by what they hold: whatever they are called, they count once."""

from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from sna.sources.cells import EVENTS
from sna.sources.quality import Part, say

MARKS = 256  # of a published file; one of which these are another's is a copy of it, or a part
SHARED = 0.5  # of the marks that two files could share
APART = 0.1  # files of one name that share less, of ENOUGH marks, are of two forces or two halves
ENOUGH = 20
_ROW = ("legislation", "age_band", "sex", "outcome", "easting", "northing", "event_time")


def list_marks(
    record: dict[str, Any], tables: dict[str, pa.Table], *, is_only: bool = False
) -> dict[str, Any]:
    """Return what tells a file's rows: which table, its boroughs, and key and month of its rows.

    Keys are references (for searches all that is said of one) read backwards. Of a published file
    those that sort first are taken, so that two files with the same rows give the same ones; of an
    extract all are, as one shared day counts twice and must be seen among the days of years. Rows
    of the `is_only` file of its kind are compared with none.
    """
    name = next((name for name in EVENTS if name in tables and tables[name].num_rows), "")
    nothing = pa.table({"key": pa.array([], pa.binary()), "month": pa.array([], pa.date32())})
    found: dict[str, Any] = {"table": name, "areas": frozenset(), "rows": nothing}
    if name and "borough_code" in tables[name].column_names:
        areas = pc.unique(tables[name]["borough_code"]).cast(pa.string())
        found["areas"] = frozenset(areas.drop_null().to_pylist())
    if is_only or not name or not record["layout"].startswith(("police_uk", "extract")):
        return found
    table = tables[name]
    names = ["offence_id"] if "offence_id" in table.column_names else _ROW
    texts = [table[each].cast(pa.string()) for each in names if each in table.column_names]
    whole = pc.binary_join_element_wise(*texts, "|", null_handling="replace")
    keys = pc.binary_reverse((texts[0] if len(texts) == 1 else whole).cast(pa.binary()))
    rows = pa.table({"key": keys, "month": table["month"].cast(pa.date32())})
    rows = rows.filter(pc.is_valid(keys))
    if record["layout"] != "extract":
        rows = rows.take(pc.select_k_unstable(rows, MARKS, [("key", "ascending")]))
    return {**found, "rows": rows}


def join_copies(parts: Sequence[Part]) -> None:
    """Give files that are about the same thing one group, in which a month counts once.

    Files of one series are, unless they share neither a record nor a borough; files under other
    names are when they share most of their records.
    Extracts that share a few hold days of a month that the other lacks: both count, and an error
    says how many records count twice.
    """
    group = list(range(len(parts)))
    for one, other in sorted(set(_neighbours(parts))):
        ours, theirs = parts[one], parts[other]
        if _are_elsewhere(ours.marks, theirs.marks):  # alike numbers may stand for other records
            continue
        # tables by month of two layouts count the same offences under other labels
        is_wide = ours.record["is_wide"] and theirs.record["is_wide"]
        is_same = is_wide or ours.record["series"] == theirs.record["series"]
        both, share = _share(ours.marks["rows"], theirs.marks["rows"])
        if share >= SHARED and not is_same:
            theirs.findings.append(say("twin", file=ours.record["file"], share=share))
        elif share and ours.record["layout"] == "extract":
            theirs.findings.append(say("doubled", both, n=both, file=ours.record["file"]))
        if share >= SHARED or (is_same and not _are_apart(ours.marks, theirs.marks, share)):
            old, new = group[other], group[one]
            group = [new if each == old else each for each in group]
    for part, number in zip(parts, group, strict=True):
        part.group = parts[number].record["file"]


def _neighbours(parts: Sequence[Part]) -> Iterator[tuple[int, int]]:
    """Yield pairs of files of one layout and table that have a month in common."""
    months: dict[tuple[str, ...], list[int]] = {}
    for number, part in enumerate(parts):
        for month in part.record["totals"]:
            key = (part.record["layout"], part.marks["table"], month)
            months.setdefault(key, []).append(number)
    for held in months.values():
        yield from combinations(held, 2)


def _are_apart(one: dict[str, Any], other: dict[str, Any], share: float) -> bool:
    """Say whether two files of one name are of two forces or two halves."""
    return min(len(one["rows"]), len(other["rows"])) >= ENOUGH and share < APART


def _are_elsewhere(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Say whether two files know their boroughs and have none in common."""
    return bool(one["areas"] and other["areas"]) and one["areas"].isdisjoint(other["areas"])


def _share(one: pa.Table, other: pa.Table) -> tuple[int, float]:
    """Return how many marks two files share, and their share of those that both could have."""
    months = pc.unique(one["month"]).filter(pc.is_in(pc.unique(one["month"]), other["month"]))
    ends = [pc.max(each["key"]).as_py() for each in (one, other) if each.num_rows == MARKS]
    ours, theirs = (
        pc.unique(each["key"].filter(pc.is_in(each["month"], months))) for each in (one, other)
    )
    if ends:  # a file may have more below its last mark
        ours, theirs = (
            keys.filter(pc.less_equal(keys, pa.scalar(min(ends), pa.binary())))
            for keys in (ours, theirs)
        )
    both = pc.sum(pc.is_in(ours, theirs)).as_py() or 0
    return both, both / max(min(len(ours), len(theirs)), 3)
