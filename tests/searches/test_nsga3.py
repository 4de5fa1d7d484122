import math

import numpy as np
import pytest

from evokit.crossover.simulated_binary import SimulatedBinary
from evokit.genomes.real_vector import RealVector
from evokit.interfaces import Context
from evokit.measuring.ledger import Ledger
from evokit.mutation.polynomial import Polynomial
from evokit.screens.race import Race
from evokit.searches.nsga3 import NSGA3
from evokit.searches.sms_emoa import SMSEMOA
from evokit.streams import Streams
from tests.door import door, story
from tests.searches.building import built, portrait, run, stopped_and_resumed
from tests.searches.test_nsga2 import WEIGHTS, WIDE, TwoFitness, fitness, keys, told

SMALL = NSGA3(population=8, generations=10, divisions=3)
BOTH = pytest.mark.parametrize(
    "options", [SMALL, SMSEMOA(population=8, generations=10, offspring=6)], ids=["nsga3", "sms_emoa"]
)
SCREENS = pytest.mark.parametrize("screens", [(), (Race(),)], ids=["none", "race"])


def searched(options, screens=(), batch=3, seed=0, ledger=None):
    return built(options, fitness(), WIDE, screens, seed), door(fitness(), ledger, WIDE, batch)


# --- the same result however it is run


@BOTH
@SCREENS
def test_it_goes_on_from_its_state_as_if_never_stopped(options, screens, tmp_path):
    whole = run(*searched(options, screens))
    ledger = Ledger(":memory:")
    for resumed, measure in stopped_and_resumed(lambda: searched(options, screens, ledger=ledger), tmp_path, WEIGHTS):
        assert portrait(resumed) == portrait(whole)
        assert measure.work == ledger.work("search")


@BOTH
def test_the_batch_of_the_measure_changes_nothing_and_the_seed_does(options):
    assert len({portrait(run(*searched(options, batch=batch))) for batch in (1, 3, 100)}) == 1
    assert len({portrait(run(*searched(options, seed=seed))) for seed in range(2)}) == 2


@BOTH
def test_the_failed_and_those_who_lost_a_race_are_no_parents(options):
    def some_fail():
        return TwoFitness(budgets=(1, 2), fails=lambda genes: "nan" if genes[0] < 4 else None)

    ledger = Ledger(":memory:")
    search, measure = built(options, some_fail(), WIDE, [Race()]), door(some_fail(), ledger, WIDE)
    while not search.done:
        search.step(measure)
        measured = {row[2] for row in story(ledger) if row[3] == 2 and row[5] == "ok"}
        assert set(keys(search.population)) <= measured
        assert len(set(keys(search.population))) == min(8, len(measured))
        assert {key for one in search.ask() for key in one.parents} <= measured
    assert any(row[5] != "ok" for row in story(ledger))


@BOTH
def test_part_of_a_generation_may_be_told(options):
    search = built(options, TwoFitness(), WIDE)
    told(search, [(i, 8 - i) for i in range(8)])
    asked = search.ask()
    asked[0].fitness.values = (0.0, 99.0)
    search.tell(asked[:1])
    assert asked[0].key in keys(search.population)
    assert len(search.population) == 8


@BOTH
def test_no_more_are_measured_than_was_expected(options):
    search, measure = searched(options)
    run(search, measure)
    assert measure.work <= search.expected()[1]


@BOTH
def test_one_objective_is_refused(options):
    with pytest.raises(ValueError, match="needs two or more objectives, the fitness has sum alone; use generational"):
        built(options)


# --- NSGA-III


@pytest.mark.parametrize(
    ("options", "n_objectives", "n_points", "population"),
    [
        (NSGA3(), 2, 100, 100),
        (NSGA3(), 3, 91, 92),
        (NSGA3(population=50), 3, 45, 50),
        (NSGA3(divisions=4), 3, 15, 16),
        (NSGA3(divisions=(3, 2)), 8, 120 + 36, 156),
        (NSGA3(population=2), 5, 5, 2),
    ],
)
def test_points_and_population_follow_from_each_other(options, n_objectives, n_points, population):
    fitness = TwoFitness()
    fitness.objectives = {str(i): "min" for i in range(n_objectives)}
    search = built(options, fitness, WIDE)
    assert len(search._points) == n_points
    assert len(search.ask()) == population


def test_who_is_nearest_to_an_empty_line_lives():
    search = built(NSGA3(population=3, divisions=2), TwoFitness(), WIDE)
    first = told(search, [(0, 10), (10, 20), (1, 14)])
    # In the unit of the front (0, 1), (1, 0), (0.1, 0.6) and, new, (0.45, 0.45) on the line in the middle.
    second = told(search, [(4.5, 15.5)])
    assert set(keys(search.population)) == {first[0].key, first[1].key, second[0].key}


# --- the known front

CORNERS = [(1, 0, 0), (0, 1, 0), (0, 0, 1), (3**-0.5,) * 3]


def on_spheres(options, seed):
    """The least and the greatest distance from the middle of those on the front of DTLZ2, which are at 1."""
    genome, dtlz2 = RealVector(0, 1, 7), DTLZ2()
    parts = Context(Streams(seed), fitness=dtlz2, genome=genome)
    operators = {"crossover": SimulatedBinary(eta=30.0, prob=1.0).build(parts), "mutation": Polynomial().build(parts)}
    search = options.build(Context(Streams(seed), fitness=dtlz2, genome=genome, operators=operators))
    run(search, door(dtlz2, genome=genome, batch=100))
    return np.array([one.fitness.values for one in search.population])


class DTLZ2:
    """Three objectives, of which the best are an eighth of a sphere around 0."""

    objectives = dict.fromkeys("abc", "min")
    takes, slots, budgets, context = frozenset({"vector"}), {}, (1,), "dtlz2"

    def evaluate(self, batch, budget):
        points = np.stack(batch)
        far = 1 + np.square(points[:, 2:] - 0.5).sum(axis=1)
        a, b = points[:, 0] * math.pi / 2, points[:, 1] * math.pi / 2
        return np.stack([far * np.cos(a) * np.cos(b), far * np.cos(a) * np.sin(b), far * np.sin(a)], 1)


@pytest.mark.parametrize(
    "options",
    [NSGA3(population=28, divisions=6, generations=40), SMSEMOA(population=28, generations=40)],
    ids=["nsga3", "sms_emoa"],
)
def test_it_finds_the_front_of_three_objectives_over_its_whole_width(options):
    found = on_spheres(options, 0)
    distance = np.linalg.norm(found, axis=1)
    assert distance.min() > 1 - 1e-12
    assert np.median(distance) < 1.05
    assert (found.max(axis=0) > 0.95).all()
    octants = np.linalg.norm(found[:, None] / distance[:, None, None] - np.array(CORNERS), axis=2).argmin(axis=1)
    assert np.bincount(octants, minlength=len(CORNERS)).min() >= 2


@pytest.mark.parametrize("divisions", [10**4, (10**12, 3)])
def test_too_many_reference_points_are_refused_before_they_are_made(divisions):
    with pytest.raises(ValueError, match=r"divisions: make [\d,]+ reference points, 100,000 at most"):
        NSGA3(divisions=divisions).layers(3)


def test_a_large_population_makes_no_more_points_than_are_allowed():
    (divisions,) = NSGA3(population=10**9).layers(3)
    assert math.comb(divisions + 2, 2) <= 10**5 < math.comb(divisions + 3, 2)
