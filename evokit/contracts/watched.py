"""Operators that are held to their promise while they work."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from evokit.contracts.blame import PASSED, ContractError, blame, culprit
from evokit.contracts.in_place import COPY, state_of
from evokit.interfaces import Kind

FIRST = 1000  # calls of an operator that are all watched
AFTER = 16  # of so many calls after them, one is; whoever is reported has its key made again at the end


class Watched:
    """An operator that is held to its promise.

    Args:
        kind: selection, crossover or mutation.
        function: What the component built.
        key: Of genes.
    """

    def __init__(self, kind: Kind, function: Callable[..., Any], key: Callable[[Any], str]) -> None:
        self.kind, self.function, self._key = kind, function, key
        self.__wrapped__ = function  # for whoever asks where it is written
        self._n_genes, self._wrong = _OPERATORS[kind]
        self._calls = 0

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        value = getattr(self.function, name)
        if name == "rows":  # of whole populations
            return lambda *arguments: self._rows(value, *arguments)
        if name in ("at", "begun", "on"):  # of a generation, before anything was learnt, from one population
            return lambda *arguments: Watched(self.kind, value(*arguments), self._key)
        return value if name != "draw" else lambda rng: self._drawn(*value(rng))

    def _drawn(self, label: str, function: Callable[..., Any]) -> tuple[str, Watched]:
        """One of several operators, with its label."""
        return label, Watched(self.kind, function, self._key)

    def __call__(self, *arguments: Any) -> Any:
        """What the operator answers.

        Raises:
            ContractError: It raised, changed what it was given, or answered something else than its kind does.
        """
        self._calls += 1
        watched = self._calls <= FIRST or self._calls % AFTER == 0
        genes = arguments[: self._n_genes] if watched else ()
        before = state_of(genes, self._key) if watched else None
        try:
            answer = self.function(*arguments)
        except PASSED:
            raise
        except BaseException as error:
            raise blame(error, self.function) from error
        if before is not None and before != state_of(genes, self._key):
            raise ContractError(f"{culprit(self.function)} changes the genes that it was given, in place; {COPY}")
        if wrong := self._wrong(answer, arguments):
            raise ContractError(f"{culprit(self.function)} returned {wrong}")
        return answer

    def _rows(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """What the operator answers for ``(n, n_genes)`` arrays, which it cannot write to.

        Raises:
            ContractError: It raised, or answered arrays of another shape.
        """
        genes = arguments[: self._n_genes]
        for one in genes:
            one.flags.writeable = False
        try:
            answer = function(*arguments)
        except PASSED:
            raise
        except BaseException as error:
            raise blame(error, self.function) from error
        answers = answer if isinstance(answer, tuple) else (answer,)
        shapes = [getattr(one, "shape", type(one).__name__) for one in answers]
        if shapes != [one.shape for one in genes]:
            asked = " and ".join(str(one.shape) for one in genes)
            given = " and ".join(map(str, shapes))
            raise ContractError(f"rows of {culprit(self.function)} returned {given} where {asked} was given")
        return answer


def _wrong_children(answer: Any, arguments: Sequence[Any]) -> str:
    if not isinstance(answer, tuple | list):
        return f"{type(answer).__name__}; return a pair of children"
    if len(answer) == 2 and answer[0] is not None and answer[1] is not None:
        return ""
    if len(answer) == 2:
        return "a child that is nothing; return a pair of genes"
    return f"a {type(answer).__name__} of {len(answer)} instead of a pair of children"


def _wrong_mutant(answer: Any, arguments: Sequence[Any]) -> str:
    return "nothing; return the new genes" if answer is None else ""


def _wrong_selected(answer: Any, arguments: Sequence[Any]) -> str:
    if not isinstance(answer, tuple | list):
        return f"{type(answer).__name__}; return a list of individuals"
    return "" if len(answer) == arguments[1] else f"{len(answer)} individuals where {arguments[1]} were asked for"


_OPERATORS: Mapping[str, tuple[int, Callable[[Any, Sequence[Any]], str]]] = {  # how many arguments are genes, the rule
    "selection": (0, _wrong_selected),
    "crossover": (2, _wrong_children),
    "mutation": (1, _wrong_mutant),
}
