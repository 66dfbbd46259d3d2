"""One zip with every number of a report: CSV files, data dictionary, accessible spreadsheet."""

import csv
import io
import json
import re
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from openpyxl import Workbook

from sna.disclosure.rules import SHORTHAND
from sna.figures.cells import csv_cell

_FIXED = (1980, 1, 1, 0, 0, 0)  # archives with the same content have the same bytes
_PLAIN = re.compile(r"-?(0|[1-9]\d{0,14})(\.\d+)?")
FACTS = ("place", "period", "edition", "marking", "version", "simulated")
SIDECAR = ("title", "subtitle", "source", "notes", "grain", "columns", "units")
DICTIONARY = ("file", "title", "row", "column", "heading", "unit", "source")

Described = Mapping[str, Any]  # a table as `sna.figures` describes it to `sna.reporting`


def write_bundle(
    folder: Path, tables: Sequence[Described], *, name: str, head: Mapping[str, Any]
) -> Path:
    """Write a sidecar beside each CSV of `folder`/csv, and `folder`/`name`.zip with everything.

    Marking, edition, definition and hash (`head`, as on the pages) stand in every sidecar and on
    the cover of the spreadsheet; a CSV itself holds the numbers only.
    """
    facts = {key: str(head[key]) for key in FACTS} | dict(head["facts"])
    members, rows = {}, [DICTIONARY]
    for table in tables:
        stem = f"csv/{table['name']}"
        sidecar = facts | {key: table[key] for key in SIDECAR}
        text = json.dumps(sidecar, indent=1, ensure_ascii=False) + "\n"
        (folder / f"{stem}.metadata.json").write_text(text, encoding="utf-8", newline="\n")
        members[f"{stem}.csv"] = f"\ufeff{table['csv']}".encode()
        members[f"{stem}.metadata.json"] = text.encode()
        first = (f"{table['name']}.csv", table["title"], table["grain"])
        for column, heading in table["columns"].items():
            unit = table["units"].get(column, "")
            rows.append((*first, column, heading, unit, table["source"]))
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerows([map(csv_cell, row) for row in rows])
    members["data_dictionary.csv"] = f"\ufeff{out.getvalue()}".encode()
    members[f"{name}.xlsx"] = spreadsheet(tables, facts=facts)
    path = folder / f"{name}.zip"
    path.write_bytes(_zipped(members))
    return path


def spreadsheet(tables: Sequence[Described], *, facts: Mapping[str, str]) -> bytes:
    """Return a workbook: cover, contents, notes, then one table a sheet from A1."""
    title = f"Data tables: {facts.get('place', '')}"
    sheets: dict[str, list[Sequence[str]]] = {
        "Cover": [[title], *([f"{key}: {value}"] for key, value in facts.items())],
        "Contents": [["Sheet", "Title", "Source"]],
        "Notes": [["Mark or table", "Meaning"], *SHORTHAND.items()],
    }
    codes: dict[str, set[int]] = {}
    for number, table in enumerate(tables, 1):
        long = f"{table['name'][:28]}_{number}"
        sheet = table["name"] if len(table["name"]) < 32 else long
        sheets["Contents"].append([sheet, table["title"], table["source"]])
        sheets["Notes"] += [[table["name"], note] for note in table["notes"]]
        header, *rows = csv.reader(io.StringIO(table["csv"]))
        sheets[sheet] = [[table["columns"].get(name, name) for name in header], *rows]
        codes[sheet] = {place for place, name in enumerate(header) if name.endswith("_code")}
    book = Workbook()
    book.remove(book.worksheets[0])
    book.properties.creator = book.properties.lastModifiedBy = "sna"
    book.properties.title, book.properties.language = title, "en-GB"
    for sheet, lines in sheets.items():
        page = book.create_sheet(sheet)
        for line in lines:
            page.append([*_cells(line, codes.get(sheet, set()))])
    out = io.BytesIO()
    book.save(out)
    with zipfile.ZipFile(out) as made:
        return _zipped({item: _undated(item, made.read(item)) for item in made.namelist()})


def _cells(line: Sequence[str], codes: set[int]) -> Iterable[float | str]:
    """Make plain numbers numbers, so that they sort; codes stay text, and no text is a formula."""
    for place, text in enumerate(line):
        is_number = _PLAIN.fullmatch(text) and place not in codes
        yield float(text) if is_number else csv_cell(text)


def _undated(name: str, content: bytes) -> bytes:
    """Take the time of writing out of a workbook's properties."""
    if name != "docProps/core.xml":
        return content
    return re.sub(rb"(<dcterms:\w+[^>]*>)[^<]*", rb"\g<1>1980-01-01T00:00:00Z", content)


def _zipped(members: Mapping[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name, _FIXED), content, zipfile.ZIP_DEFLATED)
    return out.getvalue()
