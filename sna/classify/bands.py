"""The one classifier: records, dashboards and open tables, through the same facts and rules."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from sna.classify.encode import Coded, encode
from sna.classify.facts import AGES, STATUSES, WEAPONS, T, U, combine
from sna.classify.links import Links, add_nearby, attach, find_links, note_links
from sna.classify.rules import BAND_OF_MASK, Answer, Array, evaluate
from sna.classify.units import ROLE
from sna.classify.words import Signature, marks_of, reason, role_name, rule_ids, unknown_facts
from sna.definitions import Profile, read_profile
from sna.errors import TableError
from sna.schemas.store_tables import BANDS

ADDED = (
    "band", "possible_bands", "contexts", "contexts_unknown", "listed_family", "is_exploitation",
    "is_attached", "attached_to", "has_weapon_lift", "weapon_feature", "near_neighbour_switch",
    "victim_only_band", "rule_ids", "reason", "band_quality", "definition_profile",
    "definition_version", "definition_hash",
)  # fmt: skip


@dataclass(frozen=True)
class Reading:
    """A table read under one profile: its combinations, the answer to each, the companions."""

    profile: Profile
    coded: Coded
    answer: Answer
    victim_only: Answer
    companion: Array
    assessable: bool


@dataclass(frozen=True)
class Prepared:
    """A table as numbers, before any profile but for which age and which links are read."""

    offences: pd.DataFrame
    coded: Coded
    links: Links


def prepare(
    offences: pd.DataFrame, *, profile: Profile, people: pd.DataFrame | None = None
) -> Prepared:
    """Turn a table into combinations of facts and find the companions of property rows."""
    if not isinstance(offences, pd.DataFrame):
        raise TableError("Offences must be a pandas DataFrame.", found=type(offences).__name__)
    if people is not None and "offence_id" not in offences:
        raise TableError("People cannot be joined: offences have no offence_id.", where="offences")
    coded = encode(offences, profile=profile, people=people)
    links = find_links(offences, coded)
    if profile.switches["property_nearby_fallback"]:
        links = add_nearby(links, offences, people, coded)
    return Prepared(offences, note_links(offences, links, coded), links)


def read_under(profile: Profile, prepared: Prepared, *, wide: bool = False) -> Reading:
    """Answer every combination of a prepared table under one profile."""
    coded, links = prepared.coded, prepared.links
    answers = _two(profile, coded, wide)
    attached, companion = attach(profile, coded, answers, links)
    if attached is not coded:
        answers = _two(profile, attached, wide)
    return Reading(profile, attached, *answers, companion, links.assessable)


def _two(profile: Profile, coded: Coded, wide: bool) -> tuple[Answer, Answer]:
    """Answer as the profile reads ages, and by the victim's age alone."""
    own = evaluate(profile, coded.fields, coded.code_sets, wide=wide)
    if profile.switches["u25_role"] == "victim":
        return own, own
    victim = evaluate(profile, coded.fields, coded.code_sets, role_of_age="victim")
    return own, victim


