import math

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from evokit.statistics import (
    Verdict,
    corrected,
    mean_interval,
    paired_interval,
    paired_p,
    spearman_interval,
    verdict,
)

finite = st.floats(-1e6, 1e6, allow_subnormal=False)
samples = st.lists(finite, min_size=2, max_size=30)


def test_mean_interval_of_a_hand_worked_sample():
    # 1, 2, 3: mean 2, s = 1, t(2, 0.975) = 4.302653, half width 4.302653 / sqrt(3) = 2.484138
    mean, interval = mean_interval([1, 2, 3])
    assert mean == 2
    assert interval == pytest.approx((-0.484138, 4.484138), abs=1e-6)


def test_mean_interval_agrees_with_scipy():
    values = np.random.default_rng(0).normal(5, 2, 40)
    expected = scipy.stats.ttest_1samp(values, 0).confidence_interval(0.95)
    assert mean_interval(values)[1] == pytest.approx((expected.low, expected.high))


def test_mean_interval_covers_the_true_mean_in_95_percent():
    draws = np.random.default_rng(1).normal(3, 1, (4000, 6))
    covered = [low <= 3 <= high for _, (low, high) in map(mean_interval, draws)]
    assert np.mean(covered) == pytest.approx(0.95, abs=0.011)  # three standard errors


def test_one_value_has_no_interval():
    mean, (low, high) = mean_interval([7.0])
    assert mean == 7
    assert math.isnan(low)
    assert math.isnan(high)


@pytest.mark.parametrize(("values", "message"), [([], "n >= 1"), ([[1.0]], r"\(1, 1\)"), ([1.0, math.nan], "finite")])
def test_mean_interval_refuses(values, message):
    with pytest.raises(ValueError, match=message):
        mean_interval(values)


def test_paired_interval_agrees_with_scipy():
    rng = np.random.default_rng(2)
    a = rng.normal(size=25)
    b = a + rng.normal(0.1, 0.05, 25)
    expected = scipy.stats.ttest_rel(a, b).confidence_interval(0.95)
    assert paired_interval(a, b)[1] == pytest.approx((expected.low, expected.high))


def test_paired_interval_refuses_unequal_shapes():
    with pytest.raises(ValueError, match=r"equal shapes, got \(2,\) and \(3,\)"):
        paired_interval([1, 2], [1, 2, 3])


@given(samples)
def test_pairs_mirror(values):
    a, b = np.array(values), np.zeros(len(values))
    mean, (low, high) = paired_interval(a, b)
    turned_mean, turned = paired_interval(b, a)
    assert (turned_mean, *turned) == pytest.approx((-mean, -high, -low))


@pytest.mark.parametrize(
    ("ours", "goal", "expected"),
    [
        ([1.0, 1.1, 0.9], "min", "better"),
        ([1.0, 1.1, 0.9], "max", "worse"),
        ([3.0, 3.1, 2.9], "min", "worse"),
        ([3.0, 3.1, 2.9], "max", "better"),
        ([1.0, 3.1, 2.0], "min", "no difference shown"),
        ([2.0, 2.0, 2.0], "max", "no difference shown"),
    ],
)
def test_verdict_follows_interval_and_goal(ours, goal, expected):
    assert verdict("adamw", ours, [2.0, 2.0, 2.0], goal, "test documents").verdict == expected


def test_verdict_reports_what_it_rests_on():
    result = verdict("adamw", [1, 2, 3], [0, 0, 0], "min", "3 repeats of the whole search")
    assert result.against == "adamw"
    assert result.difference == 2
    assert result.interval == pytest.approx((-0.484138, 4.484138), abs=1e-6)
    assert result.n == 3
    assert result.method == ("3 repeats of the whole search; ours - theirs, paired Student t, 95 %; lower is better")


