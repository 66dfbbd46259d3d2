"""Several victims or suspects → the facts of their offence."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from sna.classify.facts import AGE, UNDER_16, UNDER_25, Array, F, T, U, age_span, age_state, look_up
from sna.classify.inputs import id_text
from sna.errors import TableError

ROLES = {"victim_age": ("victim",), "suspect_age": ("suspect", "proceeded_against")}


def fold_people(offences: pd.DataFrame, people: pd.DataFrame, columns: dict[str, Array]) -> Array:
    """Write the folded ages into ``columns``; return the rows with a contradictory person.

    Under 25 and under 16: any True wins, else any Unknown, else False.
    """
    # Arrow: pandas walks a million references in Python
    ours, theirs = (_references(table["offence_id"]) for table in (offences, people))
    coded = pc.if_else(pc.equal(ours, ""), None, ours).dictionary_encode()
    known = coded.dictionary
    position, codes = (
        np.asarray(found.fill_null(-1))
        for found in (coded.indices, pc.index_in(theirs, value_set=known))
    )
    length = len(known)
    _check_joined(people["offence_id"], offences["offence_id"], codes)
    state, conflict = _person_ages(people)
    role = look_up(people["person_role"], lambda value: str(value).strip().casefold(), "")
    for name, roles in ROLES.items():
        here = np.isin(role, roles) & (codes >= 0)
        folded = np.append(_fold(codes[here], state[here], length), AGE["unknown"])[position]
        kept = np.where(folded == AGE["unknown"], columns[name], folded)
        columns[name] = kept.astype(np.uint8)
    odd = np.bincount(codes[conflict & (codes >= 0)], minlength=length) > 0
    return np.append(odd, False)[position]


def _references(ids: pd.Series) -> pa.Array:
    text = pa.array(id_text(ids))
    return text.combine_chunks() if isinstance(text, pa.ChunkedArray) else text


def _check_joined(theirs: pd.Series, ours: pd.Series, codes: Array) -> None:
    """Refuse people of whom none belongs to an offence, though both have references."""
    if (codes >= 0).any():
        return
    named, known = (ids[id_text(ids).ne("") & ids.notna()] for ids in (theirs, ours))
    if len(named) and len(known):
        raise TableError(
            f"None of {len(named):,} people belongs to an offence of the table.",
            where="column offence_id",
            found=[f"people {named.iloc[0]!r}", f"offences {known.iloc[0]!r}"],
            do="Write the references of both tables alike, or leave people out.",
        )


def _person_ages(people: pd.DataFrame) -> tuple[Array, Array]:
    given = [people.get(name, pd.Series("", people.index)) for name in ("age", "age_band")]
    first, second = (look_up(values, age_state, AGE["unknown"]) for values in given)
    limits = [look_up(values, age_span, (0, 999)) for values in given]
    low, high = (limit(*limits) for limit in (np.maximum, np.minimum))
    conflict = low[:, 0] > high[:, 1]
    state = np.where(first == AGE["unknown"], second, first)
    return np.where(conflict, AGE["unknown"], state), conflict


def _fold(codes: Array, state: Array, length: int) -> Array:
    def any_of(truth: Array) -> Array:
        return np.bincount(codes[truth], minlength=length) > 0

    def worst(fact: Array) -> Array:
        return np.where(any_of(fact == T), T, np.where(any_of(fact == U), U, F))

    by_two = np.full((3, 3), AGE["straddles"])
    for name in ("under_16", "16_24", "25_over", "under_25", "16_over"):
        by_two[UNDER_25[AGE[name]], UNDER_16[AGE[name]]] = AGE[name]
    young = worst(UNDER_25[state])
    folded = by_two[young, worst(UNDER_16[state])]
    folded = np.where(any_of(state == AGE["under_10"]), AGE["under_10"], folded)
    folded = np.where(any_of(state == AGE["zero"]) & (young != T), AGE["zero"], folded)
    known = any_of((state != AGE["unknown"]) & (state != AGE["invalid"]))
    unknown = np.where(any_of(state == AGE["invalid"]), AGE["invalid"], AGE["unknown"])
    return np.where(known, folded, unknown)
