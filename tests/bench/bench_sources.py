"""The build against a bare hash + read + sort + write, and a borough against the CSV files."""

import hashlib
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as csv
import pyarrow.parquet as pq

from sna.build import build
from sna.definitions import boroughs
from sna.sample import write_sample
from sna.store import load_borough
from tests.bench import Measured, alternate, measure
from tests.full_run import memory_gib

KINDS = (
    "Violence and sexual offences", "Robbery", "Burglary", "Other theft", "Shoplifting", "Drugs",
    "Public order", "Criminal damage and arson", "Vehicle crime", "Anti-social behaviour",
)  # fmt: skip


def write_month(folder: Path, number: int, rows: int) -> Path:
    """Write one month in the police.uk street layout, with invented rows."""
    rng = np.random.default_rng(number)
    names = boroughs()["borough_name"].to_numpy()
    month = f"{2019 + number // 12}-{number % 12 + 1:02d}"
    lsoa = np.sort(rng.integers(0, 4994, rows))
    place = (lsoa * 33) // 4994
    spot = rng.integers(0, 8, rows)
    name = np.char.add(names[place].astype("U"), np.char.mod(" %03d", lsoa % 300))
    police = np.full(rows, "Metropolitan Police Service")
    table = pa.table(
        {
            "Crime ID": pa.array(np.frombuffer(rng.bytes(32 * rows).hex().encode(), "S64").astype("U")),
            "Month": pa.array(np.full(rows, month)),
            "Reported by": pa.array(police),
            "Falls within": pa.array(police),
            "Longitude": pa.array(np.char.mod("%.6f", -0.5 + lsoa / 7000 + spot / 1e4)),
            "Latitude": pa.array(np.char.mod("%.6f", 51.3 + lsoa / 9000 + spot / 1e4)),
            "Location": pa.array(np.char.mod("On or near Invented Road %d", lsoa * 8 + spot)),
            "LSOA code": pa.array(np.char.mod("E0100%04d", lsoa)),
            "LSOA name": pa.array(np.char.add(name, "A")),
            "Crime type": pa.array(np.array(KINDS)[rng.integers(0, len(KINDS), rows)]),
            "Last outcome category": pa.array(
                np.array(["Under investigation", "Unable to prosecute suspect"])[spot % 2]
            ),
            "Context": pa.array(np.full(rows, "")),
        }
    )  # fmt: skip
    path = folder / month / f"{month}-metropolitan-street.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    csv.write_csv(table, path, csv.WriteOptions(quoting_style="none"))
    return path


def bare(files: list[Path], out: Path) -> None:
    """Hash, read, sort by borough and write one file a borough, with no checks and no bands."""
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    coded = {name: pa.dictionary(pa.int32(), pa.string()) for name in (
        "Month", "Reported by", "Falls within", "Location", "LSOA code", "LSOA name",
        "Crime type", "Last outcome category", "Context")}  # fmt: skip

    def read(path: Path) -> pa.Table:
        with path.open("rb") as stream:
            hashlib.file_digest(stream, "sha256")
        return csv.read_csv(path, csv.ReadOptions(use_threads=False),
                            convert_options=csv.ConvertOptions(column_types=coded))  # fmt: skip

    with ThreadPoolExecutor(2) as pool:
        table = pa.concat_tables(pool.map(read, files)).unify_dictionaries()
    name = pc.utf8_slice_codeunits(table["LSOA name"].cast(pa.string()), 0, -5)
    code = name.dictionary_encode().combine_chunks()
    code = code.chunk(0) if isinstance(code, pa.ChunkedArray) else code
    index = code.indices.to_numpy()
    order = np.argsort(index, kind="stable")
    starts = np.searchsorted(index[order], np.arange(len(code.dictionary) + 1))

    def write(at: int) -> None:
        rows = table.take(pa.array(order[starts[at] : starts[at + 1]]))
        pq.write_table(rows, out / f"{at}.parquet", compression="zstd", use_dictionary=list(coded))

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(write, range(len(code.dictionary))))


