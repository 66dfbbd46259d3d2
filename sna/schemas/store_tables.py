"""The tables of data/processed: grain, columns, units, allowed values."""

from sna.schemas.columns import Column, Table

RELEASE_CLASSES = ("open", "restricted", "person_level")  # from lax to strict
AREA_LEVELS = ("record", "lsoa", "ward", "borough", "force")
BANDS = ("core", "context_only", "listed_out_of_context", "indeterminate", "out")

_text = "str"
_cat = "category"
_month = "datetime64[us]"

# Columns that say where a row comes from and where it belongs; shared by every event table.
PLACE = {
    "source": Column(_cat, "id of the layout that the row was read from", nullable=False),
    "release_class": Column(
        _cat, "how the input may be released", nullable=False, allowed=RELEASE_CLASSES
    ),
    "file_id": Column("int32", "index of the input file in inputs.json", nullable=False),
    "month": Column(_month, "first day of the month (of the quarter for quarterly sources)"),
    "borough_code": Column(_cat, "borough of the event; missing if it could not be placed"),
    "ward_code": Column(_cat, "ward, edition as published"),
    "lsoa_code": Column(_cat, "LSOA, 2021 edition"),
    "lsoa_2011_code": Column(_cat, "LSOA, 2011 edition, where that is what the file holds"),
}

PERSON = {
    "sex": Column(_cat, "sex as recorded", allowed=("female", "male", "other", "unknown")),
    "age": Column("float64", "age at the event, where a single year is known", "years", minimum=0),
    "age_band": Column(_cat, "age band as published or derived, e.g. 18-24, 65+", "years"),
    "ethnicity_self": Column(_cat, "self-defined ethnicity, code or label as published"),
    "ethnicity_observed": Column(_cat, "officer-observed ethnicity, as published"),
}

OFFENCES = Table(
    "offences",
    "one row an offence, or one row a published count of a category; `offences` says how many",
    {
        **PLACE,
        "offence_id": Column(_text, "reference of the record; missing for published counts"),
        "period_months": Column("int8", "length of the period that `month` opens", "months"),
        "area_level": Column(
            _cat, "finest level the source publishes at", nullable=False, allowed=AREA_LEVELS
        ),
        "offence_code": Column(_cat, "Home Office class as text, e.g. 8N"),
        "detailed_code": Column(_cat, "Home Office detailed code as text, e.g. 005/01"),
        "offence_text": Column(_cat, "offence name as published"),
        "published_category": Column(_cat, "`publisher | group | label` of a published count"),
        "offences": Column("int64", "recorded offences", "offences", nullable=False, minimum=0),
        "status": Column(
            _cat,
            "recorded unless the source says otherwise",
            allowed=(
                "recorded",
                "cancelled",
                "transferred",
                "non_notifiable",
                "terrorism",
                "aggregate",
            ),
        ),
        "victim_age": Column(_cat, "a number, a band or unknown; the deciding victim", "years"),
        "suspect_age": Column(_cat, "a number, a band or unknown; the deciding suspect", "years"),
        "domestic_abuse": Column(_cat, "the flag", allowed=("yes", "no", "unknown")),
        "relationship": Column(_cat, "relationship of suspect to victim, as recorded"),
        "weapon": Column(
            _cat,
            "weapon feature",
            allowed=(
                "none",
                "knife",
                "section_1_firearm",
                "other_firearm",
                "firearm_type_unknown",
                "corrosive",
                "unknown",
            ),
        ),
        "weapon_use": Column(
            _cat, "how", allowed=("used", "threatened", "intimated", "possessed", "unknown")
        ),
        "linked_id": Column(_text, "offence_id of a linked offence"),
        "premises_type": Column(_cat, "kind of place, as recorded"),
        "location_name": Column(_cat, "anonymised street or place name (police.uk)"),
        "recorded_date": Column(_month, "date the offence was recorded"),
        "committed_from": Column(_month, "earliest time it can have happened, local time"),
        "committed_to": Column(_month, "latest time it can have happened, local time"),
        "easting": Column("float64", "British National Grid", "metres"),
        "northing": Column("float64", "British National Grid", "metres"),
        "outcome": Column(_cat, "latest outcome, as published"),
        # added by sna.classify
        "band": Column(_cat, "answer of the definition", allowed=BANDS),
        "possible_bands": Column(_cat, "bands the unknown facts leave possible, joined by |"),
        "contexts": Column(_cat, "contexts known True, joined by | (u25, da, sv)"),
        "contexts_unknown": Column(_cat, "contexts that are Unknown, joined by |"),
        "listed_family": Column(_cat, "family of the listed offence"),
        "is_exploitation": Column("bool", "exploitation marker"),
        "is_attached": Column("bool", "property violence attached to a listed offence"),
        "attached_to": Column(_text, "offence_id of the companion"),
        "has_weapon_lift": Column("bool", "the weapon clause lifted it"),
        "weapon_feature": Column(_cat, "weapon fact, computed in every profile"),
        "near_neighbour_switch": Column(_cat, "the switch that would bring it in"),
        "victim_only_band": Column(_cat, "band with u25_role = victim", allowed=BANDS),
        "rule_ids": Column(_cat, "rules that decided"),
        "reason": Column(_cat, "one plain sentence"),
        "band_quality": Column(_cat, "record, low or aggregate"),
        "definition_profile": Column(_cat, "profile id"),
        "definition_version": Column(_cat, "profile version"),
        "definition_hash": Column(_cat, "hash of the resolved rules"),
    },
    required=("source", "release_class", "file_id", "month", "borough_code", "offences"),
)

