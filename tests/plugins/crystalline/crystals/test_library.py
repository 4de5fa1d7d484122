import math
from dataclasses import dataclass, fields
from functools import partial

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from evokit.streams import Streams
from evokit_crystalline.crystals.library import draw_library
from evokit_crystalline.crystals.matrices import BlockDiagonal, Dense
from evokit_crystalline.crystals.options import LibraryOptions

SHAPES = [(12, 36), (12, 12), (12, 48), (48, 12)]
seeds = st.integers(0, 2**32)


def same(a, b):
    return len(a) == len(b) and all(torch.equal(x.dense(), y.dense()) for x, y in zip(a, b, strict=True))


def small(size=8, streams=Streams(0), **options):  # noqa: B008 - immutable
    return draw_library(SHAPES, LibraryOptions(size=size, **options), streams)


def test_the_recipe_chooses_the_scale():
    unit, paper = (small(kinds=("ternary_low_rank",), ternary_scale=scale) for scale in ("unit", "paper"))
    for (n_in, _), matrices in unit.matrices.items():
        ratios = [b.scale / a.scale for a, b in zip(matrices, paper.matrices[n_in, matrices[0].shape[1]], strict=True)]
        assert ratios == pytest.approx([math.sqrt(n_in) / 2] * 8)


@pytest.mark.parametrize("kind", ["block_diagonal", "ternary_low_rank"])
@pytest.mark.parametrize("shape", [(128, 384), (128, 128), (512, 128)])
def test_inputs_of_unit_variance_stay_of_unit_order(kind, shape):
    # E‖W‖² / n_out is the expected variance of an output.
    draw = LibraryOptions().catalogue()[kind]
    variances = [
        draw(shape, np.random.default_rng(seed)).dense().square().sum().item() / shape[1] for seed in range(40)
    ]
    assert 0.2 < np.mean(variances) < 1.8
    if kind == "ternary_low_rank":
        assert np.mean(variances) == pytest.approx(1, abs=0.1)


@settings(deadline=None, max_examples=10)
@given(seeds)
def test_the_stream_decides_every_bit(seed):
    a, b = small(streams=Streams(seed)), small(streams=Streams(seed))
    assert all(same(a[shape], b[shape]) for shape in SHAPES)
    assert a.digest == b.digest


def test_another_stream_option_or_kind_is_another_digest():
    digests = [
        small().digest,
        small(streams=Streams(1)).digest,
        small(size=9).digest,
        small(rank=(3, 3)).digest,
        small(kinds=("block_diagonal",)).digest,
        small(kinds=("ternary_low_rank", "block_diagonal")).digest,
    ]
    assert len(set(digests)) == len(digests)


def test_a_larger_library_begins_with_the_smaller():
    assert all(same(small(size=11)[shape][:6], small(size=6)[shape]) for shape in SHAPES)


def test_no_shape_depends_on_the_others():
    alone = draw_library(SHAPES[2:3], LibraryOptions(size=8), Streams(0))
    assert same(alone[SHAPES[2]], small()[SHAPES[2]])


def test_no_two_matrices_are_equal():
    library = small(size=16)
    numbers = [matrix.dense().numpy().tobytes() for shape in SHAPES for matrix in library[shape]]
    assert len(set(numbers)) == len(numbers)


@given(st.integers(2, 40))
@settings(deadline=None, max_examples=10)
def test_kinds_get_equal_shares(size):
    library = draw_library([(4, 4)], LibraryOptions(size=size), Streams(0))
    blocks = sum(isinstance(matrix, BlockDiagonal) for matrix in library[4, 4])
    assert blocks == library.kinds.count("block_diagonal") == (size + 1) // 2
    assert library.kinds.count("ternary_low_rank") == size // 2


def test_layers_of_equal_shape_share_their_matrices():
    library = draw_library([(4, 4), (4, 6), (4, 4)], LibraryOptions(size=4), Streams(0))
    assert list(library.matrices) == [(4, 4), (4, 6)]
    assert library[4, 4] is library[4, 4]


def identity_like(shape, rng, *, gain):
    return Dense(gain * np.eye(*shape))


@dataclass(frozen=True)
class WithIdentity(LibraryOptions):
    """What a third party writes to add a kind."""

    gain: float = 2.0

    def catalogue(self):
        return {**super().catalogue(), "identity": partial(identity_like, gain=self.gain)}


def test_a_plugin_adds_a_kind_with_options_of_its_own():
    options = WithIdentity(size=6, kinds=("block_diagonal", "identity"), gain=3.0)
    library = draw_library([(4, 4)], options, Streams(0))
    assert library.kinds[1::2] == ("identity",) * 3
    assert torch.equal(library[4, 4][1].dense(), 3 * torch.eye(4))
    assert "gain" in {field.name for field in fields(options)}


def test_added_kinds_leave_the_matrices_of_the_others_alone():
    options = WithIdentity(size=6, kinds=("block_diagonal", "identity"))
    mixed, plain = draw_library(SHAPES, options, Streams(0)), small(size=3, kinds=("block_diagonal",))
    assert same(mixed[12, 12][::2], plain[12, 12])


def test_a_kind_that_ignores_the_shape_is_named():
    class Wrong(LibraryOptions):
        def catalogue(self):
            return {"block_diagonal": lambda shape, rng: Dense(np.ones((2, 2)))}

    with pytest.raises(ValueError, match=r"'block_diagonal' made a matrix of shape \(2, 2\) where \(3, 4\)"):
        draw_library([(3, 4)], Wrong(size=1, kinds=("block_diagonal",)), Streams(0))
