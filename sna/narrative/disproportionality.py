"""Sentences about groups: the setting, the comparison, the uncertainty, never a reason."""

from collections.abc import Callable
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
from sna.schemas.disproportionality import KINDS, ROLES

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


def group_of(row: Any) -> str:
    """Return the group that a row compares: the dimension of its reference group."""
    for name in ("ethnic_group", "sex", "age_group"):
        if row.get(name, "all") not in ("all", row["reference_group"]):
            return str(row[name])
    return str(row["reference_group"])


def setting(protected: ProtectedTable) -> str:
    """Name borough and period: ``Hackney, January 2023 to June 2023``."""
    table = protected.table
    if not len(table):
        return protected.borough_name
    first, last = table["start_month"].iloc[0], table["end_month"].iloc[0]
    return f"{protected.borough_name}, {format_period(first, last)}"


def _compared(table: Any) -> Any:
    keep = table[[group_of(row) != row["reference_group"] for _, row in table.iterrows()]]
    return keep[~keep["is_sensitivity"].astype(bool)]


def clearest(table: Any) -> Any:
    """Return the row furthest from the reference whose interval leaves 1 out, if it may lead."""
    rows = _compared(table)
    rows = rows[(rows["caution"] != "no_headline") & (rows["rate_ratio"] > 0)]
    clear = rows[(rows["ratio_lower_ci"] > 1) | (rows["ratio_upper_ci"] < 1)]
    far = clear["rate_ratio"].map(lambda ratio: max(ratio, 1 / ratio))
    return clear.loc[far.idxmax()] if len(clear) else None


def _compare_one(row: Any, protected: ProtectedTable) -> str:
    reference, people = name_people(row["reference_group"]), name_people(group_of(row))
    if pd.isna(row["rate_ratio"]):
        return f"For {people} there is {format_ratio(float('nan'), reference=reference)}"
    low, high, gap = row["ratio_lower_ci"], row["ratio_upper_ci"], row["rate_difference"]
    word = compare_words(low, high, 1)
    more = f", {format_number(abs(gap))} {'more' if gap > 0 else 'fewer'} per 1,000 residents"
    careful = protected.flags.loc[row.name, "rate_ratio"] == "[u]"
    return (
        f"The rate for {people} was {format_ratio(row['rate_ratio'], reference=reference)} "
        f"({format_interval(low, high)})"
        + (more if word != "similar" and pd.notna(gap) else ", which is similar")
        + f", from {format_count(row['people'], NOUNS[row['person_role']])}"
        + (", a small number to read with care" if careful else "")
    )


def _stratum(row: Any) -> str:
    """Name the part a row is about, such as the context, apart from the group it compares."""
    parts = [str(row[name]) for name in ("context", "sex", "age_group")]
    named = ", ".join(part for part in parts if part not in ("all", group_of(row)))
    return f" ({named})" if named else ""


def _groups(protected: ProtectedTable) -> list[str]:
    table = protected.table
    rows, role = _compared(table), str(table["person_role"].iloc[0])
    many = len(rows) > 4
    if many:
        rows = rows[rows["rate_ratio"].notna()].nlargest(3, "rate_ratio")
    said = [f"In {setting(protected)}, {ROLES[role]} are counted against the residents of "
            f"{int(table['population_year'].iloc[0])}"]  # fmt: skip
    said += [_compare_one(row, protected) + _stratum(row)
             for _, row in rows.iterrows()]  # fmt: skip
    return [*said, _unknown(table), NOT_DISCRIMINATION]


def _unknown(table: Any) -> str:
    share, row = table["missing_share"].max(), clearest(table)
    if not share > 0:
        return ""
    text = f"The group was not stated for {format_share(share)}"
    if table["caution"].eq("no_headline").any():
        return f"{text}, more than a quarter: no headline ratio is given"
    if row is None or pd.isna(row["ratio_if_outside"] + row["ratio_if_inside"]):
        return text
    low, high = format_number(row["ratio_if_outside"]), format_number(row["ratio_if_inside"])
    return (f"{text}; had they all belonged to the comparison group, the ratio for "
            f"{name_people(group_of(row))} would be {low}; had they belonged to that group, {high}"
        )  # fmt: skip


