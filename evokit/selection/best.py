"""Truncation selection."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from evokit.genomes.individuals import ranked
from evokit.interfaces import Context, Individual


def best(population: Sequence[Individual], n: int, *, rng: np.random.Generator) -> list[Individual]:
    """The ``n`` best, best first; from a smaller population each is taken in turn.

    Args:
        population: Measured individuals; left unchanged.
        n: Number of individuals to return.
        rng: Not drawn from; all selections share one shape.

    Raises:
        ValueError: The population is empty.
    """
    if not population:
        raise ValueError("population: must hold at least one measured individual")
    order = ranked(population)
    return [order[i % len(order)] for i in range(n)]


@dataclass(frozen=True)
class Best:
    """The best of the population, without chance."""

    def build(self, context: Context) -> Callable[[Sequence[Individual], int, np.random.Generator], list[Individual]]:
        return lambda population, n, rng: best(population, n, rng=rng)
