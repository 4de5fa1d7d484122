"""A problem, sets of them, and a run's record of one: what it counts, what it keeps, when it ends."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

ANY = 0  # a dimension: each function has one of its own
INSTANCES = 20_261_128  # of all seeds that of instances


@dataclass(frozen=True)
class Problem:
    """A function to be minimised.

    Attributes:
        kind: ``vector``, in the box [-5, 5]; ``bits``; ``permutation``, of 0 to dimension - 1; ``tree``.
        dimension: How many numbers, bits or places there are.
        values: ``(n, dimension)`` points to ``(n,)`` values, lower is better.
        last: A run that has found a value as low as this is over.
        of: What else contenders are told, to find their points by; see the suite.
    """

    kind: str
    dimension: int
    values: Callable[[np.ndarray], np.ndarray] = field(repr=False)
    last: float = -np.inf
    of: tuple[Any, ...] = ()


def drawn(instance: int) -> np.random.Generator:
    """What an instance is drawn from: no search that is given its number as a seed draws the same."""
    return np.random.default_rng((INSTANCES, instance))


class Suite(ABC):
    """A set of problems.

    Attributes:
        kind: Of all of them.
        dimensions: Those that are measured unless others are named.
        functions: The group of each, by name.
        targets: Values, falling, that a run may reach.
    """

    name: ClassVar[str]
    kind: ClassVar[str]
    dimensions: ClassVar[Sequence[int]]
    functions: ClassVar[Mapping[str, str]]
    targets: ClassVar[np.ndarray]

    @abstractmethod
    def problem(self, function: str, dimension: int, instance: int) -> Problem:
        """One instance, counted from 1."""


class Over(Exception):  # noqa: N818 - it ends a run and is no error
    """The run has spent its evaluations, or has found what there is to find."""


class Record:
    """Counts evaluations of one run and keeps each improvement.

    Args:
        problem: What is evaluated.
        budget: How many evaluations the run has.

    Attributes:
        improvements: The number of the evaluation and its value, for each that was better than all before.
        evaluations: How many there were.
    """

    def __init__(self, problem: Problem, budget: int) -> None:
        self.problem, self.budget = problem, budget
        self.evaluations = 0
        self.improvements: list[tuple[int, float]] = []

    @property
    def best(self) -> float:
        """The lowest value so far; infinite before there is one."""
        return self.improvements[-1][1] if self.improvements else np.inf

    @property
    def solved(self) -> bool:
        return self.best <= self.problem.last

    def __call__(self, point: np.ndarray) -> float:
        """The value of one point, ``(dimension,)``. Raises ``Over`` in place of an evaluation too many."""
        return float(self.many(np.asarray(point)[None])[0])

    def many(self, points: np.ndarray) -> np.ndarray:
        """The values of ``(n, dimension)`` points.

        Raises:
            Over: They are more than what is left, of which the first are evaluated, or the run was solved before.
        """
        left = self.budget - self.evaluations
        if left <= 0 or self.solved:
            raise Over
        values = np.asarray(self.problem.values(points[:left]), float)
        for value in values.tolist():
            self.evaluations += 1
            if value < self.best:
                self.improvements.append((self.evaluations, value))
                if self.solved:
                    raise Over
        if len(points) > left:
            raise Over
        return values
