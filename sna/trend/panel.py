"""The headline of every borough as one matrix of months by areas, and the breaks in its series."""

import re
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from sna import counts as counting
from sna import definitions
from sna.errors import CoverageError
from sna.schemas.results import result_table

Array = npt.NDArray[np.float64]

LONDON, LEAST_BOROUGHS = "London", 30  # of 33; fewer are not shown as London
TOO_LITTLE = "too little data to tell"
_CODE = re.compile(r"\b\d{1,3}(?:\.\d+)?[A-Z]?\b")
_FROM_MPS = ("extract", "mps_", "police_uk", "camden")


@dataclass(frozen=True)
class Panel:
    """One measure of all boroughs: ``counts`` and ``population`` are months by boroughs."""

    source: str
    measure: str
    release_class: str
    borough_code: str
    borough_name: str
    months: pd.DatetimeIndex  # complete up to the end month or the last one published
    codes: tuple[str, ...]
    counts: Array
    population: Array
    per_year: int
    breaks: pd.DataFrame
    segments: npt.NDArray[np.int64]  # breaks at or before each month: equal ones are comparable
    mine: int  # column of the borough
    series: Array  # its counts
    rest: Array  # those of all other boroughs together
    has_london: bool
    data: Any = field(repr=False)

    def label(self, **columns: Any) -> dict[str, Any]:
        """Return the columns that every result table carries, and those given."""
        return {"measure": self.measure, "source": self.source,
                "release_class": self.release_class, **columns}  # fmt: skip

    def last_year(self) -> tuple[Array, Array, str]:
        """Return counts and residents of the last twelve months by borough, and the period."""
        rows = slice(-self.per_year, None)
        events, people = self.counts[rows].sum(axis=0), self.population[rows].mean(axis=0)
        return events, people, in_words(self.months[rows])


def in_words(months: pd.DatetimeIndex) -> str:
    """Write a run of months: April 2024 to March 2025."""
    return f"{months[0]:%B %Y} to {months[-1]:%B %Y}"


def no_rows(contract: str) -> pd.DataFrame:
    """Return an empty result table with every column of its contract."""
    shape = result_table(contract)
    words = [*shape.keys, *shape.plain, "release_class"]
    numbers = [*shape.counts, *(name for e in shape.estimates for name in (e.column, e.count))]
    columns = dict.fromkeys(numbers, "float64") | dict.fromkeys(words, "str")
    return pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in columns.items()})


def find_breaks(
    source: str, measure: str, months: pd.DatetimeIndex, *, codes: frozenset[str]
) -> pd.DataFrame:
    """Find the catalogued breaks that touch a measure inside some months.

    A break counts from the first month that lies mostly after it; one at or before the first month
    breaks nothing; two in one month are one. Returns ``month``, ``break_id``, ``report_text``.
    """
    table = definitions.breaks()
    recorded = table["source"].isin(["recorded crime", "all sources"])
    mps = table["source"].str.startswith("MPS") & source.startswith(_FROM_MPS)
    scope = table["scope"].str.casefold()
    words = scope.isin(["all violence", "all groups"]) | scope.str.contains("borough allocation")
    words |= table["scope"].map(lambda text: bool(codes & set(_CODE.findall(text))))
    words |= scope.str.contains(re.escape(measure.casefold()))
    hit = table[(recorded | mps) & words & table["direction"].ne("none")]
    start = hit["start"] + pd.to_timedelta(hit["start"].dt.day.gt(15) * 20, unit="D")
    hit = hit.assign(month=start.dt.to_period("M").dt.to_timestamp())
    hit = hit[(hit["month"] > months.min()) & (hit["month"] <= months.max())]
    joined = hit.groupby("month").agg({"break_id": " ".join, "report_text": " ".join})
    return joined.reset_index()


def _codes_of(measure: str) -> frozenset[str]:
    table = definitions.offence_codes()
    if measure.startswith("Violence with injury"):
        rows = table["offence_subgroup"].astype(str).str.casefold().eq("violence with injury")
    elif measure.startswith("Serious violence"):
        rows = table["role"].astype(str).eq("listed")
    else:
        rows = table["offence_group"].astype(str).str.casefold().str.startswith(("viol", "sexual"))
    return frozenset(table.loc[rows, "offence_code"].astype(str))


def load_panel(data: Any) -> Panel:
    """Make the panel of a borough's headline; a panel made before comes back as it is.

    Months end at the end month or the last one published. Simulated data has no changes of
    recording, so no break is applied to it.
    """
    if isinstance(data, Panel):
        return data
    series = counting.choose_series(data.counts, data.borough_code)
    rows = series.rows[series.rows["borough_code"].isin(definitions.boroughs()["borough_code"])]
    rows = rows.assign(borough_code=rows["borough_code"].astype("str"))
    start, end = rows["month"].min(), min(rows["month"].max(), pd.Timestamp(data.end_month))
    if start > end:
        raise CoverageError("The end month lies before the first month of the data.",
                            where=f"source {series.source}", found=[f"{start:%Y-%m}"],
                            do="Ask for a later end month.")  # fmt: skip
    grid = counting.count_by_month(rows, start_month=start, end_month=end, by=["borough_code"])
    known = counting.total_population(data.population)
    grid = counting.add_population(grid[grid["borough_code"].isin(known["borough_code"])], known)
    grid = grid[["month", "borough_code", "offences", "population"]]
    wide = grid.pivot_table(index="month", columns="borough_code")
    months, counts = pd.DatetimeIndex(wide.index), wide["offences"].to_numpy(float)
    codes = tuple(str(code) for code in wide["offences"].columns)
    breaks = find_breaks(series.source, series.measure, months, codes=_codes_of(series.measure))
    breaks = breaks.head(0) if data.simulated else breaks
    mine = codes.index(data.borough_code)
    return Panel(
        source=series.source, measure=series.measure, borough_code=data.borough_code,
        borough_name=data.borough_name, months=months, codes=codes, counts=counts, breaks=breaks,
        release_class=counting.strictest(rows["release_class"]), mine=mine,
        population=wide["population"].to_numpy(float), per_year=12 // series.period_months,
        segments=np.searchsorted(breaks["month"], months, side="right"), series=counts[:, mine],
        rest=counts.sum(axis=1) - counts[:, mine], has_london=len(codes) >= LEAST_BOROUGHS,
        data=data,
    )  # fmt: skip
