"""What a file speaks for: its counts by month, area level, category and borough."""

from collections import Counter
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

# tables of events, and the column that counts in each
EVENTS = ("offences", "people", "outcomes", "attendances")
CELL = ("month", "area_level", "published_category")


def sum_events(tables: dict[str, pa.Table]) -> dict[str, pa.Table]:
    """Return each table of events as its counts and rows by month, level, category and borough."""
    found = {}
    for name in EVENTS:
        if (table := tables.get(name)) is not None and table.num_rows:
            keys = [key for key in (*CELL, "borough_code") if key in table.column_names]
            sums = table.group_by(keys).aggregate([(name, "sum"), ([], "count_all")])
            found[name] = sums.rename_columns([*keys, "total", "rows"])
    return found


def list_cells(record: dict[str, Any], events: dict[str, pa.Table]) -> pd.DataFrame:
    """Return what a file speaks for: months, levels and categories, with rows and counts.

    ``events`` come from `sum_events`. The months' totals, the labels' months and the groups' totals
    are noted in the file's line of inputs.
    """
    frames: list[pd.DataFrame] = []
    for name, counts in events.items():
        keys = [key for key in CELL if key in counts.column_names]
        whole = counts.group_by(keys).aggregate([("total", "sum"), ("rows", "sum")])
        whole = whole.rename_columns([*keys, "total", "rows"])
        texts = {key: whole[key].cast(pa.string()).to_numpy() for key in keys if key != "month"}
        numbers = {key: whole[key].to_numpy() for key in ("month", "total", "rows")}
        record["totals"] = record["totals"] if frames else _sum_months(whole)
        frames.append(pd.DataFrame({**numbers, **texts, "table": name}))
    if not frames:
        return pd.DataFrame(columns=["table", *CELL, "rows", "total"])
    cells = pd.concat(frames, ignore_index=True) if len(frames) > 1 else frames[0]
    if record["layout"].startswith("mps_") and "published_category" in cells:
        _note_labels(record, cells)
    return cells


def _sum_months(cells: pa.Table) -> dict[str, int]:
    """Return the total of each month, in order."""
    totals: Counter[str] = Counter()
    for month, total in zip(cells["month"].to_pylist(), cells["total"].to_pylist(), strict=True):
        if month is not None:
            totals[f"{month:%Y-%m}"] += int(total)
    return dict(sorted(totals.items()))


def _note_labels(record: dict[str, Any], cells: pd.DataFrame) -> None:
    """Note the first and last month of each label, and the totals of each group of a wide file."""
    months = cells["month"].dt.strftime("%Y-%m").rename("name")
    spans = months[cells["total"] > 0].groupby(cells["published_category"]).agg(["min", "max"])
    record["labels"] = {str(label): list(span) for label, *span in spans.itertuples()}
    if record["is_wide"]:
        group = cells["published_category"].str.split(" | ", regex=False).str[1].str.upper()
        for name, found in cells.assign(name=months).groupby(group):
            record["groups"][name] = found.groupby("name")["total"].sum().astype("int64").to_dict()


def digest_months(events: dict[str, pa.Table]) -> dict[str, str]:
    """Return a checksum of each month's counts by category and borough, given by `sum_events`.

    It tells a count that moved to another category or borough while the month's sum stayed.
    """
    months, marks = [np.array([], "datetime64[M]")], [np.array([], "uint64")]
    for counts in events.values():
        day = counts["month"].cast(pa.date32())
        sums = counts.drop_columns(["rows", "month"]).add_column(0, "month", day)
        texts = sums.cast(pa.schema([(name, pa.string()) for name in sums.column_names]))
        marks.append(pd.util.hash_pandas_object(texts.to_pandas(), index=False).to_numpy())
        months.append(day.to_numpy().astype("datetime64[M]"))
    names, codes = np.unique(np.concatenate(months), return_inverse=True)
    whole = np.zeros(len(names), "uint64")
    np.add.at(whole, codes, np.concatenate(marks))
    return {str(m): f"{mark:x}" for m, mark in zip(names, whole, strict=True) if not np.isnat(m)}
