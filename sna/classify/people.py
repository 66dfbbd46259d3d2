"""Several victims or suspects → the facts of their offence."""

from functools import partial

import numpy as np
import pandas as pd

from sna.classify.facts import (
    AGE,
    UNDER_16,
    UNDER_25,
    Array,
    F,
    T,
    U,
    age_span,
    age_state,
    combine,
    dictionary,
    gather,
    look_up,
)
from sna.classify.inputs import id_text
from sna.errors import TableError

ROLES = {"victim_age": ("victim",), "suspect_age": ("suspect", "proceeded_against")}


def number_references(offences: pd.DataFrame, people: pd.DataFrame | None) -> tuple[Array, Array]:
    """Return a number for the reference of each offence and of each person; -1 for none.

    People whose offence is not in the table have none either.
    """
    tables = [table for table in (offences, people) if table is not None]
    ids = [t.get("offence_id", pd.Series("", t.index, dtype="str")) for t in tables]
    codes, names = pd.factorize(pd.concat([id_text(each) for each in ids]))
    codes = np.where(np.isin(codes, np.flatnonzero(names == "")), -1, codes)
    ours, theirs = codes[: len(offences)], codes[len(offences) :]
    return ours, np.where(theirs > ours.max(initial=-1), -1, theirs)


def fold_people(
    offences: pd.DataFrame,
    people: pd.DataFrame,
    numbers: tuple[Array, Array],
    columns: dict[str, Array],
) -> Array:
    """Write the folded ages into ``columns``; return the rows with a contradictory person.

    Under 25 and under 16: any True wins, else any Unknown, else False.
    """
    position, codes = numbers
    length = int(position.max(initial=-1)) + 1
    _check_joined(people["offence_id"], offences["offence_id"], codes)
    state, conflict = _person_ages(people)
    for name, roles in ROLES.items():
        is_meant = partial(_is_among, roles)
        here = look_up(people["person_role"], is_meant, False) & (codes >= 0)
        folded = np.append(_fold(codes[here], state[here], length), AGE["unknown"])[position]
        kept = np.where(folded == AGE["unknown"], columns[name], folded)
        columns[name] = kept.astype(np.uint8)
    odd = np.bincount(codes[conflict & (codes >= 0)], minlength=length) > 0
    return np.append(odd, False)[position]


def _is_among(roles: tuple[str, ...], role: object) -> bool:
    return str(role).strip().casefold() in roles


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
    """Return the state of each person's age, and whether age and band contradict each other."""
    names = ("age", "age_band")
    coded = [dictionary(people.get(name, pd.Series("", people.index))) for name in names]
    numbers = {n: codes.astype(np.int32) + 1 for n, (codes, _) in zip(names, coded, strict=True)}
    rows, pairs = combine(numbers, len(people))  # few distinct pairs, read once each
    given = [
        pd.Series(np.array(["", *values], dtype=object)[pairs[name]])
        for name, (_, values) in zip(names, coded, strict=True)
    ]
    first, second = (look_up(values, age_state, AGE["unknown"]) for values in given)
    limits = [look_up(values, age_span, (0, 999)) for values in given]
    low, high = (limit(*limits) for limit in (np.maximum, np.minimum))
    conflict = low[:, 0] > high[:, 1]
    state = np.where(first == AGE["unknown"], second, first)
    state = np.where(conflict, AGE["unknown"], state).astype(np.uint8)
    return gather(state, rows), gather(conflict, rows)


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
