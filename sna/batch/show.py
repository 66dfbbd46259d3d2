"""What a person sees of a run, and what it leaves for the next: table, log, last_run.json."""

import contextlib
import sys
import time
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path, PureWindowsPath
from typing import Any

from rich.console import Console
from rich.progress import Progress

from sna import __version__
from sna.batch.plan import STATE, Job, replace_text
from sna.errors import SnaError
from sna.settings import Settings

DONE, FAILED, SKIPPED, STOPPED = "done", "failed", "skipped", "stopped"


@dataclass(frozen=True)
class Outcome:
    """What became of a job; `folder` holds the pages, `error` says what went wrong."""

    job: Job
    status: str
    seconds: float = 0.0
    folder: str = ""
    error: SnaError | None = None

    def tell(self, *, quiet: bool = False) -> str:
        """Return its rows in the table: where the pages are, or what to do and how to try again.

        When `quiet`, which a log keeps, without the value that an error quotes.
        """
        said = {SKIPPED: "nothing changed", STOPPED: "not finished"}.get(self.status, self.folder)
        error = self.error
        if error and quiet:
            error = SnaError(error.what, where=error.where, do=error.do)
        why = [*str(error).splitlines(), f"  again: {self.job.command}"] if error else []
        head = f"{self.status:8}{self.job.name:34}{self.seconds:6.1f} s  "
        return "\n  ".join([f"{head}{why[0] if why else said}", *why[1:]])

    @property
    def where(self) -> str:
        """Return the place of the error; of a whole path, which can name a person, its end only."""
        said = self.error.where if self.error else ""
        place = PureWindowsPath(said)  # knows both kinds of slash
        return place.name if place.anchor else said

    @property
    def record(self) -> dict[str, Any]:
        """Return it for ``last_run.json``, without a value that an error quotes."""
        job, error = self.job, self.error
        plain = {"borough": job.borough_code, "edition": job.edition, "status": self.status}
        bad = {"where": self.where, "error": error.what, "rerun": job.command} if error else {}
        return plain | {"seconds": round(self.seconds, 2)} | bad


class Run:
    """One run as a person and the next run see it: progress, table, log, record, exit code."""

    interrupted = partial = False
    exit_code = 0

    def __init__(
        self, reports: Path, settings: Settings, jobs: int, *, many: bool, quiet: bool
    ) -> None:
        self.outcomes: list[Outcome] = []
        self._reports, self._settings, self._jobs = reports, settings, jobs
        self._many, self._quiet = many, quiet
        self._began, self._clock = datetime.now(UTC), time.monotonic()
        self._log = reports / STATE / f"{self._began:%Y%m%dT%H%M%S%f}.log"
        self._write_log(f"run of {jobs} jobs, sna {__version__}")
        console = Console(stderr=True, quiet=quiet, highlight=False, soft_wrap=True, markup=False)
        self._bar = Progress(console=console, disable=quiet or not console.is_terminal)
        self._task = self._bar.add_task("Reports", total=jobs)

    def __enter__(self) -> "Run":
        self._bar.start()
        return self

    def note(self, outcome: Outcome) -> None:
        """Show and log an outcome; the log never holds a value that an error quotes."""
        self.outcomes.append(outcome)
        line = f"{outcome.job.name}: {outcome.status}, {outcome.seconds:.1f} s"
        error = outcome.error
        self._write_log(f"{line} {outcome.where}: {error.what}" if error else line)
        self._bar.console.print(f"[{len(self.outcomes)}/{self._jobs}] {line}")
        self._bar.advance(self._task)

    def __exit__(self, _: object, error: BaseException | None, *__: object) -> None:
        """Show the table, write ``last_run.json``, set the exit code."""
        self._bar.stop()
        counts = Counter(outcome.status for outcome in self.outcomes)
        codes = [outcome.error.exit_code for outcome in self.outcomes if outcome.error]
        if self.interrupted or isinstance(error, KeyboardInterrupt):
            codes = [130]
        elif isinstance(error, Exception):
            codes = [SnaError.of(error).exit_code]
        elif self._many:
            codes = [1] * bool(codes)
        self.exit_code, seconds = (
            max(codes, default=6 * self.partial),
            time.monotonic() - self._clock,
        )
        names = [DONE, FAILED, SKIPPED, *([STOPPED] if STOPPED in counts else [])]
        line = ", ".join(f"{counts[name]} {name}" for name in names) + f" in {seconds:.0f} s"
        if isinstance(error, Exception):
            line += f"; ended early: {SnaError.of(error).what}"
        self._write_log(line)
        self._write_record(line, seconds)
        console = Console(file=sys.stdout, soft_wrap=True, highlight=False, markup=False)
        for outcome in sorted(self.outcomes, key=lambda outcome: names.index(outcome.status)):
            console.print(outcome.tell(quiet=self._quiet))
        console.print(line)

    def _write_log(self, line: str) -> None:
        with contextlib.suppress(OSError), self._log.open("a", encoding="utf-8") as file:
            file.write(f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} {line}\n")

    def _write_record(self, line: str, seconds: float) -> None:
        record = {
            "started": self._began.isoformat(timespec="seconds"),
            "summary": line,
            "seconds": round(seconds, 1),
            "version": __version__,
            "exit_code": self.exit_code,
            "settings": self._settings.record(),
            "jobs": [outcome.record for outcome in self.outcomes],
        }
        with contextlib.suppress(OSError):  # of a full disk the table speaks
            replace_text(self._reports / "last_run.json", record)
