from dataclasses import dataclass, replace
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evokit.fitnesses.onemax import Onemax
from evokit.fitnesses.sphere import SphereFitness
from evokit.genomes.bits import Bits
from evokit.genomes.index_vector import IndexVector
from evokit.genomes.real_vector import RealVector
from evokit.interfaces import Context
from evokit.measuring.ledger import Ledger
from evokit.mutation.bit_flip import BitFlip
from evokit.mutation.gaussian import Gaussian
from evokit.screens.race import Race
from evokit.screens.surrogate import SurrogateScreen
from evokit.searches.generational import Generational
from evokit.streams import Streams
from evokit.surrogates.ridge import Ridge
from tests.door import GENOME, SumFitness, door, story
from tests.searches.building import built, run, set_values

SMALL = Generational(population=8, generations=10, elites=2)
WIDE = IndexVector([8] * 6)  # large enough that the search never runs out of new keys


def surrogate(unmeasured="fill", **options):
    return SurrogateScreen(
        model=Ridge(), **({"refit_every": 2, "top": 0.3, "random": 0.3, "unmeasured": unmeasured} | options)
    )


def some_fail(genes):
    return "nan" if genes[0] == 1 else None


def keys(individuals):
    return [one.key for one in individuals]


# --- options


@pytest.mark.parametrize(("elites", "population", "count"), [(3, 8, 3), (0, 8, 0), (0.1, 32, 3), (0.29, 100, 29)])
def test_elites_are_a_count_or_a_share_rounded_down(elites, population, count):
    assert Generational(population=population, elites=elites).n_elites == count


@pytest.mark.parametrize("elites", [8, 1.0])
def test_elites_must_leave_room(elites):
    with pytest.raises(ValueError, match="must leave room for offspring in a population of 8"):
        Generational(population=8, elites=elites)


# --- who is born


def test_the_first_generation_is_random_and_distinct():
    asked = built(SMALL).ask()
    assert len(set(keys(asked))) == 8
    assert {one.born_by for one in asked} == {"random"}


@dataclass
class Seeded:
    """Index vectors with known good individuals."""

    good: list
    genes: str = "index_vector"

    def __getattr__(self, name):
        return getattr(GENOME, name)

    def seeds(self):
        return [np.array(one) for one in self.good]


def test_known_good_individuals_come_first():
    asked = built(SMALL, genome=Seeded([[1, 2, 3, 0], [0, 0, 0, 0]])).ask()
    assert [one.genes.tolist() for one in asked[:2]] == [[1, 2, 3, 0], [0, 0, 0, 0]]
    assert [one.born_by for one in asked] == ["seed"] * 2 + ["random"] * 6
    assert len(set(keys(asked))) == 8


def test_genes_of_init_come_before_those_that_the_genome_knows():
    context = Context(Streams(0), fitness=SumFitness(), genome=Seeded([[1, 2, 3, 0], [0, 0, 0, 0]]))
    context = replace(context, init=[np.array([3, 3, 3, 3]), np.array([1, 2, 3, 0])])
    asked = built(SMALL, context=context).ask()
    assert [one.genes.tolist() for one in asked[:3]] == [[3, 3, 3, 3], [1, 2, 3, 0], [0, 0, 0, 0]]
    assert [one.born_by for one in asked] == ["init"] * 2 + ["seed"] + ["random"] * 5


def test_a_population_without_room_for_init_is_refused():
    context = Context(Streams(0), fitness=SumFitness(), genome=GENOME)
    with pytest.raises(ValueError, match=r"population \(8\) has no room for the 9 genes of init"):
        built(SMALL, context=replace(context, init=[np.zeros(4, int)] * 9))


def test_more_known_good_individuals_than_places_are_cut():
    search = built(SMALL, genome=Seeded([[i, j, 0, 0] for i in range(4) for j in range(4)]))
    asked = search.ask()
    assert search.left_out == 8
    assert [one.genes.tolist() for one in asked] == [[i, j, 0, 0] for i in range(2) for j in range(4)]


def test_known_good_twins_take_one_place():
    asked = built(SMALL, genome=Seeded([[1, 2, 3, 0]] * 3)).ask()
    assert len(set(keys(asked))) == len(asked) == 8
    assert built(SMALL, genome=Seeded([[1, 2, 3, 0]] * 3)).left_out == 0


