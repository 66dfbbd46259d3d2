"""People followed through the records, as tables that leave no equation for a small number."""

from typing import Any

import pandas as pd

from sna.disclosure.control import withheld_cells
from sna.disproportionality import cohorts
from sna.disproportionality.people import (
    as_result,
    as_shown,
    is_shown_exact,
    least_shown,
    no_result,
    select_people,
)


def follow_people(data: Any, *, person_role: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Follow identified people of a role: cohort counts, and recurrence within twelve months.

    Contracts ``cohort_counts`` (repeats, overlap of roles, first entries) and ``recurrence``; no
    rows where records carry no identifier.
    """
    people = select_people(data, person_role=person_role, months=None)
    known = people[people["person_id"].notna()]
    if not len(known):
        names = ("cohort_counts", "recurrence")
        counts, curve = (no_result(data, people, person_role, name) for name in names)
        return counts, curve
    other = "suspect" if person_role == "victim" else "victim"
    both = pd.concat([known, select_people(data, person_role=other, months=None)])
    entries = cohorts.first_entrants(known, start_month=people["month"].min())
    entries = entries.rename(columns={"financial_year": "category", "first_people": "people"})
    repeats, roles = cohorts.count_repeats(known), cohorts.count_overlap(both)
    repeats, roles = _show_repeats(repeats, known, data), _show_overlap(roles, both, data)
    frames = {
        "offences per person": repeats.rename(columns={"events": "category"}),
        "roles": roles.rename(columns={"overlap": "category"}),
        "first records": entries,
    }
    counts = pd.concat([t.assign(cohort=name) for name, t in frames.items()], ignore_index=True)
    curve = cohorts.recurrence_curve(known, end_month=people["month"].max())
    curve = _show_followed(curve, known, data)
    return (
        _hide_sums(as_result(counts, people, person_role, "cohort_counts"), data),
        as_result(curve, people, person_role, "recurrence"),
    )


def _hide_sums(counts: pd.DataFrame, data: Any) -> pd.DataFrame:
    """Return cohorts without a sum of offences that tells people withheld to protect others.

    Small numbers of people stand in it as half a threshold each, so it says nothing of them.
    """
    gone = withheld_cells(counts, contract="cohort_counts", data=data)["offences"]
    gone &= ~counts["people"].between(1, least_shown(data) - 1)
    told = gone.groupby(counts["cohort"]).transform("any")
    return counts.assign(all_offences=counts["all_offences"].mask(told))


def _show_repeats(table: pd.DataFrame, people: pd.DataFrame, data: Any) -> pd.DataFrame:
    """Return repeats with the offences that the published people make, and the sum of these."""
    if is_shown_exact(people, data):
        return table
    shown, times = as_shown(table, people, data), pd.Series(range(1, cohorts.MOST_REPEATS + 1))
    most = as_shown(table.assign(people=table["offences"]), people, data)["people"]
    is_open = times.eq(cohorts.MOST_REPEATS) & table["people"].ge(least_shown(data))
    offences = (times * shown["people"]).mask(is_open, most)
    return table.assign(offences=offences, all_offences=offences.sum())


def _show_followed(curve: pd.DataFrame, people: pd.DataFrame, data: Any) -> pd.DataFrame:
    """Return people still followed as what the published leave of all, and the share of these.

    Rounded by themselves they told a small number of people again, beside first records.
    """
    risk, least = curve["at_risk"], least_shown(data)
    if not is_shown_exact(people, data):
        before = curve["again"].shift(fill_value=0)
        counts = {"again": before, "people": risk.iloc[0] - before - risk, "at_risk": risk.iloc[0]}
        shown = as_shown(pd.DataFrame(counts), people, data)
        shown = shown.where(shown.ge(least), 0)
        left = (shown["at_risk"] - shown["again"] - shown["people"]).clip(lower=least)
        curve = curve.assign(at_risk=left.where(risk.ge(least), risk))
    return curve.assign(**cohorts.share_again(as_shown(curve, people, data)))


def _show_overlap(table: pd.DataFrame, people: pd.DataFrame, data: Any) -> pd.DataFrame:
    """Return the overlap of roles as what the published people in both leave of those in each.

    Rounded by themselves, the people of each role, those in both and their sum are equations that
    told a small number in both exactly. Small numbers stay, to be withheld.
    """
    if is_shown_exact(people, data):
        return table
    one, two, both = table["people"]
    known = as_shown(pd.DataFrame({"people": [one + both, two + both, both]}), people, data)
    one_shown, two_shown, both_shown = known["people"]
    least = least_shown(data)
    rest = pd.Series([one_shown - both_shown, two_shown - both_shown, both]).clip(lower=least)
    made = table.assign(people=rest.where(table["people"].ge(least), table["people"]))
    return made.assign(all_people=as_shown(made, people, data)["people"].sum())
