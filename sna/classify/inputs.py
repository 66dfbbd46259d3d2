"""Tables that an analyst gives: refused in four parts where a fact would be lost in silence."""

import difflib
import re
from collections.abc import Sequence

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from pandas.api import types

from sna.classify.facts import Array
from sna.definitions import read_reference, rows_of
from sna.errors import TableError, UsageError
from sna.schemas.store_tables import BANDS, STORE_TABLES

CODE_COLUMNS = ("offence_code", "detailed_code", "published_category", "offence_text")
_LIKE = 0.88  # likeness of two headings from which one is taken for a slip of the other


def check_table(table: object, name: str, *needed: str) -> pd.DataFrame:
    """Refuse what is no table, lacks a column that is needed, or has a heading twice."""
    where = name.lower()
    if not isinstance(table, pd.DataFrame):
        do, found = "Read it with pandas, or call to_pandas() first.", type(table).__name__
        raise TableError(f"{name} must be a pandas DataFrame.", where=where, found=found, do=do)
    if other := [column for column in table.columns if not isinstance(column, str)]:
        do = "Give every column a heading of one text."
        raise TableError(f"{name} have headings that are no text.", where=where, found=other, do=do)
    if twice := sorted(set(table.columns[table.columns.duplicated()])):
        do = "Keep one column of each name."
        raise TableError(f"{name} have a heading twice.", where=where, found=twice, do=do)
    if lost := [column for column in needed if column not in table]:
        do = f"The table has: {', '.join(table.columns)}."
        raise TableError(f"{name} lack a column.", where=where, found=lost, do=do)
    return table


def check_by(by: Sequence[str], *made: str) -> None:
    """Refuse to count by a column twice, or by one that the answer itself has."""
    if odd := sorted({name for name in by if list(by).count(name) > 1} | set(by) & set(made)):
        what, do = "The rows cannot be counted by these columns.", "Name other columns, each once."
        raise UsageError(what, where="by", found=odd, do=do)


def check_banded(table: object, *needed: str) -> None:
    """Refuse a table that `classify_offences` has not seen, or that lacks a column."""
    columns = check_table(table, "Offences").columns
    if not {"band", "rule_ids"} <= set(columns):
        do, found = "Call sna.classify_offences first.", ", ".join(columns)
        raise TableError("The table has no bands.", where="column band", found=found, do=do)
    banded = check_table(table, "Offences", *needed)
    if odd := sorted({str(name) for name in banded["band"].dropna().unique()} - set(BANDS)):
        do = f"Call sna.classify_offences; the bands are {', '.join(BANDS)}."
        raise TableError("A band is not known.", where="column band", found=odd, do=do)


def check_offences(given: object) -> None:
    """Refuse offences whose headings are near misses, without a code, or with wrong counts."""
    offences = check_table(given, "Offences")
    _check_headings(offences, "offences", CODE_COLUMNS)
    if len(offences) and not set(CODE_COLUMNS) & set(offences):
        raise TableError(
            "No column says which offence a row is.",
            where="offences",
            found=[*offences.columns, *(f"index {n}" for n in offences.index.names if n)],
            do=f"Name one of its columns {', '.join(CODE_COLUMNS)}; an index needs reset_index().",
        )
    for name in ("victim_age", "suspect_age"):
        if name in offences and types.is_datetime64_any_dtype(offences[name]):
            do, where = "Give ages in years on the day of the offence.", f"column {name}"
            raise TableError("Ages are dates.", where=where, found=offences[name].head(1), do=do)
    if "offences" in offences:
        offences_of(offences)


def check_people(given: object, offences: pd.DataFrame) -> None:
    """Refuse people who cannot be joined to offences, and roles that the contract lacks."""
    people = check_table(given, "People")
    _check_headings(people, "people")
    if people.empty:
        return
    check_table(people, "People", "offence_id", "person_role")
    if "offence_id" not in offences:
        do = "Add the reference that people name in their offence_id."
        what = "People cannot be joined: offences have no offence_id."
        raise TableError(what, where="offences", found=offences.columns, do=do)
    allowed = STORE_TABLES["people"].columns["person_role"].allowed
    roles = {str(role).strip().casefold() for role in people["person_role"].dropna().unique()}
    if odd := sorted(roles - set(allowed)):
        do = f"Use {', '.join(allowed)}."
        raise TableError("A role of people is not known.", where="person_role", found=odd, do=do)


def id_text(ids: pd.Series) -> pd.Series:
    """Return references as text without blanks; 7.0, which a gap makes of 7, reads 7.

    >>> id_text(pd.Series([7.0, None])).tolist()[0], id_text(pd.Series([" A7 "])).tolist()
    ('7', ['A7'])
    """
    text = ids.astype("str").str.strip()
    may_be_float = types.is_float_dtype(ids) or types.is_object_dtype(ids)
    return text.str.replace(r"^(\d+)\.0$", r"\1", regex=True) if may_be_float else text


def is_among(ids: pd.Series, known: pd.Series) -> Array:
    """Say which references are known; Arrow looks up what pandas would walk through in Python."""
    held = pc.is_in(pa.array(ids), value_set=pa.array(known), skip_nulls=True)
    return np.asarray(held.to_numpy(zero_copy_only=False), dtype=bool)


def offences_of(table: pd.DataFrame) -> pd.Series:
    """Return the number of offences that each row stands for."""
    counts = pd.to_numeric(table.get("offences", pd.Series(1, table.index)), errors="coerce")
    if len(bad := table[counts.isna() | counts.mod(1).ne(0) | counts.lt(0)]):
        do = "Give whole numbers from 0 up, or leave the column out: each row is then one offence."
        what, where = f"{len(bad):,} counts of offences are no whole numbers.", "column offences"
        raise TableError(what, where=where, found=bad["offences"].astype("str"), do=do)
    return counts.astype("int64")


def _check_headings(table: pd.DataFrame, name: str, one_of: tuple[str, ...] = ()) -> None:
    """Refuse a heading that is a slip of one that the definition reads and the table lacks."""
    rows = [row for row in rows_of(read_reference("column_spellings")) if row["table"] == name]
    read = {row["column"]: [row["column"], *row["also"].split("|")] for row in rows}
    told = bool(set(one_of) & set(table))
    gone = [n for n in read if n not in table and not (told and n in one_of)]
    for heading in {*map(str, table)} - set(STORE_TABLES[name].columns):
        plain = re.sub(r"[^a-z0-9]+", "_", heading.casefold()).strip("_")
        near = difflib.get_close_matches(plain, [n for n in gone if "_" in n], 1, _LIKE)
        meant = next((n for n in gone if plain in read[n]), near[0] if near else "")
        if meant:
            do = f"Rename it to {meant}, or drop it if it is something else."
            what = f"A column would not be read: {heading!r} looks like {meant}."
            raise TableError(what, where=name, found=heading, do=do)
