"""The one classifier: records, dashboards and open tables, through the same facts and rules."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from sna.classify.encode import Coded, encode
from sna.classify.facts import STATUSES, WEAPONS, Array, T, U, combine, gather
from sna.classify.links import Links, add_nearby, attach, find_links, note_links
from sna.classify.rules import BAND_OF_MASK, CORE, Answer, evaluate
from sna.classify.units import ROLE, ROLES
from sna.classify.words import marks_of, reason, rule_ids, unknown_facts
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
    return Reading(profile, attached, *answers, companion)


def _two(profile: Profile, coded: Coded, wide: bool) -> tuple[Answer, Answer]:
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

    A band is not a verdict: it says whether the adopted text counts the row, and ``indeterminate``
    that the facts at hand cannot tell. Nothing is imputed. Each distinct combination of facts is
    answered once, in Kleene logic, and rows take their answer from it.

    Parameters
    ----------
    offences
        One row an offence or a published count (OFFENCES). A code, a published category or an
        offence text is needed; any other fact may be absent, which makes it Unknown.
    profile
        Id of a profile, path of its TOML file, or a `Profile`.
    people
        One row a victim or suspect (PEOPLE): their ages, where known, replace the offence's.

    Returns
    -------
    pandas.DataFrame
        The same rows in the same order with the columns of `ADDED`; counts are carried.

    Raises
    ------
    DefinitionError
        With every code or label that matches no row of the definition, and its row count.
    TableError
        When a flag, weapon or status holds a word that its contract does not name.

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
    rows, offences = reading.coded.rows, prepared.offences
    columns: dict[str, Any] = {}
    for name, values in describe_combinations(reading).items():
        if values.dtype == bool:
            columns[name] = gather(values, rows)
            continue
        whole = pd.Categorical(values, categories=list(BANDS) if name.endswith("band") else None)
        codes = gather(whole.codes, rows)
        columns[name] = pd.Categorical.from_codes(codes, dtype=whole.dtype, validate=False)
    codes = np.full(len(offences), -1, dtype=np.int32)
    attached = np.flatnonzero(reading.companion >= 0)
    names: Any = pd.Index([], dtype="str")
    if len(attached):
        ids = offences["offence_id"].iloc[reading.companion[attached]].astype("str")
        codes[attached], names = pd.factorize(ids)
    columns["attached_to"] = pd.Categorical.from_codes(codes, categories=names)
    added = pd.DataFrame({name: columns[name] for name in ADDED}, index=offences.index, copy=False)
    kept = offences.drop(columns=[c for c in ADDED if c in offences])
    return pd.concat([kept, added], axis=1)


def describe_combinations(reading: Reading) -> dict[str, Array]:
    """Return every output column but ``attached_to``, one value a distinct combination."""
    coded, answer, profile = reading.coded, reading.answer, reading.profile
    fields, bands = coded.fields, np.array(BANDS, dtype=object)
    contexts = [(name, getattr(answer, name)) for name in ("u25", "da", "sv")]
    marks = marks_of(fields, coded.code_sets)
    aggregate = np.array([s.aggregate for s in coded.code_sets])[fields["code"]]
    aggregate |= fields["status"] == STATUSES.index("aggregate")
    quality = np.where(
        aggregate, "aggregate", np.where(np.any(list(marks.values()), axis=0), "low", "record")
    )
    kinds, ways = np.array(WEAPONS, dtype=object)[fields["weapon"]], _WAYS[fields["use"]]
    band, switch = BAND_OF_MASK[answer.mask], answer.of_units("switch", "")
    liftable = (
        (answer.weapon == T) & (band == BANDS.index("listed_out_of_context")) & (switch == "")
    )
    liftable &= profile.switches["weapon_clause"] == "flag_only"
    told = {
        "band": bands[band],
        "victim_only_band": bands[BAND_OF_MASK[reading.victim_only.mask]],
        "possible_bands": _joined([(b, answer.mask >> n & 1 > 0) for n, b in enumerate(BANDS)]),
        "contexts": _joined([(name, fact == T) for name, fact in contexts]),
        "contexts_unknown": _joined([(name, fact == U) for name, fact in contexts]),
        "listed_family": np.where(
            answer.role == ROLE["listed"], answer.of_units("family", "several"), ""
        ),
        "is_exploitation": answer.of_units("exploits", False).astype(bool),
        "is_attached": answer.attached,
        "has_weapon_lift": answer.lifted,
        "weapon_feature": np.where(np.isin(kinds, ["none", "unknown"]), kinds, kinds + ways),
        "near_neighbour_switch": np.where(liftable, "weapon_clause=lift", switch),
        "band_quality": quality.astype(object),
        **_worded(reading, marks),
    }  # fmt: skip
    facts = {"profile": profile.id, "version": profile.version, "hash": profile.hash}
    whole = {f"definition_{n}": np.full(len(band), v, dtype=object) for n, v in facts.items()}
    return {**told, **whole}


_WAYS = np.array(["_use_unknown", "", "", "", "_possessed"], dtype=object)  # in the order of USES


def _joined(parts: list[tuple[str, Array]]) -> Array:
    bits = sum(truth.astype(np.int64) << n for n, (_, truth) in enumerate(parts))
    table = [
        "|".join(name for n, (name, _) in enumerate(parts) if number >> n & 1)
        for number in range(1 << len(parts))
    ]
    return np.array(table, dtype=object)[bits]


def _worded(reading: Reading, marks: dict[str, Array]) -> dict[str, Array]:
    answer, fields, profile = reading.answer, reading.coded.fields, reading.profile
    unknown = unknown_facts(profile, fields, answer)
    truths = {n: getattr(answer, n) == T for n in ("u25", "da", "sv")} | unknown | marks
    counted = (profile.contexts == "subgroups") & (answer.mask == CORE)
    whole = {"mask": answer.mask, "role": answer.role + 1, "status": fields["status"],
             "lifted": answer.lifted, "attached": answer.attached, "counted": counted}  # fmt: skip
    columns = {name: values.astype(np.int32) for name, values in {**whole, **truths}.items()}
    distinct = combine(columns, len(answer.mask))
    told = []
    for at in range(len(distinct)):
        sign: dict[str, Any] = {name: int(values[at]) for name, values in distinct.fields.items()}
        mask = sign["mask"]
        told.append({
            "band": BANDS[BAND_OF_MASK[mask]],
            "possible": [b for n, b in enumerate(BANDS) if mask >> n & 1],
            "role": (*ROLES, "several")[sign["role"] - 1],
            "status": STATUSES[sign["status"]],
            "contexts": [n for n in ("u25", "da", "sv") if sign[n]],
            "unknown": [n for n in unknown if sign[n]],
            "marks": [n for n in marks if sign[n]],
            "every": profile.contexts == "any_violence",
            **{n: bool(sign[n]) for n in ("lifted", "attached", "counted")},
        })  # fmt: skip
    words = {"rule_ids": rule_ids, "reason": reason}
    return {
        name: np.array([say(sign) for sign in told], dtype=object)[distinct.rows]
        for name, say in words.items()
    }
