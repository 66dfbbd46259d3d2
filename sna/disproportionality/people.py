"""People of one role: who is selected, and how a table about them leaves as a result."""

from typing import Any

import numpy as np
import pandas as pd

from sna.classify.inputs import is_among
from sna.definitions.views import words_of
from sna.disclosure.control import withheld_cells
from sna.disclosure.suppress import as_published
from sna.disproportionality.groups import choose_population
from sna.errors import CoverageError, UsageError
from sna.schemas.results import result_table
from sna.schemas.store_tables import RELEASE_CLASSES, is_core
from sna.settings import Settings

WINDOW_MONTHS = 12
ROLES = words_of("people")["roles"]
MARKS = result_table("group_comparison").beside


def select_people(
    data: Any,
    *,
    person_role: str,
    months: int | None = WINDOW_MONTHS,
    people: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Select people of one role over the year that ends with the last month the role has.

    Victims and suspects are those of core offences; encounters (searched, detained, proceeded
    against) are not tied to recorded offences. ``months`` None takes every month; ``people`` (of
    all boroughs, by `sna.load_people`) stands in for the borough's own.
    """
    if person_role not in ROLES:
        raise UsageError("Unknown role.", found=person_role, do=f"Use {', '.join(ROLES)}.")
    if months is not None and months < 1:
        raise UsageError("A window holds one month or more.", found=months, do="None: every month.")
    rows = data.people if people is None else people
    rows = rows[(rows["person_role"] == person_role) & (rows["month"] <= data.end_month)]
    if person_role in ("victim", "suspect") and people is None:
        core = data.offences.loc[is_core(data.offences), "offence_id"]
        rows = rows[is_among(rows["offence_id"], core)]
    if people is not None:
        rows = rows[rows["borough_code"].notna()]
    if months and len(rows):
        rows = rows[rows["month"] > rows["month"].max() - pd.DateOffset(months=months)]
    return rows


def as_result(
    table: pd.DataFrame, people: pd.DataFrame, role: str, contract: str = "group_comparison"
) -> pd.DataFrame:
    """Add what disclosure and readers need; a stratum that is not split reads ``all``."""
    shape = result_table(contract)
    table = table.rename(columns={"group": table.get("dimension", pd.Series("ethnic_group"))[0]})
    if "population_year" in table:
        table = table.astype({"population_year": str})  # a name, not a number
    classes = set(people["release_class"].astype(str))
    values = [*shape.counts, *shape.plain, *(estimate.column for estimate in shape.estimates)]
    values += [*shape.people_columns.values(), *shape.top_two_columns.values()]
    blanks: dict[str, Any] = dict.fromkeys(values, np.nan) | dict.fromkeys(shape.keys, "all")
    blanks |= {name: False for name in shape.plain if name.startswith("is_")}
    blanks |= {"month": pd.NaT} if "month" in shape.keys else {}
    blanks = {name: value for name, value in blanks.items() if name not in table}
    return table.assign(
        **blanks
        | {
            "person_role": role,
            "source": "+".join(sorted(set(people["source"].astype(str)))),
            "release_class": max(classes, key=RELEASE_CLASSES.index, default="open"),
            "start_month": people["month"].min(),
            "end_month": people["month"].max(),
        }
    )


def no_result(
    data: Any, people: pd.DataFrame, role: str, contract: str = "group_comparison"
) -> pd.DataFrame:
    """Return no rows; where there are no people at all, ``attrs`` hold the reason for readers."""
    table, named = as_result(pd.DataFrame(), people.iloc[:0], role, contract), ROLES[role]
    who, held = named["people"], {str(file["layout"]) for file in data.inputs}
    if people.empty and held & set(named["layouts"]):
        table.attrs["absent"] = f"None recorded: no {who} in {data.borough_name} in the files."
    elif people.empty:
        table.attrs["absent"] = f"No file about {who} was supplied for {data.borough_name}."
    return table


def as_shown(counts: pd.DataFrame, people: pd.DataFrame, data: Any) -> pd.DataFrame:
    """Return counts as the edition publishes them, for what could be turned back into them."""
    made = as_result(pd.DataFrame({"people": [0]}), people, "")
    classed = {name: str(made[name].iloc[0]) for name in ("release_class", "source")}
    names = [n for n in ("people", "missing_people", "at_risk", "again") if n in counts]
    shown = {name: as_published(counts[name], data, **classed) for name in names}
    return counts.assign(**shown)


def mark_withheld(table: pd.DataFrame, people: pd.DataFrame, role: str, data: Any) -> pd.DataFrame:
    """Say which counts of a comparison of groups are withheld, for other tables of these people."""
    gone = withheld_cells(as_result(table, people, role), contract="group_comparison", data=data)
    return table.assign(**{to: gone[name] for name, to in MARKS.items()})


def is_shown_exact(people: pd.DataFrame, data: Any) -> bool:
    """Say whether the edition shows true counts of these people."""
    return bool(as_shown(pd.DataFrame({"people": [1.0]}), people, data)["people"].eq(1).all())


def least_shown(data: Any) -> int:
    """Return the smallest count that the public edition shows."""
    settings = getattr(data, "settings", None) or Settings()
    return settings.disclosure.thresholds.standard


def can_compare(people: pd.DataFrame, population: pd.DataFrame, *splits: str) -> bool:
    """Say whether there are people, and published residents of their boroughs by these splits."""
    needs = [name for name in splits if name in ("ethnic_group", "sex", "age_group")]
    try:
        residents = choose_population(population, needs=needs)
    except CoverageError:
        return False
    held = people["borough_code"].dropna().isin(residents["area_code"])
    return len(people) > 0 and bool(held.all())