def test_asking_again_gives_the_same():
    search = run(built(SMALL), door(), 2)
    assert keys(search.ask()) == keys(search.ask())


def test_offspring_are_new_keys():
    fitness = SumFitness()
    search = built(SMALL, fitness, WIDE)
    ledger = Ledger(":memory:")
    run(search, door(fitness, ledger, WIDE))
    assert {row[4] for row in story(ledger)} == {"measured"}
    assert len(story(ledger)) == 8 + 9 * 6


def test_a_twin_is_drawn_again_ten_times_and_then_kept():
    drawn = []

    class Single(IndexVector):
        def random(self, rng):
            drawn.append(super().random(rng))
            return drawn[-1]

    asked = built(Generational(population=2), genome=Single([1])).ask()
    assert len(asked) == 2
    assert len(drawn) == 1 + 1 + 10


def test_offspring_know_their_parents():
    search = run(built(SMALL), door(), 1)
    living = set(keys(search.population))
    children = search.ask()
    assert all(set(one.parents) <= living for one in children)
    # Where crossover left the first parent as it was, the child is of that one alone.
    assert {(len(one.parents), one.born_by) for one in children} <= {(2, "crossover+mutation"), (1, "mutation")}
    assert any(len(one.parents) == 2 for one in children)


def test_an_exhausted_space_ends_no_search_and_costs_no_work():
    genome, fitness = Bits(2), Onemax()
    measure = door(fitness, genome=genome)
    search = run(built(SMALL, fitness, genome), measure)
    assert search.generation == 10
    assert measure.work == 4
    assert len(search.population) == 8


# --- who lives on


def told(search, values):
    """One generation with these values; the individuals."""
    search.tell(asked := set_values(search.ask(), values))
    return asked


def test_elites_pass_unchanged():
    search = built(SMALL)
    first = told(search, [5, 1, 6, 2, 7, 8, 9, 4])
    told(search, [50] * 6)
    assert search.population[:2] == [first[1], first[3]]
    assert [one.fitness.values for one in search.population[:2]] == [(1.0,), (2.0,)]


def test_without_elites_and_failures_all_are_new():
    search = built(Generational(population=4, elites=0))
    told(search, [1, 2, 3, 4])
    assert told(search, [9] * 4) == search.population


def test_the_place_of_an_unmeasured_child_stays_with_the_best_of_the_old():
    search = built(SMALL)
    first = told(search, [5, 1, 6, 2, 7, 8, 9, 4])
    second = told(search, [50, None, 60, None, 70, 80])
    assert search.population == [first[1], first[3], second[0], second[2], second[4], second[5], first[7], first[0]]


@settings(max_examples=40, deadline=None)
@given(
    st.integers(0, 7),
    st.lists(st.lists(st.none() | st.integers(0, 9), min_size=8, max_size=8), min_size=2, max_size=5),
)
def test_population_holds_its_size_once_it_was_reached_and_only_the_measured(elites, generations):
    search, reached = built(Generational(population=8, elites=elites)), 0
    for values in generations:
        asked = search.ask()
        search.tell(set_values(asked, values[: len(asked)]))
        assert all(one.fitness.valid for one in search.population)
        assert reached <= len(search.population) <= 8
        reached = len(search.population)


def test_a_population_that_lost_members_at_the_start_grows_to_its_size():
    search = built(SMALL)
    told(search, [1] + [None] * 7)
    assert len(search.population) == 1
    told(search, range(7))
    assert len(search.population) == 8


def test_a_first_generation_without_anybody_valid_is_drawn_again():
    search = built(SMALL)
    first = told(search, [None] * 8)
    assert search.population == []
    assert not set(keys(search.ask())) & set(keys(first))


@pytest.mark.parametrize("bad", [None, np.nan, np.inf, -np.inf])
def test_nobody_without_a_finite_value_lives_on_or_wins(bad):
    search = built(SMALL)
    asked = told(search, [5, 1, bad, 2, bad, 8, 9, 4])
    assert not {asked[2], asked[4]} & set(search.population)
    assert search.best().key == asked[1].key
    assert not {asked[2].key, asked[4].key} & {key for one in search.ask() for key in one.parents}


def test_a_generation_of_failures_leaves_the_population():
    search = built(SMALL)
    told(search, range(8))
    before = search.population
    told(search, [None] * 6)
    assert search.population == before


