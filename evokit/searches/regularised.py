"""Regularised evolution: the oldest die."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import ClassVar

import numpy as np

from evokit.genomes.individuals import make_individual
from evokit.interfaces import Context, Individual
from evokit.options import Count
from evokit.searches.archive import only_ok
from evokit.searches.credit import drawn
from evokit.searches.evolving import Evolving, expected


@dataclass(frozen=True)
class Regularised:
    """Regularised evolution: the best of a random sample is mutated, the child joins, and the oldest member dies.

    For architectures and other genomes without a crossover that makes sense, and for noisy fitnesses: since everybody
    dies of age, a lucky value is soon gone, and only what does well in children again and again stays. A small
    ``sample`` explores, a large one is greedy.

    A generation has ``batch`` children, all of the population as it was at its beginning, so that workers are busy;
    with 1 it is the paper's algorithm. A child that failed lets nobody die. The best ever measured is remembered, and
    is the champion.

    Source: Real, Aggarwal, Huang and Le 2019, "Regularized Evolution for Image Classifier Architecture Search",
    algorithm 1.
    """

    population: Count = 100
    sample: Count = 25
    batch: Count = 8
    generations: Count = 100

    reads: ClassVar[frozenset[str]] = frozenset({"mutation", "screens", "init"})

    def __post_init__(self) -> None:
        for name in ("sample", "batch"):
            if (n := getattr(self, name)) > self.population:
                raise ValueError(f"{name} ({n}) must not be more than population ({self.population})")

    def build(self, context: Context) -> RegularisedSearch:
        if (n := len(context.fitness.objectives)) > 1:
            raise ValueError(f"this search has one objective, the fitness has {n}: name nsga2")
        return RegularisedSearch(self, context)


class RegularisedSearch(Evolving):
    """The loop. ``population`` is a queue: the oldest stand first."""

    def __init__(self, options: Regularised, context: Context) -> None:
        super().__init__(context, options.population, options.generations)
        self._options = options
        self.expected = lambda: expected(options.population, options.batch, options.generations, context)

    def ask(self) -> list[Individual]:
        rng = self._rng()
        if not self.population:
            return self._first(rng)
        mutate = self._mutation_now()

        def child() -> Individual:
            parent = self._parent(rng)
            by, mutate_it = drawn("mutation", mutate, rng)
            return make_individual(self._genome, mutate_it(parent.genes, rng), self._weights, (parent.key,), by)

        return self._distinct(self._options.batch, set(), child)

    def _parent(self, rng: np.random.Generator) -> Individual:
        """The best of a sample, which is drawn with replacement; of equals the first drawn."""
        drawn = rng.integers(len(self.population), size=self._options.sample)
        sample = [self.population[place] for place in drawn.tolist()]
        best: Individual = max(sample, key=attrgetter("fitness"))
        return best

    def tell(self, individuals: Sequence[Individual]) -> None:
        old = self.population
        self.population = [*old, *only_ok(individuals)][-self._size :]
        self._end_generation(individuals, old)
