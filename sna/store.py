"""The processed tables: written whole or not at all, one borough read without touching others."""

import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa

from sna import __version__, definitions
from sna.errors import TableError, UsageError
from sna.schemas.columns import Table
from sna.schemas.store_tables import STORE_TABLES
from sna.settings import Settings, read_settings

if TYPE_CHECKING:
    import geopandas as gpd

FORMAT = 1
BY_BOROUGH = ("offences", "people", "outcomes")
UNPLACED = "unplaced"
EDITIONS = ("public", "partner")


@dataclass(frozen=True)
class BoroughData:
    """Everything a notebook needs about one borough, up to and with ``end_month``.

    ``areas`` and ``counts`` cover all of London, so that a borough can be compared.
    """

    borough_code: str
    borough_name: str
    edition: str
    profile: definitions.Profile
    end_month: pd.Timestamp
    offences: pd.DataFrame
    people: pd.DataFrame
    outcomes: pd.DataFrame
    population: pd.DataFrame
    areas: "gpd.GeoDataFrame"
    area_lookup: pd.DataFrame
    deprivation: pd.DataFrame
    health: pd.DataFrame
    counts: pd.DataFrame
    findings: pd.DataFrame
    inputs: list[dict[str, Any]]
    simulated: bool
    settings: Settings


def find_processed(processed: str | Path | None = None) -> Path:
    """Return the folder of processed tables: the one given, SNA_PROCESSED, or data/processed."""
    return Path(processed or os.environ.get("SNA_PROCESSED") or "data/processed")


# ---------------------------------------------------------------------------- tables


def to_arrow(frame: "pd.DataFrame | pa.Table", contract: Table) -> pa.Table:
    """Return a table in the column types of its contract, checked against it."""
    table = frame
    if isinstance(frame, pd.DataFrame):
        table = pa.Table.from_pandas(pd.DataFrame(frame), preserve_index=False)
    extra = [name for name in table.column_names if name not in contract.columns]
    lacking = [name for name in contract.required if name not in table.column_names]
    if extra or lacking:
        _refuse(contract, "columns its contract does not name or lacks", [*extra, *lacking])
    names = [name for name in contract.columns if name in table.column_names]
    return pa.table({name: _column(table[name], name, contract) for name in names})


def _column(column: pa.ChunkedArray, name: str, contract: Table) -> pa.ChunkedArray:
    """Return one column in its type; values that its contract does not allow are an error."""
    rule = contract.columns[name]
    kind = _arrow_type(rule.dtype)
    is_coded = pa.types.is_dictionary(kind)
    if column.type != kind:
        if is_coded and not pa.types.is_dictionary(column.type):
            column = column.cast(pa.string()).dictionary_encode()
        column = column.cast(kind)
    if column.null_count and not rule.nullable:
        _refuse(contract, f"missing values in {name}", [column.null_count])
    chunks = column.chunks if is_coded and rule.allowed else []
    wrong = {v for chunk in chunks for v in chunk.dictionary.to_pylist()} - {*rule.allowed, None}
    if wrong:
        _refuse(contract, f"values not allowed in {name}", wrong)
    return column


def _refuse(contract: Table, what: str, found: Iterable[object]) -> None:
    raise TableError(
        f"Table {contract.name} has {what}.",
        where=f"table {contract.name}",
        found=sorted(map(str, found)),
        do="Mend the reader that made it, or the contract in sna/schemas/store_tables.py.",
    )


def _arrow_type(dtype: str) -> pa.DataType:
    kinds = {"category": pa.dictionary(pa.int32(), pa.string()), "str": pa.string(),
             "datetime64[us]": pa.timestamp("us"), "bool": pa.bool_()}  # fmt: skip
    return kinds.get(dtype) or pa.type_for_alias(dtype)


def _whole(frame: pd.DataFrame, contract: Table) -> pd.DataFrame:
    """Return the table with every column of its contract, unknown ones empty, in its dtypes."""
    columns = {}
    for name, column in contract.columns.items():
        if name in frame.columns:
            columns[name] = frame[name]
        elif column.dtype == "category":
            codes = np.full(len(frame), -1, dtype="int8")
            empty = pd.Categorical.from_codes(codes, categories=pd.Index([], dtype="str"))
            columns[name] = pd.Series(empty, index=frame.index)
        else:
            value = False if column.dtype == "bool" else None
            kind = "float64" if column.dtype.startswith("int") else column.dtype
            columns[name] = pd.Series(value, index=frame.index, dtype=kind)  # type: ignore[call-overload]
    return pd.DataFrame(columns, index=frame.index)


