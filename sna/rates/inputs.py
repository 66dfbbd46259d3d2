"""Check what comes into a rate: counts, denominators and confidence levels."""

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
        what, do = (
            "A confidence level is a proportion between 0 and 1.",
            "Give 0.95 for 95 per cent.",
        )
        raise UsageError(what, found=confidence, do=do)
    return float(ndtri(0.5 + confidence / 2))


def check_numbers(
    values: Any, name: str, *, above_zero: bool = False, whole: bool = False
) -> Array:
    """Return floats of the same shape; raise for what cannot be a count or a denominator.

    Missing stays missing; negative and infinite never pass. ``above_zero`` refuses zero and
    missing, ``whole`` refuses fractions.
    """
    try:
        array = np.asarray(pd.to_numeric(np.asarray(values).ravel())).astype(float)
    except (TypeError, ValueError) as error:
        what, do = f"{name} is not a number.", "Give numbers, not texts."
        raise TableError(what, where=name, found=np.ravel(values), do=do) from error
    array = array.reshape(np.shape(values))
    bad, what = ~(np.isnan(array) | ((array >= 0) & np.isfinite(array))), "negative or infinite"
    if above_zero and not bad.any():
        bad, what = ~(array > 0), "zero or none"
    if whole and not bad.any():
        bad, what = np.isfinite(array) & (array != np.floor(array)), "not whole numbers"
    if bad.any():
        what = f"{int(bad.sum())} of {array.size} values of {name} are {what}."
        where = f"{name}, position {int(np.flatnonzero(bad)[0])}"
        do = "Count events; leave out rows without a denominator."
        raise TableError(what, where=where, found=array[bad], do=do)
    return array


def check_columns(table: pd.DataFrame, columns: tuple[str, ...], where: str) -> None:
    """Raise `TableError` when `table` lacks one of `columns`."""
    if missing := [name for name in columns if name not in table]:
        what = f"The table lacks {len(missing)} of {len(columns)} columns."
        raise TableError(what, where=where, found=missing, do=f"It needs {', '.join(columns)}.")


def undefined_at_zero(denominator: Array) -> Array:
    """Return denominators with zero as missing, so that nothing is divided by it."""
    return np.where(denominator > 0, denominator, np.nan)
