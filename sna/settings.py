"""The settings of a partnership, strictly read from sna.toml."""

import dataclasses
import difflib
import hashlib
import json
import re
import tomllib
import typing
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from sna.errors import UsageError

FILE_NAME = "sna.toml"
EDITIONS = ("public", "partner")


@dataclass(frozen=True)
class Periods:
    """Last month of the reports and the number of months shown."""

    end_month: str = ""
    months: int = 60


@dataclass(frozen=True)
class Profiles:
    """Definition profile of all boroughs, and of those that differ."""

    default: str = "london_2023"
    boroughs: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Thresholds:
    """Smallest count that may be shown, by sensitivity; all below, but 0, is suppressed."""

    standard: int = 5
    health: int = 8
    sensitive: int = 10


@dataclass(frozen=True)
class Override:
    """A disclosure rule that is lifted for one result table, with a reason and an approver."""

    contract: str
    rule: str
    reason: str
    approver: str


@dataclass(frozen=True)
class Disclosure:
    """Thresholds, rounding base and approved overrides."""

    round_base: int = 5
    thresholds: Thresholds = field(default_factory=Thresholds)
    overrides: tuple[Override, ...] = ()


@dataclass(frozen=True)
class Agreement:
    """A data sharing agreement: without reference, recipients and date, public rules apply."""

    isa_reference: str
    recipients: tuple[str, ...]
    review_date: date
    lifts_health_threshold: bool = False

    @property
    def is_complete(self) -> bool:
        """Say whether the agreement names a reference and at least one recipient."""
        return bool(self.isa_reference.strip() and any(name.strip() for name in self.recipients))


@dataclass(frozen=True)
class Markings:
    """Protective marking printed on every page of an edition."""

    public: str = "OFFICIAL"
    partner: str = "OFFICIAL-SENSITIVE"
    handling: str = "Do not share further than the recipients named in the sharing agreement."


@dataclass(frozen=True)
class Quality:
    """Who commissions, writes, assures and approves; unsigned reports carry a DRAFT banner."""

    commissioner: str = ""
    analyst: str = ""
    assurer: str = ""
    approver: str = ""
    contact: str = ""
    risk: str = ""
    valid_until: date | None = None


@dataclass(frozen=True)
class Folders:
    """Folders, relative to sna.toml. `records` outlives every rebuild."""

    raw: str = "data/raw"
    processed: str = "data/processed"
    reports: str = "reports"
    records: str = "records"


@dataclass(frozen=True)
class Build:
    """Share of a file's rows that may match no definition row before the build stops."""

    unmatched_share: float = 0.01


@dataclass(frozen=True)
class Settings:
    """What sna.toml says; every part has a default, so the file may be absent."""

    partnership: str = ""
    boroughs: tuple[str, ...] = ()
    editions: tuple[str, ...] = ("public",)
    comparators: tuple[str, ...] = ()
    periods: Periods = field(default_factory=Periods)
    profiles: Profiles = field(default_factory=Profiles)
    disclosure: Disclosure = field(default_factory=Disclosure)
    agreements: dict[str, Agreement] = field(default_factory=dict)
    markings: Markings = field(default_factory=Markings)
    qa: Quality = field(default_factory=Quality)
    folders: Folders = field(default_factory=Folders)
    build: Build = field(default_factory=Build)
    root: Path = field(default_factory=Path)

    def folder(self, name: str) -> Path:
        """Return one of the folders (raw, processed, reports, records) as a path."""
        return self.root / getattr(self.folders, name)

    def profile_of(self, *names: str) -> str:
        """Return the profile of a borough, looked up by any of its code and name."""
        own = {key.casefold(): value for key, value in self.profiles.boroughs.items()}
        return next(
            (own[n.casefold()] for n in names if n.casefold() in own), self.profiles.default
        )

    def has_agreement(self, source: str) -> bool:
        """Say whether partners may see true counts of a source."""
        return source in self.agreements and self.agreements[source].is_complete

    def record(self) -> dict[str, Any]:
        """Return the resolved settings for the run record: plain values, no absolute path."""
        values = dataclasses.asdict(self)
        values.pop("root")
        plain = typing.cast(dict[str, Any], json.loads(json.dumps(values, default=str)))
        text = json.dumps(plain, sort_keys=True).encode()
        return {**plain, "sha256": hashlib.sha256(text).hexdigest()}


