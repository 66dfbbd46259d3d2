"""Count people and residents by group, and compare each group with a reference."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from sna import rates
from sna.disproportionality import groups
from sna.errors import CoverageError, TableError, UsageError

STRATA = ("borough_code", "year", "sex", "age_group", "context")
CAUTION_ABOVE, NO_HEADLINE_ABOVE = 0.10, 0.25  # share of people with ethnicity not stated


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

    Parameters
    ----------
    people
        Rows of one role and period, with ``people``; ``year`` and ``context`` where ``by`` says.
    population
        Store table; residents of the boroughs that ``people`` covers.
    dimension
        What is compared: ``ethnic_group``, ``sex`` or ``age_group``.
    scheme
        Whose account of ethnicity: ``self_defined`` or ``officer_observed``.
    by
        Strata out of borough_code, year, sex, age_group, context. Residents of a year or context
        are those of the one denominator year.
    breaks
        Wanted lower ends of age groups; those that cut a published band are left out.

    Returns
    -------
    pandas.DataFrame
        ``dimension, scheme, by, group, people, population, population_year, missing_people`` (of
        the stratum, group not stated), ``unplaced_people`` (stratum not known), ``is_sensitivity``.
        Officer-observed: no Mixed row, and a wider Black denominator as a sensitivity row.

    Raises
    ------
    DefinitionError, CoverageError
        For unmapped codes; for groups with people and no residents.
    """
    if unknown := [name for name in by if name not in STRATA or name == dimension]:
        raise UsageError(
            "Groups cannot be split so.", found=unknown, do=f"Use {', '.join(STRATA)}."
        )
    needs = list(dict.fromkeys([
        name for name in (dimension, *by) if name in ("ethnic_group", "sex", "age_group")
    ]))  # fmt: skip
    residents = groups.choose_population(population, needs=needs)
    boroughs = people["borough_code"].dropna().unique()
    residents = residents[residents["area_code"].isin(boroughs)].rename(
        columns={"area_code": "borough_code"}
    )
    if absent := sorted(set(boroughs) - set(residents["borough_code"])):
        raise CoverageError("Boroughs without residents.", where="population", found=absent,
                            do="Add their Census table to data/raw.")  # fmt: skip
    if "age_group" in needs:
        people, residents = _add_ages(people, residents, breaks)
    if "ethnic_group" in needs:
        people = groups.add_ethnic_group(people, scheme=scheme)
    observed = dimension == "ethnic_group" and scheme == "officer_observed"
    events, extra = _sum_people(people, dimension, list(by))
    grid = _sum_residents(residents, dimension, list(by), people, observed=observed)
    counts = grid.merge(events, how="left", on=[*by, "group"], validate="one_to_one")
    _check_residents(events, grid, by)
    counts = counts.merge(extra, how="left", on=list(by), validate="many_to_one") if by else (
        counts.assign(missing_people=int(extra["missing_people"].sum())))  # fmt: skip
    counts = counts.fillna({"people": 0, "missing_people": 0})
    placed = int(events["people"].sum() + extra["missing_people"].sum())
    return counts.astype({"people": "int64", "missing_people": "int64"}).assign(
        people=lambda frame: _wider_people(frame, list(by)),
        dimension=dimension,
        scheme=scheme if "ethnic_group" in needs else "none",
        population_year=int(residents["population_year"].iloc[0]),
        unplaced_people=int(people["people"].sum()) - placed,
    )


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
    """Sum people by stratum and group, and those whose group is not stated by stratum."""
    placed = _text_keys(people[_known(people, by)], [*by, dimension])
    known = _known(placed, [dimension])
    events = placed[known].groupby([*by, dimension], as_index=False)[["people"]].sum()
    missing = placed[~known][[*by]].assign(missing_people=placed["people"])
    if by:
        missing = missing.groupby(by, as_index=False)[["missing_people"]].sum()
    return events.rename(columns={dimension: "group"}), missing


def _sum_residents(
    residents: pd.DataFrame, dimension: str, by: list[str], people: pd.DataFrame, *, observed: bool
) -> pd.DataFrame:
    """Sum residents by stratum and group, repeated for every year and context met."""
    where = [name for name in by if name in residents]
    frame = residents.assign(group=residents[dimension].astype(object), is_sensitivity=False)
    if observed:
        wider = frame["ethnic_label"].isin(groups.BLACK_MIXED) | (frame["group"] == "Black")
        frame = pd.concat([
            frame[frame["group"] != "Mixed"],
            frame[wider].assign(group=groups.WIDER_BLACK, is_sensitivity=True)
            if frame["ethnic_label"].isin(groups.BLACK_MIXED).any() else frame.iloc[:0],
        ])  # fmt: skip
    frame = frame[_known(frame, [*where, "group"])]
    grid = frame.groupby([*where, "group"], as_index=False, observed=True).agg(
        population=("population", "sum"), is_sensitivity=("is_sensitivity", "first")
    )
    for name in (name for name in by if name not in residents):
        grid = grid.merge(people[[name]].dropna().drop_duplicates(), how="cross")
    order = {name: place for place, name in enumerate((*groups.GROUPS, groups.WIDER_BLACK))}
    grid = _text_keys(grid, by).assign(order=grid["group"].map(order).fillna(0))
    return grid.sort_values([*by, "order", "group"], ignore_index=True).drop(columns="order")


