"""Published tables of people: homicide, custody, more thorough searches. Never de-duplicated.

Only the homicide-accused table was seen as a file. The other layouts are recognised by the roles
their publisher describes, and say so in a finding.
"""

import re
from functools import partial
from typing import Any

import numpy as np
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
from sna.sources.rows import Rows, parse_counts
from sna.sources.text import read_text

_PUBLISHER, _LICENCE = "Metropolitan Police Service, London Datastore", "OGL v2.0"
_SEX = {"m": "male", "male": "male", "f": "female", "female": "female", "other": "other"}
_YES = {"yes": "yes", "y": "yes", "true": "yes", "domestic abuse": "yes", "no": "no", "n": "no",
        "false": "no", "not domestic abuse": "no", "non domestic abuse": "no"}  # fmt: skip
_PLAIN = ("ethnicity_self", "ethnicity_observed", "offence_text", "outcome", "method",
          "search_object")  # fmt: skip
_ROLE = {
    "mps_homicide_accused": "proceeded_against",
    "mps_homicide_victims": "victim",
    "mps_custody": "detained",
    "mps_more_thorough_search": "searched",
}


def find_age_band(text: object) -> str | None:
    """Return an age band in our form; words whose limits nobody has stated stay words.

    >>> [find_age_band(t) for t in ("15 to 19", "65 and over", "10-17", "18 or older", "Adult")]
    ['15-19', '65+', '10-17', '18+', 'Adult']
    """
    value = str(text or "").strip()
    if found := re.fullmatch(r"(\d{1,3})\s*(?:to|-|–)\s*(\d{1,3})(?: years?)?", value):
        return f"{found[1]}-{found[2]}"
    if found := re.fullmatch(r"(\d{1,3})\s*(?:\+|(?:and|or) (?:over|older|above))", value):
        return f"{found[1]}+"
    if found := re.fullmatch(r"(?:under|below)\s*(\d{1,3})", value, flags=re.IGNORECASE):
        return f"0-{int(found[1]) - 1}"
    return value or None


def read_people(sample: FileSample, match: Match, context: ReadContext) -> ReadResult:
    """Read one row a person, or a count of alike people, into the people table."""
    source = match.layout.id
    coded = tuple(role for role in match.columns if role != "people")
    text = read_text(
        sample,
        columns=tuple(match.columns.values()),
        coded=tuple(match.columns[role] for role in coded),
    )
    rows = Rows(text.table.rename_columns(list(match.columns)))
    if "people" in match.columns:
        bad = parse_counts(rows.text["people"])[1]
        rows = rows.keep(~bad, column="count", reason="The cell holds no count.")
    rows = (_join_year_and_month(rows) if "year" in match.columns else rows).with_month()
    counts = np.ones(rows.text.num_rows)
    if "people" in match.columns:
        counts = np.nan_to_num(parse_counts(rows.text["people"])[0], nan=1)
    table = rows.table(context, source, _columns(rows, context, source, counts))
    result = rows.result({"people": table}, text)
    result.findings += _findings(rows, context, source)
    return result


def _join_year_and_month(rows: Rows) -> Rows:
    joined = rows.strings("month").str.slice(0, 3) + " " + rows.strings("year").str.slice(0, 4)
    kept = rows.text.drop_columns(["month", "year"])
    encoded = pa.array(joined, pa.string(), from_pandas=True).dictionary_encode()
    return Rows(kept.append_column("month", encoded), rows.rejects, rows.lines)


def _columns(rows: Rows, context: ReadContext, source: str, counts: np.ndarray) -> dict[str, Any]:
    def recode(role: str, words: dict[str, str]) -> Any:
        known = [words.get(str(v).strip().casefold(), "unknown") for v in rows.values(role)]
        return rows.coded(role, known)

    places = [context.places.find_borough(name) for name in rows.values("borough")]
    plain = {role: rows.same(role) for role in _PLAIN if role in rows.text.column_names}
    if "domestic_abuse" in rows.text.column_names:
        plain["domestic_abuse"] = recode("domestic_abuse", _YES)
    return {
        "borough_code": rows.coded("borough", places),
        "person_role": rows.constant(_ROLE[source]),
        "sex": recode("sex", _SEX),
        "age_band": rows.coded("age_band", [find_age_band(v) for v in rows.values("age_band")]),
        **plain,
        "people": pa.array(counts.astype("int64")),
    }


def _findings(rows: Rows, context: ReadContext, source: str) -> list[dict[str, Any]]:
    found = []
    if source != "mps_homicide_accused":
        text = "This layout was not checked against a real file: compare a few figures by hand."
        found.append(make_finding(text, severity="warning", action="Check totals by borough."))
    strange = [
        str(name) for name in rows.values("borough") if not context.places.find_borough(name)
    ]
    if strange:
        there = rows.strings("borough").isin(strange).sum()
        found.append(
            make_finding(
                f"Not a London borough, kept without one: {', '.join(sorted(strange)[:5])}.",
                rows=int(there),
            )
        )
    if "outcome" in rows.text.column_names:
        errors = int(rows.strings("outcome").eq("Recording Error").sum())
        if errors:
            found.append(
                make_finding("Marked Recording Error by the publisher: kept.", rows=errors)
            )
    return found


_MONTH = Role(r"proceed\w* date|month( year)?|year month|date|homicide offence month|recorded date")
_BOROUGH = Role(r"borough.*|.*\bborough|custody borough")
_SEX_ROLE = Role(r"gender|sex|.* (sex|gender)", needed=False)
_ETHNICITY = Role(r"(self (classified|defined) )?ethnicity.*|.*ethnic.*self.*", needed=False)
_COUNT = Role(r"count.*|.*count of.*|volume|total", r"\s*[\d,]+\s*", needed=False)


def _layout(source: str, title: str, roles: dict[str, Role]) -> Layout:
    shared = {"month": _MONTH, "borough": _BOROUGH, "sex": _SEX_ROLE, "ethnicity_self": _ETHNICITY}
    return Layout(source, title, _PUBLISHER, _LICENCE, {**shared, **roles, "people": _COUNT},
                  read_people, tables=("people",))  # fmt: skip


_OFFENCE = partial(Role, r"offence (type|group).*|homicide type|primary offence.*")
LAYOUTS = (
    _layout(
        "mps_homicide_accused",
        "MPS homicide: people proceeded against",
        {
            "age_band": Role(r"age group"),
            "offence_text": _OFFENCE(),
            "outcome": Role(r"charged summonsed|.*charge.*"),
        },
    ),
    _layout(
        "mps_homicide_victims",
        "MPS homicide: victims",
        {
            "age_band": Role(r"age group.*"),
            "method": Role(r"method of killing"),
            "domestic_abuse": Role(r"domestic abuse.*"),
            "outcome": Role(r"solved.*", needed=False),
            "offence_text": _OFFENCE(needed=False),
        },
    ),
    _layout(
        "mps_custody",
        "MPS custody",
        {
            "year": Role(r".*\byear", r"(19|20)\d\d.*", needed=False),
            "age_band": Role(r"adult (or )?(child|juvenile|youth).*|age.*"),
            "offence_text": _OFFENCE(),
        },
    ),
    _layout(
        "mps_more_thorough_search",
        "MPS more thorough searches",
        {
            "age_band": Role(r"age.*"),
            "ethnicity_observed": Role(r"officer (defined|observed) ethnicity.*", needed=False),
            "method": Role(r".*(intimate parts|strip|more thorough|mtip|search type).*"),
            "outcome": Role(r"outcome.*", needed=False),
            "search_object": Role(r"(object|reason).*", needed=False),
        },
    ),
)
