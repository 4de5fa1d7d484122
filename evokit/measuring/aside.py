"""Fits of models that run on some workers while others do what a search asks for."""

from __future__ import annotations

import itertools
import time
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from evokit.measuring.execution import Answer, Crew, Task
from evokit.measuring.pieces import Piece, settle, told


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
            one.done([told(evaluation, one.piece) for evaluation in answer])
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
