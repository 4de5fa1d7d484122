"""Crossover at several cut points."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from evokit.crossover.pairs import PairsAtOnce
from evokit.interfaces import Context
from evokit.options import Count, Probability


def n_point_crossover(
    a: np.ndarray, b: np.ndarray, *, points: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Swap every second one of the stretches between cut points.

    Args:
        a: ``(n, n_genes)`` parents; left unchanged.
        b: Other parents of the same shape; left unchanged.
        points: Cuts of a pair, in ``1..n_genes - 1``.
        rng: Draws different cuts between neighbouring genes, each set of them as likely.

    Returns:
        Two ``(n, n_genes)`` arrays; the first child begins as ``a`` does.

    Source: De Jong 1975, "An Analysis of the Behavior of a Class of Genetic Adaptive Systems".
    """
    cuts = np.broadcast_to(np.arange(a.shape[1] - 1) < points, (len(a), a.shape[1] - 1))
    swap = np.zeros(a.shape, bool)
    swap[:, 1:] = rng.permuted(cuts, axis=1).cumsum(axis=1) % 2 == 1
    return np.where(swap, b, a), np.where(swap, a, b)


@dataclass(frozen=True)
class NPoint:
    """Swap stretches between cuts: neighbouring genes stay together, the more so the fewer the cuts.

    For genes whose neighbours belong together; where order means nothing, ``uniform``.

    ``points``: number of cuts; ``prob``: chance that a pair is crossed at all.

    Source: De Jong 1975, "An Analysis of the Behavior of a Class of Genetic Adaptive Systems".

    Raises:
        ValueError: In ``build``: there are not as many places to cut at.
    """

    points: Count = 3
    prob: Probability = 0.75
    genes: ClassVar[frozenset[str]] = frozenset({"index_vector", "real_vector", "bits"})

    def build(self, context: Context) -> PairsAtOnce:
        n_genes = context.genome.n_genes
        if self.points > n_genes - 1:
            raise ValueError(f"points ({self.points}): {n_genes} genes can be cut at {n_genes - 1} places at most")
        return PairsAtOnce(lambda a, b, rng: n_point_crossover(a, b, points=self.points, rng=rng), self.prob)