def _wider_people(counts: pd.DataFrame, by: list[str]) -> pd.Series:
    """Give the sensitivity row the people of the Black row of its stratum."""
    if not counts["is_sensitivity"].any():
        return counts["people"]
    black = counts["people"].where(counts["group"] == "Black")
    total = black.groupby([counts[name] for name in by]).transform("sum") if by else black.sum()
    return counts["people"].where(~counts["is_sensitivity"], total).astype("int64")


def _check_residents(events: pd.DataFrame, grid: pd.DataFrame, by: Sequence[str]) -> None:
    met = events.merge(grid, how="left", on=[*by, "group"], validate="one_to_one")
    bad = met[met["population"].isna() & (met["group"] != "Mixed")]
    bad = pd.concat([bad, met[met["population"] == 0]])
    if len(bad):
        raise CoverageError(
            f"{int(bad['people'].sum()):,} people belong to groups without residents.",
            where="population",
            found=bad[[*by, "group"]].astype(str).agg(", ".join, axis=1).unique(),
            do="Add the population of these groups, or leave the split out: no rate from nothing.",
        )


def compare_groups(
    counts: pd.DataFrame, *, reference_group: str = "White", per: int = 1000,
    confidence: float = 0.95,
) -> pd.DataFrame:  # fmt: skip
    """Compare each group with a reference: rates, ratio, difference, shares, and what is missing.

    A ratio says how far recorded rates differ, not why, and not that anyone treated anyone
    differently: residents are not everyone who was there to be counted.

    Parameters
    ----------
    counts
        One row a stratum (any of borough_code, year, sex, age_group, context) and ``group``, with
        ``people``, ``population`` and, if known, ``missing_people`` of the stratum.
    reference_group
        The group that all others are compared with; it must be in every stratum.
    per, confidence
        Residents a rate is expressed for; confidence level as a proportion.

    Returns
    -------
    pandas.DataFrame
        ``counts`` in the same order plus ``rate, lower_ci, upper_ci, per``; ``reference_group,
        reference_people, reference_population``; ``rate_ratio, ratio_lower_ci, ratio_upper_ci``
        (reference row: 1, limits missing; none where reference and group have no people);
        ``rate_difference, difference_lower_ci, difference_upper_ci`` (per ``per``);
        ``known_people, known_population, share_people, share_population``; ``all_people,
        missing_share``; ``ratio_if_outside`` and ``ratio_if_inside`` (all people not stated in the
        reference group, or in this group); ``caution`` ('', caution over 10 % not stated, or
        no_headline over 25 %).

    Notes
    -----
    Score limits of the ratio, exact conditional ones where a count is 0; Byar or exact limits of a
    rate. Assumptions A-50 to A-53.

    References
    ----------
    Gu K, Ng HKT, Tang ML, Schucany WR (2008). Biometrical Journal 50. Race Disparity Unit (2021).

    Examples
    --------
    >>> two = pd.DataFrame({"group": ["White", "Black"], "people": [90, 60],
    ...                     "population": [60_000, 12_000]})
    >>> found = compare_groups(two).loc[1, ["rate_ratio", "ratio_lower_ci", "ratio_upper_ci"]]
    >>> [round(float(number), 3) for number in found]
    [3.333, 2.408, 4.614]
    """
    by = [name for name in STRATA if name in counts]
    table = _add_reference(
        counts.drop(columns="reference_group", errors="ignore"), by, reference_group
    )
    x, n = table["people"].to_numpy(float), table["population"].to_numpy(float)
    y, m = table["reference_people"].to_numpy(float), table["reference_population"].to_numpy(float)
    is_reference = (table["group"] == reference_group).to_numpy()
    ratio = rates.rate_ratio(x, n, y, m, confidence)
    gap = rates.rate_difference(x, n, y, m, confidence, per=per)
    lower, upper = rates.rate_limits(x, confidence)
    scale = per / np.where(n > 0, n, np.nan)
    return table.assign(
        rate=x * scale, lower_ci=lower * scale, upper_ci=upper * scale, per=per,
        rate_ratio=np.where(is_reference, 1.0, _finite(ratio.value)),
        ratio_lower_ci=np.where(is_reference, np.nan, ratio.lower_ci),
        ratio_upper_ci=np.where(is_reference, np.nan, ratio.upper_ci),
        rate_difference=np.where(is_reference, 0.0, gap.value),
        difference_lower_ci=np.where(is_reference, np.nan, gap.lower_ci),
        difference_upper_ci=np.where(is_reference, np.nan, gap.upper_ci),
    ).pipe(_add_shares, by).pipe(_add_bounds, is_reference)  # fmt: skip


