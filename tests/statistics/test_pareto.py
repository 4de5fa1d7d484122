import itertools
import math
from types import SimpleNamespace

import numpy as np
import pytest
from deap import tools
from hypothesis import given, settings
from hypothesis import strategies as st

from evokit.interfaces import Score
from evokit.statistics.pareto import (
    Standing,
    contributing,
    costs_of,
    crowding,
    gaps,
    hypervolumes,
    preferred,
    ranks,
    standings,
)

WEIGHTS = (-1.0, 1.0)
number = st.floats(-1e9, 1e9)
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


def test_crowding_of_fronts_together_is_that_of_each_alone():
    rng = np.random.default_rng(0)
    points, fronts = rng.integers(0, 9, (60, 3)).astype(float), rng.integers(0, 4, 60)
    together = crowding(points, fronts)
    for number in range(4):
        assert together[fronts == number].tolist() == crowding(points[fronts == number]).tolist()


# --- distances between fronts


def test_gaps_are_those_worked_by_hand():
    # On all fronts the first objective, to be small, is 0 to 4, the second, to be large, 0 to 10: best are (0, 10).
    found = gaps({"best": [(0.0, 10.0)], "wide": [(1.0, 5.0), (4.0, 10.0), (0.0, 0.0)], "none": []}, (-1.0, 1.0))
    assert found["best"] == {"igd_plus": 0, "epsilon": 0}
    # In the box (1, 5) is 1/4 and 1/2 from the best; the others are farther off.
    assert found["wide"] == pytest.approx({"igd_plus": math.hypot(1 / 4, 1 / 2), "epsilon": 1 / 2})
    assert found.keys() == {"best", "wide"}
    assert gaps({"none": []}, WEIGHTS) == {}


def igd_plus_by_definition(front, best):
    return np.mean([min(math.hypot(*np.maximum(np.array(a) - z, 0)) for a in front) for z in best])


@settings(max_examples=30, deadline=None)
@given(one=some_points, two=some_points)
def test_gaps_are_those_of_the_definitions(one, two):
    found = gaps({"one": one, "two": two}, (-1.0, -1.0))
    every = np.array([*one, *two], float)
    low, width = every.min(axis=0), np.where(np.ptp(every, axis=0), np.ptp(every, axis=0), 1)
    boxed = {name: (np.array(front, float) - low) / width for name, front in (("one", one), ("two", two))}
    both = np.unique(np.vstack(list(boxed.values())), axis=0)
    best = [z for z in both if not any((a <= z).all() and (a < z).any() for a in both)]
    for name, front in boxed.items():
        assert found[name]["igd_plus"] == pytest.approx(igd_plus_by_definition(front, best))
        worst = max(min(max(np.array(a) - z) for a in front) for z in best)
        assert found[name]["epsilon"] == pytest.approx(worst, abs=1e-12)


# --- survival by hypervolume


def scaled(points):
    points = np.array(points, float)
    width = np.ptp(points, axis=0)
    return (points - points.min(axis=0)) / np.where(width, width, 1)


def volume(points):
    """Of three costs that reach to 1.1, by counting the cells of the grid that their values make."""
    edges = [np.unique([*column, 1.1]) for column in points.T]
    sizes = [np.diff(edge) for edge in edges]
    lows = np.stack(np.meshgrid(*[edge[:-1] for edge in edges], indexing="ij"), axis=-1)
    covered = np.array([(point <= lows).all(axis=-1) for point in points]).any(axis=0)
    return np.einsum("ijk,i,j,k", covered.astype(float), *sizes)


def test_of_the_cut_front_goes_whose_volume_is_missed_least_one_after_the_other():
    rng = np.random.default_rng(5)
    costs = np.abs(rng.normal(size=(14, 3)))
    costs /= np.linalg.norm(costs, axis=1, keepdims=True)
    left, points = list(range(14)), scaled(costs)
    while len(left) > 8:
        least = max(left, key=lambda place: volume(points[[one for one in left if one != place]]))
        left.remove(least)
    assert contributing(costs, np.zeros(14, int), 8) == left


def test_with_two_objectives_the_ends_stay_and_the_lower_fronts_do():
    costs = np.array([(0, 10), (0.1, 9.9), (5, 5), (9.9, 0.1), (10, 0), (11, 11)], float)
    rank = ranks(scores(costs, (-1.0, -1.0)))
    assert contributing(costs, rank, 3) == [0, 2, 4]
    assert contributing(costs, rank, 5) == [0, 1, 2, 3, 4]


def test_of_equals_the_last_goes():
    assert contributing(np.array([(0, 2), (1, 1), (1, 1), (2, 0), (1, 1)], float), np.zeros(5, int), 3) == [0, 1, 3]
    assert contributing(np.ones((4, 2)), np.zeros(4, int), 2) == [0, 1]


def bounded(*told):
    return [Score((-1.0,), (value,), (over,)) for value, over in told]


def test_costs_keep_the_order_of_the_rules_on_the_scale_of_values():
    # The worst feasible costs 3 and their range is 2: two levels of violation lie half of that and all of it above.
    assert costs_of(bounded((3.0, 0.0), (1.0, -1.0), (0.0, 4.0), (0.0, 1.0))).ravel().tolist() == [3.0, 1.0, 5.0, 4.0]
    assert costs_of(bounded((7.0, 4.0), (9.0, 1.0))).ravel().tolist() == [1.0, 0.5]


@given(
    st.lists(
        st.tuples(st.tuples(number, number), st.one_of(st.just(0.0), st.floats(1e-80, 1e80))), min_size=1, max_size=9
    )
)
def test_costs_dominate_as_scores_do(told):
    scores = [Score((-1.0, 1.0), values, (over,)) for values, over in told]
    costs = costs_of(scores)
    for one, mine in zip(scores, costs, strict=True):
        for other, theirs in zip(scores, costs, strict=True):
            assert one.dominates(other) is bool((mine <= theirs).all() and (mine < theirs).any())
