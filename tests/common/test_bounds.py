import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from evokit.common.bounds import reflected

NUMBERS = st.floats(-1e6, 1e6)


@given(value=NUMBERS, low=NUMBERS, width=st.floats(1e-6, 1e6))
def test_what_is_folded_back_is_inside_and_what_was_inside_stays_near(value, low, width):
    low, high = np.array([low]), np.array([low + width])
    folded = reflected(np.array([value]), low, high)
    assert low[0] <= folded[0] <= high[0]
    if low[0] <= value <= high[0]:
        assert abs(folded[0] - value) <= 1e-9 * max(1, abs(value), abs(low[0]))
