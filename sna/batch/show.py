"""What a person sees of a run, and what it leaves for the next: table, log, last_run.json."""

import json
import logging
import sys
import time
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from sna import __version__
from sna.settings import Settings

if TYPE_CHECKING:
    from sna.batch.run import Outcome

_MARKS = {"done": "done", "failed": "FAILED", "skipped": "skipped", "stopped": "stopped"}


class Run:
    """One run: its log file, its record, its exit code."""

    def __init__(self, reports: Path, settings: Settings, jobs: int) -> None:
        self.reports, self.settings, self.jobs = reports, settings, jobs
        self.began, self.clock = datetime.now(UTC), time.monotonic()
        folder = reports / ".runs"
        self.log_file = folder / f"{self.began:%Y%m%dT%H%M%S%f}.log"
        self.log = logging.getLogger(f"sna.run.{self.began.timestamp()}")
        self.log.propagate = False
        self.log.setLevel(logging.INFO)
        handler = logging.FileHandler(self.log_file, encoding="utf-8")
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
        self.log.addHandler(handler)
        self.log.info("run of %d jobs, sna %s", jobs, __version__)

    def note(self, outcome: "Outcome") -> None:
        """Log an outcome: where and what kind, never a value that an error quotes."""
        place = f" {outcome.where}: {outcome.error}" if outcome.error else ""
        self.log.info("%s %s %.1f s%s", outcome.job.name, outcome.status, outcome.seconds, place)

    def finish(self, outcomes: "Sequence[Outcome]", *, interrupted: bool) -> int:
        """Show the table, write ``last_run.json``, return the exit code."""
        counts = Counter(outcome.status for outcome in outcomes)
        code = 130 if interrupted else int(counts["failed"] > 0)
        if len(outcomes) == 1 and counts["failed"]:
            code = outcomes[0].exit_code
        seconds = time.monotonic() - self.clock
        line = (
            f"{counts['done']} done, {counts['failed']} failed, {counts['skipped']} skipped"
            + (f", {counts['stopped']} stopped" if counts["stopped"] else "")
            + f" in {seconds:.0f} s"
        )
        record = {
            "started": self.began.isoformat(timespec="seconds"),
            "seconds": round(seconds, 1),
            "version": __version__,
            "exit_code": code,
            "summary": line,
            "settings_sha256": self.settings.record()["sha256"],
            "jobs": [_plain(outcome) for outcome in outcomes],
        }
        new = self.reports / ".runs" / "last_run.tmp"
        new.write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        new.replace(self.reports / "last_run.json")
        self.log.info(line)
        for handler in list(self.log.handlers):
            handler.close()
            self.log.removeHandler(handler)
        _show_table(outcomes, line)
        return code


def _plain(outcome: "Outcome") -> dict[str, Any]:
    job = outcome.job
    plain: dict[str, Any] = {
        "borough": job.borough_code, "edition": job.edition, "status": outcome.status,
        "seconds": round(outcome.seconds, 2),
    }  # fmt: skip
    if outcome.error:
        plain |= {"where": outcome.where, "error": outcome.error, "rerun": job.command}
    return plain


def _show_table(outcomes: "Sequence[Outcome]", line: str) -> None:
    """Print a table on a terminal, else what failed and why; then one line."""
    console = Console(file=sys.stdout, soft_wrap=True, highlight=False, markup=False)
    if console.is_terminal:
        table = Table("Reports", "Result", "Seconds", "Pages, or where and why", box=None)
        for outcome in outcomes:
            text = Text("\n".join(_why(outcome)) or outcome.folder, overflow="fold")
            mark, seconds = _MARKS[outcome.status], f"{outcome.seconds:.1f}"
            table.add_row(outcome.job.name, mark, seconds, text)
        console.print(table)
    else:
        for outcome in outcomes:
            if outcome.error:
                console.print("\n  ".join([f"FAILED {outcome.job.name}", *_why(outcome)]))
            elif outcome.folder and len(outcomes) <= 3:
                console.print(f"{outcome.job.name}: {outcome.folder}")
    console.print(line)


def _why(outcome: "Outcome") -> list[str]:
    """Return the lines that say what went wrong and how to try again."""
    parts = [outcome.where, outcome.error, outcome.detail]
    return [*filter(None, parts), f"again: {outcome.job.command}"] if outcome.error else []


class Screen:
    """Live progress on a terminal, one plain line a job elsewhere."""

    def __init__(self, run: Run, *, quiet: bool) -> None:
        self._run, self._done = run, 0
        console = Console(stderr=True, quiet=quiet, highlight=False, soft_wrap=True)
        self._console, self._live = console, None
        if console.is_terminal and not quiet:
            self._live = Progress(
                TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(),
                TimeElapsedColumn(), console=console,
            )  # fmt: skip
            self._task = self._live.add_task("Reports", total=run.jobs)

    def __enter__(self) -> "Screen":
        if self._live:
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._live:
            self._live.stop()

    def note(self, outcome: "Outcome") -> None:
        """Show that a job has ended."""
        self._done += 1
        self._run.note(outcome)
        mark = _MARKS[outcome.status]
        self._console.print(
            f"[{self._done}/{self._run.jobs}] {outcome.job.name}: {mark}, {outcome.seconds:.1f} s",
            markup=False,
        )
        if self._live:
            self._live.advance(self._task)
