"""Random forest as a surrogate."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import numpy as np
from annotated_types import Ge

from evokit.interfaces import Context
from evokit.options import Count
from evokit.surrogates.features import check_points, features_of


class RandomForestSurrogate:
    """Mean over trees, each grown on its own resample; the spread is their standard deviation.

    Args:
        features: Of encodings ``(n, n_features)``.
        trees: Number of trees.
        min_leaf: Least number of measurements in a leaf.
    """

    def __init__(self, features: Callable[[np.ndarray], np.ndarray], trees: int, min_leaf: int) -> None:
        self._features = features
        self._trees = trees
        self._min_leaf = min_leaf
        self._model: Any = None

    def fit(self, X: np.ndarray, y: np.ndarray, rng: np.random.Generator) -> None:
        """Fit to ``(n, n_features)`` encodings and ``(n,)`` values. One draw seeds the trees.

        Raises:
            ValueError: Fewer than two measurements.
        """
        from sklearn.ensemble import RandomForestRegressor

        check_points(X, y)
        self._model = RandomForestRegressor(
            n_estimators=self._trees,
            min_samples_leaf=self._min_leaf,
            max_features=1 / 3,  # of the features, Breiman's choice for regression
            random_state=int(rng.integers(2**31)),
        ).fit(self._features(X), y)

    def predict(self, X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Mean and spread, ``(n,)`` float64 each. Raises ``RuntimeError`` before ``fit``."""
        if self._model is None:
            raise RuntimeError("fit comes before predict")
        features = self._features(X)
        by_tree = np.stack([tree.predict(features) for tree in self._model.estimators_])
        return by_tree.mean(axis=0), by_tree.std(axis=0)


@dataclass(frozen=True)
class RandomForest:
    """``trees``, each with at least ``min_leaf`` measurements a leaf. Fits every genome that has ``encode``."""

    trees: Annotated[int, Ge(2)] = 100
    min_leaf: Count = 1
    genes: ClassVar[frozenset[str]] = frozenset()  # any kind

    def build(self, context: Context) -> RandomForestSurrogate:
        return RandomForestSurrogate(features_of(context.genome), self.trees, self.min_leaf)
