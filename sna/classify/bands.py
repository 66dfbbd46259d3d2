"""The one classifier: records, dashboards and open tables, through the same facts and rules."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from sna.classify.encode import Coded, encode
from sna.classify.facts import STATUSES, WEAPONS, Array, T, U, combine, gather
from sna.classify.links import add_nearby, attach, find_links, note_links
from sna.classify.rules import BAND_OF_MASK, BIT, CORE, ROLE, ROLES, evaluate
from sna.classify.words import CONTEXTS, marks_of, reason, rule_ids, unknown_facts
from sna.definitions import Profile, read_profile, read_reference
from sna.errors import TableError
from sna.schemas.store_tables import BANDS

ADDED = tuple(read_reference("classified_columns")["column"])
_WAYS = np.array(["_use_unknown", "", "", "", "_possessed"], dtype=object)  # in the order of USES


@dataclass(frozen=True)
class Prepared:
    """A table as numbers, before any profile but for which age and which links are read."""

    offences: pd.DataFrame
    coded: Coded
    links: pd.DataFrame


@dataclass(frozen=True)
class Reading:
    """A table read under one profile: its combinations, the answer to each, the companions."""

    profile: Profile
    coded: Coded
    answer: pd.DataFrame
    companion: Array

    def of_rows(self, values: Array) -> Array:
        """Give every row the value of its combination."""
        return gather(values, self.coded.rows)

    def bands(self) -> pd.Categorical:
        """Return the band of every row."""
        codes = self.of_rows(BAND_OF_MASK[self.answer["mask"]].astype(np.int8))
        return pd.Categorical.from_codes(codes, categories=list(BANDS), validate=False)


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
    coded = prepared.coded
    answer = evaluate(profile, coded, wide=wide)
    attached, companion = attach(profile, coded, answer, prepared.links)
    if attached is not coded:
        answer = evaluate(profile, attached, wide=wide)
    return Reading(profile, attached, answer, companion)


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
    offences, columns = prepared.offences, dict[str, Any]()
    for name, values in describe_combinations(reading).items():
        whole = values if values.dtype == bool else pd.Categorical(values)
        codes = reading.of_rows(values if values.dtype == bool else whole.codes)
        columns[name] = (
            codes
            if values.dtype == bool
            else pd.Categorical.from_codes(codes, dtype=whole.dtype, validate=False)
        )
    victims = reading.profile.with_switches(u25_role="victim")
    columns["band"] = reading.bands()
    columns["victim_only_band"] = read_under(victims, prepared).bands()
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
    """Return the output columns that a combination decides, one value each."""
    coded, answer, profile = reading.coded, reading.answer, reading.profile
    facts, band = coded.facts, BAND_OF_MASK[answer["mask"]]
    marks = marks_of(facts, coded.code_sets)
    aggregate = np.array([s.aggregate for s in coded.code_sets])[facts["code"]]
    aggregate |= facts["status"] == STATUSES.index("aggregate")
    marked = np.where(np.any(list(marks.values()), axis=0), "low", "record")
    kinds = np.array(WEAPONS, dtype=object)[facts["weapon"]]
    plain = np.isin(kinds, ["none", "unknown"])
    liftable = (band == BANDS.index("listed_out_of_context")) & (answer["weapon"] == T)
    liftable &= (answer["switch"] == "") & (profile.switches["weapon_clause"] == "flag_only")
    contexts = {name: answer[name].to_numpy() for name in CONTEXTS.index}
    told = {
        "possible_bands": _joined({b: (answer["mask"] & BIT[b]) > 0 for b in BANDS}),
        "contexts": _joined({name: fact == T for name, fact in contexts.items()}),
        "contexts_unknown": _joined({name: fact == U for name, fact in contexts.items()}),
        "listed_family": np.where(answer["role"] == ROLE["listed"], answer["family"], ""),
        "is_exploitation": answer["exploits"].to_numpy(dtype=bool),
        "is_attached": answer["attached"].to_numpy(),
        "has_weapon_lift": answer["lifted"].to_numpy(),
        "weapon_feature": np.where(plain, kinds, kinds + _WAYS[facts["weapon_use"]]),
        "near_neighbour_switch": np.where(liftable, "weapon_clause=lift", answer["switch"]),
        "band_quality": np.where(aggregate, "aggregate", marked),
        **_worded(reading, marks),
    }
    for name in ("profile", "version", "hash"):
        value = getattr(profile, name.replace("profile", "id"))
        told[f"definition_{name}"] = np.full(len(band), value, dtype=object)
    return told


def _joined(parts: dict[str, Any]) -> Array:
    bits = sum(np.asarray(truth).astype(np.int64) << n for n, truth in enumerate(parts.values()))
    table = [
        "|".join(name for n, name in enumerate(parts) if number >> n & 1)
        for number in range(1 << len(parts))
    ]
    return np.array(table, dtype=object)[bits]


def _worded(reading: Reading, marks: dict[str, Array]) -> dict[str, Array]:
    """Word the rules and the reason of every distinct sign, and give each combination its words."""
    answer, facts, profile = reading.answer, reading.coded.facts, reading.profile
    unknown = unknown_facts(profile, facts, answer)
    contexts = {name: answer[name] == T for name in CONTEXTS.index}
    counted = (profile.contexts == "subgroups") & (answer["mask"] == CORE)
    whole = {
        "mask": answer["mask"],
        "role": answer["role"] + 1,
        "status": facts["status"],
        "lifted": answer["lifted"],
        "attached": answer["attached"],
        "counted": counted,
    }
    columns = whole | contexts | unknown | marks
    numbers = {name: np.asarray(values).astype(np.int32) for name, values in columns.items()}
    rows, distinct = combine(numbers, len(answer))
    told = []
    for sign in distinct.to_dict("records"):
        words = {
            "band": BANDS[BAND_OF_MASK[sign["mask"]]],
            "possible": [b for b in BANDS if sign["mask"] & BIT[b]],
            "role": ("several", *ROLES)[sign["role"]],
            "status": STATUSES[sign["status"]],
            "every": profile.contexts == "any_violence",
            "contexts": [n for n in contexts if sign[n]],
            "unknown": [n for n in unknown if sign[n]],
            "marks": [n for n in marks if sign[n]],
        }
        told.append({**sign, **words})
    say = {"rule_ids": rule_ids, "reason": reason}
    return {n: np.array([word(s) for s in told], dtype=object)[rows] for n, word in say.items()}
