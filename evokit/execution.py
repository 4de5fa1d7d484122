"""What is evaluated and where: tasks, the executor of a run, and what every back end does alike."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

from evokit.energy import Meter
from evokit.evaluate import evaluate_batch
from evokit.interfaces import Evaluation, Fitness

if TYPE_CHECKING:
    from evokit.workplace import Workplace

SEARCH, FRESH, CHAMPION = "search", "fresh", "champion"  # jobs; a baseline's is baseline/NAME


@dataclass(frozen=True, slots=True)
class Task:
    """A batch of genes at one budget, for one of the workplace's jobs."""

    genes: Sequence[Any]
    budget: int
    job: str = SEARCH


@dataclass(frozen=True, slots=True)
class Job:
    """Something that can be measured: a fitness, and what makes its phenotypes of genes."""

    fitness: Fitness
    express: Callable[[Any], Any]


class Jobs(Protocol):
    """Where the jobs are; a ``Workplace``."""

    def job(self, name: str) -> Job: ...


class Executor(Protocol):
    """Evaluates the tasks of one run.

    Batches are cut by the search and the recipe, never by the number of workers, and answers come in the order of
    submission (C4), whichever finishes first. One ``map`` is drained or closed before the next.
    """

    def map(self, tasks: Iterable[Task]) -> Iterator[list[Evaluation]]:
        """One list per task, in order; each evaluation carries its seconds and joules."""

    def close(self) -> None:
        """Let go of workers and what they hold; nothing is left running."""


def make_executor(workplace: Workplace, meter: Meter) -> Executor:
    """The executor that the recipe names. Workers are started by the first task, not here."""
    from evokit.backends.inline import Inline

    return Inline(workplace, meter)


def perform(jobs: Jobs, task: Task, meter: Meter) -> list[Evaluation]:
    """Evaluate a task in this process; members share its seconds and joules equally."""
    job = jobs.job(task.job)
    with meter.measure() as reading:
        evaluations = evaluate_batch(job.fitness, job.express, task.genes, task.budget)
    share = 1 / len(task.genes)
    return [
        replace(one, wall_s=reading.wall_s * share, cpu_s=reading.cpu_s * share, energy_j=reading.joules * share)
        for one in evaluations
    ]
