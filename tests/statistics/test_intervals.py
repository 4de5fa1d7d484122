import math

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from evokit.statistics.intervals import LEVEL, mean_interval, p_value

finite = st.floats(-1e6, 1e6, allow_subnormal=False)
tables = st.integers(1, 4).flatmap(
    lambda n: st.lists(st.lists(finite, min_size=n, max_size=n), min_size=1, max_size=4).map(np.array)
)


def student(values):
    """SciPy's interval of one factor."""
    found = scipy.stats.ttest_1samp(values, 0).confidence_interval(0.95)
    return found.low, found.high


def hall(values):
    """Hall's interval of one factor, by bisection on the mean that his statistic, as he writes it, just rejects."""
    n, mean, deviation = len(values), np.mean(values), np.std(values, ddof=1)
    skewness, t = scipy.stats.skew(values, bias=False), scipy.stats.t.ppf(0.975, n - 1)

    def statistic(true_mean):
        w = (mean - true_mean) / deviation
        transformed = w + skewness * w**2 / 3 + skewness**2 * w**3 / 27 + skewness / (6 * n)
        return math.sqrt(n) * transformed

    far = 50 * deviation
    low = scipy.optimize.brentq(lambda true_mean: statistic(true_mean) - t, mean - far, mean + far)
    high = scipy.optimize.brentq(lambda true_mean: statistic(true_mean) + t, mean - far, mean + far)
    return low, high


def test_a_hand_worked_sample():
    # 1, 2, 3: mean 2, s = 1, t(2, 0.975) = 4.302653, half width 4.302653 / sqrt(3) = 2.484138; no skewness
    mean, interval = mean_interval([1, 2, 3])
    assert mean == 2
    assert interval == pytest.approx((-0.484138, 4.484138), abs=1e-6)


def test_two_values_have_an_interval():
    # s = sqrt(2), t(1, 0.975) = 12.706205, half width 12.706205
    assert mean_interval([1.0, 3.0])[1] == pytest.approx((2 - 12.706205, 2 + 12.706205), rel=1e-6)


def test_a_tiny_value_among_others_is_as_good_as_zero():
    assert mean_interval([1e-200, 1.0, 2.5])[1] == pytest.approx(mean_interval([0.0, 1.0, 2.5])[1])


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize(
    "values",
    [
        np.random.default_rng(0).exponential(size=12),
        [1.0, 1.5, 2.0, 2.6, 3.5, 4.6],
        [0.0, 0.5, 3.0],
        [1.0, 2.0, 3.0, 4.0, 5.1],
    ],
    ids=["skewness 1.8", "skewness 0.6", "three values", "skewness 0.07"],
)
def test_each_limit_is_the_farther_one_of_students_and_of_halls(values, sign):
    values = sign * np.asarray(values)
    (low, high), (corrected_low, corrected_high) = student(values), hall(values)
    assert (corrected_low < low) != (corrected_high > high)  # one side is Hall's, the other Student's
    corrected_low, corrected_high = (
        max(corrected_low, 2 * low - values.mean()),
        min(corrected_high, 2 * high - values.mean()),
    )
    assert mean_interval(values)[1] == pytest.approx((min(low, corrected_low), max(high, corrected_high)))


def test_two_crossed_factors_of_a_hand_worked_table():
    # Row means 0.5 and 2.5: s2 = 2, V = 2 / 2 = 1, t(1) = 12.7062. Column means 0.5, 1.5, 2.5: s2 = 1, V = 1 / 3, t(2)
    # = 4.302653. What is left is 0.5, -0.5, 0 and its mirror: sum of squares 1, over 2 degrees of freedom and 6 values
    # V = 1 / 12. The squared half width: 12.7062^2 + 4.302653^2 / 3 - 4.302653^2 / 12 = 166.0758; its root 12.8871.
    mean, interval = mean_interval([[0.0, 0.0, 1.5], [1.0, 3.0, 3.5]])
    assert mean == pytest.approx(1.5)
    assert interval == pytest.approx((1.5 - 12.8871, 1.5 + 12.8871), abs=2e-4)


