"""Adam among the eigenvectors of Shampoo, in the search and in an export."""

from dataclasses import replace
from types import ModuleType

import numpy as np
import pytest
import torch

from evokit_optimizers.rules.cost import StepCost, step_cost
from evokit_optimizers.rules.engine import FlatUpdate
from evokit_optimizers.rules.parts import with_parts
from evokit_optimizers.rules.rule import Rule
from evokit_optimizers.rules.show import show_rule
from evokit_optimizers.rules.source import optimizer_source
from tests.plugins.optimizers.rules.random_rules import (
    assert_an_export_follows,
    recorded,
    replayed,
)

# A small eps makes a step of what is but rounding, in directions in which there was no gradient yet.
ADAM = Rule((("ADAM_TERM", 1.0),), lr=0.01, beta2=0.95, eps=1e-3)
SOAP = replace(ADAM, terms=(("SOAP_TERM", 1.0),))
PARTLY = with_parts(ADAM, {"hidden": SOAP})
SIDES = (4, 6)  # of a matrix


def moved(rule, gradients, shape=SIDES):
    """The way that a tensor goes from zero, ``(n_steps, *shape)``, float64."""
    update = FlatUpdate(rule, [shape], len(gradients), torch.float64)
    flat, path = torch.zeros(gradients[0].size, dtype=torch.float64), []
    for t, gradient in enumerate(gradients):
        update.step(flat, torch.tensor(gradient).flatten(), t)
        path.append(flat.view(shape).numpy().copy())
    return np.array(path)


def published(gradients, rule):
    """Algorithm 3 of the paper in numpy, with eigenvectors of steps 1 to 10, 20 and 30 but of sides above 256."""
    n, m = gradients[0].shape
    left, right = np.zeros((n, n)), np.zeros((m, m))
    momentum, square, w, path = np.zeros((n, m)), np.zeros((n, m)), np.zeros((n, m)), []
    for t, g in enumerate(gradients, start=1):
        left, right = (rule.beta2 * old + (1 - rule.beta2) * new for old, new in ((left, g @ g.T), (right, g.T @ g)))
        if t <= 10 or t in (20, 30):
            u, v = (np.linalg.eigh(one)[1] if len(one) <= 256 else np.eye(len(one)) for one in (left, right))
        momentum = rule.beta1 * momentum + (1 - rule.beta1) * g
        square = rule.beta2 * square + (1 - rule.beta2) * (u.T @ g @ v) ** 2
        root = np.sqrt(square / (1 - rule.beta2**t)) + rule.eps
        w = w - rule.lr * u @ ((u.T @ momentum @ v) / (1 - rule.beta1**t) / root) @ v.T
        path.append(w)
    return np.array(path)


def drawn(n_steps, seed=0, shape=SIDES):
    """Gradients with directions of very different size, so that eigenvectors are well told apart from the start."""
    rng = np.random.default_rng(seed)
    first, last = (np.diag(np.geomspace(1, 20, n)) for n in shape)
    return [first @ rng.standard_normal(shape) @ last for _ in range(n_steps)]


@pytest.mark.parametrize("shape", [SIDES, (4, 257), (257, 4)])
def test_a_matrix_goes_as_published(shape):
    gradients = drawn(32, shape=shape)
    np.testing.assert_allclose(moved(SOAP, gradients, shape), published(gradients, SOAP), rtol=1e-6, atol=1e-9)


def test_a_convolution_goes_as_the_matrix_with_its_output_channels_as_rows():
    gradients, shape = drawn(12), (4, 3, 2, 1)
    convolution = moved(SOAP, [g.reshape(shape) for g in gradients], shape)
    np.testing.assert_array_equal(convolution.reshape(12, *SIDES), moved(SOAP, gradients))


def test_it_turns_with_its_gradients():
    gradients, rng = drawn(13), np.random.default_rng(1)
    u, v = (np.linalg.qr(rng.standard_normal((n, n)))[0] for n in SIDES)
    turned = moved(SOAP, [u @ g @ v for g in gradients])
    np.testing.assert_allclose(turned, u @ moved(SOAP, gradients) @ v, rtol=1e-6, atol=1e-9)


