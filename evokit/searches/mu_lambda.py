"""Evolution strategies (mu + lambda) and (mu, lambda)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from evokit.interfaces import Context, Individual
from evokit.options import Count
from evokit.searches.archive import only_ok
from evokit.searches.evolving import Evolving, any_pairs, expected, survivors


@dataclass(frozen=True)
class MuPlusLambda:
    """Parents and their offspring compete: the best ``population`` of both are the next parents, (mu + lambda).

    For an exact fitness and a small budget: nothing good is ever lost, and with many offspring of few parents it is
    greedy. It stays on the optimum that it found, and under noise a lucky value never leaves; see ``mu_comma_lambda``
    and ``restarts``.

    ``population`` is mu, ``offspring`` lambda. Each child has two parents that are drawn with equal chances. With
    several objectives the best are those of the lower front, then the less crowded, as in ``nsga2``.

    Source: Beyer and Schwefel 2002, "Evolution strategies: A comprehensive introduction"; survivors are those of DEAP's
    ``eaMuPlusLambda`` with ``selBest``, with several objectives ``selNSGA2``.
    """

    population: Count = 16
    offspring: Count = 32
    generations: Count = 50

    reads: ClassVar[frozenset[str]] = frozenset({"crossover", "mutation", "screens", "init"})

    def build(self, context: Context) -> MuLambdaSearch:
        return MuLambdaSearch(self, context, parents_compete=True)


@dataclass(frozen=True)
class MuCommaLambda:
    """Parents live for one generation: the best ``population`` of their offspring are the next ones, (mu, lambda).

    For noisy fitnesses, whose lucky values leave with their generation. On an exact fitness ``mu_plus_lambda`` is
    faster. Five to seven offspring a parent are usual.

    ``population`` is mu, ``offspring`` lambda, which must be more. Each child has two parents that are drawn with equal
    chances. Where fewer offspring than ``population`` have a value, as many fail or are dropped by a screen, the best
    parents keep the places left. The best ever measured is remembered, and is the champion. With several objectives the
    best are those of the lower front, then the less crowded, as in ``nsga2``.

    Source: Beyer and Schwefel 2002, "Evolution strategies: A comprehensive introduction"; survivors are those of DEAP's
    ``eaMuCommaLambda``.
    """

    population: Count = 8
    offspring: Count = 48
    generations: Count = 50

    reads: ClassVar[frozenset[str]] = frozenset({"crossover", "mutation", "screens", "init"})

    def __post_init__(self) -> None:
        if self.offspring <= self.population:
            raise ValueError(
                f"offspring ({self.offspring}) must be more than population ({self.population}): if all become parents,"
                " nobody is selected"
            )

    def build(self, context: Context) -> MuLambdaSearch:
        return MuLambdaSearch(self, context, parents_compete=False)


class MuLambdaSearch(Evolving):
    """The loop; the first generation is the first parents."""

    def __init__(self, options: MuPlusLambda | MuCommaLambda, context: Context, *, parents_compete: bool) -> None:
        super().__init__(context, options.population, options.generations)
        self._offspring, self._parents_compete = options.offspring, parents_compete
        self.expected = lambda: expected(options.population, options.offspring, options.generations, context)

    def ask(self) -> list[Individual]:
        rng = self._rng()
        if not self.population:
            return self._first(rng)
        return self._children(self._offspring, self.population, any_pairs, rng)

    def tell(self, individuals: Sequence[Individual]) -> None:
        old, new = self.population, only_ok(individuals)
        best = survivors([*old, *new] if self._parents_compete else new, self._size)
        here = {one.key for one in best}
        rest = survivors([one for one in old if one.key not in here], self._size - len(best))
        self.population = [*best, *rest]
        self._end_generation(individuals, old)
