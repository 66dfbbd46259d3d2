"""What a result table promises: its keys, its counts, and what is recomputed from them."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any, Literal

from sna.errors import UsageError

Kind = Literal["rate", "share", "rate_ratio", "rate_difference", "change_pct", "change_points"]


@dataclass(frozen=True)
class Derived:
    """A column that `sna.disclosure` recomputes from protected counts, never from true ones.

    ``inputs`` names the columns the formula needs, in the order of its kind: rate (count,
    population), share (part, whole), rate_ratio and rate_difference (count, population, reference
    count, reference population), change_pct and change_points (later, earlier). ``limits`` names
    the two columns of the interval, empty when there is none.
    """

    column: str
    kind: Kind
    inputs: tuple[str, ...]
    limits: tuple[str, str] | tuple[()] = ()
    per: int = 1000


@dataclass(frozen=True)
class Estimate:
    """A value computed from true counts, shown when ``count`` is at least ``minimum``."""

    column: str
    count: str
    minimum: int = 10


@dataclass(frozen=True)
class ResultTable:
    """The contract of one result table.

    ``grain`` says in plain words what a row is. ``keys`` identify it. ``counts`` are confidential
    counts (offences, people, searches) when ``release_class`` is not open. ``people_columns`` maps
    a count column to the column with the distinct people behind it, where one exists, and
    ``top_two_columns`` to the events of its two largest contributors. ``exact_totals`` names the
    keys over which exact totals are public already: restricted counts are then not rounded, and
    secondary suppression with an audit protects them. ``spans`` names the counts whose periods
    overlap, with their months (a number, or the column that holds it) up to ``last_month``, an
    inner column: what they say of each other is audited. ``sums`` names counts that add two others
    of their row: where counts are rounded they add what is shown. ``told`` names keys whose total
    other tables may tell exactly. ``split`` names the columns of people split by group: count, rest
    (not stated), reference, known and all. ``beside`` maps a count to an inner column, if there,
    that says what another table of the same people withholds. Columns that are in none of
    these and not in ``plain`` may not leave `sna.disclosure`.
    """

    name: str
    grain: str
    keys: tuple[str, ...]
    counts: tuple[str, ...]
    derived: tuple[Derived, ...] = ()
    estimates: tuple[Estimate, ...] = ()
    plain: tuple[str, ...] = ()
    exact_totals: tuple[str, ...] = ()
    people_columns: Mapping[str, str] = field(default_factory=dict)
    top_two_columns: Mapping[str, str] = field(default_factory=dict)
    spans: Mapping[str, str | int] = field(default_factory=dict)
    sums: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    told: tuple[str, ...] = ()
    split: Mapping[str, str] = field(default_factory=dict)
    beside: Mapping[str, str] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)


def _tuples(table: dict[str, Any]) -> dict[str, Any]:
    return {key: tuple(v) if isinstance(v, list) else v for key, v in table.items()}


def _read() -> dict[str, ResultTable]:
    """Read the contracts of results.toml; an estimate is one row a count it depends on."""
    text = files("sna.schemas").joinpath("results.toml").read_text(encoding="utf-8")
    found = {}
    for name, table in tomllib.loads(text).items():
        derived = tuple(Derived(**_tuples(row)) for row in table.pop("derived", ()))
        estimates = tuple(
            Estimate(column, row["count"], row.get("minimum", 10))
            for row in table.pop("estimates", ())
            for column in row["columns"]
        )
        found[name] = ResultTable(name, **_tuples(table), derived=derived, estimates=estimates)
    return found


_REGISTRY = _read()


def register(*tables: ResultTable) -> None:
    """Add contracts of one's own; a second contract of the same name is an error."""
    for table in tables:
        if _REGISTRY.setdefault(table.name, table) != table:
            raise UsageError(f"Two contracts are called {table.name!r}.", where="sna.schemas")


def result_table(name: str) -> ResultTable:
    """Return the contract called `name`; raise `UsageError` when there is none."""
    if name not in _REGISTRY:
        do = "Add its contract to sna/schemas/results.toml."
        what = f"No result table is called {name!r}."
        raise UsageError(what, where="sna.schemas", found=sorted(_REGISTRY), do=do)
    return _REGISTRY[name]
