"""Mutations of many genes at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from evokit.common.readonly import readonly

Rows = Callable[[np.ndarray, np.random.Generator], np.ndarray]


@dataclass(frozen=True)
class RowsAtOnce:
    """A mutation of whole populations; called, it mutates one individual's genes.

    Args:
        rows: ``(n, n_genes)`` genes, which it leaves unchanged, and a generator to mutated genes of the same shape.
    """

    rows: Rows

    def __call__(self, genes: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        return readonly(self.rows(genes[None], rng)[0])


def some_rows(rows: Rows, prob: float) -> RowsAtOnce:
    """A mutation of each individual with probability ``prob``; one draw an individual comes before all others."""

    def mutate(genes: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        chosen = rng.random(len(genes)) < prob
        mutants = genes.copy()
        if chosen.any():
            mutants[chosen] = rows(genes[chosen], rng)
        return mutants

    return RowsAtOnce(mutate)
