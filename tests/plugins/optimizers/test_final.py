"""The champion of an optimizer search."""

from dataclasses import replace

import pytest
import torch

from evokit_optimizers.baselines import build_tuned
from evokit_optimizers.final import build_champion
from evokit_optimizers.models import read_networks
from evokit_optimizers.options import TrainFresh
from evokit_optimizers.rivals import Adam
from evokit_optimizers.rules.known import KNOWN
from evokit_optimizers.training.method import Evolved
from tests.plugins.optimizers.tiny_tasks import OPTIONS, TEST, champion_setting, contender, fitness_of


def test_it_trains_fresh_networks_with_the_rule(champion, fitness, tmp_path):
    result = champion.fit(champion_setting(champion), 5, 24, tmp_path)
    networks, about = read_networks(tmp_path / "networks.safetensors")
    again = fitness.trainer.train(Evolved(KNOWN["adam"]), champion._replicates(5), 12, 12).networks
    for one, other in zip(networks, again, strict=True):
        assert torch.equal(one.parameters, other.parameters)
    assert result.ok
    assert about["rule"]["terms"] == [["ADAM_TERM", 1.0]]
    assert champion.score(tmp_path / "networks.safetensors", TEST).shape == (30,)


def test_a_longer_horizon_is_a_variant_that_stretches_the_schedule(tmp_path):
    fitness = fitness_of(replace(OPTIONS, final_steps=(20,)))
    champion = contender(build_champion, TrainFresh(), fitness)
    (variant,) = champion.variants().values()
    longer = champion.fit({**champion_setting(champion), **variant.keys}, 5, 24, tmp_path)
    networks, _ = read_networks(tmp_path / "networks.safetensors")
    again = fitness.trainer.train(Evolved(KNOWN["adam"]), champion._replicates(5), 20, 20).networks
    assert longer.work == variant.work == 20 * 2
    assert torch.equal(networks[0].parameters, again[0].parameters)


def test_without_a_champion_there_is_nothing_to_train(champion):
    with pytest.raises(ValueError, match="there is no champion"):
        champion.settings(None)


def test_tuned_optimizers_have_the_same_longer_horizons(tmp_path):
    fitness = fitness_of(replace(OPTIONS, final_steps=(20,)))
    adam = contender(build_tuned, Adam(lr=(1e-3,), weight_decay=(0.0,)), fitness)
    (variant,) = adam.variants().values()
    result = adam.fit({**adam.settings(None)[0], **variant.keys}, 5, 24, tmp_path)
    assert result.work == 20 * 2
    assert "horizon" not in read_networks(tmp_path / "networks.safetensors")[1]["setting"]


def test_a_rehearsal_tells_the_size_of_a_fit(champion, fitness, tmp_path):
    assert champion.rehearse(tmp_path)[1] == 2 * 4 * fitness.tasks[0].network.n_parameters
