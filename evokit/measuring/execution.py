"""What is evaluated and where: tasks, the executor of a run, and the policy that all back ends with workers share."""

from __future__ import annotations

import itertools
import logging
import time
from collections import defaultdict, deque
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Literal, NamedTuple, Protocol

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


class Executor(Protocol):
    """Evaluates the tasks of one run.

    Batches are cut by the search and the recipe, never by the number of workers, and answers come in the order of
    submission (C4), whichever finishes first. One ``map`` is drained or closed before the next.
    """

    @property
    def aside(self) -> Aside | None:
        """Takes tasks that run while others are mapped; None where there is no worker for them."""

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


@dataclass(frozen=True, slots=True)
class Piece:
    """A task or one member of it, on its way through a crew."""

    task: Task
    index: int  # of the task in its map
    first: int = 0  # position of its first member in the task
    tries: int = 1


@dataclass(slots=True)
class _Collected:
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
        places: How many workers at most do what runs aside while others are mapped.
    """

    def __init__(self, crew: Crew, timeout_s: float | None, retries: int, places: int = 0) -> None:
        self._crew, self._timeout_s, self._retries = crew, timeout_s, retries
        self._tickets = itertools.count()
        self.aside = Aside(crew, retries, places) if places else None

    def map(self, tasks: Iterable[Task | None]) -> Iterator[list[Evaluation]]:
        numbers = itertools.count()
        fresh = (None if task is None else Piece(task, next(numbers)) for task in tasks)
        again: deque[Piece] = deque()
        running: dict[int, Piece] = {}
        answers: dict[int, _Collected] = {}
        turn = 0
        try:
            while True:
                if self.aside is not None:
                    self.aside.begin()  # first, as what runs long had better begin early
                piece: Piece | Literal["end", "no room"] | None = "no room"
                while self._crew.room and isinstance(piece := again.popleft() if again else next(fresh, "end"), Piece):
                    answers.setdefault(piece.index, _Collected([None] * len(piece.task.genes)))
                    ticket = next(self._tickets)
                    running[ticket] = piece
                    self._crew.begin(ticket, piece.task, self._limit_s(piece.task))
                    piece = "no room"
                if not running and piece is None:
                    yield []
                    continue
                if not running and piece == "end":
                    return
                for ticket, answer in self._crew.ended():
                    if self.aside is not None and self.aside.take(ticket, answer):
                        continue
                    if isinstance(answer, Exception):
                        raise answer
                    piece = running.pop(ticket)
                    pieces = settle(piece, answer, self._retries)
                    again.extend(pieces)
                    if not pieces:
                        answers[piece.index].take(piece.first, [_told(one, piece) for one in answer])
                while turn in answers and not answers[turn].missing:
                    yield [one for one in answers.pop(turn).evaluations if one is not None]
                    turn += 1
        finally:
            if running:
                self._crew.stop(running)

    def close(self) -> None:
        self._crew.close()

    def _limit_s(self, task: Task) -> float | None:
        return None if self._timeout_s is None or task.fits else self._timeout_s * len(task.genes)


class Took(NamedTuple):
    """Seconds by the clock in which at least one of some tasks ran, and their CPU seconds."""

    wall_s: float
    cpu_s: float


@dataclass(slots=True)
class _Going:
    """A task that runs aside: for whom, who is told, and CPU seconds that are counted already."""

    label: str
    piece: Piece
    done: Callable[[Answer], None]
    cpu_s: float = 0.0


class Aside:
    """Fits of models, each a task of its own, on some workers of a crew whose others do what is mapped.

    Args:
        crew: Whose workers.
        retries: How often one that lost its worker is tried again.
        places: How many workers at most while something is mapped; while nothing is, all.
    """

    def __init__(self, crew: Crew, retries: int, places: int) -> None:
        self._crew, self._retries, self._places = crew, retries, places
        self._tickets = itertools.count(-1, -1)  # below those of a map
        self._waiting: deque[_Going] = deque()
        self._running: dict[int, _Going] = {}
        self._looked = time.monotonic()
        self._wall_s, self._cpu_s = defaultdict[str, float](float), defaultdict[str, float](float)

    def add(self, label: str, task: Task, done: Callable[[Answer], None]) -> None:
        """Let a task run when there is a place for it.

        Args:
            label: What its seconds are counted under.
            task: Of one member.
            done: Called with the answer while something is mapped or waited for.
        """
        self._waiting.append(_Going(label, Piece(task, 0), done))

    def begin(self) -> None:
        """Begin what there are places for."""
        self._begin(self._places)

    def wait(self) -> None:
        """Wait until some have ended, while nothing is mapped."""
        self._begin(None)
        for ticket, answer in self._crew.ended():
            self.take(ticket, answer)

    def take(self, ticket: int, answer: Answer) -> bool:
        """Whether this is the answer of one of these, who is told then."""
        if ticket not in self._running:
            return False
        self._look()
        one = self._running.pop(ticket)
        if isinstance(answer, Exception):
            one.done(answer)
            return True
        self._count(one, sum(evaluation.cpu_s for evaluation in answer))
        again = settle(one.piece, answer, self._retries)
        if again:
            self._waiting.appendleft(_Going(one.label, again[0], one.done))
        else:
            one.done([_told(evaluation, one.piece) for evaluation in answer])
        return True

    def took(self) -> dict[str, Took]:
        """What ran since this was last asked for, by label."""
        self._look()
        found = {label: Took(wall_s, self._cpu_s[label]) for label, wall_s in self._wall_s.items()}
        self._wall_s.clear()
        self._cpu_s.clear()
        return found

    def _begin(self, places: int | None) -> None:
        while self._waiting and self._crew.room and (places is None or len(self._running) < places):
            self._look()
            one, ticket = self._waiting.popleft(), next(self._tickets)
            self._running[ticket] = one
            self._crew.begin(ticket, one.piece.task, None)

    def _look(self) -> None:
        """Count the seconds since the last look; called before anything begins or ends."""
        since, self._looked = self._looked, time.monotonic()
        for label in dict.fromkeys(one.label for one in self._running.values()):
            self._wall_s[label] += self._looked - since
        for ticket, one in self._running.items():
            self._count(one, self._crew.cpu_s(ticket))

    def _count(self, one: _Going, cpu_s: float) -> None:
        """Of a worker that is lost nobody knows more than at the last look."""
        self._cpu_s[one.label] += max(0.0, cpu_s - one.cpu_s)
        one.cpu_s = max(one.cpu_s, cpu_s)


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
