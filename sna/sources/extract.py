"""A restricted record extract, read through its mapping into offences and people."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from sna.errors import SourceError
from sna.sources.extract_fields import (
    Notes,
    find_borough_codes,
    keep_plausible_ages,
    or_missing,
    parse_dates,
    read_flag,
    translate,
)
from sna.sources.layout import FileSample, ReadResult
from sna.sources.mapping import Mapping
from sna.sources.text import read_text

_DATES = ("recorded_date", "committed_from", "committed_to")
_TEXT = ("offence_code", "detailed_code", "offence_text", "relationship", "premises_type",
         "outcome", "ward_code", "lsoa_code")  # fmt: skip
_OF_OFFENCE = ("offence_id", "month", "borough_code", "ward_code", "lsoa_code", "domestic_abuse")
_PEOPLE = ("victim", "suspect")
_EARLIEST = "1990-01-01"  # of the date that is counted; the offence itself may be older
# flag -> weapon, the stronger evidence for the definition last, so that it wins
_WEAPONS = {"is_gun": "firearm_type_unknown", "is_corrosive": "corrosive", "is_knife": "knife"}


def read_extract(
    sample: FileSample,
    mapping: Mapping,
    *,
    today: pd.Timestamp,
    file_id: int = 0,
    people: FileSample | None = None,
    people_file_id: int = 1,
) -> tuple[ReadResult, ReadResult | None]:
    """Read a record extract, and its people file where the mapping names one.

    Rows dated after `today` are rejected. The first result holds the store tables ``offences`` and
    ``people``, the second (None without a people file) ``people``; people take month and place
    from their offence. Raises `SourceError` if the mapping names a column that is not there.
    """
    notes, text = Notes(), read_text(sample)
    offences, persons = read_records(text.table.to_pandas(), mapping, today=today, notes=notes)
    source = "extract" if mapping.kind == "offences" else mapping.kind
    origin = {"source": source, "release_class": mapping.release_class}
    offences = offences.reset_index(drop=True).assign(
        **origin, file_id=file_id, area_level="record", period_months=1
    )
    tables = {"offences": offences}
    if len(persons):
        tables["people"] = _place_people(persons, offences).assign(**origin, file_id=file_id)
    result = notes.result(tables, text)
    if people is None:
        return result, None
    notes, text = Notes(), read_text(people)
    persons = read_people(text.table.to_pandas(), mapping, notes=notes)
    known = pa.array(offences["offence_id"])  # Arrow: pandas walks 1.2 million values in Python
    found = pc.is_in(pa.array(persons["offence_id"]), value_set=known)
    orphan = pd.Series(~np.asarray(found), index=persons.index)
    reason = "the offence is not in the extract, or was rejected there"
    notes.reject(persons["offence_id"][orphan].mask(orphan, ""), "crime_ref", reason)
    placed = _place_people(persons[~orphan], offences).assign(**origin, file_id=people_file_id)
    return result, notes.result({"people": placed}, text)


def read_records(
    raw: pd.DataFrame, mapping: Mapping, *, today: pd.Timestamp, notes: Notes
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Turn the text rows of an extract into one row an offence and one row a person.

    A role that the mapping leaves out stays absent, which the classifier reads as Unknown.
    """
    raw = _blank(raw, mapping, mapping.headings)
    roles = mapping.roles
    reference = raw[roles["crime_ref"]].str.strip()
    notes.reject(reference[reference == ""], roles["crime_ref"], "no crime reference")
    rows = pd.DataFrame({"offence_id": reference})[reference != ""]
    raw = raw[reference != ""]
    rows = _add_dates(raw, rows, mapping, today, notes)
    rows = _add_status(raw.loc[rows.index], rows, mapping, notes)
    raw = raw.loc[rows.index]
    rows = _add_weapons(raw, _add_place(raw, rows, roles, notes), mapping, notes)
    rows = rows.assign(**{role: or_missing(raw[roles[role]]) for role in _TEXT if role in roles})
    if "published_category" in roles:
        text = raw[roles["published_category"]]
        rows = rows.assign(published_category=text.where(text.str.contains(" | ", regex=False)))
    if "linked_ref" in roles:
        rows = rows.assign(linked_id=or_missing(raw[roles["linked_ref"]]))
    people = [_people_of_rows(raw, rows, mapping, person, notes) for person in _PEOPLE]
    offences = _collapse(rows, notes)
    if len(offences) == len(rows):  # one row an offence: its ages decide without folding
        for role in [f"{person}_age" for person in _PEOPLE if f"{person}_age" in roles]:
            ages = keep_plausible_ages(raw[roles[role]], Notes())
            offences = offences.assign(**{role: ages})
    return offences, pd.concat(people, ignore_index=True)


