"""Check what comes into a rate: numbers that can be counts, denominators and confidence levels."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import ndtri

from sna.errors import TableError, UsageError

Array = npt.NDArray[np.float64]


def check_confidence(confidence: float) -> float:
    """Return the normal quantile of a two-sided level, which must lie between 0 and 1."""
    if not 0 < confidence < 1:
        raise UsageError(
            "A confidence level is a proportion between 0 and 1.",
            found=confidence,
            do="Give 0.95 for 95 per cent.",
        )
    return float(ndtri(0.5 + confidence / 2))


def check_numbers(values: Any, name: str) -> Array:
    """Return `values` as floats; missing stays missing, negative or infinite numbers raise."""
    array = np.asarray(pd.to_numeric(np.asarray(values).ravel())).astype(float)
    array = array.reshape(np.shape(values))
    bad = ~(np.isnan(array) | ((array >= 0) & np.isfinite(array)))
    if bad.any():
        raise TableError(
            f"{int(bad.sum())} of {array.size} values of {name} are negative or infinite.",
            where=f"{name}, position {int(np.flatnonzero(bad)[0])}",
            found=array[bad],
            do="Counts and denominators are zero or more; use a missing value for unknown.",
        )
    return array


def check_columns(table: pd.DataFrame, columns: tuple[str, ...], where: str) -> None:
    """Raise `TableError` when `table` lacks one of `columns`."""
    missing = [name for name in columns if name not in table]
    if missing:
        raise TableError(
            f"The table lacks {len(missing)} of the {len(columns)} columns that {where} needs.",
            where=where,
            found=missing,
            do=f"Give a table with {', '.join(columns)}.",
        )


def check_denominator(table: pd.DataFrame, column: str, where: str) -> Array:
    """Return a column of denominators, all known and above zero; raise `TableError` if not."""
    values = check_numbers(table[column], column)
    bad = ~(values > 0)
    if bad.any():
        raise TableError(
            f"{int(bad.sum())} of {len(values)} rows have a {column} of zero or none.",
            where=f"{where}, row {table.index[int(np.flatnonzero(bad)[0])]}",
            found=values[bad],
            do=f"Give every row a {column} above zero, or leave the row out and say so.",
        )
    return values


def check_counts(table: pd.DataFrame, column: str, where: str) -> Array:
    """Return a column of whole counts, missing allowed; raise `TableError` for fractions."""
    values = check_numbers(table[column], column)
    bad = np.isfinite(values) & (values != np.floor(values))
    if bad.any():
        raise TableError(
            f"{int(bad.sum())} of {len(values)} values of {column} are not whole numbers.",
            where=f"{where}, row {table.index[int(np.flatnonzero(bad)[0])]}",
            found=values[bad],
            do="Count events; weights and expected numbers are not counts.",
        )
    return values


def undefined_at_zero(denominator: Array) -> Array:
    """Return denominators with zero as missing, so that nothing is divided by it."""
    return np.where(denominator > 0, denominator, np.nan)
