"""The tables of data/processed, as two CSVs of the definitions state them: grain and columns.

The pandera check and ``docs/data.md`` are both made from them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from sna import definitions
from sna.errors import TableError

if TYPE_CHECKING:
    import pandera.pandas as pa

RELEASE_CLASSES = ("open", "restricted", "person_level")  # from lax to strict
BANDS = ("core", "context_only", "listed_out_of_context", "indeterminate", "out")


@dataclass(frozen=True)
class Column:
    """A column of a stored table: pandas dtype, unit or coding, meaning, and what it may hold."""

    dtype: str
    meaning: str
    unit: str = ""
    nullable: bool = True
    allowed: tuple[str, ...] = ()
    minimum: float | None = None


@dataclass(frozen=True)
class Table:
    """A stored table: what one row is, its columns in order, and the columns that must be there."""

    name: str
    grain: str
    columns: dict[str, Column]
    required: tuple[str, ...]

    def pandera(self) -> "pa.DataFrameSchema":
        """Build the pandera schema of this table."""
        import pandera.pandas as pa  # heavy; only when a table is checked

        columns = {}
        for name, column in self.columns.items():
            checks = [pa.Check.isin(column.allowed)] if column.allowed else []
            checks += [pa.Check.ge(column.minimum)] if column.minimum is not None else []
            needed = name in self.required
            columns[name] = pa.Column(checks=checks, nullable=column.nullable, required=needed)
        return pa.DataFrameSchema(columns, name=self.name)


def _read() -> dict[str, Table]:
    columns, found = definitions.store_columns(), {}
    for name, grain in definitions.store_tables().itertuples(index=False, name=None):
        rows = columns[columns["table"] == name].to_dict("records")
        required = tuple(row["column"] for row in rows if row["required"] == "yes")
        found[name] = Table(name, grain, {row["column"]: _column(row) for row in rows}, required)
    return found


def _column(row: dict[str, str]) -> Column:
    allowed = tuple(row["allowed"].split("|")) if row["allowed"] else ()
    minimum, nullable = float(row["minimum"]) if row["minimum"] else None, row["nullable"] == "yes"
    return Column(row["dtype"], row["meaning"], row["unit"], nullable, allowed, minimum)


STORE_TABLES = _read()
OFFENCES = STORE_TABLES["offences"]


def is_core(rows: pd.DataFrame) -> pd.Series:
    """Say which rows are units of the headline: core, and no damage attached to another offence.

    >>> is_core(pd.DataFrame({"band": ["core", "core"], "is_attached": [False, True]})).tolist()
    [True, False]
    """
    core = rows["band"].eq("core")
    return core & ~rows["is_attached"].eq(True).fillna(False) if "is_attached" in rows else core


def check_one_source(frame: pd.DataFrame, by: Sequence[str] = ()) -> None:
    """Raise `TableError` when rows of several sources, which overlap, would be added up.

    >>> check_one_source(pd.DataFrame({"source": ["extract", "mps_ward"]}), by=["source"])
    """
    sources = sorted(frame["source"].dropna().unique()) if "source" in frame else []
    if len(sources) > 1 and "source" not in by:
        what = f"{len(sources)} sources count the same offences and cannot be added up."
        do = 'Take one: sna.choose_rows(data), or offences[offences["source"] == …].'
        raise TableError(what, where="column source", found=sources, do=do)


def check_table(frame: pd.DataFrame, table: Table) -> pd.DataFrame:
    """Return `frame` unchanged when it keeps the contract of `table`; raise `TableError` if not."""
    import pandera.errors as pe  # heavy; only when a table is checked

    where = f"table {table.name}"
    if unknown := [name for name in frame.columns if name not in table.columns]:
        what = f"Table {table.name} has {len(unknown)} columns that its contract does not name."
        do = (
            "Drop them, or add them to sna/definitions/store_columns.csv with a meaning and a unit."
        )
        raise TableError(what, where=where, found=unknown, do=do)
    try:
        table.pandera().validate(frame, lazy=True)
    except pe.SchemaErrors as error:
        cases = error.failure_cases
        first, found = cases.iloc[0], cases["failure_case"].astype("str").unique()
        what = f"Table {table.name} breaks its contract in {len(cases)} places ({first['check']})."
        where = f"{where}, column {first['column']}, row {first['index']}"
        do = "Mend the reader or the caller that made this table."
        raise TableError(what, where=where, found=found, do=do) from None
    return frame
