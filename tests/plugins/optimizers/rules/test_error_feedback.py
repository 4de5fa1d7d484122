"""Signs with what signs before have left out."""

from dataclasses import replace
from types import ModuleType

import numpy as np
import torch

from evokit_optimizers.rules.cost import step_cost
from evokit_optimizers.rules.engine import FlatUpdate
from evokit_optimizers.rules.rule import Rule
from evokit_optimizers.rules.show import show_rule
from evokit_optimizers.rules.source import optimizer_source
from tests.plugins.optimizers.rules.random_rules import SHAPES, recorded, replayed

RULE = Rule((("SIGN_ERROR", 1.0),), lr=0.02)
SIZES = [15, 7, 12, 1]


def published(start, gradients, lr):
    """Algorithm 1 of the paper in numpy, tensor by tensor, with the learning rate inside of its error."""
    paths, ends = [], np.cumsum(SIZES)[:-1]
    for x, some in zip(np.split(start, ends), np.split(gradients, ends, axis=1), strict=True):
        error, path = np.zeros_like(x), []
        for g in some:
            p = lr * g + error
            step = np.abs(p).sum() / len(p) * np.sign(p)
            x, error = x - step, p - step
            path.append(x)
        paths.append(path)
    return np.concatenate(paths, axis=1)


def test_tensors_go_as_published():
    start, gradients = recorded(8)
    ours = replayed(RULE, start, gradients).numpy()
    np.testing.assert_allclose(ours, published(start.numpy(), gradients.numpy(), RULE.lr), rtol=1e-9, atol=1e-9)


def test_nothing_is_lost():
    # Steps and what is left are the sum of all gradients.
    start, gradients = recorded(20)
    update, parameters = FlatUpdate(RULE, SHAPES, 20, torch.float64), start.clone()
    for t, gradient in enumerate(gradients):
        update.step(parameters, gradient, t)
    left = update.state_dict()["error"]
    torch.testing.assert_close((start - parameters) / RULE.lr + left, gradients.sum(0), rtol=1e-9, atol=1e-9)


def test_its_error_is_that_of_the_gradient_after_clipping_and_decay_in_an_export_too():
    rule = replace(RULE, clipping="value", clip_size=0.5, weight_decay=0.1, decoupled=False)
    start, gradients = recorded(5)
    module = ModuleType("exported")
    exec(compile(optimizer_source(rule), "exported.py", "exec"), vars(module))
    pieces = zip(start.split(SIZES), SHAPES, strict=True)
    tensors = [torch.nn.Parameter(piece.clone().view(shape)) for piece, shape in pieces]
    optimizer = module.EvolvedOptimizer(tensors)
    update, parameters, taken = FlatUpdate(rule, SHAPES, 5, torch.float64), start.clone(), torch.zeros_like(start)
    for t, gradient in enumerate(gradients):
        taken += gradient.clamp(-0.5, 0.5) + 0.1 * parameters
        update.step(parameters, gradient, t)
        for tensor, piece in zip(tensors, gradient.split(SIZES), strict=True):
            tensor.grad = piece.view(tensor.shape).clone()
        optimizer.step()
    left = update.state_dict()["error"]
    torch.testing.assert_close((start - parameters) / rule.lr + left, taken, rtol=1e-9, atol=1e-9)
    assert torch.equal(torch.cat([optimizer.state[tensor]["error"].flatten() for tensor in tensors]), left)


def test_its_cost_and_its_words():
    assert step_cost(RULE, [(5, 3)]).total == 15 * (5 + 6 + 2)
    assert show_rule(RULE).splitlines()[:2] == [
        "e = g + e - mean(abs(g + e)) sign(g + e), tensor by tensor, after the step",
        "p = p - lr (mean(abs(g + e)) sign(g + e))",
    ]
