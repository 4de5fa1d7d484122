from dataclasses import replace

import pytest
import torch

from evokit_activations.analyses.options import Scaling, ScalingPoint
from evokit_activations.analyses.points import one_layer, resized
from evokit_activations.analyses.scaling import ScalingAnalysis, milestones
from evokit_activations.layerwise.search import LayerwiseSearch, forward_from
from evokit_activations.options import Evolution

from ..tiny import OPTIONS, SEARCH, TENSORS, context

EVOLUTION = Evolution(
    **{name: getattr(SEARCH, name) for name in ("layers", "parents", "explorers", "refiners", "noise")}, lanes=3
)


def scaling(**changes):
    options = Scaling(OPTIONS.model, OPTIONS.training, "bfloat16", TENSORS, EVOLUTION)
    return ScalingAnalysis(replace(options, **changes), context())


def test_a_block_that_is_searched_alone_leaves_the_earlier_ones_as_they_are():
    analysis = scaling()
    search = LayerwiseSearch(analysis.task.untrained, EVOLUTION, TENSORS)
    pixels, labels, generators = next(analysis.training_pictures(3).groups(3))
    populations = list(one_layer(search, 1, pixels, labels, generators))
    first = populations[0]
    assert len(populations) == 1 + EVOLUTION.layers[1].generations
    assert len(first.genes) == 1
    logits = forward_from(search.network, 1, first.genes[0], 2)
    assert torch.equal(logits, search.network.forward(pixels)[1])
    best = torch.stack([one.values.amax(0) for one in populations])
    assert (best[1:] >= best[:-1]).all(), "parents stay"


def test_the_first_images_are_measured_alone_as_among_all():
    analysis = scaling()
    assert analysis.budgets == [3, 24]
    low, full = (analysis.measure(ScalingPoint(0, 9), n) for n in (3, 24))
    assert low == analysis.measure(ScalingPoint(0, 9), 3)
    assert low["cross_entropy_after_3"] == low["cross_entropy"] != full["cross_entropy"]


def test_populations_keep_their_shares():
    sizes = [resized(Evolution(), population) for population in (240, 120, 24, 480, 2)]
    assert [(one.parents, one.explorers, one.refiners) for one in sizes] == [
        (20, 100, 120),
        (10, 50, 60),
        (2, 10, 12),
        (40, 200, 240),
        (1, 1, 0),
    ]
    with pytest.raises(ValueError, match="must hold a parent and a child, got 1"):
        resized(Evolution(), 1)


@pytest.mark.parametrize(
    ("generations", "noted"), [(0, [0]), (1, [0, 1]), (5, [0, 1, 2, 5]), (12, [0, 1, 2, 5, 10, 12])]
)
def test_generations_are_noted_in_a_series(generations, noted):
    assert milestones(generations) == noted


@pytest.mark.parametrize(
    ("point", "message"),
    [
        ({"layer": 2, "population": 9}, "layer must be below 2"),
        ({"layer": 0, "population": 0}, "population: must be at least 1"),
        ({"layer": 0, "population": 1}, "a parent and a child"),
        ({"layer": 0}, "population is missing"),
        ({"layer": 0, "population": 9, "sise": 2}, "sise: unknown"),
    ],
)
def test_a_point_that_makes_no_sense_is_refused(point, message):
    with pytest.raises(ValueError, match=message):
        scaling().accept(point)


def test_layers_must_fit_the_network():
    with pytest.raises(ValueError, match="layers needs 3 entries"):
        scaling(evolution=replace(EVOLUTION, layers=EVOLUTION.layers[:2]))
