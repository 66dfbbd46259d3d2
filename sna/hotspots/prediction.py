"""One table an area for the report; harm; and whether earlier hotspots hold later offences."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from sna.classify.codes import normalise_code
from sna.errors import TableError, UsageError
from sna.hotspots.areas import ORIGIN, AreaCounts, area_codes, select_series
from sna.hotspots.concentration import add_rank
from sna.hotspots.local import ALPHA, add_smoothed_rate, find_hotspots
from sna.rates import compare_words, rate_limits

LEAST_MONTHS = 4
_COLUMNS = [
    *("method", "hits", "offences", "pai", "pei", "p_value"),
    *("areas_flagged", "areas", "flagged_share", "is_recommended"),
]


def find_area_hotspots(counts: AreaCounts, *, permutations: int = 0) -> pd.DataFrame:
    """Describe every area of the borough: hotspot class, rates, comparison and rank.

    Rates are per 1,000 residents and year (``person_years``); in a town centre read the offences
    per square kilometre as well, or the rate by workday population where sna.toml names a file of
    it. ``compared`` says higher, similar or lower than the
    borough's rate, by the 95 % interval.
    """
    true = counts.areas.loc[counts.areas["is_tested"], "offences"]
    areas = counts.areas.assign(offences=counts.areas.get("shown", counts.areas["offences"]))
    found = find_hotspots(areas, counts.neighbours, permutations=permutations)
    own = found[found["is_tested"]]
    years = own["population"] * own["period_months"] / 12
    known = years > 0
    made = add_rank(add_smoothed_rate(own.assign(population=years)))
    whole = years[known].sum()
    rate = true[known].sum() / whole if whole else np.nan
    lower, upper = rate_limits(own["offences"].to_numpy(float))
    size = years.where(known).to_numpy(float)
    return made.assign(
        measure=counts.measure,
        compared=compare_words(lower / size, upper / size, rate).astype(object),
        population=own["population"],
        person_years=years,
        workday_years=own["workday_population"] * own["period_months"] / 12,
        borough_offences=int(true.sum()),
        unplaced=counts.unplaced,
        borough_person_years=whole or np.nan,
    )


def weigh_offences(offences: pd.DataFrame, weights: pd.DataFrame) -> pd.DataFrame:
    """Add ``harm`` (offences times ``weight``; 0 without one) and ``offences_weighed``.

    ``8n``, ``008N`` and ``8N`` are one code on either side. Published categories hold many codes
    of very unlike harm and are refused.
    """
    blank = pd.Series(None, offences.index, "object")
    code = offences.get("offence_code", blank).astype("object")
    if code.isna().any():
        raise UsageError(
            f"{code.isna().sum():,} of {len(offences):,} rows have no offence code to weigh.",
            where="offences, column offence_code",
            found=offences.get("published_category", blank)[code.isna()].dropna().unique(),
            do="Use a record extract; a published category mixes offences of very unlike harm.",
        )
    known = _spell(weights["offence_code"])
    if known.duplicated().any() or not (weights["weight"] >= 0).all():
        raise TableError(
            "The weights repeat a code or hold a missing or negative weight.",
            where="weights",
            found=weights.loc[known.duplicated(), "offence_code"],
            do="Give one weight of 0 or more for each offence code.",
        )
    weight = _spell(code).map(weights.set_axis(known)["weight"]).astype(float)
    harm = offences["offences"] * weight.fillna(0)
    return offences.assign(
        harm=harm, offences_weighed=offences["offences"].where(weight.notna(), 0)
    )


def _spell(codes: "pd.Series[Any]") -> "pd.Series[Any]":
    """Codes in one spelling; what is no code of ours stays as it is."""
    return codes.map({code: normalise_code(code) or code for code in codes.unique()})


def add_harm(counts: AreaCounts, data: Any) -> AreaCounts:
    """Return counts with the ``harm`` and ``offences_weighed`` of each area and month.

    The weights are the file that sna.toml names; without one, or where a published category is
    counted, harm is missing. So it is where counts are rounded: it would tell the gravest offence.
    """
    weights = data.settings.own_table("harm_weights")
    source = counts.areas["source"].iloc[0]
    rows = select_series(data.offences[data.offences["source"].astype("str") == source])[0]
    level = str(counts.areas["area_level"].iloc[0])
    names = ["harm", "offences_weighed"]
    coded = "offence_code" in rows and rows["offence_code"].notna().all()
    if weights is None or not coded or counts.as_shown([1.0])[0] != 1:
        return replace(counts, areas=counts.areas.assign(**dict.fromkeys(names, np.nan)))
    rows = weigh_offences(rows.assign(area_code=area_codes(rows, level, data)), weights)
    by_month = rows.groupby(["area_code", "month"], observed=True)[names].sum().reset_index()
    keys = ["area_code", "month"]
    monthly = counts.monthly.merge(by_month, how="left", on=keys, validate="1:1").fillna(0)
    total = monthly.groupby("area_code")[names].sum().loc[counts.areas["area_code"]]
    areas = counts.areas.assign(**{name: total[name].to_numpy() for name in names})
    return replace(counts, areas=areas, monthly=monthly)


def measure_harm(counts: AreaCounts) -> pd.DataFrame:
    """Give each area's harm beside its offences; no rows where nothing was weighed."""
    own = counts.areas[counts.areas["is_tested"] & counts.areas["harm"].notna()]
    weighed = own["offences_weighed"]
    return own.assign(
        harm_per_offence=own["harm"] / weighed.where(weighed > 0),
        borough_offences=own["offences"].sum(),
        borough_weighed=weighed.sum(),
    )


