"""Sentences about hotspots: where, how concentrated, how lasting, how sure."""

import pandas as pd

from sna.disclosure.protected import ProtectedTable
from sna.narrative.prose import KeyFindings, Prose
from sna.narrative.words import (
    RECORDED_NOT_OCCURRED,
    format_count,
    format_interval,
    format_number,
    format_period,
    format_rate,
    format_share,
    join_sentences,
    join_words,
)

_LEVELS = {"ward": ("wards", "ward"), "lsoa": ("small areas (LSOAs)", "small area (LSOA)")}
_NAMED = 4
_CLASSES = {  # class of persistence -> what it means
    "intensifying": "hotspots throughout, and rising",
    "persistent": "hotspots in at least nine of ten quarters, the last among them",
    "new": "hotspots for the first time in the last quarter",
    "intermittent": "hotspots in some quarters only",
    "diminishing": "hotspots before but not in the last quarter, or falling",
}
_METHODS = {"count": "the plain count", "smoothed rate": "the smoothed rate"}


def level_words(protected: ProtectedTable, number: int = 2) -> str:
    """Word for the areas of a table: wards, or small areas (LSOAs)."""
    level = str(protected.table["area_level"].iloc[0]) if len(protected.table) else ""
    return _LEVELS.get(level, ("areas", "area"))[number == 1]


def period_words(protected: ProtectedTable) -> str:
    """Period that a table covers, in words."""
    row = protected.table.iloc[0]
    return format_period(row["period_start"], row["period_end"])


def _names(names: pd.Series) -> str:
    some, more = [str(name) for name in names[:_NAMED]], len(names) - _NAMED
    return join_words([*some, *([f"{more} more"] if more > 0 else [])])


def _hot_sentence(protected: ProtectedTable) -> str:
    table, words = protected.table, level_words(protected)
    hot = table.loc[table["hotspot_class"].eq("hotspot"), "area_name"]
    if table["hotspot_class"].isin(["too little data", "no neighbours"]).all():
        return f"there is too little data to look for hotspots among {len(table)} {words}"
    where = f"in {protected.borough_name}"
    if hot.empty:
        return f"no group of neighbouring {words} {where} stands out from chance"
    verb = "is in a hotspot" if len(hot) == 1 else "are in hotspots"
    return f"{len(hot)} of {len(table)} {words} {where} {verb}: {_names(hot)}"


def _counted(protected: ProtectedTable) -> str:
    row = protected.table.iloc[0]
    whole = format_count(row["borough_offences"], "offences")
    return f"Counted are {whole}, {period_words(protected)}: {row['measure']}"


def describe_hotspots(protected: ProtectedTable) -> Prose:
    """Say which areas are hotspots, what was counted, and how the highest rates compare."""
    if protected.table.empty:
        return Prose("Nothing may be shown for areas as small as these in this edition.")
    table, top = protected.table, ""
    rated = table.dropna(subset=["rate"]).nlargest(1, "rate")
    if len(rated):
        row = rated.iloc[0]
        word = "similar to" if row["compared"] == "similar" else f"{row['compared']} than"
        top = (
            f"the highest rate is in {row['area_name']}: "
            f"{format_count(row['offences'], 'offences')}, "
            f"{format_rate(row['rate'], of='residents a year')} "
            f"({format_interval(row['lower_ci'], row['upper_ci'])}), {word} the borough's "
            f"{format_number(row['borough_rate'])}"
        )
    rule = (
        "A hotspot is an area that, with its neighbours, holds more than the map's average would "
        "give by chance (Gi*, two-sided, at a false discovery rate of 5%)"
    )
    visitors = "Where many people work or visit, read the offences per square kilometre as well"
    return Prose(join_sentences(_counted(protected), _hot_sentence(protected), rule, top, visitors,
                                RECORDED_NOT_OCCURRED))  # fmt: skip


def describe_ranks(protected: ProtectedTable) -> Prose:
    """Say how many areas differ clearly from the borough and how sure the order is."""
    table, words = protected.table, level_words(protected)
    higher = table[table["compared"].eq("higher")].sort_values("rate", ascending=False)
    lower, similar = (int(table["compared"].eq(word).sum()) for word in ("lower", "similar"))
    text = (
        f"{len(higher)} of {len(table)} {words} {'has' if len(higher) == 1 else 'have'} a higher "
        f"rate than the borough, {lower} a "
        f"lower one and {similar} cannot be told from it, by intervals of 95%"
    )
    wide = (table["rank_upper"] - table["rank_lower"]).median()
    sure = (
        f"half of them could move by {wide:.0f} places or more within the interval of their rank, "
        "so the order is not firm"
    )
    named = f"higher: {_names(higher['area_name'])}" if len(higher) else ""
    return Prose(join_sentences(text, named, "" if pd.isna(wide) else sure))


def _half(protected: ProtectedTable) -> str:
    share = format_share(protected.table["share_for_half"].iloc[0])
    return f"{share} of {level_words(protected)} held half of the recorded offences"


def describe_concentration(protected: ProtectedTable) -> Prose:
    """Say how few areas hold half of the offences, with limits, and what chance would give."""
    row = protected.table.iloc[0]
    if pd.isna(row["share_for_half"]):
        return Prose("There is too little data to say how concentrated recorded offences are.")
    limits = f"(95% interval {format_share(row['lower_ci'])} to {format_share(row['upper_ci'])})"
    return Prose(join_sentences(
        f"{_half(protected)} {limits} in {period_words(protected)}",
        f"spread evenly at random they would need {format_share(row['chance_share'])}",
        f"the tenth of areas with the most held {format_share(row['top_tenth_share'])}",
        f"the generalised Gini coefficient is {row['generalised_gini']:.2f} (0 is the most even "
        "spread that whole offences allow)",
    ))  # fmt: skip


