"""Who evaluates the tasks of a run, and the order in which answers are given back."""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from evokit.interfaces import Evaluation
from evokit.measuring.aside import Aside
from evokit.measuring.execution import Crew, Task
from evokit.measuring.pieces import Piece, settle, told


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
                        answers[piece.index].take(piece.first, [told(one, piece) for one in answer])
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
