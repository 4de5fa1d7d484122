"""Tournament selection."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from evokit.interfaces import Context, Individual
from evokit.options import Count


def tournament(population: Sequence[Individual], n: int, *, size: int, rng: np.random.Generator) -> list[Individual]:
    """The winners of ``n`` tournaments.

    Args:
        population: Measured individuals; left unchanged.
        n: Number of winners; one individual may win several times.
        size: Entrants of a tournament, drawn without replacement; all of the population if it is smaller.
        rng: Draws the entrants; of equally good ones, the first drawn wins.

    Raises:
        ValueError: The population is empty, or ``size`` is below 1.

    Source: CLSO, section 3.3; the size of 5 and the draw without replacement are its published code's.
    """
    if not population:
        raise ValueError("population: must hold at least one measured individual")
    if size < 1:
        raise ValueError(f"size: must be at least 1, got {size}")
    entrants = min(size, len(population))
    return [
        max((population[i] for i in rng.choice(len(population), entrants, replace=False)), key=_worth) for _ in range(n)
    ]


def _worth(individual: Individual) -> tuple[float, ...]:
    worth: tuple[float, ...] = individual.fitness.wvalues  # larger is better, whatever the goal
    return worth


@dataclass(frozen=True)
class Tournament:
    """``size``: entrants of a tournament."""

    size: Count = 5

    def build(self, context: Context) -> Callable[[Sequence[Individual], int, np.random.Generator], list[Individual]]:
        return lambda population, n, rng: tournament(population, n, size=self.size, rng=rng)
