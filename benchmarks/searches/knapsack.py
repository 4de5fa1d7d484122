"""The knapsack problem: what to take, so that profit is greatest and weight within capacity."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from benchmarks.searches.problems import Problem, Suite, drawn

RANGE = 1000  # of weights
CAPACITIES = 11  # from a twelfth to eleven twelfths of all weight


class Knapsack(Suite):
    """Values are the share of the best profit that is missed; above 1 by the excess of weight where that is too much.

    Source: Pisinger 2005, "Where are the hard knapsack problems?", section 3.
    """

    name = "knapsack"
    kind = "bits"
    dimensions = (100,)
    targets = np.append(np.logspace(0, -4, 50), 0.0)
    functions: ClassVar[Mapping[str, str]] = {
        one: one for one in ("uncorrelated", "weakly", "strongly", "inverse_strongly", "subset_sum")
    }

    def problem(self, function: str, dimension: int, instance: int) -> Problem:
        profits, weights = items(function, dimension, drawn(instance))
        share = (1 + (instance - 1) % CAPACITIES) / (CAPACITIES + 1)
        capacity = int(share * weights.sum())
        best = best_profit(profits, weights, capacity)

        def values(points: np.ndarray) -> np.ndarray:
            taken = points.astype(int)
            over = np.maximum(taken @ weights - capacity, 0) / weights.sum()
            missed: np.ndarray = np.where(over > 0, 1 + over, 1 - taken @ profits / best)
            return missed

        return Problem(self.kind, dimension, values, 0.0)


def items(kind: str, n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Profits and weights, ``(n,)`` whole numbers each, correlated as ``kind`` says."""
    first, step = rng.integers(1, RANGE + 1, size=n), RANGE // 10
    if kind == "uncorrelated":
        return rng.integers(1, RANGE + 1, size=n), first
    if kind == "weakly":
        return np.maximum(1, rng.integers(first - step, first + step + 1)), first
    if kind == "strongly":
        return first + step, first
    if kind == "inverse_strongly":
        return first, first + step
    return first, first  # subset sum


def best_profit(profits: np.ndarray, weights: np.ndarray, capacity: int) -> int:
    """Exact, by dynamic programming over capacities."""
    best = np.zeros(capacity + 1, int)
    for profit, weight in zip(profits.tolist(), weights.tolist(), strict=True):
        if weight <= capacity:
            best[weight:] = np.maximum(best[weight:], best[: capacity + 1 - weight] + profit)
    return int(best[-1])
