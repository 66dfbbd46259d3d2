"""Findings: what the reader of the data should know, file by file and between files.

Their words, and which columns and layouts they are about, stand in ``quality.toml``.
"""

import re
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from sna.sources.cells import CELL, EVENTS
from sna.sources.layout import make_finding
from sna.sources.places import HEATHROW_WARD, HILLINGDON

STUB_SHARE = 0.1  # a month with less than this share of the file's median month is a stub
WHOLE_SHARE = 0.9  # of the rows of the largest file of the same; one with fewer is a part
LEVELS_APART = 0.01  # of the borough sum; published dashboards agree to the offence
FOLD_FILES = 3  # as many files with the same finding are told in one row
_COPY = r"^copy of |( ?\(\d+\)| - copy)+(?=\.\w+$)"  # what a second download adds to a name
_SAYS = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))


class Part(Protocol):
    """What one file gave, as the build holds it."""

    record: dict[str, Any]
    cells: pd.DataFrame
    lost: pd.DataFrame
    marks: dict[str, Any]
    group: str
    counts: pa.Table | None
    rejects: list[pd.DataFrame]
    findings: list[dict[str, Any]]


def say(name: str, rows: int | None = None, /, **facts: Any) -> dict[str, Any]:
    """Return the finding called `name` with its facts filled in."""
    severity = _SAYS["severity"].get(name, "information")
    text, action = _SAYS["texts"][name].format(**facts), _SAYS["actions"].get(name, "")
    return {**make_finding(text, severity=severity, rows=rows, action=action), "file": ""}


def find_stubs(totals: dict[str, int]) -> list[str]:
    """Return months with under a tenth of the median month of six or more, wherever they lie."""
    if len(totals) < 6:
        return []
    usual = float(np.median(list(totals.values())))
    return [m for m, n in totals.items() if usual >= 100 and n < STUB_SHARE * usual]


# ---------------------------------------------------------------------------- one file


def file_findings(record: dict[str, Any], tables: dict[str, pa.Table]) -> list[dict[str, Any]]:
    """Return findings about the rows of one file."""
    found: list[dict[str, Any]] = []
    there = [name for name in EVENTS if name in tables and tables[name].num_rows]
    for name, table in ((name, tables[name]) for name in there):
        found += _missing(record, table, f" of {name}" if len(there) > 1 else "")
        found += _repeats(table) if record["layout"] != "extract" else []
        found += _airport(table) if "ward_code" in table.column_names else []
        found += _ends(table) if "event_time" in table.column_names else []
    return found


def reject_findings(rows: int, rejects: pd.DataFrame) -> list[dict[str, Any]]:
    """Say so when the last line of a file has too few fields, and when rows stand twice."""
    if not len(rejects):
        return []
    last = rejects[rejects["line"].eq(rows)] if "line" in rejects else rejects.head(0)
    found = (
        [say("cut", 1)] if last["reason"].astype("str").str.contains("fields where").any() else []
    )
    for reason, name in _SAYS["told"].items():
        if n := int(rejects["rows"][rejects["reason"].eq(reason)].sum()):
            found.append(say(name, n, n=n))
    return found


def month_findings(record: dict[str, Any], step: int = 1) -> list[dict[str, Any]]:
    """Return absent months, stubs, and labels that begin or end inside the file.

    A row speaks for `step` months from that it is dated in, so a table of quarters has no gaps.
    """
    totals, found = record["totals"], []
    ends = np.array([min(totals), max(totals)] if totals else [], dtype="datetime64[M]")
    span = np.arange(ends[0], ends[1] + 1, step).astype("str").tolist() if totals else []
    if gaps := [month for month in span if month not in totals]:
        found.append(say("gaps", n=len(gaps), months=", ".join(gaps[:6])))
    found += [say("stub", totals[m], month=m, n=totals[m]) for m in find_stubs(totals)]
    months = sorted(totals)[2:-2]  # a label that lacks a month or two at an end is only rare
    turns = {
        label: (first in months, last in months)
        for label, (first, last) in record["labels"].items()
    }
    words = [
        f"{label} ({'from' if starts else 'to'} {record['labels'][label][0 if starts else 1]})"
        for label, (starts, ends) in turns.items()
        if starts or ends
    ]
    return [*found, *([say("labels", labels="; ".join(words[:6]))] if words else [])]


