"""Facts and rules of a combination in plain English."""

from dataclasses import dataclass

import numpy as np

from sna.classify.codes import CodeSet
from sna.classify.encode import NOTES
from sna.classify.facts import AGE, STATUSES, F, T, U
from sna.classify.rules import BAND_OF_MASK, NOT_ATTACHED, Answer, Array
from sna.classify.units import ROLE, ROLES
from sna.definitions import Profile
from sna.schemas.store_tables import BANDS

CONTEXT_NAMES = {
    "u25": "a person under 25",
    "da": "domestic abuse",
    "sv": "sexual violence",
}
UNKNOWN_NAMES = {
    "victim_age": "the victim's age",
    "suspect_age": "the suspect's age",
    "domestic_abuse": "domestic abuse",
    "weapon": "how a weapon featured",
    "offence_code": "which offence it is",
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
_ROLE_RULES = {"near": "R05", "exploitation": "R10", "property": "R12", "possession": "R26"}
_ROLE_RULES |= {"listed": "R05", "switched": "R20", "out": "R32"}


@dataclass(frozen=True)
class Signature:
    """What the words of a combination depend on."""

    band: str
    possible: tuple[str, ...]
    role: str
    status: str
    contexts: tuple[str, ...]
    unknown: tuple[str, ...]
    marks: tuple[str, ...]
    lifted: bool
    attached: bool
    aggregate: bool
    every: bool
    counted: bool
    switch: str


def marks_of(
    fields: dict[str, Array], code_sets: list[CodeSet], under_16: Array
) -> dict[str, Array]:
    """Return, for each quality mark, the combinations that carry it."""
    da, relation = fields["da"], fields["relation"]
    conflict = ((da == T) & (relation == F)) | ((da == F) & (relation == T) & (under_16 == F))
    invalid = AGE["invalid"]
    found = {
        "age_invalid": (fields["victim"] == invalid) | (fields["suspect"] == invalid),
        "suspect_under_10": fields["suspect"] == AGE["under_10"],
        "flag_and_relationship": conflict,
        "flag_without_age": (da == T) & (under_16 == U),
    }
    marks = np.array([s.mark for s in code_sets], dtype=object)[fields["code"]]
    found |= {name: marks == name for name in ("ordinary_class", "text_only", "code_conflict")}
    return found | {name: (fields["note"] & bit) > 0 for name, bit in NOTES.items()}


def unknown_facts(
    profile: Profile, fields: dict[str, Array], answer: Answer, aggregate: Array
) -> dict[str, Array]:
    """Return, for each input column, the combinations whose band it could decide."""
    open_ = BAND_OF_MASK[answer.mask] == BANDS.index("indeterminate")
    suspects = profile.switches["u25_role"] in ("suspect", "both")
    lifts = profile.switches["weapon_clause"] == "lift"
    several = answer.role < 0
    by_age = (answer.u25 != T) | (answer.role == ROLE["exploitation"])
    return {
        "offence_code": open_ & several,
        "victim_age": open_ & by_age & ~_known_age(fields["victim"]),
        "suspect_age": open_ & by_age & ~_known_age(fields["suspect"]) & suspects,
        "domestic_abuse": open_ & (answer.da == U),
        "weapon": open_ & (answer.weapon == U) & lifts,
        "linked_id": open_ & ((fields["link"] & ~NOT_ATTACHED) > 0) & ~aggregate,
    }


def _known_age(state: Array) -> Array:
    return np.isin(
        state, [AGE[n] for n in ("under_10", "under_16", "16_24", "25_over", "under_25")]
    )


def rule_ids(sign: Signature) -> str:
    """Return the numbers of the rules that decided, joined by a bar."""
    if sign.status in STATUSES[1:5] and sign.band == "out":
        return "R28" if sign.status == "terrorism" else "R27"
    found = [_ROLE_RULES.get(sign.role, "R05")]
    found += [{"u25": "R01", "da": "R08", "sv": "R06"}[c] for c in sign.contexts]
    found += ["R22"] * sign.lifted
    found += ["R13"] * (sign.role == "property" and "da" in sign.contexts and not sign.attached)
    if sign.band == "indeterminate":
        found += ["R04"] * bool({"victim_age", "suspect_age"} & set(sign.unknown))
    return "|".join(dict.fromkeys([*found, *(f"Q:{mark}" for mark in sign.marks)]))


def reason(sign: Signature) -> str:
    """Return one plain sentence for the band."""
    checks = "; ".join(MARKS[mark] for mark in sign.marks)
    return _why(sign) + (f" (check: {checks})" if checks else "") + "."


def _why(sign: Signature) -> str:
    if sign.status in STATUSES[1:5] and sign.band == "out":
        return f"The record is {sign.status.replace('_', '-')}, so it does not count"
    if sign.band == "indeterminate":
        bands = " or ".join(band.replace("_", " ") for band in sign.possible)
        unknown = [UNKNOWN_NAMES[name] for name in sign.unknown]
        return f"It could be {bands}: not known is {_list(unknown) or 'an age or a fact'}"
    if sign.counted:
        return "A published subgroup or flag that this practice counts"
    names = _list([CONTEXT_NAMES[c] for c in sign.contexts])
    return _by_role(sign, names)


def _by_role(sign: Signature, names: str) -> str:
    context = (
        "this text counts violence of every kind" if sign.every else f"in the context of {names}"
    )
    inside = sign.band in ("core", "context_only")
    if sign.lifted:
        return "A listed offence in which a weapon featured as the weapon clause says"
    if sign.role == "property":
        return _property_words(sign)
    words = {
        "listed": f"A listed offence, {context}"
        if inside
        else "A listed offence, but nobody is "
        "known to be under 25, it is not flagged domestic abuse and it is not sexual",
        "near": f"Violence, not on the list, {context}"
        if inside
        else "Violence, not on the list and in no context of the definition",
        "exploitation": "Exploitation in a context of the definition"
        if inside
        else "Exploitation, but not of anyone the definition names",
        "possession": "Possession only: no violence is recorded",
        "switched": f"Violence in a context ({names})" if inside else "Left out by a switch",
        "out": "Flagged domestic abuse" if inside else "Not an offence of the definition",
    }
    return words.get(sign.role, f"Every offence it can be gives {sign.band.replace('_', ' ')}")


def _property_words(sign: Signature) -> str:
    if sign.attached:
        return "Property violence during a listed offence, whose band it takes"
    if "da" in sign.contexts and sign.band != "out":
        return "Property violence flagged as domestic abuse, without a companion offence"
    return "Property violence without a companion offence that counts"


def _list(words: list[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def role_name(number: int) -> str:
    """Return the name of a role, or ``several``."""
    return ROLES[number] if number >= 0 else "several"


def is_listed(role: Array) -> Array:
    """Return the combinations of which every code is listed."""
    return role == ROLE["listed"]
