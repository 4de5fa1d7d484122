"""The fitness of the recipe ``pruned_networks``, a file beside it."""

import importlib.util

import numpy as np
import pytest

from evokit.interfaces import Context
from evokit.streams import Streams
from tests.small import RECIPES

GENES = np.array([0.4, 0.5, 0.7, 0.6, 0.2])


@pytest.fixture(scope="module")
def module():
    spec = importlib.util.spec_from_file_location("digit_networks", RECIPES / "digit_networks.py")
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


@pytest.fixture
def trainings(module):
    return module.DigitNetworks(epochs=(1, 3)).build(Context(Streams(0)))


def test_slopes_are_those_of_the_cross_entropy(module, rng):
    network = module.Network(3, 1.0, rng)
    network.weights[:] = rng.normal(0, 0.3, network.weights.shape)
    x, y = rng.standard_normal((7, 64)).astype(np.float32), rng.integers(0, 10, 7)

    def loss():
        logits = network.outputs(x)[1].astype(float)
        return np.mean(np.log(np.exp(logits).sum(1)) - logits[np.arange(7), y])

    slope, step = network.slope(x, y), 1e-2
    for place in range(0, network.weights.size, 11):
        before = network.weights[place]
        network.weights[place] = before + step
        above = loss()
        network.weights[place] = before - step
        assert (above - loss()) / (2 * step) == pytest.approx(slope[place], abs=2e-3)
        network.weights[place] = before


def test_weights_are_counted_with_their_biases(trainings):
    (answer,) = trainings.evaluate([np.zeros(5)], 1)
    assert answer.metrics["weights"] == 64 + 1 + 10 + 10  # a single unit
    assert answer.values[1] == np.log2(85)


def test_more_epochs_learn_more_and_are_the_work(trainings):
    short, long = (trainings.evaluate([GENES], budget)[0] for budget in (1, 3))
    assert long.values[0] < short.values[0]
    assert (short.work, long.work) == (1, 3)
    assert long.values[1] == short.values[1]


def test_fresh_trainings_are_judged_by_images_that_the_search_never_saw(trainings):
    contexts, images = [], []
    for one in (trainings, trainings.fresh(), trainings.fresh().fresh()):
        contexts.append(one.context)
        images += [image.tobytes() for image in one._judging[0]]
    learnt = {image.tobytes() for image in trainings._train[0]}
    assert len(set(contexts)) == 3
    assert len(set(images)) == len(images)
    assert not learnt & set(images)
