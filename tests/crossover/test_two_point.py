from types import SimpleNamespace

import deap.tools.crossover
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evokit.crossover.two_point import TwoPoint, two_point_crossover
from evokit.interfaces import Context
from evokit.streams import Streams


@pytest.mark.parametrize("cuts", [(1, 1), (1, 3), (4, 1), (3, 3), (2, 1)])
def test_equals_deap_at_the_same_draws(cuts, monkeypatch):
    theirs, ours = iter(cuts), iter(cuts)
    monkeypatch.setattr(deap.tools.crossover, "random", SimpleNamespace(randint=lambda low, high: next(theirs)))
    expected = deap.tools.cxTwoPoint([1, 2, 3, 4], [7, 8, 9, 10])
    rng = SimpleNamespace(integers=lambda low, high: next(ours))
    children = two_point_crossover(np.array([1, 2, 3, 4]), np.array([7, 8, 9, 10]), rng=rng)
    assert [child.tolist() for child in children] == list(expected)


@given(n=st.integers(1, 8), seed=st.integers(0, 2**32))
def test_each_place_keeps_its_two_genes(n, seed):
    a, b = np.arange(n), np.arange(n) + 100
    children = np.stack(two_point_crossover(a, b, rng=np.random.default_rng(seed)))
    assert np.array_equal(np.sort(children, axis=0), np.stack([a, b]))


def test_all_pairs_of_cuts_are_as_likely():
    a, b, rng = np.zeros(3, int), np.ones(3, int), np.random.default_rng(0)
    children = ["".join(map(str, two_point_crossover(a, b, rng=rng)[0])) for _ in range(3000)]
    counts = [children.count(pattern) / 3000 for pattern in ("010", "011", "001")]
    assert counts == pytest.approx([1 / 3] * 3, abs=0.03)


def test_parents_stay_and_children_are_read_only():
    a, b = np.zeros(3), np.ones(3)
    children = two_point_crossover(a, b, rng=np.random.default_rng(0))
    assert (a.tolist(), b.tolist()) == ([0, 0, 0], [1, 1, 1])
    assert not any(child.flags.writeable for child in children)


def test_parents_of_different_length_are_an_error():
    with pytest.raises(ValueError, match=r"parents must have equal shapes, got \(3,\) and \(2,\)"):
        two_point_crossover(np.zeros(3), np.zeros(2), rng=np.random.default_rng(0))


def test_a_pair_that_is_not_crossed_is_passed_on():
    a, b = np.zeros(3), np.ones(3)
    assert TwoPoint(prob=0).build(Context(Streams(0)))(a, b, np.random.default_rng(0)) == (a, b)
