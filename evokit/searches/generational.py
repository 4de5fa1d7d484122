"""Generational search with elites."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated, ClassVar

from annotated_types import Ge

from evokit.genomes.individuals import ranked
from evokit.interfaces import Context, Individual, Score
from evokit.options import added
from evokit.searches.archive import only_ok
from evokit.searches.evolving import Evolving


@dataclass(frozen=True)
class Generational:
    """Each generation the elites stay and offspring take the other places.

    ``elites`` is a count, or as a fraction a share of the population (rounded down).

    With ``refit_every`` the search alternates: after every so many generations the fitness fits what all individuals
    share anew to the best one, population and hall of fame are measured again, and evolution goes on under that.

    With ``reevaluate`` population and hall of fame are measured again after every so many generations, on data or
    replicates that no individual met before, so that nobody keeps a value that was luck. Left out, all are measured
    on the same ones, and what is best on them is in part best by luck: ``confirm`` tells how much. It needs
    ``confirm``, which measures the champion and those of controls on the same fresh ones.
    """

    population: Annotated[int, Ge(2)] = 32
    generations: Annotated[int, Ge(1)] = 50
    elites: Annotated[int, Ge(0)] | Annotated[float, Ge(0)] = 1
    refit_every: Annotated[int, Ge(1)] | None = None
    reevaluate: Annotated[int, Ge(1)] | None = added(None)

    reads: ClassVar[frozenset[str]] = frozenset({"selection", "crossover", "mutation", "screens", "init"})

    def __post_init__(self) -> None:
        if self.n_elites >= self.population:
            raise ValueError(
                f"elites ({self.elites}) must leave room for offspring in a population of {self.population}"
            )

    @property
    def n_elites(self) -> int:
        if isinstance(self.elites, int):
            return self.elites
        return math.floor(round(self.elites * self.population, 9))  # 0.29 * 100 is a little less than 29

    def build(self, context: Context) -> GenerationalSearch:
        return GenerationalSearch(self, context)


class GenerationalSearch(Evolving):
    """The loop. ``ask`` and ``tell`` are under ``step``, for those who run a loop of their own.

    A generation: ``ask`` makes offspring that are new keys (a known one or a twin is varied again, at most 10 times,
    and then kept: it takes its cached value). Screens choose who is measured. ``tell`` forms the next population:
    elites, measured offspring, and in the places of unmeasured or failed offspring the best of the old population (C1);
    a first generation that lost members to a race or to failures grows to its size.
    """

    def __init__(self, options: Generational, context: Context) -> None:
        super().__init__(context, options.population, options.generations, options.refit_every, options.reevaluate)
        self._options, self._select = options, context.operators["selection"]
        self._predictions_compete = any(getattr(screen, "unmeasured", "fill") == "paper" for screen in self.screens)

    def ask(self) -> list[Individual]:
        rng = self._rng()
        if not self.population:
            return self._first(rng)
        pool = self._pool()
        # Where so many failed that elites are fewer than planned, offspring take their places.
        n_elites = min(self._options.n_elites, len(only_ok(self.population)))
        return self._children(self._options.population - n_elites, pool, self._select, rng)

    def tell(self, individuals: Sequence[Individual]) -> None:
        old = ranked(only_ok(self.population))
        elites = old[: self._options.n_elites]
        offspring = only_ok(individuals)
        if self._predictions_compete:
            offspring += [one for one in individuals if not one.fitness.valid and one.predicted is not None]
        room = self._options.population - len(elites) - len(offspring)
        self.population = elites + offspring + old[len(elites) :][: max(room, 0)]
        self._end_generation(individuals, old)

    def _pool(self) -> list[Individual]:
        """Who may be a parent: the measured, and with ``unmeasured: paper`` the predicted at their predicted value."""
        return [
            one if one.predicted is None or one.fitness.valid else _standing_for(one, one.predicted)
            for one in self.population
        ]


def _standing_for(individual: Individual, predicted: float | tuple[float, ...]) -> Individual:
    values = predicted if isinstance(predicted, tuple) else (predicted,)
    return replace(individual, fitness=Score(individual.fitness.weights, values))
