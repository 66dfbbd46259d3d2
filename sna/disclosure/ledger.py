"""The differencing ledger: what was published before, and what two published cells give away."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sna.disclosure.audit import known_beside
from sna.disclosure.rules import WORDS, is_total
from sna.errors import DisclosureError
from sna.schemas.results import ResultTable

_AREA = r"^(ward|msoa|area|borough)(_code)?$"
_DATES = ["start", "end"]
_TEXT = dict.fromkeys(["area", "other", "release", "profile"], "str")


def ledger_rows(
    shown: pd.DataFrame,
    shape: ResultTable,
    rows: pd.DataFrame,
    release: pd.Timestamp,
    true: pd.DataFrame,
    base: int,
    overlap: Mapping[str, pd.Series],
) -> pd.DataFrame:
    """Return one row a protected cell of a restricted source: what it covers and what is shown.

    Periods of a series carry what a reader knows of them at least and at most too; `overlap` says
    which were withheld, with all of their kind, for the sake of others.
    """
    part, rules = shown[rows["threshold"] > 0], rows[rows["threshold"] > 0]
    ages = [key for key in shape.keys if key.startswith("age")][:1]
    spans = [_span(str(label)) for label in part[ages[0]]] if ages else [(0, 999)] * len(part)
    start, end = _dates(part, release)
    facts = series_names(part, shape).assign(start=start, end=end)
    facts = facts.assign(exact=~rules["rounded"], threshold=rules["threshold"])
    facts[["age_low", "age_high"]] = np.array(spans, dtype=int).reshape(-1, 2)
    cells = [facts.assign(measure=name, value=part[name]) for name in shape.counts]
    told = [_told(cell, part, true.loc[part.index], shape, base, overlap) for cell in cells]
    return pd.concat(told, ignore_index=True) if told else pd.DataFrame()


def series_names(part: pd.DataFrame, shape: ResultTable) -> pd.DataFrame:
    """Return the area and the other keys, apart from ages and time, that name a series."""
    keys = [
        key for key in shape.keys if not re.search(WORDS["time"], key) and not key.startswith("age")
    ]
    area = [key for key in keys if re.search(_AREA, key)]
    other = [key for key in keys if key not in area]
    return pd.DataFrame({"area": _joined(part, area), "other": _joined(part, other)})


def _told(
    cell: pd.DataFrame,
    part: pd.DataFrame,
    true: pd.DataFrame,
    shape: ResultTable,
    base: int,
    overlap: Mapping[str, pd.Series],
) -> pd.DataFrame:
    """Add the months of a period of a series, and its least and most; else they are missing."""
    name = str(cell["measure"].iloc[0]) if len(cell) else ""
    if name not in shape.spans:
        return cell.assign(least=np.nan, most=np.nan)
    value, size = true[name].astype("float64"), shape.spans[name]
    last = part["last_month"].dt.to_period("M")
    first = last - (part[size].astype("int64") if isinstance(size, str) else size) + 1
    kind = [cell["area"], cell["other"], part["length"] if "length" in part else last.isna()]
    small = (value > 0) & (value < cell["threshold"])
    small &= cell["value"].notna().groupby(kind).transform("any")  # else nobody knows which are
    small &= ~overlap[name].loc[part.index].groupby(kind).transform("any")
    known = known_beside(
        cell["value"].to_numpy("float64"), small.to_numpy(), cell["threshold"], base
    )
    least, most = (np.where(cell["exact"] | value.isna(), np.nan, bound) for bound in known)
    months = {"start": first.dt.to_timestamp(), "end": last.dt.to_timestamp()}
    return cell.assign(**months, least=least, most=most)


def read_earlier(data: Any) -> pd.DataFrame:
    """Return the periods of series in every release of the borough so far, rounded ones only.

    This release too, where it is made again: its first making may have been given out.

    ``first`` and ``after`` number the month they start in and the one after their last; a ``most``
    that nobody knows is infinite; ``is_anew`` marks those under another definition.
    """
    file = data.settings.folder("records") / f"disclosure_ledger_{data.borough_code}.csv"
    if not file.is_file():
        return pd.DataFrame(columns=["area", "other"])
    old = _read(file)
    anew = old["profile"] != data.profile.id
    number = {name: old[name].dt.year * 12 + old[name].dt.month for name in _DATES}
    old = old.assign(first=number["start"] - 1, after=number["end"], is_anew=anew)
    return old[old["least"].notna()].fillna({"most": np.inf})


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


def _read(file: Path) -> pd.DataFrame:
    """Return a ledger; columns that an older one lacks are missing."""
    old = pd.read_csv(file, dtype=_TEXT, parse_dates=_DATES)
    old = old.reindex(columns=[*dict.fromkeys([*old, "profile", "least", "most"])])
    return old.fillna(dict.fromkeys(["area", "other", "profile"], ""))


def check_differencing(published: pd.DataFrame) -> None:
    """Raise `DisclosureError` if two exact cells, one inside the other, differ by 1 to t - 1.

    Wards in boroughs, narrow in wide age bands, short in long periods, and the same cell in two
    releases are compared. Rounded counts differ by multiples of the base and reveal nothing.
    """
    exact = published[published["exact"].astype(bool) & published["value"].notna()]
    if found := [pair for _, g in exact.groupby(["measure", "other"]) for pair in _pairs(g)]:
        what = f"{len(found)} pairs of published counts give a small count away by subtraction."
        do = "Withhold one, publish both rounded, or delete the rows of what was never given out."
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
    profile: str = "",
) -> dict[str, int]:
    """Check a release against the ledger, add it, and write the disclosure log.

    A release made again with other counts stands beside its first making, which somebody may hold.

    `records` are the parsed `ProtectedTable.record()` of its figures. Without a folder (simulated
    data) nothing is kept. Returns how many cells each rule touched, for the run record.
    """
    new, log = (pd.DataFrame([r for one in records for r in one[k]]) for k in ("ledger", "log"))
    if folder:
        folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"disclosure_ledger_{borough_code}.csv" if folder else None
    if len(new):  # a release without restricted counts leaves the ledger as it is
        new = new.assign(edition=edition, release=release, profile=profile)
        if file and file.exists():
            old = _read(file)
            new = pd.concat([old, new], ignore_index=True)
        new = new.assign(**{name: pd.to_datetime(new[name], format="ISO8601") for name in _DATES})
        check_differencing(new)
        if file:
            new.drop_duplicates().to_csv(file.with_suffix(".tmp"), index=False)
            file.with_suffix(".tmp").replace(file)
    if folder:
        name = f"disclosure_log_{borough_code}_{edition}.csv"
        log.drop_duplicates().to_csv(folder / name, index=False)
    return {str(rule): int(n) for rule, n in log["rule"].value_counts().items()} if len(log) else {}
