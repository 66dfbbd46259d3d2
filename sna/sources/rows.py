"""Text rows of a file on their way into a store table: recoded by distinct value, never by row."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from sna.sources.layout import ReadResult, make_finding
from sna.sources.text import TextTable

_BLANKS = (b"  ", b"\t", b"\n", b"\f", b"\r")  # few columns hold what must be cleaned
_COUNT = r"^[\s\x{00A0}]*(\d{1,12}|\d{1,3}([,\s\x{00A0}]\d{3}){1,3})(\.0+)?[\s\x{00A0}]*$"


def dictionary(codes: np.ndarray, values: Sequence[Any]) -> pa.DictionaryArray:
    """Return dictionary rows whose i-th row is ``values[codes[i]]``; a code of -1 is missing."""
    words = pa.array([*values, None], pa.string()).dictionary_encode()
    place = words.indices.take(pa.array(np.where(codes < 0, len(values), codes)))
    return pa.DictionaryArray.from_arrays(place, words.dictionary)


def split_codes(column: pa.ChunkedArray) -> tuple[np.ndarray, list[Any]]:
    """Return the code of each row (-1 missing) and the distinct values, None added as the last."""
    if not pa.types.is_dictionary(column.type):
        column = column.dictionary_encode()
    array = column.unify_dictionaries().combine_chunks()
    array = array.chunk(0) if isinstance(array, pa.ChunkedArray) else array
    clean, letters = array.dictionary, array.dictionary.buffers()[2]
    held = letters.to_pybytes() if letters else b""
    if any(blank in held for blank in _BLANKS):
        clean = pc.replace_substring_regex(clean, r"\s\s+|[\t\r\n]", " ")
    values = [text or None for text in pc.utf8_trim_whitespace(clean).to_pylist()]
    return array.indices.fill_null(-1).to_numpy(), [*values, None]


@dataclass(frozen=True)
class Rows:
    """The rows of a file by role."""

    text: pa.Table
    known: dict[tuple[str, ...], tuple[np.ndarray, list[Any]]] = field(default_factory=dict)
    answers: dict[tuple[str, ...], tuple[Any, ...]] = field(default_factory=dict)

    def split(self, role: str) -> tuple[np.ndarray, list[Any]]:
        """Return codes and values of a role, found once."""
        if (role,) not in self.known:
            self.known[role,] = split_codes(self.text[role])
        return self.known[role,]

    def has(self, roles: Sequence[str]) -> bool:
        """Say whether the file has a column for each of `roles`."""
        return set(roles) <= set(self.text.column_names)

    def codes(self, roles: Sequence[str]) -> tuple[np.ndarray, list[Any]]:
        """Return codes and values of a role, or several joined by `` | ``."""
        if tuple(roles) not in self.known:
            self.known[*roles,] = self._join(roles)
        return self.known[*roles,]

    def _join(self, roles: Sequence[str]) -> tuple[np.ndarray, list[Any]]:
        codes, values = self.split(roles[0])
        for role in roles[1:]:
            more, others = self.split(role)
            there = (codes >= 0) & (more >= 0)
            found, pairs = pd.factorize(codes[there].astype("int64") * len(others) + more[there])
            first, second = np.divmod(pairs, len(others))
            texts = np.array(values, dtype=object)[first], np.array(others, dtype=object)[second]
            codes = np.full(len(there), -1)
            codes[there] = found
            values = [*(f"{one} | {two}" for one, two in zip(*texts, strict=True)), None]
        return codes, values

    def strings(self, role: str) -> pd.Series:
        """Return the role as text, row by row."""
        codes, values = self.split(role)
        return pd.Series(np.array(values, dtype=object)[codes], dtype="object")


def make_array(codes: np.ndarray, answers: Sequence[Any], kind: pa.DataType) -> pa.Array:
    """Return the answer for each row's code, of a type; the last answer is that for missing."""
    codes = np.where(codes < 0, len(answers) - 1, codes)
    if pa.types.is_dictionary(kind):
        return dictionary(codes, answers)
    return pa.array(answers, kind, from_pandas=True).take(pa.array(codes))


