"""Put people and residents into the same groups: ethnic group, sex, age group."""

from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from sna import definitions
from sna.classify.facts import age_span
from sna.errors import CoverageError, DefinitionError, TableError, UsageError

GROUPS = ("White", "Asian", "Black", "Mixed", "Other")
NOT_KNOWN = "Not stated"
SCHEMES = {"self_defined": "ethnicity_self", "officer_observed": "ethnicity_observed"}
AGE_BREAKS = (0, 10, 18, 25, 35, 45, 55, 65)
BLACK_MIXED = tuple(
    f"Mixed or Multiple ethnic groups: White and Black {name}" for name in ("African", "Caribbean")
)
WIDER_BLACK = "Black, with Mixed White and Black"
_OPEN = 999  # the oldest age of a band without an end
Limits = tuple[np.ndarray, np.ndarray]


def _plain(label: object) -> str:
    return " ".join(str(label).split()).casefold()


@lru_cache
def _scheme_labels(scheme: str) -> dict[str, str]:
    rows = definitions.ethnic_groups()
    rows = rows[rows["scheme"] == scheme]
    return dict(zip(rows["label"].map(_plain), rows["ethnic_group"], strict=True))


def _map_labels(values: pd.Series, scheme: str, where: str) -> pd.Series:
    """Map each distinct label to its group; labels of no row, or of the other scheme, raise."""
    labels = _scheme_labels(scheme)
    found = {value: labels.get(_plain(value)) for value in values.dropna().unique()}
    if unmatched := [value for value, group in found.items() if group is None]:
        rows, hint = values.isin(unmatched), ""
        for other in set(SCHEMES) - {scheme}:
            mixed = sum(_plain(value) in _scheme_labels(other) for value in unmatched)
            hint = f"{mixed} of them are {other} labels: do not mix schemes. " if mixed else ""
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
        do = f"Use {' or '.join(SCHEMES)}."
        raise UsageError("Unknown ethnicity scheme.", found=scheme, do=do)
    column = SCHEMES[scheme]
    values = people.get(column, pd.Series(np.nan, index=people.index, dtype=object))
    group = _map_labels(values, scheme, f"people, column {column}")
    return people.assign(ethnic_group=group.fillna(NOT_KNOWN).astype(str))


def _read_band(band: object) -> tuple[float, float]:
    low, high = age_span("unknown" if _plain(band) == "recording error" else band)
    return (np.nan, np.nan) if (low, high) == (0, _OPEN) else (low, high)


def age_limits(people: pd.DataFrame) -> Limits:
    """Return the youngest and oldest age each row can have; missing where nothing is known."""
    blank = pd.Series(np.nan, index=people.index)
    age = np.floor(pd.to_numeric(people.get("age", blank)).to_numpy(float))
    bands = people.get("age_band", blank).astype(object)
    read = {band: _read_band(band) for band in bands.dropna().unique()}
    if wrong := [band for band, (low, high) in read.items() if low < 0 or low > high]:
        raise DefinitionError(
            f"{len(wrong)} age bands ({int(bands.isin(wrong).sum()):,} rows) cannot be read.",
            where="people, column age_band",
            found=wrong,
            do="Write bands as 18-24 or 65+.",
        )
    low, high = (
        bands.map({band: span[end] for band, span in read.items()}).to_numpy(float)
        for end in (0, 1)
    )
    if (clash := (age < low) | (age > high)).any():
        raise TableError(
            f"{int(clash.sum()):,} rows hold an age outside their own age band.",
            where=f"people, row {people.index[int(np.argmax(clash))]}",
            found=[f"{a:g} in {b}" for a, b in zip(age[clash], bands[clash], strict=True)],
            do="Mend the reader: ages as years and as bands must agree.",
        )
    return np.where(np.isnan(age), low, age), np.where(np.isnan(age), high, age)


def shared_breaks(*limits: Limits, wanted: Sequence[int] = AGE_BREAKS) -> list[int]:
    """Return those wanted age breaks that cut no band of any table, so that all can share them.

    Examples
    --------
    >>> shared_breaks((np.array([10.0, 18, 35]), np.array([17.0, 34, 999])))
    [0, 10, 18, 35]
    """
    tops = [low[high >= _OPEN].max(initial=0) for low, high in limits]  # open bands end the list
    end = min((top for top in tops if top > 0), default=_OPEN)
    closed = [(low[high < _OPEN], high[high < _OPEN]) for low, high in limits]
    kept = (e for e in wanted if not any(((low < e) & (high >= e)).any() for low, high in closed))
    return [0, *(edge for edge in kept if 0 < edge <= end)]


def age_group(limits: Limits, breaks: Sequence[int]) -> np.ndarray:
    """Name the group between breaks that holds each row, or Not stated when none holds it whole."""
    low, high = limits
    edges = np.array([*breaks, _OPEN + 1])
    names = [f"{a}-{b - 1}" if b <= _OPEN else f"{a}+" for a, b in pairwise(edges)]
    place = np.searchsorted(edges, low, side="right") - 1
    inside = ~np.isnan(low) & (high < edges[np.clip(place + 1, 0, len(edges) - 1)])
    return np.array([*names, NOT_KNOWN], object)[np.where(inside, place, -1)]


def choose_population(
    population: pd.DataFrame, *, needs: Sequence[str] = ("ethnic_group",), level: str = "borough"
) -> pd.DataFrame:
    """Choose the one population table, and its rows, that splits residents by all ``needs``.

    The latest table with the fewest splits is taken whole: tables and years are never mixed in one
    denominator, and each resident stands once. None that fits raises `CoverageError`.
    """
    rows = population[population["area_level"] == level]
    tables: Any = [rows["population_year"], rows["source"].astype(str)]
    splits = pd.DataFrame(
        {
            "ethnic_group": rows["ethnic_group"] != "all",
            "sex": rows["sex"] != "all",
            "age_group": (rows["age_lower"] > 0) | (rows["age_upper"] < 90),
        }
    )
    needed, whole = splits.columns.isin(needs), splits.groupby(tables).transform("all")
    keep = (splits | (~needed & whole) | ~(splits | needed)).all(axis=1)
    depth = splits.groupby(tables).transform("any").sum(axis=1)
    if not keep.any():
        raise CoverageError(
            f"No population table splits residents by {', '.join(needs)} at {level} level.",
            where="table population",
            found=sorted(population["source"].astype(str).unique()),
            do="Add the Census 2021 table to data/raw, or leave the split out.",
        )
    order = pd.DataFrame({"year": -tables[0], "depth": depth, "source": tables[1]})[keep]
    best = order.sort_values(["year", "depth", "source"]).iloc[0]
    chosen = rows[keep & (tables[0] == -best["year"]) & (tables[1] == best["source"])]
    chosen = chosen.assign(ethnic_label=chosen["ethnic_group"].astype(str))
    scheme = str(chosen["ethnic_scheme"].iloc[0])
    if scheme != "all":
        group = _map_labels(chosen["ethnic_group"], scheme, "population")
        chosen = chosen.assign(ethnic_group=group.astype(str))
    return chosen
