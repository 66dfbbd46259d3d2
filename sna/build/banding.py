"""Bands for what was read; rows whose code or label no definition row covers are set aside."""

from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from sna.classify import ADDED, add_counting_basis, classify_offences, find_unmatched
from sna.classify.bands import classify_numbered
from sna.definitions import read_profile
from sna.schemas.arrow import to_arrow
from sna.schemas.store_tables import OFFENCES
from sna.sources.layout import ReadResult

_CODES = {"offence_code", "detailed_code"}
_LABEL = "The code or label matches no row of the definition tables."


@lru_cache(maxsize=512)
def _answers(
    profile: str, categories: tuple[Any, ...], statuses: tuple[Any, ...]
) -> tuple[dict[tuple[Any, Any], int], pa.Table]:
    """Return the answers to published categories of each status, and at which row each stands.

    A category that no row of the definition covers is left out.
    """
    pairs = [(category, status) for status in statuses for category in categories]
    rows = pd.DataFrame(pairs, columns=["published_category", "status"]).assign(offences=1)
    rows = rows.drop(index=find_unmatched(rows).index)
    found = classify_offences(rows, profile=profile) if len(rows) else rows
    columns = {}
    for name in (name for name in ADDED if name in found):
        column = pa.array(found[name].astype("object"), from_pandas=True)
        is_coded = OFFENCES.columns[name].dtype == "category"
        columns[name] = column.cast(pa.string()).dictionary_encode() if is_coded else column
    stand = zip(rows["published_category"], rows["status"], strict=True)
    return {pair: at for at, pair in enumerate(stand)}, pa.table(columns)


def _coded(table: pa.Table, name: str) -> tuple[np.ndarray, list[Any]]:
    column = table[name]
    if not pa.types.is_dictionary(column.type):
        column = column.dictionary_encode()
    column = column.unify_dictionaries().combine_chunks()
    column = column.chunk(0) if isinstance(column, pa.ChunkedArray) else column
    return column.indices.fill_null(-1).to_numpy(), column.dictionary.to_pylist()


def _places(table: pa.Table, profile: str) -> tuple[np.ndarray, pa.Table]:
    """Return which answer each row has, -1 for none, and the answers there are."""
    codes, names = _coded(table, "published_category")
    has_status = "status" in table.column_names and len(codes)
    kinds, statuses = _coded(table, "status") if has_status else (codes * 0, ["recorded"])
    # in one order, so that boroughs share what was found
    ordered = (tuple(sorted(set(some), key=str)) for some in (names, statuses))
    at, answers = _answers(profile, *ordered)
    grid = np.full((len(statuses) + 1, len(names) + 1), -1)
    for row, status in enumerate(statuses):
        grid[row, :-1] = [at.get((name, status), -1) for name in names]
    return grid[kinds, codes], answers


def add_bands(table: pa.Table, profile: str) -> pa.Table:
    """Return published counts with the answer of their category; records keep what they have."""
    if "band" in table.column_names or not table.num_rows:
        return table
    place, answers = _places(table, profile)
    rows = answers.take(pa.array(place, mask=place < 0))
    for name in (name for name in rows.column_names if name not in table.column_names):
        table = table.append_column(name, rows[name])
    return table


def classify_table(
    table: pa.Table, lines: pa.Array, result: ReadResult, others: ReadResult | None, profile: str
) -> tuple[pa.Table, pa.Array, pd.DataFrame]:
    """Return rows that the definition covers, which they were, and a reject for each raw row lost.

    Records get their band here, one by one, with the people that `others` hold; published counts
    when they are written (`add_bands`).
    """
    if "published_category" in table.column_names and not _CODES & set(table.column_names):
        lost = _places(table, profile)[0] < 0
        codes, names = _coded(table, "published_category")
        labels = pd.Series(np.array([*names, "(blank)"], dtype=object)[codes[lost]])
        table = table.filter(pa.array(~lost)) if lost.any() else table
    else:
        frame = table.to_pandas()
        people = others.tables["people"] if others else None
        people = people.to_pandas() if isinstance(people, pa.Table) else people
        unmatched = find_unmatched(frame)
        lost, labels = frame.index.isin(unmatched.index), unmatched["label"].sort_index()
        frame = frame[~lost] if lost.any() else frame
        if people is not None and lost.any():
            people = people[people["offence_id"].isin(frame["offence_id"])]
        if len(frame):
            rows = None if others is None or lost.any() else others.offence_rows
            numbers = None if rows is None else (np.arange(len(frame)), rows)
            frame = classify_numbered(frame, read_profile(profile), people, numbers)
            frame = add_counting_basis(frame, profile=profile, people=people)
        table = to_arrow(frame, OFFENCES)
    where = np.asarray(lines)[lost]
    if result.category_rows is not None:  # a wide file: its raw rows, not its cells
        pairs = [(n, line) for n in labels.unique() for line in result.category_rows[str(n)]]
        labels, where = pd.Series([n for n, _ in pairs]), np.array([line for _, line in pairs])
    value = labels.astype("str").str[:80].to_numpy()
    rejects = pd.DataFrame({"line": where, "column": "code or label", "value": value, "rows": 1})
    return table, pa.array(~lost), rejects.assign(reason=_LABEL)
