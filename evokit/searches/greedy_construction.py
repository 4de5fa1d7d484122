"""Greedy construction on a space: one group of parameters after the other, each the best of a few that are drawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from evokit.genomes.individuals import make_individual, weights_of
from evokit.genomes.space.genome import SpaceGenome
from evokit.interfaces import Context, Individual
from evokit.options import Count
from evokit.searches.archive import only_ok
from evokit.searches.evolving import expected
from evokit.searches.stepping import AskTell


@dataclass(frozen=True)
class GreedyConstruction:
    """Part by part: a group of parameters is drawn ``tries`` times beside all others, and the best of them stays.

    The rival that a population must beat where a solution is put together of parts, such as layers: it needs no
    crossover and keeps nothing but the best. Parts are the groups of the space in its order, a parameter outside of
    groups is one; after the last comes the first again.

    It begins with the best of ``init`` and, with ``seeds``, of the genome's known good individuals, or of ``tries``
    random ones. A generation is one part.

    Source: Feo and Resende 1995, "Greedy Randomized Adaptive Search Procedures", the construction phase.
    """

    tries: Count = 6
    generations: Count | None = None
    seeds: bool = False

    reads: ClassVar[frozenset[str]] = frozenset({"init"})
    genes: ClassVar[frozenset[str]] = frozenset({"space"})

    def build(self, context: Context) -> GreedyConstructor:
        if (n := len(context.fitness.objectives)) > 1:
            raise ValueError(f"this search has one objective, the fitness has {n}: name nsga2")
        return GreedyConstructor(self, context)


class GreedyConstructor(AskTell):
    """Draws parts; ``population`` is the best so far."""

    breeds = False

    def __init__(self, options: GreedyConstruction, context: Context) -> None:
        super().__init__(context.genome, weights_of(context.fitness.objectives), options.generations)
        self._tries, self._streams = options.tries, context.streams
        self._first = self._seeds_if(options.seeds, context.init)
        self._parts = parts_of(context.genome)
        if (horizon := options.generations) is not None:
            self.expected = lambda: expected(len(self._first) or self._tries, self._tries, horizon, context)

    def ask(self) -> list[Individual]:
        genome, weights = self._genome, self._weights
        rng = self._streams.at("greedy_construction", self.generation).numpy()
        if not self.population:
            first = self._first if not self.generation else []
            return first or [make_individual(genome, genome.random(rng), weights) for _ in range(self._tries)]
        (now,) = self.population
        places = self._parts[(self.generation - 1) % len(self._parts)]
        drawn = [genome.exchanged(now.genes, genome.random(rng), places, rng) for _ in range(self._tries)]
        allowed = [genes for genes in drawn if genome.allowed(genes)]
        return [make_individual(genome, genes, weights, (now.key,), "part") for genes in allowed]

    def tell(self, individuals: Sequence[Individual]) -> None:
        if valid := only_ok(individuals):
            self.population = [max([*self.population, *valid], key=lambda one: one.fitness)]
        self.archive.add(self.generation, individuals, self.population)
        self.generation += 1


def parts_of(genome: SpaceGenome) -> list[list[int]]:
    """Places of parameters, those of a group together."""
    parts: dict[str, list[int]] = {}
    for place, leaf in enumerate(genome.leaves):
        parts.setdefault(leaf.path[0], []).append(place)
    return list(parts.values())
