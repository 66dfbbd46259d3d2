"""Put people and residents into the same groups: ethnic group, sex, age group."""

import re
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from sna import definitions
from sna.errors import CoverageError, DefinitionError, TableError, UsageError

GROUPS = ("White", "Asian", "Black", "Mixed", "Other")
NOT_KNOWN = "Not stated"
SCHEMES = {"self_defined": "ethnicity_self", "officer_observed": "ethnicity_observed"}
AGE_BREAKS = (0, 10, 18, 25, 35, 45, 55, 65)
BLACK_MIXED = tuple(
    f"Mixed or Multiple ethnic groups: White and Black {name}" for name in ("African", "Caribbean")
)
WIDER_BLACK = "Black, with Mixed White and Black residents"
_UNKNOWN_AGES = {"", "unknown", "not known", "not recorded", "not stated", "recording error", "n/a"}
_Limits = tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]


def _plain(label: object) -> str:
    return " ".join(str(label).split()).casefold()


@lru_cache
def _scheme_labels(scheme: str) -> dict[str, str]:
    rows = definitions.ethnic_groups().loc[lambda table: table["scheme"] == scheme]
    return {
        _plain(label): group for label, group in zip(rows.label, rows.ethnic_group, strict=True)
    }


def _map_labels(values: pd.Series, scheme: str, where: str) -> pd.Series:
    """Map each distinct label to its group; labels of no row, or of the other scheme, raise."""
    labels, distinct = _scheme_labels(scheme), values.dropna().unique()
    found = {value: labels.get(_plain(value)) for value in distinct}
    if unmatched := [value for value, group in found.items() if group is None]:
        rows, hint = values.isin(unmatched), ""
        for other in set(SCHEMES) - {scheme}:
            if mixed := [value for value in unmatched if _plain(value) in _scheme_labels(other)]:
                hint = f"{len(mixed)} of them are {other} labels: do not mix schemes. "
        raise DefinitionError(
            f"{len(unmatched)} ethnicity codes ({int(rows.sum()):,} of {len(rows):,} rows) have no "
            f"row in the {scheme} scheme.",
            where=f"{where}, first row {rows.idxmax()}",
            found=unmatched,
            do=f"{hint}Add each to sna/definitions/ethnic_groups.csv with its source.",
        )
    return values.astype(object).map(found).astype(object)


def add_ethnic_group(people: pd.DataFrame, *, scheme: str = "self_defined") -> pd.DataFrame:
    """Add the five-way ``ethnic_group`` of people, by ``self_defined`` or ``officer_observed``.

    The schemes answer different questions and are never merged: a person without a self-defined
    code stays *Not stated* whatever an officer noted. A code in no row raises `DefinitionError`.

    Examples
    --------
    >>> add_ethnic_group(pd.DataFrame({"ethnicity_self": ["B1", None]}))["ethnic_group"].tolist()
    ['Black', 'Not stated']
    """
    if scheme not in SCHEMES:
        raise UsageError(
            "Unknown ethnicity scheme.", found=scheme, do=f"Use {' or '.join(SCHEMES)}."
        )
    column = SCHEMES[scheme]
    values = people.get(column, pd.Series(np.nan, index=people.index, dtype=object))
    group = _map_labels(values, scheme, f"people, column {column}")
    return people.assign(ethnic_group=group.where(group.notna(), NOT_KNOWN).astype(str))


@lru_cache
def _read_band(band: object) -> tuple[float, float] | None:
    text, bands = _plain(band), definitions.age_bands()
    if text in _UNKNOWN_AGES:
        return np.nan, np.nan
    known = bands[bands["age_band"].map(_plain) == text]
    if len(known):
        return float(known["age_lower"].iloc[0]), float(known["age_upper"].iloc[0])
    if met := re.fullmatch(r"(\d{1,3})\s*(?:\+|and over|or over)", text):
        return float(met[1]), 999.0
    met = re.fullmatch(r"(\d{1,3})(?:\s*(?:-|–|to)\s*(\d{1,3}))?", text)
    low, high = (float(met[1]), float(met[2] or met[1])) if met else (1.0, 0.0)
    return (low, high) if low <= high <= 120 else None


