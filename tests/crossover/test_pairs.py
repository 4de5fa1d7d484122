import numpy as np
import pytest

from evokit.crossover.pairs import PairsAtOnce


def turned(a, b, rng):
    return b.copy(), a.copy()


def test_a_pair_is_crossed_with_the_chance_that_is_told():
    a, b = np.zeros((4000, 2)), np.ones((4000, 2))
    first, second = PairsAtOnce(turned, 0.3).rows(a, b, np.random.default_rng(0))
    assert (first + second == 1).all()
    assert first[:, 0].mean() == pytest.approx(0.3, abs=0.03)
    assert (a == 0).all()


@pytest.mark.parametrize(("prob", "answer"), [(0.0, 0), (1.0, 1)])
def test_one_pair_is_a_population_of_one(prob, answer):
    first, second = PairsAtOnce(turned, prob)(np.zeros(3), np.ones(3), np.random.default_rng(0))
    assert (first == answer).all()
    assert (second == 1 - answer).all()
    assert not first.flags.writeable


def test_a_pair_of_other_shapes_is_refused():
    with pytest.raises(ValueError, match="parents must have equal shapes"):
        PairsAtOnce(turned)(np.zeros(3), np.ones(2), np.random.default_rng(0))
