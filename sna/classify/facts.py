"""Columns → small integers: every distinct combination of facts once, and one number a row."""

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd

from sna.definitions import read_reference, rows_of
from sna.errors import TableError

Array = np.ndarray[Any, Any]
F, U, T = 0, 1, 2  # Kleene: AND is the minimum, OR the maximum, NOT is 2 - x
KLEENE = ("no", "unknown", "yes")

# Ages as far as the definition looks: under 25, under 16. What `zero` is depends on the offence.
_STATES = read_reference("age_states")
AGE = {name: number for number, name in enumerate(_STATES["state"])}
AGE_NAMES = tuple(AGE)
UNDER_25, UNDER_16 = (
    _STATES[limit].map(KLEENE.index).to_numpy(dtype=np.uint8) for limit in ("under_25", "under_16")
)
BLANK = set(read_reference("blank_words")["word"])
_OLDEST, _OPEN = 120, 999
_NO_AGE = (-1, -1)
_WORDS = {"child": (1, 17), "juvenile": (1, 17), "adult": (18, _OPEN)}
_SPANS = (
    r"(?P<low>\d+)\s*(?:-|–|to)\s*(?P<high>\d+)",
    r"(?P<low>\d+)\s*(?:\+|and over|or over|or older|and older|plus)",
    r"(?P<high>\d+)\s*(?:and under|or under|or younger|and younger)",
    r"(?:under|<|below)\s*(?P<below>\d+)",
    r"(?:over|>|above)\s*(?P<above>\d+)",
)


@lru_cache(maxsize=4096)
def age_state(value: object) -> int:
    """Return the number in `AGE_NAMES` of an age: a number, a band, a word, or nothing.

    >>> [AGE_NAMES[age_state(a)] for a in (17, "18-24", "25+", "20-29", 0, "", 999, "over 34")]
    ['16_24', '16_24', '25_over', '16_over', 'zero', 'unknown', 'invalid', '25_over']
    """
    low, high = span = age_span(value)
    if span == (0, _OPEN):
        return AGE["unknown"]
    if span == _NO_AGE or low > high:
        return AGE["invalid"]
    if high <= 9:
        return AGE["under_10" if high else "zero"]
    facts = [T if high < limit else F if low >= limit else U for limit in (25, 16)]
    names = ("under_16", "16_24", "25_over", "under_25", "16_over", "straddles")
    return next(AGE[n] for n in names if [UNDER_25[AGE[n]], UNDER_16[AGE[n]]] == facts)


def age_span(value: object) -> tuple[int, int]:
    """Return the youngest and oldest age that `value` allows; (-1, -1) when it is no age."""
    text = " ".join(str(value).casefold().replace("aged", "").replace("years", "").split())
    if text in BLANK:
        return 0, _OPEN
    if re.fullmatch(r"\d+(\.\d+)?", text):
        age = int(float(text))
        return (age, age) if age <= _OLDEST else _NO_AGE
    for form in _SPANS:
        if match := re.fullmatch(form, text):
            ends = {name: int(number) for name, number in match.groupdict().items()}
            low = ends.get("low", ends.get("above", -1) + 1)
            return low, ends.get("high", ends.get("below", _OPEN + 1) - 1)
    return _WORDS.get(text, _NO_AGE)


_FACTS = rows_of(read_reference("facts"))
VALUES = {
    column: tuple(row["value"] for row in _FACTS if row["column"] == column)
    for column in dict.fromkeys(row["column"] for row in _FACTS)
}
STATUSES, WEAPONS, USES = (VALUES[name] for name in ("status", "weapon", "weapon_use"))


def _choice(column: str) -> Callable[[object], int]:
    """Return what reads a word of `column` as the number of its value in facts.csv."""
    words = {
        word: VALUES[column].index(row["value"])
        for row in _FACTS
        for word in (row["value"], *row["words"].split("|"))
        if row["column"] == column and word
    }

    def number(value: object) -> int:
        text = "_".join(str(value).casefold().replace("-", "_").split())
        if text not in words and text.replace("_", " ") in BLANK:
            text = "blank"
        if text not in words and "other" not in words:
            raise TableError(
                f"Column {column} holds a value that its contract does not name.",
                where=f"offences, column {column}",
                found=repr(value)[:60],
                do=f"Use {', '.join(VALUES[column])}.",
            )
        return words.get(text, U)

    return number


READERS: dict[str, Callable[[object], int]] = {
    "victim_age": age_state,
    "suspect_age": age_state,
    **{name: _choice(name) for name in VALUES},
}


def dictionary(series: pd.Series) -> tuple[Array, list[object]]:
    """Return a number a row (-1 for missing) and the distinct values, whatever the dtype."""
    if isinstance(series.dtype, pd.CategoricalDtype):
        return series.cat.codes.to_numpy(), list(series.cat.categories)
    try:
        codes, values = pd.factorize(series)
    except TypeError:  # values that cannot be hashed, such as lists
        codes, values = pd.factorize(series.astype("str"))
    return codes.astype(np.min_scalar_type(-len(values) - 1)), list(values)


def look_up(series: pd.Series, answer: Callable[[object], Any], missing: Any) -> Array:
    """Answer each distinct value of a column once, and give every row its answer."""
    codes, values = dictionary(series)
    return np.array([*(answer(value) for value in values), missing])[codes]


def read_states(frame: pd.DataFrame, column: str, reader: Callable[[object], int]) -> Array:
    """Return the state of every row in one column; an absent column reads as all missing."""
    if column not in frame:
        return np.full(len(frame), reader(""), dtype=np.uint8)
    return look_up(frame[column], lambda v: np.uint8(reader(v)), np.uint8(reader("")))


def gather(table: Array, rows: Array) -> Array:
    """Return ``table[rows]`` in pieces that stay in the cache; rows are known to be in range."""
    found = np.empty(len(rows), dtype=table.dtype)
    for start in range(0, len(rows), 2**16):
        end = start + 2**16
        np.take(table, rows[start:end], out=found[start:end], mode="clip")
    return found


_DENSE = 2**24  # largest table of possible keys that is still cheaper than hashing


def combine(columns: dict[str, Array], length: int) -> tuple[Array, pd.DataFrame]:
    """Give every row the number of its combination of integers, and what each number holds."""
    rows, distinct = np.zeros(length, dtype=np.int32), [np.zeros(1, dtype=np.int32)]
    for column in columns.values():
        size = int(column.max()) + 1 if length else 1
        wide = len(distinct[0]) * size > 2**30
        key = rows * (np.int64(size) if wide else np.int32(size))
        key += column
        rows, present = _compress(key, len(distinct[0]) * size)
        before, value = np.divmod(present, size)
        distinct = [*(d[before] for d in distinct), value.astype(np.int32)]
    return rows, pd.DataFrame(dict(zip(columns, distinct[1:], strict=True)))


def _compress(key: Array, size: int) -> tuple[Array, Array]:
    if size > _DENSE:
        present, rows = np.unique(key, return_inverse=True)
        return rows.astype(np.int32), present
    seen = np.zeros(size, dtype=bool)
    seen[key] = True
    present = np.flatnonzero(seen)
    numbers = np.zeros(size, dtype=np.int32)
    numbers[present] = np.arange(len(present), dtype=np.int32)
    return gather(numbers, key), present
