"""Reference tables and profiles of the definition, as CSV and TOML, with their loader."""
# ruff: noqa: F401

from sna.definitions.profiles import Profile, profile_ids, read_profile
from sna.definitions.tables import (
    __getattr__,
    find_borough,
    read_reference,
    rows_of,
    table_names,
)


def __dir__() -> list[str]:
    return sorted({*globals(), *table_names()})
