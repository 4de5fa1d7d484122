"""The formulas of A.4, each beside another way to compute it, in float64."""

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.testing import assert_close

from evokit_activations.layerwise.operators import (
    channel_deviation,
    class_deviation,
    crossover,
    mutate_logits,
    mutate_maps,
    normalise,
    smooth,
)


def normal(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_crossover_is_the_mean_of_two_parents_of_the_same_lane():
    pool = normal(4, 2, 3)
    pairs = torch.tensor([[[0, 1], [2, 3]], [[1, 1], [3, 0]]])
    children = crossover(pool, pairs)
    assert torch.equal(children[0, 0], (pool[0, 0] + pool[1, 0]) / 2)
    assert torch.equal(children[0, 1], (pool[2, 1] + pool[3, 1]) / 2)
    assert torch.equal(children[1, 0], pool[1, 0])


def test_the_deviation_of_a_channel_is_over_its_places():
    maps = normal(2, 3, 5, 4, 6)
    expected = maps.flatten(2, 3).std(2, correction=0)
    assert_close(channel_deviation(maps)[:, :, 0, 0], expected)
    logits = normal(2, 3, 7)
    assert_close(class_deviation(logits)[..., 0], logits.var(-1, correction=0).sqrt())


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 9), st.integers(1, 9), st.integers(0, 6))
def test_smoothing_is_repeated_average_pooling_borders_included(height, width, passes):
    maps = normal(2, 1, height, width, 3)
    expected = maps.flatten(0, 1).permute(0, 3, 1, 2)
    for _ in range(passes):
        expected = F.avg_pool2d(expected, 3, 1, 1)
    assert_close(smooth(maps, passes).flatten(0, 1).permute(0, 3, 1, 2), expected)


def test_normalisation_is_over_places_and_channels():
    maps = normal(2, 3, 4, 5, 6) * 3 + 2
    mean = maps.mean((2, 3, 4), keepdim=True)
    variance = ((maps - mean) ** 2).mean((2, 3, 4), keepdim=True)
    assert_close(normalise(maps), (maps - mean) / (variance + 1e-5).sqrt())


@pytest.mark.parametrize("of", ["child", "noise"])
@pytest.mark.parametrize("positions", [(4, 4), (1, 1)], ids=["element", "channel"])
def test_mutation_adds_noise_smooths_and_normalises(of, positions):
    children, deviation, noise = normal(2, 1, 4, 4, 3), normal(2, 1, 1, 1, 3, seed=1).abs(), normal(2, 1, *positions, 3)
    added = (0.3 * deviation * noise).expand_as(children)

    def pooled(maps):
        for _ in range(2):
            maps = F.avg_pool2d(maps.flatten(0, 1).permute(0, 3, 1, 2), 3, 1, 1).permute(0, 2, 3, 1)[:, None]
        return maps

    smoothed = added if positions == (1, 1) else pooled(added)  # a number a channel is smooth already
    expected = normalise(pooled(children + added) if of == "child" else children + smoothed)
    result = mutate_maps(children.clone(), deviation, noise.clone(), 0.3, passes=2, of=of, normalised=True)
    assert_close(result, expected)


def test_without_normalisation_the_scale_stays():
    children = 5 + normal(2, 1, 4, 4, 3)
    nothing = torch.zeros(2, 1, 1, 1, 3, dtype=torch.float64)
    result = mutate_maps(children.clone(), nothing, normal(2, 1, 4, 4, 3), 1.0, passes=0, of="child", normalised=False)
    assert torch.equal(result, children)


def test_logits_are_recentred():
    logits, deviation, noise = normal(3, 2, 5), normal(3, 2, 1, seed=1).abs(), normal(3, 2, 5, seed=2)
    moved = logits + 0.1 * deviation * noise
    expected = moved - moved.mean(-1, keepdim=True)
    assert_close(mutate_logits(logits.clone(), deviation, noise.clone(), 0.1), expected)
