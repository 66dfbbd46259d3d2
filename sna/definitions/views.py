"""How each result table is shown: rows of `definitions/reports/*.toml`, one table a view."""

import tomllib
from functools import cache
from importlib.resources import files
from typing import Any


@cache
def words_of(name: str) -> dict[str, Any]:
    """Return the words and choices of a room, from `definitions/<name>.toml`."""
    text = files("sna.definitions").joinpath(f"{name}.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


@cache
def views() -> dict[str, dict[str, Any]]:
    """Return every view by name; `like` names a view whose settings it starts from."""
    found: dict[str, dict[str, Any]] = {}
    for path in sorted(files("sna.definitions").joinpath("reports").iterdir(), key=str):
        for name, view in tomllib.loads(path.read_text(encoding="utf-8")).items():
            base = found.get(view.get("like", ""), {})
            columns = base.get("columns", {}) | view.get("columns", {})
            found[name] = base | view | {"columns": columns}
    return found
