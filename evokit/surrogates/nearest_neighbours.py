"""Nearest neighbours as a surrogate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import numpy as np
from annotated_types import Ge

from evokit.interfaces import Context
from evokit.options import Count
from evokit.surrogates.scikit_learn import Predictions, Regressor


@dataclass(frozen=True)
class NearestNeighbours:
    """The mean of the ``k`` nearest measurements, the nearer counting more (by 1 / distance).

    Their deviation is the spread. Features are brought to equal deviations first. Fitted to the last ``window``
    measurements, or to all; fits every genome whose genes have features.

    Source: Cover and Hart 1967, "Nearest neighbor pattern classification"; Shepard 1968, "A two-dimensional
    interpolation function for irregularly-spaced data", for the weights.
    """

    k: Count = 5
    window: Annotated[int, Ge(2)] | None = None
    genes: ClassVar[frozenset[str]] = frozenset()  # any kind

    def build(self, context: Context) -> Regressor:
        return Regressor(context, self._neighbours, _around, window=self.window)

    def _neighbours(self, seed: int, n: int) -> Any:
        from sklearn.neighbors import KNeighborsRegressor
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler

        return make_pipeline(StandardScaler(), KNeighborsRegressor(min(self.k, n), weights="distance"))


def _around(pipeline: Any, features: np.ndarray) -> Predictions:
    scaler, model = (step for _, step in pipeline.steps)
    distances, places = model.kneighbors(scaler.transform(features))
    with np.errstate(divide="ignore"):
        weights = 1 / distances
    same = np.isinf(weights)  # what was measured there counts alone
    weights = np.where(same.any(axis=1, keepdims=True), same, weights)
    weights /= weights.sum(axis=1, keepdims=True)
    values = model._y[places]
    mean = (weights * values).sum(axis=1)
    return mean, np.sqrt((weights * np.square(values - mean[:, None])).sum(axis=1))
