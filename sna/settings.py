"""The settings of a partnership, strictly read from sna.toml; its comments say what each does."""

import difflib
import hashlib
import json
from datetime import UTC, date, datetime
from pathlib import Path, PureWindowsPath
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints, model_validator

from sna.definitions import find_borough, source_titles
from sna.definitions.strict import Strict, check_toml, read_toml
from sna.errors import UsageError

FILE_NAME = "sna.toml"
OWN_COLUMNS = {
    "harm_weights": ("offence_code", "weight"),
    "workday_population": ("area_code", "population"),
}
EDITIONS = ("public", "partner")
TEMPLATE = Path(__file__).parent / "templates" / FILE_NAME
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
Month = Annotated[str, StringConstraints(pattern=r"^(\d{4}-(0[1-9]|1[0-2]))?$")]


class Periods(Strict):
    """Last month of the reports and the number of months shown."""

    end_month: Month = ""
    months: Annotated[int, Field(ge=1)] = 60


class Profiles(Strict):
    """Definition profile of all boroughs, and of those that differ."""

    default: str = "london_2023"
    boroughs: dict[str, str] = Field(default_factory=dict)


class Thresholds(Strict):
    """Smallest count shown, by sensitivity: agreements may raise it, never lower it."""

    standard: Annotated[int, Field(ge=5)] = 5
    health: Annotated[int, Field(ge=8)] = 8
    sensitive: Annotated[int, Field(ge=10)] = 10


class Override(Strict):
    """A disclosure rule lifted for one result table, with a reason and an approver."""

    contract: Text
    rule: Literal["dominance", "group", "reliability", "geography"]
    reason: Text
    approver: Text


class Disclosure(Strict):
    """Thresholds, rounding base and approved overrides."""

    round_base: Literal[5, 10] = 5
    thresholds: Thresholds = Thresholds()
    overrides: tuple[Override, ...] = ()


class Agreement(Strict):
    """A sharing agreement: partners see true counts of the sources that have one."""

    isa_reference: Text
    recipients: Annotated[tuple[Text, ...], Field(min_length=1)]
    review_date: date
    lifts_health_threshold: bool = False


class Markings(Strict):
    """Protective marking printed on every page of an edition."""

    public: str = "OFFICIAL"
    partner: str = "OFFICIAL-SENSITIVE"
    handling: str = "Do not share further than the recipients named in the sharing agreement."


class Quality(Strict):
    """Who commissions, writes, assures and approves."""

    commissioner: str = ""
    analyst: str = ""
    assurer: str = ""
    approver: str = ""
    contact: str = ""
    risk: str = ""
    valid_until: date | None = None


class Folders(Strict):
    """Folders, relative to sna.toml. `records` outlives every rebuild."""

    raw: str = "data/raw"
    processed: str = "data/processed"
    reports: str = "reports"
    records: str = "records"

    @model_validator(mode="after")
    def _outlives(self) -> "Folders":
        for name in ("processed", "reports"):
            if Path(self.records).is_relative_to(getattr(self, name)):
                raise ValueError(f"records must lie outside {name}, which can be emptied any time")
        return self


class Places(Strict):
    """The partnership's own files for maps, CSV, relative to sna.toml; empty: none."""

    harm_weights: str = ""  # offence_code, weight
    workday_population: str = ""  # area_code, population


class Build(Strict):
    """Share of a file's rows that may match no definition row."""

    unmatched_share: Annotated[float, Field(ge=0, le=1)] = 0.01


