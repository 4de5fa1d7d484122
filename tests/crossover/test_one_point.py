from types import SimpleNamespace

import deap.tools.crossover
import numpy as np
import pytest

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


def test_all_cuts_are_as_likely_and_both_parents_give():
    a, b, rng = np.zeros(4, int), np.ones(4, int), np.random.default_rng(0)
    given_by_b = [int(one_point_crossover(a, b, rng=rng)[0].sum()) for _ in range(3000)]
    assert np.bincount(given_by_b, minlength=5) / 3000 == pytest.approx([0, 1 / 3, 1 / 3, 1 / 3, 0], abs=0.03)


def test_a_single_gene_has_no_cut():
    children = one_point_crossover(np.array([1]), np.array([2]), rng=np.random.default_rng(0))
    assert [child.tolist() for child in children] == [[1], [2]]


def test_a_pair_is_crossed_with_the_given_probability():
    cross = OnePoint(prob=0.75).build(Context(Streams(0)))
    a, b, rng = np.zeros(5), np.ones(5), np.random.default_rng(0)
    crossed = [cross(a, b, rng)[0] is not a for _ in range(4000)]
    assert np.mean(crossed) == pytest.approx(0.75, abs=0.02)
