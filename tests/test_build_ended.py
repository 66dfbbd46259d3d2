"""A build that is ended: by a stop it tidies up itself, after a kill the next one does."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from filelock import FileLock
from raw_folder import STREET, street_row, write

BUILD = "import sna.build.workers as w, sna.cli; w.PROCESS_BYTES = 0; sna.cli.main()"


def _start(folder: Path) -> subprocess.Popen[str]:
    """Start a build in processes whose temporary files lie below `folder`."""
    where = ["--raw", str(folder / "raw"), "--processed", str(folder / "out")]
    told = {**os.environ, "TMPDIR": str(folder / "temp")}
    return subprocess.Popen(
        [sys.executable, "-c", BUILD, "build", *where],
        env=told,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        cwd=folder,
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "temp").mkdir()
    for month in range(1, 7):
        name = f"2024-0{month}-metropolitan-street.csv"
        rows = [street_row(n, month=f"2024-0{month}") for n in range(2000)]
        write(tmp_path / "raw", name, STREET, *rows)
    return tmp_path


def _end(folder: Path, number: signal.Signals) -> int:
    """End a build once its folder of work is there, and return its exit code."""
    process = _start(folder)
    for _ in range(6000):
        if any((folder / "temp").glob("sna-*/.lock")) or process.poll() is not None:
            break
        time.sleep(0.01)
    process.send_signal(number)
    process.communicate(timeout=120)
    return process.returncode


@pytest.mark.slow
def test_a_build_that_is_stopped_leaves_nothing_behind(folder: Path) -> None:
    assert _end(folder, signal.SIGTERM) == 130
    assert not list((folder / "temp").glob("sna-*"))
    assert not (folder / "out" / ".new").exists()


@pytest.mark.slow
def test_what_a_killed_build_leaves_is_removed_by_the_next_and_nothing_else(folder: Path) -> None:
    assert _end(folder, signal.SIGKILL) == -signal.SIGKILL
    (left,) = (folder / "temp").glob("sna-*")
    assert (folder / "out" / ".new").exists()
    living, foreign, young = (folder / "temp" / f"sna-{name}" for name in ("a", "b", "c"))
    for path in (living, foreign, young):
        path.mkdir()
        if path != foreign:  # another program's folder has no lock
            (path / ".lock").touch()
    for path in (left, living, foreign):
        os.utime(path, (0, 0))
    with FileLock(living / ".lock"):
        process = _start(folder)
        said, _ = process.communicate(timeout=120)
    assert process.returncode == 0, said
    assert set((folder / "temp").glob("sna-*")) == {living, foreign, young}
    assert not (folder / "out" / ".new").exists()
