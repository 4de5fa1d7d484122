from copy import copy
from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch

from evokit_activations.geometry.class_geometry import ClassGeometry, known_geometry
from evokit_activations.geometry.targets import (
    Clusters,
    GeometryTargets,
    Ingredients,
    class_logits,
    class_targets,
    cluster_targets,
)
from evokit_activations.layerwise.operators import normalise, smooth
from evokit_activations.targets import averages
from evokit_activations.targets.class_codes import mean_activations

from .tiny import CENTRE, fitness

ONE = ClassGeometry((0.5,), (1.0,), (0.0,), (0.0,), (1.0,))


def maps(*rows):
    """Classes with a map of one position and four channels."""
    return torch.tensor(rows, dtype=torch.float32).view(len(rows), 1, 1, 4)


MEANS, CODES = maps([1, -1, 1, -1], [1, 1, -1, -1]), maps([1, 1, -1, -1], [-1, 1, 1, -1])
ROOT = 2**0.5


def unit(*rows):
    """Rows whose mean is 0, with a mean square of 1."""
    found = maps(*rows)
    return found / found.square().mean((1, 2, 3), keepdim=True).sqrt()


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"mean_share": (1.0,), "centring": (0.0,)}, MEANS),
        ({"mean_share": (0.0,)}, CODES),
        # The mean over both is (1, 0, 0, -1): (0, -1, 1, 0) is left of the first class, times root 2 in unit variance.
        ({"mean_share": (1.0,)}, ROOT * maps([0, -1, 1, 0], [0, 1, -1, 0])),
        ({"mean_share": (1.0,), "centring": (0.5,)}, unit([0.5, -1, 1, -0.5], [0.5, 1, -1, -0.5])),
        ({}, unit([1, 1 - ROOT, ROOT - 1, -1], [-1, ROOT + 1, 1 - ROOT, -1])),
    ],
    ids=["means", "codes", "centred", "half centred", "half of each"],
)
def test_targets_are_shares_of_centred_means_and_codes(changes, expected):
    (found,) = class_targets(replace(ONE, **changes), [MEANS], [CODES])
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)


def test_logits_of_others_follow_the_likeness_of_their_targets():
    last = maps([1, 0, -1, 0], [1, -1, 0, 0])  # a cosine of a half
    found = class_logits(replace(ONE, logit=4.0, confusion=0.5), last)
    torch.testing.assert_close(found, torch.tensor([[1.5, -1.5], [-1.5, 1.5]]))
    torch.testing.assert_close(class_logits(replace(ONE, logit=5.0), last), averages.class_logits(2))


@pytest.fixture(scope="module")
def ingredients():
    return fitness().whole


def test_an_images_own_share_is_its_activation_in_the_untrained_network(ingredients):
    task, indices = ingredients.task, torch.tensor([5, 0, 7])
    blocks, _ = task.untrained.forward(task.normalised(task.images[indices]))
    geometry = replace(CENTRE, own_share=(0.25, 0.0))
    targets = GeometryTargets(ingredients, geometry)
    first, second, logits = targets.rows(indices)
    classes = [one[task.labels[indices]] for one in targets.blocks]
    expected = normalise(0.75 * classes[0] + 0.25 * normalise(blocks[0].permute(0, 2, 3, 1)))
    torch.testing.assert_close(first, expected, rtol=1e-4, atol=1e-4)
    assert torch.equal(second, classes[1])
    assert logits.argmax(1).tolist() == task.labels[indices].tolist()


def test_clusters_part_each_class_by_what_the_untrained_network_makes_of_its_images(ingredients):
    found, labels = ingredients.clusters(2), ingredients.task.labels
    assert found.classes.tolist() == [0, 0, 1, 1, 2, 2]
    assert torch.equal(found.classes[found.of], labels)
    for own, means in zip(ingredients.own, found.means, strict=True):
        for cluster in range(6):
            torch.testing.assert_close(means[cluster], normalise(own[found.of == cluster].mean(0)[None])[0])
    last = ingredients.own[-1].flatten(1)
    centres = torch.stack([last[found.of == cluster].mean(0) for cluster in range(6)])
    distances = torch.cdist(last, centres).masked_fill(found.classes[None] != labels[:, None], torch.inf)
    assert torch.equal(distances.argmin(1), found.of), "k-means has ended, so that each image is with its own"
    assert torch.equal(Ingredients(ingredients.task, ()).clusters(2).of, found.of)


