import moocore
import numpy as np
import pytest
from scipy.stats import norm

from evokit.screens.acquisition import CORNER, DRAWS, _normal, expected_improvement, front_order, order

FRONT = np.array([[0.0, 1.0], [0.5, 0.5], [1.0, 0.0]])


def test_expected_improvement_is_the_mean_of_what_normal_values_gain(rng):
    mean, spread, best = np.array([0.3, -1.0, 2.0]), np.array([1.0, 0.5, 0.7]), 0.4
    drawn = rng.normal(mean, spread, size=(400_000, 3))
    assert expected_improvement(mean, spread, best) == pytest.approx(np.maximum(best - drawn, 0).mean(axis=0), abs=5e-3)


def test_expected_improvement_is_that_of_the_paper():
    mean, spread, best = 0.3, 1.2, 0.1
    z = (best - mean) / spread
    expected = (best - mean) * norm.cdf(z) + spread * norm.pdf(z)  # Jones et al. 1998, eq. 15
    assert expected_improvement(np.array([mean]), np.array([spread]), best) == pytest.approx([expected])


def test_far_from_the_best_where_it_underflows_the_less_hopeless_come_first():
    mean, spread = np.array([300.0, 100.0, 200.0, 100.0]), np.array([1.0, 1.0, 1.0, 2.0])
    assert order("expected_improvement", 1.0, mean, spread, 0.0) == [3, 1, 2, 0]


def test_without_spread_all_acquisitions_are_the_mean(rng):
    mean = rng.normal(size=20)
    for kind in ("lower_confidence_bound", "expected_improvement"):
        assert order(kind, 2.0, mean, np.zeros(20), 0.0) == order("mean", 2.0, mean, np.zeros(20), 0.0)


def test_kappa_is_in_spreads():
    mean, spread = np.array([1.0, 2.0]), np.array([0.0, 1.0])
    assert order("lower_confidence_bound", 0.9, mean, spread, 0.0) == [0, 1]
    assert order("lower_confidence_bound", 1.1, mean, spread, 0.0) == [1, 0]


def test_who_adds_most_hypervolume_comes_first_and_counts_for_the_next(rng):
    mean = rng.random((12, 2))
    left, front, expected = list(range(12)), FRONT, []
    corner = [1 + CORNER] * 2
    for _ in range(3):
        gains = [moocore.hypervolume(np.vstack([front, mean[i]]), ref=corner) for i in left]
        expected.append(left.pop(int(np.argmax(gains))))
        front = np.vstack([front, mean[expected[-1]]])
    assert front_order("mean", 0.0, mean, np.zeros((12, 2)), FRONT, 3) == expected


def test_twins_are_not_taken_one_after_the_other():
    mean = np.array([[0.2, 0.2], [0.2, 0.2], [0.1, 0.9]])
    assert front_order("mean", 0.0, mean, np.zeros((3, 2)), FRONT, 3) == [0, 2, 1]


def test_the_dominated_come_last_the_nearer_first():
    mean = np.array([[3.0, 3.0], [0.6, 0.6], [0.9, 0.9], [0.4, 0.4]])
    assert front_order("mean", 0.0, mean, np.zeros((4, 2)), FRONT, 4) == [3, 1, 2, 0]


def test_the_bound_of_several_objectives_lies_below_their_means():
    mean, spread = np.array([[0.45, 0.45], [0.7, 0.7]]), np.array([[0.0, 0.0], [0.4, 0.4]])
    assert front_order("mean", 1.0, mean, spread, FRONT, 1) == [0]
    assert front_order("lower_confidence_bound", 1.0, mean, spread, FRONT, 1) == [1]


def test_the_expected_improvement_of_hypervolume_is_near_that_of_many_draws(rng):
    mean, spread = np.array([[0.6, 0.6], [0.45, 0.6]]), np.array([[0.3, 0.3], [0.05, 0.05]])
    corner = [1 + CORNER] * 2
    before = moocore.hypervolume(FRONT, ref=corner)
    gains = [
        np.mean([moocore.hypervolume(np.vstack([FRONT, p]), ref=corner) for p in rng.normal(m, s, (2000, 2))]) - before
        for m, s in zip(mean, spread, strict=True)
    ]
    assert gains[0] > 2 * gains[1]
    assert front_order("expected_improvement", 0.0, mean, spread, FRONT, 1) == [0]
    assert front_order("mean", 0.0, mean, spread, FRONT, 1) == [1]


@pytest.mark.parametrize("scale", [1e-30, 1e90])
def test_the_unit_of_an_objective_does_not_matter(rng, scale):
    mean, spread = rng.random((10, 2)), rng.random((10, 2)) / 10
    expected = front_order("lower_confidence_bound", 1.0, mean, spread, FRONT, 5)
    units = np.array([scale, 1.0])
    assert front_order("lower_confidence_bound", 1.0, mean * units, spread * units, FRONT * units, 5) == expected


def test_a_front_of_one_point_is_enough():
    mean = np.array([[0.5, 0.5], [-1.0, 2.0], [3.0, 3.0]])
    assert front_order("mean", 0.0, mean, np.zeros((3, 2)), np.array([[1.0, 1.0]]), 3)[-1] == 2


def test_the_draws_of_several_objectives_are_normal_in_the_mean():
    draws = _normal(3)
    assert draws.shape == (DRAWS, 3)
    assert draws.mean(axis=0) == pytest.approx(np.zeros(3), abs=1e-12)
    assert draws.std(axis=0) == pytest.approx(np.ones(3), abs=0.05)  # the tails of 32 strata are cut at their middles
