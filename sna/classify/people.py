"""Several victims or suspects → the facts of their offence."""

import numpy as np
import pandas as pd

from sna.classify.facts import AGE, AGES, F, T, U, age_span, age_state, dictionary
from sna.classify.rules import Array

ROLES = {"victim": ("victim",), "suspect": ("suspect", "proceeded_against")}
_UNDER_25 = np.array([under_25 for _, under_25, _ in AGES], dtype=np.uint8)
_UNDER_16 = np.array([under_16 for _, _, under_16 in AGES], dtype=np.uint8)


def person_ages(people: pd.DataFrame) -> tuple[Array, Array]:
    """Return each person's age state and whether age and age band contradict each other."""
    states, spans = [], []
    for name in ("age", "age_band"):
        values = people[name] if name in people else pd.Series("", index=people.index)
        codes, found = dictionary(values)
        states.append(np.array([*(age_state(v) for v in found), 0], dtype=np.uint8)[codes])
        limits = [age_span(str(v).strip().casefold()) or (0, 999) for v in found] + [(0, 999)]
        spans.append(np.array(limits)[codes])
    low = np.maximum(spans[0][:, 0], spans[1][:, 0])
    conflict = low > np.minimum(spans[0][:, 1], spans[1][:, 1])
    state = np.where(states[0] == AGE["unknown"], states[1], states[0])
    return np.where(conflict, AGE["unknown"], state), conflict


def fold_people(offences: pd.DataFrame, people: pd.DataFrame, columns: dict[str, Array]) -> Array:
    """Write the folded ages into ``columns``; return the rows with a contradictory person.

    Under 25 and under 16: any True wins, else any Unknown, else False.
    """
    ids = pd.Index(people["offence_id"].astype("str"))
    codes, known = pd.factorize(ids)
    state, conflict = person_ages(people)
    role = people["person_role"].astype("str").to_numpy()
    position = known.get_indexer(pd.Index(offences["offence_id"].astype("str")))
    odd = np.bincount(codes[codes >= 0], conflict[codes >= 0], minlength=len(known)) > 0
    for name, roles in ROLES.items():
        here = np.isin(role, roles) & (codes >= 0)
        folded = _fold(codes[here], state[here], len(known))
        row = np.where(position >= 0, folded[position], AGE["unknown"])
        own = columns[name]
        columns[name] = np.where(row == AGE["unknown"], own, row).astype(np.uint8)
    return (position >= 0) & odd[position]


def _fold(codes: Array, state: Array, length: int) -> Array:
    """Return one age state an offence from the states of its people."""

    def any_of(truth: Array) -> Array:
        return np.bincount(codes[truth], minlength=length) > 0

    def worst(fact: Array) -> Array:
        return np.where(any_of(fact == T), T, np.where(any_of(fact == U), U, F))

    by_two = np.full((3, 3), AGE["straddles"])
    for name, two, one in AGES:
        if name not in ("zero", "invalid", "unknown", "under_10"):
            by_two[two, one] = AGE[name]
    young = worst(_UNDER_25[state])
    folded = by_two[young, worst(_UNDER_16[state])]
    folded = np.where(any_of(state == AGE["under_10"]), AGE["under_10"], folded)
    folded = np.where(any_of(state == AGE["zero"]) & (young != T), AGE["zero"], folded)
    known = any_of((state != AGE["unknown"]) & (state != AGE["invalid"]))
    unknown = np.where(any_of(state == AGE["invalid"]), AGE["invalid"], AGE["unknown"])
    return np.where(known, folded, unknown)
