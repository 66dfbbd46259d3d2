"""The processed tables: written whole or not at all, one borough read without touching others."""

import os
import re
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from sna import __version__, definitions
from sna.errors import TableError, UsageError
from sna.schemas.checksum import hash_file, hash_folder
from sna.schemas.store_tables import STORE_TABLES, is_core
from sna.settings import EDITIONS, Settings, read_settings
from sna.store.files import read_files, read_json, write_arrow, write_json

if TYPE_CHECKING:
    import geopandas as gpd
    import pyarrow as pa

FORMAT = 3  # raised when a stored column comes to mean something else
BY_BOROUGH = ("offences", "people", "outcomes", "attendances")
UNPLACED = "unplaced"
_CODE = ("build", "classify", "definitions", "schemas", "sources", "geography.py", "store")


@dataclass(frozen=True, repr=False)
class BoroughData:
    """Everything a notebook needs about one borough, up to and with ``end_month``.

    ``areas`` and ``counts`` cover all of London, so that a borough can be compared. ``partial``
    names input files of which more than the allowed share was rejected.
    """

    borough_code: str
    borough_name: str
    edition: str
    profile: definitions.Profile
    end_month: pd.Timestamp
    offences: pd.DataFrame
    people: pd.DataFrame
    outcomes: pd.DataFrame
    attendances: pd.DataFrame
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
    partial: tuple[str, ...] = ()

    def __repr__(self) -> str:
        """Say whose data these are and what each table holds, not every cell of them."""
        kind = "simulated data" if self.simulated else f"{len(self.inputs)} input files"
        lines = [
            f"{self.borough_name} ({self.borough_code}) to {self.end_month:%B %Y}: {kind}, "
            f"{self.edition} edition, definition {self.profile.id}"
        ]
        for name, table in vars(self).items():
            if isinstance(table, pd.DataFrame):
                sources = ", ".join(table["source"].unique()) if "source" in table else ""
                lines.append(f"  .{name:<12}{len(table):>9,} rows  {sources}".rstrip())
        return "\n".join(lines)


def find_processed(processed: str | Path | None = None) -> Path:
    """Return the folder of processed tables: the one given, SNA_PROCESSED, or data/processed."""
    return Path(processed or os.environ.get("SNA_PROCESSED") or "data/processed")


# ---------------------------------------------------------------------------- tables


def write_table(
    frame: "pd.DataFrame | pa.Table", name: str, processed: str | Path | None = None
) -> Path:
    """Write one table (``counts``, ``offences/E09000007``), checked, and return its file.

    It is written under a temporary name first, so that a crash leaves the old one whole.
    """
    path = find_processed(processed) / f"{name}.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    try:
        if name == "areas":
            frame.to_parquet(part, compression="zstd", index=False)  # type: ignore[union-attr]
        else:
            write_arrow(frame, STORE_TABLES[name.split("/")[0]], part)
        return part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def read_table(name: str, processed: str | Path | None = None) -> pd.DataFrame:
    """Return one table of the store with every column of its contract, later parts with it.

    Raises `TableError` when a file is not the one that the build wrote.
    """
    folder = find_processed(processed)
    return _read(name, folder, read_state(folder))


def _read(name: str, folder: Path, state: dict[str, Any], filters: Any = None) -> pd.DataFrame:
    names = [f"{name}.parquet", *(f"{name}.{n + 1}.parquet" for n in range(state["parts"]))]
    paths = [folder / each for each in names if each in state["files"]]
    for path in paths:
        known = state["files"][path.relative_to(folder).as_posix()]
        if not path.is_file() or known != _facts_of(path):
            what = "A file of the store is damaged, missing, or from another build."
            raise TableError(what, where=path.name, do="Run: sna build --fresh")
    if "/" in name:
        return read_files(name, paths, filters)
    return _read_shared(name, *((path, path.stat().st_mtime_ns) for path in paths)).copy(deep=False)


@lru_cache(maxsize=16)
def _read_shared(name: str, *paths: tuple[Path, int]) -> pd.DataFrame:
    """Read a table of all London, once for the boroughs that are loaded one after another."""
    return read_files(name, [path for path, _ in paths])


def _facts_of(path: Path) -> dict[str, Any]:
    return {"bytes": path.stat().st_size, "sha256": hash_file(path)}


# ---------------------------------------------------------------------------- the store as a whole


def read_state(processed: str | Path | None = None) -> dict[str, Any]:
    """Return store.json: format, profile, whether simulated, and each file's checksum."""
    folder = find_processed(processed)
    settle(folder)
    state = read_json(folder / "store.json")
    if not state:
        do = "Run: sna build (or sna sample first, for simulated data)."
        raise UsageError("There is no store of processed tables.", where=str(folder), do=do)
    if not isinstance(state, dict) or state.get("format") != FORMAT:
        what = "The store was written by another version of sna."
        found = state.get("format") if isinstance(state, dict) else ""
        raise UsageError(what, where=str(folder), found=found, do="Run: sna build")
    return state


