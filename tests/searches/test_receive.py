"""How searches take in individuals of others."""

import numpy as np
import pytest

from evokit.genomes.real_vector import RealVector
from evokit.interfaces import Context
from evokit.searches.cma import CMA
from evokit.searches.de import DE
from evokit.searches.generational import Generational
from evokit.searches.nsga2 import NSGA2
from evokit.streams import Streams
from tests.door import GENOME, door
from tests.searches.building import built, person, run
from tests.searches.test_contract import Pair
from tests.searches.test_islands import Bowl

UNIT = RealVector(0, 1, 3)


def values(search):
    return [one.fitness.values[0] for one in search.population]


def visitor(genes, value):
    return person(genes, value, genome=UNIT)


def test_a_population_keeps_its_order_and_the_visitors_that_are_better_than_its_worst():
    search = built(Generational(4, 5, elites=0))
    search.population = [person([n, 0, 0, 0], value) for n, value in enumerate([5.0, 2.0, 9.0, 7.0])]
    search.receive([person([0, 1, 0, 0], 6.0), person([1, 1, 0, 0], 8.0), person([1, 0, 0, 0], 2.0)])
    assert values(search) == [5.0, 2.0, 7.0, 6.0]


def test_places_of_those_who_failed_are_free():
    search = built(Generational(4, 5))
    search.population = [person([0, 0, 0, 0], 1.0)]
    search.receive([person([0, 1, 0, 0], 6.0)])
    assert values(search) == [1.0, 6.0]


def test_with_several_objectives_the_lower_front_stays():
    search = built(NSGA2(2, 5), Pair(), GENOME)
    a, b, visitor = (person([n, 0, 0, 0]) for n in range(3))
    for one, found in ((a, (0.0, 4.0)), (b, (5.0, 5.0)), (visitor, (4.0, 0.0))):
        one.fitness.weights = (-1.0, -1.0)
        one.fitness.values = found
    search.population = [a, b]
    search.receive([visitor])
    assert search.population == [a, visitor]


def test_differences_are_taken_of_visitors_that_are_better_than_the_worst():
    search, measure = built(DE(6), Bowl(), UNIT), door(Bowl(), genome=UNIT)
    run(search, measure, 1)
    order = np.argsort(search._lost)
    better, worse = search._lost[order[-1]] - 0.01, search._lost.max() + 1
    before = search._points.copy()
    search.receive([visitor([0.5, 0.5, 0.5], better), visitor([0.1, 0.1, 0.1], worse)])
    stay = np.sort(order[:-1])
    assert search._points.tolist() == [*before[stay].tolist(), [0.5] * 3]
    assert search._lost[-1] == better
    assert [one.key for one in search.population][-1] == visitor([0.5, 0.5, 0.5], 0).key
    assert len(search.population) == len(search.ask()) == 6


def test_a_member_that_comes_back_takes_no_second_place():
    search, measure = built(DE(6), Bowl(), UNIT), door(Bowl(), genome=UNIT)
    run(search, measure, 1)
    before = search._points.copy()
    search.receive(list(search.population))
    assert search._points.tolist() == before.tolist()


def begun(sigma=0.05, **options):
    context = Context(Streams(0), fitness=Bowl(), genome=UNIT, init=[np.full(3, 0.5)])
    return CMA(sigma=sigma, **options).build(context)


def test_a_visitor_near_the_mean_is_in_the_next_sample_as_it_is():
    search, near = begun(), visitor([0.55, 0.5, 0.45], 1.0)
    before = [one.key for one in search.ask()]
    search.receive([near])
    assert [one.key for one in search.ask()] == [*before[:-1], near.key]


def test_one_that_is_far_is_brought_as_near_as_a_sample_may_be():
    search = begun()
    search.receive([visitor([1.0, 0.5, 0.5], 1.0)])
    # The covariance is the identity: |x - m| / sigma = sqrt(n) + 2n / (n + 2), Hansen 2011.
    assert search.ask()[-1].genes == pytest.approx([0.5 + 0.05 * (np.sqrt(3) + 6 / 5), 0.5, 0.5])


@pytest.mark.parametrize("covariance", ["full", "separable"])
def test_how_far_is_measured_by_the_covariance_that_was_learned(covariance):
    search, measure = begun(0.01, covariance=covariance), door(Bowl(), genome=UNIT)
    run(search, measure, 5)
    strategy = search._strategy
    matrix = strategy._C if covariance == "full" else np.diag(strategy._C)
    assert np.ptp(np.linalg.eigvalsh(matrix)) > 0.01
    search.receive([visitor([0.9, 0.8, 0.1], 1.0)])
    way = (search.ask()[-1].genes - strategy.mean) / strategy._sigma
    assert way @ np.linalg.solve(matrix, way) == pytest.approx((np.sqrt(3) + 6 / 5) ** 2)


def test_visitors_are_at_most_half_of_a_sample_and_gone_after_it():
    search, measure = begun(), door(Bowl(), genome=UNIT)
    search.receive([visitor([0.5, 0.5, n / 100], 1.0) for n in range(45, 55)])
    asked = search.ask()
    assert sum(one.genes[0] == 0.5 for one in asked) == 3
    search.step(measure)
    assert not any(one.genes[0] == 0.5 for one in search.ask())


def test_visitors_that_wait_are_in_the_state():
    search, other = begun(), begun()
    search.receive([visitor([0.55, 0.5, 0.45], 1.0)])
    other.load_state_dict(search.state_dict())
    assert [one.key for one in other.ask()] == [one.key for one in search.ask()]
