"""Sentences about groups: the setting, the comparison, the uncertainty, never a reason."""

from typing import Any

import pandas as pd

from sna.disclosure.protected import ProtectedTable
from sna.narrative.prose import KeyFindings, Prose
from sna.narrative.words import (
    NOT_DISCRIMINATION,
    NOT_WHY,
    compare_words,
    format_count,
    format_interval,
    format_number,
    format_period,
    format_ratio,
    format_share,
    join_sentences,
    join_words,
)
from sna.schemas.disproportionality import ROLES

NOUNS = {"victim": "victims", "suspect": "suspects", "searched": "searches",
         "detained": "detentions", "proceeded_against": "people"}  # fmt: skip
_PEOPLE = {"Mixed": "people of Mixed ethnicity", "Other": "people of Other ethnicity",
           "female": "women and girls", "male": "men and boys"}  # fmt: skip

_FACTS = {"self_defined": "Self-defined ethnicity", "age": "Age", "sex": "Sex",
          "officer_observed": "Officer-observed ethnicity"}  # fmt: skip


def name_people(group: object) -> str:
    """Name the people of a group: ``Black people``, ``women and girls``, ``people aged 18-24``."""
    text = str(group)
    return _PEOPLE.get(text, f"people aged {text}" if text[0].isdigit() else f"{text} people")


def _table(protected: ProtectedTable) -> Any:
    if not isinstance(protected, ProtectedTable):
        raise TypeError("Sentences take a protected table: pass it through sna.protect first.")
    return protected.table


def _group(row: Any) -> str:
    for name in ("ethnic_group", "sex", "age_group"):
        if row.get(name, "all") not in ("all", row["reference_group"]):
            return str(row[name])
    return str(row["reference_group"])


def _no_people(protected: ProtectedTable, what: str = "people") -> Prose:
    return Prose(f"The data supplied for {protected.borough_name} hold no such {what}, "
                 "so nothing can be compared here.")  # fmt: skip


def setting(protected: ProtectedTable) -> str:
    """Name borough and period: ``Hackney, January 2023 to June 2023``."""
    row = _table(protected).iloc[0]
    return f"{protected.borough_name}, {format_period(row['start_month'], row['end_month'])}"


def compared(table: Any) -> Any:
    """Return the rows that are compared with the reference, without sensitivity rows."""
    other = [_group(row) != row["reference_group"] for _, row in table.iterrows()]
    keep = table[other]
    return keep[~keep["is_sensitivity"].astype(bool)] if "is_sensitivity" in keep else keep


def clearest(table: Any) -> Any:
    """Return the row furthest from the reference whose interval leaves 1 out, if it may lead."""
    rows = compared(table)
    rows = rows[rows["caution"] != "no_headline"] if "caution" in rows else rows
    clear = rows[(rows["ratio_lower_ci"] > 1) | (rows["ratio_upper_ci"] < 1)]
    clear = clear[clear["rate_ratio"] > 0]
    if not len(clear):
        return None
    far = clear["rate_ratio"].map(lambda ratio: max(ratio, 1 / ratio))
    return clear.loc[far.idxmax()]


def _compare_one(row: Any, role: str, flag: str) -> str:
    reference, people = name_people(row["reference_group"]), name_people(_group(row))
    if pd.isna(row["rate_ratio"]):
        return f"For {people} there is {format_ratio(float('nan'), reference=reference)}"
    word = compare_words(row["ratio_lower_ci"], row["ratio_upper_ci"], 1)
    gap = row["rate_difference"]
    more = f", {format_number(abs(gap))} {'more' if gap > 0 else 'fewer'} per 1,000 residents"
    return (
        f"The rate for {people} was {format_ratio(row['rate_ratio'], reference=reference)} "
        f"({format_interval(row['ratio_lower_ci'], row['ratio_upper_ci'])})"
        + (more if word != "similar" and pd.notna(gap) else ", which is similar")
        + f", from {format_count(row['people'], NOUNS[role])}"
        + (", a small number to read with care" if flag == "[u]" else "")
    )


