from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from torch.testing import assert_close

from evokit.streams import Streams
from evokit_activations.genome import ActivationTensors
from evokit_activations.layerwise.search import (
    LayerwiseSearch,
    Population,
    forward_from,
    label_log_likelihood,
    refuse_other_layers,
)
from evokit_activations.networks.network import forward, run_block
from evokit_activations.options import Layer
from evokit_activations.shards.job import in_precision

from ..tiny import SEARCH, TENSORS, job


def generators(images, method="search"):
    return [Streams(1).at(method, image).torch() for image in images]


@pytest.fixture(scope="module")
def task():
    return job().task


@pytest.fixture(scope="module")
def double(task):
    return in_precision(task.untrained, torch.float64)


def begin(task, images):
    pixels = task.normalised(task.images[list(images)]).double()
    return pixels, task.labels[list(images)], generators(images)


def test_from_any_layer_the_network_goes_on_as_it_does_from_the_image(task, double):
    pixels = task.normalised(task.images[:5]).double()
    network = double
    outputs, logits = forward(network.shape, network.parameters, pixels, network.statistics)
    maps = [one.permute(0, 2, 3, 1) for one in outputs]
    assert_close(forward_from(network, 0, maps[0], 1), maps[1])
    assert_close(forward_from(network, 0, maps[0], 2), logits)
    assert_close(forward_from(network, 1, maps[1], 2), logits)
    assert torch.equal(forward_from(network, 2, logits, 2), logits)


def test_the_log_likelihood_is_minus_cross_entropy():
    logits = torch.tensor([[0.0, 1.0], [2.0, 0.0]], dtype=torch.float64)
    expected = -F.cross_entropy(logits, torch.tensor([0, 0]), reduction="none")
    assert_close(label_log_likelihood(logits, torch.tensor([0, 0])), expected)


def test_a_generation_is_parents_explorers_and_refiners(task, double):
    search = LayerwiseSearch(double, SEARCH, TENSORS)
    pixels, labels, streams = begin(task, range(3))
    first = search.first(pixels, labels, streams)
    then = search.generation(0, SEARCH.layers[0], first, labels, streams)
    assert first.genes.shape == (9, 3, 4, 4, 3)
    assert then.genes.shape == first.genes.shape
    best = first.values.sort(0, descending=True).values[:2]
    assert torch.equal(then.values[:2], best), "parents keep their fitness"
    children = then.genes[2:]
    assert_close(children.mean((2, 3, 4)), torch.zeros(7, 3, dtype=torch.float64))
    assert_close(then.values, search.log_likelihood(0, then.genes, labels))


def test_an_image_alone_is_searched_as_in_a_shard(task, double):
    search = LayerwiseSearch(double, SEARCH, TENSORS)
    together = search.run(*begin(task, range(3)))
    for image in range(3):
        alone = search.run(*begin(task, [image]))
        for one, other in zip(alone.layers, together.layers, strict=True):
            assert_close(one[0], other[image])


def test_each_layer_begins_with_what_was_kept_and_none_gets_worse(task, double):
    found = LayerwiseSearch(double, SEARCH, TENSORS).run(*begin(task, range(6)))
    assert (found.values.diff(dim=0) >= -1e-9).all()
    assert [tuple(layer.shape) for layer in found.layers] == [(6, 4, 4, 3), (6, 2, 2, 4), (6, 3)]


def test_more_generations_find_better_representations(task, double):
    few, many = (replace(SEARCH, layers=(Layer(n, 0.3, 2.0), Layer(n, 0.2, 2.0), Layer(1, 0.1))) for n in (1, 15))
    worse, better = (
        LayerwiseSearch(double, one, TENSORS).run(*begin(task, range(6))).values[-1].mean() for one in (few, many)
    )
    assert better > worse + 0.1


def test_without_selection_nothing_is_gained(task, double):
    options = replace(SEARCH, layers=(Layer(15, 0.3, 2.0), Layer(15, 0.2, 2.0), Layer(1, 0.1)))
    selected, drifting = (
        LayerwiseSearch(double, options, TENSORS, selecting=selecting).run(*begin(task, range(12))).values[-1].mean()
        for selecting in (True, False)
    )
    assert selected > drifting + 0.5