def list_areas(state: dict[str, Any], *tables: str) -> list[str]:
    """Return codes of boroughs and districts that the store holds rows of, of `tables` or any."""
    paths = [Path(name) for name in state["files"]]
    held = {p.stem.split(".")[0] for p in paths if str(p.parent) in (tables or BY_BOROUGH)}
    return sorted(held - {UNPLACED})


@contextmanager
def new_files(processed: Path) -> Iterator[Path]:
    """Give a folder for a build in progress; whatever is left in it is taken away."""
    settle(processed)
    work = processed / ".new"
    shutil.rmtree(work, ignore_errors=True)
    (work / "spool").mkdir(parents=True)
    try:
        yield work
    finally:
        shutil.rmtree(work, ignore_errors=True)


def publish(work: Path, state: dict[str, Any]) -> int:
    """Put what a build wrote in place: the rename of its folder decides, then files are moved.

    ``state["files"]`` names files of the older store that stay; every other one goes.
    """
    new = sorted(work.rglob("*.parquet"))
    with ThreadPoolExecutor(1) as pool:
        gone = pool.submit(shutil.rmtree, work / "spool")  # takes as long as the checksums
        for path in new:
            state["files"][path.relative_to(work).as_posix()] = _facts_of(path)
    gone.result()
    write_json({"format": FORMAT, **state}, work / "store.json")
    work.replace(work.with_name(".ready"))
    settle(work.parent)
    return len(new)


def settle(processed: Path) -> None:
    """Move a finished build into place, also one that was stopped on the way."""
    ready = processed / ".ready"
    if not (ready / "store.json").is_file():
        return
    wanted = read_json(ready / "store.json")["files"]
    for path in [*sorted(ready.rglob("*.parquet")), ready / "inputs.json"]:
        if path.exists():
            target = processed / path.relative_to(ready)
            target.parent.mkdir(exist_ok=True)
            path.replace(target)
    (ready / "store.json").replace(processed / "store.json")
    shutil.rmtree(ready, ignore_errors=True)
    for path in processed.rglob("*.parquet"):
        if ".new" not in path.parts and path.relative_to(processed).as_posix() not in wanted:
            path.unlink()


def read_before(processed: Path) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return state and inputs of the build before, whatever became of its tables."""
    try:
        state, inputs = (read_json(processed / name) for name in ("store.json", "inputs.json"))
    except TableError:
        return {}, []
    return (state, inputs or []) if state and state.get("format") == FORMAT else ({}, [])


def rules_of(profile: str) -> str:
    """Return what a store must share with this code and definition to be added to."""
    here = Path(__file__).parents[1]
    code = hash_folder(*(here / name for name in _CODE))[:12]
    return f"{__version__} {code} {definitions.read_profile(profile).hash}"


def is_whole(processed: Path, state: dict[str, Any], profile: str) -> bool:
    """Say whether a store was made by these rules and every file of it has its size."""
    name = definitions.read_profile(profile).id  # two definitions can band by the same rules
    if not state or (state["profile"], state["rules"]) != (name, rules_of(profile)):
        return False
    sizes = {processed / name: known["bytes"] for name, known in state["files"].items()}
    return all(path.is_file() and path.stat().st_size == size for path, size in sizes.items())


# ---------------------------------------------------------------------------- one borough


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
        When the borough, edition or month cannot be meant or is not held, or the profile is
        another one.
    """
    if edition not in EDITIONS:
        raise UsageError("There is no such edition.", found=edition, do="Use public or partner.")
    if not isinstance(borough, str):
        do = "Give one name or code, such as Hackney or E09000012."
        raise UsageError("A borough is asked for by its name or code.", found=borough, do=do)
    folder, resolved = find_processed(processed), definitions.read_profile(profile)
    resolved.check_headline()
    state = read_state(folder)
    if resolved.id != state["profile"]:
        what, do = "The store was built with another definition.", f"sna build --profile {profile}"
        raise UsageError(what, where=str(folder), found=state["profile"], do=f"Run: {do}")
    code, name = _find_area(borough, state)
    inputs = read_json(folder / "inputs.json") or []
    names = {name: f"{name}/{code}" if name in BY_BOROUGH else name for name in STORE_TABLES}
    tables = {key: _read(name, folder, state) for key, name in names.items() if key != "rejects"}
    last = _end_month(end_month, tables["offences"]["month"].max(), inputs)
    for key in (*BY_BOROUGH, "counts"):
        late = tables[key]["month"].gt(last)
        tables[key] = tables[key][~late] if late.any() else tables[key]
    return BoroughData(
        borough_code=code,
        borough_name=name,
        edition=edition,
        profile=resolved,
        end_month=last,
        inputs=inputs,
        simulated=state["simulated"],
        settings=read_settings(),
        partial=tuple(state["partial"]),
        **tables,
    )


