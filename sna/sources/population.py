"""Residents: Census tables in long form, mid-year estimates by single year of age."""

import re

import numpy as np
import pandas as pd

from sna.sources.layout import (
    FileSample,
    Layout,
    Match,
    ReadContext,
    ReadResult,
    Role,
    make_rejects,
    refuse,
)
from sna.sources.reference import area_level
from sna.sources.rows import line_rejects, parse_counts
from sna.sources.text import read_text

_ONS, _LICENCE = "Office for National Statistics", "OGL v3.0"
_ANY = r"[EWNS]\d{8}"
_NO_CODE = "No area code."
_YEARS = re.compile(r"(?:mid|census)[-_ ]?((?:19|20)\d\d)", re.IGNORECASE)


def parse_ages(label: object) -> tuple[int, int] | None:
    """Return the youngest and oldest age of a published band; 999 for an open one, None if no band.

    >>> [parse_ages(t) for t in ("Aged 15 years and under", "Aged 16 to 24 years", "90+", "7")]
    [(0, 15), (16, 24), (90, 999), (7, 7)]
    """
    text = str(label).casefold().replace("–", "-")
    numbers = [int(n) for n in re.findall(r"\d{1,3}", text)]
    if re.search(r"\b(all|total)\b", text) and not numbers:
        return 0, 999
    if not numbers or len(numbers) > 2:
        return None
    if len(numbers) == 2:
        return numbers[0], numbers[1]
    if re.search(r"under|or less|and below|younger", text):
        younger = re.search(r"\bunder \d", text) is not None
        return 0, numbers[0] - 1 if younger else numbers[0]
    if re.search(r"over|\+|older", text):
        return (numbers[0] + 1 if re.search(r"\bover \d", text) else numbers[0]), 999
    return numbers[0], numbers[0]


def _year(sample: FileSample, match: Match) -> int | None:
    """Return the year residents are counted for, from headings, sheet, or the file's own name."""
    for text in (sample.sheet, *sample.columns, sample.file):
        if found := _YEARS.search(text):
            return int(found[1])
    code = match.columns["area_code"]
    found = re.search(r"(?:20)?(11|21)", code)
    is_census = match.layout.id.startswith("census") or "ethnic" in " ".join(sample.columns).lower()
    return 2000 + int(found[1]) if found and is_census else (2021 if is_census else None)


def _clean_label(label: object) -> tuple[str, bool]:
    """Return an ethnic group without '(number)', single-spaced, and whether it is a percentage."""
    text = " ".join(str(label).split())
    percent = bool(re.search(r"\((percent|%)\w*\)$", text, re.IGNORECASE))
    return re.sub(r"\s*\((number|percent|count|%)\w*\)$", "", text, flags=re.IGNORECASE), percent


_SEX = {"f": "female", "m": "male", "females": "female", "males": "male", "female": "female",
        "male": "male"}  # fmt: skip


def _no_code(code: pd.Series) -> np.ndarray:
    return ~code.str.fullmatch(_ANY).fillna(False).to_numpy(dtype=bool)


def read_residents(sample: FileSample, match: Match, context: ReadContext) -> ReadResult:
    """Read Census residents in long form: by ethnic group, age band and sex, as far as there."""
    text = read_text(sample, columns=tuple(match.columns.values()))
    frame = text.table.rename_columns(list(match.columns)).to_pandas()
    labels = frame.get("ethnic_group", pd.Series(["all"] * len(frame)))
    cleaned = {label: _clean_label(label) for label in labels.unique()}
    percent = labels.map({k: v[1] for k, v in cleaned.items()}).to_numpy(dtype=bool)
    ages_of = {label: parse_ages(label) for label in frame.get("age", pd.Series(["all"])).unique()}
    ages = frame["age"].map(ages_of) if "age" in frame else pd.Series([(0, 999)] * len(frame))
    count, wrong = parse_counts(text.table[match.columns["value"]])
    code = frame["area_code"].str.strip()
    problems = {
        "area_code": (_no_code(code), "No area code.", code),
        "age": (ages.isna().to_numpy(), "The age band cannot be read.", frame.get("age")),
        "ethnic_group": (percent, "A percentage; shares are computed from numbers.", None),
        "value": (wrong | ~np.isfinite(count), "The cell holds no count.", frame["value"]),
    }
    bad = np.zeros(len(frame), dtype=bool)
    rejects = [line_rejects(text)]
    for role, (mask, reason, values) in problems.items():
        column = match.columns.get(role, "")
        rejects.append(make_rejects(mask & ~bad, column=column, reason=reason, values=values))
        bad |= mask
    sexes = (
        frame["sex"].str.strip().str.casefold() if "sex" in frame else pd.Series("all", frame.index)
    )
    table = pd.DataFrame(
        {
            "area_code": code,
            "ethnic_group": labels.map({k: v[0] for k, v in cleaned.items()}),
            "ethnic_scheme": "census_19" if labels.nunique() > 8 else "five",
            "sex": sexes.map(_SEX).fillna("all"),
            "age_lower": ages.map(lambda a: a[0] if a else -1),
            "age_upper": ages.map(lambda a: a[1] if a else -1),
            "population": count,
        }
    )[~bad]
    if "ethnic_group" not in frame:
        table = table.assign(ethnic_scheme="all")
    source = "census_ethnic_group" if "ethnic_group" in frame else "census_age"
    source = "census_ethnic_age_sex" if {"ethnic_group", "age"} <= set(frame) else source
    return _finish_residents(sample, match, context, table, source, text.rows, rejects)


