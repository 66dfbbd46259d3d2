"""The fields of a record extract: how text becomes a date, an age, a code, a yes or a no."""

from typing import Any

import pandas as pd

from sna import definitions
from sna.errors import UsageError
from sna.sources.layout import ReadResult, make_finding, no_rows
from sna.sources.mapping import Coding, Flag
from sna.sources.text import TextTable

OLDEST_AGE = 120
_ALLOWED = {
    "status": ("recorded", "cancelled", "transferred", "non_notifiable", "terrorism", "aggregate"),
    "weapon": ("none", "knife", "section_1_firearm", "other_firearm", "firearm_type_unknown",
               "corrosive", "unknown"),
    "weapon_use": ("used", "threatened", "intimated", "possessed", "unknown"),
    "sex": ("female", "male", "other", "unknown"),
    "person_role": ("victim", "suspect"),
}  # fmt: skip
_SEX = {"f": "female", "m": "male", "female": "female", "male": "male"}


class Notes:
    """Rejects and findings gathered while one file is read."""

    def __init__(self) -> None:
        self.rejects: list[pd.DataFrame] = []
        self.findings: list[dict[str, Any]] = []

    def reject(self, rows: pd.Series, column: str, reason: str) -> None:
        """Reject rows of a text column; their index is the row number, counted from 0."""
        if rows.empty:
            return
        values = rows.astype("str").str.slice(0, 80)
        table = pd.DataFrame({"line": rows.index + 1, "value": values, "rows": 1})
        table = table.groupby("value", sort=False, as_index=False).agg(
            {"line": "min", "rows": "sum"}
        )
        self.rejects.append(table.assign(column=column, reason=reason))

    def find(self, severity: str, finding: str, rows: int, action: str) -> None:
        """Add a finding when it touches any row."""
        if rows:
            found = make_finding(finding, severity=severity, rows=int(rows), action=action)
            self.findings.append(found)

    def result(self, tables: dict[str, pd.DataFrame], text: TextTable) -> ReadResult:
        """Return what came out of the file, ragged lines rejected too."""
        for line, problem in text.bad_lines:
            self.reject(pd.Series([problem], index=[line - 1]), "", "wrong number of fields")
        rejects = pd.concat(self.rejects) if self.rejects else no_rows("file", "reason", "rows")
        used = text.rows - int(rejects["rows"].sum()) if len(rejects) else text.rows
        return ReadResult(tables, text.rows, used, rejects, [*text.findings, *self.findings])


def or_missing(text: pd.Series) -> pd.Series:
    """Return the text with blanks as missing."""
    return text.mask(text == "")


def parse_dates(text: pd.Series, date_format: str) -> pd.Series:
    """Return local dates and times; what is not a date comes back missing."""
    unique = pd.Series(text.str.strip().unique())
    if date_format == "iso":
        parsed = pd.to_datetime(unique, format="ISO8601", errors="coerce")
    elif date_format == "day_first":
        parsed = pd.to_datetime(unique, format="mixed", dayfirst=True, errors="coerce")
    else:
        parsed = pd.to_datetime(unique, format=date_format, errors="coerce")
    if parsed.dt.tz is not None:
        parsed = parsed.dt.tz_convert("Europe/London").dt.tz_localize(None)
    days = dict(zip(unique, parsed.astype("datetime64[us]"), strict=True))
    return text.str.strip().map(days).astype("datetime64[us]")


def translate(text: pd.Series, role: str, values: Coding | None) -> pd.Series:
    """Translate a coded column to our words; what is not one of them comes back missing."""
    values = values or Coding()
    blank = values.blank_means or ("recorded" if role == "status" else "unknown")
    pairs = {key.lower(): word for key, word in values.map.items()}
    words = {word: word for word in _ALLOWED[role]}
    known = {**words, **(_SEX if role == "sex" else {}), **pairs, "": blank}
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
        words = {**dict.fromkeys(map(str.lower, flag.true), "yes")}
        words |= {**dict.fromkeys(map(str.lower, flag.false), "no"), "unknown": "unknown"}
        answer = text.str.lower().map(words)
    answer = answer.mask(text == "", flag.blank_means).astype("str")
    notes.find(
        "warning", f"{name}: values that are neither yes nor no, read as unknown",
        int(answer.isna().sum()), f"Add them to [flags.{name}].",
    )  # fmt: skip
    return answer.fillna("unknown")


def find_borough_code(text: str) -> str | None:
    """Return the code of a London borough in any published spelling, or None."""
    try:
        return definitions.find_borough(text)[0]
    except UsageError:
        return None


def keep_plausible_ages(ages: pd.Series) -> pd.Series:
    """Keep ages that are a number from 0 to 120 or a band; everything else is unknown."""
    number = pd.to_numeric(ages, errors="coerce")
    is_band = ages.str.fullmatch(r"\s*(?:under|over)?\s*\d{1,3}\s*(?:(?:-|to)\s*\d{1,3}|\+)?\s*")
    good = number.between(0, OLDEST_AGE) | (number.isna() & is_band)
    return ages.where(good, "unknown")
