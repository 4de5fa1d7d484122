"""What is evaluated: tasks, the crew that workers are, and what each of them does with a task."""

from __future__ import annotations

import logging
import time
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Protocol

import numpy as np

from evokit.assembly.jobs import EVOLVED, OF, SEARCH, Jobs, Refits
from evokit.assembly.workplace import Workplace
from evokit.common.memory import peak_memory
from evokit.energy import Meter, Reading, share
from evokit.errors import RunFailed
from evokit.interfaces import Evaluation, Fitness, Outcome
from evokit.measuring.evaluate import evaluate_batch, rehearsed
from evokit.measuring.functional import Fingerprints

log = logging.getLogger("evokit")

# What another worker may do better. All else is decided by the individual and would only be found again.
LOST: frozenset[Outcome] = frozenset({"timed_out", "worker_died", "out_of_memory"})

# Slots of an evaluation, in the order of a reading.
WRITE_COSTS = [getattr(Evaluation, name).__set__ for name in ("wall_s", "cpu_s", "energy_j", "estimated_j")]


@dataclass(slots=True)  # to make a frozen one takes three times as long
class Task:
    """A batch of genes at one budget, for one of the workplace's jobs."""

    genes: Sequence[Any]
    budget: int
    job: str = SEARCH
    refits: Refits = ()
    rehearsal: bool = False  # whether the fitness is held to its promises while it evaluates
    fingerprints: bool = False  # asked for in place of values; they come as messages

    @property
    def fits(self) -> bool:
        """Whether a contender makes models, not a genome phenotypes."""
        return self.job.partition(OF)[0] not in EVOLVED


class Crew(Protocol):
    """The workers of a back end. It knows nothing of order, batches and retries, which ``InOrder`` adds.

    A worker that is lost is replaced, and what it left running is ended, before its task counts as ended.
    """

    @property
    def room(self) -> bool:
        """Whether another task can begin now."""

    def begin(self, ticket: int, task: Task, limit_s: float | None) -> None:
        """Hand a task to a free worker, which has ``limit_s`` seconds for it."""

    def ended(self) -> list[tuple[int, Answer]]:
        """Wait until tasks have ended; ticket and answer of each. A lost worker's evaluations are ``lost``."""

    def cpu_s(self, ticket: int) -> float:
        """CPU seconds that the fit of a model has used so far; 0 where nobody can tell."""

    def stop(self, tickets: Collection[int]) -> None:
        """Give these up; nothing of them is told by ``ended`` any more."""

    def close(self) -> None:
        """End all workers and what they started."""


Answer = list[Evaluation] | Exception
"""Of a task: evaluations, or why its worker cannot go on."""


def lost(task: Task, outcome: Outcome, message: str, wall_s: float) -> list[Evaluation]:
    """The evaluations of a task that cost its worker; work counts as done, so that failing is never free."""
    wall_s /= len(task.genes)
    return [Evaluation(outcome=outcome, work=task.budget, message=message, wall_s=wall_s) for _ in task.genes]


class Probe:
    """One random individual at the lowest budget, which each worker evaluates before anything else.

    Args:
        workplace: The run's own.
    """

    def __init__(self, workplace: Workplace) -> None:
        parts = workplace.parts
        genes = parts.genome.random(parts.context.streams.at("probe").numpy())
        self.task = Task([genes], parts.fitness.budgets[0])
        self.needed = True
        self._first: Evaluation | None = None

    def check(self, evaluations: Sequence[Evaluation]) -> None:
        """Compare a worker's answer with that of the first.

        Raises:
            RunFailed: They differ in a bit.
        """
        (now,) = evaluations
        first = self._first = self._first or now
        if (now.outcome, now.values) != (first.outcome, first.values):
            raise RunFailed(
                f"two workers disagree about one individual: {_said(first)} and {_said(now)}; the numbers of this run"
                " would depend on who computes them. Does the fitness read a global generator, a clock or the"
                " environment? Do the workers run on different machines or devices?"
            )

    def skip(self, why: str) -> None:
        """The individual cannot be measured, so workers are not compared."""
        self.needed = False
        log.warning("workers are not compared with each other: the random individual meant for it %s", why)


def _said(evaluation: Evaluation) -> str:
    return repr(list(evaluation.values)) if evaluation.ok else evaluation.outcome


def perform(jobs: Jobs, task: Task, meter: Meter) -> list[Evaluation]:
    """Evaluate a task in this process; members share its seconds and joules equally."""
    with peak_memory() as memory:
        (evaluations,) = perform_together(jobs, [task], meter)
    return [replace(one, peak_memory_bytes=memory.peak_bytes) for one in evaluations]


def perform_together(jobs: Jobs, tasks: Iterable[Task], meter: Meter) -> Iterator[list[Evaluation]]:
    """Evaluate tasks in this process, one after the other, under one reading of the meter.

    What was read is shared by the seconds that each took by the clock; members of a task share equally. One that cannot
    go on ends them; those before it are told all the same, and then it raises.
    """
    told: list[list[Evaluation]] = []
    stopped: BaseException | None = None
    with meter.measure() as reading:
        times = [time.perf_counter()]
        try:
            for task in tasks:
                told.append(_performed(jobs, task))
                times.append(time.perf_counter())
        except BaseException as error:
            stopped = error
    if told:
        for evaluations, part in zip(told, share(1.0, np.diff(times).tolist()), strict=True):
            _note_costs(evaluations, reading, part / len(evaluations))
            yield evaluations
    if stopped is not None:
        raise stopped


def _performed(jobs: Jobs, task: Task) -> list[Evaluation]:
    job = jobs.job(task.job, task.refits)
    for genes in task.genes:
        if isinstance(genes, np.ndarray):
            genes.flags.writeable = False  # a worker's copy as well as the run's own
    fitness: Fitness = Fingerprints(job.fitness) if task.fingerprints else job.fitness
    if not task.rehearsal:
        return evaluate_batch(fitness, job.express, task.genes, task.budget, job.key)
    return rehearsed(
        partial(evaluate_batch, fitness, job.express, budget=task.budget, key=job.key), fitness, task.genes
    )


def _note_costs(evaluations: Sequence[Evaluation], reading: Reading, part: float) -> None:
    """Write a part of seconds and joules into evaluations that were just made and that nobody has but the host."""
    costs = reading.wall_s * part, reading.cpu_s * part, reading.joules * part, reading.estimated_j * part
    for one in evaluations:
        for write, cost in zip(WRITE_COSTS, costs, strict=True):
            write(one, cost)  # as new ones would take longer than a short formula
