"""Reports of a small simulated London and, where the files are there, of real ones; made once."""

import os
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

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


@cache
def house(kind: str) -> Path:
    """Return a folder with a store: ``simulated`` (two boroughs, a tenth of the size) or ``real``."""
    folder = Path(tempfile.mkdtemp(prefix=f"sna-{kind}-"))
    (folder / "sna.toml").write_text(AGREEMENT, encoding="utf-8")
    raw = os.environ.get("SNA_REAL_DATA", "") if kind == "real" else ""
    if raw:
        sna("build", "--raw", raw, cwd=folder)
    else:
        sna("sample", "--boroughs", "Hillingdon,Hackney", "--scale", "0.1", cwd=folder)
        sna("build", cwd=folder)
    return folder


@cache
def reports(kind: str, run: str = "first", **environment: str) -> Path:
    """Return the reports of Hackney in both editions; another ``run`` makes them once more."""
    folder = house(kind)
    words = ["report", "Hackney", "--edition", "public,partner", "--workers", "2", "--quiet"]
    sna(*words, "--allow-partial", "--reports", run, cwd=folder, **environment)
    return folder / run
