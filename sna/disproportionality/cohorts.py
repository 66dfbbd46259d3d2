"""Follow people through the records: repeats, recurrence, overlap, ages, first entries."""

import numpy as np
import pandas as pd

from sna import rates
from sna.errors import TableError

MOST_REPEATS = 5  # five or more events share a row


def _identified(people: pd.DataFrame) -> pd.DataFrame:
    rows = people[people["person_id"].notna()]
    if len(rows) and (rows["people"] != 1).any():
        raise TableError(
            "Cohorts need one row a person and event.",
            where="table people",
            found=rows.loc[rows["people"] != 1, "people"].unique(),
            do="Leave published counts out; they name no people.",
        )
    return rows.drop_duplicates(["person_id", "offence_id", "person_role"])


def count_repeats(people: pd.DataFrame) -> pd.DataFrame:
    """Count people by how many offences they were in, and the share of all those events.

    Only records with an identifier can repeat, and a person under two identifiers counts twice:
    repeats are a lower bound.

    Returns
    -------
    pandas.DataFrame
        One row a number of ``events`` (1 … 5+): ``people, offences, all_people, all_offences,
        share_people, share_offences``; offences counts pairs of person and offence.
    """
    events = _identified(people).groupby("person_id", observed=True).size()
    label, order = events.clip(upper=MOST_REPEATS), range(1, MOST_REPEATS + 1)
    number = label.value_counts().reindex(order, fill_value=0).to_numpy()
    pairs = events.groupby(label).sum().reindex(order, fill_value=0).to_numpy()
    return pd.DataFrame({
        "events": [*map(str, order[:-1]), f"{MOST_REPEATS}+"],
        "people": number, "offences": pairs, "all_people": number.sum(),
        "all_offences": pairs.sum(), "share_people": number / (number.sum() or np.nan),
        "share_offences": pairs / (pairs.sum() or np.nan),
    })  # fmt: skip


def recurrence_curve(
    people: pd.DataFrame, *, end_month: pd.Timestamp, months: int = 12
) -> pd.DataFrame:
    """Share of people recorded again within a year of their first record (Kaplan-Meier).

    People whose year is not over when the data end are followed as far as it goes. A move away or
    an event that nobody recorded looks like no recurrence.

    Parameters
    ----------
    people
        One row a person and offence of one role, with ``person_id, offence_id, month``.
    end_month, months
        Last month of the data; how far to follow.

    Returns
    -------
    pandas.DataFrame
        One row a month since the first record, 0 … ``months``: ``months_since, at_risk, again``
        (people), ``share_again, lower_ci, upper_ci`` (log-log limits).
    """
    from statsmodels.duration.survfunc import SurvfuncRight  # heavy

    rows = _identified(people).sort_values("month", kind="stable")
    rows = rows.assign(at=rows["month"].dt.year * 12 + rows["month"].dt.month)
    order = rows.groupby("person_id", observed=True).cumcount()
    first = rows[order == 0].set_index("person_id")["at"]
    gap = rows[order == 1].set_index("person_id")["at"].reindex(first.index) - first
    follow = end_month.year * 12 + end_month.month - first
    again = (gap <= months).to_numpy()
    time = np.where(again, gap, np.minimum(follow, months)).astype(float)
    steps = np.arange(months + 1)
    share, low, high = (np.full(months + 1, np.nan) for _ in range(3))
    if len(time):
        curve = SurvfuncRight(
            time + 0.5, again.astype(int)
        )  # half a month: a repeat at once counts
        at = np.searchsorted(curve.surv_times, steps + 0.5, side="right")
        left = np.r_[1.0, curve.surv_prob][at]
        kept = np.where((left > 0) & (left < 1), left, np.nan)
        with np.errstate(invalid="ignore"):
            reach = 1.96 * np.r_[0.0, curve.surv_prob_se][at] / (kept * np.log(kept))
        share, low, high = 1 - left, 1 - kept ** np.exp(reach), 1 - kept ** np.exp(-reach)
    return pd.DataFrame({
        "months_since": steps, "at_risk": [int((time >= m).sum()) for m in steps],
        "again": [int((again & (time <= m)).sum()) for m in steps], "share_again": share,
        "lower_ci": np.minimum(low, high), "upper_ci": np.maximum(low, high),
    })  # fmt: skip


def count_overlap(people: pd.DataFrame) -> pd.DataFrame:
    """Count people who appear as victim only, suspect only, and as both (in any offence).

    Being in both roles says nothing about which came first, or about blame.
    """
    rows = _identified(people)
    roles = [
        set(rows.loc[rows["person_role"] == role, "person_id"]) for role in ("victim", "suspect")
    ]
    sizes = [len(roles[0] - roles[1]), len(roles[1] - roles[0]), len(roles[0] & roles[1])]
    names = ["victim only", "suspect only", "victim and suspect"]
    return pd.DataFrame({"overlap": names, "people": sizes, "all_people": sum(sizes)})


def age_curve(people: pd.DataFrame, population: pd.DataFrame, *, per: int = 1000) -> pd.DataFrame:
    """Rate of people in a role by single year of age; people without one are not counted.

    Parameters
    ----------
    people, population
        Rows with ``age`` (years) and ``people``; one row a single ``age`` with ``population``.

    Returns
    -------
    pandas.DataFrame
        One row an age with residents: ``age, people, population, rate, lower_ci, upper_ci, per``.
    """
    known = people[people["age"].notna()]
    table = population[population["population"] > 0]
    counts = known.groupby(np.floor(known["age"]).clip(upper=table["age"].max()))["people"].sum()
    table = table.assign(offences=table["age"].map(counts).fillna(0).astype("int64"))
    return rates.add_rate(table, per=per).rename(columns={"offences": "people"})


def first_entrants(
    people: pd.DataFrame, *, start_month: pd.Timestamp, lookback_months: int = 24
) -> pd.DataFrame:
    """Count people by financial year of their first record, after a look-back with none.

    First in *these* records: earlier records, other boroughs and forces are not seen.

    Returns
    -------
    pandas.DataFrame
        One row a ``financial_year`` after the look-back: ``first_people, all_people``.
    """
    rows = _identified(people)
    first = rows["person_id"].map(rows.groupby("person_id", observed=True)["month"].min())
    entry = rows["month"] == first.astype(rows["month"].dtype)
    seen = rows["month"] >= start_month + pd.DateOffset(months=lookback_months)
    year = (rows["month"].dt.year - (rows["month"].dt.month < 4)).rename("year")
    counts = {"first_people": rows[seen & entry], "all_people": rows[seen]}
    table = pd.DataFrame({n: r.groupby(year)["person_id"].nunique() for n, r in counts.items()})
    names = [f"{y}/{(y + 1) % 100:02d}" for y in table.index]
    return table.fillna(0).astype("int64").assign(financial_year=names).reset_index(drop=True)
