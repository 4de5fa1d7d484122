import numpy as np
import pytest

from evokit.interfaces import Context, Individual, Score
from evokit.selection.best import Best
from evokit.streams import Streams


def select(population, n):
    return Best().build(Context(Streams(0)))(population, n, np.random.default_rng(0))


def population_of(*values):
    return [Individual(i, str(i), Score((-1.0,), (float(value),))) for i, value in enumerate(values)]


def test_the_best_come_first():
    assert [one.genes for one in select(population_of(3, 1, 2, 0), 3)] == [3, 1, 2]


def test_a_small_population_is_taken_in_turn():
    assert [one.genes for one in select(population_of(2, 1), 5)] == [1, 0, 1, 0, 1]


def test_an_empty_population_is_an_error():
    with pytest.raises(ValueError, match="population: must hold at least one measured individual"):
        select([], 1)
