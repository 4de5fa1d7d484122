"""Operators that learn from how their children fare."""

from itertools import count

import numpy as np
import pytest

from evokit.crossover.adaptive import AdaptiveCrossover
from evokit.crossover.blx_alpha import BLXAlpha
from evokit.crossover.uniform import Uniform
from evokit.genomes.individuals import make_individual
from evokit.genomes.real_vector import RealVector
from evokit.genomes.self_adaptive_vector import SelfAdaptiveVectorOptions
from evokit.interfaces import Context, Evaluation, Score
from evokit.measuring.ledger import Ledger
from evokit.mutation.adaptive import AdaptiveMutation
from evokit.mutation.gaussian import Gaussian
from evokit.mutation.one_fifth import OneFifth
from evokit.mutation.self_adaptive import SelfAdaptive
from evokit.searches.credit import lessons
from evokit.searches.generational import Generational
from evokit.searches.islands import Islands
from evokit.searches.mu_lambda import MuCommaLambda, MuPlusLambda
from evokit.searches.nsga2 import NSGA2
from evokit.searches.regularised import Regularised
from evokit.searches.steady_state import SteadyState
from evokit.streams import Streams
from tests.door import SumFitness, door, story
from tests.searches.building import Part, built, portrait, run, stopped_and_resumed

BOX = RealVector(-5, 5, 4)
NUMBERS = count()
GOOD_AND_BAD = AdaptiveMutation(operators=(Part(Gaussian(0.02, prob=1.0)), Part(Gaussian(1.0, prob=1.0))))
CROSSOVERS = AdaptiveCrossover(operators=(Part(Uniform()), Part(BLXAlpha())))


class Sphere(SumFitness):
    def __init__(self, n=1, **options):
        super().__init__(**options)
        self.objectives = {str(i): "min" for i in range(n)}
        self.takes = frozenset({"vector"})

    def answer(self, genes, budget):
        if self.fails(genes):
            return super().answer(genes, budget)
        return Evaluation(tuple(float((genes - i) @ (genes - i)) for i in range(len(self.objectives))), work=budget)


def searched(options, ledger=None, fitness=None, **operators):
    fitness = fitness or Sphere()
    return built(options, fitness, BOX, **operators), door(fitness, ledger, BOX)


def child(parents, values, born_by="crossover:a+mutation:b", weights=(-1.0,)):
    genes = np.full(4, 0.1 * next(NUMBERS))
    one = make_individual(BOX, genes, weights, tuple(one.key for one in parents), born_by)
    one.fitness = Score(weights, values)
    return one


def parent(*values, weights=None):
    weights = weights or (-1.0,) * len(values)
    one = make_individual(BOX, np.full(4, values[0]), weights)
    one.fitness = Score(weights, values)
    return one


A, B = parent(1.0), parent(3.0)


@pytest.mark.parametrize(("value", "success"), [(0.5, True), (1.0, False), (2.0, False), (4.0, False)])
def test_a_child_must_be_better_than_the_better_parent(value, success):
    assert lessons("crossover", [child([A, B], (value,))], [A, B], ()) == [("a", success)]


def test_with_several_objectives_it_must_dominate_one_and_be_dominated_by_none():
    a, b = parent(1.0, 3.0), parent(3.0, 1.0)
    both, one, neither, equal = (1.0, 1.0), (0.5, 2.5), (2.0, 2.0), (1.0, 3.0)
    made = [child([a, b], values, weights=(-1.0, -1.0)) for values in (both, one, neither, equal)]
    assert [success for _, success in lessons("mutation", made, [a, b], ())] == [True, True, False, False]
    better, worse = parent(1.0, 1.0), parent(3.0, 3.0)
    made = [child([better, worse], values, weights=(-1.0, -1.0)) for values in [(0.5, 2.0), (2.0, 2.0), (1.0, 1.0)]]
    assert [success for _, success in lessons("mutation", made, [better, worse], ())] == [True, False, False]


def test_who_failed_has_beaten_nobody_and_who_was_not_measured_teaches_nothing():
    failed, dropped = child([A], ()), child([A, B], ())
    assert lessons("mutation", [failed], [A], {failed.key}) == [("b", False)]
    assert lessons("mutation", [dropped], [A, B], ()) == []


