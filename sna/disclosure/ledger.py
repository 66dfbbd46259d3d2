"""The differencing ledger: what was published before, and what two published cells give away."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sna.disclosure.rules import TOTAL, Row, matches
from sna.errors import DisclosureError
from sna.schemas.results import ResultTable

_AREA, _TIME = r"^(ward|msoa|area|borough)(_code)?$", r"month|period|year|quarter|window"
_SAME = ["measure", "other"]
_BOUNDS = [("age_low", "age_high"), ("start", "end")]


def ledger_rows(
    shown: pd.DataFrame, shape: ResultTable, rows: Row, release: pd.Timestamp
) -> pd.DataFrame:
    """Return one row a protected cell of a restricted source: what it covers and what is shown."""
    part = shown[rows.threshold > 0]
    keys = {"area": [], "age": [], "other": []}  # type: dict[str, list[str]]
    for key in shape.keys:
        kind = "area" if re.search(_AREA, key) else "age" if key.startswith("age") else "other"
        if not re.search(_TIME, key):
            keys[kind].append(key)
    low, high = _ages(part[keys["age"][0]] if keys["age"] else pd.Series("", part.index))
    start, end = _dates(part, release)
    facts = {
        "area": _joined(part, keys["area"]), "age_low": low, "age_high": high, "start": start,
        "end": end, "other": _joined(part, keys["other"]), "exact": ~rows.rounded[part.index],
        "threshold": rows.threshold[part.index],
    }  # fmt: skip
    cells = [pd.DataFrame({"measure": n, "value": part[n], **facts}) for n in shape.counts]
    return pd.concat(cells, ignore_index=True) if cells else pd.DataFrame()


def _joined(part: pd.DataFrame, keys: list[str]) -> pd.Series:
    """Return the values of some keys as one text; a total is empty."""
    text = pd.Series("", index=part.index, dtype="str")
    for key in keys:
        label = part[key].astype("str").mask(part[key].isna() | matches(part[key], TOTAL), "")
        text = text + f"{key}=" + label + ";" if key != keys[-1] or len(keys) > 1 else label
    return text


def _ages(labels: pd.Series) -> tuple[list[int], list[int]]:
    bounds = []
    for label in labels.astype("str"):
        numbers = [int(number) for number in re.findall(r"\d+", label)]
        if not numbers:
            bounds.append((0, 999))
        elif re.match(r"(?i)under", label):
            bounds.append((0, numbers[0] - 1))
        else:
            bounds.append((numbers[0], numbers[1] if len(numbers) > 1 else 999 if "+" in label
                           else numbers[0]))  # fmt: skip
    return [low for low, _ in bounds], [high for _, high in bounds]


def _dates(part: pd.DataFrame, release: pd.Timestamp) -> tuple[Any, Any]:
    """Return the first and last month that each row covers."""
    if {"period_start", "period_end"} <= set(part):
        return part["period_start"], part["period_end"]
    if "month" not in part:
        return pd.Timestamp(0), release
    window = next((part[n] for n in ("window_months", "period_months") if n in part), None)
    if window is None:
        return part["month"], part["month"]
    months = part["month"].dt.to_period("M")
    return (months - window.astype("int64") + 1).dt.to_timestamp(), part["month"]


def check_differencing(new: pd.DataFrame, old: pd.DataFrame) -> None:
    """Raise `DisclosureError` if two exact cells, one inside the other, differ by 1 to t - 1.

    Wards in boroughs, narrow in wide age bands, short in long periods, and the same cell in two
    releases are compared. Rounded counts differ by multiples of the base and reveal nothing.
    """
    every = pd.concat([old, new], ignore_index=True) if len(old) else new
    exact = every[every["exact"].astype(bool) & every["value"].notna()] if len(every) else every
    found = (
        [pair for _, group in exact.groupby(_SAME) for pair in _pairs(group)] if len(exact) else []
    )
    if found:
        raise DisclosureError(
            f"{len(found)} pairs of published counts give a small count away by subtraction.",
            where="differencing ledger",
            found=found,
            do="Withhold one of each pair, or publish both rounded.",
        )


def _pairs(group: pd.DataFrame) -> list[str]:
    """Return the pairs of one measure in which the larger cell holds the smaller."""
    area = group["area"].fillna("").astype("str").to_numpy()
    value, limit = group["value"].to_numpy(float), group["threshold"].to_numpy()
    inside = (area[:, None] == "") | (area[:, None] == area[None, :])
    for low, high in _BOUNDS:
        first, last = group[low].to_numpy(), group[high].to_numpy()
        inside &= (first[:, None] <= first[None, :]) & (last[:, None] >= last[None, :])
    gap = np.abs(value[:, None] - value[None, :])
    small = inside & (gap > 0) & (gap < np.maximum(limit[:, None], limit[None, :]))
    names = (group["measure"] + " " + group["other"].fillna("") + " " + area).tolist()
    return [f"{names[i]} less {names[j]}" for i, j in zip(*np.nonzero(small), strict=True)]


def record_release(
    folder: Path | None, records: list[dict[str, Any]], *, borough_code: str, edition: str,
    release: str,
) -> dict[str, int]:  # fmt: skip
    """Check a release against the ledger, add it, and write the disclosure log.

    `records` are the parsed `ProtectedTable.record()` of its figures. Without a folder (simulated
    data) nothing is kept. Returns how many cells each rule touched, for the run record.
    """
    new = pd.DataFrame([row for record in records for row in record["ledger"]])
    log = pd.DataFrame([row for record in records for row in record["log"]]).drop_duplicates()
    file = folder / f"disclosure_ledger_{borough_code}.csv" if folder else None
    if len(new):
        dates = {name: pd.to_datetime(new[name]) for name in ("start", "end")}
        new = new.assign(**dates, edition=edition, release=release)
        text = {"area": "str", "other": "str", "release": "str"}
        old = new[:0]
        if file and file.exists():
            old = pd.read_csv(file, parse_dates=["start", "end"], dtype=text)
        old = old[(old["edition"] != edition) | (old["release"] != release)]
        check_differencing(new, old)
        new = pd.concat([old, new], ignore_index=True) if len(old) else new
    if folder and file:
        folder.mkdir(parents=True, exist_ok=True)
        log.to_csv(folder / f"disclosure_log_{borough_code}_{edition}.csv", index=False)
        partial = file.with_suffix(".tmp")
        new.drop_duplicates().to_csv(partial, index=False)
        partial.replace(file)
    return {str(rule): int(n) for rule, n in log["rule"].value_counts().items()} if len(log) else {}
