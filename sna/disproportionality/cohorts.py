"""Follow people through the records: repeats, recurrence, overlap, ages, first entries."""

import numpy as np
import pandas as pd

from sna import rates
from sna.errors import TableError

MOST_REPEATS = 5  # five or more events share a row


def _identified(people: pd.DataFrame) -> pd.DataFrame:
    rows = people[people["person_id"].notna()] if "person_id" in people else people.iloc[:0]
    if len(rows) and (rows["people"] != 1).any():
        raise TableError("Cohorts need one row a person and event.", where="people",
                         found=rows.loc[rows["people"] != 1, "people"].unique(),
                         do="Leave published counts out; they name no people.")  # fmt: skip
    return rows.drop_duplicates(["person_id", "offence_id"])


def count_repeats(people: pd.DataFrame) -> pd.DataFrame:
    """Count people by how many separate offences they were in, and the events these make up.

    Only records with an identifier can repeat; a person under two identifiers counts twice, so
    repeats are a lower bound.

    Returns
    -------
    pandas.DataFrame
        One row a number of ``events`` (1 … 5+): ``people, offences`` (person-offence pairs),
        ``all_people, all_offences, share_people, share_offences``.
    """
    rows = _identified(people)
    events = rows.groupby("person_id", observed=True).size().clip(lower=1)
    label = events.clip(upper=MOST_REPEATS)
    order = range(1, MOST_REPEATS + 1)
    table = pd.DataFrame({
        "people": label.value_counts().reindex(order, fill_value=0),
        "offences": events.groupby(label).sum().reindex(order, fill_value=0),
    })  # fmt: skip
    names = [f"{number}+" if number == MOST_REPEATS else str(number) for number in order]
    total, pairs = int(table["people"].sum()), int(table["offences"].sum())
    return table.reset_index(drop=True).assign(
        events=names, all_people=total, all_offences=pairs,
        share_people=table["people"].to_numpy() / (total or np.nan),
        share_offences=table["offences"].to_numpy() / (pairs or np.nan),
    )  # fmt: skip


def recurrence_curve(
    people: pd.DataFrame, *, end_month: pd.Timestamp, months: int = 12
) -> pd.DataFrame:
    """Share of people recorded again within a year of their first record (Kaplan-Meier).

    People whose year is not over when the data end are followed as far as it goes (censored). A
    move out of London or an unrecorded event looks like no recurrence.

    Parameters
    ----------
    people
        One row a person and offence of one role, with ``person_id, offence_id, month``.
    end_month
        Last month of the data.
    months
        How far to follow.

    Returns
    -------
    pandas.DataFrame
        One row a month since the first record, 0 … ``months``: ``months_since, at_risk, again``
        (people), ``share_again, lower_ci, upper_ci`` (log-log limits).
    """
    from statsmodels.duration.survfunc import SurvfuncRight  # heavy

    rows = _identified(people).sort_values("month", kind="stable")
    number = rows["month"].dt.year * 12 + rows["month"].dt.month
    order = rows.groupby("person_id", observed=True).cumcount()
    first = pd.Series(number[order == 0].to_numpy(), index=rows.loc[order == 0, "person_id"])
    second = pd.Series(number[order == 1].to_numpy(), index=rows.loc[order == 1, "person_id"])
    gap = second.reindex(first.index) - first
    follow = end_month.year * 12 + end_month.month - first
    again = (gap <= months).to_numpy()
    time = np.where(again, gap, np.minimum(follow, months)).astype(float)
    steps = pd.DataFrame({"months_since": range(months + 1)})
    if not len(time):
        return steps.assign(
            at_risk=0, again=0, share_again=np.nan, lower_ci=np.nan, upper_ci=np.nan
        )
    curve = SurvfuncRight(time + 0.5, again.astype(int))  # half a month: same-month repeats count
    at = np.searchsorted(curve.surv_times, steps["months_since"] + 0.5, side="right") - 1
    share, error = (np.where(at >= 0, values[np.maximum(at, 0)], start) for values, start in
                    ((curve.surv_prob, 1.0), (curve.surv_prob_se, 0.0)))  # fmt: skip
    inside = (share > 0) & (share < 1)
    kept = np.where(inside, share, 0.5)
    reach = 1.96 * error / (kept * np.abs(np.log(kept)))
    low, high = (np.where(inside, kept ** np.exp(sign * reach), np.nan) for sign in (1, -1))
    return steps.assign(
        at_risk=[int((time >= month).sum()) for month in steps["months_since"]],
        again=[int((again & (time <= month)).sum()) for month in steps["months_since"]],
        share_again=1 - share, lower_ci=1 - high, upper_ci=1 - low,
    )  # fmt: skip


def count_overlap(people: pd.DataFrame) -> pd.DataFrame:
    """Count people who appear as victim only, suspect only, and as both (on any offence).

    Being in both roles is common and says nothing about which came first, or about blame.
    """
    rows = _identified(people)
    roles = {role: set(rows.loc[rows["person_role"] == role, "person_id"])
             for role in ("victim", "suspect")}  # fmt: skip
    victim, suspect = roles["victim"], roles["suspect"]
    table = pd.DataFrame({
        "overlap": ["victim only", "suspect only", "victim and suspect"],
        "people": [len(victim - suspect), len(suspect - victim), len(victim & suspect)],
    })  # fmt: skip
    everyone = int(table["people"].sum())
    return table.assign(all_people=everyone, share=table["people"] / (everyone or np.nan))


def age_curve(people: pd.DataFrame, population: pd.DataFrame, *, per: int = 1000,
              oldest: int = 90) -> pd.DataFrame:  # fmt: skip
    """Rate of people in a role by single year of age.

    Parameters
    ----------
    people
        Rows with ``age`` (years) and ``people``; rows without a single year are not counted.
    population
        One row a single ``age`` with ``population``.

    Returns
    -------
    pandas.DataFrame
        One row an age: ``age, people, population, rate, lower_ci, upper_ci, per``.
    """
    known = people[people["age"].notna()]
    counts = known.groupby(np.floor(known["age"]).clip(upper=oldest))["people"].sum()
    table = population[(population["age"] <= oldest) & (population["population"] > 0)]
    table = table.assign(offences=table["age"].map(counts).fillna(0).astype(int))
    return rates.add_rate(table, per=per).rename(columns={"offences": "people"})


def first_entrants(
    people: pd.DataFrame, *, start_month: pd.Timestamp, lookback_months: int = 24
) -> pd.DataFrame:
    """Count suspects by financial year of their first record, after a look-back with none.

    First in *these* records: earlier records, other boroughs and forces are not seen.

    Returns
    -------
    pandas.DataFrame
        One row a ``financial_year`` complete or begun after the look-back: ``first_people``,
        ``all_people`` recorded in the year, ``share``.
    """
    rows = _identified(people)
    first = rows.groupby("person_id", observed=True)["month"].min()
    seen_from = start_month + pd.DateOffset(months=lookback_months)
    rows = rows[rows["month"] >= seen_from].assign(
        year=lambda frame: frame["month"].dt.year - (frame["month"].dt.month < 4)
    )
    entry = rows["month"] == rows["person_id"].map(first).astype(rows["month"].dtype)
    table = pd.DataFrame({
        "first_people": rows[entry].groupby("year")["person_id"].nunique(),
        "all_people": rows.groupby("year")["person_id"].nunique(),
    }).fillna(0).astype("int64").reset_index()  # fmt: skip
    return table.assign(
        financial_year=[f"{year}/{(year + 1) % 100:02d}" for year in table["year"]],
        share=table["first_people"] / table["all_people"],
    ).drop(columns="year")
