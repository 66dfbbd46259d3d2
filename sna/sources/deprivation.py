"""English Indices of Deprivation 2019 and 2025."""

import re
from typing import Any

import numpy as np
import pandas as pd

from sna.sources.layout import (
    FileSample,
    Layout,
    Match,
    ReadContext,
    ReadResult,
    Role,
    make_finding,
    make_rejects,
)
from sna.sources.reference import heading_year
from sna.sources.rows import line_rejects, parse_counts
from sna.sources.text import read_text

_DOMAINS = {
    "overall": r"imd|index of multiple deprivation",
    "income": r"income(?! deprivation affecting)",
    "employment": r"employment",
    "education": r"education",
    "health": r"health",
    "crime": r"crime",
    "housing": r"housing|barriers",
    "environment": r"environment",
    "income_children": r"idaci|affecting children",
    "income_older": r"idaopi|affecting older",
}


def _domain_columns(sample: FileSample) -> dict[str, dict[str, str]]:
    """Return the rank and decile column of each domain."""
    found: dict[str, dict[str, str]] = {}
    for name in sample.columns:
        plain = re.sub(r"[^a-z]+", " ", name.casefold())
        kind = "decile" if re.search(r"\bdec(ile)?\b", plain) else "rank"
        if kind == "rank" and "rank" not in plain:
            continue
        domains = [d for d, pattern in _DOMAINS.items() if re.search(pattern, plain)]
        domain = domains[0] if len(domains) == 1 or "overall" in domains[:1] else domains[-1:]
        found.setdefault(domain if isinstance(domain, str) else domain[0], {})[kind] = name
    return found


def read_deprivation(sample: FileSample, match: Match, context: ReadContext) -> ReadResult:
    """Read ranks and deciles, edition by edition; 1 is most deprived."""
    columns = _domain_columns(sample)
    names = [name for kinds in columns.values() for name in kinds.values()]
    text = read_text(sample, columns=(match.columns["code"], *names))
    frame = text.table.to_pandas()
    code = frame[match.columns["code"]].str.strip()
    bad = ~code.str.fullmatch(r"[EWNS]01\d{6}").fillna(False).to_numpy(dtype=bool)
    edition = int(match.layout.id.removeprefix("imd_"))
    key, other = (
        ("lsoa_2011_code", "lsoa_code") if edition < 2025 else ("lsoa_code", "lsoa_2011_code")
    )
    parts = []
    for domain, kinds in columns.items():
        values = {k: pd.Series(parse_counts(text.table[n])[0]) for k, n in kinds.items()}
        part: dict[str, Any] = {
            key: code,
            other: None,
            "edition": np.int16(edition),
            "domain": domain,
        }
        part |= {kind: values.get(kind) for kind in ("rank", "decile")}
        parts.append(pd.DataFrame(part | {"file_id": np.int32(context.file_id)})[~bad])
    table = pd.concat(parts, ignore_index=True).dropna(subset=["decile"])
    reject = make_rejects(bad, column=match.columns["code"], reason="No LSOA code.", values=code)
    rejects = pd.concat([reject, line_rejects(text)], ignore_index=True)
    result = ReadResult(
        {"deprivation": table.astype({"decile": "int8"})},
        text.rows,
        int((~bad).sum()),
        rejects,
        list(text.findings),
    )
    missing = "no income domain: it is the default gradient" if "income" not in columns else ""
    if missing:
        result.findings.append(make_finding(f"Deprivation {edition} with {missing}."))
    return result


def _refine_deprivation(sample: FileSample, match: Match) -> Match | None:
    """Match the edition by the LSOA edition in the heading, else by the year in other headings."""
    columns = _domain_columns(sample)
    if not any("decile" in kinds for kinds in columns.values()):
        return None
    year = heading_year(match.columns["code"], 2021)
    return match if (year < 2021) == (match.layout.id == "imd_2019") else None


def _imd(year: int) -> Layout:
    return Layout(
        f"imd_{year}",
        f"English Indices of Deprivation {year}",
        "Ministry of Housing, Communities and Local Government",
        "OGL v3.0",
        {"code": Role(r"lsoa.*(code|cd).*", r"[EWNS]01\d{6}")},
        read_deprivation,
        ("deprivation",),
        refine=_refine_deprivation,
    )


LAYOUTS = (_imd(2019), _imd(2025))
