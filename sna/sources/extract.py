"""A restricted record extract, read through its mapping into offences and people."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from sna.errors import SourceError
from sna.geography import find_bad_points
from sna.schemas.store_tables import OFFENCES, STORE_TABLES
from sna.sources.coded import add_same, find_boroughs, plain_text, recode, values_of
from sna.sources.convert import OLDEST_AGE, parse_ages, parse_dates
from sna.sources.layout import FileSample, ReadResult, check_headings
from sna.sources.mapping import ROLES, Coding, Mapping
from sna.sources.places import Places
from sna.sources.rows import Notes, parse_numbers
from sna.sources.text import TextTable, read_text

EARLIEST = "1990-01-01"  # of the date that is counted; the offence itself may be older
_AGE_BAND = r"(?:under|over)?\s*\d{1,3}\s*(?:(?:-|to)\s*\d{1,3}|\+)?"
_ATTENDED = ("offence_id", "month", "borough_code", "line")
_PERSON = STORE_TABLES["people"].columns
_WORDS = {
    **{role: OFFENCES.columns[role].allowed for role in ("status", "weapon", "weapon_use")},
    "sex": (*_PERSON["sex"].allowed, "f=female", "m=male"),
    "person_role": ("victim", "suspect"),
}


def read_extract(
    sample: FileSample,
    mapping: Mapping,
    *,
    today: pd.Timestamp,
    file_id: int = 0,
    people: FileSample | None = None,
    places: Places | None = None,
) -> list[ReadResult]:
    """Read a record extract, and its people file where the mapping names one.

    Rows dated after `today` are rejected. The first result holds the store tables ``offences`` and
    ``people``, the second, of a people file, ``people``; people take month and place from their
    offence. Call-outs and attendances are one table, ``attendances``, without what is known of
    patients. Raises `SourceError` if the mapping names a column that is not there.
    """
    notes = Notes()
    source = "extract" if mapping.kind == "offences" else mapping.kind
    origin = {"source": source, "release_class": mapping.release_class, "file_id": file_id}
    given, text = _open(sample, mapping, {**mapping.columns, **mapping.flag_columns})
    offences, persons = read_records(given, mapping, today=today, notes=notes)
    offences = places.place_records(offences) if places else offences
    if mapping.kind != "offences":  # neither an offence nor a person in one
        events = add_same(offences.reindex(columns=[*_ATTENDED]), **origin, attendances=1)
        result = notes.result({"attendances": events}, text)
        result.variant = mapping.kind
        return [result]
    offences = add_same(offences, **origin, area_level="record", period_months=1)
    tables = {"offences": offences}
    if len(persons):
        tables["people"] = add_same(_place_people(persons, offences, None)[0], **origin)
    results = [notes.result(tables, text)]
    if people is not None:
        notes = Notes()
        given, text = _open(people, mapping, mapping.people_roles)
        persons = read_people(given, mapping, notes=notes)
        placed, rows = _place_people(persons, offences, notes)
        results.append(notes.result({"people": add_same(placed, **origin)}, text))
        results[-1].offence_rows = rows
    return results


def _open(
    sample: FileSample, mapping: Mapping, roles: dict[str, str]
) -> tuple[pd.DataFrame, TextTable]:
    """Return the columns that play a role, under its name, and the text without its table."""
    if missing := sorted({*roles.values()} - {*sample.columns}):
        what = f"The file lacks {len(missing)} columns that its mapping names."
        do = f"Correct the mapping. The file has: {', '.join(map(str, sample.columns[:40]))}."
        raise SourceError(what, where=f"mapping {mapping.name}", found=missing, do=do)
    check_headings(sample, roles.values())
    columns = tuple(dict.fromkeys(roles.values()))
    many = {heading for role, heading in roles.items() if role in ROLES["many"]}
    text = read_text(sample, columns=columns, coded=tuple(n for n in columns if n not in many))
    given = {}
    for role, heading in roles.items():
        column = text.table[heading].to_pandas()
        given[role] = plain_text(
            column if role in ROLES["many"] else column.astype("category"), mapping
        )
    return pd.DataFrame(given).set_axis(text.lines - 1), replace(text, table=text.table.slice(0, 0))


def read_records(
    given: pd.DataFrame, mapping: Mapping, *, today: pd.Timestamp, notes: Notes
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Turn the rows of an extract, by role, into one row an offence and one row a person.

    A role that the mapping leaves out stays absent, which the classifier reads as Unknown.
    """
    nameless = given["crime_ref"].isna()
    notes.reject(nameless, mapping.columns["crime_ref"], "no crime reference")
    given = _read_dates(_keep(given, ~nameless), mapping, today, notes)
    given = _read_status(given, mapping, notes)
    rows = pd.DataFrame({"offence_id": given["crime_ref"], "month": given["month"]})
    rows = rows.assign(line=rows.index + 1)
    kept = [role for role in (*ROLES["dates"], "status", *ROLES["text"]) if role in given]
    rows = rows.assign(**{role: given[role] for role in kept})
    rows = _add_weapons(given, _add_place(given, rows, notes), mapping, notes)
    if "published_category" in given:
        names = given["published_category"]
        known = [name if " | " in name else None for name in values_of(names)]
        rows = rows.assign(published_category=recode(names, known))
    if "linked_ref" in given:
        rows = rows.assign(linked_id=given["linked_ref"])
    persons = [_people_of_rows(given, mapping, person, notes) for person in ("victim", "suspect")]
    repeated = _find_repeats(rows["offence_id"])
    if repeated.any():
        _tell_repeats(rows, given, notes)
        rows = _fold_abuse(rows) if "domestic_abuse" in rows else rows
    else:  # one row an offence: its ages decide without folding
        ages = ("victim_age", "suspect_age", "victim_age_recorded", "suspect_age_recorded")
        rows = rows.assign(**{r: _ages(given[r], Notes()) for r in ages if r in given})
    rows = _keep(rows, ~repeated).assign(offences=1)
    return rows, pd.concat(persons, ignore_index=True)


