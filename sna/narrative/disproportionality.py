"""Choices that the sentences about groups of people need; the words are in templates."""

from types import SimpleNamespace
from typing import Any

import pandas as pd

from sna.definitions.views import words_of

_WORDS = words_of("people")
ROLES = _WORDS["roles"]
MUCH = 0.1  # a share missing that asks for caution


def name_people(group: object) -> str:
    """Name the people of a group: ``Black people``, ``women and girls``, ``people aged 18-24``."""
    text = str(group)
    named = f"people aged {text}" if text[0].isdigit() else f"{text} people"
    return str(_WORDS["groups"].get(text, named))


def group_of(row: Any) -> str:
    """Return the group that a row compares: the dimension of its reference group."""
    values = [str(getattr(row, name)) for name in ("ethnic_group", "sex", "age_group")]
    if row.reference_group in values:
        return str(row.reference_group)
    return next((value for value in values if value != "all"), str(row.reference_group))


def stratum(row: Any) -> str:
    """Name the part a row is about, such as the context, apart from the group it compares."""
    parts = (str(getattr(row, name)) for name in ("context", "sex", "age_group"))
    return ", ".join(part for part in parts if part not in ("all", group_of(row)))


def compared(rows: list[Any]) -> list[Any]:
    """Return the rows that are compared with a reference, the furthest from it first."""
    found = [row for row in rows if group_of(row) != row.reference_group and not row.is_sensitivity]
    return sorted(found, key=_distance, reverse=True)


def similar(rows: list[Any]) -> list[Any]:
    """Return the rows of one setting whose interval holds 1: one sentence tells them all."""
    close = [row for row in rows if row.ratio_lower_ci <= 1 <= row.ratio_upper_ci]
    plain = [row for row in close if not stratum(row) and row.rate_ratio.flag != "[u]"]
    return plain if len(plain) > 1 else []


def missing_facts(rows: list[Any]) -> list[SimpleNamespace]:
    """Return each fact with the share of people who lack it, that most often missing first."""
    found: dict[str, list[Any]] = {}
    for row in rows:
        found.setdefault(row.fact, []).append(row)
    made = []
    for name, of_fact in found.items():
        known = [
            row for row in of_fact if pd.notna(row.missing_people) and pd.notna(row.all_people)
        ]
        people = sum(row.all_people for row in known)
        share = sum(row.missing_people for row in known) / people if people else 0.0
        over = sum(row.missing_share > MUCH for row in of_fact)
        made.append(SimpleNamespace(name=name, share=share, over=over, months=len(of_fact)))
    return sorted(made, key=lambda fact: -fact.share)


def _distance(row: Any) -> float:
    ratio = row.rate_ratio
    return max(ratio, 1 / ratio) if ratio > 0 else 0.0


def clearest(rows: list[Any]) -> Any:
    """Return the row furthest from the reference whose interval leaves 1 out, if it may lead.

    Nor may 1 lie between its ratios with everyone not stated outside the group, or inside it.
    """
    may_lead = (row for row in compared(rows) if row.rate_ratio > 0)
    return next((row for row in may_lead if row.caution != "no_headline" and _is_clear(row)), None)


def _is_clear(row: Any) -> bool:
    if row.ratio_lower_ci > 1:
        return not row.ratio_if_outside <= 1
    return bool(row.ratio_upper_ci < 1 and not row.ratio_if_inside >= 1)
