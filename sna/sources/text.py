"""The tables inside a file: a first look at each, and the whole of one as text."""

import csv
import io
import re
import zipfile
from dataclasses import dataclass
from functools import lru_cache
from math import isnan
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from sna.errors import SourceError
from sna.sources.files import RawFile
from sna.sources.layout import FileSample, make_finding, refuse

HEAD_BYTES = 1 << 16
SAMPLE_ROWS = 400

# ---------------------------------------------------------------------------- first look


def sample_file(raw: RawFile) -> list[FileSample]:
    """Return the first look at each table of a file: one, or one a sheet or layer."""
    head = raw.read_bytes(HEAD_BYTES)
    if not head.strip(b"\0 \r\n\t"):
        raise SourceError("The file is empty.", where=raw.file, do="Download it again.")
    if head[:4] == b"PK\x03\x04":
        return _sample_workbook(raw)
    if head[:4] == b"PAR1":
        return [_sample_parquet(raw)]
    if head[:6] == b"SQLite" or head[:4] == b"\x00\x00\x27\x0a" or _is_geojson(head):
        return _sample_vector(raw)
    return [_sample_csv(raw, head)]


def _is_geojson(head: bytes) -> bool:
    return head.lstrip(b"\xef\xbb\xbf \r\n\t")[:1] == b"{" and b"FeatureCollection" in head


