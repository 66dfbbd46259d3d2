"""A table of offences → distinct combinations of facts, and the rows that nothing covers."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from sna.classify.codes import CodeSet, resolve
from sna.classify.facts import AGE, READERS, Combinations, combine, dictionary, read_states
from sna.classify.people import fold_people
from sna.classify.rules import NOT_ATTACHED, Array
from sna.definitions import Profile
from sna.errors import DefinitionError

CODE_COLUMNS = ("offence_code", "detailed_code", "published_category", "offence_text")
NOTES = {
    "duplicate_id": 1,
    "link_missing": 2,
    "link_circle": 4,
    "person_age_conflict": 8,
    "link_nearby": 16,
}
_LONGEST_LABEL = 80


@dataclass(frozen=True)
class Coded:
    """Offences as numbers: ``rows`` points into ``fields``, one entry a distinct combination."""

    rows: Array
    fields: dict[str, Array]
    code_sets: list[CodeSet]


def code_columns(offences: pd.DataFrame) -> tuple[Combinations, list[CodeSet | None], list[str]]:
    """Resolve the distinct codes and labels of a table; say which each row has."""
    columns, values = {}, {}
    for name in CODE_COLUMNS:
        if name in offences:
            codes, found = dictionary(offences[name])
            columns[name] = codes.astype(np.int32) + np.int32(1)
            values[name] = ["", *(str(value).strip() for value in found)]
    combos = combine(columns, len(offences))
    count = len(combos) if columns else 1
    texts = [
        [values[name][i] for i in combos.fields[name]] if name in values else [""] * count
        for name in CODE_COLUMNS
    ]
    tuples = list(zip(*texts, strict=True))
    labels = [next((t for t in row if t), "(blank)")[:_LONGEST_LABEL] for row in tuples]
    return combos, [resolve(*values) for values in tuples], labels


def find_unmatched(offences: pd.DataFrame) -> pd.DataFrame:
    """Find the rows whose code and label match no row of the definition.

    They are not ``out``: nobody knows what they are. One row an unmatched row, with its index.

    >>> find_unmatched(pd.DataFrame({"offence_code": ["8N", "8ZZ"]}))["label"].tolist()
    ['8ZZ']
    """
    combos, found, labels = code_columns(offences)
    missing = np.array([code_set is None for code_set in found])
    rows = missing[combos.rows] if len(offences) else np.zeros(0, dtype=bool)
    names = np.array(labels, dtype=object)[combos.rows[rows]]
    return pd.DataFrame({"label": pd.array(names, dtype="str")}, index=offences.index[rows])


def _resolved(offences: pd.DataFrame) -> tuple[Array, list[CodeSet]]:
    combos, found, labels = code_columns(offences)
    missing = [number for number, code_set in enumerate(found) if code_set is None]
    if missing and len(offences):
        _raise_unmatched(combos, missing, labels, len(offences))
    numbers: dict[object, int] = {}
    sets: list[CodeSet] = []
    table = np.zeros(len(found), dtype=np.int32)
    for position, code_set in enumerate(found):
        if code_set is not None:
            if code_set.key not in numbers:
                numbers[code_set.key] = len(sets)
                sets.append(code_set)
            table[position] = numbers[code_set.key]
    return table[combos.rows], sets


def _raise_unmatched(
    combos: Combinations, missing: list[int], labels: list[str], length: int
) -> None:
    counts = np.bincount(combos.rows, minlength=len(labels))
    found = pd.Series(counts[missing], index=[labels[number] for number in missing])
    table = found.groupby(level=0).sum().sort_values(ascending=False, kind="stable")
    every = "; ".join(f"{label} ({rows:,} rows)" for label, rows in table.items())
    raise DefinitionError(
        f"{len(table)} offence codes or labels ({table.sum():,} of {length:,} rows) match no "
        "definition row.",
        where="offences, columns " + ", ".join(CODE_COLUMNS),
        found=every,
        do="Add each to sna/definitions/published_categories.csv or offence_codes.csv with its "
        "source, or drop the rows of sna.classify.find_unmatched, then rerun.",
    )


def _age(offences: pd.DataFrame, role: str, profile: Profile) -> Array:
    columns = [f"{role}_age", f"{role}_age_recorded"]
    if profile.switches["age_basis"] == "recorded_age":
        columns.reverse()
    reader = READERS[role][1]
    first = read_states(offences, columns[0], reader)
    if columns[1] not in offences:
        return first
    second = read_states(offences, columns[1], reader)
    return np.where(first == AGE["unknown"], second, first)


def encode(
    offences: pd.DataFrame, *, profile: Profile, people: pd.DataFrame | None = None
) -> Coded:
    """Turn a table of offences into combinations of facts; ages of people override the row's."""
    code, sets = _resolved(offences)
    columns = {"code": code}
    for role in ("victim", "suspect"):
        columns[role] = _age(offences, role, profile)
    if people is not None and len(people):
        conflict = fold_people(offences, people, columns)
        columns["note"] = conflict * np.uint8(NOTES["person_age_conflict"])
    for field in ("da", "relation", "weapon", "use", "status"):
        name, reader = READERS[field]
        if name in offences:
            columns[field] = read_states(offences, name, reader)
    if not len(offences):  # one combination that no row has keeps every later step plain
        sets = [CodeSet((("8N", ""),))]
        columns = {name: np.zeros(1, dtype=np.uint8) for name in columns}
        return Coded(np.zeros(0, dtype=np.int32), _complete(columns, sets), sets)
    combos = combine(columns, len(offences))
    return Coded(combos.rows, _complete(combos.fields, sets), sets)


def _complete(fields: dict[str, Array], sets: list[CodeSet]) -> dict[str, Array]:
    length = len(fields["code"])
    alone = np.full(length, NOT_ATTACHED, dtype=np.uint8)
    full = {"link": alone, "link_victim": alone}
    for field, (name, reader) in READERS.items():
        given = fields.get(field, np.full(length, reader("")))
        stated = np.array([reader(s.stated[name]) if name in s.stated else -1 for s in sets])
        by_row = stated[fields["code"]] if len(sets) else np.full(length, -1)
        full[field] = np.where(by_row >= 0, by_row, given).astype(np.uint8)
    notes = fields.get("note", np.zeros(length)).astype(np.uint8)
    return full | {"code": fields["code"], "note": notes}
