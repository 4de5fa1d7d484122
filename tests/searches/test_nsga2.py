import random
from collections import Counter

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from evokit.crossover.uniform import Uniform
from evokit.fitnesses.zdt1 import ZDT1
from evokit.genomes.index_vector import IndexVector
from evokit.genomes.real_vector import RealVector
from evokit.interfaces import Context, Evaluation
from evokit.measuring.ledger import Ledger
from evokit.mutation.gaussian import Gaussian
from evokit.screens.race import Race
from evokit.screens.surrogate import SurrogateScreen
from evokit.searches.nsga2 import NSGA2, crowded_tournament, in_turn
from evokit.searches.random_search import RandomSearch
from evokit.statistics.pareto import hypervolumes, standings
from evokit.streams import Streams
from evokit.surrogates.ridge import Ridge
from tests.door import SumFitness, door, story
from tests.searches.building import built, portrait, run, stopped_and_resumed

SMALL = NSGA2(population=8, generations=10)
WIDE = IndexVector([8] * 6)  # large enough that the search never runs out of new keys
WEIGHTS = (-1.0, 1.0)


class TwoFitness(SumFitness):
    """The sum of ``SumFitness`` to be small and the number of distinct genes to be large."""

    def __init__(self, **options):
        super().__init__(**options)
        self.objectives = {"sum": "min", "distinct": "max"}

    def answer(self, genes, budget):
        one = super().answer(genes, budget)
        return Evaluation((*one.values, float(len(set(genes.tolist())))), work=one.work) if one.ok else one


def some_fail(genes):
    return "nan" if genes[0] == 1 else None


def fitness():
    return TwoFitness(budgets=(1, 2), fails=some_fail)


def keys(individuals):
    return [one.key for one in individuals]


def told(search, values):
    asked = search.ask()
    for one, value in zip(asked, values, strict=False):
        if value is not None:
            one.fitness.values = value
    search.tell(asked)
    return asked


# --- who is born, who stays


def test_the_first_generation_is_random_and_distinct():
    asked = built(SMALL, TwoFitness(), WIDE).ask()
    assert len(set(keys(asked))) == 8
    assert {one.born_by for one in asked} == {"random"}


def test_the_next_population_are_the_best_of_parents_and_children_together():
    search = built(NSGA2(population=3), TwoFitness(), WIDE)
    first = told(search, [(1, 1), (2, 2), (5, 0)])
    second = told(search, [(0, 3), (3, 3), (9, 0)])
    # (0, 3) dominates all; of the second front, (1, 1), (2, 2) and (3, 3), the ends are the least crowded.
    assert keys(search.population) == [second[0].key, first[0].key, second[1].key]


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.lists(st.none() | st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=8, max_size=8),
        min_size=1,
        max_size=5,
    )
)
def test_whatever_is_measured_the_population_is_of_the_measured_and_not_dominated_by_who_just_left(generations):
    search, every = built(SMALL, TwoFitness(), WIDE), {}
    for values in generations:
        candidates = {one.key: one for one in search.population}
        for one in told(search, values):
            if one.fitness.valid:
                every[one.key] = candidates[one.key] = one
        assert all(one.fitness.valid for one in search.population)
        assert len(search.population) == min(8, len(every)) == len(set(keys(search.population)))
        left = [one for key, one in candidates.items() if key not in keys(search.population)]
        assert not any(a.fitness.dominates(b.fitness) for a in left for b in search.population)
        front = [one for one in every.values() if not any(a.fitness.dominates(one.fitness) for a in every.values())]
        points = Counter(one.fitness.values for one in front)
        assert {one.fitness.values: search.shared()[one.key] for one in search.front()} == points
        assert len(search.front()) == len(points)


def test_a_child_that_took_a_cached_value_takes_no_second_place():
    search = built(NSGA2(population=2), TwoFitness(), IndexVector([2]))
    measure = door(TwoFitness(), genome=IndexVector([2]))
    for _ in range(3):
        search.step(measure)
        assert len(set(keys(search.population))) == len(search.population) <= 2


def test_a_failed_individual_is_never_a_parent():
    def half_fail():
        return TwoFitness(budgets=(1, 2), fails=lambda genes: "nan" if genes[0] < 4 else None)

    ledger = Ledger(":memory:")
    run(built(SMALL, half_fail(), WIDE, [Race()]), door(half_fail(), ledger, WIDE))
    failed = {row[2] for row in story(ledger) if row[5] != "ok"}
    query = ledger._db.execute("SELECT parents FROM individuals")
    assert failed
    assert not any(key in parents for (parents,) in query for key in failed)


def test_who_lost_a_race_is_no_parent_and_not_on_the_front():
    ledger = Ledger(":memory:")
    search, measure = built(SMALL, fitness(), WIDE, [Race()]), door(fitness(), ledger, WIDE)
    while not search.done:
        search.step(measure)
        measured = {row[2] for row in story(ledger) if row[3] == 2}
        assert set(keys(search.population)) | set(keys(search.front())) <= measured
        assert {key for one in search.ask() for key in one.parents} <= measured


def test_a_first_generation_without_anybody_valid_is_drawn_again():
    search = built(SMALL, TwoFitness(), WIDE)
    first = told(search, [None] * 8)
    assert search.population == []
    assert not set(keys(search.ask())) & set(keys(first))


