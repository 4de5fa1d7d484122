"""Those who are told how a run goes: their answers may end its search, their errors end nothing."""

from __future__ import annotations

import inspect
import logging
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from evokit.contracts.blame import raised
from evokit.contracts.members import METHOD_HINT
from evokit.errors import UserError
from evokit.facts import METHODS, StopSearch

log = logging.getLogger("evokit")

PATIENCE = 3  # calls in a row that a callback may fail: what waits for a server that is gone must not hold up a run


@dataclass
class Failure:
    """What a callback raised first, and how often it raised."""

    message: str
    times: int = 0


class Listeners:
    """The callbacks of a run, in their order.

    Args:
        callbacks: Names and objects that have some of ``facts.METHODS``, or are functions of run and generation.

    Attributes:
        stop: Why the search is to end, empty while nobody asked for it.
        stopped_by: Who asked first.
        failed: By name, who raised, and how often.
    """

    def __init__(self, callbacks: Sequence[tuple[str, Any]] = ()) -> None:
        self.stop = self.stopped_by = ""
        self.failed: dict[str, Failure] = {}
        self._in_a_row = Counter[str]()
        self._functions: dict[str, list[tuple[str, Callable[..., Any]]]] = {
            method: [(name, function) for name, one in callbacks if (function := function_of(one, method))]
            for method in METHODS
        }

    def hear(self, method: str) -> bool:
        """Whether anybody listens to this, so that it need not be put together for nobody."""
        return bool(self._functions[method])

    @property
    def any(self) -> bool:
        """Whether anybody listens to anything."""
        return any(self._functions.values())

    def tell(self, method: str, *facts: Any, heeded: bool = True) -> None:
        """Call everybody who listens.

        Args:
            method: One of ``facts.METHODS``.
            facts: The run, and what happened.
            heeded: Whether an answer may end the search.

        Raises:
            KeyboardInterrupt: A person ended the run meanwhile.
        """
        for name, function in list(self._functions[method]):
            reason = ""
            try:
                asked = _is_true(function(*facts))
            except StopSearch as stop:
                asked, reason = True, f": {stop}" if str(stop) else ""
            except Exception as error:
                self._note(name, function, error, fatal=method == "run_started")
                continue
            self._in_a_row[name] = 0
            if asked and heeded and not self.stop:
                self.stop, self.stopped_by = f"callback {name} asked for it{reason}", name

    def _note(self, name: str, function: Callable[..., Any], error: Exception, fatal: bool) -> None:
        """Say that a callback raised; who cannot begin, or does nothing else, is called no more."""
        told = raised(error, function)
        first = self.failed.setdefault(name, Failure(told))
        first.times += 1
        self._in_a_row[name] += 1
        silenced = fatal or self._in_a_row[name] == PATIENCE
        if silenced:
            for functions in self._functions.values():
                functions[:] = [one for one in functions if one[0] != name]
        if silenced or first.times == 1:
            log.warning("callback %s raised %s; the run goes on%s", name, told, " without it" if silenced else "")


def function_of(callback: Any, method: str) -> Callable[..., Any] | None:
    """What is called of a callback; None if it does not listen to this."""
    if inspect.isroutine(callback) or not any(hasattr(callback, one) for one in METHODS):
        return callback if method == "generation_ended" else None
    found: Callable[..., Any] | None = getattr(callback, method, None)
    return found


def own(callbacks: Sequence[Any]) -> list[tuple[str, Any]]:
    """Callbacks from Python with their names.

    Raises:
        UserError: One is none, or takes something else than it is given.
    """
    named = []
    for one in callbacks:
        name = getattr(one, "__qualname__", type(one).__qualname__).rpartition("<locals>.")[2]
        if isinstance(one, type):
            raise UserError(f"callback {name} is a class; give an object of it, {one.__name__}(...)")
        if not callable(one) and not any(hasattr(one, method) for method in METHODS):
            raise UserError(f"{one!r:.60} is no callback: {METHOD_HINT}")
        for method, word in METHODS.items():
            if function := function_of(one, method):
                _refuse_signature(name, function, ["run", word] if word else ["run"])
        named.append((name, one))
    return named


def _refuse_signature(name: str, function: Callable[..., Any], words: Sequence[str]) -> None:
    try:
        inspect.signature(function).bind(*words)
    except TypeError as error:
        what = getattr(function, "__name__", name)
        raise UserError(f"callback {name}: {what} is called with ({', '.join(words)}): {error}") from None
    except ValueError:
        return  # one written in C, which does not tell


def _is_true(answer: Any) -> bool:
    """Whether an answer ends a search: True alone does, as a function may return what another one does."""
    return isinstance(answer, bool | np.bool_) and bool(answer)
