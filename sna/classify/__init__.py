"""Offence to band: facts, rules, bounds, explanations, comparison of profiles."""

from sna.classify.bands import ADDED, classify_offences
from sna.classify.encode import find_unmatched

__all__ = ["ADDED", "classify_offences", "find_unmatched"]
