import numpy as np
import pytest

from evokit.genomes.real_vector import RealVector
from evokit.interfaces import Context
from evokit.streams import Streams
from evokit.surrogates.ridge import Ridge


def test_spread_is_the_error_of_leaving_one_out():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(12, 3))
    y = X @ [1.0, 2.0, 3.0] + rng.normal(size=12)
    errors = [y[i] - fitted(np.delete(X, i, 0), np.delete(y, i)).predict(X[i : i + 1])[0][0] for i in range(12)]
    _, spread = fitted(X, y).predict(X)
    # The closed form keeps the mean of all values, so it differs from twelve separate fits by little, not nothing.
    assert spread == pytest.approx(np.full(12, np.sqrt(np.mean(np.square(errors)))), rel=0.1)


def test_prediction_equals_the_normal_equations():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(12, 3)), rng.normal(size=12)
    centred = X - X.mean(axis=0)
    weights = np.linalg.solve(centred.T @ centred + 2.0 * np.eye(3), centred.T @ (y - y.mean()))
    mean, _ = fitted(X, y, alpha=2.0).predict(X)
    assert mean == pytest.approx(y.mean() + centred @ weights)


def fitted(X, y, alpha=1.0):
    surrogate = Ridge(alpha=alpha).build(Context(Streams(0), genome=RealVector(-9, 9, 3)))
    surrogate.fit(X, y, np.random.default_rng(0))
    return surrogate
