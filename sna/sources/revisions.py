"""What a new edition changed: this folder's figures against those of the build before."""

from typing import Any

from sna.sources.quality import say
from sna.sources.siblings import list_taken

_FOLLOWED = ("totals", "digests")


def find_revisions(
    inputs: list[dict[str, Any]], previous: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    """Say which months were revised, added or withdrawn, by series, since the build before.

    A file that only moved stays in its series. A new file can be a new edition of one that is gone:
    an extract read by the same mapping with months in common, a published table of the same kind
    with all its months and boroughs.
    """
    inputs, previous = list_taken(inputs), list_taken(previous)
    names, hashes = ({record[key] for record in inputs} for key in ("file", "sha256"))
    away = [r for r in previous if r["file"] not in names and r["sha256"] not in hashes]
    known = {record["file"] for record in previous}
    into = _find_renamed(away, [record for record in inputs if record["file"] not in known])
    found = [
        say("gone", r["rows_used"], file=r["file"], rows=r["rows_used"])
        for r in away
        if r["file"] not in into
    ]
    found += [say("renamed", file=into[file]["file"], old=file) for file in into]
    marks = {record["file"]: record["mapping"] for record in previous}
    remapped = [r for r in inputs if marks.get(r["file"], r["mapping"]) != r["mapping"]]
    found += [say("remapped", file=record["file"]) for record in remapped]
    moved = {r["sha256"]: r for r in inputs if r["file"] == r["raw_file"]}  # of an archive: of all
    heirs = [into.get(r["file"]) or moved.get(r["sha256"], r) for r in previous]
    old = _by_series(
        [{**r, "series": heir["series"]} for r, heir in zip(previous, heirs, strict=True)]
    )
    new = _by_series(inputs)
    for name in sorted(set(old) & set(new)):
        found += _compare(name, old[name], new[name])
    return found


def _find_renamed(
    away: list[dict[str, Any]], fresh: list[dict[str, Any]]
) -> dict[str, dict[str, Any]]:
    """Return the new edition of each file that is gone: of those alike, most months shared."""
    into = {}
    for old in away:
        months, shared = set(old["totals"]), {}
        for new in fresh:
            both = months & set(new["totals"])
            is_whole = both == months and new["boroughs"] >= old["boroughs"]
            is_table = old["is_wide"] and new["series"] == old["series"] and is_whole
            if both and (is_table or (old["mapping"] and new["mapping"] == old["mapping"])):
                shared[new["file"]] = (len(both), new)
        if shared:
            into[old["file"]] = max(shared.values(), key=lambda pair: pair[0])[1]
    return into


def _by_series(records: list[dict[str, Any]]) -> dict[str, dict[str, dict[str, Any]]]:
    """Return totals and digests by month of each series; a later file's stand."""
    series: dict[str, dict[str, dict[str, Any]]] = {}
    for record in sorted(records, key=lambda r: max(r["totals"], default="")):
        known = series.setdefault(record["series"], {key: {} for key in _FOLLOWED})
        for key in _FOLLOWED:
            told = record[key].items()
            known[key].update({month: mark for month, mark in told if month in record["totals"]})
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
