import numpy as np
import pytest

from evokit.errors import UserError
from evokit.genomes.index_vector import IndexVector
from evokit.interfaces import Context
from evokit.measuring.ledger import Ledger
from evokit.recipe import load_recipe
from evokit.screens.race import Race
from evokit.searches.cma import CMA
from evokit.searches.coordinate_descent import CoordinateDescent
from evokit.searches.de import DE
from evokit.searches.generational import Generational
from evokit.searches.halving import Halving
from evokit.searches.polish import Polish
from evokit.streams import Streams
from tests.door import SumFitness, door
from tests.searches.building import Part, built, portrait, run, stopped_and_resumed
from tests.searches.test_islands import BOX, Bowl, islands

GRID = IndexVector([6] * 5)
LOCAL = CoordinateDescent(restarts=False)


def polish(search=None, then=LOCAL, **rest):
    return Polish(Part(search or Generational(6, 3)), Part(then), **rest)


def searched(options, n=None, genome=GRID, fitness=None):
    fitness = fitness or SumFitness()
    return run(built(options, fitness, genome), door(fitness, genome=genome), n)


def test_the_second_begins_at_the_best_of_the_first_when_that_has_ended():
    search = searched(polish(), 3)
    (first,) = search.ask()
    assert first.key == search.best().key
    assert not search.done


def test_the_whole_ends_where_no_single_change_is_better():
    search = searched(polish())
    best = search.best()
    assert search.done
    for gene in range(5):
        for value in range(6):
            other = best.genes.copy()
            other[gene] = value
            assert SumFitness().answer(other, 1).values[0] >= best.fitness.values[0]


def test_real_numbers_are_polished_to_the_tolerance():
    rough = searched(polish(DE(10, 8)), 8, BOX, Bowl()).best().fitness.values[0]
    fine = searched(polish(DE(10, 8)), None, BOX, Bowl()).best()
    assert fine.fitness.values[0] < 1e-8 < rough
    assert fine.genes == pytest.approx([1, 2, 0.25], abs=1e-4)


def test_patience_counts_generations_without_a_new_best():
    search = built(polish(Generational(6, 500), patience=4), genome=GRID)
    measure = door(genome=GRID)
    while search._begun_at is None:
        search.step(measure)
    bests = search.logbook.select("best")
    assert bests[-5:] == [bests[-1]] * 5
    assert len(bests) == 5 or bests[-6] != bests[-1]
    runs = [len(list(same)) for same in np.split(bests, np.flatnonzero(np.diff(bests)) + 1)]
    assert max(runs[:-1], default=0) < 5


def test_work_that_is_spent_passes_the_turn():
    search, measure = built(polish(CMA(), after_work=40), Bowl(), BOX), door(Bowl(), genome=BOX)
    while measure.work < 40:
        assert search._begun_at is None
        search.step(measure)
    assert search._begun_at is search.best().genes


def test_nobody_is_measured_twice():
    fitness = SumFitness()
    searched(polish(), None, GRID, fitness)
    assert len(fitness.evaluated) == len(set(fitness.evaluated))


def test_the_first_begins_with_init():
    genes = [GRID.from_json([1, 2, 3, 4, 5])]
    context = Context(Streams(0), fitness=SumFitness(), genome=GRID, init=genes)
    assert built(polish(), genome=GRID, context=context).ask()[0].genes.tolist() == [1, 2, 3, 4, 5]


def test_where_the_first_finds_nobody_valid_nothing_is_begun():
    search = searched(polish(DE(10, 3)), None, BOX, Bowl(limit=-10))
    assert search.generation == 3
    assert search.done


def test_screens_drop_children_of_the_first_alone():
    fitness = Bowl(budgets=(1, 2))
    search = built(polish(Generational(8, 2)), fitness, BOX, screens=[Race(keep=0.25)])
    measure, measured = door(fitness, genome=BOX), []
    run(search, measure, 2)
    for _ in range(4):
        asked = search.ask()
        search.ask = lambda asked=asked: asked
        search.step(measure)
        del search.ask
        measured += [one.fitness.valid for one in asked]
    assert len(measured) > 4
    assert all(measured)


@pytest.mark.parametrize(
    "options",
    [
        polish(Generational(6, 4), CoordinateDescent(restarts=False, tolerance=0.02)),
        polish(CMA(), DE(8, 3), after_work=30),
        polish(islands(CMA(), Generational(6, 4), every=2), CMA(generations=5), patience=2),
    ],
)
def test_it_goes_on_from_its_state_as_if_never_stopped(options, tmp_path):
    whole, ledger = portrait(searched(options, None, BOX, Bowl())), Ledger(":memory:")
    for resumed, _ in stopped_and_resumed(
        lambda: (built(options, Bowl(), BOX), door(Bowl(), ledger, BOX)), tmp_path, (-1.0,)
    ):
        assert portrait(resumed) == whole


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (polish(CMA()), "cma has no end: give it generations, or say patience or after_work"),
        (polish(Halving(generations=2)), "halving measures in a way of its own"),
        (polish(then=Generational(6, 3, reevaluate=1)), "generational.reevaluate"),
    ],
)
def test_what_cannot_be_is_refused(options, message):
    fitness = Bowl(budgets=(1, 3))
    fitness.fresh = lambda: fitness
    with pytest.raises(ValueError, match=message):
        built(options, fitness, BOX)


@pytest.mark.parametrize(
    ("options", "endless", "horizon"),
    [
        (polish(), False, None),
        (polish(CMA(restarts="none")), False, None),
        (polish(then=CoordinateDescent()), True, None),
        (polish(then=CoordinateDescent(generations=9)), False, 12),
    ],
)
def test_it_knows_whether_it_has_an_end(options, endless, horizon):
    genome = BOX if isinstance(options.search.options, CMA) else GRID
    search = built(options, Bowl(), genome)
    assert (search.endless, search.horizon) == (endless, horizon)


def test_genes_that_the_local_search_cannot_change_are_refused_with_their_place(tmp_path):
    path = tmp_path / "recipe.yaml"
    path.write_text(
        "genome: {name: points, values: {}}\nfitness: {name: onemax}\nsearch: {name: polish, search: {name: grid}}"
    )
    with pytest.raises(UserError, match=r"recipe.yaml:3: search.then.name: .*coordinate_descent"):
        load_recipe(path)
