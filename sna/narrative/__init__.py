"""Result table in, plain-English sentence out; the only place findings are worded."""
# ruff: noqa: F401

from sna.narrative.disproportionality import describe_groups, describe_people, find_key_groups
from sna.narrative.hotspots import (
    describe_concentration,
    describe_hotspot_findings,
    describe_hotspots,
    describe_persistence,
    describe_prediction,
    describe_ranks,
)
from sna.narrative.prose import KeyFindings, Prose
from sna.narrative.trend import describe_trend, find_key_points
