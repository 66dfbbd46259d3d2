"""Sentences about series, change and comparison, made from protected tables."""

from typing import Any

import pandas as pd

from sna.disclosure.protected import ProtectedTable
from sna.narrative.prose import KeyFindings, Prose
from sna.narrative.words import (
    compare_words,
    format_change,
    format_count,
    format_interval,
    format_number,
    format_rate,
    join_sentences,
    join_words,
)

BREAK = "[b]"


def _check(protected: ProtectedTable) -> pd.DataFrame:
    if not isinstance(protected, ProtectedTable):
        raise TypeError("Pass the table through sna.protect first.")
    return protected.table


def _flag(protected: ProtectedTable, row: Any, column: str) -> str:
    return str(protected.flags.loc[row, column]) if column in protected.flags else ""


def describe_series(protected: ProtectedTable) -> Prose:
    """Say what the last twelve months of the borough hold, beside London, and which breaks."""
    table = _check(protected)
    if table.empty:
        return Prose("No series of recorded offences covers this borough.")
    mine = table[table["area"].eq(protected.borough_name)]
    last = mine.index[-1]
    row = mine.loc[last]
    month = f"{row['month']:%B %Y}"
    count = format_count(
        row["offences_year"], "offences", flag=_flag(protected, last, "offences_year")
    )
    first = (
        f"In the twelve months to {month}, {count} were recorded in {protected.borough_name} "
        f"({row['measure'].lower()})"
    )
    if pd.isna(row["offences_year"]) and not _flag(protected, last, "offences_year").startswith(
        "[c"
    ):
        first = f"The series ends in {month} and is shorter than twelve months"
    rate = ""
    if pd.notna(row["rate"]):
        rate = (
            f"That is {format_rate(row['rate'])} "
            f"({format_interval(row['lower_ci'], row['upper_ci'])})"
        )
        london = table[table["area"].eq("London")]
        if len(london):
            beside = london["rate"].iloc[-1]
            word = compare_words(row["lower_ci"], row["upper_ci"], beside)
            ends = {"similar": "similar to", "not known": "beside"}.get(word, f"{word} than")
            rate += f", {ends} London's {format_rate(beside)}"
    texts = [text for text in mine["break_text"] if text]
    times = "once" if len(texts) == 1 else f"{len(texts)} times"
    broken = f"Recording changed {times}: compare only between the marks" if texts else ""
    return Prose(join_sentences(first, rate, broken))


def _change_sentence(protected: ProtectedTable, row: Any) -> str:
    line = protected.table.loc[row]
    pair = [_flag(protected, row, name) for name in ("offences_earlier", "offences")]
    words = format_change(
        line["offences_earlier"], line["offences"], "offences",
        limits=(line["ratio_low"], line["ratio_high"]), flags=(pair[0], pair[1]),
    )  # fmt: skip
    when = f"between {line['period_earlier']} and {line['period']}"
    if line["word"] == BREAK:
        a = format_count(line["offences_earlier"], flag=pair[0])
        b = format_count(line["offences"], "offences", flag=pair[1])
        return (
            f"over {line['window']} the counts are {a} and {b}, "
            "but recording changed in between, so they are not compared"
        )
    if line["word"].startswith("too little"):
        return f"over {line['window']} there is too little data to tell"
    return f"over {line['window']}, recorded offences {words} ({when})"


def describe_change(protected: ProtectedTable) -> Prose:
    """Say how the borough's offences changed over each window, with both counts."""
    table = _check(protected)
    mine = table[table["area"].eq(protected.borough_name)]
    if mine.empty:
        return Prose("The series is too short to compare two years.")
    sentences = [_change_sentence(protected, row) for row in mine.index]
    unclear = "similar" in set(mine["word"])
    end = "No clear change does not mean that nothing changed" if unclear else ""
    return Prose(join_sentences(*sentences, end))


def describe_areas(protected: ProtectedTable) -> Prose:
    """Say how the borough's rate compares with each area of comparison."""
    table = _check(protected)
    mine = table[table["kind"].eq("borough")]
    if mine.empty or pd.isna(mine["rate"].iloc[0]):
        return Prose("There are too few offences for a rate that could be compared.")
    row = mine.iloc[0]
    first = (
        f"{protected.borough_name}: {format_rate(row['rate'])} in {row['period']} "
        f"({format_interval(row['lower_ci'], row['upper_ci'])})"
    )
    others = table[table["kind"].ne("borough")]
    parts = []
    for word, phrase in (
        ("higher", "higher than"),
        ("similar", "similar to"),
        ("lower", "lower than"),
    ):
        names = [
            f"{r['area']} ({format_number(r['rate'])})"
            for _, r in others.iterrows()
            if r["word"] == word
        ]
        if names:
            parts.append(f"{phrase} the rest of {join_words(names)}")
    second = f"The rate is {'; '.join(parts)}" if parts else ""
    return Prose(join_sentences(first, second))


def find_key_points(
    series: ProtectedTable, change: ProtectedTable, areas: ProtectedTable
) -> KeyFindings:
    """List the main points of the trend report: level, change over each window, comparison."""
    area, points = series.borough_name, []
    table = _check(series)
    mine = table[table["area"].eq(area)]
    if len(mine):
        last = mine.index[-1]
        count = format_count(
            mine.loc[last, "offences_year"], "offences", flag=_flag(series, last, "offences_year")
        )
        month = f"{mine.loc[last, 'month']:%B %Y}"
        points.append(
            (f"In the twelve months to {month}, {count} were recorded in {area}.", "level")
        )
    table = _check(change)
    for row in table.index[table["area"].eq(area)]:
        sentence = _change_sentence(change, row).split(" (between")[0]
        points.append((join_sentences(sentence), "change"))
    table = _check(areas)
    london = table[table["kind"].eq("London")]
    if len(london) and london["word"].iloc[0] in ("higher", "similar", "lower"):
        word = london["word"].iloc[0]
        ends = "similar to" if word == "similar" else f"{word} than"
        rate = table.loc[table["kind"].eq("borough"), "rate"].iloc[0]
        points.append((f"The rate, {format_rate(rate)}, is {ends} the rest of London.", "compared"))
    return KeyFindings(tuple(p for p, _ in points[:6]), tuple(a for _, a in points[:6]))
