"""Reference tables, one CSV each; every call gives a fresh copy of a table read once."""

from collections.abc import Callable
from functools import cache, partial
from importlib.resources import files

import pandas as pd

_FOLDER = files("sna.definitions")
_INTEGERS = {"tile_row", "tile_column", "age_lower", "age_upper", "esp2013"}
_DATES = {"start", "end"}


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
    if name not in table_names():
        raise AttributeError(f"sna.definitions holds no table {name!r}")
    return partial(read_reference, name)


def table_names() -> list[str]:
    """List the reference tables."""
    return sorted(path.name[:-4] for path in _FOLDER.iterdir() if path.name.endswith(".csv"))
