"""Sentences about bands, bounds and readings, made from protected tables."""

from typing import Any

import pandas as pd

from sna.disclosure.protected import ProtectedTable
from sna.narrative.prose import KeyFindings, Prose
from sna.narrative.words import format_count, format_share, join_sentences, join_words

CONTEXTS = {"u25": "a person under 25", "da": "domestic abuse", "sv": "sexual violence"}


def _check(protected: ProtectedTable) -> pd.DataFrame:
    if not isinstance(protected, ProtectedTable):
        raise TypeError("Pass the table through sna.protect first.")
    return protected.table


def _cell(protected: ProtectedTable, row: Any, column: str, noun: str = "") -> str:
    flag = str(protected.flags.loc[row, column]) if column in protected.flags else ""
    return format_count(protected.table.loc[row, column], noun, flag=flag)


def _row(protected: ProtectedTable, column: str, value: str) -> Any:
    table = _check(protected)
    return next(iter(table.index[table[column].astype("str") == value]), None)


def _between(protected: ProtectedTable, row: Any, low: str, high: str) -> str:
    ends = [_cell(protected, row, name) for name in (low, high)]
    return ends[0] if ends[0] == ends[1] else f"between {ends[0]} and {ends[1]}"


def _is_wide(bounds: ProtectedTable, row: Any) -> bool:
    line = bounds.table.loc[row]
    return bool(line["upper"] - line["lower"] > line["upper"] / 2)


def describe_bands(protected: ProtectedTable) -> Prose:
    """Say how many offences each band holds, and what core is by the victim's age alone."""
    parts = [f"{_cell(protected, row, 'offences')} {str(name).lower()}"
             for row, name in _check(protected)["name"].items()]  # fmt: skip
    victim = _cell(protected, _row(protected, "band", "core"), "victim_only")
    end = f"By the victim's age alone, core would be {victim}"
    return Prose(join_sentences("Recorded offences by band: " + "; ".join(parts), end))


def describe_bounds(protected: ProtectedTable) -> Prose:
    """Say the tightest interval of core, which months it covers and which source gives it."""
    row = _row(protected, "step", "Tightest of all")
    if row is None:
        return Prose("No source covers the whole year, so no interval is given.")
    line = protected.table.loc[row]
    source = _row(protected, "source", str(line["source"]))
    first = f"From {line['period']}, core is {_between(protected, row, 'lower', 'upper')}"
    return Prose(
        join_sentences(
            f"{first} in {protected.borough_name} ({protected.table.loc[source, 'step']})",
            "This is what unknown facts leave possible, not what chance does",
            "The interval is wide: read the labelled counts first" * _is_wide(protected, row),
        )
    )


def describe_proxies(protected: ProtectedTable) -> Prose:
    """Say the labelled counts that open data gives, which are never added up."""
    parts = [f"{str(name).lower()} {_cell(protected, row, 'offences')}"
             for row, name in _check(protected)["proxy"].items()]  # fmt: skip
    if not parts:
        return Prose("No published label stands in for a part of the definition here.")
    return Prose(join_sentences(f"By label: {join_words(parts)}", "They overlap: never add them"))


def describe_contexts(protected: ProtectedTable) -> Prose:
    """Say which sets of contexts hold most offences."""
    sets = [(row, str(name)) for row, name in _check(protected)["contexts"].items()]
    parts = [
        f"{_cell(protected, row, 'offences')} with "
        f"{join_words([CONTEXTS[c] for c in name.split('|')])}"
        for row, name in sets[:3]
        if name != "attached only"
    ]
    if not parts:
        return Prose("In no offence is a context known to apply.")
    first = f"The most frequent exact sets of contexts: {'; '.join(parts)}"
    return Prose(join_sentences(first, "Contexts overlap: never add them to a total"))


def describe_readings(protected: ProtectedTable) -> Prose:
    """Say what core would be under the narrowest and widest reading of other boroughs."""
    core = _check(protected)["core"]
    if core.isna().all():
        return Prose("The counts are too small to compare readings.")
    ends: list[Any] = [core.idxmin(), core.idxmax()]
    parts = [f"{_between(protected, row, 'core', 'core_possible')} under "
             f"{protected.table.loc[row, 'title']}" for row in ends]  # fmt: skip
    first = f"The same records give a core of {join_words(parts)}"
    return Prose(join_sentences(first, "It is the texts that differ, not the records"))


def describe_missing(protected: ProtectedTable) -> Prose:
    """Say which facts are missing most, and whether the share drifts."""
    table = _check(protected)
    if table.empty:
        return Prose("No record-level source is loaded, so ages and flags are not known at all.")
    sums = table.groupby("field")[["missing", "offences"]].sum()
    shares = (sums["missing"] / sums["offences"]).sort_values(ascending=False).head(3)
    parts = [f"{name} ({format_share(share)})" for name, share in shares.items()]
    drift = join_words(sorted(set(table.loc[table["drifts"].astype(bool), "field"])))
    end = f"The share missing drifts for {drift}: a trend may follow it" if drift else ""
    return Prose(join_sentences(f"Most often missing: {join_words(parts)}", end))


def find_definition_points(
    bands: ProtectedTable, bounds: ProtectedTable, readings: ProtectedTable, proxies: ProtectedTable
) -> KeyFindings:
    """List the main points; labelled counts lead where the interval exceeds half of its end."""
    points: list[tuple[str, str]] = []
    row: Any = _row(bounds, "step", "Tightest of all")
    if row is not None:
        period = bounds.table.loc[row, "period"]
        between = _between(bounds, row, "lower", "upper")
        points.append((f"Serious violence (core) from {period}: {between}.", "core"))
        if _is_wide(bounds, row):
            points[:0] = [
                (
                    f"{name}: {_cell(proxies, at, 'offences', 'recorded offences')}, {period}.",
                    "core",
                )
                for at, name in proxies.table["proxy"].head(2).items()
            ]
    for name in ("listed_out_of_context", "indeterminate"):
        at = _row(bands, "band", name)
        count = _cell(bands, at, "offences", "offences")
        points.append((f"{bands.table.loc[at, 'name']}: {count} in the same year.", "bands"))
    at = _row(readings, "profile", "all_ages_richmond_wandsworth")
    if at is not None:
        between = _between(readings, at, "core", "core_possible")
        points.append(
            (f"Read for all ages, as Richmond does, core would be {between}.", "readings")
        )
    return KeyFindings(tuple(p for p, _ in points), tuple(a for _, a in points))
