"""The tables of the report: people of one role in one borough (or all), ready for `sna.protect`."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from sna import rates
from sna.disproportionality import adjust, cohorts
from sna.disproportionality.compare import compare_groups, count_groups, missing_by_month
from sna.disproportionality.groups import choose_population
from sna.errors import SnaError, UsageError
from sna.schemas.disproportionality import ROLES
from sna.schemas.results import result_table
from sna.schemas.store_tables import RELEASE_CLASSES

WINDOW_MONTHS = 12
STANDARD_BREAKS = tuple(range(0, 95, 5))
GROWTH = 1.10  # what if a group had grown by a tenth since the Census
_CONTEXTS = {"da": "domestic abuse", "sv": "sexual violence"}
_CHARGED = ("charged", r"charg|summons")
_NEXT = {"searched": ("arrested", "arrest"), "suspect": _CHARGED, "proceeded_against": _CHARGED}


def select_people(
    data: Any, *, person_role: str, months: int | None = WINDOW_MONTHS,
    people: pd.DataFrame | None = None,
) -> pd.DataFrame:  # fmt: skip
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
    classes = set(people["release_class"].astype(str))
    facts = {
        "person_role": role,
        "source": "+".join(sorted(set(people["source"].astype(str)))),
        "release_class": max(classes, key=RELEASE_CLASSES.index, default="open"),
        "start_month": people["month"].min(),
        "end_month": people["month"].max(),
    }
    values = (*shape.counts, *shape.plain, *(estimate.column for estimate in shape.estimates))
    blanks: dict[str, Any] = dict.fromkeys(values, np.nan) | dict.fromkeys(shape.keys, "all")
    blanks |= {name: False for name in shape.plain if name.startswith("is_")}
    return table.assign(**{n: v for n, v in blanks.items() if n not in table} | facts)


def _nothing(people: pd.DataFrame, role: str, contract: str = "group_comparison") -> pd.DataFrame:
    return _as_result(pd.DataFrame(), people.iloc[:0], role, contract)


def compare_people(
    data: Any, *, person_role: str, by: Sequence[str] = (), dimension: str = "ethnic_group",
    scheme: str = "self_defined", reference_group: str = "White",
) -> pd.DataFrame:  # fmt: skip
    """Compare groups of people in one role over the last twelve months.

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
        contexts = data.offences.drop_duplicates("offence_id").set_index("offence_id")["contexts"]
        lists = people["offence_id"].map(contexts.astype(object)).fillna("").astype(str)
        people = people.assign(context=lists.str.split("|")).explode("context")
        people = people.assign(context=people["context"].map(_CONTEXTS)).dropna(subset="context")
    if "year" in by and len(people):
        people = _add_year(people)
    if not len(people):
        return _nothing(people, person_role)
    counts = count_groups(people, data.population, dimension=dimension, scheme=scheme, by=by)
    table = compare_groups(counts, reference_group=reference_group)
    return _as_result(_add_change(table) if "year" in by else table, people, person_role)


