"""Two downloads of the same records, whatever they are called: told by the rows that they share."""

from collections.abc import Sequence
from itertools import combinations
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from sna.sources.quality import EVENTS, Part, say

MARKS = 256  # of a file; a file of which these are another's is a copy of it, or a part
SHARED = 0.5  # of the marks that two files could share
_ROW = ("legislation", "age_band", "sex", "outcome", "easting", "northing", "event_time")


def list_marks(record: dict[str, Any], tables: dict[str, pa.Table]) -> tuple[str, dict[str, Any]]:
    """Return which table a file of records holds, and month by key of a few of its rows.

    Keys are references (for searches all that is said of one) read backwards; those that sort
    first are taken, so that two files with the same rows give the same ones.
    """
    name = next((name for name in EVENTS if name in tables and tables[name].num_rows), "")
    if not name or not record["layout"].startswith(("police_uk", "extract")):
        return "", {}
    table = tables[name]
    names = ["offence_id"] if "offence_id" in table.column_names else _ROW
    texts = [table[each].cast(pa.string()) for each in names if each in table.column_names]
    whole = pc.binary_join_element_wise(*texts, "|", null_handling="replace")
    keys = pc.utf8_reverse(texts[0] if len(texts) == 1 else whole)
    rows = pa.table({"key": keys, "month": table["month"]}).filter(pc.is_valid(keys))
    rows = rows.take(pc.select_k_unstable(rows, MARKS, [("key", "ascending")]))
    return name, dict(zip(rows["key"].to_pylist(), rows["month"].to_pylist(), strict=True))


def join_copies(parts: Sequence[Part]) -> None:
    """Put files that hold the same records into one series, so that their months count once."""
    held = [part for part in parts if part.marks[1]]
    for one, other in combinations(held, 2):
        same = one.record["layout"] == other.record["layout"] and one.marks[0] == other.marks[0]
        months = set(one.record["totals"]) & set(other.record["totals"])
        if not same or not months or one.record["series"] == other.record["series"]:
            continue
        if (share := _share(one.marks[1], other.marks[1])) >= SHARED:
            other.record["series"] = one.record["series"]
            other.findings.append(say("twin", file=one.record["file"], share=share))


def _share(one: dict[str, Any], other: dict[str, Any]) -> float:
    """Return the share of the smaller file's marks that the larger has, where both could."""
    months = set(one.values()) & set(other.values())
    last = min(max(one), max(other))
    ours, theirs = (
        {key for key, month in marks.items() if month in months and key <= last}
        for marks in (one, other)
    )
    return len(ours & theirs) / max(min(len(ours), len(theirs)), 3)
