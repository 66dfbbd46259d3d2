"""A Parquet extract larger than memory, classified in parts on Dask: the same answer."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from sna.build.workers import start_workers
from sna.classify import classify_offences, count_waterfall
from sna.definitions import Profile, read_profile
from sna.errors import UsageError
from sna.sources.extract import read_extract
from sna.sources.files import RawFile
from sna.sources.mapping import Mapping
from sna.sources.text import sample_file
from sna.store.files import working_folder

ROWS_A_PART = 500_000
_ROW = "row of the whole file"


def classify_in_parts(
    file: Path, mapping: Mapping, *, profile: str, scheduler: str
) -> tuple[pd.DataFrame, pd.DataFrame, int]:
    """Return bands by reference in the order of the file, the waterfall, and how many rows failed.

    Rows of one reference, and of references that are linked, come into one part; the workers must
    see the folder of the file. Rules that look at neighbouring records cannot be cut into parts.
    """
    if file.suffix != ".parquet":
        do = "Save the extract as Parquet, or leave --scheduler out."
        raise UsageError("Only Parquet can be read in parts.", where=str(file), do=do)
    if read_profile(profile).switches.get("property_nearby_fallback"):
        do = "Leave --scheduler out, or choose a profile without property_nearby_fallback."
        raise UsageError("This definition looks at records nearby.", found=profile, do=do)
    source, roles = pq.ParquetFile(file), mapping.columns
    number = max(1, -(-source.metadata.num_rows // ROWS_A_PART))
    roots = _link(file, roles)
    jobs = [(file, roles["crime_ref"], n) for n in range(source.num_row_groups)]
    if mapping.people:
        beside = file.with_name(mapping.people.file)
        heading = mapping.people_roles["crime_ref"]
        groups = pq.ParquetFile(beside).num_row_groups
        jobs += [(beside, heading, n) for n in range(groups)]
    with (
        working_folder(".parts-", file.parent) as spool,
        start_workers(scheduler) as run,
    ):
        list(run(_deal, jobs, (spool, roots, number)))
        today = pd.Timestamp.today().normalize()
        found = list(
            run(_classify_part, range(number), (spool, file.name, mapping, profile, today))
        )
    bands = pd.concat([answer for answer, _, _ in found]).sort_values("row", kind="stable")
    steps = pd.concat([steps for _, steps, _ in found])
    sums = steps.groupby(["step", "why"], sort=False, as_index=False)[
        ["offences", "left_out"]
    ].sum()
    return bands.drop(columns="row"), sums, sum(failed for _, _, failed in found)


def _link(file: Path, roles: dict[str, str]) -> dict[str, str]:
    """Return one name for all references that links hold together."""
    if "linked_ref" not in roles:
        return {}
    pairs = pq.read_table(file, columns=[roles["crime_ref"], roles["linked_ref"]])
    pairs = pairs.filter(pc.is_valid(pairs[1])).to_pandas().astype("str")
    root: dict[str, str] = {}

    def find(name: str) -> str:
        while name in root and root[name] != name:
            name = root[name]
        return name

    for one, other in pairs.itertuples(index=False, name=None):
        root[find(one.strip())] = find(other.strip())
    return {name: find(name) for name in root}


def _deal(job: tuple[Path, str, int], spool: Path, roots: dict[str, str], number: int) -> None:
    """Deal the rows of one row group out to the parts."""
    file, heading, group = job
    source = pq.ParquetFile(file)
    before = sum(source.metadata.row_group(n).num_rows for n in range(group))
    table = source.read_row_group(group)
    rows = pa.array(np.arange(before, before + table.num_rows))
    names = table[heading].cast(pa.string()).to_pandas().fillna("").str.strip()
    part = pd.util.hash_array(names.replace(roots).to_numpy(object)) % np.uint64(number)
    table = table.append_column(_ROW, rows)
    for each in range(number):
        chosen = table.filter(pa.array(part == each))
        pq.write_table(chosen, spool / f"{each}-{group:06d}-{file.name}")


def _classify_part(
    number: int, spool: Path, name: str, mapping: Mapping, profile: str, today: pd.Timestamp
) -> tuple[pd.DataFrame, pd.DataFrame, int]:
    rows, sample = _gather(number, spool, name)
    people = _gather(number, spool, mapping.people.file)[1] if mapping.people else None
    results = read_extract(sample, mapping, today=today, people=people)
    persons = [result.tables["people"] for result in results if "people" in result.tables]
    everyone = pd.concat(persons, ignore_index=True) if persons else None
    offences = results[0].tables["offences"]
    classified = classify_offences(offences, profile=profile, people=everyone)
    answer = classified[["offence_id", "band"]].astype({"band": "str"})
    answer = answer.assign(row=rows[offences["line"].to_numpy() - 1])
    return (
        answer,
        _steps(classified, read_profile(profile)),
        len(results[0].rejects),
    )


def _steps(classified: pd.DataFrame, profile: Profile) -> pd.DataFrame:
    """Return the waterfall; no row of it under a text that gives no headline."""
    if profile.status == "incomplete":
        return pd.DataFrame(columns=["step", "why", "offences", "left_out"])
    return count_waterfall(classified, profile=profile)


def _gather(number: int, spool: Path, name: str) -> tuple[np.ndarray, Any]:
    """Put the rows of one part into one file, in the order of the whole."""
    dealt = sorted(spool.glob(f"{number}-*-{name}"))
    table = pa.concat_tables([pq.read_table(path) for path in dealt])
    path = spool / f"{number}-{name}"
    pq.write_table(table.drop_columns([_ROW]), path)
    return table[_ROW].to_numpy(), sample_file(RawFile(path.name, path))[0]
