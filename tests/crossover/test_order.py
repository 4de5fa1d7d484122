from types import SimpleNamespace

import deap.tools.crossover
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evokit.common.places import two_places
from evokit.crossover.order import Order, order_crossover, order_rows
from evokit.genomes.permutation import Permutation
from evokit.interfaces import Context
from evokit.streams import Streams
from tests.permutations import PAIRS as ROWS
from tests.permutations import are_permutations

PAIRS = st.integers(1, 8).flatmap(lambda n: st.tuples(*[st.permutations(range(n))] * 2))


def rng_that_cuts(start, stop):
    return SimpleNamespace(choice=lambda n, size, replace: np.array([stop, start]))


def test_equals_the_example_worked_by_hand():
    a, b = (9, 8, 4, 5, 6, 7, 1, 3, 2, 10), (8, 7, 1, 2, 3, 10, 9, 5, 4, 6)
    children = order_crossover(a, b, rng=rng_that_cuts(3, 6))
    assert children == ((2, 3, 10, 5, 6, 7, 9, 4, 8, 1), (5, 6, 7, 2, 3, 10, 1, 9, 8, 4))


@given(pair=PAIRS.filter(lambda pair: len(pair[0]) > 1), data=st.data())
def test_equals_deap_at_the_same_cuts(pair, data):
    n = len(pair[0])
    start, stop = data.draw(st.tuples(st.integers(0, n - 2), st.integers(2, n)).filter(lambda c: c[1] - c[0] > 1))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(deap.tools.crossover, "random", SimpleNamespace(sample=lambda *_: [start, stop - 1]))
        second, first = deap.tools.cxOrdered(list(pair[0]), list(pair[1]))
    assert order_crossover(*pair, rng=rng_that_cuts(start, stop)) == (tuple(first), tuple(second))


@given(pair=PAIRS, seed=st.integers(0, 2**32))
def test_children_are_permutations_and_parents_stay(pair, seed):
    before = [list(parent) for parent in pair]
    children = order_crossover(*pair, rng=np.random.default_rng(seed))
    assert [sorted(child) for child in children] == [sorted(parent) for parent in pair]
    assert [list(parent) for parent in pair] == before


@given(pair=PAIRS, seed=st.integers(0, 2**32))
def test_equal_parents_have_equal_children(pair, seed):
    a = tuple(pair[0])
    assert order_crossover(a, a, rng=np.random.default_rng(seed)) == (a, a)


@pytest.mark.parametrize(("a", "b"), [((0, 1), (0, 2)), ((0, 1), (0, 1, 2)), ((0, 0), (0, 0)), ((), ())])
def test_parents_of_other_items_are_an_error(a, b):
    with pytest.raises(ValueError, match="parents must hold the same items, each of them once"):
        order_crossover(a, b, rng=np.random.default_rng(0))


@given(pair=ROWS, seed=st.integers(0, 2**32))
def test_rows_are_crossed_as_pairs_one_by_one_at_the_same_cuts(pair, seed):
    a, b = pair
    starts, stops = two_places(len(a), a.shape[1] + 1, np.random.default_rng(seed))
    children = order_rows(a, b, rng=np.random.default_rng(seed))
    for row, (start, stop) in enumerate(zip(starts, stops, strict=True)):
        expected = order_crossover(a[row].tolist(), b[row].tolist(), rng=rng_that_cuts(start, stop))
        assert [tuple(child[row].tolist()) for child in children] == list(expected)


def test_a_recipe_crosses_permutations_whole_populations_or_one_pair():
    genome, rng = Permutation(6), np.random.default_rng(0)
    cross = Order(prob=1.0).build(Context(Streams(0), genome=genome))
    a, b = genome.random(rng), genome.random(rng)
    assert are_permutations(np.stack(cross(a, b, rng)))
    assert (cross(a, a, rng)[0] == a).all()
    assert are_permutations(cross.rows(np.tile(a, (5, 1)), np.tile(b, (5, 1)), rng)[1])
