"""Text rows of a file on their way into a store table: recoded by distinct value, never by row."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from sna.sources.layout import ReadContext, ReadResult, make_rejects, no_rows
from sna.sources.text import TextTable

_MONTHS = dict(
    zip(
        ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"],
        range(1, 13),
        strict=True,
    )
)


def parse_month(text: object) -> np.datetime64 | None:
    """Return the month a published date opens, in any of the orders seen; None if unreadable.

    Published months stand for their first day: that settles ``06/01/2019`` and ``01/06/2019``.

    >>> [str(parse_month(t)) for t in ("202401", "06/01/2019 12:00", "01/06/2019", "Jan-03")]
    ['2024-01', '2019-06', '2019-06', '2003-01']
    """
    value = str(text or "").strip()
    year = month = 0
    if found := re.match(r"((?:19|20)\d\d)[-_/ ]?(0[1-9]|1[0-2])(?!\d{3})", value):
        year, month = int(found[1]), int(found[2])
    elif found := re.match(r"(\d{1,2})[/.-](\d{1,2})[/.-]((?:19|20)\d\d)", value):
        first, second, year = int(found[1]), int(found[2]), int(found[3])
        month = first if second == 1 and first <= 12 else second
    elif found := re.match(r"([a-z]{3})[a-z]*[-_ ./]*((?:19|20)?\d\d)$", value.lower()):
        year = int(found[2]) + (0 if len(found[2]) == 4 else 2000)
        month = _MONTHS.get(found[1], 0)
    return np.datetime64(f"{year:04d}-{month:02d}", "M") if year and 1 <= month <= 12 else None


def dictionary(codes: np.ndarray, values: Sequence[Any]) -> pa.DictionaryArray:
    """Return dictionary rows whose i-th row is ``values[codes[i]]``; a code of -1 is missing."""
    small, unique = pd.factorize(pd.Series(list(values), dtype="object"))
    codes = np.where(codes < 0, -1, np.append(small, -1)[codes]).astype("int32")
    return pa.DictionaryArray.from_arrays(
        pa.array(codes, mask=codes < 0), pa.array(list(unique), pa.string())
    )


@dataclass
class Rows:
    """The rows of a file by role, with what was rejected from them so far."""

    text: pa.Table
    rejects: list[pd.DataFrame] = field(default_factory=list)
    lines: np.ndarray | None = None
    month: np.ndarray | None = None

    def _pair(self, role: str) -> tuple[np.ndarray, list[Any]]:
        """Return codes (-1 missing) and distinct values of a role; a role not there is missing."""
        if role not in self.text.column_names:
            return np.full(self.text.num_rows, -1, dtype="int32"), []
        column = self.text[role]
        if not pa.types.is_dictionary(column.type):
            column = column.dictionary_encode()
        array = column.unify_dictionaries().combine_chunks()
        array = array.chunk(0) if isinstance(array, pa.ChunkedArray) else array
        return array.indices.fill_null(-1).to_numpy(), array.dictionary.to_pylist()

    def codes(self, role: str) -> np.ndarray:
        """Return the index of each row's value in `values`, -1 where missing."""
        return self._pair(role)[0]

    def take(self, index: np.ndarray) -> "Rows":
        """Return these rows, repeated where the index repeats; rejects stay behind."""
        return Rows(self.text.take(pa.array(index)))

    def values(self, role: str) -> list[Any]:
        """Return the distinct values of a role, in the order `coded` expects answers."""
        return self._pair(role)[1]

    def coded(self, role: str, answers: Sequence[Any]) -> pa.DictionaryArray:
        """Return rows that hold the answer for the value the role has there."""
        codes = self._pair(role)[0]
        return dictionary(codes, answers) if len(answers) else dictionary(codes, [None])

    def same(self, role: str) -> pa.DictionaryArray:
        """Return the role as published, without blanks at its ends."""
        return self.coded(role, [str(v).strip() or None for v in self.values(role)])

    def strings(self, role: str) -> pd.Series:
        """Return the role as text, row by row."""
        codes, values = self._pair(role)
        return pd.Series(np.array([*values, None], dtype=object)[codes], dtype="object")

    def text_of(self, role: str) -> pa.Array:
        """Return a role with too many values to encode, as text."""
        if role not in self.text.column_names:
            return pa.nulls(self.text.num_rows, pa.string())
        array = self.text[role].combine_chunks()
        return array.chunk(0) if isinstance(array, pa.ChunkedArray) else array

    def constant(self, value: Any, kind: pa.DataType | None = None) -> Any:
        """Return `value` on every row: text as a dictionary, numbers in `kind`."""
        count = self.text.num_rows
        if kind is None:
            return dictionary(np.zeros(count, dtype="int32"), [value])
        return pa.array(np.full(count, value, dtype=kind.to_pandas_dtype()), kind)

    def fill(self, first: pa.DictionaryArray, second: pa.DictionaryArray) -> pa.DictionaryArray:
        """Return `first`, and `second` on the rows where `first` is missing."""
        if first.null_count == 0:
            return first
        both = pa.chunked_array([first, second]).unify_dictionaries()
        one, two = (chunk.indices.fill_null(-1).to_numpy() for chunk in both.chunks)
        return dictionary(np.where(one < 0, two, one), both.chunk(0).dictionary.to_pylist())

    def keep(self, good: np.ndarray, *, column: str, reason: str, values: Any = None) -> "Rows":
        """Return the good rows; the others become rejects."""
        if good.all():
            return self
        lines = np.arange(len(good)) if self.lines is None else self.lines
        bad = make_rejects(~good, column=column, reason=reason, values=values)
        bad = bad.assign(line=lines[bad["line"].to_numpy(dtype=int) - 1] + 1)
        month = None if self.month is None else self.month[good]
        return Rows(self.text.filter(pa.array(good)), [*self.rejects, bad], lines[good], month)

    def with_month(self) -> "Rows":
        """Return the rows whose month can be read, and the month of each."""
        codes, values = self._pair("month")
        months = [parse_month(value) for value in values]
        nothing = np.datetime64("NaT", "M")
        parsed = np.array([nothing if m is None else m for m in [*months, None]], "datetime64[M]")
        month = parsed[codes]
        good = ~np.isnat(month)
        rows = self.keep(
            good,
            column="month",
            reason="The month cannot be read.",
            values=None if good.all() else self.strings("month"),
        )
        return Rows(rows.text, rows.rejects, rows.lines, month[good])

    def table(self, context: ReadContext, source: str, columns: dict[str, Any]) -> pa.Table:
        """Return the store table: `columns`, and where each row comes from."""
        origin: dict[str, Any] = {
            "source": self.constant(source),
            "release_class": self.constant(context.release_class),
            "file_id": self.constant(context.file_id, pa.int32()),
        }
        if self.month is not None:
            origin["month"] = pa.array(self.month.astype("datetime64[us]"))
        return pa.table(origin | columns)

    def result(self, tables: dict[str, Any], text: TextTable) -> ReadResult:
        """Return tables and rejects together, with the lines that were no rows at all."""
        parts = [*self.rejects, line_rejects(text)]
        parts = [part for part in parts if len(part)]
        return ReadResult(
            tables,
            text.rows,
            self.text.num_rows,
            pd.concat(parts, ignore_index=True) if parts else no_rows("reason", "rows"),
            list(text.findings),
        )


def line_rejects(text: TextTable) -> pd.DataFrame:
    """Return the lines with the wrong number of fields, grouped by what is wrong."""
    if not text.bad_lines:
        return no_rows("reason", "rows")
    table = pd.DataFrame(list(text.bad_lines), columns=["line", "reason"]).assign(rows=1)
    table = table.groupby("reason", as_index=False).agg({"line": "min", "rows": "sum"})
    return table.assign(column="", value="")


def parse_counts(column: pa.Array | pa.ChunkedArray) -> tuple[np.ndarray, np.ndarray]:
    """Return counts and a mask of cells that hold something that is no count; blank is NaN."""
    plain = pc.replace_substring_regex(column, r"[,\s\x{00A0}]+", "")
    plain = pc.replace_substring_regex(plain, r"\.0+$", "")
    good = pc.fill_null(pc.match_substring_regex(plain, r"^\d{1,12}$"), False)
    numbers = pc.cast(pc.if_else(good, plain, None), pa.float64())
    blank = pc.fill_null(pc.equal(plain, ""), True)
    return numbers.to_numpy(zero_copy_only=False), pc.invert(pc.or_(good, blank)).to_numpy(
        zero_copy_only=False
    )
