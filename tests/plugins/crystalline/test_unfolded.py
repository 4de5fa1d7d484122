"""The head's bias apart from its rows."""

import pytest
import torch

from evokit_crystalline import gpt2
from evokit_crystalline.basis import ANCHOR, basis
from evokit_crystalline.options import Continuous, Gpt2Loss
from evokit_crystalline.sizes import HEAD
from evokit_crystalline.unfolded import BIAS, folded, unfolded
from tests.plugins.crystalline.tiny import FITTED, fitted_context


@pytest.fixture(scope="module")
def tensors(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EVOKIT_CACHE", str(tmp_path_factory.mktemp("cache")))
        options = Gpt2Loss(FITTED, tokens=256, block=16, continuous=Continuous(fit="bigram_svd"))
        parts = options.build(fitted_context()).frame.parts
        return {name: part.double() for name, part in parts.items()}


def logits(tensors):
    layers = [torch.zeros(shape, dtype=torch.float64) for shape in FITTED.slots().values()]
    return gpt2.hidden(tensors, layers, FITTED, torch.arange(0, 48, 3).view(1, -1)) @ tensors[HEAD].T


def test_it_is_the_same_model(tensors):
    torch.testing.assert_close(folded(unfolded(tensors))[HEAD], tensors[HEAD], atol=1e-9, rtol=0)
    assert folded(tensors).keys() == tensors.keys()


def test_the_bias_is_what_is_added_to_logits(tensors):
    apart = unfolded(tensors)
    raised_by = torch.linspace(-1, 1, len(apart[BIAS]), dtype=torch.float64)
    raised = folded({**apart, BIAS: apart[BIAS] + raised_by})
    added = (logits(raised) - logits(tensors)).mean((0, 1))
    torch.testing.assert_close(added, raised_by, atol=1e-3, rtol=0)


# The anchor is a unit vector in float32: what is along it is taken out up to 1e-8 of 2,000.
def test_neither_rows_nor_their_gradient_know_the_anchor(tensors):
    apart = unfolded(tensors)
    rows = apart[HEAD].clone().requires_grad_()
    logits(folded({**apart, HEAD: rows})).logsumexp(-1).sum().backward()
    anchor = torch.from_numpy(basis(FITTED.n_embd)[ANCHOR]).double()
    assert (apart[HEAD] @ anchor).abs().max() < 1e-6
    assert (rows.grad @ anchor).abs().max() < 1e-4 * rows.grad.abs().max()


def test_what_a_step_adds_along_the_anchor_changes_nothing(tensors):
    apart = unfolded(tensors)
    along = apart[HEAD] + torch.from_numpy(basis(FITTED.n_embd)[ANCHOR]).double()
    torch.testing.assert_close(logits(folded({**apart, HEAD: along})), logits(tensors), atol=1e-4, rtol=0)
