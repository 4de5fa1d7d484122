from types import SimpleNamespace

import deap.tools.crossover
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evokit.crossover.uniform import Uniform, uniform_crossover
from evokit.interfaces import Context
from evokit.streams import Streams


def test_every_gene_ends_up_in_one_child():
    a, b = np.arange(5), np.arange(5, 10)
    children = uniform_crossover(a, b, rng=np.random.default_rng(0))
    assert sorted(np.concatenate(children)) == list(range(10))


@given(draws=st.lists(st.floats(0, 1, exclude_max=True), min_size=1, max_size=6), swap_prob=st.floats(0, 1))
def test_equals_deap_at_the_same_draws(draws, swap_prob):
    n, theirs = len(draws), iter(draws)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(deap.tools.crossover, "random", SimpleNamespace(random=lambda: next(theirs)))
        expected = deap.tools.cxUniform(list(range(n)), list(range(n, 2 * n)), swap_prob)
    rng = SimpleNamespace(random=lambda shape: np.array(draws))
    children = uniform_crossover(np.arange(n), np.arange(n, 2 * n), swap_prob=swap_prob, rng=rng)
    assert [child.tolist() for child in children] == list(expected)


def test_parents_stay_and_children_are_read_only():
    a, b = np.zeros(9), np.ones(9)
    children = uniform_crossover(a, b, rng=np.random.default_rng(0))
    assert (a.sum(), b.sum()) == (0, 9)
    assert not any(child.flags.writeable for child in children)


def test_parents_that_could_broadcast_are_still_an_error():
    with pytest.raises(ValueError, match=r"parents must have equal shapes, got \(3,\) and \(1,\)"):
        uniform_crossover(np.zeros(3), np.zeros(1), rng=np.random.default_rng(0))


def test_options_reach_the_operator():
    cross = Uniform(prob=1.0, swap_prob=1.0).build(Context(Streams(0)))
    children = cross(np.zeros(2), np.ones(2), np.random.default_rng(0))
    assert [child.tolist() for child in children] == [[1, 1], [0, 0]]
