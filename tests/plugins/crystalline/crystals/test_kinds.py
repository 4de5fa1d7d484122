"""Crystals that need no data."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from evokit_crystalline.crystals import kinds
from evokit_crystalline.crystals.kinds import LEARNED, SAVED, SCALES, block_diagonal, random_partition, ternary_low_rank
from evokit_crystalline.crystals.matrices import LowRank
from evokit_crystalline.crystals.options import LibraryOptions
from tests.rounding import rounding

SHAPES = [(16, 48), (16, 16), (16, 64), (64, 16)]


@pytest.mark.parametrize("kind", ["zero", "identity", "permutation", "orthogonal", "hadamard"])
@pytest.mark.parametrize("shape", SHAPES)
def test_every_kind_fills_every_shape_and_is_decided_by_its_stream(kind, shape):
    a, b = (getattr(kinds, kind)(shape, np.random.default_rng(3)) for _ in range(2))
    assert a.shape == tuple(a.dense().shape) == shape
    assert torch.equal(a.dense(), b.dense())
    x = torch.randn(5, shape[0], generator=torch.Generator().manual_seed(0))
    apart = a.apply(x) - x @ a.dense()
    assert (apart.abs() <= rounding(shape[0] + 2, x.abs() @ a.dense().abs())).all()  # 2: a scale, before or after


def test_a_zero_costs_nothing():
    assert kinds.zero((16, 48), np.random.default_rng(0)).multiply_adds == 0


@pytest.mark.parametrize("kind", ["identity", "permutation", "orthogonal", "hadamard"])
def test_square_ones_keep_lengths_up_to_their_scale(kind, float64):
    matrix = getattr(kinds, kind)((16, 16), np.random.default_rng(1)).dense()
    scale = matrix.square().sum(1).sqrt()
    assert scale.numpy() == pytest.approx(scale[0].item())
    assert min(abs(scale[0].item() - one) for one in SCALES) < 1e-9
    torch.testing.assert_close(matrix @ matrix.T, scale[0] ** 2 * torch.eye(16))


def test_a_permutation_moves_every_coordinate_to_one_of_its_own():
    matrix = kinds.permutation((16, 16), np.random.default_rng(1)).dense()
    assert ((matrix != 0).sum(0) == 1).all()
    assert ((matrix != 0).sum(1) == 1).all()


shapes = st.tuples(st.integers(1, 60), st.integers(1, 60))


seeds = st.integers(0, 2**32)


@given(st.integers(1, 100).flatmap(lambda n: st.tuples(st.just(n), st.integers(1, n))), seeds)
def test_a_partition_has_that_many_parts_and_loses_nothing(n_and_parts, seed):
    n, parts = n_and_parts
    sizes = random_partition(n, parts, np.random.default_rng(seed))
    assert len(sizes) == parts
    assert sum(sizes) == n
    assert min(sizes) >= 1


def test_too_many_parts_are_refused():
    with pytest.raises(ValueError, match="cannot cut 3 into 4"):
        random_partition(3, 4, np.random.default_rng(0))


@settings(deadline=None)
@given(shapes, seeds)
def test_every_kind_serves_every_shape(shape, seed):
    for name, kind in LibraryOptions().catalogue().items():
        if name in (LEARNED, SAVED):
            continue  # is made by a fitness
        matrix = kind(shape, np.random.default_rng(seed))
        assert matrix.shape == shape
        assert matrix.dense().isfinite().all()


def test_blocks_number_from_two_to_eight():
    counts = {blocks_of((40, 50), seed) for seed in range(200)}
    assert counts == set(range(2, 9))


def blocks_of(shape, seed):
    """Number of blocks, from the outputs that each input reaches."""
    dense = block_diagonal(shape, np.random.default_rng(seed)).dense()
    return len({tuple(row.nonzero().flatten().tolist()) for row in dense})


def test_a_block_has_the_spread_of_its_own_size():
    # Two blocks of 1 x 1 are all that fits a 2 x 2 matrix: standard deviation sqrt(2 / (1 + 1)) = 1.
    entries = torch.stack([block_diagonal((2, 2), np.random.default_rng(seed)).dense().diag() for seed in range(2000)])
    assert entries.std().item() == pytest.approx(1, abs=0.05)


def test_ternary_entries_have_the_probabilities_of_the_paper():
    # At rank 1 a column of W is V itself, times the one entry of U that is -1, 0 or 1.
    matrix = ternary_low_rank((4000, 40), np.random.default_rng(0), rank=(1, 1))
    assert isinstance(matrix, LowRank)
    signs = (matrix.dense() / matrix.scale).round()
    column = signs[:, signs.any(dim=0)][:, 0]
    assert torch.equal(signs * matrix.scale, matrix.dense())
    assert [(column == sign).float().mean().item() for sign in (-1, 0, 1)] == pytest.approx(
        [1 / 4, 1 / 2, 1 / 4], abs=0.03
    )


@pytest.mark.parametrize(("shape", "highest"), [((8, 8), 4), ((128, 512), 32), ((512, 128), 32)])
def test_ranks_reach_from_two_to_a_quarter_of_the_smaller_side(shape, highest):
    ranks = {ternary_low_rank(shape, np.random.default_rng(seed)).rank for seed in range(400)}
    assert ranks == set(range(2, highest + 1))


def test_the_scale_of_the_paper_divides_by_the_root_of_the_rank_alone():
    unit, paper = (
        ternary_low_rank((16, 8), np.random.default_rng(0), rank=(3, 3), scale=scale) for scale in ("unit", "paper")
    )
    assert torch.equal(unit.V @ unit.U.T, paper.V @ paper.U.T)  # the same factors
    assert (unit.scale, paper.scale) == pytest.approx((2 / math.sqrt(3 * 16), 1 / math.sqrt(3)))
