"""The tables of the report: people of one role in one borough (or all), ready for `sna.protect`."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import ndtr

from sna import definitions, rates
from sna.definitions.views import words_of
from sna.disproportionality import adjust, cohorts
from sna.disproportionality.compare import compare_groups, count_groups, missing_by_month
from sna.disproportionality.groups import choose_population
from sna.disproportionality.people import (
    MARKS,
    ROLES,
    WINDOW_MONTHS,
    as_result,
    as_shown,
    can_compare,
    is_shown_exact,
    least_shown,
    mark_withheld,
    no_result,
    select_people,
)
from sna.errors import CoverageError, UsageError

STANDARD_BREAKS = tuple(range(0, 95, 5))
DIMENSIONS = ("ethnic_group", "sex", "age_group")
GROWTH = 1.10  # what if a group had grown by a tenth since the Census
_WORDS = words_of("people")
_RATIO = ["rate_ratio", "ratio_lower_ci", "ratio_upper_ci"]
_MODELLED = ["modelled_ratio", "modelled_lower_ci", "modelled_upper_ci"]


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

    Parameters
    ----------
    data
        One borough (`sna.load_borough`).
    person_role
        victim, suspect, searched, detained or proceeded_against.
    by
        Strata: sex, age_group, context (a person in two contexts counts in both), or ``year``:
        complete years that end with the last month, with ``ratio_change`` against the first, its
        limits and p.
    dimension, scheme, reference_group
        As in `count_groups` and `compare_groups`.

    Returns
    -------
    pandas.DataFrame
        Contract ``group_comparison``; no rows where the borough has no such people, or nobody
        published its residents by these groups.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> people = pd.DataFrame({"ethnicity_self": ["W1"] * 90 + ["B1"] * 60}).assign(
    ...     person_role="searched", month=pd.Timestamp("2025-03-01"), people=1,
    ...     borough_code="A", source="police_uk_stop_search", release_class="open")
    >>> residents = pd.DataFrame({"ethnic_group": ["White", "Black"]}).assign(
    ...     population=[60_000, 12_000], population_year=2021, source="census_ethnic_group",
    ...     area_level="borough", area_code="A", ethnic_scheme="five", sex="all",
    ...     age_lower=0, age_upper=999)
    >>> borough = SimpleNamespace(people=people, population=residents, end_month=people["month"][0])
    >>> found = compare_people(borough, person_role="searched")
    >>> found[["ethnic_group", "people", "rate", "rate_ratio"]].round(2).to_numpy().tolist()
    [['White', 90, 1.5, 1.0], ['Black', 60, 5.0, 3.33]]
    """
    if dimension not in DIMENSIONS:
        do = f"Use {', '.join(DIMENSIONS)}."
        raise UsageError("People are not compared by this.", found=dimension, do=do)
    found = select_people(data, person_role=person_role, months=None if "year" in by else 12)
    people = found
    if "context" in by:
        contexts = data.offences.drop_duplicates("offence_id").set_index("offence_id")["contexts"]
        lists = people["offence_id"].map(contexts.astype(object)).fillna("").astype(str)
        people = people.assign(context=lists.str.split("|")).explode("context")
        named = people["context"].map(_WORDS["contexts"])
        people = people.assign(context=named).dropna(subset="context")
    if "year" in by and len(people):
        people = _add_year(people)
    if not can_compare(people, data.population, dimension, *by):
        return no_result(data, found, person_role)
    counts = count_groups(people, data.population, dimension=dimension, scheme=scheme, by=by)
    table = compare_groups(counts, reference_group=reference_group)
    if "year" in by:
        named = table["year"].dt.strftime("year to %B %Y")
        shown = compare_groups(as_shown(counts, people, data), reference_group=reference_group)
        table = table.assign(year=named, **_find_change(shown))
    return as_result(table, people, person_role)


