"""Gaussian mutation inside bounds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np

from evokit.common.bounds import reflected
from evokit.common.readonly import readonly
from evokit.interfaces import Context
from evokit.options import Positive, Probability


def gaussian_mutation(
    genes: np.ndarray,
    *,
    low: np.ndarray,
    high: np.ndarray,
    sigma: float | np.ndarray,
    prob: float,
    rng: np.random.Generator,
    bounds: Literal["reflect", "clip"] = "reflect",
) -> np.ndarray:
    """Add a normal step to each gene with probability ``prob``.

    Args:
        genes: ``(n_genes,)`` float64 within the bounds; left unchanged.
        low: ``(n_genes,)`` lower bounds.
        high: ``(n_genes,)`` upper bounds, above ``low``.
        sigma: Standard deviation in the genes' own unit, one number or ``(n_genes,)``.
        prob: Chance in [0, 1] that a gene moves.
        rng: Decides which genes, one draw each, then draws a step for every gene.
        bounds: What becomes of a step beyond a bound: ``reflect`` folds it back as between mirrors, ``clip`` stops
            it there, which piles genes up at the bounds.

    Returns:
        Read-only ``(n_genes,)`` genes within the bounds; those that do not move keep their bits.
    """
    moves = rng.random(genes.shape) < prob
    target = genes + sigma * rng.standard_normal(genes.shape)
    target = reflected(target, low, high) if bounds == "reflect" else np.clip(target, low, high)
    return readonly(np.where(moves, target, genes))


@dataclass(frozen=True)
class Gaussian:
    """Normal steps.

    ``sigma``: their standard deviation, as a fraction of each gene's range unless ``relative`` is false;
    ``prob``: chance that a gene moves, one over the number of genes if not given; ``bounds``: ``reflect`` or ``clip``.
    """

    sigma: Positive = 0.1
    relative: bool = True
    prob: Probability | None = None
    bounds: Literal["reflect", "clip"] = "reflect"
    genes: ClassVar[frozenset[str]] = frozenset({"real_vector"})

    def build(self, context: Context) -> Callable[[Any, np.random.Generator], Any]:
        low, high = context.genome.low, context.genome.high
        sigma = self.sigma * (high - low) if self.relative else self.sigma
        prob = 1 / len(low) if self.prob is None else self.prob
        return lambda genes, rng: gaussian_mutation(
            genes, low=low, high=high, sigma=sigma, prob=prob, rng=rng, bounds=self.bounds
        )
