"""Count people and residents by group, and compare each group with a reference."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from sna import rates
from sna.disproportionality import groups
from sna.errors import CoverageError, TableError, UsageError

STRATA = ("borough_code", "year", "sex", "age_group", "context")
CAUTION_ABOVE, NO_HEADLINE_ABOVE = 0.10, 0.25  # share of people with the group not stated
_ORDER = {name: place for place, name in enumerate((*groups.GROUPS, groups.WIDER_BLACK))}


def count_groups(
    people: pd.DataFrame,
    population: pd.DataFrame,
    *,
    dimension: str = "ethnic_group",
    scheme: str = "self_defined",
    by: Sequence[str] = (),
    breaks: Sequence[int] = groups.AGE_BREAKS,
) -> pd.DataFrame:
    """Count people and residents by group, complete: a group without people is a row with 0.

    ``people`` are rows of one role and period; ``dimension`` is what is compared (ethnic_group,
    sex, age_group) within the strata ``by`` (borough_code, year, sex, age_group, context). Years
    and contexts share the residents of one denominator year; ``breaks`` that cut a published age
    band are left out. Officer-observed ethnicity has no Mixed row, and one more row with a wider
    Black denominator (``is_sensitivity``).

    Adds ``population_year, missing_people`` (of the stratum, group not stated) and
    ``unplaced_people`` (stratum not known). Codes that match nothing raise `DefinitionError`;
    people in a group or borough without residents `CoverageError`.
    """
    if unknown := [name for name in by if name not in STRATA or name == dimension]:
        raise UsageError(
            "Groups cannot be split so.", found=unknown, do=f"Use {', '.join(STRATA)}."
        )
    splits = ("ethnic_group", "sex", "age_group")
    needs = [name for name in splits if name in (dimension, *by)]
    residents = groups.choose_population(population, needs=needs)
    residents = residents.rename(columns={"area_code": "borough_code"})
    boroughs = people["borough_code"].dropna().unique()
    if absent := sorted(set(boroughs) - set(residents["borough_code"])):
        _refuse("Boroughs have people and no residents.", absent)
    residents = residents[residents["borough_code"].isin(boroughs)]
    if "age_group" in needs:
        people, residents = _add_ages(people, residents, breaks)
    if "ethnic_group" in needs:
        people = groups.add_ethnic_group(people, scheme=scheme)
    observed = dimension == "ethnic_group" and scheme == "officer_observed"
    events, missing = _sum_people(people, dimension, list(by))
    grid = _sum_residents(residents, dimension, list(by), people, observed=observed)
    counts = _join(grid, events, missing, list(by))
    placed = int(events["people"].sum() + missing["missing_people"].sum())
    return counts.assign(
        dimension=dimension,
        scheme=scheme if "ethnic_group" in needs else "none",
        population_year=int(residents["population_year"].iloc[0]),
        unplaced_people=int(people["people"].sum()) - placed,
    )


def _refuse(what: str, found: Sequence[object]) -> None:
    do = "Add their Census table to data/raw, or leave the split out: no rate from nothing."
    raise CoverageError(what, where="table population", found=found, do=do)


def _add_ages(
    people: pd.DataFrame, residents: pd.DataFrame, breaks: Sequence[int]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    ages = groups.age_limits(people)
    theirs = residents["age_lower"].to_numpy(float), residents["age_upper"].to_numpy(float)
    shared = groups.shared_breaks(ages, theirs, wanted=breaks)
    return (
        people.assign(age_group=groups.age_group(ages, shared)),
        residents.assign(age_group=groups.age_group(theirs, shared)),
    )


def _known(frame: pd.DataFrame, names: Sequence[str]) -> pd.Series:
    unknown = pd.Series(False, index=frame.index)
    for name in names:
        unknown |= frame[name].isna() | frame[name].isin([groups.NOT_KNOWN, "unknown", "other"])
    return ~unknown


def _text_keys(frame: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    """Turn categories into plain text, so that keys of two tables meet; dates stay dates."""
    return frame.astype({name: object for name in names if name != "year"})


def _sum_people(
    people: pd.DataFrame, dimension: str, by: list[str]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    placed = _text_keys(people[_known(people, by)], [*by, dimension])
    known = _known(placed, [dimension])
    events = placed[known].groupby([*by, dimension], as_index=False)[["people"]].sum()
    missing = placed.loc[~known, [*by, "people"]].set_axis([*by, "missing_people"], axis=1)
    if by:
        missing = missing.groupby(by, as_index=False)[["missing_people"]].sum()
    return events.rename(columns={dimension: "group"}), missing


def _sum_residents(
    residents: pd.DataFrame, dimension: str, by: list[str], people: pd.DataFrame, *, observed: bool
) -> pd.DataFrame:
    where = [name for name in by if name in residents]
    frame = residents.assign(group=residents[dimension].astype(object), is_sensitivity=False)
    if observed:
        mixed = frame["ethnic_label"].isin(groups.BLACK_MIXED)
        wider = frame[mixed | (frame["group"] == "Black")] if mixed.any() else frame[mixed]
        wider = wider.assign(group=groups.WIDER_BLACK, is_sensitivity=True)
        frame = pd.concat([frame[frame["group"] != "Mixed"], wider])
    frame = frame[_known(frame, [*where, "group"])]
    grid = frame.groupby([*where, "group"], as_index=False, observed=True).agg(
        population=("population", "sum"), is_sensitivity=("is_sensitivity", "first")
    )
    for name in (name for name in by if name not in residents):
        grid = grid.merge(people[[name]].dropna().drop_duplicates(), how="cross")
    grid = _text_keys(grid, by).assign(order=grid["group"].map(_ORDER).fillna(0))
    return grid.sort_values([*by, "order", "group"], ignore_index=True).drop(columns="order")


def _join(
    grid: pd.DataFrame, events: pd.DataFrame, missing: pd.DataFrame, by: list[str]
) -> pd.DataFrame:
    met = events.merge(grid, how="left", on=[*by, "group"], validate="one_to_one")
    bad = met[~(met["population"] > 0) & ~((met["group"] == "Mixed") & met["population"].isna())]
    if len(bad):
        names = bad[[*by, "group"]].astype(str).agg(", ".join, axis=1).unique()
        number = int(bad["people"].sum())
        _refuse(f"{number:,} people belong to groups without residents.", list(names))
    counts = grid.merge(events, how="left", on=[*by, "group"], validate="one_to_one")
    if by:
        counts = counts.merge(missing, how="left", on=by, validate="many_to_one")
    else:
        counts = counts.assign(missing_people=int(missing["missing_people"].sum()))
    counts = counts.fillna({"people": 0, "missing_people": 0})
    if counts["is_sensitivity"].any():  # the wider denominator is set against the same people
        black = counts["people"].where(counts["group"] == "Black")
        total = black.groupby([counts[n] for n in by]).transform("sum") if by else black.sum()
        counts = counts.assign(people=counts["people"].where(~counts["is_sensitivity"], total))
    return counts.astype({"people": "int64", "missing_people": "int64"})


def compare_groups(
    counts: pd.DataFrame,
    *,
    reference_group: str = "White",
    per: int = 1000,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """Compare each group with a reference: rates, ratio, difference, shares, and what is missing.

    A ratio says how far recorded rates differ, not why, and not that anyone treated anyone
    differently: residents are not everyone who was there to be counted.

    ``counts`` are those of `count_groups`, kept in order, plus rates, ratio and difference with
    limits (reference row: 1 and 0, no limits), the reference's counts, shares of people and
    residents, ``missing_share``, the ratio if everyone not stated were in the reference group
    (``ratio_if_outside``) or in this one (``ratio_if_inside``), and ``caution`` ("", caution over
    10 % not stated, no_headline over 25 %). Score limits, exact ones where a count is 0; none
    against none has no ratio. Assumptions A-50 to A-53.

    >>> two = pd.DataFrame({"group": ["White", "Black"], "people": [90, 60],
    ...                     "population": [60_000, 12_000]})
    >>> found = compare_groups(two).loc[1, ["rate_ratio", "ratio_lower_ci", "ratio_upper_ci"]]
    >>> [round(float(number), 3) for number in found]
    [3.333, 2.408, 4.614]
    """
    by = [name for name in STRATA if name in counts]
    table = _add_reference(counts, by, reference_group)
    names = ("people", "population", "reference_people", "reference_population")
    x, n, y, m = (table[name].to_numpy(float) for name in names)
    own = (table["group"] == reference_group).to_numpy()
    ratio = rates.rate_ratio(x, n, y, m, confidence)
    gap = rates.rate_difference(x, n, y, m, confidence, per=per)
    lower, upper = rates.rate_limits(x, confidence)
    scale = per / np.where(n > 0, n, np.nan)
    table = table.assign(rate=x * scale, lower_ci=lower * scale, upper_ci=upper * scale, per=per)
    table = table.assign(
        rate_ratio=np.where(own, 1.0, _finite(ratio.value)),
        ratio_lower_ci=np.where(own, np.nan, ratio.lower_ci),
        ratio_upper_ci=np.where(own, np.nan, ratio.upper_ci),
        rate_difference=np.where(own, 0.0, gap.value),
        difference_lower_ci=np.where(own, np.nan, gap.lower_ci),
        difference_upper_ci=np.where(own, np.nan, gap.upper_ci),
    )
    return _add_unknown(_add_shares(table, by), own)


def _finite(ratio: np.ndarray) -> np.ndarray:
    """Leave out the ratio of some against none; its lower limit stands."""
    return np.where(np.isfinite(ratio), ratio, np.nan)


def _add_reference(counts: pd.DataFrame, by: list[str], reference: str) -> pd.DataFrame:
    repeated = counts.duplicated([*by, "group"])
    if repeated.any():
        where = f"row {repeated.idxmax()}"
        found = counts.loc[repeated, "group"].unique()
        raise TableError("Groups occur twice in a stratum.", where=where, found=found)
    rows = counts.loc[counts["group"] == reference, [*by, "people", "population"]]
    rows = rows.rename(columns={"people": "reference_people", "population": "reference_population"})
    table = counts.merge(rows, how="left" if by else "cross", on=by or None)
    without = table["reference_population"].isna()
    if without.any() or not len(rows):
        raise CoverageError(
            f"The reference group {reference!r} is missing from {int(without.sum())} rows.",
            where="counts",
            found=sorted(counts["group"].astype(str).unique()),
            do="Name a group that has residents in every stratum.",
        )
    return table.set_axis(counts.index).assign(reference_group=reference)


def _add_shares(table: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    counted = ~table.get("is_sensitivity", pd.Series(False, index=table.index)).astype(bool)
    keys = [table[name] for name in by] or [pd.Series(0, index=table.index)]
    known = table[["people", "population"]].where(counted, 0).groupby(keys).transform("sum")
    missing = table.get("missing_people", pd.Series(0, index=table.index))
    everyone = known["people"] + missing
    share = (missing / everyone.where(everyone > 0)).astype(float)
    levels = [share > NO_HEADLINE_ABOVE, share > CAUTION_ABOVE]
    return table.assign(
        known_people=known["people"],
        known_population=known["population"],
        share_people=table["people"] / known["people"].where(known["people"] > 0),
        share_population=table["population"] / known["population"],
        missing_people=missing,
        all_people=everyone,
        missing_share=share,
        caution=np.select(levels, ["no_headline", "caution"], ""),
    )


def _add_unknown(table: pd.DataFrame, own: np.ndarray) -> pd.DataFrame:
    inside, outside = (table[f"{n}people"] + table["missing_people"] for n in ("", "reference_"))
    n, m = table["population"], table["reference_population"]
    low = rates.rate_ratio(table["people"], n, outside, m).value
    high = rates.rate_ratio(inside, n, table["reference_people"], m).value
    return table.assign(
        people_if_inside=inside.mask(own),
        reference_if_outside=outside.mask(own),
        ratio_if_outside=np.where(own, np.nan, _finite(low)),
        ratio_if_inside=np.where(own, np.nan, _finite(high)),
    )


def missing_by_month(people: pd.DataFrame) -> pd.DataFrame:
    """Count people by month and ``fact`` (ethnicity by scheme, age, sex) that is not recorded.

    Months are complete; ``missing_share`` of ``all_people`` has Wilson limits.
    """
    first, last = people["month"].min(), people["month"].max()
    months = pd.date_range(first, last, freq="MS", unit="us", name="month")
    unknown = {
        scheme: ~_known(groups.add_ethnic_group(people, scheme=scheme), ["ethnic_group"])
        for scheme, column in groups.SCHEMES.items()
        if column in people
    }
    unknown["age"] = pd.Series(np.isnan(groups.age_limits(people)[0]), people.index, dtype=bool)
    if "sex" in people:
        unknown["sex"] = people["sex"].isna() | (people["sex"].astype(object) == "unknown")
    everyone = people.groupby("month")["people"].sum().reindex(months, fill_value=0)
    frames = []
    for fact, is_missing in unknown.items():
        part = people["people"].where(is_missing, 0).groupby(people["month"]).sum()
        part = part.reindex(months, fill_value=0)
        frame = pd.DataFrame({"missing_people": part, "all_people": everyone}).reset_index()
        frames.append(frame.assign(fact=fact))
    table = pd.concat(frames, ignore_index=True)
    lower, upper = rates.wilson_limits(table["missing_people"], table["all_people"])
    share = table["missing_people"] / table["all_people"].where(table["all_people"] > 0)
    return table.assign(missing_share=share.astype(float), lower_ci=lower, upper_ci=upper)
