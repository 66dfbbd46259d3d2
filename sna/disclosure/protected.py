"""A result table that may leave the house: what charts, sentences and figures accept."""

import json
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from sna.disclosure.rules import SHORTHAND
from sna.schemas.results import ResultTable

__all__ = ["SHORTHAND", "ProtectedTable"]

BESIDE = ("[u]", "[low]")  # marks of a number, never in its place


@dataclass(frozen=True, eq=False)
class ProtectedTable:
    """A result table after disclosure control.

    ``table`` holds the columns of the contract only; a withheld value is missing (NaN) there.
    ``flags`` has the same index and the value columns; a cell is ``""`` or shorthand such as
    ``[c]``. ``notes`` stand above the table, ``absent`` says why
    it has no rows where its maker knows. ``log`` and ``ledger`` are internal: they go to the
    records folder only.
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
    absent: str = ""
    log: pd.DataFrame = field(default_factory=pd.DataFrame, repr=False)
    ledger: pd.DataFrame = field(default_factory=pd.DataFrame, repr=False)

    def shown(self, row: Any, column: str) -> str:
        """Return the text of one cell: its flag alone when suppressed, else number and flag.

        Counts have no decimals, rates one, ratios two; months read "March 2025".
        """
        # a table has thousands of cells, and `.at` reads one three times faster than `.loc`
        flag = str(self.flags.at[row, column]) if column in self.flags else ""  # noqa: PD008
        value: Any = self.table.at[row, column]  # noqa: PD008
        if pd.isna(value):
            return self._gap(flag) if column in self.flags else ""
        text = str(value)
        if isinstance(value, pd.Timestamp):
            text = f"{value:%B %Y}" if value.day == 1 else f"{value.day} {value:%B %Y}"
        elif isinstance(value, bool | np.bool_):
            text = "yes" if value else "no"
        elif isinstance(value, int | float | np.number):
            number = float(value)  # a small integer type cannot be multiplied by 100
            share = f"{100 * number:.1f}".removesuffix(".0")  # of rounded counts it is whole
            is_share = self._kind(column) == "share"
            text = f"{share}%" if is_share else self._number(column, number)
        return f"{text} {flag}".strip()

    @staticmethod
    def _gap(flag: str) -> str:
        """Return what stands where a value is missing: a mark beside a number is none."""
        return "[x]" if flag in ("", *BESIDE) else flag

    def _kind(self, column: str) -> str:
        derived = self.contract.derived
        return next((d.kind for d in derived if column in (d.column, *d.limits)), "")

    def _number(self, column: str, value: float) -> str:
        kind, places = self._kind(column), 3 if column.startswith("p_") else 2
        if kind:
            places = 2 if kind == "rate_ratio" else 1
        elif column in self.contract.counts or value.is_integer():
            places = 0
        return f"{value:,.{places}f}"

    def published(self) -> pd.DataFrame:
        """Return the table as text for a CSV: plain numbers, shorthand in withheld cells.

        Flags that stand beside a number (``[u]``, ``[low]``) go to the last column, ``flags``.
        """
        texts = self.table.astype("object").map(_plain).astype("str")
        gaps = self.table[self.flags.columns].isna()
        for name in self.flags:
            texts[name] = texts[name].mask(gaps[name], self.flags[name].map(self._gap))
        beside = self.flags.mask(gaps, "").to_dict("records")
        joined = ["; ".join(f"{name} {flag}" for name, flag in r.items() if flag) for r in beside]
        return texts.assign(flags=pd.Series(joined, index=texts.index, dtype="str"))

    def record(self) -> str:
        """Return log and ledger as JSON for the records folder; never for a reader."""
        frames = {"log": self.log, "ledger": self.ledger}
        plain = {k: f.to_json(orient="records", date_format="iso") for k, f in frames.items()}
        return json.dumps({name: json.loads(text) for name, text in plain.items()})


def _plain(value: Any) -> str:
    if isinstance(value, str):
        return value
    if pd.isna(value):
        return ""
    if isinstance(value, pd.Timestamp):
        return f"{value:%Y-%m-%d}"
    if isinstance(value, float):
        return f"{value:.0f}" if value.is_integer() else f"{value:.6g}"
    return str(value)
