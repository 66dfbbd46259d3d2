"""Findings between the files of a folder: levels that fall short, labels and months that lack."""

from itertools import pairwise
from typing import Any

from sna.sources.quality import month_findings, say


def folder_findings(inputs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return findings between the files of a folder; what is not taken stands in none."""
    used = list_taken(inputs)
    return [*_shortfalls(used), *_relabelled(used), *_lone_months(used)]


def list_taken(inputs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the files with the months of which something is taken from them."""
    return [
        {
            **r,
            "totals": {
                m: n for m, n in r["totals"].items() if m not in r.get("replaced_months", ())
            },
        }
        for r in inputs
    ]


def _shortfalls(inputs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Say how far ward and LSOA totals fall short of the borough totals, by group of offences."""
    totals: dict[str, dict[str, int]] = {}
    groups: dict[str, dict[str, dict[str, int]]] = {}
    for record in sorted(inputs, key=lambda record: max(record["totals"], default="")):
        totals.setdefault(record["layout"], {}).update(record["totals"])
        held = groups.setdefault(record["layout"], {})
        for name, months in record["groups"].items():
            held.setdefault(name, {}).update(months)
    found, whole = [], totals.get("mps_borough", {})
    for level in ("ward", "lsoa"):
        part, layout = totals.get(f"mps_{level}", {}), groups.get(f"mps_{level}", {})
        if shared := sorted(set(part) & set(whole)):
            small, large = sum(part[m] for m in shared), sum(whole[m] for m in shared)
            facts: dict[str, Any] = {"small": small, "large": large}
            facts |= {"share": 1 - small / max(large, 1)}
            facts |= {"groups": _by_group(layout, groups["mps_borough"], shared)}
            name = "short" if small <= large else "over"
            facts |= {"level": {"lsoa": "LSOA"}.get(level, level)}
            found.append(say(name, first=shared[0], last=shared[-1], **facts))
    return found


def _by_group(
    part: dict[str, dict[str, int]], whole: dict[str, dict[str, int]], months: list[str]
) -> str:
    """Return each group's share that is lacking, the largest first; groups not there come first."""
    shares: dict[str, float] = {}
    for name, known in whole.items():
        large = sum(known.get(month, 0) for month in months)
        small = sum(part.get(name, {}).get(month, 0) for month in months)
        shares |= {name: 1 - small / large} if large else {}
    ranked = sorted(shares, key=lambda name: -shares[name])
    return "; ".join(f"{n} {f'{shares[n]:.1%}' if n in part else 'not there'}" for n in ranked)


def _lone_months(inputs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Say which months are absent from, or stubs in, a series of which each file is one month.

    A file of searches begins on the evening before, in UTC: its month is the one of most rows.
    A published table has any number of months, so what lacks between two is not told here.
    """
    series: dict[str, dict[str, int]] = {}
    single = [r for r in inputs if 1 <= len(r["totals"]) <= 2 and not r["is_wide"]]
    for record in single:
        held, totals = series.setdefault(record["series"], {}), record["totals"]
        month = max(totals, key=lambda month: totals[month])
        held[month] = held.get(month, 0) + totals[month]
    found = []
    for name, totals in sorted(series.items()):
        ordered = {month: totals[month] for month in sorted(totals)}
        for finding in month_findings({"totals": ordered, "labels": {}}):
            found.append({**finding, "finding": f"{name}: {finding['finding']}"})
    return found


def _relabelled(inputs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Say which labels one edition of a published table has and the edition before it lacks."""
    found = []
    tables = [record for record in inputs if record["labels"] and record["totals"]]
    tables.sort(key=lambda record: (record["layout"], max(record["totals"])))
    for older, newer in pairwise(tables):
        old, new = set(older["labels"]), set(newer["labels"])
        words = [f"without {label}" for label in sorted(old - new)]
        words += [f"new {label}" for label in sorted(new - old)]
        if words and older["layout"] == newer["layout"]:
            files = f"{older['file']} to {newer['file']}"
            text = "; ".join(words[:8]) + (f"; and {len(words) - 8} more" if len(words) > 8 else "")
            found.append(say("relabelled", len(words), series=files, labels=text))
    return found