@pytest.mark.parametrize("screens", [(), (surrogate(),), (surrogate("paper"),), (surrogate(), Race())])
def test_a_failed_individual_is_never_a_parent(screens):
    ledger, fitness = Ledger(":memory:"), SumFitness(budgets=(1, 2), fails=some_fail)
    run(built(SMALL, fitness, WIDE, screens), door(fitness, ledger, WIDE))
    failed = {row[2] for row in story(ledger) if row[5] != "ok"}
    query = ledger._db.execute("SELECT parents FROM individuals")
    assert failed
    assert not any(key in parents for (parents,) in query for key in failed)


def test_unmeasured_children_are_neither_parents_nor_elites_nor_best():
    ledger, fitness = Ledger(":memory:"), SumFitness(budgets=(1, 2))
    search, measure = built(SMALL, fitness, WIDE, [surrogate(), Race()]), door(fitness, ledger, WIDE)
    while not search.done:
        search.step(measure)
        measured = {row[2] for row in story(ledger) if row[3] == 2 and row[4] != "predicted"}
        assert set(keys(search.population)) <= measured
        assert set(keys(search.hall_of_fame())) <= measured
        assert {key for one in search.ask() for key in one.parents} <= measured
    assert len(search.population) == 8
    assert ledger.counts("search")["predicted"] > 0


def test_with_paper_predictions_take_part_in_selection_and_in_nothing_else():
    ledger, fitness, parents = Ledger(":memory:"), SumFitness(), set()
    search, measure = built(SMALL, fitness, WIDE, [surrogate("paper")]), door(fitness, ledger, WIDE)
    while not search.done:
        search.step(measure)
        measured = {row[2] for row in story(ledger) if row[4] != "predicted"}
        assert len(search.population) == 8
        assert all((one.key in measured) == one.fitness.valid for one in search.population)
        assert set(keys(search.hall_of_fame())) <= measured
        assert set(keys(search.population[:2])) <= measured
        parents |= {key for one in search.ask() for key in one.parents}
    assert parents & {row[2] for row in story(ledger) if row[4] == "predicted"}


def test_with_paper_a_prediction_is_weighed_at_its_value():
    search = built(Generational(population=3, elites=0), screens=[surrogate("paper")])
    asked = set_values(search.ask(), [5, None, 7])
    asked[1].predicted = 6.0
    search.tell(asked)
    seen = {}

    def select(pool, n, rng):
        seen.update({one.key: one.fitness.values for one in pool})
        return pool[:n]

    search._select = select
    search.ask()
    assert seen == {asked[0].key: (5.0,), asked[1].key: (6.0,), asked[2].key: (7.0,)}
    assert not asked[1].fitness.valid


# --- goals


@pytest.mark.parametrize(("goal", "best"), [("min", 1), ("max", 9)])
def test_elites_and_best_follow_the_goal(goal, best):
    search = built(SMALL, SumFitness(goal=goal))
    told(search, [5, 1, 6, 2, 7, 8, 9, 4])
    told(search, [5] * 6)
    assert search.population[0].fitness.values == search.best().fitness.values == (float(best),)


@pytest.mark.parametrize("seed", range(3))
def test_it_solves_onemax(seed):
    genome, fitness = Bits(16), Onemax()
    options = Generational(population=24, generations=25, elites=1)
    search = built(options, fitness, genome, seed=seed, mutation=BitFlip())
    assert run(search, door(fitness, genome=genome)).best().fitness.values == (16.0,)


@pytest.mark.parametrize("seed", range(3))
def test_it_comes_close_on_the_sphere(seed):
    genome, fitness = RealVector(-1, 1, 3), SphereFitness(0.0, (1,), Streams(0))
    options = Generational(population=24, generations=30, elites=2)
    search = built(options, fitness, genome, seed=seed, mutation=Gaussian(prob=0.5, sigma=0.1))
    assert run(search, door(fitness, genome=genome)).best().fitness.values[0] < 0.02


def test_two_objectives_are_compared_in_their_order():
    fitness = SimpleNamespace(objectives={"loss": "min", "size": "min"})
    search = built(SMALL, context=Context(Streams(0), fitness=fitness, genome=GENOME))
    asked = search.ask()
    for one, values in zip(asked, [(1, 9), (1, 3), (2, 0), (2, 1), (3, 0), (3, 1), (4, 0), (4, 1)], strict=True):
        one.fitness.values = values
    search.tell(asked)
    assert search.best().fitness.values == (1.0, 3.0)
