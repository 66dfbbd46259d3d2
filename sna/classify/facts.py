"""Columns → small integers: every distinct combination of facts once, and one number a row."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd

from sna import definitions
from sna.errors import TableError

Array = np.ndarray[Any, Any]
F, U, T = 0, 1, 2  # Kleene: AND is the minimum, OR the maximum, NOT is 2 - x

# Ages as far as the definition looks: under 25, under 16. What `zero` is depends on the offence.
AGES = {
    "unknown": (U, U), "zero": (U, U), "under_10": (T, T), "under_16": (T, T), "16_24": (T, F),
    "25_over": (F, F), "under_25": (T, U), "16_over": (U, F), "straddles": (U, U),
    "invalid": (U, U),
}  # fmt: skip
AGE_NAMES = tuple(AGES)
AGE = {name: number for number, name in enumerate(AGE_NAMES)}
UNDER_25, UNDER_16 = np.array(list(AGES.values()), dtype=np.uint8).T
WEAPONS = ("none", "knife", "section_1_firearm", "other_firearm", "firearm_type_unknown",
           "corrosive", "unknown")  # fmt: skip
USES = ("unknown", "used", "threatened", "intimated", "possessed")
STATUSES = ("recorded", "cancelled", "transferred", "non_notifiable", "terrorism", "aggregate")
FLAGS = ("no", "unknown", "yes")  # the Kleene values themselves

_OLDEST, _OPEN = 120, 999
BLANK = {"", "unknown", "nk", "n/k", "not known", "not recorded", "null", "none", "nan", "n/a", "-",
         "<na>", "nat", "#n/a", "not stated", "unrecorded", "missing", "[]"}  # fmt: skip
_WORDS = {"child": (1, 17), "juvenile": (1, 17), "adult": (18, _OPEN)}
_BANDS: tuple[tuple[str, Callable[[list[int]], tuple[int, int]]], ...] = (
    (r"(\d+)\s*(?:-|–|to)\s*(\d+)", lambda n: (n[0], n[1])),
    (r"(\d+)\s*(?:\+|and over|or over|or older|and older|plus)", lambda n: (n[0], _OPEN)),
    (r"(\d+)\s*(?:and under|or under|or younger|and younger)", lambda n: (0, n[0])),
    (r"(?:under|<|below)\s*(\d+)", lambda n: (0, n[0] - 1)),
    (r"(?:over|>|above)\s*(\d+)", lambda n: (n[0] + 1, _OPEN)),
)


@lru_cache(maxsize=4096)
def age_state(value: object) -> int:
    """Return the number in `AGE_NAMES` of an age: a number, a band, a word, or nothing.

    >>> [AGE_NAMES[age_state(a)] for a in (17, "18-24", "25+", "20-29", 0, "", 999, "over 34")]
    ['16_24', '16_24', '25_over', '16_over', 'zero', 'unknown', 'invalid', '25_over']
    """
    low, high = span = age_span(value)
    if span in ((0, _OPEN), (-1, -1)) or low > high:
        return AGE["unknown" if span == (0, _OPEN) else "invalid"]
    if high <= 9:
        return AGE["zero" if high == 0 else "under_10"]
    facts = tuple(T if high < limit else F if low >= limit else U for limit in (25, 16))
    names = ("under_16", "16_24", "25_over", "under_25", "16_over", "straddles")
    return next(AGE[name] for name in names if AGES[name] == facts)


def age_span(value: object) -> tuple[int, int]:
    """Return the youngest and oldest age that `value` allows; (-1, -1) when it is no age."""
    text = " ".join(str(value).casefold().replace("aged", "").replace("years", "").split())
    if text in BLANK:
        return 0, _OPEN
    if re.fullmatch(r"\d+(\.\d+)?", text):
        age = int(float(text))
        return (age, age) if age <= _OLDEST else (-1, -1)
    for form, span in _BANDS:
        if match := re.fullmatch(form, text):
            return span([int(number) for number in match.groups()])
    return _WORDS.get(text, (-1, -1))


def _choice(column: str, allowed: tuple[str, ...], blank: str) -> Callable[[object], int]:
    also = {"y": "yes", "true": "yes", "1": "yes", "1.0": "yes", "n": "no", "false": "no",
            "0": "no", "0.0": "no"} if allowed == FLAGS else {}  # fmt: skip

    def number(value: object) -> int:
        text = str(value).strip().casefold().replace("-", "_").replace(" ", "_")
        text = also.get(text, text)
        if text not in allowed and text.replace("_", " ") in BLANK | {""}:
            text = blank
        if text not in allowed:
            raise TableError(
                f"Column {column} holds a value that its contract does not name.",
                where=f"offences, column {column}", found=repr(value)[:60],
                do=f"Use {', '.join(allowed)}.",
            )  # fmt: skip
        return allowed.index(text)

    return number


@lru_cache(maxsize=1)
def _connected() -> dict[str, int]:
    table = definitions.relationships()
    return {name: T if c == "yes" else F for name, c in table.itertuples(index=False, name=None)}


def _relationship(value: object) -> int:
    return _connected().get(" ".join(str(value).casefold().split()), U)


# field of a combination: (column of the table, value → number)
READERS: dict[str, tuple[str, Callable[[object], int]]] = {
    "victim": ("victim_age", age_state),
    "suspect": ("suspect_age", age_state),
    "da": ("domestic_abuse", _choice("domestic_abuse", FLAGS, "unknown")),
    "relation": ("relationship", _relationship),
    "weapon": ("weapon", _choice("weapon", WEAPONS, "unknown")),
    "use": ("weapon_use", _choice("weapon_use", USES, "unknown")),
    "status": ("status", _choice("status", STATUSES, "recorded")),
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
    rows, distinct = np.zeros(length, dtype=np.int32), [np.zeros(1, dtype=np.int32)]
    for column in columns.values():
        size = int(column.max()) + 1 if length else 1
        wide = len(distinct[0]) * size > 2**30
        key = rows * (np.int64(size) if wide else np.int32(size))
        key += column
        rows, present = _compress(key, len(distinct[0]) * size)
        before, value = np.divmod(present, size)
        distinct = [*(d[before] for d in distinct), value.astype(np.int32)]
    return Combinations(rows, dict(zip(columns, distinct[1:], strict=True)))


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
