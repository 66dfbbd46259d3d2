"""The rules of the definition on distinct combinations of facts: which bands stay possible."""

from functools import cache
from typing import Any

import numpy as np
import pandas as pd

from sna.classify.codes import CodeSet, Unit
from sna.classify.encode import NOT_ATTACHED, Coded
from sna.classify.facts import AGE, STATUSES, UNDER_16, UNDER_25, USES, WEAPONS, Array, F, T, U
from sna.definitions import (
    Profile,
    offence_codes,
    offence_detailed_codes,
    read_reference,
    rows_of,
    switches,
)
from sna.schemas.store_tables import BANDS

BIT = {band: 1 << number for number, band in enumerate(BANDS)}
CORE, OUT = BIT["core"], BIT["out"]
UNDECIDED = BANDS.index("indeterminate")
BAND_OF_MASK = np.array(
    [UNDECIDED if mask & (mask - 1) else max(mask.bit_length() - 1, 0) for mask in range(32)],
    dtype=np.int8,
)
ROLES = ("listed", "near", "exploitation", "property", "switched", "possession", "out")
ROLE = {name: number for number, name in enumerate(ROLES)}
SHUT = STATUSES[1:5]
FACTS = ["u25", "da", "sv", "in_scope"]
_INFANT_CODES = ("1", "4.2", "4.7", "11A")  # an age of 0 is an age there
_DEFAULTS = switches().set_index("switch")["default"].to_dict()
_MARKED = ("88A",)  # exploitation marker beside the role of exploitation


@cache
def _tables() -> tuple[dict[str, dict[str, str]], dict[str, str], dict[str, list[dict[str, str]]]]:
    """Return codes, families of detailed codes, and for each code the roles a switch gives it."""
    codes, details = rows_of(offence_codes()), rows_of(offence_detailed_codes())
    moves: dict[str, list[dict[str, str]]] = {}
    for row in codes:
        name, _, value = row["switch"].partition("=")
        own = {"switch": name, "value": value, "role": row["role_when_switched"]}
        moves[row["offence_code"]] = [own] if own["role"] else []
    for row in rows_of(read_reference("switch_roles")):
        moves.setdefault(row["detailed_code"] or row["offence_code"], []).append(row)
    families = {row["detailed_code"]: row["listed_family"] for row in details}
    return {row["offence_code"]: row for row in codes}, families, moves


def _role(unit: Unit, own: str, profile: Profile) -> tuple[str, str]:
    """Return the role of a code under the profile, and the switch that would bring it nearer."""
    of_class, of_detail = (_tables()[2].get(key, []) for key in unit)
    given = {name: str(value).casefold() for name, value in profile.switches.items()}
    on = [
        [m for m in part if given[m["switch"]] == m["value"].casefold()]
        for part in (of_detail, of_class)
    ]
    active = on[0] or on[1]
    role = min((m["role"] for m in active), key=ROLES.index, default=own)
    nearer = [
        (m["switch"], m["value"])
        for m in (*of_class, *of_detail)
        if ROLES.index(m["role"]) < ROLES.index(role)
    ]
    if ROLES.index(own) < ROLES.index(role):
        nearer += [(m["switch"], _DEFAULTS[m["switch"]]) for m in active]
    return role, "=".join(next(iter(nearer), ()))


def _describe(unit: Unit, profile: Profile) -> list[dict[str, Any]]:
    """Return what a code is under the profile; twice, where its class merges two families."""
    codes, families, _ = _tables()
    (code, detailed), row = unit, codes[unit[0]]
    role, neighbour = _role(unit, row["role"], profile)
    fine = profile.families or profile.switches["refine_by_detailed_code"]
    family = (families.get(detailed) if fine else "") or row["listed_family"]
    groups = {row["offence_subgroup"].casefold(), row["offence_group"].casefold()}
    roles = [role]
    if role == "listed" and profile.families and family not in profile.families:
        first, _, second = family.partition("_or_")
        merged = {first, second, f"{first}_bodily_harm"} & set(profile.families)
        roles = ["listed", "near"] if second and merged else ["near"]
    facts = {
        "sv": T if row["implied_context"] == "sv" else F,
        "implied_da": T if row["implied_context"] == "da" else F,
        "infant": code in _INFANT_CODES,
        "exploits": role == "exploitation" or code in _MARKED,
        "counted": T if groups & set(profile.subgroups) else F,
        "family": family,
        "switch": neighbour,
    }
    return [{**facts, "role": ROLE[name]} for name in roles]


