"""A search that is chosen by what is known of the problem."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated, Any, ClassVar

from annotated_types import Ge

from evokit.crossover.own import OwnCrossover
from evokit.crossover.simulated_binary import SimulatedBinary
from evokit.interfaces import Context
from evokit.mutation.own import OwnMutation
from evokit.mutation.polynomial import Polynomial
from evokit.searches.cma import CMA
from evokit.searches.de import DE
from evokit.searches.generational import Generational
from evokit.searches.nsga2 import NSGA2
from evokit.searches.portfolio import PortfolioSearch
from evokit.searches.quasi_newton import QuasiNewton
from evokit.searches.stepping import AskTell
from evokit.selection.tournament import Tournament

MANY = 200  # real numbers, beyond which correlations cost more than they gain
ENTRANTS = 3  # of a tournament
ANY = 1  # generations of a search that has no end of its own


@dataclass(frozen=True)
class Auto:
    """Chooses a search by genome, objectives and noise, and says which and why.

    | what it sees | what it takes | why |
    | --- | --- | --- |
    | several objectives | ``nsga2`` | it keeps the whole front |
    | real numbers, exact | ``portfolio`` of ``quasi_newton`` and ``cma`` | a smooth fitness is solved in some ten \
evaluations a number; where it is not, half the work is CMA-ES's |
    | real numbers, noisy | ``cma`` with ``adapt_rate`` | differences of noisy values mean nothing |
    | more than 200 real numbers | the same with ``covariance: separable`` | correlations cost n² numbers to learn |
    | a single real number | the same with ``de`` for ``cma`` | CMA-ES is for two or more |
    | any other genome | ``generational`` with 32 and the genome's own operators | a population keeps what several \
members found apart |

    A fitness counts as noisy if it has fresh replicates to measure on (``fresh``). Neither workers nor stop rules have
    a part in the choice, which would make a result depend on them. For other choices name the search.

    ``generations`` are those of what it chose; without it a stop rule of the recipe ends the search.
    """

    generations: Annotated[int, Ge(1)] | None = None

    reads: ClassVar[frozenset[str]] = frozenset({"init"})

    def build(self, context: Context) -> AskTell:
        context = replace(context, screens=())
        n_objectives, genome = len(context.fitness.objectives), context.genome
        real = getattr(genome, "genes", "") == "real_vector"
        search: AskTell
        if n_objectives > 1:
            operators = (SimulatedBinary(), Polynomial()) if real else (OwnCrossover(), OwnMutation())
            search = NSGA2(generations=ANY).build(_with(context, *operators))
            search.chosen = f"auto took nsga2: there are {n_objectives} objectives"
        elif real:
            search = _continuous(context)
        else:
            search = Generational(generations=ANY).build(_with(context, OwnCrossover(), OwnMutation()))
            search.chosen = f"auto took generational: one objective, and the genome is {type(genome).__name__}"
        search.horizon = self.generations
        vars(search).pop("expected", None)  # of as many generations as were said
        return search


def _continuous(context: Context) -> AskTell:
    n, noisy = context.genome.n_genes, hasattr(context.fitness, "fresh")
    few = n <= MANY
    wide: CMA | DE = CMA(covariance="full" if few else "separable", adapt_rate=noisy and few) if n > 1 else DE()
    name = type(wide).__name__.lower()
    search: AskTell
    if noisy:
        search = wide.build(context)
        search.chosen = f"auto took {name}: {n} real numbers, and a fitness with fresh replicates, which is noisy"
        return search
    first = QuasiNewton().build(replace(context, streams=context.streams.at("auto", "quasi_newton")))
    second = wide.build(replace(context, streams=context.streams.at("auto", name), init=()))
    search = PortfolioSearch([first, second], context, None)
    search.chosen = f"auto took quasi_newton and {name} in turn: {n} real numbers, and an exact fitness"
    return search


def _with(context: Context, crossover: Any, mutation: Any) -> Context:
    """The context with operators for a recipe that names none."""
    made = {"selection": Tournament(ENTRANTS), "crossover": crossover, "mutation": mutation}
    return replace(context, operators={kind: one.build(context) for kind, one in made.items()})
