"""Responses are what the loss's own gradient says."""

import pytest
import torch

from evokit_crystalline import gpt2
from evokit_crystalline.basis import CONTENT, basis
from evokit_crystalline.matrices import Zero
from evokit_crystalline.options import Continuous, Gpt2Loss
from evokit_crystalline.responses import working_responses
from tests.plugins.crystalline.tiny import FITTED, fitted_context


@pytest.fixture
def fitness(float64, tmp_path, monkeypatch):
    monkeypatch.setenv("EVOKIT_CACHE", str(tmp_path))
    options = Gpt2Loss(FITTED, tokens=1024, block=16, continuous=Continuous(fit="bigram_newton"))
    return options.build(fitted_context())


def test_responses_are_the_gradient_that_autograd_finds(fitness):
    blocks = fitness.held_out.lessons.take(slice(3))
    responses = working_responses(fitness.frame, blocks)
    parts, content = fitness.frame.parts, torch.from_numpy(basis(16))[CONTENT:]
    off = [Zero(shape) for shape in FITTED.slots().values()]
    hidden = gpt2.hidden(parts, off, FITTED, torch.from_numpy(blocks.inputs)).detach().requires_grad_()
    logits = (hidden @ parts["lm_head.weight"].T).flatten(0, 1)
    torch.nn.functional.cross_entropy(logits, torch.from_numpy(blocks.targets).flatten(), reduction="sum").backward()
    torch.testing.assert_close(responses.pull, -hidden.grad @ content.T)
    assert torch.linalg.eigvalsh(responses.curvature).min() > -1e-9


def test_the_curvature_is_the_average_covariance_over_the_tokens_read(fitness):
    blocks = fitness.held_out.lessons.take(slice(2))
    parts, content = fitness.frame.parts, torch.from_numpy(basis(16))[CONTENT:]
    rows = parts["lm_head.weight"] @ content.T
    off = [Zero(shape) for shape in FITTED.slots().values()]
    hidden = gpt2.hidden(parts, off, FITTED, torch.from_numpy(blocks.inputs)).flatten(0, 1)
    p = (hidden @ parts["lm_head.weight"].T).softmax(1)
    expected = torch.stack([(rows.T * one) @ rows - torch.outer(one @ rows, one @ rows) for one in p]).mean(0)
    torch.testing.assert_close(working_responses(fitness.frame, blocks).curvature, expected)
