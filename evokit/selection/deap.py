"""DEAP's selections by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from deap import tools

from evokit.contracts.deap_functions import check_call, refuse_failing
from evokit.contracts.global_generators import driven_by
from evokit.genomes.individuals import constraints_of, weights_of
from evokit.interfaces import Context, Individual, Score
from evokit.options import rest

ANY_NUMBER = (
    "selRandom",
    "selTournament",
    "selRoulette",
    "selStochasticUniversalSampling",
    "selLexicase",
    "selEpsilonLexicase",
    "selAutomaticEpsilonLexicase",
)
EACH_ONCE = ("selBest", "selWorst", "selNSGA2", "selSPEA2")  # never more than there are members
PROPORTIONAL = ("selRoulette", "selStochasticUniversalSampling")
BY_VALUES = (*PROPORTIONAL, "selLexicase", "selEpsilonLexicase", "selAutomaticEpsilonLexicase")  # not by comparison
REFERENCES = "needs reference points, which no recipe's fitness has; use selNSGA2 or the search nsga2"
REFUSED = {
    "selDoubleTournament": "compares the lengths of individuals, which are all alike here; use selTournament",
    "selTournamentDCD": "needs crowding distances that nobody sets here; use the search nsga2",
    "selNSGA3": REFERENCES,
    "selNSGA3WithMemory": REFERENCES,
}


@dataclass(frozen=True)
class DeapSelection:
    """A selection of ``deap.tools``, such as ``{name: deap, operator: selTournament, tournsize: 3}``.

    ``operator`` is one of ``selRandom``, ``selBest``, ``selWorst``, ``selTournament``, ``selRoulette``,
    ``selStochasticUniversalSampling`` (values above 0 that are to be maximised), ``selLexicase``,
    ``selEpsilonLexicase``, ``selAutomaticEpsilonLexicase``, ``selNSGA2`` and ``selSPEA2``. All other keys are its own
    keyword arguments. Its chance comes from the run's seed. Of those that take nobody twice, members are taken in turn
    where more are asked for than there are.

    For whoever knows an operator from DEAP, or compares with a script of it; evokit's own ones are faster in large
    populations.

    Raises:
        ValueError: DEAP has no such selection, or its arguments are others; in ``build``: it is not for this goal.
    """

    operator: str
    arguments: Mapping[str, Any] = rest()

    def __post_init__(self) -> None:
        check_call(self.operator, self.arguments, [*ANY_NUMBER, *EACH_ONCE], REFUSED)

    def build(self, context: Context) -> Callable[[Sequence[Individual], int, np.random.Generator], list[Individual]]:
        weights = weights_of(context.fitness.objectives)
        if self.operator in BY_VALUES and constraints_of(context.fitness):
            raise ValueError(f"{self.operator} sees values alone, and this fitness has constraints; use selTournament")
        if self.operator in PROPORTIONAL and weights[0] < 0:
            raise ValueError(f"{self.operator} is for values that are to be maximised; use roulette")
        some = [Individual(None, str(value), Score(weights, (value,) * len(weights))) for value in (1.0, 2.0)]
        rng = context.streams.at("assembly", "selection").numpy()
        refuse_failing(self.operator, lambda: self._selected(some, 2, rng))
        return self._selected

    def _selected(self, population: Sequence[Individual], n: int, rng: np.random.Generator) -> list[Individual]:
        """``n`` members of the population, measured individuals, which is left unchanged.

        Raises:
            ValueError: The population is empty, or a value is not above 0 where it must be.
        """
        if not population:
            raise ValueError("population: must hold at least one measured individual")
        if self.operator in PROPORTIONAL and any(one.fitness.values[0] <= 0 for one in population):
            raise ValueError(f"{self.operator} is for values above 0; use roulette")
        at_most = min(n, len(population)) if self.operator in EACH_ONCE else n
        with driven_by(rng):
            chosen = getattr(tools, self.operator)(list(population), at_most, **self.arguments)
        return [chosen[i % len(chosen)] for i in range(n)]
