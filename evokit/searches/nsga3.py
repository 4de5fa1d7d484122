"""NSGA-III: search for the trade-offs between three and more objectives."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, ClassVar

from annotated_types import Ge, MinLen

from evokit.interfaces import Context, Individual
from evokit.options import Count
from evokit.searches.archive import only_feasible
from evokit.searches.evolving import Select, expected
from evokit.searches.nsga2 import NSGA2Search, check_several, in_turn
from evokit.statistics.pareto import costs_of, ranks
from evokit.statistics.reference_points import niched, reference_points

MOST = 10**5  # reference points
PLACES = 100  # of a population that nothing is said of, at most


@dataclass(frozen=True)
class NSGA3:
    """Evolve a Pareto front towards reference points that are even over all mixes of objectives.

    For three and more objectives, where crowding distance spreads a front badly; with two ``nsga2`` and ``sms_emoa``
    are as good. Parents are drawn with equal chances, and of the front that does not fit whole those survive that are
    nearest to the lines through the reference points that have the fewest. Objectives may be of any scale: lines go
    from the best value ever measured of each, and the front's own width is the unit.

    ``divisions`` is how often each axis is divided, d divisions of m objectives making (d + m - 1)! / d! / (m - 1)!
    points: 91 for 12 and three objectives. As a list it is of layers, each half as wide as the one before: ``[3, 2]``
    for eight objectives, where even 3 divisions make 120 points and all of them lack an objective. Left out, as many as
    make no more points than ``population``, or than 100. Left out, ``population`` is the number of points, rounded up
    to a multiple of 4.

    Source: Deb and Jain 2014, "An Evolutionary Many-Objective Optimization Algorithm Using Reference-Point-Based
    Nondominated Sorting Approach, Part I", which crosses with ``simulated_binary``, ``prob: 1, eta: 30``.
    """

    population: Annotated[int, Ge(2)] | None = None
    generations: Count = 50
    divisions: Count | Annotated[tuple[Count, ...], MinLen(1)] | None = None

    reads: ClassVar[frozenset[str]] = frozenset({"crossover", "mutation", "screens", "init"})

    def build(self, context: Context) -> NSGA3Search:
        check_several("nsga3", context)
        return NSGA3Search(self, context)

    def layers(self, n_objectives: int) -> tuple[int, ...]:
        """Divisions of each layer.

        Raises:
            ValueError: They make too many points.
        """
        layers = self._layers(n_objectives)
        n_points = sum(math.comb(one + n_objectives - 1, one) for one in layers)
        if n_points > MOST:
            raise ValueError(f"divisions: make {n_points:,} reference points, {MOST:,} at most; divide less")
        return layers

    def _layers(self, n_objectives: int) -> tuple[int, ...]:
        if isinstance(self.divisions, tuple):
            return self.divisions
        if self.divisions is not None:
            return (self.divisions,)
        most, divisions = min(self.population or PLACES, MOST), 1
        while math.comb(divisions + n_objectives, n_objectives - 1) <= most:
            divisions += 1
        return (divisions,)


class NSGA3Search(NSGA2Search):
    """Best and extreme points are those of the front of all that was measured, so that there is nothing to remember."""

    def __init__(self, options: NSGA3, context: Context) -> None:
        n_objectives = len(context.fitness.objectives)
        self._points = reference_points(n_objectives, options.layers(n_objectives))
        population = options.population or 4 * math.ceil(len(self._points) / 4)
        super().__init__(context, population, options.generations)
        self.expected = lambda: expected(population, population, options.generations, context)

    def _selection(self) -> Select:
        return lambda pool, n, rng: [pool[place] for place in in_turn(len(pool), n, rng)]

    def _survivors(self, candidates: list[Individual]) -> list[Individual]:
        if len(candidates) <= self._size:
            return candidates
        scores = [one.fitness for one in candidates]
        seen = [one.fitness for one in only_feasible(self.archive.front)] or scores[:1]
        rng = self._streams.at("niching", self.generation).numpy()
        places = niched(costs_of(scores), ranks(scores), self._size, self._points, costs_of(seen), rng)
        return [candidates[place] for place in places]
