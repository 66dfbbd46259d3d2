"""The differencing ledger: what was published before, and what two published cells give away."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sna.disclosure.rules import TOTAL, matches
from sna.errors import DisclosureError
from sna.schemas.results import ResultTable

_AREA, _TIME = r"^(ward|msoa|area|borough)(_code)?$", r"month|period|year|quarter|window"
_BOUNDS = [("age_low", "age_high"), ("start", "end")]


def ledger_rows(
    shown: pd.DataFrame, shape: ResultTable, rows: pd.DataFrame, release: pd.Timestamp
) -> pd.DataFrame:
    """Return one row a protected cell of a restricted source: what it covers and what is shown."""
    part, rules = shown[rows["threshold"] > 0], rows[rows["threshold"] > 0]
    keys = [key for key in shape.keys if not re.search(_TIME, key)]
    area = [key for key in keys if re.search(_AREA, key)]
    ages = [key for key in keys if key.startswith("age")][:1]
    other = [key for key in keys if key not in (*area, *ages)]
    spans = (
        [_span(label) for label in part[ages[0]].astype("str")] if ages else [(0, 999)] * len(part)
    )
    start, end = _dates(part, release)
    facts = {
        "area": _joined(part, area), "age_low": [low for low, _ in spans],
        "age_high": [high for _, high in spans], "start": start, "end": end,
        "other": _joined(part, other), "exact": ~rules["rounded"], "threshold": rules["threshold"],
    }  # fmt: skip
    cells = [pd.DataFrame({"measure": n, "value": part[n], **facts}) for n in shape.counts]
    return pd.concat(cells, ignore_index=True) if cells else pd.DataFrame()


def _joined(part: pd.DataFrame, keys: list[str]) -> pd.Series:
    """Return the values of some keys as one text; a total is empty."""
    text = pd.Series("", index=part.index, dtype="str")
    for key in keys:
        text += part[key].astype("str").mask(part[key].isna() | matches(part[key], TOTAL), "") + ";"
    return text.str.rstrip(";")


def _span(label: str) -> tuple[int, int]:
    """Return the youngest and oldest age of a band: 10-17, under 25, 65+, all."""
    numbers = [int(number) for number in re.findall(r"\d+", label)]
    if not numbers:
        return 0, 999
    if re.match("under", label, re.I):
        return 0, numbers[0] - 1
    return numbers[0], 999 if "+" in label else numbers[-1]


def _dates(part: pd.DataFrame, release: pd.Timestamp) -> tuple[Any, Any]:
    """Return the first and last month that each row covers."""
    if "month" not in part:
        return pd.Timestamp(0), release
    window = next((part[n] for n in ("window_months", "period_months") if n in part), None)
    if window is None:
        return part["month"], part["month"]
    months = part["month"].dt.to_period("M")
    return (months - window.astype("int64") + 1).dt.to_timestamp(), part["month"]


def check_differencing(published: pd.DataFrame) -> None:
    """Raise `DisclosureError` if two exact cells, one inside the other, differ by 1 to t - 1.

    Wards in boroughs, narrow in wide age bands, short in long periods, and the same cell in two
    releases are compared. Rounded counts differ by multiples of the base and reveal nothing.
    """
    exact = published[published["exact"].astype(bool) & published["value"].notna()]
    found = [pair for _, g in exact.groupby(["measure", "other"]) for pair in _pairs(g)]
    if found:
        raise DisclosureError(
            f"{len(found)} pairs of published counts give a small count away by subtraction.",
            where="differencing ledger", found=found,
            do="Withhold one of each pair, or publish both rounded.",
        )  # fmt: skip


def _pairs(group: pd.DataFrame) -> list[str]:
    """Return the pairs of one measure in which the larger cell holds the smaller."""
    area, value = group["area"].to_numpy(str), group["value"].to_numpy(float)
    limit = group["threshold"].to_numpy()
    inside = (area[:, None] == "") | (area[:, None] == area[None, :])
    for low, high in _BOUNDS:
        first, last = group[low].to_numpy(), group[high].to_numpy()
        inside &= (first[:, None] <= first[None, :]) & (last[:, None] >= last[None, :])
    gap = np.abs(value[:, None] - value[None, :])
    small = inside & (gap > 0) & (gap < np.maximum(limit[:, None], limit[None, :]))
    names = (group["measure"] + " " + group["other"] + " " + area).tolist()
    return [f"{names[i]} less {names[j]}" for i, j in zip(*np.nonzero(small), strict=True)]


def record_release(
    folder: Path | None, records: list[dict[str, Any]], *, borough_code: str, edition: str,
    release: str,
) -> dict[str, int]:  # fmt: skip
    """Check a release against the ledger, add it, and write the disclosure log.

    `records` are the parsed `ProtectedTable.record()` of its figures. Without a folder (simulated
    data) nothing is kept. Returns how many cells each rule touched, for the run record.
    """
    new, log = (
        pd.DataFrame([r for record in records for r in record[k]]) for k in ("ledger", "log")
    )
    file = folder / f"disclosure_ledger_{borough_code}.csv" if folder else None
    if len(new):
        dates = {name: pd.to_datetime(new[name]) for name in ("start", "end")}
        new = new.assign(**dates, edition=edition, release=release)
        if file and file.exists():
            text = dict.fromkeys(["area", "other", "release"], "str")
            old = pd.read_csv(file, parse_dates=["start", "end"], dtype=text)
            old = old.fillna({"area": "", "other": ""})
            old = old[(old["edition"] != edition) | (old["release"] != release)]
            new = pd.concat([old, new], ignore_index=True) if len(old) else new
        check_differencing(new)
    if folder and file:
        folder.mkdir(parents=True, exist_ok=True)
        name = f"disclosure_log_{borough_code}_{edition}.csv"
        log.drop_duplicates().to_csv(folder / name, index=False)
        if len(new):  # a release without restricted counts leaves the ledger as it is
            partial = file.with_suffix(".tmp")
            new.drop_duplicates().to_csv(partial, index=False)
            partial.replace(file)
    return {str(rule): int(n) for rule, n in log["rule"].value_counts().items()} if len(log) else {}
