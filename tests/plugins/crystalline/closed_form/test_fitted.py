"""Closed-form parts in a GPT-2: the model is the bigram model, and transformers agrees."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from evokit.data.text import full_blocks, join_documents
from evokit.energy import Meter
from evokit.errors import UserError
from evokit.streams import Streams
from evokit_crystalline.closed_form.bigrams import count_bigrams
from evokit_crystalline.closed_form.factors import Factors, carried, svd_factors
from evokit_crystalline.closed_form.fitted import ANCHOR_SIZE, bigram_parts, counted_blocks, fit_factors, fitted_parts
from evokit_crystalline.closed_form.held_out import held_out
from evokit_crystalline.crystals.matrices import Zero
from evokit_crystalline.fitness import build_fitness
from evokit_crystalline.gpt2.model import hidden
from evokit_crystalline.gpt2.options import Continuous
from evokit_crystalline.gpt2.sizes import HEAD
from evokit_crystalline.options import Gpt2Loss
from tests.plugins.crystalline.tiny import FITTED, fitted_context, markov


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("EVOKIT_CACHE", str(tmp_path))


def test_the_model_without_projections_is_the_bigram_model_of_the_factors(float64):
    blocks = full_blocks(markov(20, seed=1), 16)
    bigrams = count_bigrams(blocks, FITTED.vocab_size, 0.75)
    factors = fit_factors(Continuous(fit="bigram_newton"), bigrams, 8, Streams(0))
    parts = bigram_parts(bigrams, factors, FITTED)
    assert {name: tuple(part.shape) for name, part in parts.items()} == FITTED.continuous()
    tokens = torch.from_numpy(blocks.inputs[:4])
    off = [Zero(shape) for shape in FITTED.slots().values()]
    logits = hidden(parts, off, FITTED, tokens) @ parts[HEAD].T
    found = torch.log_softmax(logits, -1)[..., torch.from_numpy(bigrams.words)]
    context, word = bigrams.context_of(), np.arange(len(bigrams.words))
    length = (ANCHOR_SIZE**2 + factors.E.square().sum(1) + 3 + 16 * 1e-5).sqrt()  # 3: position codes; 1e-5: the norm's
    share = (ANCHOR_SIZE / length)[:, None]  # is left of all logits: the anchor's price
    assert share.min() > 1 - 1e-4
    expected = torch.log_softmax(share * (factors.E @ factors.H.T + factors.b), 1)[context[tokens]][..., word]
    torch.testing.assert_close(found, expected)


def test_what_training_never_predicted_shares_its_probability():
    bigrams = count_bigrams(full_blocks(markov(20, seed=1), 16), FITTED.vocab_size, 0.75)
    zero = Factors(
        torch.zeros(len(bigrams.backoff), 8), torch.zeros(len(bigrams.base), 8), torch.zeros(len(bigrams.base))
    )
    head = bigram_parts(bigrams, zero, FITTED)[HEAD]
    unseen = np.setdiff1d(np.arange(FITTED.vocab_size), bigrams.words)
    assert len(torch.unique(head[unseen], dim=0)) == 1


@pytest.mark.parametrize("n_further", [0, 3])
def test_factors_carried_onto_more_text_predict_the_same_of_every_token(n_further):
    """Words and contexts that are new there had the shares of those never read."""
    seen, new = np.arange(12), np.arange(12, 12 + n_further)
    first = join_documents([np.random.default_rng(0).choice(seen, 400)], ["first"])
    further = np.random.default_rng(1).choice(np.append(seen, new), 400)
    both = join_documents([first.document(0), further], ["first", "further"])
    one, other = (count_bigrams(full_blocks(documents, 16), FITTED.vocab_size, 0.75) for documents in (first, both))
    factors = svd_factors(one, 8, Streams(0))
    parts = [bigram_parts(one, factors, FITTED), bigram_parts(other, carried(factors, one, other), FITTED)]
    for name, part in parts[0].items():
        torch.testing.assert_close(parts[1][name], part)


def test_fits_get_better_in_their_order_and_are_cached():
    train, validation = markov(20, seed=1), full_blocks(markov(4, seed=2), 16)
    losses = []
    for fit in ("unigram", "bigram_svd", "bigram_newton"):
        fitted = fitted_parts(Continuous(fit=fit), FITTED, train, 16, 1, Streams(0), Meter())
        again = fitted_parts(Continuous(fit=fit), FITTED, train, 16, 1, Streams(0), Meter())
        assert again.cost == fitted.cost
        assert all(torch.equal(again.parts[name], part) for name, part in fitted.parts.items())
        off = [Zero(shape) for shape in FITTED.slots().values()]
        logits = hidden(fitted.parts, off, FITTED, torch.from_numpy(validation.inputs)) @ fitted.parts[HEAD].T
        losses.append(
            torch.nn.functional.cross_entropy(logits.flatten(0, 1), torch.from_numpy(validation.targets).flatten())
        )
    assert losses == sorted(losses, reverse=True)


def test_transformers_computes_the_same_function(float64):
    from transformers import GPT2Config, GPT2LMHeadModel

    fitted = fitted_parts(Continuous(fit="bigram_newton"), FITTED, markov(20, seed=1), 16, 1, Streams(0), Meter())
    model = GPT2LMHeadModel(GPT2Config(**FITTED.to_config())).eval()
    zeros = {f"{slot}.weight": torch.zeros(shape) for slot, shape in FITTED.slots().items()}
    missing, unexpected = model.load_state_dict({**fitted.parts, **zeros}, strict=False)
    assert not unexpected
    assert not missing
    tokens = torch.from_numpy(full_blocks(markov(1, seed=4), 16).inputs)
    ours = hidden(fitted.parts, [Zero(s) for s in FITTED.slots().values()], FITTED, tokens) @ fitted.parts[HEAD].T
    with torch.no_grad():
        torch.testing.assert_close(model(tokens).logits, ours)


def test_a_tied_head_is_refused():
    with pytest.raises(UserError, match="needs a head of its own: add tied: false to model"):
        fitted_parts(Continuous(fit="unigram"), replace(FITTED, tied=True), markov(10), 16, 1, Streams(0), Meter())


def test_bfloat16_is_refused_because_it_would_round_the_bias_away():
    with pytest.raises(ValueError, match=r"continuous.fit needs precision: float32"):
        Gpt2Loss(FITTED, tokens=128, block=16, continuous=Continuous(fit="unigram"), precision="bfloat16")


def test_fit_tokens_limits_what_is_counted_and_fewer_are_a_part_of_more():
    train = markov(20, seed=1)
    all_blocks = len(full_blocks(train, 16))
    few, more = (counted_blocks(train, 16, 16 * n) for n in (40, 90))
    assert (len(few), len(more), len(counted_blocks(train, 16, None))) == (40, 90, all_blocks)
    assert {tuple(row) for row in few.targets} <= {tuple(row) for row in more.targets}
    assert len(counted_blocks(train, 16, 16 * 40 + 15)) == 40
    fits = [
        fitted_parts(Continuous(fit="unigram", fit_tokens=n), FITTED, train, 16, 1, Streams(0), Meter()).parts[HEAD]
        for n in (16 * 40, 16 * all_blocks, None)
    ]
    assert not torch.equal(fits[0], fits[2])
    assert torch.equal(fits[1], fits[2])


@pytest.mark.parametrize("tokens", [15, 16 * 10_000])
def test_more_tokens_than_there_are_or_less_than_a_block_are_refused(tokens):
    with pytest.raises(UserError, match=rf"continuous.fit_tokens must be between a block of 16 and .*, got {tokens}"):
        counted_blocks(markov(20, seed=1), 16, tokens)


def test_fit_tokens_without_a_fit_is_refused():
    with pytest.raises(ValueError, match="fit_tokens limits what a fit counts: it needs fit"):
        Continuous(fit_tokens=1000)


@pytest.mark.parametrize("fit", [None, "bigram_svd"])
def test_checks_without_newton_steps_are_refused(fit):
    with pytest.raises(ValueError, match="caps, more_sweeps and lessons go on where Newton steps end"):
        Continuous(fit=fit, caps=(25.0,))
    with pytest.raises(ValueError, match="caps, more_sweeps and lessons go on where Newton steps end"):
        Continuous(fit=fit, lessons=0.3)


def test_lessons_of_a_part_of_the_tokens_are_refused():
    with pytest.raises(ValueError, match="lessons leave out whole documents, fit_tokens blocks: remove fit_tokens"):
        Continuous(fit="bigram_newton", fit_tokens=1000, lessons=0.3)


def test_checks_without_tokens_left_out_are_refused():
    options = Continuous(fit="bigram_newton", more_sweeps=1)
    with pytest.raises(UserError, match=r"continuous\.more_sweeps and continuous\.lessons need training tokens"):
        fitted_parts(options, FITTED, markov(10), 16, 1, Streams(0), Meter())


def test_a_recipe_that_asks_for_checks_gets_other_parts_and_leaves_the_rest_as_it_was():
    plain = Gpt2Loss(FITTED, tokens=1024, block=16, continuous=Continuous(fit="bigram_newton"))
    checked = replace(plain, continuous=Continuous(fit="bigram_newton", caps=(1.0, 2.0), more_sweeps=1))
    one, other, again = (build_fitness(options, fitted_context()) for options in (plain, checked, plain))
    assert one.context == again.context
    assert one.context != other.context
    off = [Zero(shape) for shape in FITTED.slots().values()]
    assert other.mean_losses([off], 1024) < one.mean_losses([off], 1024)


def test_crystals_are_fitted_beside_parts_that_never_counted_their_lessons():
    """Other lessons, with all else the same, change the model and not what crystals are fitted beside."""
    options = Continuous(fit="bigram_newton", lessons=0.4)
    train, checks = markov(20, seed=1), full_blocks(markov(3, seed=5), 16)
    first, aside = held_out(train, 16, checked=True, lessons=0.4)
    assert aside.counted_last is not None
    others = markov(30, seed=9)

    def fitted(last):
        return fitted_parts(options, FITTED, first, 16, 1, Streams(0), Meter(), checks, last)

    documents = [first.document(i) for i in range(len(first))] + [others.document(i) for i in range(len(others))]
    more = join_documents(documents, [*first.names, *others.names])
    one, other = fitted(aside.counted_last), fitted(more)
    assert all(torch.equal(one.taught[name], part) for name, part in other.taught.items())
    assert not torch.equal(one.parts[HEAD], other.parts[HEAD])
    assert not torch.equal(one.parts[HEAD], one.taught[HEAD])
    again = fitted(aside.counted_last)
    assert all(torch.equal(again.parts[name], part) for name, part in one.parts.items())
    assert all(torch.equal(again.taught[name], part) for name, part in one.taught.items())


def test_a_fit_that_counts_the_lessons_as_well_predicts_validation_better():
    plain = Gpt2Loss(FITTED, tokens=1024, block=16, continuous=Continuous(fit="bigram_newton", lessons=0.5))
    fitness = build_fitness(plain, fitted_context())
    off = [Zero(shape) for shape in FITTED.slots().values()]
    assert fitness.mean_losses([off], 1024) < fitness.mean_losses([off], 1024, fitness.taught)


def test_without_lessons_crystals_are_fitted_beside_the_model():
    plain = Gpt2Loss(FITTED, tokens=1024, block=16, continuous=Continuous(fit="bigram_newton"))
    fitness = build_fitness(plain, fitted_context())
    assert fitness.taught is fitness.frame


def test_repeats_of_other_seeds_share_the_fit():
    options = Gpt2Loss(FITTED, tokens=1024, block=16, continuous=Continuous(fit="bigram_svd"))
    one, other = (build_fitness(options, replace(fitted_context(), streams=Streams(seed))) for seed in (1, 2))
    assert one.context == other.context
    assert one.prepared == other.prepared  # to the last digit of its seconds: fitted once
    assert one.prepared["closed_form"].energy_j > 0
