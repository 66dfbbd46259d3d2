"""Reference tables, one CSV each; every call gives a fresh copy of a table read once."""

import difflib
import re
from collections.abc import Callable
from functools import cache, partial
from importlib.resources import files

import pandas as pd

from sna.errors import UsageError

_FOLDER = files("sna.definitions")
_INTEGERS = {"tile_row", "tile_column", "age_lower", "age_upper", "esp2013"}
_DATES = {"start", "end"}
_FRILLS = re.compile(
    r"\b(london borough of|royal borough of|the|lb of|borough of|council)\b|[^a-z0-9&]+"
)


@cache
def _read(name: str) -> pd.DataFrame:
    with _FOLDER.joinpath(f"{name}.csv").open(encoding="utf-8") as file:
        frame = pd.read_csv(file, dtype="str", keep_default_na=False)
    dates = {c: pd.to_datetime(frame[c]) for c in frame.columns if c in _DATES}
    return frame.assign(**dates).astype({c: "int64" for c in frame.columns if c in _INTEGERS})


def read_reference(name: str) -> pd.DataFrame:
    """Return the reference table `name`: text, but for dates and whole numbers."""
    return _read(name).copy()


def rows_of(table: pd.DataFrame) -> list[dict[str, str]]:
    """Return the rows of a reference table as dictionaries of text."""
    return [{str(k): str(v) for k, v in row.items()} for row in table.to_dict("records")]


def __getattr__(name: str) -> Callable[[], pd.DataFrame]:
    """Give each table a reader of its name: ``boroughs()`` is ``read_reference("boroughs")``."""
    if not _FOLDER.joinpath(f"{name}.csv").is_file():
        raise AttributeError(f"sna.definitions holds no table {name!r}")
    return partial(read_reference, name)


def table_names() -> list[str]:
    """List the reference tables."""
    return sorted(path.name[:-4] for path in _FOLDER.iterdir() if path.name.endswith(".csv"))


def _key(text: str) -> str:
    return " ".join(_FRILLS.sub(" ", str(text).casefold().replace("&", " and ")).split())


@cache
def _lookup() -> dict[str, tuple[str, str]]:
    pairs = read_reference("boroughs")[["borough_code", "borough_name"]]
    names = dict(pairs.itertuples(index=False, name=None))
    found = {_key(text): (code, name) for code, name in names.items() for text in (code, name)}
    for alias, code, _ in read_reference("borough_aliases").itertuples(index=False, name=None):
        found[_key(alias)] = (code, names.get(code, ""))
    return found


def find_borough(text: str) -> tuple[str, str]:
    """Return the code and official name of a borough given by code, name or known spelling.

    An unknown name, or a pseudo-borough (an airport, ``Unknown``), raises `UsageError`.

    >>> find_borough("Kingston")
    ('E09000021', 'Kingston upon Thames')
    """
    found, key = _lookup(), _key(text)
    if found.get(key, ("", ""))[0]:
        return found[key]
    if key in found:
        what, do = f"{text!r} is not a borough.", "Its offences stay in the reconciliation table."
    else:
        near = difflib.get_close_matches(key, [k for k, v in found.items() if v[0]], n=1)
        do = f"Did you mean {found[near[0]][1]}?" if near else "Give a name or an E09 code."
        what = f"Borough {str(text)[:60]!r} is not known."
    raise UsageError(what, where="sna/definitions/boroughs.csv", do=do)
