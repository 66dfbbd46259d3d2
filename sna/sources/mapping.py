"""The mapping of a restricted extract: which of its columns plays which role, strictly read."""

import difflib
import tomllib
from collections.abc import Mapping as Table
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any

from sna.errors import UsageError

PERSON_ROLES = tuple(
    f"{person}_{what}"
    for person in ("victim", "suspect")
    for what in ("id", "age", "sex", "ethnicity_self", "ethnicity_observed")
)
ROLES = (
    "crime_ref",
    "recorded_date",
    "committed_from",
    "committed_to",
    "offence_code",
    "detailed_code",
    "offence_text",
    "published_category",
    "status",
    "borough_code",
    "borough_name",
    "ward_code",
    "lsoa_code",
    "easting",
    "northing",
    "premises_type",
    "relationship",
    "weapon",
    "weapon_use",
    *PERSON_ROLES,
    "home_borough",
    "outcome",
    "linked_ref",
)
FLAGS = ("is_domestic_abuse", "is_knife", "is_gun", "is_corrosive")
PEOPLE_ROLES = (
    "crime_ref",
    "person_role",
    "person_id",
    "age",
    "sex",
    "ethnicity_self",
    "ethnicity_observed",
    "home_borough",
)
VALUES = ("status", "weapon", "weapon_use", "sex", "person_role")
KINDS = ("offences", "ambulance", "emergency_department")
_KEYS = {
    "top": ("title", "publisher", "licence", "kind", "release_class", "status", "undated",
            "date_format", "missing", "columns", "flags", "values", "people"),
    "flag": ("column", "true", "false", "contains", "blank_means"),
    "value": ("map", "blank_means"),
    "people": ("file", "columns"),
}  # fmt: skip


@dataclass(frozen=True)
class Flag:
    """A yes/no column: the values that mean yes and no, and what a blank means."""

    column: str
    blank_means: str
    true: tuple[str, ...] = ()
    false: tuple[str, ...] = ()
    contains: tuple[str, ...] = ()


@dataclass(frozen=True)
class Values:
    """How the values of a coded column translate, and what a blank means."""

    map: Table[str, str] = field(default_factory=dict)
    blank_means: str = "unknown"


@dataclass(frozen=True)
class Mapping:
    """A resolved mapping; ``columns`` is role -> heading in the file."""

    name: str
    release_class: str
    columns: Table[str, str]
    flags: Table[str, Flag]
    codings: Table[str, Values]
    missing: tuple[str, ...]
    date_format: str = "iso"
    undated: bool = False
    status: str = "verified"
    title: str = ""
    publisher: str = ""
    licence: str = ""
    kind: str = "offences"
    people_file: str = ""
    people_columns: Table[str, str] = field(default_factory=dict)

    @property
    def headings(self) -> set[str]:
        """Every heading of the extract that the mapping needs."""
        return {*self.columns.values(), *(flag.column for flag in self.flags.values())}


def mapping_names() -> list[str]:
    """Return the names of the mappings that ship with the package."""
    folder = resources.files("sna.definitions") / "mappings"
    return sorted(item.name[:-5] for item in folder.iterdir() if item.name.endswith(".toml"))


def read_mapping(path_or_name: str | Path) -> Mapping:
    """Read a mapping from a TOML file, or one that ships with the package, by its name.

    Raises
    ------
    UsageError
        If there is no such mapping, a key is unknown, a required role is left out, or a flag
        does not say what a blank means.

    Examples
    --------
    >>> read_mapping("definition_truth_table").columns["crime_ref"]
    'case_id'
    """
    path = Path(path_or_name)
    if path.suffix == ".toml":
        if not path.is_file():
            raise UsageError("There is no such mapping file.", where=str(path), do=_offer())
        text = path.read_text(encoding="utf-8-sig")
    else:
        if str(path_or_name) not in mapping_names():
            raise UsageError("There is no such mapping.", found=str(path_or_name), do=_offer())
        shipped = resources.files("sna.definitions") / "mappings" / f"{path_or_name}.toml"
        text = shipped.read_text(encoding="utf-8")
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(
            "The mapping is not valid TOML.", where=str(path), found=str(error),
            do="Quote text values and close every bracket.",
        ) from None  # fmt: skip
    return _resolve(document, str(path_or_name))


