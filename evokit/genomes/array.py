"""What genomes have in common whose genes are one array."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar, Literal

import numpy as np

from evokit.common.readonly import readonly
from evokit.crossover.uniform import uniform_crossover

SHOWN = 20  # genes in a report


class ArrayGenome(ABC):
    """Genes are one read-only ``(n_genes,)`` array of ``dtype``; the phenotype is that array unless a subclass says.

    Args:
        n_genes: Length, at least 1.

    Raises:
        ValueError: ``n_genes`` is below 1.
    """

    genes: ClassVar[str]  # the kind that operators name in their own ``genes``
    phenotype: ClassVar[str]  # the kind that ``express`` makes
    dtype: type

    def __init__(self, n_genes: int) -> None:
        if n_genes < 1:
            raise ValueError(f"length: must be at least 1, got {n_genes}")
        self.n_genes = n_genes

    @abstractmethod
    def random(self, rng: np.random.Generator) -> np.ndarray:
        """Genes drawn uniformly, ``(n_genes,)``, read-only."""

    @abstractmethod
    def mutate(self, genes: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """The ``own`` mutation: one gene changes on average."""

    @abstractmethod
    def from_json(self, data: Any) -> np.ndarray:
        """Genes from what ``to_json`` gave. Raises ``ValueError`` that says what is wrong with ``data``."""

    def crossover(self, a: np.ndarray, b: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """The ``own`` crossover: uniform, each gene with probability one half."""
        return uniform_crossover(a, b, rng=rng)

    def express(self, genes: np.ndarray) -> Any:
        """The phenotype: the genes themselves."""
        return genes

    def to_json(self, genes: np.ndarray) -> list[Any]:
        """Genes as a list of numbers, exact."""
        values: list[Any] = genes.tolist()
        return values

    def show(self, genes: np.ndarray) -> str:
        """The genes as a report shows them: their numbers, of many the first."""
        shown = " ".join(f"{value:.6g}" for value in genes[:SHOWN].tolist())
        return shown if len(genes) <= SHOWN else f"{shown} … ({len(genes):,} in all)"

    def canonical(self, genes: np.ndarray) -> np.ndarray:
        """The same values in the one type that keys are made of; read-only.

        A negative zero becomes zero, which it equals and whose bytes are others.

        Raises:
            TypeError: The values may not fit that type, such as floats for an index vector.
        """
        casting: Literal["safe", "same_kind"] = "same_kind" if issubclass(self.dtype, np.floating) else "safe"
        same: np.ndarray = genes.astype(self.dtype, casting=casting, copy=False)
        return readonly(same + 0.0) if same.dtype.kind == "f" else same

    def canonical_rows(self, genes: np.ndarray) -> np.ndarray:
        """``canonical`` of each row of ``(n, n_genes)``."""
        if type(self).canonical is ArrayGenome.canonical:
            return self.canonical(genes)
        return np.stack([self.canonical(row) for row in genes])

    def encode(self, genes: np.ndarray) -> np.ndarray:
        """Features for a surrogate, ``(n_genes,)`` float32."""
        return genes.astype(np.float32)

    def _parsed(self, data: Any, problem: Callable[[int, Any], str]) -> np.ndarray:
        """``data`` as genes; ``problem(position, value)`` is the text of a bad gene's error, empty for a good gene."""
        if not isinstance(data, list):
            raise ValueError(f"genes: must be a list, got {type(data).__name__}")
        if len(data) != self.n_genes:
            raise ValueError(f"genes: must be {self.n_genes} values, got {len(data)}")
        for position, value in enumerate(data):
            if text := problem(position, value):
                raise ValueError(f"genes[{position}]: {text}, got {value!r}")
        return readonly(np.array(data, dtype=self.dtype))
