"""The fields of a record extract: how text becomes a date, an age, a code, a yes or a no."""

from typing import Any

import pandas as pd

from sna import definitions
from sna.errors import UsageError
from sna.schemas.store_tables import OFFENCES, STORE_TABLES
from sna.sources.layout import ReadResult, make_finding, no_rows
from sna.sources.mapping import Coding, Flag
from sna.sources.rows import line_rejects
from sna.sources.text import TextTable

OLDEST_AGE = 120
_BAND = r"(?:under|over)?\s*\d{1,3}\s*(?:(?:-|to)\s*\d{1,3}|\+)?"
_ALLOWED = {
    **{role: OFFENCES.columns[role].allowed for role in ("status", "weapon", "weapon_use")},
    "sex": STORE_TABLES["people"].columns["sex"].allowed,
    "person_role": ("victim", "suspect"),
}
_ALSO = {"sex": {"f": "female", "m": "male"}}


class Notes:
    """Rejects and findings gathered while one file is read."""

    def __init__(self) -> None:
        self.rejects: list[pd.DataFrame] = []
        self.findings: list[dict[str, Any]] = []

    def reject(self, rows: pd.Series, column: str, reason: str) -> None:
        """Reject rows of a text column; their index is the row number, counted from 0."""
        values = rows.astype("str").str.slice(0, 80)
        table = pd.DataFrame({"line": rows.index + 1, "value": values, "rows": 1})
        table = table.groupby("value", sort=False, as_index=False).agg(
            {"line": "min", "rows": "sum"}
        )
        self.rejects.append(table.assign(column=column, reason=reason))

    def find(self, finding: str, rows: pd.Series, action: str, severity: str = "warning") -> None:
        """Add a finding when it touches any row."""
        if number := int(rows.sum()):
            found = make_finding(finding, severity=severity, rows=number, action=action)
            self.findings.append(found)

    def result(self, tables: dict[str, Any], text: TextTable) -> ReadResult:
        """Return what came out of the file, ragged lines rejected too."""
        parts = [part for part in (*self.rejects, line_rejects(text)) if len(part)]
        rejects = pd.concat(parts) if parts else no_rows("reason", "rows")
        used = text.rows - int(rejects["rows"].sum())
        return ReadResult(tables, text.rows, used, rejects, [*text.findings, *self.findings])


def or_missing(text: pd.Series) -> pd.Series:
    """Return the text without blanks around it, and blanks as missing."""
    text = text.str.strip()
    return text.mask(text == "")


def parse_dates(text: pd.Series, date_format: str) -> pd.Series:
    """Return local dates and times; what is not a date comes back missing."""
    known: dict[str, dict[str, Any]] = {"day_first": {"format": "mixed", "dayfirst": True}}
    text = text.str.strip()
    if date_format == "iso":  # quick enough row by row; nearly every time is its own
        parsed = pd.to_datetime(text.mask(text == ""), errors="coerce", format="ISO8601")
        if parsed.dt.tz is not None:
            parsed = parsed.dt.tz_convert("Europe/London").dt.tz_localize(None)
        return parsed.astype("datetime64[us]")
    unique = pd.Series(text.unique())
    how = known.get(date_format, {"format": date_format})
    parsed = pd.to_datetime(unique, errors="coerce", **how)
    if parsed.dt.tz is not None:
        parsed = parsed.dt.tz_convert("Europe/London").dt.tz_localize(None)
    days = dict(zip(unique, parsed.astype("datetime64[us]"), strict=True))
    return text.map(days).astype("datetime64[us]")


def translate(text: pd.Series, role: str, coding: Coding | None) -> pd.Series:
    """Translate a coded column to our words; what is not one of them comes back missing."""
    coding = coding or Coding()
    blank = coding.blank_means or ("recorded" if role == "status" else "unknown")
    pairs = {key.lower(): word for key, word in coding.map.items()}
    words = {word: word for word in _ALLOWED[role]}
    known = {**words, **_ALSO.get(role, {}), **pairs, "": blank}
    return text.str.strip().str.lower().map(known).astype("str")


def read_flag(raw: pd.DataFrame, name: str, flag: Flag, notes: Notes) -> pd.Series:
    """Return yes, no or unknown for every row."""
    text = raw[flag.column].str.strip()
    if flag.contains:
        found = pd.Series(False, index=text.index)
        for mark in flag.contains:
            found |= text.str.contains(mark, regex=False)
        answer = found.map({True: "yes", False: "no"})
    else:
        pairs = {value.lower(): "no" for value in flag.false}
        pairs |= {value.lower(): "yes" for value in flag.true}
        answer = text.str.lower().map({"unknown": "unknown", **pairs})
    answer = answer.mask(text == "", flag.blank_means).astype("str")
    what = f"{name}: values that are neither yes nor no, read as unknown"
    notes.find(what, answer.isna(), f"Add them to [flags.{name}].")
    return answer.fillna("unknown")


def find_borough_codes(text: pd.Series) -> pd.Series:
    """Return the codes of London boroughs in any published spelling, missing for other names."""

    def find(name: str) -> str | None:
        try:
            return definitions.find_borough(name)[0]
        except UsageError:
            return None

    names = text.str.strip()
    return names.map({name: find(name) for name in names.unique()}).astype("str")


def keep_plausible_ages(ages: pd.Series, notes: Notes) -> pd.Series:
    """Keep ages that are a number from 0 to 120 or a band; everything else is unknown."""
    ages = ages.str.strip()
    number = pd.to_numeric(ages, errors="coerce")
    good = number.between(0, OLDEST_AGE) | (number.isna() & ages.str.fullmatch(_BAND))
    bad = ~good & ~ages.str.lower().isin(["", "unknown"])
    what = f"age outside 0 to {OLDEST_AGE} or not readable: read as unknown"
    notes.find(what, bad, "Check the age column of the extract.")
    return ages.where(good, "unknown")
