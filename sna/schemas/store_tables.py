"""The tables of data/processed, as two CSVs of the definitions state them: grain and columns."""

import pandas as pd

from sna import definitions
from sna.schemas.columns import Column, Table

RELEASE_CLASSES = ("open", "restricted", "person_level")  # from lax to strict
BANDS = ("core", "context_only", "listed_out_of_context", "indeterminate", "out")


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
