"""Random forest as a surrogate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from annotated_types import Ge

from evokit.interfaces import Context
from evokit.options import Count, added
from evokit.surrogates.scikit_learn import Regressor, over_trees


@dataclass(frozen=True)
class RandomForest:
    """``trees``, each on its own resample, with at least ``min_leaf`` measurements a leaf.

    Their deviation is the spread. Fitted to the last ``window`` measurements, or to all; fits every genome whose genes
    have features.

    Source: Breiman 2001, "Random Forests".
    """

    trees: Annotated[int, Ge(2)] = 100
    min_leaf: Count = 1
    window: Annotated[int, Ge(2)] | None = added(None)
    genes: ClassVar[frozenset[str]] = frozenset()  # any kind

    def build(self, context: Context) -> Regressor:
        return Regressor(context, self._forest, over_trees, window=self.window)

    def _forest(self, seed: int, n: int) -> Any:
        from sklearn.ensemble import RandomForestRegressor

        return RandomForestRegressor(
            n_estimators=self.trees,
            min_samples_leaf=self.min_leaf,
            max_features=1 / 3,  # of the features, Breiman's choice for regression
            random_state=seed,
        )
