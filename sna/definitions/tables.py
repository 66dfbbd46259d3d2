"""Reference tables, one CSV each; every call gives a fresh copy of a table read once."""

from collections.abc import Callable
from functools import cache, partial
from importlib.resources import files

import pandas as pd

_INTEGERS = {"tile_row", "tile_column", "age_lower", "age_upper", "esp2013"}
_DATES = {"start", "end"}


@cache
def _read(name: str) -> pd.DataFrame:
    with files("sna.definitions").joinpath(f"{name}.csv").open(encoding="utf-8") as file:
        frame = pd.read_csv(file, dtype="str", keep_default_na=False)
    dates = {c: pd.to_datetime(frame[c]) for c in frame.columns if c in _DATES}
    return frame.assign(**dates).astype({c: "int64" for c in frame.columns if c in _INTEGERS})


def read_reference(name: str) -> pd.DataFrame:
    """Return the reference table `name`: text, but for dates and whole numbers."""
    return _read(name).copy()


def rows_of(table: pd.DataFrame) -> list[dict[str, str]]:
    """Return the rows of a reference table as dictionaries of text."""
    return [{str(k): str(v) for k, v in row.items()} for row in table.to_dict("records")]


Reader = Callable[[], pd.DataFrame]
offence_codes: Reader = partial(read_reference, "offence_codes")
detailed_codes: Reader = partial(read_reference, "offence_detailed_codes")
published_categories: Reader = partial(read_reference, "published_categories")
switches: Reader = partial(read_reference, "switches")
boroughs: Reader = partial(read_reference, "boroughs")
borough_aliases: Reader = partial(read_reference, "borough_aliases")
breaks: Reader = partial(read_reference, "breaks")
ethnic_groups: Reader = partial(read_reference, "ethnic_groups")
standard_population: Reader = partial(read_reference, "standard_population")
area_series: Reader = partial(read_reference, "area_series")
source_titles: Reader = partial(read_reference, "source_titles")
downloads: Reader = partial(read_reference, "downloads")
store_tables: Reader = partial(read_reference, "store_tables")
store_columns: Reader = partial(read_reference, "store_columns")
mapping_looks: Reader = partial(read_reference, "mapping_looks")