def _find_repeats(ids: pd.Series) -> pd.Series:
    """Return which references stood before; those of one that rises all the way never did."""
    text = pa.array(ids)
    if pc.all(pc.less(text[:-1], text[1:])).as_py():
        return pd.Series(False, index=ids.index)
    return ids.duplicated()


def _keep(rows: pd.DataFrame, good: "pd.Series | np.ndarray") -> pd.DataFrame:
    return rows if good.all() else rows[good]  # most files lose no row, and a copy takes long


def _tell_repeats(rows: pd.DataFrame, given: pd.DataFrame, notes: Notes) -> None:
    """Tell references with two offence codes, and rows alike in all that the mapping reads."""
    code = "offence_code" if "offence_code" in rows else "detailed_code"
    if code in rows:
        codes = rows.groupby("offence_id", sort=False)[code].nunique()
        what = "references have rows with different offence codes; that of the first row is used"
        do = "Check the reference column: two crimes under one reference count as one."
        notes.find(f"{codes.gt(1).sum():,} {what}.", codes.gt(1), do)
    alike = _find_copies(given, "crime_ref")
    what = "Rows repeat another in all that the mapping reads: each reference counts once"
    for person in ("victim", "suspect"):
        if f"{person}_id" not in given and any(str(role).startswith(person) for role in given):
            do = f"Take copies out of the extract, or map {person}_id."
            notes.find(f"{what}, its {person} once a row.", alike, do)
            return
    notes.find(f"{what}.", alike, "", "information")


def _find_copies(rows: pd.DataFrame, first: str) -> pd.Series:
    """Return which of the rows that share their `first` column with another repeat it exactly."""
    return rows[rows[first].duplicated(keep=False)].duplicated()


def _fold_abuse(rows: pd.DataFrame) -> pd.DataFrame:
    """Give every row of a reference the flag of all its rows: any yes, else any unknown, else no.

    Several victims stand on several rows, so the first row alone would let row order decide.
    """
    flag = rows["domestic_abuse"].astype("str")
    rank = flag.map({"no": 0, "yes": 2}).fillna(1).groupby(rows["offence_id"]).transform("max")
    words = pd.Categorical.from_codes(
        rank.to_numpy(dtype="int8"), categories=pd.Index(["no", "unknown", "yes"])
    )
    return rows.assign(domestic_abuse=words)


