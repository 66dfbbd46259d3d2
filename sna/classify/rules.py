"""The rules of the definition on distinct combinations of facts: which bands stay possible."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from sna.classify.codes import CodeSet
from sna.classify.facts import AGE, STATUSES, UNDER_16, UNDER_25, USES, WEAPONS, Array, F, T, U
from sna.classify.units import ROLE, Units, describe_units
from sna.definitions import Profile
from sna.schemas.store_tables import BANDS

CORE, CONTEXT, LISTED, _, OUT = (np.uint8(1 << number) for number in range(len(BANDS)))
NOT_ATTACHED = np.uint8(32)  # sixth bit of a link: no companion that counts
BAND_OF_MASK = np.array(
    [
        BANDS.index("indeterminate") if mask & (mask - 1) else max(mask.bit_length() - 1, 0)
        for mask in range(32)
    ],
    dtype=np.uint8,
)


@dataclass(frozen=True)
class Answer:
    """What a profile says about each combination."""

    mask: Array  # possible bands, one bit each
    u25: Array  # Kleene, over all codes of the set
    da: Array
    sv: Array
    weapon: Array
    lifted: Array
    attached: Array
    role: Array  # number of the role, -1 when the codes of the set differ
    units: Units
    pair_unit: Array
    starts: Array

    def of_units(self, name: str, mixed: Any) -> Array:
        """Return a property of the offence codes, or `mixed` where those of a set differ."""
        values, number = np.unique(getattr(self.units, name), return_inverse=True)
        found = number[self.pair_unit]
        low = np.minimum.reduceat(found, self.starts) if len(self.starts) else found
        high = np.maximum.reduceat(found, self.starts) if len(self.starts) else found
        single = values.astype(object)[low] if len(values) else low.astype(object)
        return np.where(low == high, single, mixed)


@dataclass(frozen=True)
class Pairs:
    """One row a combination and code of its set, with the facts of that row."""

    unit: Array
    starts: Array
    combo: Array
    victim: Array
    suspect: Array
    da: Array
    relation: Array
    weapon: Array
    use: Array
    link: Array


def expand(fields: dict[str, Array], code_sets: list[CodeSet]) -> tuple[Pairs, list[Any]]:
    """Pair every combination with every code that its set can hold."""
    universe = sorted({unit for code_set in code_sets for unit in code_set.units})
    number = {unit: position for position, unit in enumerate(universe)}
    members = [np.array([number[u] for u in s.units], dtype=np.int32) for s in code_sets]
    sizes = np.array([len(m) for m in members], dtype=np.int64)
    offsets = np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(np.int64)
    flat = np.concatenate(members) if members else np.zeros(0, dtype=np.int32)
    code = fields["code"]
    counts = sizes[code]
    starts = np.concatenate([[0], np.cumsum(counts)[:-1]]).astype(np.int64)
    combo = np.repeat(np.arange(len(code)), counts)
    unit = flat[np.arange(len(combo)) - starts[combo] + offsets[code][combo]]
    taken = {name: fields[name][combo] for name in Pairs.__dataclass_fields__ if name in fields}
    return Pairs(unit=unit, starts=starts, combo=combo, **taken), universe


def evaluate(
    profile: Profile,
    fields: dict[str, Array],
    code_sets: list[CodeSet],
    *,
    role_of_age: str = "",
    wide: bool = False,
) -> Answer:
    """Answer every combination; `wide` takes unknown suspect ages as Unknown, not as no evidence.

    `role_of_age` reads the records with another ``u25_role`` than the profile's.
    """
    if role_of_age:
        fields = {**fields, "link": fields["link_victim"]}
    pairs, universe = expand(fields, code_sets)
    units = describe_units(universe, profile)
    accepts = profile.switches["age_zero"] == "accept"
    v25, v16 = _ages(pairs.victim, units.infant[pairs.unit] | accepts)
    s25, s16 = _ages(pairs.suspect, np.full(len(pairs.unit), accepts))
    whose = role_of_age or str(profile.switches["u25_role"])
    if not wide and whose == "either":
        s25 = np.where(s25 == U, F, s25)
    either, both = np.maximum(v25, s25), np.minimum(v25, s25)
    forms = {"either": either, "both": both, "victim": v25, "suspect": s25}
    u25 = forms[whose].astype(np.uint8)
    da = _domestic_abuse(profile, pairs, v16, s16)
    da = np.maximum(da, np.where(units.implies_da[pairs.unit], T, F))
    sv = np.where(units.implies_sv[pairs.unit], T, F).astype(np.uint8)
    weapon = weapon_fact(profile, pairs.weapon, pairs.use)
    link = pairs.link if profile.switches["property"] != "off" else pairs.link * 0 + NOT_ATTACHED
    age = {"victim": v25, "either": either, "any": np.full_like(v25, T)}
    own = np.maximum(np.maximum(age[str(profile.switches["exploitation_age"])], da), sv)
    mask = np.zeros(len(u25), dtype=np.uint8)
    for role in (units.role, units.other_role):
        violent = units.robbery[pairs.unit] & (role[pairs.unit] == ROLE["switched"])
        mask |= _bands(profile, role[pairs.unit], violent, (u25, da, sv, weapon, own), link)
    mask = _subgroups(profile, mask, units.counted[pairs.unit], da)
    return _gather(profile, fields, code_sets, pairs, units, (mask, u25, da, sv, weapon))


def _ages(state: Array, zero_counts: Array) -> tuple[Array, Array]:
    young = (state == AGE["zero"]) & zero_counts
    return np.where(young, T, UNDER_25[state]), np.where(young, T, UNDER_16[state])


def _domestic_abuse(profile: Profile, pairs: Pairs, v16: Array, s16: Array) -> Array:
    adults = np.minimum(2 - v16, 2 - s16)
    derived = np.minimum(pairs.relation, adults)
    source = profile.switches["da_source"]
    flag = pairs.da if source == "flag" else np.where(pairs.da == U, derived, pairs.da)
    found = derived if source == "derived" else flag
    return np.where((v16 == T) | (s16 == T), F, found).astype(np.uint8)


def weapon_fact(profile: Profile, weapon: Array, use: Array) -> Array:
    """Return whether a knife, firearm in scope or corrosive featured as the profile asks."""
    scope = profile.switches["firearm_scope"]
    other = {"s1": F, "lethal_barrelled": U, "any_gun_flag": T}[str(scope)]
    kind = {"none": F, "unknown": U, "other_firearm": other}
    kind["firearm_type_unknown"] = T if scope == "any_gun_flag" else U
    ways = str(profile.switches["weapon_use"]).split("_")
    how = {name: T if name in ways else F for name in USES} | {"unknown": U}
    kinds = np.array([kind.get(name, T) for name in WEAPONS], dtype=np.uint8)[weapon]
    return np.minimum(kinds, np.array([how[name] for name in USES], dtype=np.uint8)[use])


def _three(fact: Array, yes: np.uint8, no: np.uint8) -> Array:
    return np.array([no, yes | no, yes], dtype=np.uint8)[fact]


def _bands(
    profile: Profile, role: Array, violent: Array, facts: tuple[Array, ...], link: Array
) -> Array:
    u25, da, sv, weapon, exploited = facts
    illustrates = profile.switches["reading"] == "B"
    in_context, off_list = (CORE, OUT) if illustrates else (CONTEXT, LISTED)
    every = profile.contexts == "any_violence"
    context = np.full_like(u25, T) if every else np.maximum(np.maximum(u25, da), sv)
    lifts = profile.switches["weapon_clause"] == "lift"
    near_da = np.where(profile.switches["da_scope"] == "listed", F, da).astype(np.uint8)
    near = context if every else np.maximum(np.maximum(u25, near_da), sv)
    listed = _three(np.maximum(context, weapon) if lifts else context, CORE, off_list)
    flagged = profile.switches["da_scope"] == "all_flagged"
    rest = _three(da, in_context, OUT) if flagged else np.full_like(da, OUT)
    exploitation = {"off": OUT, "core": CORE, "context_only": in_context}
    where = exploitation[str(profile.switches["include_exploitation"])]
    return np.select(
        [
            (role == ROLE["listed"]) | (illustrates & violent),
            role == ROLE["near"],
            role == ROLE["exploitation"],
            role == ROLE["property"],
        ],
        [
            listed,
            _three(near, in_context, OUT),
            _three(exploited, where, OUT),
            _property(near_da, link, in_context),
        ],
        rest,
    ).astype(np.uint8)


def _property(da: Array, link: Array, in_context: np.uint8) -> Array:
    others = (link & ~CORE) != 0
    carried = (link & ~(CORE | NOT_ATTACHED)) | np.where(link & NOT_ATTACHED, OUT, 0)
    mask = link & CORE
    mask = mask | np.where(others & (da != F), in_context, 0)
    return (mask | np.where(others & (da != T), carried, 0)).astype(np.uint8)


def _subgroups(profile: Profile, mask: Array, counted: Array, da: Array) -> Array:
    if profile.contexts != "subgroups":
        return mask
    flagged = "flagged domestic abuse" in profile.subgroups
    rest = _three(da, CORE, OUT) if flagged else np.full_like(mask, OUT)
    return np.where(counted, CORE, rest).astype(np.uint8)


def _gather(
    profile: Profile,
    fields: dict[str, Array],
    code_sets: list[CodeSet],
    pairs: Pairs,
    units: Units,
    found: tuple[Array, ...],
) -> Answer:
    starts = pairs.starts
    mask, u25, da, sv, weapon = found
    role = units.role[pairs.unit]
    low, high = np.minimum.reduceat(role, starts), np.maximum.reduceat(role, starts)
    together = [
        np.where((a := np.minimum.reduceat(x, starts)) == np.maximum.reduceat(x, starts), a, U)
        for x in (u25, da, sv, weapon)
    ]
    masks = np.bitwise_or.reduceat(mask, starts)
    if profile.contexts == "subgroups":
        whole = np.array([s.counted_as in profile.subgroups for s in code_sets])[fields["code"]]
        masks = np.where(whole, CORE, masks)
    shut = set(STATUSES[1:5])
    if profile.switches["include_non_notifiable"]:
        shut.discard("non_notifiable")
    closed = np.array([name in shut for name in STATUSES])[fields["status"]]
    if profile.switches["missing_age"] == "drop":
        undecided = BAND_OF_MASK[masks] == BANDS.index("indeterminate")
        closed = closed | (undecided & (UNDER_25[fields["victim"]] == U))
    masks = np.where(closed, OUT, masks).astype(np.uint8)
    context = np.maximum(np.maximum(together[0], together[1]), together[2])
    lifts = profile.switches["weapon_clause"] == "lift" and profile.contexts == "u25_da_sv"
    sole = np.where(low == high, low, -1)
    lifted = (sole == ROLE["listed"]) & (context != T) & (together[3] == T) & (masks == CORE)
    attached = (sole == ROLE["property"]) & ((fields["link"] & NOT_ATTACHED) == 0)
    attached &= profile.switches["property"] != "off"
    parts = dict(zip(("u25", "da", "sv", "weapon"), together, strict=True))
    return Answer(masks, **parts, lifted=lifted & lifts, attached=attached, role=sole, units=units,
                  pair_unit=pairs.unit, starts=starts)  # fmt: skip
