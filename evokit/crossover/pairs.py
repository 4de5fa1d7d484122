"""What crossovers share: the check of a pair, the chance that it is crossed at all, and many pairs at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial, wraps
from typing import Any

import numpy as np

from evokit.common.readonly import readonly

Crossover = Callable[[Any, Any, np.random.Generator], tuple[Any, Any]]  # parents unchanged, two children


def check_pair(a: np.ndarray, b: np.ndarray) -> None:
    """Raises ``ValueError`` if the parents differ in shape."""
    if a.shape != b.shape:
        raise ValueError(f"parents must have equal shapes, got {a.shape} and {b.shape}")


def within(genome: Any, cross: Callable[..., Any], prob: float, **options: Any) -> PairsAtOnce:
    """A crossover of real numbers that is told the bounds of a genome and options of its own, as keywords."""
    return PairsAtOnce(partial(_with_rng, partial(cross, low=genome.low, high=genome.high, **options)), prob)


def _with_rng(cross: Callable[..., Any], a: np.ndarray, b: np.ndarray, rng: np.random.Generator) -> Any:
    return cross(a, b, rng=rng)


def sometimes(cross: Crossover, prob: float) -> Crossover:
    """``cross`` with probability ``prob``; else the parents are passed on, the first one first.

    One draw decides, before any draw of ``cross``.
    """

    @wraps(cross)
    def crossover(a: Any, b: Any, rng: np.random.Generator) -> tuple[Any, Any]:
        return cross(a, b, rng) if rng.random() < prob else (a, b)

    return crossover


@dataclass(frozen=True)
class PairsAtOnce:
    """A crossover of whole populations; called, it crosses one pair.

    Args:
        cross: ``(n, n_genes)`` parents ``a`` and ``b``, which it leaves unchanged, and a generator to children of the
            same shape.
        prob: Chance that a pair is crossed at all; else the parents are passed on, the first one first.
    """

    cross: Callable[[np.ndarray, np.ndarray, np.random.Generator], tuple[np.ndarray, np.ndarray]]
    prob: float = 1.0

    def rows(self, a: np.ndarray, b: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Cross row i of ``a`` with row i of ``b``, each ``(n, n_genes)``; one draw a pair comes before all others."""
        crossed = rng.random(len(a)) < self.prob
        if crossed.all():
            return self.cross(a, b, rng)
        first, second = a.copy(), b.copy()
        if crossed.any():
            first[crossed], second[crossed] = self.cross(a[crossed], b[crossed], rng)
        return first, second

    def __call__(self, a: np.ndarray, b: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        check_pair(a, b)
        first, second = self.rows(a[None], b[None], rng)
        return readonly(first[0]), readonly(second[0])
