"""Result table in, plain-English sentence out; the only place findings are worded."""
# ruff: noqa: F401

from sna.narrative.prose import KeyFindings, Prose
from sna.narrative.sentences import describe, key_findings
