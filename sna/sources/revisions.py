"""What a new edition changed: this folder's figures against those of the build before."""

from typing import Any

import pandas as pd
import pyarrow as pa

from sna.sources.quality import say

_FOLLOWED = ("totals", "digests")


def digest_months(events: dict[str, pa.Table]) -> dict[str, str]:
    """Return a checksum of each month's counts by category and borough, given by `sum_events`.

    It tells a count that moved to another category or borough while the month's sum stayed.
    """
    found = [pd.Series(dtype="uint64")]
    for counts in events.values():
        sums = counts.drop_columns("rows").to_pandas().astype("str")
        found.append(pd.util.hash_pandas_object(sums, index=False).set_axis(sums["month"]))
    marks = pd.concat(found[1:] or found)
    return {str(month)[:7]: f"{mark:x}" for month, mark in marks.groupby(level=0).sum().items()}


def find_revisions(
    inputs: list[dict[str, Any]], previous: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    """Say which months were revised, added or withdrawn, by series, since the build before.

    An extract under a new name, read by the mapping of one that is gone and with months in common
    with it, is a new edition of that one.
    """
    names, hashes = ({record[key] for record in inputs} for key in ("file", "sha256"))
    away = [r for r in previous if r["file"] not in names and r["sha256"] not in hashes]
    known = {record["file"] for record in previous}
    into = _find_renamed(away, [record for record in inputs if record["file"] not in known])
    found = [
        say("gone", r["rows_used"], file=r["file"], rows=r["rows_used"])
        for r in away
        if r["file"] not in into
    ]
    found += [say("renamed", file=new, old=old) for old, new in into.items()]
    old = _by_series([{**r, "series": into.get(r["file"], r["series"])} for r in previous])
    new = _by_series(inputs)
    for name in sorted(set(old) & set(new)):
        found += _compare(name, old[name], new[name])
    return found


def _find_renamed(away: list[dict[str, Any]], fresh: list[dict[str, Any]]) -> dict[str, str]:
    """Return the new name of each extract that is gone: of those read alike, most months shared."""
    into = {}
    for old in (record for record in away if record.get("mapping")):
        alike = [record for record in fresh if record["mapping"] == old["mapping"]]
        shared = {
            record["file"]: len(set(record["totals"]) & set(old["totals"])) for record in alike
        }
        if shared and max(shared.values()):
            into[old["file"]] = max(shared, key=lambda name: shared[name])
    return into


def _by_series(records: list[dict[str, Any]]) -> dict[str, dict[str, dict[str, Any]]]:
    """Return totals and digests by month of each series; a later file's stand."""
    series: dict[str, dict[str, dict[str, Any]]] = {}
    for record in sorted(records, key=lambda r: max(r["totals"], default="")):
        known = series.setdefault(record["series"], {key: {} for key in _FOLLOWED})
        for key in _FOLLOWED:
            known[key].update(record.get(key, {}))
    return {name: known for name, known in series.items() if known["totals"]}


def _compare(
    name: str, old: dict[str, dict[str, Any]], new: dict[str, dict[str, Any]]
) -> list[dict[str, Any]]:
    """Say what happened to one series; of several revised months the one revised most is named."""
    before, after = old["totals"], new["totals"]
    both = sorted(set(before) & set(after))
    revised = [month for month in both if before[month] != after[month]]
    marks, others = old["digests"], new["digests"]
    moved = [m for m in both if m not in revised and m in marks and marks[m] != others.get(m)]
    found = []
    if revised:
        most = max(revised, key=lambda month: abs(after[month] - before[month]))
        rest = f"; others revised: {_list([m for m in revised if m != most])}"
        facts = {"before": before[most], "after": after[most], "rest": rest * (len(revised) > 1)}
        found.append(say("revised", series=name, month=most, **facts))
    changes = {
        "moved": moved,
        "added": sorted(set(after) - set(before)),
        "withdrawn": sorted(set(before) - set(after)),
    }
    found += [say(kind, series=name, months=_list(ms)) for kind, ms in changes.items() if ms]
    return found


def _list(months: list[str], most: int = 12) -> str:
    left = f" and {len(months) - most} more" if len(months) > most else ""
    return ", ".join(months[:most]) + left
