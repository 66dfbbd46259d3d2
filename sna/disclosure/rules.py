"""Which rule each row of a result table falls under: class, threshold, exactness, geography."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sna.definitions.strict import read_toml
from sna.errors import UsageError
from sna.schemas.results import ResultTable
from sna.settings import EDITIONS, Settings

WORDS = read_toml(Path(__file__).parent.parent / "definitions" / "disclosure.toml")
SHORTHAND: dict[str, str] = WORDS["shorthand"]
_ORDER = {"standard": 0, "health": 1, "sensitive": 2}
_CLASSES = ("open", "restricted", "person_level")


def matches(values: pd.Series, words: str) -> pd.Series:
    """Say which values contain a pattern, whatever the case; each distinct value is read once."""
    pattern, (codes, distinct) = re.compile(words, re.IGNORECASE), pd.factorize(values)
    found = np.array([*(bool(pattern.search(str(value))) for value in distinct), False])
    return pd.Series(found[codes], index=values.index, name=values.name)  # the last is a gap's


def is_total(values: pd.Series) -> pd.Series:
    """Say which values of a key mean all of it."""
    return matches(values, WORDS["total"])


def person_keys(shape: ResultTable) -> list[str]:
    """Return the keys that describe a person."""
    return [key for key in shape.keys if re.search(WORDS["person"], key)]


def check_edition(edition: str) -> None:
    """Refuse an edition that is neither public nor partner."""
    if edition not in EDITIONS:
        raise UsageError(f"{edition!r} is not an edition.", do="Choose public or partner.")


def is_lifted(rule: str, shape: ResultTable, settings: Settings) -> bool:
    """Say whether an approved override lifts a rule for this table."""
    return any((o.contract, o.rule) == (shape.name, rule) for o in settings.disclosure.overrides)


def row_rules(
    table: pd.DataFrame, shape: ResultTable, data: Any, settings: Settings
) -> pd.DataFrame:
    """Find the rules of each row from its release class, sensitivity, source and keys.

    Returns ``restricted``, ``threshold`` (smallest count shown; 0: every count), ``rounded`` and
    ``dropped`` (why the row may not appear, or "").
    """
    level, kind = _level(table, shape), _sensitivity(table, shape)
    strict = _restricted(table, shape, level)
    private = [n for n in (*shape.keys, *shape.plain) if re.search(WORDS["private"], n)]
    if strict.any() and private:
        what = f"Result table {shape.name} names columns of single records."
        raise UsageError(what, found=private, do="Show restricted data as counts only.")
    least = settings.disclosure.thresholds.model_dump()
    agreed = settings.agreements if data.edition == "partner" else {}
    shared = strict & _covered(table, data, set(agreed))
    lifts = {name for name, terms in agreed.items() if terms.lifts_health_threshold}
    free = shared & (kind.ne("health") | _covered(table, data, lifts))
    threshold = kind.map(least).mask(shared, least["standard"]).mask(free, 0).where(strict, 0)
    dropped = pd.Series("", index=table.index, dtype="str")
    if not is_lifted("geography", shape, settings):
        dropped = _too_fine(table, shape, level).where(strict & ~shared, "")
    rounded = strict & ~shared & (not shape.exact_totals)
    return pd.DataFrame(
        {"restricted": strict, "threshold": threshold.astype("int64"), "rounded": rounded}
    ).assign(dropped=dropped)


def _sensitivity(table: pd.DataFrame, shape: ResultTable) -> pd.Series:
    """Return standard, health or sensitive: as the analysis said, or as words in keys demand."""
    kind = pd.Series("standard", index=table.index, dtype="str")
    if "source" in table:
        kind = kind.mask(matches(table["source"], WORDS["health"]), "health")
    for key in shape.keys:
        young = f"|{WORDS['under_18']}" if re.search(WORDS["aged"], key) else ""
        kind = kind.mask(matches(table[key], WORDS["sensitive"] + young), "sensitive")
    if "sensitivity" not in table:
        return kind
    said = table["sensitivity"].astype("object").fillna("standard")
    if unknown := sorted(set(said) - set(_ORDER)):
        what, do = f"A sensitivity of {shape.name} is not known.", f"Use {', '.join(_ORDER)}."
        raise UsageError(what, found=unknown, do=do)
    return kind.mask(kind.map(_ORDER).astype("int64") < said.map(_ORDER).astype("int64"), said)


def _restricted(table: pd.DataFrame, shape: ResultTable, level: pd.Series) -> pd.Series:
    """Find rows restricted by class, or open demographics crossed three ways or below MSOA."""
    if "release_class" not in table:
        return pd.Series(True, index=table.index)
    details = [key for key in shape.keys if re.search(WORDS["detail"], key)]
    split = {key: table[key].notna() & ~is_total(table[key]) for key in details}
    crossed = pd.DataFrame(split, index=table.index, dtype=bool)
    person = crossed[person_keys(shape)].any(axis=1)
    fine = person & ((crossed.sum(axis=1) >= 3) | level.eq("lsoa"))
    return table["release_class"].astype("str").ne("open") | fine


def _level(table: pd.DataFrame, shape: ResultTable) -> pd.Series:
    """Return the area level of each row: borough, ward (or MSOA), lsoa (or finer)."""
    level = pd.Series("borough", index=table.index, dtype="str")
    for name in ("ward", "lsoa"):
        signs = WORDS[name]
        for key in shape.keys:
            is_named = bool(re.search(signs["key"], key))
            named = table[key].notna() & ~is_total(table[key]) & is_named
            level = level.mask(named | matches(table[key], signs["code"]), name)
        if "area_level" in table:
            level = level.mask(matches(table["area_level"], signs["said"]), name)
    return level


def _too_fine(table: pd.DataFrame, shape: ResultTable, level: pd.Series) -> pd.Series:
    """Say why a row of restricted data is finer than may be shown, else ""."""
    below = level.ne("borough")
    killed = pd.DataFrame({key: matches(table[key], WORDS["killed"]) for key in shape.keys})
    months = pd.Series(1.0 if "month" in shape.keys else 12.0, index=table.index)
    length = next((n for n in ("window_months", "period_months") if n in table), None)
    if length:
        months = table[length].astype("float64").fillna(1)
    if any(re.search(WORDS["short"], key) for key in shape.keys):
        months = months * 0
    reason = pd.Series("", index=table.index, dtype="str")
    reason = reason.mask(below & (months < 3), "finer than a quarter")
    reason = reason.mask(below & killed.any(axis=1), "homicide below borough")
    return reason.mask(level.eq("lsoa"), "finer than ward or MSOA")


def _covered(table: pd.DataFrame, data: Any, sources: set[str]) -> pd.Series:
    """Say which rows come only from some sources; all of the borough's, where rows name none."""
    if "source" in table:
        return table["source"].isin(list(sources))
    strict = {name for name, kind in source_classes(data).items() if kind != "open"}
    return pd.Series(bool(strict) and strict <= sources, index=table.index)


def source_classes(data: Any) -> dict[str, str]:
    """Return the release class of every source behind the data, the strictest if several."""
    classes: dict[str, str] = {}
    for name in ("offences", "people", "outcomes"):
        frame = getattr(data, name, None)
        if frame is not None and {"source", "release_class"} <= set(frame):
            pairs = frame[["source", "release_class"]].drop_duplicates().astype("str")
            for source, kind in pairs.itertuples(index=False):
                classes[source] = max(kind, classes.get(source, "open"), key=_CLASSES.index)
    return classes
