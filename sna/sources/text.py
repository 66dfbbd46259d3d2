"""The tables inside a file: a first look at each, and the whole of one as text."""

import csv
import io
import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq

from sna.errors import SourceError
from sna.sources.files import RawFile
from sna.sources.layout import FileSample, make_finding, refuse

_CODED = pa.dictionary(pa.int32(), pa.string())
_NOTHING = b'\0 \r\n\t,;|"\xef\xbb\xbf\xff\xfe'  # blanks, separators, byte-order marks
HEAD_BYTES = 1 << 16
BLOCK_BYTES = 2 << 20  # that are parsed at a time, as a cache holds them; no row is longer
SAMPLE_ROWS = 400
MOST_CONTROL = 0.01  # of the letters of a text; packed bytes have a tenth
_CONTROL = re.compile(r"[\x01-\x08\x0e-\x1f\x7f]")
_PACKED = {
    b"\x1f\x8b": "a file packed with gzip",
    b"7z\xbc\xaf": "a 7z archive",
    b"Rar!": "a RAR archive",
    b"BZh": "a file packed with bzip2",
    b"\xfd7zXZ": "a file packed with xz",
    b"PK\x05\x06": "an empty zip archive",
    b"\xd0\xcf\x11\xe0": "a workbook of the old kind (.xls), or one locked with a password",
    b"%PDF": "a PDF",
}


def sample_file(raw: RawFile) -> list[FileSample]:
    """Return the first look at each table of a file: one, or one a sheet or layer."""
    head = raw.read_bytes(HEAD_BYTES)
    if not head.strip(_NOTHING):
        raise SourceError("The file is empty.", where=raw.file, do="Download it again.")
    kind, look = next(((k, look) for form, k, look in _KINDS if form.match(head)), ("", None))
    if look is None:
        _refuse_binary(raw, head)
        return [_sample_csv(raw, head)]
    try:
        return look(raw)
    except Exception as error:  # whatever a library says of a damaged file
        what, do = f"Not a readable {kind}: {str(error)[:160].rstrip('.')}.", "Download it again."
        raise SourceError(what, where=raw.file, do=do) from None


# ---------------------------------------------------------------------------- first look


def _refuse_binary(raw: RawFile, head: bytes) -> None:
    """Raise `SourceError` for a packed file, an old workbook, or bytes that are no text."""
    packed = next((name for start, name in _PACKED.items() if head.startswith(start)), "")
    text = head.decode(find_encoding(head), errors="replace").replace("\0", "")
    if packed:
        what, do = f"{packed[:1].upper()}{packed[1:]}; not read.", "Unpack it, or save it as CSV."
    elif len(_CONTROL.findall(text)) > MOST_CONTROL * len(text):
        what, do = "Neither text nor a kind of file that is known.", "Download it again."
    else:
        return
    raise SourceError(what, where=raw.file, do=do)


