"""Complete counts by month, area and group, and the series a borough's data can support."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from sna.definitions import headline_series
from sna.errors import CoverageError, NothingToShowError, TableError, UsageError
from sna.schemas.store_tables import RELEASE_CLASSES, check_one_source, is_core

WEEK = 168  # hours


@dataclass(frozen=True)
class Series:
    """The rows of a headline, for every borough, and its ``standing`` beside the definition."""

    source: str
    measure: str
    standing: str
    rows: pd.DataFrame

    @property
    def period_months(self) -> int:
        """Length of a period: 1 for monthly, 3 for quarterly sources."""
        return int(self.rows["period_months"].iloc[0]) if "period_months" in self.rows else 1


def strictest(classes: pd.Series) -> str:
    """Return the strictest release class of some rows; none at all is the strictest of all."""
    found = [RELEASE_CLASSES.index(str(name)) for name in classes.dropna().unique()]
    return RELEASE_CLASSES[max(found, default=len(RELEASE_CLASSES) - 1)]


def count_by_month(
    offences: pd.DataFrame,
    *,
    start_month: str | pd.Timestamp,
    end_month: str | pd.Timestamp,
    by: str | Sequence[str] = (),
) -> pd.DataFrame:
    """Count offences by month and group over a complete grid.

    A month with nothing recorded is a zero: pass only months that have been published. Rows hold
    ``month``, whole ``offences``, the ``by`` columns and optionally ``release_class`` and
    ``period_months`` (one length in a table); rows outside the window are left out.

    Returns
    -------
    pandas.DataFrame
        One row a group and period, sorted: ``by``, ``month``, ``offences``, ``period_months`` and
        ``release_class``, the strictest of the group's rows.

    Examples
    --------
    >>> rows = pd.DataFrame({"month": pd.to_datetime(["2024-01-01", "2024-03-01"]),
    ...                      "offences": [2, 1]})
    >>> months = {"start_month": rows["month"][0], "end_month": rows["month"][1]}
    >>> count_by_month(rows, **months)["offences"].tolist()
    [2, 0, 1]
    """
    check_one_source(offences, by)
    start, end = (pd.Timestamp(t).to_period("M").to_timestamp() for t in (start_month, end_month))
    by = [by] if isinstance(by, str) else by
    if absent := [name for name in by if name not in offences]:
        do = f"Use columns of the table: {', '.join(map(str, offences))}."
        raise UsageError("Offences cannot be counted by this.", found=absent, do=do)
    if end < start:
        raise UsageError("The window ends before it starts.", found=[start, end])
    step, keys = _check_rows(offences), list(by) or ["_all"]
    given = offences.get("release_class", pd.Series("restricted", offences.index))
    parts = offences.assign(release_class=given, _all=0)
    grouped = parts.groupby(keys, dropna=False, observed=True)["release_class"].agg(strictest)
    months = pd.DataFrame({"month": pd.date_range(start, end, freq=f"{step}MS")})
    groups = grouped.reset_index()
    if not by and groups.empty:
        groups = pd.DataFrame({"_all": [0], "release_class": RELEASE_CLASSES[-1]})
    sums = parts.groupby([*keys, "month"], dropna=False, observed=True)["offences"].sum()
    grid = groups.merge(months, how="cross")
    grid = grid.merge(sums.reset_index(), how="left", on=[*keys, "month"], validate="1:1")
    whole = grid["offences"].fillna(0).astype("int64")
    columns = [*by, "month", "offences", "period_months", "release_class"]
    return grid.assign(offences=whole, period_months=step)[columns]


def _check_rows(offences: pd.DataFrame) -> int:
    """Raise when a count cannot be one; return the one length of the periods."""
    values = pd.to_numeric(offences["offences"]).astype(float)
    bad = ~((values >= 0) & (values == np.floor(values)) & offences["month"].notna())
    lengths = offences["period_months"].dropna().unique() if "period_months" in offences else [1]
    if bad.any() or len(lengths) > 1:
        some = f"{int(bad.sum())} of {len(values)} counts are negative, missing or fractional."
        what = some if bad.any() else "Months and longer periods stand in one table."
        found = values[bad].tolist() or list(lengths)
        do = "Count whole offences, each length of period on its own."
        raise TableError(what, where="count_by_month", found=found, do=do)
    return int(lengths[0]) if len(lengths) else 1


def aoristic_weights(begin: Any, end: Any) -> np.ndarray:
    """Share each event over the hours of the week in which it can have happened (Ratcliffe 2000).

    An even share is an assumption. Events by 168 hours from Monday 00:00; rows add up to 1, or 0
    where the times are missing or reversed. A missing end means the beginning.

    >>> half = aoristic_weights(["2024-01-01 00:30"], ["2024-01-01 01:30"])  # a Monday
    >>> half[0, :3].tolist()
    [0.5, 0.5, 0.0]
    """
    first, last = (pd.to_datetime(pd.Series(np.asarray(t)), format="ISO8601") for t in (begin, end))
    last = last.fillna(first)
    known = (last >= first).to_numpy()
    monday = first.dt.normalize() - pd.to_timedelta(first.dt.day_of_week, unit="D")
    at = np.where(known, (first - monday) / pd.Timedelta(hours=1), 0.0)
    length = np.where(known, (last - first) / pd.Timedelta(hours=1), 0.0)
    hour = np.arange(2 * WEEK)  # an event can run into the next week
    stop = at + np.clip(length, 1e-9, WEEK)
    inside = np.minimum(stop[:, None], hour + 1) - np.maximum(at[:, None], hour)
    shared = np.maximum(inside, 0).reshape(-1, 2, WEEK).sum(axis=1)
    weights = shared / np.maximum(shared.sum(axis=1, keepdims=True), 1e-12)
    weights[length >= WEEK] = 1 / WEEK
    return weights * known[:, None]


def total_population(population: pd.DataFrame) -> pd.DataFrame:
    """Add up residents by ``borough_code`` and ``population_year``: everybody, once.

    One base a borough: mid-year estimates, or the Census (``census``), whichever has the newest
    year. Estimates made before a Census and the Census itself are never one series: where they
    meet, residents seem to leap.
    """
    people = population[population["area_level"].astype(str).eq("borough")]
    keys = ["area_code", "population_year", "source"]

    def prefer(rows: pd.DataFrame, whole: pd.Series) -> pd.DataFrame:
        has_whole = whole.groupby([rows[key].astype(str) for key in keys]).transform("any")
        return rows[whole | ~has_whole]

    for column in [name for name in ("ethnic_group", "sex") if name in people]:
        people = prefer(people, people[column].isna() | people[column].astype(str).eq("all"))
    if "ethnic_scheme" in people:
        people = people[people["ethnic_scheme"].astype(str).ne("five")]
    if {"age_lower", "age_upper"} <= set(people):
        lower, upper = people["age_lower"].fillna(0), people["age_upper"].fillna(999)
        people = prefer(people, lower.eq(0) & upper.ge(120))
    sums = people.groupby(keys, observed=True)["population"].sum().reset_index()
    census = ~sums["source"].astype(str).str.startswith("mid_year")
    sums = sums.assign(census=census).sort_values(
        [*keys[:2], "census"], ascending=[True, True, False]
    )
    newest = sums.groupby("area_code", observed=True)["census"].transform("last")
    sums = sums[sums["census"].eq(newest)].drop_duplicates(keys[:2])
    sums = sums.rename(columns={"area_code": "borough_code"})
    kept = sums[["borough_code", "population_year", "population", "census"]]
    return kept.astype({"borough_code": "str"}).reset_index(drop=True)


def wards_of(lookup: pd.DataFrame | None) -> "pd.Series[Any]":
    """Return the ward of each LSOA, best fit, in the latest edition of wards that holds it."""
    if lookup is None or not {"lsoa_code", "ward_code"} <= set(lookup):
        return pd.Series(dtype="object")
    if "edition" in lookup:
        lookup = lookup.sort_values("edition", ascending=False, kind="stable")
    pairs = lookup[["lsoa_code", "ward_code"]].dropna().astype("object")
    return pairs.drop_duplicates("lsoa_code").set_index("lsoa_code")["ward_code"]


def area_population(
    population: pd.DataFrame, level: str, lookup: pd.DataFrame | None = None
) -> "pd.Series[float]":
    """Return the newest residents of each area of a level, by its code.

    Wards are added up from LSOAs (``lookup``) where no estimate of theirs is published.
    """
    for found in (level, "lsoa"):
        rows = population[population["area_level"].astype("str") == found]
        if len(rows):
            whole = total_population(rows.assign(area_level="borough"))
            newest = whole.sort_values("population_year").groupby("borough_code", observed=True)
            made = newest["population"].last()
            if found == level:
                return made
            return made.groupby(pd.Series(made.index).map(wards_of(lookup)).to_numpy()).sum()
    return pd.Series(dtype=float)


def add_population(counts: pd.DataFrame, population: pd.DataFrame) -> pd.DataFrame:
    """Add ``population`` and ``population_year``: of one base, the year nearest in time to a row.

    ``population`` is the store's table, or the result of `total_population`; a borough without
    residents raises `CoverageError`.
    """
    known = population if "borough_code" in population else total_population(population)
    codes = counts["borough_code"].astype("str")
    if missing := sorted(set(codes) - set(known.loc[known["population"] > 0, "borough_code"])):
        what = f"{len(missing)} boroughs have no residents in the population table."
        do = "Add a population file that covers them."
        raise CoverageError(what, where="table population", found=missing, do=do)
    wide = known.pivot_table(index="borough_code", columns="population_year", values="population")
    years, values = wide.columns.to_numpy(dtype=float), wide.reindex(codes).to_numpy()
    gap = np.abs(counts["month"].dt.year.to_numpy()[:, None] - years[None, :])
    gap = np.where(np.isnan(values), np.inf, gap)
    nearest = gap.argmin(axis=1) if len(counts) else np.zeros(0, dtype=int)
    found, of_year = values[np.arange(len(counts)), nearest], years[nearest].astype("int64")
    return counts.assign(population=found, population_year=of_year)


def choose_series(counts: pd.DataFrame, borough_code: str, *, label: str = "") -> Series:
    """Choose the source and measure that carry a borough's headline, with rows of every borough.

    In order: the definition on records; its upper bound from Home Office tables; a published
    category as a proxy (violence with injury); last, police.uk's wide category, never a proxy.
    ``label`` asks for a published category by name in place of the headline.
    """
    text = counts.astype(dict.fromkeys(["borough_code", "source", "band"], "str"))
    labels = label_of(counts)
    possible = counts.get("possible_bands", counts["band"]).astype("str").fillna("")
    core = is_core(counts)
    inside = {"core": core, "upper bound": core | possible.str.contains(r"\bcore\b")}
    ladder = headline_series().to_numpy().tolist()
    if wanted := label.casefold():
        order = [row[0] for row in ladder]  # unknown sources last
        sources = dict.fromkeys([*order, *sorted(text["source"].unique())])
        ladder = [[name, wanted, label.capitalize(), "published"] for name in sources]
    for source, end, measure, standing in ladder:
        rows = text["source"].eq(source) & inside.get(standing, labels.eq(end))
        if (rows & text["borough_code"].eq(borough_code)).any():
            return Series(source, measure, standing, counts[rows])
    what = f"No source in the store carries a series of {label or 'violence'} for this borough."
    do = "Add a record extract or a published count, then build."
    found = [
        borough_code,
        *sorted(text.loc[text["borough_code"].eq(borough_code), "source"].unique()),
    ]
    raise NothingToShowError(what, where="table counts", found=found, do=do)


def label_of(rows: pd.DataFrame) -> "pd.Series[str]":
    """Return the end of each row's published category, in small letters; empty without one."""
    given = rows.get("published_category", pd.Series("", rows.index)).astype("str").fillna("")
    return given.str.rsplit("|", n=1).str[-1].str.strip().str.casefold()
