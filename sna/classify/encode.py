"""A table of offences → distinct combinations of facts, and the rows that nothing covers."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from sna.classify.codes import CodeSet, resolve
from sna.classify.facts import AGE, READERS, Array, combine, dictionary, read_states
from sna.classify.inputs import CODE_COLUMNS, check_offences
from sna.classify.people import ROLES, fold_people
from sna.definitions import Profile, offence_codes, read_reference
from sna.errors import DefinitionError

MARKS = read_reference("quality_marks").set_index("mark")
NOTES = MARKS.loc[MARKS["bit"] != "", "bit"].astype("int64").to_dict()
NOT_ATTACHED = np.uint8(32)  # sixth bit of a link, after the five bands: no companion that counts
_LONGEST_LABEL = 80


@dataclass(frozen=True)
class Coded:
    """Offences as numbers: ``rows`` points into ``facts``, one row a distinct combination."""

    rows: Array
    facts: pd.DataFrame
    code_sets: list[CodeSet]


def _word(value: object) -> str:
    """Return a code or label as text; as a number 4.10 reads 4.1, which is another offence."""
    lost = isinstance(value, float) and f"{value}0" in set(offence_codes()["offence_code"])
    return f"{value} or {value}0 (read codes as text)" if lost else str(value).strip()


def _resolve(offences: pd.DataFrame) -> tuple[Array, list[CodeSet | None], list[str]]:
    """Return a number a row, and what code set and label each number stands for."""
    rows, columns, values = np.zeros(len(offences), dtype=np.int32), {}, {}
    for name in CODE_COLUMNS:
        if name in offences:
            codes, found = dictionary(offences[name])
            columns[name] = codes.astype(np.int32) + np.int32(1)
            values[name] = np.array(["", *map(_word, found)], dtype=object)
    rows, combos = combine(columns, len(offences)) if columns else (rows, pd.DataFrame(index=[0]))
    texts = [values[n][combos[n]] if n in values else [""] * len(combos) for n in CODE_COLUMNS]
    known = [tuple(map(str, row)) for row in zip(*texts, strict=True)]
    labels = [next((t for t in row if t), "(blank)")[:_LONGEST_LABEL] for row in known]
    return rows, [resolve(*row) for row in known], labels


def find_unmatched(offences: pd.DataFrame) -> pd.DataFrame:
    """Find the rows whose code and label match no row of the definition.

    They are not ``out``: nobody knows what they are. One row an unmatched row, with its index.

    >>> find_unmatched(pd.DataFrame({"offence_code": ["8N", "8ZZ"]}))["label"].tolist()
    ['8ZZ']
    """
    check_offences(offences)
    rows, found, labels = _resolve(offences)
    lost = np.array([code_set is None for code_set in found])[rows]
    names = np.array(labels, dtype=object)[rows[lost]]
    return pd.DataFrame({"label": pd.array(names, dtype="str")}, index=offences.index[lost])


def _code_sets(offences: pd.DataFrame) -> tuple[Array, list[CodeSet]]:
    rows, found, labels = _resolve(offences)
    known = list(dict.fromkeys(code_set for code_set in found if code_set is not None))
    number = {code_set: at for at, code_set in enumerate(known)}
    table = np.array([number[s] if s is not None else -1 for s in found], dtype=np.int32)
    code = table[rows]
    if (code < 0).any():
        missing = pd.Series(np.array(labels, dtype=object)[rows[code < 0]]).value_counts()
        raise DefinitionError(
            f"{len(missing)} offence codes or labels ({missing.sum():,} of {len(rows):,} rows) "
            "match no definition row.",
            where="offences, columns " + ", ".join(CODE_COLUMNS),
            found="; ".join(f"{label} ({count:,} rows)" for label, count in missing.items()),
            do="Add each to sna/definitions/published_categories.csv or offence_codes.csv with its "
            "source, or drop the rows of sna.classify.find_unmatched, then rerun.",
        )
    return code, known


def _prefer(first: Array, second: Array) -> Array:
    return np.where(first == AGE["unknown"], second, first)


def encode(
    offences: pd.DataFrame,
    *,
    profile: Profile,
    people: pd.DataFrame | None = None,
    numbers: tuple[Array, Array],
) -> Coded:
    """Turn a table of offences into combinations of facts; ages of people override the row's.

    ``numbers`` are those of the references of both tables (`number_references`).
    """
    code, sets = _code_sets(offences)
    ages = {n: read_states(offences, n, READERS[n]) for n in ROLES}
    recorded = {n: read_states(offences, f"{n}_recorded", READERS[n]) for n in ROLES}
    columns = {"code": code} | {n: _prefer(ages[n], recorded[n]) for n in ROLES}
    if people is not None and len(people):
        conflict = fold_people(offences, people, numbers, columns)
        columns["note"] = conflict * np.uint8(NOTES["person_age_conflict"])
    if profile.switches["age_basis"] == "recorded_age":
        columns |= {n: _prefer(recorded[n], columns[n]) for n in ROLES}
    for name in (n for n in READERS if n in offences and n not in ROLES):
        columns[name] = read_states(offences, name, READERS[name])
    rows, facts = combine(columns, len(offences))
    if not len(offences):  # one combination that no row has keeps every later step plain
        sets, facts = [CodeSet((("8N", ""),))], pd.DataFrame({"code": [0]})
    link = {"link": NOT_ATTACHED, "note": facts.get("note", 0)}
    return Coded(rows, _complete(facts, sets).assign(**link).astype("int32"), sets)


def _complete(facts: pd.DataFrame, sets: list[CodeSet]) -> pd.DataFrame:
    """Add the facts that no column gives; what a category states goes before what a row says."""
    for column, reader in READERS.items():
        given = facts[column] if column in facts else reader("")
        words = [dict(code_set.stated).get(column) for code_set in sets]
        stated = np.array([-1 if word is None else reader(word) for word in words])[facts["code"]]
        facts = facts.assign(**{column: np.where(stated < 0, given, stated)})
    return facts
