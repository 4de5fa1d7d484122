import numpy as np
import pytest

from evokit.genomes.index_vector import IndexVector
from evokit.screens.race import Race
from evokit.searches.map_elites import MapElites
from evokit.searches.random_search import RandomSearch
from tests.door import door
from tests.searches.building import built, run
from tests.searches.described import WHOLE, Described, refuse_changed_by_a_stop

WIDE = IndexVector([8] * 6)
SMALL = MapElites(**WHOLE, batch=6, generations=9)


def searched(options=SMALL, fitness=None, genome=WIDE, **more):
    fitness = fitness or Described()
    return built(options, fitness, genome, **more), door(fitness, genome=genome)


@pytest.mark.parametrize("goal", ["min", "max"])
def test_each_cell_holds_the_best_that_was_measured_there(goal):
    search, measure = searched(fitness=Described(goal=goal))
    run(search, measure)
    best = {}
    for one in measure.measured():
        cell = int(search.elites.cells.of(search.elites.points([one]))[0])
        best[cell] = max([best.get(cell, -np.inf), one.fitness.wvalues[0]])
    assert sorted(best.values()) == sorted(one.fitness.wvalues[0] for one in search.elites.members)
    assert search.logbook[-1]["coverage"] == len(best) / 8
    assert search.logbook[-1]["elites"] == len(best)


def test_parents_are_drawn_evenly_from_the_archive():
    search, measure = searched(MapElites(**WHOLE, batch=500, initial=200, generations=2))
    search.step(measure)
    children, elites = search.ask(), {one.key for one in search.elites.members}
    parents = [key for child in children for key in child.parents]
    assert set(parents) == elites
    counts = [parents.count(key) for key in elites]
    assert counts == pytest.approx([1000 / len(elites)] * len(elites), rel=0.4)


def test_it_fills_more_than_random_search_in_as_many_evaluations():
    options = MapElites(descriptors=WHOLE["descriptors"], offset=150.0, batch=20, generations=20)
    search, measure = searched(options)
    run(search, measure)
    control, door_of_control = searched(RandomSearch(20, 20))
    run(control, door_of_control)
    random = search.elites.like()
    random.add(door_of_control.measured())
    assert search.elites.figures["qd_score"] > random.figures["qd_score"]
    assert random.figures["coverage"] > 0, "controls are told the metrics too"


def test_the_first_generation_is_as_large_as_said_and_all_are_told_before():
    search, measure = searched(MapElites(**WHOLE, batch=4, initial=11, generations=3))
    assert search.expected() == (11 + 4 + 4, 19)
    assert [len(run(search, measure, n).population) for n in (1, 2, 3)] == [11, 4, 4]


def test_who_failed_is_no_parent_and_a_generation_of_failures_is_drawn_anew():
    search, measure = searched(fitness=Described(fails=lambda genes: "raised" if genes[0] else None))
    run(search, measure)
    assert {int(one.genes[0]) for one in search.elites.members} == {0}
    search, measure = searched(fitness=Described(fails=lambda genes: "raised"))
    search.step(measure)
    assert len(search.ask()) == 6


def test_whom_a_screen_drops_is_no_elite():
    search, measure = searched(screens=[Race(keep=0.5)], fitness=Described(budgets=(1, 2)))
    run(search, measure)
    full = {one.key for one in measure.measured()}
    assert {one.key for one in search.elites.members} <= full


def test_it_asks_the_same_again_and_takes_a_part():
    search, measure = searched()
    search.step(measure)
    asked = search.ask()
    assert [one.key for one in asked] == [one.key for one in search.ask()]
    measure(asked[:2])
    search.tell(asked[:2])
    assert search.generation == 2


def test_who_comes_from_elsewhere_competes_for_its_cell():
    search, measure = searched()
    other, _ = searched(seed=5)
    asked = other.ask()
    measure(asked)
    search.receive(asked)
    assert search.elites.members
    assert {one.key for one in search.elites.members} <= {one.key for one in asked}


def test_stopped_and_resumed_is_whole(tmp_path):
    refuse_changed_by_a_stop(SMALL, tmp_path)
