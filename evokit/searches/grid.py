"""Grid search: every point once, in the order of the recipe."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from evokit.genomes.individuals import make_individual, weights_of
from evokit.genomes.points import Points
from evokit.interfaces import Context, Individual
from evokit.options import Count
from evokit.searches.archive import only_ok
from evokit.searches.stepping import AskTell


@dataclass(frozen=True)
class GridSearch:
    """Every point of the genome ``points`` once, ``batch`` of them a generation."""

    batch: Count = 8

    reads: ClassVar[frozenset[str]] = frozenset()
    genes: ClassVar[frozenset[str]] = frozenset({Points.genes})

    def build(self, context: Context) -> GridSearcher:
        fitness = context.fitness
        return GridSearcher(self.batch, context.genome, weights_of(fitness.objectives), fitness.budgets[-1])


class GridSearcher(AskTell):
    """Goes through the genome's points and remembers the best."""

    breeds = False

    def __init__(self, batch: int, genome: Any, weights: tuple[float, ...], work: int) -> None:
        super().__init__(genome, weights, -(-len(genome.points) // batch))
        self._batch, self._work = batch, work

    def ask(self) -> list[Individual]:
        first = self.generation * self._batch
        points = self._genome.points[first : first + self._batch]
        return [make_individual(self._genome, point, self._weights, born_by="grid") for point in points]

    def tell(self, individuals: Sequence[Individual]) -> None:
        self.population = only_ok(individuals)
        self.archive.add(self.generation, individuals, individuals)
        self.generation += 1

    def expected(self) -> tuple[int, int]:
        """Measurements and work of the whole search, for estimates."""
        n = len(self._genome.points)
        return n, n * self._work
