"""Offence code, category or text → the set of codes it can stand for."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache

from sna import definitions

Unit = tuple[str, str]  # (class, detailed code or "")

_CLASS = re.compile(r"0*(\d+)([A-Z]?)")
_DECIMAL = re.compile(r"0*(\d+)[./]0*(\d+)")
_DETAILED = re.compile(r"(\d{1,3})/(\d{1,2})|(\d{3})(\d{2})")
_TEXT_CUT = 50  # the MPS cuts labels at 50 characters
_ATTEMPT = re.compile(r"^attempted (- )?|^attempt to (commit )?")


@dataclass(frozen=True)
class CodeSet:
    """What one code, category or text can be, and the facts that it states by itself."""

    units: tuple[Unit, ...]
    aggregate: bool = False
    mark: str = ""
    label: str = ""
    stated: dict[str, str] = field(default_factory=dict, hash=False)
    counted_as: str = ""

    @property
    def key(self) -> tuple[object, ...]:
        """Return what makes two code sets behave alike."""
        facts = tuple(sorted(self.stated.items()))
        return (self.units, self.aggregate, self.mark, facts, self.counted_as)


@lru_cache(maxsize=1)
def _classes() -> dict[str, str]:
    codes = definitions.offence_codes()
    return {code.upper(): code for code in codes["offence_code"]}


@lru_cache(maxsize=1)
def _detailed() -> dict[str, tuple[tuple[str, ...], str, str]]:
    """Map a detailed code to (all classes, ordinary class or "", resolution)."""
    table = definitions.detailed_codes()
    columns = ["detailed_code", "offence_codes", "class_when_text_is_missing", "resolution"]
    return {
        code: (tuple(classes.split()), ordinary, resolution)
        for code, classes, ordinary, resolution in table[columns].itertuples(index=False, name=None)
    }


def normalise_code(text: object) -> str:
    """Return the class (``8N``, ``4.10``) or detailed code (``005/01``) that `text` spells, or "".

    ``008N`` is 8N; ``4/1`` and ``4.01`` are 4.1; ``4/10`` is 4.10, which is not 4.1. A padded
    number with a stroke is a detailed code, because the class is never read from its first part.

    Examples
    --------
    >>> [normalise_code(t) for t in (" 8n ", "008N", "4/1", "4.01", "4/10", "005/01", "104.0")]
    ['8N', '8N', '4.1', '4.1', '4.10', '005/01', '104']
    """
    code = " ".join(str(text).upper().split())
    if code in _classes():
        return _classes()[code]
    padded = _padded(code)
    if padded and not re.fullmatch(r"\d{1,2}/\d+", code):
        return padded
    if match := _CLASS.fullmatch(re.sub(r"\.0+$", "", code)):
        found = match[1] + match[2]
    elif match := _DECIMAL.fullmatch(code):
        found = f"{match[1]}.{match[2]}"
    else:
        found = code
    return _classes().get(found, padded)


def _padded(code: str) -> str:
    match = _DETAILED.fullmatch(code)
    if not match:
        return ""
    number, letter = (match[1], match[2]) if match[1] else (match[3], match[4])
    padded = f"{int(number):03d}/{int(letter):02d}"
    return padded if padded in _detailed() else ""


def normalise_text(text: object) -> str:
    """Return a label in one spelling: lower case, single blanks, ``and`` for ``&``, 50 characters.

    Examples
    --------
    >>> normalise_text(" Barking  & DAGENHAM ")
    'barking and dagenham'
    """
    words = str(text).casefold().replace("&", " and ").replace("miscalleneous", "miscellaneous")
    return " ".join(words.split())[:_TEXT_CUT].strip()


def from_code(text: object, hint: str = "") -> CodeSet | None:
    """Resolve a class or detailed code; `hint` (personal, business) decides 034/01 and 034/02."""
    code = normalise_code(text)
    if not code:
        return None
    if code not in _detailed():
        return CodeSet(((code, ""),), aggregate="/" in code, label=code)
    classes, ordinary, resolution = _detailed()[code]
    if resolution.startswith("undecided"):
        classes = {"personal": ("34B",), "business": ("34A",)}.get(hint, classes)
    elif resolution == "ordinary class":
        return CodeSet(((ordinary, code),), mark="ordinary_class", label=code)
    return CodeSet(tuple((c, code) for c in classes), label=code)


def from_both(offence_code: object, detailed_code: object, hint: str = "") -> CodeSet | None:
    """Resolve a class with a detailed code beside it: the class decides, the detail refines."""
    by_class, by_detail = from_code(offence_code, hint), from_code(detailed_code, hint)
    if by_class is None or by_detail is None:
        return by_class or by_detail
    code = normalise_code(detailed_code)
    if code not in _detailed():
        return by_class
    classes = _detailed()[code][0]
    shared = tuple((c, code) for c, _ in by_class.units if c in classes)
    if shared:
        return CodeSet(shared, label=by_class.label)
    return CodeSet(by_class.units, mark="code_conflict", label=by_class.label)


@lru_cache(maxsize=1)
def _categories() -> dict[tuple[str, str], CodeSet]:
    found = {}
    for row in definitions.published_categories().to_dict("records"):
        stated = {
            name: row[name]
            for name in ("victim_age", "domestic_abuse", "weapon", "weapon_use", "status")
            if row[name]
        }
        found[normalise_text(row["publisher"]), normalise_text(row["label"])] = CodeSet(
            tuple((code, "") for code in row["offence_codes"].split(";")),
            aggregate=True,
            label=" | ".join(
                part for part in (row["publisher"], row["offence_group"], row["label"]) if part
            ),
            stated=stated,
            counted_as=row["counted_as"],
        )
    return found


def from_category(text: object) -> CodeSet | None:
    """Resolve ``publisher | group | label``; the dashboard falls back on the recorded-crime labels.

    Labels of one publisher are unique, so the group is not needed to tell them apart.
    """
    parts = [normalise_text(part) for part in str(text).split("|")]
    if len(parts) < 2:
        return None
    publisher, label = parts[0], parts[-1]
    table = _categories()
    if publisher in ("ho", "home office"):
        found = from_text(label)
        return None if found is None else CodeSet(found.units, aggregate=True, label=label)
    for name in (publisher, publisher.split()[0] if publisher else "", "mps"):
        if (name, label) in table and (name != "mps" or publisher.split()[0] in ("mps", "m1045")):
            return table[name, label]
    return None


@lru_cache(maxsize=1)
def _names() -> dict[str, CodeSet]:
    """Map normalised offence names to code sets: classes first, then detailed offences."""
    found: dict[str, set[Unit]] = {}
    for code, name, current in definitions.offence_codes()[
        ["offence_code", "offence_name", "current_code"]
    ].itertuples(index=False, name=None):
        if not current:
            found.setdefault(normalise_text(name), set()).add((code, ""))
    detailed: dict[str, set[Unit]] = {}
    for code, name in definitions.detailed_codes()[["detailed_code", "example_offence"]].itertuples(
        index=False, name=None
    ):
        resolved = from_code(code)
        if resolved and len(name) > 3:
            detailed.setdefault(normalise_text(name), set()).update(resolved.units)
    merged = {**detailed, **found}
    for (publisher, label), category in _categories().items():
        if publisher == "mps":
            merged.setdefault(label, set(category.units))
    return {
        text: CodeSet(tuple(sorted(units)), mark="text_only", label=text)
        for text, units in merged.items()
    }


def from_text(text: object) -> CodeSet | None:
    """Resolve an offence name, whole or after its ``Attempted`` prefix; never by likeness."""
    if "|" in str(text):
        return from_category(text)
    key = normalise_text(text)
    names = _names()
    return names.get(key) or names.get(_ATTEMPT.sub("", key))


def hint_of(text: object) -> str:
    """Say which robbery a text names: personal, business or neither."""
    words = normalise_text(text)
    found = [h for h in ("personal", "business") if h in words]
    return found[0] if len(found) == 1 else ""


def resolve(values: Iterable[tuple[object, object, object, object]]) -> list[CodeSet | None]:
    """Resolve distinct (offence_code, detailed_code, published_category, offence_text) tuples."""
    return [_resolve(*value) for value in values]


def _resolve(code: object, detailed: object, category: object, text: object) -> CodeSet | None:
    found = from_both(code, detailed, hint_of(text)) if (code or detailed) else None
    if found is None and category:
        found = from_category(category)
    if found is None and text:
        found = from_text(text)
    return found
