"""The headline of every borough as one matrix of months by areas, and the breaks in its series."""

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from sna import counts as counting
from sna import definitions
from sna.errors import CoverageError
from sna.schemas.results import result_table

Array = npt.NDArray[np.float64]

LONDON = "London"
LEAST_BOROUGHS = 30  # of 33; fewer are not shown as London
_CODE = re.compile(r"\b\d{1,3}(?:\.\d+)?[A-Z]?\b")
_MPS_OR_RECORDS = ("extract", "mps_", "police_uk", "camden")


@dataclass(frozen=True)
class Panel:
    """One measure of all boroughs: ``counts`` and ``population`` are months by boroughs.

    ``months`` are complete up to ``last_published``; later ones do not exist.
    """

    measure: str
    source: str
    standing: str
    note: str
    release_class: str
    borough_code: str
    borough_name: str
    months: pd.DatetimeIndex
    codes: tuple[str, ...]
    counts: Array
    population: Array
    per_year: int
    breaks: pd.DataFrame
    asked_end: pd.Timestamp

    @property
    def mine(self) -> int:
        """Column of the borough."""
        return self.codes.index(self.borough_code)

    @property
    def has_london(self) -> bool:
        """Whether enough boroughs are covered to speak of London."""
        return len(self.codes) >= LEAST_BOROUGHS

    @property
    def series(self) -> Array:
        """Counts of the borough."""
        return self.counts[:, self.mine]

    @property
    def rest(self) -> Array:
        """Counts of all other boroughs together."""
        return self.counts.sum(axis=1) - self.series

    @property
    def segments(self) -> npt.NDArray[np.int64]:
        """Number of breaks at or before each month: equal numbers are comparable."""
        starts = self.breaks["month"].to_numpy()
        return (self.months.to_numpy()[:, None] >= starts[None, :]).sum(axis=1)

    def label(self, **columns: Any) -> dict[str, Any]:
        """Return the columns that every result table carries, and those given."""
        return {"measure": self.measure, "source": self.source,
                "release_class": self.release_class, **columns}  # fmt: skip


def find_breaks(
    source: str, measure: str, months: pd.DatetimeIndex, *, codes: frozenset[str]
) -> pd.DataFrame:
    """Find the catalogued breaks that touch a measure of a source inside some months.

    A break counts from the first month that lies mostly after it; one at or before the first
    month breaks nothing, and two in one month are one break with both texts.

    Returns
    -------
    pandas.DataFrame
        ``month`` (first month of the new series), ``break_id``, ``report_text``.
    """
    table = definitions.breaks()
    recorded = table["source"].isin(["recorded crime", "all sources"])
    mps = table["source"].str.startswith("MPS") & source.startswith(_MPS_OR_RECORDS)
    scope = table["scope"].str.casefold()
    words = scope.isin(["all violence", "all groups"]) | scope.str.contains("borough allocation")
    touched = table["scope"].map(lambda text: bool(codes & set(_CODE.findall(text))))
    about = scope.str.contains(re.escape(measure.casefold()))
    hit = table[(recorded | mps) & (words | touched | about) & table["direction"].ne("none")]
    start = hit["start"] + pd.to_timedelta(hit["start"].dt.day.gt(15) * 20, unit="D")
    hit = hit.assign(month=start.dt.to_period("M").dt.to_timestamp())
    if len(months) == 0:
        hit = hit.head(0)
    else:
        hit = hit[(hit["month"] > months[0]) & (hit["month"] <= months[-1])]
    joined = hit.groupby("month").agg({"break_id": " ".join, "report_text": " ".join})
    return joined.reset_index()


def no_rows(contract: str) -> pd.DataFrame:
    """Return an empty result table with every column of its contract."""
    shape = result_table(contract)
    words = [*shape.keys, *shape.plain, "release_class"]
    numbers = [*shape.counts, *(name for e in shape.estimates for name in (e.column, e.count))]
    columns = dict.fromkeys(numbers, "float64") | dict.fromkeys(words, "str")
    return pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in columns.items()})


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
    """Make the panel of a borough's headline, up to its end month or the last one published.

    Simulated data has no recording changes, so no break is applied to it.
    """
    series = counting.choose_series(data.counts, data.borough_code)
    rows = series.rows[series.rows["borough_code"].notna()]
    asked = pd.Timestamp(data.end_month)
    end = min(rows["month"].max(), asked)
    if rows["month"].min() > end:
        raise CoverageError(
            "The end month lies before the first month of the data.",
            where=f"source {series.source}",
            found=[f"{asked:%Y-%m}", f"{rows['month'].min():%Y-%m}"],
            do="Ask for a later end month.",
        )
    rows = rows.assign(borough_code=rows["borough_code"].astype("str"))
    rows = rows[rows["borough_code"].isin(definitions.boroughs()["borough_code"])]
    grid = counting.count_by_month(
        rows, start_month=rows["month"].min(), end_month=end, by=["borough_code"]
    )
    known = counting.total_population(data.population)
    grid = counting.add_population(grid[grid["borough_code"].isin(known["borough_code"])], known)
    wide = grid.pivot_table(
        index="month", columns="borough_code", values=["offences", "population"]
    )
    months = pd.DatetimeIndex(wide.index)
    measure = series.measure
    breaks = find_breaks(series.source, measure, months, codes=_codes_of(measure))
    return Panel(
        measure=measure,
        source=series.source,
        standing=series.standing,
        note=series.note,
        release_class=counting.strictest(rows["release_class"]),
        borough_code=data.borough_code,
        borough_name=data.borough_name,
        months=months,
        codes=tuple(str(code) for code in wide["offences"].columns),
        counts=wide["offences"].to_numpy(float),
        population=wide["population"].to_numpy(float),
        per_year=12 // series.period_months,
        breaks=breaks.head(0) if data.simulated else breaks,
        asked_end=asked,
    )
