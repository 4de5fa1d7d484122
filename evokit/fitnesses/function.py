"""A Python function as a fitness."""

from __future__ import annotations

import importlib
import inspect
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from numbers import Real
from pathlib import Path
from typing import Any

import numpy as np

from evokit.common.code import code_digest
from evokit.common.keys import digest
from evokit.common.names import did_you_mean, listed
from evokit.common.text import described
from evokit.contracts.blame import ContractError
from evokit.contracts.members import ANY_KIND
from evokit.errors import said
from evokit.interfaces import WORK, Context, Evaluation, Goal
from evokit.options import Count, added

BATCH = 1024  # of phenotypes that a function of many is given together


@dataclass(frozen=True)
class Function:
    """A Python function of one phenotype, or of phenotype and budget.

    ``function`` is where it lies, ``module:name``; the module must be importable. ``evokit.minimize`` writes this
    section for the function that it is given, and keeps one that cannot be imported as a ``pickle``.

    It returns a number, or one for each of ``objectives``; where there are ``constraints``, a pair of that and of a
    number for each, not above 0 if it is kept to; or an ``Evaluation``. A function that takes parameters by name is
    given those of a phenotype that has names. Where there are several ``budgets`` one is the second argument; a
    function that takes parameters by name has it as ``budget``, or as what ``work_unit`` calls it. With
    ``vectorized`` it is given many phenotypes at once, arrays as the rows of one. ``work_unit`` is what budgets and
    work count, such as ``epochs``, for displays and reports.

    Its context is a digest of the source of its module, or of what it was compiled to and all that it uses.

    Raises:
        ValueError: There is no objective.
    """

    function: str = ""
    pickle: Path | None = None
    digest: str = ""  # of the function that a run began with
    objectives: Mapping[str, Goal] = field(default_factory=lambda: {"value": "min"})
    constraints: tuple[str, ...] = ()
    budgets: tuple[Count, ...] = (1,)
    vectorized: bool = False
    work_unit: str = added(WORK)
    held: Any = field(default=None, init=False, repr=False, compare=False)  # the function itself, where it is at hand

    def __post_init__(self) -> None:
        if not self.objectives:
            raise ValueError("objectives: there must be at least one, such as {loss: min}")

    def build(self, context: Context) -> Any:
        thing = self.held if self.held is not None else self._found(context)
        if hasattr(thing, "objectives") and (hasattr(thing, "evaluate") or hasattr(thing, "evaluate_one")):
            return thing
        if not callable(thing):
            raise ValueError(f"{self.function or self.pickle} is no function, got {thing!r:.60}")
        told = self.digest or code_digest(thing)
        return FunctionFitness(thing, self, digest([told, list(self.objectives), list(self.constraints)]))

    def _found(self, context: Context) -> Any:
        if self.function:
            return _imported(self.function)
        if self.pickle is None:
            return _nobody
        kept = self.pickle if context.directory is None else context.directory / "artifacts" / self.pickle.name
        path = kept if kept.exists() else self.pickle
        try:
            import cloudpickle

            return cloudpickle.loads(path.read_bytes())
        except Exception as error:
            raise ValueError(f"pickle: the function in {path} cannot be read: {said(error)}") from error


