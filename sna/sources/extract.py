"""A restricted record extract, read through its mapping into offences and people."""

import pandas as pd

from sna.errors import SourceError
from sna.sources.extract_fields import (
    OLDEST_AGE,
    Notes,
    find_borough_code,
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
_TEXT = (
    "offence_code",
    "detailed_code",
    "offence_text",
    "relationship",
    "premises_type",
    "outcome",
    "ward_code",
)


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

    Parameters
    ----------
    sample, people
        First look at the extract and at its people file, from `sna.sources.files`.
    mapping
        Its resolved mapping.
    today
        Rows dated after this day are rejected.
    file_id, people_file_id
        Index of each file among the inputs.

    Returns
    -------
    tuple
        The extract's result, with store tables ``offences`` and ``people``; the people file's
        result, or None. People take month and place from their offence.
    """
    notes, text = Notes(), read_text(sample)
    offences, persons = read_records(text.table.to_pandas(), mapping, today=today, notes=notes)
    origin = {
        "source": "extract" if mapping.kind == "offences" else mapping.kind,
        "release_class": mapping.release_class,
    }
    offences = offences.assign(
        **origin, file_id=file_id, area_level="record", period_months=1
    ).reset_index(drop=True)
    tables = {"offences": offences}
    if len(persons):
        tables["people"] = _place_people(persons, offences).assign(**origin, file_id=file_id)
    result = notes.result(tables, text)
    if people is None:
        return result, None
    notes, text = Notes(), read_text(people)
    persons = read_people(text.table.to_pandas(), mapping, notes=notes)
    orphan = ~persons["offence_id"].isin(offences["offence_id"])
    notes.reject(
        persons["offence_id"][orphan].mask(orphan, ""),
        mapping.people_columns["crime_ref"],
        "the offence is not in the extract, or was rejected there",
    )
    placed = _place_people(persons[~orphan], offences).assign(**origin, file_id=people_file_id)
    return result, notes.result({"people": placed}, text)


def _place_people(people: pd.DataFrame, offences: pd.DataFrame) -> pd.DataFrame:
    """Give people the month, place and domestic-abuse flag of their offence."""
    wanted = ("offence_id", "month", "borough_code", "ward_code", "lsoa_code", "domestic_abuse")
    place = offences[[name for name in wanted if name in offences]]
    return people.merge(place, how="left", on="offence_id", validate="many_to_one")


def read_records(
    raw: pd.DataFrame, mapping: Mapping, *, today: pd.Timestamp, notes: Notes
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Turn the raw rows of an extract into one row an offence and one row a person.

    Parameters
    ----------
    raw
        The extract as read, every column text, blanks as empty strings.
    mapping
        Its resolved mapping.
    today
        Rows dated after this day are rejected.
    notes
        Collects rejects and findings.

    Returns
    -------
    tuple of pandas.DataFrame
        Offences (columns of the store table that the mapping can fill; a role that the mapping
        leaves out stays absent, which the classifier reads as Unknown) and people. Neither
        carries ``source``, ``release_class`` or ``file_id``.

    Raises
    ------
    SourceError
        If the mapping names a column that the extract does not have.
    """
    _check_headings(raw, mapping)
    raw = _blank(raw, mapping)
    roles = {str(role): heading for role, heading in mapping.columns.items()}
    reference = raw[roles["crime_ref"]]
    notes.reject(reference[reference == ""], roles["crime_ref"], "no crime reference")
    raw = raw[reference != ""]
    rows = pd.DataFrame({"offence_id": raw[roles["crime_ref"]].str.strip()})
    raw, rows = _add_dates(raw, rows, mapping, today, notes)
    raw, rows = _add_coded(raw, rows, mapping, notes)
    rows = _add_flags(raw, rows, mapping, notes)
    rows = _add_place(raw, rows, mapping, notes)
    for role in _TEXT:
        if role in roles:
            rows = rows.assign(**{role: or_missing(raw[roles[role]].str.strip())})
    if "published_category" in roles:
        text = raw[roles["published_category"]]
        rows = rows.assign(published_category=text.where(text.str.contains(" | ", regex=False)))
    if "linked_ref" in roles:
        rows = rows.assign(linked_id=or_missing(raw[roles["linked_ref"]].str.strip()))
    people = pd.concat(
        [_people_of_rows(raw, rows, mapping, person, notes) for person in ("victim", "suspect")],
        ignore_index=True,
    )
    offences = _collapse(rows, notes)
    if not _is_one_row_an_offence(rows):
        return offences, people
    for person in ("victim", "suspect"):
        if f"{person}_age" in roles:
            ages = raw[roles[f"{person}_age"]].str.strip().replace("", "unknown")
            offences = offences.assign(**{f"{person}_age": keep_plausible_ages(ages)})
    return offences, people


def read_people(raw: pd.DataFrame, mapping: Mapping, *, notes: Notes) -> pd.DataFrame:
    """Turn the rows of the separate people file of an extract into one row a person."""
    roles = {str(role): heading for role, heading in mapping.people_columns.items()}
    missing = sorted(set(roles.values()) - set(raw.columns))
    if missing:
        raise SourceError(
            f"The people file lacks {len(missing)} columns that the mapping names.",
            where=f"mapping {mapping.name}", found=missing,
            do="Correct [people.columns] in the mapping.",
        )  # fmt: skip
    raw = _blank(raw, mapping)
    given = {role: raw[heading].str.strip() for role, heading in roles.items()}
    people = pd.DataFrame({"offence_id": given["crime_ref"]})
    roles_given = translate(
        given["person_role"].str.lower(), "person_role", mapping.codings.get("person_role")
    )
    bad = roles_given.isna() | (people["offence_id"] == "")
    notes.reject(given["person_role"][bad], roles["person_role"], "not a victim or a suspect")
    people = _describe(people.assign(person_role=roles_given), given, mapping, notes)
    return people[~bad]


def _check_headings(raw: pd.DataFrame, mapping: Mapping) -> None:
    missing = sorted(mapping.headings - set(raw.columns))
    if missing:
        raise SourceError(
            f"The extract lacks {len(missing)} columns that its mapping names.",
            where=f"mapping {mapping.name}", found=missing,
            do=f"Correct the mapping. The extract has: {', '.join(map(str, raw.columns[:40]))}.",
        )  # fmt: skip


def _blank(raw: pd.DataFrame, mapping: Mapping) -> pd.DataFrame:
    """Return the mapped columns with every missing mark as an empty string."""
    needed = mapping.headings | set(mapping.people_columns.values())
    marks = [mark for mark in mapping.missing if mark]
    return pd.DataFrame(
        {
            name: (text := raw[name].fillna("")).mask(text.str.strip().isin(marks), "")
            for name in raw.columns
            if name in needed
        }
    )


def _add_dates(
    raw: pd.DataFrame, rows: pd.DataFrame, mapping: Mapping, today: pd.Timestamp, notes: Notes
) -> tuple[pd.DataFrame, pd.DataFrame]:
    if mapping.undated:
        return raw, rows.assign(month=pd.Series(pd.NaT, index=rows.index, dtype="datetime64[us]"))
    bad = pd.Series(False, index=rows.index)
    for role in _DATES:
        if role not in mapping.columns:
            continue
        heading = mapping.columns[role]
        dates = parse_dates(raw[heading], mapping.date_format)
        unread = dates.isna() & (raw[heading].str.strip() != "") & ~bad
        notes.reject(raw[heading][unread], heading, "not a date")
        future = (dates >= today + pd.Timedelta(days=1)) & ~bad
        notes.reject(raw[heading][future], heading, "date in the future")
        bad |= unread | future
        rows = rows.assign(**{role: dates})
    counted = rows["recorded_date"] if "recorded_date" in rows else rows["committed_from"]
    if "recorded_date" in rows and "committed_from" in rows:
        counted = counted.fillna(rows["committed_from"])
    undated = counted.isna() & ~bad
    notes.reject(pd.Series("", index=rows.index)[undated], "date", "no date")
    keep = ~(bad | undated)
    month = counted.dt.to_period("M").dt.to_timestamp().astype("datetime64[us]")
    return raw[keep], rows.assign(month=month)[keep]


def _add_coded(
    raw: pd.DataFrame, rows: pd.DataFrame, mapping: Mapping, notes: Notes
) -> tuple[pd.DataFrame, pd.DataFrame]:
    roles = {str(role): heading for role, heading in mapping.columns.items()}
    for role in ("weapon", "weapon_use"):
        if role in roles:
            words = translate(raw[roles[role]], role, mapping.codings.get(role))
            notes.find(
                "warning", f"{role}: values that the mapping does not translate, read as unknown",
                int(words.isna().sum()), f"Add them to [values.{role}] map.",
            )  # fmt: skip
            words = words.fillna("unknown")
            rows = rows.assign(**{role: words if role == "weapon" else words.replace("none", "")})
    if "weapon_use" in rows:
        rows = rows.assign(weapon_use=or_missing(rows["weapon_use"]))
    if "status" not in roles:
        notes.find(
            "information", "no status column: every row is read as recorded", len(rows),
            "Ask for cancelled, transferred and non-notifiable records to be marked.",
        )  # fmt: skip
        return raw, rows
    words = translate(raw[roles["status"]], "status", mapping.codings.get("status"))
    bad = words.isna()
    notes.reject(raw[roles["status"]][bad], roles["status"], "status that the mapping lacks")
    return raw[~bad], rows.assign(status=words)[~bad]


def _add_flags(
    raw: pd.DataFrame, rows: pd.DataFrame, mapping: Mapping, notes: Notes
) -> pd.DataFrame:
    flags = {name: read_flag(raw, name, flag, notes) for name, flag in mapping.flags.items()}
    if "is_domestic_abuse" in flags:
        rows = rows.assign(domestic_abuse=flags["is_domestic_abuse"])
    words = {"is_gun": "firearm_type_unknown", "is_corrosive": "corrosive", "is_knife": "knife"}
    marks = {word: flags[name] for name, word in words.items() if name in flags}
    if not marks or "weapon" in rows:
        return rows
    answers = pd.DataFrame(marks)
    some_unknown = (answers == "unknown").any(axis=1) | (len(marks) < len(words))
    weapon = some_unknown.map({True: "unknown", False: "none"})
    for word, answer in marks.items():
        weapon = weapon.mask(answer == "yes", word)
    return rows.assign(weapon=weapon)


def _add_place(
    raw: pd.DataFrame, rows: pd.DataFrame, mapping: Mapping, notes: Notes
) -> pd.DataFrame:
    roles = {str(role): heading for role, heading in mapping.columns.items()}
    for role in ("easting", "northing"):
        if role in roles:
            rows = rows.assign(**{role: pd.to_numeric(raw[roles[role]], errors="coerce")})
    if "lsoa_code" in roles:
        rows = rows.assign(lsoa_code=or_missing(raw[roles["lsoa_code"]].str.strip()))
    role = "borough_code" if "borough_code" in roles else "borough_name"
    if role not in roles:
        return rows
    text = raw[roles[role]].str.strip()
    codes = {name: find_borough_code(name) for name in text.unique()}
    borough = text.map(codes).astype("str")
    notes.find(
        "warning", "borough is blank or not one of London: kept, but in no borough's report",
        int(borough.isna().sum()), "Correct the spelling in the file, or leave as it is.",
    )  # fmt: skip
    return rows.assign(borough_code=borough)


def _people_of_rows(
    raw: pd.DataFrame, rows: pd.DataFrame, mapping: Mapping, person: str, notes: Notes
) -> pd.DataFrame:
    """One row a person named on the rows of the extract; rows that say nothing give none."""
    prefix = f"{person}_"
    roles = {role: col for role, col in mapping.columns.items() if role.startswith(prefix)}
    if not roles:
        return pd.DataFrame({"offence_id": pd.Series(dtype="str")})
    given = {role.removeprefix(prefix): raw[heading] for role, heading in roles.items()}
    given["person_id"] = given.pop("id", pd.Series("", index=raw.index))
    if "home_borough" in mapping.columns and person == "victim":
        given["home_borough"] = raw[mapping.columns["home_borough"]]
    said = pd.DataFrame({role: text.str.strip() != "" for role, text in given.items()}).any(axis=1)
    people = rows[["offence_id"]].assign(person_role=person)
    people = _describe(people, given, mapping, notes)[said]
    named = people["person_id"].notna()
    repeated = people[named].duplicated(["offence_id", "person_id"])
    return people.drop(index=repeated[repeated].index)


def _describe(
    people: pd.DataFrame, given: dict[str, pd.Series], mapping: Mapping, notes: Notes
) -> pd.DataFrame:
    """Add id, age, sex, ethnicity and home borough to a table of people."""
    if "age" in given:
        ages = keep_plausible_ages(given["age"].str.strip())
        number = pd.to_numeric(ages, errors="coerce")
        implausible = (ages == "unknown") & ~given["age"].str.strip().str.lower().isin(
            ["", "unknown"]
        )
        notes.find(
            "warning", f"age outside 0 to {OLDEST_AGE} or not readable: read as unknown",
            int(implausible.sum()), "Check the age column of the extract.",
        )  # fmt: skip
        band = ages.where(number.isna() & (ages != "unknown"))
        people = people.assign(age=number.astype("float64"), age_band=band)
    if "sex" in given:
        words = translate(given["sex"], "sex", mapping.codings.get("sex"))
        people = people.assign(sex=words.fillna("unknown"))
    for role in ("person_id", "ethnicity_self", "ethnicity_observed"):
        if role in given:
            people = people.assign(**{role: or_missing(given[role].str.strip())})
    if "home_borough" in given:
        text = given["home_borough"].str.strip()
        codes = {name: find_borough_code(name) for name in text.unique()}
        people = people.assign(home_borough_code=text.map(codes).astype("str"))
    return people.assign(people=1)


def _is_one_row_an_offence(rows: pd.DataFrame) -> bool:
    return not bool(rows["offence_id"].duplicated().any())


def _collapse(rows: pd.DataFrame, notes: Notes) -> pd.DataFrame:
    """One row an offence: person rows collapse on the crime reference."""
    repeated = rows["offence_id"].duplicated()
    codes = [name for name in ("offence_code", "detailed_code") if name in rows]
    if codes and repeated.any():
        distinct = rows.groupby("offence_id", sort=False)[codes[0]].nunique()
        notes.find(
            "warning", "one crime reference with several offence codes: the first is used",
            int((distinct > 1).sum()), "Check the reference column of the extract.",
        )  # fmt: skip
    return rows[~repeated].assign(offences=1)
