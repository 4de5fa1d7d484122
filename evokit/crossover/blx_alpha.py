"""Blend crossover (BLX-alpha) inside bounds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from evokit.common.bounds import reflected
from evokit.crossover.pairs import PairsAtOnce, within
from evokit.interfaces import Context
from evokit.options import NonNegative, Probability


def blend_crossover(
    a: np.ndarray, b: np.ndarray, *, low: np.ndarray, high: np.ndarray, alpha: float = 0.5, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Draw each gene uniformly from the interval between its parents', made longer at both ends.

    Args:
        a: ``(n, n_genes)`` float64 parents within the bounds; left unchanged.
        b: Other parents of the same shape; left unchanged.
        low: ``(n_genes,)`` lower bounds.
        high: ``(n_genes,)`` upper bounds, above ``low``.
        alpha: At least 0: by what part of its length the interval grows at each end.
        rng: One draw a gene; the second child mirrors the first at the middle of the interval.

    Returns:
        Two ``(n, n_genes)`` arrays within the bounds; what lies beyond one is folded back as between mirrors.

    Source: Eshelman and Schaffer 1993, "Real-Coded Genetic Algorithms and Interval-Schemata"; two children as in DEAP's
    ``cxBlend``.
    """
    gamma = (1 + 2 * alpha) * rng.random(a.shape) - alpha
    first, second = (1 - gamma) * a + gamma * b, gamma * a + (1 - gamma) * b
    return reflected(first, low, high), reflected(second, low, high)


@dataclass(frozen=True)
class BLXAlpha:
    """Genes drawn from around and between those of the parents: wide steps while parents differ, small ones later.

    Treats each gene alone, as ``simulated_binary`` does, which stays nearer to the parents.

    ``alpha``: by what part of its length the interval between two genes grows at each end. Without selection 0.366
    keeps the variance of a population, 0.5, the paper's, makes it a sixth larger with each generation; ``prob``: chance
    that a pair is crossed at all.

    Source: Eshelman and Schaffer 1993, "Real-Coded Genetic Algorithms and Interval-Schemata".
    """

    alpha: NonNegative = 0.5
    prob: Probability = 0.9
    genes: ClassVar[frozenset[str]] = frozenset({"real_vector"})

    def build(self, context: Context) -> PairsAtOnce:
        return within(context.genome, blend_crossover, self.prob, alpha=self.alpha)
