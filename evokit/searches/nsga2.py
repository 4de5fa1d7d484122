"""NSGA-II: search for the trade-offs between several objectives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
from annotated_types import Ge

from evokit.interfaces import Context, Individual
from evokit.searches.archive import only_ok
from evokit.searches.evolving import Evolving, Select, once_each, survivors
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
        check_several("nsga2", context)
        return NSGA2Search(context, self.population, self.generations, self.refit_every)


def check_several(name: str, context: Context) -> None:
    """Raises ``ValueError`` where there is one objective, for the search of a name."""
    if len(context.fitness.objectives) < 2:
        only = next(iter(context.fitness.objectives))
        raise ValueError(f"{name} needs two or more objectives, the fitness has {only} alone; use generational")


class NSGA2Search(Evolving):
    """The loop. Offspring are new keys; those that a screen drops or that fail are forgotten (C1).

    Other searches with several objectives change who has children, how many, and who survives.

    Args:
        context: As for every search with crossover and mutation.
        population: Places in the population.
        horizon: Generations until the search is done.
        refit_every: Generations between refits of the fitness; None for no refits.
        offspring: Children of a generation, as many as ``population`` if not given.
    """

    def __init__(
        self,
        context: Context,
        population: int,
        horizon: int,
        refit_every: int | None = None,
        offspring: int | None = None,
    ) -> None:
        super().__init__(context, population, horizon, refit_every)
        self._offspring = offspring or population

    def ask(self) -> list[Individual]:
        rng = self._rng()
        if not self.population:
            return self._first(rng)
        return self._children(self._offspring, self.population, self._selection(), rng)

    def tell(self, individuals: Sequence[Individual]) -> None:
        old = self.population
        self.population = self._survivors(once_each([*old, *only_ok(individuals)]))
        self._end_generation(individuals, old)

    def _selection(self) -> Select:
        """How parents are drawn from the population."""
        standing = standings([one.fitness for one in self.population])
        return lambda pool, n, rng: crowded_tournament(pool, standing, n, rng)

    def _survivors(self, candidates: list[Individual]) -> list[Individual]:
        """The next population, of distinct measured individuals."""
        return survivors(candidates, self._size)


def crowded_tournament(
    population: Sequence[Individual], standing: Sequence[Standing], n: int, rng: np.random.Generator
) -> list[Individual]:
    """The winners of ``n`` tournaments of two by front, then crowding distance; of equals, the first drawn.

    As in Deb's code everybody enters one tournament before anybody enters two.

    Args:
        population: Measured individuals, at least one; left unchanged.
        standing: One a member.
        n: Number of winners.
        rng: Draws the entrants. (DEAP's own tournament draws from Python's global generator.)

    Source: Deb et al. 2002, section III.C, the crowded-comparison operator.
    """
    entrants = in_turn(len(population), 2 * n, rng)
    pairs = zip(entrants[::2], entrants[1::2], strict=True)
    return [population[max(pair, key=standing.__getitem__)] for pair in pairs]


def in_turn(size: int, n: int, rng: np.random.Generator) -> list[int]:
    """``n`` of ``size`` places in random order, each of them once before any is there twice."""
    rounds = [rng.permutation(size) for _ in range(-(-n // size))]
    places: list[int] = np.concatenate(rounds)[:n].tolist()
    return places