def describe_units(profile: Profile, code_sets: list[CodeSet]) -> pd.DataFrame:
    """Look up what every code set can be: one row a set (``code``) and role of an offence code."""
    told = {u: _describe(u, profile) for u in {u for s in code_sets for u in s.units}}
    rows = [(at, row) for at, s in enumerate(code_sets) for unit in s.units for row in told[unit]]
    whole = np.array([s.counted_as in profile.subgroups for s in code_sets])
    table = pd.DataFrame([row for _, row in rows]).assign(code=[at for at, _ in rows])
    return table.assign(counted=np.where(whole[table["code"]], T, table["counted"]))


def evaluate(profile: Profile, coded: Coded, *, wide: bool = False) -> pd.DataFrame:
    """Answer every combination: the bands that stay possible (``mask``), facts, role and family.

    `wide` takes unknown suspect ages as Unknown, not as no evidence.
    """
    units, facts = describe_units(profile, coded.code_sets), coded.facts
    pairs = facts.rename_axis("at").reset_index().merge(units, how="left", on="code")
    starts = np.flatnonzero(np.diff(pairs["at"], prepend=-1))
    known = find_facts(profile, pairs, wide=wide)
    mask = np.bitwise_or.reduceat(_apply(profile, pairs, known), starts)
    mask = np.where(_is_closed(profile, facts, mask), OUT, mask).astype(np.uint8)
    answer = {"mask": mask}
    for name in FACTS:
        low, high = (agg.reduceat(known[name], starts) for agg in (np.minimum, np.maximum))
        answer[name] = np.where(low == high, low, U)
    by_set = units.groupby("code")
    for name, mixed in {"role": -1, "family": "several", "switch": "", "exploits": False}.items():
        first = by_set[name].min()
        answer[name] = first.where(first == by_set[name].max(), mixed).to_numpy()[facts["code"]]
    lifts = profile.switches["weapon_clause"] == "lift" and profile.contexts == "u25_da_sv"
    context = np.maximum.reduce([answer[name] for name in FACTS[:3]])
    armed = (answer["role"] == ROLE["listed"]) & (answer["in_scope"] == T)
    answer["lifted"] = armed & (context != T) & (mask == CORE) & lifts
    flagged = np.maximum.reduceat(known["near_da"], starts) != F
    return pd.DataFrame(answer | _attached(profile, facts["link"], answer["role"], flagged))


def _attached(profile: Profile, link: pd.Series, role: Array, flagged: Array) -> dict[str, Array]:
    """Return what is damage attached to an offence, and what can be core only by being that.

    The second is ``apart``: no unit of the headline, unless the profile counts attached damage.
    """
    damage = (role == ROLE["property"]) & (profile.switches["property"] != "off")
    attached = damage & (link & int(NOT_ATTACHED) == 0)
    alone = flagged & (profile.switches["reading"] == "B")
    apart = (attached | damage & (link & CORE > 0) & ~alone) & (
        profile.switches["property"] != "count"
    )
    return {"attached": attached, "apart": apart}


def _is_closed(profile: Profile, facts: pd.DataFrame, mask: Array) -> Array:
    shut = set(SHUT) - ({"non_notifiable"} if profile.switches["include_non_notifiable"] else set())
    closed = np.array([name in shut for name in STATUSES])[facts["status"]]
    if profile.switches["missing_age"] == "drop":
        closed |= (BAND_OF_MASK[mask] == UNDECIDED) & (UNDER_25[facts["victim_age"]] == U)
    return closed


