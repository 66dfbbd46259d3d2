"""Quality marks, unknown facts, rules and reasons of a combination, in plain English."""

from typing import Any

import numpy as np

from sna.classify.codes import CodeSet
from sna.classify.encode import NOTES
from sna.classify.facts import AGE, STATUSES, UNDER_16, Array, F, T, U
from sna.classify.rules import BAND_OF_MASK, NOT_ATTACHED, Answer
from sna.classify.units import ROLE
from sna.definitions import Profile
from sna.schemas.store_tables import BANDS

CONTEXT_NAMES = {"u25": "a person under 25", "da": "domestic abuse", "sv": "sexual violence"}
UNKNOWN_NAMES = {
    "offence_code": "which offence it is",
    "victim_age": "the victim's age",
    "suspect_age": "the suspect's age",
    "domestic_abuse": "domestic abuse",
    "weapon": "how a weapon featured",
    "linked_id": "the linked offence",
}
MARKS = {
    "age_invalid": "an age is not valid",
    "suspect_under_10": "the suspect is younger than 10",
    "flag_and_relationship": "the domestic abuse flag contradicts the relationship",
    "flag_without_age": "the domestic abuse flag is trusted without the victim's age",
    "ordinary_class": "the detailed code fits several classes",
    "text_only": "only the text names the offence",
    "code_conflict": "the class and the detailed code disagree",
    "duplicate_id": "the reference occurs more than once",
    "link_missing": "the linked offence is not in the table",
    "link_circle": "the link leads to another property offence",
    "link_nearby": "the companion was found by place, time and suspect",
    "person_age_conflict": "a person's age and age band disagree",
}
_RULES = {"exploitation": "R10", "property": "R12", "possession": "R26", "switched": "R20",
          "out": "R32", "u25": "R01", "da": "R08", "sv": "R06"}  # fmt: skip
_REASONS = {  # role: (words inside the definition, words outside)
    "listed": (
        "A listed offence, {context}",
        "A listed offence, but nobody is known to be under 25, it is not flagged domestic abuse "
        "and it is not sexual",
    ),
    "near": (
        "Violence, not on the list, {context}",
        "Violence, not on the list and in no context of the definition",
    ),
    "exploitation": (
        "Exploitation in a context of the definition",
        "Exploitation, but not of anyone the definition names",
    ),
    "property": (
        "Property violence flagged as domestic abuse, without a companion offence",
        "Property violence without a companion offence that counts",
    ),
    "possession": ("Possession, {context}", "Possession only: no violence is recorded"),
    "switched": ("Violence, {context}", "Left out by a switch"),
    "out": ("Flagged domestic abuse", "Not an offence of the definition"),
    "several": ("Every offence it can be gives {band}", "Every offence it can be gives {band}"),
}


def marks_of(fields: dict[str, Array], code_sets: list[CodeSet]) -> dict[str, Array]:
    """Return, for each quality mark, the combinations that carry it."""
    da, relation, under_16 = fields["da"], fields["relation"], UNDER_16[fields["victim"]]
    found = {
        "age_invalid": (fields["victim"] == AGE["invalid"]) | (fields["suspect"] == AGE["invalid"]),
        "suspect_under_10": fields["suspect"] == AGE["under_10"],
        "flag_and_relationship": ((da == T) & (relation == F))
        | ((da == F) & (relation == T) & (under_16 == F)),
        "flag_without_age": (da == T) & (under_16 == U),
    }
    marks = np.array([s.mark for s in code_sets], dtype=object)[fields["code"]]
    found |= {name: marks == name for name in ("ordinary_class", "text_only", "code_conflict")}
    return found | {name: (fields["note"] & bit) > 0 for name, bit in NOTES.items()}


def unknown_facts(profile: Profile, fields: dict[str, Array], answer: Answer) -> dict[str, Array]:
    """Return, for each input column, the combinations whose band it could decide."""
    undecided = BAND_OF_MASK[answer.mask] == BANDS.index("indeterminate")
    suspects = profile.switches["u25_role"] in ("suspect", "both")
    known = [AGE[n] for n in ("under_10", "under_16", "16_24", "25_over", "under_25")]
    by_age = undecided & ((answer.u25 != T) | (answer.role == ROLE["exploitation"]))
    lifts = profile.switches["weapon_clause"] == "lift"
    return {
        "offence_code": undecided & (answer.role < 0),
        "victim_age": by_age & ~np.isin(fields["victim"], known),
        "suspect_age": by_age & ~np.isin(fields["suspect"], known) & suspects,
        "domestic_abuse": undecided & (answer.da == U),
        "weapon": undecided & (answer.weapon == U) & lifts,
        "linked_id": undecided & ((fields["link"] & ~NOT_ATTACHED) > 0),
    }


def rule_ids(sign: dict[str, Any]) -> str:
    """Return the numbers of the rules that decided, and the quality marks, joined by a bar."""
    if sign["status"] in STATUSES[1:5] and sign["band"] == "out":
        return "R28" if sign["status"] == "terrorism" else "R27"
    found = [_RULES.get(sign["role"], "R05"), *(_RULES[c] for c in sign["contexts"])]
    found += ["R22"] * sign["lifted"]
    alone = sign["role"] == "property" and not sign["attached"]
    found += ["R13"] * (alone and "da" in sign["contexts"])
    missing = {"victim_age", "suspect_age"} & set(sign["unknown"])
    found += ["R04"] * (sign["band"] == "indeterminate" and bool(missing))
    return "|".join(dict.fromkeys([*found, *(f"Q:{mark}" for mark in sign["marks"])]))


def reason(sign: dict[str, Any]) -> str:
    """Return one plain sentence for the band, with what should be checked."""
    checks = "; ".join(MARKS[mark] for mark in sign["marks"])
    return _why(sign) + (f" (check: {checks})" if checks else "") + "."


def _why(sign: dict[str, Any]) -> str:
    band, names = sign["band"], _list([CONTEXT_NAMES[c] for c in sign["contexts"]])
    if sign["status"] in STATUSES[1:5] and band == "out":
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
    context = (
        "which this text counts of every kind" if sign["every"] else f"in the context of {names}"
    )
    inside, outside = _REASONS[sign["role"]]
    words = inside if band in ("core", "context_only") else outside
    return words.format(context=context, band=band.replace("_", " "))


def _list(words: list[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)