def describe_persistence(protected: ProtectedTable) -> Prose:
    """Say which areas were hotspots again and again, and which are new or fading."""
    table = protected.table
    named = {kind: table.loc[table["persistence"].eq(kind), "area_name"] for kind in _CLASSES}
    parts = [f"{_names(rows)}: {_CLASSES[kind]}" for kind, rows in named.items() if len(rows)]
    none = f"no {level_words(protected, 1)} was a hotspot in any quarter"
    years = int(table["years"].max())
    always = table.loc[table["years_in_top_tenth"].eq(years), "area_name"]
    if years > 1 and len(always):
        parts.append(f"{_names(always)} stood in the top tenth by count in each of {years} years")
    trends = table["trend"].value_counts()
    steady = (
        f"a steady rise is found in {trends.get('rising', 0)} areas and a steady fall in "
        f"{trends.get('falling', 0)}, after allowing for many tests"
    )
    few = "There are too few quarters to test a trend"
    tested = few if trends.get("too little data", 0) == len(table) else steady
    return Prose(join_sentences(*(parts or [none]), tested,
                                "A class describes the past and is no forecast"))  # fmt: skip


def describe_prediction(protected: ProtectedTable) -> Prose:
    """Say which definition's hotspots held most of the later offences, and by how much."""
    table = protected.table
    pick = table[table["is_recommended"]].iloc[0]
    name = _METHODS.get(pick["method"], pick["method"])
    areas = f"{pick['areas_flagged']} of {pick['areas']} areas"
    text = f"{name} of the earlier period picked {areas}"
    if pd.isna(pick["hit_rate"]):
        return Prose(join_sentences(text, "too few later offences can be shown to compare"))
    text += f", which held {format_share(pick['hit_rate'])} of the offences of "
    text += period_words(protected)
    index = why = ""
    if not pd.isna(pick["pai"]):
        index = f"that is {pick['pai']:.1f} times their share of areas (PAI) and "
        index += f"{format_share(pick['pei'])} of the best possible (PEI)"
    more = pick["hits"] - table["hits"].iloc[0]
    why = f"{name} found {more:,.0f} more than the plain count and is recommended"
    same = "No other definition did clearly better, so the plain count is recommended"
    caveat = "A good score says that places stay the same, not what to do there"
    return Prose(join_sentences(text, index, same if pick["method"] == "count" else why, caveat))


def describe_hotspot_findings(
    wards: ProtectedTable, small: ProtectedTable, concentration: ProtectedTable,
    persistence: ProtectedTable,
) -> KeyFindings:  # fmt: skip
    """Return the main points of the page: where, how many, how concentrated, how lasting."""
    points = []
    for table, anchor in ((wards, "which-areas-differ"), (small, "where-are-the-hotspots")):
        if len(table.table):
            points.append((_hot_sentence(table), anchor))
    if len(wards.table):
        higher = int(wards.table["compared"].eq("higher").sum())
        has = "has" if higher == 1 else "have"
        words = f"{higher} of {len(wards.table)} {level_words(wards)} {has} a rate clearly higher "
        points.append((words + "than the borough's", "which-areas-differ"))
    if concentration.table["share_for_half"].notna().any():
        chance = format_share(concentration.table["chance_share"].iloc[0])
        words = f"{_half(concentration)}; spread evenly at random it would be {chance}"
        points.append((words, "how-concentrated-is-it"))
    often = persistence.table["persistence"].isin(["persistent", "intensifying"])
    if often.any():
        names = _names(persistence.table.loc[often, "area_name"])
        points.append(
            (f"{names} lasted as hotspots through almost every quarter", "do-hotspots-last")
        )
    unique = dict(points)
    return KeyFindings(tuple(join_sentences(text) for text in unique), tuple(unique.values()))


def describe_straddling(protected: ProtectedTable) -> Prose:
    """Say which hotspots cross the border."""
    table = protected.table
    if table.empty:
        return Prose("No hotspot crosses the border, as far as the neighbours' offences are known.")
    groups = [(number, table[table["group"] == number]) for number in table["group"].unique()]
    parts = [f"hotspot {number}: {_names(rows['area_name'])}" for number, rows in groups]
    return Prose(join_sentences("these hotspots lie on both sides of the border", *parts))


def describe_place(protected: ProtectedTable) -> Prose:
    """Say what was recorded in a place, what stands out in each aspect, and what is missing."""
    table = protected.table
    if table.empty:
        return Prose("Restricted data is not shown for an area this small in this edition.")
    place, quarters = table["area_name"].iloc[0], table[table["aspect"].eq("Quarter")]
    count = "recorded offences too few to show in some quarters"
    if quarters["recorded"].notna().all():
        count = format_count(quarters["recorded"].sum(), "recorded offences")
    parts, aspects = [f"{place} had {count} in {len(quarters)} quarters"], table["aspect"].unique()
    for aspect in (str(name) for name in aspects if name not in ("Quarter", "Beside it")):
        rows = table[table["aspect"] == aspect]
        lost = rows["label"].str.casefold().str.contains("not known|unknown")
        top = rows[~lost].dropna(subset=["share"]).nlargest(1, "share")
        if len(top):
            share, label = format_share(top["share"].iloc[0]), top["label"].iloc[0]
            parts.append(f"{aspect.lower()}: most often {label} ({share})")
        gap = rows.loc[lost, "share"].sum()
        parts += [f"{aspect.lower()}: not known for {format_share(gap)}"] if gap > 0 else []
    absent = [name for name in ("When", "Victims by age", "Outcome") if name not in aspects]
    words = join_words([name.lower() for name in absent])
    parts += [f"nothing is known here about {words}"] if absent else []
    return Prose(join_sentences(*parts, RECORDED_NOT_OCCURRED))