def test_without_generations_the_first_population_is_what_is_left(task, double):
    options = replace(SEARCH, layers=(Layer(0, 0.3), Layer(0, 0.2), Layer(0, 0.1)))
    found = LayerwiseSearch(double, options, TENSORS).run(*begin(task, range(3)))
    assert_close(forward_from(double, 0, found.layers[0], 2), found.layers[-1])


def plain_child(first, second, noise, alpha, passes, tensors):
    """One child of two members of one image's pool, by the formulas of A.4."""
    mean = (first + second) / 2
    axes = (0, 1) if first.dim() == 3 else (0,)
    added = alpha * (first.std(axes, correction=0) + second.std(axes, correction=0)) / 2 * noise
    if first.dim() == 1:
        return mean + added - (mean + added).mean()

    def pooled(maps):
        channels_first = maps.expand_as(mean).permute(2, 0, 1)
        for _ in range(passes):
            channels_first = F.avg_pool2d(channels_first, 3, 1, 1)
        return channels_first.permute(1, 2, 0)

    if tensors.smooth == "child":
        child = pooled(mean + added)
    else:
        child = mean + (pooled(added) if tensors.noise == "element" else added)
    return (child - child.mean()) / (child.var(correction=0) + 1e-5).sqrt() if tensors.normalise else child


def plain_generation(options, layer, tensors, genes, values, generator):
    """The next population of one image, ``(n, ...)``, and the old values of its parents; child by child."""
    schedule = options.layers[layer]
    best = sorted(range(len(genes)), key=lambda member: -values[member])[: options.parents]
    pool = [genes[member] for member in best]
    noise_shape = (1, 1, genes.shape[-1]) if tensors.noise == "channel" and genes.dim() == 4 else genes.shape[1:]
    for n, alpha in ((options.explorers, schedule.alpha * schedule.boost), (options.refiners, schedule.alpha)):
        pairs = torch.randint(len(pool), (n, 2), generator=generator)
        noise = torch.randn(n, *noise_shape, generator=generator, dtype=genes.dtype)
        pool = pool + [
            plain_child(pool[a], pool[b], one, alpha, schedule.smoothing, tensors)
            for (a, b), one in zip(pairs.tolist(), noise, strict=True)
        ]
    return torch.stack(pool), [float(values[member]) for member in best]


@pytest.mark.parametrize(
    ("layer", "tensors", "sizes"),
    [
        (0, TENSORS, (3, 4)),
        (1, ActivationTensors(noise="channel", smooth="noise", normalise=False), (3, 4)),
        (0, ActivationTensors(noise="element", smooth="noise", normalise=False), (3, 4)),
        (2, TENSORS, (3, 4)),
        (1, TENSORS, (0, 4)),
        (1, TENSORS, (3, 0)),
    ],
    ids=["maps", "channel noise", "smooth noise", "logits", "no explorers", "no refiners"],
)
def test_a_generation_is_what_the_formulas_say_child_by_child(double, layer, tensors, sizes):
    layers = (Layer(1, 0.3, 5.0, 2), Layer(1, 0.2, 3.0, 1), Layer(1, 0.1, 4.0))
    options = replace(SEARCH, layers=layers, explorers=sizes[0], refiners=sizes[1])
    shape = [(4, 4, 3), (2, 2, 4), (3,)][layer]
    draws = torch.Generator().manual_seed(5)
    spread = torch.arange(1.0, 6.0, dtype=torch.float64).view(5, *[1] * (len(shape) + 1))
    genes = spread * torch.randn(5, 2, *shape, generator=draws, dtype=torch.float64)  # no two deviations are alike
    values = torch.randn(5, 2, generator=draws, dtype=torch.float64)  # none is a log-likelihood: parents keep theirs
    labels = torch.tensor([2, 0])
    search = LayerwiseSearch(double, options, tensors)
    found = search.generation(layer, options.layers[layer], Population(genes, values), labels, generators(range(2)))
    for lane, generator in enumerate(generators(range(2))):
        expected, parents = plain_generation(options, layer, tensors, genes[:, lane], values[:, lane], generator)
        assert_close(found.genes[:, lane], expected)
        assert found.values[:2, lane].tolist() == parents
        logits = forward_from(double, layer, expected[2:], 2)
        loss = F.cross_entropy(logits, labels[lane].repeat(sum(sizes)), reduction="none")
        assert_close(found.values[2:, lane], -loss)


