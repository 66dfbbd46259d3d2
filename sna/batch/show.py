"""What a person sees of a run, and what it leaves for the next: table, log, last_run.json."""

import logging
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from sna import __version__
from sna.batch.plan import STATE, Job, replace_text
from sna.settings import Settings

DONE, FAILED, SKIPPED, STOPPED = "done", "failed", "skipped", "stopped"


@dataclass(frozen=True)
class Outcome:
    """What became of a job; `folder` holds the pages, `where` and `error` say what went wrong."""

    job: Job
    status: str
    seconds: float = 0.0
    folder: str = ""
    where: str = ""
    error: str = ""
    detail: str = ""
    exit_code: int = 0

    @property
    def why(self) -> list[str]:
        """Return the lines that say what went wrong and how to try again."""
        parts = filter(None, [self.where, self.error, self.detail])
        return [*parts, f"again: {self.job.command}"] if self.error else []


class Run:
    """One run as a person and the next run see it: progress, log, record, exit code."""

    def __init__(self, reports: Path, settings: Settings, jobs: int, *, quiet: bool) -> None:
        self._reports, self._settings, self._jobs, self._quiet = reports, settings, jobs, quiet
        self._began, self._clock = datetime.now(UTC), time.monotonic()
        self._outcomes: list[Outcome] = []
        self._log = logging.getLogger(f"sna.run.{self._began.timestamp()}")
        self._log.propagate = False
        self._log.setLevel(logging.INFO)
        file = reports / STATE / f"{self._began:%Y%m%dT%H%M%S%f}.log"
        handler = logging.FileHandler(file, encoding="utf-8")
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
        self._log.addHandler(handler)
        self._log.info("run of %d jobs, sna %s", jobs, __version__)
        console = Console(stderr=True, quiet=quiet, highlight=False, soft_wrap=True, markup=False)
        columns = TextColumn("Reports"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
        live = console.is_terminal and not quiet
        self._bar = Progress(*columns, console=console, disable=not live)
        self._task = self._bar.add_task("Reports", total=jobs)
        self._bar.start()

    def note(self, outcome: Outcome) -> None:
        """Show and log an outcome; the log never holds a value that an error quotes."""
        self._outcomes.append(outcome)
        mark = FAILED.upper() if outcome.status == FAILED else outcome.status
        place = f" {outcome.where}: {outcome.error}" if outcome.error else ""
        line = f"{outcome.job.name}: {mark}, {outcome.seconds:.1f} s"
        self._log.info("%s%s", line, place)
        self._bar.console.print(f"[{len(self._outcomes)}/{self._jobs}] {line}")
        self._bar.advance(self._task)

    def finish(self, *, interrupted: bool) -> tuple[list[Outcome], int]:
        """Show the table, write ``last_run.json``; return outcomes and exit code."""
        self._bar.stop()
        outcomes, counts = self._outcomes, Counter(o.status for o in self._outcomes)
        code = max((o.exit_code for o in outcomes), default=0) if len(outcomes) == 1 else (
            int(counts[FAILED] > 0))  # fmt: skip
        code, seconds = 130 if interrupted else code, time.monotonic() - self._clock
        shown = [DONE, FAILED, SKIPPED] + [STOPPED] * interrupted
        line = ", ".join(f"{counts[name]} {name}" for name in shown) + f" in {seconds:.0f} s"
        record = {"started": self._began.isoformat(timespec="seconds"), "summary": line,
                  "seconds": round(seconds, 1), "version": __version__, "exit_code": code,
                  "settings_sha256": self._settings.record()["sha256"],
                  "jobs": [_plain(outcome) for outcome in outcomes]}  # fmt: skip
        replace_text(self._reports / "last_run.json", record)
        self._log.info(line)
        for handler in list(self._log.handlers):
            handler.close()
            self._log.removeHandler(handler)
        _show_table(outcomes, line)
        return outcomes, code


def _plain(outcome: Outcome) -> dict[str, Any]:
    job = outcome.job
    bad = {"where": outcome.where, "error": outcome.error, "rerun": job.command}
    return {"borough": job.borough_code, "edition": job.edition, "status": outcome.status,
            "seconds": round(outcome.seconds, 2)} | (bad if outcome.error else {})  # fmt: skip


def _show_table(outcomes: Sequence[Outcome], line: str) -> None:
    """Print a table on a terminal, else what failed and why; then one line."""
    console = Console(file=sys.stdout, soft_wrap=True, highlight=False, markup=False)
    if console.is_terminal:
        table = Table("Reports", "Result", "Seconds", "Pages, or where and why", box=None)
        for outcome in outcomes:
            text = Text("\n".join(outcome.why) or outcome.folder, overflow="fold")
            table.add_row(outcome.job.name, outcome.status, f"{outcome.seconds:.1f}", text)
        console.print(table)
    else:
        for outcome in outcomes:
            if outcome.error:
                console.print("\n  ".join([f"FAILED {outcome.job.name}", *outcome.why]))
            elif outcome.folder and len(outcomes) <= 3:
                console.print(f"{outcome.job.name}: {outcome.folder}")
    console.print(line)
