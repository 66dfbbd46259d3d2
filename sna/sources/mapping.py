"""The mapping of a restricted extract: which column plays which role, as read or proposed."""

import hashlib
import json
import re
import tomllib
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pandas as pd
from pydantic import Field, model_validator

from sna import definitions
from sna.definitions.strict import Strict, check_toml, read_toml
from sna.errors import UsageError
from sna.sources.layout import FileSample, plain_heading

_MISSING_MARKS = ("NULL", "N/A", "NA", "#N/A", "Unknown", "Not Recorded")
_YES, _NO = ("y", "yes", "true", "1"), ("n", "no", "false", "0")
_SHIPPED = resources.files("sna.definitions") / "mappings"
ROLES: dict[str, Any] = tomllib.loads(
    Path(__file__).with_name("roles.toml").read_text(encoding="utf-8")
)


if TYPE_CHECKING:
    Role = str
    PersonRole = str
    FlagRole = str
    CodedRole = str
else:  # one of a group of roles
    Role, PersonRole = Literal[tuple(ROLES["extract"])], Literal[tuple(ROLES["people"])]
    FlagRole, CodedRole = Literal[tuple(ROLES["flags"])], Literal[tuple(ROLES["codings"])]


class Flag(Strict):
    """A yes/no column: the values that mean yes and no, and what a blank means."""

    column: str
    blank_means: Literal["yes", "no", "unknown"]
    true: tuple[str, ...] = ()
    false: tuple[str, ...] = ()
    contains: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _says_yes(self) -> "Flag":
        if not self.true and not self.contains:
            raise ValueError("the flag must say which values mean yes (true or contains)")
        return self


class Coding(Strict):
    """How the values of a coded column translate, and what a blank means."""

    map: dict[str, str] = Field({})
    blank_means: str = ""


class People(Strict):
    """The separate people file of an extract."""

    file: str
    columns: dict[PersonRole, str]


class Mapping(Strict):
    """A resolved mapping."""

    name: str
    release_class: Literal["open", "restricted", "person_level"]
    columns: dict[Role, str]
    flags: dict[FlagRole, Flag] = Field({})
    codings: dict[CodedRole, Coding] = Field({}, alias="values")
    missing: tuple[str, ...] = ("",)
    date_format: str = "iso"
    undated: bool = False
    status: Literal["verified", "unverified"] = "verified"
    title: str = ""
    publisher: str = ""
    licence: str = ""
    kind: Literal["offences", "ambulance", "emergency_department"] = "offences"
    people: People | None = None

    @model_validator(mode="after")
    def _has_what_is_needed(self) -> "Mapping":
        have, codes = set(self.columns), {"offence_code", "detailed_code", "offence_text"}
        needs = [("crime_ref", "crime_ref" in have)]
        needs += [(" or ".join(sorted(codes)), self.kind != "offences" or bool(codes & have))]
        dated = self.undated or bool({"recorded_date", "committed_from"} & have)
        needs += [("recorded_date or committed_from, or undated = true", dated)]
        if self.people and self.kind != "offences":
            raise ValueError("[people] belongs to offences: nothing of patients is kept")
        if left_out := [role for role, there in needs if not there]:
            raise ValueError(f"[columns] leaves out {'; '.join(left_out)}")
        for role in ("weapon", "weapon_use"):
            stated = role in self.codings and self.codings[role].blank_means in ("none", "unknown")
            if role in have and not stated:
                raise ValueError(f'[values.{role}] must state blank_means, "none" or "unknown"')
        return self

    @property
    def mark(self) -> str:
        """A checksum of all but names of files: what two deliveries that are read alike share."""
        told = self.model_dump(mode="json", exclude={"name": True, "people": {"file"}})
        return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:12]

    @property
    def flag_columns(self) -> dict[str, str]:
        """Flag -> heading in the extract."""
        return {name: flag.column for name, flag in self.flags.items()}

    @property
    def people_roles(self) -> dict[str, str]:
        """Role -> heading in the people file, if there is one."""
        return self.people.columns if self.people else {}


def mapping_names() -> list[str]:
    """Return the names of the mappings that ship with the package."""
    return sorted(item.name[:-5] for item in _SHIPPED.iterdir() if item.name.endswith(".toml"))


