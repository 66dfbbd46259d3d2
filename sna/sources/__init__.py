"""Readers of published layouts: recognise a file by content, read it into store tables.

To add a reader: write a module with ``LAYOUTS`` and name it in ``_READERS``.
"""

import importlib

from sna.sources.layout import FileSample, Layout, Match, Nearest, find_nearest, match_layout

# A reader module each; the first of two equal matches wins, so the narrower layout comes first.
_READERS: tuple[str, ...] = (
    "police_uk",
    "mps",
    "reference",
    "population",
    "deprivation",
    "people_tables",
    "home_office",
    "fingertips",
)


def layouts() -> list[Layout]:
    """Return every layout that can be read."""
    modules = (importlib.import_module(f"sna.sources.{name}") for name in _READERS)
    return [layout for module in modules for layout in module.LAYOUTS]


def recognise(sample: FileSample) -> Match | Nearest:
    """Return the layout that fits `sample` with most columns, else the nearest and what differs."""
    known = layouts()
    matches = [match for layout in known if (match := match_layout(sample, layout))]
    if matches:
        return max(matches, key=lambda match: len(match.columns))
    return find_nearest(sample, known)
