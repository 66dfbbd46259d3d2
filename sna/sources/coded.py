"""Columns with few values, held as categories, so that each value is looked at once."""

from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from sna import definitions
from sna.errors import UsageError
from sna.sources.mapping import Mapping

LAST_ASCII = 127


def plain_text(text: pd.Series, mapping: Mapping) -> pd.Series:
    """Return text without blanks around it, and what means missing as missing."""
    marks = {"", *mapping.missing}
    if isinstance(text.dtype, pd.CategoricalDtype):
        words = [str(word).strip() for word in text.cat.categories]
        return recode(text, [None if word in marks else word for word in words])
    plain = text.str.strip() if _may_hold_blanks(text) else text
    missing = plain.isin(marks)
    return plain.mask(missing) if missing.any() else plain


def _may_hold_blanks(text: pd.Series) -> bool:
    """Say whether any byte of a text is a blank, or of a letter beyond ASCII, which can be one."""
    whole = pa.chunked_array(pa.array(text))
    letters = [np.frombuffer(chunk.buffers()[2] or b"", "uint8") for chunk in whole.chunks]
    return any(((some <= ord(" ")) | (some > LAST_ASCII)).any() for some in letters)


def recode(text: pd.Series, answers: list[Any], blank: Any = None) -> pd.Series:
    """Return the answer for each row's category, and `blank` where it is missing."""
    codes, names = pd.factorize(pd.Series([*answers, blank], dtype="object"))
    small = codes.astype(np.min_scalar_type(-len(names) - 1))  # fewer bytes to go through
    found = pd.Categorical.from_codes(
        small[text.cat.codes.to_numpy()], categories=pd.Index(names, dtype="str")
    )
    return pd.Series(found, index=text.index)


def add_same(rows: pd.DataFrame, **values: str | int) -> pd.DataFrame:
    """Add columns of one value each; a word is coded once, not row by row."""
    same = np.zeros(len(rows), dtype="int8")
    coded = {
        name: pd.Categorical.from_codes(same, categories=pd.Index([value], dtype="str"))
        for name, value in values.items()
        if isinstance(value, str)
    }
    return rows.assign(**{**values, **coded})


def values_of(text: pd.Series) -> list[str]:
    """Return the values of a column of categories, in the order of their codes."""
    return [str(value) for value in text.cat.categories]


def find_boroughs(text: pd.Series) -> pd.Series:
    """Return the codes of London boroughs in any published spelling, missing for other names."""

    def find(name: str) -> str | None:
        try:
            return definitions.find_borough(name)[0]
        except UsageError:
            return None

    return recode(text, [find(name) for name in values_of(text)])
