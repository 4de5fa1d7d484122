"""Generational search with elites."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, ClassVar

import numpy as np
from annotated_types import Ge

from evokit.individuals import make_individual, ranked, weights_of
from evokit.interfaces import Context, Individual, Score, Screen
from evokit.searches.archive import only_ok
from evokit.searches.stepping import AskTell
from evokit.streams import Streams

TRIES = 10  # how often a child that is known or a twin is varied again


@dataclass(frozen=True)
class Generational:
    """Each generation the elites stay and offspring take the other places.

    ``elites`` is a count, or as a fraction a share of the population (rounded down).
    """

    population: Annotated[int, Ge(2)] = 32
    generations: Annotated[int, Ge(1)] = 50
    elites: Annotated[int, Ge(0)] | Annotated[float, Ge(0)] = 1

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
        if len(context.init) > self.population:
            raise ValueError(f"population ({self.population}) has no room for the {len(context.init)} genes of init")
        return GenerationalSearch(
            options=self,
            genome=context.genome,
            weights=weights_of(context.fitness.objectives),
            streams=context.streams,
            selection=context.operators["selection"],
            crossover=context.operators["crossover"],
            mutation=context.operators["mutation"],
            screens=context.screens,
            init=context.init,
        )


class GenerationalSearch(AskTell):
    """The loop. ``ask`` and ``tell`` are under ``step``, for those who run a loop of their own.

    A generation: ``ask`` makes offspring that are new keys (a known one or a twin is varied again, at most 10 times,
    and then kept: it takes its cached value). Screens choose who is measured. ``tell`` forms the next population:
    elites, measured offspring, and in the places of unmeasured or failed offspring the best of the old population (C1);
    a first generation that lost members to a race or to failures grows to its size.
    """

    def __init__(
        self,
        options: Generational,
        genome: Any,
        weights: tuple[float, ...],
        streams: Streams,
        selection: Callable[..., list[Individual]],
        crossover: Callable[..., tuple[Any, Any]],
        mutation: Callable[..., Any],
        screens: Sequence[Screen] = (),
        init: Sequence[Any] = (),
    ) -> None:
        super().__init__(genome, weights, options.generations, screens)
        self._options, self._streams, self._init = options, streams, init
        self._select, self._cross, self._mutate = selection, crossover, mutation
        self._predictions_compete = any(getattr(screen, "unmeasured", "fill") == "paper" for screen in screens)

    def ask(self) -> list[Individual]:
        rng = self._streams.at("variation", self.generation).numpy()
        if not self.population:
            return self._first(rng)
        pool = self._pool()
        # Where so many failed that elites are fewer than planned, offspring take their places.
        n_elites = min(self._options.n_elites, len(only_ok(self.population)))
        mutate = self._mutation_now()
        return self._distinct(self._options.population - n_elites, set(), lambda: self._child(pool, mutate, rng))

    def tell(self, individuals: Sequence[Individual]) -> None:
        old = ranked(only_ok(self.population))
        elites = old[: self._options.n_elites]
        offspring = only_ok(individuals)
        if self._predictions_compete:
            offspring += [one for one in individuals if not one.fitness.valid and one.predicted is not None]
        room = self._options.population - len(elites) - len(offspring)
        self.population = elites + offspring + old[len(elites) :][: max(room, 0)]
        self.archive.add(self.generation, individuals, self.population)
        self.generation += 1

    def _first(self, rng: np.random.Generator) -> list[Individual]:
        """The genes of ``init``, then known good individuals of the genome, then random ones."""
        known_good: Sequence[Any] = getattr(self._genome, "seeds", list)()
        told = [("init", genes) for genes in self._init] + [("seed", genes) for genes in known_good]
        made = [make_individual(self._genome, genes, self._weights, born_by=origin) for origin, genes in told]
        distinct = {one.key: one for one in reversed(made)}  # of twins, the first stays
        seeded = [one for one in made if distinct[one.key] is one][: self._options.population]
        rest = self._options.population - len(seeded)
        return [*seeded, *self._distinct(rest, {one.key for one in seeded}, lambda: self._random(rng))]

    def _random(self, rng: np.random.Generator) -> Individual:
        return make_individual(self._genome, self._genome.random(rng), self._weights)

    def _pool(self) -> list[Individual]:
        """Who may be a parent: the measured, and with ``unmeasured: paper`` the predicted at their predicted value."""
        return [
            one if one.predicted is None or one.fitness.valid else _standing_for(one, one.predicted)
            for one in self.population
        ]

    def _mutation_now(self) -> Callable[..., Any]:
        """The mutation; of one that anneals, this generation's."""
        at = getattr(self._mutate, "at", None)
        return self._mutate if at is None else at(self.generation)

    def _child(self, pool: list[Individual], mutate: Callable[..., Any], rng: np.random.Generator) -> Individual:
        a, b = self._select(pool, 2, rng)
        genes, _ = self._cross(a.genes, b.genes, rng)
        return make_individual(self._genome, mutate(genes, rng), self._weights, (a.key, b.key), "crossover+mutation")

    def _distinct(self, n: int, taken: set[str], draw: Callable[[], Individual]) -> list[Individual]:
        """``n`` individuals that are new and in no other place, as far as ``TRIES`` draws for each can find them."""
        drawn = []
        for _ in range(n):
            one = draw()
            for _ in range(TRIES):
                if one.key not in taken and one.key not in self.archive.known:
                    break
                one = draw()
            taken.add(one.key)
            drawn.append(one)
        return drawn


def _standing_for(individual: Individual, predicted: float) -> Individual:
    return replace(individual, fitness=Score(individual.fitness.weights, (predicted,)))
