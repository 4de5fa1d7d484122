"""The champion of an optimizer search."""

from dataclasses import replace

import pytest
import torch

from evokit.errors import UserError
from evokit.genomes.individuals import make_individual, weights_of
from evokit.interfaces import Context
from evokit.streams import Streams
from evokit_optimizers.finished import read_networks
from evokit_optimizers.genome import OptimizerGenome
from evokit_optimizers.known import KNOWN
from evokit_optimizers.options import Adam, TorchOptimizer, TrainFresh
from evokit_optimizers.training import Evolved, Training
from tests.plugins.optimizers.tiny_tasks import OPTIONS, TEST, context

GENOME = OptimizerGenome().build(Context(Streams(0)))


@pytest.fixture(scope="module")
def fitness():
    return OPTIONS.build(context())


@pytest.fixture
def champion(fitness):
    return contender(fitness, TrainFresh())


def contender(fitness, options):
    return options.build(Context(Streams(0), fitness=fitness, genome=GENOME))


def setting(one):
    best = make_individual(GENOME, KNOWN["adam"], weights_of({"accuracy": "max"}))
    (only,) = one.settings(best)
    return only


def test_it_trains_fresh_networks_with_the_rule(champion, fitness, tmp_path):
    result = champion.fit(setting(champion), 5, 24, tmp_path)
    networks, about = read_networks(tmp_path / "networks.safetensors")
    again = fitness.trainer.train(Evolved(KNOWN["adam"]), champion._replicates(5), 12, 12).networks
    for one, other in zip(networks, again, strict=True):
        assert torch.equal(one.parameters, other.parameters)
    assert result.ok
    assert about["rule"]["terms"] == [["ADAM_TERM", 1.0]]
    assert champion.score(tmp_path / "networks.safetensors", TEST).shape == (30,)


def test_a_longer_horizon_is_a_variant_that_stretches_the_schedule(tmp_path):
    fitness = replace(OPTIONS, final_steps=(20,)).build(context())
    champion = contender(fitness, TrainFresh())
    (variant,) = champion.variants().values()
    longer = champion.fit({**setting(champion), **variant.keys}, 5, 24, tmp_path)
    networks, _ = read_networks(tmp_path / "networks.safetensors")
    again = fitness.trainer.train(Evolved(KNOWN["adam"]), champion._replicates(5), 20, 20).networks
    assert longer.work == variant.work == 20 * 2
    assert torch.equal(networks[0].parameters, again[0].parameters)


def test_without_a_champion_there_is_nothing_to_train(champion):
    with pytest.raises(ValueError, match="there is no champion"):
        champion.settings(None)


def test_tuned_optimizers_have_the_same_longer_horizons(tmp_path):
    fitness = replace(OPTIONS, final_steps=(20,)).build(context())
    adam = Adam(lr=(1e-3,), weight_decay=(0.0,)).build(Context(Streams(0), fitness=fitness))
    (variant,) = adam.variants().values()
    result = adam.fit({**adam.settings(None)[0], **variant.keys}, 5, 24, tmp_path)
    assert result.work == 20 * 2
    assert "horizon" not in read_networks(tmp_path / "networks.safetensors")[1]["setting"]


def test_a_rehearsal_tells_the_size_of_a_fit(champion, fitness, tmp_path):
    assert champion.rehearse(tmp_path)[1] == 2 * 4 * fitness.tasks[0].network.n_parameters


def test_the_exported_file_repeats_the_training_bit_for_bit(champion, fitness, tmp_path):
    champion.fit(setting(champion), 5, 24, tmp_path)
    TorchOptimizer().export(tmp_path / "networks.safetensors", tmp_path / "out")
    module = {"__name__": "evolved"}
    source = (tmp_path / "out" / "evolved_optimizer.py").read_text()
    exec(compile(source, "evolved_optimizer.py", "exec"), module)
    (task,) = fitness.tasks
    ours = Training(task, _Exported(module["EvolvedOptimizer"]), champion._replicates(5)[0], 12)
    ours.advance(12)
    assert torch.equal(ours.parameters, read_networks(tmp_path / "networks.safetensors")[0][0].parameters)


class _Exported:
    """The exported optimizer in the fitness's own loop, one parameter a tensor."""

    def __init__(self, optimizer):
        self.identity, self._optimizer = {}, optimizer

    def start(self, network, parameters, n_steps):
        self._network = network
        self._tensors = network.views(parameters)
        self._made = self._optimizer(self._tensors)
        return self

    def step(self, parameters, gradient, t):
        for tensor, piece in zip(self._tensors, self._network.views(gradient), strict=True):
            tensor.grad = piece.detach()
        self._made.step()


def test_an_export_may_be_named(champion, tmp_path):
    champion.fit(setting(champion), 5, 24, tmp_path)
    TorchOptimizer().export(tmp_path / "networks.safetensors", tmp_path / "new" / "mine.py")
    assert "class EvolvedOptimizer" in (tmp_path / "new" / "mine.py").read_text()


def test_a_tuned_baseline_is_no_export(fitness, tmp_path):
    adam = Adam().build(Context(Streams(0), fitness=fitness))
    adam.fit(adam.settings(None)[0], 5, 24, tmp_path)
    with pytest.raises(UserError, match="was trained by adam, which is no evolved optimizer"):
        TorchOptimizer().export(tmp_path / "networks.safetensors", tmp_path / "out")