class Settings(Strict):
    """What sna.toml says; every part has a default, so the file may be absent."""

    partnership: str = ""
    boroughs: tuple[str, ...] = ()
    editions: Annotated[tuple[Literal["public", "partner"], ...], Field(min_length=1)] = ("public",)
    comparators: tuple[str, ...] = ()
    periods: Periods = Periods()
    profiles: Profiles = Profiles()
    disclosure: Disclosure = Disclosure()
    agreements: dict[str, Agreement] = Field(default_factory=dict)
    markings: Markings = Markings()
    qa: Quality = Quality()
    folders: Folders = Folders()
    build: Build = Build()
    places: Places = Places()
    root: Annotated[Path, Field(exclude=True)] = Path()  # folder of sna.toml; never read from it
    # agreements past their review date; never read from it
    expired: Annotated[dict[str, date], Field(exclude=True)] = Field(default_factory=dict)

    def folder(self, name: str) -> Path:
        """Return one of the folders (raw, processed, reports, records) as a path."""
        return self.root / getattr(self.folders, name)

    def own_table(self, name: Literal["harm_weights", "workday_population"]) -> Any:
        """Return a file of `places` as a table of a code and a number; None where none is named."""
        import pandas as pd

        if not (given := getattr(self.places, name)):
            return None
        path, (code, number) = self.root / given, OWN_COLUMNS[name]
        table = pd.DataFrame()
        if path.is_file():
            table = pd.read_csv(path, dtype="str", encoding="utf-8-sig")
        values = pd.to_numeric(table.get(number, pd.Series()), errors="coerce")
        if code not in table or values.empty or not (values >= 0).all():
            what, where = f"The file of {name} cannot be read.", f"sna.toml, [places] {name}"
            do = f"Give a CSV with the columns {code} and {number} (0 or more in every row)."
            raise UsageError(what, where=where, found=[given, *table.columns][:5], do=do)
        return table[[code]].assign(**{number: values})

    def profile_of(self, *names: str) -> str:
        """Return the profile of a borough, looked up by any of its code and name."""
        own = {key.casefold(): value for key, value in self.profiles.boroughs.items()}
        found = (own[name.casefold()] for name in names if name.casefold() in own)
        return next(found, self.profiles.default)

    def record(self) -> dict[str, Any]:
        """Return the settings for the run record: no path, no name, no recipient."""
        plain = self.model_dump(mode="json")
        named = [plain["qa"], *plain["disclosure"]["overrides"], *plain["agreements"].values()]
        for part in named:
            private = set(part) & {*Quality.model_fields, "isa_reference", "recipients"}
            part.update({key: "set" if part[key] else "" for key in private - {"valid_until"}})
        for part in (plain["folders"], plain["places"]):  # a whole path would be a leak
            whole = {k for k, v in part.items() if PureWindowsPath(v).anchor}  # of any system
            part.update(dict.fromkeys(whole, "set"))
        plain["expired"] = {name: str(day) for name, day in self.expired.items()}
        text = json.dumps(plain, sort_keys=True).encode()
        return {**plain, "sha256": hashlib.sha256(text).hexdigest()}


def read_settings(path: str | Path | None = None, *, today: date | None = None) -> Settings:
    """Read sna.toml: `path`, or the file in this folder or the nearest above; defaults without.

    Raises `UsageError` if a named file is absent, is not TOML, or holds a key or value that cannot
    be meant. Folders are relative to the file. An agreement past its review date counts no more.

    Examples
    --------
    >>> Settings().disclosure.thresholds.standard
    5
    """
    here, day = Path.cwd(), today or datetime.now(UTC).date()
    above = (folder / FILE_NAME for folder in (here, *here.parents))
    file = Path(path) if path else next((f for f in above if f.is_file()), None)
    if not file:
        return Settings(root=here)
    document = read_toml(file)
    for name in ("root", "expired"):  # worked out here
        if name in document:
            do = "Take it out; `sna init` shows every key."
            raise UsageError(f"{name}: this key is not known.", where=file.name, found=name, do=do)
    read = check_toml(document, Settings, file.name)
    for name in (*read.boroughs, *read.comparators, *read.profiles.boroughs):
        _check_borough(name, file.name)
    for name in read.agreements:
        _check_source(name, file.name)
    late = {name: a.review_date for name, a in read.agreements.items() if a.review_date < day}
    live = {name: a for name, a in read.agreements.items() if name not in late}
    worked_out = {"root": file.resolve().parent, "agreements": live, "expired": late}
    return read.model_copy(update=worked_out)


def _check_borough(name: str, where: str) -> None:
    try:
        find_borough(name)
    except UsageError as error:
        error.where = where
        raise


def _check_source(name: str, where: str) -> None:
    """Refuse an agreement that would do nothing, since no source is called by its name."""
    known = source_titles()["source"].tolist()
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1)
        hint = f"Did you mean {near[0]!r}? " if near else ""
        do = f"{hint}A record extract is called extract; sources are: {', '.join(known)}."
        what = "An agreement names a source that there is not."
        raise UsageError(what, where=where, found=name, do=do)


def init_settings(folder: str | Path = ".") -> Path:
    """Write a commented sna.toml into a folder that has none, and return its path."""
    file = Path(folder) / FILE_NAME
    if file.exists():
        what, do = "There is a settings file already; it was left alone.", "Edit it, or move it."
        raise UsageError(what, where=str(file), do=do)
    if not file.parent.is_dir():
        do = "Make the folder first, or name another."
        raise UsageError("There is no such folder.", where=str(folder), do=do)
    file.write_text(TEMPLATE.read_text(encoding="utf-8"), encoding="utf-8")
    return file
