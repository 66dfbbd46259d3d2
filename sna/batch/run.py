"""Run the jobs: here in parallel or on Dask, each on its own, and say what became of each."""

import os
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from filelock import FileLock, Timeout

from sna.batch import kernels
from sna.batch.plan import STATE, Job, hash_common, is_done, job_key, london_key, note_done
from sna.batch.show import DONE, FAILED, SKIPPED, STOPPED, Outcome, Run
from sna.build.workers import connect
from sna.errors import DefinitionError, SnaError
from sna.reporting.london import london_page, render_london
from sna.settings import Settings
from sna.store import read_state


def run_job(job: Job, at_once: int = 1) -> Outcome:
    """Make one borough's reports, some notebooks at once; an error becomes an outcome."""
    from sna.reporting import borough

    kernels.use_forked_kernels()
    began = time.perf_counter()
    try:
        folder = borough.render_borough(
            job.borough_code,
            notebooks=job.notebooks,
            end_month=job.end_month,
            edition=job.edition,
            profile=job.profile,
            processed=Path(job.processed),
            reports=Path(job.reports),
            at_once=at_once,
        )
        return Outcome(job, DONE, time.perf_counter() - began, folder=str(folder))
    except Exception as error:  # one bad borough must not stop the others
        return Outcome(job, FAILED, time.perf_counter() - began, error=SnaError.of(error))


def run_reports(
    jobs: Sequence[Job],
    settings: Settings,
    *,
    workers: int = 0,
    scheduler: str = "",
    resume: bool = False,
    allow_partial: bool = False,
    quiet: bool = False,
    everyone: bool = False,
) -> tuple[list[Outcome], int]:
    """Run jobs that share one store and one reports folder; return outcomes and exit code.

    Of several jobs, or of ``everyone``, a failed one ends with 1; of one alone, with its own code.

    ``workers`` jobs run at a time (0: two a core; of fewer jobs, their notebooks side by side), or
    those of a Dask ``scheduler`` (an address, or ``local``). ``resume`` skips a job that would give
    the pages it gave last time. A store that lacks too many rows is refused, unless
    ``allow_partial`` is given: then a good run ends with 6.
    """
    reports = Path(jobs[0].reports)
    many = everyone or len(jobs) > 1
    with _hold(reports), Run(reports, settings, len(jobs), many=many, quiet=quiet) as run:
        run.partial = _check_store(Path(jobs[0].processed), allow_partial)
        common = hash_common(Path(jobs[0].processed), settings)
        same = [job for job in jobs if resume and is_done(job, job_key(job, common))]
        for job in same:
            run.note(Outcome(job, SKIPPED))
        left = [job for job in jobs if job not in same]
        if left:
            with _executor(scheduler, workers) as pool:
                spare = 1 if scheduler else (workers or _slots()) // len(left)
                _run_all(pool, left, run, common, at_once=max(1, spare))
        for edition in sorted({job.edition for job in jobs}):
            _render_index(reports, edition, common)
    return run.outcomes, run.exit_code


def _slots() -> int:
    """Return how many notebooks run at a time: two a core, since half of them wait."""
    return 2 * (os.cpu_count() or 1)


def _render_index(reports: Path, edition: str, common: list[str]) -> None:
    """Render the index of London unless nothing it shows has changed."""
    state = reports / STATE / f"london.{edition}.txt"
    key = london_key(reports, edition, common)
    known = state.read_text(encoding="utf-8") if state.is_file() else ""
    if key != known or not london_page(reports, edition).is_file():
        render_london(reports, edition)
        state.write_text(key, encoding="utf-8")


def _check_store(processed: Path, allow_partial: bool) -> bool:
    """Say whether the store is partial; raise when it is and that was not allowed."""
    partial = read_state(processed).get("partial", [])
    if partial and not allow_partial:
        do = "Mend the files or the definition rows and build again, or use --allow-partial."
        what = f"Too many rows of {len(partial)} files were rejected; they are left out."
        raise DefinitionError(what, where=processed.name, found=partial, do=do)
    return bool(partial)


def _run_all(pool: Executor, jobs: list[Job], run: Run, common: list[str], *, at_once: int) -> None:
    """Note what became of each job as it ends; after Ctrl-C, of those that had not ended too."""

    def note(outcome: Outcome) -> None:
        if outcome.status == DONE:
            note_done(outcome.job, job_key(outcome.job, common), Path(outcome.folder))
        run.note(outcome)

    futures = {pool.submit(run_job, _resolve(job), at_once): job for job in jobs}
    try:
        for future in as_completed(futures):
            note(_outcome(future, futures[future]))
    except KeyboardInterrupt:
        run.interrupted = True
        _stop(pool)
        noted = {outcome.job for outcome in run.outcomes}
        for future, job in futures.items():
            if job not in noted:
                outcome = _outcome(future, job)
                note(outcome if outcome.status == DONE else Outcome(job, STOPPED))


def _resolve(job: Job) -> Job:
    """Return a job that means the same wherever it runs."""
    processed, reports = (str(Path(folder).resolve()) for folder in (job.processed, job.reports))
    return replace(job, processed=processed, reports=reports)


def _outcome(future: Future[Outcome], job: Job) -> Outcome:
    if future.cancelled() or not future.done():
        return Outcome(job, STOPPED)
    if lost := future.exception():
        what, do = "Its Dask worker was lost, more than once.", "Look at the workers' memory."
        return Outcome(job, FAILED, error=SnaError(what, found=type(lost).__name__, do=do))
    return replace(future.result(), job=job)


def _stop(pool: Executor) -> None:
    """Cancel what waits; a thread that waits for a cell is freed by its kernel's end."""
    if not isinstance(pool, ThreadPoolExecutor):
        pool.shutdown(wait=False)
        return
    pool.shutdown(wait=False, cancel_futures=True)
    while any(thread.is_alive() for thread in pool._threads):
        kernels.kill_kernels()
        time.sleep(0.1)


@contextmanager
def _hold(reports: Path) -> Iterator[None]:
    (reports / STATE).mkdir(parents=True, exist_ok=True)
    lock = FileLock(reports / STATE / "lock", timeout=0)
    try:
        lock.acquire()
    except Timeout:
        do = "Wait until it has ended, or choose another folder with --reports."
        what = "Another run is writing to this reports folder."
        raise SnaError(what, where=str(reports), do=do) from None
    with lock:
        yield


@contextmanager
def _executor(scheduler: str, workers: int) -> Iterator[Executor]:
    """Give threads, whose kernels are processes, or a Dask cluster that sees the same folders."""
    if not scheduler:
        kernels.use_forked_kernels()
        with ThreadPoolExecutor(workers or _slots()) as pool:
            yield pool
        return
    with connect(scheduler, workers=workers or os.cpu_count() or 1) as client:
        yield client.get_executor(retries=2, pure=False)