def write_table(
    frame: "pd.DataFrame | pa.Table", name: str, processed: str | Path | None = None
) -> Path:
    """Write one table (``counts``, ``offences/E09000007``), checked, under a temporary name first.

    Parameters
    ----------
    frame
        The table; a GeoDataFrame for areas.
    name
        Name of the store table, with the borough for tables kept by borough.
    processed
        Folder of the store.

    Returns
    -------
    pathlib.Path
        The file written. A crash on the way leaves the old one whole.
    """
    import pyarrow.parquet as pq

    path = find_processed(processed) / f"{name}.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    try:
        if name == "areas":
            frame.to_parquet(part, compression="zstd", index=False)  # type: ignore[union-attr]
        else:
            table = to_arrow(frame, STORE_TABLES[name.split("/")[0]]).unify_dictionaries()
            coded = [f.name for f in table.schema if pa.types.is_dictionary(f.type)]
            pq.write_table(table, part, compression="zstd", use_dictionary=coded)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    return path


def read_table(name: str, processed: str | Path | None = None) -> pd.DataFrame:
    """Return one table of the store with every column of its contract."""
    import pyarrow.parquet as pq

    path = find_processed(processed) / f"{name}.parquet"
    contract = STORE_TABLES[name.split("/")[0]]
    if not path.is_file():
        return _empty(contract)
    if name == "areas":
        import geopandas as gpd

        return gpd.read_parquet(path)
    return _whole(pq.read_table(path).to_pandas(), contract)


def _empty(contract: Table) -> pd.DataFrame:
    if contract.name != "areas":
        return _whole(pd.DataFrame(), contract)
    import geopandas as gpd

    return gpd.GeoDataFrame(_whole(pd.DataFrame(), contract), geometry="geometry", crs=27700)


# ---------------------------------------------------------------------------- the store as a whole


def hash_bytes(path: Path) -> str:
    """Return the SHA-256 of a file."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def write_json(value: object, name: str, processed: Path) -> None:
    """Write a JSON file of the store under a temporary name first."""
    part = processed / f".{name}.part"
    part.write_text(json.dumps(value, indent=1, default=str) + "\n", encoding="utf-8")
    part.replace(processed / name)


def read_json(name: str, processed: Path) -> Any:
    """Return a JSON file of the store, or None when it is not there or cut short."""
    try:
        return json.loads((processed / name).read_text(encoding="utf-8"))
    except (OSError, json.JSONDecodeError):
        return None


def read_state(processed: str | Path | None = None) -> dict[str, Any]:
    """Return store.json: format, profile, whether simulated, and each file's checksum."""
    folder = find_processed(processed)
    state = read_json("store.json", folder)
    if not state:
        raise UsageError(
            "There is no store of processed tables.",
            where=folder.name,
            do="Run: sna build (or sna sample first, for simulated data).",
        )
    if state.get("format") != FORMAT:
        raise UsageError(
            "The store was written by another version of sna.",
            where=folder.name,
            found=state.get("format"),
            do="Run: sna build",
        )
    return state


@dataclass(frozen=True)
class Built:
    """What an earlier build left that a later one can add to."""

    folder: Path
    state: dict[str, Any]
    inputs: list[dict[str, Any]]

    def read(self, name: str) -> pd.DataFrame:
        """Return one of its tables."""
        return read_table(name, self.folder)

    @property
    def findings(self) -> pd.DataFrame:
        """Its findings."""
        return self.read("findings")


def _rules(profile: str) -> str:
    """Return what a store must share with this code to be added to."""
    return f"{__version__} {definitions.read_profile(profile).hash}"


