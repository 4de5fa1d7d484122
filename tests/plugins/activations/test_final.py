import importlib.util
import json
import sys

import numpy as np
import pytest
import torch
from safetensors import safe_open

from evokit.errors import UserError
from evokit.genomes.individuals import make_individual
from evokit.interfaces import Context
from evokit.streams import Streams
from evokit_activations.final import of_targets
from evokit_activations.genome import Shard
from evokit_activations.models import read_network
from evokit_activations.options import FrozenBody, LearnTargets, Sgd, TargetFiles, TorchNetwork

from .tiny import TENSORS, TEST


def built(options, shards):
    return options.build(Context(Streams(0), fitness=shards))


@pytest.fixture(scope="module")
def best(shards):
    targets = shards.store.targets([Shard(index) for index in range(4)])
    return make_individual(TENSORS, targets, (-1.0,))


@pytest.fixture(scope="module")
def learned(shards, best):
    contender = built(LearnTargets(convolutions=(2, 4), lr=(0.5, 1.0)), shards)
    scratch = shards.material.directory / "artifacts" / "champion" / "x"
    return contender, contender.fit(contender.settings(best)[0], 1, contender.budgets[-1], scratch)


def test_every_combination_is_tried(shards, best, learned):
    settings = learned[0].settings(best)
    assert [(one["convolutions"], one["lr"]) for one in settings] == [(2, 0.5), (2, 1.0), (4, 0.5), (4, 1.0)]
    assert all(one["targets"] == TENSORS.to_json(best.genes) for one in settings)
    assert json.loads(json.dumps(settings)) == settings


def test_with_class_logits_controls_differ_from_the_champion_in_their_blocks_alone(shards, best):
    """What the head learns is the same to the bit, whatever a search or a control found."""
    methods = ("search", "unselected", "first_generation", "class_mean", "class_code")
    for method in methods:
        list(shards.evaluate([Shard(0, method)], shards.budgets[-1]))
    setting = built(LearnTargets(average=("class",), logits="class"), shards).settings(best)[0]
    learned = {}
    for method in methods:
        stored = shards.store.read(shards.store.targets([Shard(0, method)]))
        learned[method] = of_targets(shards.material, TENSORS, stored, setting).targets.rows(torch.arange(6))
    *blocks, logits = learned.pop("search")
    assert logits.argmax(1).tolist() == shards.material.labels[:6].tolist()
    for *others, same in learned.values():
        assert torch.equal(same, logits)
        assert not any(torch.equal(one, other) for one, other in zip(blocks, others, strict=True))


def test_own_logits_change_the_head_alone(shards, best, tmp_path):
    contender = built(LearnTargets(convolutions=(2,), lr=(0.5,), logits="class"), shards)
    (setting,), (variant,) = contender.settings(best), contender.variants().values()
    for name, one in (("class", setting), ("own", setting | variant.keys)):
        assert contender.fit(one, 1, contender.budgets[-1], tmp_path / name).work == variant.work
    shared, own = (read_network(tmp_path / name / "network.safetensors").parameters for name in ("class", "own"))
    assert [name for name, value in shared.items() if not torch.equal(value, own[name])] == ["head"]


def test_where_networks_learn_own_logits_there_is_no_group_beside_them(learned):
    assert learned[0].variants() == {}


def test_without_targets_there_is_nothing_to_learn(learned):
    with pytest.raises(ValueError, match="no targets"):
        learned[0].settings(None)


@pytest.mark.parametrize("options", [Sgd(convolutions=(2,)), FrozenBody(lr=(0.1,))], ids=["sgd", "frozen_body"])
def test_labels_alone_make_a_network_too(shards, options, tmp_path):
    contender = built(options, shards)
    (setting,) = contender.settings(None)
    evaluation = contender.fit(setting, 1, contender.budgets[-1], tmp_path)
    again = contender.fit(setting, 1, contender.budgets[-1], tmp_path / "again")
    assert evaluation.ok
    assert evaluation.work == 4 * 24
    assert (tmp_path / "network.safetensors").read_bytes() == (tmp_path / "again/network.safetensors").read_bytes()
    assert again.values == evaluation.values


def test_a_lower_budget_leaves_no_network(shards, tmp_path):
    contender = built(Sgd(convolutions=(2,)), shards)
    evaluation = contender.fit(contender.settings(None)[0], 1, contender.budgets[0], tmp_path)
    assert (evaluation.work, evaluation.artifact) == (2 * 24, "")
    with pytest.raises(ValueError, match="budget must be one of"):
        contender.fit(contender.settings(None)[0], 1, 5, tmp_path)


def test_a_training_that_diverges_is_told(shards, tmp_path):
    contender = built(Sgd(convolutions=(2,), lr=(1e30,)), shards)
    evaluation = contender.fit(contender.settings(None)[0], 1, contender.budgets[-1], tmp_path)
    assert evaluation.outcome == "diverged"


def test_a_frozen_body_is_the_untrained_network(shards, tmp_path):
    contender = built(FrozenBody(lr=(0.1,)), shards)
    contender.fit(contender.settings(None)[0], 1, contender.budgets[-1], tmp_path)
    network = read_network(tmp_path / "network.safetensors")
    for name, value in shards.material.untrained.parameters.items():
        assert torch.equal(network.parameters[name], value) == (name != "head")


def test_a_network_read_from_its_file_has_the_recorded_accuracy(learned, shards):
    contender, evaluation = learned
    again = contender.score(evaluation.artifact, {"stripes": shards.material.validation})
    assert again.mean() == evaluation.values[0]
    assert set(np.unique(contender.score(evaluation.artifact, TEST))) <= {0.0, 1.0}


def test_an_exported_network_repeats_the_recorded_accuracy(learned, shards, tmp_path):
    _, evaluation = learned
    TorchNetwork().export(shards.material.directory / evaluation.artifact, tmp_path)
    spec = importlib.util.spec_from_file_location("exported", tmp_path / "network.py")
    module = sys.modules["exported"] = importlib.util.module_from_spec(spec)  # as an import does
    spec.loader.exec_module(module)
    assert "evokit" not in (tmp_path / "network.py").read_text().split('file.metadata()["evokit"]')[0]
    images, labels = shards.material.validation.tensors()
    right = module.load(str(tmp_path / "network.safetensors"))(images).argmax(1) == labels
    assert right.double().mean().item() == evaluation.values[0]


def test_exported_targets_are_files_of_tensors(learned, shards, tmp_path):
    TargetFiles().export(shards.material.directory / learned[1].artifact, tmp_path)
    files = sorted(tmp_path.iterdir())
    assert [file.name for file in files] == [f"search-{index:05d}.safetensors" for index in range(4)]
    with safe_open(files[1], framework="np") as file:
        assert file.get_tensor("logits").shape == (6, 3)
        assert json.loads(file.metadata()["evokit"])["first_image"] == 6


def test_a_network_that_learned_from_labels_has_no_targets(shards, tmp_path):
    contender = built(Sgd(convolutions=(2,)), shards)
    contender.fit(contender.settings(None)[0], 1, contender.budgets[-1], tmp_path)
    with pytest.raises(UserError, match="learned from labels"):
        TargetFiles().export(tmp_path / "network.safetensors", tmp_path / "out")


def test_a_rehearsal_tells_seconds_and_bytes(shards, tmp_path):
    seconds, size = built(Sgd(convolutions=(2,)), shards).rehearse(tmp_path)
    assert seconds > 0
    assert size > 0
