"""Evaluation in the run's own process: survives what Python can catch, neither hangs nor deaths."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator

from evokit.assembly.jobs import Jobs
from evokit.energy import Meter
from evokit.interfaces import Evaluation
from evokit.measuring.execution import Task, perform_together

TOGETHER_S = 0.02  # what reads the meter costs about as much as twenty evaluations of a short formula


class Inline:
    """An executor without workers.

    Args:
        jobs: What can be measured.
        meter: Measures seconds and joules of each task.
    """

    aside = None

    def __init__(self, jobs: Jobs, meter: Meter) -> None:
        self._jobs, self._meter = jobs, meter

    def map(self, tasks: Iterable[Task | None]) -> Iterator[list[Evaluation]]:
        """Evaluates tasks when their answers are taken; quick ones together, under one reading of the meter."""
        tasks = iter(tasks)
        for task in tasks:
            if task is None:
                yield []
            else:
                yield from perform_together(self._jobs, self._quick(task, tasks), self._meter)

    def _quick(self, first: Task, others: Iterator[Task | None]) -> Iterator[Task]:
        """Tasks until they have taken a while; where somebody answers by hand one, whose answer is to be kept first."""
        fitness = self._jobs.job(first.job, first.refits).fitness
        until = 0.0 if getattr(fitness, "by_hand", False) else time.perf_counter() + TOGETHER_S
        yield first
        while time.perf_counter() < until and (task := next(others, None)) is not None:
            yield task

    def close(self) -> None:
        """There is nothing to let go of."""
