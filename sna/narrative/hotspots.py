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

LEVELS = {"ward": "wards", "lsoa": "small areas (LSOAs)"}
_NAMED = 4
_LASTING = ("persistent", "intensifying")


def _level(table: pd.DataFrame, number: int = 2) -> str:
    word = LEVELS.get(str(table["area_level"].iloc[0]), "areas")
    return word if number != 1 else word.replace("wards", "ward").replace("areas (LSOAs)", "area")


def _period(table: pd.DataFrame) -> str:
    return format_period(table["period_start"].iloc[0], table["period_end"].iloc[0])


def _names(names: pd.Series) -> str:
    some = [str(name) for name in names[:_NAMED]]
    more = len(names) - len(some)
    return join_words([*some, *([f"{more} more"] if more > 0 else [])])


def _hot_sentence(protected: ProtectedTable) -> str:
    table = protected.table
    hot = table.loc[table["hotspot_class"].eq("hotspot"), "area_name"]
    if table["hotspot_class"].isin(["too little data", "no neighbours"]).all():
        return f"There is too little data to look for hotspots among {len(table)} {_level(table)}"
    if hot.empty:
        return (
            f"No group of neighbouring {_level(table)} in {protected.borough_name} stands out from "
            "chance"
        )
    verb = "is a hotspot" if len(hot) == 1 else "are hotspots"
    return (
        f"{len(hot)} of {len(table)} {_level(table)} in {protected.borough_name} {verb}: "
        f"{_names(hot)}"
    )


def describe_hotspots(protected: ProtectedTable) -> Prose:
    """Say which areas are hotspots, what was counted, and how the highest rates compare."""
    table = protected.table
    measure = str(table["measure"].iloc[0])
    rated = table[table["rate"].notna()].nlargest(1, "rate")
    top = ""
    if len(rated):
        row = rated.iloc[0]
        borough = format_number(table["borough_rate"].iloc[0])
        top = (
            f"the highest rate is in {row['area_name']}: "
            f"{format_count(row['offences'], 'offences')}, "
            f"{format_rate(row['rate'], of='residents a year')} "
            f"({format_interval(row['lower_ci'], row['upper_ci'])}), "
            f"{row['compared']} than the borough's {borough}"
        ).replace("similar than", "similar to")
    number = int(table["compared"].eq("similar").sum())
    similar = f"{number} of {len(table)} {_level(table)} cannot be told from the borough's rate"
    rule = (
        "A hotspot is an area that, with its neighbours, holds more than the map's average would "
        "give by chance (Gi*, two-sided, at a false discovery rate of 5%)"
    )
    return Prose(
        join_sentences(
            f"Counted are {measure}, {_period(table)}",
            _hot_sentence(protected), rule, top, similar if number else "",
            "Rates are per resident; where many people work or visit, read the offences per square "
            "kilometre in the table as well", RECORDED_NOT_OCCURRED,
        )
    )  # fmt: skip


def describe_ranks(protected: ProtectedTable) -> Prose:
    """Say how many areas differ clearly from the borough and how sure the order is."""
    table = protected.table
    higher = table[table["compared"].eq("higher")].sort_values("rate", ascending=False)
    lower = int(table["compared"].eq("lower").sum())
    text = (
        f"{len(higher)} of {len(table)} {_level(table)} have a higher rate than the borough, "
        f"{lower} a lower one, by intervals of 95%"
    )
    ranked = table[table["rank"].notna()]
    wide = ranked["rank_upper"] - ranked["rank_lower"]
    sure = ""
    if len(ranked):
        sure = (
            f"half of the areas could move by {wide.median():.0f} places or more within the "
            "interval of their rank, so the order is not firm"
        )
    return Prose(join_sentences(text, f"Higher: {_names(higher['area_name'])}" if len(higher)
                                else "", sure))  # fmt: skip


def _half(row: pd.Series, level: str) -> str:
    return f"{format_share(row['share_for_half'])} of {level} held half of the recorded offences"


def describe_concentration(protected: ProtectedTable) -> Prose:
    """Say how few areas hold half of the offences, with limits, and what chance would give."""
    table = protected.table
    row = table.iloc[0]
    if pd.isna(row["share_for_half"]):
        return Prose("There is too little data to say how concentrated recorded offences are.")
    limits = f"(95% interval {format_share(row['lower_ci'])} to {format_share(row['upper_ci'])})"
    return Prose(
        join_sentences(
            f"{_half(row, _level(table))} {limits} in {_period(table)}",
            "the same number spread evenly at random would need "
            f"{format_share(row['chance_share'])}",
            f"the tenth of areas with the most held {format_share(row['top_tenth_share'])}",
            f"the generalised Gini coefficient is {row['generalised_gini']:.2f} (0 is the most "
            "even spread that whole offences allow)",
        )
    )  # fmt: skip


