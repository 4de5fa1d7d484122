import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evokit.interfaces import Individual, Score
from evokit.searches.front import Front

WEIGHTS = (-1.0, 1.0)
some_points = st.lists(st.tuples(st.integers(-3, 3), st.integers(-3, 3)), max_size=40)


def people(points, weights=WEIGHTS):
    """One individual a point, named by its place."""
    return [
        Individual(None, str(place), Score(weights, tuple(map(float, point)))) for place, point in enumerate(points)
    ]


def front(points, size=1_000, weights=WEIGHTS):
    found = Front(size)
    found.add(people(points, weights))
    return found


def values(found):
    return [one.fitness.values for one in found]


@given(some_points)
def test_it_has_a_member_for_each_point_that_nothing_dominates_and_counts_who_shares_it(points):
    everybody = people(points)
    best = [one for one in everybody if not any(other.fitness.dominates(one.fitness) for other in everybody)]
    found = front(points)
    assert {one.fitness.values: found.shared[one.key] for one in found} == Counter(one.fitness.values for one in best)
    first = {one.fitness.values: one.key for one in reversed(best)}
    assert all(first[one.fitness.values] == one.key for one in found)


@settings(max_examples=50)
@given(some_points, st.integers(1, 6))
def test_it_is_bounded_and_holds_nothing_that_another_member_dominates(points, size):
    found = front(points, size)
    assert len(found) <= size
    assert not any(a.fitness.dominates(b.fitness) for a in found for b in found)
    assert len(found.shared) == len(found)


def test_new_are_the_points_that_are_there_at_the_end():
    found = front([(1, 1)])
    assert found.add(people([(1, 1), (0, 0), (0, 1), (2, 2)])) == 2  # (0, 0) is behind (0, 1), which is in
    assert values(found) == [(0.0, 1.0), (2.0, 2.0)]


def test_minus_zero_is_zero():
    found = front([(0.0, 0.0), (-0.0, 0.0), (0.0, -0.0)])
    assert found.shared == {"0": 3}


@pytest.mark.parametrize("weights", [(-1.0, -1.0), (1.0, 1.0)])
def test_when_it_is_full_the_most_crowded_goes_and_the_ends_stay(weights):
    found = front([(0, 10), (10, 0), (5, 5), (6, 4)], 3, weights)
    assert values(found) == [(0.0, 10.0), (10.0, 0.0), (5.0, 5.0)]
    assert found.add(people([(5.5, 4.5)], weights)) == 0
    assert found.add(people([(-1, 11)], weights)) == 1
    assert values(found) == [(10.0, 0.0), (5.0, 5.0), (-1.0, 11.0)]


def test_of_the_equally_crowded_the_last_goes():
    assert values(front([(0, 3), (3, 0), (1, 2), (2, 1)], 3, (-1.0, -1.0))) == [(0.0, 3.0), (3.0, 0.0), (1.0, 2.0)]


def test_thousands_of_points_keep_the_width_of_the_front():
    x = np.random.default_rng(0).random(3_000)
    found = np.array(values(front(np.stack([x, 1 - x], 1), 50, (-1.0, -1.0))))
    assert len(found) == 50
    assert (found[:, 0].min(), found[:, 0].max()) == (x.min(), x.max())
    assert np.diff(np.sort(found[:, 0])).max() < 0.06


def test_it_goes_on_from_its_members_and_their_counts():
    points = [(0, 10), (10, 0), (5, 5), (5, 5), (6, 4)]
    whole, again = front(points, 3, (-1.0, -1.0)), Front(3)
    again.restore(list(whole), whole.shared)
    for found in (whole, again):
        found.add(people([(5, 5), (4, 5), (1, 6)], (-1.0, -1.0)))
    assert (values(again), again.shared) == (values(whole), whole.shared)


def test_a_state_of_before_with_a_member_for_each_individual_becomes_points():
    again = Front()
    again.restore(people([(1, 1), (1, 1), (2, 2)]), {})
    assert again.shared == {"0": 2, "2": 1}


def test_values_whose_range_overflows_are_crowded_like_others():
    huge = front([(-1e308, 1e308), (1e308, -1e308), (0, 0), (1e307, -1e307)], 3, (-1.0, -1.0))
    assert values(huge)[2] == (0.0, 0.0)
    assert not any(math.isnan(value) for point in values(huge) for value in point)


def bounded(*told):
    return [
        Individual(None, str(place), Score((-1.0, -1.0), values, (over,))) for place, (values, over) in enumerate(told)
    ]


@pytest.mark.parametrize("order", [[0, 1, 2, 3], [3, 2, 1, 0], [1, 3, 0, 2]])
def test_an_infeasible_point_of_the_same_values_is_another_point(order):
    people = bounded(((1.0, 2.0), 0.5), ((1.0, 2.0), -1.0), ((1.0, 2.0), 0.1), ((1.0, 2.0), 0.0))
    front = Front()
    front.add([people[place] for place in order])
    (one,) = front
    assert one.key == str(next(place for place in order if place in (1, 3)))
    assert front.shared == {one.key: 2}


def test_while_nobody_is_feasible_the_least_violation_stays():
    front = Front()
    front.add(bounded(((1.0, 2.0), 0.5), ((1.0, 2.0), 0.1), ((0.0, 0.0), 0.3)))
    assert [one.fitness.violation for one in front] == [0.1]
