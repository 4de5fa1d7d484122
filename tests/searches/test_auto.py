from dataclasses import replace

import numpy as np
import pytest

from evokit.crossover.own import OwnCrossover
from evokit.crossover.simulated_binary import SimulatedBinary
from evokit.genomes.bits import Bits
from evokit.genomes.real_vector import RealVector
from evokit.genomes.space.parameters import Choice, Float
from evokit.genomes.space.space import Space
from evokit.interfaces import Context
from evokit.measuring.ledger import Ledger
from evokit.mutation.heavy_tailed import HeavyTailed
from evokit.mutation.own import OwnMutation
from evokit.mutation.polynomial import Polynomial
from evokit.searches.auto import Auto
from evokit.searches.cma import CMA, CMASearch
from evokit.searches.generational import Generational, GenerationalSearch
from evokit.searches.iterated_local_search import IteratedLocalSearcher
from evokit.searches.nsga2 import NSGA2, NSGA2Search
from evokit.searches.portfolio import PortfolioSearch
from evokit.searches.quasi_newton import QuasiNewton
from evokit.searches.steady_state import SteadyState, SteadyStateSearch
from evokit.selection.tournament import Tournament
from evokit.streams import Streams
from tests.door import SumFitness, door
from tests.searches.building import building_nested, built, portrait, run, stopped_and_resumed
from tests.searches.test_contract import Pair
from tests.searches.test_quasi_newton import BOX, Valley
from tests.small import launched

SPACE = Space({"rule": Choice(["a", "b"]), "rate": Float(0, 1)}).build(None)


class Noisy(SumFitness):
    def fresh(self):
        return self


class Telling(SumFitness):
    def fingerprint(self, phenotype):
        return phenotype


@pytest.mark.parametrize(
    ("fitness", "genome", "kind", "said"),
    [
        (Pair, BOX, NSGA2Search, "auto took nsga2: there are 2 objectives"),
        (Pair, Bits(3), NSGA2Search, "auto took nsga2: there are 2 objectives"),
        (SumFitness, BOX, PortfolioSearch, "auto took quasi_newton and cma in turn: 3 real numbers, and an exact"),
        (Noisy, BOX, CMASearch, "auto took cma: 3 real numbers, and a fitness with fresh replicates"),
        (
            SumFitness,
            Bits(3),
            SteadyStateSearch,
            "auto took steady_state: an exact fitness, and genes are of kind bits",
        ),
        (SumFitness, SPACE, IteratedLocalSearcher, "auto took iterated_local_search: an exact fitness, and genes are"),
        (Telling, SPACE, GenerationalSearch, "auto took generational: an exact fitness with fingerprints, and genes"),
        (Noisy, SPACE, GenerationalSearch, "auto took generational: a noisy fitness, and genes are of kind space"),
        (Telling, Bits(3), GenerationalSearch, "auto took generational: an exact fitness with fingerprints, and"),
        (Noisy, Bits(3), GenerationalSearch, "auto took generational: a noisy fitness, and genes are of kind bits"),
    ],
)
def test_it_takes_what_its_table_says_and_says_why(fitness, genome, kind, said):
    search = built(Auto(), fitness(), genome)
    assert isinstance(search, kind)
    assert search.chosen.startswith(said)
    assert search.endless


def test_what_it_takes_has_the_numbers_of_its_table():
    steady = built(Auto(), SumFitness(), Bits(3))
    assert (steady._size, steady._in_flight) == (16, 4)
    assert steady._select.size == 5
    assert built(Auto(), Noisy(), Bits(3))._select.size == 3
    assert built(Auto(), Noisy(), BOX)._options.adapt_rate
    assert not built(Auto(), SumFitness(), BOX)._members[1]._options.adapt_rate
    # Of bits many flip now and then, not one each time.
    rng = np.random.default_rng(0)
    assert max(steady._mutate(np.zeros(64, bool), rng).sum() for _ in range(200)) > 8


def test_many_numbers_are_searched_without_their_correlations():
    def strategy(n, fitness=None):
        search = built(Auto(), fitness or Noisy(), RealVector(-1, 1, n))
        return type(search._strategy).__name__

    assert [strategy(200), strategy(201)] == ["CMA", "SepCMA"]


def test_generations_are_those_of_what_it_took():
    for genome in (BOX, Bits(3)):
        search = built(Auto(generations=3), Valley() if genome is BOX else SumFitness(), genome)
        assert run(search, door(Valley() if genome is BOX else SumFitness(), genome=genome)).generation == 3


