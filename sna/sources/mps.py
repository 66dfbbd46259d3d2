"""Metropolitan Police counts: recorded crime by borough, ward and LSOA, and the monthly dashboards.

The same label has another scope in the layouts with three violence rows (A, B) and with five (C),
so the layout is part of the published category.
"""

import re
from typing import Any

import numpy as np
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
from sna.sources.rows import Rows, dictionary, parse_counts, parse_month
from sna.sources.text import read_text

_PUBLISHER, _LICENCE = "Metropolitan Police Service, London Datastore", "OGL v2.0"
_MAJOR = r"(major ?(text|category)|(offence ?)?group)"
_MINOR = r"(minor ?(text|category)|(offence ?)?sub ?group)"
_NO_BOROUGH = "The borough name matches no row of borough_aliases.csv."


def find_variant(group_heading: str, labels: list[str]) -> str:
    """Return the letter of the MPS layout: A title case, B three violence rows, C five, D renamed.

    Parameters
    ----------
    group_heading
        Heading of the column of offence groups.
    labels
        Distinct minor labels of the whole file.
    """
    if re.fullmatch(r"(?i)(offence ?)?group", group_heading.strip()):
        return "D"
    if any("stalking" in label.casefold() for label in labels):
        return "C"
    upper = sum(label.isupper() for label in labels)
    return "B" if upper > len(labels) / 2 else "A"


def _category(publisher: str, rows: Rows) -> pa.Array:
    """Return `publisher | group | label` for each row, from the two coded columns."""
    groups, labels = rows.values("group"), rows.values("label")
    group, label = rows.codes("group"), rows.codes("label")
    size = max(len(labels), 1)
    pair = np.where((group < 0) | (label < 0), -1, group * size + label)
    names = [f"{publisher} | {str(g).strip()} | {str(n).strip()}" for g in groups for n in labels]
    return dictionary(pair, names or [None])


def _place(rows: Rows, context: ReadContext) -> tuple[dict[str, Any], np.ndarray]:
    """Return place columns, and the rows whose borough name nobody knows."""
    places = context.places
    names = rows.values("borough")
    by_name = [places.find_borough(name) or places.find_prefix(name) for name in names]
    wards = [str(v).strip() if re.match(r"E05", str(v)) else None for v in rows.values("ward")]
    by_ward = [places.find_ward_borough(ward, None) for ward in wards]
    pairs = [places.find_lsoa(str(code).strip()) for code in rows.values("lsoa")]
    by_lsoa = [places.borough_of.get(str(code).strip()) for code in rows.values("lsoa")]
    borough = rows.fill(rows.coded("ward", by_ward), rows.coded("lsoa", by_lsoa))
    borough = rows.fill(borough, rows.coded("borough", by_name))
    strange = [not code and not places.is_pseudo(n) for n, code in zip(names, by_name, strict=True)]
    unknown = np.append(np.array(strange, dtype=bool), False)[rows.codes("borough")]
    bucket = [None if code else str(n).strip() for n, code in zip(names, by_name, strict=True)]
    place = {
        "borough_code": borough,
        "ward_code": rows.coded("ward", wards),
        "lsoa_code": rows.coded("lsoa", [new for new, _ in pairs]),
        "lsoa_2011_code": rows.coded("lsoa", [old for _, old in pairs]),
        "location_name": rows.coded("borough", bucket),
    }
    return place, unknown & ~np.asarray(borough.is_valid())


def _without_strangers(rows: Rows, context: ReadContext) -> Rows:
    _, unknown = _place(rows, context)
    return rows.keep(~unknown, column="borough", reason=_NO_BOROUGH, values=rows.strings("borough"))


