from fractions import Fraction
from math import ceil

from hypothesis import given
from hypothesis import strategies as st

from evokit.screens.share import count_of


@given(st.integers(0, 100), st.integers(0, 500))
def test_a_share_in_percent_is_rounded_up_exactly(percent, n):
    assert count_of(percent / 100, n) == ceil(Fraction(percent, 100) * n)
