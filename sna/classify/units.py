"""What each offence code is under one profile: role, family, implied context, switch."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from sna import definitions
from sna.classify.codes import Unit
from sna.definitions import Profile

ROLES = ("listed", "near", "exploitation", "property", "switched", "possession", "out")
ROLE = {name: number for number, name in enumerate(ROLES)}
INFANT_CODES = ("1", "4.2", "4.7", "11A")  # an age of 0 is an age there
MARKED = ("88A",)  # exploitation marker beside the role of exploitation


@dataclass(frozen=True)
class Units:
    """Properties of some (class, detailed code) pairs under one profile, one entry a pair."""

    role: np.ndarray[Any, Any]
    other_role: np.ndarray[Any, Any]  # differs from role where the family is not certain
    implies_sv: np.ndarray[Any, Any]
    implies_da: np.ndarray[Any, Any]
    infant: np.ndarray[Any, Any]
    exploits: np.ndarray[Any, Any]
    robbery: np.ndarray[Any, Any]
    counted: np.ndarray[Any, Any]
    family: np.ndarray[Any, Any]
    switch: np.ndarray[Any, Any]


@lru_cache(maxsize=1)
def _table() -> dict[str, dict[str, str]]:
    rows: list[Any] = definitions.offence_codes().to_dict("records")
    return {row["offence_code"]: row for row in rows}


@lru_cache(maxsize=1)
def _detail_families() -> dict[str, str]:
    table = definitions.detailed_codes()
    return dict(zip(table["detailed_code"], table["listed_family"], strict=True))


def _is_on(switch: str, profile: Profile) -> bool:
    name, _, value = switch.partition("=")
    return str(profile.switches.get(name, "")).casefold() == value


def _moved(profile: Profile) -> dict[Unit, str]:
    """Map codes to the role that a switch of this profile gives them beyond the code table."""
    return {
        (row["offence_code"], row["detailed_code"]): row["role"]
        for row in definitions.switch_roles().to_dict("records")
        if _is_on(f"{row['switch']}={row['value']}", profile)
    }


def _role(unit: Unit, profile: Profile, moved: dict[Unit, str]) -> str:
    code, detailed = unit
    row = _table()[code]
    role = row["role"]
    if row["role_when_switched"] and _is_on(row["switch"], profile):
        role = row["role_when_switched"]
    return moved.get(("", detailed), moved.get((code, ""), role))


def _family(unit: Unit, profile: Profile) -> str:
    family = _table()[unit[0]]["listed_family"]
    detail = _detail_families().get(unit[1], "")
    return detail if detail and (profile.families or _refines(profile)) else family


def _refines(profile: Profile) -> bool:
    return bool(profile.switches["refine_by_detailed_code"])


def _roles_by_family(role: str, family: str, profile: Profile) -> tuple[str, str]:
    """Return the role and, where the class hides which family it is, the other one possible."""
    if role != "listed" or not profile.families or family in profile.families:
        return role, role
    hidden = "_or_" in family and any(name in profile.families for name in _halves(family))
    return ("listed", "near") if hidden else ("near", "near")


def _halves(family: str) -> list[str]:
    first, second = family.split("_or_", 1)
    return [first, second, f"{first}_bodily_harm"]


def _counted(unit: Unit, profile: Profile) -> bool:
    row = _table()[unit[0]]
    names = {row["offence_subgroup"].casefold(), row["offence_group"].casefold()}
    return bool(names & set(profile.subgroups))


def _neighbour(unit: Unit, role: str) -> str:
    row = _table()[unit[0]]
    if "=" in row["switch"]:
        return row["switch"] if role != row["role_when_switched"] else ""
    return f"{row['switch']}=as_substantive" if row["switch"] and role != row["role"] else ""


def describe_units(units: Iterable[Unit], profile: Profile) -> Units:
    """Look up every pair in the code table under the switches of `profile`."""
    units, moved = list(units), _moved(profile)
    plain = [_role(unit, profile, moved) for unit in units]
    families = [_family(unit, profile) for unit in units]
    pairs = [_roles_by_family(r, f, profile) for r, f in zip(plain, families, strict=True)]
    implied = [_table()[code]["implied_context"] for code, _ in units]
    return Units(
        role=np.array([ROLE[a] for a, _ in pairs], dtype=np.int8),
        other_role=np.array([ROLE[b] for _, b in pairs], dtype=np.int8),
        implies_sv=np.array([i == "sv" for i in implied]),
        implies_da=np.array([i == "da" for i in implied]),
        infant=np.array([code in INFANT_CODES for code, _ in units]),
        exploits=np.array(
            [p == "exploitation" or c in MARKED for p, (c, _) in zip(plain, units, strict=True)]
        ),
        robbery=np.array([code == "34A" for code, _ in units]),
        counted=np.array([_counted(unit, profile) for unit in units]),
        family=np.array(families, dtype=object),
        switch=np.array([_neighbour(u, a) for u, (a, _) in zip(units, pairs, strict=True)]),
    )
