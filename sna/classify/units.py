"""What each offence code is under one profile: role, family, implied context, switch."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from sna import definitions
from sna.classify.codes import Unit, rows_of
from sna.classify.facts import Array
from sna.definitions import Profile

ROLES = ("listed", "near", "exploitation", "property", "switched", "possession", "out")
ROLE = {name: number for number, name in enumerate(ROLES)}
INFANT_CODES = ("1", "4.2", "4.7", "11A")  # an age of 0 is an age there
MARKED = ("88A",)  # exploitation marker beside the role of exploitation


@dataclass(frozen=True)
class Units:
    """Properties of some (class, detailed code) pairs under one profile, one entry a pair."""

    role: Array
    other_role: Array  # differs from role where the family is not certain
    implies_sv: Array
    implies_da: Array
    infant: Array
    exploits: Array
    robbery: Array
    counted: Array
    family: Array
    switch: Array


@cache
def _tables() -> tuple[dict[str, dict[str, str]], dict[str, str], list[dict[str, str]]]:
    details = definitions.detailed_codes()
    families = dict(zip(details["detailed_code"], details["listed_family"], strict=True))
    codes = {row["offence_code"]: row for row in rows_of(definitions.offence_codes())}
    return codes, families, rows_of(definitions.switch_roles())


def _describe(unit: Unit, profile: Profile) -> tuple[object, ...]:
    codes, families, moves = _tables()
    (code, detailed), row = unit, codes[unit[0]]

    def is_on(name: str, value: str) -> bool:
        return str(profile.switches.get(name, "")).casefold() == value

    role, (name, _, value) = row["role"], row["switch"].partition("=")
    if row["role_when_switched"] and is_on(name, value):
        role = row["role_when_switched"]
    for move in moves:
        if is_on(move["switch"], move["value"]):
            hit = detailed == move["detailed_code"] if move["detailed_code"] else (
                code == move["offence_code"])  # fmt: skip
            role = move["role"] if hit else role
    fine = profile.families or profile.switches["refine_by_detailed_code"]
    family = (families.get(detailed) if fine else "") or row["listed_family"]
    other = role
    if role == "listed" and profile.families and family not in profile.families:
        first, _, second = family.partition("_or_")  # a class that merges two families
        halves = {first, second, f"{first}_bodily_harm"} if second else set()
        role, other = ("listed" if halves & set(profile.families) else "near"), "near"
    neighbour = row["switch"] if role != row["role_when_switched"] else ""
    if row["switch"] and not value:
        neighbour = f"{name}=as_substantive" if role != row["role"] else ""
    groups = {row["offence_subgroup"].casefold(), row["offence_group"].casefold()}
    exploits = role == "exploitation" or code in MARKED
    return (
        ROLE[role], ROLE[other], row["implied_context"] == "sv", row["implied_context"] == "da",
        code in INFANT_CODES, exploits, code == "34A", bool(groups & set(profile.subgroups)),
        family, neighbour,
    )  # fmt: skip


def describe_units(units: Sequence[Unit], profile: Profile) -> Units:
    """Look up every pair in the code table under the switches of `profile`."""
    columns = zip(*(_describe(unit, profile) for unit in units), strict=True)
    return Units(*(np.array(column) for column in columns))
