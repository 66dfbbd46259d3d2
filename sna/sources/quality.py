"""Findings: what the reader of the data should know, file by file and between files."""

from typing import Any, Protocol

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from sna.sources.layout import make_finding

_EVENTS = {"offences": "offences", "people": "people", "outcomes": "outcomes"}
STUB_SHARE = 0.1  # a month with less than this share of the file's median month is a stub


class Part(Protocol):
    """What one file gave, as the build holds it."""

    record: dict[str, Any]
    tables: dict[str, pa.Table]
    counts: pa.Table | None
    rejects: list[pd.DataFrame]
    findings: list[dict[str, Any]]


def month_totals(table: pa.Table, count: str) -> dict[str, int]:
    """Return the sum of a count column by month, as ``{"2024-01": 81}``."""
    total = pa.table({"month": table["month"], "n": table[count]}).group_by("month")
    rows = total.aggregate([("n", "sum")]).to_pylist()
    months = {f"{r['month']:%Y-%m}": int(r["n_sum"]) for r in rows if r["month"] is not None}
    return dict(sorted(months.items()))


def find_stubs(totals: dict[str, int]) -> list[str]:
    """Return first or last months with under a tenth of the median month of six or more."""
    if len(totals) < 6:
        return []
    usual = float(np.median(list(totals.values())))
    months = list(totals)
    return [m for m in (months[0], months[-1]) if usual >= 100 and totals[m] < STUB_SHARE * usual]


def _share(table: pa.Table, name: str) -> float:
    if name not in table.column_names:
        return 0.0
    missing = table[name].is_null()
    if name == "lsoa_code" and "lsoa_2011_code" in table.column_names:
        missing = pc.and_(missing, table["lsoa_2011_code"].is_null())
    return (pc.sum(missing).as_py() or 0) / table.num_rows


def _month_findings(totals: dict[str, int]) -> list[dict[str, Any]]:
    found = []
    if totals:
        span = pd.period_range(min(totals), max(totals), freq="M").strftime("%Y-%m")
        gaps = [month for month in span if month not in totals]
        if gaps:
            found.append(make_finding(f"{len(gaps)} months are absent: {', '.join(gaps[:6])}.",
                                      severity="warning"))  # fmt: skip
    for month in find_stubs(totals):
        found.append(make_finding(
            f"{month} holds {totals[month]:,}, under a tenth of a usual month: a stub.",
            severity="warning", rows=totals[month],
            action="Another file's figure is taken, if any."))  # fmt: skip
    return found


_LABELS = {"borough_code": "borough", "lsoa_code": "LSOA", "sex": "sex", "age_band": "age band",
           "ethnicity_self": "self-defined ethnicity", "offence_id": "reference"}  # fmt: skip


def file_findings(record: dict[str, Any], tables: dict[str, pa.Table]) -> list[dict[str, Any]]:
    """Return findings about one file, and note its months' totals in its line of inputs."""
    found: list[dict[str, Any]] = []
    for name, count in _EVENTS.items():
        table = tables.get(name)
        if table is None or not table.num_rows:
            continue
        totals = month_totals(table, count)
        record["totals"] = record["totals"] or totals
        found += _month_findings(totals)
        is_record = not record["layout"].startswith("mps")
        for column, label in _LABELS.items():
            share = _share(table, column)
            if share > 0.005 and (is_record or column == "borough_code"):
                rows = round(share * table.num_rows)
                found.append(make_finding(f"{share:.1%} of rows have no {label}.", rows=rows))
        if name == "offences" and is_record and "offence_id" in table.column_names:
            ids = table["offence_id"].drop_null()
            again = len(ids) - pc.count_distinct(ids).as_py()
            if again:
                found.append(make_finding(f"{again:,} rows repeat a reference.", rows=again))
        found += _search_findings(table) if name == "people" else []
        if "ward_code" in table.column_names and name == "offences":
            found += _airport_finding(table)
    return found


def _search_findings(table: pa.Table) -> list[dict[str, Any]]:
    """Return exact repeats and a month that stops early; repeats may be two real searches."""
    if "event_time" not in table.column_names:
        return []
    frame = table.drop_columns(["file_id"]).to_pandas()
    again = int(frame.duplicated().sum())
    found = []
    if again:
        found.append(make_finding(f"{again} rows repeat another exactly; kept, as two searches "
                                  "can be alike.", rows=again))  # fmt: skip
    last = frame["event_time"].max()
    end = last + pd.offsets.MonthEnd(0)
    if len(frame) >= 1000 and (end.normalize() - last.normalize()).days > 2:
        found.append(make_finding(f"The last month stops on {last:%d %B %Y}.", severity="warning"))
    return found