def test_the_first_population_is_the_block_behind_noise_in_units_of_each_channel(task, double):
    pixels, labels, streams = begin(task, range(2))
    found = LayerwiseSearch(double, SEARCH, TENSORS).first(pixels, labels, streams)
    for lane, generator in enumerate(generators(range(2))):
        white = F.gelu(F.conv2d(pixels[lane][None], double.parameters["whitening"]))
        noise = torch.randn(9, 8, 8, 8, generator=generator, dtype=torch.float64).permute(0, 3, 1, 2)
        deviation = white.std((2, 3), correction=0, keepdim=True)
        noisy = white + SEARCH.noise * deviation * noise
        expected = run_block(double.shape, double.parameters, 0, noisy, double.statistics).permute(0, 2, 3, 1)
        assert_close(found.genes[:, lane], expected)
        loss = F.cross_entropy(forward_from(double, 0, expected, 2), labels[lane].repeat(9), reduction="none")
        assert_close(found.values[:, lane], -loss)


def test_a_search_is_its_generations_layer_by_layer_and_keeps_the_best_of_each(task, double):
    search = LayerwiseSearch(double, SEARCH, TENSORS)
    pixels, labels, streams = begin(task, range(2))
    found = search.run(pixels, labels, generators(range(2)))
    population = search.first(pixels, labels, streams)
    for layer, n_generations in enumerate((3, 2, 2)):
        for _ in range(n_generations):
            population = search.generation(layer, SEARCH.layers[layer], population, labels, streams)
        best = population.values.argmax(0)
        chosen = population.genes[best, torch.arange(2)]
        assert torch.equal(found.layers[layer], chosen)
        assert torch.equal(found.values[layer], population.values.max(0).values)
        if layer < 2:
            genes = forward_from(double, layer, chosen, layer + 1)[None]
            population = Population(genes, search.log_likelihood(layer + 1, genes, labels))


def test_candidates_that_are_kept_for_all_lanes_are_the_best_in_their_mean(double):
    values = torch.tensor([[0.0, 0.0], [9.0, -9.5], [1.0, 0.5], [-2.0, 5.0]])
    search = LayerwiseSearch(double, replace(SEARCH, select="lanes"), TENSORS)
    chosen = search._chosen(Population(values, values), 3, generators(range(2)))
    assert chosen.tolist() == [[3, 3], [2, 2], [0, 0]]


def test_without_selection_values_decide_nothing_and_every_lane_draws_for_itself(double):
    search = LayerwiseSearch(double, SEARCH, TENSORS, selecting=False)
    chosen = [
        search._chosen(Population(values, values), 2, generators(range(2)))
        for values in (torch.zeros(5, 2), torch.arange(10.0).view(5, 2))
    ]
    assert torch.equal(*chosen)
    for lane, generator in enumerate(generators(range(2))):
        assert chosen[0][:, lane].tolist() == torch.randn(5, generator=generator).argsort(descending=True)[:2].tolist()


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_the_log_likelihood_of_short_numbers_is_computed_in_float32(dtype):
    logits = torch.tensor([[0.1, 1.7, -3.3]]).to(dtype)
    found = label_log_likelihood(logits, torch.tensor([2]))
    assert found.dtype == torch.float32
    assert torch.equal(found, label_log_likelihood(logits.float(), torch.tensor([2])))


def test_layers_that_are_not_one_a_block_and_one_for_the_logits_are_refused():
    refuse_other_layers(SEARCH, 2)
    with pytest.raises(ValueError, match="layers needs 4 entries, one a block and one for the logits"):
        refuse_other_layers(SEARCH, 3)
