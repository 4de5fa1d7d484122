"""Several surrogates as one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import numpy as np
from annotated_types import MinLen

from evokit.components.nested import Nested
from evokit.interfaces import Context, Surrogate
from evokit.options import Count
from evokit.surrogates.features import check_points


class EnsembleSurrogate:
    """The mixture of its members: each counts alike, and they disagree where nobody knows.

    Args:
        members: Fitted one after the other, from one stream.
        resampled: Whether each is fitted to measurements drawn with replacement in place of all.
    """

    spreads = True

    def __init__(self, members: Sequence[Surrogate], resampled: bool) -> None:
        self._members, self._resampled = members, resampled

    def fit(self, X: np.ndarray, y: np.ndarray, rng: np.random.Generator) -> None:
        """Fit all members to ``(n, n_features)`` encodings and ``(n,)`` values in the order of measurement.

        Raises:
            ValueError: Fewer than two measurements.
        """
        check_points(X, y)
        for member in self._members:
            drawn = np.sort(rng.integers(len(X), size=len(X))) if self._resampled else np.arange(len(X))
            member.fit(X[drawn], y[drawn], rng)

    def predict(self, X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Mean and spread of the mixture, ``(n,)`` float64 each. Raises ``RuntimeError`` before ``fit``."""
        means, spreads = (np.stack(some) for some in zip(*(one.predict(X) for one in self._members), strict=True))
        return means.mean(axis=0), np.sqrt(means.var(axis=0) + np.square(spreads).mean(axis=0))


@dataclass(frozen=True)
class Ensemble:
    """``members``: surrogates that are asked together; the mean of their means is the prediction.

    The spread is how far they are apart and how unsure each is, variances added. With ``copies`` above 1 there are so
    many of each member, each fitted to its own resample (bagging), which gives those a spread that have none.

    Source: Breiman 1996, "Bagging predictors"; Lakshminarayanan, Pritzel and Blundell 2017, "Simple and scalable
    predictive uncertainty estimation using deep ensembles", section 2.4, for the mixture.

    Raises:
        ValueError: It is one member alone.
    """

    members: Annotated[tuple[Annotated[Mapping[str, Any], Nested("surrogate")], ...], MinLen(1)]
    copies: Count = 1
    genes: ClassVar[frozenset[str]] = frozenset()  # what its members work on

    def __post_init__(self) -> None:
        if len(self.members) * self.copies < 2:
            raise ValueError("an ensemble needs two members, or copies of one: give copies: 8")

    def build(self, context: Context) -> EnsembleSurrogate:
        assert context.build is not None
        members = [context.build(member) for member in self.members for _ in range(self.copies)]
        return EnsembleSurrogate(members, self.copies > 1)
