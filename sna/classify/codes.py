"""Offence code, category or text → the set of codes it can stand for."""

import re
from dataclasses import dataclass
from functools import cache

from sna.definitions import (
    offence_codes,
    offence_detailed_codes,
    published_categories,
    rows_of,
)

Unit = tuple[str, str]  # (class, detailed code or "")

_CLASS = re.compile(r"0*(\d+)([A-Z]?)")
_DECIMAL = re.compile(r"0*(\d+)[./]0*(\d+)")
_DETAILED = re.compile(r"(\d{1,3})/(\d{1,2})|(\d{3})(\d{2})")
_TEXT_CUT = 50  # the MPS cuts labels at 50 characters
_ATTEMPT = re.compile(r"^attempted (- )?|^attempt to (commit )?")
_STATED = ("victim_age", "domestic_abuse", "weapon", "weapon_use", "status")


@dataclass(frozen=True)
class CodeSet:
    """What one code, category or text can be, and the facts that it states by itself."""

    units: tuple[Unit, ...]
    aggregate: bool = False
    mark: str = ""
    stated: tuple[tuple[str, str], ...] = ()
    counted_as: str = ""


@cache
def _classes() -> dict[str, str]:
    return {code.upper(): code for code in offence_codes()["offence_code"]}


@cache
def _detailed() -> dict[str, dict[str, str]]:
    return {row["detailed_code"]: row for row in rows_of(offence_detailed_codes())}


def normalise_code(text: object) -> str:
    """Return the class (``8N``, ``4.10``) or detailed code (``005/01``) that `text` spells, or "".

    A padded number with a stroke is a detailed code: the class is never read from its first part.

    >>> [normalise_code(t) for t in (" 8n ", "008N", "4/1", "4.01", "4/10", "005/01", "104.0")]
    ['8N', '8N', '4.1', '4.1', '4.10', '005/01', '104']
    """
    code = " ".join(str(text).upper().split())
    padded = _padded(code)
    if code in _classes() or (padded and not re.fullmatch(r"\d{1,2}/\d+", code)):
        return _classes().get(code, padded)
    if match := _CLASS.fullmatch(re.sub(r"\.0+$", "", code)):
        code = match[1] + match[2]
    elif match := _DECIMAL.fullmatch(code):
        code = f"{match[1]}.{match[2]}"
    return _classes().get(code, padded)


def _padded(code: str) -> str:
    match = _DETAILED.fullmatch(code)
    number, letter = (match[1] or match[3], match[2] or match[4]) if match else ("0", "0")
    padded = f"{int(number):03d}/{int(letter):02d}"
    return padded if padded in _detailed() else ""


def normalise_text(text: object) -> str:
    """Return a label in one spelling: lower case, single blanks, ``and`` for ``&``, 50 characters.

    >>> normalise_text(" Barking  & DAGENHAM ")
    'barking and dagenham'
    """
    words = str(text).casefold().replace("&", " and ").replace("miscalleneous", "miscellaneous")
    return " ".join(words.split())[:_TEXT_CUT].strip()


def _hint(words: str) -> str:
    """Return which robbery a text names, or ""."""
    hints = [h for h in ("personal", "business") if h in words]
    return hints[0] if len(hints) == 1 else ""


def _from_code(text: object, hint: str = "") -> CodeSet | None:
    code = normalise_code(text)
    if code not in _detailed():
        return CodeSet(((code, ""),), aggregate="/" in code) if code else None
    row = _detailed()[code]
    if row["resolution"] == "ordinary class":
        return CodeSet(((row["class_when_text_is_missing"], code),), mark="ordinary_class")
    classes = row["offence_codes"].split()
    if row["resolution"].startswith("undecided"):  # robbery: the text decides, else both
        classes = {"personal": ["34B"], "business": ["34A"]}.get(hint, classes)
    return CodeSet(tuple((name, code) for name in classes))


def _from_both(offence_code: object, detailed_code: object, hint: str) -> CodeSet | None:
    by_class, by_detail = _from_code(offence_code, hint), _from_code(detailed_code, hint)
    code = normalise_code(detailed_code)
    if by_class is None or by_detail is None or code not in _detailed():
        return by_class or by_detail
    classes = _detailed()[code]["offence_codes"].split()
    shared = tuple((name, code) for name, _ in by_class.units if name in classes)
    return CodeSet(shared) if shared else CodeSet(by_class.units, mark="code_conflict")


@cache
def _categories() -> dict[tuple[str, str], CodeSet]:
    return {
        (normalise_text(row["publisher"]), normalise_text(row["label"])): CodeSet(
            tuple((code, "") for code in row["offence_codes"].split(";")),
            aggregate=True,
            stated=tuple((name, row[name]) for name in _STATED if row[name]),
            counted_as=row["counted_as"],
        )
        for row in rows_of(published_categories())
    }


def _from_category(text: object) -> CodeSet | None:
    parts = [normalise_text(part) for part in str(text).split("|")]
    publisher, label, table = parts[0], parts[-1], _categories()
    if len(parts) < 2 or not publisher:
        return None
    if publisher in ("ho", "home office"):
        found = _from_text(label)
        return CodeSet(found.units, aggregate=True) if found else None
    first = publisher.split()[0]  # labels of one publisher are unique: the group is not needed
    names = (publisher, first, "mps") if first in ("mps", "m1045") else (publisher, first)
    return next((table[name, label] for name in names if (name, label) in table), None)


@cache
def _names() -> dict[str, CodeSet]:
    """Return the sets that a text alone can mean: class name, else example offence, else label."""
    names = {n: set(s.units) for (publisher, n), s in _categories().items() if publisher == "mps"}
    examples = ((row["example_offence"], code) for code, row in _detailed().items())
    classes = (
        (r["offence_name"], r["offence_code"])
        for r in rows_of(offence_codes())
        if not r["current_code"]
    )
    for source in (examples, classes):
        found: dict[str, set[Unit]] = {}
        for text, code in source:
            resolved = _from_code(code, _hint(normalise_text(text)))
            if resolved and len(text) > 3:
                found.setdefault(normalise_text(text), set()).update(resolved.units)
        names |= found
    return {text: CodeSet(tuple(sorted(units)), mark="text_only") for text, units in names.items()}


def _from_text(text: object) -> CodeSet | None:
    if "|" in str(text):
        return _from_category(text)
    key = normalise_text(text)
    return _names().get(key) or _names().get(_ATTEMPT.sub("", key))


def resolve(code: str, detailed: str, category: str, text: str) -> CodeSet | None:
    """Resolve codes first, then the published category, then the text; never by likeness."""
    found = _from_both(code, detailed, _hint(normalise_text(text)))
    found = found or (_from_category(category) if category else None)
    return found or (_from_text(text) if text else None)
