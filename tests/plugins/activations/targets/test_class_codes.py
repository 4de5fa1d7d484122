import torch

from evokit_activations.genome import Shard
from evokit_activations.targets.store import StoredShard
from tests.rounding import rounding

from ..tiny import measured


def test_all_images_of_a_class_have_its_code(shards):
    assert measured(shards, Shard(0, "class_code")).work == 6
    stored = StoredShard(shards.store.path(Shard(0, "class_code")))
    for layer in stored.layers:
        assert torch.equal(layer[0], layer[3])
        assert not torch.equal(layer[0], layer[1])


def test_class_means_of_the_untrained_network_are_those_of_its_activations(shards):
    task = shards.task
    evaluation = measured(shards, Shard(1, "class_mean"))
    assert evaluation.work == 6, "an evaluation of each image"
    stored = StoredShard(shards.store.path(Shard(1, "class_mean")))
    blocks, _ = task.untrained.forward(task.normalised(task.images))
    for block, layer in zip(blocks, stored.layers, strict=False):
        mean = block[task.labels == task.labels[6]].mean(0).permute(1, 2, 0)
        expected = (mean - mean.mean()) / mean.std(correction=0)
        assert ((layer[0] - expected).abs() <= rounding(2, expected.abs().max(), torch.bfloat16)).all()
    assert stored.layers[-1].argmax(1).tolist() == task.labels[6:12].tolist()