def _add_year(people: pd.DataFrame) -> pd.DataFrame:
    """Keep complete years; the year of a row is named by its last month."""
    last, month = people["month"].max(), people["month"]
    ago = (last.year - month.dt.year) * 12 + last.month - month.dt.month
    whole = (int(ago.max()) + 1) // WINDOW_MONTHS
    ends = {n: last - pd.DateOffset(years=n) for n in range(whole)}
    return people.assign(year=(ago // WINDOW_MONTHS).map(ends)).dropna(subset="year")


def _add_change(table: pd.DataFrame) -> pd.DataFrame:
    """Add each ratio against that of the first year, with normal limits of its logarithm."""
    begin = table["year"] == table["year"].min()
    start = table[begin].set_index("group")
    then = [
        table["group"].map(start[name]) for name in ("people", "reference_people", "rate_ratio")
    ]
    parts = (table["people"], table["reference_people"], *then[:2])
    with np.errstate(divide="ignore"):
        error = 1.96 * np.sqrt(sum(1 / part.to_numpy(float) for part in parts))
    none = begin | (table["group"] == table["reference_group"]) | np.isinf(error)
    change = (table["rate_ratio"] / then[2]).mask(none)
    limits = {"change_lower_ci": change * np.exp(-error), "change_upper_ci": change * np.exp(error)}
    return table.assign(ratio_change=change, **limits)


def compare_boroughs(
    data: Any, london: pd.DataFrame, *, person_role: str, scheme: str = "self_defined"
) -> pd.DataFrame:
    """Compare the ratio of each borough with the place-adjusted ratio of London: a funnel.

    A borough outside is unusual, which is a reason to ask, not a verdict. ``london`` are people of
    all boroughs. ``expected`` people are those at the borough's own reference rate times the
    ``target`` (Mantel-Haenszel); the limits include the spread of boroughs where
    ``is_overdispersed`` (`rates.funnel_limits`, A-55).
    """
    people = select_people(data, person_role=person_role, people=london)
    people = people[people["borough_code"].notna()]
    if people["borough_code"].nunique() < 3:
        return _nothing(people, person_role)
    counts = count_groups(people, data.population, scheme=scheme, by=["borough_code"])
    targets = adjust.add_place_adjusted(counts).set_index("group")["adjusted_ratio"]
    table = compare_groups(counts).query("group != reference_group and not is_sensitivity")
    frames = []
    for group, part in table.groupby("group", sort=False):
        target = float(targets[str(group)])
        rate = part["reference_people"] / part["reference_population"]
        expected = rate * part["population"] * target
        spread = rates.funnel_dispersion(part["people"], expected).tau_squared
        facts: dict[str, Any] = {"target": target, "expected": expected,
                                 "is_overdispersed": spread > 0}  # fmt: skip
        for name, level in (("95", 0.95), ("998", 0.998)):
            low, high = rates.funnel_limits(expected, level, tau_squared=spread)
            facts |= {f"lower_{name}": low * target, f"upper_{name}": high * target}
        frames.append(part.assign(**facts))
    table = pd.concat(frames, ignore_index=True)
    here = table["borough_code"] == data.borough_code
    return _as_result(table.assign(is_this_borough=here), people, person_role)


def compare_readings(
    data: Any, london: pd.DataFrame | None = None, *, person_role: str = "searched",
    scheme: str = "self_defined",
) -> pd.DataFrame:  # fmt: skip
    """Show one ratio under other assumptions: the three traps, with this borough's numbers.

    One row a ``reading`` and group: as recorded; everyone not stated in the reference group, or in
    this one; the group grown by a tenth since the Census; the ages of the standard population;
    London as one place, and within boroughs. A reading whose data are not there is absent.
    """
    people = select_people(data, person_role=person_role)
    if not len(people):
        return _nothing(people, person_role)
    base = compare_groups(count_groups(people, data.population, scheme=scheme))
    outside = base.assign(reference_people=base["reference_if_outside"])
    frames = {
        "as recorded": base,
        "all not stated in the reference group": outside,
        "all not stated in this group": base.assign(people=base["people_if_inside"]),
        "group grown by a tenth": base.assign(population=base["population"] * GROWTH),
    }
    how: dict[str, Any] = {"scheme": scheme, "by": ["age_group"], "breaks": STANDARD_BREAKS}
    try:
        bands = adjust.compare_standardised(count_groups(people, data.population, **how))
        frames["same ages in every group"] = _modelled(bands, "rate_ratio", "ratio")
    except SnaError:
        pass  # no ages in common: the reading is absent
    if london is not None and len(london):
        rows = select_people(data, person_role=person_role, people=london)
        rows = rows[rows["borough_code"].notna()]
        counts = count_groups(rows, data.population, scheme=scheme, by=["borough_code"])
        table = adjust.add_place_adjusted(counts)
        frames["London as one place"] = table
        frames["London, within boroughs"] = _modelled(table, "adjusted_ratio", "adjusted")
    table = pd.concat([part.assign(reading=name) for name, part in frames.items()])
    table = table[(table["group"] != "White") & table["group"].isin(base["group"])]
    return _as_result(table.reset_index(drop=True), people, person_role)


def _modelled(table: pd.DataFrame, value: str, prefix: str) -> pd.DataFrame:
    """Turn a modelled ratio into a reading: no counts to recompute it from."""
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
    first, last = (
        count_groups(rows, data.population, scheme=scheme).query("not is_sensitivity")
        for rows in (people, people.assign(people=people["people"] * after))
    )
    chain = {"residents": first["population"], person_role: first["people"], name: last["people"]}
    table = adjust.compare_stages(first[["group"]].assign(**chain))
    year = first["population_year"].iloc[0]
    return _as_result(table.assign(population_year=year), people, person_role)


def missing_facts(data: Any, *, person_role: str) -> pd.DataFrame:
    """Count by month what is not recorded about people in one role (`missing_by_month`)."""
    people = select_people(data, person_role=person_role, months=24)
    table = missing_by_month(people) if len(people) else pd.DataFrame()
    return _as_result(table, people, person_role, "missing_facts")


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
    """Rate by decile of the small area people live in or, if unknown, where the offence was.

    The income domain by default, since the crime domain contains the outcome; where the edition
    has no such domain the overall index stands in (column ``domain``, A-58).
    """
    people = select_people(data, person_role=person_role)
    place = people["lsoa_code"].astype(object)
    home = people["home_lsoa_code"].astype(object)
    rows, sizes = data.deprivation, data.population[data.population["area_level"] == "lsoa"]
    rows = rows[rows["lsoa_code"].notna()]
    named = domain if (rows["domain"] == domain).any() else "overall"
    rows = rows[rows["domain"] == named]
    rows = rows[rows["edition"] == rows["edition"].max()].drop_duplicates("lsoa_code")
    ours = data.areas.loc[data.areas["borough_code"] == data.borough_code, "area_code"]
    codes = rows.loc[rows["lsoa_code"].isin(ours), "lsoa_code"].astype(object)
    if not len(people) or not len(codes) or not len(sizes):
        return _nothing(people, person_role, "people_curve")
    size = choose_population(sizes, needs=[], level="lsoa").groupby("area_code")["population"].sum()
    counts = people.groupby(place.where(home.isna(), home))["people"].sum()
    places = rows.loc[codes.index, ["decile"]].assign(
        people=codes.map(counts).fillna(0).astype("int64"), population=codes.map(size).fillna(0.0)
    )
    table = adjust.deprivation_gradient(places)
    table = table.assign(all_people=table["people"].sum(), domain=named)
    return _as_result(table, people, person_role, "people_curve")


def follow_people(data: Any, *, person_role: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Follow identified people of a role: cohort counts, and recurrence within twelve months.

    Contracts ``cohort_counts`` (repeats, overlap of roles, first entries) and ``recurrence``; no
    rows where records carry no identifier.
    """
    people = select_people(data, person_role=person_role, months=None)
    known = people[people["person_id"].notna()]
    if not len(known):
        return (_nothing(people, person_role, "cohort_counts"),
                _nothing(people, person_role, "recurrence"))  # fmt: skip
    role = "suspect" if person_role == "victim" else "victim"
    both = pd.concat([known, select_people(data, person_role=role, months=None)])
    entries = cohorts.first_entrants(known, start_month=people["month"].min())
    entries = entries.rename(columns={"financial_year": "category", "first_people": "people"})
    frames = {
        "offences per person": cohorts.count_repeats(known).rename(columns={"events": "category"}),
        "roles": cohorts.count_overlap(both).rename(columns={"overlap": "category"}),
        "first records": entries,
    }
    counts = pd.concat([t.assign(cohort=name) for name, t in frames.items()], ignore_index=True)
    curve = cohorts.recurrence_curve(known, end_month=people["month"].max())
    return (_as_result(counts, people, person_role, "cohort_counts"),
            _as_result(curve, people, person_role, "recurrence"))  # fmt: skip