def test_rows_that_are_equal_throughout_are_one():
    """As those of a deterministic contender, whose repeats say nothing new: no interval of zero width."""
    row = np.random.default_rng(1).normal(size=9)
    assert mean_interval(np.tile(row, (5, 1))) == mean_interval(row)


def test_one_row_is_no_factor():
    assert mean_interval([[1.0, 2.0, 4.0, 4.5]]) == mean_interval([1.0, 2.0, 4.0, 4.5])


def test_several_trainings_on_one_unit_have_no_interval():
    mean, interval = mean_interval([[1.0], [1.1], [0.9]])
    assert mean == pytest.approx(1)
    assert all(map(math.isnan, (*interval, p_value([[1.0], [1.1], [0.9]]))))


def test_crossed_factors_are_never_surer_than_one():
    table = np.random.default_rng(2).normal(size=(4, 15))
    low, high = mean_interval(table)[1]
    for means in (table.mean(0), table.mean(1)):
        inner_low, inner_high = mean_interval(means)[1]
        assert low <= inner_low + 1e-12
        assert high >= inner_high - 1e-12


def test_what_is_left_of_two_factors_takes_nothing_from_one_alone():
    """Rows hardly differ in their means, but their values do: the columns' interval must not get shorter."""
    found = mean_interval([[0.0, 1.0, 5.0], [2.0, 3.0, 1.0003]])[1]
    assert found == pytest.approx(mean_interval([1.0, 2.0, 3.00015])[1], rel=1e-3)


@pytest.mark.parametrize("dtype", [np.bool_, np.uint8, np.float32])
def test_values_of_any_type_count_as_numbers(dtype):
    values = np.array([[0, 1, 1, 0.3], [1, 1, 0.7, 1]]).astype(dtype)
    assert mean_interval(values) == mean_interval(values.tolist())


def test_one_value_has_no_interval():
    mean, interval = mean_interval([7.0])
    assert mean == 7
    assert all(map(math.isnan, (*interval, p_value([7.0]))))


@pytest.mark.parametrize(
    ("values", "message"), [([], "n >= 1"), ([[[1.0]]], r"\(1, 1, 1\)"), ([1.0, 2.0, math.nan], "finite, got 1")]
)
def test_what_is_no_sample_is_refused(values, message):
    with pytest.raises(ValueError, match=message):
        mean_interval(values)


@given(tables)
def test_the_interval_mirrors(table):
    mean, (low, high) = mean_interval(table)
    turned_mean, turned = mean_interval(-table)
    assert (turned_mean, *turned) == pytest.approx((-mean, -high, -low), nan_ok=True)


@given(tables)
def test_p_is_below_the_level_where_the_interval_excludes_0(table):
    _, (low, high) = mean_interval(table)
    p = p_value(table)
    if abs(p - LEVEL) > 1e-6:  # bisection ends near it
        assert (p < LEVEL) == (low > 0 or high < 0)


def test_p_of_a_skewed_sample_mirrors():
    values = np.random.default_rng(5).exponential(size=12) - 0.4
    assert p_value(-values) == pytest.approx(p_value(values), rel=1e-6)


def test_p_is_1_where_no_interval_however_narrow_excludes_0():
    assert p_value([0.0, 0.0, 0.0]) == 1


def test_p_agrees_with_scipy_where_there_is_no_skewness():
    values = np.array([-1.0, 0.5, 1.0, 1.5, 3.0])
    assert p_value(values) == pytest.approx(scipy.stats.ttest_1samp(values, 0).pvalue)


@pytest.mark.parametrize("n_images", [5, 30, 1000])
@pytest.mark.parametrize("lost", [0, 1, 4, 10])
def test_ties_of_one_step_count_as_in_a_sign_test(n_images, lost):
    """So many images a network gets right that the other gets wrong, and some the other way round."""
    for won in range(lost + 1, min(31, n_images - lost + 1)):
        values = np.zeros(n_images)
        values[:won], values[won : won + lost] = 0.25, -0.25
        exact, shown = scipy.stats.binomtest(won, won + lost).pvalue, p_value(values) < LEVEL
        assert shown if exact < 0.05 else not shown if exact > 0.06 else True


