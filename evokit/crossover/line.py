"""Crossover along the line through both parents."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from evokit.crossover.pairs import PairsAtOnce, within
from evokit.interfaces import Context
from evokit.options import Positive, Probability


def line_crossover(
    a: np.ndarray, b: np.ndarray, *, low: np.ndarray, high: np.ndarray, sigma: float = 0.2, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Move each parent along the line to the other one, by a normal share of their distance.

    Args:
        a: ``(n, n_genes)`` float64 parents within the bounds; left unchanged.
        b: Other parents of the same shape; left unchanged.
        low: ``(n_genes,)`` lower bounds.
        high: ``(n_genes,)`` upper bounds, above ``low``.
        sigma: Standard deviation of the share.
        rng: One draw for each child.

    Returns:
        Two ``(n, n_genes)`` arrays within the bounds; what lies beyond one stops there.

    Source: Vassiliades and Mouret 2018, "Discovering the Elite Hypervolume by Leveraging Interspecies Correlation",
    the second part of its operator.
    """
    shares = sigma * rng.standard_normal((2, len(a), 1))
    return np.clip(a + shares[0] * (b - a), low, high), np.clip(b + shares[1] * (a - b), low, high)


@dataclass(frozen=True)
class Line:
    """Steps along the line through both parents: near the first one, in directions in which good individuals differ.

    With mutation ``{name: gaussian, prob: 1, sigma: 0.01}`` it is the usual operator of ``map_elites`` for real
    numbers (Iso+LineDD), whose elites lie together on a small part of the space that mutation alone soon leaves.

    ``sigma``: standard deviation of a step as a share of the parents' distance; ``prob``: chance that a pair is crossed
    at all.

    Source: Vassiliades and Mouret 2018, "Discovering the Elite Hypervolume by Leveraging Interspecies Correlation".
    """

    sigma: Positive = 0.2
    prob: Probability = 1.0
    genes: ClassVar[frozenset[str]] = frozenset({"real_vector"})

    def build(self, context: Context) -> PairsAtOnce:
        return within(context.genome, line_crossover, self.prob, sigma=self.sigma)
