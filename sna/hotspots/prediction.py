"""One table an area for the report; and whether earlier hotspots hold later offences."""

import numpy as np
import pandas as pd

from sna.errors import CoverageError
from sna.hotspots.areas import AreaCounts
from sna.hotspots.concentration import add_rank
from sna.hotspots.local import add_smoothed_rate, find_hotspots
from sna.rates import rate_limits

LEAST_MONTHS = 4


def find_area_hotspots(
    counts: AreaCounts, *, permutations: int = 0, seed: int = 2024
) -> pd.DataFrame:
    """Describe every area of the borough: hotspot class, rates, comparison and rank.

    Rates are per 1,000 residents and year (``person_years``); in a town centre read the offences
    per square kilometre as well. ``compared`` says higher, similar or lower than the borough's
    rate, by the 95 % interval.
    """
    found = find_hotspots(counts.areas, counts.neighbours, permutations=permutations, seed=seed)
    own = found[found["is_tested"]]
    years = own["population"] * own["period_months"] / 12
    known = years > 0
    made = add_rank(add_smoothed_rate(own.assign(population=years)), seed=seed)
    whole = years[known].sum()
    rate = own.loc[known, "offences"].sum() / whole if whole else np.nan
    lower, upper = rate_limits(own["offences"].to_numpy(float))
    size = years.where(known).to_numpy(float)
    kinds = [np.isnan(size) | np.isnan(rate), lower / size > rate, upper / size < rate]
    compared = np.select(kinds, ["not known", "higher", "lower"], "similar").astype(object)
    return made.assign(
        measure=counts.measure, compared=compared, population=own["population"],
        person_years=years, borough_offences=int(own["offences"].sum()),
        borough_person_years=whole or np.nan,
    )  # fmt: skip


def prediction_accuracy(areas: pd.DataFrame) -> pd.DataFrame:
    """Accuracy as areas are taken from the highest predicted density down.

    ``areas`` has ``observed``, ``predicted`` and ``area`` (ground). Adds ``pai`` (share of offences
    over share of ground so far), ``pei`` (that over the best possible) and ``rri`` (predicted over
    observed). Ties go to fewer offences first. Chainey and others (2008); Hunt (2016).
    """
    made = areas.assign(_predicted=areas["predicted"] / areas["area"],
                        _observed=areas["observed"] / areas["area"])  # fmt: skip
    order, ground = ["_predicted", "observed"], areas["area"].sum()
    ordered = made.sort_values(order, ascending=[False, True], kind="stable")
    best = made.sort_values("_observed", ascending=False, kind="stable")
    pai, top = (
        (rows["observed"].cumsum() / areas["observed"].sum() / (rows["area"].cumsum() / ground))
        for rows in (ordered, best)
    )
    rri = ordered["predicted"].cumsum() / ordered["observed"].cumsum()
    return ordered[areas.columns].assign(pai=pai, pei=pai.to_numpy() / top.to_numpy(), rri=rri)


def compare_definitions(
    counts: AreaCounts, *, test_months: int = 12, flagged_share: float = 0.05,
    harm: "pd.Series[float] | None" = None,
) -> pd.DataFrame:  # fmt: skip
    """Pick hotspots on the earlier months by each definition and count what they hold later.

    Every definition (count, smoothed rate, Gi*, harm by ``area_code`` if given) flags as many
    areas; share of ground is share of areas. The plain count is recommended unless another has
    more hits with p < 0.05 (exact sign test on the hits only one of them has). A good score says
    that places stay the same, not that attention there would reduce anything.
    """
    own, order = counts.areas["is_tested"].to_numpy(bool), counts.areas["area_code"]
    months = np.sort(counts.monthly["month"].unique())
    if len(months) < LEAST_MONTHS:
        raise CoverageError(
            f"{len(months)} months are too few to hold some back and test the others on them.",
            where="hotspots, prediction",
            do=f"Build with at least {LEAST_MONTHS} months at area level.",
        )
    test_months = min(test_months, len(months) // 2)
    late = counts.monthly["month"] >= months[-test_months]
    before, after = (
        counts.monthly[part].groupby("area_code")["offences"].sum().reindex(order).to_numpy()
        for part in (~late, late)
    )
    earlier = counts.areas.assign(offences=before)
    scores = {
        "count": before.astype(float),
        "smoothed rate": add_smoothed_rate(earlier)["smoothed_rate"].to_numpy(),
        "Gi*": find_hotspots(earlier, counts.neighbours)["gi_star_z"].to_numpy(),
        **({"harm": harm.reindex(order).to_numpy(float)} if harm is not None else {}),
    }
    number, after = int(np.ceil(flagged_share * own.sum())), after[own]
    rank = {m: np.lexsort((after, -np.nan_to_num(s[own], nan=-np.inf))) for m, s in scores.items()
            if np.isfinite(s[own]).any()}  # fmt: skip
    chosen = {m: np.isin(np.arange(len(after)), places[:number]) for m, places in rank.items()}
    best = int(np.sort(after)[::-1][:number].sum())
    table = pd.DataFrame(
        [_score(m, pick, chosen["count"], after, best) for m, pick in chosen.items()]
    )
    better = table[(table["hits"] > table.loc[0, "hits"]) & (table["p_value"] < 0.05)]
    origin = ("source", "release_class", "area_level")
    return table.assign(
        is_recommended=table.index == (better["hits"].idxmax() if len(better) else 0),
        period_start=pd.Timestamp(months[-test_months]), period_months=test_months,
        period_end=pd.Timestamp(months[-1]) + pd.offsets.MonthEnd(),
        **{name: counts.areas[name].iloc[0] for name in origin},
    )  # fmt: skip


def _score(
    method: str, picked: np.ndarray, plain: np.ndarray, after: np.ndarray, best: int
) -> dict[str, object]:
    from scipy.special import bdtr

    hits, whole = int(after[picked].sum()), int(after.sum())
    only, other = int(after[picked & ~plain].sum()), int(after[plain & ~picked].sum())
    tail = bdtr(min(only, other), only + other, 0.5) if only + other else 0.5
    share = hits / whole if whole else np.nan
    return {
        "method": method, "areas_flagged": int(picked.sum()), "areas": len(picked), "hits": hits,
        "offences": whole, "hit_rate": share, "pai": share * len(picked) / picked.sum(),
        "pei": hits / best if best else np.nan, "p_value": min(1.0, 2 * float(tail)),
    }  # fmt: skip
