"""Closed tours through n cities: a complete plugin with a representation and a fitness of its own."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import numpy as np
from annotated_types import Ge

from evokit import Component, Goal, hookimpl, order_crossover

Tour = tuple[int, ...]


@dataclass(frozen=True)
class Tours:
    """Visiting orders of ``n_cities``. The fields are the recipe's options."""

    n_cities: Annotated[int, Ge(3)] = 51
    phenotype: ClassVar[str] = "order"

    def random(self, rng: np.random.Generator) -> Tour:
        return tuple(rng.permutation(self.n_cities).tolist())

    def crossover(self, a: Tour, b: Tour, rng: np.random.Generator) -> tuple[Tour, Tour]:
        return order_crossover(a, b, rng=rng)

    def mutate(self, genes: Tour, rng: np.random.Generator) -> Tour:
        i, j = sorted(rng.choice(self.n_cities + 1, size=2, replace=False).tolist())
        return genes[:i] + genes[i:j][::-1] + genes[j:]  # 2-opt: reverse one stretch

    def canonical(self, genes: Tour) -> Tour:
        """Start at city 0, in the direction that reads smaller: a tour has one key."""
        start = genes.index(0)
        forward = genes[start:] + genes[:start]
        return min(forward, forward[:1] + forward[:0:-1])

    def express(self, genes: Tour) -> np.ndarray:
        return np.asarray(genes)

    def to_json(self, genes: Tour) -> list[int]:
        return list(genes)

    def from_json(self, data: list[int]) -> Tour:
        return tuple(data)

    def show(self, genes: Tour) -> str:
        return " ".join(map(str, genes))


@dataclass(frozen=True)
class TourLength:
    """Length of a closed tour through cities evenly on a circle of radius 1, as many as it visits.

    The shortest tour of points on a circle goes round it, so the optimum is known: ``2 n sin(pi / n)``.
    """

    objectives: ClassVar[Mapping[str, Goal]] = {"length": "min"}
    takes: ClassVar[frozenset[str]] = frozenset({"order"})
    slots: ClassVar[Mapping[str, Any]] = {}
    budgets: ClassVar[Sequence[int]] = (1,)
    context: ClassVar[str] = "tour_length"

    def evaluate(self, batch: Sequence[np.ndarray], budget: int) -> np.ndarray:
        """Length of each tour, ``(n,)`` float64."""
        return np.array([_length(order) for order in batch])


def _length(order: np.ndarray) -> float:
    turns = np.diff(order, append=order[0]) / len(order)  # from city to city, in full turns
    return float(np.abs(2 * np.sin(np.pi * turns)).sum())


@hookimpl
def evokit_components() -> list[Component]:
    return [Component("genome", "tours", Tours), Component("fitness", "tour_length", TourLength)]
