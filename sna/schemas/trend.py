"""Contracts of the result tables of `sna.trend`, read from their specification."""

import tomllib
from functools import cache
from importlib import resources
from typing import Any

from sna.schemas.results import Derived, Estimate, ResultTable, register


@cache
def read_specification() -> dict[str, Any]:
    """Read what the tables of the trend hold and how they are shown."""
    path = resources.files("sna.definitions") / "reports" / "trend.toml"
    return tomllib.loads(path.read_text(encoding="utf-8"))


def _words(row: dict[str, Any], name: str) -> tuple[str, ...]:
    return tuple(row.get(name, "").split())


def _derived(row: dict[str, Any]) -> Derived:
    limits: Any = _words(row, "limits")
    return Derived(row["column"], row["kind"], _words(row, "inputs"), limits)


register(
    *(
        ResultTable(
            f"trend_{name}", row["grain"], _words(row, "keys"), _words(row, "counts"),
            tuple(_derived(made) for made in row.get("derived", [])),
            tuple(Estimate(column, row["of"]) for column in _words(row, "estimates")),
            _words(row, "plain"), units=read_specification()["units"],
        )
        for name, row in read_specification()["tables"].items()
    )
)  # fmt: skip