PEOPLE = Table(
    "people",
    "one row a person in a role in an offence or encounter; `people` says how many",
    {
        **PLACE,
        "offence_id": Column(_text, "the offence the person belongs to"),
        "person_role": Column(
            _cat,
            "role in the record",
            nullable=False,
            allowed=("victim", "suspect", "proceeded_against", "detained", "searched"),
        ),
        "person_id": Column(_text, "identifier inside the source, where it has one"),
        **PERSON,
        "home_borough_code": Column(_cat, "borough of residence"),
        "home_lsoa_code": Column(_cat, "LSOA of residence, 2021 edition"),
        "people": Column("int64", "people", "people", nullable=False, minimum=0),
        "offence_text": Column(_cat, "offence or reason as published"),
        "domestic_abuse": Column(_cat, "the flag", allowed=("yes", "no", "unknown")),
        "outcome": Column(_cat, "outcome as published, e.g. charged"),
        "method": Column(_cat, "method of killing or of the search, as published"),
        "search_object": Column(_cat, "object of search, as published"),
        "legislation": Column(_cat, "power used, as published"),
        "event_time": Column(_month, "local time of the encounter"),
        "easting": Column("float64", "British National Grid", "metres"),
        "northing": Column("float64", "British National Grid", "metres"),
    },
    required=("source", "release_class", "file_id", "month", "borough_code", "people"),
)

OUTCOMES = Table(
    "outcomes",
    "one row a police outcome of an offence, or a published count of positive outcomes",
    {
        **PLACE,
        "offence_id": Column(_text, "police.uk crime id; one id may have many outcomes"),
        "published_category": Column(_cat, "`publisher | group | label`"),
        "outcome": Column(_cat, "outcome type as published"),
        "outcomes": Column("int64", "outcomes", "outcomes", nullable=False, minimum=0),
    },
    required=("source", "release_class", "file_id", "month", "outcomes"),
)

POPULATION = Table(
    "population",
    "one row an area, ethnic group, sex and age band; `all` where the table does not split",
    {
        "source": Column(_cat, "layout id", nullable=False),
        "file_id": Column("int32", "index of the input file", nullable=False),
        "area_code": Column(_cat, "GSS code", nullable=False),
        "area_level": Column(_cat, "level", nullable=False, allowed=("lsoa", "ward", "borough")),
        "population_year": Column("int16", "year of the estimate or Census", nullable=False),
        "ethnic_group": Column(_cat, "Census label, or all"),
        "ethnic_scheme": Column(_cat, "census_19, five, or all"),
        "sex": Column(_cat, "sex", allowed=("female", "male", "all")),
        "age_lower": Column("int16", "youngest age in the band", "years", minimum=0),
        "age_upper": Column("int16", "oldest age in the band; 999 for open bands", "years"),
        "population": Column("float64", "residents", "people", nullable=False, minimum=0),
    },
    required=("area_code", "area_level", "population_year", "population"),
)

AREAS = Table(
    "areas",
    "one row an area and edition, with its polygon in EPSG:27700",
    {
        "area_code": Column(_text, "GSS code", nullable=False),
        "area_name": Column(_text, "name as published"),
        "area_level": Column(_cat, "level", nullable=False, allowed=("lsoa", "ward", "borough")),
        "edition": Column("int16", "year of the boundary edition", nullable=False),
        "borough_code": Column(_cat, "borough the area lies in"),
        "file_id": Column("int32", "index of the input file", nullable=False),
        "geometry": Column("object", "polygon, EPSG:27700", "metres"),
    },
    required=("area_code", "area_level", "edition"),
)