def test_it_goes_on_from_its_state_as_if_never_stopped(tmp_path):
    def make(ledger=None):
        return built(Auto(generations=40), Valley(), BOX), door(Valley(), ledger, BOX)

    whole, ledger = portrait(run(*make())), Ledger(":memory:")
    for resumed, _ in stopped_and_resumed(lambda: make(ledger), tmp_path, (-1.0,)):
        assert portrait(resumed) == whole


def test_a_run_says_what_was_taken(tmp_path):
    recipe = """\
genome: {name: bits, length: 12}
fitness: {name: onemax}
search: {name: auto}
stop: {target: 12}
execution: {backend: inline}
"""
    summary, _ = launched(tmp_path, recipe, [])
    assert summary["chosen"] == "auto took steady_state: an exact fitness, and genes are of kind bits"


INIT = ([0.5, -1.0, 1.5], [1.0, 1.0, 1.0])


def of_init(fitness, genome=BOX):
    """A context that begins with known genes, and the operators that a recipe may name, which auto does not read."""
    return building_nested(
        Context(Streams(7), fitness=fitness, genome=genome, init=[genome.from_json(one) for one in INIT])
    )


def test_both_searches_of_real_numbers_have_streams_of_their_own_and_the_first_alone_begins_with_init():
    fitness = SumFitness()
    context = of_init(fitness)
    streams = context.streams.at("auto")
    first = QuasiNewton().build(replace(context, streams=streams.at("quasi_newton")))
    second = CMA().build(replace(context, streams=streams.at("cma"), init=()))
    by_hand = run(PortfolioSearch([first, second], context, 60), door(fitness, genome=BOX))
    search = run(Auto(generations=60).build(context), door(fitness, genome=BOX))
    assert portrait(search) == portrait(by_hand)
    # Later descents are drawn, and each has had many turns: else the streams would not show.
    assert first.state_dict()["quasi_newton"]["descents"] > len(INIT)
    assert search.logbook.select("turn").count(1) > 5


@pytest.mark.parametrize(
    ("n", "noisy", "adapts", "covariance"),
    [(200, True, True, "full"), (201, True, False, "separable"), (3, False, False, "full")],
)
def test_the_rate_is_adapted_to_noise_where_correlations_are_learned(n, noisy, adapts, covariance):
    search = built(Auto(), Noisy() if noisy else SumFitness(), RealVector(-1, 1, n))
    options = (search if noisy else search._members[1])._options
    assert (options.adapt_rate, options.covariance) == (adapts, covariance)


@pytest.mark.parametrize(
    ("genome", "crossover", "mutation"),
    [(BOX, SimulatedBinary(), Polynomial()), (Bits(12), OwnCrossover(), OwnMutation())],
)
def test_several_objectives_are_searched_with_operators_that_fit_the_genome(genome, crossover, mutation):
    """Whatever operators the recipe has."""
    by_hand = built(NSGA2(generations=3), Pair(), genome, crossover=crossover, mutation=mutation)
    search = built(Auto(generations=3), Pair(), genome)
    found = [portrait(run(one, door(Pair(), genome=genome))) for one in (search, by_hand)]
    assert found[0] == found[1]


@pytest.mark.parametrize(
    ("fitness", "genome", "options", "mutation", "entrants"),
    [
        (SumFitness, Bits(12), SteadyState(population=16, generations=3, in_flight=4), HeavyTailed(), 5),
        (Noisy, Bits(12), Generational(generations=3), HeavyTailed(), 3),
        (Noisy, SPACE, Generational(generations=3), OwnMutation(), 3),
        (Telling, SPACE, Generational(generations=3), OwnMutation(), 5),
    ],
)
def test_any_other_genome_is_searched_with_the_operators_of_the_table(fitness, genome, options, mutation, entrants):
    context = Context(Streams(0), fitness=fitness(), genome=genome)
    made = {"selection": Tournament(entrants), "crossover": OwnCrossover(), "mutation": mutation}
    by_hand = options.build(replace(context, operators={kind: one.build(context) for kind, one in made.items()}))
    search = Auto(generations=3).build(context)
    found = [portrait(run(one, door(fitness(), genome=genome))) for one in (search, by_hand)]
    assert found[0] == found[1]


@pytest.mark.parametrize(
    ("fitness", "said"), [(SumFitness, "quasi_newton and de in turn: 1 real"), (Noisy, "de: 1 real")]
)
def test_a_single_number_is_searched_without_cma(fitness, said):
    genome = RealVector(-1, 1, 1)
    search = built(Auto(generations=12), fitness(), genome)
    assert search.chosen.startswith(f"auto took {said}")
    assert run(search, door(fitness(), genome=genome)).best().genes == pytest.approx([-1], abs=0.2)
