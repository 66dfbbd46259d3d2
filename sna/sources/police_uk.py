"""police.uk monthly files: street crime, outcomes, stop and search; and Camden's copies of them.

Points are map points that stand for about eight addresses, so street rows keep the LSOA that is
published and no coordinates; searches have no LSOA and are joined by their point.
"""

from typing import Any

import pandas as pd
import pyarrow as pa

from sna.sources.layout import (
    FileSample,
    Layout,
    Match,
    ReadContext,
    ReadResult,
    Role,
    make_finding,
)
from sna.sources.places import to_grid
from sna.sources.rows import Rows
from sna.sources.text import TextTable, read_text

_MONTH = r"(19|20)\d\d-\d\d"
_LSOA = r"[EWNS9]\d{7,8}"
_CAMDEN = "E09000007"
_PUBLISHER, _LICENCE = "Home Office, data.police.uk", "OGL v3.0"


def _place(rows: Rows, match: Match, context: ReadContext) -> dict[str, Any]:
    """Return borough and both LSOA editions of police.uk rows, decided code by code."""
    places = context.places
    code = rows.values("lsoa_code")
    pairs = [places.find_lsoa(value) for value in code]
    borough = rows.coded("lsoa_code", [places.borough_of.get(str(value)) for value in code])
    if "lsoa_name" in match.columns:  # 'Camden 027B': the district's name and five characters
        by_name = [
            places.find_borough(str(v)[:-5]) if v else None for v in rows.values("lsoa_name")
        ]
        borough = rows.fill(borough, rows.coded("lsoa_name", by_name))
    return {
        "borough_code": borough,
        "lsoa_code": rows.coded("lsoa_code", [new for new, _ in pairs]),
        "lsoa_2011_code": rows.coded("lsoa_code", [old for _, old in pairs]),
    }


def _read(
    sample: FileSample, match: Match, *, coded: tuple[str, ...], plain: tuple[str, ...]
) -> tuple[TextTable, Rows]:
    """Read the columns of these roles; rows without a month are rejected."""
    names = {role: match.columns[role] for role in (*coded, *plain) if role in match.columns}
    text = read_text(
        sample,
        columns=tuple(names.values()),
        coded=tuple(name for role, name in names.items() if role in coded),
    )
    return text, Rows(text.table.rename_columns(list(names)))


def read_street(sample: FileSample, match: Match, context: ReadContext) -> ReadResult:
    """Read one month of street crime: one row an offence or anti-social behaviour incident."""
    coded = ("month", "lsoa_code", "lsoa_name", "crime_type", "outcome", "location")
    text, rows = _read(sample, match, coded=coded, plain=("crime_id",))
    rows = rows.with_month()
    table = rows.table(
        context,
        "police_uk_street",
        {
            **_place(rows, match, context),
            "offence_id": rows.text_of("crime_id"),
            "period_months": rows.constant(1, pa.int8()),
            "area_level": rows.constant("record"),
            "published_category": rows.coded(
                "crime_type",
                [f"police.uk | {str(v).strip()}" if v else None for v in rows.values("crime_type")],
            ),
            "offences": rows.constant(1, pa.int64()),
            "status": rows.constant("recorded"),
            "location_name": rows.same("location"),
            "outcome": rows.same("outcome"),
        },
    )
    return rows.result({"offences": table}, text)


def read_outcomes(sample: FileSample, match: Match, context: ReadContext) -> ReadResult:
    """Read one month of outcomes: an offence can have many."""
    coded = ("month", "lsoa_code", "lsoa_name", "outcome_type")
    text, rows = _read(sample, match, coded=coded, plain=("crime_id",))
    rows = rows.with_month()
    table = rows.table(
        context,
        "police_uk_outcomes",
        {
            **_place(rows, match, context),
            "offence_id": rows.text_of("crime_id"),
            "outcome": rows.same("outcome_type"),
            "outcomes": rows.constant(1, pa.int64()),
        },
    )
    return rows.result({"outcomes": table}, text)


_SEX = {"male": "male", "m": "male", "female": "female", "f": "female", "other": "other"}
_SEARCH = {
    "method": "type",
    "ethnicity_self": "ethnicity_self",
    "ethnicity_observed": "ethnicity_observed",
    "legislation": "legislation",
    "search_object": "object",
    "outcome": "outcome",
}