def read_settings(path: str | Path | None = None) -> Settings:
    """Read sna.toml; without the file every setting has its default.

    Parameters
    ----------
    path
        The file, or None for sna.toml in the current folder or the nearest folder above it.

    Returns
    -------
    Settings
        The resolved settings. Folders are relative to the file.

    Raises
    ------
    UsageError
        If the file is named but absent, is not TOML, or holds a key or value that cannot be meant.

    Examples
    --------
    >>> Settings().disclosure.thresholds.standard
    5
    """
    here = Path.cwd()
    file = (
        Path(path)
        if path
        else next(
            (
                folder / FILE_NAME
                for folder in (here, *here.parents)
                if (folder / FILE_NAME).is_file()
            ),
            here / FILE_NAME,
        )
    )
    if not file.is_file():
        if path:
            raise UsageError(
                "The settings file is not there.", where=str(file), do="Write one with `sna init`."
            )
        return Settings(root=here)
    try:
        values = tomllib.loads(file.read_text(encoding="utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(
            "The settings file is not valid TOML.",
            where=file.name,
            found=str(error),
            do="Mend that line; text stands in double quotes.",
        ) from None
    settings = dataclasses.replace(_read(Settings, values, file.name), root=file.resolve().parent)
    _check(settings, file.name)
    return settings


def init_settings(folder: str | Path = ".") -> Path:
    """Write a commented sna.toml into a folder that has none, and return its path."""
    file = Path(folder) / FILE_NAME
    if file.exists():
        raise UsageError(
            "There is a settings file already; it was left alone.",
            where=str(file),
            do="Edit it, or move it away first.",
        )
    file.parent.mkdir(parents=True, exist_ok=True)
    template = Path(__file__).parent / "templates" / FILE_NAME
    file.write_text(template.read_text(encoding="utf-8"), encoding="utf-8")
    return file


def _read(cls: type, values: object, where: str) -> Any:
    """Read a dataclass from a TOML table, refusing keys it does not have."""
    if not isinstance(values, dict):
        raise _wrong(where, values, "a table of keys")
    known = {f.name: f for f in dataclasses.fields(cls) if f.name != "root"}
    for key in values:
        if key not in known:
            raise UsageError(
                f"{key!r} is not a setting.", where=where, found=key, do=_nearest(key, list(known))
            )
    hints = typing.get_type_hints(cls)
    missing = [
        n
        for n, f in known.items()
        if n not in values and f.default is f.default_factory is dataclasses.MISSING
    ]
    if missing:
        raise UsageError(
            f"{len(missing)} settings are missing.", where=where, found=missing, do="Add them."
        )
    return cls(**{k: _value(hints[k], v, f"{where}, {k}") for k, v in values.items()})


def _value(kind: Any, value: Any, where: str) -> Any:
    origin, inside = typing.get_origin(kind), typing.get_args(kind)
    if dataclasses.is_dataclass(kind):
        return _read(typing.cast(type, kind), value, where)
    if origin is tuple:
        if not isinstance(value, list):
            raise _wrong(where, value, "a list in square brackets")
        return tuple(_value(inside[0], item, where) for item in value)
    if origin is dict:
        if not isinstance(value, dict):
            raise _wrong(where, value, "a table of keys")
        return {key: _value(inside[1], item, f"{where}.{key}") for key, item in value.items()}
    kinds = tuple(k for k in inside if k is not type(None)) if inside else (kind,)
    if kinds == (float,) and type(value) is int:
        return float(value)
    if type(value) not in kinds:
        words = {
            str: "text in quotes",
            int: "a whole number",
            bool: "true or false",
            float: "a number",
            date: "a date such as 2026-03-31, without quotes",
        }
        raise _wrong(where, value, words[kinds[0]])
    return value


def _check(settings: Settings, where: str) -> None:
    """Refuse values that have the right type and still cannot be meant."""
    choices = [
        ("editions", settings.editions, EDITIONS),
        ("disclosure, round_base", (settings.disclosure.round_base,), (5, 10)),
    ]
    for key, values, allowed in choices:
        for value in values:
            if value not in allowed:
                raise _wrong(f"{where}, {key}", value, " or ".join(map(str, allowed)))
    if settings.periods.end_month and not re.fullmatch(
        r"\d{4}-(0[1-9]|1[0-2])", settings.periods.end_month
    ):
        raise _wrong(f"{where}, periods, end_month", settings.periods.end_month, 'like "2025-03"')
    for override in settings.disclosure.overrides:
        if not (override.reason.strip() and override.approver.strip()):
            raise UsageError(
                "An override needs a reason and an approver.",
                where=f"{where}, disclosure.overrides",
                found=override.contract,
                do="Fill in both, or take the override out.",
            )
    _check_thresholds(settings.disclosure.thresholds, where)
    _check_records(settings, where)


def _check_thresholds(given: Thresholds, where: str) -> None:
    """Refuse a threshold below the standing one."""
    for f in dataclasses.fields(Thresholds):
        if (value := getattr(given, f.name)) < getattr(Thresholds(), f.name):
            raise _wrong(
                f"{where}, disclosure.thresholds, {f.name}",
                value,
                f"{getattr(Thresholds(), f.name)} or more: agreements may raise it, never lower it",
            )


def _check_records(settings: Settings, where: str) -> None:
    """Refuse a records folder that a clean-up of data or reports would take with it."""
    records = settings.folder("records").resolve()
    for name in ("processed", "reports"):
        if records.is_relative_to(settings.folder(name).resolve()):
            raise _wrong(
                f"{where}, folders, records",
                settings.folders.records,
                f"a folder outside {name}, which can be emptied at any time",
            )


def _wrong(where: str, value: object, wanted: str) -> UsageError:
    return UsageError(
        "A setting has a value that cannot be meant.",
        where=where,
        found=repr(value),
        do=f"It must be {wanted}.",
    )


def _nearest(key: str, known: list[str]) -> str:
    near = difflib.get_close_matches(key, known, n=1)
    return f"Did you mean {near[0]!r}?" if near else "Known here: " + ", ".join(known) + "."
