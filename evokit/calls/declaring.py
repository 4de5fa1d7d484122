"""A function that says of itself what it is a fitness for."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from evokit.errors import UserError
from evokit.interfaces import WORK, Goal


class Declared:
    """What ``evokit.fitness`` makes of a function; called, it does what the function does.

    Args:
        function: The function.
        goals: Name to ``min`` or ``max``.
        takes: Its space or genome, as ``evokit.minimize`` takes it; None if it does not say.
        keywords: ``budgets``, ``constraints``, ``vectorized`` and ``work_unit``, as ``evokit.minimize`` takes them.
    """

    def __init__(
        self, function: Callable[..., Any], goals: Mapping[str, Goal], takes: Any, keywords: Mapping[str, Any]
    ) -> None:
        functools.update_wrapper(self, function)
        self.goals, self.takes, self.keywords = goals, takes, keywords

    def __call__(self, *phenotype: Any, **parameters: Any) -> Any:
        return self.__wrapped__(*phenotype, **parameters)  # type: ignore[attr-defined] # set by update_wrapper


def fitness(
    minimize: str | Sequence[str] = (),
    maximize: str | Sequence[str] = (),
    *,
    takes: Any = None,
    budgets: Sequence[int] = (1,),
    constraints: Any = (),
    vectorized: bool = False,
    work_unit: str = WORK,
) -> Callable[[Callable[..., Any]], Declared]:
    """Mark a function as a fitness, with what ``evokit.minimize`` would else be told.

    Args:
        minimize: Names of what it returns that is to be small, in their order.
        maximize: Names of what is to be large; what it returns of these comes after those.
        takes: Its space or genome.
        budgets: Ascending units of work, its second argument.
        constraints: Names of what it also tells, or functions, each not above 0 where it is kept to.
        vectorized: Whether it takes many at once.
        work_unit: What budgets count.

    Raises:
        UserError: No objective is named.
    """
    if not all(isinstance(one, str | Sequence) for one in (minimize, maximize)):
        raise UserError('evokit.fitness takes names, and then the function: @evokit.fitness(minimize="loss")')
    goals: dict[str, Goal] = dict.fromkeys([minimize] if isinstance(minimize, str) else minimize, "min")
    goals |= dict.fromkeys([maximize] if isinstance(maximize, str) else maximize, "max")
    if not goals:
        raise UserError('evokit.fitness: name what the function returns, such as evokit.fitness(minimize="loss")')
    keywords = {
        "budgets": budgets, "constraints": constraints, "vectorized": vectorized, "work_unit": work_unit,
    }  # fmt: skip
    return lambda function: Declared(function, goals, takes, keywords)
