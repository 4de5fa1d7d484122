"""One-max: the number of ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from evokit.interfaces import Goal


@dataclass(frozen=True)
class Onemax:
    """The fitness itself: how many bits are set, to be maximised."""

    objectives: ClassVar[Mapping[str, Goal]] = {"ones": "max"}
    takes: ClassVar[frozenset[str]] = frozenset({"bits"})
    slots: ClassVar[Mapping[str, Any]] = {}
    budgets: ClassVar[Sequence[int]] = (1,)
    context: ClassVar[str] = "onemax"
    batch: ClassVar[int] = 1024  # of arrays that are looked at together

    def evaluate(self, batch: Sequence[np.ndarray], budget: int) -> np.ndarray:
        """Number of ones of each phenotype, ``(n,)`` float64."""
        return np.array([np.count_nonzero(bits) for bits in batch], float)
