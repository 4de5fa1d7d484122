"""Rules with parts at work, beside the optimizers that they say."""

from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings

from evokit_optimizers.rules import kernels
from evokit_optimizers.rules.engine import FlatUpdate
from evokit_optimizers.rules.kernels import newton_schulz
from evokit_optimizers.rules.known import KNOWN
from evokit_optimizers.rules.parts import by_group, with_parts
from evokit_optimizers.rules.rule import Rule
from tests.plugins.optimizers.rules.random_rules import GROUPS_OF_SHAPES, SHAPES, grouped_rules, recorded, replayed

SIZES = [15, 7, 12, 1]
HIDDEN = [i for i, group in enumerate(GROUPS_OF_SHAPES) if group == "hidden"]
REST = [i for i, group in enumerate(GROUPS_OF_SHAPES) if group != "hidden"]


class MuonWithAdam(torch.optim.Optimizer):
    """The steps of SingleDeviceMuonWithAuxAdam, Jordan et al. 2024, for matrices as ``torch.optim.Muon`` sees them.

    The iteration is in the parameters' precision in place of bfloat16.
    """

    def __init__(self, groups):
        super().__init__(groups, {})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for p in group["params"]:
                update = (self._muon if "momentum" in group else self._adam)(group, self.state[p], p)
                p.mul_(1 - group["lr"] * group["weight_decay"])
                p.add_(update.reshape(p.shape), alpha=-group["lr"])

    def _muon(self, group, state, p):
        momentum = state.setdefault("momentum", torch.zeros_like(p))
        momentum.lerp_(p.grad, 1 - group["momentum"])
        matrix = p.grad.lerp(momentum, group["momentum"]).view(len(p), -1)
        return newton_schulz(matrix) * max(1, matrix.shape[0] / matrix.shape[1]) ** 0.5

    def _adam(self, group, state, p):
        first, second = (state.setdefault(name, torch.zeros_like(p)) for name in ("first", "second"))
        state["step"] = state.get("step", 0) + 1
        beta1, beta2 = group["betas"]
        first.lerp_(p.grad, 1 - beta1)
        second.lerp_(p.grad.square(), 1 - beta2)
        corrected = first / (1 - beta1 ** state["step"]), second / (1 - beta2 ** state["step"])
        return corrected[0] / (corrected[1].sqrt() + group["eps"])


class PlainAdamW(torch.optim.Optimizer):
    """AdamW as published, with settings of its own for each group. Source: Loshchilov & Hutter 2019, algorithm 2."""

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            beta1, beta2 = group["betas"]
            for p in group["params"]:
                state = self.state[p]
                m, v = (state.setdefault(name, torch.zeros_like(p)) for name in ("m", "v"))
                state["step"] = k = state.get("step", 0) + 1
                m.mul_(beta1).add_(p.grad, alpha=1 - beta1)
                v.mul_(beta2).addcmul_(p.grad, p.grad, value=1 - beta2)
                p.mul_(1 - group["lr"] * group["weight_decay"])
                root = (v / (1 - beta2**k)).sqrt() + group["eps"]
                p.sub_(m / (1 - beta1**k) / root * group["lr"])


def reference_path(make, start, gradients):
    """Parameters after each step of what ``make`` makes of the tensors."""
    tensors = [torch.nn.Parameter(p.clone().view(s)) for p, s in zip(start.split(SIZES), SHAPES, strict=True)]
    optimizers, path = make(tensors), []
    for gradient in gradients:
        for p, g in zip(tensors, gradient.split(SIZES), strict=True):
            p.grad = g.clone().view(p.shape)
        for optimizer in optimizers:
            optimizer.step()
        path.append(torch.cat([p.detach().flatten() for p in tensors]))
    return torch.stack(path)


def muon_with_adam(rule):
    """The authors' optimizer with a rule's numbers."""
    muon = by_group(rule)["hidden"]

    def make(tensors):
        matrices = {"lr": muon.lr, "weight_decay": muon.weight_decay, "momentum": muon.beta1}
        rest = {"lr": rule.lr, "weight_decay": rule.weight_decay, "betas": (rule.beta1, rule.beta2), "eps": rule.eps}
        groups = [{"params": [tensors[i] for i in HIDDEN], **matrices}, {"params": [tensors[i] for i in REST], **rest}]
        return [MuonWithAdam(groups)]

    return make


def rough(tensor):
    """Numbers of four bits, so that averages by halves are exact in whatever order."""
    return (tensor * 8).round().clamp(-8, 8) / 8


def test_muon_is_bit_equal_to_its_authors_where_sums_are_exact():
    hidden = replace(by_group(KNOWN["muon"])["hidden"], lr=2.0**-5, beta1=0.5, weight_decay=0.25)
    rule = with_parts(replace(KNOWN["muon"], lr=2.0**-7, beta1=0.5, beta2=0.5, weight_decay=0.5), {"hidden": hidden})
    start, gradients = recorded(6, torch.float32)
    ours = replayed(rule, start, rough(gradients))
    assert torch.equal(ours, reference_path(muon_with_adam(rule), start, rough(gradients)))


def test_muon_is_its_authors_with_their_numbers_to_within_rounding():
    start, gradients = recorded(50)
    ours, theirs = (
        replayed(KNOWN["muon"], start, gradients),
        reference_path(muon_with_adam(KNOWN["muon"]), start, gradients),
    )
    torch.testing.assert_close(ours, theirs, rtol=1e-10, atol=1e-10)


