import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from evokit.statistics.averages import mean

MOST = sys.float_info.max
finite = st.floats(allow_nan=False, allow_infinity=False)


@given(
    arrays.arrays(float, arrays.array_shapes(min_dims=2, max_dims=2), elements=finite), st.sampled_from([None, 0, 1])
)
def test_the_mean_of_finite_values_is_finite_and_between_them(values, axis):
    found = mean(values, axis)
    assert np.isfinite(found).all()
    high, low = values.max(axis), values.min(axis)
    with np.errstate(over="ignore"):  # in the comparison itself
        assert ((found <= high) | np.isclose(found, high)).all()
        assert ((found >= low) | np.isclose(found, low)).all()


def test_ordinary_values_have_the_mean_of_numpy_to_the_last_bit():
    values = np.random.default_rng(0).normal(size=(5, 7))
    assert mean(values) == values.mean()
    assert (mean(values, 0) == values.mean(0)).all()


def test_a_penalty_as_large_as_can_be_makes_no_infinity():
    assert mean([MOST, MOST, MOST]) == pytest.approx(MOST)
    assert mean([MOST, -MOST]) == 0
    assert mean([[MOST, MOST], [1.0, 3.0]], 1).tolist() == pytest.approx([MOST, 2.0])


def test_what_is_not_finite_stays_so():
    assert np.isnan(mean([np.nan, 1.0]))
    assert mean([np.inf, MOST, MOST]) == np.inf


def test_each_column_has_a_mean_of_its_own():
    big, small = 1.7e308, 1e-10
    assert mean([[big, small], [big, small]], axis=0).tolist() == [big, small]
    assert mean([[big, np.inf], [big, 1.0]], axis=0).tolist() == [big, np.inf]
    assert mean([[big, 0.0], [big, 0.0]], axis=0).tolist() == [big, 0.0]
    assert mean([[big, big], [5e-324, 5e-324]], axis=1).tolist() == [big, 5e-324]
