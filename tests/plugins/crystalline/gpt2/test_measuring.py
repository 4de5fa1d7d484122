"""Losses on blocks, with common prefixes shared."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional

from evokit.data.text import EOS, IGNORED, document_blocks, full_blocks, join_documents
from evokit.streams import Streams
from evokit_crystalline.crystals.matrices import Dense
from evokit_crystalline.gpt2 import model
from evokit_crystalline.gpt2.continuous import random_parts
from evokit_crystalline.gpt2.measuring import (
    Frame,
    document_losses,
    mean_losses,
    padded_blocks,
    position_losses,
    prefix_order,
    torch_threads,
)
from tests.plugins.crystalline.tiny import ONE_LOSS, SIZES, documents
from tests.rounding import rounding

FRAME = Frame.of(SIZES, random_parts(SIZES, Streams(0)), "float32")
BLOCKS = full_blocks(documents(1, tokens=200), 16)
LIBRARY = {
    shape: [Dense(np.random.default_rng(i).normal(size=shape)) for i in range(2)] for shape in SIZES.slots().values()
}


def layers(genes):
    return [LIBRARY[shape][gene] for gene, shape in zip(genes, SIZES.slots().values(), strict=True)]


def test_a_mean_loss_is_the_cross_entropy_of_the_logits(float64):
    frame = Frame.of(SIZES, random_parts(SIZES, Streams(0)), "float32")
    member = [Dense(matrix.dense()) for matrix in layers([0, 1] * 4)]
    h = model.hidden(frame.parts, member, SIZES, torch.from_numpy(BLOCKS.inputs))
    logits = (h @ frame.head.weight.T).flatten(0, 1)
    expected = functional.cross_entropy(logits, torch.from_numpy(BLOCKS.targets).flatten())
    assert mean_losses(frame, [member], BLOCKS)[0] == pytest.approx(expected.item(), rel=ONE_LOSS)


@settings(max_examples=10, deadline=None)
@given(st.lists(st.lists(st.integers(0, 1), min_size=8, max_size=8), min_size=1, max_size=5))
def test_a_loss_is_the_same_bits_alone_and_in_any_batch(batch):
    together = mean_losses(FRAME, [layers(genes) for genes in batch], BLOCKS)
    alone = [mean_losses(FRAME, [layers(genes)], BLOCKS)[0] for genes in batch]
    assert together.tolist() == alone


def test_a_common_prefix_is_computed_once(monkeypatch):
    stages = []
    advance = model.advance
    monkeypatch.setattr(model, "advance", lambda *args: stages.append(args[2]) or advance(*args))
    batch = [layers([0] * 8), layers([1] * 8), layers([0] * 7 + [1]), layers([0] * 8)]
    mean_losses(FRAME, batch, BLOCKS.take(slice(1)))
    assert len(stages) == 8 + 1 + 8


def test_members_with_a_common_prefix_follow_each_other():
    a, b, c = object(), object(), object()
    batch = [(a, b), (b, a), (a, c), (a, b)]
    assert [batch[i] for i in prefix_order(batch)] == [(a, b), (a, b), (a, c), (b, a)]


def test_document_losses_average_to_the_mean_over_tokens():
    split = documents(3, tokens=41)
    blocks = document_blocks(split, 16)
    member = layers([0] * 8)
    each = document_losses(FRAME, member, blocks, 3)
    assert each.mean() == pytest.approx(mean_losses(FRAME, [member], blocks)[0])


def test_losses_by_position_average_to_the_mean_loss(float64):
    frame = Frame.of(SIZES, random_parts(SIZES, Streams(0)), "float32")
    member = [Dense(matrix.dense()) for matrix in layers([0, 1] * 4)]
    each = position_losses(frame, member, BLOCKS)
    assert each.shape == (16,)
    added = rounding(16 * len(BLOCKS), dtype=torch.float64)  # of the same losses, in another order
    assert each.mean() == pytest.approx(mean_losses(frame, [member], BLOCKS)[0], rel=added)


def test_losses_by_position_leave_padding_out():
    member, blocks = layers([0] * 8), document_blocks(documents(2, tokens=18), 16)
    each = position_losses(FRAME, member, blocks)
    tokens = (blocks.targets != IGNORED).sum(0)
    assert tokens.tolist() == [4, 4, *[2] * 14]
    assert np.average(each, weights=tokens) == pytest.approx(mean_losses(FRAME, [member], blocks)[0])
    tail = position_losses(FRAME, member, blocks.take([1]))
    assert np.isnan(tail).tolist() == [False, False, *[True] * 14]


def test_a_line_is_cut_or_padded_and_its_padding_is_predicted():
    text = join_documents([np.array([5, 6, 198, 198, 1, 2, 3, 4, 9, 628, 7])], ["a"])
    blocks = padded_blocks(text, length=4, most=2)
    assert blocks.inputs.tolist() == [[5, 6, EOS], [1, 2, 3]]
    assert blocks.targets.tolist() == [[6, EOS, EOS], [2, 3, 4]]


def test_threads_are_put_back():
    before = torch.get_num_threads()
    with torch_threads(before + 1):
        assert torch.get_num_threads() == before + 1
    assert torch.get_num_threads() == before
