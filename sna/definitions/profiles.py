"""Profiles: one TOML file a version of the definition, strictly read and resolved."""

import hashlib
import json
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from sna.definitions.tables import switches as switch_table
from sna.errors import UsageError

CONTEXTS = ("u25_da_sv", "any_violence", "subgroups")
_KEYS = {
    "id": str, "title": str, "version": str, "base": str, "valid_from": date, "source": str,
    "quote": str, "status": str, "contexts": str, "families": list, "subgroups": list,
    "adopted": date, "minute": str, "switches": dict, "monitored": dict,
}  # fmt: skip
_HASHED = ("offence_codes", "offence_detailed_codes", "published_categories", "switch_roles")


@dataclass(frozen=True)
class Profile:
    """One resolved version of the definition.

    ``switches`` holds every switch, also those left at their default. ``status`` is ``adopted`` or
    ``incomplete``; no headline is drawn from an incomplete profile. ``hash`` covers the resolved
    rules and the code tables, so two reports with the same hash used the same definition.
    """

    id: str
    version: str
    valid_from: str
    source: str
    quote: str
    status: str
    contexts: str
    switches: Mapping[str, str | bool]
    monitored: Mapping[str, str]
    hash: str
    title: str = ""
    base: str = ""
    adopted: str = ""
    minute: str = ""
    families: tuple[str, ...] = ()
    subgroups: tuple[str, ...] = ()

    def with_switches(self, **changes: str | bool) -> "Profile":
        """Return this profile with some switches changed, checked, and a new hash."""
        _check_switches(changes, self.id)
        changed = replace(self, switches={**self.switches, **changes})
        return replace(changed, hash=_hash(changed))


def profile_ids() -> list[str]:
    """List the profiles that ship with the package, the default first."""
    found = sorted(p.name[:-5] for p in _folder().iterdir() if p.name.endswith(".toml"))
    return sorted(found, key=lambda name: name != "london_2023")


def read_profile(id_or_path: "str | Path | Profile") -> Profile:
    """Read a profile by its id, or from a TOML file of a borough's own.

    Parameters
    ----------
    id_or_path
        An id of `profile_ids`, or the path of a file ending in ``.toml``.

    Returns
    -------
    Profile
        With every switch resolved through its bases.

    Raises
    ------
    UsageError
        For an unknown profile, key, switch or value; the message names the allowed ones.

    Examples
    --------
    >>> read_profile("london_2022_draft").switches["weapon_clause"]
    'lift'
    """
    if isinstance(id_or_path, Profile):
        return id_or_path
    text = str(id_or_path)
    if text.endswith(".toml"):
        return _resolve(_read_toml(Path(text)), text, ())
    return _shipped(text)


@lru_cache(maxsize=32)
def _shipped(name: str, seen: tuple[str, ...] = ()) -> Profile:
    if name in seen:
        raise _wrong("bases in a circle", ", ".join(seen), name, profile_ids())
    if name not in profile_ids():
        raise _wrong("profile", "sna/definitions/profiles", name, profile_ids())
    raw = tomllib.loads(_folder().joinpath(f"{name}.toml").read_text(encoding="utf-8"))
    return _resolve(raw, f"{name}.toml", (*seen, name))


def _folder() -> Any:
    return files("sna.definitions").joinpath("profiles")


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        do = "Give a profile id or the path of a TOML file."
        raise UsageError("Profile cannot be read.", where=str(path), found=error, do=do) from None


def _resolve(raw: dict[str, Any], where: str, seen: tuple[str, ...]) -> Profile:
    """Lay one file over its base and check every key and value."""
    _check_keys(raw, where)
    switches = raw.get("switches", {})
    _check_switches(switches, where)
    base = _shipped(raw["base"], seen) if "base" in raw else None
    inherited = base.switches if base else _defaults()
    shared = {
        name: raw.get(name, getattr(base, name, default))
        for name, default in {"contexts": "u25_da_sv", "families": (), "subgroups": ()}.items()
    }
    if shared["contexts"] not in CONTEXTS:
        raise _wrong("value of contexts", where, shared["contexts"], CONTEXTS)
    profile = Profile(
        **{k: str(raw.get(k, "")) for k in ("id", "version", "source", "quote", "title", "base")},
        **{k: str(raw.get(k, "")) for k in ("valid_from", "adopted", "minute")},
        status=raw.get("status", "adopted"),
        contexts=shared["contexts"],
        families=tuple(shared["families"]),
        subgroups=tuple(shared["subgroups"]),
        switches={**inherited, **switches},
        monitored=raw.get("monitored", {}),
        hash="",
    )
    if profile.status not in ("adopted", "incomplete"):
        raise _wrong("value of status", where, profile.status, ("adopted", "incomplete"))
    return replace(profile, hash=_hash(profile))


def _check_keys(raw: dict[str, Any], where: str) -> None:
    for key, value in raw.items():
        if key not in _KEYS:
            raise _wrong("key", where, key, _KEYS)
        if not isinstance(value, _KEYS[key]):
            kind = _KEYS[key].__name__
            raise UsageError(f"Key {key!r} must be a {kind}.", where=where, found=repr(value))
    for key in ("id", "version", "source"):
        if not raw.get(key):
            raise UsageError(f"A profile needs {key!r}.", where=where, do=f"Add {key} = …")
    base = raw.get("base")
    if base is not None and base not in profile_ids():
        raise _wrong("base profile", where, base, profile_ids())


def _defaults() -> dict[str, str | bool]:
    return {name: values[0] for name, values in _allowed().items()}


@lru_cache(maxsize=1)
def _allowed() -> dict[str, list[str | bool]]:
    """Map every switch to its allowed values, the default first."""
    words: dict[str, bool] = {"true": True, "false": False}
    table = switch_table()
    return {
        name: [words.get(v, v) for v in sorted(allowed.split("|"), key=lambda v: v != default)]
        for name, default, allowed in table[["switch", "default", "allowed"]].itertuples(
            index=False, name=None
        )
    }


def _check_switches(switches: Mapping[str, Any], where: str) -> None:
    for name, value in switches.items():
        allowed = _allowed().get(name)
        if allowed is None:
            raise _wrong("switch", where, name, _allowed())
        if not any(type(value) is type(a) and value == a for a in allowed):
            raise _wrong(f"value of {name}", where, repr(value), allowed)


def _wrong(what: str, where: str, found: object, allowed: Iterable[object]) -> UsageError:
    listed = ", ".join(str(a) for a in allowed)
    return UsageError(
        f"Unknown {what}: {found}.", where=where, found=found, do=f"Allowed: {listed}."
    )


def _hash(profile: Profile) -> str:
    rules = [profile.contexts, profile.families, profile.subgroups, dict(profile.switches)]
    digest = hashlib.sha256(json.dumps(rules, sort_keys=True).encode())
    for name in _HASHED:
        digest.update(files("sna.definitions").joinpath(f"{name}.csv").read_bytes())
    return digest.hexdigest()[:12]