def _years(protected: ProtectedTable) -> list[str]:
    table = protected.table
    first = table[table["year"] == table["year"].min()].set_index("ethnic_group")
    last, said = table[table["year"] == table["year"].max()], []
    for _, row in last[last["ethnic_group"] != last["reference_group"]].iterrows():
        before = first.loc[row["ethnic_group"], "rate_ratio"]
        if pd.notna(row["change_lower_ci"]) and pd.notna(before):
            word = compare_words(row["change_lower_ci"], row["change_upper_ci"], 1)
            verb = {"higher": "rose", "lower": "fell"}.get(word, "showed no clear change,")
            said.append(f"The ratio for {name_people(row['ethnic_group'])} {verb} from "
                        f"{format_number(before)} to {format_number(row['rate_ratio'])}"
                    )  # fmt: skip
    if not said:
        return ["There are too few years or people to say whether the ratios changed"]
    ends = [f"{rows['year'].iloc[0]:%B %Y}" for rows in (first, last)]
    return [*said, f"In {protected.borough_name}, years to {ends[0]} and {ends[1]} are compared",
            "All years use the residents of one Census, so population change moves the ratio too"
        ]  # fmt: skip


def _boroughs(protected: ProtectedTable) -> list[str]:
    table = protected.table
    words: dict[str, list[str]] = {"higher": [], "lower": [], "similar": []}
    here = table[table["is_this_borough"].astype(bool)]
    for _, row in here.dropna(subset=["rate_ratio", "upper_998"]).iterrows():
        outside = compare_words(row["lower_998"], row["upper_998"], row["rate_ratio"])
        place = {"higher": "lower", "lower": "higher"}.get(outside, "similar")
        ours, theirs = format_number(row["rate_ratio"]), format_number(row["target"])
        words[place].append(f"{name_people(row['ethnic_group'])} ({ours} against {theirs})")
    said = [f"In {protected.borough_name} the ratio is "
            f"{'similar to' if word == 'similar' else f'outside the funnel, {word} than'} London's "
            f"for {join_words(groups)}" for word, groups in words.items() if groups]  # fmt: skip
    if table["is_overdispersed"].astype(bool).any():
        said.append("Boroughs differ by more than chance, and the funnel is widened for it")
    return [*said, "Being outside is a reason to ask, not a verdict"]


def _readings(protected: ProtectedTable) -> list[str]:
    table: Any = protected.table
    value = table["rate_ratio"].fillna(table["modelled_ratio"])
    wide: Any = table.assign(value=value).pivot_table(
        index="ethnic_group", columns="reading", values="value", sort=False
    )
    lead = (wide["as recorded"] - 1).abs().idxmax()
    row = {name: format_number(number) for name, number in wide.loc[lead].dropna().items()}
    said = [f"For {name_people(lead)} in {protected.borough_name} the recorded ratio is "
            f"{row['as recorded']}"]  # fmt: skip
    texts = (
        ("Unrecorded ethnicity: between {} and {}, by where those not stated belong",
         "all not stated in the reference group", "all not stated in this group"),
        ("Clustering: over London the ratio is {} as one place and {} within boroughs",
         "London as one place", "London, within boroughs"),
        ("Changing population: had the group grown by a tenth since the Census, {}",
         "group grown by a tenth"),
        ("With the same ages in every group, {}", "same ages in every group"),
    )  # fmt: skip
    said += [t.format(*(row[n] for n in names)) for t, *names in texts if set(names) <= set(row)]
    return [*said, NOT_WHY]


def _stages(protected: ProtectedTable) -> list[str]:
    table, said = protected.table, []
    for stage, rows in table.groupby("stage", sort=False):
        row, before = clearest(rows), str(rows["before"].iloc[0]).replace("_", " ")
        text = f"Counted against {before}, {str(stage).replace('_', ' ')}: "
        if row is None:
            said.append(f"{text}no group differs clearly from the comparison")
        else:
            ratio = format_ratio(row["rate_ratio"], reference=name_people(row["reference_group"]))
            said.append(f"{text}{name_people(group_of(row))} at {ratio} "
                        f"({format_interval(row['ratio_lower_ci'], row['ratio_upper_ci'])})"
                    )  # fmt: skip
    return [f"In {setting(protected)}, each stage asks only about those who reached it", *said]