def _finish_residents(
    sample: FileSample, match: Match, context: ReadContext, table: pd.DataFrame, source: str,
    rows: int, rejects: list[pd.DataFrame],
) -> ReadResult:  # fmt: skip
    """Return residents with level, year and source; a year that nothing names is an error."""
    year = _year(sample, match)
    if year is None:
        raise refuse(sample, "Nothing says which year these residents are counted for.",
                     do="Put the year in the sheet or file name, such as mid-2024.")  # fmt: skip
    codes = table["area_code"].drop_duplicates()
    table = table.assign(
        source=source,
        file_id=np.int32(context.file_id),
        area_level=table["area_code"].map({code: area_level(code) for code in codes}),
        population_year=np.int16(year),
    ).astype({"age_lower": "int16", "age_upper": "int16"})
    rejected = pd.concat(rejects, ignore_index=True)
    lost = int(rejected["rows"].sum()) if len(rejected) else 0
    result = ReadResult({"population": table}, rows, rows - lost, rejected)
    result.variant = f"{source}, {year}"
    return result


def read_single_years(sample: FileSample, match: Match, context: ReadContext) -> ReadResult:
    """Read mid-year estimates with a column for each year of age."""
    ages = {name: parse_ages(name) for name in sample.columns if _is_age(name)}
    text = read_text(sample, columns=(match.columns["area_code"], *ages))
    code = text.table[match.columns["area_code"]].to_pandas().str.strip()
    cells = [parse_counts(text.table[name]) for name in ages]
    grid = np.column_stack([numbers for numbers, _ in cells])
    wrong = np.column_stack([broken for _, broken in cells])
    bad = _no_code(code)
    reject = make_rejects(
        bad, column=match.columns["area_code"], reason="No area code.", values=code
    )
    broken_row = (wrong | ~np.isfinite(grid)).any(axis=1) & ~bad
    more = make_rejects(broken_row, column="an age", reason="A cell holds no count.")
    good = ~(bad | broken_row)
    lower, upper = np.array([a for a in ages.values() if a]).T
    table = pd.DataFrame(
        {
            "area_code": np.repeat(code[good].to_numpy(), len(ages)),
            "ethnic_group": "all",
            "ethnic_scheme": "all",
            "sex": "all",
            "age_lower": np.tile(lower, good.sum()),
            "age_upper": np.tile(upper, good.sum()),
            "population": grid[good].ravel(),
        }
    )
    rejects = [reject, more, line_rejects(text)]
    return _finish_residents(sample, match, context, table, "mid_year_age", text.rows, rejects)


def _is_age(name: str) -> bool:
    return re.fullmatch(r"(age )?\d{1,3}\+?( years?)?", name.strip().casefold()) is not None


def _refine_ages(sample: FileSample, match: Match) -> Match | None:
    return match if sum(_is_age(name) for name in sample.columns) >= 80 else None


_AREA = Role(r"(?!.*\bage\b).*(code|cd|mnemonic|geography code).*", _ANY, by_values=True)

LAYOUTS = (
    Layout(
        "census",
        "Census residents by ethnic group, age or sex",
        _ONS,
        _LICENCE,
        {
            "area_code": _AREA,
            "ethnic_group": Role(r"ethnic ?group(?!.*code).*", needed=False),
            "age": Role(r"age(?!.*code)( .*)?", needed=False),
            "sex": Role(r"sex(?!.*code)( .*)?|gender", needed=False),
            "value": Role(r"observation|value|count|population|obs value"),
        },
        read_residents,
        ("population",),
        refine=lambda _, match: match if {"ethnic_group", "age"} & set(match.columns) else None,
    ),
    Layout(
        "mid_year_age",
        "Mid-year estimates by single year of age",
        _ONS,
        _LICENCE,
        {"area_code": _AREA},
        read_single_years,
        ("population",),
        refine=_refine_ages,
    ),
)
