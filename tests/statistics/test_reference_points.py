import math
from itertools import pairwise

import numpy as np
import pytest
from deap import tools
from hypothesis import given, settings
from hypothesis import strategies as st

from evokit.interfaces import Score
from evokit.statistics.pareto import ranks
from evokit.statistics.reference_points import niched, normalised, reference_points

whole_points = st.lists(st.tuples(*[st.integers(0, 50)] * 3), min_size=6, max_size=25)


def ranks_of(costs):
    return ranks([Score((-1.0,) * costs.shape[1], tuple(row)) for row in costs.tolist()])


def survivors(costs, n, points, seed=0):
    return niched(costs, ranks_of(costs), n, points, costs[:1], np.random.default_rng(seed))


def test_points_are_all_mixes_of_so_many_divisions():
    points = reference_points(3, [4])
    assert len(points) == math.comb(4 + 2, 2)
    assert np.unique(points, axis=0).shape == points.shape
    assert (points * 4 == np.round(points * 4)).all()
    assert (points.sum(axis=1) == 1).all()


def test_a_second_layer_is_half_as_wide_around_the_same_middle():
    outer, both = reference_points(3, [2]), reference_points(3, [2, 2])
    assert both[:6].tolist() == outer.tolist()
    assert both[6:] == pytest.approx(1 / 3 + (outer - 1 / 3) / 2)


def test_shares_go_from_the_best_ever_to_where_the_plane_of_the_extremes_meets_the_axes():
    # The plane through (0, 4) and (2, 0), seen from (0, 0), meets the axes at 2 and 4.
    costs = np.array([(0.0, 4.0), (0.5, 0.5), (2.0, 0.0), (3.0, 5.0)])
    shares = normalised(costs, np.array([0, 0, 0, 1]), costs[:1])
    assert shares == pytest.approx(costs / [2, 4])
    # Others were measured before, so that the best is (-1, -1) and extremes meet the axes at 4.5 and, beyond the worst
    # that candidates have and so cut off there, at 5.
    before = np.array([(-1.0, 4.5), (5.0, -1.0)])
    assert normalised(costs, np.array([0, 0, 0, 1]), before) == pytest.approx((costs + 1) / [4, 5.5])


def test_where_extremes_span_no_plane_the_front_is_the_unit():
    costs = np.array([(1.0, 1.0), (3.0, 2.0)])
    assert normalised(costs, np.array([0, 1]), costs[:1]).tolist() == [[0, 0], [1, 1]]  # the front has no width


@settings(max_examples=40, deadline=None)
@given(
    points=whole_points, shifts=st.tuples(*[st.integers(-1000, 1000)] * 3), powers=st.tuples(*[st.integers(-8, 8)] * 3)
)
def test_neither_units_nor_where_zero_is_change_who_survives(points, shifts, powers):
    costs = np.array(points, float)
    moved = (costs + shifts) * 2.0 ** np.array(powers)
    n, lines = len(costs) // 2, reference_points(3, [4])
    assert survivors(moved, n, lines) == survivors(costs, n, lines)


def test_deaps_own_survival_depends_on_where_zero_is():
    """Which is why ours is not built on it; if this fails, DEAP may have been mended."""
    costs = np.vstack([np.eye(3), np.random.default_rng(3).dirichlet(np.ones(3), 40), [(2.0, 2.0, 2.0)]])

    def niches(costs):
        best, worst = costs.min(axis=0), costs.max(axis=0)
        intercepts = tools.emo.find_intercepts(tools.emo.find_extreme_points(costs, best), best, worst, worst)
        return tools.emo.associate_to_niche(costs, reference_points(3, [6]), best, intercepts)[0].tolist()

    assert niches(costs + np.array([8, 1, 0])) != niches(costs)


def test_lines_are_those_of_deap_where_the_best_is_zero():
    rng = np.random.default_rng(1)
    costs = np.vstack([np.eye(3), rng.dirichlet(np.ones(3), 40)])  # extremes are the unit points
    costs[costs < 0] = 0
    lines = reference_points(3, [5])
    expected, far = tools.emo.associate_to_niche(costs, lines, np.zeros(3), np.ones(3))
    # One place a niche that somebody is nearest to: each has its nearest.
    nearest = {niche: int(np.flatnonzero(expected == niche)[far[expected == niche].argmin()]) for niche in expected}
    chosen = niched(costs, np.zeros(len(costs), int), len(nearest), lines, costs[:3], np.random.default_rng(0))
    assert sorted(chosen) == sorted(nearest.values())


@settings(max_examples=40, deadline=None)
@given(points=whole_points, seed=st.integers(0, 9))
def test_survivors_are_front_by_front_and_as_even_over_niches_as_can_be(points, seed):
    costs, lines = np.array(points, float), reference_points(3, [3])
    n, rank = len(costs) // 2, ranks_of(costs)
    chosen = survivors(costs, n, lines, seed)
    assert len(set(chosen)) == len(chosen) == n
    cut = max(rank[chosen])
    assert set(np.flatnonzero(rank < cut)) <= set(chosen)
    shares = normalised(costs, rank, costs[:1])
    niches = (shares @ (lines / np.linalg.norm(lines, axis=1, keepdims=True)).T).argmax(axis=1)
    counts = np.bincount(niches[chosen], minlength=len(lines))
    for left in set(np.flatnonzero(rank == cut)) - set(chosen):
        emptier = [one for one in chosen if rank[one] == cut and counts[niches[one]] > counts[niches[left]] + 1]
        assert not emptier, "one of a fuller niche lives in place of one of an emptier"


def test_the_seed_decides_between_equals_alone():
    costs = np.abs(np.random.default_rng(0).normal(size=(60, 3)))
    costs /= np.linalg.norm(costs, axis=1, keepdims=True)
    lines = reference_points(3, [5])
    found = [survivors(costs, 30, lines, seed) for seed in range(4)]
    assert any(a != b for a, b in pairwise(found))
    assert survivors(costs, 30, lines, 0) == found[0]
