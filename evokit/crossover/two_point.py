"""Two-point crossover."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from evokit.common.readonly import readonly
from evokit.crossover.pairs import Crossover, check_pair, sometimes
from evokit.interfaces import Context
from evokit.options import Probability


def two_point_crossover(a: np.ndarray, b: np.ndarray, *, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Swap the genes between two cut points.

    Args:
        a: ``(n_genes,)`` parent; left unchanged.
        b: Parent of the same shape; left unchanged.
        rng: Draws two different cuts in ``1..n_genes``, each pair as likely. The first gene stays where it is, which
            loses nothing: exchanging the parents exchanges the children.

    Returns:
        Two read-only ``(n_genes,)`` children; copies of the parents if these have a single gene.

    Raises:
        ValueError: The parents differ in shape.

    >>> two_point_crossover(np.zeros(2), np.ones(2), rng=np.random.default_rng(0))
    (array([0., 1.]), array([1., 0.]))
    """
    check_pair(a, b)
    first, second = _cuts(len(a), rng) if len(a) > 1 else (1, 1)
    left, right = a.copy(), b.copy()
    left[first:second] = b[first:second]
    right[first:second] = a[first:second]
    return readonly(left), readonly(right)


def _cuts(n: int, rng: np.random.Generator) -> tuple[int, int]:
    one = int(rng.integers(1, n + 1))
    other = int(rng.integers(1, n))
    # The second is drawn from one place fewer and steps over the first: different without drawing again.
    other += other >= one
    return min(one, other), max(one, other)


@dataclass(frozen=True)
class TwoPoint:
    """``prob``: chance that a pair is crossed at all."""

    prob: Probability = 0.75
    genes: ClassVar[frozenset[str]] = frozenset({"index_vector", "real_vector", "bits"})

    def build(self, context: Context) -> Crossover:
        return sometimes(lambda a, b, rng: two_point_crossover(a, b, rng=rng), self.prob)
