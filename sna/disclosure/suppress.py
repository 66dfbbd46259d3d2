"""Primary suppression: small counts, few people, dominance, group disclosure; then rounding."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from sna.disclosure.rules import WORDS, is_total, matches, person_keys
from sna.schemas.results import ResultTable
from sna.settings import Settings

TOP_TWO_SHARE = 0.9  # two contributors above this share dominate a count


def primary_cells(
    table: pd.DataFrame,
    shape: ResultTable,
    rows: pd.DataFrame,
    name: str,
    splits: Sequence["Split"],
) -> dict[str, pd.Series]:
    """Find the cells of one count column to suppress: rule -> boolean by row.

    The threshold is tested on events and, where the contract names a column of distinct people,
    on people too: six events of one person are one person. Homicides are counted openly month by
    month; beside a month with one of them, even the 0 of a part (core, say) would tell whether it
    was that one, so that rounded rows of homicides are hidden whole.
    """
    events, limit = table[name].astype("float64"), rows["threshold"]
    named = pd.DataFrame({key: matches(table[key], WORDS["open_too"]) for key in shape.keys})
    whole = named.any(axis=1) & rows["rounded"] & events.notna()  # the log says no more of them
    cells = {"threshold": (events > 0) & (events < limit) & ~whole, "open": whole}
    if name in shape.people_columns:
        people = table[shape.people_columns[name]].astype("float64")
        cells["people"] = (people > 0) & (people < limit)
    if name in shape.top_two_columns:
        top = table[shape.top_two_columns[name]].astype("float64")
        cells["dominance"] = (top > TOP_TWO_SHARE * events) & (events > 0) & limit.gt(0)
    group = np.zeros(len(table), dtype=bool)
    for split in splits:
        group |= split.tells(events.to_numpy())
    return cells | {"group": pd.Series(group, index=table.index)}


@dataclass(frozen=True)
class Split:
    """The rows of a table that split something by a personal attribute; arrays have one for each.

    ``group`` numbers what is split, ``limit`` is the smallest threshold in it, ``known`` says
    whether the category is one.
    """

    part: np.ndarray
    group: np.ndarray
    limit: np.ndarray
    known: np.ndarray

    def tells(self, events: np.ndarray) -> np.ndarray:
        """Find the splits with all people in one category, or too few people: by row."""
        value, hit = np.nan_to_num(events[self.part]), np.zeros(len(self.part), dtype=bool)
        some = value > 0
        total, size = np.bincount(self.group, value), np.bincount(self.group)
        one = np.bincount(self.group, some) == 1
        known = np.bincount(self.group, some & self.known) > 0
        small = (one & known) | (total < self.limit)
        hit[self.part] = (small & (total > 0) & (size > 1))[self.group]
        return hit


def splits_of(table: pd.DataFrame, shape: ResultTable, limit: pd.Series) -> list[Split]:
    """Return the splits of a table by each key that describes a person."""
    found = []
    for key in person_keys(shape):
        part = (table[key].notna() & ~is_total(table[key]) & limit.gt(0)).to_numpy()
        others = [table.loc[part, other] for other in shape.keys if other != key]
        group = np.zeros(part.sum(), dtype=int)
        if others and part.any():
            keys = table[part].groupby(others, dropna=False, observed=True, sort=False)
            group = keys.ngroup().to_numpy()
        least = np.full(group.max(initial=-1) + 1, np.inf)
        np.minimum.at(least, group, limit.to_numpy()[part])
        known = ~matches(table.loc[part, key], WORDS["unknown"]).to_numpy()
        found.append(Split(part, group, least, known))
    return found


def round_counts(values: pd.Series, *, base: int, threshold: pd.Series) -> pd.Series:
    """Round to the nearest multiple of `base`, halves up; 0 stays 0, others reach the threshold.

    Examples
    --------
    >>> round_counts(pd.Series([0, 7, 8]), base=5, threshold=pd.Series([5, 5, 5])).tolist()
    [0.0, 5.0, 10.0]
    """
    near = (values.astype("float64") / base + 0.5).floordiv(1) * base
    least = -(-threshold // base) * base
    return near.where(values.eq(0) | (near >= threshold), least).where(values.notna())


def as_published(counts: Any, data: Any, *, release_class: str, source: str) -> Any:
    """Return counts as the edition shows them, for estimates that a few counts could be told from.

    A p value to three figures belongs to one pair of counts only; made of these counts it says no
    more than they do. Open counts, and those of a source shared with partners, stay as they are;
    others are rounded, and every small one is half the threshold.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> given = {"release_class": "restricted", "source": "extract"}
    >>> as_published([0, 1, 4, 7, 13], SimpleNamespace(edition="public"), **given).tolist()
    [0.0, 2.0, 2.0, 5.0, 15.0]
    """
    settings = getattr(data, "settings", None) or Settings()
    values = pd.Series(np.ravel(np.asarray(counts, dtype=float)))
    if not is_exact(data, release_class, source):
        least, base = settings.disclosure.thresholds.standard, settings.disclosure.round_base
        near = round_counts(values, base=base, threshold=values * 0 + least)
        values = near.mask((values > 0) & (values < least), least // 2)
    return values.to_numpy().reshape(np.shape(counts))


def is_exact(data: Any, release_class: str, source: str) -> bool:
    """Say whether the edition shows true counts of a source: open, or shared with partners."""
    settings = getattr(data, "settings", None) or Settings()
    return release_class == "open" or (data.edition == "partner" and source in settings.agreements)


def published_inputs(data: Any) -> list[dict[str, Any]]:
    """Return the files behind the data, with their rows as the edition shows them.

    Rows of a restricted file are records of people: rounded, and one to four are shown as five.
    """
    base, made = (getattr(data, "settings", None) or Settings()).disclosure.round_base, []
    for file in data.inputs:
        rows = pd.Series({k: n for k, n in file.items() if k.startswith("rows")}, dtype="float64")
        near = round_counts(rows, base=base, threshold=rows * 0 + base).dropna().astype(int)
        exact = is_exact(data, file.get("release_class", ""), file.get("layout", ""))
        made.append(file if exact else file | near.to_dict())
    return made