def read_built(processed: Path, profile: str) -> Built | None:
    """Return the store when it is whole and made by this code with this definition, else None."""
    state, inputs = read_json("store.json", processed), read_json("inputs.json", processed)
    if (
        not state
        or not inputs
        or state.get("format") != FORMAT
        or state.get("rules") != _rules(profile)
    ):
        return None
    sizes = [(processed / name, known["bytes"]) for name, known in state["files"].items()]
    whole = all(path.is_file() and path.stat().st_size == size for path, size in sizes)
    return Built(processed, state, inputs) if whole else None


@contextmanager
def new_files(processed: Path) -> Iterator[Path]:
    """Give a folder for a build in progress; whatever is left in it is taken away."""
    work = processed / ".new"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    try:
        yield work
    finally:
        shutil.rmtree(work, ignore_errors=True)


def publish(work: Path, processed: Path, facts: dict[str, Any], old: Built | None) -> int:
    """Put what a build wrote in place, with store.json last; files of older builds go."""
    files = dict(old.state["files"]) if old else {}
    new = sorted(work.rglob("*.parquet"))
    for path in new:
        name = path.relative_to(work).as_posix()
        files[name] = {"bytes": path.stat().st_size, "sha256": hash_bytes(path)}
    for path in [*new, work / "inputs.json"]:
        target = processed / path.relative_to(work)
        target.parent.mkdir(exist_ok=True)
        path.replace(target)
    state = {"format": FORMAT, "rules": _rules(facts["profile"]), **facts, "files": files}
    write_json(state, "store.json", processed)
    for path in processed.rglob("*.parquet"):
        if work not in path.parents and path.relative_to(processed).as_posix() not in files:
            path.unlink()
    return len(new)


def join_tables(tables: list[Any], name: str) -> Any:
    """Return tables one after another in the types of their contract; None when there are none."""
    if not tables or name == "areas":
        return pd.concat(tables, ignore_index=True) if tables else None
    whole = [to_arrow(table, STORE_TABLES[name]) for table in tables]
    whole = pa.concat_tables(whole, promote_options="permissive")
    for place, field in enumerate(whole.schema):
        if pa.types.is_dictionary(field.type):  # unify_dictionaries() reads what lies under a null
            texts = whole[field.name].cast(pa.string()).dictionary_encode()
            whole = whole.set_column(place, field.name, texts)
    return whole


def _check_file(state: dict[str, Any], name: str, folder: Path) -> bool:
    """Say whether the store has this file; raise when it is not the one that was written."""
    known = state["files"].get(f"{name}.parquet")
    if known is None:
        return False
    path = folder / f"{name}.parquet"
    if (
        not path.is_file()
        or path.stat().st_size != known["bytes"]
        or hash_bytes(path) != known["sha256"]
    ):
        raise TableError(
            "A file of the store is damaged, missing, or from another build.",
            where=f"{name}.parquet",
            do="Run: sna build --fresh",
        )
    return True


def _read_borough(state: dict[str, Any], name: str, code: str, folder: Path) -> pd.DataFrame:
    """Return a borough's rows: its base file and what later builds added."""
    import pyarrow.parquet as pq

    names = [f"{name}/{code}", *(f"{name}/{code}.{n}" for n in range(1, state["parts"] + 1))]
    tables = [
        pq.read_table(folder / f"{part}.parquet", memory_map=True)
        for part in names
        if _check_file(state, part, folder)
    ]
    if not tables:
        return _empty(STORE_TABLES[name])
    table = pa.concat_tables(tables, promote_options="permissive").unify_dictionaries()
    return _whole(table.to_pandas(), STORE_TABLES[name])


