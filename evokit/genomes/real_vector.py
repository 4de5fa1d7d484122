"""Vectors of real numbers between bounds."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import ArrayLike

from evokit.common.readonly import readonly
from evokit.genomes.array import ArrayGenome
from evokit.interfaces import Context
from evokit.mutation.gaussian import gaussian_mutation
from evokit.options import Count, added


class RealVector(ArrayGenome):
    """Genes are ``(n_genes,)`` floats, gene i in ``low[i]..high[i]``.

    Args:
        low: Lower bounds, one number or ``(n,)``.
        high: Upper bounds, one number or ``(n,)``.
        n: Number of genes.
        dtype: Of genes and bounds, float64 or float32.

    Raises:
        ValueError: There is no gene, a bound is not finite, or a lower bound is not below its upper one.
    """

    genes: ClassVar[str] = "real_vector"
    phenotype: ClassVar[str] = "vector"

    def __init__(self, low: ArrayLike, high: ArrayLike, n: int, dtype: type = np.float64) -> None:
        super().__init__(n)
        self.dtype = dtype
        self.low = _bounds("low", low, n, dtype)
        self.high = _bounds("high", high, n, dtype)
        if not (self.low < self.high).all():
            raise ValueError(f"low: must be below high, got {self.low.tolist()} and {self.high.tolist()}")

    def encode(self, genes: np.ndarray) -> np.ndarray:
        """Features for a surrogate, ``(n_genes,)`` float32 in [0, 1]: where each gene lies between its bounds."""
        low, high = self.low.astype(float), self.high.astype(float)
        features: np.ndarray = (genes - low) / (high - low)
        return features.astype(np.float32)

    def random(self, rng: np.random.Generator) -> np.ndarray:
        """Each gene uniform between its bounds, ``(n_genes,)``, read-only."""
        return readonly(rng.uniform(self.low, self.high).astype(self.dtype, copy=False))

    def mutate(self, genes: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Move each gene with probability ``1 / n_genes`` by a normal step of a tenth of its range."""
        sigma = 0.1 * (self.high - self.low)
        return gaussian_mutation(genes, low=self.low, high=self.high, sigma=sigma, prob=1 / self.n_genes, rng=rng)

    def from_json(self, data: Any) -> np.ndarray:
        """Genes from a list of numbers. Raises ``ValueError``: wrong length, type or range, or not finite."""
        return self._parsed(data, self._problem)

    def _problem(self, position: int, value: Any) -> str:
        low, high = float(self.low[position]), float(self.high[position])
        good = type(value) in (int, float) and low <= value <= high
        return "" if good else f"must be a number in {low!r}..{high!r}"


def _bounds(name: str, values: ArrayLike, n: int, dtype: type) -> np.ndarray:
    with np.errstate(over="ignore"):
        given: np.ndarray = np.asarray(values, dtype=np.float64).astype(dtype)
    if given.shape not in ((), (n,)):
        raise ValueError(f"{name}: must be one number or {n}, got shape {given.shape}")
    if not np.isfinite(given).all():
        raise ValueError(f"{name}: must be finite, got {given.tolist()}")
    return readonly(np.broadcast_to(given, (n,)).copy())


@dataclass(frozen=True)
class RealVectorOptions:
    """``length`` numbers between ``low`` and ``high``, each one number for all or a list of one for each.

    ``dtype: float32`` is for many, such as the weights of a network: genes of half the size.

    Raises:
        ValueError: A bound is not finite, or ``low`` is not below ``high``.
    """

    length: Count
    low: float | tuple[float, ...] = -1.0
    high: float | tuple[float, ...] = 1.0
    dtype: Literal["float64", "float32"] = added("float64")
    genes: ClassVar[str] = RealVector.genes
    phenotype: ClassVar[str] = RealVector.phenotype

    def __post_init__(self) -> None:
        numbers = isinstance(self.low, float | int) and isinstance(self.high, float | int)
        if numbers and not (math.isfinite(self.high - self.low) and self.low < self.high):  # type: ignore[operator]
            raise ValueError(
                f"low and high: must be finite, their difference too, with low below high, got {self.low} and "
                f"{self.high}"
            )

    def build(self, context: Context) -> RealVector:
        return RealVector(self.low, self.high, self.length, np.dtype(self.dtype).type)
