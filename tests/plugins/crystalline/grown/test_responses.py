"""Predictions of a part of the tokens, beside those of all."""

import numpy as np
import pytest
import torch

from evokit_crystalline.closed_form.responses import expectations, working_responses
from evokit_crystalline.grown.responses import base_predictions, content_of, estimated_means
from tests.plugins.crystalline.grown.tiny import tiny_fitness
from tests.rounding import rounding


@pytest.fixture(scope="module")
def fitness():
    return tiny_fitness()


@pytest.fixture(scope="module")
def moved(fitness):
    """States, and what they were before they were moved by a function that is no linear one."""
    blocks, content = fitness.held_out.for_crystals, content_of(fitness.frame)
    base = base_predictions(fitness.frame, blocks)
    places = np.searchsorted(base["tokens"], blocks.inputs.flatten())
    before, means = (torch.from_numpy(base[name])[places] for name in ("content", "means"))
    hidden = torch.zeros(len(before), fitness.frame.sizes.n_embd)
    hidden += fitness.frame.parts["transformer.wte.weight"][torch.from_numpy(blocks.inputs.flatten())]
    draw = torch.Generator().manual_seed(1)
    hidden = hidden + 0.3 * torch.randn(hidden.shape, generator=draw).sin() @ content @ content.T
    return hidden, before, means


def test_without_crystals_predictions_are_those_of_the_working_responses(fitness):
    blocks = fitness.held_out.for_crystals
    base, known = base_predictions(fitness.frame, blocks), working_responses(fitness.frame, blocks)
    places = np.searchsorted(base["tokens"], blocks.inputs)
    rows = (fitness.frame.head.weight @ content_of(fitness.frame))[torch.from_numpy(blocks.targets)]
    size = float(rows.abs().max())
    n = fitness.frame.sizes.vocab_size + fitness.frame.sizes.n_embd
    assert torch.allclose(rows - torch.from_numpy(base["means"])[places], known.pull, atol=rounding(n, size))
    assert torch.allclose(torch.from_numpy(base["curvature"]), known.curvature, atol=rounding(n, size**2))


def test_all_tokens_chosen_are_the_plain_expectations(fitness, moved):
    hidden, before, means = moved
    exact = expectations(fitness.frame.head, hidden, torch.ones(len(hidden)), content_of(fitness.frame))
    found = estimated_means(fitness.frame, hidden, before, means, torch.arange(len(hidden)))
    assert torch.equal(found[0], exact[0])
    assert torch.equal(found[1], exact[1])


def test_products_with_features_are_nearly_those_of_all_tokens(fitness, moved):
    """Over many draws the mean is right, and each is much nearer than a plain sample's."""
    hidden, before, means = moved
    content = content_of(fitness.frame)
    exact = expectations(fitness.frame.head, hidden, torch.ones(len(hidden)), content)[0]
    features = torch.randn(len(hidden), 5, generator=torch.Generator().manual_seed(2))
    wanted, n = features.T @ exact, len(hidden)
    off, plain = [], []
    for seed in range(30):
        chosen = torch.randperm(n, generator=torch.Generator().manual_seed(seed))[: n // 4].sort().values
        off.append(features.T @ estimated_means(fitness.frame, hidden, before, means, chosen)[0] - wanted)
        plain.append(4 * features[chosen].T @ exact[chosen] - wanted)
    errors, sampled = torch.stack(off), torch.stack(plain)
    assert errors.square().mean() < 0.25 * sampled.square().mean()
    standard_error = errors.std(0) / 30**0.5
    assert (errors.mean(0).abs() < 5 * standard_error).all()
