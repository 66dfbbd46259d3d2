"""One chart or table a reader can trust: titles, picture, data table, CSV and source."""

import base64
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, ClassVar

from markupsafe import Markup

from sna.charts.base import clean, style
from sna.charts.svg import to_svg, with_room
from sna.disclosure.protected import ProtectedTable
from sna.errors import QualityError, UsageError
from sna.figures.cells import csv_text, fill, notes, number_columns, texts

TABLE_MIME = "application/vnd.sna.table+json"
RECORD_MIME = "application/vnd.sna.record+json"  # disclosure log and ledger, for the records folder
LEAST_ALT = 30
NUMBER_MARK, SENTENCE_MARK = "<!--sna:number-->", "<!--sna:sentence-->"  # for sna.reporting
EMPTY_MARK = "<!--sna:empty-->"  # a block without rows


@dataclass(frozen=True, repr=False)
class Table:
    """A protected table with everything a reader needs to use it.

    Parameters
    ----------
    name
        Lower-case identifier; names the CSV file and starts every id on the page.
    title
        Headline: what the numbers say, or a neutral title when they do not say enough.
    subtitle
        Measure, area, period and unit.
    protected
        Result of `sna.protect`; nothing else is accepted.
    columns
        Column -> heading, in the reader's order; the first is the heading of each row.
    source
        Where the data comes from and what dates it covers.
    note
        One caveat, printed beside the numbers.
    most
        Rows that the page shows; the CSV file holds all. 0: every row.
    """

    name: str
    title: str
    subtitle: str
    protected: ProtectedTable
    columns: Mapping[str, str]
    source: str
    note: str = ""
    most: int = 0
    alt: str = field(default="", kw_only=True)
    kind: ClassVar[str] = "table"

    def __post_init__(self) -> None:
        """Refuse a table that has not been protected, a bad name and unknown columns."""
        if not isinstance(self.protected, ProtectedTable):
            raise TypeError(f"{self.name}: pass the table through sna.protect first.")
        if not re.fullmatch(r"[a-z][a-z0-9_]{0,59}", self.name):
            raise UsageError("A figure's name is lower case, a-z, 0-9 and _.", found=self.name)
        absent = [name for name in self.columns if name not in self.protected.table]
        if absent or not self.columns:
            raise UsageError(f"Figure {self.name} names columns its table lacks.", found=absent)

    @cached_property
    def csv(self) -> str:
        """Return the table as CSV text: one header row, shorthand where a value is withheld."""
        return csv_text(self.protected, self.columns)

    @property
    def picture(self) -> str:
        """Return the chart as inline SVG; nothing for a table."""
        return ""

    def _repr_html_(self) -> str:
        total = len(self.protected.table)
        first = self.protected.table.head(self.most or total)
        rows = texts(replace(self.protected, table=first), self.columns)
        numbers = number_columns(self.protected, self.columns)
        words = {"notes": notes(self.protected, rows), "numbers": numbers}
        coded = base64.b64encode(f"\ufeff{self.csv}".encode()).decode()
        file = f"{self.protected.edition}_{self.name}.csv"
        drawn, room = with_room(self.picture)
        link = {"file": file, "coded": coded, "total": total, "picture": Markup(drawn)}
        link["room"] = room
        return fill("figure.html.j2", it=self, rows=rows, **words, **link)

    def __str__(self) -> str:
        return "\n".join(filter(None, [self.title, self.subtitle, self.alt, self.csv]))

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:  # noqa: ARG002
        """Return HTML for readers, text for terminals and the table for `sna.reporting`."""
        shown, shape = self.protected, self.protected.contract
        words = {key: clean(getattr(self, key)) for key in ("title", "subtitle", "source", "note")}
        facts: dict[str, Any] = {
            "contract": shape.name,
            "grain": shape.grain,
            "notes": list(shown.notes),
        }
        facts |= {"name": self.name, "kind": self.kind, "columns": dict(self.columns)}
        facts |= {"edition": shown.edition, "marking": shown.marking, "csv": self.csv}
        units = {name: unit for name, unit in shape.units.items() if name in self.columns}
        described = {**words, **facts, "units": units}
        text = {"text/html": self._repr_html_(), "text/plain": str(self)}
        return {**text, TABLE_MIME: described, RECORD_MIME: shown.record()}


@dataclass(frozen=True, repr=False)
class Figure(Table):
    """A chart with its headline, subtitle, text alternative, data table, CSV and source.

    As `Table`, and: ``alt`` says what kind of chart it is, what it shows and why, in at least 30
    characters; ``draw`` takes the protected table and returns matplotlib axes or a figure.
    """

    alt: str = field(kw_only=True)
    draw: Callable[[ProtectedTable], Any] = field(kw_only=True)
    kind: ClassVar[str] = "figure"

    def __post_init__(self) -> None:
        """Refuse a figure without a text alternative."""
        super().__post_init__()
        if not isinstance(self.alt, str) or not self.alt.strip():
            raise TypeError(f"{self.name}: a figure needs alt text.")
        if len(self.alt.strip()) < LEAST_ALT or self.alt.startswith("No description"):
            what = f"The alt text of {self.name} is shorter than {LEAST_ALT} characters."
            do = "Say what kind of chart it is, what it shows and why."
            raise QualityError(what, found=self.alt, do=do)

    @property
    def picture(self) -> str:
        """Return the chart as inline SVG."""
        with style():
            made = self.draw(self.protected)
            figure: Any = made.get_figure(root=True) if hasattr(made, "get_figure") else made
            return to_svg(figure, self.name, clean(self.title), clean(self.alt))
