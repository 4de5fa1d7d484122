"""Crystals that need no data."""

import numpy as np
import pytest
import torch

from evokit_crystalline import simple_kinds
from evokit_crystalline.simple_kinds import SCALES
from tests.rounding import rounding

SHAPES = [(16, 48), (16, 16), (16, 64), (64, 16)]


@pytest.mark.parametrize("kind", ["zero", "identity", "permutation", "orthogonal", "hadamard"])
@pytest.mark.parametrize("shape", SHAPES)
def test_every_kind_fills_every_shape_and_is_decided_by_its_stream(kind, shape):
    a, b = (getattr(simple_kinds, kind)(shape, np.random.default_rng(3)) for _ in range(2))
    assert a.shape == tuple(a.dense().shape) == shape
    assert torch.equal(a.dense(), b.dense())
    x = torch.randn(5, shape[0], generator=torch.Generator().manual_seed(0))
    apart = a.apply(x) - x @ a.dense()
    assert (apart.abs() <= rounding(shape[0] + 2, x.abs() @ a.dense().abs())).all()  # 2: a scale, before or after


def test_a_zero_costs_nothing():
    assert simple_kinds.zero((16, 48), np.random.default_rng(0)).multiply_adds == 0


@pytest.mark.parametrize("kind", ["identity", "permutation", "orthogonal", "hadamard"])
def test_square_ones_keep_lengths_up_to_their_scale(kind, float64):
    matrix = getattr(simple_kinds, kind)((16, 16), np.random.default_rng(1)).dense()
    scale = matrix.square().sum(1).sqrt()
    assert scale.numpy() == pytest.approx(scale[0].item())
    assert min(abs(scale[0].item() - one) for one in SCALES) < 1e-9
    torch.testing.assert_close(matrix @ matrix.T, scale[0] ** 2 * torch.eye(16))


def test_a_permutation_moves_every_coordinate_to_its_own_place():
    matrix = simple_kinds.permutation((16, 16), np.random.default_rng(1)).dense()
    assert ((matrix != 0).sum(0) == 1).all()
    assert ((matrix != 0).sum(1) == 1).all()
