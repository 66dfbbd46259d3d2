"""Propose a mapping for an extract by looking at its headings and first rows."""

import re

import pandas as pd

from sna.sources.layout import FileSample, plain_heading

_DATE = r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}.*"
_AGE = r"\d{1,3}(\.0)?|\d{1,3}\s*(-|to)\s*\d{1,3}|\d{1,3}\+|unknown|null"
_YES_NO = ("y", "n", "yes", "no", "true", "false", "0", "1")

# role -> (headings, as a pattern on the plain text; pattern of the values, or nothing)
_LOOKS: dict[str, tuple[str, str]] = {
    "crime_ref": (r".*\b(crno|crime (ref|no|number|reference)|cris|reference|ref|urn)\b.*", ""),
    "recorded_date": (r".*(recorded|reported|cr ?recorded|datecrrecorded).*|date", _DATE),
    "committed_from": (r".*(committed ?from|start|from date|occurred|datecommittedfrom).*", _DATE),
    "committed_to": (r".*(committed ?to|end|to date|datecommittedto).*", _DATE),
    "offence_code": (r".*(code|class).*", r"\s*\d{1,3}[A-Za-z]?(\.\d+)?\s*"),
    "detailed_code": (r".*(code|class).*", r"\s*\d{1,3}/\d{1,2}\s*"),
    "offence_text": (r".*(offence|minor|crime type|description).*", r".*[A-Za-z]{3}.*"),
    "status": (r".*(status|classified as|no crime).*", ""),
    "borough_code": (r".*borough.*|.*district.*|.*lad.*", r"\s*E0\d{7}\s*"),
    "borough_name": (r".*borough.*|.*district.*", r".*[A-Za-z]{3}.*"),
    "ward_code": (r".*ward.*", r"\s*E05\d{6}\s*"),
    "lsoa_code": (r".*lsoa.*", r"\s*E01\d{6}\s*"),
    "easting": (r"x|.*easting.*", r"\s*\d{6}(\.\d+)?\s*"),
    "northing": (r"y|.*northing.*", r"\s*\d{6}(\.\d+)?\s*"),
    "premises_type": (r".*(premises|location type|place type|venue).*", ""),
    "relationship": (r".*relationship.*", ""),
    "victim_id": (r".*vic.*\b(id|ref|urn|nominal)\b.*", ""),
    "victim_age": (r".*vic.*age.*|age", _AGE),
    "victim_sex": (r".*vic.*(sex|gender).*|sex|gender", ""),
    "victim_ethnicity_self": (r".*vic.*(self|sdc|ethnicity).*", ""),
    "victim_ethnicity_observed": (r".*vic.*(observed|ic code|appearance).*", ""),
    "suspect_id": (r".*(sus|acc).*\b(id|ref|urn|nominal)\b.*", ""),
    "suspect_age": (r".*(sus|acc).*age.*", _AGE),
    "suspect_sex": (r".*(sus|acc).*(sex|gender).*", ""),
    "suspect_ethnicity_self": (r".*(sus|acc).*(self|sdc|ethnicity).*", ""),
    "suspect_ethnicity_observed": (r".*(sus|acc).*(observed|ic code|appearance).*", ""),
    "home_borough": (r".*(home|residen).*borough.*", ""),
    "outcome": (r".*(outcome|disposal|sanction).*", ""),
    "linked_ref": (r".*(linked|related|parent).*", ""),
}
_FLAG_LOOKS = {
    "is_domestic_abuse": r".*(domestic|\bda\b|\bdv\b).*",
    "is_knife": r".*knife.*",
    "is_gun": r".*\b(gun|firearm).*",
    "is_corrosive": r".*(corrosive|acid|noxious).*",
}
_MISSING_MARKS = ("NULL", "N/A", "NA", "#N/A", "Unknown", "Not Recorded")


def propose_mapping(sample: FileSample) -> str:
    """Return the text of a mapping TOML for `sample`; what could not be guessed is left to fill in.

    The proposal never reads as valid until a person has stated ``release_class`` and what a blank
    flag means, since no file can say either.
    """
    rows = sample.rows.astype("str").fillna("")
    columns = _find_columns(rows, list(sample.columns))
    flags = _find_flags(rows, [name for name in sample.columns if name not in columns.values()])
    marks = [mark for mark in _MISSING_MARKS if rows.isin([mark]).any(axis=None)]
    lines = [
        f"# Proposed from headings and {len(rows)} rows of {sample.file}. Check each line.",
        'status = "unverified"',
        'release_class = ""            # open, restricted or person_level: you must say',
        f"missing = {_list(['', *marks])}",
        f'date_format = "{_date_format(rows, columns)}"',
        "",
        "[columns]",
        *(f"{role} = {_text(heading)}" for role, heading in columns.items()),
    ]
    if not {"recorded_date", "committed_from"} & set(columns):
        lines.append('# recorded_date = ""   no column looked like a date')
    for flag, heading in flags.items():
        values = sorted({value for value in rows[heading].str.strip() if value})
        yes = [value for value in values if value.lower() in ("y", "yes", "true", "1")]
        no = [value for value in values if value.lower() in ("n", "no", "false", "0")]
        lines += ["", f"[flags.{flag}]", f"column = {_text(heading)}", f"true = {_list(yes)}",
                  f"false = {_list(no)}",
                  'blank_means = ""              # yes, no or unknown: you must say']  # fmt: skip
    left = [name for name in sample.columns if name not in {*columns.values(), *flags.values()}]
    if left:
        lines += ["", f"# Not used: {', '.join(left)}"]
    return "\n".join(lines) + "\n"


def _find_columns(rows: pd.DataFrame, headings: list[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for role, (heading, pattern) in _LOOKS.items():
        for name in headings:
            if name in found.values() or not re.fullmatch(heading, plain_heading(name)):
                continue
            values = rows[name].str.strip()
            values = values[(values != "") & ~values.isin(_MISSING_MARKS)]
            fits = not pattern or (len(values) > 0 and values.str.fullmatch(pattern).mean() > 0.8)
            if fits and not _is_yes_no(values):
                found[role] = name
                break
    return found


def _is_yes_no(values: pd.Series) -> bool:
    return len(values) > 0 and bool(values.str.lower().isin(_YES_NO).all())


def _find_flags(rows: pd.DataFrame, headings: list[str]) -> dict[str, str]:
    found = {}
    for flag, heading in _FLAG_LOOKS.items():
        for name in headings:
            values = rows[name].str.strip()
            looks = re.fullmatch(heading, plain_heading(name))
            if looks and _is_yes_no(values[values != ""]):
                found[flag] = name
                break
    return found


def _date_format(rows: pd.DataFrame, columns: dict[str, str]) -> str:
    dates = [rows[columns[role]] for role in ("recorded_date", "committed_from") if role in columns]
    return "iso" if dates and dates[0].str.match(r"\s*\d{4}-").mean() > 0.5 else "day_first"


def _text(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _list(values: list[str]) -> str:
    return "[" + ", ".join(_text(value) for value in values) + "]"
