"""Extremely randomised trees as a surrogate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from annotated_types import Ge

from evokit.interfaces import Context
from evokit.options import Count
from evokit.surrogates.scikit_learn import Regressor, over_trees


@dataclass(frozen=True)
class ExtraTrees:
    """``trees`` on all measurements, split where chance says, with at least ``min_leaf`` a leaf.

    Their deviation is the spread; with leaves of one it is 0 where something was measured. Smoother between
    measurements than ``random_forest``, and faster. Fitted to the last ``window`` measurements,
    or to all; fits every genome whose genes have features.

    Source: Geurts, Ernst and Wehenkel 2006, "Extremely randomized trees".
    """

    trees: Annotated[int, Ge(2)] = 100
    min_leaf: Count = 1
    window: Annotated[int, Ge(2)] | None = None
    genes: ClassVar[frozenset[str]] = frozenset()  # any kind

    def build(self, context: Context) -> Regressor:
        return Regressor(context, self._forest, over_trees, window=self.window)

    def _forest(self, seed: int, n: int) -> Any:
        from sklearn.ensemble import ExtraTreesRegressor

        return ExtraTreesRegressor(n_estimators=self.trees, min_samples_leaf=self.min_leaf, random_state=seed)
