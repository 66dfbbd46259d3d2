"""Which rule each row of a result table falls under: class, threshold, exactness, geography."""

import re
from typing import Any

import pandas as pd

from sna.errors import UsageError
from sna.schemas.results import ResultTable
from sna.settings import EDITIONS, Settings

TOTAL, UNKNOWN = r"^(all|total|both|any)\b", r"unknown|not stated|not known|not recorded|missing"
PERSON = r"^(age|sex|gender|ethnic)(?!.*_scheme$)"  # keys that describe a person
_DETAIL = PERSON + r"|^(search_object|legislation|outcome|method|relationship)"
_SENSITIVE = r"sexual|rape|domestic|exploitation|slavery|trafficking|hate crime"
_UNDER_18 = r"^(under 1[0-8]|(\d|1[0-7])(\.0)?|(0?\d|1[0-7])\s*(-|–|to)\s*(\d|1[0-7]))$"
_HEALTH = r"fingertips|ambulance|emergency_department|istv|hes\b"
_LEVELS = {  # level -> names of keys, values of keys, values of area_level
    "ward": (r"^(ward|msoa)", r"^E0[25]\d{6}$", r"^(ward|msoa)$"),
    "lsoa": (r"^(lsoa|oa_|cell|grid|street|location|postcode)", r"^E0[01]\d{6}$",
             r"^(lsoa|oa|cell|record|point)$"),
}  # fmt: skip
_PRIVATE = r"^(easting|northing|longitude|latitude|geometry|event_time|recorded_date|\w+_id)$"
_ORDER = {"standard": 0, "health": 1, "sensitive": 2}
_CLASSES = ("open", "restricted", "person_level")


def matches(values: pd.Series, pattern: str) -> pd.Series:
    """Say which values contain a pattern, whatever the case; each distinct value is read once."""
    found = {v: bool(re.search(pattern, str(v), re.I)) for v in values.dropna().unique()}
    return values.map(found).astype("object").fillna(False).astype(bool)


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
    private = [name for name in (*shape.keys, *shape.plain) if re.search(_PRIVATE, name)]
    if strict.any() and private:
        raise UsageError(f"Result table {shape.name} names columns of single records.",
                         found=private, do="Show restricted data as counts only.")  # fmt: skip
    given = settings.disclosure.thresholds
    shared = strict & _covered(table, data, set(settings.agreements))
    shared &= data.edition == "partner"
    lifts = {name for name, a in settings.agreements.items() if a.lifts_health_threshold}
    lifted = kind.ne("health") | _covered(table, data, lifts)
    threshold = kind.map(given.model_dump()).mask(shared, given.standard).where(strict, 0)
    dropped = pd.Series("", index=table.index, dtype="str")
    if not is_lifted("geography", shape, settings):
        dropped = _too_fine(table, shape, level).where(strict & ~shared, "")
    return pd.DataFrame({
        "restricted": strict, "threshold": threshold.mask(shared & lifted, 0).astype("int64"),
        "rounded": strict & ~shared & (not shape.exact_totals), "dropped": dropped,
    })  # fmt: skip


def _sensitivity(table: pd.DataFrame, shape: ResultTable) -> pd.Series:
    """Return standard, health or sensitive: as the analysis said, or as words in keys demand."""
    kind = pd.Series("standard", index=table.index, dtype="str")
    if "source" in table:
        kind = kind.mask(matches(table["source"], _HEALTH), "health")
    for key in shape.keys:
        words = f"{_SENSITIVE}|{_UNDER_18}" if key.startswith("age") else _SENSITIVE
        kind = kind.mask(matches(table[key], words), "sensitive")
    if "sensitivity" in table:
        said = table["sensitivity"].astype("object").fillna("standard")
        if unknown := sorted(set(said) - set(_ORDER)):
            raise UsageError(f"A sensitivity of {shape.name} is not known.", found=unknown,
                             do="Use standard, health or sensitive.")  # fmt: skip
        lower = kind.map(_ORDER).astype("int64") < said.map(_ORDER).astype("int64")
        kind = kind.mask(lower, said)
    return kind


def _restricted(table: pd.DataFrame, shape: ResultTable, level: pd.Series) -> pd.Series:
    """Find rows restricted by class, or open demographics crossed three ways or below MSOA."""
    if "release_class" not in table:
        return pd.Series(True, index=table.index)
    details = [key for key in shape.keys if re.search(_DETAIL, key)]
    split = pd.DataFrame({k: table[k].notna() & ~matches(table[k], TOTAL) for k in details},
                         index=table.index, dtype=bool)  # fmt: skip
    person = split[[key for key in details if re.search(PERSON, key)]].any(axis=1)
    crossed = person & ((split.sum(axis=1) >= 3) | level.eq("lsoa"))
    return table["release_class"].astype("str").ne("open") | crossed


def _level(table: pd.DataFrame, shape: ResultTable) -> pd.Series:
    """Return the area level of each row: borough, ward (or MSOA), lsoa (or finer)."""
    level = pd.Series("borough", index=table.index, dtype="str")
    for name, (key_names, codes, said) in _LEVELS.items():
        for key in shape.keys:
            named = table[key].notna() & bool(re.search(key_names, key))
            level = level.mask(
                (named & ~matches(table[key], TOTAL)) | matches(table[key], codes), name
            )
        if "area_level" in table:
            level = level.mask(matches(table["area_level"], said), name)
    return level


def _too_fine(table: pd.DataFrame, shape: ResultTable, level: pd.Series) -> pd.Series:
    """Say why a row of restricted data is finer than may be shown, else ""."""
    below, killed = level.ne("borough"), pd.Series(False, index=table.index)
    for key in shape.keys:
        killed |= matches(table[key], "homicide|murder|manslaughter")
    months = pd.Series(1.0 if "month" in shape.keys else 12.0, index=table.index)
    length = next((n for n in ("window_months", "period_months") if n in table), None)
    if length:
        months = table[length].astype("float64").fillna(1)
    if {"day", "weekday", "hour", "date"} & set(shape.keys):
        months = months * 0
    reason = pd.Series("", index=table.index, dtype="str")
    reason = reason.mask(below & (months < 3), "finer than a quarter")
    reason = reason.mask(below & killed, "homicide below borough")
    return reason.mask(level.eq("lsoa"), "finer than ward or MSOA")


def _covered(table: pd.DataFrame, data: Any, sources: set[str]) -> pd.Series:
    """Say which rows come only from some sources; all of the borough's, where rows name none."""
    if "source" in table:
        return table["source"].isin(list(sources))
    strict = {name for name, kind in source_classes(data).items() if kind != "open"}
    return pd.Series(bool(strict) and strict <= sources, index=table.index)


def source_classes(data: Any) -> dict[str, str]:
    """Return the release class of every source behind the data, the strictest if several."""
    classes = dict(getattr(data, "sources", None) or {})
    for name in ("offences", "people", "outcomes"):
        frame = getattr(data, name, None)
        if frame is not None and {"source", "release_class"} <= set(frame):
            pairs = frame[["source", "release_class"]].astype("str").drop_duplicates()
            for source, kind in pairs.itertuples(index=False):
                classes[source] = max(kind, classes.get(source, "open"), key=_CLASSES.index)
    return classes
