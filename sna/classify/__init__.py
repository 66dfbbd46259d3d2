"""Offence to band: facts, rules, bounds, explanations, comparison of profiles."""
# ruff: noqa: F401

from sna.classify.bands import ADDED, classify_offences
from sna.classify.bounds import choose_rows, combine_bounds, count_proxies, definition_bounds
from sna.classify.compare import compare_profiles, count_readings, count_sensitivity
from sna.classify.counts import (
    add_counting_basis,
    count_bands,
    count_contexts,
    count_families,
    count_missing,
    count_monitored,
    count_waterfall,
)
from sna.classify.encode import find_unmatched
from sna.classify.explain import explain_offence
