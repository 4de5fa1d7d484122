from itertools import combinations
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evokit.crossover.n_point import NPoint, n_point_crossover
from evokit.genomes.bits import Bits
from evokit.interfaces import Context
from evokit.streams import Streams


def test_equals_the_example_worked_by_hand():
    a, b = np.array([[1, 2, 3, 4, 5, 6]]), np.array([[11, 12, 13, 14, 15, 16]])
    rng = SimpleNamespace(permuted=lambda cuts, axis: np.array([[True, False, True, False, True]]))
    first, second = n_point_crossover(a, b, points=3, rng=rng)
    assert first.tolist() == [[1, 12, 13, 4, 5, 16]]
    assert second.tolist() == [[11, 2, 3, 14, 15, 6]]


@given(n_genes=st.integers(2, 9), n=st.integers(1, 5), data=st.data())
def test_there_are_as_many_cuts_as_told_and_every_gene_ends_up_in_one_child(n_genes, n, data):
    points = data.draw(st.integers(1, n_genes - 1))
    a, b = np.zeros((n, n_genes)), np.ones((n, n_genes))
    first, second = n_point_crossover(a, b, points=points, rng=np.random.default_rng(data.draw(st.integers(0, 2**32))))
    assert (np.diff(first, axis=1) != 0).sum(axis=1).tolist() == [points] * n
    assert (first + second == 1).all()
    assert (first[:, 0] == 0).all()
    assert (a == 0).all()


def test_all_sets_of_cuts_are_as_likely():
    a, b = np.zeros((9000, 5), int), np.ones((9000, 5), int)
    first, _ = n_point_crossover(a, b, points=2, rng=np.random.default_rng(0))
    cuts = [tuple(np.flatnonzero(row).tolist()) for row in np.diff(first, axis=1)]
    shares = [cuts.count(pair) / 9000 for pair in combinations(range(4), 2)]
    assert shares == pytest.approx([1 / 6] * 6, abs=0.015)


def test_a_recipe_crosses_one_pair_and_says_how_many_cuts_there_may_be():
    context, rng = Context(Streams(0), genome=Bits(4)), np.random.default_rng(0)
    cross = NPoint(points=3, prob=1.0).build(context)
    assert cross(np.zeros(4, bool), np.ones(4, bool), rng)[0].tolist() == [False, True, False, True]
    with pytest.raises(ValueError, match=r"points \(4\): 4 genes can be cut at 3 places at most"):
        NPoint(points=4).build(context)
