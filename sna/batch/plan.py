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

    def state_file(self) -> Path:
        """Return where the key of the last good run is kept."""
        return Path(self.reports) / STATE / f"{self.borough_code}.{self.edition}.json"


def plan_jobs(  # every argument is one choice of the command line
    wanted: Iterable[str],
    settings: Settings,
    *,
    editions: Sequence[str] = (),
    end_month: str = "",
    profile: str = "",
    notebooks: Sequence[str] = (),
    processed: Path | None = None,
    reports: Path | None = None,
) -> list[Job]:
    """Plan one job a borough and edition.

    Parameters
    ----------
    wanted
        Names or codes; none means the boroughs of `settings`, else all 33.
    settings
        What an empty argument falls back on.

    Raises
    ------
    UsageError
        If a borough or an edition is not known.
    """
    everyone = boroughs()["borough_code"].tolist()
    codes = [find_borough(text) for text in (list(wanted) or settings.boroughs or everyone)]
    chosen = tuple(editions) or settings.editions
    if unknown := [edition for edition in chosen if edition not in EDITIONS]:
        raise UsageError(
            "The edition is not known.", where="--edition", found=unknown,
            do=f"Choose from: {', '.join(EDITIONS)}.",
        )  # fmt: skip
    return [
        Job(
            code, name, edition, profile or settings.profile_of(code, name),
            end_month or settings.periods.end_month, tuple(notebooks),
            str(processed or os.environ.get("SNA_PROCESSED") or settings.folder("processed")),
            str(reports or settings.folder("reports")),
        )
        for edition in chosen
        for code, name in dict.fromkeys(codes)
    ]  # fmt: skip


class Keys:
    """Keys of jobs; a job with the key of its last good run would give the same pages."""

    def __init__(self, processed: Path, settings: Settings) -> None:
        self._processed = processed
        self._hashes: dict[Path, str] = {}
        package = Path(sna.__file__).parent
        code = [p for p in package.rglob("*") if p.suffix not in (".pyc", ".so") and p.is_file()]
        code += (package.parent / "notebooks").glob("*.ipynb")
        common = [p for p in processed.glob("*") if p.is_file()]
        self._base = [self._hash(path) for path in sorted([*code, *common])]
        self._base.append(str(settings.record()["sha256"]))

    def _hash(self, path: Path) -> str:
        if path not in self._hashes:
            with path.open("rb") as file:
                self._hashes[path] = (
                    f"{path.name} {hashlib.file_digest(file, 'sha256').hexdigest()}"
                )
        return self._hashes[path]

    def key(self, job: Job) -> str:
        """Hash code, settings, parameters and every stored table the job can read."""
        own = sorted(self._processed.glob(f"*/{job.borough_code}.parquet"))
        choice = {**asdict(job), "processed": "", "reports": ""}
        parts = [*self._base, *map(self._hash, own), json.dumps(choice, sort_keys=True)]
        if (profile := Path(job.profile)).is_file():
            parts.append(self._hash(profile))
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def is_done(job: Job, key: str) -> bool:
    """Say whether the last good run had this key and all it wrote is still there."""
    try:
        state = json.loads(job.state_file().read_text(encoding="utf-8"))
        folder = Path(job.reports) / state["folder"]
        return bool(
            state["key"] == key
            and all((folder / name).stat().st_size == size for name, size in state["files"].items())
        )
    except (OSError, ValueError, KeyError, TypeError):
        return False


def note_done(job: Job, key: str, folder: Path) -> None:
    """Write down the key of a run whose pages are published."""
    files = {
        path.relative_to(folder).as_posix(): path.stat().st_size
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
    place = folder.resolve().relative_to(Path(job.reports).resolve()).as_posix()
    target = job.state_file()
    target.parent.mkdir(parents=True, exist_ok=True)
    new = target.with_suffix(".tmp")
    new.write_text(json.dumps({"key": key, "folder": place, "files": files}), encoding="utf-8")
    new.replace(target)
