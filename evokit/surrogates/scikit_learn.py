"""Regressors of scikit-learn as surrogates."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from evokit.common.cores import set_threads
from evokit.interfaces import Context
from evokit.surrogates.features import check_points, features_of

Predictions = tuple[np.ndarray, np.ndarray]  # mean and spread, ``(n,)`` each


class Regressor:
    """Fitted anew to what it is given.

    Args:
        context: Of the run; its genome has encodings of ``(n, n_features)``.
        make: An unfitted regressor, of a seed and the number of measurements.
        told: Mean and spread of a fitted one at ``(n, n_columns)`` features.
        spreads: Whether that spread says anything.
        window: It is fitted to the last so many measurements; None for all.
    """

    def __init__(
        self,
        context: Context,
        make: Callable[[int, int], Any],
        told: Callable[[Any, np.ndarray], Predictions],
        spreads: bool = True,
        window: int | None = None,
    ) -> None:
        self.spreads = spreads
        self._last = slice(None if window is None else -window, None)
        self._features, self._make, self._told = features_of(context.genome), make, told
        self._threads = context.threads
        self._model: Any = None

    def fit(self, X: np.ndarray, y: np.ndarray, rng: np.random.Generator) -> None:
        """Fit to ``(n, n_features)`` encodings and ``(n,)`` values in the order of measurement. One draw seeds it.

        Raises:
            ValueError: Fewer than two measurements.
        """
        check_points(X, y)
        X, y = X[self._last], y[self._last]
        model = self._make(int(rng.integers(2**31)), len(X))
        set_threads(self._threads)  # of what making it has imported
        self._model = model.fit(self._features(X), y)

    def predict(self, X: np.ndarray) -> Predictions:
        """Mean and spread, ``(n,)`` float64 each. Raises ``RuntimeError`` before ``fit``."""
        if self._model is None:
            raise RuntimeError("fit comes before predict")
        return self._told(self._model, self._features(X))


def over_trees(forest: Any, features: np.ndarray) -> Predictions:
    """Mean over the trees of a forest and their standard deviation."""
    features = np.ascontiguousarray(features, np.float32)  # what a tree would make of it, each anew
    by_tree = np.stack([tree.predict(features, check_input=False) for tree in forest.estimators_])
    return by_tree.mean(axis=0), by_tree.std(axis=0)


def mean_alone(model: Any, features: np.ndarray) -> Predictions:
    """The predictions of a regressor that does not say how sure it is: the spread is 0."""
    mean = np.asarray(model.predict(features), np.float64)
    return mean, np.zeros(len(mean))
