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


@pytest.fixture
def tensors(float64):
    """In float64: in float32 the anchor's 2,000 take the last digits of the content."""
    options = Gpt2Loss(FITTED, tokens=256, block=16, continuous=Continuous(fit="bigram_svd"))
    return build_fitness(options, fitted_context()).frame.parts


def states(tensors):
    layers = [torch.zeros(shape) for shape in FITTED.slots().values()]
    return model.hidden(tensors, layers, FITTED, torch.arange(0, 48, 3).view(1, -1))


def logits(tensors):
    return states(tensors) @ tensors[HEAD].T


def test_it_is_the_same_model(tensors):
    again = from_fit_coordinates(to_fit_coordinates(tensors))
    assert again.keys() == tensors.keys() == from_fit_coordinates(tensors).keys()
    for name, tensor in tensors.items():
        torch.testing.assert_close(again[name], tensor)
    torch.testing.assert_close(logits(again), logits(tensors))


def test_the_bias_is_what_is_added_to_logits(tensors):
    apart = to_fit_coordinates(tensors)
    added = torch.linspace(-1, 1, len(apart[BIAS]))
    raised = from_fit_coordinates({**apart, BIAS: apart[BIAS] + added})
    # The last norm divides by the length of anchor and rest together, which shortens the anchor a little.
    share = (states(tensors) @ torch.from_numpy(basis(FITTED.n_embd))[ANCHOR] / ANCHOR_SIZE).mean()
    assert 1 - 1e-4 < share < 1
    torch.testing.assert_close((logits(raised) - logits(tensors)).mean((0, 1)), share * added)


def test_a_head_row_and_its_bias_have_gradients_of_one_size(tensors):
    """As stored, the gradient along the anchor is 2,000 times the bias's own."""
    whole = tensors[HEAD].clone().requires_grad_()
    logits({**tensors, HEAD: whole}).logsumexp(-1).sum().backward()
    apart = {name: tensor.clone().requires_grad_() for name, tensor in to_fit_coordinates(tensors).items()}
    logits(from_fit_coordinates(apart)).logsumexp(-1).sum().backward()
    directions = torch.from_numpy(basis(FITTED.n_embd))
    torch.testing.assert_close(whole.grad @ directions[ANCHOR], ANCHOR_SIZE * apart[BIAS].grad)
    torch.testing.assert_close(whole.grad @ directions[CONTENT:].T, apart[PREDICTED].grad)


def test_no_step_of_the_embedding_moves_anchor_or_positions(tensors):
    apart = to_fit_coordinates(tensors)
    moved = from_fit_coordinates({**apart, EMBEDDED: apart[EMBEDDED] + 1})[EMBEDDING] - tensors[EMBEDDING]
    others = torch.from_numpy(basis(FITTED.n_embd)[:CONTENT])
    assert (moved @ others.T).abs().max() < 1e-9
    assert moved.abs().max() > 0.1