def age_limits(people: pd.DataFrame) -> _Limits:
    """Return the youngest and oldest age each row can have; missing where nothing is known."""
    blank = pd.Series(np.nan, index=people.index)
    age = np.floor(pd.to_numeric(people.get("age", blank)).to_numpy(float))
    bands = people.get("age_band", blank).astype(object)
    read = {band: _read_band(band) for band in bands.dropna().unique()}
    if wrong := [band for band, limits in read.items() if limits is None]:
        raise DefinitionError(
            f"{len(wrong)} age bands ({int(bands.isin(wrong).sum()):,} rows) cannot be read.",
            where="people, column age_band",
            found=wrong,
            do="Write bands as 18-24 or 65+, or add them to sna/definitions/age_bands.csv.",
        )
    parts: Any = [{band: limits[i] for band, limits in read.items() if limits} for i in (0, 1)]
    low, high = (bands.map(part).to_numpy(float) for part in parts)
    if (clash := (age < low) | (age > high)).any():
        raise TableError(
            f"{int(clash.sum()):,} rows hold an age outside their own age band.",
            where=f"people, row {people.index[int(np.argmax(clash))]}",
            found=[f"{a:g} in {b}" for a, b in zip(age[clash], bands[clash], strict=True)],
            do="Mend the reader: ages as years and as bands must agree.",
        )
    return np.where(np.isnan(age), low, age), np.where(np.isnan(age), high, age)


def shared_breaks(*limits: _Limits, wanted: Sequence[int] = AGE_BREAKS) -> list[int]:
    """Return those wanted age breaks that cut no band of any table, so that all can share them.

    Examples
    --------
    >>> shared_breaks((np.array([10.0, 18, 35]), np.array([17.0, 34, 999])))
    [0, 10, 18, 35]
    """
    tops = [low[high >= 999].max(initial=0) for low, high in limits]  # open bands end the list
    end = min((top for top in tops if top > 0), default=999)
    cut = {
        edge for edge in wanted for low, high in limits
        if ((low < edge) & (high >= edge) & (high < 999)).any()
    }  # fmt: skip
    return [edge for edge in wanted if edge <= end and (edge == 0 or edge not in cut)]


def age_group(limits: _Limits, breaks: Sequence[int]) -> npt.NDArray[np.object_]:
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
    """Choose the one population table, and its rows, that splits residents by all ``needs``.

    The latest table with the fewest splits is taken whole: tables and years are never mixed in one
    denominator, and each resident stands once. None that fits raises `CoverageError`.
    """
    best: tuple[tuple[int, int], pd.DataFrame] | None = None
    rows = population[population["area_level"] == level]
    for _, table in rows.groupby(["source", "population_year"], observed=True):
        splits = {
            "ethnic_group": table["ethnic_group"] != "all",
            "sex": table["sex"] != "all",
            "age_group": (table["age_lower"] > 0) | (table["age_upper"] < 90),
        }
        keep = pd.Series(True, index=table.index)
        for name, split in splits.items():
            keep &= split if name in needs or split.all() else ~split
        year = int(table["population_year"].iloc[0])
        depth = len([name for name, split in splits.items() if split.any()])
        if keep.any() and (best is None or (year, -depth) > best[0]):
            best = (year, -depth), table[keep]
    if best is None:
        raise CoverageError(
            f"No population table splits residents by {', '.join(needs)} at {level} level.",
            where="table population",
            found=sorted(population["source"].astype(str).unique()),
            do="Add the Census 2021 table to data/raw, or leave the split out.",
        )
    chosen = best[1].assign(ethnic_label=best[1]["ethnic_group"].astype(str))
    scheme = str(chosen["ethnic_scheme"].iloc[0])
    if scheme != "all":
        group = _map_labels(chosen["ethnic_group"], scheme, "population")
        chosen = chosen.assign(ethnic_group=group.astype(str))
    return chosen
