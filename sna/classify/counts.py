"""Counts of a classified table: waterfall, bands, contexts, families, what is missing."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from sna.classify.facts import BLANK, Array, look_up
from sna.classify.inputs import check_banded, check_table, id_text, is_among, offences_of
from sna.classify.words import CONTEXTS
from sna.definitions import Profile, profile_ids, read_profile, read_reference, rows_of
from sna.errors import UsageError
from sna.schemas.store_tables import RELEASE_CLASSES, check_one_source, is_core

_NOT_VIOLENCE = ("R14", "R20", "R21", "R26", "R32")  # as the first rule that decided
_NOT_COUNTED = ("R27", "R28")
DRIFT = 0.10  # change of a missing share between two halves that earns a warning


def ask_values(column: pd.Series, test: Callable[[str], bool]) -> Array:
    """Apply a test to each distinct value of a column, and give every row its answer."""
    return look_up(column, lambda value: bool(test(str(value))), False)


def holds(column: pd.Series, name: str) -> Array:
    """Return the rows whose list, joined by bars, names `name`."""
    return ask_values(column, lambda value: name in value.split("|"))


def is_band(classified: pd.DataFrame, *bands: str) -> Array:
    """Return the rows of some bands; raise `TableError` where nothing was classified."""
    check_banded(classified)
    return classified["band"].isin(bands).to_numpy()


def origin(classified: pd.DataFrame) -> dict[str, Any]:
    """Return the strictest release class, the months, and the source where there is only one."""
    given = set(classified["release_class"].astype("str")) if "release_class" in classified else {}
    strict = [name for name in RELEASE_CLASSES if name in given or not given]
    found: dict[str, Any] = {"release_class": strict[-1] if strict else RELEASE_CLASSES[0]}
    if "month" in classified and classified["month"].notna().any():
        months = classified["month"]
        found |= {"period_start": months.min(), "period_end": months.max()}
    names = set(classified["source"].astype("str")) if "source" in classified else set()
    return found | ({"source": names.pop()} if len(names) == 1 else {})


def profile_of(classified: pd.DataFrame, profile: str | Profile | None = None) -> Profile:
    """Return the profile that a table was read under; refuse one that gives no headline."""
    ids = [*classified.get("definition_profile", pd.Series()).unique(), "london_2023"]
    if len(ids) > 2:
        what, do = "The table was read under several texts.", "Classify all of it under one."
        raise UsageError(what, where="column definition_profile", found=ids[:-1], do=do)
    if profile is None and ids[0] not in profile_ids():
        what, do = "The table was read under a borough's own profile.", "Give it again: profile=…"
        raise UsageError(what, where="column definition_profile", found=ids[0], do=do)
    found = read_profile(profile or str(ids[0]))
    found.check_headline()
    hashes = {*classified.get("definition_hash", pd.Series(dtype=str)).unique()} - {found.hash}
    if profile is not None and hashes:
        what, do = "The table was read under another text.", "Classify it again under this one."
        raise UsageError(what, where="column definition_hash", found=sorted(hashes)[:3], do=do)
    return found


def count_waterfall(
    classified: pd.DataFrame, *, profile: str | Profile | None = None
) -> pd.DataFrame:
    """Count offences step by step from all rows to core; every step adds up exactly.

    The last step is not the number of serious offences: the indeterminate ones taken out on the
    way may belong to it (`definition_bounds`). Attached property violence is no further unit of
    the headline unless the profile says ``property = "count"``. One row a step: ``offences`` that
    remain, ``left_out`` at this step and ``why``.

    >>> from sna.classify import classify_offences
    >>> rows = pd.DataFrame({"offence_code": ["8N", "46"], "victim_age": ["17", "17"]})
    >>> count_waterfall(classify_offences(rows))["offences"].tolist()
    [2, 2, 1, 1, 1, 1, 1]
    """
    check_one_source(classified)
    profile_of(classified, profile)  # refuses a text that gives no headline
    counts, out, rules = offences_of(classified), is_band(classified, "out"), classified["rule_ids"]
    lost_at = [
        out & ask_values(rules, lambda rule: rule in _NOT_COUNTED),
        out & ask_values(rules, lambda rule: rule.startswith(_NOT_VIOLENCE)),
        is_band(classified, "indeterminate"),
        is_band(classified, "out", "listed_out_of_context"),
        is_band(classified, "context_only"),
        classified["is_attached"].to_numpy(dtype=bool),
    ]
    step = np.select(lost_at, range(1, 7), default=7)
    left_out = counts.groupby(step).sum().reindex(range(7), fill_value=0)
    table = read_reference("waterfall").assign(left_out=left_out)
    remain = counts.sum() - left_out.cumsum()
    return table.assign(offences=remain, all_offences=counts.sum(), **origin(classified))


def count_bands(classified: pd.DataFrame) -> pd.DataFrame:
    """Count offences by band, with the victim-only reading beside the profile's own.

    Damage attached to a core offence has that band and stands in a row of its own, where there is
    any: it is no further unit. ``possible`` adds the offences that could yet be of the band.
    """
    check_one_source(classified)
    table, counts = read_reference("band_names"), offences_of(classified)
    for name, column in (("offences", "band"), ("victim_only", "victim_only_band")):
        bands = classified[column].astype("str")
        apart = bands.eq("core") & classified["is_attached"].astype(bool)
        sums = counts.groupby(bands.mask(apart, "attached")).sum()
        table[name] = table["band"].map(sums).fillna(0).astype("int64")
    units = counts.where(~classified["is_attached"].astype(bool), 0)
    most = [int(units[holds(classified["possible_bands"], name)].sum()) for name in table["band"]]
    table["possible"] = np.maximum(most, table["offences"])
    some = table["band"].ne("attached") | table["offences"].gt(0)
    return table[some].reset_index(drop=True).assign(**origin(classified))


def count_contexts(classified: pd.DataFrame) -> pd.DataFrame:
    """Count core and context-only offences by the exact set of contexts; sets add to the total."""
    check_one_source(classified)
    inside = classified[is_band(classified, "context_only") | is_core(classified)]
    core = offences_of(inside).where(inside["band"] == "core", 0)
    sets = inside["contexts"].astype("str").replace("", "no context").rename("contexts")
    sums = pd.DataFrame({"offences": offences_of(inside), "core": core}).groupby(sets).sum()
    sums = sums.reset_index()
    sums = sums.assign(**{name: holds(sums["contexts"], name) for name in CONTEXTS.index})
    words = CONTEXTS["words"].to_dict() | {"no context": "no context"}
    named = [" and ".join(words[n] for n in str(names).split("|")) for names in sums["contexts"]]
    sums = sums.assign(name=named, several=len(sums) > 1, **origin(classified))
    sums = sums.assign(sensitivity="sensitive") if len(sums) else sums
    return sums.sort_values(["offences", "contexts"], ascending=[False, True], ignore_index=True)


def count_families(classified: pd.DataFrame) -> pd.DataFrame:
    """Count listed offences by family beside the maximum penalty, for section 13(6) of the Act.

    The Act also asks for the impact on the victim and on the community: that is for the
    partnership to write and is never computed.
    """
    check_one_source(classified)
    table, family = read_reference("listed_families"), classified["listed_family"].astype("str")
    counts, core = offences_of(classified), is_core(classified)
    listed = is_band(classified, "core", "listed_out_of_context", "indeterminate")
    possible = core | is_band(classified, "indeterminate") & holds(
        classified["possible_bands"], "core"
    )
    for name, rows in {"offences": listed, "core": core, "core_possible": possible}.items():
        inside = np.asarray(rows)
        sums = counts[inside].groupby(family[inside]).sum()
        table[name] = table["listed_family"].map(sums).fillna(0).astype("int64")
    mixed = bool((possible & ~family.isin(table["listed_family"])).any())  # labels of several
    told = ~(table["offences"].eq(0) & mixed)
    table["known"] = np.where(told, "yes", "no: published with others")
    names = ["offences", "core", "core_possible"]
    table[names] = table[names].astype("Int64").where(told)  # none is not known to be nought
    ours = dict.fromkeys(("victim_impact", "community_impact"), "to be written")
    return table.assign(**ours, **origin(classified))


def count_monitored(classified: pd.DataFrame, *, profile: str | Profile) -> pd.DataFrame:
    """Count what the profile asks to watch beside the definition; it is never added to core."""
    check_banded(classified, "contexts")
    rows, counts = [], offences_of(classified)
    first_rule = classified["rule_ids"].astype("str").str.split("|").str[0]
    text = {
        "rules": first_rule,
        "offence_codes": classified.get("offence_code", pd.Series("", classified.index)),
        "premises_types": classified.get("premises_type", pd.Series("", classified.index)),
    }
    for row in read_profile(profile).monitored.values():
        inside = np.ones(len(classified), dtype=bool)
        for name, values in text.items():
            wanted = [word.casefold() for word in getattr(row, name)]
            inside &= values.astype("str").str.casefold().isin(wanted) | (not wanted)
        told = all(n in classified and classified[n].notna().any() for n in row.fields_needed)
        if row.outside:
            inside &= ~holds(classified["contexts"], row.outside)
            unknown = holds(classified["contexts_unknown"], row.outside)
            told &= not inside.any() or not unknown[inside].all()
            inside &= ~unknown
        count = int(counts[inside].sum()) if told else 0
        known = (
            "yes"
            if told
            else f"no: needs {' and '.join(row.fields_needed) or 'the ages of people'}"
        )
        rows.append({"title": row.title, "offences": count, "assessable": known})
    table = pd.DataFrame(rows, columns=["title", "offences", "assessable"])
    return table.astype({"offences": "int64"}).assign(**origin(classified))


def add_counting_basis(
    offences: pd.DataFrame, *, profile: str | Profile, people: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Set month, borough and unit as the profile counts them (switches 29 to 31).

    ``unit = "victim"`` counts the victims of an offence; ``date_basis = "committed"`` places it in
    the month it was committed; ``area_basis = "managing_borough"`` in the borough that manages it.
    """
    switches, added = read_profile(profile).switches, dict[str, pd.Series]()
    if switches["unit"] == "victim":
        everyone = check_table(people, "People", "offence_id", "person_role", "people")
        check_table(offences, "Offences", "offence_id")
        victims = everyone[everyone["person_role"].astype("str") == "victim"]
        each = victims.groupby(id_text(victims["offence_id"]))["people"].sum()
        count = id_text(offences["offence_id"]).map(each)
        added["offences"] = count.fillna(0).astype("int64")
    if switches["date_basis"] == "committed":
        check_table(offences, "Offences", "committed_from")
        day = pd.to_datetime(offences["committed_from"]).dt.normalize()
        added["month"] = day - pd.to_timedelta(day.dt.day - 1, unit="D")
    if switches["area_basis"] == "managing_borough":
        check_table(offences, "Offences", "managing_borough_code")
        added["borough_code"] = offences["managing_borough_code"]
    return offences.assign(**added)


