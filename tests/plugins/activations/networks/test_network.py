from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F

from evokit.streams import Streams
from evokit_activations.networks.initial import initial_parameters, whitening_weight
from evokit_activations.networks.network import Shape, forward, measured_statistics, whiten

SHAPE = Shape((3, 13, 13), (30, 6), 4, 5)


def images(n=40, channels=3, size=13):
    pixels = torch.randn(n, channels, size, size, generator=torch.Generator().manual_seed(0))
    return (pixels + pixels.roll(1, 3)).cumsum(2) / 4  # neighbours are alike, as in pictures


def network(shape=SHAPE, init="partial_dirac"):
    parameters = initial_parameters(shape, init, Streams(0))
    generator = torch.Generator().manual_seed(1)
    return parameters | {"whitening": whitening_weight(images(channels=shape.image[0]), 500, generator)}


def test_the_paper_has_these_maps():
    assert Shape((3, 32, 32), (256,) * 3, 2, 10).maps == [(15, 15, 256), (7, 7, 256), (3, 3, 256)]
    assert Shape((1, 28, 28), (16,) * 3, 2, 10).maps == [(13, 13, 16), (6, 6, 16), (3, 3, 16)]
    assert Shape((3, 32, 32), (256,) * 3, 2, 10).whitened == 24


def test_whitened_patches_are_uncorrelated_with_unit_variance():
    weight = whitening_weight(images(400), 20_000, torch.Generator().manual_seed(1))
    half = weight[:12].double()
    assert torch.equal(weight[12:], -weight[:12])
    patches = F.unfold(images(400).double(), 2).permute(0, 2, 1).flatten(0, 1)
    white = (patches - patches.mean(0)) @ half.flatten(1).T
    covariance = white.T @ white / len(white)
    assert (covariance - covariance.diag().diag()).abs().max() < 0.05
    assert torch.allclose(covariance.diag(), torch.ones(12, dtype=torch.float64), atol=0.05)


def test_channels_stay_side_by_side_in_memory():
    """A layer that turns them around makes each later step of a training a copy, forward and backward."""
    shape = Shape((1, 13, 13), (8, 6), 2, 5, normalise=True)
    parameters = {
        name: value.contiguous(memory_format=torch.channels_last) if value.dim() == 4 else value
        for name, value in network(shape).items()
    }
    blocks, _ = forward(shape, parameters, images(channels=1))
    for x in (whiten(images(channels=1), parameters["whitening"]), *blocks):
        assert x.is_contiguous(memory_format=torch.channels_last)


def test_dirac_passes_inputs_on():
    x = torch.rand(2, 24, 5, 5)
    full, partial = (initial_parameters(SHAPE, init, Streams(0))["block0.conv0"] for init in ("dirac", "partial_dirac"))
    assert torch.equal(F.conv2d(x, full, padding=1)[:, :24], x)
    assert not F.conv2d(x, full, padding=1)[:, 24:].any()
    assert torch.equal(F.conv2d(x, partial, padding=1)[:, :24], x)
    assert F.conv2d(x, partial, padding=1)[:, 24:].any()


def test_a_network_is_its_layers_one_after_the_other():
    parameters = {name: value.double() for name, value in network().items()}
    x = F.gelu(F.conv2d(images().double(), parameters["whitening"]))
    for block in range(2):
        for number in range(4):
            x = F.conv2d(x, parameters[f"block{block}.conv{number}"], padding=1)
            x = F.max_pool2d(x, 2) if number == 0 else x
            mean, variance = x.mean((0, 2, 3), keepdim=True), x.var((0, 2, 3), correction=0, keepdim=True)
            x = F.gelu((x - mean) / (variance + 1e-5).sqrt())
    logits = x.permute(0, 2, 3, 1).flatten(1) @ parameters["head"].T
    torch.testing.assert_close(forward(SHAPE, parameters, images().double())[1], logits)


@pytest.mark.parametrize("normalise", [False, True])
def test_statistics_of_all_images_make_one_batch_of_them(normalise):
    shape = Shape((3, 13, 13), (30, 6), 2, 5, normalise)
    parameters, pixels = {name: value.double() for name, value in network(shape).items()}, images().double()
    statistics = measured_statistics(shape, parameters, pixels, 16)
    whole, fixed = (forward(shape, parameters, pixels, one) for one in (None, statistics))
    torch.testing.assert_close(whole[1], fixed[1])
    alone = forward(shape, parameters, pixels[:1], statistics)[1]
    torch.testing.assert_close(alone, fixed[1][:1])  # no image depends on another
    if normalise:
        plain = forward(replace(shape, normalise=False), parameters, pixels)[0][0].var((1, 2, 3), correction=0)
        torch.testing.assert_close(whole[0][0].var((1, 2, 3), correction=0), plain / (plain + 1e-5))


def test_the_head_can_be_kept_apart():
    parameters = {name: value.requires_grad_() for name, value in network().items()}
    forward(SHAPE, parameters, images(), head_apart=True)[1].sum().backward()
    assert parameters["head"].grad is not None
    assert all(value.grad is None for name, value in parameters.items() if name != "head")
