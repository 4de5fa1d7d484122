"""Bit-flip mutation with a heavy-tailed rate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
from annotated_types import Gt

from evokit.interfaces import Context
from evokit.mutation.rows import RowsAtOnce


def heavy_tailed_flips(genes: np.ndarray, *, beta: float = 1.5, rng: np.random.Generator) -> np.ndarray:
    """Flip each bit of a row with the row's own probability: a power-law number over the number of bits.

    Args:
        genes: ``(n, n_genes)`` bool; left unchanged.
        beta: Above 1: a row's number is ``k`` in ``1..n_genes / 2`` with probability in proportion to ``k ** -beta``.
        rng: One draw a row for its number, then one a gene.

    Source: Doerr, Le, Makhmara and Nguyen 2017, "Fast Genetic Algorithms", section 4.
    """
    n, n_genes = genes.shape
    shares = np.cumsum(np.arange(1.0, max(n_genes // 2, 1) + 1) ** -beta)
    numbers = 1 + np.searchsorted(shares, rng.random(n) * shares[-1], side="right")
    flips: np.ndarray = genes ^ (rng.random(genes.shape) < numbers[:, None] / n_genes)
    return flips


@dataclass(frozen=True)
class HeavyTailed:
    """Mostly one bit or none flips, now and then many: leaves local optima that ``bit_flip`` cannot, at little cost.

    The first choice for bits when nothing is known of the problem.

    ``beta``: how fast large rates become rare; the paper's is 1.5.

    Source: Doerr, Le, Makhmara and Nguyen 2017, "Fast Genetic Algorithms".
    """

    beta: Annotated[float, Gt(1)] = 1.5
    genes: ClassVar[frozenset[str]] = frozenset({"bits"})

    def build(self, context: Context) -> RowsAtOnce:
        return RowsAtOnce(lambda genes, rng: heavy_tailed_flips(genes, beta=self.beta, rng=rng))
