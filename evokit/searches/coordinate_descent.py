"""Coordinate descent over one-gene neighbours: the rival that a genetic algorithm with few genes must beat."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import numpy as np
from annotated_types import Ge

from evokit.genomes.individuals import make_individual, ranked, weights_of
from evokit.interfaces import Context, Individual
from evokit.options import Label
from evokit.searches.archive import only_ok
from evokit.searches.stepping import AskTell
from evokit.streams import Streams


@dataclass(frozen=True)
class CoordinateDescent:
    """From a random point, one gene after the other in random order, to the best of its alternatives.

    ``per_gene`` alternatives are drawn for each gene (all if null). A sweep over all genes without an improvement
    starts again from a new random point. With ``seeds`` the first start is the best of the genome's known good
    individuals and a random one, as in evolution. ``label`` is its name in the results.
    """

    per_gene: Annotated[int, Ge(1)] | None = None
    generations: Annotated[int, Ge(1)] | None = None
    seeds: bool = False
    label: Label = ""

    reads: ClassVar[frozenset[str]] = frozenset()
    genes: ClassVar[frozenset[str]] = frozenset({"index_vector", "bits"})

    def build(self, context: Context) -> CoordinateDescender:
        genes = getattr(context.genome, "genes", "genes of its own")
        if genes not in self.genes:
            raise ValueError(f"coordinate_descent works on {' and '.join(sorted(self.genes))}, not on {genes}")
        return CoordinateDescender(self, context.genome, weights_of(context.fitness.objectives), context.streams)


class CoordinateDescender(AskTell):
    """One ``step`` measures the alternatives of one gene."""

    def __init__(self, options: CoordinateDescent, genome: Any, weights: tuple[float, ...], streams: Streams) -> None:
        super().__init__(genome, weights, options.generations)  # the population is the current point
        self._per_gene, self._streams, self._seeds = options.per_gene, streams, self._seeds_if(options.seeds)
        self._sizes = getattr(genome, "sizes", (2,) * genome.n_genes)  # a bit has two choices
        self._started = 0  # generation of the current start
        self._stuck = 0  # genes since the last improvement

    def ask(self) -> list[Individual]:
        rng = self._streams.at("coordinate_descent", self.generation).numpy()
        if not self.population:
            seeds = self._seeds if self.generation == 0 else []
            return [*seeds, make_individual(self._genome, self._genome.random(rng), self._weights)]
        current = self.population[0]
        gene = self._order()[(self.generation - self._started - 1) % len(current.genes)]
        choices = [value for value in range(self._sizes[gene]) if value != current.genes[gene]]
        if self._per_gene is not None and self._per_gene < len(choices):
            choices = sorted(rng.choice(choices, self._per_gene, replace=False).tolist())
        return [self._neighbour(current, gene, value) for value in choices]

    def tell(self, individuals: Sequence[Individual]) -> None:
        valid = ranked(only_ok(individuals))
        if not self.population:
            self.population, self._started, self._stuck = valid[:1], self.generation, 0
        elif valid and valid[0].fitness > self.population[0].fitness:
            self.population, self._stuck = valid[:1], 0
        else:
            self._stuck += 1
        self.archive.add(self.generation, individuals, self.population)
        if self.population and self._stuck >= len(self.population[0].genes):
            self.population = []
        self.generation += 1

    def state_dict(self) -> dict[str, Any]:
        return super().state_dict() | {"started": self._started, "stuck": self._stuck}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        super().load_state_dict(state)
        self._started, self._stuck = state["started"], state["stuck"]

    def _order(self) -> np.ndarray:
        """The order of genes of this start, the same in every sweep."""
        rng = self._streams.at("coordinate_descent", "order", self._started).numpy()
        return rng.permutation(len(self.population[0].genes))

    def _neighbour(self, current: Individual, gene: int, value: int) -> Individual:
        genes = current.genes.copy()
        genes[gene] = value
        return make_individual(self._genome, genes, self._weights, (current.key,), "one_gene")
