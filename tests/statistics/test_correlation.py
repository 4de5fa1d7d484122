import math

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from evokit.statistics.correlation import spearman_interval

finite = st.floats(-1e6, 1e6, allow_subnormal=False)


def test_spearman_of_a_hand_worked_sample():
    # rank differences 1, -1, 1, -1, 0: rho = 1 - 6 * 4 / (5 * 24) = 0.8; z = 1.098612; se = sqrt(1.32 / 2) = 0.812404
    rho, low, high = spearman_interval([1, 2, 3, 4, 5], [2, 1, 4, 3, 5])
    assert rho == pytest.approx(0.8)
    assert (low, high) == pytest.approx(
        (math.tanh(1.098612 - 1.959964 * 0.812404), math.tanh(1.098612 + 1.959964 * 0.812404)), abs=1e-5
    )


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=4, max_size=30))
def test_spearman_agrees_with_scipy_under_ties(pairs):
    x, y = map(list, zip(*pairs, strict=True))
    if len(set(x)) > 1 and len(set(y)) > 1:
        assert spearman_interval(x, y)[0] == pytest.approx(scipy.stats.spearmanr(x, y).statistic, abs=1e-9)


@given(st.lists(st.tuples(finite, finite), max_size=30))
def test_spearman_interval_holds_rho_and_stays_within_one(pairs):
    x, y = (list(side) for side in zip(*pairs, strict=True)) if pairs else ([], [])
    rho, low, high = spearman_interval(x, y)
    assert -1 <= low <= rho <= high <= 1


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("n", [4, 5, 30])
def test_perfect_order_is_not_certainty(n, sign):
    x = np.arange(n)
    rho, low, high = spearman_interval(x, sign * x)
    assert rho == sign
    assert max(abs(low), abs(high)) == 1
    assert min(abs(low), abs(high)) < 1


@pytest.mark.parametrize("sign", [1, -1])
def test_perfect_order_of_a_hand_worked_sample(sign):
    # the nearest correlation is 1 - 12 / (5 * 24) = 0.9, its z 1.472219, its error sqrt(1.405 / 2) = 0.838153
    found = spearman_interval([1, 2, 3, 4, 5], [sign * y for y in (2, 4, 6, 8, 9)])
    near = math.tanh(1.472219 - 1.959964 * 0.838153)
    assert found == pytest.approx((1, near, 1) if sign == 1 else (-1, -1, -near), abs=1e-5)


@pytest.mark.parametrize(("x", "y"), [([1, 1, 1, 1], [1, 2, 3, 4]), ([1, 2, 3, 4], [5, 5, 5, 5]), ([], []), ([1], [2])])
def test_an_undefined_correlation_says_that_nothing_is_known(x, y):
    assert spearman_interval(x, y) == (0.0, -1.0, 1.0)


def test_three_pairs_have_no_interval_and_two_neither():
    assert spearman_interval([1, 2, 3], [1, 3, 2]) == (0.5, -1.0, 1.0)
    assert spearman_interval([1, 2], [2, 1]) == (-1.0, -1.0, 1.0)


def test_spearman_interval_covers_the_true_correlation_in_about_95_percent():
    rng = np.random.default_rng(3)
    r = 0.6
    true = 6 / math.pi * math.asin(r / 2)  # of a bivariate normal
    normal = rng.multivariate_normal([0, 0], [[1, r], [r, 1]], (1500, 30))
    bounds = [spearman_interval(pairs[:, 0], pairs[:, 1])[1:] for pairs in normal]
    assert np.mean([low <= true <= high for low, high in bounds]) == pytest.approx(0.95, abs=0.02)


def test_spearman_refuses_unequal_shapes():
    with pytest.raises(ValueError, match="equal shapes"):
        spearman_interval([1, 2], [1, 2, 3])


def test_spearman_refuses_nan():
    with pytest.raises(ValueError, match="finite, got 1"):
        spearman_interval([1, 2, math.nan], [1, 2, 3])


def test_spearman_refuses_tables():
    with pytest.raises(ValueError, match=r"shape \(n,\), got \(2, 1\)"):
        spearman_interval([[1], [2]], [[1], [2]])