def read_people(given: pd.DataFrame, mapping: Mapping, *, notes: Notes) -> pd.DataFrame:
    """Turn the rows of the separate people file of an extract into one row a person."""
    words = _translate(given["person_role"], "person_role", mapping)
    bad = words.isna() | given["crime_ref"].isna()
    heading = mapping.people_roles["person_role"]
    notes.reject(bad, heading, "not a victim or a suspect", given["person_role"])
    people = pd.DataFrame({"offence_id": given["crime_ref"], "person_role": words})
    people = people.assign(line=people.index + 1)
    given = given.drop(columns=["crime_ref", "person_role"])
    return _keep(_describe(people, given, mapping, notes), ~bad)


def _read_dates(
    given: pd.DataFrame, mapping: Mapping, today: pd.Timestamp, notes: Notes
) -> pd.DataFrame:
    """Read the dates and the month counted in; rows whose dates cannot be meant are rejected."""
    counted = pd.Series(pd.NaT, index=given.index, dtype="datetime64[us]")
    if mapping.undated:
        return given.assign(month=counted)
    bad = pd.Series(False, index=given.index)
    for role in (role for role in ROLES["dates"] if role in given):
        text, heading = given[role], mapping.columns[role]
        dates = parse_dates(text, mapping.date_format)
        unread = dates.isna() & text.notna() & ~bad
        notes.reject(unread, heading, "not a date", text)
        future = (dates >= today + pd.Timedelta(days=1)) & ~bad
        notes.reject(future, heading, "date in the future", text)
        bad |= unread | future
        given = given.assign(**{role: dates})
        counted = counted.fillna(dates) if role != "committed_to" else counted
    early = (counted < pd.Timestamp(EARLIEST)) & ~bad
    notes.reject(early, "date", f"date before {EARLIEST}", counted)
    undated = counted.isna() & ~bad
    notes.reject(undated, "date", "no date")
    month = counted.to_numpy().astype("datetime64[M]").astype("datetime64[us]")
    return _keep(given.assign(month=month), ~(bad | early | undated))


def _read_status(given: pd.DataFrame, mapping: Mapping, notes: Notes) -> pd.DataFrame:
    if "status" not in given:
        what = "no status column: every row is read as recorded"
        every = pd.Series(True, index=given.index)
        notes.find(what, every, "Ask for cancelled records to be marked.", "information")
        return given
    words = _translate(given["status"], "status", mapping)
    reason = "status that the mapping lacks"
    notes.reject(words.isna(), mapping.columns["status"], reason, given["status"])
    return _keep(given.assign(status=words), words.notna())


def _translate(text: pd.Series, role: str, mapping: Mapping) -> pd.Series:
    """Translate a coded column to our words; what is not one of them comes back missing."""
    coding = mapping.codings.get(role, Coding(map={}))
    known = {word.split("=")[0]: word.split("=")[-1] for word in _WORDS[role]}
    known |= {key.lower(): word for key, word in coding.map.items()}
    usual = {"status": "recorded", "person_role": None}.get(role, "unknown")
    blank = coding.blank_means or usual
    return recode(text, [known.get(value.lower()) for value in values_of(text)], blank)


