"""What crossovers that cut have in common."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evokit.crossover.one_point import one_point_crossover
from evokit.crossover.two_point import two_point_crossover

CUTTING = pytest.mark.parametrize("cross", [one_point_crossover, two_point_crossover])


@CUTTING
@given(n=st.integers(1, 8), seed=st.integers(0, 2**32))
def test_each_place_keeps_its_two_genes(cross, n, seed):
    a, b = np.arange(n), np.arange(n) + 100
    children = np.stack(cross(a, b, rng=np.random.default_rng(seed)))
    assert np.array_equal(np.sort(children, axis=0), np.stack([a, b]))


@CUTTING
def test_parents_stay_and_children_are_read_only(cross):
    a, b = np.zeros(3), np.ones(3)
    children = cross(a, b, rng=np.random.default_rng(0))
    assert (a.tolist(), b.tolist()) == ([0, 0, 0], [1, 1, 1])
    assert not any(child.flags.writeable for child in children)


@CUTTING
def test_parents_of_different_length_are_an_error(cross):
    with pytest.raises(ValueError, match=r"parents must have equal shapes, got \(3,\) and \(2,\)"):
        cross(np.zeros(3), np.zeros(2), rng=np.random.default_rng(0))
