"""The search by a model: whom it asks for, when it stops modelling, and that it finds what chance does not."""

import itertools
from dataclasses import replace

import numpy as np
import pytest

from evokit.genomes.index_vector import IndexVector
from evokit.interfaces import Context
from evokit.measuring.ledger import Ledger
from evokit.searches.model_based import ModelBased
from evokit.streams import Streams
from evokit.surrogates.extra_trees import ExtraTrees
from tests.door import SumFitness, door
from tests.searches.building import Part, built, portrait, run, stopped_and_resumed

GENOME = IndexVector([4] * 4)  # 256 genes, the best of which is all 0
TREES = Part(ExtraTrees(trees=10))


class Exact:
    """A surrogate that knows the sum; it notes what it was fitted to."""

    spreads = False

    def __init__(self):
        self.fitted = []

    def build(self, context):
        return self

    def fit(self, X, y, rng):
        self.fitted.append(len(y))

    def predict(self, X):
        return X @ np.arange(1, 5.0), np.zeros(len(X))


def searched(fitness=None, **options):
    fitness = fitness or SumFitness()
    search = built(ModelBased(**{"model": TREES, "start": 6, "generations": 30, **options}), fitness, GENOME)
    return search, door(fitness, genome=GENOME)


def test_it_measures_whom_the_model_wants_most():
    exact = Exact()
    search, measure = searched(model=Part(exact), acquisition="mean", random=0, batch=3, candidates=2000, generations=2)
    run(search, measure)
    values = sorted(float(np.dot(genes, np.arange(1, 5))) for genes in itertools.product(range(4), repeat=4))
    asked = [one.fitness.values[0] for one in search._told[6:]]
    assert sorted(asked) == values[:3], "of 2,000 candidates all 256 are there, and none of the first was as good"
    assert exact.fitted == [6]


def test_models_end_when_they_cost_more_than_they_spare():
    exact = Exact()
    search, measure = searched(model=Part(exact), acquisition="mean", until=9)
    run(search, measure)
    assert exact.fitted == [6, 7, 8]
    assert len(search._told) > 9


def test_it_finds_the_best_of_256_sooner_than_chance_would():
    found = []
    for seed in range(5):
        fitness = SumFitness()
        options = ModelBased(model=TREES, start=6, generations=40, acquisition="lower_confidence_bound")
        search = built(options, fitness, GENOME, seed=seed)
        run(search, door(fitness, genome=GENOME), 40)
        found.append(search.best().fitness.values[0])
    assert found == [0.0] * 5  # after 45 of 256; random draws would have it in 18 % of the runs


def test_nobody_is_asked_for_twice_and_asking_again_is_answered_alike():
    search, measure = searched(random=0.5)
    while not search.done:
        asked = search.ask()
        assert [one.key for one in search.ask()] == [one.key for one in asked]
        search.step(measure)
    keys = [one.key for one in search._told]
    assert len(set(keys)) == len(keys) == 6 + 29


def test_the_failed_are_no_models_business_and_are_not_asked_for_again():
    fitness = SumFitness(fails=lambda genes: "raised" if genes[0] else None)
    search, measure = searched(fitness, start=5)
    run(search, measure)
    assert all(one.genes[0] == 0 for one in search._told)
    assert len(set(fitness.evaluated)) == len(fitness.evaluated)


def test_it_goes_on_where_nobody_has_a_value():
    search, measure = searched(SumFitness(fails=lambda genes: "raised"), generations=5)
    run(search, measure)
    assert (search._told, search.generation) == ([], 5)


def test_it_is_the_same_stopped_and_resumed(tmp_path):
    def make(ledger):
        fitness = SumFitness()
        options = ModelBased(model=TREES, start=6, generations=12, batch=2)
        return built(options, fitness, GENOME), door(fitness, ledger, genome=GENOME)

    whole, ledger = portrait(run(*make(Ledger(":memory:")))), Ledger(":memory:")
    for resumed, _ in stopped_and_resumed(lambda: make(ledger), tmp_path, (-1.0,)):
        assert portrait(resumed) == whole


def test_an_acquisition_that_asks_how_sure_a_model_is_needs_one_that_tells():
    with pytest.raises(ValueError, match="acquisition: only mean is for a model that does not tell how sure"):
        searched(model=Part(Exact()))


def test_all_genes_of_init_are_measured_first():
    fitness = SumFitness()
    init = [np.full(4, value) for value in (3, 2, 1)]
    context = replace(Context(Streams(0), fitness=fitness, genome=GENOME), init=init)
    search = built(ModelBased(model=TREES, start=2), fitness, GENOME, context=context)
    assert [one.genes.tolist() for one in search.ask()] == [one.tolist() for one in init]
