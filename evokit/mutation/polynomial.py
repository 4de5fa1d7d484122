"""Polynomial mutation inside bounds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from evokit.common.readonly import readonly
from evokit.interfaces import Context
from evokit.mutation.rows import RowsAtOnce
from evokit.options import Positive, Probability


def polynomial_mutation(
    genes: np.ndarray,
    *,
    low: np.ndarray,
    high: np.ndarray,
    prob: float,
    eta: float = 20.0,
    rng: np.random.Generator,
) -> np.ndarray:
    """Move each gene with probability ``prob`` by a step that is mostly small and never leaves the bounds.

    Args:
        genes: ``(n_genes,)`` or ``(n, n_genes)`` float64 within the bounds; left unchanged.
        low: ``(n_genes,)`` lower bounds.
        high: ``(n_genes,)`` upper bounds, above ``low``.
        prob: Chance in [0, 1] that a gene moves.
        eta: Above 0; the larger, the smaller the steps.
        rng: Two draws a gene: whether it moves, and how far.

    Returns:
        Read-only genes of the same shape within the bounds; those that do not move keep their bits.

    Source: Deb and Goyal 1996, "A Combined Genetic Adaptive Search (GeneAS) for Engineering Design"; with bounds as in
    Deb's code of NSGA-II and in DEAP's ``mutPolynomialBounded``.
    """
    moves, draw = rng.random((2, *genes.shape))
    places = np.flatnonzero(moves <= prob)
    columns = places % genes.shape[-1]
    here, draw, low, high = genes.take(places), draw.take(places), low[columns], high[columns]
    span = high - low
    down = draw < 0.5
    room = np.where(down, here - low, high - here) / span
    inner = np.where(down, 2 * draw, 2 * (1 - draw))
    step = (inner + (1 - inner) * (1 - room) ** (eta + 1)) ** (1 / (eta + 1)) - 1
    moved = genes.copy()
    moved.put(places, np.clip(here + np.where(down, step, -step) * span, low, high))
    return readonly(moved)


@dataclass(frozen=True)
class Polynomial:
    """Steps that are mostly small and reach the bounds at most; goes with ``simulated_binary``.

    ``eta``: the larger, the smaller the steps (10 to 100); ``prob``: chance that a gene moves, one over the number of
    genes if not given.
    """

    prob: Probability | None = None
    eta: Positive = 20.0
    genes: ClassVar[frozenset[str]] = frozenset({"real_vector"})

    def build(self, context: Context) -> RowsAtOnce:
        low, high = context.genome.low, context.genome.high
        prob = 1 / len(low) if self.prob is None else self.prob
        return RowsAtOnce(
            lambda genes, rng: polynomial_mutation(genes, low=low, high=high, prob=prob, eta=self.eta, rng=rng)
        )
