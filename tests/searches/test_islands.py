from dataclasses import replace

import numpy as np
import pytest

from evokit.errors import UserError
from evokit.genomes.index_vector import IndexVector
from evokit.genomes.real_vector import RealVector
from evokit.interfaces import Evaluation
from evokit.measuring.ledger import Ledger
from evokit.recipe import load_recipe
from evokit.screens.race import Race
from evokit.searches.cma import CMA
from evokit.searches.coordinate_descent import CoordinateDescent
from evokit.searches.de import DE
from evokit.searches.generational import Generational
from evokit.searches.halving import Halving
from evokit.searches.islands import Islands
from evokit.searches.nsga2 import NSGA2
from evokit.searches.random_search import RandomSearch
from tests.door import SumFitness, door
from tests.searches.building import Part, built, portrait, run, stopped_and_resumed
from tests.searches.test_contract import Pair
from tests.small import TOY

WIDE = IndexVector([1000] * 4)
NARROW = IndexVector([4] * 6)
BOX = RealVector([-5, -1, 0], [5, 3, 1], 3)
SMALL = Generational(4, 6)


class Bowl(SumFitness):
    """Fails where the first gene is above ``limit``."""

    def __init__(self, limit=np.inf, budgets=(1,)):
        super().__init__(budgets)
        self.limit = limit

    def answer(self, genes, budget):
        if genes[0] > self.limit:
            return Evaluation(outcome="diverged", work=budget)
        return Evaluation((float(np.square(genes - [1, 2, 0.25]).sum()),), work=budget)


def islands(*options, **rest):
    return Islands(tuple(map(Part, options)), **rest)


def searched(options, n=None, genome=WIDE, fitness=None, seed=0):
    fitness = fitness or SumFitness()
    search = built(options, fitness, genome, seed=seed)
    return run(search, door(fitness, genome=genome), n)


def populations(search):
    """Keys of each island's population."""
    return [{one.key for one in island.population} for island in search._islands]


def best(individuals, n):
    """Keys of the ``n`` best."""
    return {one.key for one in sorted(individuals, key=lambda one: one.fitness.values)[:n]}


@pytest.mark.parametrize("migrants", [1, 2])
@pytest.mark.parametrize("topology", ["ring", "all"])
def test_the_best_of_the_others_take_the_places_of_the_worst(topology, migrants):
    alone = searched(islands(SMALL, count=3, every=1, migrants=0), 1)
    among = searched(islands(SMALL, count=3, every=1, migrants=migrants, topology=topology), 1)
    members = [island.population for island in alone._islands]
    for here, found in enumerate(populations(among)):
        senders = [here - 1] if topology == "ring" else [k for k in range(3) if k != here]
        arriving = [one for k in senders for one in sorted(members[k], key=lambda one: one.fitness.values)[:migrants]]
        assert found == best([*members[here], *arriving], 4)


def test_they_migrate_every_so_many_generations():
    options = islands(SMALL, count=2, every=3)
    alone = replace(options, migrants=0)
    assert populations(searched(options, 2)) == populations(searched(alone, 2))
    assert populations(searched(options, 3)) != populations(searched(alone, 3))


def test_children_of_all_islands_are_measured_in_one_batch():
    search, measure, sizes = built(islands(SMALL, Generational(6, 6)), genome=WIDE), door(genome=WIDE), []
    call = type(measure).__call__

    class Counting(type(measure)):
        def __call__(self, individuals, budget=None):
            sizes.append(len(individuals))
            return call(self, individuals, budget)

    measure.__class__ = Counting
    run(search, measure, 2)
    assert sizes == [10, 8]  # an elite stays on each


def test_islands_draw_from_streams_of_their_own():
    asked = [one.key for one in built(islands(SMALL, count=3), genome=WIDE).ask()]
    assert len(set(asked)) == 12


def test_an_island_that_has_ended_stands_still_and_the_last_one_ends_the_search():
    search = built(islands(Generational(4, 2), Generational(4, 5)), genome=WIDE)
    measure, sizes = door(genome=WIDE), []
    while not search.done:
        sizes.append(len(search.ask()))
        search.step(measure)
    assert sizes == [8, 6, 3, 3, 3]
    assert search.horizon == 5


def test_what_one_island_has_tried_no_other_tries_again():
    search, measure, tried = built(islands(Generational(8, 4), count=3), genome=NARROW), door(genome=NARROW), set()
    while not search.done:
        asked = {one.key for one in search.ask()}
        assert not asked & tried
        tried |= asked
        search.step(measure)


def test_the_best_of_all_islands_is_the_searchs():
    search = searched(islands(SMALL, count=3))
    assert search.best().fitness == max(island.best().fitness for island in search._islands)
    assert len(search.population) == 12


def test_several_objectives_keep_one_front_of_all_islands():
    search = searched(islands(NSGA2(6, 5), count=2, every=2), fitness=Pair())
    assert search.front()[0].fitness == max(island.best().fitness for island in search._islands)


