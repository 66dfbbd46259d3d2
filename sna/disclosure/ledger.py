"""The differencing ledger: what was published before, and what two published cells give away."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sna.disclosure.rules import is_total
from sna.errors import DisclosureError
from sna.schemas.results import ResultTable

_AREA, _TIME = r"^(ward|msoa|area|borough)(_code)?$", r"month|period|year|quarter|window"
_DATES = ["start", "end"]
_TEXT = dict.fromkeys(["area", "other", "release"], "str")


def ledger_rows(
    shown: pd.DataFrame, shape: ResultTable, rows: pd.DataFrame, release: pd.Timestamp
) -> pd.DataFrame:
    """Return one row a protected cell of a restricted source: what it covers and what is shown."""
    part, rules = shown[rows["threshold"] > 0], rows[rows["threshold"] > 0]
    keys = [key for key in shape.keys if not re.search(_TIME, key)]
    area = [key for key in keys if re.search(_AREA, key)]
    ages = [key for key in keys if key.startswith("age")][:1]
    other = [key for key in keys if key not in (*area, *ages)]
    spans = [_span(str(label)) for label in part[ages[0]]] if ages else [(0, 999)] * len(part)
    start, end = _dates(part, release)
    facts = pd.DataFrame(
        {"area": _joined(part, area), "start": start, "end": end, "other": _joined(part, other)},
        index=part.index,
    ).assign(exact=~rules["rounded"], threshold=rules["threshold"])
    facts[["age_low", "age_high"]] = np.array(spans, dtype=int).reshape(-1, 2)
    cells = [facts.assign(measure=name, value=part[name]) for name in shape.counts]
    return pd.concat(cells, ignore_index=True) if cells else pd.DataFrame()


def _joined(part: pd.DataFrame, keys: list[str]) -> pd.Series:
    """Return the values of some keys as one text; a total is empty."""
    text = pd.Series("", index=part.index, dtype="str")
    for key in keys:
        text += part[key].astype("str").mask(part[key].isna() | is_total(part[key]), "") + ";"
    return text.str.rstrip(";")


def _span(label: str) -> tuple[int, int]:
    """Return the youngest and oldest age of a band: 10-17, under 25, 65+, all."""
    numbers = [int(number) for number in re.findall(r"\d+", label)] or [0, 999]
    if re.match("under", label, re.IGNORECASE):
        return 0, numbers[0] - 1
    return numbers[0], 999 if "+" in label else numbers[-1]


def _dates(part: pd.DataFrame, release: pd.Timestamp) -> tuple[Any, Any]:
    """Return the first and last month that each row covers."""
    if "month" not in part:
        return pd.Timestamp(0), release
    months = part["month"].dt.to_period("M")
    for name in ("window_months", "period_months"):
        if name in part:
            months = months - part[name].astype("int64") + 1
            break
    return months.dt.to_timestamp(), part["month"]


def check_differencing(published: pd.DataFrame) -> None:
    """Raise `DisclosureError` if two exact cells, one inside the other, differ by 1 to t - 1.

    Wards in boroughs, narrow in wide age bands, short in long periods, and the same cell in two
    releases are compared. Rounded counts differ by multiples of the base and reveal nothing.
    """
    exact = published[published["exact"].astype(bool) & published["value"].notna()]
    if found := [pair for _, g in exact.groupby(["measure", "other"]) for pair in _pairs(g)]:
        what = f"{len(found)} pairs of published counts give a small count away by subtraction."
        do = "Withhold one of each pair, or publish both rounded."
        raise DisclosureError(what, where="differencing ledger", found=found, do=do)


def _pairs(group: pd.DataFrame) -> list[str]:
    """Return the pairs of one measure in which the larger cell holds the smaller."""

    def column(name: str) -> np.ndarray:
        return group[name].to_numpy()[:, None]

    area, value = column("area"), column("value").astype(float)
    inside = (area == "") | (area == area.T)
    for low, high in (("age_low", "age_high"), _DATES):
        inside &= (column(low) <= column(low).T) & (column(high) >= column(high).T)
    gap, limit = np.abs(value - value.T), column("threshold")
    small = inside & (gap > 0) & (gap < np.maximum(limit, limit.T))
    names = (group["measure"] + " " + group["other"] + " " + group["area"]).tolist()
    return [f"{names[i]} less {names[j]}" for i, j in zip(*np.nonzero(small), strict=True)]


def record_release(
    folder: Path | None,
    records: list[dict[str, Any]],
    *,
    borough_code: str,
    edition: str,
    release: str,
) -> dict[str, int]:
    """Check a release against the ledger, add it, and write the disclosure log.

    `records` are the parsed `ProtectedTable.record()` of its figures. Without a folder (simulated
    data) nothing is kept. Returns how many cells each rule touched, for the run record.
    """
    new, log = (pd.DataFrame([r for one in records for r in one[k]]) for k in ("ledger", "log"))
    if folder:
        folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"disclosure_ledger_{borough_code}.csv" if folder else None
    if len(new):  # a release without restricted counts leaves the ledger as it is
        new = new.assign(edition=edition, release=release)
        if file and file.exists():
            old = pd.read_csv(file, dtype=_TEXT).fillna({"area": "", "other": ""})
            again = (old["edition"] == edition) & (old["release"] == release)
            new = pd.concat([old[~again], new], ignore_index=True)
        new = new.assign(**{name: pd.to_datetime(new[name], format="ISO8601") for name in _DATES})
        check_differencing(new)
        if file:
            new.drop_duplicates().to_csv(file.with_suffix(".tmp"), index=False)
            file.with_suffix(".tmp").replace(file)
    if folder:
        name = f"disclosure_log_{borough_code}_{edition}.csv"
        log.drop_duplicates().to_csv(folder / name, index=False)
    return {str(rule): int(n) for rule, n in log["rule"].value_counts().items()} if len(log) else {}
