import numpy as np

from evokit.fitnesses.onemax import Onemax


def test_value_is_the_number_of_ones():
    batch = [np.array([True, False, True]), np.zeros(3, bool), np.ones(3, bool)]
    assert Onemax().evaluate(batch, 1).tolist() == [2.0, 0.0, 3.0]


def test_an_empty_batch_has_no_values():
    assert Onemax().evaluate([], 1).shape == (0,)