def test_where_rows_and_columns_do_not_mix_it_is_adam():
    # Of diagonal gradients with sizes far apart the eigenvectors are the axes.
    rng = np.random.default_rng(0)
    gradients = [np.diag(rng.choice([-1.0, 1.0], 3) * np.array([1.0, 10.0, 100.0])) for _ in range(6)]
    for one in (SOAP, replace(SOAP, bias_correction=False)):
        adam = replace(one, terms=ADAM.terms)
        np.testing.assert_allclose(moved(one, gradients, (3, 3)), moved(adam, gradients, (3, 3)), rtol=1e-9)


def test_vectors_are_moved_as_by_adam():
    start, gradients = recorded(5)
    ours, adams = (replayed(rule, start, gradients)[-1] for rule in (SOAP, ADAM))
    assert torch.equal(ours[15:22], adams[15:22])
    assert torch.equal(ours[-1:], adams[-1:])


def test_sides_that_are_too_long_stay_as_they_are():
    state = FlatUpdate(SOAP, [(3, 257), (256, 2)], 1).state_dict()
    assert {name: state[name].numel() for name in ("left", "right")} == {"left": 9 + 256**2, "right": 4}
    rng = np.random.default_rng(0)
    gradients = [rng.standard_normal((1, 257)) for _ in range(3)]  # with a single row nothing is left to turn
    adams = moved(ADAM, gradients, (1, 257))
    np.testing.assert_allclose(moved(SOAP, gradients, (1, 257)), adams, rtol=1e-9)


@pytest.mark.parametrize("value", ["nan", "inf"])
def test_gradients_that_are_not_finite_end_as_a_divergence(value):
    update = FlatUpdate(SOAP, [SIDES], 4)
    parameters = torch.zeros(24)
    for t in range(2):
        update.step(parameters, torch.full((24,), float(value)), t)
    assert not parameters.isfinite().any()


def exported(rule):
    module = ModuleType("exported")
    exec(compile(optimizer_source(rule), "exported.py", "exec"), vars(module))
    return module.EvolvedOptimizer


@pytest.mark.parametrize("rule", [SOAP, PARTLY, replace(SOAP, cautious=True, centralised=True)])
def test_an_export_goes_the_same_way_and_on_from_its_state(rule):
    assert_an_export_follows(rule)


def test_a_matrix_that_joins_late_has_eigenvectors_from_its_own_first_step():
    first, late = (torch.nn.Parameter(torch.zeros(*SIDES, dtype=torch.float64)) for _ in range(2))
    optimizer, gradient = exported(SOAP)([first, late]), drawn(1)[0]
    first.grad = torch.ones_like(first)
    for _ in range(11):
        optimizer.step()
    late.grad = torch.tensor(gradient)
    optimizer.step()
    np.testing.assert_allclose(late.detach().numpy(), moved(SOAP, [gradient])[0], rtol=1e-9)


def test_a_step_costs_its_eigenvectors_and_three_turns():
    # m, corrected m, w, corrected root + eps, ratio, move; averages of pairs.
    elementwise = 24 * (3 + 1 + 4 + 3 + 1 + 2) + 3 * (16 + 36)
    products = 2 * 4 * 24 * 4 + 58 + 2 * 6 * 24 * 4 + 195  # ninefold cubes, in each tenth step
    assert step_cost(SOAP, [SIDES]) == StepCost(elementwise, products)
    assert step_cost(SOAP, [(7,)]) == step_cost(ADAM, [(7,)])
    # A mix on top, or beside the other term a mix, a ratio, a sum and two turns.
    ahead = (("SOAP_NESTEROV", 1.0),)
    assert step_cost(replace(SOAP, terms=ahead), [SIDES]) == StepCost(elementwise + 24 * 3, products)
    both = StepCost(elementwise + 24 * (3 + 1 + 1), products + 2 * 2 * (4 + 6) * 24)
    assert step_cost(replace(SOAP, terms=SOAP.terms + ahead), [SIDES]) == both


def test_it_reads_as_what_it_does():
    assert show_rule(SOAP).splitlines()[1:5] == [
        "L = 0.95 L + 0.05 g g^T",
        "R = 0.95 R + 0.05 g^T g; U and V: eigenvectors of L and R each tenth step, of sides up to 256",
        "w = 0.95 w + 0.05 (U^T g V)^2; corrected: w / (1 - 0.95^k)",
        "p = p - lr (U ((U^T m V) / (sqrt(w) + eps)) V^T)",
    ]
