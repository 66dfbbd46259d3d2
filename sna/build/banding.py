"""Bands for what was read; rows whose code or label no definition row covers are set aside."""

from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from sna.classify import classify_offences, find_unmatched
from sna.schemas.store_tables import OFFENCES
from sna.sources.layout import ReadResult, no_rows
from sna.sources.rows import dictionary
from sna.store import to_arrow

_ADDED = [name for name in OFFENCES.columns if list(OFFENCES.columns).index(name) >=
          list(OFFENCES.columns).index("band")]  # fmt: skip


@lru_cache(maxsize=256)
def _bands(profile: str, categories: tuple[Any, ...], status: str) -> pd.DataFrame:
    """Return the answer for each published category; one that no row covers is left out."""
    rows = pd.DataFrame({"published_category": categories, "status": status, "offences": 1})
    rows = rows.drop(index=find_unmatched(rows).index)
    return classify_offences(rows, profile=profile) if len(rows) else rows


def classify_table(
    table: pa.Table, result: ReadResult, people: Any, profile: str
) -> tuple[pa.Table, pd.DataFrame, int]:
    """Return the rows with their band, rejects of labels that match nothing, and raw rows lost.

    Published counts take the answer of their category; records are answered one by one.
    """
    if "published_category" in table.column_names and "offence_code" not in table.column_names:
        return _classify_counts(table, result, profile)
    return _classify_records(table, people, profile)


def _classify_counts(
    table: pa.Table, result: ReadResult, profile: str
) -> tuple[pa.Table, pd.DataFrame, int]:
    column = table["published_category"].unify_dictionaries().combine_chunks()
    column = column.chunk(0) if isinstance(column, pa.ChunkedArray) else column
    codes, names = column.indices.fill_null(-1).to_numpy(), column.dictionary.to_pylist()
    status = table["status"][0].as_py() if table.num_rows and "status" in table.column_names else ""
    answers = _bands(profile, tuple(names), status or "recorded")
    place = pd.Series(np.arange(len(answers)), index=answers["published_category"])
    known = np.append(place.reindex(names).fillna(-1).to_numpy(dtype="int32"), -1)[codes]
    lost = known < 0
    rejects, gone = no_rows("reason", "rows"), 0
    if lost.any():
        rejects = _unmatched(names, codes, lost, result.category_rows)
        gone = int(rejects["rows"].sum())
        table, known = table.filter(pa.array(~lost)), known[~lost]
    for name in (name for name in _ADDED if name in answers):
        values = answers[name].astype("object").where(answers[name].notna(), None).tolist()
        if answers[name].dtype == bool:
            answer: Any = pa.array(np.array(values, dtype=bool)[known])
        else:
            answer = dictionary(known, values)
        if OFFENCES.columns[name].dtype == "str":
            answer = answer.cast(pa.string())
        table = table.append_column(name, answer)
    return table, rejects, gone


def _unmatched(
    names: list[str], codes: np.ndarray, lost: np.ndarray, raw_rows: dict[str, int] | None
) -> pd.DataFrame:
    """Return one reject a label, in raw rows: cells of a wide file share theirs."""
    labels = np.array([*names, "(blank)"], dtype=object)[codes[lost]]
    seen = pd.Series(labels).value_counts()
    rows = [raw_rows.get(str(name), 1) for name in seen.index] if raw_rows else seen.to_numpy()
    return pd.DataFrame(
        {
            "column": "published_category",
            "value": seen.index.astype("str"),
            "reason": "The label matches no row of published_categories.csv.",
            "rows": rows,
        }
    )


def _classify_records(
    table: pa.Table, people: Any, profile: str
) -> tuple[pa.Table, pd.DataFrame, int]:
    frame = table.to_pandas()
    people = people if people is None or isinstance(people, pd.DataFrame) else people.to_pandas()
    lost = find_unmatched(frame)
    seen = lost["label"].str[:80].value_counts()
    rejects = pd.DataFrame(
        {
            "column": "offence_code",
            "value": seen.index.astype("str"),
            "reason": "The code matches no row of offence_codes.csv.",
            "rows": seen.to_numpy(),
        }
    )
    frame = frame.drop(index=lost.index)
    answered = classify_offences(frame, profile=profile, people=people) if len(frame) else frame
    return to_arrow(answered, OFFENCES), rejects, len(lost)