def describe_groups(protected: ProtectedTable) -> Prose:
    """Say how each group compares with the reference, how surely, and what is not known."""
    table = _table(protected)
    if not len(table):
        return _no_people(protected)
    role = str(table["person_role"].iloc[0])
    rows = compared(table)
    many = len(rows) > 4
    if many:
        rows = rows[rows["rate_ratio"].notna()].nlargest(3, "rate_ratio")
    said = [f"In {setting(protected)}, {ROLES[role]} are counted against the residents of "
            f"{int(table['population_year'].iloc[0])}"]  # fmt: skip
    said += [_compare_one(row, role, str(protected.flags.loc[at, "rate_ratio"]))
             + (f" ({_stratum(row)})" if many else "") for at, row in rows.iterrows()]  # fmt: skip
    return Prose(join_sentences(*said, _describe_unknown(table), NOT_DISCRIMINATION))


def _stratum(row: Any) -> str:
    parts = [str(row[name]) for name in ("context", "sex", "age_group") if row.get(name) != "all"]
    return ", ".join(parts)


def _describe_unknown(table: Any) -> str:
    share = table["missing_share"].max()
    if not share > 0:
        return ""
    row = clearest(table)
    text = f"The group was not stated for {format_share(share)}"
    if table["caution"].eq("no_headline").any():
        return f"{text}, more than a quarter: no headline ratio is given"
    if row is None or pd.isna(row["ratio_if_outside"]) or pd.isna(row["ratio_if_inside"]):
        return text
    low, high = format_number(row["ratio_if_outside"]), format_number(row["ratio_if_inside"])
    return (
        f"{text}; had they all belonged to the comparison group, the ratio for "
        f"{name_people(_group(row))} would be {low}; had they belonged to that group, {high}"
    )


def describe_missing(protected: ProtectedTable) -> Prose:
    """Say how much is not recorded, and in how many months more than a tenth or a quarter."""
    table = _table(protected)
    if not len(table):
        return _no_people(protected)
    said = []
    for fact, rows in table.groupby("fact", sort=False):
        share = rows["missing_people"].sum() / max(rows["all_people"].sum(), 1)
        over = int((rows["missing_share"] > 0.10).sum())
        said.append(
            f"{_FACTS[str(fact)]} was not recorded for {format_share(share)}"
            + (f", and for over 10% in {over} of {len(rows)} months" if over else "")
        )
    return Prose(join_sentences(*said, "What is not recorded is unlikely to be spread evenly"))


def describe_years(protected: ProtectedTable) -> Prose:
    """Say whether each group's ratio moved between the first and the last year."""
    table = _table(protected)
    if not len(table):
        return _no_people(protected, "complete years of people")
    last = table[(table["year"] == table["year"].max())]
    first = table[table["year"] == table["year"].min()].set_index("ethnic_group")
    said = []
    for _, row in last[last["ethnic_group"] != last["reference_group"]].iterrows():
        before = first.loc[row["ethnic_group"], "rate_ratio"]
        if pd.isna(row["change_lower_ci"]) or pd.isna(before):
            continue
        word = compare_words(row["change_lower_ci"], row["change_upper_ci"], 1)
        verb = {"higher": "rose", "lower": "fell"}.get(word, "showed no clear change,")
        said.append(f"The ratio for {name_people(row['ethnic_group'])} {verb} from "
                    f"{format_number(before)} to {format_number(row['rate_ratio'])}")  # fmt: skip
    if not said:
        return Prose("There are too few years or people to say whether the ratios changed.")
    span = (
        f"Years ending {first['year'].iloc[0]:%B %Y} and {last['year'].iloc[0]:%B %Y} are compared"
    )
    same = "all years use the residents of one Census, so population change moves the ratio too"
    return Prose(join_sentences(*said, span, same))