def describe_groups(protected: ProtectedTable) -> Prose:
    """Say how groups compare: how far, how surely, and what rests on what is not known."""
    table = _check(protected)
    if not len(table):
        return Prose(f"The data supplied for {protected.borough_name} hold no such people, "
                     "so nothing can be compared here.")  # fmt: skip
    ways: dict[str, Callable[[ProtectedTable], list[str]]] = {
        "borough_code": _boroughs, "reading": _readings, "year": _years, "stage": _stages,
    }  # fmt: skip
    kind = next((name for name in KINDS if not (table[name].astype(str) == "all").all()), "")
    return Prose(join_sentences(*ways.get(kind, _groups)(protected)))


def _check(protected: ProtectedTable) -> Any:
    if not isinstance(protected, ProtectedTable):
        raise TypeError("Sentences take a protected table: pass it through sna.protect first.")
    return protected.table


def describe_people(protected: ProtectedTable) -> Prose:
    """Say what is missing, where a curve is highest, who is recorded again, or who repeats."""
    table, contract = _check(protected), protected.contract.name
    if not len(table):
        return Prose(f"The data supplied for {protected.borough_name} do not allow this.")
    who = ROLES[str(table["person_role"].iloc[0])]
    said = [f"In {setting(protected)}"]
    if contract == "missing_facts":
        for fact, rows in table.groupby("fact", sort=False):
            share = rows["missing_people"].sum() / max(rows["all_people"].sum(), 1)
            over = int((rows["missing_share"] > 0.10).sum())
            said.append(f"{_FACTS[str(fact)]} was not recorded for {format_share(share)}"
                        + (f", and for over 10% in {over} of {len(rows)} months" if over else "")
                    )  # fmt: skip
        said[0] = f"{said[0]}, this is what records of {who} leave out"
    elif contract == "people_curve" and not table["rate"].notna().any():
        said[0] += f", too few {who} can be shown to give a rate"
    elif contract == "people_curve":
        name = "age" if set(table["age"]) != {"all"} else "decile"
        top = table.loc[table["rate"].idxmax()]
        said[0] += (f", the rate of {who} was highest at {name} {top[name]:.0f}: "
                    f"{format_number(top['rate'])} per 1,000 residents "
                    f"({format_interval(top['lower_ci'], top['upper_ci'])})")  # fmt: skip
        if name == "decile" and pd.notna(top["rii"]):
            limits = format_interval(top["rii_lower_ci"], top["rii_upper_ci"])
            said.append("The modelled rate in the least deprived places is "
                        f"{format_number(top['rii'])} times that in the most deprived ({limits})"
                        )  # fmt: skip
    elif contract == "recurrence":
        last = table.iloc[-1]
        limits = format_interval(100 * last["lower_ci"], 100 * last["upper_ci"])
        said[0] += (
            f", {format_share(last['share_again'])} of {who} were recorded again within "
            f"{last['months_since']:.0f} months (per cent, {limits})"
            if pd.notna(last["share_again"])
            else f", too few {who} were recorded again to give a share"
        )
    else:
        rows = table[(table["cohort"] == "offences per person") & (table["category"] != "1")]
        people, events = rows["share_people"].sum(), rows["share_offences"].sum()
        said[0] += (f", {format_share(people)} of {who} with an identifier appear in more than "
                    f"one offence, and they appear in {format_share(events)} of the records"
                )  # fmt: skip
    return Prose(join_sentences(*said, NOT_WHY))


def find_key_groups(*tables: ProtectedTable) -> KeyFindings:
    """One sentence a table: the clearest comparison, or that none is clear."""
    said = []
    for protected in tables:
        table = _check(protected)
        if not len(table):
            continue
        row = clearest(table)
        start = f"Among {ROLES[str(table['person_role'].iloc[0])]} in {protected.borough_name}, "
        if row is not None:
            ratio = format_ratio(row["rate_ratio"], reference=name_people(row["reference_group"]))
            limits = format_interval(row["ratio_lower_ci"], row["ratio_upper_ci"])
            said.append(f"{start}the rate for {name_people(group_of(row))} was {ratio} ({limits}).")
        elif table["caution"].eq("no_headline").any():
            said.append(f"{start}too few have a recorded group for a headline.")
        else:
            said.append(f"{start}no group's rate is clearly different from the comparison.")
    return KeyFindings(tuple(said) or ("No data about people were supplied for this borough.",))