def level_findings(cells: pd.DataFrame) -> list[dict[str, Any]]:
    """Say so when rows by ward and by borough of one file do not add up to the same."""
    if "area_level" not in cells or cells["area_level"].nunique() < 2:
        return []
    sums = cells.pivot_table("total", "table", "area_level", aggfunc="sum")
    if not {"ward", "borough"} <= set(sums):
        return []
    both = sums.dropna(subset=["ward", "borough"])
    apart = both[(both["ward"] - both["borough"]).abs() > LEVELS_APART * both["borough"]]
    return [
        say("levels", table=name, ward=int(row["ward"]), borough=int(row["borough"]))
        for name, row in apart.iterrows()
    ]


def _missing(record: dict[str, Any], table: pa.Table, of: str) -> list[dict[str, Any]]:
    found = []
    for column, (label, other) in _SAYS["missing"].items():
        counts_only = record["layout"].startswith("mps") and column != "borough_code"
        if column in table.column_names and not counts_only:
            gone = table[column].is_null()
            gone = pc.and_(gone, table[other].is_null()) if other in table.column_names else gone
            rows = pc.sum(gone).as_py() or 0
            if rows > 0.005 * table.num_rows:
                found.append(
                    say("missing", rows, share=rows / table.num_rows, label=label, table=of)
                )
    return found


def _repeats(table: pa.Table) -> list[dict[str, Any]]:
    """Return rows of records that repeat a reference, and those that repeat another exactly.

    Two people or searches can be alike. Where there are references, rows without one are not
    compared: a point of police.uk stands for several addresses, so two of its incidents can be
    alike as well. Counts by area have their keys (``reject_findings``).
    """
    said = [name for name in table.column_names if name not in ("file_id", "line")]
    found, name, rows = [], "exact", table.select(said)
    if "offence_id" in said:
        times = pc.value_counts(rows["offence_id"].drop_null())
        many = times.filter(pc.greater(times.field(1), 1))
        if not len(many):
            return []
        again = pc.sum(many.field(1)).as_py() - len(many)
        found, name = [say("repeats", again, n=again)], "copies"
        rows = rows.filter(pc.is_in(rows["offence_id"], many.field(0)))
    elif "people" not in said:
        return []
    alike = rows.num_rows - rows.group_by(said, use_threads=False).aggregate([]).num_rows
    return [*found, *([say(name, alike, n=alike)] if alike else [])]


def _airport(table: pa.Table) -> list[dict[str, Any]]:
    """Return the share of the airport's ward in the offences of Hillingdon."""
    if "offences" not in table.column_names:
        return []
    rows = table.select(["borough_code", "ward_code", "offences"])
    here = rows.filter(pc.equal(rows["borough_code"], HILLINGDON).combine_chunks())
    airport = here.filter(pc.equal(here["ward_code"], HEATHROW_WARD).combine_chunks())
    if not airport.num_rows:
        return []
    part, whole = pc.sum(airport["offences"]).as_py(), pc.sum(here["offences"]).as_py()
    share = part / max(whole, 1)
    return [say("airport", airport.num_rows, n=part, whole=whole, share=share)]


def _ends(table: pa.Table) -> list[dict[str, Any]]:
    """Return a month of searches that stops early."""
    last = pd.Timestamp(pc.max(table["event_time"]).as_py())
    left = ((last + pd.offsets.MonthEnd(0)).normalize() - last.normalize()).days
    is_cut = table.num_rows >= 1000 and left > 2
    return [say("stops", day=f"{last:%d %B %Y}")] if is_cut else []


# ---------------------------------------------------------------------------- between files


def series_of(record: dict[str, Any]) -> str:
    """Return what two files must share to be about the same thing; extracts never do.

    Searches do not say which force they come from, so there the name without its month decides.
    """
    layout = record["layout"]
    if layout.startswith("police_uk"):
        name = re.sub(_COPY, "", record["file"].rsplit("/", 1)[-1].casefold())
        return f"{layout} {re.sub('[0-9]', '', name)}"
    letter = record["variant"][:8] if layout.startswith("mps_") else ""
    return f"{layout} {letter}".strip() if layout not in ("", "extract") else record["file"]


