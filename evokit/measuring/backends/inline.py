"""Evaluation in the run's own process: survives what Python can catch, neither hangs nor deaths."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from evokit.assembly.jobs import Jobs
from evokit.energy import Meter
from evokit.interfaces import Evaluation
from evokit.measuring.execution import Task, perform


class Inline:
    """An executor without workers.

    Args:
        jobs: What can be measured.
        meter: Measures seconds and joules of each task.
    """

    def __init__(self, jobs: Jobs, meter: Meter) -> None:
        self._jobs, self._meter = jobs, meter

    def map(self, tasks: Iterable[Task | None]) -> Iterator[list[Evaluation]]:
        """Evaluates each task when its answer is taken."""
        for task in tasks:
            yield [] if task is None else perform(self._jobs, task, self._meter)

    def close(self) -> None:
        """There is nothing to let go of."""
