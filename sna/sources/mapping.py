"""The mapping of a restricted extract: which of its columns plays which role, strictly read."""

import tomllib
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field, model_validator

from sna.definitions.strict import Strict, check_toml, read_toml
from sna.errors import UsageError

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
        if left_out := [role for role, there in needs if not there]:
            raise ValueError(f"[columns] leaves out {'; '.join(left_out)}")
        for role in ("weapon", "weapon_use"):
            stated = role in self.codings and self.codings[role].blank_means in ("none", "unknown")
            if role in have and not stated:
                raise ValueError(f'[values.{role}] must state blank_means, "none" or "unknown"')
        return self

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
