from types import SimpleNamespace

import deap.tools.crossover
import numpy as np
import pytest

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


def test_all_pairs_of_cuts_are_as_likely():
    a, b, rng = np.zeros(3, int), np.ones(3, int), np.random.default_rng(0)
    children = ["".join(map(str, two_point_crossover(a, b, rng=rng)[0])) for _ in range(3000)]
    counts = [children.count(pattern) / 3000 for pattern in ("010", "011", "001")]
    assert counts == pytest.approx([1 / 3] * 3, abs=0.03)


def test_a_pair_that_is_not_crossed_is_passed_on():
    a, b = np.zeros(3), np.ones(3)
    assert TwoPoint(prob=0).build(Context(Streams(0)))(a, b, np.random.default_rng(0)) == (a, b)
