"""The rules of the definition on distinct combinations of facts: which bands stay possible."""

from functools import cache
from typing import Any

import numpy as np
import pandas as pd

from sna.classify.codes import CodeSet, Unit
from sna.classify.encode import NOT_ATTACHED, Coded
from sna.classify.facts import (
    AGE,
    STATUSES,
    UNDER_16,
    UNDER_25,
    USES,
    WEAPONS,
    Array,
    F,
    T,
    U,
)
from sna.definitions import Profile, detailed_codes, offence_codes, read_reference, rows_of
from sna.schemas.store_tables import BANDS

BIT = {band: np.uint8(1 << number) for number, band in enumerate(BANDS)}
CORE, OUT = BIT["core"], BIT["out"]
UNDECIDED = BANDS.index("indeterminate")
BAND_OF_MASK = np.array(
    [UNDECIDED if mask & (mask - 1) else max(mask.bit_length() - 1, 0) for mask in range(32)],
    dtype=np.uint8,
)
ROLES = ("listed", "near", "exploitation", "property", "switched", "possession", "out")
ROLE = {name: number for number, name in enumerate(ROLES)}
SHUT = STATUSES[1:5]
_INFANT_CODES = ("1", "4.2", "4.7", "11A")  # an age of 0 is an age there
_MARKED = ("88A",)  # exploitation marker beside the role of exploitation


@cache
def _tables() -> tuple[dict[str, dict[str, str]], dict[str, str], dict[tuple[str, str], Any]]:
    """Return codes, families of detailed codes, and the roles that a switch gives to codes."""
    details, codes = (
        detailed_codes(),
        {row["offence_code"]: row for row in rows_of(offence_codes())},
    )
    families = dict(zip(details["detailed_code"], details["listed_family"], strict=True))
    moves: dict[tuple[str, str], dict[str, str]] = {}
    for code, row in codes.items():
        if row["role_when_switched"]:
            name, _, value = row["switch"].partition("=")
            moves.setdefault((name, value), {})[code] = row["role_when_switched"]
    for row in rows_of(read_reference("switch_roles")):
        code = row["detailed_code"] or row["offence_code"]
        moves.setdefault((row["switch"], row["value"]), {})[code] = row["role"]
    return codes, families, moves


def _describe(unit: Unit, profile: Profile, moved: dict[str, str]) -> dict[str, Any]:
    codes, families, _ = _tables()
    (code, detailed), row = unit, codes[unit[0]]
    role = moved.get(detailed) or moved.get(code) or row["role"]
    fine = profile.families or profile.switches["refine_by_detailed_code"]
    family = (families.get(detailed) if fine else "") or row["listed_family"]
    other = role
    if role == "listed" and profile.families and family not in profile.families:
        first, _, second = family.partition("_or_")  # a class that merges two families
        halves = {first, second, f"{first}_bodily_harm"} if second else set()
        role, other = ("listed" if halves & set(profile.families) else "near"), "near"
    neighbour = row["switch"] if role != row["role_when_switched"] else ""
    if row["switch"] == "inchoate":
        neighbour = "inchoate=as_substantive" if role != row["role"] else ""
    groups = {row["offence_subgroup"].casefold(), row["offence_group"].casefold()}
    return {
        "role": ROLE[role],
        "other_role": ROLE[other],  # differs where the family is not certain
        "sv": T if row["implied_context"] == "sv" else F,
        "implied_da": T if row["implied_context"] == "da" else F,
        "infant": code in _INFANT_CODES,
        "exploits": role == "exploitation" or code in _MARKED,
        "counted": T if groups & set(profile.subgroups) else F,
        "family": family,
        "switch": neighbour,
    }


def describe_units(profile: Profile, code_sets: list[CodeSet]) -> pd.DataFrame:
    """Look up every code that a code set can be: one row a set (``code``) and offence code."""
    moves = _tables()[2]
    moved: dict[str, str] = {}
    for name, value in profile.switches.items():
        moved |= moves.get((name, str(value).lower() if isinstance(value, bool) else value), {})
    units = {unit for code_set in code_sets for unit in code_set.units}
    told = {unit: _describe(unit, profile, moved) for unit in units}
    whole = [s.counted_as in profile.subgroups for s in code_sets]
    rows = [
        told[unit] | {"code": at} | ({"counted": T} if whole[at] else {})
        for at, code_set in enumerate(code_sets)
        for unit in code_set.units
    ]
    return pd.DataFrame(rows)