def read_mapping(path_or_name: str | Path) -> Mapping:
    """Read a mapping from a TOML file, or by name one that ships with the package.

    Raises `UsageError` if there is none, a key is unknown, a required role is left out, or a flag
    does not say what a blank means.

    >>> read_mapping("definition_truth_table").columns["crime_ref"]
    'case_id'
    """
    path = Path(path_or_name)
    if path.suffix != ".toml":
        if str(path_or_name) not in mapping_names():
            do = f"Name a .toml file, or one of: {', '.join(mapping_names())}."
            raise UsageError("There is no such mapping.", found=str(path_or_name), do=do)
        path = Path(str(_SHIPPED / f"{path_or_name}.toml"))
    document: dict[str, Any] = {"name": path.stem, **read_toml(path)}
    return check_toml(document, Mapping, str(path_or_name))


# ---------------------------------------------------------------------------- proposal


def propose_mapping(sample: FileSample) -> str:
    """Return the text of a mapping TOML for `sample`; what could not be guessed is left to fill in.

    The proposal never reads as valid until a person has stated ``release_class`` and what a blank
    flag means, since no file can say either.
    """
    rows = sample.rows.astype("str").fillna("").apply(lambda column: column.str.strip())
    found = _find_roles(rows)
    flags = {role: heading for role, heading in found.items() if role.startswith("is_")}
    columns = {role: heading for role, heading in found.items() if role not in flags}
    kind = _kind_line(sample.columns)
    marks = [mark for mark in _MISSING_MARKS if rows.isin([mark]).any(axis=None)]
    lines = [
        f"# Proposed from headings and {len(rows)} rows of {sample.file}. Check each line.",
        'status = "unverified"',
        'release_class = ""            # open, restricted or person_level: you must say',
        kind,
        f"missing = {_quote(['', *marks])}",
        f"date_format = {_quote(_date_format(rows, columns))}",
        "\n[columns]",
        *(f"{role} = {_quote(heading)}" for role, heading in columns.items()),
    ]
    if "crime_ref" not in columns:
        lines.append('# crime_ref = ""       no heading looked like a reference, and one is needed')
    if not {"recorded_date", "committed_from"} & set(columns):
        lines.append('# recorded_date = ""   no heading and its values looked like a date')
    if "offences" in kind and not {"offence_code", "detailed_code"} & set(columns):
        lines.append('# offence_code = ""    no column looked like a code: the text alone decides')
    for flag, heading in flags.items():
        values = sorted(set(rows[heading]) - {""})
        lines += [
            f"\n[flags.{flag}]",
            f"column = {_quote(heading)}",
            f"true = {_quote([value for value in values if value.lower() in _YES])}",
            f"false = {_quote([value for value in values if value.lower() in _NO])}",
            'blank_means = ""              # yes, no or unknown: you must say',
        ]
    left = [name for name in sample.columns if name not in found.values()]
    return "\n".join([*lines, *([f"\n# Not used: {', '.join(left)}"] if left else [])]) + "\n"


def _kind_line(headings: tuple[str, ...]) -> str:
    """Return the line that says what the rows are; a gap to fill unless headings tell one kind."""
    plain = [plain_heading(str(name)) for name in headings]
    told = [k for k, words in ROLES["kinds"].items() if any(re.fullmatch(words, p) for p in plain)]
    if len(told) == 1:
        return f'kind = "{told[0]}"'
    return f'kind = ""                     # {", ".join(ROLES["kinds"])}: you must say'


def _find_roles(rows: pd.DataFrame) -> dict[str, str]:
    """Give each role the first free column whose heading and values look like it."""
    found: dict[str, str] = {}
    for role, heading, pattern in definitions.mapping_looks().itertuples(index=False, name=None):
        for name in rows.columns:
            values = rows[name][(rows[name] != "") & ~rows[name].isin(_MISSING_MARKS)]
            is_flag = len(values) > 0 and bool(values.str.lower().isin([*_YES, *_NO]).all())
            fits = not pattern or (len(values) > 0 and values.str.fullmatch(pattern).mean() > 0.8)
            looks = re.fullmatch(heading, plain_heading(str(name)))
            if name not in found.values() and looks and fits and is_flag == role.startswith("is_"):
                found[role] = str(name)
                break
    return found


def _date_format(rows: pd.DataFrame, columns: dict[str, str]) -> str:
    dates = [rows[columns[role]] for role in ("recorded_date", "committed_from") if role in columns]
    return "iso" if dates and dates[0].str.match(r"\d{4}-").mean() > 0.5 else "day_first"


def _quote(value: str | list[str]) -> str:
    return json.dumps(value, ensure_ascii=False)  # a JSON string or list is a TOML one too
