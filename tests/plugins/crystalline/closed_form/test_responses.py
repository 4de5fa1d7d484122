"""Responses are what the loss's own gradient says."""

import pytest
import torch

from evokit_crystalline.closed_form.basis import CONTENT, basis
from evokit_crystalline.closed_form.responses import working_responses
from evokit_crystalline.crystals.matrices import Zero
from evokit_crystalline.fitness import build_fitness
from evokit_crystalline.gpt2 import model
from evokit_crystalline.gpt2.options import Continuous
from evokit_crystalline.options import Gpt2Loss
from tests.plugins.crystalline.tiny import FITTED, fitted_context


@pytest.fixture
def fitness(float64):
    options = Gpt2Loss(FITTED, tokens=1024, block=16, continuous=Continuous(fit="bigram_newton"))
    return build_fitness(options, fitted_context())


def test_responses_are_the_gradient_that_autograd_finds(fitness):
    blocks = fitness.held_out.for_crystals.take(slice(3))
    responses = working_responses(fitness.frame, blocks)
    parts, content = fitness.frame.parts, torch.from_numpy(basis(16))[CONTENT:]
    off = [Zero(shape) for shape in FITTED.slots().values()]
    hidden = model.hidden(parts, off, FITTED, torch.from_numpy(blocks.inputs)).detach().requires_grad_()
    logits = (hidden @ parts["lm_head.weight"].T).flatten(0, 1)
    torch.nn.functional.cross_entropy(logits, torch.from_numpy(blocks.targets).flatten(), reduction="sum").backward()
    torch.testing.assert_close(responses.pull, -hidden.grad @ content.T)
    assert torch.linalg.eigvalsh(responses.curvature).min() > -1e-9


def test_the_curvature_is_the_average_covariance_over_the_tokens_read(fitness):
    blocks = fitness.held_out.for_crystals.take(slice(2))
    parts, content = fitness.frame.parts, torch.from_numpy(basis(16))[CONTENT:]
    rows = parts["lm_head.weight"] @ content.T
    off = [Zero(shape) for shape in FITTED.slots().values()]
    hidden = model.hidden(parts, off, FITTED, torch.from_numpy(blocks.inputs)).flatten(0, 1)
    p = (hidden @ parts["lm_head.weight"].T).softmax(1)
    expected = torch.stack([(rows.T * one) @ rows - torch.outer(one @ rows, one @ rows) for one in p]).mean(0)
    torch.testing.assert_close(working_responses(fitness.frame, blocks).curvature, expected)
