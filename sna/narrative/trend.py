"""Sentences of the trend report, made from protected tables."""

from collections.abc import Callable
from typing import Any

import pandas as pd

from sna.disclosure.protected import ProtectedTable
from sna.errors import UsageError
from sna.narrative.prose import KeyFindings, Prose
from sna.narrative.words import (
    compare_words,
    format_change,
    format_count,
    format_interval,
    format_number,
    format_rate,
    format_share,
    join_sentences,
    join_words,
)


def describe_trend(protected: ProtectedTable) -> Prose:
    """Say what a table of `sna.trend` shows, with its counts, its limits and its gaps."""
    if not isinstance(protected, ProtectedTable):
        raise TypeError("Pass the table through sna.protect first.")
    name = protected.contract.name.removeprefix("trend_")
    if name not in _SENTENCES:
        raise UsageError("There is no sentence for this table.", found=protected.contract.name)
    if protected.table.empty:
        return Prose(_EMPTY.get(name, "There is too little data to tell."))
    return Prose(join_sentences(*_SENTENCES[name](protected)))


def _count(protected: ProtectedTable, row: Any, column: str, noun: str = "offences") -> str:
    flag = str(protected.flags.loc[row, column]) if column in protected.flags else ""
    return format_count(protected.table.loc[row, column], noun, flag=flag)


def _than(word: str) -> str:
    return {"similar": "similar to", "not known": "beside"}.get(word, f"{word} than")


def _series(protected: ProtectedTable) -> list[str]:
    table, area = protected.table, protected.borough_name
    mine = table[table["area"].eq(area)]
    row, month = mine.iloc[-1], f"{mine['month'].iloc[-1]:%B %Y}"
    count = _count(protected, mine.index[-1], "offences_year")
    said = [f"in the twelve months to {month}, {count} were recorded in {area} "
            f"({row['measure'].lower()})" if len(mine) >= 12
            else f"the series ends in {month} and is shorter than twelve months"]  # fmt: skip
    if pd.notna(row["rate"]):
        beside, london = "", table.loc[table["area"].eq("London"), "rate"]
        if len(london):
            word = compare_words(row["lower_ci"], row["upper_ci"], london.iloc[-1])
            beside = f", {_than(word)} London's {format_rate(london.iloc[-1])}"
        limits = format_interval(row["lower_ci"], row["upper_ci"])
        said.append(f"that is {format_rate(row['rate'])} ({limits}){beside}")
    breaks = int(mine["break_text"].ne("").sum())
    times = "once" if breaks == 1 else f"{breaks} times"
    return [*said, f"recording changed {times}: compare only between the marks" if breaks else ""]


def _change_line(protected: ProtectedTable, row: Any) -> str:
    line = protected.table.loc[row]
    if line["word"].startswith("too little"):
        return f"over {line['window']} there is too little data to tell"
    if line["word"] == "[b]":
        before, after = (
            _count(protected, row, "offences_earlier", ""),
            _count(protected, row, "offences"),
        )
        return (f"over {line['window']} the counts are {before} and {after}, but recording changed "
                "in between, so they are not compared")  # fmt: skip
    flags = [str(protected.flags.loc[row, name]) for name in ("offences_earlier", "offences")]
    limits = (line["ratio_low"], line["ratio_high"])
    words = format_change(line["offences_earlier"], line["offences"], "offences", limits=limits,
                          flags=(flags[0], flags[1]))  # fmt: skip
    return f"over {line['window']}, recorded offences {words}"


def _change(protected: ProtectedTable) -> list[str]:
    mine = protected.table[protected.table["area"].eq(protected.borough_name)]
    unclear = mine["word"].eq("similar").any()
    end = "no clear change does not mean that nothing changed" if unclear else ""
    return [*(_change_line(protected, row) for row in mine.index), end]


def _areas(protected: ProtectedTable) -> list[str]:
    row, others = protected.table.iloc[0], protected.table.iloc[1:].dropna(subset=["rate"])
    if pd.isna(row["rate"]):
        return ["there are too few offences for a rate that could be compared"]
    parts = []
    for word, same in others.groupby("word", sort=False):
        names = (same["area"] + same["rate"].map(lambda rate: f" ({format_number(rate)})")).tolist()
        parts.append(f"{_than(str(word))} the rest of {join_words(names)}")
    limits = format_interval(row["lower_ci"], row["upper_ci"])
    return [f"{row['area']}: {format_rate(row['rate'])} in {row['period']} ({limits})",
            f"the rate is {'; '.join(parts)}" if parts else ""]  # fmt: skip


