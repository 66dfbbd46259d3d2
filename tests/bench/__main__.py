"""Run every benchmark, print ratios, write docs/benchmarks.md, say how many budgets held."""

import argparse
import importlib
import json
import os
import platform
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path

from tests.bench import Measured

HERE = Path(__file__).parent
PAGE = HERE.parent.parent / "docs" / "benchmarks.md"
QUICK_SLACK = 2.0
HEAD = """# Benchmarks

Written by `make bench`. A ratio is what we need divided by what the control needs, both measured in
the same run, in turns, as medians. It holds while it is at most its budget. Seconds are those of one
machine and are not judged.

"""


def run_module(name: str, quick: bool) -> list[Measured]:
    """Run one module in a process of its own; an error is a budget that did not hold."""
    command = [sys.executable, "-m", "tests.bench", "--module", name]
    began = time.perf_counter()
    places = [str(HERE.parent.parent), str(HERE.parent)]
    done = subprocess.run(
        command + ["--quick"] * quick, capture_output=True, text=True, encoding="utf-8",
        cwd=places[0], env=os.environ | {"PYTHONPATH": os.pathsep.join(places)},
    )  # fmt: skip
    print(f"{name}: {time.perf_counter() - began:.0f} s", file=sys.stderr, flush=True)
    lines = done.stdout.strip().splitlines()
    if done.returncode or not lines:
        print(done.stderr[-3000:], file=sys.stderr)
        return [Measured(f"{name} (stopped with an error)", 0, "", float("inf"), 0)]
    return [Measured(**row) for row in json.loads(lines[-1])]


def amount(value: float, unit: str) -> str:
    """Write seconds so that small ones can be read."""
    if unit != "s":
        return f"{value:,.1f} {unit}"
    return f"{value:.2f} s" if value >= 1 else f"{value * 1000:.3g} ms"


def describe_machine() -> list[str]:
    """Say where this was measured."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    load = os.getloadavg()[0]
    return [
        f"Measured with Python {platform.python_version()} on {platform.system()} "
        f"({platform.machine()}), {os.cpu_count()} cores, {memory:.0f} GB; load before the run "
        f"{load:.1f}.",
    ]


def table(found: list[Measured], slack: float) -> list[str]:
    """Return the rows of a Markdown table."""
    rows = ["| What | Ours | Control | Control took | Ratio | Budget | Holds |",
            "|---|---|---|---|---|---|---|"]  # fmt: skip
    return rows + [
        f"| {m.name} | {amount(m.value, m.unit)} | {m.control} | {amount(m.control_value, m.unit)} "
        f"| {m.ratio:.3g} | {m.budget:.3g} | {'yes' if m.holds(slack) else '**no**'} |"
        for m in found
    ]


def main() -> int:
    """Run what is asked for; return 1 if a budget did not hold."""
    asked = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    asked.add_argument("--quick", action="store_true", help="reduced sizes, twice the budgets")
    asked.add_argument("--module", help="run one module and print JSON")
    asked.add_argument("--only", help="modules whose name holds this word")
    given = asked.parse_args()
    if given.module:
        found = importlib.import_module(f"tests.bench.{given.module}").benchmarks(given.quick)
        print(json.dumps([asdict(measured) for measured in found]))
        return 0
    machine = describe_machine()
    names = sorted(path.stem for path in HERE.glob("bench_*.py") if (given.only or "") in path.stem)
    slack = QUICK_SLACK if given.quick else 1.0
    found = [measured for name in names for measured in run_module(name, given.quick)]
    text = [*machine, "", *table(found, slack)]
    held = sum(measured.holds(slack) for measured in found)
    last = f"{held} of {len(found)} budgets held"
    print("\n".join(text))
    if not given.quick and not given.only:
        PAGE.write_text(HEAD + "\n".join([*text, "", f"{last}.", ""]), encoding="utf-8")
    print(last)
    return int(held < len(found))


if __name__ == "__main__":
    sys.exit(main())
