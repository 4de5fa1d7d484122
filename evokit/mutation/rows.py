"""Mutations of many genes at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from evokit.common.readonly import readonly


@dataclass(frozen=True)
class RowsAtOnce:
    """A mutation of whole populations; called, it mutates one individual's genes.

    Args:
        rows: ``(n, n_genes)`` genes, which it leaves unchanged, and a generator to mutated genes of the same shape.
    """

    rows: Callable[[np.ndarray, np.random.Generator], np.ndarray]

    def __call__(self, genes: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        return readonly(self.rows(genes[None], rng)[0])
