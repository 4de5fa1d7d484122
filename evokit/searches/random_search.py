"""Random search: the control that every result is held against."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar

from annotated_types import Ge

from evokit.genomes.individuals import make_individual, weights_of
from evokit.interfaces import Context, Individual
from evokit.options import Label
from evokit.searches.archive import only_ok
from evokit.searches.stepping import AskTell


@dataclass(frozen=True)
class RandomSearch:
    """Independent random individuals, ``batch`` at a time. As a baseline it stops at the search's measured work.

    The genes of ``init`` come first, and with ``seeds`` the genome's known good individuals, as in evolution. ``label``
    is its name in results.
    """

    batch: Annotated[int, Ge(1)] = 8
    generations: Annotated[int, Ge(1)] | None = None
    seeds: bool = False
    label: Label = ""

    reads: ClassVar[frozenset[str]] = frozenset({"init"})

    def build(self, context: Context) -> RandomSearcher:
        return RandomSearcher(self, context)


class RandomSearcher(AskTell):
    """Draws from ``genome.random`` and remembers the best."""

    def __init__(self, options: RandomSearch, context: Context) -> None:
        super().__init__(context.genome, weights_of(context.fitness.objectives), options.generations)
        self._batch, self._streams = options.batch, context.streams
        self._known_first = self._seeds_if(options.seeds, context.init)

    def ask(self) -> list[Individual]:
        rng = self._streams.at("random_search", self.generation).numpy()
        drawn = [make_individual(self._genome, self._genome.random(rng), self._weights) for _ in range(self._batch)]
        first = self._known_first[self.generation * self._batch :][: self._batch]
        return [*first, *drawn[len(first) :]]

    def tell(self, individuals: Sequence[Individual]) -> None:
        self.population = only_ok(individuals)
        self.archive.add(self.generation, individuals, individuals)
        self.generation += 1
