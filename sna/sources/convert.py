"""Converters: distinct published values in, answers of the store out; None where there is none.

One that fills several columns of the store gives a tuple: the answers for each of them.

A layout names them after the colon: a name of `CONVERTERS` or of a table of ``layouts/words.toml``,
a template with ``{}``, or a pattern between slashes that lets fitting values (or their group
``part``) through.
"""

import re
import tomllib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from sna.sources.layout import FileSample, Match, ReadContext, refuse
from sna.sources.places import Places, to_grid
from sna.sources.rows import parse_counts

Values = list[Any]
Answers = list[Any] | tuple[Any, ...]
OLDEST_AGE = 120
LAST_MONTH = 12
_ZONE = r"(?:[Zz]|[Tt ]\d[\d:.]*\s?[+-]\d\d(?::?\d\d)?)$"  # at the end of a time
_DAY = re.compile(r"(\d{1,2})[/.-](\d{1,2})[/.-]((?:19|20)\d\d)")


@dataclass(frozen=True)
class File:
    """What a converter may know beside the values."""

    sample: FileSample
    match: Match
    context: ReadContext

    @property
    def places(self) -> Places:
        """Areas, as far as they are known."""
        return self.context.places


Converter = Callable[[Values, File], Answers]


@cache
def find_converter(name: str) -> Converter:
    """Return the converter that a layout names."""
    if name in CONVERTERS:
        return CONVERTERS[name]
    if "{}" in name:
        return _each(lambda text, _: name.replace("{}", text))
    if name.startswith("/"):
        pattern = re.compile(name[1:-1])
        return _each(lambda text, _: _let_through(pattern, text))
    words = _words()[name]
    return _each(lambda text, _: _find_word(words, text))


def _each(answer: Callable[[str, Places], Any], *, columns: int = 1) -> Converter:
    """Return the converter that asks for each value; what is missing stays missing."""
    return _once(lambda texts, places: (answer(text, places) for text in texts), columns=columns)


def _once(answer: Callable[[list[str], Places], Iterable[Any]], *, columns: int = 1) -> Converter:
    """Return the converter that asks for a value once, however many files of a folder hold it.

    For several ``columns`` each answer is a tuple.
    """
    nothing = None if columns == 1 else (None,) * columns

    def convert(values: Values, file: File) -> Answers:
        known = file.places.answers.setdefault(answer, {None: nothing})
        if new := [value for value in dict.fromkeys(values) if value not in known]:
            answers = (nothing if a is None else a for a in answer(new, file.places))
            known.update(zip(new, answers, strict=True))
        found = [known[value] for value in values]
        return found if columns == 1 else tuple([row[at] for row in found] for at in range(columns))

    return convert


def _let_through(pattern: re.Pattern[str], text: str) -> str | None:
    found = pattern.fullmatch(text)
    return found and (found.groupdict().get("part", text))


@cache
def _words() -> dict[str, Any]:
    text = resources.files("sna.sources").joinpath("layouts/words.toml").read_text("utf-8")
    return tomllib.loads(text)


def _find_word(table: dict[str, Any], text: str) -> str | None:
    """Return what a published word stands for in a table of words."""
    for form, word in table["words"].items():
        if found := re.fullmatch(form, text.casefold()):
            return str(found.expand(word))
    otherwise: str | None = table.get("otherwise")
    return otherwise


# ---------------------------------------------------------------------------- dates and ages


def _months(table: str) -> Converter:
    """Return the converter to first days of months through a table of words."""

    def convert(values: Values, _: File) -> Values:
        words = _words()[table]
        found = (value and _find_word(words, value) for value in _plain_days(values))
        return [word and _first_day(word) for word in found]

    return convert


@cache
def _first_day(word: str) -> pd.Timestamp | None:
    """Return the first day of a month, as a number or a name behind its year."""
    days = (pd.to_datetime(word, format=form, errors="coerce") for form in ("%Y-%m", "%Y-%b"))
    return next((day for day in days if not pd.isna(day)), None)


def _plain_days(values: Values) -> Values:
    """Return dates with year and month first, where a column holds days and not first days only.

    Alone 05/01/2024 is May or a day of January: the other dates of its column tell.
    """
    dates = [_DAY.match(value) if value else None for value in values]
    parts = [(int(date[1]), int(date[2])) for date in dates if date]
    if not any(1 not in pair or max(pair) > LAST_MONTH for pair in parts):
        return values
    is_american = (
        max(second for _, second in parts) > LAST_MONTH >= max(first for first, _ in parts)
    )
    month = 1 if is_american else 2
    return [
        f"{date[3]}-{int(date[month]):02}" if date else value
        for date, value in zip(dates, values, strict=True)
    ]