def describe_boroughs(protected: ProtectedTable) -> Prose:
    """Say how this borough's ratios stand to London's, without ranking boroughs."""
    table = _table(protected)
    here = table[table["is_this_borough"].astype(bool)] if len(table) else table
    if not len(here):
        return _no_people(protected, "people in enough boroughs")
    words: dict[str, list[str]] = {"higher": [], "lower": [], "similar": []}
    for _, row in here.dropna(subset=["rate_ratio", "upper_998"]).iterrows():
        outside = compare_words(row["lower_998"], row["upper_998"], row["rate_ratio"])
        place = {"higher": "lower", "lower": "higher"}.get(outside, "similar")
        ours, theirs = format_number(row["rate_ratio"]), format_number(row["target"])
        words[place].append(f"{name_people(row['ethnic_group'])} ({ours} against {theirs})")
    said = [
        f"In {protected.borough_name} the ratio is "
        f"{'outside the funnel, ' if word != 'similar' else ''}{word} "
        f"{'than' if word != 'similar' else 'to'} London's for {join_words(groups)}"
        for word, groups in words.items() if groups
    ]  # fmt: skip
    spread = ("Boroughs differ by more than chance, and the funnel is widened for it"
              if table["is_overdispersed"].astype(bool).any() else "")  # fmt: skip
    return Prose(join_sentences(*said, spread, "Being outside is a reason to ask, not a verdict"))


def describe_readings(protected: ProtectedTable) -> Prose:
    """Say how far the ratio depends on clustering, on the denominator and on missing ethnicity."""
    table = _table(protected)
    if not len(table):
        return _no_people(protected)
    value = table["rate_ratio"].fillna(table["modelled_ratio"])
    wide = table.assign(value=value).pivot_table(index="ethnic_group", columns="reading",
                                                 values="value", sort=False)  # fmt: skip
    lead = (wide["as recorded"] - 1).abs().idxmax() if "as recorded" in wide else wide.index[0]
    row, people = wide.loc[lead], name_people(lead)
    said = [f"For {people} in {protected.borough_name} the recorded ratio is "
            f"{format_number(row['as recorded'])}"]  # fmt: skip
    pairs = (
        ("Unrecorded ethnicity: between {} and {}, by where those not stated belong",
         "all not stated in the reference group", "all not stated in this group"),
        ("Clustering: over London the ratio is {} as one place and {} within boroughs",
         "London as one place", "London, within boroughs"),
    )  # fmt: skip
    said += [
        text.format(format_number(row[a]), format_number(row[b]))
        for text, a, b in pairs
        if a in row and b in row and pd.notna(row[a] + row[b])
    ]
    if pd.notna(row.get("group grown by a tenth")):
        said.append("Changing population: had the group grown by a tenth since the Census, "
                    f"{format_number(row['group grown by a tenth'])}")  # fmt: skip
    if pd.notna(row.get("same ages")):
        said.append(f"With the same ages in every group, {format_number(row['same ages'])}")
    return Prose(join_sentences(*said, NOT_WHY))


def find_key_findings(*tables: ProtectedTable) -> KeyFindings:
    """One sentence a table: the clearest comparison, or that none is clear."""
    said = []
    for protected in tables:
        table = _table(protected)
        role = str(table["person_role"].iloc[0]) if len(table) else ""
        row = clearest(table) if len(table) else None
        if row is not None:
            said.append(
                f"Among {ROLES[role]} in {protected.borough_name}, the rate for "
                f"{name_people(_group(row))} was "
                f"{format_ratio(row['rate_ratio'], reference=name_people(row['reference_group']))} "
                f"({format_interval(row['ratio_lower_ci'], row['ratio_upper_ci'])})."
            )
        elif len(table):
            hidden = table["caution"].eq("no_headline").any()
            said.append(
                f"Among {ROLES[role]} in {protected.borough_name}, "
                + ("too few have a recorded group for a headline."
                   if hidden else "no group's rate is clearly different from the comparison.")
            )  # fmt: skip
    return KeyFindings(tuple(said) or ("No data about people were supplied for this borough.",))
