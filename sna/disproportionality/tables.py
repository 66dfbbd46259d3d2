"""The tables of the report: people of one role in one borough (or all), compared and described."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import chdtrc

from sna.disproportionality.adjust import add_place_adjusted, compare_standardised
from sna.disproportionality.compare import STRATA, compare_groups, count_groups, missing_by_month
from sna.errors import SnaError, UsageError
from sna.schemas.disproportionality import ROLES
from sna.schemas.results import result_table
from sna.schemas.store_tables import RELEASE_CLASSES

WINDOW_MONTHS = 12
STANDARD_BREAKS = tuple(range(0, 95, 5))
GROWTH = 1.10  # what if a group had grown by a tenth since the Census


def select_people(
    data: Any, *, person_role: str, months: int | None = WINDOW_MONTHS,
    people: pd.DataFrame | None = None, bands: Sequence[str] = ("core",),
) -> pd.DataFrame:  # fmt: skip
    """Select people of one role: of core offences where offences are known, the last year.

    The year ends with the last month that this role has, not after ``data.end_month``; ``months``
    None takes everything before. Roles of encounters (searched, detained, proceeded_against) are
    not tied to recorded offences. ``people`` (all boroughs) stands in for the borough's own.
    """
    if person_role not in ROLES:
        raise UsageError("Unknown role.", found=person_role, do=f"Use {', '.join(ROLES)}.")
    rows = data.people if people is None else people
    if people is not None and person_role in ("victim", "suspect") and "band" not in people:
        raise UsageError(
            "People of all boroughs need the band of their offence.",
            where="select_people",
            do="Compare boroughs on encounters, or add the column band.",
        )
    rows = rows[(rows["person_role"] == person_role) & (rows["month"] <= data.end_month)]
    if person_role in ("victim", "suspect") and people is None and "band" in data.offences:
        core = data.offences.loc[data.offences["band"].isin(bands), "offence_id"]
        rows = rows[rows["offence_id"].isin(core)]
    if months and len(rows):
        rows = rows[rows["month"] > rows["month"].max() - pd.DateOffset(months=months)]
    return rows


def _as_result(table: pd.DataFrame, people: pd.DataFrame, person_role: str, contract: str
               ) -> pd.DataFrame:  # fmt: skip
    """Add what disclosure and the reader need; a stratum that is not split reads ``all``."""
    frame = table.rename(columns={"group": "ethnic_group"}) if "group" in table else table
    if len(table) and table.get("dimension", pd.Series(["ethnic_group"])).iloc[0] != "ethnic_group":
        frame = table.rename(columns={"group": str(table["dimension"].iloc[0])})
    classes = set(people["release_class"].astype(str))
    sources = sorted(set(people["source"].astype(str)))
    shape = result_table(contract)
    blanks = {name: "all" for name in (*STRATA, *shape.keys) if name not in frame}
    return frame.assign(
        person_role=person_role, source="+".join(sources),
        release_class=max(classes, key=RELEASE_CLASSES.index, default="open"),
        start_month=people["month"].min(), end_month=people["month"].max(),
        **{name: value for name, value in blanks.items() if name != "person_role"},
    )  # fmt: skip


def _empty(contract: str) -> pd.DataFrame:
    shape = result_table(contract)
    made = {name for d in shape.derived for name in (d.column, *d.limits)}
    names = [*shape.keys, *shape.counts, *shape.plain, *(e.column for e in shape.estimates)]
    numbers = {*shape.counts, *(e.column for e in shape.estimates)}
    return pd.DataFrame({
        name: pd.Series(dtype="float64" if name in numbers else "object")
        for name in [*names, "release_class", "source"] if name not in made
    })  # fmt: skip


def compare_people(
    data: Any, *, person_role: str, by: Sequence[str] = (),
    dimension: str = "ethnic_group", scheme: str = "self_defined", reference_group: str = "White",
) -> pd.DataFrame:  # fmt: skip
    """Compare groups of people in one role over the last twelve months (`compare_groups`).

    Parameters
    ----------
    data
        One borough (`sna.load_borough`).
    person_role
        victim, suspect, searched, detained or proceeded_against.
    by
        Strata: sex, age_group, context.
    dimension, scheme, reference_group
        As in `count_groups` and `compare_groups`.

    Returns
    -------
    pandas.DataFrame
        Contract ``group_comparison``; no rows where the borough has no such people.
    """
    people = select_people(data, person_role=person_role)
    if "context" in by:
        people = _add_context(people, data.offences)
    if not len(people):
        return _empty("group_comparison")
    counts = count_groups(people, data.population, dimension=dimension, scheme=scheme, by=by)
    table = compare_groups(counts, reference_group=reference_group)
    return _as_result(table, people, person_role, "group_comparison")


def _add_context(people: pd.DataFrame, offences: pd.DataFrame) -> pd.DataFrame:
    """Give each person the contexts of the offence; a person in two contexts has two rows."""
    names = {"da": "domestic abuse", "sv": "sexual violence"}
    known = offences[["offence_id", "contexts"]].dropna().drop_duplicates("offence_id")
    contexts = known.set_index("offence_id")["contexts"].astype(str)
    lists = people["offence_id"].map(contexts).fillna("").astype(str).str.split("|")
    rows = people.assign(context=lists).explode("context")
    return rows.assign(context=rows["context"].map(names)).dropna(subset="context")


def compare_years(data: Any, *, person_role: str, scheme: str = "self_defined"
                  ) -> pd.DataFrame:  # fmt: skip
    """Compare groups in each complete year ending with the last month, and the change.

    Returns
    -------
    pandas.DataFrame
        Contract ``group_years``: `compare_groups` by ``year`` (its last month), plus
        ``ratio_change, change_lower_ci, change_upper_ci``, the ratio against that of the first
        year with normal limits of its logarithm.
    """
    people = select_people(data, person_role=person_role, months=None)
    if not len(people):
        return _empty("group_years")
    last, month = people["month"].max(), people["month"]
    since = (last.year - month.dt.year) * 12 + last.month - month.dt.month
    first = (last.year - month.min().year) * 12 + last.month - month.min().month + 1
    years = since // WINDOW_MONTHS
    people = people.assign(year=[last - pd.DateOffset(years=int(n)) for n in years])
    people = people[years < first // WINDOW_MONTHS]
    if not len(people):
        return _empty("group_years")
    counts = count_groups(people, data.population, scheme=scheme, by=["year"])
    table = compare_groups(counts)
    start = table[table["year"] == table["year"].min()].set_index("group")
    ratio = table["rate_ratio"] / table["group"].map(start["rate_ratio"])
    with np.errstate(divide="ignore"):
        error = np.sqrt(sum(1 / part for part in (
            table["people"], table["reference_people"], table["group"].map(start["people"]),
            table["group"].map(start["reference_people"]))))  # fmt: skip
    same = (table["year"] == table["year"].min()) | (table["group"] == "White") | (error == np.inf)
    return _as_result(table.assign(
        ratio_change=ratio.mask(same), change_lower_ci=(ratio * np.exp(-1.96 * error)).mask(same),
        change_upper_ci=(ratio * np.exp(1.96 * error)).mask(same),
    ), people, person_role, "group_years")  # fmt: skip


def compare_boroughs(data: Any, london: pd.DataFrame, *, person_role: str,
                     scheme: str = "self_defined") -> pd.DataFrame:  # fmt: skip
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
        Contract ``borough_ratios``: one row a borough and group with its ratio, ``information``
        (1 / (1/people + 1/reference people)), ``target`` (Mantel-Haenszel), ``lower_95, upper_95,
        lower_998, upper_998`` and ``is_overdispersed`` (limits then include the spread between
        boroughs).

    Notes
    -----
    Limits on the logarithm of the ratio; additive overdispersion after winsorising a tenth
    (Spiegelhalter 2005).
    """
    people = select_people(data, person_role=person_role, people=london)
    people = people[people["borough_code"].notna()]
    if people["borough_code"].nunique() < 3:
        return _empty("borough_ratios")
    counts = count_groups(people, data.population, scheme=scheme, by=["borough_code"])
    targets = add_place_adjusted(counts).set_index("group")["adjusted_ratio"]
    table = compare_groups(counts)
    table = table[(table["group"] != "White") & ~table["is_sensitivity"]].reset_index(drop=True)
    with np.errstate(divide="ignore"):
        info = 1 / (1 / table["people"] + 1 / table["reference_people"])
    table = table.assign(information=info, target=table["group"].map(targets))
    spread = table.groupby("group", sort=False)[["rate_ratio", "target", "information"]].apply(
        lambda part: pd.Series(_overdispersion(part), index=["tau_squared", "phi"])
    )
    error = np.sqrt(1 / info.where(info > 0) + table["group"].map(spread["tau_squared"]))
    limits = {
        f"{side}_{level}": table["target"] * np.exp(sign * z * error)
        for level, z in ((95, 1.959964), (998, 3.090232))
        for side, sign in (("lower", -1), ("upper", 1))
    }
    return _as_result(table.assign(
        **limits, is_overdispersed=table["group"].map(spread["tau_squared"]) > 0,
        is_this_borough=table["borough_code"] == data.borough_code,
    ), people, person_role, "borough_ratios")  # fmt: skip


