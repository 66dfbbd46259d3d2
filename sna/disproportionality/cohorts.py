"""Follow people through the records: repeats, recurrence, overlap, ages, first entries."""

import numpy as np
import pandas as pd

from sna import rates
from sna.errors import TableError

MOST_REPEATS = 5  # five or more events share a row


def _identified(people: pd.DataFrame) -> pd.DataFrame:
    rows = people[people["person_id"].notna()]
    if (rows["people"] != 1).any():
        raise TableError(
            "Cohorts need one row a person and event.",
            where="table people",
            found=rows.loc[rows["people"] != 1, "people"].unique(),
            do="Leave published counts out; they name no people.",
        )
    return rows.drop_duplicates(["person_id", "offence_id", "person_role"])


def count_distinct(events: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    """Return, by stratum, how many different people events have, and those of the two with most.

    Empty where a record has no identifier: there the number of events has to stand for people.
    """
    made = events.groupby(by, observed=True)[["people"]].sum()
    known = events["person_id"].notna().groupby([events[n] for n in by], observed=True).all()
    each = events.groupby([*by, "person_id"], observed=True)["people"].sum()
    most = each.sort_values(ascending=False).groupby(by, observed=True).head(2)
    parts = {"distinct_people": each.groupby(by, observed=True).size()}
    parts["top_two"] = most.groupby(by, observed=True).sum()
    return made.assign(**{name: part.where(known) for name, part in parts.items()})


def count_repeats(people: pd.DataFrame) -> pd.DataFrame:
    """Count people by their number of offences (``events`` 1 … 5+), and the offences these make.

    Only records with an identifier can repeat, so repeats are a lower bound (A-57).
    """
    events = _identified(people).groupby("person_id", observed=True).size()
    label = events.clip(upper=MOST_REPEATS)
    most = events.sort_values(ascending=False).groupby(label).head(2).groupby(label).sum()
    parts = {"people": label.value_counts(), "offences": events.groupby(label).sum()}
    table = pd.DataFrame(parts | {"top_two": most})
    table = table.reindex(range(1, MOST_REPEATS + 1), fill_value=0).fillna(0).astype("int64")
    names = table.index.astype(str) + np.where(table.index == MOST_REPEATS, "+", "")
    total = table.sum()
    return table.assign(
        events=names,
        all_people=total["people"],
        all_offences=total["offences"],
        share_people=table["people"] / (total["people"] or np.nan),
        share_offences=table["offences"] / (total["offences"] or np.nan),
    ).reset_index(drop=True)


def recurrence_curve(
    people: pd.DataFrame, *, end_month: pd.Timestamp, months: int = 12
) -> pd.DataFrame:
    """Share of people recorded again within a year of their first record (Kaplan-Meier).

    People whose year is not over when the data end (``end_month``) are followed as far as it goes.
    One row a month, 0 … ``months``: ``months_since, at_risk, again`` (people), ``share_again`` with
    log-log limits. ``people`` are of one role, one row a person and offence.
    """
    rows = _identified(people).sort_values("month", kind="stable")
    rows = rows.assign(at=rows["month"].dt.year * 12 + rows["month"].dt.month)
    order = rows.groupby("person_id", observed=True).cumcount()
    first = rows[order == 0].set_index("person_id")["at"]
    gap = rows[order == 1].set_index("person_id")["at"].reindex(first.index) - first
    again = (gap <= months).to_numpy()
    follow = np.minimum(end_month.year * 12 + end_month.month - first, months)
    time, steps = np.where(again, gap, follow).astype(float), np.arange(months + 1)
    table = pd.DataFrame(
        {
            "months_since": steps,
            "at_risk": (time >= steps[:, None]).sum(axis=1),
            "again": (again & (time <= steps[:, None])).sum(axis=1),
        }
    )
    return table.assign(**share_again(table))


def share_again(curve: pd.DataFrame) -> dict[str, "pd.Series[float]"]:
    """Return the Kaplan-Meier share of a recurrence curve with Greenwood's log-log limits.

    >>> two = pd.DataFrame({"at_risk": [10, 8], "again": [1, 3]})
    >>> share_again(two)["share_again"].round(3).tolist()
    [0.1, 0.325]
    """
    risk = curve["at_risk"].where(curve["at_risk"] > 0).astype(float)
    new = curve["again"].diff().fillna(curve["again"])
    left = (1 - (new / risk).clip(upper=1)).cumprod()
    spread = np.sqrt((new / (risk * (risk - new).where(risk > new))).cumsum())
    kept = left.where((left > 0) & (left < 1))
    reach = 1.96 * spread / np.log(kept)  # below zero
    limits = {"lower_ci": 1 - kept ** np.exp(reach), "upper_ci": 1 - kept ** np.exp(-reach)}
    return {"share_again": 1 - left, **limits}


def count_overlap(people: pd.DataFrame) -> pd.DataFrame:
    """Count people who appear as victim only, suspect only, and as both (in any offence).

    Being in both roles says nothing about which came first, or about blame.
    """
    rows = _identified(people)
    victim, suspect = (
        set(rows.loc[rows["person_role"] == role, "person_id"]) for role in ("victim", "suspect")
    )
    parts = {
        "victim only": victim - suspect,
        "suspect only": suspect - victim,
        "victim and suspect": victim & suspect,
    }
    table = pd.DataFrame({"overlap": list(parts), "people": [len(part) for part in parts.values()]})
    return table.assign(all_people=table["people"].sum())


def age_curve(people: pd.DataFrame, population: pd.DataFrame, *, per: int = 1000) -> pd.DataFrame:
    """Rate of people by single year of ``age``; people without one are not counted.

    ``population`` has one row a single year; the last one is open.
    """
    known = people[people["age"].notna()]
    table = population[population["population"] > 0]
    counts = known.groupby(np.floor(known["age"]).clip(upper=table["age"].max()))["people"].sum()
    table = table.assign(offences=table["age"].map(counts).fillna(0).astype("int64"))
    return rates.add_rate(table, per=per).rename(columns={"offences": "people"})


def first_entrants(
    people: pd.DataFrame, *, start_month: pd.Timestamp, lookback_months: int = 24
) -> pd.DataFrame:
    """Count ``first_people`` of ``all_people`` by financial year, after a look-back with none.

    First in *these* records: earlier records, other boroughs and forces are not seen.
    """
    rows = _identified(people)
    month = rows["month"]
    entry = month == rows.groupby("person_id", observed=True)["month"].transform("min")
    seen = month >= start_month + pd.DateOffset(months=lookback_months)
    year = (month.dt.year - (month.dt.month < 4)).rename("year")
    counts = {"first_people": rows[seen & entry], "all_people": rows[seen]}
    table = pd.DataFrame({n: r.groupby(year)["person_id"].nunique() for n, r in counts.items()})
    names = [f"{y}/{(y + 1) % 100:02d}" for y in table.index]
    return table.fillna(0).astype("int64").assign(financial_year=names).reset_index(drop=True)