def test_verdict_reads_as_a_sentence():
    result = Verdict("adamw", -0.25, (-0.5, -0.125), 40, "test documents; lower is better", "better")
    assert str(result) == ("better against adamw: -0.25 [-0.5, -0.125], n = 40 (test documents; lower is better)")


def test_a_single_unit_shows_no_difference():
    assert verdict("adamw", [1.0], [2.0], "min", "one repeat").verdict == "no difference shown"


def test_a_constant_difference_is_shown():
    result = verdict("adamw", [1.0, 2.0], [2.0, 3.0], "min", "repeats")
    assert (result.interval, result.verdict) == ((-1.0, -1.0), "better")


@given(st.lists(st.tuples(finite, finite), min_size=2, max_size=30))
def test_verdict_turns_with_the_goal(pairs):
    ours, theirs = map(list, zip(*pairs, strict=True))
    turned = {"better": "worse", "worse": "better", "no difference shown": "no difference shown"}
    lower = verdict("rival", ours, theirs, "min", "units").verdict
    assert verdict("rival", ours, theirs, "max", "units").verdict == turned[lower]


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


@pytest.mark.parametrize(("x", "y"), [([1, 1, 1, 1], [1, 2, 3, 4]), ([1, 2, 3, 4], [5, 5, 5, 5]), ([], []), ([1], [2])])
def test_an_undefined_correlation_says_that_nothing_is_known(x, y):
    assert spearman_interval(x, y) == (0.0, -1.0, 1.0)


def test_three_pairs_have_no_interval():
    assert spearman_interval([1, 2, 3], [1, 3, 2]) == (0.5, -1.0, 1.0)


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
    with pytest.raises(ValueError, match="finite"):
        spearman_interval([1, 2, math.nan], [1, 2, 3])


def test_the_paired_p_value_agrees_with_scipy():
    rng = np.random.default_rng(3)
    a, b = rng.normal(size=(2, 12))
    assert paired_p(a, b) == pytest.approx(scipy.stats.ttest_rel(a, b).pvalue)
    assert paired_p([2, 3], [1, 2]) == 0  # the same difference every time
    assert math.isnan(paired_p([1], [2]))


def _with_p(p, name):
    return Verdict(name, -1.0, (-2.0, -0.5), 9, "", "better", p=p, p_holm=p)


def test_holm_of_a_hand_worked_family():
    # 0.01, 0.02, 0.03 of three: 3 x 0.01, 2 x 0.02, then 0.03 is raised to the one before
    family = corrected([_with_p(0.03, "c"), _with_p(0.01, "a"), _with_p(0.02, "b")])
    assert [one.p_holm for one in family] == pytest.approx([0.04, 0.03, 0.04])
    assert {one.verdict for one in family} == {"better"}


def test_what_one_test_shows_many_need_not():
    family = corrected([_with_p(0.03, str(rival)) for rival in range(3)])
    assert {one.verdict for one in family} == {"no difference shown"}


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_holm_never_lowers_a_p_value_and_keeps_their_order(values):
    family = corrected([_with_p(p, str(place)) for place, p in enumerate(values)])
    assert all(one.p <= one.p_holm <= 1 for one in family)
    by_p = sorted(family, key=lambda one: one.p)
    assert [one.p_holm for one in by_p] == sorted(one.p_holm for one in by_p)


def test_a_difference_that_other_seeds_would_turn_is_not_shown():
    ours, theirs = np.full(50, 1.0), np.linspace(1.9, 2.1, 50)
    assert verdict("it", ours, theirs, "min", "").verdict == "better"
    unsteady = verdict("it", ours, theirs, "min", "", seeds=([1.0, 4.0, 1.0], [2.0, 2.0, 5.0]))
    assert unsteady.verdict == "no difference shown"
    assert unsteady.over_seeds[0] < 0 < unsteady.over_seeds[1]
    steady = verdict("it", ours, theirs, "min", "", seeds=([1.0, 1.1, 1.0], [2.0, 2.0, 2.1]))
    assert steady.verdict == "better"
