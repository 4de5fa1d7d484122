"""A search that is chosen by what is known of the problem."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated, Any, ClassVar

from annotated_types import Ge

from evokit.crossover.own import OwnCrossover
from evokit.crossover.simulated_binary import SimulatedBinary
from evokit.genomes.space.box import is_box
from evokit.genomes.space.genome import SpaceGenome
from evokit.interfaces import Context
from evokit.mutation.heavy_tailed import HeavyTailed
from evokit.mutation.own import OwnMutation
from evokit.mutation.polynomial import Polynomial
from evokit.searches.box import bounds_of, space_box
from evokit.searches.cma import CMA
from evokit.searches.de import DE
from evokit.searches.generational import Generational
from evokit.searches.iterated_local_search import IteratedLocalSearch
from evokit.searches.nsga2 import NSGA2
from evokit.searches.portfolio import PortfolioSearch
from evokit.searches.quasi_newton import QuasiNewton
from evokit.searches.steady_state import SteadyState
from evokit.searches.stepping import AskTell
from evokit.selection.tournament import Tournament

MANY = 200  # real numbers, beyond which correlations cost more than they gain
FEW, MORE = 3, 5  # entrants of a tournament
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
    | a space of real numbers alone | what is taken for real numbers | it is searched as a box |
    | any other space, exact | ``iterated_local_search`` | most parameters act mostly by themselves, so that one after \
the other needs the fewest evaluations |
    | any other genome, exact | ``steady_state`` with 16 members, 4 in flight and tournaments of 5; the genome's own \
operators, for bits ``heavy_tailed`` mutation | each child is made of all that is known, so that few evaluations do |
    | any other genome, noisy | ``generational`` with 32 and the same operators | a lucky value leaves with its \
generation |
    | any other genome, and a fitness with fingerprints | the same | ``steady_state`` measures also what does the same |
    | with constraints | what is taken without | ``quasi_newton`` follows them, all others prefer the feasible |

    A fitness counts as noisy if it has fresh replicates to measure on (``fresh``). Neither workers nor stop rules have
    a part in the choice, which would make a result depend on them. For other choices name the search, such as a
    ``steady_state`` with more in flight for more than 4 workers, on a space for more than 2 an
    ``iterated_local_search`` with more ``descents``.

    ``generations`` are those of what it chose; without it a stop rule of the recipe ends the search.
    """

    generations: Annotated[int, Ge(1)] | None = None

    reads: ClassVar[frozenset[str]] = frozenset({"init"})

    def build(self, context: Context) -> AskTell:
        context = replace(context, screens=())
        n_objectives, genome = len(context.fitness.objectives), context.genome
        real = getattr(genome, "genes", "") == "real_vector"
        search: AskTell
        smooth = real or is_box(genome, smooth=True)
        if n_objectives > 1:
            operators = (SimulatedBinary(), Polynomial()) if real else (OwnCrossover(), OwnMutation())
            search = NSGA2(generations=ANY).build(_with(context, *operators))
            search.chosen = f"auto took nsga2: there are {n_objectives} objectives"
        elif smooth:
            search = _continuous(context)
        elif isinstance(genome, SpaceGenome) and _exact(context.fitness):
            search = IteratedLocalSearch().build(context)
            search.chosen = "auto took iterated_local_search: an exact fitness, and genes are of kind space"
        else:
            search = _of_any_genome(context)
        search.horizon = self.generations
        vars(search).pop("expected", None)  # of as many generations as were said
        return search


def _continuous(context: Context) -> AskTell:
    low, _ = bounds_of(space_box(context.genome) or context.genome)
    n, noisy = len(low), hasattr(context.fitness, "fresh")
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


def _of_any_genome(context: Context) -> AskTell:
    genome, noisy, exact = context.genome, hasattr(context.fitness, "fresh"), _exact(context.fitness)
    mutation = HeavyTailed() if getattr(genome, "genes", "") == "bits" else OwnMutation()
    options: Generational | SteadyState = Generational(generations=ANY)
    if exact:
        options = SteadyState(population=16, generations=ANY, in_flight=4)
    search = options.build(_with(context, OwnCrossover(), mutation, FEW if noisy else MORE))
    name = "steady_state" if exact else "generational"
    what = "an exact fitness" if exact else "a noisy fitness" if noisy else "an exact fitness with fingerprints"
    kind = getattr(genome, "genes", "") or type(genome).__name__
    search.chosen = f"auto took {name}: {what}, and genes are of kind {kind}"
    return search


def _exact(fitness: Any) -> bool:
    """Whether it has neither fresh replicates nor fingerprints, which other searches make use of."""
    return not hasattr(fitness, "fresh") and not hasattr(fitness, "fingerprint")


def _with(context: Context, crossover: Any, mutation: Any, entrants: int = FEW) -> Context:
    """The context with operators for a recipe that names none; ``entrants`` of a tournament."""
    made = {"selection": Tournament(entrants), "crossover": crossover, "mutation": mutation}
    return replace(context, operators={kind: one.build(context) for kind, one in made.items()})