def test_there_are_no_more_clusters_than_different_images_and_none_of_a_class_without(ingredients):
    task, labels = ingredients.task, ingredients.task.labels
    each = ingredients.clusters(10_000)
    assert torch.equal(each.classes[each.of], labels)
    assert len(each.classes) == len(each.of.unique()) == len(labels)
    first = (labels == labels[:, None]).int().argmax(1)  # of the same class
    some = copy(task)
    some.images, some.labels = task.images[first], torch.where(labels == 2, 0, labels)
    few = Ingredients(some, ())
    found = few.clusters(3)
    assert found.classes.tolist() == [0, 0, 1], "of the images of two classes one each, all taken for the first"
    rows = GeometryTargets(few, replace(CENTRE, clusters=3, cluster_share=(1.0, 1.0))).rows(torch.arange(len(labels)))
    assert all(torch.isfinite(one).all() for one in rows)


def test_a_share_of_the_class_mean_makes_room_for_that_of_the_cluster(ingredients):
    """The first class has two clusters, the second one; maps of one position and four channels, worked by hand."""
    clusters = Clusters(
        torch.tensor([1, 0, 2]), torch.tensor([0, 0, 1]), [torch.cat([maps([1, 1, -1, -1], [1, -1, -1, 1]), MEANS[1:]])]
    )
    made_of = SimpleNamespace(means=[MEANS], codes=[CODES])
    geometry = replace(ONE, clusters=2, cluster_share=(1.0,), mean_share=(1.0,), centring=(0.0,))
    (whole,) = cluster_targets(geometry, made_of, clusters)
    torch.testing.assert_close(whole, clusters.means[0], rtol=1e-4, atol=1e-4)
    (half,) = cluster_targets(replace(geometry, cluster_share=(0.5,)), made_of, clusters)
    expected = unit([1, 0, 0, -1], [1, -1, 0, 0], [1, 1, -1, -1])
    torch.testing.assert_close(half, expected, rtol=1e-4, atol=1e-4)
    # Less what both classes have in common, (1, 0, 0, -1), whatever the clusters: (0, 1, -1, 0) for the first of them.
    (centred,) = cluster_targets(replace(geometry, centring=(1.0,)), made_of, clusters)
    torch.testing.assert_close(centred, unit([0, 1, -1, 0], [0, -1, -1, 2], [0, 1, -1, 0]), rtol=1e-4, atol=1e-4)
    (half,) = cluster_targets(replace(geometry, cluster_share=(0.5,), centring=(1.0,)), made_of, clusters)
    torch.testing.assert_close(half[1:], unit([0, -1, 0, 1], [0, 1, -1, 0]), rtol=1e-4, atol=1e-4)
    (codes,) = cluster_targets(replace(geometry, mean_share=(0.0,)), made_of, clusters)
    torch.testing.assert_close(codes, CODES[[0, 0, 1]], rtol=1e-4, atol=1e-4)


def test_images_learn_the_targets_of_their_clusters_in_the_blocks_that_have_a_share(ingredients):
    geometry = replace(CENTRE, own_share=(0.0, 0.0), clusters=2, cluster_share=(0.5, 0.0))
    targets, indices = GeometryTargets(ingredients, geometry), torch.tensor([5, 0, 7])
    first, second, logits = targets.rows(indices)
    clusters = ingredients.clusters(2)
    assert torch.equal(first, cluster_targets(geometry, ingredients, clusters)[0][clusters.of[indices]])
    torch.testing.assert_close(second, targets.blocks[1][ingredients.task.labels[indices]])
    assert torch.equal(logits, targets.logits[ingredients.task.labels[indices]])
    geometry = replace(geometry, own_share=(0.0, 0.25), cluster_share=(0.0, 0.5))
    first, second, _ = GeometryTargets(ingredients, geometry).rows(indices)
    torch.testing.assert_close(first, targets.blocks[0][ingredients.task.labels[indices]])
    shared = cluster_targets(geometry, ingredients, clusters)[1][clusters.of[indices]]
    expected = normalise(0.75 * shared + 0.25 * ingredients.own[1][indices])
    torch.testing.assert_close(second, expected, rtol=1e-4, atol=1e-4)


def test_known_geometries_are_the_targets_of_the_controls(ingredients):
    means = GeometryTargets(ingredients, known_geometry("class_mean", 2))
    codes = GeometryTargets(ingredients, known_geometry("class_code", 2))
    for found, expected in zip(means.blocks, mean_activations(ingredients.task)[:-1], strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-3)
    for found, expected in zip(codes.blocks, ingredients.codes, strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-3)
    torch.testing.assert_close(means.logits, averages.class_logits(3))


def test_codes_are_as_smooth_as_the_options_say(ingredients):
    task = ingredients.task
    for smoothing, passes in (((), (2, 1)), ((3, 0), (3, 0))):  # half of maps of 4 and of 2 positions
        codes = Ingredients(task, smoothing).codes
        for block, (height, width, channels) in enumerate(task.shape.maps):
            generator = task.streams.at("class_code", block).torch()
            drawn = torch.randn((3, height, width, channels), generator=generator)
            assert torch.equal(codes[block], normalise(smooth(drawn, passes[block])))