def read_searches(sample: FileSample, match: Match, context: ReadContext) -> ReadResult:
    """Read one month of stop and search; times are published in UTC and kept in local time."""
    coded = ("gender", "age_range", *_SEARCH.values(), "latitude", "longitude")
    text, rows = _read(sample, match, coded=coded, plain=("date",))
    when = pd.to_datetime(
        rows.text_of("date").to_pandas(), errors="coerce", utc=True, format="ISO8601"
    )
    local = when.dt.tz_convert("Europe/London").dt.tz_localize(None)
    rows = rows.keep(local.notna().to_numpy(), column="date", reason="The date cannot be read.")
    local = local[local.notna()]
    east, north = to_grid(rows.strings("longitude"), rows.strings("latitude"))
    borough, lsoa = context.places.find_points(east, north)
    table = rows.table(
        context,
        "police_uk_stop_search",
        {
            "month": pa.array(local.to_numpy().astype("datetime64[M]").astype("datetime64[us]")),
            "borough_code": pa.array(borough, pa.string()).dictionary_encode(),
            "lsoa_code": pa.array(lsoa, pa.string()).dictionary_encode(),
            "person_role": rows.constant("searched"),
            "sex": rows.coded(
                "gender", [_SEX.get(str(v).casefold(), "unknown") for v in rows.values("gender")]
            ),
            "age_band": rows.same("age_range"),
            **{name: rows.same(role) for name, role in _SEARCH.items()},
            "people": rows.constant(1, pa.int64()),
            "event_time": pa.array(local.to_numpy().astype("datetime64[us]")),
            "easting": pa.array(east, from_pandas=True),
            "northing": pa.array(north, from_pandas=True),
        },
    )
    return rows.result({"people": table}, text)


def read_camden(sample: FileSample, match: Match, context: ReadContext) -> ReadResult:
    """Read Camden's republished street crime: wards by name or code, month in either date order."""
    coded = ("month", "ward_code", "ward_name", "category", "outcome", "location")
    text, rows = _read(sample, match, coded=coded, plain=("crime_id",))
    rows = rows.with_month()
    wards = [v if v and str(v).startswith("E05") else None for v in rows.values("ward_code")]
    table = rows.table(
        context,
        "camden_street",
        {
            "borough_code": rows.constant(_CAMDEN),
            "ward_code": rows.coded("ward_code", wards),
            "offence_id": rows.text_of("crime_id"),
            "period_months": rows.constant(1, pa.int8()),
            "area_level": rows.constant("record"),
            "published_category": rows.coded(
                "category",
                [f"police.uk | {str(v).strip()}" if v else None for v in rows.values("category")],
            ),
            "offences": rows.constant(1, pa.int64()),
            "status": rows.constant("recorded"),
            "location_name": rows.same("ward_name"),
            "outcome": rows.same("outcome"),
        },
    )
    result = rows.result({"offences": table}, text)
    old = sum(1 for v in rows.values("ward_code") if v and not str(v).startswith("E05"))
    if old:
        result.findings.append(
            make_finding(f"{old} old neighbourhood codes stand where ward codes belong; not used.")
        )
    result.findings.append(make_finding("The layout names no borough: taken as Camden."))
    return result


_STREET_ROLES = {
    "crime_id": Role("(crime )?id", needed=False),
    "month": Role("month", _MONTH),
    "lsoa_code": Role("lsoa( 2011| 2021|11|21)? ?(code|cd)", _LSOA),
    "lsoa_name": Role("lsoa( 2011| 2021|11|21)? ?(name|nm)", needed=False),
    "location": Role("location", needed=False),
    "reported_by": Role("reported by", needed=False),
    "falls_within": Role("falls within", needed=False),
}

LAYOUTS = (
    Layout(
        "police_uk_street",
        "police.uk street crime",
        _PUBLISHER,
        _LICENCE,
        {
            **_STREET_ROLES,
            "crime_type": Role("crime type"),
            "outcome": Role("last outcome( category)?", needed=False),
        },
        read_street,
    ),
    Layout(
        "police_uk_outcomes",
        "police.uk outcomes",
        _PUBLISHER,
        _LICENCE,
        {**_STREET_ROLES, "crime_id": Role("crime id"), "outcome_type": Role("outcome type")},
        read_outcomes,
        ("outcomes",),
    ),
    Layout(
        "police_uk_stop_search",
        "police.uk stop and search",
        _PUBLISHER,
        _LICENCE,
        {
            "type": Role("type", r"(?i).*search.*"),
            "date": Role("date( time)?", r"\d{4}-\d\d-\d\d.*"),
            "latitude": Role("lat(itude)?"),
            "longitude": Role("(lon|lng|long)(itude)?"),
            "gender": Role("gender", needed=False),
            "age_range": Role("age range", needed=False),
            "ethnicity_self": Role("self defined ethnicity", needed=False),
            "ethnicity_observed": Role("officer defined ethnicity", needed=False),
            "legislation": Role("legislation"),
            "object": Role("object of search", needed=False),
            "outcome": Role("outcome", needed=False),
        },
        read_searches,
        ("people",),
    ),
    Layout(
        "camden_street",
        "Camden's copy of police.uk street crime",
        "London Borough of Camden",
        _LICENCE,
        {
            "month": Role("epoch"),
            "category": Role("category"),
            "ward_name": Role("ward name"),
            "ward_code": Role("ward code", needed=False),
            "crime_id": Role("id", needed=False),
            "outcome": Role("outcome category", needed=False),
            "location": Role("street name", needed=False),
        },
        read_camden,
    ),
)
