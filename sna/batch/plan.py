"""What is to be done: one job a borough and edition, and what its result depends on."""

import hashlib
import json
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from subprocess import list2cmdline
from typing import Any

import sna
from sna.definitions import boroughs, find_borough, read_profile
from sna.errors import UsageError
from sna.settings import EDITIONS, Settings
from sna.store import find_district, list_areas, read_before

STATE = ".runs"


@dataclass(frozen=True)
class Job:
    """All reports of one borough in one edition; `command` does this job alone."""

    borough_code: str
    borough_name: str
    edition: str
    profile: str
    end_month: str
    notebooks: tuple[str, ...]
    processed: str
    reports: str
    command: str = ""

    @property
    def name(self) -> str:
        """Return the name a person reads."""
        return f"{self.borough_name} ({self.edition})"

    @property
    def state_file(self) -> Path:
        """Return where the key of the last good run is kept."""
        return Path(self.reports) / STATE / f"{self.borough_code}.{self.edition}.json"


def plan_jobs(
    wanted: Iterable[str],
    settings: Settings,
    *,
    to: str = "",
    edition: str = "",
    profile: str = "",
    only: str = "",
    processed: Path | None = None,
    reports: Path | None = None,
) -> list[Job]:
    """Plan one job a borough and edition from the options of `sna report`, else from `settings`.

    No borough means those of the settings, else all that the store holds rows of. Raises
    `UsageError` for what is not known.
    """
    from sna.reporting.borough import check_month
    from sna.reporting.notebooks import choose_notebooks

    given = {"to": to, "profile": profile, "only": only, "processed": processed, "reports": reports}
    options = [word for key, value in given.items() if value for word in (f"--{key}", str(value))]
    editions = [word.strip() for word in edition.split(",") if word.strip()] or settings.editions
    if unknown := [name for name in editions if name not in EDITIONS]:
        do = f"Choose from: {', '.join(EDITIONS)}."
        raise UsageError("The edition is not known.", where="--edition", found=unknown, do=do)
    check_month(to)
    store = Path(processed or os.environ.get("SNA_PROCESSED") or settings.folder("processed"))
    state, _ = read_before(store)
    named = list(wanted) or settings.boroughs or _held(state)
    areas = [find_district(name, state) or find_borough(name) for name in named]
    for text in {profile or settings.profile_of(*area) for area in areas}:
        read_profile(text)  # one message for all, before anything runs
    return [
        Job(
            borough_code=code,
            borough_name=name,
            edition=edition,
            profile=profile or settings.profile_of(code, name),
            end_month=to or settings.periods.end_month,
            notebooks=tuple(choose_notebooks(only)),
            processed=str(store),
            reports=str(reports or settings.folder("reports")),
            command=list2cmdline(["sna", "report", name, "--edition", edition, *options]),
        )
        for edition in editions
        for code, name in dict.fromkeys(areas)
    ]


def _held(state: dict[str, Any]) -> list[str]:
    """Return the boroughs that a store holds rows of; all 33 of a store that names no files."""
    known, held = boroughs()["borough_code"], list_areas(state) if state.get("files") else []
    return [code for code in known if code in held] or list(known)


def hash_common(processed: Path, settings: Settings) -> list[str]:
    """Hash what all jobs depend on: code, settings, approvals, own tables, those of all London."""
    from sna.reporting.record import QA_LOG

    package = Path(sna.__file__).parent
    code = [p for p in package.rglob("*") if p.suffix != ".pyc"]
    code += (package.parent / "notebooks").glob("*.ipynb")
    common = [*processed.glob("*.*")]
    common += [settings.folder("records") / QA_LOG]
    common += [settings.root / name for name in settings.places.model_dump().values() if name]
    # Whole settings: those of the run record leave out names that pages show.
    said = [settings.record()["sha256"], settings.model_dump_json()]
    return [*map(_hash, sorted(p for p in [*code, *common] if p.is_file())), *map(str, said)]


def job_key(job: Job, common: list[str]) -> str:
    """Hash `common`, parameters and own tables; with the same key the pages would be the same."""
    own = sorted(Path(job.processed).glob(f"*/{job.borough_code}.*parquet"))
    own += [path for path in [Path(job.profile)] if path.is_file()]
    choice = [job.borough_code, job.edition, job.profile, job.end_month, *job.notebooks]
    lines = [*common, *map(_hash, own), json.dumps(choice)]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def london_key(reports: Path, edition: str, common: list[str]) -> str:
    """Hash `common` and the run records of an edition: all that its index of London shows."""
    lines = [*common, *map(_hash, sorted(reports.glob(f"*/{edition}/run.json")))]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return f"{path.name} {hashlib.file_digest(file, 'sha256').hexdigest()}"


def _sizes(folder: Path) -> dict[str, int]:
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    return {path.relative_to(folder).as_posix(): path.stat().st_size for path in files}


def is_done(job: Job, key: str) -> bool:
    """Say whether the last good run had this key and all it wrote is still there."""
    try:
        state = json.loads(job.state_file.read_text(encoding="utf-8"))
        there = _sizes(Path(job.reports) / state["folder"])
        return bool(state["key"] == key and state["files"].items() <= there.items())
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False


def note_done(job: Job, key: str, folder: Path) -> None:
    """Write down the key of a run whose pages are published."""
    place = folder.resolve().relative_to(Path(job.reports).resolve()).as_posix()
    replace_text(job.state_file, {"key": key, "folder": place, "files": _sizes(folder)})


def replace_text(target: Path, record: dict[str, Any]) -> None:
    """Write a record as JSON, whole or not at all."""
    new = target.with_suffix(".tmp")
    new.write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    new.replace(target)
