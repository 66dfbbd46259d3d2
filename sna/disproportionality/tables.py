"""The tables of the report: people of one role in one borough (or all), ready for `sna.protect`."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from sna import rates
from sna.disproportionality import cohorts
from sna.disproportionality.adjust import (
    add_place_adjusted,
    compare_stages,
    compare_standardised,
    deprivation_gradient,
)
from sna.disproportionality.compare import compare_groups, count_groups, missing_by_month
from sna.disproportionality.groups import choose_population
from sna.errors import SnaError, UsageError
from sna.schemas.disproportionality import ROLES
from sna.schemas.results import result_table
from sna.schemas.store_tables import RELEASE_CLASSES

WINDOW_MONTHS = 12
STANDARD_BREAKS = tuple(range(0, 95, 5))
GROWTH = 1.10  # what if a group had grown by a tenth since the Census
_NEXT = {"searched": ("arrested", r"arrest"), "suspect": ("charged", r"charg|summons"),
         "proceeded_against": ("charged", r"charg|summons")}  # fmt: skip


def select_people(
    data: Any,
    *,
    person_role: str,
    months: int | None = WINDOW_MONTHS,
    people: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Select people of one role over the year that ends with the last month the role has.

    Victims and suspects are those of core offences; encounters (searched, detained, proceeded
    against) are not tied to recorded offences. ``months`` None takes every month; ``people`` (all
    boroughs) stands in for the borough's own.
    """
    if person_role not in ROLES:
        raise UsageError("Unknown role.", found=person_role, do=f"Use {', '.join(ROLES)}.")
    rows = data.people if people is None else people
    rows = rows[(rows["person_role"] == person_role) & (rows["month"] <= data.end_month)]
    if person_role in ("victim", "suspect"):
        if people is not None:
            do = "Compare boroughs on encounters: offences of other boroughs are not loaded."
            raise UsageError("The offences of these people are not known.", do=do)
        core = data.offences.loc[data.offences["band"] == "core", "offence_id"]
        rows = rows[rows["offence_id"].isin(core)]
    if months and len(rows):
        rows = rows[rows["month"] > rows["month"].max() - pd.DateOffset(months=months)]
    return rows


def _as_result(
    table: pd.DataFrame, people: pd.DataFrame, role: str, contract: str = "group_comparison"
) -> pd.DataFrame:
    """Add what disclosure and readers need; a stratum that is not split reads ``all``."""
    shape = result_table(contract)
    if "group" in table:
        named = table.get("dimension", pd.Series(["ethnic_group"])).iloc[0]
        table = table.rename(columns={"group": str(named)})
    values = (*shape.counts, *(estimate.column for estimate in shape.estimates))
    blanks: dict[str, Any] = dict.fromkeys((*values, *shape.plain), np.nan)
    blanks |= dict.fromkeys(shape.keys, "all")
    blanks |= {name: False for name in shape.plain if name.startswith("is_")}
    classes = set(people["release_class"].astype(str))
    facts = {
        "person_role": role,
        "source": "+".join(sorted(set(people["source"].astype(str)))),
        "release_class": max(classes, key=RELEASE_CLASSES.index, default="open"),
        "start_month": people["month"].min(),
        "end_month": people["month"].max(),
    }
    absent = {name: value for name, value in blanks.items() if name not in table}
    return table.assign(**absent | facts)


def _nothing(people: pd.DataFrame, role: str, contract: str = "group_comparison") -> pd.DataFrame:
    return _as_result(pd.DataFrame(), people.iloc[:0], role, contract)


