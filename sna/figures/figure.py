"""One chart or table a reader can trust: titles, picture, data table, CSV and source."""

import base64
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, cast

import pandas as pd

from sna.charts.base import clean, style, to_svg
from sna.disclosure.protected import ProtectedTable
from sna.errors import QualityError, UsageError
from sna.figures.cells import csv_text, escape, html_table, shorthand_met, texts

TABLE_MIME = "application/vnd.sna.table+json"
RECORD_MIME = "application/vnd.sna.record+json"  # disclosure log and ledger, for the records folder
LEAST_ALT = 30
NUMBER_MARK, SENTENCE_MARK = "<!--sna:number-->", "<!--sna:sentence-->"  # for sna.reporting


class _Block:
    """What a figure and a table have in common."""

    name: str
    title: str
    subtitle: str
    protected: ProtectedTable
    columns: Mapping[str, str]
    source: str
    note: str
    kind: ClassVar[str]

    def __post_init__(self) -> None:
        """Refuse a table that has not been protected, a bad name and unknown columns."""
        if not isinstance(self.protected, ProtectedTable):
            raise TypeError(f"{self.name}: pass the table through sna.protect first.")
        if not re.fullmatch(r"[a-z][a-z0-9_]{0,59}", self.name):
            raise UsageError("A figure's name is lower case, a-z, 0-9 and _.", found=self.name)
        absent = [name for name in self.columns if name not in self.protected.table]
        if absent or not self.columns:
            raise UsageError(
                f"Figure {self.name} names columns its table does not have.",
                found=absent,
                do="Use columns of the protected table.",
            )

    @property
    def csv(self) -> str:
        """Return the table as CSV text: one header row, shorthand where a value is withheld."""
        return csv_text(self.protected, self.columns)

    def _data(self, *, is_open: bool) -> str:
        protected, rows = self.protected, len(self.protected.table)
        cells = {name: texts(protected, name) for name in self.columns}
        notes = [*protected.notes, shorthand_met(cells, " ".join(protected.notes))]
        above = "".join(f"<p>{escape(note)}</p>" for note in notes if note)
        numbers = {c for c in cells if pd.api.types.is_numeric_dtype(protected.table[c])}
        caption = self._caption()
        table = html_table(cells, self.columns, numbers=numbers, name=self.name, caption=caption)
        if not rows:
            table = f'<p id="{self.name}-caption">Nothing recorded: {escape(self.subtitle)}.</p>'
        body = f'<div class="sna-notes">{above}</div>{table}'
        if not is_open:
            hidden = f'<span class="sna-hidden">: {escape(self.title)}</span>'
            body = f"<details><summary>Data table{hidden}</summary>{body}</details>"
        coded = base64.b64encode(("\ufeff" + self.csv).encode()).decode()
        file = f"{protected.edition}_{self.name}.csv"
        simulated = "<strong>Simulated data.</strong> " if protected.simulated else ""
        note = f'<p class="sna-note">{escape(self.note)}</p>' if self.note else ""
        return (
            f'<div class="sna-data">{note}{body}<p class="sna-source">{simulated}'
            f"Source: {escape(self.source.rstrip('.'))}. "
            f'<a download="{file}" href="data:text/csv;charset=utf-8;base64,{coded}">Download '
            f'CSV<span class="sna-hidden"> of {escape(self.title)}</span> ({rows:,} '
            f"{'row' if rows == 1 else 'rows'})</a></p></div>"
        )

    def _caption(self) -> str:
        return f"{NUMBER_MARK}{escape(self.title.rstrip('.'))}. {escape(self.subtitle)}"

    def _repr_html_(self) -> str:
        raise NotImplementedError

    def __str__(self) -> str:
        alt = getattr(self, "alt", "")
        return "\n".join(filter(None, [self.title, self.subtitle, alt, "", self.csv]))

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:  # noqa: ARG002
        """Return HTML for readers, text for terminals and the table for `sna.reporting`."""
        protected = self.protected
        described = {
            "name": self.name,
            "kind": self.kind,
            "title": clean(self.title),
            "subtitle": clean(self.subtitle),
            "source": clean(self.source),
            "notes": [clean(note) for note in protected.notes],
            "contract": protected.contract.name,
            "grain": protected.contract.grain,
            "columns": {k: clean(v) for k, v in self.columns.items()},
            "units": {k: u for k, u in protected.contract.units.items() if k in self.columns},
            "edition": protected.edition,
            "marking": protected.marking,
            "csv": self.csv,
        }
        return {
            "text/html": self._repr_html_(),
            "text/plain": str(self),
            TABLE_MIME: described,
            RECORD_MIME: protected.record(),
        }


@dataclass(frozen=True, repr=False)
class Table(_Block):
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
        Column of the table -> heading, in the order of the reader's table. The first is the
        heading of each row.
    source
        Where the data comes from and what dates it covers.
    note
        One caveat, printed beside the numbers.
    """

    name: str
    title: str
    subtitle: str
    protected: ProtectedTable
    columns: Mapping[str, str]
    source: str
    note: str = ""
    kind: ClassVar[str] = "table"

    def _repr_html_(self) -> str:
        return (
            f'<div class="sna-block sna-table" id="{self.name}">{SENTENCE_MARK}'
            f"{self._data(is_open=True)}</div>"
        )


@dataclass(frozen=True, repr=False)
class Figure(_Block):
    """A chart with its headline, subtitle, text alternative, data table, CSV and source.

    As `Table`, and: ``alt`` says what kind of chart it is, what it shows and why, in at least 30
    characters; ``draw`` takes the protected table and returns matplotlib axes or a figure, or, for
    maps, finished ``<svg>`` or ``<img>`` text with its own text alternative.
    """

    name: str
    title: str
    subtitle: str
    alt: str
    protected: ProtectedTable
    draw: Callable[[ProtectedTable], Any]
    columns: Mapping[str, str]
    source: str
    note: str = ""
    kind: ClassVar[str] = "figure"

    def __post_init__(self) -> None:
        """Refuse a figure without a text alternative."""
        super().__post_init__()
        if not isinstance(self.alt, str) or not self.alt.strip():
            raise TypeError(f"{self.name}: a figure needs alt text.")
        if len(self.alt.strip()) < LEAST_ALT or self.alt.startswith("No description"):
            raise QualityError(
                f"The alt text of {self.name} is shorter than {LEAST_ALT} characters.",
                found=self.alt,
                do="Say what kind of chart it is, what it shows and why it is there.",
            )

    @property
    def picture(self) -> str:
        """Return the chart as inline SVG (or the image a map has made of itself)."""
        with style():
            made = self.draw(self.protected)
            if isinstance(made, str):
                return made
            figure = cast(Any, made).get_figure(root=True) if hasattr(made, "get_figure") else made
            return to_svg(figure, self.name, clean(self.title), clean(self.alt))

    def _repr_html_(self) -> str:
        return (
            f'<div class="sna-block" id="{self.name}"><figure><figcaption>'
            f'<p class="sna-headline">{NUMBER_MARK}{escape(self.title)}</p>'
            f'<p class="sna-subtitle">{escape(self.subtitle)}</p></figcaption>'
            f"{self.picture}</figure>{SENTENCE_MARK}{self._data(is_open=False)}</div>"
        )