def _finite(ratio: np.ndarray) -> np.ndarray:
    """Leave out the ratio of some against none; its lower limit stands."""
    return np.where(np.isfinite(ratio), ratio, np.nan)


def _add_reference(counts: pd.DataFrame, by: list[str], reference: str) -> pd.DataFrame:
    repeated = counts.duplicated([*by, "group"])
    if repeated.any():
        raise TableError("Groups occur twice in a stratum.", where=f"row {repeated.idxmax()}",
                         found=counts.loc[repeated, "group"].unique(),
                         do="Give one row a stratum and group.")  # fmt: skip
    rows = counts.loc[counts["group"] == reference, [*by, "people", "population"]]
    rows = rows.rename(columns={"people": "reference_people", "population": "reference_population"})
    if by:
        table = counts.merge(rows, how="left", on=by, validate="many_to_one")
        table.index = counts.index
    else:
        table = counts.assign(
            reference_people=rows["reference_people"].max(),
            reference_population=rows["reference_population"].max(),
        )
    without = table["reference_population"].isna()
    if without.any() or not len(rows):
        raise CoverageError(
            f"The reference group {reference!r} is missing from {int(without.sum())} rows.",
            where=f"counts, row {table.index[0] if len(table) else 'none'}",
            found=sorted(counts["group"].astype(str).unique()),
            do="Name a group that has residents in every stratum.",
        )
    return table.assign(reference_group=reference)


def _add_shares(table: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    counted = ~table.get("is_sensitivity", pd.Series(False, index=table.index)).astype(bool)
    known = table[["people", "population"]].where(counted, 0)
    sums = known.groupby([table[name] for name in by]).transform("sum") if by else known.sum()
    missing = table.get("missing_people", pd.Series(0, index=table.index))
    everyone = sums["people"] + missing
    share = (missing / everyone.where(everyone > 0)).astype(float)
    return table.assign(
        known_people=sums["people"], known_population=sums["population"],
        share_people=table["people"] / sums["people"].where(sums["people"] > 0)
        if by else table["people"] / (sums["people"] or np.nan),
        share_population=table["population"] / sums["population"],
        missing_people=missing, all_people=everyone, missing_share=share,
        caution=np.select([share > NO_HEADLINE_ABOVE, share > CAUTION_ABOVE],
                          ["no_headline", "caution"], ""),
    )  # fmt: skip


def _add_bounds(table: pd.DataFrame, is_reference: np.ndarray) -> pd.DataFrame:
    inside, outside = (
        table[f"{name}people"] + table["missing_people"] for name in ("", "reference_")
    )
    n, m = table["population"], table["reference_population"]
    return table.assign(
        people_if_inside=inside.mask(is_reference), reference_if_outside=outside.mask(is_reference),
        ratio_if_outside=np.where(is_reference, np.nan,
            _finite(rates.rate_ratio(table["people"], n, outside, m).value)),
        ratio_if_inside=np.where(is_reference, np.nan,
            _finite(rates.rate_ratio(inside, n, table["reference_people"], m).value)),
    )  # fmt: skip


def missing_by_month(
    people: pd.DataFrame, *, end_month: pd.Timestamp | None = None
) -> pd.DataFrame:
    """Count people by month whose ethnicity, age or sex is not recorded, with Wilson limits.

    Returns
    -------
    pandas.DataFrame
        One row a month and ``fact`` (self_defined, officer_observed, age, sex), months complete:
        ``month, fact, missing_people, all_people, missing_share, lower_ci, upper_ci``.
    """
    last = end_month or people["month"].max()
    months = pd.date_range(people["month"].min(), last, freq="MS", unit="us", name="month")
    unknown = {
        scheme: ~_known(groups.add_ethnic_group(people, scheme=scheme), ["ethnic_group"])
        for scheme, column in groups.SCHEMES.items() if column in people
    }  # fmt: skip
    unknown["age"] = pd.Series(np.isnan(groups.age_limits(people)[0]), people.index, dtype=bool)
    if "sex" in people:
        unknown["sex"] = people["sex"].isna() | (people["sex"].astype(object) == "unknown")
    frames = []
    for fact, is_missing in unknown.items():
        part = pd.DataFrame({
            "missing_people": people["people"].where(is_missing, 0).groupby(people["month"]).sum(),
            "all_people": people.groupby("month")["people"].sum(),
        }).reindex(months, fill_value=0).reset_index()  # fmt: skip
        frames.append(part.assign(fact=fact))
    table = pd.concat(frames, ignore_index=True)
    lower, upper = rates.wilson_limits(table["missing_people"], table["all_people"])
    share = table["missing_people"] / table["all_people"].where(table["all_people"] > 0)
    return table.assign(missing_share=share.astype(float), lower_ci=lower, upper_ci=upper)