def test_ties_of_one_step_have_three_squared_steps_more():
    # Of 100, 3 are 1 and 3 are -1: squares 6 and 3, s = sqrt(9 / 99) = 0.301511, t(99, 0.975) = 1.984217
    values = [1.0] * 3 + [-1.0] * 3 + [0.0] * 94
    assert mean_interval(values)[1] == pytest.approx((-0.0598264, 0.0598264), abs=1e-6)


def test_ties_have_no_skewness_however_many_are_on_one_side():
    # Of 10, 3 are 1: mean 0.3, squares 2.1 and 3, s = sqrt(5.1 / 9) = 0.752773, t(9, 0.975) = 2.262157
    assert mean_interval([1.0] * 3 + [0.0] * 7)[1] == pytest.approx((0.3 - 0.538504, 0.3 + 0.538504), abs=1e-5)


def test_equal_differences_of_three_units_are_three_ties():
    # Squares 0 and 3, s = sqrt(3 / 2) = 1.224745, t(2, 0.975) = 4.302653, half width 3.042435
    assert mean_interval([1.0] * 3)[1] == pytest.approx((1 - 3.042435, 1 + 3.042435), abs=1e-5)


def test_ties_of_the_means_over_trainings_have_the_step_of_these():
    # Row means 0.25 and 0: s = 0.176777, t(1) = 12.706205 over sqrt(2), distance 1.588275. Column means 0.5, 0, 0, 0:
    # squares 0.1875 and 3 times 0.25, s = 0.559017, t(3) = 3.182446 over 2, distance 0.889521. What is left has squares
    # 0.375, its standard error is sqrt(0.375 / 3 / 8) = 0.125, times t(3) 0.397806.
    # sqrt(1.588275^2 + 0.889521^2 - 0.397806^2) = 1.776405
    found = mean_interval([[1.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0]])[1]
    assert found == pytest.approx((0.125 - 1.776405, 0.125 + 1.776405), rel=1e-5)


def test_units_whose_means_differ_by_several_steps_are_no_ties():
    right = np.array([[1.0, 0.0, 1.0, 0.0, 0.0, 1.0], [0.0, 0.0, 1.0, 0.0, 1.0, 1.0]])
    nearly = right + 1e-6 * np.arange(6)
    assert mean_interval(right)[1] == pytest.approx(mean_interval(nearly)[1], rel=1e-4)


def test_steps_down_of_another_size_are_no_ties():
    values = np.array([1.0, 1.0, -0.5, 0.0, 0.0])
    assert mean_interval(values)[1] == pytest.approx(mean_interval(values + 1e-6 * np.arange(5))[1], rel=1e-4)


def test_trainings_with_equal_means_widen_nothing():
    """Two trainings that win as many images each, if not the same ones, are no ties of units."""
    two = np.repeat([[1.0, 0.0, 0.25, 0.75], [0.5, 0.5, 0.75, 0.25]], 10, axis=1)
    nearly = np.add(two, [[0.0], [1e-6]])
    assert mean_interval(two)[1] == pytest.approx(mean_interval(nearly)[1], abs=1e-4)


@pytest.mark.parametrize("scale", [1e-300, 1e-200, 1e55, 1e300])
def test_the_unit_of_measurement_changes_nothing(scale):
    table = np.array([[1.0, 2.0, 3.0], [2.0, 3.0, 5.0]])
    low, high = mean_interval(table)[1]
    assert mean_interval(table * scale)[1] == pytest.approx((low * scale, high * scale), rel=1e-9)
    assert p_value(table * scale) == pytest.approx(p_value(table), rel=1e-6)


@pytest.mark.parametrize("value", [0.1, 0.5, 0.7])
def test_equal_differences_have_no_skewness(value):
    mean, (low, high) = mean_interval([value] * 7)
    assert high - mean == pytest.approx(mean - low)
    assert p_value([value] * 7) == pytest.approx(p_value([1.0] * 7))


def test_a_single_outlier_is_corrected_for_by_twice_students_distance_at_most():
    values = np.array([1.0] * 29 + [-9.0]) + np.linspace(0, 0.1, 30)
    (low, high), mean = student(values), values.mean()
    found = mean_interval(values)[1]
    assert found[1] == pytest.approx(high)
    assert mean - found[0] == pytest.approx(2 * (mean - low))


