from dataclasses import dataclass

import pytest
import torch

from evokit_activations.targets.averages import ClassLogits, ClassMeans, class_means
from tests.rounding import rounding


@dataclass(frozen=True)
class InMemory:
    """Targets in memory of some of the training images."""

    images: torch.Tensor
    layers: list[torch.Tensor]

    def rows(self, indices):
        return [layer[indices] for layer in self.layers]


@pytest.fixture
def found():
    generator = torch.Generator().manual_seed(0)
    images = torch.tensor([5, 0, 9, 2])
    return InMemory(images, [torch.randn(4, 2, 2, 3, generator=generator), torch.randn(4, 3, generator=generator)])


LABELS = torch.tensor([1, 0, 2, 0, 0, 1, 0, 0, 0, 1])  # so that the four are of the classes 1, 1, 1, 2


def test_images_of_a_class_share_the_mean_of_theirs(found):
    means = ClassMeans(found, LABELS, 3, normalised=False)
    maps, logits = means.rows(torch.tensor([3, 0, 2]))
    assert torch.equal(means.images, found.images)
    assert torch.equal(maps[0], found.layers[0][3])
    for layer, rows in zip(found.layers, (maps, logits), strict=True):
        expected = layer[:3].double().mean(0)  # rounded once
        assert ((rows[1] - expected).abs() <= rounding(1, expected.abs())).all()
        assert torch.equal(rows[1], rows[2])


def test_maps_are_normalised_as_what_was_found_and_logits_are_not(found):
    plain, normalised = (ClassMeans(found, LABELS, 3, normalised=one) for one in (False, True))
    (maps, logits), (before, same) = (one.rows(torch.tensor([0])) for one in (normalised, plain))
    deviation = (before.var(correction=0) + 1e-5).sqrt()
    n = 12 + 12 + 3  # of the mean, the variance and what is made of them
    apart = maps - (before - before.mean()) / deviation
    assert (apart.abs() <= rounding(n, (before.abs() + before.abs().mean()) / deviation)).all()
    assert torch.equal(logits, same)


def test_logits_of_a_class_replace_those_that_were_found(found):
    targets = ClassLogits(found, LABELS, 3)
    assert torch.equal(targets.images, found.images)
    maps, logits = targets.rows(torch.tensor([3, 0]))  # of the classes 2 and 1
    assert torch.equal(maps, found.layers[0][[3, 0]])
    expected = torch.tensor([[-5 / 3, -5 / 3, 10 / 3], [-5 / 3, 10 / 3, -5 / 3]])
    assert (logits - expected).abs().max() <= rounding(3 + 2, 5 + 5 / 3)


def test_a_class_without_images_has_zeros(found):
    assert torch.equal(class_means(found, LABELS[found.images], 3)[0][0], torch.zeros(2, 2, 3))
