from dataclasses import replace

import numpy as np
import pytest

from evokit.genomes.bits import Bits
from evokit.genomes.index_vector import IndexVector
from evokit.genomes.real_vector import RealVector
from evokit.interfaces import Context
from evokit.measuring.ledger import Ledger
from evokit.screens.race import Race
from evokit.searches.cma import CMA
from evokit.searches.generational import Generational
from evokit.searches.mu_lambda import MuCommaLambda
from evokit.searches.nsga2 import NSGA2
from evokit.searches.pgpe import PGPE
from evokit.searches.quasi_newton import QuasiNewton
from evokit.searches.random_search import RandomSearch
from evokit.searches.regularised import Regularised
from evokit.searches.restarts import Restarts
from evokit.searches.snes import SNES
from evokit.streams import Streams
from tests.door import GENOME, SumFitness, door
from tests.searches.building import Part, built, portrait, run, set_values, stopped_and_resumed
from tests.searches.test_contract import Pair

WIDE = IndexVector([8] * 6)  # large enough that the search never runs out of new keys
INNER = Generational(population=4, generations=50, elites=1)


def restarts(inner=INNER, **options):
    return Restarts(**({"search": Part(inner), "patience": 2, "generations": 20} | options))


def keys(individuals):
    return [one.key for one in individuals]


def told(search, best):
    """A generation whose best value this is."""
    asked = search.ask()
    search.tell(set_values(asked, [best, *[best + 1] * (len(asked) - 1)]))
    return asked


def count(search):
    return search.state_dict()["restarts"]["n"]


def test_it_begins_anew_after_so_many_generations_without_a_better_one():
    search = built(restarts(), genome=WIDE)
    begun = []
    for best in [9, 8, 8, 7, 7, 7, 7.5, 7.2, 7.2, 7.2]:
        told(search, best)
        begun.append(count(search))
    # 7.5 and 7.2 are the second search's own best, however good the first one's was.
    assert begun == [0, 0, 0, 0, 0, 1, 1, 1, 1, 2]
    assert search.best().fitness.values == (7.0,)
    assert search.logbook.select("restarts") == [0] * 6 + [1] * 4
    assert search.logbook.select("generation") == list(range(10))


def test_an_improvement_within_the_tolerance_is_none():
    search = built(restarts(tolerance=0.5), genome=WIDE)
    begun = []
    for best in [9, 8, 7.8, 7.6, 7.4, 7.3]:
        told(search, best)
        begun.append(count(search))
    # Within two generations: 9 to 7.8, 8 to 7.6 is no more than 0.5.
    assert begun == [0, 0, 0, 1, 1, 1]


def test_a_new_point_of_the_front_is_an_improvement():
    search = built(restarts(NSGA2(population=4)), Pair(), WIDE)
    for step in range(5):
        asked = search.ask()
        for one in asked:
            one.fitness.values = (1.0 + step, 9.0 - step)
        search.tell(asked)
    assert count(search) == 0
    assert len(search.front()) == 5
    for _ in range(2):
        asked = search.ask()
        for one in asked:
            one.fitness.values = (9.0, 9.0)
        search.tell(asked)
    assert count(search) == 1


def test_a_search_that_has_come_to_its_end_is_begun_anew():
    search = built(restarts(replace(INNER, generations=3), patience=50), genome=WIDE)
    run(search, door(genome=WIDE), 7)
    assert count(search) == 2


def test_each_one_draws_anew_and_meets_nobody_again():
    measure = door(genome=WIDE)
    search, met = built(restarts(replace(INNER, generations=2), generations=8), genome=WIDE), []
    while not search.done:
        met += keys(search.ask())
        search.step(measure)
    assert len(met) == len(set(met)) == 4 * (4 + 3) == measure.work
    assert search.archive.known == set(met)


def test_without_a_restart_it_is_the_search_itself():
    alone = built(INNER, context=Context(Streams(0).at("restart", 0), fitness=SumFitness(), genome=WIDE))
    measure = door(genome=WIDE)
    run(alone, measure, 5)
    within = run(built(restarts(patience=9), genome=WIDE), door(genome=WIDE), 5)
    assert keys(within.population) == keys(alone.population)
    assert keys(within.hall_of_fame()) == keys(alone.hall_of_fame())


