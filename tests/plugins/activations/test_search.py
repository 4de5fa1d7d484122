from dataclasses import replace

import pytest
import torch

from evokit.streams import Streams
from evokit_activations.job import in_precision
from evokit_activations.network import forward
from evokit_activations.options import Layer
from evokit_activations.search import LayerwiseSearch, forward_from, label_log_likelihood

from .tiny import SEARCH, TENSORS, job


def generators(images, method="search"):
    return [Streams(1).at(method, image).torch() for image in images]


@pytest.fixture(scope="module")
def material():
    return job().material


@pytest.fixture(scope="module")
def double(material):
    return in_precision(material.untrained, torch.float64)


def begin(material, images):
    pixels = material.normalised(material.images[list(images)]).double()
    return pixels, material.labels[list(images)], generators(images)


def test_from_any_layer_the_network_goes_on_as_it_does_from_the_image(material):
    pixels = material.normalised(material.images[:5])
    network = material.untrained
    outputs, logits = forward(network.shape, network.parameters, pixels, network.statistics)
    maps = [one.permute(0, 2, 3, 1) for one in outputs]
    assert torch.allclose(forward_from(network, 0, maps[0], 1), maps[1], atol=1e-6)
    assert torch.allclose(forward_from(network, 0, maps[0], 2), logits, atol=1e-6)
    assert torch.allclose(forward_from(network, 1, maps[1], 2), logits, atol=1e-6)
    assert torch.equal(forward_from(network, 2, logits, 2), logits)


def test_the_log_likelihood_is_minus_cross_entropy():
    logits = torch.tensor([[0.0, 1.0], [2.0, 0.0]])
    expected = -torch.nn.functional.cross_entropy(logits, torch.tensor([0, 0]), reduction="none")
    assert torch.allclose(label_log_likelihood(logits, torch.tensor([0, 0])), expected)


def test_a_generation_is_parents_explorers_and_refiners(material, double):
    search = LayerwiseSearch(double, SEARCH, TENSORS)
    pixels, labels, streams = begin(material, range(3))
    first = search.first(pixels, labels, streams)
    then = search.generation(0, SEARCH.layers[0], first, labels, streams)
    assert first.genes.shape == (9, 3, 4, 4, 3)
    assert then.genes.shape == first.genes.shape
    best = first.values.sort(0, descending=True).values[:2]
    assert torch.equal(then.values[:2], best), "parents keep their fitness"
    children = then.genes[2:]
    assert torch.allclose(children.mean((2, 3, 4)), torch.zeros(7, 3, dtype=torch.float64), atol=1e-9)
    assert torch.allclose(then.values, search.log_likelihood(0, then.genes, labels))


def test_an_image_alone_is_searched_as_in_a_shard(material, double):
    search = LayerwiseSearch(double, SEARCH, TENSORS)
    together = search.run(*begin(material, range(3)))
    for image in range(3):
        alone = search.run(*begin(material, [image]))
        for one, other in zip(alone.layers, together.layers, strict=True):
            assert torch.allclose(one[0], other[image], atol=1e-10)


def test_each_layer_begins_with_what_was_kept_and_none_gets_worse(material, double):
    found = LayerwiseSearch(double, SEARCH, TENSORS).run(*begin(material, range(6)))
    assert (found.values.diff(dim=0) >= -1e-12).all()
    assert [tuple(layer.shape) for layer in found.layers] == [(6, 4, 4, 3), (6, 2, 2, 4), (6, 3)]


def test_more_generations_find_better_representations(material, double):
    few, many = (replace(SEARCH, layers=(Layer(n, 0.3, 2.0), Layer(n, 0.2, 2.0), Layer(1, 0.1))) for n in (1, 15))
    worse, better = (
        LayerwiseSearch(double, one, TENSORS).run(*begin(material, range(6))).values[-1].mean() for one in (few, many)
    )
    assert better > worse + 0.1


def test_without_selection_nothing_is_gained(material, double):
    options = replace(SEARCH, layers=(Layer(15, 0.3, 2.0), Layer(15, 0.2, 2.0), Layer(1, 0.1)))
    selected, drifting = (
        LayerwiseSearch(double, options, TENSORS, selecting=selecting)
        .run(*begin(material, range(12)))
        .values[-1]
        .mean()
        for selecting in (True, False)
    )
    assert selected > drifting + 0.5


def test_without_generations_the_first_population_is_what_is_left(material, double):
    options = replace(SEARCH, layers=(Layer(0, 0.3), Layer(0, 0.2), Layer(0, 0.1)))
    found = LayerwiseSearch(double, options, TENSORS).run(*begin(material, range(3)))
    assert torch.allclose(forward_from(double, 0, found.layers[0], 2), found.layers[-1], atol=1e-12)