def compare_people(
    data: Any,
    *,
    person_role: str,
    by: Sequence[str] = (),
    dimension: str = "ethnic_group",
    scheme: str = "self_defined",
    reference_group: str = "White",
) -> pd.DataFrame:
    """Compare groups of people in one role over the last twelve months.

    A row without people or residents gives no ratio; see `compare_groups` for what one means.

    Parameters
    ----------
    data
        One borough (`sna.load_borough`).
    person_role
        victim, suspect, searched, detained or proceeded_against.
    by
        Strata: sex, age_group, context (a person in two contexts counts in both), or ``year``:
        complete years that end with the last month, with ``ratio_change`` against the first.
    dimension, scheme, reference_group
        As in `count_groups` and `compare_groups`.

    Returns
    -------
    pandas.DataFrame
        Contract ``group_comparison``; no rows where the borough has no such people.
    """
    people = select_people(data, person_role=person_role, months=None if "year" in by else 12)
    if "context" in by:
        people = _add_context(people, data.offences)
    if "year" in by:
        people = _add_year(people)
    if not len(people):
        return _nothing(people, person_role)
    counts = count_groups(people, data.population, dimension=dimension, scheme=scheme, by=by)
    table = compare_groups(counts, reference_group=reference_group)
    return _as_result(_add_change(table) if "year" in by else table, people, person_role)


def _add_context(people: pd.DataFrame, offences: pd.DataFrame) -> pd.DataFrame:
    names = {"da": "domestic abuse", "sv": "sexual violence"}
    contexts = offences.drop_duplicates("offence_id").set_index("offence_id")["contexts"]
    lists = people["offence_id"].map(contexts.astype(object)).fillna("").astype(str).str.split("|")
    rows = people.assign(context=lists).explode("context")
    return rows.assign(context=rows["context"].map(names)).dropna(subset="context")