@pytest.mark.parametrize(
    ("inner", "sizes"),
    [
        (Generational(population=4, elites=0), [4, 8, 16]),
        (Regularised(population=4, sample=2, batch=2), [4, 8, 16]),
        (MuCommaLambda(population=4, offspring=8), [4, 8, 16]),
    ],
)
def test_each_one_is_larger(inner, sizes):
    search = built(restarts(inner, growth=2.0, patience=1), genome=WIDE)
    first = []
    for _ in sizes:
        first.append(len(told(search, 5)))
        told(search, 5)
    assert first == sizes


def test_offspring_grow_with_the_population():
    search = built(restarts(MuCommaLambda(population=4, offspring=8), growth=1.5, patience=1), genome=WIDE)
    assert [len(told(search, 5)) for _ in range(4)] == [4, 8, 6, 12]


@pytest.mark.parametrize("inner", [RandomSearch(4), CMA()])
def test_what_names_no_population_cannot_grow(inner):
    with pytest.raises(ValueError, match=f"growth: {type(inner).__name__.lower()} names no population that could grow"):
        built(restarts(inner, growth=2.0), genome=RealVector(-1, 1, 3))


def test_init_is_for_the_first_one():
    context = Context(Streams(0), fitness=SumFitness(), genome=GENOME, init=[np.array([3, 3, 3, 3])])
    search = built(restarts(patience=1), context=context)
    assert search.ask()[0].born_by == "init"
    told(search, 5)
    told(search, 5)
    assert count(search) == 1
    first, *others = search.ask()
    assert first.genes.tolist() != [3, 3, 3, 3]
    assert {one.born_by for one in others} == {"random"}


def test_it_ends_after_a_search_that_met_nobody_new():
    genome = Bits(2)
    measure = door(SumFitness(), genome=genome)
    search = run(built(restarts(generations=None), genome=genome), measure, 100)
    assert search.done
    assert search.generation < 20
    assert measure.work == 4


def test_where_all_fail_it_is_begun_anew_and_goes_on():
    fitness = SumFitness(fails=lambda genes: "nan")
    search = run(built(restarts(), fitness, WIDE), door(fitness, genome=WIDE))
    assert search.generation == 20
    assert count(search) > 1
    assert not search.hall_of_fame()


def test_without_generations_it_has_no_end_of_its_own():
    search = built(restarts(generations=None), genome=WIDE)
    assert search.horizon is None
    assert built(restarts(), genome=WIDE).horizon == 20


def test_restarts_of_restarts_know_what_all_know():
    inner = restarts(replace(INNER, generations=2), generations=4)
    measure = door(genome=WIDE)
    search = run(built(restarts(inner, patience=99), genome=WIDE), measure)
    assert measure.work == 10 * (4 + 3)
    assert search._inner._inner.archive.known is search.archive.known


@pytest.mark.parametrize("growth", [1.0, 2.0])
def test_it_goes_on_from_its_state_as_if_never_stopped(growth, tmp_path):
    def searched(ledger=None):
        fitness = SumFitness(budgets=(1, 2), fails=lambda genes: "nan" if genes[0] == 1 else None)
        options = restarts(growth=growth, generations=12)
        return built(options, fitness, WIDE, [Race()]), door(fitness, ledger, WIDE)

    search, measure = searched()
    whole, ledger = portrait(run(search, measure)), Ledger(":memory:")
    assert count(search) > 1
    for resumed, _ in stopped_and_resumed(lambda: searched(ledger), tmp_path, (-1.0,)):
        assert portrait(resumed) == whole
        assert resumed.archive.known == search.archive.known
        assert resumed._inner.archive.known is resumed.archive.known


def test_a_state_of_another_restart_is_that_of_its_size():
    search = built(restarts(growth=2.0, patience=1), genome=WIDE)
    for _ in range(5):
        told(search, 5)
    other = built(restarts(growth=2.0, patience=1), genome=WIDE)
    other.load_state_dict(search.state_dict())
    assert keys(other.ask()) == keys(search.ask())
    assert len(search.ask()) > 4


@pytest.mark.parametrize("inner", [CMA(), SNES(6), PGPE(6), QuasiNewton()])
def test_a_search_that_begins_in_the_middle_begins_elsewhere_after_a_restart(inner):
    box = RealVector(-1, 1, 3)
    search = built(restarts(inner), genome=box)
    means = []
    for _ in range(3):
        means.append(np.mean([one.genes for one in search.ask()], axis=0))
        search._known_before = -1  # as if somebody new was met
        search._restart()
    assert (np.abs(means[1:]).max(axis=1) > 0.3).all()  # the points that seed 0 draws are 0.9 from the middle
