"""What structured layers cost."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from evokit_crystalline.crystals.kinds import ternary_low_rank
from evokit_crystalline.crystals.matrices import BlockDiagonal, Dense, LowRank
from evokit_crystalline.crystals.operations import Operations, all_operations, operations


def test_blocks_cost_their_entries():
    assert operations(BlockDiagonal([np.ones((2, 3)), np.ones((4, 1))])) == Operations(multiply_adds=2 * 3 + 4 * 1)


def test_a_dense_matrix_costs_its_entries():
    assert operations(Dense(np.ones((3, 5)))) == Operations(multiply_adds=15)


def test_a_ternary_matrix_adds_where_its_factors_are_not_zero_and_scales_each_rank():
    matrix = LowRank(np.array([[1, 0], [-1, 1], [0, 0]]), np.array([[0, 1], [1, -1]]), scale=0.3)
    assert operations(matrix) == Operations(multiply_adds=2, additions=3 + 3)
    assert operations(matrix).total == 8


def test_other_factors_multiply():
    assert operations(LowRank(np.full((3, 2), 0.5), np.ones((2, 2)))) == Operations(multiply_adds=2 * (3 + 2))


ternary = arrays(np.float32, (4, 2), elements=st.sampled_from([-1.0, 0.0, 1.0]))


@given(U=ternary, V=ternary, x=arrays(np.float32, 4, elements=st.integers(-9, 9).map(float)))
def test_so_many_additions_compute_the_product(U, V, x):
    n, inner, out = 0, np.zeros(2), np.zeros(4)
    for (i, j), sign in np.ndenumerate(V):
        if sign:
            inner[j], n = inner[j] + (x[i] if sign > 0 else -x[i]), n + 1
    for (i, j), sign in np.ndenumerate(U):
        if sign:
            out[i], n = out[i] + (inner[j] if sign > 0 else -inner[j]), n + 1
    matrix = LowRank(U, V)
    assert matrix.apply(torch.from_numpy(x)).numpy() == pytest.approx(out)
    assert matrix.additions == n


def test_layers_add_up():
    rng = np.random.default_rng(0)
    layers = [ternary_low_rank((8, 6), rng), BlockDiagonal([np.ones((8, 6))])]
    both = all_operations(layers)
    assert both == operations(layers[0]) + operations(layers[1])
    assert both.multiply_adds == layers[0].rank + 48
    assert all_operations([]) == Operations()
