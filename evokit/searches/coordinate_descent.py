"""Coordinate descent over one-gene neighbours: the rival that a genetic algorithm with few genes must beat."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import numpy as np
from annotated_types import Ge, Gt, Le

from evokit.common.names import listed
from evokit.genomes.individuals import make_individual, ranked, weights_of
from evokit.genomes.space.genome import SpaceGenome
from evokit.genomes.space.kinds import Numeric
from evokit.interfaces import Context, Individual
from evokit.options import Label, added
from evokit.searches.archive import only_ok
from evokit.searches.stepping import AskTell


@dataclass(frozen=True)
class CoordinateDescent:
    """From a random point, one gene after the other in random order, to the best of its alternatives.

    The plain local search: as a rival that evolution must beat, and to finish what another search found, for which
    ``polish`` begins it there.

    ``per_gene`` alternatives are drawn for each gene (all if null). A real number has two, a ``step`` up and down (a
    share of its range, no further than its bounds), and a sweep over all genes without an improvement halves the step,
    down to ``tolerance``: compass search. Where nothing is better any more it starts again from a new random point, or
    with ``restarts: false`` ends.

    Of a space a gene is a parameter: numbers have steps, whole ones of one at least, choices all options, a subset an
    option more, less or exchanged, an order two neighbours that change places; what begins to exist is drawn.

    The first start is the best of ``init``, if the recipe has one, and with ``seeds`` of the genome's known good
    individuals and a random one, as in evolution. ``label`` is its name in the results.

    Source: Kolda, Lewis and Torczon 2003, "Optimization by Direct Search: New Perspectives on Some Classical and Modern
    Methods", section 3.2 (real numbers).
    """

    per_gene: Annotated[int, Ge(1)] | None = None
    generations: Annotated[int, Ge(1)] | None = None
    seeds: bool = False
    step: Annotated[float, Gt(0), Le(1)] = added(0.1)
    tolerance: Annotated[float, Gt(0)] = added(1e-6)
    restarts: bool = added(True)
    label: Label = ""

    reads: ClassVar[frozenset[str]] = frozenset({"init"})
    genes: ClassVar[frozenset[str]] = frozenset({"index_vector", "bits", "real_vector", "space"})

    def build(self, context: Context) -> CoordinateDescender:
        genes = getattr(context.genome, "genes", "genes of its own")
        if genes not in self.genes:
            raise ValueError(f"coordinate_descent works on {listed(sorted(self.genes))}, not on {genes}")
        return CoordinateDescender(self, context)


class CoordinateDescender(AskTell):
    """One ``step`` measures the alternatives of one gene."""

    def __init__(self, options: CoordinateDescent, context: Context) -> None:
        genome, weights = context.genome, weights_of(context.fitness.objectives)
        super().__init__(genome, weights, options.generations)  # the population is the current point
        self._options, self._streams = options, context.streams
        self._told = self._seeds_if(options.seeds, context.init)
        self._draws = options.seeds or not context.init  # whether a random point may be the first start too
        self._started = 0  # generation of the current start
        self._stuck = 0  # genes since the last improvement, or the last halving of the step
        self._step = options.step
        self._ended = False
        kinds = genome.kinds if isinstance(genome, SpaceGenome) else ()
        self._has_steps = genome.genes == "real_vector" or any(isinstance(kind, Numeric) for kind in kinds)

    @property
    def done(self) -> bool:
        return self._ended or super().done

    @property
    def endless(self) -> bool:
        return self._options.restarts and super().endless

    def ask(self) -> list[Individual]:
        rng = self._streams.at("coordinate_descent", self.generation).numpy()
        if not self.population:
            drawn = make_individual(self._genome, self._genome.random(rng), self._weights)
            if self.generation:
                return [drawn]
            return [*self._told, drawn] if self._draws else list(self._told)
        current, per_gene = self.population[0], self._options.per_gene
        gene = self._order()[(self.generation - self._started - 1) % len(current.genes)]
        if isinstance(self._genome, SpaceGenome):
            beside: Sequence[Any] = self._genome.beside(current.genes, gene, self._step, rng)
            if per_gene is not None and per_gene < len(beside):
                beside = [beside[place] for place in sorted(rng.choice(len(beside), per_gene, replace=False).tolist())]
            return [make_individual(self._genome, one, self._weights, (current.key,), "one_gene") for one in beside]
        choices = [value for value in self._values(gene, current.genes[gene]) if value != current.genes[gene]]
        if per_gene is not None and per_gene < len(choices):
            choices = sorted(rng.choice(choices, per_gene, replace=False).tolist())
        return [self._neighbour(current, gene, value) for value in choices]

    def tell(self, individuals: Sequence[Individual]) -> None:
        valid = ranked(only_ok(individuals))
        if not self.population:
            self.population, self._started, self._stuck, self._step = valid[:1], self.generation, 0, self._options.step
        elif valid and valid[0].fitness > self.population[0].fitness:
            self.population, self._stuck = valid[:1], 0
        else:
            self._stuck += 1
        self.archive.add(self.generation, individuals, self.population)
        if self.population and self._stuck >= len(self.population[0].genes):
            self._sweep_in_vain()
        self.generation += 1

    def _sweep_in_vain(self) -> None:
        """Nothing is better than the current point: go on by smaller steps, elsewhere or not at all."""
        if self._has_steps and self._step / 2 >= self._options.tolerance:
            self._step, self._stuck = self._step / 2, 0
        elif self._options.restarts:
            self.population = []
        else:
            self._ended = True

    def _values(self, gene: int, now: Any) -> Sequence[Any]:
        """What a gene may be."""
        if self._genome.genes == "real_vector":
            low, high = float(self._genome.low[gene]), float(self._genome.high[gene])
            step = self._step * (high - low)
            return [max(low, now - step), min(high, now + step)]
        return range(self._genome.sizes[gene] if self._genome.genes == "index_vector" else 2)

    def state_dict(self) -> dict[str, Any]:
        mine = {"started": self._started, "stuck": self._stuck, "step": self._step, "ended": self._ended}
        return super().state_dict() | mine

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        super().load_state_dict(state)
        self._started, self._stuck = state["started"], state["stuck"]
        self._step, self._ended = state["step"], state["ended"]

    def _order(self) -> np.ndarray:
        """The order of genes of this start, the same in every sweep."""
        rng = self._streams.at("coordinate_descent", "order", self._started).numpy()
        return rng.permutation(len(self.population[0].genes))

    def _neighbour(self, current: Individual, gene: int, value: float) -> Individual:
        genes = current.genes.copy()
        genes[gene] = value
        return make_individual(self._genome, genes, self._weights, (current.key,), "one_gene")
