"""Reference tables and profiles of the definition, as CSV and TOML, with their loader."""

from sna.definitions.areas import find_borough
from sna.definitions.profiles import Profile, profile_ids, read_profile
from sna.definitions.tables import (
    age_bands,
    borough_aliases,
    boroughs,
    breaks,
    detailed_codes,
    downloads,
    ethnic_groups,
    mapping_looks,
    offence_codes,
    published_categories,
    relationships,
    rules,
    standard_population,
    store_columns,
    store_tables,
    switch_roles,
    switches,
)

__all__ = [
    "Profile",
    "age_bands",
    "borough_aliases",
    "boroughs",
    "breaks",
    "detailed_codes",
    "downloads",
    "ethnic_groups",
    "find_borough",
    "mapping_looks",
    "offence_codes",
    "profile_ids",
    "published_categories",
    "read_profile",
    "relationships",
    "rules",
    "standard_population",
    "store_columns",
    "store_tables",
    "switch_roles",
    "switches",
]
