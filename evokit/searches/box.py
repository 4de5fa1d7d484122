"""What searches over real vectors have in common: genes as points of the unit box, values to be minimised.

A space of numbers alone is searched like one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from evokit.genomes.individuals import make_individual, make_individuals, weights_of
from evokit.genomes.space.box import SpaceBox
from evokit.genomes.space.genome import SpaceGenome
from evokit.interfaces import Context, Individual
from evokit.searches.archive import only_ok
from evokit.searches.stepping import AskTell, refuse_without_fresh


def bounds_of(genome: Any) -> tuple[np.ndarray, np.ndarray]:
    """Of each gene the lowest and the highest value; the choices of an index vector count from 0."""
    if hasattr(genome, "sizes"):
        return np.zeros(genome.n_genes), np.array(genome.sizes, float) - 1
    if isinstance(genome, SpaceBox):
        return np.zeros(len(genome.steps)), np.ones(len(genome.steps))
    return genome.low, genome.high


def space_box(genome: Any, smooth: bool = False) -> SpaceBox | None:
    """The box of a space; None of a genome that is one by itself. Raises ``ValueError``: as ``SpaceBox``."""
    return SpaceBox(genome, smooth) if isinstance(genome, SpaceGenome) else None


class BoxSearch(AskTell):
    """A search of one objective whose individuals are points of a box; what is left to write is ``ask`` and ``_learn``.

    Args:
        context: Gives genome, fitness, streams, and the genes that the search begins with.
        horizon: Generations until the search is done, or None for no end of its own.
        reevaluate: Generations after which whoever may be champion is measured again on fresh data; None for never.

    Raises:
        ValueError: There are several objectives, or nothing to measure anybody again on.
    """

    def __init__(self, context: Context, horizon: int | None, reevaluate: int | None = None) -> None:
        weights = weights_of(context.fitness.objectives)
        if len(weights) > 1:
            raise ValueError(f"this search has one objective, the fitness has {len(weights)}: name nsga2")
        if reevaluate is not None:
            refuse_without_fresh(context.fitness)
        super().__init__(context.genome, weights, horizon, reevaluate=reevaluate)
        self._space = space_box(context.genome)
        self._low, self._high = bounds_of(context.genome if self._space is None else self._space)
        self._width = self._high - self._low
        self._streams, self._init = context.streams, [self._point(genes) for genes in context.init]
        if horizon is not None:  # a search without an end cannot tell
            self.expected = lambda: self._expected(horizon, context.fitness.budgets[-1])

    def tell(self, individuals: Sequence[Individual]) -> None:
        if len(individuals) == self._asked:  # a control whose work is spent measures only a part of its last generation
            points = self._points_of(individuals)
            self._learn(points, self._losses(individuals), individuals)
        self.archive.add(self.generation, individuals, self.population)
        self.generation += 1

    def _expected(self, horizon: int, each: int) -> tuple[int, int]:
        """Measurements and work of the whole search, for estimates."""
        n = horizon * self._usual_size
        return n, n * each

    @property
    def _usual_size(self) -> int:
        """How many individuals a generation has, as far as that is known before."""
        return self._asked

    @property
    def _asked(self) -> int:
        """How many individuals a whole generation has."""
        raise NotImplementedError

    def _learn(self, points: np.ndarray, losses: np.ndarray, individuals: Sequence[Individual]) -> None:
        """Take a whole generation: ``(n, n_genes)`` points and ``(n,)`` finite losses; set ``population``."""
        raise NotImplementedError

    def _individuals(self, points: ArrayLike, born_by: str) -> list[Individual]:
        """One for each row of ``(n, n_genes)`` points."""
        genes = np.clip(self._low + np.asarray(points) * self._width, self._low, self._high)
        if self._space is not None:
            found = map(self._space.genes, genes)
            return [make_individual(self._genome, one, self._weights, born_by=born_by) for one in found]
        if np.issubdtype(self._genome.dtype, np.integer):
            genes = np.rint(genes).astype(self._genome.dtype)
        n = len(genes)
        return make_individuals(self._genome, genes, self._weights, [()] * n, [born_by] * n)

    def _point(self, genes: Any) -> np.ndarray:
        """``(n_genes,)`` in the unit box."""
        if self._space is not None:
            return self._space.point(genes)
        point: np.ndarray = (np.asarray(genes, float) - self._low) / self._width
        return point

    def _points_of(self, individuals: Sequence[Individual]) -> np.ndarray:
        """``(n, n_genes)``, of one individual at least."""
        if self._space is not None:
            return np.stack([self._space.point(one.genes) for one in individuals])
        return self._point([one.genes for one in individuals])

    def _losses(self, individuals: Sequence[Individual]) -> np.ndarray:
        """Lower is better; who failed is as bad as the worst of the generation (C6)."""
        found = {one.key: -one.fitness.wvalues[0] for one in only_ok(individuals)}
        worst = max(found.values(), default=0.0)
        return np.array([found.get(one.key, worst) for one in individuals])
