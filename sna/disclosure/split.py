"""People split by group, with those not stated: no total of any table gives a small group away.

Tables of the same people (by sex, age, stage, place or borough) bound their number together. So it
counts as known exactly here, and what one of them withholds the others withhold too.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from sna.disclosure.derive import is_reference
from sna.disclosure.rules import person_keys
from sna.disclosure.secondary import secondary_cells
from sna.schemas.results import ResultTable

_LINES = ResultTable("lines", "a cell", ("line", "category"), ("people",), told=("category",))
Columns = dict[str, pd.Series]


def split_cells(
    hidden: Columns, true: pd.DataFrame, shape: ResultTable, rows: pd.DataFrame, base: int
) -> Columns:
    """Return `hidden` and what else to hide of a split: groups, those not stated, the reference.

    A line of groups and those not stated is audited beside its exact total; where sex and age cut
    the table too, a line is one group over all of them. Beside a hidden reference group no ratio
    is shown: it would tell the group.
    """
    if not shape.split or not rows["rounded"].any():
        return hidden
    count, rest, reference = (shape.split[name] for name in ("count", "rest", "reference"))
    stratum, lines, own = _lines(true, shape)
    gone = {name: hidden[name].groupby(stratum).transform("any") for name in (rest, reference)}
    whole = own.groupby(stratum).transform("any") & ~true["is_sensitivity"].astype(bool)
    cells = pd.DataFrame({"value": true[count], "gone": hidden[count], "line": lines[0]})[whole]
    others = pd.DataFrame({"value": true[rest], "gone": gone[rest], "line": lines[1]})[own]
    both = pd.concat([cells.join(rows), others.join(rows)])
    both = both.assign(category=np.arange(len(both)).astype(str), row=both.index)
    both = both[both["value"].notna()].reset_index(drop=True)
    value = both["value"].astype("float64")
    held = both[secondary_cells(value, both["gone"], both, _LINES, both, base)]
    is_cell = held["category"].astype("int64") < len(cells)
    found = hidden[count] | true.index.isin(held.loc[is_cell, "row"])
    found |= true["is_sensitivity"].astype(bool) & found.groupby(stratum).transform("any")
    lost = {rest: stratum[held.loc[~is_cell, "row"]], reference: stratum[found & own]}
    made = {name: gone[name] | stratum.isin(where) for name, where in lost.items()}
    return hidden | {count: found} | made


def split_totals(
    counts: Mapping[str, pd.Series], true: pd.DataFrame, shape: ResultTable, rows: pd.DataFrame
) -> Columns:
    """Return the totals of a split, added from what is shown; a hidden group is half a threshold.

    Of three rounded numbers (groups, those not stated, all) two told the third too closely.
    Missing where no group is shown; only for strata that hold their reference group.
    """
    if not shape.split or not rows["rounded"].any():
        return {}
    shown, (stratum, _, own) = counts[shape.split["count"]], _lines(true, shape)
    near = shown.fillna(rows["threshold"] // 2).mask(true["is_sensitivity"].astype(bool), 0)
    known = near.groupby(stratum).transform("sum")
    known = known.where(shown.notna().groupby(stratum).transform("any"))
    made = {"known": known, "all": known + counts[shape.split["rest"]]}
    kept = rows["rounded"] & own.groupby(stratum).transform("any")
    return {shape.split[name]: total[kept] for name, total in made.items()}


def _lines(
    true: pd.DataFrame, shape: ResultTable
) -> tuple[pd.Series, tuple[pd.Series, pd.Series], pd.Series]:
    """Return stratum and lines (of a group, of those not stated) by row, and reference rows."""
    own = pd.Series(is_reference(true), index=true.index)
    people = person_keys(shape)
    axis = next((key for key in people if true[key].eq(true["reference_group"]).any()), people[-1])
    cut = [key for key in people if key != axis and len(true[key].unique()) > 1]

    def number(*without: str) -> pd.Series:
        keys = [key for key in shape.keys if key not in without]
        return true.groupby(keys, dropna=False, observed=True).ngroup()

    stratum, group = number(axis), number(*cut)
    if not cut:
        return stratum, (stratum, stratum), own
    return stratum, (group, number(axis, *cut) + int(group.max()) + 1), own
