"""Which rule each row of a result table falls under: class, threshold, exactness, geography."""

import re
from dataclasses import dataclass
from typing import Any

import pandas as pd

from sna.errors import UsageError
from sna.schemas.results import ResultTable
from sna.settings import EDITIONS, Settings

TOTAL = r"^(all|total|both|any)\b"
UNKNOWN = r"unknown|not stated|not known|not recorded|missing|refused"
PERSON = r"^(age|sex|gender|ethnic)"  # key columns that describe a person
_DETAIL = PERSON + r"|^(search_object|legislation|outcome|method|relationship)"
_SENSITIVE = r"sexual|rape|domestic|exploitation|slavery|trafficking|hate crime"
_UNDER_18 = r"^(under 1[0-8]|(0?\d|1[0-7])(\.0)?|(0?\d|1[0-7])\s*(-|–|to)\s*(0?\d|1[0-7]))$"
_HEALTH = r"fingertips|ambulance|emergency_department|istv|hes\b"
_HOMICIDE = r"homicide|murder|manslaughter"
_PRIVATE = ("easting", "northing", "longitude", "latitude", "geometry", "offence_id", "person_id",
            "linked_id", "victim_id", "suspect_id", "recorded_date", "event_time")  # fmt: skip


@dataclass(frozen=True)
class Row:
    """The rules of every row; each is a Series on the index of the table."""

    restricted: pd.Series  # rounding or suppression may apply
    threshold: pd.Series  # smallest count shown; 0 where every count is shown
    rounded: pd.Series  # counts are rounded to the base
    dropped: pd.Series  # reason why the row may not appear, else ""


def matches(values: pd.Series, pattern: str) -> pd.Series:
    """Say which values contain a pattern, whatever the case; each distinct value is read once."""
    found = {v: bool(re.search(pattern, str(v), re.I)) for v in values.dropna().unique()}
    return values.map(found).astype("object").fillna(False).astype(bool)


def check_edition(edition: str) -> None:
    """Refuse an edition that is neither public nor partner."""
    if edition not in EDITIONS:
        raise UsageError(
            f"{edition!r} is not an edition.", found=edition, do="Choose public or partner."
        )


def row_rules(table: pd.DataFrame, contract: ResultTable, data: Any, settings: Settings) -> Row:
    """Find the rules of each row from its release class, sensitivity, source and keys."""
    strict = _restricted(table, contract)
    kind = sensitivity(table, contract)
    given = settings.disclosure.thresholds
    threshold = kind.map(
        {"standard": given.standard, "health": given.health, "sensitive": given.sensitive}
    ).astype("int64")
    shared = strict & (_shared(table, data, settings) if data.edition == "partner" else False)
    lifted = kind.ne("health") | _lifted(table, settings)
    threshold = threshold.where(~shared, given.standard).where(strict, 0).mask(shared & lifted, 0)
    dropped = pd.Series("", index=table.index, dtype="str")
    if not is_lifted("geography", contract, settings):
        dropped = _too_fine(table, contract).where(strict & ~shared, "")
    _refuse_private(contract, strict)
    return Row(strict, threshold, strict & ~shared, dropped)


def sensitivity(table: pd.DataFrame, contract: ResultTable) -> pd.Series:
    """Say of each row whether it is standard, health or sensitive; words in its keys may raise it.

    Sexual offences, domestic abuse, exploitation, hate crime and people under 18 are sensitive
    whether or not the analysis said so.
    """
    kind = pd.Series("standard", index=table.index, dtype="str")
    if "source" in table:
        kind = kind.mask(matches(table["source"], _HEALTH), "health")
    for key in contract.keys:
        kind = kind.mask(matches(table[key], _SENSITIVE), "sensitive")
        if key.startswith("age"):
            kind = kind.mask(matches(table[key], _UNDER_18), "sensitive")
    if "sensitivity" in table:
        order = {"standard": 0, "health": 1, "sensitive": 2}
        said = table["sensitivity"].astype("str").where(table["sensitivity"].notna(), "standard")
        if unknown := sorted(set(said) - set(order)):
            raise UsageError(
                f"{len(unknown)} sensitivities are not known.",
                where=f"result table {contract.name}",
                found=unknown,
                do="Use standard, health or sensitive.",
            )
        kind = kind.where(kind.map(order) >= said.map(order), said)
    return kind


def _restricted(table: pd.DataFrame, contract: ResultTable) -> pd.Series:
    """Say which rows are restricted: by their class, or as finely crossed open demographics."""
    if "release_class" not in table:
        return pd.Series(True, index=table.index)
    strict = table["release_class"].astype("str").ne("open")
    split = pd.DataFrame(
        {
            key: table[key].notna() & ~matches(table[key], TOTAL)
            for key in contract.keys
            if re.search(_DETAIL, key)
        },
        index=table.index,
    )
    person = split[[key for key in split if re.search(PERSON, str(key))]]
    crossed = person.any(axis=1) & (split.sum(axis=1) >= 3)
    return strict | crossed | (person.any(axis=1) & _level(table, contract).eq("lsoa"))


