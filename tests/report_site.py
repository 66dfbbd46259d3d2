"""Reports of a small simulated London and, where the files are there, of real ones; made once."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from filelock import FileLock

ROOT = Path(__file__).parent.parent
AGREEMENT = """[agreements.extract]
isa_reference = "ISA-2025-014"
recipients = ["A partnership"]
review_date = 2099-03-31
"""


def sna(*words: str, cwd: Path, **environment: str) -> str:
    """Run one command of the package in a folder; return what it said."""
    given = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "", **environment}
    made = subprocess.run(
        [sys.executable, "-m", "sna", *words],
        cwd=cwd,
        env=given,
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode in (0, 3, 6), made.stdout + made.stderr  # 3, 6: parts are missing
    return made.stdout


def made_once(make: Callable[[Path], None], name: str) -> Path:
    """Return a folder of a test run; whichever of its processes comes first makes it."""
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID") or str(os.getpid())
    place = Path(tempfile.gettempdir(), f"sna-tests-{run}")
    place.mkdir(exist_ok=True)
    with FileLock(place / f"{name}.lock"):
        if not (place / f"{name}.made").exists():
            make(place / name)
            (place / f"{name}.made").touch()
    return place / name


def house(kind: str) -> Path:
    """Return a folder with a store: ``simulated`` (two boroughs, a tenth of the size) or ``real``."""

    def make(folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        (folder / "sna.toml").write_text(AGREEMENT, encoding="utf-8")
        raw = os.environ.get("SNA_REAL_DATA", "") if kind == "real" else ""
        if raw:
            sna("build", "--raw", raw, cwd=folder)
        else:
            sna("sample", "--boroughs", "Hillingdon,Hackney", "--scale", "0.1", cwd=folder)
            sna("build", cwd=folder)

    return made_once(make, kind)


def reports(kind: str, run: str = "first", **environment: str) -> Path:
    """Return the reports of Hackney in both editions; another ``run`` makes them once more."""
    folder = house(kind)
    words = ["report", "Hackney", "--edition", "public,partner", "--workers", "2", "--quiet"]

    def make(_: Path) -> None:
        sna(*words, "--allow-partial", "--reports", run, cwd=folder, **environment)

    made_once(make, f"{kind}-{run}")
    return folder / run