class FunctionFitness:
    """What ``Function`` builds; its objectives, constraints and budgets are those of the options.

    Args:
        call: The function.
        options: How it is called and what it returns.
        context: Digest of all that decides its values.
    """

    takes = ANY_KIND
    slots: Mapping[str, Any] = {}

    def __init__(self, call: Callable[..., Any], options: Function, context: str) -> None:
        self.objectives, self.constraints, self.budgets = options.objectives, options.constraints, options.budgets
        self.context, self.call, self._vectorized = context, call, options.vectorized
        self.work_unit = options.work_unit
        self.__wrapped__ = getattr(call, "__wrapped__", call)  # the place that messages name
        self.batch = BATCH if options.vectorized else 1
        self._several = len(options.budgets) > 1
        self._signature = Signature.of(call, self._several, options.work_unit)

    def evaluate(self, batch: Sequence[Any], budget: int) -> Any:
        if self._vectorized:
            together = np.stack(batch) if isinstance(batch[0], np.ndarray) else list(batch)
            return self._answers(self._asked(together, budget), len(batch), budget)
        if len(batch) == 1:  # what it raises is the host's to tell
            return self._answers([self._one(batch[0], budget)], 1, budget)
        return self._answers([self._tried(one, budget) for one in batch], len(batch), budget)

    def _one(self, phenotype: Any, budget: int) -> Any:
        phenotype = _copied(phenotype)  # the function's own, to change if it likes
        if self._signature.takes_names_of(phenotype):
            answer = self.call(**self._named(budget, phenotype) | phenotype)
        else:
            answer = self._asked(phenotype, budget)
        if not isinstance(answer, float | Evaluation) and not self.constraints:
            self._refuse_wrong(answer)
        return answer

    def _refuse_wrong(self, answer: Any) -> None:
        """Say it of the function, whose author may never have heard of batches."""
        if _n_values(answer) != len(self.objectives):
            several = f"{len(self.objectives)} numbers, one for each of {listed(self.objectives)}"
            one = "a number; of several values objectives= names each, and constraints= what it must keep to"
            wanted = several if len(self.objectives) > 1 else one
            raise TypeError(f"the function returned {described(answer)}; it returns {wanted}")

    def _tried(self, phenotype: Any, budget: int) -> Any:
        """Others of the batch need not be asked again because one raises."""
        try:
            return self._one(phenotype, budget)
        except (MemoryError, OSError, ContractError):
            raise
        except Exception as error:
            return Evaluation(outcome="raised", work=budget, message=said(error))

    def _asked(self, phenotype: Any, budget: int) -> Any:
        """What the function says of a phenotype, or of many together."""
        how = self._signature
        if how.second:
            return self.call(phenotype, budget)
        if how.budget and how.budget != how.first:
            return self.call(phenotype, **{how.budget: budget})
        if self._several:
            raise ContractError(
                f"there are budgets {listed(map(str, self.budgets))}, and the function has no second argument, which"
                " would say how much to spend; give it one, such as def train(phenotype, budget)"
            )
        return self.call(phenotype)

    def _named(self, budget: int, phenotype: Mapping[str, Any]) -> dict[str, int]:
        name = self._signature.budget
        if self._several and (not name or name in phenotype):
            raise ContractError(
                f"there are budgets {listed(map(str, self.budgets))}, and the function, which takes parameters by name,"
                ' has none for them; call one budget, or by what it counts and say so, such as work_unit="epochs"'
            )
        return {name: budget} if name else {}

    def _answers(self, answers: Any, n: int, budget: int) -> Any:
        if not self.constraints:
            return answers
        if self._vectorized and isinstance(answers, tuple) and len(answers) == 2:
            values, limits = (np.asarray(one, float).reshape(n, -1) for one in answers)
            answers = list(zip(values, limits, strict=True))
        return [self._constrained(one, budget) for one in answers]

    def _constrained(self, answer: Any, budget: int) -> Evaluation:
        if isinstance(answer, Evaluation):
            return answer
        try:
            values, limits = answer
        except (TypeError, ValueError):
            raise TypeError(
                f"the function returned {described(answer)}; with constraints it returns a pair such as"
                " (cost, [weight - 1])"
            ) from None
        return Evaluation(tuple(np.ravel(values)), work=budget, constraints=tuple(_limits(limits)))


@dataclass(frozen=True)
class Signature:
    """How a function is called.

    Args:
        names: Of its parameters, those that can be given by name.
        any_name: Whether it takes any other by name too.
        second: Whether it takes the budget after the phenotype.
        budget: The name by which it takes the budget; empty if there is none.
        first: The name of what it takes first; empty if there is none.
    """

    names: frozenset[str]
    any_name: bool = False
    second: bool = False
    budget: str = ""
    first: str = ""

    @classmethod
    def of(cls, call: Callable[..., Any], several: bool = False, work_unit: str = "") -> Signature:
        """That of a function; ``several`` tells whether there are budgets to be told."""
        try:
            taken = list(inspect.signature(call).parameters.values())
        except (TypeError, ValueError):  # of C
            return cls(frozenset(), second=several)
        places = [one for one in taken if one.kind in (one.POSITIONAL_ONLY, one.POSITIONAL_OR_KEYWORD)]
        required = [one for one in places if one.default is one.empty]
        second = len(required) > 1 or "budget" in {one.name for one in places[1:]} or (several and len(places) > 1)
        names = frozenset(one.name for one in taken if one.kind in (one.KEYWORD_ONLY, one.POSITIONAL_OR_KEYWORD))
        any_name = any(one.kind is one.VAR_KEYWORD for one in taken)
        told = [name for name in ("budget", *([work_unit] if several else [])) if name in names]
        budget = told[0] if told else "budget" if any_name and several else ""
        return cls(names, any_name, second, budget, places[0].name if places else "")

    def takes_names_of(self, phenotype: Any) -> bool:
        """Whether it is given the parameters of a phenotype by their names.

        Raises:
            ContractError: It takes some of them and not all.
        """
        if not isinstance(phenotype, dict):
            return False
        lacking = [name for name in phenotype if name not in self.names]
        if self.any_name or not lacking:
            return True
        if len(lacking) < len(phenotype):
            spare = [name for name in self.names if name not in phenotype]
            raise ContractError(
                f"the function takes {listed(sorted(self.names))}, and the space has {lacking[0]!r} as"
                f" well{did_you_mean(lacking[0], spare)}; a function takes all parameters by their names, or one"
                " mapping of them"
            )
        return False