def _add_year(people: pd.DataFrame) -> pd.DataFrame:
    """Keep complete years; the year of a row is named by its last month."""
    last, month = people["month"].max(), people["month"]
    ago = (last.year - month.dt.year) * 12 + last.month - month.dt.month
    whole = (int(ago.max()) + 1) // WINDOW_MONTHS
    ends = {n: last - pd.DateOffset(years=n) for n in range(whole)}
    return people.assign(year=(ago // WINDOW_MONTHS).map(ends)).dropna(subset="year")


def _find_change(table: pd.DataFrame) -> dict[str, Any]:
    """Test each ratio against that of the first year: normal limits and p of its logarithm."""
    begin = table["year"] == table["year"].min()
    start = table[begin].set_index("group")[["people", "reference_people", "rate_ratio"]]
    then = start.reindex(table["group"]).set_axis(table.index)
    none = begin | (table["group"] == table["reference_group"])
    counts = pd.concat([table[["people", "reference_people"]], then.iloc[:, :2]], axis=1)
    error = np.sqrt((1 / counts.where(counts > 0)).sum(axis=1, skipna=False))
    change = (table["rate_ratio"] / then["rate_ratio"]).mask(none | error.isna())
    return {
        "ratio_change": change,
        "change_lower_ci": change * np.exp(-1.96 * error),
        "change_upper_ci": change * np.exp(1.96 * error),
        "change_p": 2 * ndtr(-np.log(change).abs() / error),
    }


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
    if people["borough_code"].nunique() < 3 or not can_compare(
        people, data.population, "ethnic_group"
    ):
        return no_result(data, people, person_role)
    counts = count_groups(people, data.population, scheme=scheme, by=["borough_code"])
    marks = mark_withheld(compare_groups(counts), people, person_role, data)[[*MARKS.values()]]
    counts = as_shown(counts, people, data)
    targets = adjust.add_place_adjusted(counts).set_index("group")["adjusted_ratio"]
    table = compare_groups(counts).query("group != reference_group and not is_sensitivity")
    table = table.join(marks)
    rate = table["reference_people"] / table["reference_population"]
    target = table["group"].map(targets)
    table = table.assign(target=target, expected=rate * table["population"] * target)
    frames = []
    for _, part in table.groupby("group", sort=False):
        spread = rates.funnel_dispersion(part["people"], part["expected"]).tau_squared
        facts: dict[str, Any] = {"is_overdispersed": spread > 0}
        for name, level in (("95", 0.95), ("998", 0.998)):
            low, high = rates.funnel_limits(part["expected"], level, tau_squared=spread)
            facts |= {f"lower_{name}": low * part["target"], f"upper_{name}": high * part["target"]}
        frames.append(part.assign(**facts))
    table = pd.concat(frames, ignore_index=True)
    names = definitions.boroughs().set_index("borough_code")["borough_name"]
    named = table["borough_code"].map(names).fillna(table["borough_code"])
    here = table["borough_code"] == data.borough_code
    return as_result(table.assign(is_this_borough=here, borough_name=named), people, person_role)


def compare_readings(
    data: Any,
    london: pd.DataFrame | None = None,
    *,
    person_role: str = "searched",
    scheme: str = "self_defined",
) -> pd.DataFrame:
    """Show one ratio under other assumptions: the three traps, with this borough's numbers.

    One row a ``reading`` and group: as recorded; everyone not stated in the reference group, or in
    this one; the group grown by a tenth since the Census; the ages of the standard population;
    the borough within its small areas; London as one place, and within boroughs (and ages). A
    reading whose data are not there is absent.
    """
    people = select_people(data, person_role=person_role)
    if not can_compare(people, data.population, "ethnic_group"):
        return no_result(data, people, person_role)
    counts = count_groups(people, data.population, scheme=scheme)
    base, near = compare_groups(counts), compare_groups(as_shown(counts, people, data))
    base = mark_withheld(base, people, person_role, data)
    gone, known, rest = (base[name] for name in MARKS.values())
    within, beyond = near["people_if_inside"], near["reference_if_outside"]
    outside = base.assign(reference_people=beyond, reference_if_outside=beyond)
    outside = outside.assign(is_reference_withheld=known | rest)
    inside = base.assign(people=within, people_if_inside=within, is_withheld=gone | rest)
    frames = {
        "as recorded": base,
        "all not stated in the reference group": outside,
        "all not stated in this group": inside,
        "group grown by a tenth": base.assign(population=base["population"] * GROWTH),
    }
    places = {"this borough": people}
    if london is not None and len(london):
        places["London"] = select_people(data, person_role=person_role, people=london)
    for name, (where, by, adjusted) in _WORDS["readings"].items():
        table = _model(places.get(where), data.population, scheme, by, adjusted=adjusted)
        if table is not None:
            told = table["group"].isin(base.loc[gone, "group"]) & (where == "this borough")
            frames[name] = table.assign(is_withheld=told)
    table = pd.concat([part.assign(reading=name) for name, part in frames.items()])
    table = table[(table["group"] != "White") & table["group"].isin(base["group"])]
    return as_result(table.reset_index(drop=True), people, person_role)


def _model(
    people: pd.DataFrame | None,
    population: pd.DataFrame,
    scheme: str,
    by: list[str],
    *,
    adjusted: bool,
) -> pd.DataFrame | None:
    """Return one adjusted ratio a group; None where nobody published these residents."""
    if people is None:
        return None
    how: Any = {"scheme": scheme, "by": by}
    try:
        if not adjusted:
            return adjust.add_place_adjusted(count_groups(people, population, **how))
        if by == ["age_group"]:
            bands = count_groups(people, population, breaks=STANDARD_BREAKS, **how)
            table, names = adjust.compare_standardised(bands), _RATIO
        else:
            table = adjust.add_place_adjusted(count_groups(people, population, **how))
            names = ["adjusted_ratio", "adjusted_lower_ci", "adjusted_upper_ci"]
    except (CoverageError, UsageError):
        return None
    columns = dict(zip(names, _MODELLED, strict=True))
    return table[["group", "people", "population", *names]].rename(columns=columns)


def compare_chain(
    data: Any,
    *,
    person_roles: Sequence[str] = ("searched", "suspect", "detained"),
    scheme: str = "self_defined",
) -> pd.DataFrame:
    """Compare groups from residents to each role and on to its outcome, each with the stage before.

    Searches → arrests, suspects, detentions and proceedings → charges; the outcome is that of the
    record, for suspects that of their offence. A stage the data do not have is absent.
    """
    frames = [_one_chain(data, role, scheme) for role in person_roles]
    return pd.concat(frames, ignore_index=True)


def _one_chain(data: Any, person_role: str, scheme: str) -> pd.DataFrame:
    people = select_people(data, person_role=person_role)
    step = ROLES[person_role].get("next")
    if not step or not can_compare(people, data.population, "ethnic_group"):
        return no_result(data, people, person_role)
    name, pattern = step
    outcome = people["outcome"].astype(object)
    if person_role == "suspect":
        known = data.offences.drop_duplicates("offence_id").set_index("offence_id")["outcome"]
        outcome = outcome.fillna(people["offence_id"].map(known.astype(object)))
    after = outcome.astype(str).str.contains(pattern, case=False, regex=True)
    first, last = (
        count_groups(rows, data.population, scheme=scheme).query("not is_sensitivity")
        for rows in (people, people.assign(people=people["people"] * after))
    )
    groups, true = first[["group"]], first["people"]
    stages = groups.assign(residents=first["population"], **{person_role: true})
    one = mark_withheld(compare_groups(first), people, person_role, data)
    missing, everyone = (one[name].to_numpy() for name in ("missing_people", "all_people"))
    tables = [adjust.compare_stages(stages).assign(missing_people=missing, all_people=everyone)]
    shown = _as_denominators(true, people, data)  # counts of people too: those published
    shown = shown.mask(one["is_withheld"])
    if after.any() and shown[groups["group"].eq("White")].notna().all():
        stages = groups.assign(**{person_role: shown, name: last["people"]})
        tables.append(adjust.compare_stages(stages))
    table = pd.concat(tables, ignore_index=True)
    year = first["population_year"].iloc[0]
    return as_result(table.assign(population_year=year), people, person_role)


def _as_denominators(counts: pd.Series, people: pd.DataFrame, data: Any) -> pd.Series:
    """Return counts of people as published, missing where they are too small to be."""
    near = as_shown(pd.DataFrame({"people": counts}), people, data)["people"]
    is_told = counts.eq(0) | near.ge(least_shown(data))
    return near if is_shown_exact(people, data) else near.where(is_told)


def missing_facts(data: Any, *, person_role: str) -> pd.DataFrame:
    """Count by month what is not recorded about people in one role (`missing_by_month`)."""
    people = select_people(data, person_role=person_role, months=24)
    if people.empty:
        return no_result(data, people, person_role, "missing_facts")
    table = missing_by_month(people).replace({"fact": _WORDS["facts"]})
    return as_result(table, people, person_role, "missing_facts")


def rates_by_age(data: Any, *, person_role: str) -> pd.DataFrame:
    """Rate of people in a role by single year of age (contract ``people_curve``)."""
    people = select_people(data, person_role=person_role)
    rows = data.population[data.population["area_code"] == data.borough_code]
    rows = rows[(rows["age_lower"] == rows["age_upper"]) | (rows["age_lower"] >= 85)]
    if not people["age"].notna().any() or not len(rows):
        return no_result(data, people, person_role, "people_curve")
    rows = choose_population(rows, needs=["age_group"]).rename(columns={"age_lower": "age"})
    table = cohorts.age_curve(people, rows.groupby("age", as_index=False)[["population"]].sum())
    table = table.assign(all_people=table["people"].sum())
    return as_result(table, people, person_role, "people_curve")


def rates_by_deprivation(
    data: Any, *, person_role: str = "victim", domain: str = "income"
) -> pd.DataFrame:
    """Rate by decile of the small area people live in or, if unknown, where the offence was.

    The income domain by default, since the crime domain contains the outcome; where the edition
    has no such domain the overall index stands in (column ``domain``, A-58).
    """
    people = select_people(data, person_role=person_role)
    rows = data.deprivation[data.deprivation["lsoa_code"].notna()]
    named = domain if (rows["domain"] == domain).any() else "overall"
    rows = rows[rows["domain"] == named]
    rows = rows[rows["edition"] == rows["edition"].max()].drop_duplicates("lsoa_code")
    ours = data.areas.loc[data.areas["borough_code"] == data.borough_code, "area_code"]
    rows = rows[rows["lsoa_code"].isin(ours)]
    sizes = data.population[data.population["area_level"] == "lsoa"]
    if not len(people) or not len(rows) or not len(sizes):
        return no_result(data, people, person_role, "people_curve")
    home = people["home_lsoa_code"].astype(object).fillna(people["lsoa_code"].astype(object))
    size = choose_population(sizes, needs=[], level="lsoa").groupby("area_code")["population"].sum()
    codes = rows["lsoa_code"].astype(object)
    counts = codes.map(people.groupby(home)["people"].sum()).fillna(0).astype("int64")
    places = rows[["decile"]].assign(people=counts, population=codes.map(size).fillna(0.0))
    deciles = places.groupby("decile", as_index=False).sum()
    table = adjust.deprivation_gradient(as_shown(deciles, people, data))
    true = table["decile"].map(deciles.set_index("decile")["people"])  # the audit needs them
    table = table.assign(people=true, all_people=counts.sum(), domain=named)
    return as_result(table, people, person_role, "people_curve")
