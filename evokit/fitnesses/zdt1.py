"""ZDT1: two objectives whose Pareto front is known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from evokit.interfaces import Goal


@dataclass(frozen=True)
class ZDT1:
    """Two objectives of a vector in [0, 1]; on the front all but the first number are 0 and ``f2 = 1 - sqrt(f1)``.

    Source: Zitzler, Deb and Thiele 2000, "Comparison of multiobjective evolutionary algorithms: Empirical results",
    eq. 7.
    """

    objectives: ClassVar[Mapping[str, Goal]] = {"f1": "min", "f2": "min"}
    takes: ClassVar[frozenset[str]] = frozenset({"vector"})
    slots: ClassVar[Mapping[str, Any]] = {}
    budgets: ClassVar[Sequence[int]] = (1,)
    context: ClassVar[str] = "zdt1"
    batch: ClassVar[int] = 1024  # of arrays that are looked at together

    def evaluate(self, batch: Sequence[np.ndarray], budget: int) -> np.ndarray:
        """``(n, 2)`` values of ``n`` vectors.

        Raises:
            ValueError: A vector has fewer than two numbers, or one outside [0, 1].
        """
        x = np.stack(batch).astype(float)
        if x.shape[1] < 2 or x.min() < 0 or x.max() > 1:
            raise ValueError("zdt1 takes two or more numbers in [0, 1]")
        g = 1 + 9 * x[:, 1:].mean(axis=1)
        return np.stack([x[:, 0], g * (1 - np.sqrt(x[:, 0] / g))], axis=1)