def read_people(raw: pd.DataFrame, mapping: Mapping, *, notes: Notes) -> pd.DataFrame:
    """Turn the rows of the separate people file of an extract into one row a person."""
    roles = {str(role): heading for role, heading in mapping.people_columns.items()}
    raw = _blank(raw, mapping, set(roles.values()))
    given = {role: raw[heading].str.strip() for role, heading in roles.items()}
    words = translate(given["person_role"], "person_role", mapping.codings.get("person_role"))
    bad = words.isna() | (given["crime_ref"] == "")
    notes.reject(given["person_role"][bad], roles["person_role"], "not a victim or a suspect")
    people = pd.DataFrame({"offence_id": given["crime_ref"], "person_role": words})
    return _describe(people, given, mapping, notes)[~bad]


def _blank(raw: pd.DataFrame, mapping: Mapping, headings: set[str]) -> pd.DataFrame:
    """Return the mapped columns with every missing mark as an empty string."""
    if missing := sorted(headings - set(raw.columns)):
        raise SourceError(
            f"The file lacks {len(missing)} columns that its mapping names.",
            where=f"mapping {mapping.name}", found=missing,
            do=f"Correct the mapping. The file has: {', '.join(map(str, raw.columns[:40]))}.",
        )  # fmt: skip
    text = {name: raw[name].fillna("") for name in raw.columns if name in headings}
    marks = [mark for mark in mapping.missing if mark]
    hits = {name: t.str.strip().isin(marks) for name, t in text.items()}
    return pd.DataFrame({n: t.mask(hits[n], "") if hits[n].any() else t for n, t in text.items()})


def _add_dates(
    raw: pd.DataFrame, rows: pd.DataFrame, mapping: Mapping, today: pd.Timestamp, notes: Notes
) -> pd.DataFrame:
    """Add the dates and the month counted in; rows whose dates cannot be meant are rejected."""
    if mapping.undated:
        return rows.assign(month=pd.Series(pd.NaT, index=rows.index, dtype="datetime64[us]"))
    bad = pd.Series(False, index=rows.index)
    counted = pd.Series(pd.NaT, index=rows.index, dtype="datetime64[us]")
    for role in _DATES:
        heading = mapping.roles.get(role)
        if heading is None:
            continue
        dates = parse_dates(raw[heading], mapping.date_format)
        unread = dates.isna() & (raw[heading].str.strip() != "") & ~bad
        notes.reject(raw[heading][unread], heading, "not a date")
        future = (dates >= today + pd.Timedelta(days=1)) & ~bad
        notes.reject(raw[heading][future], heading, "date in the future")
        bad |= unread | future
        rows = rows.assign(**{role: dates})
        counted = counted.fillna(dates) if role != "committed_to" else counted
    early = (counted < pd.Timestamp(_EARLIEST)) & ~bad
    notes.reject(counted[early].dt.strftime("%Y-%m-%d"), "date", f"date before {_EARLIEST}")
    bad |= early
    undated = counted.isna() & ~bad
    notes.reject(pd.Series("", index=rows.index)[undated], "date", "no date")
    month = counted.to_numpy().astype("datetime64[M]").astype("datetime64[us]")
    return rows.assign(month=month)[~(bad | undated)]


def _add_status(
    raw: pd.DataFrame, rows: pd.DataFrame, mapping: Mapping, notes: Notes
) -> pd.DataFrame:
    heading = mapping.columns.get("status")
    if heading is None:
        what = "no status column: every row is read as recorded"
        every = pd.Series(True, index=rows.index)
        notes.find(what, every, "Ask for cancelled records to be marked.", "information")
        return rows
    words = translate(raw[heading], "status", mapping.codings.get("status"))
    notes.reject(raw[heading][words.isna()], heading, "status that the mapping lacks")
    return rows.assign(status=words)[words.notna()]