def _airport_finding(table: pa.Table) -> list[dict[str, Any]]:
    from sna.sources.places import HEATHROW_WARD, HILLINGDON

    here = table.filter(pc.equal(table["borough_code"], HILLINGDON).combine_chunks())
    airport = here.filter(pc.equal(here["ward_code"], HEATHROW_WARD).combine_chunks())
    if not airport.num_rows:
        return []
    part, whole = pc.sum(airport["offences"]).as_py(), pc.sum(here["offences"]).as_py()
    text = (f"Heathrow Villages holds {part:,} of Hillingdon's {whole:,} ward offences "
            f"({part / max(whole, 1):.0%}); placed by ward code.")  # fmt: skip
    return [make_finding(text, rows=airport.num_rows)]


# ---------------------------------------------------------------------------- between files


def _series(record: dict[str, Any]) -> str:
    """Return what two files must share to be about the same thing; extracts never do.

    Searches do not say which force they come from, so there the name without its month decides.
    """
    layout = record["layout"]
    if layout.startswith("police_uk"):
        name = record["file"].rsplit("/", 1)[-1]
        return f"{layout} {''.join(c for c in name if not c.isdigit())}"
    letter = record["variant"][:8] if layout.startswith("mps_") else ""
    return f"{layout} {letter}" if layout not in ("", "extract") else record["file"]


def _cells(part: Part) -> pd.DataFrame:
    """Return what a file speaks for: months, levels and categories, and how late it is."""
    frames = []
    for name in _EVENTS:
        if (table := part.tables.get(name)) is not None and table.num_rows:
            keys = [
                k for k in ("month", "area_level", "published_category") if k in table.column_names
            ]
            cells = table.select(keys).group_by(keys).aggregate([]).to_pandas()
            frames.append(
                cells.astype({k: "object" for k in keys if k != "month"}).assign(table=name)
            )
    if not frames:
        return pd.DataFrame()
    totals = part.record["totals"]
    cells = pd.concat(frames, ignore_index=True)
    stubs = set(find_stubs(totals))
    return cells.assign(
        series=_series(part.record),
        is_full=[f"{m:%Y-%m}" not in stubs for m in cells["month"]],
        last=max(totals, default=""),
        folder=part.record["file"].rsplit("/", 2)[0],
        file=part.record["file"],
    )


def choose_files(parts: list[Any]) -> None:
    """Where files overlap take the later one, month by month and category by category; never add.

    A stub month never wins. Rows that lose become rejects of their file.
    """
    for part in parts:
        part.record["series"] = _series(part.record)
    cells = [c for c in map(_cells, parts) if len(c)]
    if not cells:
        return
    whole = pd.concat(cells, ignore_index=True)
    latest = whole.groupby("folder")["last"].transform("max")
    keys = [
        k for k in ("series", "table", "month", "area_level", "published_category") if k in whole
    ]
    whole = whole.assign(latest=latest).sort_values(["is_full", "last", "latest", "file"])
    winner = whole.groupby(keys, dropna=False)["file"].transform("last")
    lost = whole.assign(winner=winner)[winner != whole["file"]]
    for part in parts:
        mine = lost[lost["file"] == part.record["file"]]
        if len(mine):
            _drop(part, mine)


def _drop(part: Part, lost: pd.DataFrame) -> None:
    """Take the lost cells out of a file's tables and counts, and say so."""
    keys = [
        k
        for k in ("month", "area_level", "published_category")
        if k in lost and lost[k].notna().any()
    ]
    gone, left = 0, 0
    for name in list(part.tables):
        if name in _EVENTS:
            kept = _without(part.tables[name], lost[lost["table"] == name], keys)
            gone += part.tables[name].num_rows - kept.num_rows
            left += kept.num_rows
            part.tables[name] = kept
    if part.counts is not None:
        part.counts = _without(part.counts, lost[lost["table"] == "offences"], keys)
    winner, months = lost["winner"].iloc[0], sorted({f"{m:%Y-%m}" for m in lost["month"]})
    span = months[0] if len(months) == 1 else f"{months[0]} to {months[-1]}"
    part.findings.append(
        make_finding(f"{span}: a later file is taken instead ({winner}).", rows=gone)
    )
    rows = (0 if left else part.record["rows_used"]) if part.record.get("is_wide") else gone
    if rows:
        part.record["rows_used"] -= rows
        reason = f"The same month and category stand in a later file: {winner}."
        part.rejects.append(pd.DataFrame([{"reason": reason[:200], "rows": rows}]))


