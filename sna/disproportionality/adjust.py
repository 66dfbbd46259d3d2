"""Compare like with like: the same places, the same ages, the stage before, alike deprivation."""

from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import ndtri

from sna import definitions, rates
from sna.disproportionality.compare import STRATA, compare_groups
from sna.errors import UsageError


def add_place_adjusted(counts: pd.DataFrame, *, reference_group: str = "White") -> pd.DataFrame:
    """Compare groups over all places, crude and inside each place (Mantel-Haenszel).

    A group that lives where more is recorded has a higher crude ratio even if everyone in each
    place had the same rate. ``counts`` has one row a group and place (``borough_code``,
    ``lsoa_code``; with ``age_group`` also the same ages); the result one row a group:
    `compare_groups` of the sums, plus ``adjusted_ratio`` with ``adjusted_lower_ci,
    adjusted_upper_ci`` and ``places`` (strata compared). Greenland and Robins' variance
    (Biometrics 41, 1985); assumption A-56.

    Examples
    --------
    >>> two = pd.DataFrame({"borough_code": ["A", "A", "B", "B"], "group": ["White", "Black"] * 2,
    ...     "people": [900, 900, 600, 48], "population": [60_000, 30_000, 150_000, 6_000]})
    >>> add_place_adjusted(two).loc[1, ["rate_ratio", "adjusted_ratio"]].round(3).tolist()
    [3.687, 2.0]
    """
    strata = [name for name in STRATA if name in counts]
    crude = counts.groupby("group", sort=False, as_index=False)[["people", "population"]].sum()
    if "missing_people" in counts:
        once = counts.drop_duplicates(strata)["missing_people"]
        crude = crude.assign(missing_people=int(once.sum()))
    crude = compare_groups(crude, reference_group=reference_group)
    rows = counts[counts["group"] == reference_group][[*strata, "people", "population"]]
    both = counts.merge(rows, on=strata, validate="many_to_one", suffixes=("", "_ref"))
    both = both[(both["population"] > 0) & (both["population_ref"] > 0)]
    a, n, b, m = (both[c] for c in ("people", "population", "people_ref", "population_ref"))
    spread = (a + b) * n * m / (n + m) ** 2
    parts = {"over": a * m / (n + m), "under": b * n / (n + m), "spread": spread}
    sums = pd.DataFrame({"group": both["group"], **parts, "places": 1})
    sums = sums.groupby("group").sum().reindex(crude["group"])
    over, under = (sums[name].where(sums[name] > 0).to_numpy(float) for name in ("over", "under"))
    step = ndtri(0.975) * np.sqrt(sums["spread"].to_numpy(float) / (over * under))
    ratio = np.where(crude["group"] == reference_group, np.nan, over / under)
    return crude.assign(
        adjusted_ratio=ratio,
        adjusted_lower_ci=ratio * np.exp(-step),
        adjusted_upper_ci=ratio * np.exp(step),
        places=sums["places"].to_numpy(int),
    )


def compare_standardised(
    counts: pd.DataFrame, *, reference_group: str = "White", per: int = 1000
) -> pd.DataFrame:
    """Compare groups as if all had the ages of the European Standard Population (Dobson).

    A standardised rate is a yardstick, not a number of people anyone met. ``counts`` has one row a
    group and ``age_group`` between multiples of five; the result one row a group with
    ``crude_rate, rate`` and ``rate_ratio`` with limits (log-normal, from the two Dobson
    intervals); missing under 10 people.
    """
    bands = counts[counts["population"] > 0].rename(columns={"people": "offences"})
    bands = bands.assign(standard_population=_standard_weights(bands["age_group"]))
    table = rates.directly_standardised_rate(bands, by=["group"], per=per)
    table = table.rename(columns={"offences": "people"})
    own = table["group"] == reference_group
    if own.sum() != 1:
        raise UsageError("The reference group is missing.", found=table["group"].tolist())
    wide = np.log(table["upper_ci"] / table["lower_ci"].where(table["lower_ci"] > 0)) / 2
    spread = np.hypot(wide, float(wide[own].max()))
    ratio = table["rate"] / float(table.loc[own, "rate"].iloc[0])
    return table.assign(
        crude_rate=table["people"] / table["population"] * per,
        rate_ratio=ratio,
        ratio_lower_ci=(ratio * np.exp(-spread)).mask(own),
        ratio_upper_ci=(ratio * np.exp(spread)).mask(own),
    )


def _standard_weights(age_groups: pd.Series) -> pd.Series:
    """Return the standard population of each age group, such as 18-24 or 65+."""
    lower = age_groups.str.extract(r"(\d+)")[0].astype(int)
    edges = np.sort(lower.unique())
    standard = definitions.standard_population()
    ages = standard["ageband"].str.extract(r"(\d+)")[0].astype(int)
    if len(edges) < 2 or not set(edges) <= set(ages):
        raise UsageError(
            "These age groups cannot be weighted with the European Standard Population.",
            found=sorted(age_groups.unique()),
            do="Use breaks that are multiples of five, two groups or more.",
        )
    place = edges[np.searchsorted(edges, ages, "right") - 1]
    return lower.map(standard["esp2013"].astype(int).groupby(place).sum())


def compare_stages(stages: pd.DataFrame, *, reference_group: str = "White") -> pd.DataFrame:
    """Relative rate index along a chain of stages, each with the stage before as denominator.

    Each step asks only about those who reached it, so a ratio near 1 late in the chain does not
    undo a higher one at the start. ``stages`` has one row a ``group`` and one column of people a
    stage, ``residents`` first; the result one row a ``stage`` and group as in `compare_groups`,
    per 1,000 residents or per 100 people of the stage ``before``. Poisson limits: too wide for
    large shares.
    """
    frames = []
    for before, stage in pairwise([str(name) for name in stages if name != "group"]):
        counts = stages[["group"]].assign(people=stages[stage], population=stages[before])
        per = 1000 if before == "residents" else 100
        table = compare_groups(counts, reference_group=reference_group, per=per)
        frames.append(table.assign(stage=stage, before=before))
    return pd.concat(frames, ignore_index=True)


def deprivation_gradient(areas: pd.DataFrame, *, per: int = 1000) -> pd.DataFrame:
    """Rate by ``decile`` of deprivation, with the slope (``sii``) and relative (``rii``) index.

    A gradient between places is not one between people. ``areas`` has one row a small area with
    ``decile`` (1 most deprived), ``people`` and ``population``; both indices compare the least with
    the most deprived end, stand on every row, and are missing with fewer than three deciles.
    """
    table = areas.groupby("decile", as_index=False).agg(
        areas=("people", "size"), offences=("people", "sum"), population=("population", "sum")
    )
    table = rates.add_rate(table[table["population"] > 0], per=per)
    names = [f"{index}{end}" for index in ("sii", "rii") for end in ("", "_lower_ci", "_upper_ci")]
    found: Any = dict.fromkeys(names, np.nan)
    if len(table) >= 3:
        error = np.sqrt(np.maximum(table["offences"], 1)) / table["population"] * per
        scale = table.assign(quantile=table["decile"], value=table["rate"], standard_error=error)
        found = rates.slope_index_of_inequality(scale)[names].iloc[0].to_dict()
    return table.rename(columns={"offences": "people"}).assign(**found)