def _known(frame: pd.DataFrame, columns: str) -> Array:
    """Return the rows in which one of some columns holds more than a blank."""
    words = BLANK - {"none"}
    here = [frame[name] for name in columns.split() if name in frame]
    parts = [ask_values(part, lambda text: text.strip().casefold() not in words) for part in here]
    return np.logical_or.reduce([np.zeros(len(frame), dtype=bool), *parts])


def count_missing(offences: pd.DataFrame, *, people: pd.DataFrame | None = None) -> pd.DataFrame:
    """Count records by month and source in which a fact of the definition is missing.

    Published counts are left out: they never hold these facts. One row a source, month and
    ``field``; ``drifts`` is True where the share missing moved by more than ten points between the
    first and second half of the months.
    """
    check_table(offences, "Offences", "source", "month")
    records, no_facts = offences, (*_NOT_VIOLENCE, *_NOT_COUNTED)
    if "published_category" in offences:
        records = records[records["published_category"].isna()]
    if "rule_ids" in records:  # only offences to which the facts matter
        records = records[~ask_values(records["rule_ids"], lambda rule: rule.startswith(no_facts))]
    victims = people[people["person_role"] == "victim"] if people is not None else offences[:0]
    parts, ids = [], id_text(records.get("offence_id", pd.Series("", records.index)))
    for row in rows_of(read_reference("missing_facts")):
        known = _known(records, row["columns"])
        if len(victims) and row["people_columns"]:
            told = victims.loc[_known(victims, row["people_columns"]), "offence_id"]
            known = is_among(ids, id_text(told))
        if (
            row["field"] == "link to a companion"
        ):  # an empty link is no link; no link at all is unknown
            known = np.full(len(known), known.any())
        facts = {"field": row["field"], "missing": ~known, "offences": 1}
        keys = {"source": records["source"].astype("str"), "month": records["month"]}
        parts.append(pd.DataFrame(keys | facts))
    names = ["source", "month", "field"]
    table = pd.concat(parts).groupby(names, sort=False)[["missing", "offences"]].sum().reset_index()
    return table.assign(drifts=_drifts(table), release_class=origin(offences)["release_class"])


def _drifts(table: pd.DataFrame) -> pd.Series:
    months, keys = table["month"], [table["source"], table["field"]]
    late, shares = months > months.min() + (months.max() - months.min()) / 2, []
    for half in (~late, late):
        sums = table[["missing", "offences"]].where(half).groupby(keys).transform("sum")
        shares.append(sums["missing"] / sums["offences"])
    return (shares[1] - shares[0]).abs() > DRIFT
