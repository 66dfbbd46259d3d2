"""Sentences from templates: protected tables in, guarded prose out.

`sna/templates/words/<room>.j2` holds one macro a view. Its arguments are `View` objects; the
functions of `words` are its filters (`format_count` is `count`), the functions of
`sna.narrative.<room>`, where that module exists, are at hand as `room`.
"""

import re
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from sna.definitions.views import views
from sna.disclosure.protected import ProtectedTable
from sna.errors import UsageError
from sna.narrative import words
from sna.narrative.prose import MOST_WORDS, KeyFindings, Prose

WORDS = Path(__file__).parent.parent / "templates" / "words"


def _cell(value: Any, flag: str) -> Any:
    if isinstance(value, bool | np.bool_ | pd.Timestamp | str) or value is None:
        return value
    cell = words.Cell("nan" if pd.isna(value) else value)
    cell.flag = flag
    return cell


@dataclass(frozen=True)
class View:
    """A protected table as a template sees it."""

    protected: ProtectedTable

    @property
    def area(self) -> str:
        """Name of the borough."""
        return self.protected.borough_name

    @property
    def table(self) -> pd.DataFrame:
        """The table itself, for functions of a room."""
        return self.protected.table

    @cached_property
    def rows(self) -> list[Any]:
        """Rows in the table's order, with one attribute a column."""
        table, flags = (
            self.protected.table,
            self.protected.flags.reindex(columns=self.protected.table.columns, fill_value=""),
        )
        pairs = zip(table.to_dict("records"), flags.to_dict("records"), strict=True)
        return [
            SimpleNamespace(**{str(name): _cell(value, flag[name]) for name, value in row.items()})
            for row, flag in pairs
        ]

    def where(self, **values: Any) -> list[Any]:
        """Return the rows whose columns hold these values."""
        return [row for row in self.rows if all(getattr(row, k) == v for k, v in values.items())]

    @property
    def measure(self) -> str:
        """What is counted, where the table says so."""
        return str(getattr(self.rows[0], "measure", "Offences")) if self.rows else "Offences"


@lru_cache(maxsize=64)
def _view(protected: ProtectedTable) -> View:
    """Return the one view of a table: several sentences are made of it."""
    return View(protected)


@cache
def _environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(WORDS),
        undefined=StrictUndefined,
        autoescape=False,  # Prose escapes
    )
    named = {name.removeprefix("format_"): word for name, word in vars(words).items()}
    made.filters |= {name: word for name, word in named.items() if callable(word)}
    made.filters["month"] = "{:%B %Y}".format
    made.tests["known"] = pd.notna
    made.globals["words"] = words
    return made


@cache
def _macros() -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name in _environment().list_templates():
        if "{% macro" not in (WORDS / name).read_text(encoding="utf-8"):
            continue  # a text of its own, no sentences of tables
        module = f"sna.narrative.{name.removesuffix('.j2')}"
        room = import_module(module) if find_spec(module) else None
        template = _environment().get_template(name, globals={"room": room})
        found |= {n: m for n, m in vars(template.module).items() if not n.startswith("_")}
    return found


@cache
def _line(text: str) -> Template:
    return _environment().from_string(text)


def fill_words(text: str, protected: ProtectedTable) -> str:
    """Fill a line of a report's TOML: `it`, `area`, `measure` and `period` are known."""
    it = _view(protected)
    given = {"it": it, "area": it.area, "measure": it.measure, "period": protected.period}
    return _line(text).render(given)


def phrase(name: str, *tables: Any) -> str:
    """Return the words of one macro, or nothing when no template has it."""
    given = [_view(table) if isinstance(table, ProtectedTable) else table for table in tables]
    macro = _macros().get(name)
    return "" if macro is None else _tidy(str(macro(*given)))


def _tidy(text: str) -> str:
    """Return words with one blank between them, and none before a stop."""
    return re.sub(r" (?=[,.;:?!)])", "", " ".join(text.split())).replace("( ", "(")


def describe(protected: ProtectedTable, *more: ProtectedTable, view: str = "") -> Prose:
    """Say what a protected table shows, with its counts, its limits and its gaps.

    Parameters
    ----------
    protected, *more
        Results of `sna.protect`; the first decides which sentences are used.
    view
        Name of the sentences, where a table has more than one; its contract's name by default.
    """
    if not isinstance(protected, ProtectedTable):
        raise TypeError("Pass the table through sna.protect first.")
    name = view or protected.contract.name
    if name not in _macros():
        raise UsageError("There is no sentence for this table.", found=name)
    empty = protected.absent or fill_words(views().get(name, {}).get("empty", ""), protected)
    text = (protected.table.empty and empty) or phrase(name, protected, *more)
    return Prose(re.sub(r"(?:^|(?<=[.?!] ))[a-z]", lambda first: first[0].upper(), text))


def key_findings(*tables: ProtectedTable, view: str = "") -> KeyFindings:
    """List the main points of a page: items `- sentence [#section]` of one macro.

    Parts in `[~ ~]` stand only where the sentence stays short: names of places can be long.

    Parameters
    ----------
    *tables
        Results of `sna.protect`, in the order that the macro takes them.
    view
        Name of the macro; that of the first table's room by default, such as ``trend_findings``.
    """
    if not all(isinstance(table, ProtectedTable) for table in tables):
        raise TypeError("Pass the tables through sna.protect first.")
    name = view or f"{tables[0].contract.name.split('_')[0]}_findings"
    if name not in _macros():
        raise UsageError("There are no key findings of this name.", found=name)
    items = re.split(r"(?:^|\s)- ", phrase(name, *tables))
    found = [re.fullmatch(r"(.*?)(?: ?\[#([\w-]+)\])?", item.strip()) for item in items if item]
    pairs = [(_fit(match[1]), match[2] or "") for match in found if match]
    anchors = tuple(anchor for _, anchor in pairs)
    return KeyFindings(tuple(text for text, _ in pairs), anchors if any(anchors) else ())


def _fit(sentence: str) -> str:
    """Return a sentence with its optional parts, or without the last ones if it grew too long."""
    parts = re.split(r"(\[~.*?~\])", sentence)
    for place in range(len(parts) - 2, 0, -2):
        if len("".join(parts).split()) > MOST_WORDS:
            parts[place] = ""
    text = _tidy(re.sub(r"\[~|~\]", "", "".join(parts)))
    return text[0].upper() + text[1:]
