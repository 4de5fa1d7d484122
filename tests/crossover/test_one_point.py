from types import SimpleNamespace

import deap.tools.crossover
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evokit.crossover.one_point import OnePoint, one_point_crossover
from evokit.interfaces import Context
from evokit.streams import Streams


@pytest.mark.parametrize("cut", [1, 2, 3])
def test_equals_deap_at_the_same_cut(cut, monkeypatch):
    monkeypatch.setattr(deap.tools.crossover, "random", SimpleNamespace(randint=lambda low, high: cut))
    expected = deap.tools.cxOnePoint([1, 2, 3, 4], [7, 8, 9, 10])
    rng = SimpleNamespace(integers=lambda low, high: cut)
    children = one_point_crossover(np.array([1, 2, 3, 4]), np.array([7, 8, 9, 10]), rng=rng)
    assert [child.tolist() for child in children] == list(expected)


@given(n=st.integers(1, 8), seed=st.integers(0, 2**32))
def test_each_place_keeps_its_two_genes(n, seed):
    a, b = np.arange(n), np.arange(n) + 100
    children = np.stack(one_point_crossover(a, b, rng=np.random.default_rng(seed)))
    assert np.array_equal(np.sort(children, axis=0), np.stack([a, b]))


def test_all_cuts_are_as_likely_and_both_parents_give():
    a, b, rng = np.zeros(4, int), np.ones(4, int), np.random.default_rng(0)
    given_by_b = [int(one_point_crossover(a, b, rng=rng)[0].sum()) for _ in range(3000)]
    assert np.bincount(given_by_b, minlength=5) / 3000 == pytest.approx([0, 1 / 3, 1 / 3, 1 / 3, 0], abs=0.03)


def test_parents_stay_and_children_are_read_only():
    a, b = np.zeros(3), np.ones(3)
    children = one_point_crossover(a, b, rng=np.random.default_rng(0))
    assert (a.tolist(), b.tolist()) == ([0, 0, 0], [1, 1, 1])
    assert not any(child.flags.writeable for child in children)


def test_a_single_gene_has_no_cut():
    children = one_point_crossover(np.array([1]), np.array([2]), rng=np.random.default_rng(0))
    assert [child.tolist() for child in children] == [[1], [2]]


def test_parents_of_different_length_are_an_error():
    with pytest.raises(ValueError, match=r"parents must have equal shapes, got \(3,\) and \(2,\)"):
        one_point_crossover(np.zeros(3), np.zeros(2), rng=np.random.default_rng(0))


def test_a_pair_is_crossed_with_the_given_probability():
    cross = OnePoint(prob=0.75).build(Context(Streams(0)))
    a, b, rng = np.zeros(5), np.ones(5), np.random.default_rng(0)
    crossed = [cross(a, b, rng)[0] is not a for _ in range(4000)]
    assert np.mean(crossed) == pytest.approx(0.75, abs=0.02)
