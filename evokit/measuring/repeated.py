"""A program that measures and never waits: it is repeated from its beginning until it lacks no answer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial

from evokit.common.keys import digest
from evokit.interfaces import Evaluation
from evokit.measuring.aside import Aside
from evokit.measuring.execution import Answer, Task
from evokit.measuring.executors import Executor


class MissingError(Exception):
    """An answer that the rest of a program needs is not there yet."""


class Repeated:
    """A program and its executor, whose tasks run aside.

    The program measures through a door that asks the ledger first and writes rows as answers come. So each repetition
    is what a resumed run would do: it takes what has its row, asks for what has none, and ends where an answer is
    missing. Whatever it decides, it decides as if it had waited.

    Args:
        label: What its seconds are counted under.
        program: Given this as the executor of its door; genes are JSON values.
        aside: Runs its tasks.
        told: Called when it has ended.

    Attributes:
        ended: Whether it lacks no answer, or was ended by ``error``.
        error: Of the program, or why the worker of one of its tasks could not go on.
    """

    aside = None

    def __init__(self, label: str, program: Callable[[Executor], None], aside: Aside, told: Callable[[], None]) -> None:
        self.ended = False
        self.error: Exception | None = None
        self._label, self._program, self._aside, self._told = label, program, aside, told
        self._known: dict[str, list[Evaluation] | None] = {}  # by task; None is yet to come

    def go_on(self) -> None:
        """Repeat it as far as it comes."""
        if self.ended:
            return
        try:
            self._program(self)
        except MissingError:
            return
        except Exception as error:  # which is to end nothing else
            self._end(error)
        else:
            self._end(None)

    def map(self, tasks: Iterable[Task | None]) -> Iterator[list[Evaluation]]:
        """Answers in the order of submission, as far as they are there; all tasks are begun.

        Raises:
            MissingError: After the last of them.
        """
        missing = False
        for task in tasks:
            assert task is not None  # the next fit never depends on one that is under way
            key = digest([task.budget, task.genes])
            if key not in self._known:
                self._known[key] = None
                self._aside.add(self._label, task, partial(self._take, key))
            answer = self._known[key]
            missing = missing or answer is None
            if answer is not None and not missing:
                yield answer
        if missing:
            raise MissingError

    def close(self) -> None:
        """There is nothing to let go of."""

    def _take(self, key: str, answer: Answer) -> None:
        if not isinstance(answer, Exception):
            self._known[key] = answer
            self.go_on()
        elif not self.ended:
            self._end(answer)

    def _end(self, error: Exception | None) -> None:
        self.ended, self.error = True, error
        self._told()
