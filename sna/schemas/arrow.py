"""The contract of a stored table in Arrow's types: checked when written, completed when read."""

from collections.abc import Iterable
from functools import cache, lru_cache
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from sna.errors import TableError
from sna.schemas.store_tables import STORE_TABLES, Table

_KINDS = {
    "category": pa.dictionary(pa.int32(), pa.string()),
    "str": pa.string(),
    "object": pa.null(),  # shapes; GeoParquet keeps its own
    "datetime64[us]": pa.timestamp("us"),
    "bool": pa.bool_(),
}


def _kind(dtype: str) -> pa.DataType:
    return _KINDS.get(dtype) or pa.type_for_alias(dtype)


def to_arrow(frame: "pd.DataFrame | pa.Table", contract: Table) -> pa.Table:
    """Return a table in the column types of its contract, checked against it."""
    if isinstance(frame, pd.DataFrame):
        frame = pa.Table.from_pandas(pd.DataFrame(frame), preserve_index=False)
    extra = set(frame.column_names) - set(contract.columns)
    lacking = set(contract.required) - set(frame.column_names)
    if extra or lacking:
        _refuse(contract, "columns its contract does not name or lacks", extra | lacking)
    names = [name for name in contract.columns if name in frame.column_names]
    return pa.table({name: _column(frame[name], name, contract) for name in names})


def _column(column: pa.ChunkedArray, name: str, contract: Table) -> pa.ChunkedArray:
    """Return one column in its type; values that its contract does not allow are an error."""
    rule = contract.columns[name]
    kind = _kind(rule.dtype)
    if pa.types.is_dictionary(kind) and not pa.types.is_dictionary(column.type):
        column = column.cast(pa.string()).dictionary_encode()
    column = column if column.type == kind else column.cast(kind)
    if column.null_count and not rule.nullable:
        _refuse(contract, f"missing values in {name}", [column.null_count])
    if pa.types.is_dictionary(kind) and rule.allowed:
        held = {value for chunk in column.chunks for value in chunk.dictionary.to_pylist()}
        if wrong := held - {*rule.allowed, None}:
            _refuse(contract, f"values not allowed in {name}", wrong)
    return column


def _refuse(contract: Table, what: str, found: Iterable[object]) -> None:
    do = "Mend the reader that made it, or the contract in sna/definitions/store_columns.csv."
    where = f"table {contract.name}"
    raise TableError(f"Table has {what}.", where=where, found=sorted(map(str, found)), do=do)


def complete(table: pa.Table, contract: Table) -> pd.DataFrame:
    """Return the table with every column of its contract, in order, unknown ones empty."""
    columns: dict[str, Any] = {}
    for name, rule in contract.columns.items():
        if pa.types.is_dictionary(_kind(rule.dtype)):
            columns[name] = _categories(table, name)
        elif name in table.column_names:
            columns[name] = table[name].to_pandas().array
        else:
            columns[name] = _nothing(rule.dtype, table.num_rows)
    return pd.DataFrame(columns, copy=False)


def _nothing(dtype: str, rows: int) -> Any:
    """Return a column without values; flags are then false, and numbers can be missing."""
    if dtype == "str":
        return pa.nulls(rows, pa.string()).to_pandas().array
    if dtype == "bool" or not rows:
        return np.zeros(rows, dtype=dtype)
    if dtype.startswith("datetime"):
        return np.full(rows, "NaT", dtype=dtype)
    return np.full(rows, None if dtype == "object" else np.nan)


def _categories(table: pa.Table, name: str) -> pd.Categorical:
    """Return a coded column as pandas holds it, without the checks that take most of the time."""
    if name not in table.column_names:
        return pd.Categorical.from_codes(
            np.full(table.num_rows, -1, dtype="int8"), dtype=_category_type(()), validate=False
        )
    whole = table[name].unify_dictionaries().combine_chunks()
    whole = whole.chunk(0) if isinstance(whole, pa.ChunkedArray) else whole
    values, index = whole.dictionary.to_pylist(), whole.indices
    codes = (index.fill_null(-1) if index.null_count else index).to_numpy()
    small = codes.astype(np.min_scalar_type(-len(values) - 1))
    return pd.Categorical.from_codes(small, dtype=_category_type(tuple(values)), validate=False)


@lru_cache(maxsize=1024)
def _category_type(values: tuple[str, ...]) -> pd.CategoricalDtype:
    return pd.CategoricalDtype(pd.Index(values, dtype="str"))


def join_tables(tables: list[Any], name: str) -> Any:
    """Return tables one after another in the types of their contract; None when there are none."""
    if not tables or name == "areas":
        return pd.concat(tables, ignore_index=True) if tables else None
    return stack([to_arrow(table, STORE_TABLES[name]) for table in tables])


def stack(tables: list[pa.Table]) -> pa.Table:
    """Return tables of one contract one after another, each coded column under one dictionary."""
    whole = pa.concat_tables(tables, promote_options="permissive")
    columns = {
        field.name: _recode(column) if pa.types.is_dictionary(field.type) else column
        for field, column in zip(whole.schema, whole.columns, strict=True)
    }
    return pa.table(columns)


def _recode(column: pa.ChunkedArray) -> pa.DictionaryArray:
    """Return coded rows under one dictionary: the values there are, in order of appearance.

    No dictionary that is given holds a value twice.
    """
    if any(chunk.dictionary.null_count for chunk in column.chunks):  # which Arrow does not join
        column = column.cast(pa.string()).dictionary_encode()
    whole = column.combine_chunks()
    if isinstance(whole, pa.ChunkedArray):
        whole = whole.chunk(0) if whole.num_chunks else pa.array([], column.type)
    if len(whole.dictionary) == 1 and not whole.null_count and len(whole):
        return whole
    again = whole.indices.dictionary_encode()  # numbers the codes that there are anew
    words = whole.dictionary.take(again.dictionary)
    return pa.DictionaryArray.from_arrays(again.indices, words, safe=False)


@cache
def empty_table(name: str) -> pd.DataFrame:
    """Return a stored table without rows; copy it before it is given away."""
    empty = complete(pa.table({}), STORE_TABLES[name])
    if name != "areas":
        return empty
    import geopandas as gpd

    return gpd.GeoDataFrame(empty.assign(geometry=gpd.GeoSeries([], crs=27700)))