def prediction_accuracy(areas: pd.DataFrame) -> pd.DataFrame:
    """Accuracy as areas are taken from the highest predicted density down.

    ``areas`` has ``observed``, ``predicted`` and ``area`` (ground). Adds ``pai`` (share of offences
    over share of ground so far), ``pei`` (offences over the most that as much ground could hold)
    and ``rri`` (predicted over observed). Ties go to fewer offences first. Chainey and others
    (2008); Hunt (2016).
    """
    made = areas.assign(_p=areas["predicted"] / areas["area"], _o=areas["observed"] / areas["area"])
    made = made.sort_values(["_p", "observed"], ascending=[False, True], kind="stable")
    best = made.sort_values("_o", ascending=False, kind="stable")[["area", "observed"]].cumsum()
    taken = made[["observed", "area", "predicted"]].cumsum()
    most = np.interp(taken["area"], np.append(0, best["area"]), np.append(0, best["observed"]))
    shares = taken / areas[["observed", "area"]].sum()
    return made[areas.columns].assign(
        pai=shares["observed"] / shares["area"],
        pei=taken["observed"] / np.where(most > 0, most, np.nan),
        rri=taken["predicted"] / taken["observed"],
    )


def compare_definitions(counts: AreaCounts, *, flagged_share: float = 0.05) -> pd.DataFrame:
    """Pick hotspots on the earlier months by each definition and count what they hold later.

    Every definition (count, smoothed rate, Gi*, harm where known) flags as many areas; share of
    ground is share of areas. The plain count is recommended unless another has more hits with
    p < 0.05 (exact sign test on the hits only one of them has). No rows under four months. A good
    score says that places stay the same, not that attention there would reduce anything.
    """
    own, order = counts.areas["is_tested"].to_numpy(bool), counts.areas["area_code"]
    months = np.sort(counts.monthly["month"].unique())
    if len(months) < LEAST_MONTHS:  # too few to hold some back
        return pd.DataFrame(columns=[*_COLUMNS, *ORIGIN])
    test_months = min(12, len(months) // 2)
    late = counts.monthly["month"] >= months[-test_months]
    total = counts.monthly.groupby(["area_code", late]).sum(numeric_only=True)
    before, after = (total.xs(part, level=1).loc[order] for part in (False, True))
    early, late = (counts.as_shown(part["offences"]) for part in (before, after))  # few areas tell
    later, earlier = late.astype("int64")[own], counts.areas.assign(offences=early)
    scores = {
        "count": earlier["offences"],
        "smoothed rate": add_smoothed_rate(earlier)["smoothed_rate"],
        "Gi*": find_hotspots(earlier, counts.neighbours)["gi_star_z"],
        "harm": before.get("harm", pd.Series(np.nan, order)),
    }
    if not scores["harm"].any():  # of no offence is the weight known
        scores["harm"] = scores["harm"] * np.nan
    number, chosen = int(np.ceil(flagged_share * own.sum())), {}
    for method, score in scores.items():
        if np.isfinite(known := score.to_numpy(float)[own]).any():
            given = {"observed": later, "predicted": np.nan_to_num(known, nan=-1e9), "area": 1.0}
            chosen[method] = prediction_accuracy(pd.DataFrame(given)).head(number)
    rows = [_score(method, pick, chosen["count"], later) for method, pick in chosen.items()]
    table = pd.DataFrame(rows)
    better = table[(table["hits"] > table.loc[0, "hits"]) & (table["p_value"] < ALPHA)]
    return table.assign(
        **{name: counts.areas[name].iloc[0] for name in ORIGIN} | _period(months[-test_months:]),
        areas_flagged=number,
        areas=len(later),
        flagged_share=number / len(later),
        offences=later.sum(),
        is_recommended=table.index == (better["hits"].idxmax() if len(better) else 0),
    )


def _period(months: np.ndarray) -> dict[str, Any]:
    """Return the columns of the months tested on."""
    end = pd.Timestamp(months[-1]) + pd.offsets.MonthEnd()
    start = pd.Timestamp(months[0])
    return {"period_start": start, "period_months": len(months), "period_end": end}


def _score(
    method: str, picked: pd.DataFrame, plain: pd.DataFrame, later: np.ndarray
) -> dict[str, object]:
    from scipy.special import bdtr

    only = later[picked.index.difference(plain.index)].sum()
    other = later[plain.index.difference(picked.index)].sum()
    tail = bdtr(min(only, other), only + other, 0.5) if only + other else 0.5
    return {
        "method": method,
        "hits": int(picked["observed"].sum()),
        "hit_rate": picked["observed"].sum() / later.sum() if later.sum() else np.nan,
        "pai": picked["pai"].iloc[-1],
        "pei": picked["pei"].iloc[-1],
        "p_value": min(1.0, 2 * float(tail)),
    }
