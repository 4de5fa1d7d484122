"""The chunked loss against torch's own in double precision."""

import pytest
import torch
from torch.nn import functional

from evokit_crystalline.gpt2.loss import EVALUATED_TOKENS, Head, mean_loss, token_losses
from tests.rounding import rounding

N_WORDS = 4500  # more than one chunk of words, the last one incomplete


def problem(n, scale=1.0, seed=0):
    generator = torch.Generator().manual_seed(seed)
    hidden = torch.randn(n, 16, generator=generator) * scale
    head = torch.randn(N_WORDS, 16, generator=generator)
    targets = torch.randint(N_WORDS, (n,), generator=generator)
    targets[::7] = -100
    return hidden, head, targets


def slack(hidden, head, precision):
    """Of a token's loss: roundings of its largest logit, a sum of 16 terms, and of adding N_WORDS exponentials.

    In bfloat16 both factors and the logit are rounded; additions are float32's.
    """
    logits = (hidden.abs() @ head.abs().T).amax(1)
    coarse = rounding(3, logits, torch.bfloat16) if precision == "bfloat16" else 0
    return coarse + rounding(16 + 2, logits) + rounding(N_WORDS)


def reference(hidden, head, targets):
    return functional.cross_entropy(hidden.double() @ head.double().T, targets, reduction="none")


@pytest.mark.parametrize("scale", [0.1, 1.0, 10.0])  # the last one overflows a plain exponential
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_token_losses_equal_the_cross_entropy_in_double_precision(scale, precision):
    hidden, head, targets = problem(EVALUATED_TOKENS + 30, scale)
    losses = token_losses(hidden, Head.of(head, precision), targets)
    assert ((losses - reference(hidden, head, targets)).abs() <= slack(hidden, head, precision)).all()


@pytest.mark.parametrize("scale", [1 / 8, 8.0])  # the last one overflows a plain exponential
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_loss_and_gradients_equal_those_of_autograd(scale, precision):
    hidden, head, targets = problem(600)
    hidden, head = scale * hidden.round(), head.round()  # whose logits are exact in either precision
    ours, theirs = [
        [hidden.to(dtype, copy=True).requires_grad_(), head.to(dtype, copy=True).requires_grad_()]
        for dtype in (torch.float32, torch.float64)
    ]
    loss = mean_loss(*ours, targets, precision)
    expected = functional.cross_entropy(theirs[0] @ theirs[1].T, targets)
    (2 * loss).backward()
    (2 * expected).backward()
    # Sums over words, of exponentials and in a product; in bfloat16 exponentials, factors and products are rounded.
    relative = rounding(2 * N_WORDS) + (rounding(5, dtype=torch.bfloat16) if precision == "bfloat16" else 0)
    assert abs(loss - expected) <= relative + rounding(600, expected.abs())
    real = (targets >= 0).double()[:, None]
    moved = (theirs[0] @ theirs[1].T).softmax(1) + functional.one_hot(targets.clamp(min=0), N_WORDS)
    sizes = 2 * moved.detach() * real / real.sum()
    for a, b, terms in zip(ours, theirs, (sizes @ head.abs().double(), sizes.T @ hidden.abs().double()), strict=True):
        assert ((a.grad - b.grad).abs() <= relative * terms).all()


def test_rows_that_occur_often_are_multiplied_once():
    hidden, head, targets = problem(40)
    head[100:4000] = head[7]
    folded = Head.of(head, fold=True)
    assert len(folded.rounded) == N_WORDS - 3900
    apart = token_losses(hidden, folded, targets) - token_losses(hidden, Head.of(head), targets)
    assert (apart.abs() <= slack(hidden, head, "float32")).all()
    assert Head.of(problem(1)[1], fold=True).log_counts is None


def test_the_loss_of_a_chunk_does_not_depend_on_its_neighbours():
    hidden, head, targets = problem(2 * EVALUATED_TOKENS)
    alone = token_losses(hidden[:EVALUATED_TOKENS], Head.of(head), targets[:EVALUATED_TOKENS])
    assert torch.equal(token_losses(hidden, Head.of(head), targets)[:EVALUATED_TOKENS], alone)


def test_tokens_without_target_count_nothing():
    hidden, head, targets = problem(20)
    assert (token_losses(hidden, Head.of(head), targets)[::7] == 0).all()
    changed = hidden.clone()
    changed[::7] += 1
    assert mean_loss(hidden, head, targets) == mean_loss(changed, head, targets)


def test_a_hidden_state_that_is_not_a_number_gives_a_loss_that_is_none():
    hidden, head, targets = problem(20)
    hidden[3, 0] = torch.nan
    assert token_losses(hidden, Head.of(head), targets)[3].isnan()


def test_a_loss_repeats_bit_for_bit():
    def gradients():
        hidden, head, targets = problem(600)
        head.requires_grad_()
        mean_loss(hidden, head, targets).backward()
        return head.grad

    assert torch.equal(gradients(), gradients())
