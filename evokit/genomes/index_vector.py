"""Vectors of choices: gene i picks one of ``sizes[i]``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from evokit.common.readonly import readonly
from evokit.genomes.array import ArrayGenome
from evokit.interfaces import Context
from evokit.mutation.reset import reset_mutation
from evokit.options import Count


class IndexVector(ArrayGenome):
    """Genes are ``(n_genes,)`` int64, gene i in ``0..sizes[i] - 1``.

    Args:
        sizes: Number of choices of each gene, at least 1.

    Raises:
        ValueError: There is no gene, or one without a choice.

    >>> IndexVector([3, 2]).from_json([2, 2])
    Traceback (most recent call last):
    ...
    ValueError: genes[1]: must be an integer in 0..1, got 2
    """

    genes: ClassVar[str] = "index_vector"
    phenotype: ClassVar[str] = "indices"
    dtype = np.int64

    def __init__(self, sizes: Sequence[int]) -> None:
        super().__init__(len(sizes))
        self.sizes = tuple(int(size) for size in sizes)
        for position, size in enumerate(self.sizes):
            if size < 1:
                raise ValueError(f"sizes[{position}]: must be at least 1, got {size}")
        self._ends = np.array(self.sizes)

    def random(self, rng: np.random.Generator) -> np.ndarray:
        """Each gene uniform over its own choices, ``(n_genes,)`` int64, read-only."""
        return readonly(rng.integers(self._ends))

    def mutate(self, genes: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Redraw each gene with probability ``1 / n_genes``."""
        return reset_mutation(genes, genome=self, prob=1 / self.n_genes, rng=rng)

    def from_json(self, data: Any) -> np.ndarray:
        """Genes from a list of integers. Raises ``ValueError``: wrong length, type or range."""
        return self._parsed(data, self._problem)

    def _problem(self, position: int, value: Any) -> str:
        size = self.sizes[position]
        good = type(value) is int and 0 <= value < size
        return "" if good else f"must be an integer in 0..{size - 1}"


@dataclass(frozen=True)
class IndexVectorOptions:
    """``length`` genes with ``choices`` each, or ``sizes``: the number of choices gene by gene.

    Raises:
        ValueError: Neither or both ways are used.
    """

    length: Count | None = None
    choices: Count | None = None
    sizes: tuple[Count, ...] = ()
    genes: ClassVar[str] = IndexVector.genes
    phenotype: ClassVar[str] = IndexVector.phenotype

    def __post_init__(self) -> None:
        uniform = (self.length is not None, self.choices is not None)
        if self.sizes and any(uniform):
            raise ValueError("give either length and choices or sizes, not both")
        if not self.sizes and not all(uniform):
            raise ValueError("give length and choices, or sizes")

    def build(self, context: Context) -> IndexVector:
        if self.length is None or self.choices is None:
            return IndexVector(self.sizes)
        return IndexVector([self.choices] * self.length)
