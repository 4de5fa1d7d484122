"""Known optimizers as contenders."""

import numpy as np
import pytest
import torch

from evokit.streams import Streams
from evokit_optimizers.baselines import build_tuned, grid, lion, muon, soap
from evokit_optimizers.models import read_networks
from evokit_optimizers.rivals import Adam, AdamW, Lion, LrSchedule, Muon, NAdam, RmsProp, Sgd, Soap
from evokit_optimizers.rules.canonical import canonical
from evokit_optimizers.rules.known import KNOWN
from evokit_optimizers.rules.parts import by_group
from evokit_optimizers.rules.rule import TRICKS
from evokit_optimizers.training.method import Evolved
from evokit_optimizers.training.torch_methods import TorchMethod
from tests.plugins.optimizers.tiny_tasks import TEST, contender, fitness_of

ALL = (Sgd, Adam, AdamW, NAdam, RmsProp, Lion, Muon, Soap)


@pytest.mark.parametrize("options", ALL, ids=lambda options: options.method)
def test_a_fit_leaves_networks_that_can_be_scored(options, fitness, tmp_path):
    one = contender(build_tuned, options(), fitness)
    result = one.fit(one.settings(None)[0], 1, 24, tmp_path)
    networks, about = read_networks(tmp_path / "networks.safetensors")
    assert result.ok
    assert result.work == 24
    assert result.artifact == str(tmp_path / "networks.safetensors")
    assert result.values[0] == pytest.approx(np.mean([network.accuracy for network in networks]))
    assert about["method"] == options.method
    assert one.score(tmp_path / "networks.safetensors", TEST).shape == (30,)


def test_settings_are_all_combinations(fitness):
    options = Sgd(lr=(0.1, 0.2), weight_decay=(0.0,), nesterov=(False, True))
    settings = contender(build_tuned, options, fitness).settings(None)
    plain = {"weight_decay": 0.0, "momentum": 0.9, "schedule": {"warmup": 0.0, "decay": "none", "decay_span": 1.0}}
    assert settings == [{**plain, "lr": lr, "nesterov": flag} for lr in (0.1, 0.2) for flag in (False, True)]


def test_the_grid_is_the_articles_by_default():
    assert len(grid(Adam())) == 9


def test_lion_is_the_known_rule():
    options = Lion(lr=(1e-4,), weight_decay=(0.1,))
    assert canonical(lion(grid(options)[0])) == canonical(KNOWN["lion"])


def test_switches_and_steps_of_newton_and_schulz_are_tuned_like_other_numbers():
    options = Muon(lr=(0.1,), weight_decay=(0.1,), tricks=((), ("centralised", "cautious")), ns_steps=(5, 6))
    settings = grid(options)
    assert [(one["tricks"], one["ns_steps"]) for one in settings] == [
        ([], 5), ([], 6), (["centralised", "cautious"], 5), (["centralised", "cautious"], 6)
    ]  # fmt: skip
    parts = by_group(muon(settings[-1]))
    assert parts["hidden"].ns_steps == 6
    tricks = {group: (part.centralised, part.cautious, part.trust_ratio) for group, part in parts.items()}
    assert tricks == {**dict.fromkeys(parts, (False, False, False)), "hidden": (True, True, False)}


def test_at_their_defaults_settings_say_no_switches_as_those_of_before():
    assert not {"tricks", "ns_steps"} & grid(Muon())[0].keys()
    assert not any("tricks" in grid(options())[0] for options in (Lion, Soap))
    assert by_group(muon(grid(Muon())[0]))["hidden"].ns_steps == 5


@pytest.mark.parametrize(("options", "rule_of"), [(Lion, lion), (Soap, soap)])
def test_rules_of_rivals_have_the_switches_and_the_schedule_of_their_setting(options, rule_of):
    schedule = LrSchedule(warmup=0.1, decay="cosine", averaging=0.2)
    rule = rule_of(grid(options(tricks=(("cautious", "trust_ratio"),), schedule=(schedule,)))[0])
    assert [trick for trick in TRICKS if getattr(rule, trick)] == ["cautious", "trust_ratio"]
    assert (rule.warmup, rule.decay, rule.averaging) == (0.1, "cosine", 0.2)


def test_soap_has_its_papers_rule_for_matrices_and_adams_for_vectors():
    rule = soap(grid(Soap(lr=(3e-3,), weight_decay=(0.01,)))[0])
    assert rule.terms == (("SOAP_TERM", 1.0),)
    assert soap(grid(Soap(eps=(1e-6,)))[0]).eps == 1e-6
    numbers = (rule.lr, rule.beta1, rule.beta2, rule.eps, rule.weight_decay, rule.decoupled, rule.bias_correction)
    assert numbers == (3e-3, 0.95, 0.95, 1e-8, 0.01, True, True)


def test_known_adam_trains_like_the_rule(float64):
    """The same loop, so the same parameters up to rounding."""
    fitness = fitness_of()
    setting = grid(Adam(lr=(1e-3,), weight_decay=(0.0,)))[0]
    replicates = fitness.replicates(Streams(0))
    networks = [
        fitness.trainer.train(method, replicates, 12, 12).networks
        for method in (TorchMethod("adam", setting), Evolved(KNOWN["adam"]))
    ]
    for one, other in zip(*networks, strict=True):
        torch.testing.assert_close(one.parameters, other.parameters)


def test_the_same_setting_and_seed_give_the_same_networks(fitness, tmp_path):
    one = contender(build_tuned, Adam(), fitness)
    setting = one.settings(None)[0]
    for name in ("a", "b"):
        one.fit(setting, 1, 24, tmp_path / name)
    first, second = (tmp_path / name / "networks.safetensors" for name in ("a", "b"))
    assert first.read_bytes() == second.read_bytes()


def test_a_span_above_the_horizon_is_refused():
    with pytest.raises(ValueError, match="decay_span must be at most 1, got 2"):
        LrSchedule(decay_span=2)