@pytest.mark.skipif(not hasattr(torch.optim, "Muon"), reason="torch before 2.9 has no Muon")
def test_muon_is_that_of_torch_but_for_its_bfloat16(monkeypatch):
    """And but for the 1e-7 that is added to a norm, or bounds it from below."""
    monkeypatch.setattr(torch.Tensor, "bfloat16", torch.Tensor.clone)
    hidden = replace(by_group(KNOWN["muon"])["hidden"], weight_decay=0.1)
    rule = with_parts(replace(KNOWN["muon"], weight_decay=0.1), {"hidden": hidden})

    def make(tensors):
        matrices = [tensors[i].data.view(len(tensors[i]), -1) for i in HIDDEN]
        muon = torch.optim.Muon(matrices, lr=hidden.lr, weight_decay=0.1, momentum=0.95)
        rest = [tensors[i] for i in REST]
        adamw = torch.optim.AdamW(rest, lr=rule.lr, betas=(0.9, 0.95), eps=rule.eps, weight_decay=0.1)
        return [_Fed(muon, matrices, [tensors[i] for i in HIDDEN]), adamw]

    start, gradients = recorded(20)
    torch.testing.assert_close(
        replayed(rule, start, gradients), reference_path(make, start, gradients), rtol=1e-5, atol=1e-6
    )


class _Fed:
    """Muon on matrices that share the memory of kernels."""

    def __init__(self, muon, matrices, tensors):
        self._muon, self._pairs = muon, list(zip(matrices, tensors, strict=True))

    def step(self):
        for matrix, tensor in self._pairs:
            matrix.grad = tensor.grad.view(matrix.shape)
        self._muon.step()


HEAD = with_parts(KNOWN["adamw"], {"first": replace(KNOWN["adamw"], lr=0.03, beta1=0.8, weight_decay=0.0)})


def _adamw(of):
    def make(tensors):
        groups = [
            {
                "params": [tensor],
                "lr": part.lr,
                "betas": (part.beta1, part.beta2),
                "eps": part.eps,
                "weight_decay": part.weight_decay,
            }
            for tensor, part in zip(tensors, map(by_group(HEAD).get, GROUPS_OF_SHAPES), strict=True)
        ]
        return [of(groups)]

    return make


def test_adamw_with_other_numbers_for_a_layer_is_bit_equal_to_adamw_with_groups():
    start, gradients = recorded(30, torch.float32)
    make = _adamw(lambda groups: PlainAdamW(groups, {}))
    assert torch.equal(replayed(HEAD, start, gradients), reference_path(make, start, gradients))


def test_adamw_with_other_numbers_for_a_layer_is_torchs_with_groups():
    start, gradients = recorded(50)
    theirs = reference_path(_adamw(torch.optim.AdamW), start, gradients)
    torch.testing.assert_close(replayed(HEAD, start, gradients), theirs, rtol=1e-10, atol=1e-10)


@settings(max_examples=40, deadline=None)
@given(grouped_rules)
def test_each_group_moves_as_by_its_rule_alone(rule):
    """But for clipping by the norm, which is that over all groups."""
    rule = with_parts(_without_norm(rule), {group: _without_norm(part) for group, part in rule.parts})
    start, gradients = recorded(6, torch.float32)
    ours = replayed(rule, start, gradients)[-1].split(SIZES)
    rules = by_group(rule)
    for i, group in enumerate(GROUPS_OF_SHAPES):
        assert torch.equal(ours[i], replayed(rules[group], start, gradients)[-1].split(SIZES)[i])


def _without_norm(rule):
    return replace(rule, parts=(), clipping="none" if rule.clipping == "norm" else rule.clipping)


def test_the_norm_that_is_clipped_is_found_once_for_all_groups(monkeypatch):
    found = []
    monkeypatch.setattr(kernels, "total_norm", lambda gradients: found.append(gradients) or torch.tensor(4.0))
    base = Rule((("GRAD", 1.0),), lr=1.0, clipping="norm", clip_size=2.0)
    rule = with_parts(base, {"hidden": replace(base, clip_size=1.0)})
    update, parameters = FlatUpdate(rule, SHAPES, 1, groups=GROUPS_OF_SHAPES), torch.zeros(sum(SIZES))
    update.step(parameters, torch.ones(sum(SIZES)), 0)
    assert [sum(map(torch.numel, gradients)) for gradients in found] == [sum(SIZES)]
    for i, piece in enumerate(parameters.split(SIZES)):
        assert piece.tolist() == pytest.approx([-0.25 if i in HIDDEN else -0.5] * SIZES[i])


def test_the_norm_that_is_clipped_is_that_of_all_groups():
    base = Rule((("GRAD", 1.0),), lr=1.0)
    rule = with_parts(base, {"hidden": replace(base, clipping="norm", clip_size=2.0)})
    _, gradients = recorded(1)
    moved = -replayed(rule, torch.zeros(35).double(), gradients)[0]
    clipped = gradients[0] * 2 / (gradients[0].norm() + 1e-6)
    expected = [(clipped if i in HIDDEN else gradients[0]).split(SIZES)[i] for i in range(4)]
    torch.testing.assert_close(moved, torch.cat(expected))


def test_a_rung_that_continues_from_its_state_equals_the_run_in_one_go():
    start, gradients = recorded(8)
    whole = replayed(KNOWN["muon"], start, gradients)
    first, second = (FlatUpdate(KNOWN["muon"], SHAPES, 8, torch.float64, groups=GROUPS_OF_SHAPES) for _ in range(2))
    parameters = start.clone()
    for t in range(3):
        first.step(parameters, gradients[t], t)
    state = first.state_dict()
    assert "hidden/average" in state
    second.load_state_dict(state)
    for t in range(3, 8):
        second.step(parameters, gradients[t], t)
    assert torch.equal(parameters, whole[-1])


def test_a_rule_with_parts_must_know_the_groups():
    with pytest.raises(ValueError, match="a rule with parts needs that of all 4 parameters, got 0"):
        FlatUpdate(KNOWN["muon"], SHAPES, 1)
