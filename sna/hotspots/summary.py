"""One table an area for the report: rate, limits, comparison, rank, smoothing, hotspot."""

import numpy as np
import pandas as pd

from sna.hotspots.areas import AreaCounts
from sna.hotspots.concentration import add_rank
from sna.hotspots.local import add_smoothed_rate, find_hotspots
from sna.rates import rate_limits


def find_area_hotspots(
    counts: AreaCounts, *, permutations: int = 0, seed: int = 2024
) -> pd.DataFrame:
    """Describe every area: its count, rates, comparison with the borough, rank and hotspot class.

    Rates are per 1,000 residents and year: offences recorded in an area by the people who live
    there. In a town centre read the offences per square kilometre as well.

    Parameters
    ----------
    counts
        Of `sna.hotspots.count_areas`.
    permutations, seed
        As in `sna.hotspots.find_hotspots`.

    Returns
    -------
    pandas.DataFrame
        One row an area of the borough: the columns of ``counts.areas``, those of `find_hotspots`,
        `add_smoothed_rate` and `add_rank`, ``compared`` (higher, similar or lower than the
        borough's rate, by the 95 % interval), ``person_years`` (residents times years),
        ``borough_offences`` and ``borough_person_years``.
    """
    found = find_hotspots(counts.areas, counts.neighbours, permutations=permutations, seed=seed)
    own = found[found["is_tested"]]
    years = own["population"] * own["period_months"] / 12
    own = add_rank(add_smoothed_rate(own.assign(population=years)), seed=seed).assign(
        population=own["population"], person_years=years
    )
    known = years > 0
    offences, people = own["offences"].sum(), years[known].sum()
    rate = own.loc[known, "offences"].sum() / people if people else np.nan
    lower, upper = rate_limits(own["offences"].to_numpy(float))
    size = years.where(known).to_numpy(float)
    kinds = [np.isnan(size) | np.isnan(rate), lower / size > rate, upper / size < rate]
    return own.assign(
        measure=counts.measure,
        compared=np.select(kinds, ["not known", "higher", "lower"], "similar").astype(object),
        borough_offences=int(offences),
        borough_person_years=people if people else np.nan,
    )
