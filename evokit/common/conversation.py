"""A function that asks and waits for answers, turned into an object that is asked for its questions."""

from __future__ import annotations

import queue
import threading
import weakref
from collections.abc import Callable
from typing import Any


class Abandoned(BaseException):
    """Ends a function whose answers nobody will give any more; it catches no ``Exception``."""


class Conversation:
    """For algorithms of libraries that want a function to call, where values come from elsewhere.

    Args:
        function: Is given what it calls with a question and that returns the answer; runs in a thread of its own, and
            only while an answer is awaited here, so that nothing runs at the same time.

    Raises:
        Exception: What the function raised.
    """

    def __init__(self, function: Callable[[Callable[[Any], Any]], None]) -> None:
        questions: queue.SimpleQueue[Any] = queue.SimpleQueue()
        answers: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._questions, self._answers = questions, answers
        self._thread = threading.Thread(target=_talk, args=(function, questions, answers), daemon=True)
        self._thread.start()
        self._abandon = weakref.finalize(self, answers.put, Abandoned())  # the thread holds the queues alone
        self.question: Any = self._next()

    def answer(self, value: Any) -> None:
        """Go on to the next question, None if the function has ended."""
        self._answers.put(value)
        self.question = self._next()

    def close(self) -> None:
        """Ask no more, and wait until the function has ended."""
        self._abandon()
        self._thread.join()
        self.question = None

    def _next(self) -> Any:
        question = self._questions.get()
        if isinstance(question, Exception):
            raise question
        return question


def _talk(
    function: Callable[[Callable[[Any], Any]], None], questions: queue.SimpleQueue[Any], answers: queue.SimpleQueue[Any]
) -> None:
    def ask(question: Any) -> Any:
        questions.put(question)
        answer = answers.get()
        if isinstance(answer, Abandoned):
            raise answer
        return answer

    try:
        function(ask)
    except Abandoned:
        return
    except Exception as error:
        questions.put(error)
    else:
        questions.put(None)