def find_encoding(head: bytes) -> str:
    """Return the text encoding that the first bytes of a file speak for."""
    if head[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return "utf-16"
    if head[1:200:2].count(0) > 80 or head[0:200:2].count(0) > 80:
        return "utf-16-le" if head[1:200:2].count(0) > 80 else "utf-16-be"
    try:
        head[: len(head) - 3].decode("utf-8")
    except UnicodeDecodeError as error:
        return "utf-8" if error.start > len(head) - 8 else "cp1252"
    return "utf-8"


def _sample_csv(raw: RawFile, head: bytes) -> FileSample:
    encoding = find_encoding(head)
    text = head.decode(encoding, errors="replace").lstrip("\ufeff")
    if re.match(r"\s*<(!doctype|html|\?xml)", text, re.IGNORECASE):
        raise SourceError(
            "A web page, not a table: the download went wrong.",
            where=raw.file,
            do="Download again.",
        )
    cut = len(head) == HEAD_BYTES
    lines = text.splitlines(keepends=True)
    if cut and len(lines) < 2:
        raise SourceError(
            "No line end in the first 64 KB: not a table of rows.", where=raw.file, do="Look at it."
        )
    lines = lines[:-1] if cut else lines
    separator = max(",;\t|", key=lambda mark: sum(line.count(mark) for line in lines[:20]))
    try:
        rows = list(csv.reader(lines[: SAMPLE_ROWS + 20], delimiter=separator))
    except csv.Error as error:
        raise SourceError(f"Not a table of text: {error}.", where=raw.file) from None
    header, names, body = _split_header([row for row in rows if row])
    table = pd.DataFrame([(row + [""] * len(names))[: len(names)] for row in body], columns=names)
    return FileSample(
        raw.file,
        raw.path,
        "csv",
        tuple(names),
        table,
        raw.member,
        header_row=header,
        encoding=encoding,
        separator=separator,
    )


def _split_header(rows: list[list[Any]]) -> tuple[int, list[str], list[list[Any]]]:
    """Return the number of title rows, unique headings, and the rows below them."""
    cells = [[("" if v is None else str(v)).strip() for v in row] for row in rows[:25]]
    filled = [sum(v != "" for v in row) for row in cells]
    widest = max(filled, default=0)
    header = next((i for i, n in enumerate(filled) if n >= max(2, 0.6 * widest)), 0)
    if not rows:
        return 0, [], []
    names: list[str] = []
    for place, cell in enumerate(cells[header]):
        name = cell.lstrip("\ufeff") or f"column {place + 1}"
        names.append(name if name not in names else f"{name} ({place + 1})")
    return header, names, rows[header + 1 :]


def _sheet_rows(raw: RawFile, sheet: str, most: int | None = None) -> list[list[Any]]:
    """Return the rows of one sheet; formulas are read as the values saved with them."""
    import openpyxl

    book = openpyxl.load_workbook(io.BytesIO(raw.read_bytes()), read_only=True, data_only=True)
    rows = [list(row) for row in book[sheet].iter_rows(values_only=True, max_row=most)]
    return [row for row in rows if any(v is not None for v in row)]


@lru_cache(maxsize=2)
def _ods_sheets(raw: RawFile) -> dict[str, list[list[Any]]]:
    stream = io.BytesIO(raw.read_bytes())
    sheets = pd.read_excel(stream, sheet_name=None, header=None, engine="odf")
    blank = {name: t.astype("object").where(t.notna(), None) for name, t in sheets.items()}
    return {str(name): t.to_numpy().tolist() for name, t in blank.items()}


def _sample_workbook(raw: RawFile) -> list[FileSample]:
    try:
        with zipfile.ZipFile(io.BytesIO(raw.read_bytes())) as archive:
            is_ods = "content.xml" in archive.namelist()
        if is_ods:
            sheets = {name: rows[:SAMPLE_ROWS] for name, rows in _ods_sheets(raw).items()}
        else:
            import openpyxl

            book = openpyxl.load_workbook(io.BytesIO(raw.read_bytes()), read_only=True)
            sheets = {name: _sheet_rows(raw, name, SAMPLE_ROWS) for name in book.sheetnames}
    except (zipfile.BadZipFile, KeyError, ValueError, OSError, AttributeError) as error:
        raise SourceError(f"Not a readable workbook: {error}.", where=raw.file) from None
    samples = []
    for sheet, rows in sheets.items():
        header, names, body = _split_header(rows)
        table = pd.DataFrame([row[: len(names)] for row in body], columns=names or None)
        table = table.map(_cell_text)
        kind = "ods" if is_ods else "xlsx"
        samples.append(
            FileSample(
                raw.file, raw.path, kind, tuple(names), table, raw.member, sheet, header_row=header
            )
        )
    return samples


def _cell_text(value: Any) -> str | None:
    """Return a cell as the text a CSV of the sheet would hold."""
    if value is None or (isinstance(value, float) and isnan(value)):
        return None
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def _sample_parquet(raw: RawFile) -> FileSample:
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(_stream(raw)).slice(0, SAMPLE_ROWS)
    except (pa.ArrowException, OSError) as error:
        raise SourceError(f"Not a readable Parquet file: {error}.", where=raw.file) from None
    rows = text_columns(table).to_pandas()
    return FileSample(raw.file, raw.path, "parquet", tuple(rows.columns), rows, raw.member)


def vector_path(path: Path, member: str) -> str:
    """Return the path GDAL reads: the file, or the member inside its archive."""
    return f"/vsizip/{path}/{member}" if member else str(path)


def _sample_vector(raw: RawFile) -> list[FileSample]:
    import pyogrio
    from pyogrio.errors import DataSourceError

    where = vector_path(raw.path, raw.member)
    samples = []
    try:
        for layer, _ in pyogrio.list_layers(where):
            crs = pyogrio.read_info(where, layer=layer)["crs"]
            rows = pyogrio.read_dataframe(
                where, layer=layer, max_features=SAMPLE_ROWS, read_geometry=False
            ).astype("str")
            names = tuple(str(name) for name in rows.columns)
            samples.append(
                FileSample(
                    raw.file, raw.path, "vector", names, rows, raw.member, layer, facts={"crs": crs}
                )
            )
    except (DataSourceError, ValueError, OSError) as error:
        raise SourceError(f"Not a readable map file: {error}.", where=raw.file) from None
    return samples


# ---------------------------------------------------------------------------- whole tables


def _stream(raw: RawFile) -> Any:
    """Return the bytes of a file for Arrow: mapped from disk, or unpacked in memory."""
    if raw.member:
        return pa.BufferReader(raw.read_bytes())
    return pa.memory_map(str(raw.path)) if raw.path.stat().st_size else pa.BufferReader(b"")


def text_columns(table: pa.Table) -> pa.Table:
    """Return the table with every column as text; whole floats lose their ``.0``."""

    def text(column: pa.ChunkedArray) -> pa.ChunkedArray:
        if pa.types.is_floating(column.type):
            column = column.cast(pa.string())
            import pyarrow.compute as pc

            return pc.replace_substring_regex(column, r"\.0$", "")
        return column.cast(pa.string())

    return pa.table({name: text(table[name]) for name in table.column_names})


@dataclass(frozen=True)
class TextTable:
    """A whole file as text: its good rows, and the lines that have the wrong number of fields."""

    table: pa.Table
    rows: int
    bad_lines: tuple[tuple[int, str], ...] = ()
    findings: tuple[dict[str, Any], ...] = ()


def read_text(
    sample: FileSample, *, columns: tuple[str, ...] = (), coded: tuple[str, ...] = ()
) -> TextTable:
    """Read a whole file as text columns; `coded` come back dictionary-encoded, empty as missing."""
    raw = RawFile(sample.file, sample.path, sample.member)
    if sample.kind == "csv":
        return _read_csv(sample, raw, columns, coded)
    if sample.kind == "parquet":
        import pyarrow.parquet as pq

        table = text_columns(pq.read_table(_stream(raw)))
    elif sample.kind in ("xlsx", "ods"):
        is_ods = sample.kind == "ods"
        rows = _ods_sheets(raw)[sample.sheet] if is_ods else _sheet_rows(raw, sample.sheet)
        _, names, body = _split_header(rows)
        frame = pd.DataFrame([row[: len(names)] for row in body], columns=names).map(_cell_text)
        table = pa.Table.from_pandas(frame.astype("str"), preserve_index=False)
    else:
        raise refuse(sample, "This kind of file holds no table.")
    table = table.select(list(columns)) if columns else table
    for name in set(coded) & set(table.column_names):
        place = table.column_names.index(name)
        table = table.set_column(place, name, table[name].dictionary_encode())
    return TextTable(table, table.num_rows)


def _read_csv(
    sample: FileSample, raw: RawFile, columns: tuple[str, ...], coded: tuple[str, ...]
) -> TextTable:
    import pyarrow.csv as pc

    bad: list[tuple[int, str]] = []

    def keep_bad(row: Any) -> str:
        text = f"{row.actual_columns} fields where {row.expected_columns} are expected"
        bad.append((row.number - 1 - sample.header_row, text))
        return "skip"

    def read(encoding: str) -> pa.Table:
        bad.clear()
        kinds = {n: pa.dictionary(pa.int32(), pa.string()) for n in coded}
        return pc.read_csv(
            _stream(raw),
            pc.ReadOptions(
                use_threads=False,
                block_size=8 << 20,
                column_names=list(sample.columns),
                skip_rows=sample.header_row + 1,
                encoding=encoding,
            ),
            pc.ParseOptions(
                delimiter=sample.separator, newlines_in_values=True, invalid_row_handler=keep_bad
            ),
            pc.ConvertOptions(
                column_types={name: kinds.get(name, pa.string()) for name in sample.columns},
                include_columns=list(columns),
                strings_can_be_null=True,
                null_values=[""],
            ),
        )

    findings = []
    encoding = "utf8" if sample.encoding == "utf-8" else sample.encoding
    try:
        try:
            table = read(encoding)
        except (pa.ArrowInvalid, UnicodeDecodeError) as error:
            if encoding != "utf8" or "UTF8" not in str(error):
                raise
            table = read("cp1252")
            encoding = "cp1252"
    except (pa.ArrowInvalid, UnicodeDecodeError, pa.ArrowKeyError) as error:
        raise refuse(
            sample,
            f"Cannot be read as a table: {str(error).splitlines()[0][:160]}.",
            do="Open it in a text editor, or download it again.",
        ) from None
    if encoding not in ("utf8", "utf-8"):
        findings.append(make_finding(f"Text is in {encoding}, not UTF-8; read as that."))
    rows = table.num_rows + len(bad)
    if not encoding.startswith("utf-16") and _has_nul(raw):
        table, broken = _without_nul(table)
        bad += broken
        findings.append(make_finding("The file holds NUL bytes: damaged.", severity="warning"))
    return TextTable(table, rows, tuple(bad), tuple(findings))


def _has_nul(raw: RawFile) -> bool:
    if raw.member:
        return b"\0" in raw.read_bytes()
    with raw.path.open("rb") as stream:
        return any(b"\0" in block for block in iter(lambda: stream.read(1 << 22), b""))


def _without_nul(table: pa.Table) -> tuple[pa.Table, list[tuple[int, str]]]:
    """Return the rows without a NUL byte in any column, and the lines of the others."""
    texts = [table[name].to_pandas().astype("str") for name in table.column_names]
    nul = [text.str.contains("\0", regex=False).fillna(False).to_numpy(bool) for text in texts]
    broken = np.logical_or.reduce(nul)
    lines = [(int(line) + 1, "A NUL byte stands in the row.") for line in np.flatnonzero(broken)]
    return table.filter(pa.array(~broken)), lines
