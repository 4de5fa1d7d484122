"""Exported optimizers of rules with parts."""

from dataclasses import replace
from types import ModuleType

import pytest
import torch
from hypothesis import given, settings
from torch import nn

from evokit_optimizers.rules.canonical import canonical
from evokit_optimizers.rules.groups import GROUPS
from evokit_optimizers.rules.known import KNOWN
from evokit_optimizers.rules.parts import with_parts
from evokit_optimizers.rules.rule import Rule
from evokit_optimizers.rules.source import optimizer_source
from tests.plugins.optimizers.rules.linted import assert_clean
from tests.plugins.optimizers.rules.random_rules import GROUPS_OF_SHAPES, SHAPES, grouped_rules, recorded, replayed

BASE = Rule((("ADAM_TERM", 1.0),), lr=0.01, weight_decay=0.1, clipping="norm", warmup=0.2, decay="cosine")
OWN = {"terms": (("ORTHOGONAL_NESTEROV", 1.0), ("NORM_GRAD", -0.2)), "lr": 0.02, "bias_correction": False}
FULL = with_parts(BASE, {"hidden": replace(BASE, **OWN), "vectors": replace(BASE, weight_decay=0.0, clip_size=0.5)})


def exported(rule):
    module = ModuleType("exported")
    exec(compile(optimizer_source(rule), "exported.py", "exec"), vars(module))
    return module


def grouped(start):
    """Tensors, and as parameter groups in the order of ``parameter_groups``."""
    tensors = [nn.Parameter(p.clone().view(s)) for p, s in zip(start.split([15, 7, 12, 1]), SHAPES, strict=True)]
    members = {group: [t for t, own in zip(tensors, GROUPS_OF_SHAPES, strict=True) if own == group] for group in GROUPS}
    return tensors, [{"params": params, "group": group} for group, params in members.items() if params]


def path(optimizer, tensors, gradients):
    found = []
    for gradient in gradients:
        for p, g in zip(tensors, gradient.split([15, 7, 12, 1]), strict=True):
            p.grad = g.view(p.shape).clone()
        optimizer.step()
        found.append(torch.cat([p.detach().flatten() for p in tensors]))
    return torch.stack(found)


@settings(max_examples=40, deadline=None)
@given(grouped_rules)
def test_exported_optimizers_are_bit_equal_to_the_search_for_eight_steps(rule):
    rule = canonical(with_parts(rule, {**dict(rule.parts), "last": replace(FULL, parts=())}))
    start, gradients = recorded(8, torch.float32)
    tensors, groups = grouped(start)
    optimizer = exported(rule).EvolvedOptimizer(groups, total_steps=8)
    assert torch.equal(path(optimizer, tensors, gradients), replayed(rule, start, gradients))


def test_without_total_steps_there_is_no_schedule():
    start, gradients = recorded(3, torch.float32)
    tensors, groups = grouped(start)
    rules = {group: replace(part, warmup=0.0, decay="none") for group, part in FULL.parts}
    unscheduled = canonical(with_parts(replace(BASE, warmup=0.0, decay="none"), rules))
    ours = path(exported(FULL).EvolvedOptimizer(groups), tensors, gradients)
    assert torch.equal(ours, replayed(unscheduled, start, gradients))


def test_groups_are_made_of_a_module_and_have_the_evolved_settings():
    module, net = exported(FULL), nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 3), nn.ReLU(), nn.Linear(3, 2))
    optimizer = module.EvolvedOptimizer(module.parameter_groups(net), total_steps=40)
    assert {group["group"]: (group["lr"], group["weight_decay"]) for group in optimizer.param_groups} == {
        "hidden": (0.02, 0.1),
        "first": (0.01, 0.1),
        "last": (0.01, 0.1),
        "vectors": (0.01, 0.0),
    }
    generator = torch.Generator().manual_seed(0)
    for parameter in net.parameters():
        nn.init.uniform_(parameter, -1, 1, generator=generator)
    x = torch.randn(32, 4, generator=generator)
    losses = []
    for _ in range(40):
        optimizer.zero_grad()
        losses.append(nn.functional.cross_entropy(net(x), (x[:, 0] > 0).long()))
        losses[-1].backward()
        optimizer.step()
    assert losses[-1] < 0.9 * losses[0]


def test_a_group_may_have_settings_of_the_users_and_schedulers_of_torch_move_it():
    optimizer = exported(KNOWN["muon"]).EvolvedOptimizer(
        [{"params": nn.Linear(2, 2).parameters(), "group": "vectors", "lr": 0.5}]
    )
    scheduler = torch.optim.lr_scheduler.LinearLR(optimizer, 0.5)
    assert (optimizer.param_groups[0]["lr"], optimizer.param_groups[0]["eps"]) == (0.25, 1e-10)
    optimizer.step()
    scheduler.step()
    assert optimizer.param_groups[0]["lr"] == pytest.approx(0.3)


def test_parameters_that_say_no_group_are_refused():
    with pytest.raises(ValueError, match="group must be one of hidden, first, last, vectors, got None"):
        exported(KNOWN["muon"]).EvolvedOptimizer(nn.Linear(2, 2).parameters())


def test_training_continues_from_a_saved_state_bit_for_bit(tmp_path):
    start, gradients = recorded(8, torch.float32)
    cls = exported(FULL).EvolvedOptimizer
    tensors, groups = grouped(start)
    whole = path(cls(groups, total_steps=8), tensors, gradients)
    first, groups = grouped(start)
    optimizer = cls(groups, total_steps=8)
    middle = path(optimizer, first, gradients[:3])[-1]
    torch.save(optimizer.state_dict(), tmp_path / "state.pt")
    second, groups = grouped(middle)
    optimizer = cls(groups)
    optimizer.load_state_dict(torch.load(tmp_path / "state.pt", weights_only=True))
    assert torch.equal(path(optimizer, second, gradients[3:]), whole[3:])


def test_groups_that_do_the_same_share_one_method():
    head = with_parts(KNOWN["adamw"], {"last": replace(KNOWN["adamw"], lr=0.1)})
    assert optimizer_source(head).count("    def _update") == 1
    assert optimizer_source(FULL).count("    def _update") == 2


@pytest.mark.parametrize(
    "rule", [FULL, KNOWN["muon"], with_parts(BASE, {"last": Rule(())})], ids=["full", "muon", "frozen"]
)
def test_the_file_is_clean_and_formatted(rule, tmp_path):
    assert_clean(rule, tmp_path)
