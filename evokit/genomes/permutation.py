"""Permutations: orders, tours, assignments."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import numpy as np
from annotated_types import Ge

from evokit.common.places import places_of
from evokit.common.readonly import readonly
from evokit.crossover.order import order_rows
from evokit.genomes.array import ArrayGenome
from evokit.interfaces import Context
from evokit.mutation.inversion import inversion_mutation


class Permutation(ArrayGenome):
    """Genes are ``(n_genes,)`` int64, each of ``0..n_genes - 1`` once.

    Args:
        n: Number of genes, at least 2.

    Raises:
        ValueError: ``n`` is below 2.
    """

    genes: ClassVar[str] = "permutation"
    phenotype: ClassVar[str] = "permutation"
    dtype = np.int64

    def __init__(self, n: int) -> None:
        if n < 2:
            raise ValueError(f"length: must be at least 2, got {n}")
        super().__init__(n)

    def random(self, rng: np.random.Generator) -> np.ndarray:
        """Any permutation, each as likely, ``(n_genes,)`` int64, read-only."""
        return readonly(rng.permutation(self.n_genes))

    def crossover(self, a: np.ndarray, b: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """The ``own`` crossover: order crossover."""
        first, second = order_rows(a[None], b[None], rng=rng)
        return readonly(first[0]), readonly(second[0])

    def mutate(self, genes: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """The ``own`` mutation: a stretch turned round."""
        return readonly(inversion_mutation(genes[None], rng=rng)[0])

    def from_json(self, data: Any) -> np.ndarray:
        """Genes from a list of integers. Raises ``ValueError``: wrong length, type or range, or one is there twice."""
        seen: set[int] = set()

        def problem(_: int, value: Any) -> str:
            if type(value) is not int or not 0 <= value < self.n_genes:
                return f"must be an integer in 0..{self.n_genes - 1}"
            twice = value in seen
            seen.add(value)
            return "must be there once" if twice else ""

        return self._parsed(data, problem)

    def encode(self, genes: np.ndarray) -> np.ndarray:
        """Features for a surrogate, ``(n_genes,)`` float32 in [0, 1): where each item stands."""
        features: np.ndarray = places_of(genes[None])[0] / self.n_genes
        return features.astype(np.float32)


@dataclass(frozen=True)
class PermutationOptions:
    """The numbers from 0 to ``length`` - 1 in any order: a tour, a schedule, an assignment.

    Brings order crossover and inversion as its ``own`` operators. Which ones fit best depends on what the order means:
    edges (``edge``, ``inversion``), who is before whom (``order``, ``insertion``) or who has which place (``pmx``,
    ``swap``).
    """

    length: Annotated[int, Ge(2)]
    genes: ClassVar[str] = Permutation.genes
    phenotype: ClassVar[str] = Permutation.phenotype

    def build(self, context: Context) -> Permutation:
        return Permutation(self.length)
