"""Heads attend to what their patterns say."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from evokit_crystalline.closed_form.basis import ANCHOR, CODES, CONTENT, basis, position_codes
from evokit_crystalline.gpt2 import model
from evokit_crystalline.gpt2.sizes import Sizes
from evokit_crystalline.learned.attention import AttentionPattern, attention, attention_weights
from tests.plugins.crystalline.tiny import FITTED

pytestmark = pytest.mark.usefixtures("float64")
LEAK = 1e-4  # at most so much of a pattern of one token goes to others, as a test below says


def state_of(content, sizes):
    """What a fitted model's first norm hands to the first projection: content and position codes, no anchor."""
    directions = torch.from_numpy(basis(sizes.n_embd))
    codes = torch.from_numpy(position_codes(sizes.n_positions))[: len(content)]
    return (content @ directions[CONTENT:] + codes @ directions[CODES])[None]


def read(sizes, patterns, values, content):
    """``(length, n_embd)`` what the heads read of content."""
    parts = {"transformer.h.0.attn.c_attn.bias": torch.zeros(3 * sizes.n_embd)}
    x = state_of(content, sizes)
    return model.advance(parts, sizes, 0, attention(sizes, patterns, values), (x, x))[1][0]


def some_content(length, n, seed=0):
    return torch.randn(length, n, generator=torch.Generator().manual_seed(seed))


def test_a_head_reads_from_so_many_tokens_back():
    content = some_content(16, 8)
    found = read(FITTED, [AttentionPattern(1), AttentionPattern(3)], [np.eye(8)] * 2, content)
    leaked = LEAK * (content.max() - content.min())
    assert (found[1:, :8] - content[:-1]).abs().max() < leaked
    assert (found[3:, 8:] - content[:-3]).abs().max() < leaked


def test_an_infinite_window_is_the_mean_of_all_so_far():
    content = some_content(16, 8)
    found = read(FITTED, [AttentionPattern(width=np.inf)] * 2, [np.eye(8)] * 2, content)
    mean = content.cumsum(0) / torch.arange(1, 17)[:, None]
    torch.testing.assert_close(found, mean.repeat(1, 2))


@pytest.mark.parametrize("width", [2.0, 6.0])
def test_a_window_falls_like_a_gaussian_into_the_past(width):
    found = attention_weights(AttentionPattern(width=width), 128, 128)[127, 127 - int(3 * width) :].flip(0).numpy()
    distance = np.arange(len(found))
    np.testing.assert_allclose(found / found[0], np.exp(-(distance**2) / (2 * width**2)), atol=0.02)


@pytest.mark.parametrize("width", [2.0, 6.0, 13.0])
def test_a_window_at_the_end_of_a_block_reads_nothing_of_its_beginning(width):
    assert attention_weights(AttentionPattern(width=width), 128, 128)[127, :64].sum() < 1e-4


@pytest.mark.parametrize("n", [16, 64, 128])
@pytest.mark.parametrize("back", [0, 1, 3])
def test_a_pattern_of_one_token_sees_no_other(n, back):
    assert attention_weights(AttentionPattern(back), n, n).diagonal(-back).min() > 1 - LEAK


def test_a_head_reads_the_directions_that_it_is_given_and_no_others():
    content = some_content(16, 8)
    direction = np.zeros((8, 1))
    direction[2] = 2.0
    found = read(FITTED, [AttentionPattern(1), AttentionPattern(1)], [direction, direction], content)
    assert (found[1:, 0] - 2 * content[:-1, 2]).abs().max() < LEAK * 2 * (content[:, 2].max() - content[:, 2].min())
    assert found[:, 1:8].abs().max() == 0


@given(
    st.builds(AttentionPattern, back=st.integers(0, 5), width=st.one_of(st.none(), st.floats(0.5, 50), st.just(np.inf)))
)
def test_what_is_predicted_of_a_pattern_is_what_the_attention_does(pattern):
    content = some_content(12, 8)
    found = read(FITTED, [pattern, pattern], [np.eye(8)] * 2, content)
    torch.testing.assert_close(found[:, :8], attention_weights(pattern, 16, 12) @ content)


def test_no_head_attends_to_the_future():
    assert attention_weights(AttentionPattern(width=4.0), 16, 16).triu(1).abs().max() == 0


def test_a_head_too_narrow_for_the_codes_is_refused():
    with pytest.raises(ValueError, match="a head needs 6 dimensions for the position codes, got 4"):
        attention(Sizes(n_embd=16, n_head=4), [AttentionPattern(1)] * 4, [np.eye(8, 4, dtype=np.float32)] * 4)


def test_neither_anchor_nor_position_is_read():
    matrix = attention(FITTED, [AttentionPattern(1)] * 2, [np.eye(8)] * 2).dense()[:, 32:]
    others = torch.from_numpy(basis(16))[[ANCHOR, *range(*CODES.indices(16))]]
    assert (others @ matrix).abs().max() < 1e-12
