import numpy as np
import pytest

from evokit.selection.picking import Picking
from tests.selection.test_tournament import population_of


def largest(scores, n, rng):
    return np.argsort(-scores[:, 0], kind="stable")[:n]


def test_scores_are_larger_for_the_better_whatever_the_goal():
    assert [one.genes for one in Picking(largest)(population_of([3, 1, 2]), 2, None)] == [1, 2]
    assert [one.genes for one in Picking(largest)(population_of([3, 1, 2], weight=1.0), 2, None)] == [0, 2]


def test_an_empty_population_is_an_error():
    with pytest.raises(ValueError, match="population: must hold at least one measured individual"):
        Picking(largest)([], 1, None)
