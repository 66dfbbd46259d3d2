"""Sentences about bands, bounds and readings, made from protected tables."""

from typing import Any

import pandas as pd

from sna.disclosure.protected import ProtectedTable
from sna.narrative.prose import KeyFindings, Prose
from sna.narrative.words import format_count, format_share, join_sentences, join_words

BAND_WORDS = {
    "core": "core",
    "context_only": "in a context but not listed",
    "listed_out_of_context": "listed but outside every context",
    "indeterminate": "not decided by the facts at hand",
    "out": "outside the definition",
}


def _check(protected: ProtectedTable) -> pd.DataFrame:
    if not isinstance(protected, ProtectedTable):
        raise TypeError("Pass the table through sna.protect first.")
    return protected.table


def _cell(protected: ProtectedTable, row: Any, column: str, noun: str = "offences") -> str:
    flag = str(protected.flags.loc[row, column]) if column in protected.flags else ""
    return format_count(protected.table.loc[row, column], noun, flag=flag)


def _row(protected: ProtectedTable, column: str, value: str) -> Any:
    table = _check(protected)
    found = table.index[table[column].astype("str") == value]
    return found[0] if len(found) else None


def describe_waterfall(protected: ProtectedTable) -> Prose:
    """Say how many rows are left at the first and last step, and where most were left out."""
    table = _check(protected)
    if table.empty:
        return Prose("No offences were recorded.")
    first, last = table.index[0], table.index[-1]
    most: Any = table["left_out"].fillna(-1).idxmax()
    end = ""
    if table.loc[most, "left_out"] > 0:
        end = f"The largest group left out, {_cell(protected, most, 'left_out')}: "
        end += str(table.loc[most, "why"])
    return Prose(
        join_sentences(
            f"Of {_cell(protected, first, 'offences')}, {_cell(protected, last, 'offences', '')} "
            "are core with the facts at hand",
            end,
        )
    )


def describe_bands(protected: ProtectedTable) -> Prose:
    """Say how many offences each band holds, and what core is by the victim's age alone."""
    table = _check(protected)
    parts = [
        f"{_cell(protected, row, 'offences', '')} {BAND_WORDS[str(table.loc[row, 'band'])]}"
        for row in table.index
    ]
    core = _row(protected, "band", "core")
    victim = "" if core is None else _cell(protected, core, "victim_only", "")
    return Prose(
        join_sentences(
            f"Recorded offences by band: {join_words(parts)}",
            f"By the victim's age alone, core would be {victim}; a trend that counts suspects "
            "moves with detection",
        )
    )


def _between(protected: ProtectedTable, row: Any) -> str:
    low, high = (_cell(protected, row, name, "") for name in ("lower", "upper"))
    return f"core is {low}" if low == high else f"core is between {low} and {high}"


def describe_bounds(protected: ProtectedTable) -> Prose:
    """Say the tightest interval of core and which source gives it."""
    row = _row(protected, "step", "tightest of all")
    if row is None:
        return Prose("No source covers the whole year, so no interval is given.")
    source = str(protected.table.loc[row, "source"])
    return Prose(
        join_sentences(
            f"In the last twelve months, {_between(protected, row)} in {protected.borough_name} "
            f"({source.replace('_', ' ')})",
            "This is what unknown facts leave possible, not what chance does",
        )
    )


def describe_contexts(protected: ProtectedTable) -> Prose:
    """Say which sets of contexts hold most offences."""
    table = _check(protected)
    if table.empty:
        return Prose("In no offence is a context known to apply.")
    names = {"u25": "a person under 25", "da": "domestic abuse", "sv": "sexual violence"}
    parts = [
        f"{join_words([names[n] for n in str(table.loc[row, 'contexts']).split('|')])} "
        f"({_cell(protected, row, 'offences')})"
        for row in table.index[:3]
        if str(table.loc[row, "contexts"]) != "attached only"
    ]
    return Prose(
        join_sentences(
            f"The most frequent sets of contexts are {join_words(parts)}" if parts else "",
            "Contexts overlap: never add them to a total",
        )
    )


def describe_readings(protected: ProtectedTable) -> Prose:
    """Say what core would be under the widest and narrowest reading of other boroughs."""
    table = _check(protected)
    known = table[table["core"].notna()]
    if known.empty:
        return Prose("The counts are too small to compare readings.")
    low: Any = known["core"].idxmin()
    high: Any = known["core"].idxmax()
    return Prose(
        join_sentences(
            f"The same records give {_cell(protected, low, 'core', '')} core offences under "
            f"{table.loc[low, 'title']} and {_cell(protected, high, 'core', '')} under "
            f"{table.loc[high, 'title']}",
            "A difference between texts is not a difference in violence",
        )
    )


def describe_missing(protected: ProtectedTable) -> Prose:
    """Say which facts are missing most, and whether the share drifts."""
    table = _check(protected)
    if table.empty:
        return Prose("No record-level source is loaded, so ages and flags are not known at all.")
    sums = table.groupby("field")[["missing", "offences"]].sum()
    shares = (sums["missing"] / sums["offences"]).sort_values(ascending=False)
    parts = [f"{name} ({format_share(share)})" for name, share in shares.head(3).items()]
    drift = sorted(set(table.loc[table["drifts"].astype(bool), "field"]))
    end = f"The share missing drifts for {join_words(drift)}: a trend may follow it"
    end = end if drift else ""
    return Prose(join_sentences(f"Most often missing: {join_words(parts)}", end))


def find_definition_points(
    bands: ProtectedTable, bounds: ProtectedTable, readings: ProtectedTable
) -> KeyFindings:
    """List the main points of the definition report."""
    points = []
    row = _row(bounds, "step", "tightest of all")
    if row is not None:
        points.append((f"In the last twelve months, {_between(bounds, row)}.", "core"))
    outside = _row(bands, "band", "listed_out_of_context")
    if outside is not None:
        count = _cell(bands, outside, "offences")
        points.append((f"Listed but outside every context: {count}.", "bands"))
    open_ = _row(bands, "band", "indeterminate")
    if open_ is not None:
        count = _cell(bands, open_, "offences")
        points.append((f"Not decided while a fact is missing: {count}.", "bands"))
    richmond = _row(readings, "profile", "all_ages_richmond_wandsworth")
    if richmond is not None:
        count = _cell(readings, richmond, "core", "")
        points.append((f"Read for all ages, as Richmond does, core would be {count}.", "readings"))
    return KeyFindings(tuple(p for p, _ in points), tuple(a for _, a in points))