def describe_persistence(protected: ProtectedTable) -> Prose:
    """Say which areas were hotspots again and again, and which are new or fading."""
    table = protected.table
    parts = []
    for kind, words in (
        ("intensifying", "hotspots throughout, and rising"),
        ("persistent", "hotspots in at least nine of ten quarters, the last among them"),
        ("new", "hotspots for the first time in the last quarter"),
        ("intermittent", "hotspots in some quarters only"),
        ("diminishing", "hotspots before but not in the last quarter, or falling"),
    ):
        names = table.loc[table["persistence"].eq(kind), "area_name"]
        parts += [f"{_names(names)}: {words}"] if len(names) else []
    if not parts:
        parts = [
            f"No {_level(table, 1)} was a hotspot in any of {table['periods'].iloc[0]} quarters"
        ]
    years = int(table["years"].max())
    always = table.loc[table["years_in_top_tenth"].eq(years), "area_name"]
    if years > 1 and len(always):
        parts.append(f"{_names(always)} ranked in the top tenth by count in each of {years} years")
    trends = table["trend"].value_counts()
    if trends.get("too little data", 0) == len(table):
        parts.append("There are too few quarters to test a trend")
    else:
        parts.append(f"A steady rise is found in {trends.get('rising', 0)} areas and a steady fall "
                     f"in {trends.get('falling', 0)}, after allowing for many tests")  # fmt: skip
    return Prose(join_sentences(*parts, "A class describes the past and is no forecast"))


def describe_prediction(protected: ProtectedTable) -> Prose:
    """Say which definition's hotspots held most of the later offences, and by how much."""
    table = protected.table
    pick = table[table["is_recommended"]].iloc[0]
    plain = table.iloc[0]
    names = {"count": "the plain count", "smoothed rate": "the smoothed rate",
             "Gi*": "Gi*", "harm": "harm"}  # fmt: skip
    held = f"{names[pick['method']]} of the earlier period picked {pick['areas_flagged']} areas"
    if pd.isna(pick["hits"]) or pd.isna(pick["hit_rate"]):
        return Prose(f"{held}; too few later offences can be shown to compare definitions.")
    text = f"{held} that held {format_share(pick['hit_rate'])} of the offences of {_period(table)}"
    index = ""
    if not pd.isna(pick["pai"]):
        index = (f"that is {pick['pai']:.1f} times their share of areas (PAI) and "
                 f"{format_share(pick['pei'])} of the best possible (PEI)")  # fmt: skip
    if pick["method"] == plain["method"]:
        why = "No other definition did clearly better, so the plain count is recommended"
    else:
        more = int(pick["hits"] - plain["hits"])
        why = f"{names[pick['method']]} found {more:,} more than the plain count and is recommended"
    caveat = "A good score says that places stay the same, not what to do there"
    return Prose(join_sentences(text, index, why, caveat))


def describe_hotspot_findings(
    areas: ProtectedTable, concentration: ProtectedTable, persistence: ProtectedTable
) -> KeyFindings:
    """Return the main points of the page: where, how concentrated, how lasting."""
    table = areas.table
    sentences = [f"{_hot_sentence(areas)}.", f"{_counted(table)}."]
    row = concentration.table.iloc[0]
    if not pd.isna(row["share_for_half"]):
        sentences.append(
            f"{_half(row, _level(table)).capitalize()}; spread evenly at random it would be "
            f"{format_share(row['chance_share'])}."
        )
    lasting = persistence.table[
        persistence.table["persistence"].isin(["persistent", "intensifying"])
    ]
    if len(lasting):
        sentences.append(f"{_names(lasting['area_name'])} lasted as hotspots through almost every "
                         "quarter.")  # fmt: skip
    number = int(table["compared"].eq("higher").sum())
    sentences.append(f"{number} of {len(table)} {_level(table)} have a rate clearly higher than "
                     "the borough's.")  # fmt: skip
    return KeyFindings(tuple(sentences))


def _counted(table: pd.DataFrame) -> str:
    whole = table["borough_offences"].iloc[0]
    return (
        f"Counted are {format_count(whole)} offences, {_period(table)}: {table['measure'].iloc[0]}"
    )
