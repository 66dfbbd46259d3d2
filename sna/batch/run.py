"""Run the jobs: here in parallel or on Dask, each on its own, and say what became of each."""

import os
import threading
import time
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from sna.batch import kernels
from sna.batch.plan import STATE, Job, Keys, is_done, note_done
from sna.batch.show import DONE, FAILED, SKIPPED, STOPPED, Outcome, Run
from sna.errors import SnaError
from sna.settings import Settings


def run_job(job: Job) -> Outcome:
    """Make one borough's reports; an error becomes an outcome, never an exception."""
    from sna.reporting import borough

    kernels.use_forked_kernels()
    began = time.perf_counter()
    known: dict[str, Any]
    try:
        folder = borough.render_borough(
            job.borough_code, notebooks=job.notebooks, end_month=job.end_month, edition=job.edition,
            profile=job.profile, processed=Path(job.processed), reports=Path(job.reports),
        )  # fmt: skip
        return Outcome(job, DONE, time.perf_counter() - began, folder=str(folder))
    except SnaError as error:
        known = {"where": error.where, "error": error.what, "exit_code": error.exit_code,
                 "detail": "".join(str(error.found).splitlines()[:1])}  # fmt: skip
    except Exception as error:  # one bad borough must not stop the others
        known = {"where": "not in a notebook", "error": type(error).__name__, "exit_code": 1,
                 "detail": str(error)[:300]}  # fmt: skip
    return Outcome(job, FAILED, time.perf_counter() - began, **known)


def run_reports(
    jobs: Sequence[Job], settings: Settings, *, workers: int = 0, scheduler: str = "",
    resume: bool = False, quiet: bool = False,
) -> tuple[list[Outcome], int]:  # fmt: skip
    """Run jobs that share one store and one reports folder; return outcomes and exit code.

    ``workers`` jobs run at a time (0: two a core), or those of a Dask ``scheduler`` (an address, or
    ``local``). ``resume`` skips a job that would give the pages it gave last time.
    """
    reports = Path(jobs[0].reports)
    with _hold(reports):
        keys = Keys(Path(jobs[0].processed), settings)
        run = Run(reports, settings, len(jobs), quiet=quiet)
        same = [job for job in jobs if resume and is_done(job, keys.key(job))]
        left = [job for job in jobs if job not in same]
        ended: list[Outcome] = []

        def note(outcome: Outcome) -> None:
            if outcome.status == DONE:
                note_done(outcome.job, keys.key(outcome.job), Path(outcome.folder))
            run.note(outcome)

        for job in same:
            note(Outcome(job, SKIPPED))
        runner = _on_dask(left, scheduler, workers) if scheduler else _here(left, workers, ended)
        try:
            for outcome in runner:
                left = [job for job in left if job != outcome.job]
                note(outcome)
        except KeyboardInterrupt:
            runner.close()
            done = {outcome.job: outcome for outcome in ended if outcome.status == DONE}
            for job in left:
                note(done.get(job) or Outcome(job, STOPPED))
            return run.finish(interrupted=True)
        return run.finish(interrupted=False)


@contextmanager
def _hold(reports: Path) -> Iterator[None]:
    try:
        (reports / STATE).mkdir(parents=True, exist_ok=True)
        lock = FileLock(reports / STATE / "lock", timeout=0)
        lock.acquire()
    except Timeout:
        raise SnaError("Another run is writing to this reports folder.", where=str(reports),
                       do="Wait until it has ended, or choose another with --reports.",
                       ) from None  # fmt: skip
    except OSError as error:
        raise SnaError("The reports folder cannot be written to.", where=str(reports),
                       found=error.strerror, do="Check its permissions and the free space.",
                       ) from None  # fmt: skip
    with lock:
        yield


def _here(jobs: list[Job], workers: int, ended: list[Outcome]) -> Generator[Outcome, None, None]:
    """Run jobs in threads here; their kernels are processes. Each outcome goes to `ended` too."""
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
        cluster: Any = address
        if address == "local":
            size = workers or os.cpu_count() or 1
            cluster = LocalCluster(n_workers=size, threads_per_worker=2, dashboard_address=None)
        try:
            client = Client(cluster, timeout="10s")
        except OSError:
            raise SnaError("The Dask scheduler does not answer.", where="--scheduler",
                           found=address, do="Start it with `dask scheduler`, or use --workers.",
                           ) from None  # fmt: skip
        try:
            whole = [replace(job, processed=str(Path(job.processed).resolve()),
                             reports=str(Path(job.reports).resolve())) for job in jobs]  # fmt: skip
            of = dict(zip(client.map(run_job, whole, retries=2, pure=False), jobs, strict=True))
            for future, outcome in completed(of, with_results=True, raise_errors=False):
                lost = Outcome(of[future], FAILED, where="Dask worker", error=future.status,
                               exit_code=1)  # fmt: skip
                good = isinstance(outcome, Outcome)
                yield replace(outcome, job=of[future]) if good else lost
        finally:
            client.close()
            if address == "local":
                cluster.close()
