import json

import pytest
import torch

from evokit_activations.final import build_champion
from evokit_activations.genome import Shard
from evokit_activations.models import read_network
from evokit_activations.options import LearnTargets
from evokit_activations.targets.objective import target_objective

from .tiny import TENSORS, around


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
    setting = build_champion(LearnTargets(average=("class",), logits="class"), around(shards)).settings(best)[0]
    learned = {}
    for method in methods:
        stored = shards.store.read(shards.store.targets([Shard(0, method)]))
        learned[method] = target_objective(shards.task, TENSORS, stored, setting).targets.rows(torch.arange(6))
    *blocks, logits = learned.pop("search")
    assert logits.argmax(1).tolist() == shards.task.labels[:6].tolist()
    for *others, same in learned.values():
        assert torch.equal(same, logits)
        assert not any(torch.equal(one, other) for one, other in zip(blocks, others, strict=True))


def test_own_logits_change_the_head_alone(shards, best, tmp_path):
    contender = build_champion(LearnTargets(convolutions=(2,), lr=(0.5,), logits="class"), around(shards))
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


def test_networks_learn_what_was_found_for_an_image_or_for_its_class(shards, best, tmp_path):
    options = LearnTargets(convolutions=(2,), lr=(0.5,), average=("none", "class"))
    contender = build_champion(options, around(shards))
    settings = contender.settings(best)
    assert [one["average"] for one in settings] == ["none", "class"]
    own, shared = (
        contender.fit(one, 1, contender.budgets[-1], tmp_path / one["average"]).metrics["loss"] for one in settings
    )
    assert own != shared
