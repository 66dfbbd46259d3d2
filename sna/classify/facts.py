"""Columns → small integers: every distinct combination of facts once, and one number a row."""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd

from sna import definitions
from sna.errors import TableError

Array = np.ndarray[Any, Any]
F, U, T = 0, 1, 2  # Kleene: AND is the minimum, OR the maximum, NOT is 2 - x

# Ages as far as the definition looks: (name, under 25, under 16). `zero` depends on the offence.
AGES = (
    ("unknown", U, U),
    ("zero", U, U),
    ("under_10", T, T),
    ("under_16", T, T),
    ("16_24", T, F),
    ("25_over", F, F),
    ("under_25", T, U),
    ("16_over", U, F),
    ("straddles", U, U),
    ("invalid", U, U),
)
AGE = {name: number for number, (name, _, _) in enumerate(AGES)}
WEAPONS = (
    "none",
    "knife",
    "section_1_firearm",
    "other_firearm",
    "firearm_type_unknown",
    "corrosive",
    "unknown",
)
USES = ("unknown", "used", "threatened", "intimated", "possessed")
STATUSES = ("recorded", "cancelled", "transferred", "non_notifiable", "terrorism", "aggregate")
FLAGS = ("no", "unknown", "yes")  # the Kleene values themselves

_OLDEST = 120
_BLANK = {"", "unknown", "nk", "n/k", "not known", "not recorded", "null", "none", "nan", "n/a"}
_BLANK |= {"-", "<na>", "nat", "#n/a", "not stated", "unrecorded", "missing"}
_NUMBER = re.compile(r"-?\d+(\.\d+)?")
_BETWEEN = re.compile(r"(\d+)\s*(?:-|–|to)\s*(\d+)")
_FROM = re.compile(r"(\d+)\s*(?:\+|and over|or over|or older|and older|plus)")
_UPTO = re.compile(r"(\d+)\s*(?:and under|or under|or younger|and younger)")
_BELOW = re.compile(r"(?:under|<|below)\s*(\d+)")
_ABOVE = re.compile(r"(?:over|>|above)\s*(\d+)")
_WORDS = {"child": (1, 17), "juvenile": (1, 17), "adult": (18, 999)}


@lru_cache(maxsize=4096)
def age_state(value: object) -> int:
    """Return the state in `AGES` of an age: a number, a band, a word, or nothing.

    Examples
    --------
    >>> [AGES[age_state(a)][0] for a in (17, "18-24", "25+", "20-29", 0, "", 999, "over 34")]
    ['16_24', '16_24', '25_over', '16_over', 'zero', 'unknown', 'invalid', '25_over']
    """
    text = " ".join(str(value).casefold().replace("aged", "").replace("years", "").split())
    if text in _BLANK:
        return AGE["unknown"]
    span = age_span(text)
    if span is None or span[0] > span[1] or span[0] < 0:
        return AGE["invalid"]
    return _state_of(*span)