def _local_times(values: Values, _: File) -> Answers:
    """Return local times of times published in UTC, and the months they fall in."""
    texts = np.array(values, dtype=object)
    when = pd.to_datetime(texts, errors="coerce", utc=True, format="ISO8601")
    local = when.tz_convert("Europe/London").tz_localize(None)
    times = local.to_numpy().astype("datetime64[us]")
    return times, times.astype("datetime64[M]").astype("datetime64[us]")


def parse_dates(text: pd.Series, date_format: str) -> pd.Series:
    """Return local dates and times; what is not a date comes back missing.

    Dates that begin with the year are read as that also where others are ``day_first``.
    """
    if date_format == "iso":
        return _parse_iso(text)
    unique = pd.Series(text.dropna().unique(), dtype="str")
    is_iso = unique.str.match(r"\s*\d{4}-").astype("bool")
    how: dict[str, Any] = {"format": date_format}
    if date_format == "day_first":  # pandas would read 2024-01-07 as 1 July
        how = {"format": "mixed", "dayfirst": True}
    else:
        is_iso[:] = False
    parsed = _local(pd.to_datetime(unique.mask(is_iso), errors="coerce", **how))
    if is_iso.any():
        parsed = parsed.fillna(parse_dates(unique.where(is_iso).str.strip(), "iso"))
    return text.map(dict(zip(unique, parsed, strict=True))).astype("datetime64[us]")


def _parse_iso(text: pd.Series) -> pd.Series:
    """Return ISO dates; Arrow reads plain ones ten times faster, pandas whatever else there is."""
    try:
        when = pc.cast(pa.array(text, pa.string()), pa.timestamp("us"))
        return pd.Series(np.asarray(when), index=text.index)
    except pa.ArrowInvalid:
        is_zoned = text.str.contains(_ZONE, na=False)
    how: dict[str, Any] = {"errors": "coerce", "format": "ISO8601"}
    plain = _local(pd.to_datetime(text.mask(is_zoned), **how))
    return plain.fillna(_local(pd.to_datetime(text.where(is_zoned), utc=True, **how)))


def _local(when: pd.Series) -> pd.Series:
    """Return times without a zone, those of one in London time."""
    if when.dt.tz is not None:
        when = when.dt.tz_convert("Europe/London").dt.tz_localize(None)
    return when.astype("datetime64[us]")


def parse_ages(label: object) -> tuple[int, int] | None:
    """Return the youngest and oldest age of a published band; 999 for an open one, None if no band.

    >>> [parse_ages(t) for t in ("Aged 15 years and under", "Aged 16 to 24 years", "90+", "7")]
    [(0, 15), (16, 24), (90, 999), (7, 7)]
    """
    text = str(label).casefold()
    numbers = [int(n) for n in re.findall(r"\d{1,3}", text)]
    if not numbers and re.search(r"\b(all|total)\b", text):
        return 0, 999
    if not 1 <= len(numbers) <= 2 or max(numbers) > OLDEST_AGE or numbers != sorted(numbers):
        return None
    is_strict = re.search(r"\b(under|below|over) \d", text) is not None
    if len(numbers) == 1 and re.search(r"under|below|or less|younger", text):
        return 0, numbers[0] - is_strict
    if len(numbers) == 1 and re.search(r"over|\+|older|above", text):
        return numbers[0] + is_strict, 999
    return numbers[0], numbers[-1]


def find_age_band(text: str, _: Places | None = None) -> str | None:
    """Return an age band in our form; words whose limits nobody has stated stay words.

    >>> [find_age_band(t) for t in ("15 to 19", "65 and over", "10-17", "18 or older", "Adult")]
    ['15-19', '65+', '10-17', '18+', 'Adult']
    """
    ages = parse_ages(text) if re.search(r"\d", text) else None
    if ages is None and re.search(r"\d{3}", text):
        return None  # no age of a person
    if ages is None or ages[0] == ages[1]:
        return text
    return f"{ages[0]}+" if ages[1] == 999 else f"{ages[0]}-{ages[1]}"


