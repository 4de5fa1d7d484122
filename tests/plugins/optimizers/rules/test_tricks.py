"""What a flag does to gradient or step, beside the optimizers that are known for it."""

from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings

from evokit_optimizers.rules.canonical import canonical
from evokit_optimizers.rules.known import KNOWN
from evokit_optimizers.rules.rule import TRICKS, Rule
from evokit_optimizers.rules.rule_json import rule_from_json, rule_to_json
from evokit_optimizers.rules.show import show_rule
from tests.plugins.optimizers.rules.random_rules import SHAPES, recorded, replayed, tricky_rules

SIZES = [15, 7, 12, 1]
ADAMW = replace(KNOWN["adamw"], lr=0.01, weight_decay=0.1)


def pieces(vector):
    return [piece.view(shape) for piece, shape in zip(vector.split(SIZES), SHAPES, strict=True)]


def adam_steps(rule, gradients):
    """For each step and tensor: gradient and ``m / (sqrt(v) + eps)``, both corrected."""
    first, second = ([torch.zeros(shape, dtype=torch.float64) for shape in SHAPES] for _ in range(2))
    for k, gradient in enumerate(gradients, start=1):
        made = []
        for m, v, g in zip(first, second, pieces(gradient), strict=True):
            m.mul_(rule.beta1).add_((1 - rule.beta1) * g)
            v.mul_(rule.beta2).add_((1 - rule.beta2) * g**2)
            made.append((g, m / (1 - rule.beta1**k) / ((v / (1 - rule.beta2**k)).sqrt() + rule.eps)))
        yield made


def cautious_adamw(rule, start, gradients):
    """C-AdamW. Source: Liang et al. 2024, "Cautious Optimizers", algorithm 1 and the code beside it."""
    tensors = pieces(start.clone())
    for made in adam_steps(rule, gradients):
        for p, (g, step) in zip(tensors, made, strict=True):
            mask = (step * g > 0).double()
            p *= 1 - rule.lr * rule.weight_decay
            p -= rule.lr * step * mask / max(float(mask.mean()), 1e-3)
    return torch.cat([p.flatten() for p in tensors])


def lamb(rule, start, gradients):
    """LAMB with the identity as its scaling function. Source: You et al. 2020, algorithm 2."""
    tensors = pieces(start.clone())
    for made in adam_steps(rule, gradients):
        for p, (_, step) in zip(tensors, made, strict=True):
            step = step + rule.weight_decay * p
            p -= rule.lr * p.norm() / step.norm() * step
    return torch.cat([p.flatten() for p in tensors])


@pytest.mark.parametrize(("trick", "reference"), [("cautious", cautious_adamw), ("trust_ratio", lamb)])
def test_adamw_with_a_trick_is_the_published_optimizer(trick, reference):
    start, gradients = recorded(40)
    ours = replayed(replace(ADAMW, **{trick: True}), start, gradients)[-1]
    torch.testing.assert_close(ours, reference(ADAMW, start, gradients), rtol=1e-9, atol=1e-9)


def test_centralised_gradients_have_no_mean_in_each_output_unit():
    """Source: Yong et al. 2020, "Gradient Centralization", eq. 1; biases stay as they are."""
    _, gradients = recorded(1)
    rule = Rule((("GRAD", 1.0),), lr=1.0, centralised=True)
    step = pieces(-replayed(rule, torch.zeros(35).double(), gradients)[0])
    raw = pieces(gradients[0])
    torch.testing.assert_close(step[0], raw[0] - raw[0].mean(1, keepdim=True))
    torch.testing.assert_close(step[2], raw[2] - raw[2].mean((1, 2, 3), keepdim=True))
    assert torch.equal(step[1], raw[1])


def test_l2_decay_is_added_after_centralising():
    start = torch.ones(35, dtype=torch.float64)
    rule = Rule((("GRAD", 1.0),), lr=1.0, weight_decay=0.5, decoupled=False, centralised=True)
    moved = pieces(start - replayed(rule, start, start[None])[0])
    assert moved[0].flatten().tolist() == pytest.approx([0.5] * 15)
    assert moved[1].tolist() == [1.5] * 7


def test_a_tensor_of_zeros_or_without_a_step_keeps_its_step():
    rule = Rule((("GRAD", 1.0),), lr=1.0, trust_ratio=True)
    gradient = torch.full((1, 35), 2.0).double()
    assert torch.equal(replayed(rule, torch.zeros(35).double(), gradient)[0], -gradient[0])
    assert torch.equal(replayed(rule, torch.ones(35).double(), 0 * gradient)[0], torch.ones(35).double())


@settings(max_examples=60, deadline=None)
@given(tricky_rules)
def test_canonical_forms_are_stable_and_survive_json(rule):
    form = canonical(rule)
    assert canonical(form) == form
    assert rule_from_json(rule_to_json(rule)) == rule


def test_the_learning_rate_does_not_carry_the_scale_of_a_step_whose_length_is_given():
    rule = Rule((("ADAM_TERM", 4.0), ("GRAD", 2.0)), lr=0.1, weight_decay=0.2, trust_ratio=True)
    form = canonical(rule)
    assert (form.lr, form.weight_decay) == (0.1, 0.05)
    start, gradients = recorded(5)
    torch.testing.assert_close(replayed(form, start, gradients), replayed(rule, start, gradients))


def test_tricks_are_in_json_only_where_they_are_on_and_without_terms_none_is():
    assert not set(TRICKS) & rule_to_json(ADAMW).keys()
    assert rule_to_json(replace(ADAMW, cautious=True))["cautious"] is True
    idle = Rule((), weight_decay=0.1)
    assert canonical(replace(idle, **dict.fromkeys(TRICKS, True))) == idle


def test_tricks_read_as_steps():
    rule = replace(ADAMW, **dict.fromkeys(TRICKS, True))
    assert show_rule(rule).splitlines() == [
        "g = g - its mean over each output unit",
        "m = 0.9 m + 0.1 g; corrected: m / (1 - 0.9^k)",
        "v = 0.999 v + 0.001 g^2; corrected: v / (1 - 0.999^k)",
        "u = m / (sqrt(v) + eps)",
        "u = u where u g > 0, else 0; over the share that is left in its tensor",
        "u = u + 0.1 p",
        "u = u norm(p) / norm(u), tensor by tensor",
        "p = p - lr u",
        "lr = 0.01, eps = 1e-08",
    ]
