"""Compare like with like: the same places, the same ages, the stage before."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pandas as pd
from scipy.special import ndtri

from sna import definitions, rates
from sna.disproportionality.compare import compare_groups
from sna.errors import UsageError

STAGES = ("residents", "searched", "arrested", "charged")


def add_place_adjusted(
    counts: pd.DataFrame,
    *,
    reference_group: str = "White",
    place: str = "borough_code",
    confidence: float = 0.95,
) -> pd.DataFrame:
    """Compare groups over all places, crude and inside each place (Mantel-Haenszel).

    A group that lives where more is recorded has a higher crude ratio even if everyone in each
    place had the same rate. The adjusted ratio compares people with others of the same place; it
    does not say that the rest of the difference has one explanation.

    Parameters
    ----------
    counts
        One row a place and group (no other strata) with ``people`` and ``population``.
    reference_group, place, confidence
        Reference; column of the place; confidence level as a proportion.

    Returns
    -------
    pandas.DataFrame
        The crude comparison of the summed places (`compare_groups`), one row a group, plus
        ``adjusted_ratio, adjusted_lower_ci, adjusted_upper_ci`` (missing for the reference) and
        ``places``, those with residents of both groups.

    Notes
    -----
    Person-time Mantel-Haenszel ratio with the Greenland-Robins variance of its logarithm. It
    assumes about the same ratio in every place; missing limits when either side has no people.

    References
    ----------
    Greenland S, Robins JM (1985). Estimation of a common effect parameter from sparse follow-up
    data. Biometrics 41.

    Examples
    --------
    >>> two = pd.DataFrame({"borough_code": ["A", "A", "B", "B"], "group": ["White", "Black"] * 2,
    ...     "people": [900, 900, 600, 48], "population": [60_000, 30_000, 150_000, 6_000]})
    >>> add_place_adjusted(two).loc[1, ["rate_ratio", "adjusted_ratio"]].round(3).tolist()
    [3.687, 2.0]
    """
    keep = ["people", "population", *([c] if (c := "missing_people") in counts else [])]
    once = counts.drop_duplicates([place]) if "missing_people" in counts else counts
    crude = counts.groupby("group", sort=False, as_index=False)[["people", "population"]].sum()
    if "missing_people" in keep:
        crude = crude.assign(missing_people=int(once["missing_people"].sum()))
    crude = compare_groups(crude, reference_group=reference_group, confidence=confidence)
    rows = counts[counts["group"] == reference_group][[place, "people", "population"]]
    both = counts.merge(rows, on=place, how="inner", validate="many_to_one", suffixes=("", "_ref"))
    both = both[(both["population"] > 0) & (both["population_ref"] > 0)]
    a, n = both["people"], both["population"]
    b, m = both["people_ref"], both["population_ref"]
    total = n + m
    sums = pd.DataFrame({
        "group": both["group"], "over": a * m / total, "under": b * n / total,
        "spread": (a + b) * n * m / total**2, "places": 1,
    }).groupby("group").sum().reindex(crude["group"])  # fmt: skip
    over, under = (sums[name].where(sums[name] > 0).to_numpy(float) for name in ("over", "under"))
    step = float(ndtri(0.5 + confidence / 2)) * np.sqrt(sums["spread"].to_numpy() / (over * under))
    ratio = np.where((crude["group"] == reference_group), np.nan, over / under)
    return crude.assign(
        adjusted_ratio=ratio, adjusted_lower_ci=ratio * np.exp(-step),
        adjusted_upper_ci=ratio * np.exp(step), places=sums["places"].to_numpy(int),
    )  # fmt: skip


def compare_standardised(counts: pd.DataFrame, *, reference_group: str = "White",
                         per: int = 1000, confidence: float = 0.95) -> pd.DataFrame:  # fmt: skip
    """Compare groups as if all had the ages of the European Standard Population (Dobson).

    Groups differ in age, and young people are recorded more often; a standardised rate is a
    yardstick, not a number of people anyone met.

    Parameters
    ----------
    counts
        One row a group and ``age_group`` whose breaks are also breaks of the standard, with
        ``people`` and ``population`` (above zero).

    Returns
    -------
    pandas.DataFrame
        One row a group: ``group, people, population, crude_rate, rate, lower_ci, upper_ci, per,
        reference_group, rate_ratio, ratio_lower_ci, ratio_upper_ci, age_groups``. Rate and ratio
        are missing under 10 people.

    Notes
    -----
    Limits of the ratio: log-normal, from the relative width of the two Dobson intervals.
    """
    weights = _standard_weights(sorted(counts["age_group"].unique(), key=_lower_age))
    bands = counts.rename(columns={"people": "offences"}).assign(
        standard_population=counts["age_group"].map(weights)
    )
    empty = bands["population"] <= 0
    table = rates.directly_standardised_rate(
        bands[~empty], by=["group"], per=per, confidence=confidence
    ).rename(columns={"offences": "people"})
    z = float(ndtri(0.5 + confidence / 2))
    error = (np.log(table["upper_ci"]) - np.log(table["lower_ci"].where(table["lower_ci"] > 0))) / 2
    ours = table["group"] == reference_group
    if ours.sum() != 1:
        raise UsageError("The reference group is missing.", found=table["group"].tolist())
    spread = z * np.sqrt((error / z) ** 2 + float(error[ours].iloc[0] / z) ** 2)
    ratio = table["rate"] / float(table.loc[ours, "rate"].iloc[0])
    return table.assign(
        crude_rate=table["people"] / table["population"] * per, reference_group=reference_group,
        rate_ratio=ratio, ratio_lower_ci=(ratio * np.exp(-spread)).where(~ours),
        ratio_upper_ci=(ratio * np.exp(spread)).where(~ours), age_groups=len(weights),
    )  # fmt: skip


def _lower_age(name: str) -> int:
    return int(name.split("-")[0].rstrip("+"))


def _standard_weights(age_groups: Sequence[str]) -> dict[str, int]:
    standard = definitions.standard_population()
    lower = standard["ageband"].map(_lower_age)
    edges = [_lower_age(name) for name in age_groups]
    if len(edges) < 2 or not set(edges) <= set(lower):
        raise UsageError(
            "These age groups cannot be weighted with the European Standard Population.",
            found=list(age_groups), do="Use breaks that are multiples of five, two groups or more.",
        )  # fmt: skip
    place = np.searchsorted(edges, lower.to_numpy(), side="right") - 1
    sums = standard["esp2013"].groupby(place).sum()
    return {name: int(sums[i]) for i, name in enumerate(age_groups)}


def compare_stages(stages: pd.DataFrame, *, reference_group: str = "White",
                   confidence: float = 0.95) -> pd.DataFrame:  # fmt: skip
    """Relative rate index along a chain of stages, each with the stage before as denominator.

    Each step asks only about those who reached it, so a ratio near 1 late in the chain does not
    undo a higher one at the start.

    Parameters
    ----------
    stages
        One row a ``group`` with one column a stage, in order, the first being ``residents``.

    Returns
    -------
    pandas.DataFrame
        One row a step and group: ``stage, before, group, people, population`` (people of the stage
        before) and the columns of `compare_groups` with ``per`` 1,000 residents or 100 people.

    Notes
    -----
    Steps after the first compare shares of people: limits by Katz (log-normal), missing at zero.
    """
    names = [str(name) for name in stages if name != "group"]
    frames = []
    for before, stage in pairwise(names):
        counts = stages.assign(people=stages[stage], population=stages[before])
        table = compare_groups(
            counts[["group", "people", "population"]], reference_group=reference_group,
            per=1000 if before == "residents" else 100, confidence=confidence,
        ).assign(stage=stage, before=before)  # fmt: skip
        frames.append(table if before == "residents" else _as_shares(table, confidence))
    return pd.concat(frames, ignore_index=True)


def _as_shares(table: pd.DataFrame, confidence: float) -> pd.DataFrame:
    people, before = table["people"].to_numpy(float), table["population"].to_numpy(float)
    ratio = rates.risk_ratio(people, before, table["reference_people"],
                             table["reference_population"], confidence)  # fmt: skip
    lower, upper = rates.wilson_limits(people, before, confidence)
    other = (table["group"] != table["reference_group"]).to_numpy()
    return table.assign(
        lower_ci=lower * 100, upper_ci=upper * 100,
        ratio_lower_ci=np.where(other, ratio.lower_ci, np.nan),
        ratio_upper_ci=np.where(other, ratio.upper_ci, np.nan),
    )  # fmt: skip


def deprivation_gradient(
    areas: pd.DataFrame, *, per: int = 1000, confidence: float = 0.95
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Rate by decile of deprivation, with the slope and relative index of inequality.

    Deciles rank places in England; a gradient between places is not one between people.

    Parameters
    ----------
    areas
        One row a small area with ``decile`` (1 most deprived), ``people`` and ``population``.

    Returns
    -------
    tuple of pandas.DataFrame
        By decile: ``decile, areas, people, population, rate, lower_ci, upper_ci, per``. And one
        row: ``sii, rii`` with limits (`rates.slope_index_of_inequality`), least against most
        deprived; empty with fewer than three deciles.
    """
    table = areas.groupby("decile", as_index=False).agg(
        areas=("people", "size"), people=("people", "sum"), population=("population", "sum")
    )
    table = table[table["population"] > 0].rename(columns={"people": "offences"})
    table = rates.add_rate(table, per=per, confidence=confidence)
    if len(table) < 3:
        return table.rename(columns={"offences": "people"}), pd.DataFrame()
    error = np.sqrt(np.maximum(table["offences"], 1)) / table["population"] * per
    index = rates.slope_index_of_inequality(
        table.assign(quantile=table["decile"], value=table["rate"], standard_error=error),
        confidence=confidence,
    )
    return table.rename(columns={"offences": "people"}), index