def age_span(text: str) -> tuple[int, int] | None:
    """Return the youngest and oldest age that a lower-case text allows, or None."""
    if _NUMBER.fullmatch(text):
        age = int(float(text) // 1)
        return (age, age) if 0 <= age <= _OLDEST else None
    if text in _WORDS:
        return _WORDS[text]
    forms = (
        (_BETWEEN, lambda m: (int(m[1]), int(m[2]))),
        (_FROM, lambda m: (int(m[1]), 999)),
        (_UPTO, lambda m: (0, int(m[1]))),
        (_BELOW, lambda m: (0, int(m[1]) - 1)),
        (_ABOVE, lambda m: (int(m[1]) + 1, 999)),
    )
    return next((span(m) for form, span in forms if (m := form.fullmatch(text))), None)


def _state_of(low: int, high: int) -> int:
    if high == 0:
        return AGE["zero"]
    if high <= 9:
        return AGE["under_10"]
    under_25 = T if high <= 24 else F if low >= 25 else U
    under_16 = T if high <= 15 else F if low >= 16 else U
    names = {(T, T): "under_16", (T, F): "16_24", (F, F): "25_over"}
    names |= {(T, U): "under_25", (U, F): "16_over", (U, U): "straddles"}
    return AGE[names[under_25, under_16]]


def _choice(column: str, allowed: tuple[str, ...], blank: str, also: dict[str, str]) -> Any:
    """Return a function value → number that refuses what the contract of a column does not name."""

    def number(value: object) -> int:
        text = str(value).strip().casefold().replace("-", "_").replace(" ", "_")
        text = also.get(text, text)
        if text.replace("_", " ") in _BLANK and text not in allowed:
            text = blank
        if text not in allowed:
            raise TableError(
                f"Column {column} holds a value that its contract does not name.",
                where=f"offences, column {column}",
                found=repr(value)[:60],
                do=f"Use {', '.join(allowed)}.",
            )
        return allowed.index(text)

    return number


_YES_NO = {"y": "yes", "true": "yes", "1": "yes", "1.0": "yes"}
_YES_NO |= {"n": "no", "false": "no", "0": "no", "0.0": "no"}
flag_state = _choice("domestic_abuse", FLAGS, "unknown", _YES_NO)
weapon_state = _choice("weapon", WEAPONS, "unknown", {})
use_state = _choice("weapon_use", USES, "unknown", {})
status_state = _choice("status", STATUSES, "recorded", {})


@lru_cache(maxsize=1)
def _connected() -> dict[str, int]:
    table = definitions.relationships()
    return {name: T if c == "yes" else F for name, c in table.itertuples(index=False, name=None)}


def relationship_state(value: object) -> int:
    """Return whether a relationship connects two people personally: F, U or T."""
    return _connected().get(" ".join(str(value).casefold().split()), U)


READERS = {
    "victim": ("victim_age", age_state),
    "suspect": ("suspect_age", age_state),
    "da": ("domestic_abuse", flag_state),
    "relation": ("relationship", relationship_state),
    "weapon": ("weapon", weapon_state),
    "use": ("weapon_use", use_state),
    "status": ("status", status_state),
}


def dictionary(series: pd.Series) -> tuple[Array, list[object]]:
    """Return a number a row (-1 for missing) and the distinct values, whatever the dtype."""
    if isinstance(series.dtype, pd.CategoricalDtype):
        return series.cat.codes.to_numpy(), list(series.cat.categories)
    try:
        codes, values = pd.factorize(series)
    except TypeError:  # values that cannot be hashed, such as lists
        codes, values = pd.factorize(series.astype("str"))
    small = np.min_scalar_type(-len(values) - 1)
    return codes.astype(small), list(values)


def read_states(frame: pd.DataFrame, column: str, reader: Any) -> Array:
    """Return the state of every row in one column; an absent column reads as all missing."""
    if column not in frame:
        return np.full(len(frame), reader(""), dtype=np.uint8)
    codes, values = dictionary(frame[column])
    table = np.array([*(reader(value) for value in values), reader("")], dtype=np.uint8)
    return table[codes]


def gather(table: Array, rows: Array) -> Array:
    """Return ``table[rows]`` in pieces that stay in the cache; rows are known to be in range."""
    found = np.empty(len(rows), dtype=table.dtype)
    for start in range(0, len(rows), 2**16):
        end = start + 2**16
        np.take(table, rows[start:end], out=found[start:end], mode="clip")
    return found


@dataclass(frozen=True)
class Combinations:
    """Distinct combinations of facts: ``rows`` numbers them, ``fields`` says what each holds."""

    rows: Array
    fields: dict[str, Array]

    def __len__(self) -> int:
        return len(next(iter(self.fields.values())))


_DENSE = 2**24  # largest table of possible keys that is still cheaper than hashing


def combine(columns: dict[str, Array], length: int) -> Combinations:
    """Find the distinct combinations of several integer columns of `length` rows."""
    rows, names = np.zeros(length, dtype=np.int32), []
    distinct: list[Array] = [np.zeros(1, dtype=np.int32)]
    for name, column in columns.items():
        size = int(column.max()) + 1 if length else 1
        key = rows * np.int64(size) + column if len(distinct[0]) * size > 2**30 else rows
        if key is rows:
            key = rows * np.int32(size)
            key += column
        rows, present = _compress(key, len(distinct[0]) * size)
        before, value = np.divmod(present, size)
        distinct = [*(d[before] for d in distinct), value.astype(np.int32)]
        names.append(name)
    return Combinations(rows, dict(zip(names, distinct[1:], strict=True)))


def _compress(key: Array, size: int) -> tuple[Array, Array]:
    """Renumber keys below `size` by the ones that occur; return them too, in ascending order."""
    if size > _DENSE:
        present, rows = np.unique(key, return_inverse=True)
        return rows.astype(np.int32), present
    seen = np.zeros(size, dtype=bool)
    seen[key] = True
    present = np.flatnonzero(seen)
    numbers = np.zeros(size, dtype=np.int32)
    numbers[present] = np.arange(len(present), dtype=np.int32)
    return numbers[key], present