def bare_london(raw: Path, out: Path) -> None:
    """Hash every file of a folder; read, sort and write its tables, street files by borough."""
    files = sorted(path for path in raw.rglob("*") if path.is_file())
    street = [path for path in files if path.name.endswith("-street.csv")]
    bare(street, out / "street")
    others = [path for path in files if path not in street]
    hash_all(others)
    for path in (path for path in others if path.suffix == ".csv"):
        options = csv.ParseOptions(newlines_in_values=True)
        table = csv.read_csv(path, csv.ReadOptions(use_threads=False), options)
        table = table.sort_by(table.column_names[0])
        pq.write_table(table, out / f"{path.stem}.parquet", compression="zstd")


def hash_all(files: list[Path]) -> None:
    """Hash every file, two at a time."""

    def one(path: Path) -> None:
        with path.open("rb") as stream:
            hashlib.file_digest(stream, "sha256")

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(one, files))


def _from_csv(files: list[Path]) -> None:
    """Find one borough's rows in the CSV files."""
    for path in files:
        table = csv.read_csv(path)
        table.filter(pc.starts_with(table["LSOA name"], "Hillingdon"))


def _peak(raw: Path, out: Path) -> int:
    """Return the peak memory in bytes of a build, of its own process and those it starts.

    Each is charged its share of what several hold, as the kernel counts it.
    """
    code = f"from pathlib import Path; from sna.build import build; build(Path({str(raw)!r}), "
    process = subprocess.Popen([sys.executable, "-c", f"{code}Path({str(out)!r}), fresh=True)"])
    peak = 0.0
    while process.poll() is None:
        peak = max(peak, memory_gib(process.pid))
        time.sleep(0.2)
    if process.returncode:
        raise RuntimeError("The build whose memory is measured failed.")
    return int(peak * 2**30)


def _london() -> list[Measured]:
    """Measure the build of the simulated London of five years."""
    with tempfile.TemporaryDirectory() as name:
        raw, out = Path(name) / "raw", Path(name) / "out"
        write_sample(raw)
        full, control = alternate(
            lambda: build(raw, out, fresh=True),
            lambda: bare_london(raw, Path(name) / "bare"),
            rounds=3,
        )
        peak = _peak(raw, out)
    what = "build of the simulated London"
    return [
        measure(what, "bare hash + read + sort + write", full, control, budget=2),
        measure(f"peak memory, {what}", "2 GiB", peak, 2 << 30, budget=1, unit="bytes"),
    ]


def benchmarks(quick: bool) -> list[Measured]:
    """Measure the build of 60 police.uk-size files.

    The reduced form takes 12 files and leaves out what a build's fixed costs would decide there: one
    new month, and one borough against the CSV files.
    """
    months, rows, rounds = (12, 60_000, 1) if quick else (60, 95_000, 3)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        raw, out = folder / "raw", folder / "out"
        files = [write_month(raw, number, rows) for number in range(months)]
        build(raw, out)
        full, control = alternate(
            lambda: build(raw, out, fresh=True), lambda: bare(files, folder / "bare"), rounds=rounds
        )
        again, hashing = alternate(lambda: build(raw, out), lambda: hash_all(files), rounds=rounds)
        one, from_csv = alternate(
            lambda: load_borough("Hillingdon", processed=out),
            lambda: _from_csv(files),
            rounds=rounds,
        )
        if not quick:
            write_month(raw, months, rows)
            month, _ = alternate(lambda: build(raw, out), lambda: None, rounds=1)
        peak = _peak(raw, folder / "peak")
    what = f"{months} street files, {months * rows:,} rows"
    found = [
        measure(f"build {what}", "bare hash + read + sort + write", full, control, budget=2),
        measure("build again, nothing changed", "hashing alone", again, hashing, budget=2),
        measure("peak memory of a build", "2 GiB", peak, 2 << 30, budget=1, unit="bytes"),
    ]
    if quick:
        return found
    return [
        *found,
        measure("build with one new month", "full build", month, full, budget=0.1),
        measure("one borough from the store", "from the CSV files", one, from_csv, budget=0.02),
        *_london(),
    ]