def load_people(
    data: BoroughData, *, person_role: str, processed: str | Path | None = None
) -> pd.DataFrame:
    """Load people of one role in every borough, up to the end month, to compare boroughs.

    Victims and suspects are those of core offences, as in the figures of one borough.
    """
    from sna.classify.inputs import is_among

    roles = STORE_TABLES["people"].columns["person_role"].allowed
    if person_role not in roles:
        do = f"Use {', '.join(roles)}."
        raise UsageError("There is no such role of people.", found=person_role, do=do)
    folder = find_processed(processed)
    state = read_state(folder)
    wanted = [("person_role", "==", person_role), ("month", "<=", data.end_month)]
    tables = []
    for code in [*list_areas(state, "people"), UNPLACED]:
        people = _read(f"people/{code}", folder, state, wanted)
        if person_role in ("victim", "suspect") and len(people):
            core = _read(f"offences/{code}", folder, state, [("band", "==", "core")])
            people = people[is_among(people["offence_id"], core["offence_id"][is_core(core)])]
        tables.append(people)
    return pd.concat(tables, ignore_index=True)


def load_around(data: BoroughData, *, processed: str | Path | None = None) -> pd.DataFrame:
    """Load the offences of touching boroughs, for maps that do not end at the border."""
    from sna.geography import find_neighbours

    shapes = data.areas[data.areas["area_level"].astype("str") == "borough"]
    shapes = shapes[shapes["edition"] == shapes["edition"].max()]
    own = shapes["area_code"].eq(data.borough_code).to_numpy(float)
    near = shapes["area_code"][find_neighbours(shapes).matrix @ own > 0] if own.any() else []
    parts = [read_table(f"offences/{code}", processed) for code in near]
    rows = pd.concat(parts) if parts else data.offences.head(0)
    return rows[~rows["month"].gt(data.end_month)]


def find_district(asked: str, state: dict[str, Any]) -> tuple[str, str] | None:
    """Return code and name of a district outside London that the store has a boundary for."""
    wanted, districts = asked.strip().casefold(), state.get("districts", {})
    known = [(code, str(name)) for code, name in districts.items()]
    return next((each for each in known if wanted in map(str.casefold, each)), None)


def _find_area(borough: str, state: dict[str, Any]) -> tuple[str, str]:
    """Return code and name of a borough, or of another district, that the store has rows for."""
    if district := find_district(borough, state):
        return district
    code, name = definitions.find_borough(borough)
    if code not in (held := list_areas(state)):
        known = definitions.boroughs().set_index("borough_code")["borough_name"].to_dict()
        names = sorted(known[each] for each in held if each in known)
        do = f"It has: {', '.join(names)}." if names else "It holds no London borough."
        raise UsageError(f"The store holds nothing of {name}.", found=borough, do=do)
    return code, name


def _end_month(
    asked: str | pd.Timestamp | None, last: pd.Timestamp, inputs: list[dict[str, Any]]
) -> pd.Timestamp:
    """Return the month asked for, or the last of the offences (else of anything held)."""
    held = [pd.Timestamp(line["last_month"]) for line in inputs if line.get("last_month")]
    first = [pd.Timestamp(line["first_month"]) for line in inputs if line.get("first_month")]
    if not asked:
        ends = [pd.Timestamp(last)] if pd.notna(last) else held
        return max(ends, default=pd.Timestamp("2000-01-01"))
    is_iso = isinstance(asked, pd.Timestamp) or re.fullmatch(r"\d{4}-\d\d(-\d\d)?", str(asked))
    month = pd.to_datetime(str(asked), errors="coerce") if is_iso else pd.NaT
    if pd.isna(month):
        raise UsageError("The month cannot be read.", found=asked, do="Write it as 2025-03.")
    month = pd.Timestamp(month).to_period("M").to_timestamp()
    if held and month > max(held):  # of all London: a quiet month is no gap
        do = f"The store ends in {max(held):%B %Y}; leave the month out for the last one."
        raise UsageError(f"Nothing is held for {month:%B %Y}.", found=asked, do=do)
    if first and month < min(first):
        do = f"The store begins in {min(first):%B %Y}; leave the month out for the last one."
        raise UsageError(f"Nothing is held for {month:%B %Y}.", found=asked, do=do)
    return month
