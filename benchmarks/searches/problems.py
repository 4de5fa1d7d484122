"""A problem, sets of them, and a run's record of one: what it counts, what it keeps, when it ends."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from benchmarks.searches.score import area

ANY = 0  # a dimension: each function has one of its own
PATIENCE = 100_000  # points in a row without a new one, after which a run has nothing left to try
INSTANCES = 20_261_128  # of all seeds that of instances


@dataclass(frozen=True)
class Problem:
    """A function to be minimised.

    Attributes:
        kind: ``vector``; ``archive``, one with descriptors; ``bits``; ``permutation``, of 0 to dimension - 1; ``tree``.
        dimension: How many numbers, bits or places there are.
        values: ``(n, dimension)`` points to ``(n,)`` values, lower is better.
        last: A run that has found a value as low as this is over.
        of: What else contenders are told, to find their points by; see the suite.
        n_objectives: How many values a point has; they are ``(n, n_objectives)`` if several.
        n_constraints: How many more, none above 0 if it is feasible.
        box: Bounds of each number, for vectors.
    """

    kind: str
    dimension: int
    values: Callable[[np.ndarray], np.ndarray] = field(repr=False)
    last: float = -np.inf
    of: tuple[Any, ...] = ()
    n_objectives: int = 1
    n_constraints: int = 0
    box: tuple[float, float] = (-5.0, 5.0)

    def record(self, budget: int) -> Record:
        """Of a run at its beginning."""
        return Record(self, budget)


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
        budgets: Evaluations per dimension that are measured unless others are named.
    """

    name: ClassVar[str]
    kind: ClassVar[str]
    dimensions: ClassVar[Sequence[int]]
    functions: ClassVar[Mapping[str, str]]
    targets: ClassVar[np.ndarray]
    budgets: ClassVar[Sequence[int]] = (50, 500)

    def score(self, reached: np.ndarray, budget: int) -> float:
        """How well a run did, of 1, by the evaluation that reached each target."""
        return area(reached, budget)

    @abstractmethod
    def problem(self, function: str, dimension: int, instance: int) -> Problem:
        """One instance, counted from 1."""


class Over(Exception):  # noqa: N818 - it ends a run and is no error
    """The run has spent its evaluations, or has found what there is to find."""


class Record:
    """Counts evaluations of one run and keeps each improvement.

    A point that is asked for again has its value for nothing, whoever asks: most of the searches have no memory, and
    what is compared is where they look. A run that has nothing new for long is over.

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
        self._known: dict[bytes, float] = {}
        self._idle = 0  # points in a row that were known
        self.improvements: list[tuple[int, float]] = []

    @property
    def figures(self) -> Mapping[str, Any]:
        """What else there is to tell of the run when it is over."""
        return {}

    def kept(self, values: np.ndarray) -> None:
        """Take the values of a population, for records that look at it."""

    @property
    def best(self) -> float:
        """The lowest value so far; infinite before there is one."""
        return self.improvements[-1][1] if self.improvements else np.inf

    @property
    def solved(self) -> bool:
        return self.best <= self.problem.last

    def metrics(self, point: np.ndarray) -> dict[str, float]:
        """What else there is to tell of a point that was evaluated."""
        return {}

    def __call__(self, point: np.ndarray) -> float:
        """The value of one point, ``(dimension,)``. Raises ``Over`` in place of an evaluation too many."""
        return float(self.many(np.asarray(point)[None])[0])

    def many(self, points: np.ndarray) -> np.ndarray:
        """The values of ``(n, dimension)`` points.

        Raises:
            Over: The new ones are more than what is left, of which the first are evaluated; or the run was solved
                before, or has nothing new to ask.
        """
        keys = [point.tobytes() for point in points]
        first = {key: place for place, key in reversed(list(enumerate(keys))) if key not in self._known}
        new = sorted(first.values())
        self._idle = 0 if new else self._idle + len(points)
        left = self.budget - self.evaluations
        if left <= 0 or self.solved or self._idle > PATIENCE:
            raise Over
        if new:
            self._evaluate(points[new[:left]], [keys[place] for place in new[:left]])
        if len(new) > left:
            raise Over
        return np.array([self._known[key] for key in keys])

    def _evaluate(self, points: np.ndarray, keys: Sequence[bytes]) -> None:
        for key, value in zip(keys, np.asarray(self.problem.values(points), float).tolist(), strict=True):
            self._known[key] = value
            self.evaluations += 1
            if value < self.best:
                self.improvements.append((self.evaluations, value))
                if self.solved:
                    raise Over
