"""The adopted text with its rules."""

from typing import Any

from sna.definitions import switches
from sna.figures.about import Note
from sna.figures.cells import fill


def describe_rules(data: Any) -> Note:
    """Quote the adopted text with its source and hash, and list every resolved rule."""
    rules = switches().to_dict("records")
    return Note(fill("definition.html.j2", profile=data.profile, rules=rules))