def _level(table: pd.DataFrame, contract: ResultTable) -> pd.Series:
    """Return the area level of each row: lsoa (or finer), ward (or MSOA) or borough."""
    level = pd.Series("borough", index=table.index, dtype="str")
    for name in contract.keys:
        present = table[name].notna()
        fine = name.startswith(("lsoa", "oa_", "cell", "grid", "street", "location", "postcode"))
        middle = name.startswith(("ward", "msoa"))
        level = level.mask(present & (middle | matches(table[name], r"^E0[25]\d{6}$")), "ward")
        level = level.mask(present & (fine | matches(table[name], r"^E0[01]\d{6}$")), "lsoa")
    if "area_level" in table:
        said = table["area_level"].astype("str").replace({"record": "lsoa", "point": "lsoa"})
        level = level.mask(said.isin(["lsoa", "oa", "cell"]), "lsoa")
        level = level.mask(said.isin(["ward", "msoa"]) & level.ne("lsoa"), "ward")
    return level


def _months(table: pd.DataFrame, contract: ResultTable) -> pd.Series:
    """Return the number of months that each row covers; 0 for a day or an hour."""
    for name in ("period_months", "window_months"):
        if name in table:
            return table[name].fillna(1).astype("float64")
    if {"period_start", "period_end"} <= set(table):
        return (table["period_end"] - table["period_start"]).dt.days / 30
    keys = set(contract.keys)
    if keys & {"day", "weekday", "hour", "date"}:
        return pd.Series(0.0, index=table.index)
    return pd.Series(1.0 if "month" in keys else 12.0, index=table.index)


def _too_fine(table: pd.DataFrame, contract: ResultTable) -> pd.Series:
    """Say why a row of restricted data is finer than may be shown, else ""."""
    level = _level(table, contract)
    below = level.ne("borough")
    words = {key: matches(table[key], _HOMICIDE) for key in contract.keys}
    killed = pd.DataFrame(words, index=table.index).any(axis=1)
    reason = pd.Series("", index=table.index, dtype="str")
    reason = reason.mask(below & (_months(table, contract) < 2.9), "finer than a quarter")
    reason = reason.mask(below & killed, "homicide below borough")
    return reason.mask(level.eq("lsoa"), "finer than ward or MSOA")


def _shared(table: pd.DataFrame, data: Any, settings: Settings) -> pd.Series:
    """Say which rows come only from sources with a sharing agreement."""
    if "source" in table:
        return table["source"].isin(list(settings.agreements))
    strict = [s for s, kind in source_classes(data).items() if kind != "open"]
    every = bool(strict) and all(source in settings.agreements for source in strict)
    return pd.Series(every, index=table.index)


def _lifted(table: pd.DataFrame, settings: Settings) -> pd.Series:
    """Say which rows come from a source whose agreement lifts the health threshold."""
    lifts = {name for name, a in settings.agreements.items() if a.lifts_health_threshold}
    if "source" in table:
        return table["source"].isin(lifts)
    return pd.Series(bool(lifts) and lifts == set(settings.agreements), index=table.index)


def source_classes(data: Any) -> dict[str, str]:
    """Return the release class of every source behind the data, the strictest if several."""
    classes = dict(getattr(data, "sources", None) or {})
    order = ("open", "restricted", "person_level")
    for name in ("offences", "people", "outcomes"):
        frame = getattr(data, name, None)
        if frame is None or not {"source", "release_class"} <= set(frame):
            continue
        pairs = frame[["source", "release_class"]].astype("str").drop_duplicates()
        for source, kind in pairs.itertuples(index=False):
            old = classes.get(source, "open")
            classes[source] = max(kind, old, key=order.index) if kind in order else "person_level"
    return classes


def is_lifted(rule: str, contract: ResultTable, settings: Settings) -> bool:
    """Say whether an approved override lifts a rule for this table."""
    return any((o.contract, o.rule) == (contract.name, rule) for o in settings.disclosure.overrides)


def _refuse_private(contract: ResultTable, strict: pd.Series) -> None:
    every = (*contract.keys, *contract.counts, *contract.plain)
    if strict.any() and (private := [name for name in every if name in _PRIVATE]):
        raise UsageError(
            f"Result table {contract.name} names {len(private)} columns of single records.",
            where=f"contract {contract.name}",
            found=private,
            do="Take them out of the contract: restricted data is shown as counts only.",
        )
