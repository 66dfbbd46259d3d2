"""Put people and residents into the same groups: ethnic group, sex, age group."""

import re
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pandas as pd

from sna import definitions
from sna.errors import CoverageError, DefinitionError, TableError, UsageError

GROUPS = ("White", "Asian", "Black", "Mixed", "Other")
NOT_KNOWN = "Not stated"
SCHEMES = {"self_defined": "ethnicity_self", "officer_observed": "ethnicity_observed"}
AGE_BREAKS = (0, 10, 18, 25, 35, 45, 55, 65)  # reporting.md 7.3; no standard banding for London
BLACK_MIXED = (
    "Mixed or Multiple ethnic groups: White and Black African",
    "Mixed or Multiple ethnic groups: White and Black Caribbean",
)
WIDER_BLACK = "Black, with Mixed White and Black residents"
_UNKNOWN_AGES = {"", "unknown", "not known", "not recorded", "not stated", "recording error", "n/a"}
_Floats = npt.NDArray[np.float64]


def _plain(label: object) -> str:
    return " ".join(str(label).split()).casefold()


def _map_labels(values: pd.Series, labels: dict[str, str]) -> tuple[pd.Series, list[object]]:
    """Map each distinct value once; missing values stay missing and are not unmatched."""
    distinct = values.dropna().unique()
    found = {value: labels.get(_plain(value)) for value in distinct}
    return values.astype(object).map(found).astype(object), [
        value for value in distinct if found[value] is None
    ]


@lru_cache
def _scheme_labels(scheme: str) -> dict[str, str]:
    rows = definitions.ethnic_groups().loc[lambda table: table["scheme"] == scheme]
    return {
        _plain(label): group for label, group in zip(rows.label, rows.ethnic_group, strict=True)
    }


def add_ethnic_group(people: pd.DataFrame, *, scheme: str = "self_defined") -> pd.DataFrame:
    """Add the five-way ethnic group of people, in one scheme only.

    Self-defined and officer-observed ethnicity answer different questions and are never merged: a
    person without a self-defined code stays *Not stated* here whatever an officer noted.

    Parameters
    ----------
    people
        One row a person or published count, with ``ethnicity_self`` or ``ethnicity_observed``.
    scheme
        ``self_defined`` or ``officer_observed``.

    Returns
    -------
    pandas.DataFrame
        ``people`` plus ``ethnic_group`` (White, Asian, Black, Mixed, Other, Not stated).

    Raises
    ------
    DefinitionError
        If a code or label belongs to no row of the scheme; labels of the other scheme are named.
    """
    if scheme not in SCHEMES:
        raise UsageError(
            "Unknown ethnicity scheme.", found=scheme, do=f"Use {' or '.join(SCHEMES)}."
        )
    column = SCHEMES[scheme]
    values = people.get(column, pd.Series(np.nan, index=people.index, dtype=object))
    group, unmatched = _map_labels(values, _scheme_labels(scheme))
    if unmatched:
        rows = values.isin(unmatched)
        other = next(name for name in SCHEMES if name != scheme)
        mixed = [value for value in unmatched if _plain(value) in _scheme_labels(other)]
        hint = f"{len(mixed)} of them are {other} labels: do not mix schemes. " if mixed else ""
        raise DefinitionError(
            f"{len(unmatched)} ethnicity codes ({int(rows.sum()):,} of {len(people):,} rows) have "
            f"no row in the {scheme} scheme.",
            where=f"people, column {column}, first row {rows.idxmax()}",
            found=unmatched,
            do=f"{hint}Add each to sna/definitions/ethnic_groups.csv with its source.",
        )
    return people.assign(ethnic_group=group.where(group.notna(), NOT_KNOWN).astype(str))


@lru_cache
def _band_limits() -> dict[str, tuple[float, float]]:
    bands = definitions.age_bands()
    return {
        _plain(band): (float(low), float(high))
        for band, low, high in zip(bands.age_band, bands.age_lower, bands.age_upper, strict=True)
    }


def _read_band(band: object) -> tuple[float, float] | None:
    text = _plain(band)
    if text in _UNKNOWN_AGES:
        return np.nan, np.nan
    if text in _band_limits():
        return _band_limits()[text]
    if met := re.fullmatch(r"(\d{1,3})(?:\s*(?:-|–|to)\s*(\d{1,3}))?", text):
        low, high = float(met[1]), float(met[2] or met[1])
        return (low, high) if low <= high <= 120 else None
    if met := re.fullmatch(r"(\d{1,3})\s*(?:\+|and over|or over)", text):
        return float(met[1]), 999.0
    return None


