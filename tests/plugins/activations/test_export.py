import importlib.util
import json
import sys

import pytest
from safetensors import safe_open

from evokit.errors import UserError
from evokit_activations.baselines import build_sgd
from evokit_activations.export import NetworkExport, TargetExport
from evokit_activations.options import Sgd, TargetFiles, TorchNetwork

from .tiny import around


def test_an_exported_network_repeats_the_recorded_accuracy(learned, shards, tmp_path):
    _, evaluation = learned
    NetworkExport(TorchNetwork(), around(shards)).export(shards.task.directory / evaluation.artifact, tmp_path)
    spec = importlib.util.spec_from_file_location("exported", tmp_path / "network.py")
    module = sys.modules["exported"] = importlib.util.module_from_spec(spec)  # as an import does
    spec.loader.exec_module(module)
    assert "evokit" not in (tmp_path / "network.py").read_text().split('file.metadata()["evokit"]')[0]
    images, labels = shards.task.validation.tensors()
    right = module.load(str(tmp_path / "network.safetensors"))(images).argmax(1) == labels
    assert right.double().mean().item() == evaluation.values[0]


def test_exported_targets_are_files_of_tensors(learned, shards, tmp_path):
    TargetExport(TargetFiles(), around(shards)).export(shards.task.directory / learned[1].artifact, tmp_path)
    files = sorted(tmp_path.iterdir())
    assert [file.name for file in files] == [f"search-{index:05d}.safetensors" for index in range(4)]
    with safe_open(files[1], framework="np") as file:
        assert file.get_tensor("logits").shape == (6, 3)
        assert json.loads(file.metadata()["evokit"])["first_image"] == 6


def test_a_network_that_learned_from_labels_has_no_targets(shards, tmp_path):
    contender = build_sgd(Sgd(convolutions=(2,)), around(shards))
    contender.fit(contender.settings(None)[0], 1, contender.budgets[-1], tmp_path)
    with pytest.raises(UserError, match="learned from labels"):
        TargetExport(TargetFiles(), around(shards)).export(tmp_path / "network.safetensors", tmp_path / "out")
