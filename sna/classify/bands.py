"""The one classifier: records, dashboards and open tables, through the same facts and rules."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from sna.classify.encode import Coded, encode
from sna.classify.facts import AGE, STATUSES, WEAPONS, Array, T, U
from sna.classify.inputs import check_offences, check_people
from sna.classify.links import add_nearby, attach, find_links, note_links
from sna.classify.people import number_references
from sna.classify.rules import BAND_OF_MASK, BIT, CORE, ROLE, evaluate
from sna.classify.words import CONTEXTS, Reading, add_words, find_marks, find_unknown
from sna.definitions import Profile, profile_ids, read_profile, read_reference
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


def prepare(
    offences: pd.DataFrame,
    *,
    profile: Profile,
    people: pd.DataFrame | None = None,
    numbers: tuple[Array, Array] | None = None,
) -> Prepared:
    """Turn a table into combinations of facts and find the companions of property rows.

    ``numbers`` say which person belongs to which offence, where that is known (see
    `number_references`).
    """
    check_offences(offences)
    if people is not None:
        check_people(people, offences)
    numbers = numbers or number_references(offences, people)
    coded = encode(offences, profile=profile, people=people, numbers=numbers)
    links = find_links(offences, coded)
    if profile.switches["property_nearby_fallback"]:
        links = add_nearby(links, offences, people, coded)
    prepared = Prepared(offences, note_links(numbers[0], links, coded), links)
    if people is None:
        _check_people_given(prepared, profile)
    return prepared


def _check_people_given(prepared: Prepared, profile: Profile) -> None:
    """Refuse rows that were banded with people who are not given: their ages would be lost."""
    offences, named = prepared.offences, set[str]()
    if {"band", "definition_profile"} <= set(offences):
        named = set(offences["definition_profile"].dropna().unique())
    known = [name for name in named if name in (profile.id, *profile_ids())]
    if len(known) != 1 or len(named) != 1:
        return
    reading = read_under(profile if profile.id == known[0] else read_profile(known[0]), prepared)
    ages = reading.coded.facts[["victim_age", "suspect_age"]].eq(AGE["unknown"]).all(axis=1)
    ageless = reading.of_rows((ages & reading.answer["role"].ne(ROLE["property"])).to_numpy())
    other = offences["band"].astype("object") != np.asarray(reading.bands())
    if lost := int((ageless & other.to_numpy() & offences["band"].notna().to_numpy()).sum()):
        raise TableError(
            f"{lost:,} of {len(offences):,} offences were read with people who are not given.",
            where="offences, column band",
            found="other bands without the ages of people",
            do="Give the people table too: people=data.people.",
        )


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
        offence text is needed; any other fact may be absent, which makes it Unknown. A code or
        label that matches no row of the definition raises `DefinitionError`.
    profile
        Id of a profile, path of its TOML file, or a `Profile`.
    people
        One row a victim or suspect (PEOPLE): their ages, where known, replace the offence's.

    Returns
    -------
    pandas.DataFrame
        The same rows in the same order with the columns of `ADDED`; counts are carried.

    Examples
    --------
    >>> rows = pd.DataFrame({"offence_code": ["8N", "8N"], "victim_age": ["17", "40"],
    ...                      "domestic_abuse": ["no", "no"]})
    >>> classify_offences(rows)["band"].tolist()
    ['core', 'listed_out_of_context']
    """
    return classify_numbered(offences, read_profile(profile), people, None)


def classify_numbered(
    offences: pd.DataFrame,
    profile: Profile,
    people: pd.DataFrame | None,
    numbers: tuple[Array, Array] | None,
) -> pd.DataFrame:
    """Do the work of `classify_offences`, told which person belongs to which offence or not."""
    prepared = prepare(offences, profile=profile, people=people, numbers=numbers)
    return add_bands(prepared, read_under(profile, prepared))


