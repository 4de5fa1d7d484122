"""A fitness for whatever has none, so that an operator, a surrogate or a search can be tried alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from evokit.interfaces import Goal


@dataclass(frozen=True)
class MadeUp:
    """Squared distance of an array to the ramp from 0 to 1, or its negative where ``goal`` is max.

    ``levels``: how many budgets there are, all of which tell the same. ``fails``: whether nothing has a value.
    """

    goal: Goal = "min"
    levels: int = 1
    fails: bool = False
    slots: ClassVar[dict[str, Any]] = {}

    @property
    def budgets(self) -> tuple[int, ...]:
        return tuple(4**level for level in range(self.levels))

    @property
    def objectives(self) -> dict[str, Goal]:
        return {"distance": self.goal}

    @property
    def context(self) -> str:
        return f"made up {self.goal}"

    def evaluate(self, batch: Sequence[Any], budget: int) -> list[float]:
        if self.fails:
            return [float("nan")] * len(batch)
        sign = -1.0 if self.goal == "max" else 1.0
        return [sign * _distance(np.asarray(phenotype, float).ravel()) for phenotype in batch]


def _distance(numbers: np.ndarray) -> float:
    return float(np.square(numbers - np.linspace(0, 1, len(numbers))).sum())