def classify_offences(
    offences: pd.DataFrame,
    *,
    profile: str | Profile = "london_2023",
    people: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Give every offence, or published count, its band under a version of the definition.

    A band is not a verdict on an offence: it says whether the adopted text counts it, and
    ``indeterminate`` says that the facts at hand cannot tell. Nothing is imputed.

    Parameters
    ----------
    offences
        One row an offence or a published count, with the columns of the OFFENCES contract. A code,
        a published category or an offence text is needed; every other fact may be absent, which
        makes it Unknown.
    profile
        Id of a profile, path of a profile's TOML file, or a `Profile`.
    people
        One row a victim or suspect (PEOPLE contract), joined on ``offence_id``; their ages replace
        those of the offence where known.

    Returns
    -------
    pandas.DataFrame
        The same rows in the same order with the columns of `ADDED`. ``offences`` is carried as is.

    Raises
    ------
    DefinitionError
        With every code or label that matches no row of the definition, and its row count.
    TableError
        When a flag, weapon or status holds a word that its contract does not name.

    Notes
    -----
    Kleene logic on {False, Unknown, True}: OR is the maximum, AND the minimum. Each distinct
    combination of facts is answered once; rows take their answer from it.

    Examples
    --------
    >>> rows = pd.DataFrame({"offence_code": ["8N", "8N"], "victim_age": ["17", "40"],
    ...                      "domestic_abuse": ["no", "no"]})
    >>> classify_offences(rows)["band"].tolist()
    ['core', 'listed_out_of_context']
    """
    resolved = read_profile(profile)
    prepared = prepare(offences, profile=resolved, people=people)
    return add_bands(prepared, read_under(resolved, prepared))


def add_bands(prepared: Prepared, reading: Reading) -> pd.DataFrame:
    """Add the columns of a reading to its table, each looked up once a row."""
    rows = reading.coded.rows
    columns: dict[str, Any] = {}
    for name, values in describe_combinations(reading).items():
        if values.dtype == bool:
            columns[name] = values[rows] if len(values) else np.zeros(0, dtype=bool)
            continue
        kinds = list(BANDS) if name.endswith("band") else None
        whole = pd.Categorical(values, categories=kinds)
        codes = whole.codes[rows] if len(values) else np.zeros(0, dtype=np.int8)
        columns[name] = pd.Categorical.from_codes(codes, dtype=whole.dtype, validate=False)
    columns["attached_to"] = _attached_to(prepared.offences, reading)
    columns = {name: columns[name] for name in ADDED}
    added = pd.DataFrame(columns, index=prepared.offences.index, copy=False)
    kept = prepared.offences.drop(columns=[c for c in ADDED if c in prepared.offences])
    return pd.concat([kept, added], axis=1)


def _attached_to(offences: pd.DataFrame, reading: Reading) -> pd.Categorical:
    codes = np.full(len(offences), -1, dtype=np.int32)
    rows = np.flatnonzero(reading.companion >= 0)
    if not len(rows):
        return pd.Categorical.from_codes(
            codes.astype(np.int8), categories=pd.Index([], dtype="str")
        )
    ids = offences["offence_id"].iloc[reading.companion[rows]].astype("str")
    numbers, names = pd.factorize(ids)
    codes[rows] = numbers
    return pd.Categorical.from_codes(codes, categories=names)


def describe_combinations(reading: Reading) -> dict[str, Array]:
    """Return every output column but ``attached_to``, one value a distinct combination."""
    coded, answer, profile = reading.coded, reading.answer, reading.profile
    fields = coded.fields
    aggregate = np.array([s.aggregate for s in coded.code_sets] or [False])[fields["code"]]
    aggregate |= fields["status"] == STATUSES.index("aggregate")
    under_16 = np.array([under_16 for _, _, under_16 in AGES], dtype=np.uint8)[fields["victim"]]
    marks = marks_of(fields, coded.code_sets, under_16)
    low = np.any(list(marks.values()), axis=0) if len(aggregate) else aggregate
    bands = np.array(BANDS, dtype=object)
    listed = answer.role == ROLE["listed"]
    words = _words(reading, marks, aggregate)
    return {
        "band": bands[BAND_OF_MASK[answer.mask]],
        "victim_only_band": bands[BAND_OF_MASK[reading.victim_only.mask]],
        "possible_bands": _joined(
            [(band, (answer.mask & (1 << n)) > 0) for n, band in enumerate(BANDS)], len(low)
        ),
        "contexts": _joined([(n, getattr(answer, n) == T) for n in ("u25", "da", "sv")], len(low)),
        "contexts_unknown": _joined(
            [(n, getattr(answer, n) == U) for n in ("u25", "da", "sv")], len(low)
        ),
        "listed_family": np.where(listed, answer.of_units("family", "several"), ""),
        "is_exploitation": answer.of_units("exploits", False).astype(bool),
        "is_attached": answer.attached,
        "has_weapon_lift": answer.lifted,
        "weapon_feature": weapon_feature(fields["weapon"], fields["use"]),
        "near_neighbour_switch": _neighbour(reading),
        **words,
        "band_quality": np.where(aggregate, "aggregate", np.where(low, "low", "record")).astype(
            object
        ),
        "definition_profile": np.full(len(low), profile.id, dtype=object),
        "definition_version": np.full(len(low), profile.version, dtype=object),
        "definition_hash": np.full(len(low), profile.hash, dtype=object),
    }


def weapon_feature(weapon: Array, use: Array) -> Array:
    """Return the weapon that featured; possession alone and unknown use are said beside it."""
    kinds = np.array(WEAPONS, dtype=object)[weapon]
    ways = np.array(["_use_unknown", "", "", "", "_possessed"], dtype=object)[use]
    return np.where((kinds == "none") | (kinds == "unknown"), kinds, kinds + ways)


def _neighbour(reading: Reading) -> Array:
    answer, profile = reading.answer, reading.profile
    switch = answer.of_units("switch", "")
    weapon = (answer.weapon == T) & (
        BAND_OF_MASK[answer.mask] == BANDS.index("listed_out_of_context")
    )
    shown = profile.switches["weapon_clause"] == "flag_only"
    return np.where(weapon & shown & (switch == ""), "weapon_clause=lift", switch)


def _joined(parts: list[tuple[str, Array]], length: int) -> Array:
    """Join the names whose truth holds with a bar, combination by combination."""
    number = np.zeros(length, dtype=np.int64)
    for position, (_, truth) in enumerate(parts):
        number |= truth.astype(np.int64) << position
    table = [
        "|".join(name for position, (name, _) in enumerate(parts) if bits >> position & 1)
        for bits in range(1 << len(parts))
    ]
    return np.array(table, dtype=object)[number]


def _words(reading: Reading, marks: dict[str, Array], aggregate: Array) -> dict[str, Array]:
    """Return rule ids and reasons, worded once for each distinct signature."""
    signatures, number = signature_numbers(reading, marks, aggregate)
    return {
        "rule_ids": np.array([rule_ids(s) for s in signatures] or [""], dtype=object)[number],
        "reason": np.array([reason(s) for s in signatures] or [""], dtype=object)[number],
    }


def signature_numbers(
    reading: Reading, marks: dict[str, Array], aggregate: Array
) -> tuple[list[Signature], Array]:
    """Return the distinct signatures and the number of each combination's."""
    answer, fields, profile = reading.answer, reading.coded.fields, reading.profile
    unknown = unknown_facts(profile, fields, answer, aggregate)
    switch = np.unique(answer.of_units("switch", "").astype(str), return_inverse=True)
    counted = (profile.contexts == "subgroups") & (answer.mask == 1)
    columns = {
        "mask": answer.mask, "role": answer.role + 1, "status": fields["status"],
        **{n: (getattr(answer, n) == T) for n in ("u25", "da", "sv")},
        **{f"u_{n}": v for n, v in unknown.items()}, **{f"m_{n}": v for n, v in marks.items()},
        "lifted": answer.lifted, "attached": answer.attached, "aggregate": aggregate,
        "counted": counted, "switch": switch[1],
    }  # fmt: skip
    distinct = combine({k: v.astype(np.int32) for k, v in columns.items()}, len(answer.mask))
    found = distinct.fields
    every = profile.contexts == "any_violence"
    signatures = [
        Signature(
            band=BANDS[BAND_OF_MASK[found["mask"][i]]],
            possible=tuple(b for n, b in enumerate(BANDS) if found["mask"][i] >> n & 1),
            role=role_name(int(found["role"][i]) - 1),
            status=STATUSES[found["status"][i]],
            contexts=tuple(n for n in ("u25", "da", "sv") if found[n][i]),
            unknown=tuple(n for n in unknown if found[f"u_{n}"][i]),
            marks=tuple(n for n in marks if found[f"m_{n}"][i]),
            lifted=bool(found["lifted"][i]),
            attached=bool(found["attached"][i]),
            aggregate=bool(found["aggregate"][i]),
            every=every,
            counted=bool(found["counted"][i]),
            switch=str(switch[0][found["switch"][i]]),
        )
        for i in range(len(distinct) if len(answer.mask) else 0)
    ]
    return signatures, distinct.rows