def find_encoding(head: bytes) -> str:
    """Return the text encoding that the first bytes of a file speak for."""
    if head[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return "utf-16"
    for start, name in ((1, "utf-16-le"), (0, "utf-16-be")):
        if head[start:200:2].count(0) > 80:
            return name
    try:
        head.decode("utf-8")
    except UnicodeDecodeError as error:  # the first look may end inside a letter
        return "utf-8" if error.start > len(head) - 8 else "cp1252"
    return "utf-8"


def _sample_csv(raw: RawFile, head: bytes) -> FileSample:
    encoding = find_encoding(head)
    text = head.decode(encoding, errors="replace").lstrip("\ufeff")
    lines = list(io.StringIO(text, newline=""))  # splitlines knows ends that no reader of CSV does
    if re.match(r"(?i)\s*<(!doctype|html|\?xml)", "".join(lines[:3])):
        what = "A web page, not a table: the download went wrong."
        raise SourceError(what, where=raw.file, do="Download again.")
    if len(head) == HEAD_BYTES and not lines[:-1]:
        what = "No line end in the first 64 KB: not a table of rows."
        raise SourceError(what, where=raw.file, do="Look at it.")
    lines = lines[:-1] if len(head) == HEAD_BYTES else lines
    separator = max(",;\t|", key="".join(lines[:20]).count)
    reader = csv.reader(lines[: SAMPLE_ROWS + 20], delimiter=separator)
    try:
        pairs = [(reader.line_num, row) for row in reader]  # a quoted heading can take many lines
    except csv.Error as error:
        do = "Open it in a text editor, or download it again."
        raise SourceError(f"Not a table of text: {error}.", where=raw.file, do=do) from None
    ends = [end for end, _ in pairs] or [1]
    header, table = split_header([row for _, row in pairs], "")
    look = {"header_row": ends[header] - 1, "encoding": encoding, "separator": separator}
    return _sample(raw, "csv", table, **look)


def _sample(raw: RawFile, kind: str, rows: pd.DataFrame, **more: Any) -> FileSample:
    names = tuple(str(name) for name in rows.columns)
    return FileSample(raw.file, raw.path, kind, names, rows[:SAMPLE_ROWS], raw.member, **more)


def split_header(rows: list[list[Any]], blank: Any) -> tuple[int, pd.DataFrame]:
    """Return the number of title rows, and the table below them under unique headings."""
    cells = [[str(v or "").strip() for v in row] for row in rows[:25]]
    filled = [sum(cell != "" for cell in row) for row in cells]
    least = max(2, 0.6 * max(filled, default=0))
    header = next((place for place, count in enumerate(filled) if count >= least), 0)
    names: list[str] = []
    for place, cell in enumerate(cells[header] if cells else []):
        name = cell.lstrip("\ufeff") or f"column {place + 1}"
        names.append(name if name not in names else f"{name} ({place + 1})")
    body = [(row + [blank] * len(names))[: len(names)] for row in rows[header + 1 :] if row]
    return header, pd.DataFrame(body, columns=names, dtype="object")


@lru_cache(maxsize=2)
def _sheets(raw: RawFile, _: int) -> dict[str, tuple[int, pd.DataFrame]]:
    """Return title rows and text of each sheet; formulas are read as the values saved with them."""
    sheets = pd.read_excel(
        io.BytesIO(raw.read_bytes()), sheet_name=None, header=None, dtype="object"
    )
    rows = {str(name): t.dropna(how="all").to_numpy(object) for name, t in sheets.items()}
    return {
        name: split_header([[_cell_text(cell) for cell in row] for row in table], None)
        for name, table in rows.items()
    }


def _cell_text(value: Any) -> str | None:
    """Return a cell as the text a CSV of the sheet would hold."""
    if pd.isna(value):
        return None
    whole = isinstance(value, float) and value.is_integer()
    return str(int(value)) if whole else getattr(value, "isoformat", value.__str__)()


def _sample_workbook(raw: RawFile) -> list[FileSample]:
    sheets = _sheets(raw, raw.path.stat().st_mtime_ns)
    return [
        _sample(raw, "xlsx", rows, sheet=sheet, header_row=header)
        for sheet, (header, rows) in sheets.items()
    ]


def _sample_parquet(raw: RawFile) -> list[FileSample]:
    batch = next(pq.ParquetFile(_stream(raw)).iter_batches(SAMPLE_ROWS), None)
    whole = pa.Table.from_batches([batch]) if batch else pq.read_table(_stream(raw))
    return [_sample(raw, "parquet", _as_text(whole).to_pandas())]


def vector_path(path: Path, member: str) -> str:
    """Return the path GDAL reads: the file, or the member inside its archive."""
    return f"/vsizip/{path}/{member}" if member else str(path)


def _sample_map(raw: RawFile) -> list[FileSample]:
    import pyogrio

    where, samples = vector_path(raw.path, raw.member), []
    with warnings.catch_warnings(action="ignore"):  # what matters is raised, or comes as a problem
        layers = pyogrio.list_layers(where)
    for layer, _ in layers:
        look = {"layer": layer, "max_features": SAMPLE_ROWS, "read_geometry": False}
        rows = pyogrio.read_dataframe(where, **look).astype("str")
        facts = {"crs": pyogrio.read_info(where, layer=layer)["crs"]}
        samples.append(_sample(raw, "vector", rows, sheet=layer, facts=facts))
    return samples


_KINDS: tuple[tuple[re.Pattern[bytes], str, Callable[[RawFile], list[FileSample]]], ...] = (
    (re.compile(rb"PK\x03\x04"), "workbook", _sample_workbook),
    (re.compile(rb"PAR1"), "Parquet file", _sample_parquet),
    (re.compile(rb"SQLite|\x00\x00\x27\x0a"), "map file", _sample_map),
    (re.compile(rb"(?s)[\xef\xbb\xbf\s]*\{.*FeatureCollection"), "map file", _sample_map),
)

# ---------------------------------------------------------------------------- whole tables


@dataclass(frozen=True)
class TextTable:
    """A whole file as text: its good rows with their lines, and the lines that are no rows."""

    table: pa.Table
    rows: int
    lines: np.ndarray
    bad_lines: tuple[tuple[int, str], ...] = ()
    findings: tuple[dict[str, Any], ...] = ()


def _stream(raw: RawFile) -> Any:
    """Return the bytes of a file for Arrow: mapped from disk, or unpacked in memory."""
    return pa.BufferReader(raw.read_bytes()) if raw.member else pa.memory_map(str(raw.path))


def _as_text(table: pa.Table) -> pa.Table:
    """Return the table with every column as text; whole floats lose their ``.0``."""
    texts = {name: table[name].cast(pa.string()) for name in table.column_names}
    floats = [f.name for f in table.schema if pa.types.is_floating(f.type)]
    return pa.table(texts | {n: pc.replace_substring_regex(texts[n], r"\.0$", "") for n in floats})


def read_text(
    sample: FileSample, *, columns: tuple[str, ...] = (), coded: tuple[str, ...] = ()
) -> TextTable:
    """Read a whole file as text columns; `coded` come back dictionary-encoded, empty as missing."""
    raw = RawFile(sample.file, sample.path, sample.member)
    is_whole = sample.rows.empty and len(raw.read_bytes(HEAD_BYTES)) < HEAD_BYTES
    if sample.kind == "csv" and not is_whole:
        return _read_csv(sample, raw, columns, coded)
    if sample.kind == "csv":  # its heading is all there is, and Arrow wants a line end below it
        table = pa.table({name: pa.array([], pa.string()) for name in sample.columns})
    elif sample.kind == "parquet":
        table = _as_text(pq.read_table(_stream(raw)))
    else:
        rows = _sheets(raw, raw.path.stat().st_mtime_ns)[sample.sheet][1]
        table = pa.table({name: pa.array(rows[name], pa.string()) for name in rows})
    table = table.select(list(columns)) if columns else table
    for name in set(coded) & set(table.column_names):
        place = table.column_names.index(name)
        table = table.set_column(place, name, table[name].dictionary_encode())
    return TextTable(table, table.num_rows, np.arange(table.num_rows) + 1)


def _read_csv(
    sample: FileSample, raw: RawFile, columns: tuple[str, ...], coded: tuple[str, ...]
) -> TextTable:
    """Read a CSV with Arrow; lines with the wrong number of fields, or a NUL, are set aside."""
    bad: list[tuple[int, str]] = []

    def set_aside(row: Any) -> str:
        text = f"{row.actual_columns} fields where {row.expected_columns} are expected"
        bad.append((row.number - 1 - sample.header_row, text))
        return "skip"

    text = pyarrow.csv.ParseOptions(
        delimiter=sample.separator, newlines_in_values=True, invalid_row_handler=set_aside
    )
    kinds = dict.fromkeys(sample.columns, pa.string()) | dict.fromkeys(coded, _CODED)
    values = pyarrow.csv.ConvertOptions(
        column_types=kinds, include_columns=columns, strings_can_be_null=True, null_values=[""]
    )
    table, encoding = pa.table({}), ""
    for encoding in (sample.encoding, "cp1252"):
        bad.clear()
        try:
            options = _read_options(sample, encoding)
            table = pyarrow.csv.read_csv(_stream(raw), options, text, values)
            break
        except (pa.ArrowInvalid, UnicodeDecodeError, pa.ArrowKeyError) as error:
            if encoding == "utf-8" and "UTF8" in str(error):  # a byte that the first look missed
                continue
            raise _refuse_text(sample, str(error)) from None
    findings = []
    if encoding != "utf-8":
        findings.append(make_finding(f"Text is in {encoding}, not UTF-8; read as that."))
    rows = table.num_rows + len(bad)
    lines = np.delete(np.arange(rows) + 1, [line - 1 for line, _ in bad if 0 < line <= rows])
    broken = _find_nul(raw, table)
    if broken.any():
        bad += [(int(line), "A NUL byte stands in the row.") for line in lines[broken]]
        table, lines = table.filter(pa.array(~broken)), lines[~broken]
        findings.append(make_finding("The file holds NUL bytes: damaged.", severity="warning"))
    return TextTable(table, rows, lines, tuple(bad), tuple(findings))


def _refuse_text(sample: FileSample, said: str) -> SourceError:
    """Return the error for text of which Arrow makes no table."""
    what = f"Cannot be read as a table: {said.splitlines()[0][:160]}."
    if "straddl" in said:  # Arrow's word for a row longer than a block
        what = f"A row is longer than {BLOCK_BYTES >> 20} MB, or a quotation never ends."
    return refuse(sample, what, do="Open it in a text editor, or download it again.")


def _read_options(sample: FileSample, encoding: str) -> pyarrow.csv.ReadOptions:
    """Return how Arrow reads the file: below its heading, one block after the other."""
    return pyarrow.csv.ReadOptions(
        use_threads=False,
        block_size=BLOCK_BYTES,
        column_names=sample.columns,
        skip_rows=sample.header_row + 1,
        encoding=encoding,
    )


def _find_nul(raw: RawFile, table: pa.Table) -> np.ndarray:
    """Return the rows that hold a NUL byte."""
    broken = np.zeros(table.num_rows, dtype=bool)
    if np.frombuffer(_stream(raw).read_buffer(), "uint8").min(initial=1):  # of the whole file
        return broken
    for column in table.columns:
        is_coded = pa.types.is_dictionary(column.type)
        parts = [chunk.dictionary if is_coded else chunk for chunk in column.chunks]
        if any(pc.any(pc.match_substring(part, "\0")).as_py() for part in parts):
            found = pc.match_substring(column.cast(pa.string()), "\0")
            broken |= pc.fill_null(found, False).to_numpy()
    return broken
