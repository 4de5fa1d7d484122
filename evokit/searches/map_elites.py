"""MAP-Elites: of each kind of individual the best, and all of them parents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from evokit.interfaces import Context, Individual
from evokit.options import Count
from evokit.searches.archive import only_ok
from evokit.searches.elites import Diverse, Elites
from evokit.searches.evolving import Evolving, evenly, expected

POOL = 8  # elites a child that a generation's parents are drawn from, so that a large archive costs no more


@dataclass(frozen=True)
class MapElites(Diverse):
    """An archive that keeps the best individual of each kind, and breeds from all of them alike (MAP-Elites).

    For when not one best is asked for but many good ones that differ in ways that can be told: a spread to choose from,
    a map of what is possible, stepping stones to what a search for the best alone never meets. Any genome does, with
    the recipe's crossover and mutation; for real numbers crossover ``line`` with mutation ``gaussian`` is usual, and
    ``cma_me`` mostly stronger.

    ``descriptors`` say what kind an individual is: metrics that the fitness tells, each with bounds and a number of
    cells. What lies beyond a bound counts as at it, and ``outside`` in metrics.jsonl says how many did. Each cell of
    their grid keeps the best individual measured there; with ``niches`` there are so many cells whatever the number of
    descriptors, each of what is nearest to one of evenly spread points, for more than two or three descriptors. An
    individual one of whose descriptors is no finite number gets no cell (``unplaced``).

    ``coverage`` is the share of cells that hold somebody, ``qd_score`` the sum over them of how much better than
    ``offset`` each is, 0 of one that is worse. So let ``offset`` be the worst value that still counts: 0 if left out
    where higher is better, for a loss that of a useless individual.

    The first generation has ``initial`` random individuals, or as many as ``batch``, which all others have.

    Source: Mouret and Clune 2015, "Illuminating search spaces by mapping elites"; Vassiliades, Chatzilygeroudis and
    Mouret 2018 (niches); Pugh, Soros and Stanley 2016, "Quality Diversity: A New Frontier for Evolutionary Computation"
    (the score).
    """

    batch: Count = 32
    generations: Count = 100
    initial: Count | None = None

    reads: ClassVar[frozenset[str]] = frozenset({"crossover", "mutation", "screens", "init"})

    def build(self, context: Context) -> MapElitesSearch:
        return MapElitesSearch(self, context)


class MapElitesSearch(Evolving):
    """The loop. ``population`` is who was measured last; the elites are in an archive of their own."""

    functional = False  # its descriptors are metrics

    def __init__(self, options: MapElites, context: Context) -> None:
        first = options.initial or options.batch
        super().__init__(context, first, options.generations)
        self.elites = Elites(options, context)
        self.metrics_read = self.elites.cells.metrics
        self._batch = options.batch
        self._parents: list[Individual] = []
        self.expected = lambda: expected(first, options.batch, options.generations, context)

    def ask(self) -> list[Individual]:
        rng = self._rng()
        if not self.elites.members:
            return self._first(rng)
        self._parents = self.elites.sample(POOL * self._batch, rng)
        return self._children(self._batch, self._parents, evenly, rng)

    def tell(self, individuals: Sequence[Individual]) -> None:
        self.elites.add(individuals)
        self.population = only_ok(individuals)
        self._end_generation(individuals, self._parents)
        self.logbook[-1].update(self.elites.figures)

    def receive(self, individuals: Sequence[Individual]) -> None:
        """Let measured individuals from elsewhere compete for their cells."""
        self.elites.add(individuals)

    def state_dict(self) -> dict[str, Any]:
        return super().state_dict() | {"elites": self.elites.state_dict()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        super().load_state_dict(state)
        self.elites.load_state_dict(state["elites"])
