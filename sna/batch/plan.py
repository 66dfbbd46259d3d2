"""What is to be done: one job a borough and edition, and what its result depends on."""

import hashlib
import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import sna
from sna.definitions import boroughs, find_borough
from sna.errors import UsageError
from sna.settings import EDITIONS, Settings

STATE = ".runs"


@dataclass(frozen=True)
class Job:
    """All reports of one borough in one edition."""

    borough_code: str
    borough_name: str
    edition: str
    profile: str
    end_month: str
    notebooks: tuple[str, ...]
    processed: str
    reports: str

    @property
    def name(self) -> str:
        """Return the name a person reads."""
        return f"{self.borough_name} ({self.edition})"

    @property
    def command(self) -> str:
        """Return the command that does this job alone."""
        month = f" --to {self.end_month}" if self.end_month else ""
        return f'sna report "{self.borough_name}" --edition {self.edition}{month}'

    @property
    def state_file(self) -> Path:
        """Return where the key of the last good run is kept."""
        return Path(self.reports) / STATE / f"{self.borough_code}.{self.edition}.json"


def plan_jobs(
    wanted: Iterable[str], settings: Settings, *, editions: Sequence[str] = (), end_month: str = "",
    profile: str = "", notebooks: Sequence[str] = (), processed: Path | None = None,
    reports: Path | None = None,
) -> list[Job]:  # fmt: skip
    """Plan one job a borough and edition; what is left out is taken from `settings`.

    No borough means those of the settings, else all 33. Raises `UsageError` for unknown ones.
    """
    named = list(wanted) or settings.boroughs or boroughs()["borough_code"]
    chosen = tuple(editions) or settings.editions
    if unknown := [edition for edition in chosen if edition not in EDITIONS]:
        raise UsageError("The edition is not known.", where="--edition", found=unknown,
                         do=f"Choose from: {', '.join(EDITIONS)}.")  # fmt: skip
    store = processed or os.environ.get("SNA_PROCESSED") or settings.folder("processed")
    month, out = end_month or settings.periods.end_month, reports or settings.folder("reports")
    return [
        Job(code, name, edition, profile or settings.profile_of(code, name), month,
            tuple(notebooks), str(store), str(out))
        for edition in chosen
        for code, name in dict.fromkeys(map(find_borough, named))
    ]  # fmt: skip


class Keys:
    """Keys of jobs; a job with the key of its last good run would give the same pages."""

    def __init__(self, processed: Path, settings: Settings) -> None:
        self._processed, package = processed, Path(sna.__file__).parent
        code = [p for p in package.rglob("*") if p.suffix != ".pyc" and p.is_file()]
        code += (package.parent / "notebooks").glob("*.ipynb")
        common = [p for p in processed.glob("*.*") if p.is_file()]
        self._base = [*map(_hash, sorted([*code, *common])), str(settings.record()["sha256"])]

    def key(self, job: Job) -> str:
        """Hash code, settings, parameters and every stored table the job can read."""
        own = sorted(self._processed.glob(f"*/{job.borough_code}.parquet"))
        own += [path for path in [Path(job.profile)] if path.is_file()]
        choice = json.dumps({**asdict(job), "processed": "", "reports": ""}, sort_keys=True)
        return hashlib.sha256(
            "\n".join([*self._base, *map(_hash, own), choice]).encode()
        ).hexdigest()


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return f"{path.name} {hashlib.file_digest(file, 'sha256').hexdigest()}"


def _sizes(folder: Path) -> dict[str, int]:
    return {path.relative_to(folder).as_posix(): path.stat().st_size
            for path in sorted(folder.rglob("*")) if path.is_file()}  # fmt: skip


def is_done(job: Job, key: str) -> bool:
    """Say whether the last good run had this key and all it wrote is still there."""
    try:
        state = json.loads(job.state_file.read_text(encoding="utf-8"))
        return bool(state["key"] == key) and (
            state["files"].items() <= _sizes(Path(job.reports) / state["folder"]).items()
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False


def note_done(job: Job, key: str, folder: Path) -> None:
    """Write down the key of a run whose pages are published."""
    place = folder.resolve().relative_to(Path(job.reports).resolve()).as_posix()
    replace_text(job.state_file, {"key": key, "folder": place, "files": _sizes(folder)})


def replace_text(target: Path, record: dict[str, object]) -> None:
    """Write a record as JSON, whole or not at all."""
    new = target.with_suffix(".tmp")
    new.write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    new.replace(target)
