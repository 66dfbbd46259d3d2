"""A whole run over every borough, and one that is killed and resumed: ``python tests/full_run.py``.

    python tests/full_run.py PROCESSED OUT [KILLS [NOTEBOOKS]]

Both make four notebooks a borough, or those named, two boroughs at a time. It prints seconds, the largest memory of
all processes together, seconds a borough early and late, and whether every page, table and bundle of
the two is the same, byte for byte. It takes minutes to hours, so that it is no test; tests hold a
small form of it.
"""

import json
import os
import random
import statistics
import subprocess
import sys
import time
from pathlib import Path

NOTEBOOKS = sys.argv[4] if len(sys.argv) > 4 else "definition,trend,hotspots,disproportionality"
KEPT = (".html", ".csv", ".zip")


def descendants(parent: int) -> list[int]:
    """Return a process and all that descend from it."""
    children: dict[int, list[int]] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            above = int(path.read_text(encoding="utf-8").rsplit(")", 1)[1].split()[1])
        except OSError:  # it has just ended
            continue
        children.setdefault(above, []).append(int(path.parent.name))
    found = [parent]
    for process in found:
        found += children.get(process, [])
    return found


def memory_gib(parent: int) -> float:
    """Return the proportional memory of a process and its descendants."""
    total = 0
    for process in descendants(parent):
        try:
            lines = Path(f"/proc/{process}/smaps_rollup").read_text(encoding="utf-8").splitlines()
        except OSError:
            continue
        total += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return total / 2**20


def published(reports: Path) -> int:
    """Return how many boroughs have reports."""
    return len(list(reports.glob("*/public/run.json")))


def run(processed: Path, reports: Path, stop_at: int = 0, wait: float = 0) -> None:
    """Run until the end, or kill it some seconds after so many boroughs are published."""
    words = ["report", "--all", "--only", NOTEBOOKS, "--workers", "2", "--resume", "--quiet"]
    words += ["--processed", str(processed), "--reports", str(reports)]
    began, peak = time.monotonic(), 0.0
    process = subprocess.Popen([sys.executable, "-m", "sna", *words])
    while process.poll() is None:
        peak = max(peak, memory_gib(process.pid))
        if stop_at and published(reports) >= stop_at:
            time.sleep(wait)
            process.kill()
        time.sleep(1)
    spent = time.monotonic() - began
    ended = f"ended with {process.returncode} after {spent:.0f} s, {published(reports)} boroughs"
    print(f"{reports.name}: {ended}, at most {peak:.1f} GiB, load {os.getloadavg()[0]:.1f}")


def pages(reports: Path) -> dict[str, bytes]:
    """Return all that is shown to a reader."""
    paths = [path for path in reports.rglob("*") if path.suffix in KEPT]
    return {path.relative_to(reports).as_posix(): path.read_bytes() for path in paths}


def main() -> int:
    """Run whole, run killed, compare."""
    processed, out = Path(sys.argv[1]), Path(sys.argv[2])
    whole, killed = out / "whole", out / "killed"
    run(processed, whole)
    record = json.loads((whole / "last_run.json").read_text(encoding="utf-8"))
    spent = [job["seconds"] for job in record["jobs"] if job["status"] == "done"]
    early, late = (statistics.median(part) for part in (spent[2:7], spent[-5:]))
    print(f"{record['summary']}; a borough: {early:.1f} s early, {late:.1f} s late")
    chance = random.Random(7)
    for _ in range(int(sys.argv[3]) if len(sys.argv) > 3 else 3):
        run(processed, killed, published(killed) + chance.randint(3, 8), chance.uniform(0, 10))
    run(processed, killed)
    same = pages(whole) == pages(killed)
    print(f"{len(pages(whole))} files, {'the same bytes' if same else 'NOT the same bytes'}")
    return int(not same or record["exit_code"] > 0)


if __name__ == "__main__":
    sys.exit(main())
