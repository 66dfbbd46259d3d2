"""Columns with few values, held as categories, so that each value is looked at once."""

from typing import Any

import pandas as pd

from sna import definitions
from sna.errors import UsageError
from sna.sources.mapping import Mapping


def plain_text(text: pd.Series, mapping: Mapping) -> pd.Series:
    """Return text without blanks around it, and what means missing as missing."""
    marks = {"", *mapping.missing}
    if isinstance(text.dtype, pd.CategoricalDtype):
        words = [str(word).strip() for word in text.cat.categories]
        return recode(text, [None if word in marks else word for word in words])
    stripped = text.str.strip()
    return stripped.mask(stripped.isin(marks))


def recode(text: pd.Series, answers: list[Any], blank: Any = None) -> pd.Series:
    """Return the answer for each row's category, and `blank` where it is missing."""
    codes, names = pd.factorize(pd.Series([*answers, blank], dtype="object"))
    found = pd.Categorical.from_codes(
        codes[text.cat.codes], categories=pd.Index(names, dtype="str")
    )
    return pd.Series(found, index=text.index)


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
