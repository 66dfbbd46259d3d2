"""Choices that the sentences about bands, bounds and readings need."""

from types import SimpleNamespace
from typing import Any

import pandas as pd


def is_wide(row: Any) -> bool:
    """Say whether unknown facts leave more than half of what is possible open."""
    return bool(row.upper - row.lower > row.upper / 2)


def is_ignorance(row: Any) -> bool:
    """Say whether none is counted only because the facts at hand cannot tell."""
    return bool(row.offences == 0 and row.possible > 0)


def ends(rows: list[Any]) -> list[Any]:
    """Return the readings with the smallest and largest core, then core at most."""
    known = [row for row in rows if pd.notna(row.core) and pd.notna(row.core_possible)]
    known.sort(key=lambda row: (row.core, row.core_possible))
    return [known[0], known[-1]] if known else []


def largest(rows: list[Any]) -> Any:
    """Return the row with most offences."""
    return max(rows, key=lambda row: row.offences if pd.notna(row.offences) else 0)


def largest_moves(rows: list[Any]) -> list[Any]:
    """Return at most three flows between bands, the widest first."""
    moves = [row for row in rows if row.moves]
    return sorted(moves, key=lambda r: -r.offences if pd.notna(r.offences) else 0)[:3]


def moving(rows: list[Any]) -> list[Any]:
    """Return the settings under which core would be another number."""
    pairs = ("core", "core_base"), ("core_possible", "core_possible_base")
    known = [row for row in rows if all(pd.notna(getattr(row, name)) for name, _ in pairs)]
    return [r for r in known if any(getattr(r, a) != getattr(r, b) for a, b in pairs)]


def missing_shares(table: pd.DataFrame) -> SimpleNamespace:
    """Return the three facts missing most, and those whose share drifts."""
    sums = table.groupby("field")[["missing", "offences"]].sum()
    shares = (sums["missing"] / sums["offences"]).sort_values(ascending=False).head(3)
    drifting = sorted(set(table.loc[table["drifts"].astype(bool), "field"]))
    return SimpleNamespace(most=list(shares.items()), drifting=drifting)
