"""Complete counts by month, area and group, and the series a borough's data can support."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from sna.errors import CoverageError, TableError, UsageError
from sna.schemas.store_tables import RELEASE_CLASSES

# open categories that stand in for the definition, best first; matched at the end of the label
_PROXY = "violence with injury"
_NEVER_PROXY = "violence and sexual offences"
_NOTES = {
    "core": "Offences that meet the definition (band core).",
    "upper bound": "Upper bound of the definition: every listed class, whatever the context.",
    "proxy": "A published category used as a proxy: it is not the definition.",
    "not a proxy": "A wide published category. It is not a proxy for serious violence.",
}


@dataclass(frozen=True)
class Series:
    """The rows that carry a borough's headline, for every borough the source covers.

    ``standing`` is core, upper bound, proxy or not a proxy; ``note`` says what that means.
    """

    source: str
    measure: str
    standing: str
    note: str
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
    start_month: pd.Timestamp,
    end_month: pd.Timestamp,
    by: Sequence[str] = (),
) -> pd.DataFrame:
    """Count offences by month and group over a complete grid.

    A month with nothing recorded is a zero; pass only months that have been published.

    Parameters
    ----------
    offences
        Rows with ``month`` and ``offences`` (whole, >= 0), the ``by`` columns and optionally
        ``release_class`` and ``period_months`` (one length in a table).
    start_month, end_month
        First and last month of the window, both included. Rows outside it are left out.
    by
        Columns that name a group; a missing value is a group of its own.

    Returns
    -------
    pandas.DataFrame
        One row a group and month (or period), sorted: ``by``, ``month``, ``offences``,
        ``period_months`` and ``release_class``, the strictest of the group's rows.

    Raises
    ------
    TableError
        If counts are negative, missing or fractional, or periods differ in length.

    >>> rows = pd.DataFrame({"month": pd.to_datetime(["2024-01-01", "2024-03-01"]),
    ...                      "offences": [2, 1]})
    >>> months = {"start_month": rows["month"][0], "end_month": rows["month"][1]}
    >>> count_by_month(rows, **months)["offences"].tolist()
    [2, 0, 1]
    """
    start, end = pd.Timestamp(start_month), pd.Timestamp(end_month)
    if end < start:
        raise UsageError("The window ends before it starts.", found=[start, end])
    step = _check_rows(offences)
    months = pd.date_range(start, end, freq=f"{step}MS")
    if offences["month"].isna().any():
        raise TableError(
            f"{int(offences['month'].isna().sum())} of {len(offences)} rows have no month.",
            where="count_by_month, column month",
            do="Reject rows without a month while reading.",
        )
    parts = offences.assign(
        release_class=offences.get("release_class", pd.Series("restricted", offences.index))
    )
    keys = list(by)
    inside = parts[parts["month"].between(start, end)]
    sums = inside.groupby([*keys, "month"], dropna=False, observed=True)["offences"].sum()
    if not keys:
        grid = sums.reindex(pd.Index(months, name="month"), fill_value=0).reset_index()
        return grid.assign(period_months=step, release_class=strictest(parts["release_class"]))
    groups = parts.groupby(keys, dropna=False, observed=True)["release_class"].agg(strictest)
    grid = groups.reset_index().merge(pd.DataFrame({"month": months}), how="cross")
    counted = grid.merge(sums.reset_index(), how="left", on=[*keys, "month"], validate="1:1")
    counted = counted.assign(
        offences=counted["offences"].fillna(0).astype("int64"), period_months=step
    )
    return counted[[*keys, "month", "offences", "period_months", "release_class"]]


def _check_rows(offences: pd.DataFrame) -> int:
    """Raise when a count cannot be one; return the one length of the periods."""
    values = pd.to_numeric(offences["offences"]).astype(float)
    bad = ~((values >= 0) & (values == np.floor(values)))
    if bad.any():
        raise TableError(
            f"{int(bad.sum())} of {len(values)} counts are negative, missing or fractional.",
            where=f"column offences, row {values.index[bad.to_numpy()][0]}",
            found=values[bad].tolist(),
            do="Count whole offences; leave out rows that count nothing.",
        )
    lengths = offences["period_months"].dropna().unique() if "period_months" in offences else [1]
    if len(lengths) > 1:
        raise TableError(
            "Monthly and longer periods stand in one table.",
            where="column period_months",
            found=lengths,
            do="Count each length of period on its own.",
        )
    return int(lengths[0]) if len(lengths) else 1


def total_population(population: pd.DataFrame) -> pd.DataFrame:
    """Add up residents by borough and year, mid-year estimates before Census tables.

    Returns ``borough_code``, ``population_year``, ``population``: everybody, once.
    """
    people = population[population["area_level"].astype(str).eq("borough")]
    for column in ("ethnic_group", "sex"):
        if column in people:
            whole = people[column].isna() | people[column].astype(str).eq("all")
            key = [
                people["area_code"].astype(str),
                people["population_year"],
                people["source"].astype(str),
            ]
            has_whole = whole.groupby(key).transform("any")
            people = people[whole | ~has_whole]
    if "ethnic_scheme" in people:
        people = people[people["ethnic_scheme"].astype(str).ne("five")]
    lower, upper = (
        people.get(name, pd.Series(np.nan, people.index)).fillna(fill)
        for name, fill in (("age_lower", 0), ("age_upper", 999))
    )
    keys = ["area_code", "population_year", "source"]
    people = people.assign(
        _all=(lower.eq(0) & upper.ge(120)),
        _mid=people["source"].astype(str).str.startswith("mid_year"),
    )
    has_all = people.groupby(keys, observed=True)["_all"].transform("any")
    people = people[people["_all"] | ~has_all]
    sums = people.groupby([*keys, "_mid"], observed=True)["population"].sum().reset_index()
    sums = sums.sort_values("_mid", ascending=False).drop_duplicates(
        ["area_code", "population_year"]
    )
    named = sums.rename(columns={"area_code": "borough_code"}).astype({"borough_code": "str"})
    return named[["borough_code", "population_year", "population"]].sort_values(
        ["borough_code", "population_year"], ignore_index=True
    )


def add_population(counts: pd.DataFrame, population: pd.DataFrame) -> pd.DataFrame:
    """Add residents to counts by borough and month, from the estimate nearest in time.

    Parameters
    ----------
    counts
        Rows with ``borough_code`` and ``month``.
    population
        The store's population table, or the result of `total_population`.

    Returns
    -------
    pandas.DataFrame
        ``counts`` in the same order plus ``population`` and ``population_year``.

    Raises
    ------
    CoverageError
        If a borough has no residents in `population`.
    """
    known = population if "borough_code" in population else total_population(population)
    codes = counts["borough_code"].astype("str")
    missing = sorted(set(codes) - set(known["borough_code"]))
    if missing:
        raise CoverageError(
            f"{len(missing)} boroughs have no residents in the population table.",
            where="add_population, table population",
            found=missing,
            do="Add a population file that covers them, or leave their rows out.",
        )
    wide = known.pivot_table(index="borough_code", columns="population_year", values="population")
    years = wide.columns.to_numpy(dtype=float)
    gap = np.abs(counts["month"].dt.year.to_numpy()[:, None] - years[None, :])
    values = wide.reindex(codes).to_numpy()
    nearest = (
        np.where(np.isnan(values), np.inf, gap).argmin(axis=1)
        if len(counts)
        else np.array([], dtype=int)
    )
    rows = np.arange(len(counts))
    return counts.assign(
        population=values[rows, nearest], population_year=years[nearest].astype("int64")
    )


def choose_series(counts: pd.DataFrame, borough_code: str) -> Series:
    """Choose the source and measure that carry a borough's headline.

    In order: the definition on records, its upper bound from Home Office tables, a published
    category as a proxy (violence with injury), and last the wide category of police.uk, which is
    never a proxy. All rows of the chosen measure come back, for every borough.

    Parameters
    ----------
    counts
        The store's London-wide counts.
    borough_code
        The borough that must be covered.

    Raises
    ------
    CoverageError
        If no source covers the borough.
    """
    mine = counts["borough_code"].astype("str").eq(borough_code)
    source = counts["source"].astype("str")
    label = (
        counts.get("published_category", pd.Series("", counts.index)).astype("str").str.casefold()
    )
    possible = counts.get("possible_bands", counts["band"]).astype("str").fillna("")
    could = counts["band"].astype("str").eq("core") | possible.str.contains(r"\bcore\b")
    ladder = [
        (
            "extract",
            source.eq("extract") & counts["band"].astype("str").eq("core"),
            "Serious violence, core",
            "core",
        ),
        (
            "home_office_csp",
            source.eq("home_office_csp") & could,
            "Serious violence, upper bound",
            "upper bound",
        ),
    ]
    for name in ("mps_borough", "mps_dashboard_tno", "mps_ward"):
        ladder.append(
            (name, source.eq(name) & label.str.endswith(_PROXY), "Violence with injury", "proxy")
        )
    for name in ("police_uk_street", "camden_street"):
        ladder.append(
            (
                name,
                source.eq(name) & label.str.endswith(_NEVER_PROXY),
                "Violence and sexual offences",
                "not a proxy",
            )
        )
    for name, rows, measure, standing in ladder:
        if (rows & mine).any():
            return Series(name, measure, standing, _NOTES[standing], counts[rows])
    raise CoverageError(
        "No source in the store carries a series of violence for this borough.",
        where="choose_series, table counts",
        found=[borough_code, *sorted(source[mine].unique())],
        do="Add a record extract or a published count that covers the borough, then build again.",
    )