MIXED = islands(CMA(generations=9), DE(12, 9, shrink_over=70), Generational(6, 9), every=2, topology="all", migrants=2)


def test_searches_of_different_kinds_visit_each_other():
    found = searched(MIXED, genome=BOX, fitness=Bowl())
    assert len({len(island.population) for island in found._islands}) == 3
    shared = set.intersection(*populations(searched(replace(MIXED, every=9), 8, BOX, Bowl())))
    assert not shared
    after = searched(replace(MIXED, every=8), 8, BOX, Bowl())
    assert set.intersection(*populations(after)[1:])


def test_who_fails_is_on_no_island():
    search = searched(MIXED, genome=BOX, fitness=Bowl(limit=0.9))
    assert search.generation == 9
    members = [one for island in search._islands for one in island.population]
    assert all(one.genes[0] <= 0.9 for one in [*members, *search.population, *search.hall_of_fame()])


def test_it_goes_on_from_its_state_as_if_never_stopped(tmp_path):
    whole, ledger = portrait(searched(MIXED, genome=BOX, fitness=Bowl())), Ledger(":memory:")

    def make():
        return built(MIXED, Bowl(), BOX), door(Bowl(), ledger, BOX)

    for resumed, _ in stopped_and_resumed(make, tmp_path, (-1.0,)):
        assert portrait(resumed) == whole
        assert all(island.archive.known is resumed.archive.known for island in resumed._islands)


def test_a_part_of_a_generation_is_told_to_the_islands_that_it_is_of():
    search, measure = built(islands(SMALL, count=3), genome=WIDE), door(genome=WIDE)
    part = search.ask()[:6]
    measure(part)
    search.tell(part)
    assert [len(island.population) for island in search._islands] == [4, 2, 0]


def test_screens_drop_children_of_those_searches_alone_that_read_them():
    fitness = Bowl(budgets=(1, 2))
    search = built(islands(CMA(generations=4), Generational(8, 4)), fitness, BOX, screens=[Race(keep=0.25)])
    measure = door(fitness, genome=BOX)
    asked = search.ask()
    search.ask = lambda: asked
    search.step(measure)
    kept = [one.fitness.valid for one in asked]
    assert kept[:7] == [True] * 7
    assert sum(kept[7:]) == 2


def test_it_tells_what_it_will_measure_if_its_islands_do():
    search, measure = built(islands(CMA(generations=4), DE(12, 4)), Bowl(), BOX), door(Bowl(), genome=BOX)
    n, work = search.expected()
    run(search, measure)
    assert n == work == measure.work
    assert not hasattr(built(MIXED, Bowl(), BOX), "expected")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (lambda: islands(SMALL), "one alone has nobody to visit"),
        (lambda: islands(SMALL, RandomSearch(4, 6)), "randomsearch can take nobody in; .* migrants: 0"),
        (lambda: islands(CoordinateDescent(), CoordinateDescent()), "coordinatedescent can take nobody in"),
        (lambda: islands(Halving(), SMALL), "halving measures in a way of its own"),
        (
            lambda: islands(Generational(4, 6, reevaluate=2), SMALL),
            r"generational.reevaluate: a part of another search",
        ),
    ],
)
def test_islands_that_cannot_be_are_refused(options, message):
    fitness = SumFitness((1, 3))
    fitness.fresh = lambda: fitness
    with pytest.raises(ValueError, match=message):
        built(options(), fitness)


def test_without_migrants_any_search_is_an_island():
    search = searched(islands(RandomSearch(4, 6), CoordinateDescent(generations=6), migrants=0))
    assert search.generation == 6


RECIPE = f"""\
plugins: [{TOY}]
data: {{name: points}}
fitness: {{name: squares}}
genome: {{name: real_vector, length: 2, low: -3, high: 9}}
search:
  name: islands
  islands: [{{name: cma, generations: 8}}, {{name: generational, population: 6, generations: 8}}]
  every: 3
mutation: {{name: gaussian}}
crossover: {{name: uniform}}
baselines: [{{name: random_search}}]
execution: {{backend: inline}}
"""


@pytest.mark.parametrize(
    ("said", "instead", "message"),
    [
        ("population: 6", "populaton: 6", r"recipe.yaml:7: search.islands.1.populaton: .*population"),
        ("name: generational", "name: genrational", r"recipe.yaml:7: search.islands.1.*generational"),
        (
            "{name: real_vector, length: 2, low: -3, high: 9}",
            "{name: bits, length: 3}",
            r"search.islands.0.name: .*cma",
        ),
        ("crossover: {name: uniform}", "", "crossover is missing, search 'islands' needs one"),
    ],
)
def test_a_wrong_island_is_told_with_its_place(said, instead, message, tmp_path):
    path = tmp_path / "recipe.yaml"
    path.write_text(RECIPE.replace(said, instead))
    with pytest.raises(UserError, match=message):
        load_recipe(path)