def load_borough(
    borough: str,
    *,
    end_month: str | pd.Timestamp | None = None,
    edition: str = "public",
    profile: str = "london_2023",
    processed: str | Path | None = None,
) -> BoroughData:
    """Load one borough from the store, with London beside it for comparison.

    Counts are of offences recorded by the police and published or extracted: what was never
    reported is in no table.

    Parameters
    ----------
    borough
        Name or GSS code; a district outside London by its code.
    end_month
        Last month to load, as 2025-03; the latest in the borough's data when left out.
    edition
        ``public`` or ``partner``.
    profile
        The definition; it must be the one that the store was built with.
    processed
        Folder of the store; SNA_PROCESSED or data/processed when left out.

    Returns
    -------
    BoroughData
        The borough's tables.

    Raises
    ------
    UsageError
        When the borough, edition or month cannot be meant, or the profile is another one.
    """
    if edition not in EDITIONS:
        raise UsageError("There is no such edition.", found=edition, do="Use public or partner.")
    folder = find_processed(processed)
    state = read_state(folder)
    if definitions.read_profile(profile).id != state["profile"]:
        raise UsageError(
            "The store was built with another definition.",
            where=folder.name,
            found=state["profile"],
            do=f"Run: sna build --profile {profile}",
        )
    code, name = _find_area(borough, state)
    rows = {table: _read_borough(state, table, code, folder) for table in BY_BOROUGH}
    last = _end_month(end_month, rows, folder)
    rows |= {t: f[~f["month"].gt(last)] for t, f in rows.items() if f["month"].gt(last).any()}
    whole = {n: read_table(n, folder) for n in STORE_TABLES if n not in (*BY_BOROUGH, "rejects")}
    counts = whole.pop("counts")
    return BoroughData(
        borough_code=code,
        borough_name=name,
        edition=edition,
        profile=definitions.read_profile(profile),
        end_month=last,
        counts=counts[~counts["month"].gt(last)],
        inputs=read_json("inputs.json", folder) or [],
        simulated=state["simulated"],
        settings=read_settings(),
        **rows,
        **whole,
    )


def load_people(
    data: BoroughData, *, person_role: str, processed: str | Path | None = None
) -> pd.DataFrame:
    """Load people of one role in every borough, up to the end month, to compare boroughs."""
    import pyarrow.compute as pc
    import pyarrow.dataset as ds

    folder = find_processed(processed)
    names = [n for n in read_state(folder)["files"] if n.startswith("people/")]
    if not names:
        return _empty(STORE_TABLES["people"])
    wanted = (pc.field("person_role").cast("string") == person_role) & (
        pc.field("month") <= pa.scalar(data.end_month)
    )
    tables = [ds.dataset(folder / name).to_table(filter=wanted) for name in names]
    table = pa.concat_tables(tables, promote_options="permissive").unify_dictionaries()
    return _whole(table.to_pandas(), STORE_TABLES["people"])


def load_around(data: BoroughData, *, processed: str | Path | None = None) -> pd.DataFrame:
    """Load the offences of touching boroughs, for maps that do not end at the border."""
    from sna.geography import find_neighbours

    folder = find_processed(processed)
    shapes = data.areas[data.areas["area_level"].astype("str") == "borough"]
    shapes = shapes[shapes["edition"] == shapes["edition"].max()]
    own = shapes["area_code"].eq(data.borough_code).to_numpy(float)
    near = shapes["area_code"][find_neighbours(shapes).matrix @ own > 0] if own.any() else []
    state = read_state(folder)
    parts = [_read_borough(state, "offences", str(code), folder) for code in near]
    rows = pd.concat(parts) if parts else data.offences.head(0)
    return rows[~rows["month"].gt(data.end_month)]


def _find_area(borough: str, state: dict[str, Any]) -> tuple[str, str]:
    """Return code and name of a London borough, or of another district the store has rows for."""
    known = state.get("districts", {})
    for code, name in known.items():
        if borough.strip().casefold() in (code.casefold(), str(name).casefold()):
            return code, str(name)
    return definitions.find_borough(borough)


def _end_month(
    end_month: str | pd.Timestamp | None, rows: dict[str, Any], folder: Path
) -> pd.Timestamp:
    """Return the month asked for, or the last of the offences; none beyond what is held."""
    last = rows["offences"]["month"].max()
    if not end_month:
        return pd.Timestamp(last) if pd.notna(last) else pd.Timestamp("2000-01-01")
    month = pd.to_datetime(str(end_month), errors="coerce")
    if pd.isna(month):
        raise UsageError("The month cannot be read.", found=end_month, do="Write it as 2025-03.")
    month = pd.Timestamp(month).to_period("M").to_timestamp()
    inputs = read_json("inputs.json", folder) or []  # of all London: a quiet month is no gap
    held = [pd.Timestamp(line["last_month"]) for line in inputs if line.get("last_month")]
    if held and month > max(held):
        do = f"The store ends in {max(held):%B %Y}; leave the month out for the last one."
        raise UsageError(f"Nothing is held for {month:%B %Y}.", found=end_month, do=do)
    return month
