"""Reference tables and profiles of the definition, as CSV and TOML, with their loader."""
# ruff: noqa: F401

from sna.definitions.areas import find_borough
from sna.definitions.profiles import Profile, profile_ids, read_profile
from sna.definitions.tables import (
    age_bands,
    area_series,
    borough_aliases,
    boroughs,
    breaks,
    detailed_codes,
    downloads,
    ethnic_groups,
    listed_families,
    mapping_looks,
    offence_codes,
    proxies,
    published_categories,
    relationships,
    rules,
    source_titles,
    standard_population,
    store_columns,
    store_tables,
    switch_roles,
    switches,
    whole_sources,
)  # fmt: skip