def _population_year(values: Values, file: File) -> Answers:
    """Return the year residents are counted for: from headings, sheet, or the file's own name."""
    texts = (file.sample.sheet, *file.sample.columns, file.sample.file)
    years = (re.search(r"(?i)(?:mid|census)[-_ ]?((?:19|20)\d\d)", text) for text in texts)
    year = next((int(found[1]) for found in years if found), None)
    if year is None and file.match.layout.id.startswith("census"):
        is_custom = any("categories)" in text for text in file.sample.columns)  # a 2021 service
        year = heading_year(file.match.columns["area_code"]) or (2021 if is_custom else None)
    if year is None:
        what = "Nothing says which year these residents are counted for."
        do = "Put the year in the sheet or file name, such as mid-2024."
        raise refuse(file.sample, what, do=do)
    return [year] * len(values)


# ---------------------------------------------------------------------------- places


def heading_year(heading: str) -> int | None:
    """Return the year in a heading such as LSOA21CD, ltla24_code or LSOA code (2011)."""
    found = re.search(r"(?:20)?([012]\d)(?!\d)", heading)
    return 2000 + int(found[1]) if found else None


def area_level(code: str, _: Places | None = None) -> str:
    """Return the level that a GSS code speaks of; what is neither LSOA nor ward is a district."""
    levels = {"E01": "lsoa", "W01": "lsoa", "E05": "ward", "W05": "ward"}
    return levels.get(code[:3], "borough")


def _named_area(text: str, places: Places) -> str | None:
    """Return the borough of a name that may have an area's name behind it."""
    return places.find_borough(text) or places.find_prefix(text)


def _ward(text: str, places: Places) -> str | None:
    """Return a ward code; one that went whole into a ward of the latest edition as that."""
    return places.ward_into.get(text, text) if text.startswith(("E05", "W05")) else None


def _points(texts: list[str], places: Places) -> Iterator[tuple[Any, ...] | None]:
    """Yield easting, northing, borough and LSOA of points given as longitude and latitude."""
    east, north = to_grid(*zip(*(text.split(" | ") for text in texts), strict=True))
    found = zip(east.tolist(), north.tolist(), *places.find_points(east, north), strict=True)
    return (row if there else None for row, there in zip(found, np.isfinite(east), strict=True))


# ---------------------------------------------------------------------------- numbers and labels


def _counts(values: Values, _: File) -> Answers:
    numbers, _wrong = parse_counts(pa.array(values, pa.string()))
    return [int(number) if np.isfinite(number) else None for number in numbers]


def _numbers(values: Values, _: File) -> Answers:
    numbers = pd.to_numeric(pd.Series(values, dtype="object"), errors="coerce")
    return [number if np.isfinite(number) else None for number in numbers]


def find_variant(group_heading: str, labels: list[str]) -> str:
    """Return the letter of the MPS layout: A title case, B three violence rows, C five, D renamed.

    The same label has another scope in each, so the letter is part of the published category.
    """
    if re.fullmatch(r"(?i)(offence ?)?group", group_heading.strip()):
        return "D"
    if any("stalking" in label.casefold() for label in labels):
        return "C"
    upper = sum(label.isupper() for label in labels)
    return "B" if upper > len(labels) / 2 else "A"


def _mps_category(values: Values, file: File) -> Answers:
    labels = {value.split(" | ")[-1] for value in values if value}
    letter = find_variant(file.match.columns["group"], list(labels))
    return [value and f"MPS {letter} | {value}" for value in values]


CONVERTERS: dict[str, Converter] = {
    "": lambda values, _: values,
    "blank": lambda values, _: ["blank" if value is None else None for value in values],
    "month": _months("month"),
    "quarter": _months("quarter"),
    "local_times": _local_times,
    "ages": _each(lambda text, _: parse_ages(text), columns=2),
    "age_band": _each(find_age_band),
    "ethnic_scheme": lambda v, _: ["census_19" if len(v) > 9 else "five"] * len(v),
    "population_year": _population_year,
    "area_level": _each(area_level),
    "borough": _each(lambda text, places: places.find_borough(text)),
    "named_area": _each(_named_area),
    "unnamed": _each(lambda text, places: None if _named_area(text, places) else text),
    "borough_of": _each(lambda text, places: places.borough_of.get(text)),
    "ward": _each(_ward),
    "ward_edition": lambda v, file: [heading_year(file.match.columns["ward_code"])] * len(v),
    "lsoa_district": _each(lambda text, places: places.find_borough(text[:-5])),
    "lsoa_editions": _each(lambda text, places: places.find_lsoa(text), columns=2),
    "points": _once(_points, columns=4),
    "count": _counts,
    "number": _numbers,
    "mps_category": _mps_category,
}
