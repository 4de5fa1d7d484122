"""Arithmetical crossover: children on the line between their parents."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from evokit.crossover.pairs import PairsAtOnce
from evokit.interfaces import Context
from evokit.options import Probability


def arithmetic_crossover(
    a: np.ndarray, b: np.ndarray, *, share: float | None = None, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Weighted means of two parents, the weights of the second child being those of the first turned round.

    Args:
        a: ``(n, n_genes)`` float64 parents; left unchanged.
        b: Other parents of the same shape; left unchanged.
        share: Of ``a`` in the first child, in [0, 1]; None draws one for each pair.
        rng: Draws the shares that are not told, uniform in [0, 1).

    Returns:
        Two ``(n, n_genes)`` arrays, each gene between those of the parents.

    Source: Michalewicz 1992, "Genetic Algorithms + Data Structures = Evolution Programs", whole arithmetical crossover.
    """
    shares = rng.random((len(a), 1)) if share is None else share
    lower, upper = np.minimum(a, b), np.maximum(a, b)
    first, second = shares * a + (1 - shares) * b, (1 - shares) * a + shares * b
    return np.clip(first, lower, upper), np.clip(second, lower, upper)  # rounding leads outside


@dataclass(frozen=True)
class Arithmetic:
    """Means of the parents: smooths, never leaves the region that the population spans, and so shrinks it.

    Goes with a mutation of large steps; ``blx_alpha`` keeps the population's spread.

    ``share``: of a child that is its first parent's, null for one drawn for each pair; ``prob``: chance that a pair is
    crossed at all.

    Source: Michalewicz 1992, "Genetic Algorithms + Data Structures = Evolution Programs".
    """

    share: Probability | None = None
    prob: Probability = 0.9
    genes: ClassVar[frozenset[str]] = frozenset({"real_vector"})

    def build(self, context: Context) -> PairsAtOnce:
        return PairsAtOnce(lambda a, b, rng: arithmetic_crossover(a, b, share=self.share, rng=rng), self.prob)