def find_facts(profile: Profile, pairs: pd.DataFrame, *, wide: bool) -> dict[str, Array]:
    """Return every fact that a rule can name, three-valued, for each combination and code."""
    given, never = profile.switches, np.zeros(len(pairs), dtype=np.uint8)
    accepts = given["age_zero"] == "accept"
    v25, v16 = _ages(pairs["victim_age"], pairs["infant"] | accepts)
    s25, s16 = _ages(pairs["suspect_age"], pairs["infant"] & accepts | accepts)
    if not wide and given["u25_role"] in ("either", "victim"):
        s25 = np.where(s25 == U, F, s25)
    ages = {"victim": v25, "suspect": s25, "any": never + T}
    ages |= {"either": np.maximum(v25, s25), "both": np.minimum(v25, s25)}
    sv, u25 = pairs["sv"].to_numpy(), ages[str(given["u25_role"])]
    da = np.maximum(_domestic_abuse(given, pairs, v16, s16), pairs["implied_da"])
    near_da = never if given["da_scope"] == "listed" else da
    every = never + T if profile.contexts == "any_violence" else never
    facts = {
        "never": never,
        "u25": u25,
        "da": da,
        "sv": sv,
        "near_da": near_da,
        "flagged": da if "flagged domestic abuse" in profile.subgroups else never,
        "counted": pairs["counted"],
        "in_scope": weapon_fact(profile, pairs),
        "context": np.maximum.reduce([u25, da, sv, every]),
        "near_context": np.maximum.reduce([u25, near_da, sv, every]),
        "exploited": np.maximum.reduce([ages[str(given["exploitation_age"])], da, sv]),
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
    scope, ways = profile.switches["firearm_scope"], str(profile.switches["weapon_use"]).split("_")
    kinds = dict.fromkeys(WEAPONS, T) | {"none": F, "unknown": U}
    kinds["other_firearm"] = {"s1": F, "lethal_barrelled": U}.get(str(scope), T)
    kinds["firearm_type_unknown"] = T if scope == "any_gun_flag" else U
    how = [U if name == "unknown" else T if name in ways else F for name in USES]
    kind = np.array(list(kinds.values()))[pairs["weapon"]]
    return np.minimum(kind, np.array(how)[pairs["weapon_use"]])


def _rules(profile: Profile) -> dict[str, dict[str, str]]:
    """Return the first row of the rule table, for each role, whose conditions the profile meets."""
    given = {f"{n}={v}" for n, v in {"contexts": profile.contexts, **profile.switches}.items()}
    found: dict[str, dict[str, str]] = {}
    for row in rows_of(read_reference("band_rules")):
        if set(row["when"].split()) <= given:
            for role in ROLES if row["roles"] == "*" else row["roles"].split():
                found.setdefault(role, row)
    return found


def _apply(profile: Profile, pairs: pd.DataFrame, facts: dict[str, Array]) -> Array:
    link = np.where(profile.switches["property"] == "off", NOT_ATTACHED, pairs["link"])
    flagged = CORE if profile.switches["reading"] == "B" else BIT["context_only"]
    da, others = facts["near_da"], (link & ~CORE) != 0
    carried = (link & ~(CORE | NOT_ATTACHED)) | np.where(link & NOT_ATTACHED, OUT, 0)
    mask = (link & CORE) | np.where(others & (da != F), flagged, 0)  # property: its companion's
    mask |= np.where(others & (da != T), carried, 0)
    for name, rule in _rules(profile).items():
        fact = np.maximum.reduce([facts[part] for part in rule["any_of"].split()])
        yes, no = BIT[rule["yes"]], BIT[rule["no"]]
        bands = np.array([no, yes | no, yes])[fact]
        mask = np.where(pairs["role"] == ROLE[name], bands, mask)
    return np.asarray(mask, dtype=np.uint8)