def _without(table: pa.Table, lost: pd.DataFrame, keys: list[str]) -> pa.Table:
    used = [key for key in keys if key in table.column_names]
    if lost.empty or not used:
        return table
    frame = table.select(used).to_pandas()
    frame = frame.astype({key: "object" for key in used if key != "month"})
    bad = pd.MultiIndex.from_frame(frame).isin(pd.MultiIndex.from_frame(lost[used]))
    return table.filter(pa.array(~bad))


def folder_findings(
    inputs: list[dict[str, Any]], previous: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    """Return findings between files, and what changed since the build before."""
    return _level_findings(inputs) + _revisions(inputs, previous)


def _level_findings(inputs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Say how far ward and LSOA totals fall short of the borough total of the same months."""
    totals: dict[str, dict[str, int]] = {}
    for record in inputs:
        totals.setdefault(record["layout"], {}).update(record["totals"])
    found = []
    whole = totals.get("mps_borough", {})
    for level in ("ward", "lsoa"):
        part = totals.get(f"mps_{level}", {})
        shared = sorted(set(part) & set(whole))
        if shared:
            small, large = sum(part[m] for m in shared), sum(whole[m] for m in shared)
            text = (f"{level} files hold {small:,} offences in {shared[0]} to {shared[-1]}, "
                    f"borough files {large:,}: {1 - small / max(large, 1):.1%} fewer. "
                    "Not scaled.")  # fmt: skip
            found.append({**make_finding(text), "file": ""})
    return found


def _revisions(
    inputs: list[dict[str, Any]], previous: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    """Say which months were revised, added or withdrawn, by series, since the build before."""

    def by_series(records: list[dict[str, Any]]) -> dict[str, dict[str, int]]:
        series: dict[str, dict[str, int]] = {}
        for record in sorted(records, key=lambda r: max(r["totals"], default="")):
            series.setdefault(record.get("series", ""), {}).update(record["totals"])
        return {name: months for name, months in series.items() if months}

    old, new, found = by_series(previous), by_series(inputs), []
    for name in sorted(set(old) & set(new)):
        before, after = old[name], new[name]
        for month in sorted(set(before) & set(after)):
            if before[month] != after[month]:
                text = (
                    f"{name.strip()}, {month}: revised from {before[month]:,} to {after[month]:,}."
                )
                found.append({**make_finding(text), "file": ""})
        added = sorted(set(after) - set(before))
        if added:
            text = f"{name.strip()}: months added since the build before: {', '.join(added[:12])}."
            found.append({**make_finding(text), "file": ""})
    return found


_SUPPORT = (
    ("Headline series of serious violence (records)", ("extract",)),
    ("Bounds of the definition, all ages", ("home_office_csp",)),
    ("Proxies by month and borough", ("mps_borough", "mps_dashboard_tno")),
    ("Knife crime and young knife victims", ("mps_dashboard_knife", "mps_dashboard_other")),
    ("Hotspots by ward", ("mps_ward", "extract")),
    ("Hotspots by LSOA", ("mps_lsoa", "police_uk_street")),
    ("Stop and search by ethnicity", ("police_uk_stop_search",)),
    ("Rates (residents)", ("census", "mid_year_age")),
    ("Deprivation gradient", ("imd_2019", "imd_2025")),
    ("Maps", ("boundaries",)),
    ("Health", ("fingertips", "ambulance", "emergency_department")),
)


def describe_support(inputs: list[dict[str, Any]]) -> list[str]:
    """Return which sections the folder supports, and the tier of assessment it reaches."""
    there = {record["layout"] for record in inputs if record["rows_used"]}
    lines = []
    for title, layouts in _SUPPORT:
        found = [name for name in layouts if name in there]
        lines.append(f"{'yes' if found else 'no ':3} {title}: {', '.join(found or layouts)}")
    tier = "1: open data only"
    if there & {"home_office_csp", "mps_dashboard_tno", "mps_dashboard_knife"}:
        tier = "2: open data with dashboards or Home Office tables"
    if "extract" in there:
        tier = "3: with a restricted record extract"
        tier += " and health" if there & {"fingertips", "ambulance"} else ", no health data"
    return [*lines, f"Tier of assessment {tier}."]