def _add_weapons(
    given: pd.DataFrame, rows: pd.DataFrame, mapping: Mapping, notes: Notes
) -> pd.DataFrame:
    """Add the domestic-abuse flag and the weapon, from coded columns or from flags."""
    flags = {name: _flag(given[name], name, mapping, notes) for name in mapping.flag_columns}
    if "is_domestic_abuse" in flags:
        rows = rows.assign(domestic_abuse=flags["is_domestic_abuse"])
    for role in (role for role in ("weapon", "weapon_use") if role in given):
        words = _translate(given[role], role, mapping)
        what = f"{role}: values that the mapping does not translate, read as unknown"
        notes.find(what, words.isna(), f"Add them to [values.{role}] map.")
        rows = rows.assign(**{role: recode(words, values_of(words), "unknown")})
    if "weapon_use" in rows:
        used = rows["weapon_use"]
        rows = rows.assign(
            weapon_use=recode(used, [v if v != "none" else None for v in values_of(used)])
        )
    answers = pd.DataFrame({flag: flags[flag] for flag in ROLES["weapons"] if flag in flags})
    if answers.empty or "weapon" in rows:
        return rows
    unsure = (answers == "unknown").any(axis=1) | (answers.shape[1] < len(ROLES["weapons"]))
    weapon = unsure.to_numpy().astype("int8")
    names = pd.Index(["none", "unknown", *ROLES["weapons"].values()], dtype="str")
    for flag in answers:
        weapon[answers[flag].eq("yes")] = names.get_loc(ROLES["weapons"][flag])
    return rows.assign(weapon=pd.Categorical.from_codes(weapon, categories=names))


def _flag(text: pd.Series, name: str, mapping: Mapping, notes: Notes) -> pd.Series:
    """Return yes, no or unknown for every row."""
    flag = mapping.flags[name]
    known = {"unknown": "unknown", **dict.fromkeys(map(str.lower, flag.false), "no")}
    known |= dict.fromkeys(map(str.lower, flag.true), "yes")
    answers = [known.get(value.lower()) for value in values_of(text)]
    if flag.contains:
        marked = [any(mark in value for mark in flag.contains) for value in values_of(text)]
        answers = ["yes" if found else "no" for found in marked]
    odd = recode(text, ["yes" if answer is None else "no" for answer in answers], "no") == "yes"
    what = f"{name}: values that are neither yes nor no, read as unknown"
    notes.find(what, odd, f"Add them to [flags.{name}].")
    return recode(text, [answer or "unknown" for answer in answers], flag.blank_means)


def _add_place(given: pd.DataFrame, rows: pd.DataFrame, notes: Notes) -> pd.DataFrame:
    numbers = {r: parse_numbers(given[r]) for r in ROLES["numbers"] if r in given}
    rows = rows.assign(**numbers)
    if {"easting", "northing"} <= set(rows):
        reasons = find_bad_points(rows)
        for reason in sorted({*reasons.unique()} - {"", "no coordinates"}):
            do = "Correct them at the source; the rows count, but stand on no surface."
            notes.find(f"Coordinates cannot be placed: {reason}.", reasons.eq(reason), do)
    if "managing_borough" in given:
        rows = rows.assign(managing_borough_code=find_boroughs(given["managing_borough"]))
    role = next((role for role in ("borough_code", "borough_name") if role in given), None)
    if role is None:
        return rows
    borough = find_boroughs(given[role])
    what = "borough is blank or not one of London: in no borough's report"
    notes.find(what, borough.isna(), "Correct the spelling in the file, or leave as it is.")
    return rows.assign(borough_code=borough)


def _ages(text: pd.Series, notes: Notes) -> pd.Series:
    """Keep ages that are a number from 0 to 120 or a band; everything else is unknown."""
    values = pd.Series(values_of(text), dtype="str")
    number = pd.to_numeric(values, errors="coerce")
    is_band = values.str.fullmatch(_AGE_BAND) & values.map(parse_ages).notna()
    good = number.between(0, OLDEST_AGE) | (number.isna() & is_band)
    odd = (~good & (values.str.lower() != "unknown")).map({True: "yes", False: "no"})
    what = f"age outside 0 to {OLDEST_AGE} or not readable: read as unknown"
    notes.find(
        what, recode(text, odd.tolist(), "no") == "yes", "Check the age column of the extract."
    )
    return recode(text, values.where(good, "unknown").tolist(), "unknown")