def age_limits(people: pd.DataFrame) -> tuple[_Floats, _Floats]:
    """Return the youngest and oldest age each row can have; missing where nothing is known."""
    blank = pd.Series(np.nan, index=people.index)
    age = pd.to_numeric(people.get("age", blank)).to_numpy(float)
    bands = people.get("age_band", blank)
    read = {band: _read_band(band) for band in bands.dropna().unique()}
    if wrong := [band for band, limits in read.items() if limits is None]:
        raise DefinitionError(
            f"{len(wrong)} age bands ({int(bands.isin(wrong).sum()):,} rows) cannot be read.",
            where="people, column age_band",
            found=wrong,
            do="Write bands as 18-24 or 65+, or add them to sna/definitions/age_bands.csv.",
        )
    low, high = (
        bands.astype(object).map({band: (x or (np.nan,) * 2)[i] for band, x in read.items()})
        .to_numpy(float) for i in (0, 1)
    )  # fmt: skip
    if (clash := (age < low) | (np.floor(age) > high)).any():
        raise TableError(
            f"{int(clash.sum()):,} rows hold an age outside their own age band.",
            where=f"people, row {people.index[int(np.argmax(clash))]}",
            found=[f"{a:g} in {b}" for a, b in zip(age[clash], bands[clash], strict=True)],
            do="Mend the reader: ages as years and as bands must agree.",
        )
    known = ~np.isnan(age)
    return np.where(known, np.floor(age), low), np.where(known, np.floor(age), high)


def shared_breaks(
    *limits: tuple[_Floats, _Floats], wanted: Sequence[int] = AGE_BREAKS
) -> list[int]:
    """Return those wanted age breaks that cut no band of any table, so that all can share them.

    Examples
    --------
    >>> stops = (np.array([10.0, 18, 35]), np.array([17.0, 34, 999]))
    >>> shared_breaks(stops)
    [0, 10, 18, 35]
    """
    kept = []
    for edge in wanted:
        straddled = any(bool(((low < edge) & (high >= edge) & (high < 999)).any())
                        for low, high in limits)  # fmt: skip
        if edge == 0 or not straddled:
            kept.append(edge)
    tops = [low[high >= 999].max(initial=0) for low, high in limits]  # open bands end the list
    return [edge for edge in kept if edge <= min((t for t in tops if t > 0), default=999)]


def age_group(limits: tuple[_Floats, _Floats], breaks: Sequence[int]) -> npt.NDArray[np.object_]:
    """Name the group between breaks that holds each row, or Not stated when none holds it whole."""
    low, high = limits
    edges = np.array([*breaks, 1000])
    names = [f"{a}-{b - 1}" if b < 1000 else f"{a}+" for a, b in pairwise(edges)]
    place = np.searchsorted(edges, low, side="right") - 1
    inside = ~np.isnan(low) & (high < edges[np.clip(place + 1, 0, len(edges) - 1)])
    return np.where(
        inside, np.array([*names, NOT_KNOWN], object)[np.clip(place, 0, None)], NOT_KNOWN
    )


def choose_population(
    population: pd.DataFrame, *, needs: Sequence[str] = ("ethnic_group",), level: str = "borough"
) -> pd.DataFrame:
    """Choose the one population table, and its rows, that splits residents as the analysis needs.

    Of the tables that split by all ``needs`` (ethnic_group, sex, age_group) the latest with the
    fewest splits is taken whole; tables and years are never mixed in one denominator.

    Returns
    -------
    pandas.DataFrame
        ``area_code, population_year, ethnic_label, ethnic_group, sex, age_lower, age_upper,
        population``, each resident once.

    Raises
    ------
    CoverageError
        If no table of that level splits residents so.
    """
    rows = population[population["area_level"] == level]
    best: tuple[tuple[int, int], pd.DataFrame] | None = None
    for _, table in rows.groupby(["source", "population_year"], observed=True):
        every = (table["age_lower"] == 0) & (table["age_upper"] >= 90)
        splits = {
            "ethnic_group": table["ethnic_group"] != "all",
            "sex": table["sex"] != "all",
            "age_group": ~every,
        }
        if all(splits[need].any() for need in needs):
            score = (
                int(table["population_year"].iloc[0]),
                -sum(bool(split.any()) for split in splits.values()),
            )
            keep = np.logical_and.reduce([
                split if name in needs or split.all() else ~split for name, split in splits.items()
            ])  # fmt: skip
            if keep.any() and (best is None or score > best[0]):
                best = score, table[keep]
    if best is None:
        raise CoverageError(
            f"No population table splits residents by {', '.join(needs)} at {level} level.",
            where="table population",
            found=sorted(population["source"].astype(str).unique()),
            do="Add the Census 2021 table to data/raw, or leave the split out.",
        )
    return _with_groups(best[1])


def _with_groups(rows: pd.DataFrame) -> pd.DataFrame:
    scheme = rows["ethnic_scheme"].astype(object)
    group = pd.Series("all", index=rows.index, dtype=object)
    for name in (name for name in scheme.unique() if name != "all"):
        part = scheme == name
        group[part], unmatched = _map_labels(rows.loc[part, "ethnic_group"], _scheme_labels(name))
        if unmatched:
            raise DefinitionError(
                f"{len(unmatched)} Census labels have no row in the {name} scheme.",
                where="table population", found=unmatched,
                do="Add each to sna/definitions/ethnic_groups.csv.",
            )  # fmt: skip
    columns = ["area_code", "population_year", "sex", "age_lower", "age_upper", "population"]
    return rows[columns].assign(
        ethnic_label=rows["ethnic_group"].astype(str), ethnic_group=group.astype(str)
    )
