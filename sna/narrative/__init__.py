"""Result table in, plain-English sentence out; the only place findings are worded."""

from sna.narrative.trend import (
    describe_areas,
    describe_change,
    describe_series,
    find_key_points,
)

__all__ = ["describe_areas", "describe_change", "describe_series", "find_key_points"]
