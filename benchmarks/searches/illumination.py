"""Problems with descriptors: a grid of them is to be filled with solutions as good as can be."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from benchmarks.searches.problems import Problem, Record, Suite

METRICS = ("first", "second")  # the descriptors
CELLS = 100  # of each
LEVELS = 1000  # of the score that are told apart
BOUND = 5.12  # of each number in the linear projections
SHIFT = 0.4 * BOUND  # of their optimum


@dataclass(frozen=True)
class Described(Problem):
    """A function whose points have descriptors.

    Attributes:
        described: ``(n, dimension)`` points to ``(n, 2)`` descriptors.
        reach: They are between minus this and this.
        sigma: First standard deviation of a search, in the unit of points.
        worst: A value as high as this is worth nothing, 0 is worth 1.
    """

    described: Callable[[np.ndarray], np.ndarray] = field(repr=False, default=lambda points: points[:, :2])
    reach: float = 1.0
    sigma: float = 1.0
    worst: float = 1.0

    def record(self, budget: int) -> DescribedRecord:
        return DescribedRecord(self, budget)


class DescribedRecord(Record):
    """Keeps the best worth of each cell of all that was evaluated, whatever the search itself keeps.

    An improvement is a share of the score that is missed: 1 less the sum of worths over the number of cells, noted at
    the end of a batch that came to the next of ``LEVELS``.
    """

    def __init__(self, problem: Described, budget: int) -> None:
        super().__init__(problem, budget)
        self.described = problem
        self._descriptors: dict[bytes, np.ndarray] = {}
        self._worths = np.zeros(CELLS * CELLS)
        self._met = np.zeros(CELLS * CELLS, bool)
        self._coverage: list[float] = []  # at each improvement

    def told(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Values ``(n,)`` and descriptors ``(n, 2)`` of ``(n, dimension)`` points. Raises ``Over`` as ``many`` does."""
        return self.many(points), np.stack([self._descriptors[point.tobytes()] for point in points])

    def metrics(self, point: np.ndarray) -> dict[str, float]:
        return dict(zip(METRICS, self._descriptors[point.tobytes()].tolist(), strict=True))

    def _evaluate(self, points: np.ndarray, keys: Sequence[bytes]) -> None:
        values, descriptors = self.described.values(points), self.described.described(points)
        shares = (descriptors / self.described.reach + 1) / 2
        places = np.clip((shares * CELLS).astype(int), 0, CELLS - 1)
        cells = places[:, 0] * CELLS + places[:, 1]
        np.maximum.at(self._worths, cells, np.maximum(0, 1 - values / self.described.worst))
        self._met[cells] = True
        self._known |= zip(keys, values.tolist(), strict=True)
        self._descriptors |= zip(keys, descriptors, strict=True)
        self.evaluations += len(points)
        missed = 1 - self._worths.mean()
        if missed <= self.best - 1 / LEVELS or self.evaluations == self.budget:
            self.improvements.append((self.evaluations, float(missed)))
            self._coverage.append(float(self._met.mean()))

    @property
    def figures(self) -> Mapping[str, Any]:
        return {"coverage": self._coverage}


class Illumination(Suite):
    """The linear projections of CMA-ME and a planar arm, each with an archive of 100 x 100 cells.

    Whoever takes bounds is given the box in which solutions are good. Runs differ by their seed alone.

    Source: Fontaine et al. 2020, "Covariance Matrix Adaptation for the Rapid Illumination of Behavior Space", section
    5; Cully and Demiris 2018, "Quality and Diversity Optimization: A Unifying Modular Framework" (the arm; of angles
    the standard deviation is to be low).
    """

    name = "illumination"
    kind = "archive"
    dimensions = (20,)
    targets = 1 - np.arange(1, LEVELS + 1) / LEVELS
    budgets = (1000,)
    functions: ClassVar[Mapping[str, str]] = {
        "sphere": "linear projection",
        "rastrigin": "linear projection",
        "arm": "arm",
    }

    def score(self, reached: np.ndarray, budget: int) -> float:
        """The score at the end of a run."""
        return float((reached <= budget).mean())

    def problem(self, function: str, dimension: int, instance: int) -> Problem:
        if function == "arm":
            return Described(
                self.kind, dimension, lambda points: points.std(axis=1), box=(-np.pi, np.pi), described=reached_point,
                reach=float(dimension), sigma=0.1, worst=np.pi,
            )  # fmt: skip
        values = {"sphere": sphere, "rastrigin": rastrigin}[function]
        worst = float(values(np.full((1, dimension), -BOUND))[0])
        return Described(
            self.kind, dimension, values, box=(-BOUND, BOUND), described=projected,
            reach=dimension / 2 * BOUND, sigma=0.5, worst=worst,
        )  # fmt: skip


def sphere(points: np.ndarray) -> np.ndarray:
    """``(n,)`` squared distances to the optimum."""
    distances: np.ndarray = np.square(points - SHIFT).sum(axis=1)
    return distances


def rastrigin(points: np.ndarray) -> np.ndarray:
    """``(n,)`` values, 0 at the optimum."""
    away = points - SHIFT
    values: np.ndarray = (np.square(away) + 10 - 10 * np.cos(2 * np.pi * away)).sum(axis=1)
    return values


def projected(points: np.ndarray) -> np.ndarray:
    """Sums of the first and the second half of the numbers, of which those outside the bound count less again.

    >>> projected(np.array([[1.0, 2.0, 5.12, 10.24]])).tolist()
    [[3.0, 5.62]]
    """
    inside = np.where(np.abs(points) <= BOUND, points, BOUND / np.where(points == 0, 1, points))
    half = points.shape[1] // 2
    return np.stack([inside[:, :half].sum(axis=1), inside[:, half:].sum(axis=1)], axis=1)


def reached_point(points: np.ndarray) -> np.ndarray:
    """Where an arm ends whose links have length 1 and turn by these angles, each from the direction of the one before.

    >>> reached_point(np.array([[0.0, np.pi / 2]])).round(9).tolist()
    [[1.0, 1.0]]
    """
    angles = np.cumsum(points, axis=1)
    return np.stack([np.cos(angles).sum(axis=1), np.sin(angles).sum(axis=1)], axis=1)
