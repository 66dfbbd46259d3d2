"""Whether hotspots of earlier years hold the offences of later ones."""

import numpy as np
import pandas as pd

from sna.errors import CoverageError
from sna.hotspots.areas import AreaCounts
from sna.hotspots.local import add_smoothed_rate, find_hotspots

LEAST_MONTHS = 4


def prediction_accuracy(areas: pd.DataFrame) -> pd.DataFrame:
    """Accuracy of a prediction as areas are taken from the highest predicted density down.

    Parameters
    ----------
    areas
        One row an area: ``observed`` (offences of the later period), ``predicted`` (any score)
        and ``area`` (ground, in any unit).

    Returns
    -------
    pandas.DataFrame
        The rows in that order with ``pai`` (share of offences found over share of ground),
        ``pei`` (that over the best possible with as many areas) and ``rri`` (predicted over
        observed so far). Ties go to the area with fewer offences first, which flatters nobody.

    References
    ----------
    Chainey, Tompson and Uhlig (2008), Security Journal 21, 4-28; Hunt (2016).
    """
    density = areas["predicted"] / areas["area"]
    ordered = areas.assign(_density=density).sort_values(
        ["_density", "observed"], ascending=[False, True], kind="stable"
    )
    best = areas.assign(_density=areas["observed"] / areas["area"]).sort_values(
        "_density", ascending=False, kind="stable"
    )
    whole, ground = areas["observed"].sum(), areas["area"].sum()

    def pai(rows: pd.DataFrame) -> np.ndarray:
        found, looked = rows["observed"].cumsum() / whole, rows["area"].cumsum() / ground
        return np.asarray(found / looked, dtype=float)

    reached = pai(ordered)
    return ordered.drop(columns="_density").assign(
        pai=reached,
        pei=reached / pai(best),
        rri=(ordered["predicted"].cumsum() / ordered["observed"].cumsum()).to_numpy(),
    )


def compare_definitions(
    counts: AreaCounts,
    *,
    test_months: int = 12,
    flagged_share: float = 0.05,
    harm: "pd.Series[float] | None" = None,
) -> pd.DataFrame:
    """Pick hotspots on the earlier months by each definition and count what they hold later.

    A good score says that places stay the same, not that attention there would reduce anything.

    Parameters
    ----------
    counts
        Of `sna.hotspots.count_areas`.
    test_months
        Months at the end that are held back, at most half of all.
    flagged_share
        Share of areas that each definition may flag, rounded up to whole areas.
    harm
        Harm of the earlier months by ``area_code``, from the user's weights.

    Returns
    -------
    pandas.DataFrame
        One row a definition: ``method``, ``areas_flagged``, ``areas``, ``hits`` (later offences in
        the flagged areas), ``offences`` (all later offences), ``best_hits``, ``hit_rate``,
        ``pai``, ``pei``, ``only_here`` and ``only_count`` (hits that this definition alone, or the
        plain count alone, has), ``p_value`` of their difference, ``is_recommended``.

    Notes
    -----
    Share of ground is the share of areas, so that every definition flags as much. The plain count
    is recommended unless another has more hits with p < 0.05 (exact sign test).
    """
    own = counts.areas["is_tested"].to_numpy(bool)
    months = np.sort(counts.monthly["month"].unique())
    if len(months) < LEAST_MONTHS:
        raise CoverageError(
            f"{len(months)} months are too few to hold some back and test the others on them.",
            where="hotspots, prediction",
            do=f"Build with at least {LEAST_MONTHS} months at area level.",
        )
    test_months = min(test_months, len(months) // 2)
    late = counts.monthly["month"] >= months[-test_months]
    order = counts.areas["area_code"]
    before = counts.monthly[~late].groupby("area_code")["offences"].sum().reindex(order).to_numpy()
    after = counts.monthly[late].groupby("area_code")["offences"].sum().reindex(order).to_numpy()
    earlier = counts.areas.assign(offences=before)
    scores = {
        "count": before.astype(float),
        "smoothed rate": add_smoothed_rate(earlier)["smoothed_rate"].to_numpy(),
        "Gi*": find_hotspots(earlier, counts.neighbours)["gi_star_z"].to_numpy(),
    }
    if harm is not None:
        scores["harm"] = harm.reindex(order).to_numpy(float)
    number = int(np.ceil(flagged_share * own.sum()))
    after = after[own]
    chosen = {
        m: _top(s[own], after, number) for m, s in scores.items() if np.isfinite(s[own]).any()
    }
    best = int(np.sort(after)[::-1][:number].sum())
    rows = [_score(m, pick, chosen["count"], after, best) for m, pick in chosen.items()]
    table = pd.DataFrame(rows).assign(
        source=counts.areas["source"].iloc[0], release_class=counts.areas["release_class"].iloc[0],
        period_start=pd.Timestamp(months[-test_months]),
        period_end=pd.Timestamp(months[-1]) + pd.offsets.MonthEnd(), period_months=test_months,
        area_level=counts.areas["area_level"].iloc[0],
    )  # fmt: skip
    better = table[(table["hits"] > table.loc[0, "hits"]) & (table["p_value"] < 0.05)]
    winner = better["hits"].idxmax() if len(better) else 0
    return table.assign(is_recommended=table.index == winner)


def _top(score: np.ndarray, observed: np.ndarray, number: int) -> np.ndarray:
    """Mark the areas with the highest scores; ties go to the area with fewer later offences."""
    order = np.lexsort((observed, -np.nan_to_num(score, nan=-np.inf)))
    picked = np.zeros(len(score), dtype=bool)
    picked[order[:number]] = True
    return picked


def _score(
    method: str, picked: np.ndarray, plain: np.ndarray, after: np.ndarray, best: int
) -> dict[str, object]:
    from scipy.special import bdtr

    hits, whole = int(after[picked].sum()), int(after.sum())
    only, other = int(after[picked & ~plain].sum()), int(after[plain & ~picked].sum())
    tail = bdtr(min(only, other), only + other, 0.5) if only + other else 0.5
    return {
        "method": method,
        "areas_flagged": int(picked.sum()),
        "areas": len(picked),
        "hits": hits,
        "offences": whole,
        "best_hits": best,
        "hit_rate": hits / whole if whole else np.nan,
        "pai": hits / whole * len(picked) / picked.sum() if whole else np.nan,
        "pei": hits / best if best else np.nan,
        "only_here": only,
        "only_count": other,
        "p_value": min(1.0, 2 * float(tail)),
    }
