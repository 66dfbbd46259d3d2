"""Result table in, plain-English sentence out; the only place findings are worded."""
# ruff: noqa: F401

from sna.narrative.definition import (
    describe_bands,
    describe_bounds,
    describe_contexts,
    describe_missing,
    describe_proxies,
    describe_readings,
    find_definition_points,
)
from sna.narrative.prose import KeyFindings, Prose
from sna.narrative.sentences import describe, key_findings
