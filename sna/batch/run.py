"""Run the jobs: here in parallel or on Dask, each on its own, and say what became of each."""

import os
import threading
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from sna.batch.plan import STATE, Job, Keys, is_done, note_done
from sna.batch.show import Run, Screen
from sna.errors import SnaError
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


def run_job(job: Job) -> Outcome:
    """Make one borough's reports; an error becomes an outcome, never an exception."""
    from sna.batch import kernels
    from sna.reporting import borough

    kernels.use_forked_kernels()
    began = time.perf_counter()
    try:
        folder = borough.render_borough(
            job.borough_code, notebooks=job.notebooks, end_month=job.end_month,
            edition=job.edition, profile=job.profile, processed=Path(job.processed),
            reports=Path(job.reports),
        )  # fmt: skip
    except SnaError as error:
        found = str(error.found).splitlines() or [""]
        return Outcome(job, FAILED, time.perf_counter() - began, where=error.where,
                       error=error.what, detail=found[0], exit_code=error.exit_code)  # fmt: skip
    except Exception as error:  # one bad borough must not stop the others
        return Outcome(
            job, FAILED, time.perf_counter() - began, where="not in a notebook",
            error=type(error).__name__, detail=str(error)[:300], exit_code=1,
        )  # fmt: skip
    return Outcome(job, DONE, time.perf_counter() - began, folder=str(folder))


def run_reports(  # every argument is one choice of the command line
    jobs: Sequence[Job],
    settings: Settings,
    *,
    workers: int = 0,
    scheduler: str = "",
    resume: bool = False,
    quiet: bool = False,
) -> tuple[list[Outcome], int]:
    """Run jobs that share one store and one reports folder; return outcomes and exit code.

    Parameters
    ----------
    jobs
        From `plan_jobs`.
    settings
        Their settings, part of what a job depends on.
    workers
        Jobs at a time; 0 means two a core.
    scheduler
        Address of a Dask scheduler, ``local`` for a cluster on this machine, or empty.
    resume
        Skip a job that would give the pages it gave last time.
    quiet
        Show the last table only.

    Raises
    ------
    SnaError
        If another run holds the reports folder, or the scheduler does not answer.
    """
    reports, processed = Path(jobs[0].reports), Path(jobs[0].processed)
    with _hold(reports):
        keys, run = Keys(processed, settings), Run(reports, settings, len(jobs))
        outcomes: list[Outcome] = []
        with Screen(run, quiet=quiet) as screen:

            def note(outcome: Outcome) -> None:
                if outcome.status == DONE:
                    note_done(outcome.job, keys.key(outcome.job), Path(outcome.folder))
                outcomes.append(outcome)
                screen.note(outcome)

            same = [job for job in jobs if resume and is_done(job, keys.key(job))]
            for job in same:
                note(Outcome(job, SKIPPED))
            todo = [job for job in jobs if job not in same]
            interrupted = _run_all(todo, note, workers, scheduler)
        return outcomes, run.finish(outcomes, interrupted=interrupted)


@contextmanager
def _hold(reports: Path) -> Iterator[None]:
    """Hold a reports folder for one run."""
    try:
        (reports / STATE).mkdir(parents=True, exist_ok=True)
        lock = FileLock(reports / STATE / "lock", timeout=0)
        lock.acquire()
    except Timeout:
        raise SnaError(
            "Another run is writing to this reports folder.", where=str(reports),
            do="Wait until it has ended, or choose another folder with --reports.",
        ) from None  # fmt: skip
    except OSError as error:
        raise SnaError(
            "The reports folder cannot be written to.", where=str(reports), found=error.strerror,
            do="Check its permissions and the free space, or choose another with --reports.",
        ) from None  # fmt: skip
    with lock:
        yield


def _run_all(
    jobs: list[Job], note: Callable[[Outcome], None], workers: int, scheduler: str
) -> bool:
    """Run jobs and note each outcome; return whether somebody interrupted."""
    ended: list[Outcome] = []
    runner = _on_dask(jobs, scheduler, workers) if scheduler else _here(jobs, workers, ended)
    left = list(jobs)
    try:
        for outcome in runner:
            left.remove(outcome.job)
            note(outcome)
    except KeyboardInterrupt:
        runner.close()
        done = {outcome.job: outcome for outcome in ended if outcome.status == DONE}
        for job in left:
            note(done.get(job) or Outcome(job, STOPPED))
        return True
    return False


def _here(jobs: list[Job], workers: int, ended: list[Outcome]) -> Generator[Outcome, None, None]:
    """Run jobs in threads here; their kernels are processes. Each outcome goes to `ended` too."""
    from sna.batch import kernels

    if not jobs:
        return
    kernels.use_forked_kernels()
    stop = threading.Event()

    def run_unless_stopped(job: Job) -> Outcome:
        outcome = Outcome(job, STOPPED) if stop.is_set() else run_job(job)
        ended.append(outcome)
        return outcome

    pool = ThreadPoolExecutor(workers or 2 * (os.cpu_count() or 1))
    try:
        for future in as_completed([pool.submit(run_unless_stopped, job) for job in jobs]):
            yield future.result()
    finally:
        stop.set()
        pool.shutdown(wait=False, cancel_futures=True)
        while any(thread.is_alive() for thread in pool._threads):
            kernels.kill_kernels()  # a thread that waits for a cell is freed by its kernel's end
            time.sleep(0.1)


def _on_dask(jobs: list[Job], address: str, workers: int) -> Generator[Outcome, None, None]:
    """Run jobs on a Dask cluster that sees the same folders; a lost worker's jobs are repeated."""
    import dask
    from distributed import Client, LocalCluster
    from distributed import as_completed as completed

    with dask.config.set({"distributed.worker.daemon": False}):  # so that workers may fork kernels
        if address == "local":
            count = workers or os.cpu_count() or 1
            cluster: Any = LocalCluster(
                n_workers=count, threads_per_worker=2, dashboard_address=None, protocol="tcp://"
            )
        else:
            cluster = address
        try:
            client = Client(cluster, timeout="10s")
        except OSError:
            raise SnaError(
                "The Dask scheduler does not answer.", where="--scheduler", found=address,
                do="Start it with `dask scheduler`, or use --workers.",
            ) from None  # fmt: skip
        try:
            whole = [replace(job, processed=str(Path(job.processed).resolve()),
                             reports=str(Path(job.reports).resolve())) for job in jobs]  # fmt: skip
            futures = client.map(run_job, whole, retries=2, pure=False)
            back = dict(zip(whole, jobs, strict=True))
            for future, outcome in completed(futures, with_results=True, raise_errors=False):
                yield _from_dask(future, outcome, back, dict(zip(futures, jobs, strict=True)))
        finally:
            client.close()
            if address == "local":
                cluster.close()


def _from_dask(future: Any, outcome: Any, back: dict[Job, Job], job_of: dict[Any, Job]) -> Outcome:
    if isinstance(outcome, Outcome):
        return replace(outcome, job=back[outcome.job])
    return Outcome(job_of[future], FAILED, where="Dask worker", error=future.status, exit_code=1)