def read_counts(sample: FileSample, match: Match, context: ReadContext) -> ReadResult:
    """Read counts with a column a month; zeros below borough level are left out.

    A file leaves out rows that are zero throughout, so a missing row means zero or not published
    at this level; the grid is completed where counts are made.
    """
    source = match.layout.id
    roles = {role: match.columns[role] for role in ("group", "label", "borough", "ward", "lsoa")
             if role in match.columns}  # fmt: skip
    text = read_text(sample, columns=(*roles.values(), *match.months), coded=tuple(roles.values()))
    rows = Rows(text.table.rename_columns([*roles, *match.months]))
    numbers, bad = zip(*(parse_counts(rows.text[name]) for name in match.months), strict=True)
    grid, wrong = np.column_stack(numbers), np.column_stack(bad)
    broken = wrong.any(axis=1)
    shown = _first_bad(rows, match.months, wrong) if broken.any() else None
    good = rows.keep(
        np.asarray(~broken), column="a month", reason="A cell holds no count.", values=shown
    )
    grid = grid[~broken]
    kept = _without_strangers(good, context)
    if kept is not good:
        grid = grid[~_place(good, context)[1]]
    letter = find_variant(match.columns["group"], [str(v) for v in rows.values("label")])
    wanted = np.isfinite(grid) & ((grid > 0) | (source == "mps_borough"))
    row, month = np.nonzero(wanted)
    cells = kept.take(row)
    starts = np.array([parse_month(name) for name in match.months], "datetime64[M]")
    table = Rows(cells.text, month=starts[month]).table(
        context,
        source,
        {
            **_place(cells, context)[0],
            "period_months": cells.constant(1, pa.int8()),
            "area_level": cells.constant(source.removeprefix("mps_")),
            "published_category": _category(f"MPS {letter}", cells),
            "offences": pa.array(grid[row, month].astype("int64")),
            "status": cells.constant("aggregate"),
        },
    )
    result = kept.result({"offences": table}, text)
    names = _category(f"MPS {letter}", kept).to_pandas().value_counts()
    result.category_rows = {str(name): int(rows) for name, rows in names.items()}
    result.variant = f"layout {letter}, {starts.min()} to {starts.max()}"
    blank = int((~np.isfinite(grid)).sum())
    if blank:
        result.findings.append(
            make_finding(f"{blank} blank cells: taken as not published.", rows=blank)
        )
    return result


def _first_bad(rows: Rows, months: tuple[str, ...], wrong: np.ndarray) -> pd.Series:
    """Return the first cell of each row that is no count."""
    first = wrong.argmax(axis=1)
    cells = np.column_stack([rows.text[name].to_numpy(zero_copy_only=False) for name in months])
    return pd.Series(cells[np.arange(len(first)), first], dtype="object")


def read_dashboard(sample: FileSample, match: Match, context: ReadContext) -> ReadResult:
    """Read a monthly dashboard file: offences and positive outcomes, by borough and ward."""
    coded = ("month", "level", "borough", "name", "ward", "group", "label", "measure")
    roles = {role: match.columns[role] for role in (*coded, "count") if role in match.columns}
    names = tuple(name for role, name in roles.items() if role in coded)
    text = read_text(sample, columns=tuple(roles.values()), coded=names)
    rows = Rows(text.table.rename_columns(list(roles))).with_month()
    _, bad = parse_counts(rows.text["count"])
    blank = np.asarray(rows.text_of("count").is_null())
    rows = rows.keep(~bad & ~blank, column="count", reason="The cell holds no count.",
                     values=rows.strings("count"))  # fmt: skip
    rows = _without_strangers(rows, context)
    level = rows.coded("level", [_level(v) for v in rows.values("level")])
    count = parse_counts(rows.text["count"])[0].astype("int64")
    publisher = "MPS C" if match.layout.id == "mps_dashboard_tno" else "M1045"
    place, _ = _place(rows, context)
    common = {
        **place,
        "period_months": rows.constant(1, pa.int8()),
        "area_level": level,
        "published_category": _category(publisher, rows),
        "status": rows.constant("aggregate"),
    }
    table = rows.table(context, match.layout.id, common | {"offences": pa.array(count)})
    solved = rows.coded("measure", ["y" if "outcome" in str(v).casefold() else None
                                    for v in rows.values("measure")])  # fmt: skip
    is_solved = solved.is_valid()
    outcomes = table.filter(is_solved).rename_columns({"offences": "outcomes"})
    outcomes = outcomes.drop_columns(["period_months", "status", "location_name"])
    outcomes = outcomes.append_column(
        "outcome", dictionary(np.zeros(len(outcomes), dtype="int32"), ["Positive outcome"])
    )
    offences = table.filter(pa.compute.invert(is_solved))
    return rows.result({"offences": offences, "outcomes": outcomes}, text)


