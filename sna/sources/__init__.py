"""Readers of published layouts: recognise a file by content, read it into store tables.

To add a layout: write it into ``layouts/<publisher>.toml``; `docs/data.md` says how.
"""

import tomllib
from functools import cache
from importlib import resources

from sna.definitions.strict import check_toml
from sna.sources.layout import FileSample, Layout, Match, Nearest, find_nearest, match_layout


@cache
def layouts() -> tuple[Layout, ...]:
    """Return every layout that can be read; of two that fit alike the first is taken."""
    found = []
    folder = resources.files("sna.sources").joinpath("layouts")
    for path in sorted(folder.iterdir(), key=lambda path: path.name):
        document = tomllib.loads(path.read_text(encoding="utf-8"))
        rows = document.pop("layout", [])
        found += [check_toml({**document, **row}, Layout, path.name) for row in rows]
    return tuple(found)


def recognise(sample: FileSample) -> Match | Nearest:
    """Return the layout that fits `sample` with most columns, else the nearest and what differs."""
    matches = [match for layout in layouts() if (match := match_layout(sample, layout))]
    if matches:
        return max(matches, key=lambda match: len(match.columns))
    return find_nearest(sample, list(layouts()))
