"""Gradient boosting as a surrogate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from annotated_types import Ge, Interval

from evokit.interfaces import Context
from evokit.options import Count
from evokit.surrogates.scikit_learn import Regressor, mean_alone


@dataclass(frozen=True)
class GradientBoosting:
    """``trees`` one after the other, each of ``depth``, fitted to what those before left and counted at ``rate``.

    It does not say how sure it is, so of the acquisitions it takes ``mean`` alone; an ``ensemble`` of several copies
    has a spread. Fitted to the last ``window`` measurements, or to all; fits every genome whose genes have features.

    Source: Friedman 2001, "Greedy function approximation: a gradient boosting machine".
    """

    trees: Count = 100
    depth: Count = 3
    rate: Annotated[float, Interval(gt=0, le=1)] = 0.1
    window: Annotated[int, Ge(2)] | None = None
    genes: ClassVar[frozenset[str]] = frozenset()  # any kind

    def build(self, context: Context) -> Regressor:
        return Regressor(context, self._boosted, mean_alone, spreads=False, window=self.window)

    def _boosted(self, seed: int, n: int) -> Any:
        from sklearn.ensemble import GradientBoostingRegressor

        return GradientBoostingRegressor(
            n_estimators=self.trees, max_depth=self.depth, learning_rate=self.rate, random_state=seed
        )
