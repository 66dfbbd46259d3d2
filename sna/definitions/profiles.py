"""Profiles: one TOML file a version of the definition, strictly read and resolved."""

import hashlib
import json
from datetime import date
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from sna.definitions.strict import Strict, check_toml, offer, read_toml
from sna.definitions.tables import offence_codes, read_reference
from sna.definitions.tables import switches as switch_table
from sna.errors import UsageError

_HASHED = (
    "offence_codes",
    "offence_detailed_codes",
    "published_categories",
    "switch_roles",
    "band_rules",
)
_INHERITED = ("status", "contexts", "families", "subgroups", "switches")
_FOLDER = Path(str(files("sna.definitions"))) / "profiles"


class Monitored(Strict):
    """What a text asks to watch beside the definition; rows that meet every condition given.

    ``rules`` are those that a row's band may rest on, ``outside`` a context that it is not in.
    """

    title: str
    rules: list[str] = Field(default_factory=list)
    outside: str = ""
    offence_codes: list[str] = Field(default_factory=list)
    premises_types: list[str] = Field(default_factory=list)
    fields_needed: list[str] = Field(default_factory=list)


class Profile(Strict):
    """One version of the definition, as its file states it; read, it is resolved.

    ``switches`` then holds every switch. No headline is drawn from a profile whose ``status`` is
    ``incomplete``.
    """

    id: str = Field(min_length=1)
    version: str
    source: str
    title: str = ""
    quote: str = ""
    base: str = ""
    status: Literal["adopted", "incomplete"] = "adopted"
    valid_from: date | None = None
    adopted: date | None = None
    minute: str = ""
    contexts: Literal["u25_da_sv", "any_violence", "subgroups"] = "u25_da_sv"
    families: tuple[str, ...] = ()
    subgroups: tuple[str, ...] = ()
    switches: dict[str, Any] = Field(default_factory=dict)
    monitored: dict[str, Monitored] = Field(default_factory=dict)

    @property
    def hash(self) -> str:
        """Stand for the resolved rules and the code tables."""
        rules = [self.contexts, self.families, self.subgroups, self.switches]
        text = json.dumps(rules, sort_keys=True).encode()
        return hashlib.sha256(text + _tables()).hexdigest()[:12]

    def check_headline(self) -> None:
        """Refuse a headline from a text whose list of offences is not verified."""
        if self.status == "incomplete":
            raise UsageError(
                f"No headline is given under {self.id}: its list of offences is not verified.",
                where=f"profile {self.id}, status incomplete",
                do="Use another profile, or see: sna profiles compare london_2023 " + self.id,
            )

    def with_switches(self, **changes: str | bool) -> "Profile":
        """Return this profile with some switches changed, and checked."""
        for name, value in changes.items():
            allowed = _allowed().get(name)
            if allowed is None:
                raise _wrong("switch", self.id, name, list(_allowed()))
            if not any(type(value) is type(a) and value == a for a in allowed):
                raise _wrong(f"value of {name}", self.id, value, allowed)
        return self.model_copy(update={"switches": {**self.switches, **changes}})


def profile_ids() -> list[str]:
    """List the profiles that ship with the package, the default first."""
    found = sorted(path.stem for path in _FOLDER.glob("*.toml"))
    return sorted(found, key=lambda name: name != "london_2023")


def read_profile(id_or_path: "str | Path | Profile") -> Profile:
    """Read a profile by its id, or from a borough's own TOML file; every switch is resolved.

    An unknown profile, key, switch or value raises `UsageError`, which names the allowed ones.

    >>> read_profile("london_2022_draft").switches["weapon_clause"]
    'lift'
    """
    if isinstance(id_or_path, Profile):
        return id_or_path
    text = str(id_or_path)
    return _resolve(Path(text)) if text.endswith(".toml") else _shipped(text)


@cache
def _shipped(name: str) -> Profile:
    if name not in profile_ids():
        raise _wrong("profile", "sna/definitions/profiles", name, profile_ids())
    return _resolve(_FOLDER / f"{name}.toml")


def _resolve(path: Path) -> Profile:
    raw = check_toml(read_toml(path), Profile, path.name)
    kept: dict[str, Any] = {"switches": {name: values[0] for name, values in _allowed().items()}}
    if raw.base:
        base, own = _shipped(raw.base), raw.model_fields_set - {"switches"}
        kept = {name: getattr(base, name) for name in _INHERITED if name not in own}
    found = raw.model_copy(update=kept).with_switches(**raw.switches)
    _check_names(found, path)
    return found


def _check_names(profile: Profile, path: Path) -> None:
    """Refuse names that no table holds, and an id that means a profile that ships."""
    if profile.id in profile_ids() and path.parent != _FOLDER:
        what, do = "This id belongs to a profile that ships.", "Give your text an id of its own."
        raise UsageError(what, where=path.name, found=profile.id, do=do)
    codes, watched = offence_codes(), profile.monitored.values()
    groups = {t.casefold() for c in ("offence_group", "offence_subgroup") for t in codes[c] if t}
    if profile.contexts == "subgroups" and not profile.subgroups:
        do = f"Name some: {', '.join(sorted(groups))}."
        raise UsageError("contexts = subgroups needs subgroups.", where=path.name, do=do)
    listed: list[tuple[str, list[str], set[str]]] = [
        ("family", list(profile.families), set(read_reference("listed_families")["listed_family"])),
        ("subgroup", list(profile.subgroups), {*groups, "flagged domestic abuse"}),
        ("rule", [n for m in watched for n in m.rules], set(read_reference("rules")["rule"])),
        (
            "context",
            [m.outside for m in watched if m.outside],
            set(read_reference("contexts")["context"]),
        ),
        ("code", [n for m in watched for n in m.offence_codes], set(codes["offence_code"])),
    ]
    for what, names, allowed in listed:
        for name in names:
            if name not in allowed:
                raise _wrong(what, path.name, name, sorted(allowed))


@cache
def _allowed() -> dict[str, list[str | bool]]:
    words: dict[str, bool] = {"true": True, "false": False}
    return {
        row["switch"]: [words.get(value, value) for value in row["allowed"].split("|")]
        for row in switch_table().to_dict("records")
    }


def _wrong(what: str, where: str, found: object, allowed: list[Any]) -> UsageError:
    words = [str(a).lower() if isinstance(a, bool) else str(a) for a in allowed]
    return UsageError(
        f"Unknown {what}: {found!r}.", where=where, found=found, do=offer(found, words)
    )


@cache
def _tables() -> bytes:
    return b"".join(_FOLDER.parent.joinpath(f"{name}.csv").read_bytes() for name in _HASHED)
