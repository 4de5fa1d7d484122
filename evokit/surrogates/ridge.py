"""Ridge regression as a surrogate."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from evokit.common.cores import set_threads
from evokit.interfaces import Context
from evokit.options import Positive
from evokit.surrogates.features import check_points, features_of


class RidgeSurrogate:
    """Each gene's choice adds its share to the value; the shares are shrunk to zero.

    The spread is the same everywhere: the root mean square error of leaving one measurement out.

    Args:
        features: Of encodings ``(n, n_features)``.
        alpha: Strength of the shrinking.
        threads: Of linear algebra, part of the result.
    """

    def __init__(self, features: Callable[[np.ndarray], np.ndarray], alpha: float, threads: int) -> None:
        self._features = features
        self._alpha, self._threads = alpha, threads
        self._model: Any = None
        self._spread = 0.0

    def fit(self, X: np.ndarray, y: np.ndarray, rng: np.random.Generator) -> None:
        """Fit to ``(n, n_features)`` encodings and ``(n,)`` values. Draws nothing.

        Raises:
            ValueError: Fewer than two measurements.
        """
        from sklearn.linear_model import RidgeCV

        check_points(X, y)
        set_threads(self._threads)  # of what the import brought
        # Among one strength there is nothing to choose; what is wanted is its leave-one-out error in closed form.
        model = RidgeCV(alphas=[self._alpha], store_cv_results=True)
        self._model = model.fit(self._features(X).astype(np.float64), y)
        self._spread = float(np.sqrt(model.cv_results_.mean()))

    def predict(self, X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Mean and spread, ``(n,)`` float64 each. Raises ``RuntimeError`` before ``fit``."""
        if self._model is None:
            raise RuntimeError("fit comes before predict")
        mean: np.ndarray = self._model.predict(self._features(X).astype(np.float64))
        return mean, np.full(len(X), self._spread)


@dataclass(frozen=True)
class Ridge:
    """``alpha``: strength of the shrinking. Fits every genome that has ``encode``."""

    alpha: Positive = 1.0
    genes: ClassVar[frozenset[str]] = frozenset()  # any kind

    def build(self, context: Context) -> RidgeSurrogate:
        return RidgeSurrogate(features_of(context.genome), self.alpha, context.threads)
