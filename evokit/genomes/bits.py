"""Vectors of bits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from evokit.common.readonly import readonly
from evokit.genomes.array import ArrayGenome
from evokit.interfaces import Context
from evokit.mutation.bit_flip import bit_flip
from evokit.options import Count


class Bits(ArrayGenome):
    """Genes are ``(n_genes,)`` bool; in JSON they are 0 and 1.

    Args:
        n: Number of genes.

    Raises:
        ValueError: There is no gene.
    """

    genes: ClassVar[str] = "bits"
    phenotype: ClassVar[str] = "bits"
    dtype = np.bool_

    def __init__(self, n: int) -> None:
        super().__init__(n)

    def random(self, rng: np.random.Generator) -> np.ndarray:
        """Fair bits, ``(n_genes,)`` bool, read-only."""
        return readonly(rng.random(self.n_genes) < 0.5)

    def mutate(self, genes: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Flip each bit with probability ``1 / n_genes``."""
        return bit_flip(genes, prob=1 / self.n_genes, rng=rng)

    def to_json(self, genes: np.ndarray) -> list[Any]:
        """Genes as a list of 0 and 1."""
        return super().to_json(genes.astype(int))

    def from_json(self, data: Any) -> np.ndarray:
        """Genes from a list of 0 and 1. Raises ``ValueError``: wrong length or another value."""
        return self._parsed(data, lambda _, value: "" if type(value) is int and value in (0, 1) else "must be 0 or 1")


@dataclass(frozen=True)
class BitsOptions:
    """``length`` bits."""

    length: Count
    genes: ClassVar[str] = Bits.genes
    phenotype: ClassVar[str] = Bits.phenotype

    def build(self, context: Context) -> Bits:
        return Bits(self.length)
