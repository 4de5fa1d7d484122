"""Grid search: every point once, in the order of the recipe."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from evokit.genomes.points import Points
from evokit.individuals import make_individual, weights_of
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
        return GridSearcher(self.batch, context.genome, weights_of(context.fitness.objectives))


class GridSearcher(AskTell):
    """Goes through the genome's points and remembers the best."""

    def __init__(self, batch: int, genome: Any, weights: tuple[float, ...]) -> None:
        super().__init__(genome, weights, -(-len(genome.points) // batch))
        self._batch = batch

    def ask(self) -> list[Individual]:
        first = self.generation * self._batch
        points = self._genome.points[first : first + self._batch]
        return [make_individual(self._genome, point, self._weights, born_by="grid") for point in points]

    def tell(self, individuals: Sequence[Individual]) -> None:
        self.population = only_ok(individuals)
        self.archive.add(self.generation, individuals, individuals)
        self.generation += 1