def choose_files(parts: Sequence[Part]) -> None:
    """Where files overlap take the later one, month by month and category by category; never add.

    A stub month never wins, nor does a part: a file with a tenth fewer rows of the month. Of two
    that end alike a second copy by its name is later, then the larger. What loses is rejected.
    """
    holders = [part for part in parts if len(part.cells)]
    if not holders:
        return
    cells = {number: part.cells for number, part in enumerate(holders)}
    whole = pd.concat(cells, names=["part", "place"]).reset_index()
    whole = whole.join(pd.DataFrame([_describe(part) for part in holders]), on="part")
    months = zip(whole["month"].dt.strftime("%Y-%m"), whole["stubs"], strict=True)
    whole = whole.assign(is_full=[month not in stubs for month, stubs in months])
    keys = [key for key in ("group", "table", *CELL) if key in whole]
    whole = whole.assign(latest=whole.groupby("folder")["last"].transform("max"))
    span = [key for key in keys if key != "published_category"]
    files = whole.groupby([*span, "file"], dropna=False)["rows"]
    size, whole = files.transform("sum"), whole.assign(kinds=files.transform("size"))
    largest = whole.assign(size=size).groupby(span, dropna=False)["size"].transform("max")
    whole = whole.assign(size=size, is_whole=size >= WHOLE_SHARE * largest)
    whole = whole.sort_values(["is_full", "is_whole", "last", "latest", "is_copy", "size", "file"])
    last = whole.groupby(keys, dropna=False)[["file", "total", "kinds"]].transform("last")
    whole = _take_one_layout(
        whole.assign(winner=last["file"], kept=last["total"], of=last["kinds"]), span
    )
    lost = whole[whole["winner"] != whole["file"]]
    for part in parts:
        part.lost = lost[lost["file"] == part.record["file"]]
        if len(part.lost):
            _give_way(part)


def _describe(part: Part) -> dict[str, Any]:
    """Return what decides whether a file is the later of two."""
    record = part.record
    name = record["file"].rsplit("/", 1)[-1].casefold()
    return {
        "group": part.group,
        "stubs": find_stubs(record["totals"]),
        "last": max(record["totals"], default=""),
        "folder": record["file"].rsplit("/", 2)[0],
        "is_copy": re.search(_COPY, name) is not None,
        "file": record["file"],
        "file_id": record["file_id"],
    }


def _take_one_layout(whole: pd.DataFrame, span: list[str]) -> pd.DataFrame:
    """Let cells of another layout of one table give way: in a month only one of them counts.

    Labels of two layouts say which they are of and never agree, so that both would be added.
    """
    if "published_category" not in whole:
        return whole
    layout = whole["published_category"].astype("str").str.extract(r"^(MPS \w) \|")[0]
    months = whole.assign(layout=layout).groupby(span, dropna=False)
    best = months[["layout", "file", "kinds"]].transform("last")
    other = layout.notna() & layout.ne(best["layout"])
    return whole.assign(
        winner=whole["winner"].mask(other, best["file"]),
        kept=whole["kept"].mask(other, whole["total"]),  # of another scope: nothing was revised
        of=whole["of"].mask(other, best["kinds"]),
    )


def _give_way(part: Part) -> None:
    """Take the lost cells out of a file's counts, and say so; its rows go when they are written."""
    lost, record = part.lost, part.record
    if part.counts is not None:
        part.counts = without(part.counts, lost[lost["table"] == "offences"])
    left = len(part.cells) > len(lost)
    for winner, some in lost.groupby("winner"):
        name, facts = _why_lost(some)
        span = " to ".join(sorted({f"{m:%Y-%m}" for m in (min(some["month"]), max(some["month"]))}))
        found = say(name, _count_rows(part, some), span=span, file=winner, **facts)
        part.findings.append(found if left else {**found, "severity": "warning"})
        edition = some[some["is_whole"] & some["is_full"]]
        if differs := int((edition["total"] != edition["kept"]).sum()):
            sums = {"before": int(edition["total"].sum()), "after": int(edition["kept"].sum())}
            part.findings.append(say("edition", n=differs, m=len(edition), file=winner, **sums))
    kept = part.cells["month"][~part.cells.index.isin(lost["place"])]
    record["replaced_months"] = sorted({f"{m:%Y-%m}" for m in {*lost["month"]} - {*kept}})
    partly = 0 if record["is_wide"] else _count_rows(part, lost)
    record["rows_replaced"] = partly if left else record["rows_used"]
    record["rows_used"] -= record["rows_replaced"]


