import numpy as np

from evokit.genomes.bits import Bits
from evokit.interfaces import Context
from evokit.streams import Streams
from evokit.surrogates.random_forest import RandomForest


def test_mean_and_spread_are_over_the_trees():
    rng = np.random.default_rng(0)
    X, y = rng.integers(2, size=(40, 6)).astype(np.float32), rng.normal(size=40)
    surrogate = RandomForest(trees=7).build(Context(Streams(0), genome=Bits(6)))
    surrogate.fit(X, y, rng)
    trees = np.stack([tree.predict(X) for tree in surrogate._model.estimators_])
    mean, spread = surrogate.predict(X)
    assert len(trees) == 7
    np.testing.assert_allclose(mean, surrogate._model.predict(X))
    np.testing.assert_allclose(spread, trees.std(axis=0))


def test_a_stream_decides_the_trees():
    rng = np.random.default_rng(0)
    X, y = rng.integers(2, size=(40, 6)).astype(np.float32), rng.normal(size=40)
    means = []
    for seed in (0, 0, 1):
        surrogate = RandomForest(trees=5).build(Context(Streams(0), genome=Bits(6)))
        surrogate.fit(X, y, np.random.default_rng(seed))
        means.append(surrogate.predict(X)[0])
    assert np.array_equal(means[0], means[1])
    assert not np.array_equal(means[0], means[2])