def add_bands(prepared: Prepared, reading: Reading) -> pd.DataFrame:
    """Add the columns of a reading to its table, each looked up once a row."""
    offences, columns = prepared.offences, dict[str, Any]()
    for name, values in describe_combinations(reading).items():
        whole = pd.Categorical(values)
        codes = reading.of_rows(values if values.dtype == bool else whole.codes)
        columns[name] = codes
        if values.dtype != bool:
            columns[name] = pd.Categorical.from_codes(codes, dtype=whole.dtype, validate=False)
    victims = reading.profile.with_switches(u25_role="victim")
    columns["band"] = reading.bands()
    columns["victim_only_band"] = read_under(victims, prepared).bands()
    codes = np.full(len(offences), -1, dtype=np.int32)
    attached = np.flatnonzero(reading.companion >= 0)
    ids = offences.get("offence_id", pd.Series("", offences.index))
    found, names = pd.factorize(ids.iloc[reading.companion[attached]].astype("str"))
    codes[attached] = found
    columns["attached_to"] = pd.Categorical.from_codes(codes, categories=names)
    added = pd.DataFrame({name: columns[name] for name in ADDED}, index=offences.index, copy=False)
    kept = offences.drop(columns=[c for c in ADDED if c in offences])
    return pd.concat([kept, added], axis=1)


def describe_combinations(reading: Reading) -> dict[str, Array]:
    """Return the output columns that a combination decides, one value each."""
    facts, answer, profile = reading.coded.facts, reading.answer, reading.profile
    band = BAND_OF_MASK[answer["mask"]]
    sets = reading.coded.code_sets
    aggregate = np.array([s.aggregate for s in sets])[facts["code"]]
    aggregate |= facts["status"] == STATUSES.index("aggregate")
    marks, unknown = find_marks(reading), find_unknown(reading)
    marked = np.where(np.any(list(marks.values()), axis=0), "low", "record")
    kinds = np.array(WEAPONS, dtype=object)[facts["weapon"]]
    plain = np.isin(kinds, ["none", "unknown"])
    liftable = (band == BANDS.index("listed_out_of_context")) & (answer["in_scope"] == T)
    liftable &= (answer["switch"] == "") & (profile.switches["weapon_clause"] == "flag_only")
    contexts = {name: answer[name].to_numpy() for name in CONTEXTS.index}
    told = {
        "band": np.array(BANDS, dtype=object)[band],
        "possible_bands": _joined({name: answer["mask"] & BIT[name] for name in BANDS}),
        "contexts": _joined({name: fact == T for name, fact in contexts.items()}),
        "contexts_unknown": _joined({name: fact == U for name, fact in contexts.items()}),
        "listed_family": np.where(answer["role"] == ROLE["listed"], answer["family"], ""),
        "is_exploitation": answer["exploits"].to_numpy(dtype=bool),
        "is_attached": (answer["attached"] & answer["apart"]).to_numpy(),
        "has_weapon_lift": answer["lifted"].to_numpy(),
        "weapon_feature": np.where(plain, kinds, kinds + _WAYS[facts["weapon_use"]]),
        "near_neighbour_switch": np.select(
            [liftable, answer["mask"] != CORE], ["weapon_clause=lift", answer["switch"]], ""
        ),
        "band_quality": np.where(aggregate, "aggregate", marked),
        "definition_profile": np.full(len(band), profile.id),
        "definition_version": np.full(len(band), profile.version),
        "definition_hash": np.full(len(band), profile.hash),
    }
    return told | add_words(reading, told, _joined(marks), _joined(unknown))


def _joined(parts: dict[str, Any]) -> Array:
    """Return the names of the parts that hold, joined by bars, for each combination."""
    held = {name: np.asarray(truth) > 0 for name, truth in parts.items()}
    bits = sum(truth.astype(np.int64) << n for n, truth in enumerate(held.values()))
    present, rows = np.unique(bits, return_inverse=True)
    names = ["|".join(n for at, n in enumerate(held) if bit >> at & 1) for bit in present.tolist()]
    return np.array(names, dtype=object)[rows]
