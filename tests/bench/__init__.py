"""The benchmark suite: ``python -m tests.bench [--quick]``, run by ``make bench``.

Each room drops a module ``tests/bench/bench_<room>.py`` here with one function::

    def benchmarks(quick: bool) -> list[Measured]:
        ours, theirs = alternate(run_ours, run_control, rounds=5)
        return [measure("Gi* of 4,994 areas", "esda, warm", ours, theirs, budget=0.02)]

A ratio is our seconds (or bytes) divided by the control's, in the same run; it holds while it is at
most its budget (twice the budget with ``--quick``). Where more is better, say what is divided by
what in ``control`` and turn the fraction round, so that smaller is always better. With `quick` the
whole module should take less than 15 seconds.
"""

import gc
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Measured:
    """One measured budget."""

    name: str
    value: float  # ours, in `unit`
    control: str  # what it is measured against, in words
    ratio: float
    budget: float
    control_value: float = float("nan")
    unit: str = "s"

    def holds(self, slack: float = 1.0) -> bool:
        """Say whether the ratio is within the budget."""
        return self.ratio <= self.budget * slack


def alternate(
    ours: Callable[[], Any], control: Callable[[], Any], *, rounds: int = 5
) -> tuple[float, float]:
    """Return median seconds of both, taking turns so that a noisy machine hurts both alike."""
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(rounds):
        for run, kept in zip((ours, control), times, strict=True):
            gc.collect()
            start = time.perf_counter()
            run()
            kept.append(time.perf_counter() - start)
    return statistics.median(times[0]), statistics.median(times[1])


def measure(
    name: str, control: str, ours: float, theirs: float, *, budget: float, unit: str = "s"
) -> Measured:
    """Divide ours by the control."""
    return Measured(name, ours, control, ours / theirs, budget, theirs, unit)
