"""Reference tables, one CSV each; every call gives a fresh copy of a table read once."""

from collections.abc import Callable
from functools import cache
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


def _table(name: str, what: str) -> Callable[[], pd.DataFrame]:
    def read() -> pd.DataFrame:
        return _read(name).copy()

    read.__doc__, read.__name__ = f"Return {what}.", name
    return read


offence_codes = _table("offence_codes", "offence classes: group, role, family, switch, vintage")
detailed_codes = _table("offence_detailed_codes", "detailed codes (005/01) with their classes")
published_categories = _table("published_categories", "published labels as sets of offence codes")
switches = _table("switches", "switches of the ambiguity table: rule, default, allowed values")
switch_roles = _table("switch_roles", "roles that codes take under a value of a switch")
relationships = _table("relationships", "relationships, and whether they connect personally")
rules = _table("rules", "rule numbers of the definition with a short name each")
proxies = _table("proxies", "published labels that stand in for the definition")
listed_families = _table("listed_families", "families of listed offences with maximum penalties")
whole_sources = _table("whole_sources", "sources with every offence of a borough, best first")
area_series = _table("area_series", "sources with places: what they measure, labels, best first")
boroughs = _table("boroughs", "the 33 boroughs: code, name, inner or outer (ONS), unit, tile")
borough_aliases = _table("borough_aliases", "other spellings; kind pseudo is no borough")
breaks = _table("breaks", "breaks in series with their dates (no end for a step) and text")
ethnic_groups = _table("ethnic_groups", "ethnicity labels by scheme; observed has no Mixed")
age_bands = _table("age_bands", "age bands by scheme, youngest and oldest age (999: open)")
standard_population = _table("standard_population", "European Standard Population 2013 by band")
downloads = _table("downloads", "open files that sna fetch can download")
source_titles = _table("source_titles", "what a reader is told of each source id")
store_tables = _table("store_tables", "tables of the store with their grain")
store_columns = _table("store_columns", "columns of the store: dtype, unit, meaning, values")
mapping_looks = _table("mapping_looks", "what each role of a record extract looks like")