def _people_of_rows(
    given: pd.DataFrame, mapping: Mapping, person: str, notes: Notes
) -> pd.DataFrame:
    """One row a person named on the rows of the extract; rows that say nothing give none."""
    roles = [role for role in mapping.columns if role.startswith(f"{person}_")]
    roles += ["home_borough"] if person == "victim" and "home_borough" in given else []
    if not roles:
        return pd.DataFrame({"offence_id": pd.Series(dtype="str")})
    mine = given[roles].rename(columns=lambda role: str(role).removeprefix(f"{person}_"))
    rows = pd.DataFrame({"offence_id": given["crime_ref"], "person_role": person})
    rows = rows.assign(line=rows.index + 1)
    people = _describe(rows, mine.rename(columns={"id": "person_id"}), mapping, notes)
    said = mine.notna().any(axis=1)
    if "person_id" in people:
        said &= people["person_id"].isna() | ~people.duplicated(["offence_id", "person_id"])
    return people[said]


def _describe(
    people: pd.DataFrame, given: pd.DataFrame, mapping: Mapping, notes: Notes
) -> pd.DataFrame:
    """Add id, age, sex, ethnicity and home borough to a table of people."""
    if "age" in given:
        ages = _ages(given["age"], notes)
        values = pd.Series([*values_of(ages), None], dtype="str")
        number = pd.to_numeric(values.set_axis(values), errors="coerce")
        known = {"unknown", *number.index[number.notna()]}
        bands = [None if value in known else value for value in values_of(ages)]
        numbers = number.to_numpy(dtype="float64")[ages.cat.codes]
        people = people.assign(age=numbers, age_band=recode(ages, bands))
    if "sex" in given:
        sex = _translate(given["sex"], "sex", mapping)
        people = people.assign(sex=recode(sex, values_of(sex), "unknown"))
    plain = ("person_id", "ethnicity_self", "ethnicity_observed")
    people = people.assign(**{role: given[role] for role in plain if role in given})
    if "home_borough" in given:
        people = people.assign(home_borough_code=find_boroughs(given["home_borough"]))
    return people.assign(people=1)


def _place_people(
    people: pd.DataFrame, offences: pd.DataFrame, notes: Notes | None
) -> tuple[pd.DataFrame, np.ndarray]:
    """Give people the month and place of their offence, and say at which rows those stand.

    With `notes`, people without an offence are rejected.
    """
    # Arrow: pandas walks 1.2 million values in Python
    theirs, refs = pa.array(people["offence_id"]), pa.array(offences["offence_id"])
    place = pc.index_in(theirs, value_set=refs)
    if cleaned := place.null_count > 0:
        place = pc.coalesce(place, pc.index_in(_plain_id(theirs), value_set=_plain_id(refs)))
    found = np.asarray(place.fill_null(-1))
    if notes is not None:
        reason = "the offence is not in the extract, or was rejected there"
        notes.reject(pd.Series(found < 0, index=people.index), "crime_ref", reason)
        people, found = _keep(people, found >= 0), found[found >= 0]
        _tell_twice(people, found, notes)
        if cleaned:
            own = offences["offence_id"].iloc[found]
            people = people.assign(offence_id=own.set_axis(people.index))
    taken = offences[[name for name in ROLES["of_offence"] if name in offences]].iloc[found]
    return people.assign(**{str(n): taken[n].set_axis(people.index) for n in taken}), found


def _tell_twice(people: pd.DataFrame, found: np.ndarray, notes: Notes) -> None:
    """Tell people who stand twice in the people file under one offence, `found` by its place."""
    key = found.astype("int64")  # rows that are alike have the same: only those are compared
    for _, column in people.select_dtypes("category").items():
        key = key * 31 + column.cat.codes.to_numpy()
    ordered = np.sort(key)
    again = ordered[1:][ordered[1:] == ordered[:-1]]
    near = people.drop(columns="line")[pd.Series(key, people.index).isin(again)]
    what, do, severity = (
        "no reason to leave them out, as two people can be alike.",
        "",
        "information",
    )
    if "person_id" in people:
        what, do = "that person counts twice.", "Take the copies out of the people file."
        severity = "warning"
    notes.find(f"Rows repeat another exactly: {what}", near.duplicated(), do, severity)


def _plain_id(refs: Any) -> Any:
    """Return references without blanks, and whole numbers without the ``.0`` of a spreadsheet."""
    return pc.replace_substring_regex(pc.cast(refs, pa.string()), r"\s+|\.0$", "")