def _control(protected: ProtectedTable) -> list[str]:
    table = protected.table
    flagged = table[table["signal"].ne("")]
    if table["centre"].isna().all():
        return ["no limits are drawn for this series"]
    if flagged.empty:
        return ["no rule flags a point: the months vary as chance would have it"]
    last = flagged.iloc[-1]
    return [f"the rules flag {len(flagged)} of {len(table)} points, the last in "
            f"{last['month']:%B %Y} ({last['signal']})",
            "some flags are expected by chance in a long series"]  # fmt: skip


def _season(protected: ProtectedTable) -> list[str]:
    table = protected.table.sort_values("season_pct")
    if table["p_value"].iloc[0] >= 0.05 or table["season_pct"].isna().all():
        return ["no season is clear in these months"]
    low, high = (
        (row["month_name"], f"{abs(row['season_pct']):.0f}%")
        for row in (table.iloc[0], table.iloc[-1])
    )
    return [f"{high[0]} is highest, {high[1]} above the level of the year, and {low[0]} lowest, "
            f"{low[1]} below it"]  # fmt: skip


def _windows(protected: ProtectedTable) -> list[str]:
    known = protected.table.dropna(subset=["share"])
    shares = zip(known["part"], known["share"], known["share_of_time"].astype(float), strict=True)
    said = [f"{part}: {format_share(share)} of offences in {format_share(time)} of the time"
            for part, share, time in shares]  # fmt: skip
    return said or ["there are too few offences with a time"]


def _funnel(protected: ProtectedTable) -> list[str]:
    table = protected.table
    word = table.loc[table["is_mine"], "word"].iloc[0]
    where = {"higher": "above", "lower": "below"}.get(word, "inside")
    wide = "the limits are widened: boroughs differ by more than chance"
    return [f"{protected.borough_name} lies {where} the 99.8% limits",
            wide if table["is_overdispersed"].iloc[0] else "",
            f"{int(table['word'].ne('similar').sum())} of {len(table)} boroughs lie outside them; "
            "chance alone would give fewer than one"]  # fmt: skip


def _projection(protected: ProtectedTable) -> list[str]:
    ahead = protected.table[protected.table["kind"].eq("projected")]
    if ahead["projected"].isna().all():
        return ["there is too little data to project"]
    row, mean = ahead.iloc[0], ahead["projected"].mean()
    return [f"if nothing changed, the next twelve months would hold about {mean:.0f} offences a "
            f"month (model: {row['model']})",
            f"in {row['origins']:.0f} past starts its 95% interval held "
            f"{format_share(row['coverage'])} of the months"]  # fmt: skip


def _recent(protected: ProtectedTable) -> list[str]:
    word = protected.table["trend"].iloc[-1]
    changed = "recording changed within these years, so no recent trend is given"
    return [changed if word == "[b]" else f"recent trend (Fingertips method): {word}"]


_SENTENCES: dict[str, Callable[[ProtectedTable], list[str]]] = {
    "series": _series, "change": _change, "areas": _areas, "control": _control,
    "season": _season, "windows": _windows, "funnel": _funnel, "projection": _projection,
    "recent": _recent,
}  # fmt: skip
_EMPTY = {
    "season": "A season needs 36 complete months without a zero.",
    "windows": "The data holds no times of offences.",
    "funnel": "Too few boroughs are covered for a funnel.",
    "projection": "Under 48 months since the last break, nothing is projected.",
    "change": "The series is too short to compare two years.",
    "areas": "The series is shorter than a year, so that no yearly rate is compared.",
}


def find_key_points(
    series: ProtectedTable, change: ProtectedTable, areas: ProtectedTable
) -> KeyFindings:
    """List the main points of the trend report: level, change over each window, comparison."""
    points = [join_sentences(_series(series)[0])]
    mine = change.table.index[
        change.table.get("area", pd.Series(dtype=str)).eq(series.borough_name)
    ]
    points += [join_sentences(_change_line(change, row)) for row in mine]
    table = areas.table
    london = table[table["kind"].eq("London") & table["rate"].notna()]
    if len(london) and london["word"].iloc[0] in ("higher", "similar", "lower"):
        rate = format_rate(table["rate"].iloc[0])
        points.append(f"The rate, {rate}, is {_than(london['word'].iloc[0])} the rest of London.")
    return KeyFindings(tuple(points[:6]))
