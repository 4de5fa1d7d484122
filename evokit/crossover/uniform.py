"""Uniform crossover."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from evokit.common.readonly import readonly
from evokit.crossover.pairs import Crossover, check_pair, sometimes
from evokit.interfaces import Context
from evokit.options import Probability


def uniform_crossover(
    a: np.ndarray, b: np.ndarray, *, swap_prob: float = 0.5, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Swap each gene between two parents with probability ``swap_prob``.

    Args:
        a: ``(n_genes,)`` parent; left unchanged.
        b: Parent of the same shape; left unchanged.
        swap_prob: Chance in [0, 1] that a gene changes sides.
        rng: Decides the swaps; one draw per gene.

    Returns:
        Two read-only ``(n_genes,)`` children; together they hold every gene of both parents.

    Raises:
        ValueError: The parents differ in shape.

    Source: Syswerda 1989, "Uniform Crossover in Genetic Algorithms".

    >>> uniform_crossover(np.zeros(2), np.ones(2), swap_prob=1.0, rng=np.random.default_rng(0))
    (array([1., 1.]), array([0., 0.]))
    """
    check_pair(a, b)
    swap = rng.random(a.shape) < swap_prob
    return readonly(np.where(swap, b, a)), readonly(np.where(swap, a, b))


@dataclass(frozen=True)
class Uniform:
    """``prob``: chance that a pair is crossed at all; ``swap_prob``: chance that a gene then changes sides."""

    prob: Probability = 0.75
    swap_prob: Probability = 0.5
    genes: ClassVar[frozenset[str]] = frozenset({"index_vector", "real_vector", "bits"})

    def build(self, context: Context) -> Crossover:
        return sometimes(lambda a, b, rng: uniform_crossover(a, b, swap_prob=self.swap_prob, rng=rng), self.prob)
