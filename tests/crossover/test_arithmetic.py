import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from evokit.crossover.arithmetic import Arithmetic, arithmetic_crossover
from evokit.genomes.real_vector import RealVector
from evokit.interfaces import Context
from evokit.streams import Streams

ROWS = arrays(np.float64, (3, 4), elements=st.floats(-1e9, 1e9))


def test_equals_the_example_worked_by_hand():
    a, b = np.array([[0.0, 4.0]]), np.array([[8.0, 2.0]])
    first, second = arithmetic_crossover(a, b, share=0.25, rng=np.random.default_rng(0))
    assert (first.tolist(), second.tolist()) == ([[6.0, 2.5]], [[2.0, 3.5]])


@given(a=ROWS, b=ROWS, seed=st.integers(0, 2**32), share=st.none() | st.floats(0, 1))
def test_children_lie_between_their_parents_and_have_their_mean(a, b, seed, share):
    before = a.tobytes(), b.tobytes()
    first, second = arithmetic_crossover(a, b, share=share, rng=np.random.default_rng(seed))
    for child in (first, second):
        assert ((child >= np.minimum(a, b)) & (child <= np.maximum(a, b))).all()
    assert first + second == pytest.approx(a + b, rel=1e-9, abs=1e-3)
    assert (a.tobytes(), b.tobytes()) == before


def test_a_pair_has_one_share_and_shares_are_uniform():
    first, _ = arithmetic_crossover(np.zeros((4000, 2)), np.ones((4000, 2)), rng=np.random.default_rng(0))
    assert first[:, 0] == pytest.approx(first[:, 1])
    assert np.quantile(first[:, 0], [0.25, 0.5, 0.75]) == pytest.approx([0.25, 0.5, 0.75], abs=0.03)


def test_a_recipe_crosses_one_pair():
    cross = Arithmetic(share=0.5, prob=1.0).build(Context(Streams(0), genome=RealVector(-1, 1, 2)))
    children = cross(np.array([-1.0, 0.0]), np.array([1.0, 1.0]), np.random.default_rng(0))
    assert [child.tolist() for child in children] == [[0.0, 0.5]] * 2
