"""Reference tables and profiles of the definition, as CSV and TOML, with their loader."""

from sna.definitions.areas import find_borough
from sna.definitions.tables import (
    age_bands,
    borough_aliases,
    boroughs,
    breaks,
    detailed_codes,
    ethnic_groups,
    offence_codes,
    standard_population,
)

__all__ = [
    "age_bands",
    "borough_aliases",
    "boroughs",
    "breaks",
    "detailed_codes",
    "ethnic_groups",
    "find_borough",
    "offence_codes",
    "standard_population",
]