AREA_LOOKUP = Table(
    "area_lookup",
    "one row a pair of small areas that share ground",
    {
        "lookup": Column(_cat, "lsoa_2011_to_2021, lsoa_to_ward or borough_to_force"),
        "lsoa_2011_code": Column(_cat, "LSOA, 2011 edition"),
        "lsoa_code": Column(_cat, "LSOA, 2021 edition"),
        "change": Column(_cat, "U unchanged, S split, M merged, X irregular"),
        "ward_code": Column(_cat, "ward, 2024 edition"),
        "borough_code": Column(_cat, "borough or district"),
        "force_name": Column(_cat, "police force"),
        "file_id": Column("int32", "index of the input file", nullable=False),
    },
    required=("lookup", "borough_code"),
)

DEPRIVATION = Table(
    "deprivation",
    "one row an LSOA, edition and domain",
    {
        "lsoa_code": Column(_cat, "LSOA, 2021 edition"),
        "lsoa_2011_code": Column(_cat, "LSOA, 2011 edition"),
        "edition": Column("int16", "year of the Indices of Deprivation", nullable=False),
        "domain": Column(_cat, "overall, income, crime …", nullable=False),
        "rank": Column("int32", "rank in England, 1 is most deprived", "rank"),
        "decile": Column("int8", "decile in England, 1 is most deprived", "decile"),
        "file_id": Column("int32", "index of the input file", nullable=False),
    },
    required=("edition", "domain", "decile"),
)

HEALTH = Table(
    "health",
    "one row a Fingertips indicator, area, sex and period",
    {
        "indicator_id": Column(_text, "Fingertips id", nullable=False),
        "indicator_name": Column(_text, "name as published"),
        "area_code": Column(_cat, "GSS code", nullable=False),
        "sex": Column(_cat, "sex"),
        "period": Column(_text, "period as published; pooled years overlap"),
        "value": Column("float64", "directly standardised rate", "per 100,000"),
        "lower_ci": Column("float64", "lower 95 % limit", "per 100,000"),
        "upper_ci": Column("float64", "upper 95 % limit", "per 100,000"),
        "count": Column("float64", "admissions", "admissions"),
        "file_id": Column("int32", "index of the input file", nullable=False),
    },
    required=("indicator_id", "area_code", "period", "value"),
)

COUNTS = Table(
    "counts",
    "London-wide counts: one row a month, borough, source, level, category and band",
    {
        "source": PLACE["source"],
        "release_class": PLACE["release_class"],
        "area_level": Column(_cat, "level of the rows counted", allowed=AREA_LEVELS),
        "month": PLACE["month"],
        "period_months": Column("int8", "length of the period", "months"),
        "borough_code": Column(_cat, "borough; missing if not placed"),
        "published_category": Column(_cat, "category of a published count"),
        "offence_code": Column(_cat, "class of records"),
        "listed_family": Column(_cat, "family of the listed offence"),
        "band": Column(_cat, "answer of the definition", allowed=BANDS),
        "possible_bands": Column(_cat, "bands left possible"),
        "contexts": Column(_cat, "contexts known True"),
        "weapon_feature": Column(_cat, "weapon fact"),
        "offences": Column("int64", "recorded offences", "offences", nullable=False, minimum=0),
    },
    required=("source", "month", "borough_code", "band", "offences"),
)

REJECTS = Table(
    "rejects",
    "one row a raw row, or group of alike raw rows, that was not used",
    {
        "file": Column(_text, "path inside the raw folder", nullable=False),
        "line": Column("int64", "first line or row number, 1 is the first data row"),
        "column": Column(_text, "column that decided"),
        "value": Column(_text, "what stood there, cut at 80 characters; never personal text"),
        "reason": Column(_text, "why the row was not used", nullable=False),
        "rows": Column("int64", "rows", "rows", nullable=False, minimum=1),
    },
    required=("file", "reason", "rows"),
)

FINDINGS = Table(
    "findings",
    "one row a thing the reader of the data should know",
    {
        "severity": Column(
            _cat, "how bad", nullable=False, allowed=("error", "warning", "information")
        ),
        "file": Column(_text, "path inside the raw folder, or empty for the whole folder"),
        "finding": Column(_text, "what was found", nullable=False),
        "rows": Column("int64", "rows touched", "rows"),
        "action": Column(_text, "what to do"),
    },
    required=("severity", "finding"),
)

STORE_TABLES = {
    table.name: table
    for table in (
        OFFENCES,
        PEOPLE,
        OUTCOMES,
        POPULATION,
        AREAS,
        AREA_LOOKUP,
        DEPRIVATION,
        HEALTH,
        COUNTS,
        REJECTS,
        FINDINGS,
    )
}