def _offer() -> str:
    return f"Name a .toml file, or one of: {', '.join(mapping_names())}."


def check_keys(given: Table[str, Any], allowed: tuple[str, ...], where: str) -> None:
    """Raise `UsageError` naming the first key that is not allowed, with the nearest that is."""
    for key in given:
        if key not in allowed:
            near = difflib.get_close_matches(key, allowed, n=1)
            hint = f"Did you mean {near[0]!r}? " if near else ""
            raise UsageError(
                f"Key {key!r} is not known.", where=where, found=key,
                do=f"{hint}Allowed: {', '.join(allowed)}.",
            )  # fmt: skip


def _resolve(document: dict[str, Any], name: str) -> Mapping:
    check_keys(document, _KEYS["top"], name)
    columns = dict(document.get("columns", {}))
    check_keys(columns, ROLES, f"{name}, [columns]")
    flags = dict(document.get("flags", {}))
    check_keys(flags, FLAGS, f"{name}, [flags]")
    values = dict(document.get("values", {}))
    check_keys(values, VALUES, f"{name}, [values]")
    people = document.get("people", {})
    check_keys(people, _KEYS["people"], f"{name}, [people]")
    check_keys(people.get("columns", {}), PEOPLE_ROLES, f"{name}, [people.columns]")
    mapping = Mapping(
        name=name,
        release_class=_choice(
            document, "release_class", ("open", "restricted", "person_level"), name
        ),
        columns=columns,
        flags={key: _flag(flag, f"{name}, [flags.{key}]") for key, flag in flags.items()},
        codings={
            key: _values(item, key, f"{name}, [values.{key}]") for key, item in values.items()
        },
        missing=tuple(document.get("missing", [""])),
        people_file=people.get("file", ""),
        people_columns=people.get("columns", {}),
        kind=_choice({"kind": "offences", **document}, "kind", KINDS, name),
        **{
            key: document[key]
            for key in ("date_format", "undated", "status", "title", "publisher", "licence")
            if key in document
        },
    )
    _check_roles(mapping)
    return mapping


def _choice(document: Table[str, Any], key: str, allowed: tuple[str, ...], where: str) -> str:
    if document.get(key) not in allowed:
        raise UsageError(
            f"The mapping must state {key}.", where=where, found=document.get(key, "nothing"),
            do=f"Write {key} = one of: {', '.join(allowed)}.",
        )  # fmt: skip
    return str(document[key])


def _flag(flag: dict[str, Any], where: str) -> Flag:
    check_keys(flag, _KEYS["flag"], where)
    blank = _choice(flag, "blank_means", ("yes", "no", "unknown"), where)
    if "column" not in flag:
        raise UsageError("A flag must name its column.", where=where, do='Add column = "…".')
    lists = {key: tuple(map(str, flag.get(key, ()))) for key in ("true", "false", "contains")}
    if not lists["true"] and not lists["contains"]:
        raise UsageError(
            "A flag must say which values mean yes.", where=where,
            do="Add true = [\"…\"] or contains = [\"…\"].",
        )  # fmt: skip
    return Flag(str(flag["column"]), blank, **lists)


def _values(item: dict[str, Any], role: str, where: str) -> Values:
    check_keys(item, _KEYS["value"], where)
    if role in ("weapon", "weapon_use") and "blank_means" not in item:
        _choice(item, "blank_means", ("none", "unknown"), where)
    pairs = {str(key): str(value) for key, value in item.get("map", {}).items()}
    return Values(pairs, item.get("blank_means", "unknown"))


def _check_roles(mapping: Mapping) -> None:
    have = mapping.columns
    wanted: list[tuple[str, bool]] = [("crime_ref", "crime_ref" in have)]
    if mapping.kind == "offences":
        codes = ("offence_code", "detailed_code", "offence_text")
        wanted.append((" or ".join(codes), any(role in have for role in codes)))
    dated = mapping.undated or "recorded_date" in have or "committed_from" in have
    wanted.append(("recorded_date or committed_from (or undated = true)", dated))
    if "weapon" in have:
        wanted.append(("[values.weapon] blank_means", "weapon" in mapping.codings))
    left_out = [role for role, there in wanted if not there]
    if left_out:
        raise UsageError(
            f"The mapping leaves out {len(left_out)} required roles.", where=mapping.name,
            found=left_out, do="Add them under [columns].",
        )  # fmt: skip
