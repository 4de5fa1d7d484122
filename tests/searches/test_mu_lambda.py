import copy
from types import SimpleNamespace

import numpy as np
import pytest
from deap import algorithms, base, tools
from hypothesis import given, settings
from hypothesis import strategies as st

from evokit.genomes.bits import Bits
from evokit.genomes.index_vector import IndexVector
from evokit.measuring.ledger import Ledger
from evokit.screens.race import Race
from evokit.searches.mu_lambda import MuCommaLambda, MuPlusLambda
from tests.door import SumFitness, door
from tests.searches.building import built, portrait, run, set_values, stopped_and_resumed
from tests.searches.test_nsga2 import TwoFitness

WIDE = IndexVector([8] * 6)  # large enough that the search never runs out of new keys
PLUS, COMMA = MuPlusLambda(5, 12, 9), MuCommaLambda(5, 12, 9)
BOTH = pytest.mark.parametrize("options", [PLUS, COMMA], ids=["plus", "comma"])


def keys(individuals):
    return [one.key for one in individuals]


def told(search, values):
    search.tell(asked := set_values(search.ask(), values))
    return asked


@pytest.mark.parametrize("fitness", [SumFitness, TwoFitness])
@pytest.mark.parametrize(
    ("options", "theirs"), [(PLUS, algorithms.eaMuPlusLambda), (COMMA, algorithms.eaMuCommaLambda)]
)
def test_survivors_are_those_of_deap(options, theirs, fitness):
    fitness = fitness()
    search, measure = built(options, fitness, WIDE), door(fitness, genome=WIDE)
    born, ask = [], search.ask
    search.ask = lambda: born.append(copy.deepcopy(made := ask())) or made
    run(search, measure)
    first, *later = born
    children = iter([one for generation in later for one in generation])
    toolbox = base.Toolbox()
    toolbox.register("mutate", lambda _: (next(children),))
    toolbox.register("evaluate", lambda one: fitness.answer(one.genes, 1).values)
    toolbox.register("select", tools.selBest if len(fitness.objectives) == 1 else tools.selNSGA2)
    population, _ = theirs(first, toolbox, 5, 12, cxpb=0.0, mutpb=1.0, ngen=8, verbose=False)
    assert sorted(keys(search.population)) == sorted(keys(population))
    assert next(children, None) is None


def test_plus_keeps_the_best_of_parents_and_offspring():
    search = built(MuPlusLambda(3, 4), genome=WIDE)
    first = told(search, [5, 1, 6])
    second = told(search, [9, 2, 8, None])
    assert search.population == [first[1], second[1], first[0]]


def test_comma_keeps_the_best_of_the_offspring_however_good_a_parent_was():
    search = built(MuCommaLambda(3, 4), genome=WIDE)
    first = told(search, [5, 1, 6])
    second = told(search, [9, 2, 8, 7])
    assert search.population == [second[1], second[3], second[2]]
    assert search.best().key == first[1].key


def test_where_too_few_offspring_have_a_value_the_best_parents_stay():
    search = built(MuCommaLambda(3, 4), genome=WIDE)
    first = told(search, [5, 1, 6])
    second = told(search, [None, 9, None, None])
    assert search.population == [second[1], first[1], first[0]]
    third = told(search, [None] * 4)
    assert search.population == [first[1], first[0], second[1]]
    assert not set(keys(third)) & set(keys(search.population))


@BOTH
@settings(max_examples=30, deadline=None)
@given(st.lists(st.lists(st.none() | st.integers(0, 9), min_size=12, max_size=12), min_size=2, max_size=5))
def test_the_population_holds_the_measured_alone_and_its_size_once_reached(options, generations):
    search, reached = built(options, genome=WIDE), 0
    for values in generations:
        asked = search.ask()
        search.tell(set_values(asked, values[: len(asked)]))
        assert all(one.fitness.valid for one in search.population)
        assert reached <= len(search.population) == len(set(keys(search.population))) <= 5
        reached = len(search.population)


@BOTH
def test_parents_are_two_members_drawn_with_equal_chances(options):
    search = built(type(options)(4, 3000), genome=IndexVector([50] * 9))
    members = keys(told(search, [1, 2, 3, 4]))
    pairs = [one.parents for one in search.ask() if len(one.parents) == 2]
    assert len(pairs) > 2000  # the others are mutations of one alone
    assert all(a != b for a, b in pairs)
    share = [sum(key in pair for pair in pairs) / len(pairs) for key in members]
    assert share == pytest.approx([0.5] * 4, abs=0.05)


def test_one_parent_has_children_with_itself():
    search = built(MuPlusLambda(1, 3), genome=WIDE)
    (parent,) = told(search, [1])
    assert {(one.parents, one.born_by) for one in search.ask()} == {((parent.key,), "mutation")}


@BOTH
def test_asking_again_gives_the_same(options):
    search = run(built(options, genome=WIDE), door(genome=WIDE), 2)
    assert keys(search.ask()) == keys(search.ask())


@BOTH
def test_it_goes_on_from_its_state_as_if_never_stopped(options, tmp_path):
    def fails(genes):
        return "nan" if genes[0] == 1 else None

    def searched(ledger=None):
        fitness = SumFitness(budgets=(1, 2), fails=fails)
        return built(options, fitness, WIDE, [Race()]), door(fitness, ledger, WIDE)

    whole, ledger = portrait(run(*searched())), Ledger(":memory:")
    for resumed, _ in stopped_and_resumed(lambda: searched(ledger), tmp_path, (-1.0,)):
        assert portrait(resumed) == whole


@BOTH
def test_a_generation_of_which_a_part_was_told_counts_as_it_is(options):
    search, measure = built(options, genome=WIDE), door(genome=WIDE)
    run(search, measure, 2)
    measure(asked := search.ask()[:2])
    search.tell(asked)
    assert len(search.population) == 5
    assert search.generation == 3


@BOTH
def test_the_work_is_told_before(options):
    search, measure = built(options, genome=WIDE), door(genome=WIDE)
    assert search.expected() == (5 + 8 * 12, 5 + 8 * 12)
    assert run(search, measure).generation == 9
    assert measure.work == 5 + 8 * 12


def test_screens_make_it_cheaper_and_that_is_told():
    fitness = SumFitness(budgets=(1, 10))
    search, measure = built(PLUS, fitness, WIDE, [Race(keep=0.5)]), door(fitness, genome=WIDE)
    _, work = search.expected()
    run(search, measure)
    assert measure.work <= work < 10 * (5 + 8 * 12)


def test_comma_needs_more_offspring_than_parents():
    with pytest.raises(ValueError, match=r"offspring \(8\) must be more than population \(8\)"):
        MuCommaLambda(population=8, offspring=8)


@BOTH
def test_an_exhausted_space_ends_no_search(options):
    genome = Bits(2)
    fitness = SimpleNamespace(objectives={"sum": "min"}, budgets=(1,))
    search = built(options, fitness, genome)
    for _ in range(4):
        asked = search.ask()
        search.tell(set_values(asked, [float(np.sum(one.genes)) for one in asked]))
    assert len(search.population) == len(set(keys(search.population))) == 4
