"""Where a row belongs: LSOA editions told apart code by code, boroughs by any published name."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Places:
    """What is known of areas while files are read."""