class Constrained:
    """A function together with functions of what it must keep to, called as it is.

    Args:
        function: The fitness.
        limits: Each of a phenotype, or of parameters by their names, not above 0 if it is kept to; an array counts as
            its largest number.
    """

    def __init__(self, function: Callable[..., Any], limits: Sequence[Callable[[Any], Any]]) -> None:
        self.function, self.limits = function, limits
        self.__signature__ = inspect.signature(function)
        self.__wrapped__ = function  # the place that messages name

    def __call__(self, *phenotype: Any, **parameters: Any) -> tuple[Any, list[float]]:
        values = self.function(*phenotype, **parameters)
        return values, [_largest(_limit(limit, phenotype, parameters)) for limit in self.limits]


def _limit(limit: Callable[..., Any], phenotype: Sequence[Any], parameters: Mapping[str, Any]) -> Any:
    if not parameters:
        return limit(phenotype[0])
    names = Signature.of(limit)
    if names.any_name or names.names <= parameters.keys():
        return limit(**(parameters if names.any_name else {name: parameters[name] for name in names.names}))
    return limit(dict(parameters))


def _largest(limit: Any) -> float:
    return float(np.max(_limits(limit)))


def _limits(limits: Any) -> np.ndarray:
    """Numbers, how far from what is kept to; whether it is kept to says nothing of that."""
    found = np.ravel(limits)
    if found.dtype == bool or any(isinstance(one, bool | np.bool_) for one in found):
        raise TypeError(
            f"a constraint returned {bool(found[0])}; it returns a number, not above 0 if it is kept to, such as"
            " 0.5 - x"
        )
    return found


def _nobody(phenotype: Any, budget: int = 0) -> Any:
    """In place of a function that is not there: what was measured can be looked at."""
    raise ContractError(
        "the function of this run lives only in the process that began it, as it can be neither imported nor pickled;"
        " call evokit.minimize with it again, or evokit.search, with this directory"
    )


def _imported(place: str) -> Any:
    module, _, name = place.partition(":")
    if not name:
        raise ValueError(f"function: {place!r} names no function; write {place}:NAME")
    try:
        found: Any = importlib.import_module(module)
        for part in name.split("."):
            found = getattr(found, part)
    except (ImportError, AttributeError, ValueError) as error:
        raise ValueError(
            f"function: {place!r} cannot be imported ({error}); write module:name, of a module in a folder that Python"
            " looks in, such as one that PYTHONPATH names"
        ) from error
    return found


def _n_values(answer: Any) -> int:
    """Numbers in what a function returned; 0 if it is nothing that holds numbers."""
    if isinstance(answer, Real):
        return 1
    if isinstance(answer, str | bytes | Mapping):
        return 0
    if hasattr(answer, "shape"):
        return math.prod(answer.shape)
    return len(answer) if hasattr(answer, "__len__") else 0


def _copied(phenotype: Any) -> Any:
    """An array, or parameters with the lists and groups in them; anything else as it is."""
    if isinstance(phenotype, np.ndarray):
        return phenotype.copy()
    if isinstance(phenotype, dict):
        return {name: _copied(value) for name, value in phenotype.items()}
    return list(phenotype) if isinstance(phenotype, list) else phenotype