def evaluate(profile: Profile, coded: Coded, *, wide: bool = False) -> pd.DataFrame:
    """Answer every combination: the bands that stay possible (``mask``), facts, role and family.

    `wide` takes unknown suspect ages as Unknown, not as no evidence.
    """
    units = describe_units(profile, coded.code_sets)
    pairs = coded.facts.rename_axis("at").reset_index().merge(units, how="left", on="code")
    starts = np.flatnonzero(np.diff(pairs["at"], prepend=-1))
    known = find_facts(profile, pairs, wide=wide)
    masks = _apply(profile, pairs["role"], pairs["link"], known)
    masks |= _apply(profile, pairs["other_role"], pairs["link"], known)
    whole = {
        "role": pairs["role"].to_numpy(),
        **{n: known[n] for n in ("u25", "da", "sv", "weapon")},
    }
    answer = pd.DataFrame({name: _same(values, starts) for name, values in whole.items()})
    mask = np.bitwise_or.reduceat(masks, starts)
    mask = np.where(_is_closed(profile, coded.facts, mask), OUT, mask).astype(np.uint8)
    return answer.assign(
        mask=mask,
        lifted=_is_lifted(profile, answer, mask),
        attached=(answer["role"] == ROLE["property"])
        & ((coded.facts["link"] & NOT_ATTACHED) == 0)
        & (profile.switches["property"] != "off"),
        **_of_sets(units, coded.facts["code"].to_numpy()),
    )


def _same(values: Array, starts: Array) -> Array:
    """Return what all codes of a set agree on: a fact else Unknown, a role else -1 (as `ROLE`)."""
    low, high = np.minimum.reduceat(values, starts), np.maximum.reduceat(values, starts)
    return np.where(low == high, low, -1 if values.dtype == np.int64 else U)


def _of_sets(units: pd.DataFrame, code: Array) -> dict[str, Array]:
    by_set = units.groupby("code")
    found = {}
    for name, mixed in (("family", "several"), ("switch", ""), ("exploits", False)):
        alike = by_set[name].min() == by_set[name].max()
        found[name] = by_set[name].first().where(alike, mixed).to_numpy()[code]
    return found


def _is_lifted(profile: Profile, answer: pd.DataFrame, mask: Array) -> Any:
    lifts = profile.switches["weapon_clause"] == "lift" and profile.contexts == "u25_da_sv"
    context = answer[["u25", "da", "sv"]].max(axis=1)
    armed = (answer["role"] == ROLE["listed"]) & (answer["weapon"] == T)
    return armed & (context != T) & (mask == CORE) & lifts


def _is_closed(profile: Profile, facts: pd.DataFrame, mask: Array) -> Array:
    shut = set(SHUT) - ({"non_notifiable"} if profile.switches["include_non_notifiable"] else set())
    closed = np.array([name in shut for name in STATUSES])[facts["status"]]
    if profile.switches["missing_age"] == "drop":
        closed |= (BAND_OF_MASK[mask] == UNDECIDED) & (UNDER_25[facts["victim_age"]] == U)
    return closed


