"""Reference tables, one CSV each; every call gives a fresh copy of a table read once."""

from functools import cache
from importlib.resources import files

import pandas as pd

_INTEGERS = {"tile_row", "tile_column", "age_lower", "age_upper"}


@cache
def _read(name: str) -> pd.DataFrame:
    """Read one CSV as text, blanks kept as empty strings."""
    with files("sna.definitions").joinpath(f"{name}.csv").open(encoding="utf-8") as file:
        frame = pd.read_csv(file, dtype="str", keep_default_na=False)
    return frame.astype({c: "int64" for c in frame.columns if c in _INTEGERS})


def offence_codes() -> pd.DataFrame:
    """Home Office offence classes: name, group, role in the definition, family, switch, vintage.

    Examples
    --------
    >>> offence_codes().set_index("offence_code").loc["34B", "role"]
    'listed'
    """
    return _read("offence_codes").copy()


def detailed_codes() -> pd.DataFrame:
    """Detailed Home Office codes (``005/01``) with the classes that each can belong to."""
    return _read("offence_detailed_codes").copy()


def boroughs() -> pd.DataFrame:
    """List the 33 London boroughs with the City: code, name, inner or outer, command unit, tile.

    Inner London is that of the Office for National Statistics (with Haringey and Newham, without
    Greenwich). ``tile_row`` counts from the north, ``tile_column`` from the west.
    """
    return _read("boroughs").copy()


def borough_aliases() -> pd.DataFrame:
    """Other spellings of borough names; ``kind`` is ``pseudo`` for places that are no borough."""
    return _read("borough_aliases").copy()


def breaks() -> pd.DataFrame:
    """List breaks in series: ``start`` and ``end`` dates (no ``end`` for a step), and text."""
    frame = _read("breaks").copy()
    return frame.assign(start=pd.to_datetime(frame["start"]), end=pd.to_datetime(frame["end"]))


def ethnic_groups() -> pd.DataFrame:
    """Ethnicity labels by scheme (self_defined, officer_observed, census_19, five) and group.

    ``ethnic_group`` is White, Mixed, Asian, Black, Other or Not stated. Officers' observation has
    no Mixed code, so the two police schemes are never one series.
    """
    return _read("ethnic_groups").copy()


def age_bands() -> pd.DataFrame:
    """Age bands by scheme, with the youngest and oldest age; 999 for an open band."""
    return _read("age_bands").copy()


def standard_population() -> pd.DataFrame:
    """European Standard Population 2013 by five-year age band."""
    return _read("standard_population").astype({"esp2013": "int64"})


def published_categories() -> pd.DataFrame:
    """Labels of published tables with the set of offence codes that each can hold.

    ``residue_codes`` are declared and ignored for the band. ``domestic_abuse``, ``victim_age``,
    ``weapon``, ``weapon_use`` and ``status`` are facts that the label itself states.
    """
    return _read("published_categories").copy()


def switches() -> pd.DataFrame:
    """Switches of the ambiguity table: rule, default, allowed values, what they act on."""
    return _read("switches").copy()


def switch_roles() -> pd.DataFrame:
    """Roles that offence codes take under a value of a switch, beyond the code table's own."""
    return _read("switch_roles").copy()


def relationships() -> pd.DataFrame:
    """Relationships as recorded, and whether they make two people personally connected."""
    return _read("relationships").copy()


def rules() -> pd.DataFrame:
    """Rule numbers of the definition with a short name each."""
    return _read("rules").copy()


def downloads() -> pd.DataFrame:
    """List the open files that ``sna fetch`` knows: address, licence, name in the raw folder."""
    return _read("downloads").copy()


def store_tables() -> pd.DataFrame:
    """List the stored tables and what one row of each is."""
    return _read("store_tables").copy()


def store_columns() -> pd.DataFrame:
    """List the columns of the stored tables: dtype, unit, allowed values, meaning."""
    return _read("store_columns").copy()


def mapping_looks() -> pd.DataFrame:
    """List what the headings and values of each role of a record extract look like."""
    return _read("mapping_looks").copy()


def proxies() -> pd.DataFrame:
    """List published labels that stand in for the definition, each with what it is not."""
    return _read("proxies").copy()


def listed_families() -> pd.DataFrame:
    """List families of listed offences with their maximum penalty."""
    return _read("listed_families").copy()
