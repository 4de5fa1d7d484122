import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evokit.fitnesses.zdt1 import ZDT1

fraction = st.floats(0, 1)


@pytest.mark.parametrize(
    ("vector", "values"),
    [([0, 0, 0], (0, 1)), ([1, 0, 0], (1, 0)), ([0.25, 0, 0], (0.25, 0.5)), ([0.4, 1, 0.0], (0.4, 5.5 - 2.2**0.5))],
)
def test_values_by_hand(vector, values):
    # g of the last is 1 + 9 * (1 + 0) / 2 = 5.5, and g * sqrt(f1 / g) = sqrt(f1 * g) = sqrt(2.2).
    assert ZDT1().evaluate([np.array(vector)], 1)[0] == pytest.approx(values)


@given(st.lists(fraction, min_size=2, max_size=5))
def test_nothing_lies_below_the_front(vector):
    first, second = ZDT1().evaluate([np.array(vector)], 1)[0]
    assert second >= 1 - np.sqrt(first) - 1e-12


@pytest.mark.parametrize("vector", [[0.5], [-0.1, 0.5], [0.5, 1.1]])
def test_other_vectors_are_refused(vector):
    with pytest.raises(ValueError, match=r"two or more numbers in \[0, 1\]"):
        ZDT1().evaluate([np.array(vector)], 1)