def test_the_champion_is_the_best_of_the_first_objective_and_ties_go_by_the_second():
    search = built(NSGA2(population=4), TwoFitness(), WIDE)
    asked = told(search, [(5, 9), (1, 2), (1, 3), (2, 9)])
    assert search.best().key == asked[2].key


# --- the tournament


def population(points):
    search = built(NSGA2(population=len(points)), TwoFitness(), WIDE)
    return told(search, points)


def test_a_tournament_of_two_is_won_by_front_then_crowding():
    members = population([(0, 0), (1, 1), (2, 5), (9, 9), (5, 1)])
    standing = standings([one.fitness for one in members])
    wins = dict.fromkeys(range(5), 0)
    drawn = in_turn(5, 400, np.random.default_rng(0))
    for place, winner in enumerate(crowded_tournament(members, standing, 200, np.random.default_rng(0))):
        a, b = drawn[2 * place : 2 * place + 2]
        expected = a if standing[a] >= standing[b] else b
        assert winner is members[expected]
        wins[expected] += 1
    assert wins[4] < 12  # dominated by all others but one, it wins where the end of one round meets itself in the next


def test_everybody_enters_once_before_anybody_enters_twice():
    rng = np.random.default_rng(0)
    for size, n in ((5, 12), (4, 4), (3, 1), (1, 2)):
        entrants = in_turn(size, n, rng)
        assert len(entrants) == n
        assert all(len(set(entrants[at : at + size])) == len(entrants[at : at + size]) for at in range(0, n, size))
    assert in_turn(9, 9, rng) != in_turn(9, 9, rng)


def test_a_population_of_one_is_its_own_winner():
    (only,) = population([(1, 1)])[:1]
    assert crowded_tournament([only], standings([only.fitness]), 2, np.random.default_rng(0)) == [only, only]


# --- what fits


def test_one_objective_is_refused():
    with pytest.raises(ValueError, match="nsga2 needs two or more objectives, the fitness has sum alone"):
        built(SMALL)


def test_a_surrogate_that_predicts_one_objective_is_refused():
    screen = SurrogateScreen(model=Ridge())
    with pytest.raises(ValueError, match="predicts one objective, the fitness has 2"):
        built(SMALL, TwoFitness(), WIDE, [screen])


# --- the known front


def searched_zdt1(options, generations, seed):
    genome, zdt1 = RealVector(0, 1, 6), ZDT1()
    parts = Context(Streams(seed), fitness=zdt1, genome=genome)
    operators = {
        "crossover": Uniform(prob=0.9).build(parts),
        "mutation": Gaussian(sigma=0.1).build(parts),
    }
    context = Context(Streams(seed), fitness=zdt1, genome=genome, operators=operators)
    search = options.build(context)
    measure = door(zdt1, genome=genome, batch=100)
    while search.generation < generations:
        search.step(measure)
    return np.array([one.fitness.values for one in search.front()])


@pytest.mark.parametrize("seed", range(2))
def test_it_finds_the_front_of_zdt1_over_its_whole_width(seed):
    front = searched_zdt1(NSGA2(population=24, generations=60), 60, seed)
    distance = front[:, 1] - (1 - np.sqrt(front[:, 0]))
    assert (distance >= -1e-12).all()  # nothing lies below the true front
    assert np.median(distance) < 0.02
    assert np.histogram(front[:, 0], bins=5, range=(0, 1))[0].min() > 0
    control = searched_zdt1(RandomSearch(batch=24), 60, seed)
    true = [(x, 1 - x**0.5) for x in np.linspace(0, 1, 200)]
    found = hypervolumes({"nsga2": front, "random": control, "true": true}, (-1.0, -1.0))
    assert found["random"] < 0.9 * found["true"]
    assert 0.97 * found["true"] < found["nsga2"] <= found["true"] * 1.001


# --- the same result however it is run

SCREENS = pytest.mark.parametrize("screens", [(), (Race(),)], ids=["none", "race"])


def searched(screens=(), batch=3, seed=0, ledger=None):
    return built(SMALL, fitness(), WIDE, screens, seed), door(fitness(), ledger, WIDE, batch)


def whole_portrait(search):
    return portrait(search), [(one.key, one.fitness.values, search.shared()[one.key]) for one in search.front()]


@SCREENS
def test_it_goes_on_from_its_state_as_if_never_stopped(screens, tmp_path):
    whole = run(*searched(screens))
    ledger = Ledger(":memory:")
    for resumed, measure in stopped_and_resumed(lambda: searched(screens, ledger=ledger), tmp_path, WEIGHTS):
        assert whole_portrait(resumed) == whole_portrait(whole)
        assert measure.work == ledger.work("search")


@SCREENS
def test_the_batch_of_the_measure_changes_nothing(screens):
    assert len({str(whole_portrait(run(*searched(screens, batch)))) for batch in (1, 3, 100)}) == 1


@SCREENS
def test_started_over_on_its_ledger_it_evaluates_nothing(screens):
    ledger = Ledger(":memory:")
    first = run(*searched(screens, ledger=ledger))
    search, measure = searched(screens, ledger=ledger)
    measure._fitness.die_at = 0
    assert whole_portrait(run(search, measure)) == whole_portrait(first)


def test_the_seed_decides():
    assert portrait(run(*searched(seed=0))) != portrait(run(*searched(seed=1)))


def test_no_global_generator_is_touched():
    def states():
        return random.getstate(), repr(np.random.get_state()), torch.get_rng_state().tolist()  # noqa: NPY002

    before = states()
    run(*searched((Race(),)))
    assert states() == before