def find_facts(profile: Profile, pairs: pd.DataFrame, *, wide: bool) -> dict[str, Array]:
    """Return every fact that a rule can name, three-valued, for each combination and code."""
    switches = profile.switches
    accepts = switches["age_zero"] == "accept"
    v25, v16 = _ages(pairs["victim_age"], pairs["infant"] | accepts)
    s25, s16 = _ages(pairs["suspect_age"], pairs["infant"] & False | accepts)
    if not wide and switches["u25_role"] in ("either", "victim"):
        s25 = np.where(s25 == U, F, s25)
    never = np.zeros(len(pairs), dtype=np.uint8)
    ages = {
        "victim": v25,
        "suspect": s25,
        "either": np.maximum(v25, s25),
        "both": np.minimum(v25, s25),
        "any": never + T,
    }
    sv, u25 = pairs["sv"].to_numpy(dtype=np.uint8), ages[str(switches["u25_role"])]
    da = np.maximum(_domestic_abuse(switches, pairs, v16, s16), pairs["implied_da"])
    near_da = never if switches["da_scope"] == "listed" else da
    every = never + T if profile.contexts == "any_violence" else never
    own_age = ages[str(switches["exploitation_age"])]
    flagged = da if "flagged domestic abuse" in profile.subgroups else never
    facts = {
        "never": never,
        "u25": u25,
        "da": da,
        "sv": sv,
        "near_da": near_da,
        "flagged": flagged,
        "weapon": weapon_fact(profile, pairs),
        "counted": pairs["counted"].to_numpy(),
        "context": np.maximum.reduce([u25, da, sv, every]),
        "near_context": np.maximum.reduce([u25, near_da, sv, every]),
        "exploited": np.maximum.reduce([own_age, da, sv]),
    }
    return {name: np.asarray(values, dtype=np.uint8) for name, values in facts.items()}


def _ages(state: pd.Series, zero_counts: pd.Series) -> tuple[Array, Array]:
    young = (state == AGE["zero"]) & zero_counts
    return np.where(young, T, UNDER_25[state]), np.where(young, T, UNDER_16[state])


def _domestic_abuse(switches: Any, pairs: pd.DataFrame, v16: Array, s16: Array) -> Array:
    adults = np.minimum(T - v16, T - s16)
    derived, flag = np.minimum(pairs["relationship"], adults), pairs["domestic_abuse"]
    both = np.where(flag == U, derived, flag)
    found = {"flag": flag, "derived": derived, "both": both}[switches["da_source"]]
    return np.where((v16 == T) | (s16 == T), F, found)


def weapon_fact(profile: Profile, pairs: pd.DataFrame) -> Array:
    """Return whether a knife, firearm in scope or corrosive featured as the profile asks."""
    scope = str(profile.switches["firearm_scope"])
    kinds = {"none": F, "unknown": U}
    kinds["other_firearm"] = {"s1": F, "lethal_barrelled": U, "any_gun_flag": T}[scope]
    kinds["firearm_type_unknown"] = T if scope == "any_gun_flag" else U
    ways = str(profile.switches["weapon_use"]).split("_")
    how = [U if name == "unknown" else T if name in ways else F for name in USES]
    kind = np.array([kinds.get(name, T) for name in WEAPONS])
    return np.minimum(kind[pairs["weapon"]], np.array(how)[pairs["weapon_use"]])


def _rules(profile: Profile) -> dict[str, dict[str, str]]:
    """Return the first row of the rule table, for each role, whose conditions the profile meets."""
    given = {"contexts": profile.contexts, **profile.switches}
    found: dict[str, dict[str, str]] = {}
    for row in rows_of(read_reference("band_rules")):
        if all(given[name] == value for name, value in (w.split("=") for w in row["when"].split())):
            for role in ROLES if row["roles"] == "*" else row["roles"].split():
                found.setdefault(role, row)
    return found


def _apply(profile: Profile, role: pd.Series, link: pd.Series, facts: dict[str, Array]) -> Array:
    mask = _property(profile, link.to_numpy(dtype=np.uint8), facts["near_da"])
    for name, rule in _rules(profile).items():
        fact = np.maximum.reduce([facts[part] for part in rule["any_of"].split()])
        yes, no = BIT[rule["yes"]], BIT[rule["no"]]
        bands = np.array([no, yes | no, yes], dtype=np.uint8)[fact]
        mask = np.where(role == ROLE[name], bands, mask)
    return mask


def _property(profile: Profile, link: Array, da: Array) -> Array:
    """Return the companion's band; else by its own flag: a context, or nothing."""
    if profile.switches["property"] == "off":
        link = np.full_like(link, NOT_ATTACHED)
    flagged = CORE if profile.switches["reading"] == "B" else BIT["context_only"]
    others = (link & ~CORE) != 0
    carried = (link & ~(CORE | NOT_ATTACHED)) | np.where(link & NOT_ATTACHED, OUT, 0)
    mask = (link & CORE) | np.where(others & (da != F), flagged, 0)
    return (mask | np.where(others & (da != T), carried, 0)).astype(np.uint8)
