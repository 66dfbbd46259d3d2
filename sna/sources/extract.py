"""A restricted record extract, read through its mapping into offences and people."""

import pandas as pd

from sna import definitions
from sna.errors import SourceError
from sna.sources.mapping import PEOPLE_ROLES, Flag, Mapping, Values

OLDEST_AGE = 120
_DATES = ("recorded_date", "committed_from", "committed_to")
_ALLOWED = {
    "status": ("recorded", "cancelled", "transferred", "non_notifiable", "terrorism", "aggregate"),
    "weapon": ("none", "knife", "section_1_firearm", "other_firearm", "firearm_type_unknown",
               "corrosive", "unknown"),
    "weapon_use": ("used", "threatened", "intimated", "possessed", "unknown"),
    "sex": ("female", "male", "other", "unknown"),
    "person_role": ("victim", "suspect"),
}  # fmt: skip
_SEX = {"f": "female", "m": "male", "female": "female", "male": "male"}
_TEXT = (
    "offence_code",
    "detailed_code",
    "offence_text",
    "relationship",
    "premises_type",
    "outcome",
    "ward_code",
)


class Notes:
    """Rejects and findings gathered while one file is read."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.rejects: list[pd.DataFrame] = []
        self.findings: list[dict[str, object]] = []

    def reject(self, rows: pd.Series, column: str, reason: str) -> None:
        """Reject the rows of a text column, one reject row each (line 1 is the first data row)."""
        values = rows.astype("str").str.slice(0, 80)
        lines = pd.Series(rows.index + 1, index=rows.index, dtype="int64")
        self.rejects.append(
            pd.DataFrame({"file": self.file, "line": lines, "column": column, "value": values,
                          "reason": reason, "rows": 1})
        )  # fmt: skip

    def find(self, severity: str, finding: str, rows: int, action: str) -> None:
        """Add a finding when it touches any row."""
        if rows:
            self.findings.append(
                {"severity": severity, "file": self.file, "finding": finding, "rows": int(rows),
                 "action": action}
            )  # fmt: skip


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
    _check_headings(raw, mapping, notes.file)
    raw = _blank(raw, mapping)
    roles = mapping.columns
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
            rows = rows.assign(**{role: _or_missing(raw[roles[role]].str.strip())})
    if "published_category" in roles:
        text = raw[roles["published_category"]]
        rows = rows.assign(published_category=text.where(text.str.contains(" | ", regex=False)))
    if "linked_ref" in roles:
        rows = rows.assign(linked_id=_or_missing(raw[roles["linked_ref"]].str.strip()))
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
            offences = offences.assign(**{f"{person}_age": _plausible(ages)})
    return offences, people


def read_people(raw: pd.DataFrame, mapping: Mapping, *, notes: Notes) -> pd.DataFrame:
    """Turn the rows of the separate people file of an extract into one row a person."""
    roles = mapping.people_columns
    missing = sorted(set(roles.values()) - set(raw.columns))
    if missing:
        raise SourceError(
            f"The people file lacks {len(missing)} columns that the mapping names.",
            where=notes.file, found=missing, do="Correct [people.columns] in the mapping.",
        )  # fmt: skip
    raw = _blank(raw, mapping)
    given = {role: raw[roles[role]].str.strip() for role in PEOPLE_ROLES if role in roles}
    people = pd.DataFrame({"offence_id": given["crime_ref"]})
    roles_given = _translate(
        given["person_role"].str.lower(), "person_role", mapping.codings.get("person_role")
    )
    bad = roles_given.isna() | (people["offence_id"] == "")
    notes.reject(given["person_role"][bad], roles["person_role"], "not a victim or a suspect")
    people = _describe(people.assign(person_role=roles_given), given, mapping, notes)
    return people[~bad].reset_index(drop=True)


def _or_missing(text: pd.Series) -> pd.Series:
    return text.mask(text == "")


def _check_headings(raw: pd.DataFrame, mapping: Mapping, file: str) -> None:
    missing = sorted(mapping.headings - set(raw.columns))
    if missing:
        raise SourceError(
            f"The extract lacks {len(missing)} columns that its mapping names.",
            where=f"{file}, mapping {mapping.name}", found=missing,
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
        dates = _parse_dates(raw[heading], mapping.date_format)
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


def _parse_dates(text: pd.Series, date_format: str) -> pd.Series:
    unique = pd.Series(text.str.strip().unique())
    if date_format == "iso":
        parsed = pd.to_datetime(unique, format="ISO8601", errors="coerce")
    elif date_format == "day_first":
        parsed = pd.to_datetime(unique, format="mixed", dayfirst=True, errors="coerce")
    else:
        parsed = pd.to_datetime(unique, format=date_format, errors="coerce")
    if parsed.dt.tz is not None:
        parsed = parsed.dt.tz_convert("Europe/London").dt.tz_localize(None)
    days = dict(zip(unique, parsed.astype("datetime64[us]"), strict=True))
    return text.str.strip().map(days).astype("datetime64[us]")


def _translate(text: pd.Series, role: str, values: Values | None) -> pd.Series:
    """Translate a coded column to our words; what is not one of them comes back missing."""
    values = values or Values()
    pairs = {key.lower(): word for key, word in values.map.items()}
    words = {word: word for word in _ALLOWED[role]}
    known = {**words, **(_SEX if role == "sex" else {}), **pairs, "": values.blank_means}
    return text.str.strip().str.lower().map(known).astype("str")


def _add_coded(
    raw: pd.DataFrame, rows: pd.DataFrame, mapping: Mapping, notes: Notes
) -> tuple[pd.DataFrame, pd.DataFrame]:
    roles = mapping.columns
    for role in ("weapon", "weapon_use"):
        if role in roles:
            words = _translate(raw[roles[role]], role, mapping.codings.get(role))
            notes.find(
                "warning", f"{role}: values that the mapping does not translate, read as unknown",
                int(words.isna().sum()), f"Add them to [values.{role}] map.",
            )  # fmt: skip
            words = words.fillna("unknown")
            rows = rows.assign(**{role: words if role == "weapon" else words.replace("none", "")})
    if "weapon_use" in rows:
        rows = rows.assign(weapon_use=_or_missing(rows["weapon_use"]))
    if "status" not in roles:
        notes.find(
            "information", "no status column: every row is read as recorded", len(rows),
            "Ask for cancelled, transferred and non-notifiable records to be marked.",
        )  # fmt: skip
        return raw, rows
    values = mapping.codings.get("status", Values(blank_means="recorded"))
    words = _translate(raw[roles["status"]], "status", values)
    bad = words.isna()
    notes.reject(raw[roles["status"]][bad], roles["status"], "status that the mapping lacks")
    return raw[~bad], rows.assign(status=words)[~bad]


def _read_flag(raw: pd.DataFrame, name: str, flag: Flag, notes: Notes) -> pd.Series:
    """Return yes, no or unknown for every row."""
    text = raw[flag.column].str.strip()
    if flag.contains:
        found = pd.Series(False, index=text.index)
        for mark in flag.contains:
            found |= text.str.contains(mark, regex=False)
        answer = found.map({True: "yes", False: "no"})
    else:
        words = {**dict.fromkeys(map(str.lower, flag.true), "yes")}
        words |= {**dict.fromkeys(map(str.lower, flag.false), "no"), "unknown": "unknown"}
        answer = text.str.lower().map(words)
    answer = answer.mask(text == "", flag.blank_means).astype("str")
    notes.find(
        "warning", f"{name}: values that are neither yes nor no, read as unknown",
        int(answer.isna().sum()), f"Add them to [flags.{name}].",
    )  # fmt: skip
    return answer.fillna("unknown")


def _add_flags(
    raw: pd.DataFrame, rows: pd.DataFrame, mapping: Mapping, notes: Notes
) -> pd.DataFrame:
    flags = {name: _read_flag(raw, name, flag, notes) for name, flag in mapping.flags.items()}
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
    roles = mapping.columns
    for role in ("easting", "northing"):
        if role in roles:
            rows = rows.assign(**{role: pd.to_numeric(raw[roles[role]], errors="coerce")})
    if "lsoa_code" in roles:
        rows = rows.assign(lsoa_code=_or_missing(raw[roles["lsoa_code"]].str.strip()))
    role = "borough_code" if "borough_code" in roles else "borough_name"
    if role not in roles:
        return rows
    text = raw[roles[role]].str.strip()
    codes = {name: _borough(name) for name in text.unique()}
    borough = text.map(codes).astype("str")
    notes.find(
        "warning", "borough is blank or not one of London: kept, but in no borough's report",
        int(borough.isna().sum()), "Correct the spelling in the file, or leave as it is.",
    )  # fmt: skip
    return rows.assign(borough_code=borough)


def _borough(text: str) -> str | None:
    known = definitions.borough_aliases()
    codes = {*definitions.boroughs()["borough_code"]}
    if text in codes:
        return text
    aliases = dict(zip(known["alias"].str.lower(), known["borough_code"], strict=True))
    return aliases.get(text.lower())


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
        ages = _plausible(given["age"].str.strip())
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
        words = _translate(given["sex"], "sex", mapping.codings.get("sex"))
        people = people.assign(sex=words.fillna("unknown"))
    for role in ("person_id", "ethnicity_self", "ethnicity_observed"):
        if role in given:
            people = people.assign(**{role: _or_missing(given[role].str.strip())})
    if "home_borough" in given:
        text = given["home_borough"].str.strip()
        codes = {name: _borough(name) for name in text.unique()}
        people = people.assign(home_borough_code=text.map(codes).astype("str"))
    return people.assign(people=1)


def _plausible(ages: pd.Series) -> pd.Series:
    """Keep ages that are a number from 0 to 120 or a band; everything else is unknown."""
    number = pd.to_numeric(ages, errors="coerce")
    is_band = ages.str.fullmatch(r"\s*(?:under|over)?\s*\d{1,3}\s*(?:(?:-|to)\s*\d{1,3}|\+)?\s*")
    good = number.between(0, OLDEST_AGE) | (number.isna() & is_band)
    return ages.where(good, "unknown")


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
