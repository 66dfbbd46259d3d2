"""One zip with every number of a report: CSV files, data dictionary, accessible spreadsheet."""

import csv
import io
import json
import re
import zipfile
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from openpyxl import Workbook
from openpyxl.worksheet.worksheet import Worksheet

from sna.disclosure.protected import SHORTHAND
from sna.figures.cells import csv_cell

_FIXED = (1980, 1, 1, 0, 0, 0)  # archives with the same content have the same bytes
FACTS = ("place", "period", "edition", "marking", "version", "simulated")
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
    members = {}
    for table in tables:
        stem = f"csv/{table['name']}"
        kept = ("title", "subtitle", "source", "notes", "grain", "columns", "units")
        sidecar = {**facts, **{key: table[key] for key in kept}}
        text = json.dumps(sidecar, indent=1, ensure_ascii=False) + "\n"
        (folder / f"{stem}.metadata.json").write_text(text, encoding="utf-8", newline="\n")
        members[f"{stem}.csv"] = ("\ufeff" + table["csv"]).encode()
        members[f"{stem}.metadata.json"] = text.encode()
    rows = [
        (f"{t['name']}.csv", t["title"], t["grain"], column, heading, t["units"].get(column, ""),
         t["source"]) for t in tables for column, heading in t["columns"].items()
    ]  # fmt: skip
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerows(
        [DICTIONARY, *(map(csv_cell, r) for r in rows)]
    )
    members["data_dictionary.csv"] = ("\ufeff" + out.getvalue()).encode()
    members[f"{name}.xlsx"] = spreadsheet(tables, facts=facts)
    path = folder / f"{name}.zip"
    path.write_bytes(_zipped(members))
    return path


def spreadsheet(tables: Sequence[Described], *, facts: Mapping[str, str]) -> bytes:
    """Return a workbook: cover, contents, notes, then one table a sheet from A1."""
    book = Workbook()
    book.remove(book.worksheets[0])
    title = f"Data tables: {facts.get('place', '')}"
    book.properties.creator = book.properties.lastModifiedBy = "sna"
    book.properties.title, book.properties.language = title, "en-GB"
    shorthand = [*SHORTHAND.items()]
    notes = [(t["name"], note) for t in tables for note in t["notes"]]
    _fill(book.create_sheet("Cover"), [[title], *[[f"{k}: {v}"] for k, v in facts.items()]])
    names = [t["name"] if len(t["name"]) < 32 else f"{t['name'][:28]}_{number}"
             for number, t in enumerate(tables, 1)]  # fmt: skip
    listed = zip(names, tables, strict=True)
    contents = [["Sheet", "Title", "Source"], *[[n, t["title"], t["source"]] for n, t in listed]]
    _fill(book.create_sheet("Contents"), contents)
    _fill(book.create_sheet("Notes"), [["Mark or table", "Meaning"], *shorthand, *notes])
    for sheet, table in zip(names, tables, strict=True):
        header, *rows = csv.reader(io.StringIO(table["csv"]))
        headings = [table["columns"].get(name, name) for name in header]
        codes = {place for place, name in enumerate(header) if name.endswith("_code")}
        _fill(book.create_sheet(sheet), [headings, *rows], codes)
    out = io.BytesIO()
    book.save(out)
    with zipfile.ZipFile(out) as made:
        return _zipped({item: _undated(item, made.read(item)) for item in made.namelist()})


def _fill(sheet: Worksheet, rows: Iterable[Sequence[str]], codes: Collection[int] = ()) -> None:
    """Write rows; plain numbers become numbers, so that they sort, and codes stay text."""
    for row in rows:
        cells: list[float | str] = []
        for place, text in enumerate(row):
            is_number = re.fullmatch(r"-?(0|[1-9]\d{0,14})(\.\d+)?", text) and place not in codes
            cells.append(float(text) if is_number else csv_cell(text))
        sheet.append(cells)


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
