"""What crossovers share: the check of a pair, and the chance that it is crossed at all."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import numpy as np

Crossover = Callable[[Any, Any, np.random.Generator], tuple[Any, Any]]  # parents unchanged, two children


def check_pair(a: np.ndarray, b: np.ndarray) -> None:
    """Raises ``ValueError`` if the parents differ in shape."""
    if a.shape != b.shape:
        raise ValueError(f"parents must have equal shapes, got {a.shape} and {b.shape}")


def sometimes(cross: Crossover, prob: float) -> Crossover:
    """``cross`` with probability ``prob``; else the parents are passed on, the first one first.

    One draw decides, before any draw of ``cross``.
    """

    @wraps(cross)
    def crossover(a: Any, b: Any, rng: np.random.Generator) -> tuple[Any, Any]:
        return cross(a, b, rng) if rng.random() < prob else (a, b)

    return crossover
