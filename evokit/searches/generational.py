"""Generational search with elites."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, ClassVar

import numpy as np
from annotated_types import Ge

from evokit.individuals import make_individual, ranked, weights_of
from evokit.interfaces import Context, Individual, Score, Screen
from evokit.searches.archive import Archive, dump_individuals, load_individuals
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

    reads: ClassVar[frozenset[str]] = frozenset({"selection", "crossover", "mutation", "screens"})

    def __post_init__(self) -> None:
        if self.n_elites >= self.population:
            raise ValueError(
                f"elites ({self.elites}) must leave room for offspring in a population of {self.population}"
            )

    @property
    def n_elites(self) -> int:
        return int(self.elites * self.population) if isinstance(self.elites, float) else self.elites

    def build(self, context: Context) -> GenerationalSearch:
        return GenerationalSearch(
            options=self,
            genome=context.genome,
            weights=weights_of(context.fitness.objectives),
            streams=context.streams,
            selection=context.operators["selection"],
            crossover=context.operators["crossover"],
            mutation=context.operators["mutation"],
            screens=context.screens,
        )


class GenerationalSearch(AskTell):
    """The loop. ``ask`` and ``tell`` are under ``step``, for those who run a loop of their own.

    A generation: ``ask`` makes offspring that are new keys (a known one or a twin is varied again, at most 10 times,
    and then kept: it takes its cached value). Screens choose who is measured. ``tell`` forms the next population:
    elites, measured offspring, and in the places of unmeasured or failed offspring the best of the old population (C1).
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
    ) -> None:
        super().__init__(Archive(genome, weights), options.generations, screens)
        self._options, self._genome, self._weights, self._streams = options, genome, weights, streams
        self._select, self._cross, self._mutate = selection, crossover, mutation
        self._predictions_compete = any(getattr(screen, "unmeasured", "fill") == "paper" for screen in screens)

    def ask(self) -> list[Individual]:
        rng = self._streams.at("variation", self.generation).numpy()
        if not self.population:
            return self._first(rng)
        pool = self._pool()
        return self._distinct(self._options.population - self._options.n_elites, lambda: self._child(pool, rng))

    def tell(self, individuals: Sequence[Individual]) -> None:
        old = ranked(one for one in self.population if one.fitness.valid)
        elites = old[: self._options.n_elites]
        offspring = [one for one in individuals if one.fitness.valid]
        if self._predictions_compete:
            offspring += [one for one in individuals if not one.fitness.valid and one.predicted is not None]
        room = self._options.population - len(elites) - len(offspring)
        self.population = elites + offspring + old[len(elites) :][: max(room, 0)]
        self.archive.add(self.generation, individuals, self.population)
        self.generation += 1

    def state_dict(self) -> dict[str, Any]:
        return {
            "generation": self.generation,
            "population": dump_individuals(self.population, self._genome),
            "archive": self.archive.state_dict(),
            "screens": [screen.state_dict() for screen in self.screens],
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self.generation = state["generation"]
        self.population = load_individuals(state["population"], self._genome, self._weights)
        self.archive.load_state_dict(state["archive"])
        for screen, saved in zip(self.screens, state["screens"], strict=True):
            screen.load_state_dict(saved)

    def _first(self, rng: np.random.Generator) -> list[Individual]:
        """Known good individuals of the genome first, then random ones."""
        known_good: Sequence[Any] = getattr(self._genome, "seeds", list)()
        seeds = known_good[: self._options.population]
        seeded = [make_individual(self._genome, genes, self._weights, born_by="seed") for genes in seeds]
        rest = self._options.population - len(seeded)
        taken = {one.key for one in seeded}
        return seeded + self._distinct(rest, lambda: self._random(rng), taken)

    def _random(self, rng: np.random.Generator) -> Individual:
        return make_individual(self._genome, self._genome.random(rng), self._weights)

    def _pool(self) -> list[Individual]:
        """Who may be a parent: the measured, and with ``unmeasured: paper`` the predicted at their predicted value."""
        return [
            one if one.predicted is None or one.fitness.valid else _standing_for(one, one.predicted)
            for one in self.population
        ]

    def _child(self, pool: list[Individual], rng: np.random.Generator) -> Individual:
        a, b = self._select(pool, 2, rng)
        genes, _ = self._cross(a.genes, b.genes, rng)
        return make_individual(
            self._genome, self._mutate(genes, rng), self._weights, (a.key, b.key), "crossover+mutation"
        )

    def _distinct(self, n: int, draw: Callable[[], Individual], taken: set[str] | None = None) -> list[Individual]:
        taken = set() if taken is None else taken
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