@pytest.mark.parametrize(
    ("ours", "theirs"), [((0.9, 0.8, 0.7), (0.6, 0.5, 0.4)), ((0.9134, 0.4134, 0.1134), (0.9130, 0.4130, 0.1130))]
)
def test_differences_that_rounding_alone_tells_apart_are_equal(ours, theirs):
    """Three accuracies that are better by the same number of images."""
    values, step = np.subtract(ours, theirs), round(ours[0] - theirs[0], 6)
    assert len(set(values)) > 1
    assert mean_interval(values)[1] == pytest.approx(mean_interval([step] * 3)[1], rel=1e-6)
    assert p_value(values) == pytest.approx(p_value([step] * 3), rel=1e-6)
    assert p_value(values) > LEVEL


def test_what_rounding_leaves_of_zero_is_no_step():
    values = [0.3, 0.3, -0.3, 0.1 + 0.2 - 0.3, 0.0]
    assert mean_interval(values)[1] == pytest.approx(mean_interval([0.3, 0.3, -0.3, 0.0, 0.0])[1], rel=1e-6)


def test_small_differences_are_no_rounding():
    low, high = mean_interval([1.0, 1.000001, 1.000002])[1]
    assert high - low == pytest.approx(2 * 2.484138e-6, rel=1e-4)  # a millionth of the hand-worked sample


def test_p_is_the_level_where_a_limit_is_0():
    """The sample is skewed, so its limits lie at two distances."""
    values = np.random.default_rng(0).exponential(size=12)
    for limit in mean_interval(values)[1]:
        assert p_value(values - limit) == pytest.approx(LEVEL, rel=1e-5)


def test_small_p_values_are_told_and_the_smallest_are_0():
    values = np.array([9.0, 9.5, 10.0, 10.5, 11.0])
    p = p_value(values)
    assert 0 < p < 1e-4
    assert p == pytest.approx(scipy.stats.ttest_1samp(values, 0).pvalue, rel=1e-6)
    assert p_value(np.linspace(99, 101, 300)) == 0


def test_equal_differences_alone_show_nothing():
    assert p_value([0.5, 0.5, 0.5]) > LEVEL
    assert p_value(np.full(30, 0.5)) < LEVEL


NULLS = {
    "normal": lambda rng, shape: rng.normal(size=shape),
    "exponential": lambda rng, shape: rng.exponential(size=shape) - 1,
    "heavy tails": lambda rng, shape: rng.standard_t(3, shape),
    "ties": lambda rng, shape: rng.choice([-1.0, 0, 0, 0, 0, 1], shape),
}


@pytest.mark.parametrize("units", NULLS)
@pytest.mark.parametrize(
    ("n_rows", "n_units", "rows", "rest"),
    [
        (1, 23, 0, 0),
        (2, 23, 1, 1),
        (3, 23, 0.3, 1),
        (5, 23, 0.2, 0.1),
        (5, 23, 1, 1),
        (10, 23, 0.3, 1),
        (8, 200, 0.2, 0.1),
    ],
)
def test_chance_shows_a_difference_in_at_most_5_percent(units, n_rows, n_units, rows, rest):
    """Difference = row + unit + rest, all three random with mean 0; ``rows`` and ``rest`` are deviations."""
    rng, n_runs = np.random.default_rng([n_rows, n_units, len(units)]), 400
    shown = [
        p_value(
            rng.normal(0, rows, (n_rows, 1)) + NULLS[units](rng, (1, n_units)) + rng.normal(0, rest, (n_rows, n_units))
        )
        < LEVEL
        for _ in range(n_runs)
    ]
    assert np.mean(shown) <= LEVEL + 3 * math.sqrt(LEVEL * (1 - LEVEL) / n_runs)  # three binomial standard errors


def test_a_real_difference_is_shown():
    """Rows and units deviate by 0.1 and 0.5, a difference of 0.6 is five standard errors: honest, not idle."""
    rng, shown = np.random.default_rng(3), []
    for _ in range(100):
        table = 0.6 + rng.normal(0, 0.1, (5, 1)) + rng.normal(0, 0.5, (1, 23)) + rng.normal(0, 0.2, (5, 23))
        shown.append(p_value(table) < LEVEL)
    assert np.mean(shown) > 0.9
