"""What every surrogate must do, whatever its model."""

import random
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.stats import spearmanr

from evokit.genomes.bits import Bits
from evokit.genomes.index_vector import IndexVector
from evokit.genomes.real_vector import RealVector
from evokit.interfaces import Context
from evokit.streams import Streams
from evokit.surrogates.embedding_mlp import EmbeddingMLP
from evokit.surrogates.ensemble import Ensemble
from evokit.surrogates.extra_trees import ExtraTrees
from evokit.surrogates.gaussian_process import GaussianProcess
from evokit.surrogates.gradient_boosting import GradientBoosting
from evokit.surrogates.nearest_neighbours import NearestNeighbours
from evokit.surrogates.random_forest import RandomForest
from evokit.surrogates.ridge import Ridge

OPTIONS = [
    EmbeddingMLP(),
    Ensemble(members=(Ridge(), ExtraTrees(trees=20))),
    ExtraTrees(trees=30),
    GaussianProcess(),
    GradientBoosting(),
    NearestNeighbours(),
    RandomForest(trees=30),
    Ridge(),
]
every_surrogate = pytest.mark.parametrize("options", OPTIONS, ids=lambda options: type(options).__name__)

CHOICES = IndexVector([6, 1, 4, 6, 5])


def built(options, genome=CHOICES):
    context = Context(Streams(0), genome=genome)
    return options.build(replace(context, build=lambda section: section.build(context)))


def points(genome, n, seed=0):
    rng = np.random.default_rng(seed)
    return np.stack([genome.encode(genome.random(rng)) for _ in range(n)])


def additive(X):
    """Each choice has a worth of its own that has nothing to do with its number."""
    worth = np.random.default_rng(1).normal(size=(X.shape[1], 6))
    return 100 + 3 * worth[np.arange(X.shape[1]), X.astype(int)].sum(axis=1)


def fitted(options, n=200, seed=0):
    surrogate, X = built(options), points(CHOICES, n)
    surrogate.fit(X, additive(X), np.random.default_rng(seed))
    return surrogate


@every_surrogate
def test_unseen_individuals_are_ranked(options):
    X = points(CHOICES, 200, seed=5)
    mean, _ = fitted(options).predict(X)
    assert spearmanr(mean, additive(X)).statistic > 0.8


@every_surrogate
def test_predictions_are_in_the_unit_of_the_values(options):
    X = points(CHOICES, 200, seed=5)
    mean, _ = fitted(options).predict(X)
    assert mean.mean() == pytest.approx(additive(X).mean(), abs=1.5)


@every_surrogate
def test_spread_has_the_size_of_the_error(options):
    X = points(CHOICES, 200, seed=5)
    mean, spread = fitted(options).predict(X)
    # Where a model is as good as right, what it takes for noise is left.
    error = max(np.sqrt(np.square(mean - additive(X)).mean()), 1e-3 * additive(X).std())
    assert spread.shape == mean.shape
    if not getattr(built(options), "spreads", True):
        assert not spread.any()
        return
    assert 0.2 < np.sqrt(np.square(spread).mean()) / error < 5


@every_surrogate
def test_same_stream_gives_the_same_predictions_bit_for_bit(options):
    X = points(CHOICES, 20, seed=5)
    first, second = (np.stack(fitted(options).predict(X)) for _ in range(2))
    assert first.tobytes() == second.tobytes()


@every_surrogate
def test_a_second_fit_forgets_the_first(options):
    X, again = points(CHOICES, 20, seed=5), fitted(options, n=50)
    train = points(CHOICES, 200)
    again.fit(train, additive(train), np.random.default_rng(0))
    assert again.predict(X)[0].tobytes() == fitted(options).predict(X)[0].tobytes()


@every_surrogate
def test_no_global_generator_is_touched(options):
    def states():
        return random.getstate(), repr(np.random.get_state()), torch.get_rng_state().tolist()  # noqa: NPY002

    before = states()
    fitted(options, n=20).predict(points(CHOICES, 3))
    assert states() == before


@every_surrogate
def test_equal_values_are_predicted_as_they_are(options):
    surrogate, X = built(options), points(CHOICES, 30)
    surrogate.fit(X, np.full(30, 7.0), np.random.default_rng(0))
    assert surrogate.predict(X)[0] == pytest.approx(np.full(30, 7.0), abs=0.5)


@every_surrogate
def test_two_measurements_are_enough(options):
    surrogate, X = built(options), points(CHOICES, 2)
    surrogate.fit(X, np.array([1.0, 2.0]), np.random.default_rng(0))
    assert np.isfinite(surrogate.predict(X)).all()


@every_surrogate
def test_one_measurement_is_an_error(options):
    with pytest.raises(ValueError, match="needs at least 2 measurements, got 1"):
        built(options).fit(points(CHOICES, 1), np.zeros(1), np.random.default_rng(0))


@every_surrogate
def test_values_of_another_number_are_an_error(options):
    with pytest.raises(ValueError, match="X and y must have equal lengths, got 3 and 2"):
        built(options).fit(points(CHOICES, 3), np.zeros(2), np.random.default_rng(0))


@every_surrogate
def test_predicting_before_fitting_is_an_error(options):
    with pytest.raises(RuntimeError, match="fit comes before predict"):
        built(options).predict(points(CHOICES, 1))


@every_surrogate
def test_bits_are_ranked(options):
    genome = Bits(10)
    X, unseen = points(genome, 200), points(genome, 100, seed=5)
    surrogate = built(options, genome)
    surrogate.fit(X, X @ np.arange(10), np.random.default_rng(0))
    assert spearmanr(surrogate.predict(unseen)[0], unseen @ np.arange(10)).statistic > 0.8


@pytest.mark.parametrize("options", OPTIONS[1:], ids=lambda options: type(options).__name__)
def test_real_numbers_are_ranked(options):
    genome = RealVector(-1, 1, 3)
    X, unseen = points(genome, 200), points(genome, 100, seed=5)
    surrogate = built(options, genome)
    surrogate.fit(X, X.sum(axis=1), np.random.default_rng(0))
    assert spearmanr(surrogate.predict(unseen)[0], unseen.sum(axis=1)).statistic > 0.8
