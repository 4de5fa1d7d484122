"""The champion of an optimizer search as a file."""

from functools import partial

import pytest
import torch

from evokit.common.version import VERSION
from evokit.errors import UserError
from evokit.streams import Streams
from evokit_optimizers.baselines import build_tuned
from evokit_optimizers.export import TorchOptimizerExport, build_export
from evokit_optimizers.models import read_networks
from evokit_optimizers.options import TorchOptimizer
from evokit_optimizers.rivals import Adam
from evokit_optimizers.rules.cost import step_cost
from evokit_optimizers.rules.groups import GROUPS
from evokit_optimizers.rules.known import KNOWN
from evokit_optimizers.rules.source import optimizer_source
from evokit_optimizers.training.method import Evolved
from evokit_optimizers.training.training import Training
from tests.plugins.optimizers.tiny_tasks import champion_setting, contender, context


def test_the_exported_file_repeats_the_training_bit_for_bit(champion, fitness, tmp_path):
    champion.fit(champion_setting(champion), 5, 24, tmp_path)
    TorchOptimizerExport(fitness).export(tmp_path / "networks.safetensors", tmp_path / "out")
    module = {"__name__": "evolved"}
    source = (tmp_path / "out" / "evolved_optimizer.py").read_text()
    exec(compile(source, "evolved_optimizer.py", "exec"), module)
    (task,) = fitness.tasks
    ours = Training(task, _Exported(module["EvolvedOptimizer"]), champion._replicates(5)[0], 12)
    ours.advance(12)
    assert torch.equal(ours.parameters, read_networks(tmp_path / "networks.safetensors")[0][0].parameters)


def test_a_rule_with_parts_trains_networks_as_its_export_does(fitness):
    (task,) = fitness.tasks
    module = {"__name__": "evolved"}
    exec(compile(optimizer_source(KNOWN["muon"]), "evolved.py", "exec"), module)
    ours, theirs = (
        Training(task, method, Streams(0), 12)
        for method in (Evolved(KNOWN["muon"]), _Exported(partial(_with_groups, task, module["EvolvedOptimizer"])))
    )
    assert ours.advance(12)
    assert theirs.advance(12)
    assert torch.equal(ours.parameters, theirs.parameters)


def _with_groups(task, optimizer, tensors):
    groups = task.network.groups
    members = {name: [t for t, group in zip(tensors, groups, strict=True) if group == name] for name in GROUPS}
    return optimizer([{"params": params, "group": group} for group, params in members.items()])


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


def test_an_export_may_be_named(champion, fitness, tmp_path):
    champion.fit(champion_setting(champion), 5, 24, tmp_path)
    TorchOptimizerExport(fitness).export(tmp_path / "networks.safetensors", tmp_path / "new" / "mine.py")
    assert "class EvolvedOptimizer" in (tmp_path / "new" / "mine.py").read_text()


def test_the_docstring_says_where_the_rule_was_measured(champion, fitness, tmp_path):
    champion.fit(champion_setting(champion), 5, 24, tmp_path)
    (tmp_path / "summary.json").write_text('{"recipe": "digits.yaml"}')
    exporter = build_export(TorchOptimizer(), context(fitness=fitness, directory=tmp_path))
    exporter.export(tmp_path / "networks.safetensors", tmp_path / "mine.py")
    accuracies = [one.accuracy for one in read_networks(tmp_path / "networks.safetensors")[0]]
    network = fitness.tasks[0].network
    said = " ".join((tmp_path / "mine.py").read_text().partition("Measured:")[2].partition("Args:")[0].split())
    assert said == (
        f"By evokit {VERSION}, recipe digits.yaml, with fresh networks. digits: {network.n_parameters} parameters, "
        f"12 steps with batches of 8, each update with {step_cost(KNOWN['adam'], network.shapes).total} floating-point "
        f"operations by formula; validation accuracy {sum(accuracies) / 2:.4f}, mean of 2 of one fresh seed, others "
        "are in the run's report."
    )


def test_a_tuned_baseline_is_no_export(fitness, tmp_path):
    adam = contender(build_tuned, Adam(), fitness)
    adam.fit(adam.settings(None)[0], 5, 24, tmp_path)
    with pytest.raises(UserError, match="was trained by adam, which is no evolved optimizer"):
        TorchOptimizerExport(fitness).export(tmp_path / "networks.safetensors", tmp_path / "out")
