"""A result table that may leave the house: what charts, sentences and figures accept."""

from dataclasses import dataclass
from typing import Any

import pandas as pd

from sna.schemas.results import ResultTable


@dataclass(frozen=True)
class ProtectedTable:
    """A result table after disclosure control.

    ``table`` holds the columns of the contract only; a suppressed or withheld value is missing
    (NaN) there. ``flags`` has the same index and the value columns of ``table``; each cell is
    ``""`` or a shorthand such as ``[c]``, ``[x]``, ``[u]``, ``[b]``. ``notes`` are sentences to
    print above the table (rounding, suppression, shorthand met). ``simulated`` says that every
    number is simulated.
    """

    contract: ResultTable
    table: pd.DataFrame
    flags: pd.DataFrame
    edition: str
    borough_name: str
    period: str
    sources: tuple[str, ...]
    notes: tuple[str, ...] = ()
    simulated: bool = False
    marking: str = "OFFICIAL"

    def shown(self, row: Any, column: str) -> str:
        """Return the text of one cell: its flag alone when suppressed, else number and flag."""
        flag = str(self.flags.loc[row, column]) if column in self.flags else ""
        value: Any = self.table.loc[row, column]
        if pd.isna(value):
            return flag or "[x]"
        text = f"{value:,.1f}" if isinstance(value, float) else f"{value:,}"
        return f"{text} {flag}".strip()
