"""NSGA-II: search for the trade-offs between several objectives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
from annotated_types import Ge

from evokit.interfaces import Context, Individual
from evokit.searches.archive import only_ok
from evokit.searches.evolving import Evolving, survivors
from evokit.statistics.pareto import Standing, standings


@dataclass(frozen=True)
class NSGA2:
    """Evolve the Pareto front of two or more objectives.

    Parents win tournaments of two by front and crowding distance. The next population are the best of the old one and
    its measured offspring together, as many of them as ``population``. The champion is the best of the first objective
    (ties go by the next); the summary and the report hold the front of all that was measured, a member a point, at
    most 1,000 of them.

    With ``refit_every`` the search alternates: after every so many generations the fitness fits what all individuals
    share anew to the best one, population and hall of fame are measured again, and evolution goes on under that.

    Source: Deb et al. 2002, "A fast and elitist multiobjective genetic algorithm: NSGA-II".
    """

    population: Annotated[int, Ge(2)] = 32
    generations: Annotated[int, Ge(1)] = 50
    refit_every: Annotated[int, Ge(1)] | None = None

    reads: ClassVar[frozenset[str]] = frozenset({"crossover", "mutation", "screens", "init"})

    def build(self, context: Context) -> NSGA2Search:
        if len(context.fitness.objectives) < 2:
            only = next(iter(context.fitness.objectives))
            raise ValueError(f"nsga2 needs two or more objectives, the fitness has {only} alone; use generational")
        return NSGA2Search(self, context)


class NSGA2Search(Evolving):
    """The loop. Offspring are new keys; those that a screen drops or that fail are forgotten (C1)."""

    def __init__(self, options: NSGA2, context: Context) -> None:
        super().__init__(context, options.population, options.generations, options.refit_every)

    def ask(self) -> list[Individual]:
        rng = self._rng()
        if not self.population:
            return self._first(rng)
        standing = standings([one.fitness for one in self.population])

        def select(pool: Sequence[Individual], n: int, rng: np.random.Generator) -> list[Individual]:
            return crowded_tournament(pool, standing, n, rng)

        return self._children(self._size, self.population, select, rng)

    def tell(self, individuals: Sequence[Individual]) -> None:
        old = self.population
        self.population = survivors([*old, *only_ok(individuals)], self._size)
        self._end_generation(individuals, old)


def crowded_tournament(
    population: Sequence[Individual], standing: Sequence[Standing], n: int, rng: np.random.Generator
) -> list[Individual]:
    """The winners of ``n`` tournaments of two by front, then crowding distance; of equals, the first drawn.

    Args:
        population: Measured individuals, at least one; left unchanged.
        standing: One a member.
        n: Number of winners.
        rng: Draws the entrants, without replacement. (DEAP's own tournament draws from Python's global generator.)

    Source: Deb et al. 2002, section III.C, the crowded-comparison operator.
    """
    entrants = min(2, len(population))
    draws = (rng.choice(len(population), entrants, replace=False).tolist() for _ in range(n))
    return [population[max(drawn, key=standing.__getitem__)] for drawn in draws]
