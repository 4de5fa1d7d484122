"""What is evaluated and where: tasks, the executor of a run, and the policy that all back ends with workers share."""

from __future__ import annotations

import itertools
import logging
import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Literal, Protocol

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


class Executor(Protocol):
    """Evaluates the tasks of one run.

    Batches are cut by the search and the recipe, never by the number of workers, and answers come in the order of
    submission (C4), whichever finishes first. One ``map`` is drained or closed before the next.
    """

    def map(self, tasks: Iterable[Task | None]) -> Iterator[list[Evaluation]]:
        """One list per task, in order; each evaluation carries its seconds and joules.

        Tasks are taken as workers get free. None says that there is none before another answer was taken; where there
        is no answer to wait for either, an empty list is the answer to it.
        """

    def close(self) -> None:
        """Let go of workers and what they hold; nothing is left running."""


class Crew(Protocol):
    """The workers of a back end. It knows nothing of order, batches and retries, which ``InOrder`` adds.

    A worker that is lost is replaced, and what it left running is ended, before its task counts as ended.
    """

    @property
    def room(self) -> bool:
        """Whether another task can begin now."""

    def begin(self, ticket: int, task: Task, limit_s: float | None) -> None:
        """Hand a task to a free worker, which has ``limit_s`` seconds for it."""

    def ended(self) -> list[tuple[int, list[Evaluation]]]:
        """Wait until tasks have ended; ticket and evaluations of each. A lost worker's are ``lost``."""

    def stop(self) -> None:
        """Give up what has begun; nothing of it is told by ``ended`` any more."""

    def close(self) -> None:
        """End all workers and what they started."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A task or one member of it, on its way through a crew."""

    task: Task
    index: int  # of the task in its map
    first: int = 0  # position of its first member in the task
    tries: int = 1


@dataclass(slots=True)
class _Answer:
    evaluations: list[Evaluation | None]
    missing: int = field(init=False)

    def __post_init__(self) -> None:
        self.missing = len(self.evaluations)

    def take(self, first: int, evaluations: Sequence[Evaluation]) -> None:
        self.evaluations[first : first + len(evaluations)] = evaluations
        self.missing -= len(evaluations)


class InOrder:
    """An executor over a crew: answers in the order of submission, failed batches again member by member.

    Args:
        crew: Does the work.
        timeout_s: What an individual may take; a batch has that much per member. Fits of contenders are not limited:
            they are the recipe's own, not evolved, and take what they take.
        retries: How often a lone individual that lost its worker is tried again.
    """

    def __init__(self, crew: Crew, timeout_s: float | None, retries: int) -> None:
        self._crew, self._timeout_s, self._retries = crew, timeout_s, retries
        self._tickets = itertools.count()

    def map(self, tasks: Iterable[Task | None]) -> Iterator[list[Evaluation]]:
        numbers = itertools.count()
        fresh = (None if task is None else Piece(task, next(numbers)) for task in tasks)
        again: deque[Piece] = deque()
        running: dict[int, Piece] = {}
        answers: dict[int, _Answer] = {}
        turn = 0
        try:
            while True:
                piece: Piece | Literal["end"] | None = "end"
                while self._crew.room and isinstance(piece := again.popleft() if again else next(fresh, "end"), Piece):
                    answers.setdefault(piece.index, _Answer([None] * len(piece.task.genes)))
                    ticket = next(self._tickets)
                    running[ticket] = piece
                    self._crew.begin(ticket, piece.task, self._limit_s(piece.task))
                if not running and piece is None:
                    yield []
                    continue
                if not running:
                    return
                for ticket, evaluations in self._crew.ended():
                    piece = running.pop(ticket)
                    pieces = settle(piece, evaluations, self._retries)
                    again.extend(pieces)
                    if not pieces:
                        answers[piece.index].take(piece.first, [_told(one, piece) for one in evaluations])
                while turn in answers and not answers[turn].missing:
                    yield [one for one in answers.pop(turn).evaluations if one is not None]
                    turn += 1
        finally:
            if running:
                self._crew.stop()

    def close(self) -> None:
        self._crew.close()

    def _limit_s(self, task: Task) -> float | None:
        if self._timeout_s is None or task.job.partition(OF)[0] not in EVOLVED:
            return None
        return self._timeout_s * len(task.genes)


def settle(piece: Piece, evaluations: Sequence[Evaluation], retries: int) -> list[Piece]:
    """What has to be evaluated again; nothing if the evaluations stand (C6).

    A batch in which one cost the worker is tried again member by member, so that one harms no other; a lone one is
    tried ``retries`` times more. All other failures are the individual's own and stand.
    """
    if not any(one.outcome in LOST for one in evaluations):
        return []
    task = piece.task
    if len(task.genes) > 1:
        return [
            Piece(replace(task, genes=[genes]), piece.index, piece.first + offset)
            for offset, genes in enumerate(task.genes)
        ]
    return [replace(piece, tries=piece.tries + 1)] if piece.tries <= retries else []


def lost(task: Task, outcome: Outcome, message: str, wall_s: float) -> list[Evaluation]:
    """The evaluations of a task that cost its worker; work counts as done, so that failing is never free."""
    wall_s /= len(task.genes)
    return [Evaluation(outcome=outcome, work=task.budget, message=message, wall_s=wall_s) for _ in task.genes]


def _told(evaluation: Evaluation, piece: Piece) -> Evaluation:
    """A failure that was tried several times says so."""
    if piece.tries == 1 or evaluation.outcome not in LOST:
        return evaluation
    return replace(evaluation, message=f"{evaluation.message}, {piece.tries} times")


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
