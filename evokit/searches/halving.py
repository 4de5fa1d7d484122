"""Successive halving and Hyperband: many random candidates begin at a low budget, the better ones go on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from annotated_types import Ge, MinLen

from evokit.genomes.individuals import make_individual, weights_of
from evokit.interfaces import Context, Individual, Measure
from evokit.options import Count
from evokit.screens.race import Race
from evokit.searches.archive import only_ok
from evokit.searches.stepping import AskTell


@dataclass(frozen=True)
class Halving:
    """Random candidates race over the budgets of the fitness: at each one the best of ``eta`` go on to the next.

    For a fitness that is dear in full and whose lower budgets tell something, where few candidates can be measured in
    full, such as settings of a training. It learns nothing from what was good: where hundreds can be measured in full,
    evolution with a ``race`` screen gains more.

    A generation is one bracket. With ``brackets: one`` each begins at the lowest budget (successive halving). As lower
    budgets may mislead, ``all`` hedges (Hyperband): the next bracket has fewer candidates and begins one budget higher,
    for no more work, the last one is random search at the full budget, and then the first comes again.
    ``finalists`` is how many of the first bracket reach the full budget; the other sizes follow from it. ``rungs`` are
    the lower budgets, all if null; those whose ratio is about ``eta`` serve best. ``init`` and the genome's seeds are
    among the first candidates.

    Source: Jamieson and Talwalkar 2016, "Non-stochastic Best Arm Identification and Hyperparameter Optimization"; Li et
    al. 2018, "Hyperband: A Novel Bandit-Based Approach to Hyperparameter Optimization", with the sizes of table 1.
    """

    eta: Annotated[int, Ge(2)] = 3
    brackets: Literal["one", "all"] = "all"
    finalists: Count = 1
    rungs: Annotated[tuple[int, ...], MinLen(1)] | None = None
    generations: Count | None = None

    reads: ClassVar[frozenset[str]] = frozenset({"init"})

    def build(self, context: Context) -> HalvingSearch:
        return HalvingSearch(self, context)


class HalvingSearch(AskTell):
    """A generation is a race of new candidates."""

    breeds = False

    def __init__(self, options: Halving, context: Context) -> None:
        self._race = Race(options.rungs, 1 / options.eta).build(context)
        weights = weights_of(context.fitness.objectives)
        super().__init__(context.genome, weights, options.generations, [self._race])
        self._streams = context.streams
        every = brackets([*self._race.rungs, context.fitness.budgets[-1]], options.eta, options.finalists)
        self._brackets = every if options.brackets == "all" else every[:1]
        self._told = self._known_good(context.init)
        places = self._brackets[0][0][0]
        if len(context.init) > places:
            raise ValueError(
                f"the first bracket ({places} candidates) has no room for the {len(context.init)} genes of init:"
                " raise finalists"
            )
        if (horizon := options.generations) is not None:  # a search without an end cannot tell
            self.expected = lambda: self._expected(horizon)

    @property
    def _bracket(self) -> list[tuple[int, int]]:
        return self._brackets[self.generation % len(self._brackets)]

    def ask(self) -> list[Individual]:
        rng = self._streams.at("halving", self.generation).numpy()
        places = self._bracket[0][0]
        told = [] if self.generation else self._told[:places]
        drawn = (make_individual(self._genome, self._genome.random(rng), self._weights) for _ in range(places))
        return [*told, *drawn][:places]

    def tell(self, individuals: Sequence[Individual]) -> None:
        self.population = only_ok(individuals)
        self.archive.add(self.generation, individuals, individuals)
        self.generation += 1

    def step(self, measure: Measure) -> None:
        """One bracket: as in ``AskTell``, with a race over the bracket's lower budgets for its screen."""
        self._race.rungs = [budget for _, budget in self._bracket[:-1]]
        super().step(measure)

    def _expected(self, generations: int) -> tuple[int, int]:
        """Measurements, those at lower budgets too, and work of the whole search, for estimates."""
        rounds, more = divmod(generations, len(self._brackets))
        rungs = [
            (n * (rounds + (place < more)), budget)
            for place, bracket in enumerate(self._brackets)
            for n, budget in bracket
        ]
        return sum(n for n, _ in rungs), sum(n * budget for n, budget in rungs)


def brackets(budgets: Sequence[int], eta: int, finalists: int = 1) -> list[list[tuple[int, int]]]:
    """How many run at which budget, in each bracket; the first begins at the lowest budget, the last at the full one.

    The sizes of a bracket divide by ``eta`` down to its last rung, and are the largest for which it spends no more than
    the first one; at least one candidate reaches the full budget. On budgets that grow by ``eta`` these are the sizes
    of the paper.

    Args:
        budgets: Ascending, the last is full.
        eta: Of so many one goes on.
        finalists: Of the first bracket, how many reach the full budget.

    >>> brackets([1, 3, 9], eta=3)
    [[(9, 1), (3, 3), (1, 9)], [(3, 3), (1, 9)], [(3, 9)]]
    """
    rungs = [(eta**left, budget) for left, budget in enumerate(reversed(budgets))][::-1]
    unit = [sum(share * budget for share, budget in rungs[first:]) for first in range(len(rungs))]
    times = [max(1, finalists * unit[0] // each) for each in unit]
    return [[(n * share, budget) for share, budget in rungs[first:]] for first, n in enumerate(times)]
