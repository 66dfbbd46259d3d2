"""Offence to band: facts, rules, bounds, explanations, comparison of profiles."""

from sna.classify.bands import ADDED, classify_offences
from sna.classify.bounds import (
    add_counting_basis,
    count_bands,
    count_contexts,
    count_missing,
    count_waterfall,
    definition_bounds,
)
from sna.classify.compare import compare_profiles, count_sensitivity
from sna.classify.encode import find_unmatched
from sna.classify.explain import explain_offence

__all__ = [
    "ADDED",
    "add_counting_basis",
    "classify_offences",
    "compare_profiles",
    "count_bands",
    "count_contexts",
    "count_missing",
    "count_sensitivity",
    "count_waterfall",
    "definition_bounds",
    "explain_offence",
    "find_unmatched",
]