def _overdispersion(part: pd.DataFrame) -> tuple[float, float]:
    known = part[(part["information"] > 0) & (part["rate_ratio"] > 0)]
    if len(known) < 3:
        return 0.0, float("nan")
    weight = known["information"].to_numpy(float)
    z = np.log((known["rate_ratio"] / known["target"]).to_numpy(float)) * np.sqrt(weight)
    low, high = np.quantile(z, [0.1, 0.9])
    z = np.clip(z, low, high)
    phi, size = float((z**2).mean()), len(z)
    if chdtrc(size, size * phi) >= 0.05:
        return 0.0, phi
    scale = weight.sum() - (weight**2).sum() / weight.sum()
    return max((size * phi - (size - 1)) / scale, 0.0), phi


def read_ratio(
    data: Any, london: pd.DataFrame | None = None, *, person_role: str = "searched",
    scheme: str = "self_defined",
) -> pd.DataFrame:  # fmt: skip
    """Show one ratio under other assumptions: the three traps, with this borough's numbers.

    Returns
    -------
    pandas.DataFrame
        Contract ``ratio_readings``: one row a ``reading`` and group. Readings: as recorded; if
        everyone not stated were in the reference group, or in this one; if the group had grown by
        a tenth since the Census; with the ages of the standard population; London as one place;
        London, each borough within itself. The last rows of each trap that lacks its data are
        absent.
    """
    people = select_people(data, person_role=person_role)
    if not len(people):
        return _empty("ratio_readings")
    counts = count_groups(people, data.population, scheme=scheme)
    base = compare_groups(counts).query("not is_sensitivity")
    frames = [
        base.assign(reading="as recorded"),
        base.assign(reading="all not stated in the reference group",
                    reference_people=base["reference_if_outside"]),
        base.assign(reading="all not stated in this group", people=base["people_if_inside"]),
        base.assign(reading="group grown by a tenth", population=base["population"] * GROWTH),
    ]  # fmt: skip
    try:
        bands = count_groups(people, data.population, scheme=scheme, by=["age_group"],
                             breaks=STANDARD_BREAKS)  # fmt: skip
        frames.append(_modelled(compare_standardised(bands), "same ages", "ratio"))
    except SnaError:
        pass  # no ages in common: the reading is absent, the missing shares say why
    if london is not None:
        everyone = select_people(data, person_role=person_role, people=london)
        everyone = everyone[everyone["borough_code"].notna()]
        places = count_groups(everyone, data.population, scheme=scheme, by=["borough_code"])
        table = add_place_adjusted(places[~places["is_sensitivity"]])
        frames += [table.assign(reading="London as one place"),
                   _modelled(table, "London, within boroughs", "adjusted")]  # fmt: skip
    table = pd.concat([frame.dropna(axis=1, how="all") for frame in frames], ignore_index=True)
    table = table[table["group"] != "White"]
    return _as_result(table, people, person_role, "ratio_readings")


def _modelled(table: pd.DataFrame, reading: str, prefix: str) -> pd.DataFrame:
    """Turn a modelled ratio into a reading: no counts to recompute it from."""
    value = "rate_ratio" if prefix == "ratio" else "adjusted_ratio"
    return pd.DataFrame({
        "reading": reading, "group": table["group"], "people": table["people"],
        "population": table["population"], "modelled_ratio": table[value],
        "modelled_lower_ci": table[f"{prefix}_lower_ci"],
        "modelled_upper_ci": table[f"{prefix}_upper_ci"],
    })  # fmt: skip


def missing_facts(data: Any, *, person_role: str) -> pd.DataFrame:
    """Count by month what is not recorded about people in one role (`missing_by_month`)."""
    people = select_people(data, person_role=person_role, months=24)
    if not len(people):
        return _empty("missing_facts")
    return _as_result(missing_by_month(people), people, person_role, "missing_facts")
