"""Quality marks, unknown facts, rules and reasons of a combination, in plain English."""

from typing import Any

import numpy as np
import pandas as pd

from sna.classify.codes import CodeSet
from sna.classify.encode import MARKS, NOT_ATTACHED, NOTES
from sna.classify.facts import AGE, UNDER_16, UNDER_25, Array, F, T, U
from sna.classify.rules import BAND_OF_MASK, ROLE, SHUT, UNDECIDED
from sna.definitions import Profile, read_reference

CONTEXTS = read_reference("contexts").set_index("context")
UNKNOWN_NAMES = read_reference("unknown_facts").set_index("column")["words"].to_dict()
_REASONS = read_reference("reasons").set_index("role")


def marks_of(facts: pd.DataFrame, code_sets: list[CodeSet]) -> dict[str, Array]:
    """Return, for each quality mark, the combinations that carry it."""
    da, relation, under_16 = (
        facts["domestic_abuse"],
        facts["relationship"],
        UNDER_16[facts["victim_age"]],
    )
    found = {
        "age_invalid": facts[["victim_age", "suspect_age"]].eq(AGE["invalid"]).any(axis=1),
        "suspect_under_10": facts["suspect_age"] == AGE["under_10"],
        "flag_and_relationship": ((da == T) & (relation == F))
        | ((da == F) & (relation == T) & (under_16 == F)),
        "flag_without_age": (da == T) & (under_16 == U),
    }
    marks = np.array([s.mark for s in code_sets], dtype=object)[facts["code"]]
    found |= {name: marks == name for name in ("ordinary_class", "text_only", "code_conflict")}
    found |= {name: (facts["note"] & bit) > 0 for name, bit in NOTES.items()}
    return {name: np.asarray(truth) for name, truth in found.items()}


def unknown_facts(profile: Profile, facts: pd.DataFrame, answer: pd.DataFrame) -> dict[str, Array]:
    """Return, for each input column, the combinations whose band it could decide."""
    undecided = BAND_OF_MASK[answer["mask"]] == UNDECIDED
    suspects = profile.switches["u25_role"] in ("suspect", "both")
    by_age = undecided & ((answer["u25"] != T) | (answer["role"] == ROLE["exploitation"]))
    unknown = {name: UNDER_25[facts[name]] == U for name in ("victim_age", "suspect_age")}
    lifts = profile.switches["weapon_clause"] == "lift"
    found = {
        "offence_code": undecided & (answer["role"] < 0),
        "victim_age": by_age & unknown["victim_age"],
        "suspect_age": by_age & unknown["suspect_age"] & suspects,
        "domestic_abuse": undecided & (answer["da"] == U),
        "weapon": undecided & (answer["weapon"] == U) & lifts,
        "linked_id": undecided & ((facts["link"] & ~NOT_ATTACHED) > 0),
    }
    return {name: np.asarray(truth) for name, truth in found.items()}


def rule_ids(sign: dict[str, Any]) -> str:
    """Return the numbers of the rules that decided, and the quality marks, joined by a bar."""
    if sign["status"] in SHUT and sign["band"] == "out":
        return "R28" if sign["status"] == "terrorism" else "R27"
    found = [_REASONS.loc[sign["role"], "rule"], *CONTEXTS.loc[sign["contexts"], "rule"]]
    found += ["R22"] * sign["lifted"]
    alone = sign["role"] == "property" and not sign["attached"]
    found += ["R13"] * (alone and "da" in sign["contexts"])
    missing = {"victim_age", "suspect_age"} & set(sign["unknown"])
    found += ["R04"] * (sign["band"] == "indeterminate" and bool(missing))
    return "|".join(dict.fromkeys([*found, *(f"Q:{mark}" for mark in sign["marks"])]))


def reason(sign: dict[str, Any]) -> str:
    """Return one plain sentence for the band, with what should be checked."""
    checks = "; ".join(MARKS.loc[sign["marks"], "words"])
    return _why(sign) + (f" (check: {checks})" if checks else "") + "."


def _why(sign: dict[str, Any]) -> str:
    band = sign["band"]
    if sign["status"] in SHUT and band == "out":
        return f"The record is {sign['status'].replace('_', '-')}, so it does not count"
    if band == "indeterminate":
        bands = " or ".join(sign["possible"]).replace("_", " ")
        unknown = _list([UNKNOWN_NAMES[name] for name in sign["unknown"]])
        return f"It could be {bands}: not known is {unknown or 'a fact'}"
    if sign["counted"]:
        return "A published subgroup or flag that this practice counts"
    if sign["lifted"]:
        return "A listed offence in which a weapon featured as the weapon clause says"
    if sign["attached"]:
        return "Property violence during a listed offence, whose band it takes"
    named = f"in the context of {_list(list(CONTEXTS.loc[sign['contexts'], 'words']))}"
    context = "which this text counts of every kind" if sign["every"] else named
    side = "inside" if band in ("core", "context_only") else "outside"
    words = str(_REASONS.loc[sign["role"], side])
    return words.format(context=context, band=band.replace("_", " "))


def _list(words: list[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)
