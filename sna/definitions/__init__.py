"""Reference tables and profiles of the definition, as CSV and TOML, with their loader."""
# ruff: noqa: F401

from sna.definitions.areas import find_borough
from sna.definitions.profiles import Profile, profile_ids, read_profile
from sna.definitions.tables import (
    area_series,
    borough_aliases,
    boroughs,
    breaks,
    detailed_codes,
    downloads,
    ethnic_groups,
    mapping_looks,
    offence_codes,
    published_categories,
    read_reference,
    rows_of,
    source_titles,
    standard_population,
    store_columns,
    store_tables,
    switches,
)
