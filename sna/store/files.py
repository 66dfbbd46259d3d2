"""Files of the store: a table as Parquet in its contract's types, and JSON; folders of work."""

import json
import os
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from filelock import FileLock, Timeout

from sna.errors import TableError
from sna.schemas.arrow import complete, empty_table, to_arrow
from sna.schemas.store_tables import STORE_TABLES, Table

LEFT_S = 60  # a folder this old has its lock, or its owner is gone
WRITE_ROWS = 1 << 16  # that go through the encoders at a time


@contextmanager
def working_folder(prefix: str = "sna-", within: Path | None = None) -> Iterator[Path]:
    """Give a temporary folder, locked while its owner lives, and remove those without a living one.

    A process that is killed cannot tidy up; the next one does. Folders of other users, without a
    lock or just made stay.
    """
    parent = within or Path(tempfile.gettempdir())
    for path in parent.glob(f"{prefix}*"):
        _remove_left(path)
    with tempfile.TemporaryDirectory(prefix=prefix, dir=parent) as name:
        folder = Path(name)
        with FileLock(folder / ".lock"):
            yield folder


def _remove_left(path: Path) -> None:
    try:
        about = path.lstat()
        is_ours = about.st_uid == getattr(os, "getuid", lambda: about.st_uid)()
        is_old = time.time() - about.st_mtime > LEFT_S
        if stat.S_ISDIR(about.st_mode) and is_ours and is_old and (path / ".lock").is_file():
            with FileLock(path / ".lock", timeout=0):
                shutil.rmtree(path, ignore_errors=True)
    except (OSError, Timeout):  # gone meanwhile, or its owner lives
        return


def write_arrow(frame: "pd.DataFrame | pa.Table", contract: Table, path: Path) -> None:
    """Write a table that keeps its contract; references are random, so they are not packed.

    A column where nothing is missing says so, which spares a mark for each row. Only one that may
    hold one value, or none, states it, for `_same_values`: least and greatest of coded columns take
    long to find, and nothing asks for them.
    """
    table = to_arrow(frame, contract).unify_dictionaries()
    fields = [field.with_nullable(table[field.name].null_count > 0) for field in table.schema]
    table = pa.table(table.columns, schema=pa.schema(fields))
    long = {f.name: "DELTA_LENGTH_BYTE_ARRAY" for f in table.schema if pa.types.is_string(f.type)}
    packed: Any = {name: "none" if name in long else "zstd" for name in table.column_names}
    pq.write_table(
        table,
        path,
        compression=packed,
        use_dictionary=[field.name for field in table.schema if _is_repeated(field)],
        write_statistics=[f.name for f in table.schema if _may_be_same(table[f.name], f)],
        column_encoding=long,
        write_batch_size=WRITE_ROWS,
    )


def _is_repeated(field: pa.Field) -> bool:
    """Say whether a column has few values for its rows: not references, times or coordinates."""
    kind = field.type
    tests = (pa.types.is_dictionary, pa.types.is_integer, pa.types.is_boolean)
    return field.name == "month" or any(test(kind) for test in tests)


def _may_be_same(column: pa.ChunkedArray, field: pa.Field) -> bool:
    if pa.types.is_dictionary(field.type):
        return all(len(chunk.dictionary) <= 1 for chunk in column.chunks)
    return _is_repeated(field) or column.null_count == len(column)


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
            words = pa.array([same[name]])
            column: Any = pa.DictionaryArray.from_arrays(zeros, words, safe=False)
        elif pa.types.is_integer(kind):
            column = pa.array(np.full(len(zeros), same[name], dtype=kind.to_pandas_dtype()))
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


def write_json(value: object, path: Path) -> None:
    """Write a JSON file under a temporary name first."""
    part = path.with_name(f".{path.name}.part")
    part.write_text(json.dumps(value, indent=1, default=str) + "\n", encoding="utf-8")
    part.replace(path)


def read_json(path: Path) -> Any:
    """Return what a JSON file of the store holds; None when it is not there."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        what = "A file of the store cannot be read."
        raise TableError(what, where=path.name, found=error, do="Run: sna build --fresh") from None
