"""Weights that are averaged for evaluation, in the search and in an export."""

from dataclasses import replace
from types import ModuleType

import pytest
import torch

from evokit_optimizers.rules.canonical import canonical
from evokit_optimizers.rules.engine import FlatUpdate
from evokit_optimizers.rules.known import KNOWN
from evokit_optimizers.rules.parts import with_parts
from evokit_optimizers.rules.rule import Rule
from evokit_optimizers.rules.rule_json import rule_to_json
from evokit_optimizers.rules.schedule import memory
from evokit_optimizers.rules.show import show_rule
from evokit_optimizers.rules.source import optimizer_source
from tests.plugins.optimizers.rules.random_rules import GROUPS_OF_SHAPES, SHAPES, recorded, replayed

SIZES = [15, 7, 12, 1]
N_STEPS = 12
ADAMW = replace(KNOWN["adamw"], lr=0.01, averaging=0.4)
PARTLY = with_parts(replace(ADAMW, averaging=0.0), {"hidden": ADAMW})


def trained(rule, gradients, start):
    """An update after its steps, and the parameters."""
    update = FlatUpdate(rule, SHAPES, N_STEPS, start.dtype, groups=GROUPS_OF_SHAPES)
    parameters = start.clone()
    for t, gradient in enumerate(gradients):
        update.step(parameters, gradient, t)
    return update, parameters


def exported(rule, start, **options):
    """The optimizer of an exported file, and its tensors in the order of ``SHAPES``."""
    module = ModuleType("exported")
    exec(compile(optimizer_source(rule), "exported.py", "exec"), vars(module))
    tensors = [torch.nn.Parameter(p.clone().view(s)) for p, s in zip(start.split(SIZES), SHAPES, strict=True)]
    groups = [{"params": [t], "group": group} for t, group in zip(tensors, GROUPS_OF_SHAPES, strict=True)]
    return module.EvolvedOptimizer(groups if rule.parts else tensors, **options), tensors


def step(optimizer, tensors, gradient):
    for p, g in zip(tensors, gradient.split(SIZES), strict=True):
        p.grad = g.view(p.shape).clone()
    optimizer.step()


def flat(tensors):
    return torch.cat([p.detach().flatten() for p in tensors])


def test_the_average_is_that_of_torchs_averaged_model():
    start, gradients = recorded(N_STEPS)
    path = replayed(ADAMW, start, gradients)
    model = torch.nn.ParameterList([torch.zeros_like(start)])
    average = torch.optim.swa_utils.AveragedModel(
        model, avg_fn=lambda mean, new, n: mean + (1 - memory(int(n), N_STEPS, 0.4)) * (new - mean)
    )
    for parameters in path:
        model[0].data.copy_(parameters)
        average.update_parameters(model)
    update, parameters = trained(ADAMW, gradients, start)
    torch.testing.assert_close(update.evaluated(parameters), average.module[0].data)


def test_training_goes_the_way_that_it_goes_without():
    start, gradients = recorded(N_STEPS)
    update, parameters = trained(ADAMW, gradients, start)
    assert torch.equal(parameters, replayed(replace(ADAMW, averaging=0.0), start, gradients)[-1])
    before = parameters.clone()
    assert not torch.equal(update.evaluated(parameters), parameters)
    assert torch.equal(parameters, before)


def test_without_averaging_the_parameters_themselves_are_evaluated():
    start, gradients = recorded(3)
    update, parameters = trained(KNOWN["adamw"], gradients, start)
    assert update.evaluated(parameters) is parameters


def test_groups_may_be_averaged_alone():
    start, gradients = recorded(N_STEPS)
    update, parameters = trained(PARTLY, gradients, start)
    differs = [
        not torch.equal(a, b)
        for a, b in zip(update.evaluated(parameters).split(SIZES), parameters.split(SIZES), strict=True)
    ]
    assert differs == [group == "hidden" for group in GROUPS_OF_SHAPES]


def test_the_average_goes_on_from_a_state():
    start, gradients = recorded(N_STEPS)
    whole, end = trained(ADAMW, gradients, start)
    first, parameters = trained(ADAMW, gradients[:5], start)
    second = FlatUpdate(ADAMW, SHAPES, N_STEPS, start.dtype)
    second.load_state_dict(first.state_dict())
    for t in range(5, N_STEPS):
        second.step(parameters, gradients[t], t)
    assert torch.equal(second.evaluated(parameters), whole.evaluated(end))


@pytest.mark.parametrize("rule", [ADAMW, PARTLY], ids=["whole", "partly"])
def test_an_export_evaluates_with_the_same_bits_and_trains_on(rule, tmp_path):
    start, gradients = recorded(N_STEPS, torch.float32)
    optimizer, tensors = exported(rule, start, total_steps=N_STEPS)
    for t, gradient in enumerate(gradients[:8]):
        step(optimizer, tensors, gradient)
        optimizer.eval()
        update, parameters = trained(canonical(rule), gradients[: t + 1], start)
        assert torch.equal(flat(tensors), update.evaluated(parameters))
        optimizer.eval()
        with pytest.raises(RuntimeError, match=r"averaged weights; call train\(\) before step\(\)"):
            optimizer.step(lambda: pytest.fail("the closure ran on averaged weights"))
        optimizer.train()
        assert torch.equal(flat(tensors), parameters)


def test_an_export_that_knows_no_number_of_steps_does_not_average():
    start, gradients = recorded(2, torch.float32)
    optimizer, tensors = exported(ADAMW, start)
    step(optimizer, tensors, gradients[0])
    before = flat(tensors)
    optimizer.eval()
    assert torch.equal(flat(tensors), before)


def test_averaging_is_shown_and_in_json_only_where_it_is():
    assert show_rule(ADAMW).splitlines()[-1] == "evaluated with p averaged over about 0.4 of the steps"
    assert "averaging" not in rule_to_json(KNOWN["adamw"])
    assert rule_to_json(ADAMW)["averaging"] == 0.4
    assert canonical(Rule((), averaging=0.4)) == Rule(())
