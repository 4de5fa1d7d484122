from dataclasses import dataclass

import pytest
import torch

from evokit.genomes.individuals import make_individual
from evokit.interfaces import Context
from evokit.streams import Streams
from evokit_activations.genome import Shard
from evokit_activations.networks.network import forward
from evokit_activations.options import LearnTargets
from evokit_activations.targets.averages import ClassLogits, ClassMeans, class_means
from evokit_activations.targets.store import StoredShard
from tests.rounding import rounding

from ..tiny import TENSORS


@dataclass(frozen=True)
class Held:
    """Targets in memory of some of the training images."""

    images: torch.Tensor
    layers: list[torch.Tensor]

    def rows(self, places):
        return [layer[places] for layer in self.layers]


@pytest.fixture
def held():
    generator = torch.Generator().manual_seed(0)
    images = torch.tensor([5, 0, 9, 2])
    return Held(images, [torch.randn(4, 2, 2, 3, generator=generator), torch.randn(4, 3, generator=generator)])


LABELS = torch.tensor([1, 0, 2, 0, 0, 1, 0, 0, 0, 1])  # so that the four are of the classes 1, 1, 1, 2


def test_images_of_a_class_share_the_mean_of_theirs(held):
    means = ClassMeans(held, LABELS, 3, normalised=False)
    maps, logits = means.rows(torch.tensor([3, 0, 2]))
    assert torch.equal(means.images, held.images)
    assert torch.equal(maps[0], held.layers[0][3])
    for layer, rows in zip(held.layers, (maps, logits), strict=True):
        expected = layer[:3].double().mean(0)  # rounded once
        assert ((rows[1] - expected).abs() <= rounding(1, expected.abs())).all()
        assert torch.equal(rows[1], rows[2])


def test_maps_are_normalised_as_what_was_found_and_logits_are_not(held):
    plain, normalised = (ClassMeans(held, LABELS, 3, normalised=one) for one in (False, True))
    (maps, logits), (before, same) = (one.rows(torch.tensor([0])) for one in (normalised, plain))
    deviation = (before.var(correction=0) + 1e-5).sqrt()
    n = 12 + 12 + 3  # of the mean, the variance and what is made of them
    apart = maps - (before - before.mean()) / deviation
    assert (apart.abs() <= rounding(n, (before.abs() + before.abs().mean()) / deviation)).all()
    assert torch.equal(logits, same)


def test_logits_of_a_class_take_the_place_of_those_that_were_found(held):
    targets = ClassLogits(held, LABELS, 3)
    assert torch.equal(targets.images, held.images)
    maps, logits = targets.rows(torch.tensor([3, 0]))  # of the classes 2 and 1
    assert torch.equal(maps, held.layers[0][[3, 0]])
    expected = torch.tensor([[-5 / 3, -5 / 3, 10 / 3], [-5 / 3, 10 / 3, -5 / 3]])
    assert (logits - expected).abs().max() <= rounding(3 + 2, 5 + 5 / 3)


def test_a_class_without_images_has_zeros(held):
    assert torch.equal(class_means(held, LABELS[held.images], 3)[0][0], torch.zeros(2, 2, 3))


def test_networks_learn_what_was_found_for_an_image_or_for_its_class(shards, tmp_path):
    targets = shards.store.targets([Shard(index) for index in range(4)])
    options = LearnTargets(convolutions=(2,), lr=(0.5,), average=("none", "class"))
    contender = options.build(Context(Streams(0), fitness=shards))
    settings = contender.settings(make_individual(TENSORS, targets, (-1.0,)))
    assert [one["average"] for one in settings] == ["none", "class"]
    own, shared = (
        contender.fit(one, 1, contender.budgets[-1], tmp_path / one["average"]).metrics["loss"] for one in settings
    )
    assert own != shared


def test_class_means_of_the_untrained_network_are_those_of_its_activations(shards):
    material = shards.material
    (evaluation,) = shards.evaluate([Shard(1, "class_mean")], shards.budgets[-1])
    assert evaluation.work == 6, "an evaluation of each image"
    stored = StoredShard(shards.store.path(Shard(1, "class_mean")))
    network, pixels = material.untrained, material.normalised(material.images)
    blocks, _ = forward(network.shape, network.parameters, pixels, network.statistics)
    for block, layer in zip(blocks, stored.layers, strict=False):
        mean = block[material.labels == material.labels[6]].mean(0).permute(1, 2, 0)
        expected = (mean - mean.mean()) / mean.std(correction=0)
        assert ((layer[0] - expected).abs() <= rounding(2, expected.abs().max(), torch.bfloat16)).all()
    assert stored.layers[-1].argmax(1).tolist() == material.labels[6:12].tolist()
