"""The tables of data/processed, as two CSVs of the definitions state them: grain and columns."""

from sna import definitions
from sna.schemas.columns import Column, Table

RELEASE_CLASSES = ("open", "restricted", "person_level")  # from lax to strict
AREA_LEVELS = ("record", "lsoa", "ward", "borough", "force")
BANDS = ("core", "context_only", "listed_out_of_context", "indeterminate", "out")


def _read() -> dict[str, Table]:
    columns = definitions.store_columns()
    found = {}
    for name, grain in definitions.store_tables().itertuples(index=False, name=None):
        rows = columns[columns["table"] == name].to_dict("records")
        found[name] = Table(
            name,
            grain,
            {
                row["column"]: Column(
                    row["dtype"],
                    row["meaning"],
                    row["unit"],
                    row["nullable"] == "yes",
                    tuple(row["allowed"].split("|")) if row["allowed"] else (),
                    float(row["minimum"]) if row["minimum"] else None,
                )
                for row in rows
            },
            tuple(row["column"] for row in rows if row["required"] == "yes"),
        )
    return found


STORE_TABLES = _read()
OFFENCES = STORE_TABLES["offences"]
