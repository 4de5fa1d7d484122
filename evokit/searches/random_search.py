"""Random search: the control that every result is held against."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from annotated_types import Ge

from evokit.genomes.individuals import make_individual, weights_of
from evokit.interfaces import Context, Individual
from evokit.options import Label
from evokit.searches.archive import only_ok
from evokit.searches.stepping import AskTell
from evokit.streams import Streams


@dataclass(frozen=True)
class RandomSearch:
    """Independent random individuals, ``batch`` at a time. As a baseline it stops at the search's measured work.

    With ``seeds`` the genome's known good individuals come first, as in evolution. ``label`` is its name in results.
    """

    batch: Annotated[int, Ge(1)] = 8
    generations: Annotated[int, Ge(1)] | None = None
    seeds: bool = False
    label: Label = ""

    reads: ClassVar[frozenset[str]] = frozenset()

    def build(self, context: Context) -> RandomSearcher:
        return RandomSearcher(self, context.genome, weights_of(context.fitness.objectives), context.streams)


class RandomSearcher(AskTell):
    """Draws from ``genome.random`` and remembers the best."""

    def __init__(self, options: RandomSearch, genome: Any, weights: tuple[float, ...], streams: Streams) -> None:
        super().__init__(genome, weights, options.generations)
        self._batch, self._streams = options.batch, streams
        self._seeds = self._seeds_if(options.seeds)

    def ask(self) -> list[Individual]:
        rng = self._streams.at("random_search", self.generation).numpy()
        drawn = [make_individual(self._genome, self._genome.random(rng), self._weights) for _ in range(self._batch)]
        seeds = self._seeds[self.generation * self._batch :][: self._batch]
        return [*seeds, *drawn[len(seeds) :]]

    def tell(self, individuals: Sequence[Individual]) -> None:
        self.population = only_ok(individuals)
        self.archive.add(self.generation, individuals, individuals)
        self.generation += 1
