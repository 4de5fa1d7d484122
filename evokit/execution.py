"""Where batches are evaluated. ``inline`` is this process; other back ends have the same two methods."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from evokit.energy import Meter
from evokit.evaluate import evaluate_batch
from evokit.interfaces import Evaluation, Fitness


@dataclass(frozen=True, slots=True)
class Task:
    """A batch of genes at one budget."""

    genes: Sequence[Any]
    budget: int


class Executor(Protocol):
    """Evaluates tasks for one fitness and genome.

    Batches are cut by the search and the recipe, never by the number of workers, and answers come in the order of
    submission (C4), whichever finishes first.
    """

    def map(self, tasks: Iterable[Task]) -> Iterator[list[Evaluation]]:
        """One list per task, in order; each evaluation carries its seconds and joules."""


class Inline:
    """Evaluates in this process. Survives what Python can catch, neither hangs nor deaths.

    Args:
        fitness: Decides the values.
        genome: Its ``express`` makes the phenotypes.
        meter: Measures seconds and joules of each batch; members share them equally.
    """

    def __init__(self, fitness: Fitness, genome: Any, meter: Meter) -> None:
        self._fitness, self._genome, self._meter = fitness, genome, meter

    def map(self, tasks: Iterable[Task]) -> Iterator[list[Evaluation]]:
        for task in tasks:
            with self._meter.measure() as reading:
                evaluations = evaluate_batch(self._fitness, self._genome.express, task.genes, task.budget)
            share = 1 / len(task.genes)
            yield [
                replace(
                    one,
                    wall_s=reading.wall_s * share,
                    cpu_s=reading.cpu_s * share,
                    energy_j=reading.joules * share,
                )
                for one in evaluations
            ]
