"""The convolutional networks."""

import math

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from evokit.streams import Streams
from evokit_optimizers.tasks.convnet import ConvNet, grey_block
from tests.rounding import rounding

SMALL = ConvNet("small_cnn", (8, 8, 1), 3, channels=(2, 3), hidden=5)
NORMALISED = ConvNet("batchnorm_cnn", (8, 8, 3), 3, channels=(2, 3), hidden=5)
ROUNDINGS = 9 * (3 + 2 + 2 + 3) + 12 + 5 + 2 * 5  # on the way to its logits: terms of each layer, five a normalisation


class BatchNormCnn(nn.Module):
    """The plain form, with the rectifier before the pooling."""

    def __init__(self):
        super().__init__()
        self.a, self.norm_a, self.b = nn.Conv2d(3, 2, 3, padding=1), nn.BatchNorm2d(2), nn.Conv2d(2, 2, 3, padding=1)
        self.c, self.norm_c, self.d = nn.Conv2d(2, 3, 3, padding=1), nn.BatchNorm2d(3), nn.Conv2d(3, 3, 3, padding=1)
        self.hidden, self.output = nn.Linear(12, 5), nn.Linear(5, 3)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.b(F.relu(self.norm_a(self.a(x))))), 2)
        x = F.max_pool2d(F.relu(self.d(F.relu(self.norm_c(self.c(x))))), 2)
        return self.output(F.relu(self.hidden(x.flatten(1))))


def small_cnn():
    return nn.Sequential(
        *(nn.Conv2d(1, 2, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(2, 3, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Flatten(), nn.Linear(12, 5), nn.ReLU(), nn.Linear(5, 3)),
    )


def flat_of(network, seed=0):
    return network.initial(torch.Generator().manual_seed(seed))


def images(network, n=6):
    height, width, channels = network.image
    return torch.randn(n, channels, height, width, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize(
    ("kind", "image", "hidden", "n_parameters"),
    [("small_cnn", (28, 28, 1), 256, 824_458), ("batchnorm_cnn", (32, 32, 3), 512, 2_168_554)],
)
def test_sizes_are_those_of_the_public_code(kind, image, hidden, n_parameters):
    assert ConvNet(kind, image, 10, hidden=hidden).n_parameters == n_parameters


@pytest.mark.parametrize(("network", "make"), [(SMALL, small_cnn), (NORMALISED, BatchNormCnn)])
def test_a_training_step_equals_that_of_the_plain_module(network, make):
    flat, x = flat_of(network), images(network)
    views, statistics = network.views(flat), network.statistics()
    logits = network.logits(views, statistics, x, None, training=True)
    gradients = torch.autograd.grad(logits.square().sum(), views)
    module = make()
    nn.utils.vector_to_parameters(flat, module.parameters())
    expected = module(x)
    expected.square().sum().backward()
    assert (logits - expected).abs().max() <= rounding(ROUNDINGS, x.abs().max())
    theirs = [parameter.grad for parameter in module.parameters()]
    largest = max(gradient.abs().max() for gradient in theirs)
    pixels = x[:, 0].numel()  # a gradient of the first filters adds so many
    for ours, other in zip(gradients, theirs, strict=True):
        assert (ours - other).abs().max() <= rounding(2 * ROUNDINGS + pixels, largest)
    running = {name: values for name, values in module.state_dict().items() if "running" in name}
    for ours, other in zip(statistics.values(), running.values(), strict=True):
        assert (ours - other).abs().max() <= rounding(ROUNDINGS + pixels, 1 + other.abs().max())


@pytest.mark.parametrize("shape", [(6, 8), (7, 9), (4, 5)])
def test_the_block_of_grey_images_is_convolution_pooling_and_rectifier(shape):
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(5, 1, *shape, generator=generator)
    weight, bias = torch.randn(3, 1, 3, 3, generator=generator), torch.randn(3, generator=generator)
    expected = F.relu(F.max_pool2d(F.conv2d(x, weight, bias, padding=1), 2))
    found = grey_block(x, weight, bias)
    assert found.shape == expected.shape
    assert found.is_contiguous(memory_format=torch.channels_last)
    assert (found - expected).abs().max() <= rounding(2 * 10, 10 * x.abs().max() * weight.abs().max())


def test_measuring_uses_running_statistics_and_leaves_them():
    statistics = NORMALISED.statistics()
    x, views = images(NORMALISED), NORMALISED.views(flat_of(NORMALISED))
    alone = NORMALISED.logits(views, statistics, x[:1], None, training=False)
    together = NORMALISED.logits(views, statistics, x, None, training=False)
    assert (alone - together[:1]).abs().max() <= rounding(ROUNDINGS, x.abs().max())
    assert all(torch.equal(a, b) for a, b in zip(statistics.values(), NORMALISED.statistics().values(), strict=True))


def test_the_start_is_torchs_default_distribution():
    """Uniform within 1 / sqrt(inputs of an output), biases too; see ``torch.nn.Linear``."""
    network = ConvNet("small_cnn", (28, 28, 1), 10)
    weight, bias = (view.detach() for view in network.views(flat_of(network))[4:6])
    bound = 1 / math.sqrt(3136)
    assert 0.99 * bound < weight.max() <= bound
    assert 0.9 * bound < bias.abs().max() <= bound
    assert weight.mean().item() == pytest.approx(0, abs=0.01 * bound)
    assert weight.std().item() == pytest.approx(bound / math.sqrt(3), rel=0.01)


def test_dropout_is_decided_by_its_stream_and_only_in_training():
    network = ConvNet("batchnorm_cnn", (8, 8, 3), 3, channels=(2, 3), hidden=5, dropout=0.5)
    views, x = network.views(flat_of(network)), images(network)

    def logits(streams, training):
        return network.logits(views, network.statistics(), x, streams, training)

    assert torch.equal(logits(Streams(0), True), logits(Streams(0), True))
    assert not torch.equal(logits(Streams(0), True), logits(Streams(1), True))
    assert torch.equal(logits(Streams(0), False), logits(Streams(1), False))


def test_images_that_are_too_small_are_refused():
    with pytest.raises(ValueError, match="at least 4 x 4 pixels, got 3 x 8"):
        ConvNet("small_cnn", (3, 8, 1), 3)
