"""Propose a mapping for an extract by looking at its headings and first rows."""

import json
import re

import pandas as pd

from sna import definitions
from sna.sources.layout import FileSample, plain_heading

_MISSING_MARKS = ("NULL", "N/A", "NA", "#N/A", "Unknown", "Not Recorded")
_YES, _NO = ("y", "yes", "true", "1"), ("n", "no", "false", "0")


def propose_mapping(sample: FileSample) -> str:
    """Return the text of a mapping TOML for `sample`; what could not be guessed is left to fill in.

    The proposal never reads as valid until a person has stated ``release_class`` and what a blank
    flag means, since no file can say either.
    """
    rows = sample.rows.astype("str").fillna("").apply(lambda column: column.str.strip())
    found = _find_roles(rows)
    flags = {role: heading for role, heading in found.items() if role.startswith("is_")}
    columns = {role: heading for role, heading in found.items() if role not in flags}
    marks = [mark for mark in _MISSING_MARKS if rows.isin([mark]).any(axis=None)]
    lines = [
        f"# Proposed from headings and {len(rows)} rows of {sample.file}. Check each line.",
        'status = "unverified"',
        'release_class = ""            # open, restricted or person_level: you must say',
        f"missing = {_quote(['', *marks])}",
        f"date_format = {_quote(_date_format(rows, columns))}",
        "\n[columns]",
        *(f"{role} = {_quote(heading)}" for role, heading in columns.items()),
    ]
    if not {"recorded_date", "committed_from"} & set(columns):
        lines.append('# recorded_date = ""   no column looked like a date')
    if not {"offence_code", "detailed_code"} & set(columns):
        lines.append('# offence_code = ""    no column looked like a code: the text alone decides')
    for flag, heading in flags.items():
        values = sorted(set(rows[heading]) - {""})
        lines += [
            f"\n[flags.{flag}]",
            f"column = {_quote(heading)}",
            f"true = {_quote([value for value in values if value.lower() in _YES])}",
            f"false = {_quote([value for value in values if value.lower() in _NO])}",
            'blank_means = ""              # yes, no or unknown: you must say',
        ]
    left = [name for name in sample.columns if name not in found.values()]
    return "\n".join([*lines, *([f"\n# Not used: {', '.join(left)}"] if left else [])]) + "\n"


def _find_roles(rows: pd.DataFrame) -> dict[str, str]:
    """Give each role the first free column whose heading and values look like it."""
    found: dict[str, str] = {}
    for role, heading, pattern in definitions.mapping_looks().itertuples(index=False, name=None):
        for name in rows.columns:
            values = rows[name][(rows[name] != "") & ~rows[name].isin(_MISSING_MARKS)]
            is_flag = len(values) > 0 and bool(values.str.lower().isin([*_YES, *_NO]).all())
            fits = not pattern or (len(values) > 0 and values.str.fullmatch(pattern).mean() > 0.8)
            looks = re.fullmatch(heading, plain_heading(str(name)))
            if name not in found.values() and looks and fits and is_flag == role.startswith("is_"):
                found[role] = str(name)
                break
    return found


def _date_format(rows: pd.DataFrame, columns: dict[str, str]) -> str:
    dates = [rows[columns[role]] for role in ("recorded_date", "committed_from") if role in columns]
    return "iso" if dates and dates[0].str.match(r"\d{4}-").mean() > 0.5 else "day_first"


def _quote(value: str | list[str]) -> str:
    return json.dumps(value, ensure_ascii=False)  # a JSON string or list is a TOML one too
