import random

import numpy as np
import pytest
from deap import algorithms, base, creator, tools

import evokit
from evokit.contracts.global_generators import global_states
from evokit.genomes.individuals import key_of
from evokit.recipe import RecipeError, load_recipe
from tests.small import RECIPES, write_recipe

ONEMAX = RECIPES / "onemax.yaml"


@pytest.fixture
def box():
    return evokit.toolbox(ONEMAX)


@pytest.fixture(autouse=True)
def _restore_random():
    """DEAP's loops draw from Python's generator; a user seeds it, and so do these tests."""
    state = random.getstate()
    random.seed(1)
    yield
    random.setstate(state)


def same(a, b):
    return a.key == b.key


def test_ea_simple_solves_onemax(box):
    hall = tools.HallOfFame(1, similar=same)
    stats = tools.Statistics(lambda one: one.fitness.values[0])
    stats.register("max", np.max)
    final, logbook = algorithms.eaSimple(
        box.population(n=64), box, cxpb=0.9, mutpb=0.9, ngen=40, stats=stats, halloffame=hall, verbose=False
    )
    assert hall[0].fitness.values == (32.0,)
    assert logbook[-1]["max"] >= 30
    assert len(final) == 64


def test_ea_mu_plus_lambda_solves_onemax(box):
    hall = tools.HallOfFame(1, similar=same)
    algorithms.eaMuPlusLambda(
        box.population(n=32), box, mu=32, lambda_=64, cxpb=0.5, mutpb=0.5, ngen=40, halloffame=hall, verbose=False
    )
    assert hall[0].fitness.values == (32.0,)


def test_nothing_is_put_into_deaps_creator(box):
    before = set(vars(creator))
    algorithms.eaSimple(box.population(n=4), box, cxpb=0.5, mutpb=0.5, ngen=1, verbose=False)
    assert set(vars(creator)) == before
    assert isinstance(box, base.Toolbox)


def test_parents_stay_unchanged(box):
    parents = box.population(n=2)
    for one in parents:
        one.fitness.values = box.evaluate(one)
    before = [(one.genes.copy(), one.key, one.fitness.values) for one in parents]
    children = [*box.mate(*parents), *box.mutate(parents[0])]
    for one, (genes, key, values) in zip(parents, before, strict=True):
        assert np.array_equal(one.genes, genes)
        assert (one.key, one.fitness.values) == (key, values)
    assert not any(child.fitness.valid for child in children)


def test_children_know_key_and_parents(box):
    a, b = box.population(n=2)
    first, second = box.mate(a, b)
    genome = load_recipe(ONEMAX).genome.options.build(None)
    assert first.parents == second.parents == (a.key, b.key)
    assert first.key == key_of(genome, first.genes)


def test_a_clone_shares_genes_and_owns_its_fitness(box):
    (one,) = box.population(n=1)
    one.fitness.values = (1.0,)
    twin = box.clone(one)
    del twin.fitness.values
    assert twin.genes is one.genes
    assert one.fitness.values == (1.0,)


def test_the_same_recipe_draws_the_same(box):
    again = evokit.toolbox(load_recipe(ONEMAX))
    assert [one.key for one in box.population(n=5)] == [one.key for one in again.population(n=5)]


def test_operators_leave_the_global_generators_alone(box):
    import torch  # noqa: F401 - whose generator counts from the beginning

    before = global_states()
    population = box.population(n=8)
    for one in population:
        one.fitness.values = box.evaluate(one)
    box.mate(*box.select(population, 2))
    box.mutate(population[0])
    assert global_states() == before


def test_a_failed_evaluation_is_worse_than_all_others(tmp_path):
    box = evokit.toolbox(load_recipe(write_recipe(tmp_path), ["fitness={name: odd, fails: raises, all: true}"]))
    (one,) = box.population(n=1)
    one.fitness.values = box.evaluate(one)
    other = box.clone(one)
    other.fitness.values = (-1e300,)
    assert other.fitness > one.fitness


def test_a_search_without_operators_is_refused(tmp_path):
    path = tmp_path / "r.yaml"
    path.write_text(
        "fitness: {name: onemax}\ngenome: {name: bits, length: 4}\nsearch: {name: random_search, generations: 2}\n"
    )
    with pytest.raises(RecipeError, match=r"r\.yaml:3: search: random_search has no crossover, which a toolbox needs"):
        evokit.toolbox(path)


def test_the_public_name_stays_the_function_however_its_module_is_imported():
    import evokit.deap_toolbox

    assert evokit.toolbox is evokit.deap_toolbox.toolbox


SPHERE = {
    "fitness": {"name": "sphere"},
    "genome": {"name": "real_vector", "length": 3},
    "crossover": {"name": "simulated_binary"},
    "mutation": {"name": "polynomial"},
}


def test_a_mapping_and_what_to_change_of_it():
    box = evokit.toolbox(SPHERE | {"search": {"name": "generational"}}, {"genome.length": 5, "seed": 3})
    (one,) = box.population(n=1)
    assert one.genes.shape == (5,)
    with pytest.raises(evokit.UserError, match="this recipe is checked already"):
        evokit.toolbox(load_recipe(ONEMAX), {"seed": 1})


@pytest.mark.parametrize("search", ["mu_plus_lambda", "mu_comma_lambda"])
def test_a_search_that_selects_by_itself_has_a_toolbox_with_deaps_selection(search):
    box = evokit.toolbox(SPHERE | {"search": {"name": search}})
    final, _ = algorithms.eaMuPlusLambda(
        box.population(n=8), box, mu=8, lambda_=8, cxpb=0.5, mutpb=0.5, ngen=5, verbose=False
    )
    assert len(final) == 8


def test_functions_of_one_s_own_take_the_place_of_ours():
    box = evokit.toolbox(ONEMAX, select=tools.selBest, evaluate=lambda one: (0.0,))
    population = box.population(n=4)
    for place, one in enumerate(population):
        assert box.evaluate(one) == (0.0,)
        one.fitness.values = (place,)
    assert box.select(population, 1) == [population[3]]
