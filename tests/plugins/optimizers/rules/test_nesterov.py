"""Terms of Nesterov's momentum over second moments."""

from dataclasses import replace

import pytest
import torch

from evokit_optimizers.rules.canonical import canonical
from evokit_optimizers.rules.rule import Rule
from tests.plugins.optimizers.rules.random_rules import recorded, replayed

NADAM = Rule((("NADAM_TERM", 1.0),), lr=0.01, beta2=0.95, eps=1e-3)


@pytest.mark.parametrize(
    ("ahead", "plain", "raw"),
    [("NADAM_TERM", "ADAM_TERM", "RMS_NORM"), ("SOAP_NESTEROV", "SOAP_TERM", "SOAP_TERM")],
)
def test_a_step_is_the_mix_of_that_of_the_momentum_and_of_the_gradient(ahead, plain, raw):
    # The first moments that a step divides are linear in it, and with beta1 = 0 the momentum is the gradient.
    start, gradients = recorded(6)
    rule = replace(NADAM, terms=((ahead, 1.0),), bias_correction=False)
    paths = {
        name: replayed(replace(rule, terms=((name, 1.0),), beta1=beta1), start, gradients)
        for name, beta1 in ((ahead, rule.beta1), (plain, rule.beta1))
    }
    gradient = replayed(replace(rule, terms=((raw, 1.0),), beta1=0.0), start, gradients)
    moved = {name: path - torch.cat([start[None], path[:-1]]) for name, path in [*paths.items(), ("raw", gradient)]}
    mixed = rule.beta1 * moved[plain] + (1 - rule.beta1) * moved["raw"]
    torch.testing.assert_close(moved[ahead], mixed, rtol=1e-7, atol=1e-10)


@pytest.mark.parametrize(("ahead", "without"), [("NADAM_TERM", "RMS_NORM"), ("SOAP_NESTEROV", "SOAP_TERM")])
def test_without_momentum_it_is_a_simpler_term(ahead, without):
    rule = canonical(replace(NADAM, terms=((ahead, 1.0),), beta1=0.0))
    assert rule.terms == ((without, 1.0),)


def test_it_goes_near_torchs_nadam():
    # torch's corrects for the start by a momentum that changes with time; the direction of the first step is the same.
    start, gradients = recorded(1)
    theirs = torch.nn.Parameter(start.clone())
    theirs.grad = gradients[0].clone()
    torch.optim.NAdam([theirs], lr=0.01).step()
    moved = [one - start for one in (theirs.detach(), replayed(replace(NADAM, eps=1e-8), start, gradients)[0])]
    torch.testing.assert_close(*(one / one.norm() for one in moved), rtol=1e-4, atol=1e-6)