def _level(value: object) -> str:
    return "ward" if re.search(r"(?i)neighbourhood|snt|ward", str(value)) else "borough"


def _refine_counts(sample: FileSample, match: Match) -> Match | None:  # noqa: ARG001
    """Leave dashboards, which have one count column, to their own layout."""
    has = {"mps_ward": "ward", "mps_lsoa": "lsoa"}.get(match.layout.id)
    finer = {"ward", "lsoa"} - {has}
    if has and has not in match.columns:
        return None
    return None if finer & set(match.columns) and match.layout.id != "mps_lsoa" else match


def _refine_dashboard(sample: FileSample, match: Match) -> Match | None:
    kinds = sample.rows[match.columns["group"]].dropna().astype(str).str.casefold()
    is_knife = len(kinds) > 0 and bool(kinds.str.contains("knife").all())
    return match if is_knife == (match.layout.id == "mps_dashboard_knife") else None


def _counts(kind: str, title: str, more: dict[str, Role]) -> Layout:
    roles = {
        "group": Role(_MAJOR),
        "label": Role(_MINOR),
        **more,
        "borough": Role(r"(look ?up )?borough( ?(name|code))?", needed=kind == "borough"),
    }
    return Layout(
        f"mps_{kind}",
        f"MPS recorded crime by {title}",
        _PUBLISHER,
        _LICENCE,
        roles,
        read_counts,
        months_wide=True,
        refine=_refine_counts,
    )


_WARD = Role(r"ward ?(code|cd)", r"E05\d{6}|-1|N/?K|", by_values=False)
_LSOA = Role(r"lsoa( ?(20)?(11|21))? ?(code|cd)", r"E01\d{6}")


def _dashboard(kind: str, title: str) -> Layout:
    group, label = (
        (r"offence group", r"offence sub ?group")
        if kind == "tno"
        else (r"crime type|offence group", r"crime sub ?type|offence sub ?group")
    )
    return Layout(
        f"mps_dashboard_{kind}",
        f"MPS monthly dashboard, {title}",
        _PUBLISHER,
        _LICENCE,
        {
            "month": Role(r"month( year)?"),
            "level": Role(r"area type"),
            "borough": Role(r"borough( snt)?( name)?"),
            "name": Role(r"area name", needed=False),
            "ward": Role(r"area code"),
            "group": Role(group),
            "label": Role(label),
            "measure": Role(r"measure"),
            "count": Role(r"count|value|statistics?"),
            "refreshed": Role(r"refresh date", needed=False),
        },
        read_dashboard,
        ("offences", "outcomes"),
        refine=_refine_dashboard if kind != "tno" else None,
    )


LAYOUTS = (
    _counts("lsoa", "LSOA", {"lsoa": _LSOA, "lsoa_name": Role("lsoa name", needed=False)}),
    _counts("ward", "ward", {"ward": _WARD, "ward_name": Role("ward ?name", needed=False)}),
    _counts("borough", "borough", {"ward": Role(r"ward ?(code|cd)", needed=False)}),
    _dashboard("tno", "all notifiable offences"),
    _dashboard("knife", "knife crime"),
    _dashboard("other", "other crime types"),
)