def fill(first: pa.Array, second: pa.Array) -> pa.Array:
    """Return `first`, and `second` on the rows where `first` is missing."""
    if not pa.types.is_dictionary(first.type):
        return pc.coalesce(first, second)
    both = pa.chunked_array([first, second]).unify_dictionaries()
    one, two = (chunk.indices.fill_null(-1).to_numpy() for chunk in both.chunks)
    return dictionary(np.where(one < 0, two, one), both.chunk(0).dictionary.to_pylist())


def make_rejects(
    bad: np.ndarray,
    *,
    column: str | np.ndarray,
    reason: str,
    values: Any = None,
    lines: np.ndarray | None = None,
) -> pd.DataFrame:
    """Return one reject for each row where `bad`: its line, and what stands there.

    ``values`` are shown cut at 80 characters; leave it out where the column can hold free text.
    ``lines`` are those of all rows, where they are not 1, 2, 3 …
    """
    rows = np.flatnonzero(bad)
    there = [""] * len(rows) if values is None else pd.Series(values).iloc[rows]
    shown = pd.Series(there, dtype="object").fillna("").astype("str").str[:80]
    line = rows + 1 if lines is None else lines[rows]
    table = pd.DataFrame({"line": line, "value": shown.to_numpy(), "rows": 1})
    return table.assign(column=column, reason=reason)


def line_rejects(text: TextTable) -> pd.DataFrame:
    """Return one reject for each line with the wrong number of fields."""
    return _reject_lines(text.bad_lines)


@lru_cache(maxsize=1)  # most files have none
def _reject_lines(bad: tuple[tuple[int, str], ...]) -> pd.DataFrame:
    lines, reasons = zip(*bad, strict=True) if bad else ((), ())
    told = {"line": lines, "reason": reasons, "column": "", "value": "", "rows": 1}
    return pd.DataFrame(told, index=range(len(lines)))


class Notes:
    """Rejects and findings gathered while one file is read."""

    def __init__(self) -> None:
        self.rejects: list[pd.DataFrame] = []
        self.findings: list[dict[str, Any]] = []

    def reject(self, bad: pd.Series, column: str, reason: str, values: Any = None) -> None:
        """Reject the rows where `bad`; its index is the row number, counted from 0."""
        how: dict[str, Any] = {"column": column, "reason": reason, "values": values}
        lines = bad.index.to_numpy() + 1
        self.rejects.append(make_rejects(bad.to_numpy(), lines=lines, **how))

    def find(self, finding: str, rows: pd.Series, do: str, severity: str = "warning") -> None:
        """Add a finding when it touches any row."""
        if number := int(rows.sum()):
            self.findings.append(make_finding(finding, severity=severity, rows=number, action=do))

    def result(self, tables: dict[str, Any], text: TextTable) -> ReadResult:
        """Return what came out of the file, ragged lines rejected too."""
        rejects = pd.concat([*self.rejects, line_rejects(text)], ignore_index=True)
        used = text.rows - int(rejects["rows"].sum())
        return ReadResult(tables, text.rows, used, rejects, [*text.findings, *self.findings])


def parse_counts(column: pa.Array | pa.ChunkedArray) -> tuple[np.ndarray, np.ndarray]:
    """Return counts and a mask of cells that hold something that is no count; blank is NaN.

    Thousands stand in groups of three; ``1,5`` is a decimal of another language, and no count.
    """
    text = column.cast(pa.string())
    plain, blank, good = text, text.is_null(), pc.match_substring_regex(text, r"^\d{1,12}$")
    if not pc.all(good).as_py():  # most columns need no cleaning
        plain = pc.replace_substring_regex(text, r"[,\s\x{00A0}]+|\.0+[\s\x{00A0}]*$", "")
        blank = pc.fill_null(pc.match_substring_regex(text, r"^[\s\x{00A0}]*$"), True)
        good = pc.match_substring_regex(text, _COUNT)
    good = pc.fill_null(good, False)
    numbers = pc.cast(pc.if_else(good, plain, None), pa.float64())
    wrong = pc.invert(pc.or_(good, blank))
    return numbers.to_numpy(zero_copy_only=False), wrong.to_numpy(zero_copy_only=False)


def parse_numbers(text: "tuple[str, ...] | pd.Series") -> np.ndarray:
    """Return numbers, missing for other text; only where Arrow finds such text does pandas look."""
    try:
        return np.asarray(pc.cast(pa.array(text), pa.float64()))
    except pa.ArrowInvalid:
        return np.asarray(pd.to_numeric(text, errors="coerce"), dtype="float64")
