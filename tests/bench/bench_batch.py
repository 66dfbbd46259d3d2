"""Start-up and runs: imports, many boroughs, nothing changed, Dask."""

import contextlib
import io
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import papermill

from sna.batch import kernels, plan_jobs, run_reports
from sna.batch.plan import hash_common, job_key
from sna.reporting.notebooks import REPORTS, notebook_path
from sna.sample import write_sample
from sna.settings import Settings
from tests.bench import Measured, alternate, measure

SETTINGS = Settings()
BOROUGHS = ("Hackney", "Hillingdon", "Brent", "Camden", "Ealing", "Barnet")


def notebooks() -> tuple[str, ...]:
    """Return the reports' notebooks that are there."""
    there = []
    for name in [name for name in REPORTS if name[2] == "_"]:  # the pages, not their appendices
        with contextlib.suppress(Exception):
            there.append(notebook_path(name).stem)
    return tuple(there)


def build_store(folder: Path, boroughs: tuple[str, ...]) -> Path:
    """Write and build a small simulated London."""
    from sna.build import build

    write_sample(folder / "raw", boroughs=boroughs, months=36, scale=0.1)
    build(folder / "raw", folder / "processed")
    return folder / "processed"


def reports(store: Path, boroughs: tuple[str, ...], out: Path | None = None, **more) -> float:
    """Return the seconds that the reports of some boroughs take, into an empty folder or `out`."""
    with tempfile.TemporaryDirectory() as empty, contextlib.redirect_stdout(io.StringIO()) as said:
        jobs = plan_jobs(boroughs, SETTINGS, only=",".join(notebooks()), processed=store,
                         reports=out or Path(empty))  # fmt: skip
        began = time.perf_counter()
        _, code = run_reports(jobs, SETTINGS, quiet=True, **more)
        spent = time.perf_counter() - began
    if code:
        raise RuntimeError(said.getvalue())
    return spent


def in_sequence(store: Path, boroughs: tuple[str, ...], notebook: str) -> float:
    """Return the seconds that the papermill and nbconvert commands take, one after the other."""
    environment = os.environ | {"SNA_PROCESSED": str(store)}
    with tempfile.TemporaryDirectory() as out:
        began = time.perf_counter()
        for borough in boroughs:
            made = str(Path(out) / f"{notebook}-{borough}.ipynb")
            for command in (
                ["papermill", str(notebook_path(notebook)), made, "-p", "borough", borough],
                ["jupyter", "nbconvert", "--to", "html", made],
            ):
                subprocess.run([sys.executable, "-m", *command], check=True, env=environment,
                               capture_output=True)  # fmt: skip
        return time.perf_counter() - began


def starts(quick: bool) -> list[Measured]:
    """Measure the start of Python with and without us."""

    def run(*words: str):
        return lambda: subprocess.run([sys.executable, *words], check=True, capture_output=True)

    rounds = 3 if quick else 9
    bare = ("bare Python", run("-c", "pass"))
    found = []
    for name, words in (("import sna", ("-c", "import sna")), ("sna --help", ("-m", "sna", "-h"))):
        words = ("-m", "sna", "--help") if name == "sna --help" else words
        ours, theirs = alternate(run(*words), bare[1], rounds=rounds)
        found.append(measure(name, bare[0], ours, theirs, budget=10))
    return found


def many(store: Path, out: Path, quick: bool) -> list[Measured]:
    """Measure runs over boroughs against the commands one after the other."""
    chosen = BOROUGHS[:2] if quick else BOROUGHS
    ours = reports(store, chosen, out)
    part = chosen[:1] if quick else chosen[:2]
    theirs = sum(in_sequence(store, part, name) for name in notebooks())
    theirs *= len(chosen) / len(part)
    count = len(chosen) * len(notebooks())
    text = "papermill and nbconvert commands in sequence"
    text += f", {len(part) * len(notebooks())} run, scaled to {count}"
    return [measure(f"{count} notebooks to pages, start included", text, ours, theirs, budget=0.2)]


def one_borough(store: Path, out: Path, quick: bool) -> list[Measured]:
    """Measure the command for one borough against its notebooks in a process that is warm."""
    words = ["report", BOROUGHS[0], "--only", ",".join(notebooks()), "--quiet"]
    words += ["--processed", str(store), "--reports", str(out)]
    given = {"borough": BOROUGHS[0], "edition": "public", "profile": "london_2023"}
    kernels.use_forked_kernels()  # as warm as the process

    def command():
        subprocess.run([sys.executable, "-m", "sna", *words], check=True, capture_output=True)

    def papermill_alone():
        os.environ["SNA_PROCESSED"] = str(store)
        with tempfile.TemporaryDirectory() as place:
            for name in notebooks():
                made = f"{place}/{name}.ipynb"
                papermill.execute_notebook(notebook_path(name), made, given, progress_bar=False)

    ours, theirs = alternate(command, papermill_alone, rounds=1 if quick else 3)
    control = "papermill on the same in one warm process, kernels forked"
    return [measure("sna report of one borough, start included", control, ours, theirs, budget=2)]


def flat(store: Path) -> list[Measured]:
    """Measure whether later boroughs cost what the same ones cost at first."""
    early, late = (
        sum(reports(store, (name,), workers=1) for name in BOROUGHS[1:4]) for _ in range(2)
    )
    return [measure("one more borough: the last three", "the same three, first", late, early,
                    budget=1.1)]  # fmt: skip


def unchanged(store: Path, out: Path, quick: bool) -> list[Measured]:
    """Measure a run that has nothing to do, since `many` has done it, against hashing its inputs."""
    chosen = BOROUGHS[:2] if quick else BOROUGHS
    jobs = plan_jobs(chosen, SETTINGS, only=",".join(notebooks()), processed=store, reports=out)

    def hash_inputs():
        common = hash_common(store, SETTINGS)
        return [job_key(job, common) for job in jobs]

    ours, theirs = alternate(lambda: reports(store, chosen, out, resume=True), hash_inputs)
    return [measure("a run with nothing changed", "hashing its inputs", ours, theirs, budget=3)]


def on_dask(store: Path) -> list[Measured]:
    """Measure two Dask workers against two of our own, both warm."""
    import dask
    from distributed import LocalCluster

    chosen = BOROUGHS[:4]
    with (
        dask.config.set({"distributed.worker.daemon": False}),
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0") as cluster,
    ):
        reports(store, chosen[:2], scheduler=cluster.scheduler_address)
        reports(store, chosen[:1], workers=2)
        ours, theirs = alternate(
            lambda: reports(store, chosen, scheduler=cluster.scheduler_address),
            lambda: reports(store, chosen, workers=2),
            rounds=3,
        )
    name = f"{len(chosen)} boroughs on a Dask cluster of two workers"
    return [measure(name, "--workers 2", ours, theirs, budget=1.15)]


def benchmarks(quick: bool) -> list[Measured]:
    """Measure starts and runs."""
    found = starts(quick)
    with tempfile.TemporaryDirectory() as place:
        store, out = build_store(Path(place), BOROUGHS[:2] if quick else BOROUGHS), Path(place, "r")
        found += many(store, out, quick) + unchanged(store, out, quick)
        found += one_borough(store, out, quick)
        if not quick:
            found += flat(store) + on_dask(store)
    return found
