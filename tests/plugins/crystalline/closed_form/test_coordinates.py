"""The head's bias apart from its rows."""

import pytest
import torch

from evokit_crystalline.closed_form.basis import ANCHOR, CONTENT, basis
from evokit_crystalline.closed_form.coordinates import (
    BIAS,
    EMBEDDED,
    PREDICTED,
    from_fit_coordinates,
    to_fit_coordinates,
)
from evokit_crystalline.closed_form.fitted import ANCHOR_SIZE
from evokit_crystalline.fitness import build_fitness
from evokit_crystalline.gpt2 import model
from evokit_crystalline.gpt2.options import Continuous
from evokit_crystalline.gpt2.sizes import EMBEDDING, HEAD
from evokit_crystalline.options import Gpt2Loss
from tests.plugins.crystalline.tiny import FITTED, fitted_context


@pytest.fixture(scope="module")
def tensors():
    options = Gpt2Loss(FITTED, tokens=256, block=16, continuous=Continuous(fit="bigram_svd"))
    parts = build_fitness(options, fitted_context()).frame.parts
    return {name: part.double() for name, part in parts.items()}


def logits(tensors):
    layers = [torch.zeros(shape, dtype=torch.float64) for shape in FITTED.slots().values()]
    return model.hidden(tensors, layers, FITTED, torch.arange(0, 48, 3).view(1, -1)) @ tensors[HEAD].T


def test_it_is_the_same_model(tensors):
    again = from_fit_coordinates(to_fit_coordinates(tensors))
    assert again.keys() == tensors.keys() == from_fit_coordinates(tensors).keys()
    for name, tensor in tensors.items():
        torch.testing.assert_close(again[name], tensor, atol=1e-3, rtol=1e-6)  # the anchor's 2,000 in float32
    torch.testing.assert_close(logits(again), logits(tensors), atol=1e-4, rtol=0)


def test_the_bias_is_what_is_added_to_logits(tensors):
    apart = to_fit_coordinates(tensors)
    added = torch.linspace(-1, 1, len(apart[BIAS]), dtype=torch.float64)
    raised = from_fit_coordinates({**apart, BIAS: apart[BIAS] + added})
    torch.testing.assert_close((logits(raised) - logits(tensors)).mean((0, 1)), added, atol=1e-3, rtol=0)


def test_a_head_row_and_its_bias_have_gradients_of_one_size(tensors):
    """As stored, the gradient along the anchor is 2,000 times the bias's own."""
    whole = tensors[HEAD].clone().requires_grad_()
    logits({**tensors, HEAD: whole}).logsumexp(-1).sum().backward()
    apart = {name: tensor.clone().requires_grad_() for name, tensor in to_fit_coordinates(tensors).items()}
    logits(from_fit_coordinates(apart)).logsumexp(-1).sum().backward()
    directions = torch.from_numpy(basis(FITTED.n_embd)).double()
    torch.testing.assert_close(whole.grad @ directions[ANCHOR], ANCHOR_SIZE * apart[BIAS].grad, rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(whole.grad @ directions[CONTENT:].T, apart[PREDICTED].grad, rtol=1e-4, atol=1e-4)


def test_no_step_of_the_embedding_moves_anchor_or_positions(tensors):
    apart = to_fit_coordinates(tensors)
    moved = from_fit_coordinates({**apart, EMBEDDED: apart[EMBEDDED] + 1})[EMBEDDING] - tensors[EMBEDDING]
    others = torch.from_numpy(basis(FITTED.n_embd)[:CONTENT]).double()
    assert (moved @ others.T).abs().max() < 1e-3
    assert moved.abs().max() > 0.1
