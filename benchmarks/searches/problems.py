"""A problem, and a run's record of it: what it counts, what it keeps, when it ends."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True)
class Problem:
    """A function to be minimised.

    Attributes:
        kind: ``vector``, in the box [-5, 5]; ``bits``; ``order``, a permutation of 0 to dimension - 1.
        dimension: How many numbers, bits or places.
        values: ``(n, dimension)`` points to ``(n,)`` values, lower is better.
        last: A run that has found a value as low as this is over.
    """

    kind: str
    dimension: int
    values: Callable[[np.ndarray], np.ndarray] = field(repr=False)
    last: float = -np.inf


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
