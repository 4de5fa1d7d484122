"""One-point crossover."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from evokit.common.readonly import readonly
from evokit.crossover.pairs import Crossover, check_pair, sometimes
from evokit.interfaces import Context
from evokit.options import Probability


def one_point_crossover(a: np.ndarray, b: np.ndarray, *, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Swap all genes from one cut point on.

    Args:
        a: ``(n_genes,)`` parent; left unchanged.
        b: Parent of the same shape; left unchanged.
        rng: Draws the cut, uniform in ``1..n_genes - 1``, so that both parents give something.

    Returns:
        Two read-only ``(n_genes,)`` children; copies of the parents if these have a single gene.

    Raises:
        ValueError: The parents differ in shape.

    Source: CLSO, section 3.3.

    >>> one_point_crossover(np.zeros(2), np.ones(2), rng=np.random.default_rng(0))
    (array([0., 1.]), array([1., 0.]))
    """
    check_pair(a, b)
    cut = int(rng.integers(1, len(a))) if len(a) > 1 else 1
    return readonly(np.concatenate([a[:cut], b[cut:]])), readonly(np.concatenate([b[:cut], a[cut:]]))


@dataclass(frozen=True)
class OnePoint:
    """``prob``: chance that a pair is crossed at all."""

    prob: Probability = 0.75
    genes: ClassVar[frozenset[str]] = frozenset({"index_vector", "real_vector", "bits"})

    def build(self, context: Context) -> Crossover:
        return sometimes(lambda a, b, rng: one_point_crossover(a, b, rng=rng), self.prob)
