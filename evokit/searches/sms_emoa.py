"""SMS-EMOA: search for the front that dominates most."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

from annotated_types import Ge

from evokit.interfaces import Context, Individual
from evokit.options import Count
from evokit.searches.evolving import expected
from evokit.searches.nsga2 import NSGA2Search, check_several
from evokit.statistics.pareto import contributing, costs_of, ranks


@dataclass(frozen=True)
class SMSEMOA:
    """Evolve the Pareto front of two or three objectives whose members dominate most together.

    The front is denser than ``nsga2``'s where it bends, and what counts is the hypervolume that the summary tells.
    Parents win tournaments of two by front and crowding distance. Of the front that does not fit whole, whose
    hypervolume would be missed least goes, one after the other. With more than three objectives that takes long: use
    ``nsga3``.

    ``offspring`` are born in a generation, as many as ``population`` if not given; with fewer each is made of parents
    that are better, and fewer are measured at once. One is the search of the paper.

    Source: Beume, Naujoks and Emmerich 2007, "SMS-EMOA: Multiobjective selection based on dominated hypervolume".
    """

    population: Annotated[int, Ge(2)] = 32
    generations: Count = 50
    offspring: Count | None = None

    reads: ClassVar[frozenset[str]] = frozenset({"crossover", "mutation", "screens", "init"})

    def build(self, context: Context) -> SMSEMOASearch:
        check_several("sms_emoa", context)
        return SMSEMOASearch(self, context)


class SMSEMOASearch(NSGA2Search):
    """The loop of ``nsga2`` with another survival."""

    def __init__(self, options: SMSEMOA, context: Context) -> None:
        super().__init__(context, options.population, options.generations, offspring=options.offspring)
        self.expected = lambda: expected(self._size, self._offspring, options.generations, context)

    def _survivors(self, candidates: list[Individual]) -> list[Individual]:
        if len(candidates) <= self._size:
            return candidates
        scores = [one.fitness for one in candidates]
        places = contributing(costs_of(scores), ranks(scores), self._size)
        return [candidates[place] for place in places]
