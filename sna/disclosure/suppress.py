"""Primary suppression: small counts, few people, dominance, group disclosure; then rounding."""

import re

import pandas as pd

from sna.disclosure.rules import PERSON, TOTAL, UNKNOWN, Row, matches
from sna.schemas.results import ResultTable

TOP_TWO_SHARE = 0.9  # two contributors above this share dominate a count


def small_cells(
    table: pd.DataFrame, contract: ResultTable, rows: Row, *, dominance: bool = True
) -> dict[str, dict[str, pd.Series]]:
    """Find the cells to suppress: count column -> rule -> boolean by row.

    The threshold is tested on events and, where the contract names a column of distinct people,
    on people too: six events of one person are one person.
    """
    found: dict[str, dict[str, pd.Series]] = {}
    for name in contract.counts:
        events = table[name].astype("float64")
        cells = {"threshold": (events > 0) & (events < rows.threshold)}
        if name in contract.people_columns:
            people = table[contract.people_columns[name]].astype("float64")
            cells["people"] = (people > 0) & (people < rows.threshold)
        if dominance and name in contract.top_two_columns:
            top = table[contract.top_two_columns[name]].astype("float64")
            cells["dominance"] = (
                (top > TOP_TWO_SHARE * events) & (events > 0) & rows.threshold.gt(0)
            )
        found[name] = cells
    return found


def group_cells(table: pd.DataFrame, contract: ResultTable, rows: Row) -> dict[str, pd.Series]:
    """Find the splits that disclose a group: count column -> boolean by row.

    Where all people of a group fall in one category of a personal attribute, or the group is
    below the threshold, every category of the split is suppressed, zeros too.
    """
    return {name: _groups(table, contract, rows, name) for name in contract.counts}


def _groups(table: pd.DataFrame, contract: ResultTable, rows: Row, name: str) -> pd.Series:
    hit = pd.Series(False, index=table.index)
    for key in contract.keys:
        if not re.search(PERSON, key) or key.endswith("_scheme"):
            continue
        part = table[key].notna() & ~matches(table[key], TOTAL) & rows.threshold.gt(0)
        others = [other for other in contract.keys if other != key]
        cells = pd.DataFrame({
            "value": table[name].astype("float64"),
            "some": table[name].gt(0),
            "known": table[name].gt(0) & ~matches(table[key], UNKNOWN),
            "threshold": rows.threshold,
        })[part]  # fmt: skip
        by = [table.loc[part, other] for other in others] or [pd.Series(0, index=cells.index)]
        groups = cells.groupby(by, dropna=False, observed=True, sort=False)
        total, lowest = groups["value"].transform("sum"), groups["threshold"].transform("min")
        one = groups["some"].transform("sum").eq(1) & groups["known"].transform("any")
        split = groups["value"].transform("size").gt(1)
        hit.loc[cells.index] |= split & (total > 0) & (one | (total < lowest))
    return hit


def round_counts(values: pd.Series, *, base: int, threshold: pd.Series) -> pd.Series:
    """Round to the nearest multiple of `base`, halves up; 0 stays 0, others reach the threshold.

    Examples
    --------
    >>> five = pd.Series([5, 5, 5])
    >>> round_counts(pd.Series([0, 7, 8]), base=5, threshold=five).tolist()
    [0.0, 5.0, 10.0]
    """
    near = (values.astype("float64") / base + 0.5).floordiv(1) * base
    least = -(-threshold // base) * base
    return near.where(values.eq(0) | (near >= threshold), least).where(values.notna())


def count_contributors(
    events: pd.DataFrame, *, by: list[str], person: str = "person_id"
) -> pd.DataFrame:
    """Count events, distinct people and the events of the two busiest people.

    Parameters
    ----------
    events
        One row an event and person, with the columns of `by` and the identifier `person`; a
        missing identifier counts as a person of its own.
    by
        Columns that define a cell.
    person
        Column with the identifier.

    Returns
    -------
    pandas.DataFrame
        One row a cell: `by`, ``events``, ``people`` and ``top_two``.
    """
    known = events[person].astype("object")
    alone = pd.Series([f"\0{i}" for i in range(len(events))], index=events.index, dtype="object")
    each = (
        events.assign(_person=known.where(known.notna(), alone))
        .groupby([*by, "_person"], dropna=False, observed=True)
        .size()
        .rename("events")
        .reset_index()
        .sort_values("events", ascending=False, kind="stable")
    )
    cells = each.groupby(by, dropna=False, observed=True)["events"]
    top = each[cells.cumcount() < 2].groupby(by, dropna=False, observed=True)["events"].sum()
    counted = pd.DataFrame({"events": cells.sum(), "people": cells.size(), "top_two": top})
    return counted.reset_index()
