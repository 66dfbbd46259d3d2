"""The contract of a stored table in Arrow's types: checked when written, completed when read."""

from collections.abc import Iterable
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from sna.errors import TableError
from sna.schemas.columns import Table
from sna.schemas.store_tables import STORE_TABLES

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


def write_arrow(frame: "pd.DataFrame | pa.Table", contract: Table, path: Path) -> None:
    """Write a table that keeps its contract; references are random, so they are not packed."""
    table = to_arrow(frame, contract).unify_dictionaries()
    long = {f.name: "DELTA_LENGTH_BYTE_ARRAY" for f in table.schema if pa.types.is_string(f.type)}
    coded = [name for name in table.column_names if name not in long]
    packed: Any = {name: "none" if name in long else "zstd" for name in table.column_names}
    pq.write_table(table, path, compression=packed, use_dictionary=coded, column_encoding=long)


def read_files(name: str, paths: list[Path], filters: Any = None) -> pd.DataFrame:
    """Return the table that `paths` hold one after another, with every column of its contract."""
    contract = STORE_TABLES[name.split("/")[0]]
    if not paths:
        return empty_table(contract.name).copy()
    if name == "areas":
        import geopandas as gpd

        return gpd.read_parquet(paths[0])
    tables = [_read_arrow(path, filters) for path in paths]
    return complete(pa.concat_tables(tables, promote_options="permissive"), contract)


def _read_arrow(path: Path, filters: Any = None) -> pa.Table:
    """Read a stored table; a column that holds one value, or none, is not read but made."""
    if filters is not None:
        return pq.read_table(path, filters=filters, partitioning=None, memory_map=True)
    file = pq.ParquetFile(path, memory_map=True)
    same = _same_values(file.metadata)
    schema, zeros = file.schema_arrow, pa.array(np.zeros(file.metadata.num_rows, dtype="int32"))
    table = file.read([name for name in schema.names if name not in same])
    for name in (name for name in schema.names if same.get(name) is not None):
        kind = schema.field(name).type
        if pa.types.is_dictionary(kind):
            column: Any = pa.DictionaryArray.from_arrays(zeros, pa.array([same[name]]))
        else:
            column = pa.repeat(pa.scalar(same[name], kind), len(zeros))
        table = table.append_column(name, column)
    return table


def _same_values(metadata: pq.FileMetaData) -> dict[str, Any]:
    """Return the columns with one value in every row, None for no value, as the file states it."""
    found: dict[str, Any] = {}
    for place in range(metadata.num_columns if metadata.num_rows else 0):
        groups = [metadata.row_group(n).column(place) for n in range(metadata.num_row_groups)]
        is_float = groups[0].physical_type in ("FLOAT", "DOUBLE")  # NaN is not among the least
        if is_float or not all(group.is_stats_set for group in groups):
            continue
        stats = [group.statistics for group in groups]
        empty = sum(stat.null_count for stat in stats)
        if empty == metadata.num_rows:
            found[groups[0].path_in_schema] = None
        elif not empty and all(stat.has_min_max for stat in stats):
            values = {value for stat in stats for value in (stat.min, stat.max)}
            found |= {groups[0].path_in_schema: values.pop()} if len(values) == 1 else {}
    return found


def complete(table: pa.Table, contract: Table) -> pd.DataFrame:
    """Return the table with every column of its contract, in order, unknown ones empty."""
    coded: dict[str, Any] = {}
    plain: dict[str, Any] = {}
    for name, rule in contract.columns.items():
        kind = _kind(rule.dtype)
        if pa.types.is_dictionary(kind):
            coded[name] = _categories(table, name)
        elif name in table.column_names:
            plain[name] = table[name]
        elif pa.types.is_boolean(kind):
            plain[name] = pa.array(np.zeros(table.num_rows, dtype=bool))
        else:
            plain[name] = pa.nulls(table.num_rows, kind)
    frame = pa.table(plain).to_pandas() if plain else pd.DataFrame()
    columns = {name: coded[name] if name in coded else frame[name] for name in contract.columns}
    return pd.DataFrame(columns, copy=False)


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
    whole = [to_arrow(table, STORE_TABLES[name]) for table in tables]
    whole = pa.concat_tables(whole, promote_options="permissive")
    for place, field in enumerate(whole.schema):
        if pa.types.is_dictionary(field.type):  # unify_dictionaries() reads what lies under a null
            texts = whole[field.name].cast(pa.string()).dictionary_encode()
            whole = whole.set_column(place, field.name, texts)
    return whole


@cache
def empty_table(name: str) -> pd.DataFrame:
    """Return a stored table without rows; copy it before it is given away."""
    empty = complete(pa.table({}), STORE_TABLES[name])
    if name != "areas":
        return empty
    import geopandas as gpd

    return gpd.GeoDataFrame(empty.assign(geometry=gpd.GeoSeries([], crs=27700)))