def _count_rows(part: Part, lost: pd.DataFrame) -> int:
    """Return rows in lost cells; people on the rows of their offences are no more rows."""
    is_row = lost["table"].eq(part.marks["table"]) | (part.record["layout"] != "extract")
    return int(lost["rows"][is_row].sum())


def _why_lost(lost: pd.DataFrame) -> tuple[str, dict[str, int]]:
    """Say why cells give way: to a later file, or as a part of one, or because of fewer kinds."""
    here, there = (int(lost[name].sum()) for name in ("total", "kept"))
    few, many = (int(lost[name].max()) for name in ("kinds", "of"))
    if lost["is_whole"].any():
        return "later", {}
    if few < many and here >= WHOLE_SHARE * there:  # of each kind about as many: nothing is cut
        return "scope", {"n": few, "m": many, "here": here, "there": there}
    return "part", {}


def is_lost(table: pa.Table, lost: pd.DataFrame) -> np.ndarray:
    """Return which rows of a table lie in lost cells."""
    said = [key for key in ("file_id", *CELL) if key in lost and lost[key].notna().any()]
    keys = [key for key in said if key in table.column_names]
    if not {*keys} - {"file_id"}:
        return np.zeros(table.num_rows, dtype=bool)
    frame = table.select(keys).to_pandas()
    frame = frame.astype({key: "object" for key in keys if key not in ("file_id", "month")})
    return pd.MultiIndex.from_frame(frame).isin(pd.MultiIndex.from_frame(lost[keys]))


def without(table: pa.Table, lost: pd.DataFrame) -> pa.Table:
    """Return a table without the rows of lost cells."""
    return table.filter(pa.array(~is_lost(table, lost))) if len(lost) else table


def fold_findings(found: list[dict[str, Any]], inputs: list[dict[str, Any]]) -> pd.DataFrame:
    """Return findings as a table; one that several files of a layout share becomes one row."""
    titles = {record["file"]: record["title"] for record in inputs}
    table = pd.DataFrame(found, columns=["severity", "file", "finding", "rows", "action"])
    table = table.astype({"rows": "Int64"})
    title = table["file"].map(titles).fillna("").rename("title")
    kind = table["finding"].str.replace(r"\d[\d,.-]*", "#", regex=True)
    kind = kind.str.replace(r"\(.*", "", regex=True).where(title.ne(""), table["file"])
    size = table["finding"].str.extract(r"([\d.,]+)")[0].str.replace(",", "").str.rstrip(".")
    size = pd.to_numeric(size, errors="coerce").fillna(0)
    keys = [table["severity"], title, kind.rename("kind")]
    files = table.groupby(keys)["file"].transform("nunique")
    many = files >= FOLD_FILES
    worst = table.index.isin(size.groupby(keys).idxmax())
    said = (
        "In "
        + files.astype("str")
        + " files, at most as in "
        + table["file"]
        + ": "
        + table["finding"]
    )
    return table.assign(
        finding=table["finding"].where(~many, said),
        rows=table["rows"].where(~many, table.groupby(keys)["rows"].transform("sum", min_count=1)),
        file=table["file"].where(~many, title),
    )[~many | worst].reset_index(drop=True)


def describe_support(inputs: list[dict[str, Any]]) -> list[str]:
    """Return which sections the folder supports, and the tier of assessment it reaches."""
    care = set(_SAYS["supports"]["Health"])
    used = [record for record in inputs if record["rows_used"]]
    there = {r["variant"] if r["variant"] in care else r["layout"] for r in used}
    lines = []
    for title, layouts in _SAYS["supports"].items():
        found = [name for name in layouts if name in there]
        lines.append(f"{'yes' if found else 'no ':3} {title}: {', '.join(found or layouts)}")
    reached = [tier for tier, layouts in _SAYS["tiers"].items() if there & set(layouts)]
    tier = reached[-1] if reached else "1: open data only"
    if "extract" in there:
        tier += " and health" if care & there else ", no health data"
    return [*lines, f"Tier of assessment {tier}."]
