"""The number of steps in which matrices are made orthogonal."""

from dataclasses import replace
from types import ModuleType

import pytest
import torch

from evokit_optimizers.rules.canonical import canonical
from evokit_optimizers.rules.known import KNOWN
from evokit_optimizers.rules.parts import by_group
from evokit_optimizers.rules.rule import Rule
from evokit_optimizers.rules.rule_json import rule_from_json, rule_to_json
from evokit_optimizers.rules.show import show_rule
from evokit_optimizers.rules.source import optimizer_source
from tests.plugins.optimizers.rules.random_rules import SHAPES, recorded, replayed

RULE = Rule((("ORTHOGONAL_MOMENTUM", 1.0),), lr=1.0, beta1=0.0, ns_steps=3)
SIZES = [15, 7, 12, 1]


@pytest.mark.parametrize("n_steps", [1, 3, 8])
def test_each_step_is_the_polynomial_of_the_singular_values(n_steps):
    """Source: Jordan et al. 2024, "Muon", whose iteration maps them by a s + b s^3 + c s^5."""
    _, gradients = recorded(1)
    matrix = gradients[0, :15].view(5, 3)
    u, values, v = torch.linalg.svd(matrix / matrix.norm(), full_matrices=False)
    for _ in range(n_steps):
        values = 3.4445 * values - 4.7750 * values**3 + 2.0315 * values**5
    moved = -replayed(replace(RULE, ns_steps=n_steps), torch.zeros(35).double(), gradients)[0, :15].view(5, 3)
    torch.testing.assert_close(moved, (u * values) @ v * (5 / 3) ** 0.5, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", ["ORTHOGONAL_MOMENTUM", "ORTHOGONAL_NESTEROV"])
def test_an_export_takes_as_many_and_may_be_told_another_number(name):
    start, gradients = recorded(3, torch.float32)
    rule = replace(RULE, terms=((name, 1.0),), beta1=0.9)
    module = ModuleType("exported")
    exec(compile(optimizer_source(rule), "exported.py", "exec"), vars(module))
    for n_steps, setting in ((3, {}), (6, {"ns_steps": 6})):
        tensors = [torch.nn.Parameter(p.clone().view(s)) for p, s in zip(start.split(SIZES), SHAPES, strict=True)]
        optimizer = module.EvolvedOptimizer(tensors, **setting)
        for gradient in gradients:
            for p, g in zip(tensors, gradient.split(SIZES), strict=True):
                p.grad = g.view(p.shape).clone()
            optimizer.step()
        expected = replayed(canonical(replace(rule, ns_steps=n_steps)), start, gradients)[-1]
        assert torch.equal(torch.cat([p.detach().flatten() for p in tensors]), expected)


def test_it_matters_where_something_is_made_orthogonal():
    assert canonical(Rule((("GRAD", 1.0),), ns_steps=7)) == Rule((("GRAD", 1.0),))
    assert canonical(RULE).ns_steps == 3
    assert "ns_steps" not in rule_to_json(by_group(KNOWN["muon"])["hidden"])
    assert rule_from_json(rule_to_json(RULE)) == RULE


def test_it_is_shown_where_it_is_another():
    assert show_rule(RULE).splitlines()[-1] == "orthogonal by 3 steps of Newton and Schulz in place of 5"
    assert "Newton" not in show_rule(KNOWN["muon"])
