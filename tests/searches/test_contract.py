"""What holds for every search, whatever it does."""

from dataclasses import replace

import numpy as np
import pytest

from evokit.genomes.index_vector import IndexVector
from evokit.screens.race import Race
from evokit.searches.coordinate_descent import CoordinateDescent
from evokit.searches.generational import Generational
from evokit.searches.halving import Halving
from evokit.searches.mu_lambda import MuCommaLambda, MuPlusLambda
from evokit.searches.nsga2 import NSGA2
from evokit.searches.nsga3 import NSGA3
from evokit.searches.random_search import RandomSearch
from evokit.searches.regularised import Regularised
from evokit.searches.sms_emoa import SMSEMOA
from evokit.streams import Streams
from tests.door import SumFitness, door
from tests.searches.building import built, run


class Sorted(IndexVector):
    """Index vectors whose order does not matter."""

    def canonical(self, genes):
        return np.sort(genes)


class Pair(SumFitness):
    """The same sum twice, for searches of two objectives."""

    def __init__(self):
        super().__init__()
        self.objectives = {"sum": "min", "again": "min"}

    def answer(self, genes, budget):
        one = super().answer(genes, budget)
        return type(one)(one.values * 2, work=one.work)


SEARCHES = pytest.mark.parametrize(
    ("options", "fitness", "stream"),
    [
        (RandomSearch(4, 6), SumFitness, "random_search"),
        (CoordinateDescent(2, 6), SumFitness, "coordinate_descent"),
        (Generational(6, 6), SumFitness, "variation"),
        (NSGA2(6, 6), Pair, "variation"),
        (NSGA3(6, 6), Pair, "variation"),
        (SMSEMOA(6, 6, 4), Pair, "variation"),
        (Halving(generations=6), lambda: SumFitness((1, 3)), "halving"),
        (MuPlusLambda(6, 9, 6), SumFitness, "variation"),
        (MuCommaLambda(6, 9, 6), SumFitness, "variation"),
        (Regularised(6, 2, 3, 6), SumFitness, "variation"),
    ],
    ids=["random", "descent", "generational", "nsga2", "nsga3", "sms_emoa", "halving", "plus", "comma", "regularised"],
)


@SEARCHES
def test_a_search_whose_end_is_a_stop_rules_is_built_and_tells_its_work_at_once(options, fitness, stream):
    fitness = fitness()
    screened = "screens" in options.reads and len(fitness.objectives) == 1
    fitness.budgets = (1, 3)
    for screens in [(), (Race(keep=0.5),)] if screened else [()]:
        search = built(replace(options, generations=10**12), fitness, IndexVector([9] * 4), screens)
        n, work = search.expected() if hasattr(search, "expected") else (10**12, 10**12)
        assert 10**12 <= n <= work


def searched(options, fitness, genome):
    """The search at its end, and all that it asked for."""
    fitness, asked = fitness(), []
    search = built(options, fitness, genome, seed=7)
    measure, ask = door(fitness, genome=genome), search.ask
    search.ask = lambda: asked.append(ask()) or asked[-1]
    return run(search, measure), asked


@SEARCHES
def test_each_generation_is_logged_once_under_its_number(options, fitness, stream):
    search, _ = searched(options, fitness, IndexVector([8] * 4))
    assert search.logbook.select("generation") == list(range(6))


@SEARCHES
def test_whoever_is_born_has_canonical_genes(options, fitness, stream):
    _, asked = searched(options, fitness, Sorted([8] * 4))
    assert all((np.diff(one.genes) >= 0).all() for generation in asked for one in generation)


@SEARCHES
def test_the_first_are_drawn_from_the_stream_of_their_generation(options, fitness, stream):
    genome = IndexVector([1000] * 4)
    asked = built(options, fitness(), genome, seed=7).ask()
    rng = Streams(7).at(stream, 0).numpy()
    assert [one.genes.tolist() for one in asked] == [genome.random(rng).tolist() for _ in asked]
