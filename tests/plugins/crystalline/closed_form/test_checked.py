"""Caps and further sweeps: tokens left out decide, and nothing that hurts there is taken."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from evokit.data.text import Blocks, full_blocks
from evokit.streams import Streams
from evokit_crystalline.closed_form.bigrams import Bigrams, count_bigrams
from evokit_crystalline.closed_form.checked import Checks, best_cap, capped, checked_sweeps
from evokit_crystalline.closed_form.factors import Factors, newton_contexts, newton_words, svd_factors
from evokit_crystalline.closed_form.fitted import bigram_parts, fit_factors
from evokit_crystalline.crystals.matrices import Zero
from evokit_crystalline.gpt2.model import hidden
from evokit_crystalline.gpt2.options import Continuous
from evokit_crystalline.gpt2.sizes import HEAD
from tests.plugins.crystalline.tiny import FITTED, markov

SURE = Factors(torch.tensor([[10.0], [0.0]]), torch.tensor([[1.0], [-1.0], [0.0]]), torch.tensor([0.0, 0.0, -90.0]))
"""After context 0 word 0 is all but certain; the last context and word stand for those never read."""
THREE_OF_FOUR = Checks(torch.tensor([0]), torch.zeros(4, dtype=torch.long), torch.tensor([0, 0, 0, 1]), torch.zeros(4))
BEST = math.log(3) / 2
"""The norm at which word 0 has three quarters: its logit is twice the norm above word 1's."""
ENTROPY = -0.75 * math.log(0.75) - 0.25 * math.log(0.25)


@pytest.fixture
def bigrams() -> Bigrams:
    return count_bigrams(full_blocks(markov(20, seed=1), 16), FITTED.vocab_size, 0.75)


@pytest.fixture
def left_out() -> Blocks:
    return full_blocks(markov(3, seed=5), 16)


def test_long_rows_are_shortened_and_others_keep_every_bit():
    rows = torch.tensor([[3.0, 4.0], [0.3, 0.1], [0.0, 0.0]])
    short = capped(replace(SURE, E=rows), 2.5).E
    torch.testing.assert_close(short[0], torch.tensor([1.5, 2.0]))
    assert torch.equal(short[1:], rows[1:])


def test_the_cap_is_the_one_under_which_tokens_left_out_cost_least():
    found, loss = best_cap(SURE, [3.0, BEST, 0.1], THREE_OF_FOUR)
    assert loss == pytest.approx(ENTROPY)
    assert found.E[0].item() == pytest.approx(BEST)


def test_a_cap_that_hurts_is_not_taken():
    always = replace(THREE_OF_FOUR, words=torch.zeros(4, dtype=torch.long))
    found, loss = best_cap(SURE, [3.0, BEST], always)
    assert torch.equal(found.E, SURE.E)
    assert loss == pytest.approx(0, abs=1e-6)


def test_a_sweep_that_hurts_on_tokens_left_out_is_not_taken():
    tried = []

    def turned(factors):
        tried.append(factors)
        return replace(factors, E=-factors.E)

    found = checked_sweeps(SURE, turned, 5, [BEST], THREE_OF_FOUR)
    assert len(tried) == 1
    assert found.E[0].item() == pytest.approx(BEST)


def test_sweeps_go_on_from_capped_factors_as_long_as_they_help():
    """Each sweep takes a fifth off the first row, which helps down to the best norm, passed after four."""
    started = []

    def shortened(factors):
        started.append(factors.E[0].item())
        return replace(factors, E=factors.E * 0.8)

    found = checked_sweeps(SURE, shortened, 9, [1.0], THREE_OF_FOUR)
    assert started == pytest.approx([0.8**i for i in range(4)])
    assert found.E[0].item() == pytest.approx(0.8**3)
    assert checked_sweeps(SURE, shortened, 2, [1.0], THREE_OF_FOUR).E[0].item() == pytest.approx(0.8**2)


def test_losses_are_those_of_the_model_that_the_factors_become(float64, bigrams):
    """Tokens that training never read are among the inputs and among the targets."""
    texts = np.random.default_rng(0).integers(120, size=(6, 17))
    blocks = Blocks(texts[:, :-1], texts[:, 1:], np.zeros(6, np.int64))
    factors = svd_factors(bigrams, 8, Streams(0))
    caps = [math.inf, factors.E.norm(dim=1).median().item()]
    found = Checks.of(blocks, bigrams).losses(factors, caps)
    off = [Zero(shape) for shape in FITTED.slots().values()]
    for loss, cap in zip(found, caps, strict=True):
        parts = bigram_parts(bigrams, capped(factors, cap), FITTED)
        logits = hidden(parts, off, FITTED, torch.from_numpy(blocks.inputs)) @ parts[HEAD].T
        expected = torch.nn.functional.cross_entropy(logits.flatten(0, 1), torch.from_numpy(blocks.targets).flatten())
        assert loss == pytest.approx(expected.item(), rel=1e-4)  # the anchor's price
    assert len(set(found)) == 2


def test_checks_never_make_a_fit_worse_on_their_tokens(bigrams, left_out):
    plain = Continuous(fit="bigram_newton")
    checks = Checks.of(left_out, bigrams)
    losses = [
        checks.losses(fit_factors(options, bigrams, 8, Streams(0), left_out), [math.inf])[0]
        for options in (plain, replace(plain, caps=(1.0, 3.0)), replace(plain, caps=(1.0, 3.0), more_sweeps=2))
    ]
    assert losses == sorted(losses, reverse=True)
    assert losses[-1] < losses[0]


def test_further_sweeps_step_the_head_first_and_damp_contexts_by_counts_of_their_own(bigrams, left_out):
    plain = Continuous(fit="bigram_newton", word_pseudo_counts=5.0)
    start = fit_factors(plain, bigrams, 8, Streams(0))
    expected = newton_contexts(bigrams, newton_words(bigrams, start, 5.0), 70.0)
    found = fit_factors(replace(plain, more_sweeps=1, more_pseudo_counts=70.0), bigrams, 8, Streams(0), left_out)
    assert all(torch.equal(getattr(found, name), getattr(expected, name)) for name in ("E", "H", "b"))


def test_a_cap_that_is_never_reached_changes_nothing(bigrams, left_out):
    plain = Continuous(fit="bigram_newton")
    one, other = (
        fit_factors(options, bigrams, 8, Streams(0), left_out) for options in (plain, replace(plain, caps=(1e6,)))
    )
    assert all(torch.equal(getattr(one, name), getattr(other, name)) for name in ("E", "H", "b"))