def _add_year(people: pd.DataFrame) -> pd.DataFrame:
    """Keep complete years; the year of a row is named by its last month."""
    if not len(people):
        return people.assign(year=people["month"])
    last, month = people["month"].max(), people["month"]
    ago = ((last.year - month.dt.year) * 12 + last.month - month.dt.month) // WINDOW_MONTHS
    first = (last.year - month.min().year) * 12 + last.month - month.min().month + 1
    ends = {n: last - pd.DateOffset(years=n) for n in range(first // WINDOW_MONTHS)}
    return people.assign(year=ago.map(ends)).dropna(subset="year")


def _add_change(table: pd.DataFrame) -> pd.DataFrame:
    """Add each ratio against that of the first year, with normal limits of its logarithm."""
    begin = table["year"] == table["year"].min()
    start = table[begin].set_index("group")
    then = [
        table["group"].map(start[name]) for name in ("people", "reference_people", "rate_ratio")
    ]
    with np.errstate(divide="ignore"):
        parts = (table["people"], table["reference_people"], *then[:2])
        error = 1.96 * np.sqrt(sum(1 / part.to_numpy(float) for part in parts))
    none = begin | (table["group"] == table["reference_group"]) | np.isinf(error)
    change = (table["rate_ratio"] / then[2]).mask(none)
    limits = {"change_lower_ci": change * np.exp(-error), "change_upper_ci": change * np.exp(error)}
    return table.assign(ratio_change=change, **limits)


def compare_boroughs(
    data: Any, london: pd.DataFrame, *, person_role: str, scheme: str = "self_defined"
) -> pd.DataFrame:
    """Compare the ratio of each borough with the place-adjusted ratio of London: a funnel.

    A borough outside the funnel is unusual, which is a reason to ask, not a verdict. The order of
    boroughs means nothing.

    Parameters
    ----------
    data, london
        The borough of the report; people of all boroughs.

    Returns
    -------
    pandas.DataFrame
        Contract ``group_comparison`` by borough, with ``expected`` people (at the borough's own
        reference rate times London's ratio), ``target`` (Mantel-Haenszel), ``lower_95 …
        upper_998`` and ``is_overdispersed`` (the limits then include the spread of boroughs).

    Notes
    -----
    `rates.funnel_limits`; the uncertainty of the reference rate is left out (A-55).
    """
    people = select_people(data, person_role=person_role, people=london)
    people = people[people["borough_code"].notna()]
    if people["borough_code"].nunique() < 3:
        return _nothing(people, person_role)
    counts = count_groups(people, data.population, scheme=scheme, by=["borough_code"])
    target = add_place_adjusted(counts).set_index("group")["adjusted_ratio"]
    table = compare_groups(counts).query("group != reference_group and not is_sensitivity")
    frames = []
    for group, part in table.groupby("group", sort=False):
        rate = part["reference_people"] / part["reference_population"]
        expected = rate * part["population"] * float(target[str(group)])
        spread = rates.funnel_dispersion(part["people"], expected).tau_squared
        limits: dict[str, Any] = {}
        for name, level in (("95", 0.95), ("998", 0.998)):
            low, high = rates.funnel_limits(expected, level, tau_squared=spread)
            limits |= {f"lower_{name}": low * target[str(group)]}
            limits |= {f"upper_{name}": high * target[str(group)]}
        frames.append(part.assign(target=target[str(group)], expected=expected, **limits,
                                  is_overdispersed=spread > 0))  # fmt: skip
    here = {"is_this_borough": lambda frame: frame["borough_code"] == data.borough_code}
    return _as_result(pd.concat(frames, ignore_index=True).assign(**here), people, person_role)


def compare_readings(
    data: Any,
    london: pd.DataFrame | None = None,
    *,
    person_role: str = "searched",
    scheme: str = "self_defined",
) -> pd.DataFrame:
    """Show one ratio under other assumptions: the three traps, with this borough's numbers.

    Returns
    -------
    pandas.DataFrame
        Contract ``group_comparison`` by ``reading``: as recorded; everyone not stated in the
        reference group, or in this one; the group grown by a tenth since the Census; the ages of
        the standard population; London as one place; London within boroughs. A reading whose data
        are not there is absent.
    """
    people = select_people(data, person_role=person_role)
    if not len(people):
        return _nothing(people, person_role)
    base = compare_groups(count_groups(people, data.population, scheme=scheme))
    frames = {
        "as recorded": base,
        "all not stated in the reference group": base.assign(
            reference_people=base["reference_if_outside"]
        ),
        "all not stated in this group": base.assign(people=base["people_if_inside"]),
        "group grown by a tenth": base.assign(population=base["population"] * GROWTH),
    }
    try:
        bands = count_groups(
            people, data.population, scheme=scheme, by=["age_group"], breaks=STANDARD_BREAKS
        )
        frames["same ages in every group"] = _modelled(compare_standardised(bands), "ratio")
    except SnaError:
        pass  # no ages in common: the reading is absent
    if london is not None and len(london):
        rows = select_people(data, person_role=person_role, people=london)
        rows = rows[rows["borough_code"].notna()]
        table = add_place_adjusted(
            count_groups(rows, data.population, scheme=scheme, by=["borough_code"])
        )
        frames["London as one place"] = table
        frames["London, within boroughs"] = _modelled(table, "adjusted")
    table = pd.concat([part.assign(reading=name) for name, part in frames.items()])
    table = table[(table["group"] != "White") & table["group"].isin(base["group"])]
    return _as_result(table.reset_index(drop=True), people, person_role)


def _modelled(table: pd.DataFrame, prefix: str) -> pd.DataFrame:
    """Turn a modelled ratio into a reading: no counts to recompute it from."""
    value = "rate_ratio" if prefix == "ratio" else "adjusted_ratio"
    names = {value: "modelled_ratio", f"{prefix}_lower_ci": "modelled_lower_ci",
             f"{prefix}_upper_ci": "modelled_upper_ci"}  # fmt: skip
    return table[["group", "people", "population", *names]].rename(columns=names)


def compare_chain(data: Any, *, person_role: str, scheme: str = "self_defined") -> pd.DataFrame:
    """Compare groups from residents to the role and on to its outcome, each with the stage before.

    Searches → arrests, suspects → charges; outcomes as the record names them.
    """
    people = select_people(data, person_role=person_role)
    if not len(people) or person_role not in _NEXT:
        return _nothing(people, person_role)
    name, pattern = _NEXT[person_role]
    after = people["outcome"].astype(str).str.contains(pattern, case=False, regex=True)
    first = count_groups(people, data.population, scheme=scheme).query("not is_sensitivity")
    last = count_groups(people.assign(people=people["people"] * after), data.population,
                        scheme=scheme).query("not is_sensitivity")  # fmt: skip
    chain = first[["group"]].assign(residents=first["population"])
    chain = chain.assign(**{person_role: first["people"], name: last["people"]})
    table = compare_stages(chain).assign(population_year=first["population_year"].iloc[0])
    return _as_result(table, people, person_role)


def missing_facts(data: Any, *, person_role: str) -> pd.DataFrame:
    """Count by month what is not recorded about people in one role (`missing_by_month`)."""
    people = select_people(data, person_role=person_role, months=24)
    if not len(people):
        return _nothing(people, person_role, "missing_facts")
    return _as_result(missing_by_month(people), people, person_role, "missing_facts")


def rates_by_age(data: Any, *, person_role: str) -> pd.DataFrame:
    """Rate of people in a role by single year of age (contract ``people_curve``)."""
    people = select_people(data, person_role=person_role)
    rows = data.population[data.population["area_code"] == data.borough_code]
    rows = rows[(rows["age_lower"] == rows["age_upper"]) | (rows["age_lower"] >= 85)]
    if not len(people) or not len(rows):
        return _nothing(people, person_role, "people_curve")
    rows = choose_population(rows, needs=["age_group"]).rename(columns={"age_lower": "age"})
    ages = rows.groupby("age", as_index=False)[["population"]].sum()
    table = cohorts.age_curve(people, ages)
    table = table.assign(all_people=table["people"].sum())
    return _as_result(table, people, person_role, "people_curve")


def rates_by_deprivation(
    data: Any, *, person_role: str = "victim", domain: str = "income"
) -> pd.DataFrame:
    """Rate by decile of the small area where people's offences were recorded, with its slopes.

    The income domain by default: the crime domain contains the outcome. Where people live is used
    when the record has it (``home_lsoa_code``), else where the offence was.
    """
    people = select_people(data, person_role=person_role)
    place = people["lsoa_code"].where(people["home_lsoa_code"].isna(), people["home_lsoa_code"])
    rows = data.deprivation[data.deprivation["domain"] == domain]
    rows = rows[(rows["edition"] == rows["edition"].max()) & rows["lsoa_code"].notna()]
    sizes = data.population[data.population["area_level"] == "lsoa"]
    if not len(people) or not len(rows) or not len(sizes):
        return _nothing(people, person_role, "people_curve")
    size = choose_population(sizes, needs=[], level="lsoa").groupby("area_code")["population"].sum()
    areas = data.areas[data.areas["area_level"] == "lsoa"]
    ours = areas.loc[areas["borough_code"] == data.borough_code, "area_code"]
    rows = rows[rows["lsoa_code"].isin(ours)].drop_duplicates("lsoa_code")
    counts = people.groupby(place.astype(object))["people"].sum()
    codes = rows["lsoa_code"].astype(object)
    places = pd.DataFrame({"decile": rows["decile"], "people": codes.map(counts).fillna(0),
                          "population": codes.map(size).fillna(0)})  # fmt: skip
    table = deprivation_gradient(places.astype({"people": "int64"}))
    table = table.assign(all_people=table["people"].sum())
    return _as_result(table, people, person_role, "people_curve")


def follow_people(data: Any, *, person_role: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Follow identified people of a role: cohort counts, and recurrence within twelve months.

    Returns
    -------
    tuple of pandas.DataFrame
        Contracts ``cohort_counts`` (repeats, overlap of roles, first entries) and ``recurrence``;
        no rows where records carry no identifier.
    """
    people = select_people(data, person_role=person_role, months=None)
    known = people[people["person_id"].notna()]
    if not len(known):
        nothing = (_nothing(people, person_role, name) for name in ("cohort_counts", "recurrence"))
        return next(nothing), next(nothing)
    other = select_people(data, person_role="suspect" if person_role == "victim" else "victim",
                          months=None)  # fmt: skip
    repeats = cohorts.count_repeats(known).rename(columns={"events": "category"})
    overlap = cohorts.count_overlap(pd.concat([known, other])).rename(
        columns={"overlap": "category"}
    )
    entries = cohorts.first_entrants(known, start_month=people["month"].min())
    entries = entries.rename(columns={"financial_year": "category", "first_people": "people"})
    frames = {"offences per person": repeats, "roles": overlap, "first records": entries}
    counts = pd.concat([part.assign(cohort=name) for name, part in frames.items()])
    curve = cohorts.recurrence_curve(known, end_month=people["month"].max())
    return (
        _as_result(counts.reset_index(drop=True), people, person_role, "cohort_counts"),
        _as_result(curve, people, person_role, "recurrence"),
    )
