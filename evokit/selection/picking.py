"""Selections that draw places of a population from its scores."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from evokit.interfaces import Individual
from evokit.statistics.pareto import costs_of


@dataclass(frozen=True)
class Picking:
    """A selection of individuals by the places that ``pick`` draws.

    Args:
        pick: ``(n_members, n_objectives)`` scores, of which larger is better whatever the goal, how many to pick, and a
            generator to ``(n,)`` int64 places. The same member may be picked several times.
    """

    pick: Callable[[np.ndarray, int, np.random.Generator], np.ndarray]

    def __call__(self, population: Sequence[Individual], n: int, rng: np.random.Generator) -> list[Individual]:
        """``n`` members; the population, measured individuals, is left unchanged.

        Raises:
            ValueError: The population is empty.
        """
        if not population:
            raise ValueError("population: must hold at least one measured individual")
        scores = -costs_of([one.fitness for one in population])
        return [population[place] for place in self.pick(scores, n, rng)]