def test_a_child_teaches_those_alone_who_made_it_and_by_parents_that_are_known():
    alone = child([A], (0.5,), "mutation")
    assert lessons("mutation", [alone], [A], ()) == [("", True)]
    assert lessons("crossover", [alone], [A], ()) == []
    assert lessons("mutation", [child([A, B], (2.0,))], [B], ()) == [("b", True)]
    assert lessons("mutation", [child([A, B], (0.0,))], [], ()) == []
    assert lessons("mutation", [child([], (0.0,), "random")], [A], ()) == []


ALL = pytest.mark.parametrize(
    "options",
    [
        Generational(population=10, generations=10),
        NSGA2(population=10, generations=10),
        MuPlusLambda(population=4, offspring=10, generations=10),
        MuCommaLambda(population=4, offspring=10, generations=10),
        Regularised(population=10, sample=5, batch=5, generations=10),
        SteadyState(population=10, generations=10, in_flight=3, births=10),
    ],
    ids=lambda options: type(options).__name__,
)


@ALL
def test_every_search_that_evolves_learns_and_logs_it(options):
    fitness = Sphere(2 if isinstance(options, NSGA2) else 1)
    search, measure = searched(options, fitness=fitness, mutation=GOOD_AND_BAD, crossover=CROSSOVERS)
    run(search, measure)
    first, last = search.logbook[0], search.logbook[-1]
    assert (first["mutation_gaussian"], first["mutation_gaussian-2"]) == (0.5, 0.5)
    assert last["mutation_gaussian"] > 0.6  # steps of a fiftieth beat those across the whole range
    crossing = "crossover_blxalpha" in last
    assert crossing
    assert (last["crossover_uniform"] != 0.5) == (not isinstance(options, Regularised))
    words = {word for one in search.population for word in one.born_by.split("+")}
    assert words & {"mutation:gaussian", "mutation:gaussian-2"}


@ALL
def test_it_goes_on_from_its_state_as_if_never_stopped(options, tmp_path):
    n = 2 if isinstance(options, NSGA2) else 1

    def make(ledger):
        return searched(options, ledger, Sphere(n), mutation=GOOD_AND_BAD, crossover=CROSSOVERS)

    whole, ledger = Ledger(":memory:"), Ledger(":memory:")
    first = portrait(run(*make(whole)))
    for resumed, _ in stopped_and_resumed(lambda: make(ledger), tmp_path, (-1.0,) * n):
        assert portrait(resumed) == first
    assert story(ledger) == story(whole)


def test_asking_twice_answers_the_same_and_failures_count_as_lost():
    fitness = Sphere(fails=lambda genes: "raised" if abs(genes).max() > 4.5 else None)
    search, measure = searched(Generational(population=20, generations=6), fitness=fitness, mutation=GOOD_AND_BAD)
    run(search, measure, 3)
    assert [one.key for one in search.ask()] == [one.key for one in search.ask()]
    run(search, measure)
    assert search.logbook[-1]["mutation_gaussian"] > 0.6


def test_searches_side_by_side_learn_each_for_itself():
    islands = tuple(Part(Generational(population=8, generations=5)) for _ in range(2))
    search, measure = searched(Islands(islands, migrants=0), mutation=GOOD_AND_BAD)
    run(search, measure)
    one, other = (island["operators"]["mutation"] for island in search.state_dict()["islands"])
    assert one != other


def test_the_one_fifth_rule_closes_in_where_fixed_steps_do_not():
    def best(mutation):
        options = MuPlusLambda(population=1, offspring=5, generations=200)
        search, measure = searched(options, mutation=mutation, crossover=Uniform(prob=0.0))
        return run(search, measure)

    adapted = best(OneFifth())
    assert adapted.best().fitness.values[0] < 1e-8
    assert adapted.logbook[-1]["mutation_sigma"] < 1e-3
    assert best(Gaussian(0.1, prob=1.0)).best().fitness.values[0] > 1e-4


def test_self_adaptation_closes_in_with_the_comma_strategy():
    genome = SelfAdaptiveVectorOptions(4, low=-5, high=5).build(Context(Streams(0)))

    class Measured(Sphere):
        def answer(self, genes, budget):
            return super().answer(genes[:4], budget)

    fitness = Measured()
    search = built(
        MuCommaLambda(population=5, offspring=30, generations=120), fitness, genome,
        mutation=SelfAdaptive(), crossover=Uniform(prob=0.0),
    )  # fmt: skip
    run(search, door(fitness, genome=genome))
    assert search.best().fitness.values[0] < 1e-8
