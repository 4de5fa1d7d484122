import itertools
import math
from types import SimpleNamespace

import numpy as np
import pytest
from deap import tools
from hypothesis import given, settings
from hypothesis import strategies as st

from evokit.interfaces import Score
from evokit.statistics.pareto import Standing, crowding, hypervolumes, preferred, standings

WEIGHTS = (-1.0, 1.0)
some_points = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), min_size=1, max_size=30)


def scores(points, weights=WEIGHTS):
    return [Score(weights, tuple(map(float, point))) for point in points]


def fronts_by_definition(points, weights=WEIGHTS):
    """Peel off those that nobody left dominates, by comparing every pair."""
    gains = [tuple(w * v for w, v in zip(weights, point, strict=True)) for point in points]

    def dominates(a, b):
        return a != b and all(x >= y for x, y in zip(a, b, strict=True))

    left, number, fronts = set(range(len(points))), 0, {}
    while left:
        front = {i for i in left if not any(dominates(gains[j], gains[i]) for j in left)}
        fronts |= dict.fromkeys(front, -number)
        left, number = left - front, number + 1
    return [fronts[i] for i in range(len(points))]


@settings(max_examples=60, deadline=None)
@given(points=some_points)
def test_fronts_are_those_of_the_definition(points):
    assert [one.front for one in standings(scores(points))] == fronts_by_definition(points)


@settings(max_examples=30, deadline=None)
@given(points=st.lists(st.tuples(*[st.integers(0, 3)] * 3), min_size=1, max_size=25))
def test_fronts_of_three_objectives_are_those_of_the_definition(points):
    weights = (-1.0, 1.0, -1.0)
    assert [one.front for one in standings(scores(points, weights))] == fronts_by_definition(points, weights)


def test_crowding_is_the_sum_of_the_normalised_gaps_around_a_point():
    # f1 spans 4 and f2 10: the second of these has its neighbours 3 and 8 apart, and DEAP divides by their number, 2.
    found = standings(scores([(0, 10), (1, 4), (3, 2), (4, 0)], (-1.0, -1.0)))
    assert [one.crowding for one in found] == [math.inf, (3 / 4 + 8 / 10) / 2, (3 / 4 + 4 / 10) / 2, math.inf]


@given(st.lists(st.tuples(st.floats(-9, 9), st.integers(-3, 3), st.floats(0, 1e-3)), min_size=1, max_size=30))
def test_crowding_is_that_of_deap_to_the_last_bit(points):
    members = [SimpleNamespace(fitness=Score((-1.0, 1.0, 1.0), tuple(map(float, point)))) for point in points]
    tools.emo.assignCrowdingDist(members)
    assert crowding(np.array(points, float)).tolist() == [one.fitness.crowding_dist for one in members]


def test_huge_values_have_crowding_and_hypervolume_like_others():
    ordinary = [(-1.0, 1.0), (0.0, 0.5), (0.5, 0.0), (1.0, -1.0)]
    huge = [(1.5e308 * a, 1.5e308 * b) for a, b in ordinary]
    assert crowding(np.array(huge)).tolist() == crowding(np.array(ordinary)).tolist()
    found = [hypervolumes({"one": points, "two": points[:2]}, (-1.0, -1.0)) for points in (ordinary, huge)]
    assert found[0] == pytest.approx(found[1])


def test_the_lower_front_goes_before_the_less_crowded():
    assert Standing(0, 0.1) > Standing(-1, math.inf)
    assert Standing(0, 0.2) > Standing(0, 0.1)


@given(points=some_points)
def test_the_preferred_come_front_by_front_and_less_crowded_first(points):
    standing = standings(scores(points))
    order = preferred(scores(points))
    assert sorted(order) == list(range(len(points)))
    assert all(standing[a] >= standing[b] for a, b in itertools.pairwise(order))
    assert all(a < b for a, b in itertools.pairwise(order) if standing[a] == standing[b])


@given(st.lists(st.integers(0, 5), max_size=12), st.sampled_from([-1.0, 1.0]))
def test_one_objective_is_a_stable_sort(values, weight):
    order = preferred(scores([(value,) for value in values], (weight,)))
    assert order == sorted(range(len(values)), key=lambda i: -weight * values[i])


def test_scores_are_left_as_they_are():
    given_scores = scores([(0, 1), (1, 0)])
    standings(given_scores)
    assert not any(hasattr(score, "crowding_dist") for score in given_scores)


# --- hypervolume


def swept(front, reference):
    """The area that a front of two costs dominates, as a sum of rectangles from left to right."""
    area, height = 0.0, reference
    for x, y in sorted(front):
        if y < height:
            area += (reference - x) * (height - y)
            height = y
    return area


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=8),
    st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=8),
)
def test_hypervolume_is_the_area_in_the_common_box(ours, theirs):
    every = np.array(ours + theirs, float)
    low, width = every.min(0), np.maximum(np.ptp(every, axis=0), np.ptp(every, axis=0) == 0)
    found = hypervolumes({"ours": ours, "theirs": theirs}, (-1.0, -1.0))
    for name, front in (("ours", ours), ("theirs", theirs)):
        scaled = [tuple((np.array(point) - low) / width) for point in front]
        assert found[name] == pytest.approx(swept(scaled, 1.1) / 1.1**2)


def test_a_goal_turned_round_changes_no_hypervolume():
    costs = {"a": [(0, 3), (2, 1)], "b": [(1, 2)]}
    gains = {name: [(x, -y) for x, y in front] for name, front in costs.items()}
    assert hypervolumes(gains, (-1.0, 1.0)) == hypervolumes(costs, (-1.0, -1.0))


def test_an_empty_front_dominates_nothing():
    assert hypervolumes({"a": [(1.0, 1.0)], "b": []}, WEIGHTS) == {"a": 1.0, "b": 0.0}
    assert hypervolumes({"a": [], "b": []}, WEIGHTS) == {"a": 0.0, "b": 0.0}


def test_crowding_is_that_among_the_members_of_a_front():
    inner, outer = [(0, 4), (1, 1), (4, 0)], [(5, 9), (6, 6), (9, 5)]
    found = [one.crowding for one in standings(scores(inner + outer, (-1.0, -1.0)))]
    assert found == [*crowding(np.array(inner, float)), *crowding(np.array(outer, float))]
