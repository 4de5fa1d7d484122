import math
import subprocess
import sys
from dataclasses import dataclass, fields
from functools import partial

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from evokit.streams import Streams
from evokit_crystalline.library import (
    LEARNED,
    LibraryOptions,
    block_diagonal,
    draw_library,
    random_partition,
    ternary_low_rank,
)
from evokit_crystalline.matrices import BlockDiagonal, Dense, LowRank

SHAPES = [(12, 36), (12, 12), (12, 48), (48, 12)]
shapes = st.tuples(st.integers(1, 60), st.integers(1, 60))
seeds = st.integers(0, 2**32)


def same(a, b):
    return len(a) == len(b) and all(torch.equal(x.dense(), y.dense()) for x, y in zip(a, b, strict=True))


def small(size=8, streams=Streams(0), **options):  # noqa: B008 - immutable
    return draw_library(SHAPES, LibraryOptions(size=size, **options), streams)


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
        if name == LEARNED:
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


def test_ranks_come_from_the_options():
    low_rank = LibraryOptions(rank=(3, 5)).catalogue()["ternary_low_rank"]
    assert {low_rank((64, 64), np.random.default_rng(seed)).rank for seed in range(50)} == {3, 4, 5}


def test_the_scale_of_the_paper_divides_by_the_root_of_the_rank_alone():
    unit, paper = (
        ternary_low_rank((16, 8), np.random.default_rng(0), rank=(3, 3), scale=scale) for scale in ("unit", "paper")
    )
    assert torch.equal(unit.V @ unit.U.T, paper.V @ paper.U.T)  # the same factors
    assert (unit.scale, paper.scale) == pytest.approx((2 / math.sqrt(3 * 16), 1 / math.sqrt(3)))


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


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"kinds": ("block_diagonal", "butterfly")}, "unknown kind 'butterfly', known are block_diagonal, ternary"),
        ({"kinds": ("block_diagonal", "block_diagonal")}, "each may be named once"),
        ({"size": 1}, "at least the number of kinds"),
        ({"rank": (5, 3)}, "lowest comes first, got 5 and 3"),
    ],
)
def test_options_that_make_no_sense_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        LibraryOptions(**options)


@pytest.mark.parametrize(
    ("data", "field"), [({"size": 0}, "size"), ({"kinds": []}, "kinds"), ({"rank": [0, 3]}, "rank")]
)
def test_a_recipe_section_is_checked_field_by_field(data, field):
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(LibraryOptions).validate_python(data)
    assert caught.value.errors()[0]["loc"][0] == field


def test_a_recipe_section_becomes_options():
    data = {"size": 6, "kinds": ["ternary_low_rank"], "rank": [2, 4]}
    assert TypeAdapter(LibraryOptions).validate_python(data) == LibraryOptions(6, ("ternary_low_rank",), (2, 4))


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


def test_the_catalogue_cannot_be_changed_from_outside():
    with pytest.raises(TypeError, match="does not support item assignment"):
        LibraryOptions().catalogue()["mine"] = block_diagonal


def test_a_kind_that_ignores_the_shape_is_named():
    class Wrong(LibraryOptions):
        def catalogue(self):
            return {"block_diagonal": lambda shape, rng: Dense(np.ones((2, 2)))}

    with pytest.raises(ValueError, match=r"'block_diagonal' made a matrix of shape \(2, 2\) where \(3, 4\)"):
        draw_library([(3, 4)], Wrong(size=1, kinds=("block_diagonal",)), Streams(0))


def test_options_and_their_check_import_no_torch():
    code = (
        "import sys; from evokit_crystalline.genome import Crystalline; Crystalline(); sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
