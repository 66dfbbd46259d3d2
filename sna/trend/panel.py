"""The headline of every borough as one matrix of months by areas, and the breaks in its series."""

import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from sna import counts as counting
from sna import definitions
from sna.disclosure.suppress import as_published
from sna.errors import CoverageError, NothingToShowError, UsageError
from sna.schemas.results import result_table
from sna.schemas.store_tables import is_core

Array = npt.NDArray[np.float64]

LONDON, LEAST_BOROUGHS = "London", 30  # of 33; fewer are not shown as London
TOO_LITTLE = "too little data to tell"
_CODE = re.compile(r"\b\d{1,3}(?:\.\d+)?[A-Z]?\b")
_FROM_MPS = ("extract", "mps_", "police_uk", "camden")


@dataclass(frozen=True)
class Panel:
    """One measure of all boroughs: ``counts`` and ``population`` are months by boroughs.

    ``months`` are complete up to the end month or the last one published; equal ``segments`` (the
    breaks at or before each month) are comparable; ``mine`` is the borough's column, ``series`` its
    counts and ``rest`` those of all other boroughs together.
    """

    source: str
    measure: str
    release_class: str
    borough_name: str
    months: pd.DatetimeIndex
    codes: tuple[str, ...]
    counts: Array
    population: Array
    per_year: int
    residents_of: str
    breaks: pd.DataFrame
    data: Any = field(repr=False)

    @cached_property
    def mine(self) -> int:  # noqa: D102
        return self.codes.index(self.data.borough_code)

    @cached_property
    def series(self) -> Array:  # noqa: D102
        return self.counts[:, self.mine]

    @cached_property
    def rest(self) -> Array:  # noqa: D102
        return self.counts.sum(axis=1) - self.series

    @cached_property
    def segments(self) -> npt.NDArray[np.int64]:  # noqa: D102
        return np.searchsorted(self.breaks["month"], self.months, side="right")

    @property
    def last_month(self) -> pd.Timestamp:
        """The last month counted, which a quarter's own name is not."""
        return self.months[-1] + pd.DateOffset(months=12 // self.per_year - 1)

    @property
    def has_london(self) -> bool:
        """Whether enough boroughs are covered to speak of London."""
        return len(self.codes) >= LEAST_BOROUGHS

    def table(self, frame: pd.DataFrame | None = None, /, **columns: Any) -> pd.DataFrame:
        """Make a result table: `frame`, the columns given, and those of every result table."""
        rows = max((len(column) for column in columns.values() if np.ndim(column)), default=1)
        made = pd.DataFrame(index=range(rows)) if frame is None else frame
        labels: dict[str, Any] = {"source": self.source, "release_class": self.release_class}
        labels |= {"period_start": self.months[0], "period_end": self.last_month}
        labels |= {"residents_of": self.residents_of}
        return made.assign(**{"measure": self.measure} | labels | columns)

    def shown(self, counts: Any) -> Array:
        """Return counts as they are published, for what could be turned back into them."""
        made: Array = as_published(
            counts, self.data, release_class=self.release_class, source=self.source
        )
        return made

    def period(self, rows: Any) -> str:
        """Write a run of months: April 2024 to March 2025."""
        first, last = self.months[rows][0], self.months[rows][-1]
        last = last + pd.DateOffset(months=12 // self.per_year - 1)
        return f"{first:%B %Y} to {last:%B %Y}"

    def years(self, number: int) -> list[slice]:
        """Return the rows of the last whole years, at most `number`, the last one last."""
        size, whole = self.per_year, min(number, len(self.months) // self.per_year)
        ends = [len(self.months) - back * size for back in range(whole - 1, -1, -1)]
        return [slice(end - size, end) for end in ends]


def no_rows(contract: str) -> pd.DataFrame:
    """Return an empty result table with every column of its contract."""
    shape = result_table(contract)
    numbers = [*shape.counts, *(name for e in shape.estimates for name in (e.column, e.count))]
    words = dict.fromkeys([*shape.keys, *shape.plain, "release_class", "source"], "str")
    kinds = dict.fromkeys(numbers, "float64") | words
    kinds |= {"month": "datetime64[us]"} if "month" in kinds else {}
    if shape.spans:
        kinds |= {"last_month": "datetime64[us]", "period_months": "int64"}
    return pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in kinds.items()})


def timed_records(panel: Panel) -> pd.DataFrame:
    """Return the core records behind a panel that say when they can have happened."""
    rows = panel.data.offences
    if panel.source != "extract" or "committed_from" not in rows:
        return rows.head(0)
    inside = rows["month"].between(panel.months[0], panel.months[-1])
    inside &= rows["source"].astype("str").eq("extract") & rows["committed_from"].notna()
    return rows[inside & is_core(rows)]


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
    """Return the offence codes that a measure counts, as far as the catalogue knows them."""
    table, name = definitions.offence_codes().astype("str"), measure.casefold()
    if "serious violence" in name:
        rows = table["role"].eq("listed")
    elif name == "violence and sexual offences":
        rows = table["offence_group"].str.casefold().str.startswith(("viol", "sexual"))
    else:
        rows = table["offence_subgroup"].str.casefold().eq(name)
    return frozenset(table.loc[rows, "offence_code"])


def _name_base(known: pd.DataFrame, years: pd.Series) -> str:
    """Name where residents come from: Census 2021, mid-year estimates of 2012 to 2024."""
    used = sorted(set(known["population_year"]) & set(years))
    text = " to ".join(str(year) for year in dict.fromkeys([*used[:1], *used[-1:]]))
    return f"{'Census' if known['census'].any() else 'mid-year estimates of'} {text}"


def load_panel(data: Any, *, label: str = "") -> Panel:
    """Make the panel of a borough's headline; a panel made before comes back as it is.

    Months end at the end month or the last one published. Simulated data has no changes of
    recording, so no break is applied to it. ``label`` is the end of a published category
    ("homicide", "knife crime") to look at in place of the headline.
    """
    if isinstance(data, Panel):
        return data
    if not hasattr(data, "end_month"):
        do = "Give what sna.load_borough returns."
        raise UsageError("This is not the data of a borough.", found=type(data).__name__, do=do)
    series = counting.choose_series(data.counts, data.borough_code, label=label)
    london, own = definitions.boroughs()["borough_code"], data.borough_code
    around = london if own in set(london) else [own]  # another force's recording is not London's
    rows = series.rows[series.rows["borough_code"].isin(around)]
    rows = rows.assign(borough_code=rows["borough_code"].astype("str"))
    start, end = rows["month"].min(), min(rows["month"].max(), pd.Timestamp(data.end_month))
    if start > end:
        what = "The end month lies before the first month of the data."
        where, do = f"source {series.source}", "Ask for a later end month."
        raise CoverageError(what, where=where, found=[f"{start:%Y-%m}"], do=do)
    grid = counting.count_by_month(rows, start_month=start, end_month=end, by=["borough_code"])
    known = counting.total_population(data.population)
    if own not in set(known["borough_code"]):
        what = f"There are no residents of {data.borough_name}, so no rates can be made."
        do = "Add a Census or mid-year table to data/raw and build again."
        raise NothingToShowError(what, where="table population", do=do)
    grid = counting.add_population(grid[grid["borough_code"].isin(known["borough_code"])], known)
    wide = grid.pivot_table(["offences", "population"], index="month", columns="borough_code")
    months = pd.DatetimeIndex(wide.index)
    breaks = find_breaks(series.source, series.measure, months, codes=_codes_of(series.measure))
    return Panel(
        source=series.source,
        measure=series.measure,
        release_class=counting.strictest(rows["release_class"]),
        borough_name=data.borough_name,
        months=months,
        codes=tuple(str(code) for code in wide["offences"].columns),
        counts=wide["offences"].to_numpy(float),
        population=wide["population"].to_numpy(float),
        per_year=12 // series.period_months,
        residents_of=_name_base(known[known["borough_code"].eq(own)], grid["population_year"]),
        breaks=breaks.head(0) if data.simulated else breaks,
        data=data,
    )