def _add_weapons(
    raw: pd.DataFrame, rows: pd.DataFrame, mapping: Mapping, notes: Notes
) -> pd.DataFrame:
    """Add the domestic-abuse flag and the weapon, from coded columns or from flags."""
    codings = {str(role): coding for role, coding in mapping.codings.items()}
    flags = {str(name): read_flag(raw, name, f, notes) for name, f in mapping.flags.items()}
    if "is_domestic_abuse" in flags:
        rows = rows.assign(domestic_abuse=flags["is_domestic_abuse"])
    for role in ("weapon", "weapon_use"):
        if heading := mapping.roles.get(role):
            words = translate(raw[heading], role, codings.get(role))
            what = f"{role}: values that the mapping does not translate, read as unknown"
            notes.find(what, words.isna(), f"Add them to [values.{role}] map.")
            rows = rows.assign(**{role: words.fillna("unknown")})
    if "weapon_use" in rows:
        rows = rows.assign(weapon_use=or_missing(rows["weapon_use"].replace("none", "")))
    answers = pd.DataFrame({flag: flags[flag] for flag in _WEAPONS if flag in flags})
    if answers.empty or "weapon" in rows:
        return rows
    unsure = (answers == "unknown").any(axis=1) | (answers.shape[1] < len(_WEAPONS))
    weapon = unsure.map({True: "unknown", False: "none"})
    for flag in answers:
        weapon = weapon.mask(answers[flag] == "yes", _WEAPONS[str(flag)])
    return rows.assign(weapon=weapon)


def _add_place(
    raw: pd.DataFrame, rows: pd.DataFrame, roles: dict[str, str], notes: Notes
) -> pd.DataFrame:
    for role in ("easting", "northing"):
        if role in roles:
            rows = rows.assign(**{role: pd.to_numeric(raw[roles[role]], errors="coerce")})
    heading = roles.get("borough_code", roles.get("borough_name"))
    if heading is None:
        return rows
    borough = find_borough_codes(raw[heading])
    what = "borough is blank or not one of London: kept, but in no borough's report"
    notes.find(what, borough.isna(), "Correct the spelling in the file, or leave as it is.")
    return rows.assign(borough_code=borough)


def _people_of_rows(
    raw: pd.DataFrame, rows: pd.DataFrame, mapping: Mapping, person: str, notes: Notes
) -> pd.DataFrame:  # fmt: skip
    """One row a person named on the rows of the extract; rows that say nothing give none."""
    also = "home_borough" if person == "victim" else person
    mine = {
        role.removeprefix(f"{person}_"): heading
        for role, heading in mapping.roles.items()
        if role.startswith((person, also))
    }
    if not mine:
        return pd.DataFrame({"offence_id": pd.Series(dtype="str")})
    given = {"person_id" if role == "id" else role: raw[heading] for role, heading in mine.items()}
    said = pd.DataFrame({role: text.str.strip() != "" for role, text in given.items()}).any(axis=1)
    people = _describe(rows[["offence_id"]].assign(person_role=person), given, mapping, notes)
    if "person_id" not in people:
        return people[said]
    repeated = people["person_id"].notna() & people.duplicated(["offence_id", "person_id"])
    return people[said & ~repeated]


def _describe(
    people: pd.DataFrame, given: dict[str, pd.Series], mapping: Mapping, notes: Notes
) -> pd.DataFrame:
    """Add id, age, sex, ethnicity and home borough to a table of people."""
    if "age" in given:
        ages = keep_plausible_ages(given["age"], notes)
        number = pd.to_numeric(ages, errors="coerce").astype("float64")
        band = ages.where(number.isna() & (ages != "unknown"))
        people = people.assign(age=number, age_band=band)
    if "sex" in given:
        words = translate(given["sex"], "sex", mapping.codings.get("sex"))
        people = people.assign(sex=words.fillna("unknown"))
    for role in ("person_id", "ethnicity_self", "ethnicity_observed"):
        if role in given:
            people = people.assign(**{role: or_missing(given[role])})
    if "home_borough" in given:
        people = people.assign(home_borough_code=find_borough_codes(given["home_borough"]))
    return people.assign(people=1)


def _place_people(people: pd.DataFrame, offences: pd.DataFrame) -> pd.DataFrame:
    place = offences[[name for name in _OF_OFFENCE if name in offences]]
    return people.merge(place, how="left", on="offence_id", validate="many_to_one")


def _collapse(rows: pd.DataFrame, notes: Notes) -> pd.DataFrame:
    """One row an offence: person rows collapse on the crime reference."""
    repeated = rows["offence_id"].duplicated()
    code = "offence_code" if "offence_code" in rows else "detailed_code"
    if repeated.any() and code in rows:
        distinct = rows.groupby("offence_id", sort=False)[code].nunique()
        what = "one crime reference with several offence codes: the first is used"
        notes.find(what, distinct > 1, "Check the reference column of the extract.")
    return rows[~repeated].assign(offences=1)
