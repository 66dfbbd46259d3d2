"""Count people and residents by group, and compare each group with a reference."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from sna import rates
from sna.disclosure.derive import make_derived
from sna.disproportionality import groups
from sna.disproportionality.cohorts import count_distinct
from sna.errors import CoverageError, TableError, UsageError
from sna.schemas.results import result_table

STRATA = ("borough_code", "lsoa_code", "year", "sex", "age_group", "context")
DISTINCT = ("distinct_people", "top_two")  # what disclosure control asks besides the count
CAUTION_ABOVE, NO_HEADLINE_ABOVE = 0.10, 0.25  # share of people with the group not stated
_ORDER = {name: place for place, name in enumerate((*groups.GROUPS, groups.WIDER_BLACK))}
_NOT_KNOWN = (groups.NOT_KNOWN, "unknown", "other", None, np.nan)


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
    sex, age_group) within the strata ``by`` (borough_code, lsoa_code, year, sex, age_group,
    context). Years and contexts share the residents of one denominator year; ``breaks`` that cut a
    published age band are left out; of small areas only those with people are kept.
    Officer-observed ethnicity has no Mixed row, and one more row with a wider Black denominator
    (``is_sensitivity``).

    Adds ``population_year, missing_people`` (of the stratum, group not stated) and
    ``unplaced_people`` (stratum not known). Codes that match nothing raise `DefinitionError`;
    people in a group or place without residents `CoverageError`.
    """
    if unknown := [name for name in by if name not in STRATA or name == dimension]:
        do = f"Use {', '.join(STRATA)}."
        raise UsageError("Groups cannot be split so.", found=unknown, do=do)
    needs = [n for n in ("ethnic_group", "sex", "age_group") if n in (dimension, *by)]
    place = "lsoa_code" if "lsoa_code" in by else "borough_code"
    residents = groups.choose_population(population, needs=needs, level=place.split("_")[0])
    residents = residents.rename(columns={"area_code": place})
    where = people[place].dropna().unique()
    if absent := sorted(set(where) - set(residents[place])):
        _refuse("Places have people and no residents.", absent)
    residents = residents[residents[place].isin(where)]
    if "age_group" in needs:
        people, residents = _add_ages(people, residents, breaks)
    if "ethnic_group" in needs:
        people = groups.add_ethnic_group(people, scheme=scheme)
    observed = dimension == "ethnic_group" and scheme == "officer_observed"
    keys = ["scheme", *by]
    named = scheme if "ethnic_group" in needs else "none"
    people, residents = (_name_group(t, dimension, by, named) for t in (people, residents))
    residents = _widen(residents) if observed else residents.assign(is_sensitivity=False)
    placed = people[_is_known(people, by)]
    missing = placed["people"].where(~_is_known(placed, ["group"]), 0)
    missing = placed.assign(missing_people=missing).groupby(keys)["missing_people"].sum()
    counts = _join(_grid(residents, people, keys), placed, keys)
    counts = counts.merge(missing.reset_index(), how="left", on=keys, validate="many_to_one")
    return counts.fillna({"missing_people": 0}).assign(
        missing_people=lambda table: table["missing_people"].astype("int64"),
        dimension=dimension,
        population_year=int(residents["population_year"].iloc[0]),
        unplaced_people=int(people["people"].sum() - placed["people"].sum()),
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


def _name_group(
    table: pd.DataFrame, dimension: str, by: Sequence[str], scheme: str
) -> pd.DataFrame:
    """Add group and scheme; categories become plain text, so that keys of two tables meet."""
    table = table.assign(group=table[dimension], scheme=scheme)
    texts = [name for name in ("group", *by) if name in table and name != "year"]
    return table.astype(dict.fromkeys(texts, object))


def _is_known(table: pd.DataFrame, names: Sequence[str]) -> pd.Series:
    return ~table[[*names]].isin(_NOT_KNOWN).any(axis=1)


def _widen(residents: pd.DataFrame) -> pd.DataFrame:
    """Leave out Mixed residents, whom no observed code names; add the wider Black denominator."""
    mixed, black = residents["ethnic_label"].isin(groups.BLACK_MIXED), residents["group"] == "Black"
    wider = residents[(mixed | black) if mixed.any() else mixed]
    wider = wider.assign(group=groups.WIDER_BLACK, is_sensitivity=True)
    kept = residents[residents["group"] != "Mixed"].assign(is_sensitivity=False)
    return pd.concat([kept, wider])


def _grid(residents: pd.DataFrame, people: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """Return every group in every stratum with its residents."""
    where = [*(name for name in keys if name in residents), "group"]
    known = residents[_is_known(residents, where)]
    grid = known.groupby([*where, "is_sensitivity"])["population"].sum().reset_index()
    for name in set(keys) - set(where):
        grid = grid.merge(people[[name]].dropna().drop_duplicates(), how="cross")
    order = grid["group"].map(_ORDER).fillna(0)
    return grid.assign(order=order).sort_values([*keys, "order", "group"]).drop(columns="order")


def _join(grid: pd.DataFrame, placed: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """Add the people of each row; people without residents are an error."""
    known = placed[_is_known(placed, ["group"])]
    wider = known[known["group"] == "Black"].assign(group=groups.WIDER_BLACK)
    events = pd.concat([known, wider]) if grid["is_sensitivity"].any() else known
    if "person_id" not in events:
        events = events.assign(person_id=None)
    events = count_distinct(events, [*keys, "group"]).reset_index()
    counts = grid.merge(events, how="outer", on=[*keys, "group"], validate="one_to_one", sort=False)
    bad = counts[~(counts["population"] > 0) & (counts["people"] > 0)]
    if len(bad):
        names = bad[[*keys[1:], "group"]].astype(str).agg(", ".join, axis=1).unique()
        number = int(bad["people"].sum())
        _refuse(f"{number:,} people belong to groups without residents.", list(names))
    counts = grid.merge(events, how="left", on=[*keys, "group"], validate="one_to_one")
    return counts.fillna({"people": 0}).astype({"people": "int64"})


def compare_groups(
    counts: pd.DataFrame,
    *,
    reference_group: str = "White",
    per: int = 1000,
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
    table = _add_shares(_add_reference(counts, by, reference_group), by).assign(per=per)
    own, missing = table["group"] == reference_group, table["missing_people"]
    table = table.assign(
        people_if_inside=table["people"] + missing.mask(own, 0),
        reference_if_outside=table["reference_people"] + missing.mask(own, 0),
    )
    for derived in result_table("group_comparison").derived:
        inputs = [table[name].to_numpy(float, na_value=np.nan) for name in derived.inputs]
        with np.errstate(divide="ignore", invalid="ignore"):
            made = make_derived(replace(derived, per=per), *inputs)
        value = np.where(np.isinf(made.value), np.nan, made.value)  # some against none: no ratio
        names = (derived.column, *derived.limits)
        table = table.assign(**dict(zip(names, (value, *made[1:3]), strict=False)))
    limits = [f"{kind}_{end}_ci" for kind in ("ratio", "difference") for end in ("lower", "upper")]
    none = {name: table[name].mask(own) for name in limits}
    return table.assign(rate_ratio=table["rate_ratio"].mask(own, 1.0), **none)


def _add_reference(counts: pd.DataFrame, by: list[str], reference: str) -> pd.DataFrame:
    repeated = counts.duplicated([*by, "group"])
    if repeated.any():
        where = f"row {repeated.idxmax()}"
        found = counts.loc[repeated, "group"].unique()
        raise TableError("Groups occur twice in a stratum.", where=where, found=found)
    own = [name for name in ("people", "population", *DISTINCT) if name in counts]
    rows = counts.loc[counts["group"] == reference, [*by, *own]]
    rows = rows.rename(columns={name: f"reference_{name}" for name in own})
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
    """Add shares of people and residents of the stratum, and the share not stated."""
    table = pd.DataFrame({"missing_people": 0, "is_sensitivity": False}, table.index).assign(
        **{str(name): column for name, column in table.items()}
    )
    once = table[["people", "population"]].mask(table["is_sensitivity"].astype(bool), 0)
    known = once.groupby([table[n] for n in by] or np.zeros(len(table))).transform("sum")
    everyone = known["people"] + table["missing_people"]
    share = (table["missing_people"] / everyone.where(everyone > 0)).astype(float)
    levels = [share > NO_HEADLINE_ABOVE, share > CAUTION_ABOVE]
    return table.assign(
        known_people=known["people"],
        known_population=known["population"],
        all_people=everyone,
        caution=np.select(levels, ["no_headline", "caution"], ""),
    )


def missing_by_month(people: pd.DataFrame) -> pd.DataFrame:
    """Count people by month and ``fact`` (ethnicity by scheme, age, sex) that is not recorded.

    Months are complete; ``missing_share`` of ``all_people`` has Wilson limits.
    """
    first, last = people["month"].min(), people["month"].max()
    months = pd.date_range(first, last, freq="MS", unit="us", name="month")
    unknown: dict[str, object] = {
        scheme: ~_is_known(groups.add_ethnic_group(people, scheme=scheme), ["ethnic_group"])
        for scheme, column in groups.SCHEMES.items()
        if column in people
    }
    unknown |= {"age": np.isnan(groups.age_limits(people)[0])}
    unknown |= {"sex": ~_is_known(people, ["sex"])} if "sex" in people else {}
    gone = pd.DataFrame(unknown).mul(people["people"], axis=0).groupby(people["month"]).sum()
    everyone = people.groupby("month")["people"].sum().reindex(months, fill_value=0)
    table = gone.reindex(months, fill_value=0).melt(
        ignore_index=False, var_name="fact", value_name="missing_people"
    )
    table = table.astype({"missing_people": "int64"}).join(everyone.rename("all_people"))
    lower, upper = rates.wilson_limits(table["missing_people"], table["all_people"])
    share = table["missing_people"] / table["all_people"].where(table["all_people"] > 0)
    table = table.assign(missing_share=share.astype(float), lower_ci=lower, upper_ci=upper)
    return table.reset_index()
